"""A problem is checked when it is made, and says everything that is wrong at once."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from allocation.districting import Measure, ProblemError, Weights
from tests.unit.districting.conftest import GridMaker


def test_targets_share_demand_and_base_load_in_proportion_to_capacity(grid: GridMaker) -> None:
    """Six units of demand 1 and a base load of 3: 9 in all, 2 : 1 gives 6 and 3."""
    problem = grid(2, 3, capacity=[2.0, 1.0], base_load=[3.0, 0.0], tolerance=0.1)
    assert problem.target == pytest.approx([6.0, 3.0])
    assert problem.upper_limit == pytest.approx([6.6, 3.3])
    assert problem.lower_limit == pytest.approx([5.4, 2.7])
    assert problem.total_demand == 6


def test_pins_and_bars_are_one_mask(grid: GridMaker) -> None:
    allowed = np.ones((4, 2), dtype=bool)
    allowed[1, 0] = False
    problem = grid(2, 2, allowed=allowed, fixed=[1, -1, -1, -1])
    assert problem.allowed_mask.tolist() == [[False, True], [False, True], [True, True], [True, True]]


def test_distances_are_in_kilometres(grid: GridMaker) -> None:
    problem = grid(2, 2, office_xy_m=[[0.0, 0.0], [3000.0, 5000.0]])
    assert problem.distance_km[2] == pytest.approx([1.0, 5.0])
    assert grid(2, 2).distance_km.tolist() == np.zeros((4, 2)).tolist()


def test_all_faults_are_told_at_once(grid: GridMaker) -> None:
    with pytest.raises(ProblemError) as caught:
        grid(
            2,
            2,
            demand=[1.0, -1.0, 1.0, np.nan],
            capacity=[0.0, 1.0],
            tolerance=-0.1,
            edges=[[0, 0], [1, 2], [2, 1]],
            border_m=np.ones(3),
            current=[5, 0, 0, 0],
            weights=Weights(travel=-1.0),
            further=(Measure("clients", np.ones(4), np.zeros(2), 0.1),),
        )
    assert caught.value.sentences == (
        "demand must be finite and at least 0.",
        "capacity must be finite and above 0.",
        "tolerance must be at least 0.",
        "The weight travel must be at least 0.",
        "Measure clients: amounts must be at least 0 and capacities above 0.",
        "An edge joins a unit to itself.",
        "A pair of neighbours occurs more than once.",
        "current names a team that does not exist.",
    )


def test_a_pin_to_a_barred_team_is_a_contradiction(grid: GridMaker) -> None:
    allowed = np.ones((4, 2), dtype=bool)
    allowed[0, 1] = False
    with pytest.raises(ProblemError, match="Unit 00 is pinned to team B and barred from it"):
        grid(2, 2, allowed=allowed, fixed=[1, -1, -1, -1])
    with pytest.raises(ProblemError, match="Unit 00 is barred from every team"):
        grid(2, 2, allowed=np.array([[False, False], [True, True], [True, True], [True, True]]))


def test_wrong_shapes_are_named(grid: GridMaker) -> None:
    with pytest.raises(ProblemError, match=r"demand has shape \(3,\), expected \(4,\)"):
        grid(2, 2, demand=np.ones(3))


def test_a_problem_cannot_be_changed_in_place(grid: GridMaker) -> None:
    demand = np.ones(4)
    problem = grid(2, 2, demand=demand)
    demand[0] = 9
    assert problem.demand[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        problem.demand[0] = 2
    assert problem.replace(tolerance=0.5).tolerance == 0.5


def test_the_error_survives_the_way_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(ProblemError(("one", "two"))))
    assert error.sentences == ("one", "two")
