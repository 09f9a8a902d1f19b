"""The figures of the page and the report are those of the published tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allocation.report.board import Board, layer_sums, team_figures, totals
from allocation.report.map import SHOWN, main_team, map_value
from allocation.runs.run import Run
from tests.support import toy
from tests.support.browser import toy_run


def test_team_figures_are_those_of_the_table_team_load(run: Run) -> None:
    load = run.frame("team_load").set_index(["team_id", "law_domain", "client_line"])
    for part in Board.read(run.folder).layers:
        figures = team_figures(part, part.proposal)
        for i, team in enumerate(part.layer.problem.team_ids):
            row = load.loc[(team, part.layer.law_domain, part.layer.client_line)]
            assert figures.hours[i] == pytest.approx(row["hours_verzekeringsarts"])
            assert figures.deviation[i] == pytest.approx(row["deviation"])
            assert figures.areas[i] == row["areas"]
            assert figures.pieces[i] == row["pieces"]
            assert figures.clients[i] == pytest.approx(row["clients_per_year"])
            assert figures.waiting_months[i] == pytest.approx(row["waiting_months"])
            assert (figures.low[i], figures.high[i]) == pytest.approx((row["hours_low"], row["hours_high"]))
            assert figures.travel_km[i] == pytest.approx(row["travel_km"])


def test_totals_are_those_of_the_table_region_summary(run: Run) -> None:
    board, regions = Board.read(run.folder), run.frame("region_summary")
    found = totals([layer_sums(part, part.proposal) for part in board.layers])
    assert found.areas == 12
    assert found.municipality_splits == regions["municipality_splits"].sum()
    assert found.max_deviation == pytest.approx(regions["max_deviation"].max())


def test_units_without_a_team_count_for_nobody(run: Run) -> None:
    """Take one of West's six postcodes away from W1: its hours are gone, and the totals say one area has no team."""
    part = next(p for p in Board.read(run.folder).layers if "W1" in p.layer.problem.team_ids)
    team = part.layer.problem.team_ids.index("W1")
    plan = part.proposal.copy()
    unit = int(np.flatnonzero(plan == team)[0])
    plan[unit] = -1
    lost = team_figures(part, part.proposal).hours[team] - team_figures(part, plan).hours[team]
    assert lost == pytest.approx(part.layer.problem.demand[unit])
    found = totals([layer_sums(part, plan)])
    assert found.without_team == 1
    km = part.layer.problem.distance_km[np.arange(len(plan)), plan]
    served = plan >= 0
    assert found.travel_km == pytest.approx(np.average(km[served], weights=part.hours[served]))


def test_every_area_has_a_team_in_every_layer_of_the_map(run: Run) -> None:
    board = Board.read(run.folder)
    value = map_value(run.folder, board)
    assert [layer["key"] for layer in value["layers"]] == [key for key, *_ in SHOWN]
    for layer, (_, _, domain, line) in zip(value["layers"], SHOWN, strict=True):
        assert min(layer["proposal"]) >= 0
        assert layer["proposal"] == main_team(board, domain, line, "proposal").tolist()
    hours = sum(part.hours.sum() for part in board.layers)
    shown = sum(value["layers"][0]["hours"]) + sum(value["layers"][2]["hours"])
    assert shown == pytest.approx(hours, abs=1)


def test_neighbouring_teams_differ_in_colour(run: Run) -> None:
    board = Board.read(run.folder)
    value = map_value(run.folder, board)
    for layer in value["layers"]:
        for left, right in np.array(value["sides"]).reshape(-1, 2).tolist():
            a, b = (layer["proposal"][side] if side >= 0 else -1 for side in (left, right))
            if a >= 0 and b >= 0 and a != b:
                assert value["teams"][a]["colour"] != value["teams"][b]["colour"]


@pytest.fixture(scope="module")
def held_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """W1 holds the files of 1009 and 1010 too, which lie in the area of W2; those of 1001 are W2's. Nobody knows who
    holds those of 1003, and W9, which has ended, has those of 1012."""
    frames = toy.tables()
    holder = {"1009": "W1", "1010": "W1", "1001": "W2", "1012": "W9"} | dict.fromkeys(["1002", "1005"], "W1")
    stock = frames["stock"]
    mine = stock["product"].eq("WIA_EWT")
    stock["team_id"] = stock["pc4"].map(holder).fillna("").where(mine, "P1")
    stock.loc[mine & stock["pc4"].eq("1010"), "clients"] = "9"
    teams = pd.concat(
        [frames["teams"], pd.DataFrame([toy.team("W9", "2", "1012", valid_to="2025-06-30")])], ignore_index=True
    )
    current = frames["current"][frames["current"]["pc4"] != "1003"]
    changed = {"stock": stock, "teams": teams, "current": current}
    return toy_run(tmp_path_factory.mktemp("held") / "var", changed, tolerance=0.5)


@pytest.mark.heavy
def test_waiting_is_of_the_files_that_teams_hold_and_not_of_those_in_their_area(held_elsewhere: Run) -> None:
    load = held_elsewhere.frame("team_load").set_index(["team_id", "law_domain", "client_line"])
    board = Board.read(held_elsewhere.folder)
    apart = 0
    for part in board.layers:
        for i, team in enumerate(part.layer.problem.team_ids):
            row = load.loc[(team, part.layer.law_domain, part.layer.client_line)]
            assert part.sums.teams.waiting_months[i] == pytest.approx(row["waiting_months"]), team
            apart += row["files_held"] != row["stock_clients"]
    assert apart >= 2, "the fixture is of no use when files lie where they are held"
    files = load["files_held_hours_verzekeringsarts"].sum()
    assert sum(part.files.hours for part in board.layers) == pytest.approx(files)


def test_waiting_now_is_of_who_holds_the_files_until_now(held_elsewhere: Run) -> None:
    """W1 has 2 + 2 + 2 + 9 files of four hours and 100 hours a month: 0.6 months.

    What W9 had, and what nobody is known to have, counts for no team now.
    """
    board = Board.read(held_elsewhere.folder)
    part = next(one for one in board.layers if "W1" in one.layer.problem.team_ids)
    w1 = part.layer.problem.team_ids.index("W1")
    assert part.sums_now.teams.waiting_months[w1] == pytest.approx((2 + 2 + 2 + 9) * 4 / 100)
    oost = next(one for one in board.layers if "O1" in one.layer.problem.team_ids)
    homeless = oost.files.hours - oost.files.held_now.sum()
    assert homeless == pytest.approx((2 + 2) * 4)
