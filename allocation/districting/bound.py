"""How good can a plan be at best? Certified lower bounds, and exact solutions of what is small enough.

``lower_bound`` is what a run reports beside its plan; ``solve_exact`` is the same search used to find plans. The
relaxation is in :mod:`.relaxation`, the contiguity inequalities in :mod:`.cuts`, the tree in :mod:`.branch_and_cut`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import coo_array, vstack

from allocation.districting.branch_and_cut import BranchAndCut
from allocation.districting.problem import Bools, Floats, Ints, Problem
from allocation.districting.relaxation import ROUNDING, Limits, Relaxation, unit_costs

LP_PAIRS = 10_000  # up to so many pairs (unit, team) the whole relaxation is solved; beyond, prices of a coarse copy
EDGE_COLUMNS = 4_000  # up to so many (edge, team) columns the quick bound counts cut edges and border too
SKETCH_UNITS = 1_600  # the coarse copy that gives the first prices has about so many units
SKETCH_TEAMS = 8  # ... each of which is offered so many of its cheapest teams at first
SKETCH_ROUNDS = 12  # ... and more of them so often, where the prices call for it
PRICE_STEPS = 200


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
                  problem has very many units, its dual with prices from a coarse copy (a little weaker, as valid)
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
    value = max(min(search.bound, search.value), 0.0)  # every term is at least 0
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
    """Travel and moved only, with a price per unit of load for each team; the prices come from a sketch, then climb.

    For any prices p: sum over units of min over teams (cost - p x demand) + sum over teams of the price of the nearest
    limit is a lower bound (the Lagrangian dual of the relaxation with the load rows priced out).
    """
    limits = Limits.of(problem)
    least, most = limits.least[0], limits.most[0]
    prices = _sketch_prices(problem, least, most)
    best, best_prices, step = -math.inf, prices, 0.02
    for _ in range(PRICE_STEPS):
        value, slope = _dual_value(problem, prices, least, most)
        if value > best:
            best, best_prices = value, prices
        else:
            step *= 0.7
        norm = float(slope @ slope)
        if norm == 0 or time.perf_counter() - start > seconds:
            break
        prices = best_prices + step * abs(best) * slope / norm
    value = max(best - 1e3 * ROUNDING * abs(best), 0.0)
    return Bound(value, None, False, "dual prices of the linear relaxation", time.perf_counter() - start, 0, 0)


def _rows_at_once(problem: Problem) -> int:
    """How many units make a table of costs that stays in the processor's cache."""
    return max(1, 100_000 // problem.k)


def _slices(problem: Problem, starts: Ints, units: Ints) -> Iterator[tuple[Ints, Floats]]:
    """(units, their costs (., k)) in blocks between ``starts``, so that no (n, k) table is ever needed."""
    for first, last in zip(starts, [*starts[1:], len(units)], strict=True):
        part = units[first:last]
        cost = unit_costs(problem, part)
        if problem.allowed is not None or problem.fixed is not None:
            cost = np.where(problem.allowed_mask[part], cost, np.inf)
        yield part, cost


def _sketch_prices(problem: Problem, least: Floats, most: Floats) -> Floats:
    """(k,) load prices of a coarse copy: units merged where they lie together, each with its cheapest teams only."""
    order, starts = _blocks(problem.xy_m, SKETCH_UNITS)
    cost, load = np.empty((len(starts), problem.k)), np.add.reduceat(problem.demand[order], starts)
    every = max(1, _rows_at_once(problem) * len(starts) // problem.n)  # whole blocks
    for first in range(0, len(starts), every):
        mine = starts[first : first + every]
        end = starts[first + every] if first + every < len(starts) else problem.n
        for _, costs in _slices(problem, np.zeros(1, dtype=np.int64), order[mine[0] : end]):
            cost[first : first + every] = np.add.reduceat(costs, mine - mine[0], axis=0)
    offered = np.zeros(cost.shape, dtype=np.bool_)
    cheapest = np.argsort(cost, axis=1)[:, : min(SKETCH_TEAMS, problem.k)]
    np.put_along_axis(offered, cheapest, np.isfinite(np.take_along_axis(cost, cheapest, axis=1)), axis=1)
    for _ in range(SKETCH_ROUNDS):
        prices = _block_prices(cost, load, offered, least, most)
        charged = cost - load[:, None] * prices
        paid = np.where(offered, charged, np.inf).min(axis=1, keepdims=True)
        wanted = charged < paid - 1e-6 * np.abs(paid)
        if not wanted.any():
            break
        third = np.partition(charged, min(2, problem.k - 1), axis=1)[:, [min(2, problem.k - 1)]]
        offered |= wanted & (charged <= third)
    return prices


def _block_prices(cost: Floats, load: Floats, offered: Bools, least: Floats, most: Floats) -> Floats:
    """(k,) load prices of the relaxation of blocks with ``cost`` (b, k) and ``load`` (b,), each shared by the teams
    that it is ``offered`` ((b, k) bool)."""
    from scipy.optimize import linprog  # here: it takes as long to import as a small problem takes to solve

    unit, team = np.nonzero(offered)
    price_of_breach = 10 * cost[unit, team].sum() / max(load.sum(), 1e-300)  # keeps the sketch solvable
    n, k = len(unit), cost.shape[1]
    breach = np.ones(k)
    whole = coo_array((np.ones(n), (unit, np.arange(n))), shape=(len(load), n + 2 * k))
    above = coo_array(
        (np.concatenate([load[unit], -breach]), (np.concatenate([team, np.arange(k)]), np.arange(n + k))),
        shape=(k, n + 2 * k),
    )
    below = coo_array(
        (
            np.concatenate([-load[unit], -breach]),
            (np.concatenate([team, np.arange(k)]), np.concatenate([np.arange(n), n + k + np.arange(k)])),
        ),
        shape=(k, n + 2 * k),
    )
    solved = linprog(
        np.concatenate([cost[unit, team], np.full(2 * k, price_of_breach)]),
        A_ub=vstack([above, below]).tocsr(), b_ub=np.concatenate([most, -least]),
        A_eq=whole.tocsr(), b_eq=np.ones(len(load)), method="highs",
    )  # fmt: skip
    if solved.status != 0:
        return np.zeros(k)
    marginal = np.asarray(solved.ineqlin.marginals)
    return np.asarray(marginal[:k] - marginal[k:])


def _blocks(xy_m: Floats, count: int) -> tuple[Ints, Ints]:
    """Order the units so that neighbours in it lie together, and where each of some ``count`` equal blocks starts."""
    side = max(1, round(math.sqrt(count)))
    n = len(xy_m)
    strip = np.empty(n, dtype=np.int64)
    strip[np.argsort(xy_m[:, 0], kind="stable")] = np.arange(n) * side // n
    order = np.lexsort((xy_m[:, 1], strip))
    return order, np.unique(np.arange(side * side) * n // (side * side))


def _dual_value(problem: Problem, prices: Floats, least: Floats, most: Floats) -> tuple[float, Floats]:
    """The dual function at ``prices`` and a direction in which it may rise."""
    value, at = 0.0, np.zeros(problem.k)
    for part, cost in _slices(problem, np.arange(0, problem.n, _rows_at_once(problem)), np.arange(problem.n)):
        charged = cost - problem.demand[part, None] * prices
        team = np.argmin(charged, axis=1)
        value += float(charged[np.arange(len(team)), team].sum())
        at += np.bincount(team, weights=problem.demand[part], minlength=problem.k)
    limit = np.where(prices > 0, least, np.where(prices < 0, most, np.clip(at, least, most)))
    return value + float(prices @ limit), limit - at


__all__ = ["Bound", "lower_bound", "overweight", "solve_exact", "warm_up"]
