"""Tables of the report: waiting time and scenarios, on the toy country (see ``test_whatif`` for its map)."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.page.whatif import Bench
from allocation.pipeline.scenario_compare import compare_with_base
from allocation.report import change_sheets, dutch, team_sheets
from allocation.report.board import Board
from allocation.runs.run import Run


@pytest.fixture(scope="module")
def board(run: Run) -> Board:
    return Bench(run.folder).board


def test_waiting_times_of_a_region_are_those_of_its_teams(board: Board) -> None:
    """West until now: the first team holds five times the hours in files of the second, so that its last client waits
    five times as long; the mean of the region does not depend on who has what."""
    west = board.layers[0]
    hours, capacity = west.files.hours, west.layer.problem.capacity / 12
    lopsided = np.array([hours * 5 / 6, hours / 6])
    west = replace(west, files=replace(west.files, held_now=lopsided))
    row = team_sheets.region_waiting(replace(board, layers=(west, *board.layers[1:]))).iloc[0]
    assert row["most_now"] == pytest.approx(lopsided[0] / capacity[0])
    assert row["least_now"] == pytest.approx(lopsided[1] / capacity[1])
    assert row["most_new"] - row["least_new"] < row["most_now"] - row["least_now"]
    assert row["mean"] == pytest.approx(hours / capacity.sum())
    assert row["homeless"] == pytest.approx(0.0)


def test_files_without_a_team_and_teams_without_an_area_are_told_apart(board: Board) -> None:
    """The second team has no area and no file until now; half of the hours in files are nobody's."""
    west = board.layers[0]
    held = np.array([west.files.hours / 2, 0.0])
    alone = replace(west, now=np.array([0, 0, 0, -1, -1, -1], dtype=np.int64), files=replace(west.files, held_now=held))
    row = team_sheets.region_waiting(replace(board, layers=(alone,))).iloc[0]
    assert row["homeless"] == pytest.approx(west.files.hours / 2)
    assert row["most_now"] == row["least_now"]


def test_readers_are_told_no_shortest_team_where_one_is_not_shown(board: Board) -> None:
    """West until now: the first team has 600 hours in files, the second 100: too few to be told of. The 600 would stand
    as the shortest, above the mean of both."""
    west = board.layers[0]
    west = replace(west, files=replace(west.files, hours=700.0, held_now=np.array([600.0, 100.0])))
    row = team_sheets.region_waiting(replace(board, layers=(west,)), for_readers=True).iloc[0]
    assert np.isnan(row["least_now"])
    assert row["most_now"] == pytest.approx(600 / (west.layer.problem.capacity[0] / 12), abs=0.05)
    both = replace(west, files=replace(west.files, hours=1100.0, held_now=np.array([600.0, 500.0])))
    row = team_sheets.region_waiting(replace(board, layers=(both,)), for_readers=True).iloc[0]
    assert row["least_now"] == pytest.approx(500 / (west.layer.problem.capacity[1] / 12), abs=0.05)


def keep_scenario(folder: Path, name: str, value: float, *, base: int = 1, at: int) -> Path:
    """What `caseload scenario` leaves in the folder of its run: here every measure is 1 now and ``value`` then."""
    folder.mkdir(parents=True)
    table = pd.DataFrame({"measure": list(change_sheets.SCENARIO_MEASURES), "base": 1.0, "scenario": value})
    table.to_parquet(folder / "scenario.parquet", index=False)
    (folder / "scenario.json").write_text(json.dumps({"name": name, "description": "", "base": base}), encoding="utf-8")
    os.utime(folder / "scenario.json", (at, at))
    return folder


def test_every_measure_of_a_scenario_has_a_name_for_planners(run: Run) -> None:
    frames = {name: run.frame(name) for name in ("team_load", "region_summary", "transition")}
    assert set(compare_with_base(frames, frames, 0)["measure"]) == set(change_sheets.SCENARIO_MEASURES)


def test_named_scenarios_stand_beside_each_other_the_newest_of_each_name(tmp_path: Path) -> None:
    """Its own comes first; one of another version in force is not comparable and is left out."""
    keep_scenario(tmp_path / "a", "meer vraag", 5, at=10)
    keep_scenario(tmp_path / "b", "meer vraag", 6, at=20)
    own = keep_scenario(tmp_path / "c", "team stopt", 7, at=5)
    keep_scenario(tmp_path / "d", "vorig jaar", 8, base=3, at=30)
    sheet = change_sheets.scenario_sheet(own)
    assert sheet is not None
    assert sheet.columns == ("Wat", "Geldende verdeling (versie 1)", "team stopt", "meer vraag")
    shown = {row[0].text: [one.text for one in row[1:]] for row in sheet.rows}
    assert shown["Teams"] == ["1", "7", "6"]
    assert shown["Gevraagd tegenover beschikbaar"] == ["100,0%", "700,0%", "600,0%"]
    assert shown["Gemiddelde wachttijd (maanden)"] == ["1,0", "7,0", "6,0"]
    assert len(shown) == len(change_sheets.SCENARIO_MEASURES)
    plain = tmp_path / "run"
    plain.mkdir()
    assert change_sheets.scenario_sheet(plain).columns[2:] == ("vorig jaar",)  # type: ignore[union-attr]
    assert change_sheets.scenario_sheet(tmp_path / "elsewhere" / "run") is None


def test_what_a_check_found_is_told_in_dutch() -> None:
    assert (
        dutch.example({"team_id": "SMC-X", "hours": "5633", "capacity": "12"})
        == "team SMC-X, uren 5.633, capaciteit 12"
    )
    assert dutch.example({"deviation": "-5.5%", "tolerance": "5.0%"}) == "afwijking −5,5%, tolerantie 5,0%"
    assert dutch.example({"pc4": "1001", "iets": "5"}) == "postcode 1001, iets 5"
    assert dutch.example({"in_use": "1.06", "low": "-0.3"}) == "in gebruik 1,06, minstens −0,3"


def test_every_product_and_both_lines_have_their_waiting_time(run: Run) -> None:
    """The products' sheet has the rows of the regions, each with months or the words that it is not reached."""
    regions, waiting = run.frame("region_summary"), run.frame("waiting")
    sheet = team_sheets.product_waiting_sheet(run.folder, regions)
    assert len(sheet.rows) == (waiting["level"] == "regio").sum() > 0
    missing = waiting.loc[waiting["level"] == "regio", "waiting_months"].isna().sum()
    assert sum(row[-1].text == "komt niet aan de beurt" for row in sheet.rows) == missing
    lines = team_sheets.line_sheet(run.folder)
    assert (lines is None) == run.frame("lines").empty
    if lines is not None:
        assert {row[1].text for row in lines.rows} == {"ZW en WIA, vangnetlijn", "ZW en WIA, werkgeverslijn"}
