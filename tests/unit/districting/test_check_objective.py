"""Each term and each hard rule on a 3 x 3 grid:

00 01 02        A A B
10 11 12        A A B
20 21 22        A B B
"""

from __future__ import annotations

import numpy as np
import pytest

from allocation.districting import Measure, Weights, check, evaluate
from tests.unit.districting.conftest import GridMaker

PLAN = np.array([0, 0, 1, 0, 0, 1, 0, 1, 1])


def test_every_term_by_hand(grid: GridMaker) -> None:
    """Cut: 01|02, 11|12, 20|21, 11/21 = 4 borders of 1 km. Offices in 00 and 22. Rows are municipalities, columns
    care regions. 20 was B's and 12 had no team: 2 of 9 moved."""
    problem = grid(
        3,
        3,
        office_xy_m=[[0.0, 0.0], [2000.0, 2000.0]],
        municipality=[0, 0, 0, 1, 1, 1, 2, 2, 2],
        care_region=[0, 1, 2] * 3,
        current=[0, 0, 1, 0, 0, -1, 1, 1, 1],
        weights=Weights(1.0, 10.0, 100.0, 1000.0, 10_000.0, 9.0),
    )
    terms = evaluate(problem, PLAN)
    assert terms.travel_km == pytest.approx((0 + 1 + 2 + 1 + 2**0.5 + 1 + 2 + 1 + 0) / 9)
    assert (terms.cut_edges, terms.border_km) == (4, 4.0)
    assert (terms.municipality_splits, terms.care_region_splits) == (3, 1)
    assert terms.moved == pytest.approx(2 / 9)
    assert terms.objective == pytest.approx(terms.travel_km + 40 + 400 + 3000 + 10_000 + 2)


def test_a_plan_within_its_limits_breaks_nothing(grid: GridMaker) -> None:
    assert check(grid(3, 3, tolerance=1 / 9), PLAN) == ()


def test_a_load_just_outside_is_named_with_its_part(grid: GridMaker) -> None:
    (first, second) = check(grid(3, 3, tolerance=0.1), PLAN)
    assert (first.kind, first.where, first.amount) == ("load", "A", pytest.approx(5 / 4.5 - 1.1))
    assert first.text == "Team A: the load is 5.0, +11.1% of its target of 4.5; allowed is 10.0%."
    assert (second.kind, second.where) == ("load", "B")


def test_base_load_counts(grid: GridMaker) -> None:
    assert check(grid(3, 3, base_load=[0.0, 1.0]), PLAN) == ()


def test_a_further_measure_has_limits_of_its_own(grid: GridMaker) -> None:
    clients = Measure("clients", np.where(PLAN == 0, 3.0, 1.0), np.ones(2), 0.2)
    violations = check(grid(3, 3, tolerance=0.2, further=(clients,)), PLAN)
    assert [(v.kind, v.where) for v in violations] == [("measure", "A"), ("measure", "B")]
    assert "load of clients is 15.0" in violations[0].text


@pytest.mark.parametrize(
    ("plan", "kind", "where"),
    [
        ([0, 0, 1, 0, 0, 1, 1, 1, 0], "pieces", "A"),
        ([0] * 9, "empty", "B"),
        ([0, 0, 1, 0, -1, 1, 0, 1, 1], "unassigned", "11"),
        ([0, 0, 1], "shape", "plan"),
    ],
)
def test_broken_shapes(grid: GridMaker, plan: list[int], kind: str, where: str) -> None:
    assert (kind, where) in [(v.kind, v.where) for v in check(grid(3, 3, tolerance=1.0), plan)]


def test_pins_and_bars(grid: GridMaker) -> None:
    allowed = np.ones((9, 2), dtype=bool)
    allowed[8, 1] = False
    violations = check(grid(3, 3, tolerance=0.2, fixed=[1] + [-1] * 8, allowed=allowed), PLAN)
    assert [(v.kind, v.where) for v in violations] == [("pin", "00"), ("bar", "22")]


def test_without_demand_shares_are_zero(grid: GridMaker) -> None:
    problem = grid(3, 3, demand=np.zeros(9), current=PLAN, office_xy_m=[[0.0, 0.0], [1.0, 1.0]])
    assert evaluate(problem, 1 - PLAN).moved == 0
    assert check(problem, PLAN) == ()
