"""Compiled parts of the search: the bookkeeping of one plan, the moves, and annealing over them.

Everything is deterministic: the random numbers come from one 64-bit state that is passed in. Each kernel is compiled
once per machine and read from the on-disk cache afterwards.

A call of a compiled function passes the arrays of ``Model`` and ``State`` one by one, some two hundred values. So what
every proposal calls is written into its caller (``inline``), and proposals take a good deal less. And a function is
compiled once for each type of its arguments: units and teams are 64-bit wherever they are passed on.

Every move keeps each team's number of pieces (a plan that starts contiguous stays contiguous). Loads may leave their
limits at a price, ``mu`` per unit of relative violation, so that the search can pass through unbalanced plans.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from allocation.districting.problem import Bools, Floats, Ints

MAX_FRONTS = 256  # search fronts in one contiguity test; a move that needs more is not made
_GOLDEN = np.uint64(0x2545F4914F6CDD1D)


class Model(NamedTuple):
    """The problem as flat arrays. M measures, G groupings that are priced, m edges."""

    indptr: Ints  # (n + 1,) neighbours of u are nbr[indptr[u]:indptr[u + 1]]
    nbr: Ints  # (2m,) uint32: an index that cannot be below 0 needs no look at the end of the array
    eid: Ints  # (2m,) int32, the edge of each slot
    scost: Floats  # (2m,) price of cutting the edge of each slot
    ea: Ints  # (m,) int32
    eb: Ints  # (m,) int32
    cost: Floats  # (n, k) price of unit u in team t: travel and moved
    amount: Floats  # (M, n)
    low: Floats  # (M, k) limits, base load taken off
    high: Floats  # (M, k)
    inverse: Floats  # (M, k) 1 / target: violations are counted in parts of the target
    group: Ints  # (G, n) int32, -1 for none
    group_price: Floats  # (G,)
    num_groups: int
    allowed: Bools  # (n, k)


class State(NamedTuple):
    """One plan with what is derived from it, updated move by move, and scratch space."""

    plan: Ints  # (n,) int32
    load: Floats  # (M, k)
    price: Floats  # (M, k) what a team pays for each unit of its load, on top of the objective
    size: Ints  # (k,) units
    gcount: Ints  # (G, groups, k) int32
    cut: Ints  # (m,) int32, the first ncut are the edges between teams
    cut_at: Ints  # (m,) int32, place in cut or -1
    ncut: Ints  # (1,)
    mark: Ints  # (n,) stamp: the unit is in the set that moves
    seen: Ints  # (n,) stamp: the unit was reached in this contiguity test
    label: Ints  # (n,) int32, front that reached it
    follow: Ints  # (n,) int32, linked queues
    visited: Ints  # (n,) int32
    moving: Ints  # (n,) int32, the set that moves
    stamp: Ints  # (1,)
    head: Ints  # (MAX_FRONTS,)
    tail: Ints  # (MAX_FRONTS,)
    parent: Ints  # (MAX_FRONTS,)
    rng: Any  # (1,) uint64


class Best(NamedTuple):
    """The best plan within limits that annealing has seen; both arrays are changed in place."""

    plan: Ints  # (n,) int32
    value: Floats  # (1,) its objective with what the teams pay, inf while there is none


class Cooling(NamedTuple):
    """How long to anneal, and from which temperature to which."""

    iterations: int  # proposals
    hot: float
    cold: float


class Penalty(NamedTuple):
    """What a load outside its limits costs."""

    mu: Floats  # (1,) price of violation, adapted so that the search is within limits for a part of the time
    goal: Floats  # (3,) that part: at least, at most; and the greatest price


class Moves(NamedTuple):
    """Which moves are proposed."""

    shares: Floats  # (4,) cumulative shares of flip, chain, set, group
    largest: int  # most units in a set move
    limit: int  # most units visited in one contiguity test


@njit(cache=True, inline="always")
def _rand(rng):  # type: ignore[no-untyped-def]
    """Uniform in [0, 1), xorshift64*."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return float((x * _GOLDEN) >> np.uint64(11)) * 1.1102230246251565e-16


@njit(cache=True, inline="always")
def _pick(rng, n):  # type: ignore[no-untyped-def]
    """Uniform integer in [0, n)."""
    return int(_rand(rng) * n)


@njit(cache=True)
def rebuild(model, state):  # type: ignore[no-untyped-def]
    """Derive loads, counts and the list of cut edges from ``state.plan``."""
    state.load[:] = 0.0
    state.size[:] = 0
    state.gcount[:] = 0
    num_measures = model.amount.shape[0]
    for u in range(model.cost.shape[0]):
        t = state.plan[u]
        state.size[t] += 1
        for i in range(num_measures):
            state.load[i, t] += model.amount[i, u]
        for g in range(model.group.shape[0]):
            if model.group[g, u] >= 0:
                state.gcount[g, model.group[g, u], t] += 1
    num_cut = 0
    for e in range(len(model.ea)):
        if state.plan[model.ea[e]] != state.plan[model.eb[e]]:
            state.cut[num_cut] = e
            state.cut_at[e] = num_cut
            num_cut += 1
        else:
            state.cut_at[e] = -1
    state.ncut[0] = num_cut


@njit(cache=True)
def objective(model, state):  # type: ignore[no-untyped-def]
    """Objective of the plan, from the bookkeeping."""
    total = 0.0
    for u in range(model.cost.shape[0]):
        total += model.cost[u, state.plan[u]]
        for s in range(model.indptr[u], model.indptr[u + 1]):
            if model.nbr[s] > u and state.plan[model.nbr[s]] != state.plan[u]:
                total += model.scost[s]
    for g in range(model.group.shape[0]):
        for c in range(state.gcount.shape[1]):
            teams = 0
            for t in range(state.gcount.shape[2]):
                if state.gcount[g, c, t] > 0:
                    teams += 1
            if teams > 1:
                total += model.group_price[g] * (teams - 1)
    return total


@njit(cache=True, inline="always")
def _over(model, load, t):  # type: ignore[no-untyped-def]
    """How far team t is outside its limits, in parts of its targets."""
    out = 0.0
    for i in range(load.shape[0]):
        x = load[i, t]
        if x > model.high[i, t]:
            out += (x - model.high[i, t]) * model.inverse[i, t]
        elif x < model.low[i, t]:
            out += (model.low[i, t] - x) * model.inverse[i, t]
    return out


@njit(cache=True)
def violation(model, state):  # type: ignore[no-untyped-def]
    """Sum over teams and measures of the relative distance outside the limits."""
    out = 0.0
    for t in range(model.cost.shape[1]):
        out += _over(model, state.load, t)
    return out


@njit(cache=True)
def loose_pieces(model, state):  # type: ignore[no-untyped-def]
    """Pieces of teams' areas beyond the first, plus teams without units."""
    state.stamp[0] += 1
    stamp = state.stamp[0]
    pieces = 0
    for start in range(model.cost.shape[0]):
        if state.seen[start] == stamp:
            continue
        pieces += 1
        state.seen[start] = stamp
        state.visited[0] = start
        at, end = 0, 1
        while at < end:
            u = state.visited[at]
            at += 1
            for s in range(model.indptr[u], model.indptr[u + 1]):
                v = model.nbr[s]
                if state.seen[v] != stamp and state.plan[v] == state.plan[start]:
                    state.seen[v] = stamp
                    state.visited[end] = v
                    end += 1
    empty = 0
    for t in range(model.cost.shape[1]):
        if state.size[t] == 0:
            empty += 1
    return pieces - (model.cost.shape[1] - empty) + empty


@njit(cache=True, inline="always")
def _over_after(model, load, t, u, sign):  # type: ignore[no-untyped-def]
    """The same for team t once unit u has come (sign 1) or gone (sign -1)."""
    out = 0.0
    for i in range(load.shape[0]):
        x = load[i, t] + sign * model.amount[i, u]
        if x > model.high[i, t]:
            out += (x - model.high[i, t]) * model.inverse[i, t]
        elif x < model.low[i, t]:
            out += (model.low[i, t] - x) * model.inverse[i, t]
    return out


@njit(cache=True, inline="always")
def _flip_delta(model, state, u, b):  # type: ignore[no-untyped-def]
    """Change of the objective, and of what the teams pay for their load, when unit u goes to team b."""
    a = state.plan[u]
    d = model.cost[u, b] - model.cost[u, a]
    for i in range(state.price.shape[0]):
        d += model.amount[i, u] * (state.price[i, b] - state.price[i, a])
    for s in range(model.indptr[u], model.indptr[u + 1]):
        t = state.plan[model.nbr[s]]
        if t == a:
            d += model.scost[s]
        elif t == b:
            d -= model.scost[s]
    for g in range(model.group.shape[0]):
        c = model.group[g, u]
        if c >= 0:
            if state.gcount[g, c, a] == 1:
                d -= model.group_price[g]
            if state.gcount[g, c, b] == 0:
                d += model.group_price[g]
    return d


@njit(cache=True)
def _move(model, state, u, b):  # type: ignore[no-untyped-def]
    """Put unit u in team b and keep the books."""
    a = state.plan[u]
    state.plan[u] = b
    state.size[a] -= 1
    state.size[b] += 1
    for i in range(model.amount.shape[0]):
        state.load[i, a] -= model.amount[i, u]
        state.load[i, b] += model.amount[i, u]
    for g in range(model.group.shape[0]):
        c = model.group[g, u]
        if c >= 0:
            state.gcount[g, c, a] -= 1
            state.gcount[g, c, b] += 1
    for s in range(model.indptr[u], model.indptr[u + 1]):
        e = model.eid[s]
        t = state.plan[model.nbr[s]]
        if t == a:
            state.cut_at[e] = state.ncut[0]
            state.cut[state.ncut[0]] = e
            state.ncut[0] += 1
        elif t == b:
            state.ncut[0] -= 1
            last = state.cut[state.ncut[0]]
            state.cut[state.cut_at[e]] = last
            state.cut_at[last] = state.cut_at[e]
            state.cut_at[e] = -1


@njit(cache=True, inline="always")
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True)
def _detached(model, state, num_moving, limit):  # type: ignore[no-untyped-def]
    """What falls off a team when the units ``moving[:num_moving]`` (marked with the current stamp) leave it.

    Fronts start at every neighbour of the set that stays and advance in turn, one unit each; fronts that meet become
    one. When a single front is left that can still grow, the others have been walked completely: they are the pieces
    that fall off. They are appended to ``moving``. The cost is that of the small pieces, not of the team.
    Returns the new size of the set, or -1 when more than ``limit`` units were visited.
    """
    plan, seen, label, follow = state.plan, state.seen, state.label, state.follow
    head, tail, parent = state.head, state.tail, state.parent
    stamp = state.stamp[0]
    team = plan[state.moving[0]]
    fronts, visited = np.int64(0), np.int64(0)
    for i in range(num_moving):
        u = state.moving[i]
        for s in range(model.indptr[u], model.indptr[u + 1]):
            v = model.nbr[s]
            if plan[v] == team and state.mark[v] != stamp and seen[v] != stamp:
                if fronts == MAX_FRONTS:
                    return -1
                seen[v] = stamp
                label[v] = fronts
                follow[v] = -1
                head[fronts] = v
                tail[fronts] = v
                parent[fronts] = fronts
                state.visited[visited] = v
                visited += 1
                fronts += 1
    alive = fronts  # fronts that can still grow
    roots = fronts  # fronts that have not met
    while alive > 1 and roots > 1:
        for f in range(fronts):
            if parent[f] != f or head[f] < 0:
                continue
            u = head[f]
            head[f] = follow[u]
            for s in range(model.indptr[u], model.indptr[u + 1]):
                v = model.nbr[s]
                if plan[v] != team or state.mark[v] == stamp:
                    continue
                if seen[v] != stamp:
                    seen[v] = stamp
                    label[v] = f
                    follow[v] = -1
                    state.visited[visited] = v
                    visited += 1
                    if head[f] < 0:
                        head[f] = v
                    else:
                        follow[tail[f]] = v
                    tail[f] = v
                else:
                    r = _root(parent, label[v])
                    if r != f:  # the fronts meet: f takes over the queue of r
                        parent[r] = f
                        roots -= 1
                        if head[r] >= 0:
                            alive -= 1
                            if head[f] < 0:
                                head[f] = head[r]
                            else:
                                follow[tail[f]] = head[r]
                            tail[f] = tail[r]
            if head[f] < 0:
                alive -= 1
            if alive <= 1 or roots <= 1:
                break
        if visited > limit:
            return -1
    if roots <= 1:
        return num_moving
    main = -1
    for f in range(fronts):
        if parent[f] == f and head[f] >= 0:
            main = f
    if main < 0:  # all walked completely: the largest stays
        main = _largest_front(state, visited, fronts)
    for i in range(visited):
        v = state.visited[i]
        if _root(parent, label[v]) != main:
            state.moving[num_moving] = v
            state.mark[v] = stamp
            num_moving += 1
    return num_moving


@njit(cache=True)
def _largest_front(state, visited, fronts):  # type: ignore[no-untyped-def]
    size = np.zeros(fronts, np.int64)
    for i in range(visited):
        size[_root(state.parent, state.label[state.visited[i]])] += 1
    return int(np.argmax(size))


@njit(cache=True)
def _stays_whole(model, state, u, limit):  # type: ignore[no-untyped-def]
    """True when u can leave its team without breaking it: its neighbours in the team stay connected without it."""
    team = state.plan[u]
    if state.size[team] <= 1:
        return False
    inside = 0
    for s in range(model.indptr[u], model.indptr[u + 1]):
        if state.plan[model.nbr[s]] == team:
            inside += 1
    if inside <= 1:
        return True
    state.stamp[0] += 1
    state.mark[u] = state.stamp[0]
    state.moving[0] = u
    return _detached(model, state, np.int64(1), limit) == 1


@njit(cache=True)
def _grow(model, state, u, size, grouping):  # type: ignore[no-untyped-def]
    """Mark and list a connected set within u's team, from u outwards: at most ``size`` units, and only units of u's
    own group when ``grouping`` >= 0. Returns how many."""
    state.stamp[0] += 1
    stamp = state.stamp[0]
    team = state.plan[u]
    state.mark[u] = stamp
    state.moving[0] = u
    num, at = 1, 0
    while at < num and num < size:
        w = state.moving[at]
        at += 1
        degree = model.indptr[w + 1] - model.indptr[w]
        turn = _pick(state.rng, degree)
        first = model.indptr[w]
        for i in range(turn, turn + degree):
            if num == size:
                break
            v = model.nbr[first + i if i < degree else first + i - degree]
            if state.plan[v] != team or state.mark[v] == stamp:
                continue
            if grouping >= 0 and model.group[grouping, v] != model.group[grouping, u]:
                continue
            state.mark[v] = stamp
            state.moving[num] = v
            num += 1
    return num


@njit(cache=True)
def _set_delta(model, state, num, b):  # type: ignore[no-untyped-def]
    """Change of objective and of violation when the marked set ``moving[:num]`` goes to team b and nothing falls off.

    Splits are counted as if the set held no two units of one group unless it holds the whole of the group in the
    team: exact for single units and for group moves, an estimate otherwise.
    """
    a = state.plan[state.moving[0]]
    stamp = state.stamp[0]
    d = 0.0
    for i in range(num):
        u = state.moving[i]
        d += model.cost[u, b] - model.cost[u, a]
        for s in range(model.indptr[u], model.indptr[u + 1]):
            v = model.nbr[s]
            t = state.plan[v]
            if t == b:
                d -= model.scost[s]
            elif t == a and state.mark[v] != stamp:
                d += model.scost[s]
        for g in range(model.group.shape[0]):
            c = model.group[g, u]
            if c >= 0:
                d -= model.group_price[g] / state.gcount[g, c, a]
                if state.gcount[g, c, b] == 0:
                    d += model.group_price[g] / state.gcount[g, c, a]
    p = -_over(model, state.load, a) - _over(model, state.load, b)
    for i in range(state.load.shape[0]):
        step = 0.0
        for j in range(num):
            step += model.amount[i, state.moving[j]]
        d += step * (state.price[i, b] - state.price[i, a])
        state.load[i, a] -= step
        state.load[i, b] += step
        p += max(0.0, state.load[i, a] - model.high[i, a], model.low[i, a] - state.load[i, a]) * model.inverse[i, a]
        p += max(0.0, state.load[i, b] - model.high[i, b], model.low[i, b] - state.load[i, b]) * model.inverse[i, b]
        state.load[i, a] += step
        state.load[i, b] -= step
    return d, p


@njit(cache=True)
def _move_set(model, state, first, last, b):  # type: ignore[no-untyped-def]
    """Move the units ``moving[first:last]`` to team b; returns the change of the objective."""
    d = 0.0
    for i in range(first, last):
        u = np.int64(state.moving[i])
        d += _flip_delta(model, state, u, b)
        _move(model, state, u, b)
    return d


@njit(cache=True)
def _may(model, state, first, last, b):  # type: ignore[no-untyped-def]
    for i in range(first, last):  # noqa: SIM110 (compiled: a loop is what it becomes)
        if not model.allowed[state.moving[i], b]:
            return False
    return True


@njit(cache=True)
def _cut_unit_of(model, state, team, tries):  # type: ignore[no-untyped-def]
    """A random unit on the edge of ``team`` with a neighbouring team: (unit, team), or (-1, -1) when not hit upon."""
    for _ in range(tries):
        e = state.cut[_pick(state.rng, state.ncut[0])]
        a, b = model.ea[e], model.eb[e]
        if state.plan[a] == team:
            return a, state.plan[b]
        if state.plan[b] == team:
            return b, state.plan[a]
    return -1, -1


@njit(cache=True)
def anneal(model, state, found, value, cooling, penalty, moves):  # type: ignore[no-untyped-def]
    """Simulated annealing of the plan in ``state`` by ``cooling``, with moves of ``moves``.

    found   the best plan so far (:class:`Best`), kept up to date
    value   (2,) objective with what the teams pay, and violation, of the plan in ``state``; kept up to date
    """
    best, best_value = found.plan, found.value
    iterations, hot, cold = cooling.iterations, cooling.hot, cooling.cold
    mu, goal = penalty.mu, penalty.goal
    shares, largest, limit = moves.shares, moves.largest, moves.limit
    plan, rng = state.plan, state.rng
    n = len(plan)
    journal = np.empty(n, np.int32)  # units changed since ``best`` was written
    in_journal = np.zeros(n, np.bool_)
    num_journal = 0
    for v in range(n):
        if best[v] != plan[v]:
            journal[num_journal] = v
            in_journal[v] = True
            num_journal += 1
    undo_unit = np.empty(n, np.int64)
    undo_team = np.empty(n, np.int64)
    temperature = hot
    block = 512
    factor = (cold / hot) ** (block / max(iterations, block))
    within = 0
    for it in range(iterations):
        if it % block == block - 1:
            temperature *= factor
            part = within / block
            if part < goal[0] and mu[0] < goal[2]:
                mu[0] *= 1.08
            elif part > goal[1]:
                mu[0] /= 1.04
            within = 0
        if value[1] <= 0.0:
            within += 1
        if state.ncut[0] == 0:
            break
        e = state.cut[_pick(rng, state.ncut[0])]
        if _rand(rng) < 0.5:
            u, other = np.int64(model.ea[e]), model.eb[e]
        else:
            u, other = np.int64(model.eb[e]), model.ea[e]
        a, b = np.int64(plan[u]), np.int64(plan[other])
        room = -temperature * np.log(_rand(rng) + 1e-300)
        kind = _rand(rng)
        num_undo = 0
        if kind < shares[0]:
            if not model.allowed[u, b]:
                continue
            d = _flip_delta(model, state, u, b)
            p = (
                _over_after(model, state.load, a, u, -1.0)
                + _over_after(model, state.load, b, u, 1.0)
                - _over(model, state.load, a)
                - _over(model, state.load, b)
            )
            if d + mu[0] * p > room or not _stays_whole(model, state, u, limit):
                continue
            undo_unit[0] = u
            num_undo = 1
            _move(model, state, u, b)
        else:
            c = -1
            before = _over(model, state.load, a) + _over(model, state.load, b)
            if kind < shares[1]:
                if not model.allowed[u, b] or state.size[a] <= 1:
                    continue
                w, c = _cut_unit_of(model, state, b, 6)
                if w < 0 or w == u or not model.allowed[w, c]:
                    continue
                d = _flip_delta(model, state, u, b) + _flip_delta(model, state, w, c)
                p = -before
                if c == a:
                    for i in range(state.load.shape[0]):
                        step = model.amount[i, u] - model.amount[i, w]
                        state.load[i, a] -= step
                        state.load[i, b] += step
                    p += _over(model, state.load, a) + _over(model, state.load, b)
                    for i in range(state.load.shape[0]):
                        step = model.amount[i, u] - model.amount[i, w]
                        state.load[i, a] += step
                        state.load[i, b] -= step
                else:
                    for i in range(state.load.shape[0]):
                        state.load[i, b] += model.amount[i, u] - model.amount[i, w]
                    p += _over(model, state.load, b)
                    for i in range(state.load.shape[0]):
                        state.load[i, b] -= model.amount[i, u] - model.amount[i, w]
                    p += _over_after(model, state.load, a, u, -1.0)
                    p += _over_after(model, state.load, c, w, 1.0) - _over(model, state.load, c)
                    before += _over(model, state.load, c)
                if d + mu[0] * p > room or not _stays_whole(model, state, u, limit):
                    continue
                d = _flip_delta(model, state, u, b)
                _move(model, state, u, b)
                undo_unit[0] = u
                undo_team[0] = a
                num_undo = 1
                # w must still touch team c, and b must stay whole without it
                touches = False
                for s in range(model.indptr[w], model.indptr[w + 1]):
                    if plan[model.nbr[s]] == c:
                        touches = True
                        break
                if not touches or not _stays_whole(model, state, w, limit):
                    _move(model, state, u, a)
                    continue
                d += _flip_delta(model, state, w, c)
                _move(model, state, w, c)
                undo_unit[1] = w
                undo_team[1] = b
                num_undo = 2
            else:
                grouping = -1
                size = 1 + _pick(rng, largest)
                if kind >= shares[2]:
                    grouping = _pick(rng, model.group.shape[0])
                    if model.group[grouping, u] < 0:
                        continue
                    size = n
                num = _grow(model, state, u, size, grouping)
                if num >= state.size[a]:
                    continue
                # what falls off seldom makes a set worth moving that is not worth it by itself
                d, p = _set_delta(model, state, num, b)
                if d + mu[0] * p > room:
                    continue
                num = _detached(model, state, num, limit)
                if num < 0 or num >= state.size[a] or not _may(model, state, 0, num, b):
                    continue
                for i in range(num):
                    undo_unit[i] = state.moving[i]
                    undo_team[i] = a
                num_undo = num
                d = _move_set(model, state, 0, num, b)
            after = _over(model, state.load, a) + _over(model, state.load, b)
            if c >= 0 and c != a:
                after += _over(model, state.load, c)
            p = after - before
            if d + mu[0] * p > room:
                for i in range(num_undo - 1, -1, -1):
                    _move(model, state, undo_unit[i], undo_team[i])
                continue
        value[0] += d
        value[1] += p
        if value[1] < 1e-12:
            value[1] = 0.0
        for i in range(num_undo):
            if not in_journal[undo_unit[i]]:
                in_journal[undo_unit[i]] = True
                journal[num_journal] = undo_unit[i]
                num_journal += 1
        if value[1] <= 0.0 and value[0] < best_value[0] - 1e-10 * abs(best_value[0] if best_value[0] < 1e300 else 0.0):
            best_value[0] = value[0]
            for i in range(num_journal):
                best[journal[i]] = plan[journal[i]]
                in_journal[journal[i]] = False
            num_journal = 0


@njit(cache=True)
def sample(model, state, count, deltas, overs):  # type: ignore[no-untyped-def]
    """Size of the change in objective and in violation-scale load of ``count`` random flips on the edge of teams."""
    for i in range(count):
        e = state.cut[_pick(state.rng, state.ncut[0])]
        u, b = np.int64(model.ea[e]), np.int64(state.plan[model.eb[e]])
        deltas[i] = abs(_flip_delta(model, state, u, b))
        overs[i] = model.amount[0, u] * model.inverse[0, b]
