"""How far it is to an office: through the network, by the user's table, or in a straight line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.layers import ways as module
from allocation.layers.build import build_layers
from allocation.layers.solving import solve_problem
from allocation.layers.ways import MINUTES, NETWORK, STRAIGHT, STRAIGHT_LINES, TABLE, Ways, ways
from tests.support import toy

CONFIG = Config.from_values({"solver": {"iterations": 20_000}, "weights": {"moved": 0.0, "municipality_splits": 0.0}})
AREAS = pd.DataFrame({"x_m": [0.0, 3000.0, 0.0], "y_m": [0.0, 4000.0, 1000.0]}, index=["1001", "1002", "1003"])
EAST = ["1002", "1006", "1010"]
"""Of West; the other column is 1001, 1005, 1009."""


def travel(*rows: tuple[str, str, float | None, float | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["pc4", "office_pc4", "minutes", "km"]).astype({"minutes": float, "km": float})


def no_network(_offices: Sequence[str]) -> pd.DataFrame:
    raise AssertionError("nobody asked for the network")


def over_the_bridge(offices: Sequence[str]) -> pd.DataFrame:
    """A river between the columns of West, bridged at the far south: who crosses it makes 40 km more."""
    km = toy.straight_network(offices)
    east = [column % 4 >= 1 for column in range(12)]
    for office in offices:
        other = np.array(east) != east[km.index.get_loc(office)]
        km[office] += 40.0 * other
    return km


def test_in_a_straight_line_the_problem_has_no_table() -> None:
    found = ways("straight", travel(("1001", "1002", 7.0, None)), ["1002"], no_network)
    assert found.table_km(AREAS, pd.Series(["1001"]), pd.Series(["1002"])) is None
    assert found.minutes(pd.Series(["1001", "1003"]), pd.Series(["1002", "1002"])).tolist()[0] == 7.0


def test_each_unit_has_its_way_to_each_team_also_where_teams_share_an_office() -> None:
    """Rows 1001 twice (a split) and 1003; teams at 1002, 1001 and 1002 again."""

    def network(offices: Sequence[str]) -> pd.DataFrame:
        table = pd.DataFrame({"1002": [9.0, 0.0, 8.0], "1001": [0.0, 9.0, 1.5]}, index=AREAS.index)
        return table[list(offices)]

    found = ways("network", travel(), ["1002", "1001", "1002"], network)
    table = found.table_km(AREAS, pd.Series(["1001", "1001", "1003"]), pd.Series(["1002", "1001", "1002"]))
    assert table is not None
    assert table.tolist() == [[9.0, 0.0, 9.0], [9.0, 0.0, 9.0], [8.0, 1.5, 8.0]]
    assert found.kind == NETWORK


def test_where_there_is_no_way_it_is_the_straight_line() -> None:
    network = pd.DataFrame({"1002": [np.inf, 0.0, 8.0]}, index=AREAS.index)
    found = ways("network", travel(), ["1002"], lambda _offices: network)
    table = found.table_km(AREAS, pd.Series(["1001"]), pd.Series(["1002"]))
    assert table is not None
    assert table.tolist() == [[5.0]]


def test_minutes_count_as_kilometres_at_the_rate_of_the_two_limits() -> None:
    """45 minutes are 30 km, so 24 minutes are 16."""
    table = travel(("1001", "1002", 24.0, None), ("1003", "1002", 45.0, None))
    found = ways("table", table, ["1002"], no_network)
    km = found.table_km(AREAS, pd.Series(["1001", "1003"]), pd.Series(["1002"]))
    assert km is not None
    assert (found.kind, km.ravel().tolist()) == (MINUTES, [16.0, 30.0])
    with_km = ways("table", table.assign(km=[11.0, 12.0]), ["1002"], no_network)
    km = with_km.table_km(AREAS, pd.Series(["1001", "1003"]), pd.Series(["1002"]))
    assert km is not None
    assert (with_km.kind, km.ravel().tolist()) == (TABLE, [11.0, 12.0])


def test_an_office_that_a_planner_opens_is_asked_of_the_network() -> None:
    known = Ways(NETWORK, travel(("1001", "1002", None, 9.0)), lambda offices: pd.DataFrame(
        {office: [1.0, 2.0, 3.0] for office in offices}, index=AREAS.index))  # fmt: skip
    table = known.table_km(AREAS, pd.Series(["1001"]), pd.Series(["1002", "1003"]))
    assert table is not None
    assert table.tolist() == [[9.0, 1.0]]


def test_ways_are_kept_and_read_again() -> None:
    found = ways("table", travel(("1001", "1002", 24.0, None)), ["1002"], no_network)
    again = Ways.of_frame(found.frame, STRAIGHT)
    assert again.kind == MINUTES
    pd.testing.assert_frame_equal(again.known, found.known)
    assert Ways.of_frame(STRAIGHT_LINES.frame, STRAIGHT).kind == STRAIGHT


def test_a_division_follows_the_way_and_not_the_crow(tmp_path: Path) -> None:
    """In West both offices lie in the west column, at 1001 and 1009: as the crow flies each team gets three postcodes
    near its office. With W2 at 1010, across the river, it gets the east column and W1 the west one, though a mix of
    both columns is nearer by the crow."""
    teams = toy.tables()["teams"]
    teams.loc[teams["team_id"] == "W2", "office_pc4"] = "1010"
    built = toy.build(tmp_path, {"teams": teams}, CONFIG)
    found = {}
    for name, network in (("straight", toy.straight_network), ("bridge", over_the_bridge)):
        known = ways("network", built.inputs.travel, list(built.inputs.teams["office_pc4"]), network)
        layers = build_layers(
            built.inputs, built.work, built.places, toy.edges(), toy.no_bridges, CONFIG, built.day, built.held, known
        )
        west = next(layer for layer in layers if layer.key == "01_zw_wia_alle")
        result = solve_problem(west, CONFIG)
        team = np.asarray(west.problem.team_ids, dtype=object)[result["plan"]]
        found[name] = (set(west.parts.loc[team == "W2", "pc4"]), result["terms"]["travel_km"])
    assert found["bridge"][0] == set(EAST)
    assert found["straight"][1] < found["bridge"][1] < 3.0  # nobody crosses


def test_travel_is_told_with_what_it_is_and_who_lives_far(tmp_path: Path) -> None:
    """W1's three postcodes have equal work: 10, 50 and 60 minutes are 40 on average, and two thirds are over 45."""
    minutes = {"1001": 10.0, "1002": 50.0, "1005": 60.0}
    rows = [
        (pc4, office, str(minutes.get(pc4, 30.0)))
        for pc4 in toy.POSTCODES for office in ("1001", "1009", "1004", "1012", "1006")
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["pc4", "office_pc4", "minutes"])
    locks = toy.locks(*((pc4, "W1", "pin", "", "") for pc4 in minutes))
    config = CONFIG.model_copy(update={"distance": "table"})
    made = toy.divide(tmp_path, {"travel": table, "locks": locks}, config)
    load = made.load.set_index("team_id")
    assert load.at["W1", "travel_kind"] == "minutes"
    assert load.at["W1", "travel_minutes"] == pytest.approx(40.0)
    assert load.at["W1", "travel_km"] == pytest.approx(40.0 * module.KM_PER_MINUTE)
    assert load.at["W1", "far_share"] == pytest.approx(2 / 3)
    assert load.at["W2", "far_share"] == 0.0
    assert pd.isna(load.at["M1", "travel_kind"])
    assert set(made.regions["travel_kind"]) == {"minutes"}


def test_without_minutes_thirty_kilometres_are_far(tmp_path: Path) -> None:
    made = toy.divide(tmp_path, None, CONFIG)
    load = made.load.set_index("team_id")
    assert load.at["W1", "travel_kind"] == "network"
    assert pd.isna(load.at["W1", "travel_minutes"])
    assert load.at["W1", "far_share"] == 0.0
