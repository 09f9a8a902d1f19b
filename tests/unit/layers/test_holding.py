"""Who holds a file and why a team may not keep one, on the toy country (see ``toy``), on 1 January 2026."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.intake.inputs import Inputs, load_inputs
from allocation.layers.holding import Reason, Roster, held_files, stays, whole_clients
from allocation.layers.work import served_by
from allocation.outcome.in_force import no_files
from tests.support import recount, toy
from tests.support.examples import examples

DAY = date(2026, 1, 1)
CONFIG = Config()


def more_teams() -> pd.DataFrame:
    """The toy country's teams, and one for each way in which a team can be no team for a client."""
    second = {"client_lines": "vangnet", "valid_from": "2026-07-01"}
    added = [
        toy.team("VAN", "1", "1001", client_lines="vangnet"),
        toy.team("WIA", "1", "1001", laws="WIA"),
        toy.team("GONE", "1", "1001", valid_to="2025-12-31"),
        toy.team("LASTDAY", "1", "1001", valid_to="2026-01-01"),
        toy.team("LATER", "1", "1001", valid_from="2026-01-02"),
        toy.team("NODOC", "1", "1001", fte_verzekeringsarts="0"),
        toy.team("BACK", "1", "1001", valid_to="2025-06-30"),
        toy.team("BACK", "1", "1001", valid_from="2026-02-01"),
        toy.team("TURNS", "1", "1001", valid_to="2026-06-30"),
        toy.team("TURNS", "1", "1001", **second),
    ]
    return pd.concat([toy.tables()["teams"], pd.DataFrame(added)], ignore_index=True)


def loaded(folder: Path, **changed: pd.DataFrame) -> Inputs:
    return load_inputs(toy.write(folder, changed), toy.areas(), CONFIG)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """W2 is barred from 1005 altogether, W1 from the werkgeverslijn of 1002, O1 from 1003 until the day before."""
    locks = toy.locks(
        ("1005", "W2", "bar", "", ""), ("1002", "W1", "bar", "", "werkgever"), ("1003", "O1", "bar", "", "")
    )
    locks.loc[2, "valid_until"] = "2025-12-31"
    return loaded(tmp_path_factory.mktemp("in"), teams=more_teams(), locks=locks)


def refusal(
    inputs: Inputs, team: str, config: Config = CONFIG, **changes: Any
) -> Reason | None:  # fmt: skip
    file = {"team_id": team, "pc4": "1001", "region": 1, "client_group": "regulier", "pw_client": False,
            "law": "WIA", "line": "vangnet"} | changes  # fmt: skip
    rows = pd.DataFrame([file])
    rows["serves"] = served_by(rows, config)
    found = Roster.of(inputs, DAY, config).refusal(rows).iloc[0]
    return None if pd.isna(found) else Reason(found)


@pytest.mark.parametrize(
    ("team", "client", "reason"),
    [
        ("W1", {}, None),
        ("NEVER", {}, Reason.ENDED),  # in no team list: it was there when the file was counted
        ("GONE", {}, Reason.ENDED),
        ("LASTDAY", {}, None),
        ("LATER", {}, Reason.NOT_STARTED),
        ("BACK", {}, Reason.NOT_STARTED),  # it had an earlier period
        ("NODOC", {}, Reason.NO_PHYSICIAN),
        ("W1", {"client_group": "klm"}, Reason.SPECIAL_GROUP),
        ("M1", {"client_group": "klm"}, Reason.SPECIAL_GROUP),
        ("K1", {"client_group": "klm"}, None),
        ("K1", {"client_group": "klm", "region": 2, "pc4": "1004"}, None),  # of the whole country
        ("P1", {"client_group": "klm"}, Reason.SPECIAL_GROUP),
        ("W1", {"pw_client": True}, Reason.PW_CLIENT),
        ("K1", {"pw_client": True}, Reason.PW_CLIENT),
        ("P1", {"pw_client": True}, None),  # a WIA file of a PW client is with the PW team (R5)
        ("P1", {"pw_client": True, "law": "PW"}, None),
        ("P1", {}, Reason.OTHER_CLIENTS),
        ("K1", {}, Reason.OTHER_CLIENTS),
        ("WIA", {"law": "ZW"}, Reason.LAW),
        ("WIA", {}, None),
        ("VAN", {"line": "werkgever"}, Reason.LINE),
        ("VAN", {}, None),
        ("TURNS", {"line": "werkgever"}, None),  # until July it serves both
        ("W1", {"region": 2, "pc4": "1004"}, Reason.REGION),
        ("O1", {"region": 2, "pc4": "1004"}, None),
        ("P1", {"pw_client": True, "region": 2, "pc4": "1004"}, None),
        ("W2", {"pc4": "1005"}, Reason.BARRED),
        ("W2", {"pc4": "1005", "line": "werkgever"}, Reason.BARRED),
        ("W1", {"pc4": "1005"}, None),
        ("W1", {"pc4": "1002", "line": "werkgever"}, Reason.BARRED),
        ("W1", {"pc4": "1002"}, None),  # barred for the other line
        ("O1", {"pc4": "1003", "region": 2}, None),  # the bar has ended
        ("GONE", {"client_group": "klm", "pw_client": True}, Reason.ENDED),  # what no other team can mend comes first
    ],
)  # fmt: skip
def test_why_a_team_may_not_keep_a_file(
    inputs: Inputs, team: str, client: dict[str, Any], reason: Reason | None
) -> None:
    assert refusal(inputs, team, **client) == reason


@pytest.mark.parametrize(
    ("special_first", "team", "reason"),
    [
        (False, "P1", None),
        (False, "K1", Reason.PW_CLIENT),
        (True, "K1", None),
        (True, "P1", Reason.SPECIAL_GROUP),
    ],
)
def test_who_keeps_a_pw_client_of_a_special_group_is_a_setting(
    inputs: Inputs, special_first: bool, team: str, reason: Reason | None
) -> None:
    config = Config(special_first=special_first)
    assert refusal(inputs, team, config, client_group="klm", pw_client=True) == reason


def test_a_team_serves_the_regions_that_its_own_is_in_a_cluster_with(tmp_path: Path) -> None:
    both = pd.DataFrame({"cluster": ["Samen", "Samen"], "arbeidsmarktregio": ["1", "Oost"]})
    assert refusal(loaded(tmp_path, clusters=both), "W1", region=2, pc4="1004") is None


def test_several_files_at_once_have_each_their_own_reason(inputs: Inputs) -> None:
    """Also where two differ in the postcode alone."""
    rows = pd.DataFrame(
        [("W2", "1005", 1), ("GONE", "1005", 1), ("W2", "1006", 1), ("W2", "1004", 2)],
        columns=["team_id", "pc4", "region"],
        index=[7, 3, 5, 1],
    ).assign(client_group="regulier", law="WIA", line="vangnet", serves="zw_wia")
    found = Roster.of(inputs, DAY, CONFIG).refusal(rows)
    assert found[[7, 3, 1]].tolist() == [Reason.BARRED, Reason.ENDED, Reason.REGION]
    assert pd.isna(found[5])


def whole(rows: list[tuple[str, str, int, float]]) -> dict[tuple[str, str], int]:
    frame = pd.DataFrame(rows, columns=["unit", "team", "clients", "part"])
    found = whole_clients(frame, ["unit"], ["team"])
    assert list(found.columns) == list(frame.columns)
    return {(row.unit, row.team): row.clients for row in found.itertuples()}


def test_clients_in_whole_numbers_by_largest_remainder() -> None:
    """Of 7: 3.5, 2.1 and 1.4 are 3, 2 and 1 whole; the one left goes to the .5. Of 9: 4.05, 2.7, 2.25: the .7."""
    parts = {"a": (7, 0.5, 0.3, 0.2), "b": (9, 0.45, 0.3, 0.25)}
    rows = [(unit, team, of[0], of[at]) for unit, of in parts.items() for at, team in ((3, "Z"), (1, "X"), (2, "Y"))]
    assert whole(rows) == {
        ("a", "X"): 4, ("a", "Y"): 2, ("a", "Z"): 1,
        ("b", "X"): 4, ("b", "Y"): 3, ("b", "Z"): 2,
    }  # fmt: skip


def test_ties_of_remainders_go_by_name() -> None:
    """1.5 and 3.5 of 5; three thirds of 4, where one has one more."""
    assert whole([("a", "Q", 5, 0.7), ("a", "P", 5, 0.3)]) == {("a", "P"): 2, ("a", "Q"): 3}
    parts = {"S": 1 / 21, "P": 9 / 21, "Q": 9 / 21, "R": 2 / 21}  # of 3: 2/7 is left of P, Q and R, but for the floats
    assert whole([("a", team, 3, part) for team, part in parts.items()]) == {
        ("a", "P"): 2, ("a", "Q"): 1, ("a", "R"): 0, ("a", "S"): 0,
    }  # fmt: skip
    third = whole([("a", team, 4, 1 / 3) for team in ("R", "P", "Q")])
    assert third == {("a", "P"): 2, ("a", "Q"): 1, ("a", "R"): 1}


def test_r14_who_gets_no_whole_client_has_a_row() -> None:
    """Which rows there are would tell how many files the others have."""
    found = whole([("a", "P", 1, 0.4), ("a", "Q", 1, 0.6), ("b", "P", 2, 1.0)])
    assert found == {("a", "P"): 0, ("a", "Q"): 1, ("b", "P"): 2}


def test_a_whole_number_just_missed_by_a_float_is_that_number() -> None:
    """100 x 0.29 is 28.999999999999996 in floats."""
    assert whole([("a", "P", 100, 0.71), ("a", "Q", 100, 0.29)]) == {("a", "P"): 71, ("a", "Q"): 29}


def test_without_routing_nobody_has_a_part() -> None:
    rows = pd.DataFrame({"unit": ["a"], "team": ["P"], "clients": [2], "part": [None]})
    assert whole_clients(rows.iloc[:0], ["unit"], ["team"]).empty


@given(st.integers(1, 40), st.lists(st.integers(1, 9), min_size=1, max_size=4))
@settings(max_examples=examples(30), deadline=None)
def test_files_are_divided_as_the_slow_recount_has_it(clients: int, weights: list[int]) -> None:
    parts = {f"T{at}": weight / sum(weights) for at, weight in enumerate(weights)}
    found = whole([("a", team, clients, part) for team, part in parts.items()])
    assert found == {("a", team): number for team, number in recount.in_whole(clients, parts).items()}
    assert sum(found.values()) == clients


def stock(*rows: tuple[str, str, str, str, int, str]) -> pd.DataFrame:
    """Rows of stock: pc4, product, client_line, client_group, clients, team_id."""
    names = ["pc4", "product", "client_line", "client_group", "clients", "team_id"]
    return pd.DataFrame(rows, columns=names).assign(reference_date="2025-12-31")


def routing(*rows: tuple[str, str, str, str, float]) -> pd.DataFrame:
    """Rows of routing for WIA and its regular clients: pc4, client_group, client_line, team_id, share."""
    names = ["pc4", "client_group", "client_line", "team_id", "share"]
    return pd.DataFrame(rows, columns=names).assign(law="WIA", pw_client=False)


def held(
    inputs: Inputs, in_force: pd.DataFrame, vangnet_part: float = 0.25, files: pd.DataFrame | None = None
) -> pd.DataFrame:
    """``held_files``; of WIA_EWT counted for both lines ``vangnet_part`` is served on the vangnetlijn."""
    parts = pd.DataFrame({"rate_region": ["1", "2"], "product": "WIA_EWT", "vangnet_part": [vangnet_part, 0.5]})
    regions = toy.areas().set_index("pc4")["arbeidsmarktregio_nr"]
    files = no_files() if files is None else files
    return held_files(inputs, parts, regions, in_force, files, Roster.of(inputs, DAY, CONFIG), CONFIG)


def clients(files: pd.DataFrame, *by: str) -> dict[Any, int]:
    keyed = files.astype({"team_id": object}).assign(team_id=files["team_id"].where(files["team_id"].notna(), "?"))
    return keyed.groupby(list(by))["clients"].sum().to_dict()  # type: ignore[no-any-return]


def test_files_without_a_team_are_with_the_teams_in_force_by_share(tmp_path: Path) -> None:
    """Fifty vangnet clients: W2 has 0.7 of the postcode, a fifth of it as a PC6 range, W1 the rest."""
    inputs = loaded(tmp_path, stock=stock(("1001", "WIA_EWT", "vangnet", "regulier", 50, "")))
    in_force = routing(
        ("1001", "regulier", "vangnet", "W2", 0.2), ("1001", "regulier", "vangnet", "W2", 0.5),
        ("1001", "regulier", "vangnet", "W1", 0.3), ("1002", "regulier", "vangnet", "O1", 1.0),
        ("1001", "klm", "vangnet", "K1", 1.0),
    )  # fmt: skip
    assert clients(held(inputs, in_force), "team_id") == {"W1": 15, "W2": 35}


def test_files_counted_for_both_lines_have_the_holder_of_each_line(tmp_path: Path) -> None:
    """A quarter of eight is on the vangnetlijn: two files with W1, six with W2; a file of ZW is vangnet always."""
    inputs = loaded(tmp_path, stock=stock(("1001", "WIA_EWT", "alle", "regulier", 8, "")))
    in_force = routing(("1001", "regulier", "vangnet", "W1", 1.0), ("1001", "regulier", "werkgever", "W2", 1.0))
    files = held(inputs, in_force)
    assert clients(files, "line", "team_id") == {("vangnet", "W1"): 2, ("werkgever", "W2"): 6}
    assert files["client_line"].unique().tolist() == ["alle"]


def test_files_of_a_special_group_are_with_the_special_team_of_the_routing(tmp_path: Path) -> None:
    """Two teams for klm, a quarter and three quarters of forty."""
    inputs = loaded(tmp_path, stock=stock(("1001", "WIA_EWT", "vangnet", "klm", 40, "")))
    in_force = routing(
        ("1001", "klm", "vangnet", "K1", 0.75), ("1001", "klm", "vangnet", "K2", 0.25),
        ("1001", "regulier", "vangnet", "W1", 1.0),
    )  # fmt: skip
    files = held(inputs, in_force)
    assert clients(files, "team_id") == {"K1": 30, "K2": 10}
    assert files.set_index("team_id")["refusal"].dropna().to_dict() == {"K2": Reason.ENDED}


def test_a_team_that_is_named_holds_the_file_whatever_the_routing_says(tmp_path: Path) -> None:
    inputs = loaded(tmp_path, stock=stock(("1001", "WIA_EWT", "vangnet", "regulier", 3, "O2"),
                                          ("1001", "WIA_EWT", "vangnet", "regulier", 4, "")))  # fmt: skip
    files = held(inputs, routing(("1001", "regulier", "vangnet", "W1", 1.0)))
    assert clients(files, "team_id") == {"O2": 3, "W1": 4}
    assert files.set_index("team_id")["refusal"].dropna().to_dict() == {"O2": Reason.REGION}


def decided(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Rows of table ``files`` for WIA and its regular clients: team_from, client_line, pc4, team_to."""
    names = ["team_from", "client_line", "pc4", "team_to"]
    return pd.DataFrame(rows, columns=names).assign(law="WIA", client_group="regulier", pw_client=False)


def test_what_the_version_in_force_took_from_a_team_is_with_the_team_of_its_routing(tmp_path: Path) -> None:
    """The stock was counted before. Of 40 files of W1 in 1001 a quarter is of the vangnetlijn: those 10 stayed, 30 of
    the werkgeverslijn went by the routing, 0.5 and 0.5. In 1002 nothing of W1 stayed (9 files); of W2 all 5 did. O1
    is not in the table at all: nothing stayed with it (7 files)."""
    inputs = loaded(tmp_path, stock=stock(
        ("1001", "WIA_EWT", "alle", "regulier", 40, "W1"), ("1002", "WIA_EWT", "vangnet", "regulier", 9, "W1"),
        ("1002", "WIA_EWT", "vangnet", "regulier", 5, "W2"), ("1002", "WIA_EWT", "vangnet", "regulier", 7, "O1"),
    ))  # fmt: skip
    in_force = routing(
        ("1001", "regulier", "werkgever", "W2", 0.5), ("1001", "regulier", "werkgever", "O1", 0.5),
        ("1001", "regulier", "vangnet", "O1", 1.0), ("1002", "regulier", "vangnet", "O1", 1.0),
    )  # fmt: skip
    files = decided(
        ("W1", "vangnet", "1001", "W1"), ("W1", "vangnet", "*", "*"), ("W1", "werkgever", "*", "*"),
        ("W2", "vangnet", "*", "W2"), ("*", "vangnet", "*", "*"),
    )  # fmt: skip
    assert clients(held(inputs, in_force, files=files), "pc4", "line", "team_id") == {
        ("1001", "vangnet", "W1"): 10, ("1001", "werkgever", "W2"): 15, ("1001", "werkgever", "O1"): 15,
        ("1002", "vangnet", "W2"): 5, ("1002", "vangnet", "O1"): 16,
    }  # fmt: skip


def test_nobody_is_known_to_hold_a_file_where_nothing_is_in_force(tmp_path: Path) -> None:
    """The routing knows 1002 only; without any nobody is known. Central products are not asked for."""
    rows = stock(("1001", "WIA_EWT", "vangnet", "regulier", 3, ""), ("1002", "WIA_EWT", "vangnet", "regulier", 5, ""),
                 ("1002", "WIA_HERB", "vangnet", "regulier", 2, ""))  # fmt: skip
    inputs = loaded(tmp_path, stock=rows)
    in_force = routing(("1002", "regulier", "vangnet", "W1", 1.0))
    files = held(inputs, in_force)
    assert clients(files, "pc4", "product", "team_id") == {
        ("1001", "WIA_EWT", "?"): 3, ("1002", "WIA_EWT", "W1"): 5, ("1002", "WIA_HERB", "?"): 2,
    }  # fmt: skip
    assert files["refusal"].isna().all()
    assert clients(held(inputs, in_force.iloc[:0]), "team_id") == {"?": 10}


def test_a_postcode_that_was_replaced_still_tells_who_had_its_files(tmp_path: Path) -> None:
    """The file has 1099, which is gone and counts for 1001; W2 had 1099, W1 had 1001. 1098 nobody knows: as 1001."""
    inputs = loaded(tmp_path, stock=stock(("1001", "WIA_EWT", "vangnet", "regulier", 9, "")))
    old = pd.concat(
        [inputs.stock.assign(pc4_in_file=pc4, clients=n) for pc4, n in (("1099", 2), ("1098", 3), ("1001", 4))]
    )
    in_force = routing(("1001", "regulier", "vangnet", "W1", 1.0), ("1099", "regulier", "vangnet", "W2", 1.0))
    assert clients(held(replace(inputs, stock=old), in_force), "pc4", "team_id") == {
        ("1001", "W1"): 7,
        ("1001", "W2"): 2,
    }


def test_only_a_known_holder_that_may_keeps_a_file_and_only_under_the_policy_that_says_so() -> None:
    files = pd.DataFrame(
        {"team_id": ["A", "A", None, "A"], "refusal": [None, Reason.LAW, None, None],
         "is_central": [False, False, False, True]}
    )  # fmt: skip
    assert stays(files, CONFIG).tolist() == [True, False, False, False]
    assert stays(files, Config(continuity="move")).tolist() == [False] * 4
