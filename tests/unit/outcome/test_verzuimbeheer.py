"""Who works with whom at Uitkeren, by hand: postcodes over groups by ZW work and fte, what stays, and what is told."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from allocation.outcome.verzuimbeheer import NO_GROUPS_IN_FORCE, Verzuimbeheer, groups_on, verzuimbeheer

DAY = date(2027, 1, 1)
ROW = ["1001", "1002", "1003", "1004", "1005", "1006"]
HOURS = [10.0, 20.0, 30.0, 15.0, 5.0, 40.0]
"""A row of six postcodes, each beside the next: 120 hours of ZW work together."""


def teams(*ids: str, **codes: str) -> pd.DataFrame:
    return pd.DataFrame({"team_id": ids, "verzuimbeheer_code": [codes.get(team) for team in ids]})


def given(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """The input table: group, teams, fte; all of them open-ended."""
    table = pd.DataFrame(rows, columns=["group_code", "team_id", "fte"])
    return table.assign(valid_from=pd.Timestamp("2024-01-01"), valid_to=pd.NaT)


def places(pc4s: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"pc4": pc4s, "x_m": [1000.0 * int(pc4) for pc4 in pc4s], "y_m": 0.0})


def in_a_row(pc4s: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"a": pc4s[:-1], "b": pc4s[1:]})


def served(team_of: dict[str, str], group: str = "regulier") -> pd.DataFrame:
    rows = [
        (pc4, None, None, group, False, law, line, team, 1.0)
        for pc4, team in team_of.items() for law in ("ZW", "WIA") for line in ("vangnet", "werkgever")
    ]  # fmt: skip
    columns = ["pc4", "pc6_from", "pc6_to", "client_group", "pw_client", "law", "client_line", "team_id", "share"]
    return pd.DataFrame(rows, columns=columns)


def work(team_of: dict[str, str], hours: list[float]) -> pd.DataFrame:
    zw = pd.DataFrame({"pc4": list(team_of), "team_id": list(team_of.values()), "hours_verzekeringsarts": hours})
    zw = zw.assign(law="ZW", planned_clients=zw["hours_verzekeringsarts"] / 2, share=1.0)
    return pd.concat([zw, zw.assign(law="WIA", hours_verzekeringsarts=1000.0)], ignore_index=True)


def divide(
    table: pd.DataFrame, team_of: dict[str, str], hours: list[float], now: dict[str, str] | None = None,
    *, codes: dict[str, str] | None = None,
) -> Verzuimbeheer:  # fmt: skip
    """``now``: the group of each postcode in force."""
    every = teams(*sorted(set(team_of.values())), **(codes or {}))
    in_force = NO_GROUPS_IN_FORCE
    if now:
        in_force = pd.DataFrame(
            [(pc4, "regulier", False, team_of[pc4], group, 1.0) for pc4, group in now.items()],
            columns=NO_GROUPS_IN_FORCE.columns,
        )
    pc4s = list(team_of)
    return verzuimbeheer(
        served(team_of), work(team_of, hours), groups_on(table, every, DAY), in_force, every, places(pc4s),
        in_a_row(pc4s), seed=1,
    )  # fmt: skip


def group_of(found: Verzuimbeheer) -> dict[str, str | None]:
    return dict(zip(found.routing["pc4"], found.routing["group_code"], strict=True))


def test_a_teams_postcodes_go_to_its_groups_in_proportion_to_fte_by_zw_work() -> None:
    """3 and 1 fte: 90 and 30 of the 120 hours. In a row, whole postcodes: 1001+1002 = 30 hours for the small group."""
    found = divide(given(("A", "T", 3.0), ("B", "T", 1.0)), dict.fromkeys(ROW, "T"), HOURS)
    assert group_of(found) == {"1001": "B", "1002": "B", "1003": "A", "1004": "A", "1005": "A", "1006": "A"}
    table = found.groups.set_index("group_code")
    assert table.loc["A", ["areas", "hours", "clients", "target_hours"]].tolist() == [4, 90.0, 45.0, 90.0]
    assert table.loc["B", ["areas", "hours", "clients", "deviation"]].tolist() == [2, 30.0, 15.0, 0.0]


def test_what_is_in_force_stays_while_it_keeps_the_rules() -> None:
    """60 and 60 hours in force: within 10% of 63 and 57 by fte, so nothing moves, though 1.05 to 0.95 is no half."""
    now = {"1001": "A", "1002": "A", "1003": "A", "1004": "B", "1005": "B", "1006": "B"}
    found = divide(given(("A", "T", 2.1), ("B", "T", 1.9)), dict.fromkeys(ROW, "T"), HOURS, now)
    assert group_of(found) == now
    assert found.groups["areas_changed"].tolist() == [0, 0]


def test_few_postcodes_change_when_fte_changes() -> None:
    """75 and 45 hours by fte. From 60 and 60 one postcode is enough: 1004 (15 hours) goes from B to A."""
    now = {"1001": "A", "1002": "A", "1003": "A", "1004": "B", "1005": "B", "1006": "B"}
    found = divide(given(("A", "T", 5.0), ("B", "T", 3.0)), dict.fromkeys(ROW, "T"), HOURS, now)
    assert group_of(found) == now | {"1004": "A"}
    assert found.groups.set_index("group_code")["areas_changed"].to_dict() == {"A": 1, "B": 0}
    changes = found.changes(pd.Series(["T", "T"]), pd.Series(["T", "T"]), pd.Series(["1004", "1005"]))
    assert changes.tolist() == [True, False]


def test_a_group_over_several_teams_is_divided_with_those_that_share_a_team() -> None:
    """T has 1001-1003 (60 hours), U 1004-1006 (60). A works with T, B with both, C with U: 48, 24 and 48 by fte.

    A must leave some of T to B and C some of U: 1003 stays T's for A or B. Whole postcodes beside each other: A has
    1001-1002 and more is not possible but by 1003.
    """
    team_of = {pc4: "T" if pc4 < "1004" else "U" for pc4 in ROW}
    hours = [24.0, 24.0, 12.0, 12.0, 28.0, 20.0]
    found = divide(given(("A", "T", 2.0), ("B", "T|U", 1.0), ("C", "U", 2.0)), team_of, hours)
    assert group_of(found) == {"1001": "A", "1002": "A", "1003": "B", "1004": "B", "1005": "C", "1006": "C"}
    assert found.groups["deviation"].tolist() == [0.0, 0.0, 0.0]
    assert found.groups["teams"].tolist() == ["T", "T|U", "U"]


def test_a_split_postcode_has_a_group_for_each_of_its_teams() -> None:
    team_of = {"1001": "T", "1002": "U"}
    routing = pd.concat([served({"1001": "T"}).assign(share=0.3), served({"1001": "U"}).assign(share=0.7),
                         served({"1002": "U"})])  # fmt: skip
    table = groups_on(given(("A", "T", 2.0), ("B", "U", 1.0)), teams("T", "U"), DAY)
    found = verzuimbeheer(
        routing, work(team_of, [1.0, 1.0]), table, NO_GROUPS_IN_FORCE, teams("T", "U"), places(["1001", "1002"]),
        in_a_row(["1001", "1002"]), seed=1,
    )  # fmt: skip
    rows = found.routing.sort_values(["pc4", "team_id"])
    assert rows[["pc4", "team_id", "group_code", "share"]].to_numpy().tolist() == [
        ["1001", "T", "A", 0.3], ["1001", "U", "B", 0.7], ["1002", "U", "B", 1.0]
    ]  # fmt: skip
    assert rows["law"].unique().tolist() == ["ZW"]


def test_a_team_without_a_group_has_an_empty_one() -> None:
    found = divide(given(("A", "T", 2.0)), {"1001": "T", "1002": "U"}, [1.0, 1.0])
    assert group_of(found) == {"1001": "A", "1002": None}


def test_without_the_input_the_code_of_the_team_is_its_group() -> None:
    found = divide(given().astype({"group_code": object}), {"1001": "T", "1002": "U"}, [1.0, 1.0], codes={"T": "VZB-T"})
    assert group_of(found) == {"1001": "VZB-T", "1002": None}


def test_the_input_says_who_works_with_whom_and_a_code_only_what_it_does_not_name() -> None:
    """T and U have codes. The input names T, and ends group OLD, which U still has as its code."""
    table = pd.concat([given(("A", "T", 2.0)), given(("OLD", "U", 1.0)).assign(valid_to=pd.Timestamp("2026-12-31"))])
    found = groups_on(table, teams("T", "U", "V", T="VZB-T", U="OLD", V="VZB-V"), DAY)
    assert found[["group_code", "team_id"]].to_numpy().tolist() == [["A", "T"], ["VZB-V", "V"]]


def test_a_group_on_its_last_day_works_and_on_the_next_does_not() -> None:
    table = given(("A", "T", 2.0), ("B", "T", 2.0)).assign(valid_to=[pd.NaT, pd.Timestamp(DAY)])
    assert groups_on(table, teams("T"), DAY)["group_code"].tolist() == ["A", "B"]
    assert groups_on(table, teams("T"), date(2027, 1, 2))["group_code"].tolist() == ["A"]


def test_the_group_in_force_that_stops_gives_its_postcodes_to_the_others() -> None:
    now = {"1001": "A", "1002": "A", "1003": "A", "1004": "B", "1005": "B", "1006": "B"}
    found = divide(given(("A", "T", 1.0)), dict.fromkeys(ROW, "T"), HOURS, now)
    assert set(group_of(found).values()) == {"A"}
    assert found.groups["areas_changed"].tolist() == [3]


def test_parts_that_lie_apart_are_joined_where_they_are_nearest() -> None:
    """1001-1002 and 1005-1006 with nothing of the team between: one group has one part, the other the rest."""
    pc4s = ["1001", "1002", "1005", "1006"]
    team_of = dict.fromkeys(pc4s, "T")
    table = groups_on(given(("A", "T", 1.0), ("B", "T", 1.0)), teams("T"), DAY)
    found = verzuimbeheer(
        served(team_of), work(team_of, [10.0, 20.0, 15.0, 15.0]), table, NO_GROUPS_IN_FORCE, teams("T"), places(pc4s),
        in_a_row(["1001", "1002"]).iloc[:1], seed=1,
    )  # fmt: skip
    groups = group_of(found)
    assert groups["1001"] == groups["1002"] != groups["1005"] == groups["1006"]


@pytest.mark.parametrize(
    ("team_to", "pc4", "other"),
    [("T", "1001", False), ("T", "1009", False), ("U", "1002", True)],
    ids=["same team and postcode", "a file of the team elsewhere", "another team"],
)
def test_a_client_changes_group_only_where_that_is_certain(team_to: str, pc4: str, *, other: bool) -> None:
    """Nothing is known of the groups in force: T's clients had A, its only group, and U works with B."""
    found = divide(given(("A", "T", 1.0), ("B", "U", 1.0)), {"1001": "T", "1002": "U"}, [1.0, 1.0])
    assert found.changes(pd.Series(["T"]), pd.Series([team_to]), pd.Series([pc4])).tolist() == [other]
