"""What must hold of the districting engine on any problem: random planar graphs with every kind of rule and price.

The plans are judged by ``check``, which shares no code with the search, and on tiny problems by trying every plan.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from allocation.districting import TERMS, Measure, Problem, Stop, Weights, check, evaluate, solve
from tests.support.examples import examples


def effort(few: int) -> settings:
    """Some examples, the same ones at every run, without a limit on the time of one."""
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples(few), deadline=None, derandomize=True, suppress_health_check=quiet)


PRICES = st.sampled_from([0.0, 0.5, 1.0, 20.0])


@st.composite
def problems(draw: st.DrawFn, min_units: int = 3, max_units: int = 40, max_teams: int = 4) -> Problem:
    """A random planar graph (a triangulation with edges left out, sometimes in pieces), teams, rules and prices."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(min_units, max_units))
    k = draw(st.integers(2, min(max_teams, n)))
    xy = rng.uniform(0, 10_000, (n, 2)).round()
    xy += np.arange(n)[:, None] * 0.25  # no two in one place
    edges = _planar_edges(xy, rng, draw(st.sampled_from([0.0, 0.1, 0.3])))
    demand = rng.integers(0, 100, n).astype(float)
    demand[0] += 1
    current = rng.integers(-1, k, n) if draw(st.booleans()) else None
    fixed = allowed = None
    if draw(st.booleans()):
        fixed = np.where(rng.random(n) < 0.15, rng.integers(0, k, n), -1)
    if draw(st.booleans()):
        allowed = rng.random((n, k)) < 0.85
        allowed[np.arange(n), rng.integers(0, k, n)] = True
        if fixed is not None:
            allowed[np.arange(n), fixed] |= fixed >= 0
    offices = xy[rng.integers(0, n, k)] if draw(st.booleans()) else None
    further = ()
    if draw(st.booleans()):
        further = (Measure("clients", rng.integers(1, 9, n).astype(float), rng.uniform(1, 2, k), 0.6),)
    return Problem(
        unit_ids=tuple(f"u{i:02d}" for i in range(n)),
        team_ids=tuple(f"t{i}" for i in range(k)),
        xy_m=xy,
        demand=demand,
        edges=edges,
        border_m=rng.integers(0, 900, len(edges)).astype(float),
        capacity=rng.uniform(0.8, 1.2, k).round(2),
        tolerance=draw(st.sampled_from([0.05, 0.2, 0.5])),
        weights=Weights(
            **{term.name: draw(PRICES) for term in TERMS}, groupings={"ggz": draw(PRICES), "wsp": draw(PRICES)}
        ),
        distance_table_km=rng.uniform(0, 20, (n, k)).round(1) if draw(st.booleans()) else None,
        groupings={name: rng.integers(0, 3, n) for name in ("ggz", "wsp") if draw(st.booleans())},
        office_xy_m=offices,
        current=current,
        municipality=rng.integers(0, 5, n) if draw(st.booleans()) else None,
        care_region=rng.integers(0, 3, n) if draw(st.booleans()) else None,
        fixed=fixed,
        allowed=allowed,
        further=further,
        base_load=rng.integers(0, 40, k).astype(float) if draw(st.booleans()) else None,
    )


def _planar_edges(xy: np.ndarray, rng: np.random.Generator, left_out: float) -> np.ndarray:
    corners = Delaunay(xy).simplices
    pairs = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1)
    pairs = np.unique(pairs, axis=0)
    return pairs[rng.random(len(pairs)) >= left_out]


def _brute_force(problem: Problem) -> float:
    """Least objective over all allowed plans; infinite when there is none.

    Of every possible plan the pins, bars and main loads are looked at, then whether each team is one piece (a table of
    all sets of units), and last all rules by ``check``.
    """
    plans = np.array(list(itertools.product(range(problem.k), repeat=problem.n)))
    plans = plans[problem.allowed_mask[np.arange(problem.n), plans].all(axis=1)]
    is_whole = _connected_sets(problem)
    for t in range(problem.k):
        inside = plans == t
        load = inside @ problem.demand + problem.base[t]
        within = (load <= problem.upper_limit[t] + 1e-6) & (load >= problem.lower_limit[t] - 1e-6)
        plans = plans[within & is_whole[inside @ (1 << np.arange(problem.n))]]
    allowed = (plan for plan in plans if not check(problem, plan))
    return min((evaluate(problem, plan).objective for plan in allowed), default=np.inf)


def _connected_sets(problem: Problem) -> np.ndarray:
    """(2**n,) whether the units whose bits are set hang together; a set that does has a unit that can be left out."""
    beside = np.zeros(problem.n, dtype=np.int64)
    for a, b in problem.edges:
        beside[a] |= 1 << b
        beside[b] |= 1 << a
    out = np.zeros(1 << problem.n, dtype=np.bool_)
    for bits in range(1, len(out)):
        rest = [(i, bits & ~(1 << i)) for i in range(problem.n) if bits >> i & 1]
        out[bits] = len(rest) == 1 or any(out[less] and beside[i] & less for i, less in rest)
    return out


@effort(10)
@given(problems())
def test_a_plan_called_feasible_passes_the_separate_check(problem: Problem) -> None:
    result = solve(problem, Stop(seconds=None, iterations=60_000))
    assert result.violations == check(problem, result.plan)
    assert result.is_feasible == (not result.violations)
    assert result.terms == evaluate(problem, result.plan)
    assert (result.plan >= 0).all()
    if result.is_feasible and result.lower_bound is not None:
        assert result.lower_bound <= result.objective + 1e-9
    if result.proof is not None:
        assert not result.is_feasible


@effort(7)
@given(problems(min_units=3, max_units=10, max_teams=3))
def test_tiny_problems_equal_brute_force(problem: Problem) -> None:
    best = _brute_force(problem)
    result = solve(problem, Stop(seconds=None, iterations=2_000_000))
    assert result.is_feasible == np.isfinite(best)
    if result.is_feasible:
        assert result.objective == pytest.approx(best, rel=1e-5, abs=1e-9)
        assert result.stopped_because == "proven optimal"
    else:
        assert result.proof is not None


@effort(5)
@given(problems(max_units=25), st.randoms(use_true_random=False))
def test_row_order_and_names_do_not_matter(problem: Problem, random: object) -> None:
    rng = np.random.default_rng(random.randrange(2**32))  # type: ignore[attr-defined]
    stop = Stop(seconds=None, iterations=40_000)
    plan = solve(problem, stop).plan
    units, teams = rng.permutation(problem.n), rng.permutation(problem.k)
    shuffled = _shuffled(problem, units, teams, rng)
    back = solve(shuffled, stop).plan
    again = np.empty_like(back)
    again[units] = teams[back]
    assert (again == plan).all()


def _shuffled(problem: Problem, units: np.ndarray, teams: np.ndarray, rng: np.random.Generator) -> Problem:
    """Rows in another order, edges too and turned around, other names, other group codes."""
    unit_at, team_at = np.argsort(units), np.append(np.argsort(teams), -1)
    order = rng.permutation(len(problem.edges))
    table = problem.distance_table_km

    def moved(codes: np.ndarray | None) -> np.ndarray | None:
        return None if codes is None else team_at[codes[units]]

    return problem.replace(
        unit_ids=tuple(f"x{i}" for i in rng.permutation(problem.n)),
        team_ids=tuple(f"y{i}" for i in rng.permutation(problem.k)),
        xy_m=problem.xy_m[units],
        demand=problem.demand[units],
        edges=unit_at[problem.edges[order]][:, ::-1],
        border_m=problem.border_m[order],
        capacity=problem.capacity[teams],
        office_xy_m=None if problem.office_xy_m is None else problem.office_xy_m[teams],
        current=moved(problem.current),
        municipality=None if problem.municipality is None else (7 - problem.municipality[units]),
        care_region=None if problem.care_region is None else (7 - problem.care_region[units]),
        groupings={name: 7 - codes[units] for name, codes in problem.groupings.items()},
        distance_table_km=table if table is None else table[np.ix_(units, teams)],
        fixed=moved(problem.fixed),
        allowed=None if problem.allowed is None else problem.allowed[np.ix_(units, teams)],
        further=tuple(Measure(m.name, m.amount[units], m.capacity[teams], m.tolerance) for m in problem.further),
        base_load=None if problem.base_load is None else problem.base_load[teams],
    )


@effort(8)
@given(problems(max_units=25), st.integers(1, 5))
def test_the_same_seed_gives_the_same_plan(problem: Problem, seed: int) -> None:
    stop = Stop(seconds=None, iterations=40_000)
    first, second = solve(problem, stop, seed), solve(problem, stop, seed)
    assert (first.plan == second.plan).all()
    assert first.iterations == second.iterations
