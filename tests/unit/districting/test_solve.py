"""``solve`` on problems whose answer is known."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from allocation import cli
from allocation.districting import Measure, Params, Stop, Weights, check, evaluate, solve, write_instance
from allocation.districting.annealing import Schedule
from tests.unit.districting.conftest import GridMaker

LONG = Stop(seconds=None, iterations=3_000_000)


def test_a_4_x_4_grid_is_halved_along_a_straight_line(grid: GridMaker) -> None:
    result = solve(grid(4, 4), LONG)
    assert (result.is_feasible, result.violations, result.proof) == (True, (), None)
    assert result.objective == 4
    assert result.stopped_because == "proven optimal"
    assert result.lower_bound == pytest.approx(4, rel=1e-5)
    assert result.gap == pytest.approx(0, abs=1e-5)


def test_two_teams_in_one_office_get_separate_areas(grid: GridMaker) -> None:
    problem = grid(3, 6, office_xy_m=[[2500.0, 1000.0]] * 2, weights=Weights(travel=1.0, cut_edges=0.01))
    result = solve(problem, LONG)
    assert result.is_feasible
    assert result.terms.cut_edges == 3


def test_one_unit_heavier_than_a_share_is_the_proof(grid: GridMaker) -> None:
    result = solve(grid(1, 4, demand=[9.0, 1.0, 1.0, 1.0], tolerance=0.1), LONG)
    assert not result.is_feasible
    assert result.proof is not None
    assert "00" in result.proof
    assert {v.kind for v in result.violations} == {"load"}
    assert (result.lower_bound, result.gap) == (None, None)
    assert result.plan.tolist() in ([0, 1, 1, 1], [1, 0, 0, 0])


def test_a_graph_in_more_pieces_than_teams_is_proven_hopeless(grid: GridMaker) -> None:
    result = solve(grid(1, 6, edges=[[0, 1], [2, 3], [4, 5]], border_m=np.ones(3), tolerance=0.5), LONG)
    assert not result.is_feasible
    assert result.proof is not None
    assert "pieces" in {v.kind for v in result.violations}


def test_a_balance_that_no_contiguous_plan_has_is_proven_hopeless(grid: GridMaker) -> None:
    """1 - 3 - 1 - 3 in a row: halves of 4 exist only out of separate pieces."""
    result = solve(grid(1, 4, demand=[3.0, 3.0, 1.0, 1.0], tolerance=0.05), LONG)
    assert not result.is_feasible
    assert result.proof == "no contiguous division keeps every load within its limits"


def test_pins_bars_and_a_further_measure_are_kept(grid: GridMaker) -> None:
    allowed = np.ones((16, 2), dtype=bool)
    allowed[5, 1] = False
    problem = grid(
        4,
        4,
        tolerance=0.25,
        fixed=[1] + [-1] * 14 + [0],
        allowed=allowed,
        further=(Measure("clients", np.arange(16), np.ones(2), 0.3),),
    )
    result = solve(problem, LONG)
    assert result.is_feasible
    assert (result.plan[0], result.plan[15], result.plan[5]) == (1, 0, 0)


def test_removing_a_team_changes_only_what_it_must(grid: GridMaker) -> None:
    """Four columns of three in four teams, the second team stops: its three units go to its neighbours, and as three
    is too much for one, the rest shifts by one unit."""
    current = np.array([0, -1, 1, 2] * 3)
    offices = [[0.0, 1000.0], [2000.0, 1000.0], [3000.0, 1000.0]]
    problem = grid(
        3, 4, teams=3, current=current, office_xy_m=offices, weights=Weights(travel=1.0, moved=20.0), tolerance=0.01
    )
    result = solve(problem, LONG)
    assert result.is_feasible
    assert result.terms.moved == pytest.approx(4 / 12)


def test_more_iterations_give_no_worse_plan_here_and_a_clock_ends_it(grid: GridMaker) -> None:
    problem = grid(12, 12, teams=6, tolerance=0.05)
    short = solve(problem, Stop(seconds=None, iterations=100_000))
    long = solve(problem, Stop(seconds=None, iterations=400_000))
    assert short.stopped_because == long.stopped_because == "iterations"
    assert long.objective <= short.objective
    timed = solve(problem, Stop(seconds=0.3))
    assert timed.stopped_because == "time"
    assert timed.seconds < 30
    assert timed.violations == check(problem, timed.plan)


def test_effort_is_not_spent_where_coolings_from_different_plans_agree(grid: GridMaker) -> None:
    """Borders keep the proof away, so nothing but the agreement ends the search early."""
    offices = [[500.0, 500.0], [8500.0, 700.0], [700.0, 6500.0], [8300.0, 6300.0]]
    problem = grid(10, 8, teams=4, office_xy_m=offices, tolerance=0.2, weights=Weights(travel=1.0, border=0.05))
    thrifty = solve(problem, Stop(seconds=None, effort=4_000_000))
    assert thrifty.stopped_because == "converged"
    assert thrifty.iterations < 2_000_000
    assert thrifty.objective == pytest.approx(solve(problem, LONG).objective)


def test_in_doubt_there_are_three_times_as_many_iterations(grid: GridMaker) -> None:
    """Lumpy work and a narrow tolerance: each cooling ends somewhere else. The same again, to the last unit."""
    demand = np.random.default_rng(1).lognormal(size=144)
    offices = np.random.default_rng(11).uniform(0, 11_000, (8, 2))
    weights = Weights(travel=1.0, cut_edges=0.02)
    problem = grid(12, 12, teams=8, office_xy_m=offices, tolerance=0.02, demand=demand, weights=weights)
    strict = solve(problem, Stop(seconds=None, iterations=200_000))
    found = solve(problem, Stop(seconds=None, effort=200_000))
    assert found.iterations >= 590_000
    assert found.stopped_because == "iterations"
    assert found.objective < strict.objective
    assert found.plan.tolist() == solve(problem, Stop(seconds=None, effort=200_000)).plan.tolist()
    bounded = solve(problem, Stop(seconds=None, iterations=200_000, effort=200_000))
    assert bounded.iterations < 400_000


def test_effort_is_a_number_of_iterations_where_nothing_guides_the_search(grid: GridMaker) -> None:
    problem = grid(8, 8, teams=3, tolerance=0.1, weights=Weights().only("border"), office_xy_m=None)
    by_effort, by_iterations = (
        solve(problem, Stop(seconds=None, effort=100_000)), solve(problem, Stop(seconds=None, iterations=100_000)),
    )  # fmt: skip
    assert by_effort.plan.tolist() == by_iterations.plan.tolist()
    assert by_effort.iterations == by_iterations.iterations


def test_a_start_is_balanced_even_when_time_is_up_at_once(grid: GridMaker) -> None:
    """Both offices on the left: the relaxed start is torn, and loads are equal only after some moves."""
    problem = grid(
        6, 6, office_xy_m=[[0.0, 0.0], [0.0, 1000.0]], tolerance=0.06, weights=Weights(travel=1.0, moved=1.0),
        current=[0] * 30 + [1] * 6,
    )  # fmt: skip
    hurried = solve(problem, Stop(seconds=1e-6))
    assert hurried.iterations > 0
    assert hurried.is_feasible
    assert hurried.stopped_because == "time"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_iterations_go_on_while_a_rule_that_can_be_kept_is_not(grid: GridMaker, seed: int) -> None:
    """Lumpy demand and a narrow tolerance: what was asked for is far too little for a plan within limits."""
    demand = np.random.default_rng(1).lognormal(size=144)
    found = solve(grid(12, 12, teams=4, tolerance=0.002, demand=demand), Stop(seconds=None, iterations=500), seed)
    assert found.is_feasible
    assert found.iterations > 500
    assert found.stopped_because == "iterations"


def test_a_plan_outside_limits_of_which_nothing_is_proven_is_told(
    grid: GridMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is a bound and no gap to it, for the plan keeps not all rules."""
    problem = grid(2, 3, tolerance=0.4)
    write_instance(problem, tmp_path)
    told = dataclasses.replace(solve(problem, LONG), is_feasible=False, lower_bound=1.0, gap=None)
    monkeypatch.setattr("allocation.districting.solve", lambda *_: told)
    assert cli.main(["solve", str(tmp_path), "--out", str(tmp_path / "plan.csv")]) == 1
    assert "bound 1.000000, " in capsys.readouterr().out


def test_a_large_problem_goes_over_coarser_levels(grid: GridMaker) -> None:
    offices = [[5000.0, 5000.0], [25_000.0, 5000.0], [5000.0, 25_000.0], [25_000.0, 25_000.0]]
    current = (np.arange(1600) % 40 >= 20).astype(int)
    problem = grid(
        40, 40, teams=4, office_xy_m=offices, current=current, tolerance=0.02, weights=Weights(travel=1.0, moved=0.01)
    )
    params = Params(schedule=Schedule(coarse_above=1000, coarsest=200))
    stop = Stop(seconds=None, iterations=600_000)
    result = solve(problem, stop, params=params)
    assert result.is_feasible
    assert check(problem, result.plan) == ()
    assert result.gap is not None
    assert result.gap < 0.01
    assert (solve(problem, stop, params=params).plan == result.plan).all()


@pytest.mark.parametrize("iterations", [1, 1000, 1_500_000])
def test_many_teams_are_balanced_by_prices_over_the_levels(grid: GridMaker, iterations: int) -> None:
    """All offices stand in a row at the left: load must pass full teams to come to the right."""
    problem = grid(
        40, 40, teams=8, office_xy_m=[[0.0, 5000.0 * t] for t in range(8)], tolerance=0.05, weights=Weights(travel=1.0)
    )
    params = Params(schedule=Schedule(coarse_above=1000, coarsest=200, many=8))
    stop = Stop(seconds=None, iterations=iterations)
    result = solve(problem, stop, params=params)
    assert {v.kind for v in check(problem, result.plan)} <= {"load"}  # contiguous and whole, whatever the effort
    assert (solve(problem, stop, params=params).plan == result.plan).all()
    if iterations > 1_000_000:
        assert result.is_feasible
        assert result.gap is not None
        assert result.gap < 0.03


def test_many_teams_of_a_large_problem_share_offices(grid: GridMaker) -> None:
    """Sixteen teams in eight offices: the two of an office get a side of it each, and all limits are kept."""
    offices = [[5000.0 + 10_000.0 * (t // 4), 5000.0 + 20_000.0 * (t % 4 // 2)] for t in range(16)]
    problem = grid(
        40, 40, teams=16, team_ids=[f"t{t:02}" for t in range(16)], office_xy_m=offices, tolerance=0.05,
        weights=Weights(travel=1.0),
    )  # fmt: skip
    params = Params(schedule=Schedule(coarse_above=1000, coarsest=200))
    result = solve(problem, Stop(seconds=None, iterations=1_500_000), params=params)
    assert result.is_feasible
    assert result.gap is not None
    assert result.gap < 0.03


def test_a_certificate_is_computed_when_time_is_given_for_it(grid: GridMaker) -> None:
    problem = grid(5, 5, teams=2, tolerance=0.1)
    params = Params(certify_seconds=60, schedule=Schedule(proof_pairs=0))
    result = solve(problem, Stop(seconds=None, iterations=100_000), params=params)
    assert result.stopped_because == "proven optimal"
    assert result.objective == evaluate(problem, result.plan).objective == 6


@pytest.mark.heavy
def test_where_time_ends_the_search_a_part_of_it_goes_to_the_proof(grid: GridMaker) -> None:
    """The search may prove nothing here: what is proven is proven in the time kept for it."""
    offices = [[0.0, 0.0], [2000.0, 2000.0]]
    problem = grid(5, 5, office_xy_m=offices, tolerance=0.1, weights=Weights(travel=1.0))
    search_alone = Schedule(proof_pairs=0, exact_pairs=0)
    kept = Params(schedule=Schedule(proof_pairs=0, regroupings=0, pool=1), certify_share=0.5)
    without = solve(problem, Stop(seconds=1.0), params=Params(schedule=search_alone, certify_share=0.5))
    assert without.stopped_because != "proven optimal"
    assert solve(problem, Stop(seconds=4.0), params=kept).stopped_because == "proven optimal"


@pytest.mark.parametrize(
    "stop", [{"seconds": None}, {"seconds": 0.0}, {"seconds": 1.0, "iterations": 0}, {"effort": 0}]
)
def test_a_stop_must_stop(stop: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="seconds"):
        Stop(**stop)  # type: ignore[arg-type]


def test_importing_compiles_nothing_and_needs_nothing_of_ours() -> None:
    code = (
        "import sys; import allocation.districting as d; from allocation.districting import kernels;"
        "assert not kernels.anneal.signatures;"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('pandas', 'geodata', 'expectations', 'sqlalchemy')];"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
