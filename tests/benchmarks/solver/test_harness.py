"""The benchmark's own arithmetic: its recount against the engine's check, its instances, its separators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from allocation.districting import Problem, Stop, Weights, check, evaluate, solve, write_instance, write_plan
from tests.benchmarks.solver import bare
from tests.benchmarks.solver.instances import grow
from tests.benchmarks.solver.peers import torn
from tests.benchmarks.solver.recount import recount
from tests.benchmarks.solver.trials import objectives, schedule


def grid(side: int = 5, k: int = 3) -> Problem:
    """A square grid of ``side`` x ``side`` units with offices in three corners and every term priced."""
    index = np.arange(side * side).reshape(side, side)
    across = np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], axis=1)
    down = np.stack([index[:-1].ravel(), index[1:].ravel()], axis=1)
    edges = np.concatenate([across, down])
    rng = np.random.default_rng(3)
    xy_m = np.stack(np.divmod(np.arange(side * side), side), axis=1) * 1000.0
    return Problem(
        unit_ids=tuple(f"u{i}" for i in range(side * side)),
        team_ids=tuple(f"t{t}" for t in range(k)),
        xy_m=xy_m,
        demand=rng.integers(1, 10, side * side).astype(float),
        edges=edges,
        border_m=rng.uniform(0, 900, len(edges)),
        capacity=np.array([1.0, 1.2, 0.9])[:k],
        tolerance=0.2,
        weights=Weights(1.0, 0.5, 0.25, 2.0, 3.0, 4.0),
        office_xy_m=xy_m[[0, side - 1, side * (side - 1)]][:k],
        current=rng.integers(-1, k, side * side),
        municipality=rng.integers(0, 4, side * side),
        care_region=rng.integers(0, 2, side * side),
    )


@pytest.mark.parametrize("seed", range(5))
def test_recount_and_peers_agree_with_the_engine(seed: int, tmp_path: Path) -> None:
    problem = grid()
    rng = np.random.default_rng(seed)
    if seed % 2:  # with a table of distances, which no straight line equals
        problem = problem.replace(distance_table_km=rng.uniform(1, 90, (problem.n, problem.k)))
    plan = grow(problem, np.arange(3)) if seed == 0 else rng.integers(0, 3, problem.n)
    write_instance(problem, tmp_path / "i")
    write_plan(problem, plan, tmp_path / "plan.csv")
    score, instance = recount(tmp_path / "i", tmp_path / "plan.csv"), bare.read(tmp_path / "i")
    assert score.objective == pytest.approx(evaluate(problem, plan).objective)
    assert instance.objective(plan) == pytest.approx(score.objective)
    assert (not score.fault) == (not check(problem, plan)) == instance.is_allowed(plan)


def test_recount_names_what_is_missing(tmp_path: Path) -> None:
    problem = grid()
    write_instance(problem, tmp_path / "i")
    assert recount(tmp_path / "i", tmp_path / "plan.csv").fault == "no plan"
    (tmp_path / "plan.csv").write_text("unit,team\nu0,t0\n")
    assert recount(tmp_path / "i", tmp_path / "plan.csv").fault == "not every unit has a team"


def test_grown_divisions_are_contiguous_and_whole() -> None:
    problem = grid()
    plan = grow(problem, np.arange(3))
    assert {v.kind for v in check(problem, plan)} <= {"load"}


def test_a_trial_sets_the_fields_that_are_named(tmp_path: Path) -> None:
    tried = schedule("growth=1.8; hot=(0.5, 2.0)")
    assert (tried.growth, tried.hot, tried.slice) == (1.8, (0.5, 2.0), schedule("").slice)
    with pytest.raises(TypeError, match="grwth"):
        schedule("grwth=2")
    problem = grid()
    write_instance(problem, tmp_path / "i")
    best = solve(problem, Stop(seconds=None, iterations=50_000), 1).objective
    assert objectives(tmp_path / "i", schedule(""), Stop(seconds=None, iterations=50_000), 1) == [f"{best:.4f}"]


def test_separators_are_broken_by_the_torn_plan_they_come_from(tmp_path: Path) -> None:
    """The middle column split off: 0 1 0 over and over is torn for team 0, and every piece gets its inequality."""
    problem = grid()
    plan = np.tile([0, 0, 1, 0, 2], 5)
    write_instance(problem, tmp_path / "i")
    cuts = [cut for cut in torn(bare.read(tmp_path / "i"), plan) if cut.team == 0]
    assert cuts
    for cut in cuts:
        assert plan[cut.u] == plan[cut.v] == 0
        assert not (plan[cut.units] == 0).any()
