"""Figures of the board as readers outside Operations may see them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allocation.report.board import Board, LayerSums, totals
from allocation.report.division_charts import waiting_chart
from allocation.report.for_readers import sums_shown
from tests.support.browser import toy_run


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> LayerSums:
    folder: Path = toy_run(tmp_path_factory.mktemp("readers")).folder
    return Board.read(folder).layers[0].sums


def with_file_hours(part: LayerSums, hours: float) -> LayerSums:
    """Each team with so many hours in its files, and a capacity of 120 hours a year: a month is 10."""
    teams = replace(part.teams, waiting_months=np.full(len(part.capacity), hours / 10))
    files = replace(part.board.files, hours=hours)
    capacity = np.full(len(part.capacity), 120.0)
    return replace(part, capacity=capacity, teams=teams, board=replace(part.board, files=files))


def test_waiting_times_do_not_tell_one_file(part: LayerSums) -> None:
    """Files of 4 hours: two, three and four of them show the same; seven, 28 hours, show as 25 of a team."""
    shown = [sums_shown([with_file_hours(part, hours)])[0] for hours in (4.0, 8.0, 12.0, 28.0)]
    assert [one.teams.waiting_months[0] for one in shown] == [0.0, 0.0, 0.0, 2.5]
    assert [one.board.files.hours for one in shown] == [0.0, 0.0, 0.0, 50.0]
    assert totals([shown[0]]).waiting_months == 0.0


def test_a_team_without_capacity_has_no_waiting_time(part: LayerSums) -> None:
    without = replace(with_file_hours(part, 40.0), capacity=np.zeros(len(part.capacity)))
    assert np.isnan(sums_shown([without])[0].teams.waiting_months).all()


def test_the_chart_for_readers_tells_no_more(part: LayerSums) -> None:
    few, none = (waiting_chart([with_file_hours(part, hours)], coarse=True) for hours in (8.0, 0.0))
    assert few is not None
    assert none is not None
    assert few.sheet.rows == none.sheet.rows
