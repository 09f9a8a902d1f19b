"""First plans: from the relaxation, from the current division, or grown from seeds.

A start is contiguous wherever the graph and the pins allow it; its loads need not be within their limits, that is
for the annealing to mend.
"""

from __future__ import annotations

import heapq

import highspy
import numpy as np

from allocation.districting.kernels import Model
from allocation.districting.problem import Bools, Floats, Ints, Problem

FREE = -1
ASIDE_M = 300.0  # how far teams that share an office are put from it


def aside(problem: Problem, xy_m: Floats, demand: Floats) -> Floats:
    """(n, k) change of the travel price of units at ``xy_m`` (n, 2) with ``demand`` (n,) when teams that share an
    office stand a little apart around it.

    To the relaxation such teams are one, and it deals their units out in any order; seen from places of their own
    each gets a side of the office, which is close to what a contiguous plan must give them.
    """
    out = np.zeros((len(xy_m), problem.k))
    if problem.office_xy_m is None or not problem.has_travel_price or problem.total_demand == 0:
        return out
    price = demand * problem.weights.travel / 1000.0 / problem.total_demand
    for teams in problem.teams_by_office:
        if len(teams) == 1:
            continue
        angle = 2 * np.pi * np.arange(len(teams)) / len(teams)
        step = xy_m - problem.office_xy_m[teams[0]]
        far = np.hypot(step[:, 0], step[:, 1])
        for team, a in zip(teams, angle, strict=True):
            moved = np.hypot(step[:, 0] - ASIDE_M * np.cos(a), step[:, 1] - ASIDE_M * np.sin(a))
            out[:, team] = price * (moved - far)
    return out


def relax(model: Model, choices: int = 24) -> Ints | None:
    """The team that gets most of each unit when units may be divided and contiguity is dropped; None when even that
    has no solution. A transport problem: min cost x, sum_t x_ut = 1, low_t <= sum_u amount_u x_ut <= high_t.

    Of many teams a unit is offered its ``choices`` cheapest at first, and more when that has no solution.
    """
    n, k = model.cost.shape
    offered = model.allowed
    if choices < k:
        price = np.where(model.allowed, model.cost, np.inf)
        offered = np.zeros((n, k), dtype=np.bool_)
        offered[np.arange(n)[:, None], np.argpartition(price, choices, axis=1)[:, :choices]] = True
        offered &= model.allowed
    unit, team = np.nonzero(offered)
    share = _transport(model, unit, team)
    if share is None:
        return relax(model, 3 * choices) if choices < k else None
    shares = np.full((n, k), -1.0)
    shares[unit, team] = share
    return np.asarray(np.argmax(shares, axis=1), dtype=np.int64)


def _transport(model: Model, unit: Ints, team: Ints) -> Floats | None:
    """Shares of the pairs (unit, team) in the relaxation that has a column for each; None when it has no solution."""
    n, k = model.cost.shape
    measures, columns = len(model.amount), len(unit)
    rows = [unit, *(n + i * k + team for i in range(measures))]
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns, n + measures * k
    lp.col_cost_ = model.cost[unit, team]
    lp.col_lower_ = np.zeros(columns)
    lp.col_upper_ = np.ones(columns)
    lp.row_lower_ = np.concatenate([np.ones(n), model.low.ravel()])
    lp.row_upper_ = np.concatenate([np.ones(n), model.high.ravel()])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.arange(columns + 1, dtype=np.int32) * (1 + measures)
    lp.a_matrix_.index_ = np.stack(rows, axis=1).ravel().astype(np.int32)
    lp.a_matrix_.value_ = np.stack([np.ones(columns), *(a[unit] for a in model.amount)], axis=1).ravel()
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    solver.setOptionValue("threads", 1)
    solver.passModel(lp)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return np.asarray(solver.getSolution().col_value, dtype=np.float64)


def complete(model: Model, partial: Ints, rng: np.random.Generator, noise: float = 0.0) -> Ints:
    """A plan in which every team has units and is contiguous where that is possible, as close as can be to ``partial``
    ((n,) team indices, -1 = not decided). ``noise`` > 0 blurs the order in which undecided units are taken.
    """
    n, k = model.cost.shape
    core = _cores(model, rng)
    plan = np.where(model.allowed[np.arange(n), partial], partial, FREE)
    plan = np.where(core >= 0, core, plan)
    _seed_empty_teams(model, plan, core, rng)
    for team in range(k):
        members = np.flatnonzero(plan == team)
        pieces = components(model, plan == team, members)
        if len(pieces) > 1:
            weight = [model.amount[0, p].sum() + 1e-9 * len(p) + 1e30 * (core[p] == team).sum() for p in pieces]
            for i, piece in enumerate(pieces):
                if i != int(np.argmax(weight)):
                    plan[piece] = np.where(core[piece] == team, team, FREE)
    _fill(model, plan, rng, noise)
    return plan


def grown(model: Model, rng: np.random.Generator) -> Ints:
    """A plan grown from scattered seeds: the team furthest below its target takes its next unit."""
    n, k = model.cost.shape
    plan = _cores(model, rng)
    demand = model.amount[0] + 1e-12
    target = 1.0 / model.inverse[0]
    hops = np.full(n, np.inf)
    for team in rng.permutation(k):
        if (plan == team).any():
            hops = np.minimum(hops, _hops(model, np.flatnonzero(plan == team)))
    for team in rng.permutation(k):
        if (plan == team).any():
            continue
        free = np.flatnonzero((plan == FREE) & model.allowed[:, team])
        if len(free) == 0:
            continue
        far = np.minimum(hops[free], n)
        seed = free[int(np.argmax(far * rng.random(len(free)) ** 0.3))]
        plan[seed] = team
        hops = np.minimum(hops, _hops(model, np.array([seed])))
    load = np.bincount(plan[plan >= 0], demand[plan >= 0], k)
    frontier = [[v for u in np.flatnonzero(plan == t) for v in _neighbours(model, int(u))] for t in range(k)]
    queue = [(load[t] / target[t], t) for t in range(k)]
    heapq.heapify(queue)
    while queue:
        _, team = heapq.heappop(queue)
        options = [v for v in frontier[team] if plan[v] == FREE and model.allowed[v, team]]
        if not options:
            continue
        taken = max(options, key=lambda v: (sum(plan[x] == team for x in _neighbours(model, v)), rng.random()))
        plan[taken] = team
        load[team] += demand[taken]
        frontier[team] = [*options, *_neighbours(model, taken)]
        heapq.heappush(queue, (load[team] / target[team], team))
    _fill(model, plan, rng, 0.0)
    return plan


def _neighbours(model: Model, u: int) -> list[int]:
    return model.nbr[model.indptr[u] : model.indptr[u + 1]].tolist()  # type: ignore[no-any-return]


def components(model: Model, inside: Bools, members: Ints) -> list[Ints]:
    """The connected pieces of ``members``, all of them units where ``inside`` (n,) is True."""
    left = inside.copy()
    pieces = []
    for start in members:
        if not left[start]:
            continue
        left[start] = False
        piece = [int(start)]
        for u in piece:
            for v in _neighbours(model, u):
                if left[v]:
                    left[v] = False
                    piece.append(v)
        pieces.append(np.array(piece))
    return pieces


def _hops(model: Model, sources: Ints) -> Floats:
    """(n,) number of borders to the nearest source; inf where there is no way."""
    out = np.full(len(model.cost), np.inf)
    out[sources] = 0
    queue = [int(s) for s in sources]
    for u in queue:
        for v in _neighbours(model, u):
            if out[v] == np.inf:
                out[v] = out[u] + 1
                queue.append(v)
    return out


def _cores(model: Model, rng: np.random.Generator) -> Ints:
    """What each team must have: its pinned units, joined by shortest ways over units that no other team must have.

    (n,) team index or -1. Which team chooses its ways first is drawn; when a way is blocked the pins stay apart.
    """
    n, k = model.cost.shape
    core = np.full(n, FREE)
    pinned = np.flatnonzero(model.allowed.sum(axis=1) == 1)
    if len(pinned) == 0:
        return core
    if k > 1:
        core[pinned] = np.argmax(model.allowed[pinned], axis=1)
    for team in rng.permutation(k):
        mine = np.flatnonzero(core == team)
        pieces = components(model, core == team, mine)
        if len(pieces) < 2:
            continue
        order = rng.permutation(len(pieces))
        joined = set(pieces[order[0]].tolist())
        for i in order[1:]:
            joined |= set(pieces[i].tolist()) if joined & set(pieces[i].tolist()) else set()
            joined |= _join(model, core, joined, set(pieces[i].tolist()), int(team), rng)
    return core


def _join(model: Model, core: Ints, joined: set[int], piece: set[int], team: int, rng: np.random.Generator) -> set[int]:
    """Claim a shortest way from ``joined`` to ``piece`` for the team; what was added, nothing when there is no way."""
    before = dict.fromkeys(sorted(joined), -1)
    queue = list(before)
    for u in queue:
        if u in piece:
            added, step = set(piece), u
            while step >= 0:
                core[step] = team
                added.add(step)
                step = before[step]
            return added
        around = _neighbours(model, u)
        for i in rng.permutation(len(around)):
            v = around[i]
            if v not in before and model.allowed[v, team] and core[v] in (FREE, team):
                before[v] = u
                queue.append(v)
    return set()


def _seed_empty_teams(model: Model, plan: Ints, core: Ints, rng: np.random.Generator) -> None:
    """Give each team without units the allowed one that suits it best, never the last one of another team."""
    k = model.cost.shape[1]
    size = np.bincount(plan[plan >= 0], minlength=k)
    for team in rng.permutation(k):
        if size[team] > 0:
            continue
        owner_size = np.where(plan >= 0, size[plan], 2)
        options = np.flatnonzero(model.allowed[:, team] & (core == FREE) & (owner_size > 1))
        if len(options) == 0:
            continue
        price = model.cost[options, team] / np.maximum(model.amount[0, options], 1e-9)
        best = options[int(np.argmin(price + 1e-6 * (np.ptp(price) + 1) * rng.random(len(options))))]
        if plan[best] >= 0:
            size[plan[best]] -= 1
        plan[best] = core[best] = team
        size[team] = 1


def _fill(model: Model, plan: Ints, rng: np.random.Generator, noise: float) -> None:
    """Give undecided units to a neighbouring team, cheapest first; those without a way to any team last."""
    cost = model.cost - model.cost.min(axis=1, keepdims=True)
    blur = 1.0 + noise * rng.random(cost.shape)
    queue: list[tuple[float, int, int]] = []

    def offer(u: int) -> None:
        for v in _neighbours(model, u):
            if plan[v] == FREE and model.allowed[v, plan[u]]:
                heapq.heappush(queue, (cost[v, plan[u]] * blur[v, plan[u]], v, int(plan[u])))

    for u in np.flatnonzero(plan >= 0):
        offer(int(u))
    while queue:
        _, v, team = heapq.heappop(queue)
        if plan[v] == FREE:
            plan[v] = team
            offer(v)
    for u in np.flatnonzero(plan == FREE):
        plan[u] = int(np.argmin(np.where(model.allowed[u], model.cost[u], np.inf)))
