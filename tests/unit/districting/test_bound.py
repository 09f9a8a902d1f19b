"""Lower bounds and exact solutions: by hand, against brute force, and when there is nothing to find."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.spatial import Delaunay

from allocation.districting.bound import lower_bound, solve_exact
from allocation.districting.branch_and_cut import BranchAndCut
from allocation.districting.check import check
from allocation.districting.objective import evaluate
from allocation.districting.problem import Measure, Problem
from allocation.districting.relaxation import Limits, Relaxation
from allocation.districting.solve import Stop, solve
from allocation.objective_terms import TERMS, Weights


def line_of_four(**changes: object) -> Problem:
    """a - b - c - d, a kilometre apart, one client each; the offices stand at b and at c.

    The best division is a b | c d: a and d travel 1 km, b and c none, so (1 + 0 + 0 + 1) / 4 = 0.5 km.
    """
    xy_m = np.array([[0.0, 0.0], [1000.0, 0.0], [2000.0, 0.0], [3000.0, 0.0]])
    problem = Problem(
        unit_ids=("a", "b", "c", "d"),
        team_ids=("left", "right"),
        xy_m=xy_m,
        demand=np.ones(4),
        edges=np.array([[0, 1], [1, 2], [2, 3]]),
        border_m=np.array([100.0, 200.0, 300.0]),
        capacity=np.ones(2),
        tolerance=0.1,
        office_xy_m=xy_m[[1, 2]],
    )
    return problem.replace(**changes)


def horseshoe() -> Problem:
    """The line a - b - c - d bent until d lies beside a, with one office between a and d and one between b and c.

    d --- c      offices at P (0, 0.5) between a and d, Q (10, 0.5) between b and c
    P     Q      nearest office: a, d -> P and b, c -> Q, all 0.5 km, but a and d are no neighbours
    a --- b      contiguous and in balance there is only a b | c d: two units travel far
    """
    xy_m = np.array([[0.0, 0.0], [10_000.0, 0.0], [10_000.0, 1000.0], [0.0, 1000.0]])
    offices = np.array([[0.0, 500.0], [10_000.0, 500.0]])
    return line_of_four(xy_m=xy_m, office_xy_m=offices)


def random_weights(rng: np.random.Generator) -> Weights:
    """Often all terms at once, else one alone: a fault in one term must not hide behind the others."""
    prices = {term.name: float(rng.choice([0, 1, 2.5])) for term in TERMS}
    groupings = {name: float(rng.choice([0, 1, 2.5])) for name in ("ggz", "wsp", "police")}
    if rng.random() < 0.4:
        alone = rng.choice([*prices, *groupings])
        prices = {name: 0.5 * (name == alone) for name in prices}
        groupings = {name: 0.5 * (name == alone) for name in groupings}
    return Weights(**prices, groupings=groupings)


def random_problem(seed: int, n_most: int = 8) -> Problem:
    """Up to ``n_most`` units on a planar graph (not always connected) with weights, limits and locks of every kind."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(4, n_most + 1)), int(rng.integers(1, 4))
    xy_m = rng.uniform(0, 1e4, (n, 2))
    corners = Delaunay(xy_m).simplices
    pairs = sorted({tuple(sorted(map(int, p))) for s in corners for p in itertools.combinations(s, 2)})
    pairs = [p for p in pairs if rng.random() < 0.75] or pairs[:1]
    places = rng.uniform(0, 1e4, (k, 2))
    offices = places[rng.integers(0, k, k)] if rng.random() < 0.6 else places  # often shared by some of the teams
    tables = rng.uniform(0, 20, (n, k))[:, rng.integers(0, k, k)]  # teams with the same column share an office too
    return Problem(
        unit_ids=tuple(f"u{i}" for i in range(n)),
        team_ids=tuple(f"t{t}" for t in range(k)),
        xy_m=xy_m,
        demand=np.round(rng.uniform(0, 10, n)) + (np.arange(n) == 0),
        edges=np.array(pairs),
        border_m=rng.uniform(0, 3000, len(pairs)),
        capacity=rng.uniform(1, 1.5, k) if rng.random() < 0.6 else np.ones(k),
        tolerance=float(rng.choice([0.1, 0.3, 0.6, 1.2])),
        weights=random_weights(rng),
        distance_table_km=tables if rng.random() < 0.3 else None,
        groupings={name: rng.integers(-1, 4, n) for name in ("ggz", "wsp", "police")[: rng.integers(0, 4)]},
        office_xy_m=offices if rng.random() < 0.7 else None,
        current=rng.integers(-1, k, n) if rng.random() < 0.5 else None,
        kept=rng.dirichlet(np.ones(k + 1), n)[:, :k] if rng.random() < 0.3 else None,
        apart=rng.random((n, k)) < 0.4 if rng.random() < 0.3 else None,
        municipality=rng.integers(0, 3, n) if rng.random() < 0.5 else None,
        care_region=rng.integers(0, 3, n) if rng.random() < 0.5 else None,
        fixed=np.where(rng.random(n) < 0.1, rng.integers(0, k, n), -1) if rng.random() < 0.3 else None,
        further=(Measure("clients", np.round(rng.uniform(0, 10, n)), np.ones(k), 0.7),) if rng.random() < 0.3 else (),
        base_load=rng.uniform(0, 5, k) if rng.random() < 0.3 else None,
    )


def allowed_plans(problem: Problem) -> list[np.ndarray]:
    """Every plan that keeps every hard rule, by trying all of them."""
    every = (np.array(plan) for plan in itertools.product(range(problem.k), repeat=problem.n))
    return [plan for plan in every if not check(problem, plan)]


@pytest.mark.parametrize("level", ["lp", "full"])
def test_line_of_four_costs_half_a_kilometre(level: str) -> None:
    assert lower_bound(line_of_four(), level=level).value == pytest.approx(0.5, rel=1e-5)


def test_exact_solution_of_the_line_of_four() -> None:
    found = solve_exact(line_of_four())
    assert found.is_optimal
    assert found.plan is not None
    assert found.plan.tolist() == [0, 0, 1, 1]


def test_contiguity_forces_the_detour_that_the_relaxation_does_not_see() -> None:
    far = math.hypot(10, 0.5)
    assert lower_bound(horseshoe(), level="lp").value == pytest.approx(0.5, rel=1e-6)
    found = lower_bound(horseshoe(), level="full")
    assert found.is_optimal
    assert found.value == pytest.approx((2 * 0.5 + 2 * far) / 4, rel=1e-5)


def test_an_incumbent_that_is_the_best_is_confirmed_and_not_returned_again() -> None:
    found = lower_bound(line_of_four(), np.array([0, 0, 1, 1]), level="full")
    assert (found.is_optimal, found.plan) == (True, None)
    assert found.value == pytest.approx(0.5, rel=1e-5)


def test_an_incumbent_that_breaks_a_rule_does_not_prune() -> None:
    """a c | b d costs less than the only allowed plan of the horseshoe, and is not contiguous."""
    found = lower_bound(horseshoe(), np.array([0, 1, 1, 0]), level="full")
    assert found.is_optimal
    assert found.plan is not None
    assert sorted(found.plan.tolist()) == [0, 0, 1, 1]


def test_a_unit_heavier_than_any_team_is_named() -> None:
    found = lower_bound(line_of_four(demand=np.array([1.0, 9.0, 1.0, 1.0])))
    assert found.value == math.inf
    assert "unit b alone has demand 9" in found.method


def test_loads_that_cannot_be_balanced_even_in_parts_are_proven_so() -> None:
    """Three of the four units are pinned to the left team: at least 3 of 4 parts, the limit is 2.2."""
    found = lower_bound(line_of_four(fixed=np.array([0, 0, 0, -1])))
    assert found.value == math.inf
    assert "balanced" in found.method


def test_no_contiguous_plan_is_proven_so() -> None:
    """A star: three leaves on one middle unit; two teams of two units each, but two leaves are never neighbours."""
    found = lower_bound(line_of_four(edges=np.array([[0, 1], [1, 2], [1, 3]])), level="full")
    assert found.value == math.inf
    assert not found.is_optimal
    assert "no contiguous division" in found.method


@pytest.mark.parametrize("seed", range(40))
def test_brute_force_agrees(seed: int) -> None:
    problem = random_problem(seed, 7)
    best = min((evaluate(problem, plan).objective for plan in allowed_plans(problem)), default=math.inf)
    quick, full = lower_bound(problem), lower_bound(problem, seconds=60.0, level="full")
    assert quick.value <= best + 1e-9
    assert full.value <= best + 1e-9
    if math.isfinite(best):
        assert full.is_optimal
        assert evaluate(problem, full.plan).objective == pytest.approx(best, rel=2e-6, abs=1e-9)
        assert full.value == pytest.approx(best, rel=2e-6, abs=1e-9)
    else:
        assert full.value == math.inf


FULL = {"municipality": [0, 0, 1, 1, 2, 2, 0], "care_region": [1, 0, 1, 0, 1, 0, 1], "current": [1, 0, 0, 2, -1, 1, 2]}
HAD = [[0.2, 0.7, 0], [1, 0, 0], [0.6, 0, 0.3], [0, 0, 1], [0, 0, 0], [0.5, 0.5, 0], [0.1, 0.2, 0.7]]
"""Part of each of the seven units that each team has now."""
APART = [[0, 1, 1], [1, 0, 1], [0, 0, 0], [0, 0, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("alone", [*(term.name for term in TERMS), "ggz", "wsp", "police", "all"])
@pytest.mark.parametrize("has_tables", [False, True])
def test_each_weight_alone_and_all_together_agree_with_brute_force(alone: str, has_tables: bool) -> None:
    """Seven units, three teams of which two share an office, three groupings, base loads: the best plan of all."""
    rng = np.random.default_rng(3)
    xy_m = rng.uniform(0, 1e4, (7, 2))
    corners = Delaunay(xy_m).simplices
    pairs = sorted({tuple(sorted(map(int, p))) for s in corners for p in itertools.combinations(s, 2)})
    groupings = {name: rng.integers(0, 3, 7) for name in ("ggz", "wsp", "police")}
    prices = {name: 0.7 for name in (*(t.name for t in TERMS), *groupings) if alone in (name, "all")}
    named = {term.name: prices.get(term.name, 0.0) for term in TERMS}
    problem = Problem(
        unit_ids=tuple("abcdefg"), team_ids=("A", "B", "C"), xy_m=xy_m, demand=rng.integers(1, 9, 7).astype(float),
        edges=np.array(pairs), border_m=rng.uniform(0, 3000, len(pairs)), capacity=np.array([1.0, 1.3, 0.9]),
        tolerance=0.3, office_xy_m=xy_m[[0, 4, 4]], groupings=groupings, base_load=np.array([3.0, 0.0, 1.0]),
        weights=Weights(**named, groupings={n: prices.get(n, 0.0) for n in groupings}),
        distance_table_km=rng.uniform(1, 20, (7, 2))[:, [0, 1, 1]] if has_tables else None,
        kept=np.array(HAD) if has_tables else None, apart=np.array(APART, dtype=bool),
        **{name: np.array(codes) for name, codes in FULL.items()},
    )  # fmt: skip
    plans = allowed_plans(problem)
    costs = [evaluate(problem, plan).objective for plan in plans]
    assert len({round(cost, 6) for cost in costs}) > 1  # the weight tells plans apart
    worst = plans[int(np.argmax(costs))]
    quick, exact = lower_bound(problem), solve_exact(problem, worst, seconds=60.0)
    found = solve(problem, Stop(seconds=None, iterations=400_000))
    assert quick.value <= min(costs) + 1e-9
    assert exact.is_optimal
    assert found.objective == pytest.approx(min(costs), rel=1e-5, abs=1e-9)
    assert evaluate(problem, exact.plan).objective == pytest.approx(min(costs), rel=2e-6, abs=1e-9)
    assert exact.value == pytest.approx(min(costs), rel=2e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("weights", "plan", "best"),
    [
        (Weights(0.0, cut_edges=1.0, border=1.0), [0, 0, 0, 1], 1.1),
        (Weights(0.25, cut_edges=1.0), [0, 0, 0, 1], 1.0 + 0.25 * 0.5),
        (Weights(0.0, cut_edges=1.0, moved=0.5), [0, 0, 0, 1], 1.0),
    ],
)
def test_only_an_objective_of_whole_things_moves_in_whole_steps(weights: Weights, plan: list[int], best: float) -> None:
    """On the line any cut costs 1; border, travel and moved set the three cuts apart by less than 1. A search that
    believed in steps of 1 would call the first plan optimal."""
    problem = line_of_four(weights=weights, tolerance=1.2, current=np.array([0, 1, 1, 1]))
    found = solve_exact(problem, np.array(plan))
    assert found.is_optimal
    assert found.plan is not None
    assert evaluate(problem, found.plan).objective == pytest.approx(best)


@pytest.mark.parametrize("seed", range(8))
def test_any_prices_give_a_valid_bound(seed: int) -> None:
    """The certificate does not rest on the solver: random row prices bound the optimum too, only less well."""
    problem = random_problem(seed, 6)
    plans = allowed_plans(problem)
    best = min((evaluate(problem, plan).objective for plan in plans), default=math.inf)
    relaxation = Relaxation(problem, Limits.of(problem), problem.allowed_mask.astype(np.uint8))
    rng = np.random.default_rng(seed)
    for _ in range(20):
        prices = rng.normal(0, 0.3, len(relaxation.row_low))
        assert relaxation.safe_bound(prices)[0] <= best + 1e-9


@pytest.mark.parametrize("seed", range(100, 130))
def test_inequalities_hold_for_every_allowed_plan(seed: int) -> None:
    """Cuts found at random fractional points are broken by the point and by no allowed plan."""
    problem = random_problem(seed, 7)
    plans = allowed_plans(problem)
    search = BranchAndCut(problem, None, math.inf)
    rng = np.random.default_rng(seed)
    for _ in range(10):
        x = rng.dirichlet(np.full(problem.k, 0.3), problem.n)
        for cut in search.separate(x):
            assert cut.coefficients @ x[cut.units, cut.teams] > cut.rhs
            for plan in plans:
                whole = plan[:, None] == np.arange(problem.k)
                assert cut.coefficients @ whole[cut.units, cut.teams] <= cut.rhs


def test_inequalities_are_found_where_the_relaxation_tears_a_team_apart() -> None:
    problem = horseshoe()
    torn = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    assert BranchAndCut(problem, None, math.inf).separate(torn)


def test_interchangeable_teams_cost_the_same_under_any_names() -> None:
    """Without offices and with equal capacities the numbering is arbitrary: cutting the line once is the optimum."""
    found = solve_exact(line_of_four(office_xy_m=None, weights=Weights(travel=0.0, cut_edges=1.0)))
    assert found.is_optimal
    assert found.value == 1.0


@pytest.mark.heavy
def test_many_units_are_bounded_by_prices_of_a_coarse_copy() -> None:
    """30,000 units and 3 teams: the quick way is valid and close to the whole relaxation (solved here to compare)."""
    rng = np.random.default_rng(7)
    n, offices = 30_000, np.array([[2e4, 2e4], [8e4, 3e4], [4e4, 8e4]])
    problem = Problem(
        unit_ids=tuple(map(str, range(n))), team_ids=("a", "b", "c"), xy_m=rng.uniform(0, 1e5, (n, 2)),
        demand=rng.uniform(1, 3, n), edges=np.zeros((0, 2)), border_m=np.zeros(0), capacity=np.array([1.0, 2.0, 1.5]),
        tolerance=0.05, office_xy_m=offices,
    )  # fmt: skip
    quick = lower_bound(problem)
    whole = Relaxation(problem, Limits.of(problem), problem.allowed_mask.astype(np.uint8)).solve().bound
    assert "prices" in quick.method
    assert whole * 0.9999 <= quick.value <= whole * (1 + 1e-6)


def test_a_team_that_is_among_nobodys_cheapest_gets_a_price_too() -> None:
    """Ten teams, the last one far from all: no unit is offered it at first, yet it must get its share."""
    rng = np.random.default_rng(7)
    n = 5_000
    offices = np.vstack([rng.uniform(0, 1e5, (9, 2)), [[3e5, 3e5]]])
    problem = Problem(
        unit_ids=tuple(map(str, range(n))), team_ids=tuple("abcdefghij"), xy_m=rng.uniform(0, 1e5, (n, 2)),
        demand=rng.uniform(1, 3, n), edges=np.zeros((0, 2)), border_m=np.zeros(0), capacity=np.ones(10),
        tolerance=0.05, office_xy_m=offices,
    )  # fmt: skip
    quick = lower_bound(problem)
    whole = Relaxation(problem, Limits.of(problem), problem.allowed_mask.astype(np.uint8)).solve().bound
    assert "prices" in quick.method
    assert whole * 0.999 <= quick.value <= whole * (1 + 1e-6)


def test_an_empty_relaxation_is_believed_only_with_a_certificate() -> None:
    """Three of four units pinned left are too many for its limit; with one pin fewer there is nothing to certify."""
    for pins, is_empty in (([0, 0, 0, -1], True), ([0, 0, -1, -1], False)):
        problem = line_of_four(fixed=np.array(pins))
        relaxation = Relaxation(problem, Limits.of(problem), problem.allowed_mask.astype(np.uint8))
        assert relaxation.solve().is_empty is is_empty
        if not is_empty:
            assert not relaxation._is_surely_empty()
