"""Exact search on a part of the choices: good plans merged, or two or three neighbouring teams divided anew.

Annealing leaves plans that are each right in other places. Where the plans of a small pool agree a unit keeps its team;
where they differ the exact search of :mod:`.branch_and_cut` chooses. What it returns is at least as good as the best of
them. The idea is that of "construct, merge, solve and adapt": Blum, Pinacho, López-Ibáñez & Lozano (2016), Computers &
Operations Research 68, 75-88.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from allocation.districting.branch_and_cut import BranchAndCut
from allocation.districting.kernels import Model
from allocation.districting.problem import Bools, Ints, Problem


@dataclass(frozen=True)
class Outcome:
    """A plan better than the incumbent or None; whether nothing better is left within the options; the reason when
    these hold no plan at all; nodes searched."""

    plan: Ints | None
    is_settled: bool
    reason: str
    nodes: int


def merged(problem: Problem, plans: list[Ints]) -> Bools:
    """(n, k) True where one of the plans has the unit in the team."""
    options = np.zeros((problem.n, problem.k), dtype=np.bool_)
    for plan in plans:
        options[np.arange(problem.n), plan] = True
    return options


def regrouped(problem: Problem, plan: Ints, teams: Ints) -> Bools:
    """(n, k) True where a unit of the teams may go to any of them, and the others where they are."""
    options = merged(problem, [plan])
    options[np.ix_(np.isin(plan, teams), teams)] = True
    return options & problem.allowed_mask


def neighbouring(model: Model, plan: Ints, first: int, size: int, rng: np.random.Generator) -> Ints:
    """``size`` teams (fewer when there are no more) that hang together, ``first`` among them; sorted."""
    k = model.cost.shape[1]
    touch = np.zeros((k, k), dtype=np.bool_)
    a, b = plan[model.ea], plan[model.eb]
    touch[a, b] = touch[b, a] = True
    chosen = [first]
    while len(chosen) < size:
        near = np.flatnonzero(touch[chosen].any(axis=0))
        near = near[~np.isin(near, chosen)]
        if len(near) == 0:
            break
        chosen.append(int(rng.choice(near)))
    return np.array(sorted(chosen))


def best_of(problem: Problem, options: Bools, incumbent: Ints | None, nodes: int, deadline: float | None) -> Outcome:
    """Search the plans within ``options`` ((n, k) bool) by branch and cut, ``nodes`` at most."""
    within = problem.replace(allowed=options, fixed=None)
    search = BranchAndCut(within, incumbent, math.inf if deadline is None else deadline)
    search.run(nodes)
    return Outcome(search.plan if search.has_better else None, search.is_proven, search.reason, search.nodes)
