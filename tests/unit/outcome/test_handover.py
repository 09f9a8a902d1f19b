"""Handing over, on paper and against every other way.

Team A has 800 hours that will wait and 100 hours a month: 8 months. B has 200 and 100: 2 months. h hours from A to B
make that 8 - h/100 and 2 + h/100. For a difference of one month 250 hours must go. A has 30 files Q of 5 hours and 400
P of 2.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.contract.config import Advice, Config
from allocation.outcome.handover import Queue, fewest, least_difference, make_up
from tests.support import toy


def queue(hours: list[float], monthly: list[float], *ways: tuple[int, int, int, float, float]) -> Queue:
    """``ways``: source, target, product, most clients, hours each; a team has the most of its ways of a product."""
    columns = list(zip(*ways, strict=True)) if ways else [()] * 5
    held: dict[tuple[int, int], float] = {}
    for source, _, product, most, _ in ways:
        held[source, product] = max(held.get((source, product), 0.0), most)
    whole = [np.array(column, dtype=np.int64) for column in columns[:3]]
    amounts = [np.array(column, dtype=np.float64) for column in columns[3:]]
    return Queue(np.array(hours, dtype=float), np.array(monthly, dtype=float), *whole, *amounts, held)


PAPER = queue([800, 200], [100, 100], (0, 1, 0, 30, 5.0), (0, 1, 1, 400, 2.0))


def test_the_longest_files_go_first() -> None:
    """30 x 5 = 150 hours, and 50 x 2 = 100: 80 clients."""
    found = fewest(PAPER, 1.0)
    assert found is not None
    assert found.clients.tolist() == [30, 50]
    assert found.at_least == 80
    assert found.is_proven
    assert PAPER.difference() == pytest.approx(6.0)
    assert PAPER.difference(found.clients) == pytest.approx(1.0)


def test_the_curve_of_clients_against_difference() -> None:
    """Three months: 150 hours, which are the 30 long files; six months: nobody."""
    assert [one.at_least for x in (3.0, 5.0, 6.0) if (one := fewest(PAPER, x, is_whole=False))] == [30, 10, 0]


def test_a_team_with_hours_left_does_not_wait_before_they_are_used() -> None:
    """B has 100 hours left: it waits 0 months until it got 100. For a difference of four months
    8 - h/100 - max(0, h - 100)/100 <= 4, so h = 250: A waits 5.5 months, B 1.5."""
    left = queue([800, -100], [100, 100], (0, 1, 0, 30, 5.0), (0, 1, 1, 400, 2.0))
    found = fewest(left, 4.0)
    assert found is not None
    assert (found.clients * left.each).sum() == pytest.approx(250)
    assert left.months(found.clients).tolist() == pytest.approx([5.5, 1.5])


def test_where_nobody_needs_to_wait_the_longest_wait_alone_counts() -> None:
    """B can take up all 300 hours of A without waiting: at one month A must give 200, and B need not come up to A."""
    free = queue([300, -900], [100, 100], (0, 1, 0, 150, 2.0))
    found = fewest(free, 1.0)
    assert found is not None
    assert found.clients.tolist() == [100]


def test_what_cannot_be_reached_is_none_and_the_least_is_told() -> None:
    """Only 30 files of 5 hours may go: 150 hours, a difference of three."""
    few = queue([800, 200], [100, 100], (0, 1, 0, 30, 5.0))
    assert fewest(few, 1.0) is None
    assert least_difference(few) == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize(
    ("wanted", "counts", "taken"),
    [
        (3, [4, 3, 9], [0, 3, 0]),  # not 3 of 4: that leaves one
        (6, [4, 3, 11], [4, 0, 2]),  # the first ones first; 2 of 11 leave nine
        (7, [4, 3, 9], [4, 3, 0]),
        (2, [4, 3, 6], [0, 0, 1]),  # 2 of 6 would leave four
        (1, [6], [1]),
        (100, [4, 6], [4, 6]),
        (0, [], []),
    ],
)
def test_postcodes_make_up_the_number_without_a_small_rest(wanted: int, counts: list[int], taken: list[int]) -> None:
    assert make_up(wanted, counts) == taken


@given(st.integers(0, 40), st.lists(st.integers(1, 12), max_size=5))
@settings(deadline=None, max_examples=100)
def test_no_other_choice_of_postcodes_comes_nearer(wanted: int, counts: list[int]) -> None:
    taken = make_up(wanted, counts)
    allowed = [[n for n in range(count + 1) if count - n == 0 or count - n >= 5 or n == 0] for count in counts]
    assert all(n in choice for n, choice in zip(taken, allowed, strict=True))
    best = max((sum(way) for way in itertools.product(*allowed) if sum(way) <= wanted), default=0)
    assert sum(taken) == best


small = st.lists(st.tuples(st.integers(-20, 60), st.integers(5, 20)), min_size=2, max_size=3)


@given(small, st.integers(1, 4), st.sampled_from([1.0, 2.0]), st.floats(0.2, 4.0))
@settings(deadline=None, max_examples=40)
def test_fewest_is_fewest_and_waits_never_lie_further_apart(
    teams: list[tuple[int, int]], most: int, each: float, months: float
) -> None:
    """Against every way of handing over up to four files between each pair of teams."""
    pairs = [(a, b) for a in range(len(teams)) for b in range(len(teams)) if a != b]
    made = queue(
        [float(hours) for hours, _ in teams], [float(monthly) for _, monthly in teams],
        *((a, b, 0, float(most), each) for a, b in pairs),
    )  # fmt: skip
    found = fewest(made, months)
    of_source = [[i for i, (a, _) in enumerate(pairs) if a == team] for team in range(len(teams))]
    best: int | None = None
    for way in itertools.product(range(most + 1), repeat=len(pairs)):
        is_there = all(sum(way[i] for i in ways) <= most for ways in of_source)
        if is_there and made.difference(np.array(way, dtype=float)) <= months + 1e-9:
            best = sum(way) if best is None else min(best, sum(way))
    if found is None:
        assert best is None
        return
    assert found.clients.sum() == best
    assert found.at_least <= found.clients.sum()
    assert made.difference(found.clients) <= max(months, made.difference()) + 1e-4


def held_by_w1(**changes: Any) -> dict[str, pd.DataFrame]:
    """W1 holds every WIA file of West: 60 in each of six postcodes, 3 in one of them; W2 none."""
    tables = toy.tables()
    stock = tables["stock"]
    west = stock["pc4"].isin(["1001", "1002", "1005", "1006", "1009", "1010"]) & (stock["product"] == "WIA_EWT")
    stock.loc[west, ["clients", "team_id"]] = ["60", "W1"]
    stock.loc[west & (stock["pc4"] == "1010"), "clients"] = "3"
    return tables | {"stock": stock} | changes


def test_a_region_of_the_toy_country(tmp_path: Path) -> None:
    """W1: 303 files of 4 hours, 1,212 hours, and 1,200 - 144 of its year are free for them: W1 will wait 1.56 months,
    W2 none. At half a month: 106 of 1,212 - 1,056 = 156 hours go, so 27 files (26.5). W2 has hours for all of them."""
    config = Config(advice=Advice(handover_months=0.5))
    made = toy.divide(tmp_path, held_by_w1(), config)
    summary = made.outcome["handover_summary"]
    west = summary[(summary["cluster"] == "West") & (summary["months"] == 0.5)].iloc[0]
    assert west["difference_before"] == pytest.approx(1.56, abs=0.02)
    assert west["clients"] == 27
    assert west["clients_at_least"] == 27
    assert west["is_proven"]
    assert west["difference_after"] <= 0.5 + 1e-6
    rows = made.outcome["handover_advice"]
    assert set(zip(rows["team_from"], rows["team_to"], strict=True)) == {("W1", "W2")}
    assert rows["clients"].sum() == 27
    assert rows["hours"].sum() == pytest.approx(108.0)
    assert ((rows["rest_clients"] == 0) | (rows["rest_clients"] >= 5)).all()
    of_w2 = set(made.allocation.loc[made.allocation["team_id"] == "W2", "pc4"])
    assert set(rows["pc4"]) <= of_w2  # postcodes that are its own from now on come first


def test_waits_that_lie_near_enough_need_nothing(tmp_path: Path) -> None:
    """The same 1.56 months apart, where two months are allowed."""
    made = toy.divide(tmp_path, held_by_w1(), Config(advice=Advice(handover_months=2.0)))
    summary = made.outcome["handover_summary"]
    west = summary[(summary["cluster"] == "West") & (summary["law_domain"] == "zw_wia")]
    assert west["difference_before"].unique() == pytest.approx([1.56], abs=0.02)
    assert west["clients"].tolist() == [0]
    assert made.outcome["handover_advice"].empty


def test_a_barred_team_gets_no_file_of_that_postcode(tmp_path: Path) -> None:
    barred = [(pc4, "W2", "bar", "", "") for pc4 in ("1006", "1009")]
    made = toy.divide(tmp_path, held_by_w1(locks=toy.locks(*barred)), Config(advice=Advice(handover_months=0.5)))
    rows = made.outcome["handover_advice"]
    assert len(rows)
    assert not set(rows["pc4"]) & {"1006", "1009"}
