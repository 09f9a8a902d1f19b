"""Lending: the cheapest flows of hours between regions that bring every region under a waiting time (R22).

A region with Q hours in files that wait, A hours a year that come in or come back and C hours a year available has a
projected waiting time of at most x months after m months when

    max(0, Q + (A - C) m / 12) / (C / 12) <= x,  that is  C >= (12 Q + A m) / (m + x)

So with flows f (hours a year) from region to region it is a linear programme:

    minimise  sum of km(i, j) f(i, j)
    subject to  C(i) + sum f(., i) - sum f(i, .) >= (12 Q(i) + A(i) m) / (m + x)   for every region i near another
                sum f(i, .) <= share x C(i)                                        what a region lends at most
                f(i, j) >= 0, and 0 where the offices are further apart than allowed

HiGHS solves it (Huangfu and Hall, "Parallelizing the dual revised simplex method", Mathematical Programming
Computation 10, 2018). The multipliers that come with the solution prove it: their objective is the same.

Belongs here: that programme, arrays in, arrays out. Does not belong here: regions and files (`capacity`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, linprog
from scipy.sparse import coo_array

from allocation.contract.vocabulary import MONTHS_A_YEAR

Floats = NDArray[np.float64]
LEVEL_PRECISION = 1e-4
"""Months to which the least reachable waiting time is found; it is rounded up to hundredths."""
LONGEST_LEVEL = 600.0
PROOF = 1e-6
"""Relative difference between the flows' cost and that of the multipliers up to which the optimum counts as proven."""
SMALLEST_FLOW = 1e-6


@dataclass(frozen=True)
class Regions:
    """What each of n regions has: ``queue`` (hours), ``asked`` and ``available`` (hours a year); ``km`` (n, n)."""

    queue: Floats
    asked: Floats
    available: Floats
    km: Floats

    def needed(self, months: float, horizon_months: int) -> Floats:
        """Hours a year with which the projected waiting time is ``months``."""
        return (MONTHS_A_YEAR * self.queue + self.asked * horizon_months) / (horizon_months + months)


@dataclass(frozen=True)
class Loans:
    """``flows`` (n, n): hours a year from region to region. ``level``: months under which they bring every region.
    ``cost``: hours x km. ``bound``: proven lower bound of it."""

    flows: Floats
    level: float
    cost: float
    bound: float

    @property
    def is_proven(self) -> bool:
        return self.cost - self.bound <= PROOF * (1 + abs(self.cost))


def lending(regions: Regions, months: float | None, horizon_months: int, most_share: float, most_km: float) -> Loans:
    """The cheapest flows for a waiting time of ``months``; of the least that can be reached, where that is more or
    ``months`` is None.

    A region with nobody near enough to lend to it keeps its own waiting time and does not keep the others from theirs:
    it lends nothing as long as it waits longer.
    """
    is_near = (regions.km <= most_km) & ~np.eye(len(regions.queue), dtype=bool) & (regions.available > 0)[:, None]
    arcs, is_alone = np.argwhere(is_near), ~is_near.any(axis=0)

    def solved(level: float) -> OptimizeResult:
        needed = regions.needed(level, horizon_months)
        return _solve(regions, arcs, np.where(is_alone, np.minimum(needed, regions.available), needed), most_share)

    if months is not None and (found := solved(months)).success:
        return _loans(found, arcs, regions, months)
    low, high = 0.0 if months is None else months, LONGEST_LEVEL
    if months is None and (found := solved(0.0)).success:
        return _loans(found, arcs, regions, 0.0)
    while high - low > LEVEL_PRECISION:
        middle = (low + high) / 2
        low, high = (low, middle) if solved(middle).success else (middle, high)
    level = float(np.ceil(low * 100) / 100)
    found = solved(level)
    if not found.success:
        level = float(np.ceil(high * 100) / 100)
        found = solved(level)
    if not found.success:  # a region without an hour that nobody can reach: no waiting time is short enough
        return Loans(np.zeros_like(regions.km), float("inf"), 0.0, 0.0)
    return _loans(found, arcs, regions, level)


def _solve(regions: Regions, arcs: NDArray[np.int64], needed: Floats, most_share: float) -> OptimizeResult:
    n, number = len(regions.queue), len(arcs)
    if not number:
        is_enough = bool((regions.available >= needed - SMALLEST_FLOW).all())
        return OptimizeResult(success=is_enough, x=np.zeros(0), fun=0.0, bound=0.0)
    source, target = arcs.T
    at = np.arange(number)
    rows = np.concatenate([target, source, n + source])
    values = np.concatenate([-np.ones(number), np.ones(number), np.ones(number)])
    matrix = coo_array((values, (rows, np.concatenate([at, at, at]))), shape=(2 * n, number)).tocsr()
    limits = np.concatenate([regions.available - needed, most_share * regions.available])
    # flows of equal cost in both directions would be chance: an hour lent costs a little by itself
    price = regions.km[source, target] + SMALLEST_FLOW
    found = linprog(price, A_ub=matrix, b_ub=limits, bounds=(0, None), method="highs")
    if found.success:
        found.bound = float(limits @ found.ineqlin.marginals)
    return found


def _loans(found: OptimizeResult, arcs: NDArray[np.int64], regions: Regions, level: float) -> Loans:
    flows = np.zeros_like(regions.km)
    flows[arcs[:, 0], arcs[:, 1]] = np.where(found.x > SMALLEST_FLOW, found.x, 0.0)
    return Loans(flows, level, float(found.fun), float(found.bound))
