"""Who is routed where, by hand: the three kinds of teams, lines, shares and the rule that decided."""

from __future__ import annotations

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.outcome.routing import reason_table, routing_of_division, serving_line, special_shares

OFFICES = pd.Series({"V": "Venlo", "W": "Weert", "A": "Almere", "P": "Goes", "K1": "Haarlem", "K2": "Zwolle"})
GROUPS = ("regulier", "militair", "klm", "politie")
SPECIAL = pd.DataFrame(
    [("klm", "K1", 0.25), ("klm", "K2", 0.75), ("politie", "K2", 1.0), ("militair", "K1", 1.0)],
    columns=["client_group", "team_id", "share"],
)


def division() -> pd.DataFrame:
    """1001 has a team per line, of vangnet two; 1002 has one team for both; P has the PW clients."""
    rows = [
        ("1001", "vangnet", "zw_wia", "V", 0.3), ("1001", "vangnet", "zw_wia", "A", 0.7),
        ("1001", "werkgever", "zw_wia", "W", 1.0), ("1002", "alle", "zw_wia", "A", 1.0),
        ("1001", "alle", "pw", "P", 1.0), ("1002", "alle", "pw", "P", 1.0),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["pc4", "client_line", "law_domain", "team_id", "share"])


def table(special_first: bool = False) -> pd.DataFrame:
    return routing_of_division(division(), GROUPS, SPECIAL, OFFICES, Config(special_first=special_first))


def teams(rows: pd.DataFrame, pc4: str, group: str, pw_client: bool, law: str, line: str) -> dict[str, float]:
    asked = {"pc4": pc4, "client_group": group, "pw_client": pw_client, "law": law, "client_line": line}
    mine = rows[(rows[list(asked)] == pd.Series(asked)).all(axis=1)]
    return dict(zip(mine["team_id"], mine["share"], strict=True))


@pytest.mark.parametrize(
    ("client", "who"),
    [
        (("1001", "regulier", False, "WIA", "vangnet"), {"A": 0.7, "V": 0.3}),
        (("1001", "regulier", False, "WIA", "werkgever"), {"W": 1.0}),
        (("1001", "regulier", False, "ZW", "werkgever"), {"A": 0.7, "V": 0.3}),  # ZW: the vangnet team (R16)
        (("1002", "regulier", False, "ZW", "werkgever"), {"A": 1.0}),
        (("1001", "regulier", True, "WIA", "werkgever"), {"P": 1.0}),  # every file of a PW client (R5)
        (("1001", "regulier", True, "ZW", "vangnet"), {"P": 1.0}),
        (("1001", "regulier", False, "PW", "werkgever"), {"P": 1.0}),  # also where a consumer does not say so
        (("1002", "klm", False, "WIA", "vangnet"), {"K1": 0.25, "K2": 0.75}),
        (("1002", "politie", False, "ZW", "werkgever"), {"K2": 1.0}),
    ],
)
def test_who_serves_whom(client: tuple[str, str, bool, str, str], who: dict[str, float]) -> None:
    assert teams(table(), *client) == who


@pytest.mark.parametrize(("special_first", "who"), [(False, {"P": 1.0}), (True, {"K1": 0.25, "K2": 0.75})])
def test_a_pw_client_of_a_special_group(special_first: bool, who: dict[str, float]) -> None:
    rows = table(special_first)
    assert teams(rows, "1001", "klm", True, "WIA", "vangnet") == who
    assert teams(rows, "1001", "klm", False, "PW", "vangnet") == who
    assert teams(rows, "1001", "klm", False, "WIA", "vangnet") == {"K1": 0.25, "K2": 0.75}


@pytest.mark.parametrize("special_first", [False, True])
def test_every_combination_has_shares_that_sum_to_one(special_first: bool) -> None:
    """2 postcodes x 4 groups x PW client or not x 3 laws x 2 lines."""
    rows = table(special_first)
    sums = rows.groupby(["pc4", "client_group", "pw_client", "law", "client_line"])["share"].sum()
    assert len(sums) == 2 * 4 * 2 * 3 * 2
    assert sums.to_numpy() == pytest.approx(1.0)
    assert (rows["office"] == rows["team_id"].map(OFFICES)).all()
    assert rows["pc6_from"].isna().all()


def test_the_line_that_serves() -> None:
    served = {(law, line): serving_line(law, line) for law in ("ZW", "WIA", "PW") for line in ("vangnet", "werkgever")}
    assert served == {
        ("ZW", "vangnet"): "vangnet", ("ZW", "werkgever"): "vangnet", ("WIA", "vangnet"): "vangnet",
        ("WIA", "werkgever"): "werkgever", ("PW", "vangnet"): "vangnet", ("PW", "werkgever"): "werkgever",
    }  # fmt: skip


def test_special_teams_share_a_group_by_their_hours() -> None:
    """klm: K1 300 and K2 900 hours; politie: K2 alone, for L has none; a regular team counts in no group."""
    rows = pd.DataFrame(
        [
            ("K1", "bijzonder", "klm"),
            ("K2", "bijzonder", "klm|politie"),
            ("L", "bijzonder", "politie"),
            ("W", "regulier", "klm"),
        ],
        columns=["team_id", "kind", "client_groups"],
    )
    found = special_shares(rows, pd.Series({"K1": 300.0, "K2": 900.0, "L": 0.0, "W": 500.0}))
    assert {(row.client_group, row.team_id): row.share for row in found.itertuples()} == {
        ("klm", "K1"): 0.25, ("klm", "K2"): 0.75, ("politie", "K2"): 1.0,
    }  # fmt: skip


def test_the_rule_that_decided_a_postcode() -> None:
    """A pin says more than a split, a split more than the division; with one team there was nothing to decide."""
    rows = [
        ("1001", "split", "afspraak A", False), ("1001", None, None, False), ("1002", "pin", "afspraak B", False),
        ("1002", "split", "afspraak C", False), ("1003", None, None, False), ("1004", None, None, True),
    ]  # fmt: skip
    parts = pd.DataFrame(rows, columns=["pc4", "lock", "reason", "single"]).assign(
        client_line="alle", law_domain="zw_wia"
    )
    found = reason_table(parts).set_index("pc4")
    assert found["rule"].to_dict() == {"1001": "split", "1002": "pin", "1003": "verdeling", "1004": "enig_team"}
    assert found.loc["1001", "reason"] == "afspraak A"
    assert found.loc["1002", "reason"] == "afspraak B"
    assert found.loc["1004", "reason"] == "het enige team van de regio voor deze wet en lijn"


def test_a_country_without_special_teams_has_no_shares() -> None:
    """Columns as texts, as an input that was read has them."""
    regular = pd.DataFrame({"team_id": ["V"], "kind": ["regulier"], "client_groups": [""]}).astype("str")
    shares = special_shares(regular, pd.Series({"V": 1200.0}))
    assert shares.empty
    assert list(shares.columns) == ["client_group", "team_id", "share"]
