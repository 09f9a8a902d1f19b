"""Charts: the numbers beside a drawing are those of the tables, and its texts cannot break out of it."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from allocation.report import charts as drawing
from allocation.report import division_charts as charts
from allocation.report.board import Board
from allocation.runs.run import Run

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def board(run: Run) -> Board:
    return Board.read(run.folder)


def cells(chart: charts.Chart) -> list[list[str]]:
    return [[cell.text for cell in row] for row in chart.sheet.rows]


def flows(*rows: tuple[str | None, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["team_from", "team_to", "pc4", "hours"]).assign(law_domain="zw_wia")


def test_every_team_has_its_deviation_before_and_after(board: Board, run: Run) -> None:
    made = charts.load_chart([part.sums for part in board.layers])
    assert made is not None
    load = run.frame("team_load").query("kind != 'bijzonder'")
    expected = {row.team_id: row.deviation for row in load.itertuples()}
    shown = {row[0].text: row[2].value for row in made.sheet.rows}
    assert shown == pytest.approx(expected)
    assert "80%-interval" in made.told


def test_a_drawing_can_be_read_by_any_browser_and_takes_the_colour_of_its_text(board: Board) -> None:
    made = charts.waiting_chart([part.sums for part in board.layers])
    assert made is not None
    root = ElementTree.fromstring(made.svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.attrib["aria-hidden"] == "true"
    assert drawing.INK not in made.svg
    assert "currentColor" in made.svg
    assert {row[0] for row in cells(made)} == {"West", "Oost"}


def test_months_count_every_team_that_fills_also_those_not_drawn() -> None:
    teams = [f"T{i:02d}" for i in range(50)]
    months = pd.DataFrame(
        [(team, month, 40.0 + i, 0.5 * month, 60.0) for i, team in enumerate(teams) for month in (1, 12, 24, 30)],
        columns=["team_id", "month", "old_hours", "new_hours", "capacity_hours"],
    )
    made = charts.months_chart(months)
    assert made is not None
    full = sum(40 + i + 12 > 60 for i in range(50))
    assert f"Vol raken {full} van de 50 teams: T20 in maand 1" in made.told
    assert len(made.sheet.rows) == charts.MOST_TEAMS
    assert cells(made)[0] == ["T49", "168,3%", "1"]
    few = charts.months_chart(months, ["T00"])
    assert few is not None
    assert "Geen team raakt vol." in few.told


def test_flows_are_the_hours_of_the_postcodes_that_change() -> None:
    made = charts.flow_chart(flows(("A", "B", "1001", 10.0), ("A", "B", "1002", 20.7), (None, "C", "1003", 7.0)))
    assert made is not None
    assert cells(made) == [["A → B", "2", "31"], ["geen team → C", "1", "7"]]
    assert charts.flow_chart(flows()) is None


def test_a_text_of_the_input_stays_a_text() -> None:
    made = charts.flow_chart(flows((HOSTILE, 'a"b', "1001", 10.0)))
    assert made is not None
    assert "<script" not in made.svg
    assert not [node for node in ElementTree.fromstring(made.svg).iter() if node.tag.endswith("script")]
    assert cells(made)[0][0] == f'{HOSTILE} → a"b'


def test_for_readers_figures_are_as_rounded_as_in_their_tables(board: Board) -> None:
    sums = [part.sums for part in board.layers]
    for made in (charts.load_chart(sums, coarse=True), charts.balance_chart(sums, flows(), coarse=True)):
        for row in made.sheet.rows if made else []:
            for cell in row[1:]:
                assert cell.value is None or cell.value == round(cell.value, 2)


def test_readers_see_deviations_of_small_teams_in_steps_of_25_hours(board: Board) -> None:
    """Of a target of 300 hours these are 9 hundredths: 0.05 is shown as one step, 0.04 as none."""
    part = next(part for part in board.layers if part.layer.problem.k == 2).sums
    small = replace(part.teams, target=np.array([300.0, 300.0]), deviation=np.array([0.05, 0.04]))
    made = charts.load_chart([replace(part, teams=small)], coarse=True)
    assert made is not None
    assert [row[2].value for row in made.sheet.rows] == [0.09, 0.0]
    exact = charts.load_chart([replace(part, teams=small)])
    assert exact is not None
    assert [row[2].value for row in exact.sheet.rows] == [0.05, 0.04]


def test_what_is_paid_for_balance_is_shown_where_something_moves(board: Board) -> None:
    sums = [part.sums for part in board.layers]
    assert charts.balance_chart(sums, flows()) is None
    made = charts.balance_chart(sums, flows(("W1", "W2", "1005", 3.0), ("W1", "W2", "1006", 3.0)))
    assert made is not None
    assert cells(made)[0][:2] == ["West, ZW en WIA", "33,3%"]
