"""How good can a plan be at best? Certified lower bounds, and exact solutions of what is small enough.

``lower_bound`` is what a run reports beside its plan; ``solve_exact`` is the same search used to find plans. The
relaxation is in :mod:`.relaxation`, the contiguity inequalities in :mod:`.cuts`, the tree in :mod:`.branch_and_cut`.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

from allocation.districting.branch_and_cut import BranchAndCut
from allocation.districting.problem import Floats, Ints, Problem
from allocation.districting.relaxation import ROUNDING, Limits, Relaxation, unit_costs

LP_PAIRS = 40_000  # up to so many pairs (unit, team) the whole relaxation is solved; beyond, prices of a sample
EDGE_COLUMNS = 4_000  # up to so many (edge, team) columns the quick bound counts cut edges and border too
SAMPLE_PAIRS = 20_000
PRICE_STEPS = 60


@dataclass(frozen=True)
class Bound:
    """No allowed plan costs less than ``value`` (infinity: there is no allowed plan; ``method`` says why).

    plan        (n,) a plan better than the incumbent that was found on the way, or None
    is_optimal  nothing better than the incumbent (or than ``plan``, when there is one) exists, up to 0.0001%
    method      how the bound was obtained, in words
    seconds, nodes, cuts   what it took: wall-clock, nodes of the tree, contiguity inequalities
    """

    value: float
    plan: Ints | None
    is_optimal: bool
    method: str
    seconds: float
    nodes: int
    cuts: int


def lower_bound(
    problem: Problem,
    incumbent: Ints | None = None,
    seconds: float = 2.0,
    level: Literal["lp", "full"] = "lp",
    seed: int = 1,
) -> Bound:
    """A number that no allowed plan can beat.

    level "lp"    the relaxation in which units may be shared between teams and areas need not be contiguous; when the
                  problem has very many units, its dual with prices from a sample (a little weaker, as valid)
    level "full"  with contiguity, by branch and cut, until proven or out of time; ``incumbent`` (n,) prunes the tree
                  and need not be allowed: then it is left aside

    The search draws nothing at random; ``seed`` is accepted so that callers can treat all engines alike.
    """
    del seed
    start = time.perf_counter()
    why = overweight(problem)
    if why is not None:
        return Bound(math.inf, None, False, why, time.perf_counter() - start, 0, 0)
    if level == "full":
        return _full(problem, incumbent, start, seconds)
    if problem.n * problem.k > LP_PAIRS:
        return _priced(problem, start, seconds)
    return _linear(problem, start, seconds)


def solve_exact(problem: Problem, incumbent: Ints | None = None, seconds: float = 10.0) -> Bound:
    """Search for the best plan by branch and cut: meant for 2-3 teams and up to some 120 units, valid for any.

    ``plan`` is None when nothing better than ``incumbent`` was found; with ``is_optimal`` nothing better exists. Runs
    until proven or out of time. Deterministic unless it ends by the clock.
    """
    return lower_bound(problem, incumbent, seconds, "full")


def warm_up() -> None:
    """Compile what the exact search needs (about half a minute, once a machine: the result is kept on disk)."""
    line = np.array([[0, 1], [1, 2], [2, 3]])
    xy_m = np.array([[0.0, 0.0], [1000.0, 0.0], [2000.0, 0.0], [3000.0, 0.0]])
    toy = Problem(
        ("a", "b", "c", "d"), ("left", "right"), xy_m, np.ones(4), line, np.ones(3), np.ones(2), 0.1,
        office_xy_m=xy_m[[1, 2]],
    )  # fmt: skip
    solve_exact(toy, seconds=600.0)
    search = BranchAndCut(toy, None, math.inf)  # too small to need inequalities: call for some by hand
    search.separate(np.tile(np.array([[1.0], [0.0], [0.0], [1.0]]), 2))


def overweight(problem: Problem) -> str | None:
    """Why no plan can keep the load limits, where that shows at a glance; None when it does not."""
    limits = Limits.of(problem)
    mask = problem.allowed_mask
    names = ["demand", *(m.name for m in problem.further)]
    for q, name in enumerate(names):
        fits = mask & (limits.amount[q][:, None] <= limits.most[q][None, :])
        lost = np.flatnonzero(~fits.any(axis=1))
        if len(lost):
            heaviest = lost[np.argmax(limits.amount[q][lost])]
            what = f"unit {problem.unit_ids[heaviest]} alone has {name} {limits.amount[q][heaviest]:g}"
            return f"{what}, more than any team that may have it can take"
        over = np.flatnonzero(limits.most[q] < 0)
        if len(over):
            return f"team {problem.team_ids[over[0]]} is over its limit for {name} before it gets any unit"
    if problem.n < problem.k:
        return f"there are {problem.k} teams and only {problem.n} units"
    return None


def _full(problem: Problem, incumbent: Ints | None, start: float, seconds: float) -> Bound:
    search = BranchAndCut(problem, incumbent, start + seconds)
    search.run()
    value = min(search.bound, search.value)
    has_plan = search.plan is not None
    method = search.reason if search.is_proven and not has_plan else "branch and cut with contiguity inequalities"
    plan = search.plan if search.has_better else None
    took = time.perf_counter() - start
    return Bound(value, plan, search.is_proven and has_plan, method, took, search.nodes, search.cuts)


def _linear(problem: Problem, start: float, seconds: float) -> Bound:
    limits = Limits.of(problem)
    with_edges = len(problem.edges) * problem.k <= EDGE_COLUMNS
    relaxation = Relaxation(problem, limits, problem.allowed_mask.astype(np.uint8), with_edges)
    point = relaxation.solve(seconds)
    method = "linear relaxation"
    if point.is_empty:
        method = "the loads cannot be balanced within their limits, even with units shared between teams"
    value = max(point.bound, 0.0)  # every term is at least 0
    return Bound(value, None, False, method, time.perf_counter() - start, 0, 0)


def _priced(problem: Problem, start: float, seconds: float) -> Bound:
    """Travel and moved only, with a price per unit of load for each team; the prices come from a sample, then climb.

    For any prices p: sum over units of min over teams (cost - p x demand) + sum over teams of the price of the nearest
    limit is a lower bound (the Lagrangian dual of the relaxation with the load rows priced out).
    """
    limits = Limits.of(problem)
    load, least, most = limits.amount[0], limits.least[0], limits.most[0]
    cost = unit_costs(problem)
    cost[~problem.allowed_mask] = np.inf
    prices = _sample_prices(problem, limits, cost, start + 0.5 * seconds)
    best, best_prices, step = -math.inf, prices, 0.02
    for _ in range(PRICE_STEPS):
        value, slope = _dual_value(prices, cost, load, least, most)
        if value > best:
            best, best_prices = value, prices
        else:
            step *= 0.7
        if time.perf_counter() - start > seconds:
            break
        norm = float(slope @ slope)
        if norm == 0:
            break
        prices = best_prices + step * abs(best) * slope / norm
    value = max(best - 1e3 * ROUNDING * abs(best), 0.0)
    return Bound(value, None, False, "dual prices of the linear relaxation", time.perf_counter() - start, 0, 0)


def _sample_prices(problem: Problem, limits: Limits, cost: Floats, deadline: float) -> Floats:
    """(k,) load prices that solve the relaxation of evenly spread, equally weighted samples of the units."""
    take = max(SAMPLE_PAIRS // problem.k, 4 * problem.k)
    by_place = np.lexsort((problem.xy_m[:, 1], problem.xy_m[:, 0]))
    chosen = np.sort(by_place[np.linspace(0, problem.n - 1, min(take, problem.n)).astype(np.int64)])
    share = limits.amount[0][chosen].sum() / max(limits.amount[0].sum(), 1e-300)
    small = problem.replace(
        unit_ids=tuple(problem.unit_ids[i] for i in chosen), xy_m=problem.xy_m[chosen], demand=problem.demand[chosen],
        edges=np.zeros((0, 2), dtype=np.int64), border_m=np.zeros(0),
        current=None if problem.current is None else problem.current[chosen], municipality=None, care_region=None,
        fixed=None, allowed=problem.allowed_mask[chosen], further=(), base_load=None,
    )  # fmt: skip
    scaled = Limits(small.demand[None, :], limits.least[:1] * share, limits.most[:1] * share)
    relaxation = Relaxation(small, scaled, small.allowed_mask.astype(np.uint8), with_edges=False)
    if relaxation.solve(deadline - time.perf_counter()).is_empty:
        return np.zeros(problem.k)
    dual = np.asarray(relaxation.highs.getSolution().row_dual) / relaxation.scale
    rows = np.zeros(problem.k)
    at = small.n
    for t in range(problem.k):
        rows[t] = dual[at] / max(abs(scaled.least[0, t]), abs(scaled.most[0, t]))
        at += 1 + int(scaled.least[0, t] <= 0)
    return np.asarray(rows * share)  # the sample's travel is a mean over the sample, the problem's over all units


def _dual_value(prices: Floats, cost: Floats, load: Floats, least: Floats, most: Floats) -> tuple[float, Floats]:
    """The dual function at ``prices`` and a direction in which it may rise."""
    k = len(prices)
    value, at = 0.0, np.zeros(k)
    for first in range(0, len(load), 65_536):  # in slices, so that no second (n, k) table is needed
        part = slice(first, first + 65_536)
        charged = cost[part] - load[part, None] * prices
        team = np.argmin(charged, axis=1)
        value += float(charged[np.arange(len(team)), team].sum())
        at += np.bincount(team, weights=load[part], minlength=k)
    limit = np.where(prices > 0, least, np.where(prices < 0, most, np.clip(at, least, most)))
    return value + float(prices @ limit), limit - at


__all__ = ["Bound", "lower_bound", "overweight", "solve_exact", "warm_up"]
