"""One layer in several ways: each the best of its kind, and never below what is proven. Against every plan there is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.districting import Problem, check
from allocation.layers import alternatives
from allocation.layers.alternatives import CORNERS, FIGURE, Alternative
from allocation.layers.spread import Spread
from tests.support.examples import examples
from tests.unit.layers.test_moving import layer_of, line_problem

NOISE = Spread(np.full(9, 0.02), ())
"""Of up to nine units: each can be off by itself."""
CONFIG = Config.from_values({"solver": {"iterations": 20_000}})


def every_plan(problem: Problem) -> list[np.ndarray]:
    plans = (np.array(plan) for plan in product(range(problem.k), repeat=problem.n))
    return [plan for plan in plans if not check(problem, plan)]


def test_four_corners_of_a_row_of_six_postcodes() -> None:
    """Demand 1 2 1 1 2 1, together 8, so each of two teams may have 2 to 6. The offices are at the ends, so the way is
    0 1 2 3 4 5 km to A and 5 4 3 2 1 0 to B. A has the first c units: c = 4 as now, so nobody moves (loads 5 and 3);
    c = 3 moves the 13 clients of the fourth unit, gives 4 and 4, and splits the gemeente in the middle;
    c = 2 and c = 4 split none. Travel of c = 3: 1 x 2 + 2 x 1 for A, 2 x 1 + 1 x 2 for B, together 8."""
    problem = line_problem(
        [1.0, 2.0, 1.0, 1.0, 2.0, 1.0], municipality=np.array([0, 0, 1, 1, 2, 2]), current=np.array([0, 0, 0, 0, 1, 1])
    )
    clients = np.array([5.0, 7.0, 11.0, 13.0, 17.0, 19.0])
    moved = np.where(np.arange(2) == problem.current[:, None], 0.0, clients[:, None])
    layer = layer_of(problem)
    plans = {kind: alternatives.divide(layer, kind, moved, NOISE, {}, CONFIG) for kind in CORNERS}
    found = {kind: alternatives.figures(layer, moved, NOISE, plan) for kind, plan in plans.items()}
    assert found[Alternative.MOVED].moved == 0
    assert found[Alternative.BALANCE].deviation == 0
    assert found[Alternative.SPLITS].splits == 0
    assert found[Alternative.TRAVEL].travel == 8
    cut_at_three = alternatives.figures(layer, moved, NOISE, np.array([0, 0, 0, 1, 1, 1]))
    assert (cut_at_three.moved, cut_at_three.splits) == (13.0, 1)
    assert alternatives.proven(layer, Alternative.BALANCE, moved, NOISE, plans[Alternative.BALANCE]) == 0
    assert alternatives.proven(layer, Alternative.TRAVEL, moved, NOISE, plans[Alternative.TRAVEL]) == pytest.approx(8)


def test_the_least_deviation_is_proven_where_a_heavy_postcode_forces_it() -> None:
    """Loads 6 + 1 + 1: half of 8 is 4, but who has the 6 has at least half as much again."""
    problem = line_problem([6.0, 1.0, 1.0])
    moved = np.zeros((3, 2))
    layer = layer_of(problem)
    plan = alternatives.divide(layer, Alternative.BALANCE, moved, NOISE, {}, CONFIG)
    assert alternatives.figures(layer, moved, NOISE, plan).deviation == pytest.approx(0.5)
    proven = alternatives.proven(layer, Alternative.BALANCE, moved, NOISE, plan)
    assert proven == pytest.approx(0.5, abs=0.01)
    assert proven <= 0.5


def test_the_middle_is_worse_than_each_corner_in_what_that_is_best_in_at_most() -> None:
    problem = line_problem([1.0, 2.0, 1.0, 1.0, 2.0, 1.0], municipality=np.array([0, 0, 1, 1, 2, 2]),
                           current=np.array([0, 0, 0, 0, 1, 1]))  # fmt: skip
    moved = np.where(np.arange(2) == problem.current[:, None], 0.0, 10.0)
    layer = layer_of(problem)
    corners = {
        str(kind): alternatives.figures(layer, moved, NOISE, alternatives.divide(layer, kind, moved, NOISE, {}, CONFIG))
        for kind in CORNERS
    }
    plan = alternatives.divide(layer, Alternative.MIDDLE, moved, NOISE, corners, CONFIG)
    assert not check(problem, plan)


def test_a_corner_takes_a_better_plan_that_another_search_found() -> None:
    """Loads 1 and 5 are a deviation of 2/3, 3 and 3 of none. A plan that breaks the tolerance is nobody's corner."""
    problem = line_problem([1.0, 2.0, 1.0, 2.0])
    layer, moved = layer_of(problem.replace(tolerance=0.7)), np.zeros((4, 2))
    own, other, broken = np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    plans = {Alternative.BALANCE: own, Alternative.TRAVEL: other, Alternative.SPLITS: broken}
    assert alternatives.best_of(layer, Alternative.BALANCE, moved, NOISE, plans).tolist() == other.tolist()
    del plans[Alternative.TRAVEL]
    assert alternatives.best_of(layer, Alternative.BALANCE, moved, NOISE, plans).tolist() == own.tolist()


@settings(max_examples=examples(4), deadline=None)
@given(st.data())
def test_no_plan_is_below_what_is_proven_and_a_corner_is_the_best_of_what_was_found(data: st.DataObject) -> None:
    n = data.draw(st.integers(3, 7))
    demand = data.draw(st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.5]), min_size=n, max_size=n))
    groups = np.sort(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    current = np.array(data.draw(st.lists(st.integers(-1, 1), min_size=n, max_size=n)))
    problem = line_problem(demand, municipality=groups, current=current)
    allowed = every_plan(problem) if sum(demand) > 0 else []
    if not allowed:
        return
    clients = np.array(data.draw(st.lists(st.integers(0, 30), min_size=n, max_size=n)), dtype=float)
    moved = np.where(np.arange(2) == current[:, None], 0.0, clients[:, None])
    layer = layer_of(problem)
    kinds = (*CORNERS, Alternative.SETTINGS)
    plans = {kind: alternatives.divide(layer, kind, moved, NOISE, {}, CONFIG) for kind in kinds}
    for kind in CORNERS:
        plan = alternatives.best_of(layer, kind, moved, NOISE, plans)
        assert not check(problem, plan)
        least, found = (
            min(getattr(alternatives.figures(layer, moved, NOISE, one), FIGURE[kind]) for one in some)
            for some in (allowed, plans.values())
        )
        proven = alternatives.proven(layer, kind, moved, NOISE, plans[kind])
        assert proven <= least * (1 + 1e-5) + 1e-5
        assert getattr(alternatives.figures(layer, moved, NOISE, plan), FIGURE[kind]) <= found + 1e-9
