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
    """Files of 4 hours: 63 and 65 of them show the same, as 250 hours of a team. Of a team with 62, and of a
    layer with less than 500 hours, nothing is told."""
    shown = [sums_shown([with_file_hours(part, hours)])[0] for hours in (248.0, 252.0, 260.0, 504.0, 530.0)]
    assert np.isnan(shown[0].teams.waiting_months[0])
    assert [one.teams.waiting_months[0] for one in shown[1:]] == [25.0, 25.0, 50.0, 52.5]
    assert np.isnan([one.board.files.hours for one in shown[:3]]).all()
    assert [one.board.files.hours for one in shown[3:]] == [500.0, 550.0]
    assert np.isnan(totals([shown[0]]).waiting_months)


def test_clients_and_hours_of_a_small_team_are_not_told(part: LayerSums) -> None:
    """49 clients: with what the ledger shows of them, that would tell of which product the last ones are."""
    count = len(part.capacity)
    teams = replace(part.teams, clients=np.array([49.0, *[52.0] * (count - 1)]), hours=np.full(count, 110.0))
    (seen,) = sums_shown([replace(part, teams=teams)])
    assert np.isnan([seen.teams.clients[0], seen.teams.hours[0], seen.teams.low[0], seen.teams.travel_km[0]]).all()
    assert (seen.teams.clients[1], seen.teams.hours[1]) == (50.0, 50 * 2.1)


def test_a_team_without_capacity_has_no_waiting_time(part: LayerSums) -> None:
    without = replace(with_file_hours(part, 40.0), capacity=np.zeros(len(part.capacity)))
    assert np.isnan(sums_shown([without])[0].teams.waiting_months).all()


def test_the_chart_for_readers_tells_no_more(part: LayerSums) -> None:
    few, more = (waiting_chart([with_file_hours(part, hours)], coarse=True) for hours in (502.0, 510.0))
    assert few is not None
    assert more is not None
    assert few.sheet.rows == more.sheet.rows
    assert waiting_chart([with_file_hours(part, 8.0)], coarse=True) is None
