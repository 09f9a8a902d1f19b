"""Contiguity as arithmetic: what a graph and load limits force, and the inequalities that say so.

Two tools for :mod:`.branch_and_cut`, both compiled:

``propagate``  removes pairs (unit, team) that no allowed plan can use: a piece too light to be a team by itself, a unit
               too far from the team's core for its upper limit, everything off the core's side of a missing link.
``separate``   finds inequalities that every contiguous plan satisfies and a fractional assignment breaks.

Notation: ``domain`` (n, k) is 1 where a unit may still go to a team; a unit with one team left is *in* that team. The
graph comes as ``indptr, indices`` (CSR, both directions). Measures (hours, clients, ...) come as ``amount`` (q, n) with
``least, most`` (q, k), base loads already taken off and rounding room already given.

The inequalities, for a team t, a unit u and a set S that separates u from something (x = 1 when a unit is in t):

light side   x[u] <= x(S)          when the side of u beyond S is too light to reach the team's lower limit
rooted       x[u] <= x(S)          when S separates u from a unit that is certainly in t
two-sided    x[u] + x[r] - x(S) <= 1    for any other unit r beyond S

S needs to block only those paths that the team's upper limit can pay for (the length-bounded separators of Validi,
Buchanan and Lykhovyd, "Imposing contiguity constraints in political districting models", Operations Research 70, 2022;
the a,b-separator form goes back to Carvajal et al. 2013 and Fischetti et al. 2017).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from allocation.districting.problem import Floats, Ints

Marks = NDArray[np.uint8]
EPS = 1e-6
LIGHT, ROOTED, TWO_SIDED = 0, 1, 2


def adjacency(n: int, edges: Ints) -> tuple[Ints, Ints]:
    """The neighbours of each unit as CSR: those of u are ``indices[indptr[u]:indptr[u + 1]]``, ascending."""
    both = np.concatenate([edges, edges[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(both[:, 0], minlength=n), out=indptr[1:])
    return indptr, np.ascontiguousarray(both[:, 1])


@njit(cache=True)
def _fix(domain: Marks, count: Ints, unit: int, team: int) -> bool:
    """Make ``unit`` a member of ``team``; True when that changed something."""
    changed = False
    for t in range(domain.shape[1]):
        if t != team and domain[unit, t]:
            domain[unit, t] = 0
            changed = True
    count[unit] = 1
    return changed


@njit(cache=True)
def _drop(domain: Marks, count: Ints, unit: int, team: int) -> bool:
    """Bar ``unit`` from ``team``; False when no team is left."""
    domain[unit, team] = 0
    count[unit] -= 1
    return bool(count[unit] > 0)


@njit(cache=True)
def _balance(domain: Marks, count: Ints, team: int, amount: Floats, least: Floats, most: Floats) -> int:
    """Load limits of one team. Returns -1 contradiction, 0 nothing new, 1 something was decided."""
    n = domain.shape[0]
    changed = 0
    for q in range(amount.shape[0]):
        inside, reach = 0.0, 0.0
        for i in range(n):
            if domain[i, team]:
                reach += amount[q, i]
                if count[i] == 1:
                    inside += amount[q, i]
        if inside > most[q, team] or reach < least[q, team]:
            return -1
        for i in range(n):
            if domain[i, team] and count[i] > 1:
                if inside + amount[q, i] > most[q, team]:
                    if not _drop(domain, count, i, team):
                        return -1
                    reach -= amount[q, i]
                    changed = 1
                elif reach - amount[q, i] < least[q, team]:
                    _fix(domain, count, i, team)
                    inside += amount[q, i]
                    changed = 1
        if inside > most[q, team] or reach < least[q, team]:
            return -1
    return changed


@njit(cache=True)
def _spread(open_: Marks, indptr: Ints, indices: Ints, cost: Floats, room: float, dist: Floats) -> None:
    """Cheapest-path labels over units, in place: dist (n,) holds the sources' values and infinity elsewhere.

    A path costs the sum of ``cost`` of the units entered; labels above ``room`` are not spread. Label correcting with
    a queue: the graph is planar and the labels few, a heap gains nothing.
    """
    n = len(open_)
    queue = np.empty(n, dtype=np.int64)
    waiting = np.zeros(n, dtype=np.uint8)
    head, size = 0, 0
    for i in range(n):
        if dist[i] < np.inf:
            queue[size] = i
            waiting[i] = 1
            size += 1
    while size:
        u = queue[head]
        head = (head + 1) % n
        size -= 1
        waiting[u] = 0
        for p in range(indptr[u], indptr[u + 1]):
            v = indices[p]
            if open_[v]:
                d = dist[u] + cost[v]
                if d < dist[v] - 1e-12 and d <= room:
                    dist[v] = d
                    if not waiting[v]:
                        waiting[v] = 1
                        queue[(head + size) % n] = v
                        size += 1


@njit(cache=True)
def _too_far(domain: Marks, count: Ints, indptr: Ints, indices: Ints, team: int, amount: Floats, most: Floats) -> int:
    """Drop units whose cheapest link to the team's members would overload it; the members themselves cost nothing."""
    n = domain.shape[0]
    changed = 0
    for q in range(amount.shape[0]):
        dist = np.full(n, np.inf)
        cost = amount[q].copy()
        inside = 0.0
        for i in range(n):
            if domain[i, team] and count[i] == 1:
                inside += amount[q, i]
                dist[i] = 0.0
                cost[i] = 0.0
        if dist.min() == np.inf:
            return 0
        room = most[q, team] - inside
        _spread(domain[:, team], indptr, indices, cost, room, dist)
        for i in range(n):
            if domain[i, team] and dist[i] > room:
                if not _drop(domain, count, i, team):
                    return -1
                changed = 1
    return changed


@njit(cache=True)
def _lowpoints(
    domain: Marks,
    indptr: Ints,
    indices: Ints,
    team: int,
    start: int,
    order: Ints,
    parent: Ints,
    depth: Ints,
    low: Ints,
    seen: Marks,
) -> int:
    """Depth-first search over the units open to ``team`` from ``start``: fills order, parent, depth and low points."""
    cursor = np.zeros(domain.shape[0], dtype=np.int64)
    stack = np.empty(domain.shape[0], dtype=np.int64)
    stack[0] = start
    top, found = 1, 0
    parent[start] = -1
    depth[start] = 0
    low[start] = 0
    seen[start] = 1
    order[found] = start
    found += 1
    while top:
        u = stack[top - 1]
        if cursor[u] < indptr[u + 1] - indptr[u]:
            v = indices[indptr[u] + cursor[u]]
            cursor[u] += 1
            if not domain[v, team]:
                continue
            if not seen[v]:
                seen[v] = 1
                parent[v] = u
                depth[v] = depth[u] + 1
                low[v] = depth[v]
                order[found] = v
                found += 1
                stack[top] = v
                top += 1
            elif v != parent[u] and depth[v] < low[u]:
                low[u] = depth[v]
        else:
            top -= 1
            if parent[u] >= 0 and low[u] < low[parent[u]]:
                low[parent[u]] = low[u]
    return found


@njit(cache=True)
def _links(
    domain: Marks,
    count: Ints,
    team: int,
    amount: Floats,
    least: Floats,
    order: Ints,
    found: int,
    parent: Ints,
    depth: Ints,
    low: Ints,
) -> int:
    """Cut vertices of one component without which no part holds all members and enough load: these are members."""
    n_q = amount.shape[0]
    n = domain.shape[0]
    members = np.zeros(n, dtype=np.int64)
    load = np.zeros((n_q, n))
    for p in range(found - 1, -1, -1):
        u = order[p]
        members[u] += 1 if count[u] == 1 else 0
        for q in range(n_q):
            load[q, u] += amount[q, u]
        if parent[u] >= 0:
            members[parent[u]] += members[u]
            for q in range(n_q):
                load[q, parent[u]] += load[q, u]
    root = order[0]
    can_leave = np.zeros(n, dtype=np.uint8)  # a part beyond the vertex could be the whole team
    off_members = np.zeros(n, dtype=np.int64)
    off_load = np.zeros((n_q, n))
    for p in range(1, found):
        v = order[p]
        u = parent[v]
        if u == root or low[v] >= depth[u]:
            off_members[u] += members[v]
            ok = members[v] == members[root]
            for q in range(n_q):
                off_load[q, u] += load[q, v]
                ok = ok and load[q, v] >= least[q, team]
            if ok:
                can_leave[u] = 1
    changed = 0
    for p in range(found):
        u = order[p]
        if count[u] == 1 or can_leave[u]:
            continue
        if u != root:
            ok = members[root] - off_members[u] == members[root]
            for q in range(n_q):
                ok = ok and load[q, root] - off_load[q, u] - amount[q, u] >= least[q, team]
            if ok:
                continue
        _fix(domain, count, u, team)
        changed = 1
    return changed


@njit(cache=True)
def _connected(
    domain: Marks, count: Ints, indptr: Ints, indices: Ints, team: int, amount: Floats, least: Floats
) -> int:
    """Contiguity of one team. Returns -1 contradiction, 0 nothing new, 1 something was decided."""
    n, n_q = domain.shape[0], amount.shape[0]
    order = np.empty(n, dtype=np.int64)
    parent, depth, low = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    seen = np.zeros(n, dtype=np.uint8)
    members = 0
    for i in range(n):
        if domain[i, team] and count[i] == 1:
            members += 1
    changed, homes, home = 0, 0, -1
    for start in range(n):
        if not domain[start, team] or seen[start]:
            continue
        found = _lowpoints(domain, indptr, indices, team, start, order, parent, depth, low, seen)
        here, enough = 0, True
        for p in range(found):
            here += 1 if count[order[p]] == 1 else 0
        for q in range(n_q):
            total = 0.0
            for p in range(found):
                total += amount[q, order[p]]
            enough = enough and total >= least[q, team]
        if here == members and enough:
            homes += 1
            home = start
            continue
        if here:
            return -1
        for p in range(found):
            if not _drop(domain, count, order[p], team):
                return -1
        changed = 1
    if homes == 0:
        return -1
    if homes == 1:
        seen[:] = 0
        found = _lowpoints(domain, indptr, indices, team, home, order, parent, depth, low, seen)
        changed = max(changed, _links(domain, count, team, amount, least, order, found, parent, depth, low))
    return changed


@njit(cache=True)
def _first_come(domain: Marks, count: Ints, order: Ints, rank: Ints) -> int:
    """Interchangeable teams are numbered by their first unit in ``order``: the r-th may not appear before the (r-1)-th.

    rank (k,): place of a team among its interchangeable kind, -1 for a team that is one of a kind; one kind at a time.
    """
    changed = 0
    highest = -1
    for p in range(len(order)):
        u = order[p]
        own = -1
        for t in range(len(rank)):
            if rank[t] > highest + 1 and domain[u, t]:
                if not _drop(domain, count, u, t):
                    return -1
                changed = 1
            elif domain[u, t] and rank[t] > own:
                own = rank[t]
        highest = max(highest, own)
    return changed


@njit(cache=True)
def propagate(
    domain: Marks, indptr: Ints, indices: Ints, amount: Floats, least: Floats, most: Floats, order: Ints, ranks: Ints
) -> bool:
    """Remove from ``domain`` (in place) what no allowed plan can use; False when no allowed plan is left.

    ranks (s, k): one row for each kind of interchangeable teams, see ``_first_come``; order (n,): the order there.
    """
    n, k = domain.shape
    count = np.zeros(n, dtype=np.int64)
    for i in range(n):
        for t in range(k):
            count[i] += domain[i, t]
        if count[i] == 0:
            return False
    again = True
    while again:
        again = False
        for s in range(ranks.shape[0]):
            r = _first_come(domain, count, order, ranks[s])
            if r < 0:
                return False
            again = again or r > 0
        for t in range(k):
            for step in range(3):
                if step == 0:
                    r = _balance(domain, count, t, amount, least, most)
                elif step == 1:
                    r = _connected(domain, count, indptr, indices, t, amount, least)
                else:
                    r = _too_far(domain, count, indptr, indices, t, amount, most)
                if r < 0:
                    return False
                again = again or r > 0
    return True


@njit(cache=True)
def _side(open_: Marks, indptr: Ints, indices: Ints, start: int, wall: Marks, mark: Marks) -> None:
    """Units that ``start`` reaches without crossing ``wall``; mark (n,) is set to 1 there, 0 elsewhere."""
    mark[:] = 0
    stack = np.empty(len(open_), dtype=np.int64)
    stack[0] = start
    mark[start] = 1
    top = 1
    while top:
        top -= 1
        u = stack[top]
        for p in range(indptr[u], indptr[u + 1]):
            v = indices[p]
            if open_[v] and not wall[v] and not mark[v]:
                mark[v] = 1
                stack[top] = v
                top += 1


@njit(cache=True)
def _min_separator(
    open_: Marks,
    x: Floats,
    indptr: Ints,
    indices: Ints,
    source: int,
    sink: int,
    enough: float,
    wall_near: Marks,
    wall_far: Marks,
) -> float:
    """Maximum flow from source to sink with unit capacities ``x``, stopped at ``enough``; the flow's value.

    Below ``enough`` the minimum separators nearest to the source and to the sink are marked in wall_near, wall_far.
    Each unit is an entrance and an exit joined by an arc of capacity x; arcs between units are unlimited. A state is
    2 * unit (entrance) or 2 * unit + 1 (exit).
    """
    n = len(x)
    m = len(indices)
    through = np.zeros(n)  # flow over entrance -> exit
    link = np.zeros(m)  # flow over exit u -> entrance v, at u's position p of v
    back = np.empty(m, dtype=np.int64)  # position of u among the neighbours of v
    fill = indptr[:-1].copy()
    for u in range(n):  # neighbours are ascending, so the reverse positions come up in order
        for p in range(indptr[u], indptr[u + 1]):
            v = indices[p]
            back[p] = fill[v]
            fill[v] += 1
    for v in range(n):
        for p in range(indptr[v], indptr[v + 1]):
            if indices[back[p]] != v:
                raise ValueError("neighbours must be in ascending order")
    total = 0.0
    via = np.empty(2 * n, dtype=np.int64)  # position of the arc used to get to a state; -2 unseen
    prev = np.empty(2 * n, dtype=np.int64)
    queue = np.empty(2 * n, dtype=np.int64)
    while True:
        via[:] = -2
        queue[0] = 2 * source + 1
        via[2 * source + 1] = -1
        head, tail = 0, 1
        reached = False
        while head < tail and not reached:
            state = queue[head]
            head += 1
            u = state >> 1
            if state & 1:  # exit: to entrances of neighbours, or back through the unit
                for p in range(indptr[u], indptr[u + 1]):
                    v = indices[p]
                    if open_[v] and via[2 * v] == -2 and v != source:
                        via[2 * v] = p
                        prev[2 * v] = state
                        if v == sink:
                            reached = True
                            break
                        queue[tail] = 2 * v
                        tail += 1
                if u != source and via[2 * u] == -2 and through[u] > 1e-12:
                    via[2 * u] = -1
                    prev[2 * u] = state
                    queue[tail] = 2 * u
                    tail += 1
            else:  # entrance: through the unit, or back along a link that carries flow
                if via[2 * u + 1] == -2 and x[u] - through[u] > 1e-12:
                    via[2 * u + 1] = -1
                    prev[2 * u + 1] = state
                    queue[tail] = 2 * u + 1
                    tail += 1
                for p in range(indptr[u], indptr[u + 1]):
                    v = indices[p]
                    if via[2 * v + 1] == -2 and link[back[p]] > 1e-12 and v != source:
                        via[2 * v + 1] = back[p]
                        prev[2 * v + 1] = state
                        queue[tail] = 2 * v + 1
                        tail += 1
        if not reached:
            break
        push = enough - total
        state = 2 * sink
        while state != 2 * source + 1:
            before = prev[state]
            u, w = state >> 1, before >> 1
            if u == w:
                push = min(push, x[u] - through[u] if state & 1 else through[u])
            elif state & 1:
                push = min(push, link[via[state]])
            state = before
        state = 2 * sink
        while state != 2 * source + 1:
            before = prev[state]
            u, w = state >> 1, before >> 1
            if u == w:
                through[u] += push if state & 1 else -push
            elif state & 1:
                link[via[state]] -= push
            else:
                link[via[state]] += push
            state = before
        total += push
        if total >= enough - 1e-9:
            return total
    for u in range(n):
        wall_near[u] = 1 if open_[u] and via[2 * u] != -2 and via[2 * u + 1] == -2 else 0
    _far_wall(open_, x, indptr, indices, sink, source, through, link, back, wall_far)
    return total


@njit(cache=True)
def _far_wall(
    open_: Marks,
    x: Floats,
    indptr: Ints,
    indices: Ints,
    sink: int,
    source: int,
    through: Floats,
    link: Floats,
    back: Ints,
    wall: Marks,
) -> None:
    """The minimum separator nearest to the sink: search the residual network backwards from it."""
    n = len(x)
    seen = np.zeros(2 * n, dtype=np.uint8)
    stack = np.empty(2 * n, dtype=np.int64)
    stack[0] = 2 * sink
    seen[2 * sink] = 1
    top = 1
    while top:
        top -= 1
        state = stack[top]
        u = state >> 1
        if state & 1:  # who can reach this exit: its entrance, or a neighbour's entrance that u sends flow to
            if u != source and not seen[2 * u] and x[u] - through[u] > 1e-12:
                seen[2 * u] = 1
                stack[top] = 2 * u
                top += 1
            for p in range(indptr[u], indptr[u + 1]):
                v = indices[p]
                if not seen[2 * v] and link[p] > 1e-12:
                    seen[2 * v] = 1
                    stack[top] = 2 * v
                    top += 1
        else:  # who can reach this entrance: neighbours' exits, or its own exit when it carries flow
            for p in range(indptr[u], indptr[u + 1]):
                v = indices[p]
                if open_[v] and not seen[2 * v + 1]:
                    seen[2 * v + 1] = 1
                    stack[top] = 2 * v + 1
                    top += 1
            if u != sink and not seen[2 * u + 1] and through[u] > 1e-12:
                seen[2 * u + 1] = 1
                stack[top] = 2 * u + 1
                top += 1
    for u in range(n):
        wall[u] = 1 if open_[u] and u != sink and u != source and seen[2 * u + 1] and not seen[2 * u] else 0


@njit(cache=True)
def _thin(open_: Marks, indptr: Ints, indices: Ints, wall: Marks, side: Marks) -> None:
    """Keep of ``wall`` only the units that touch ``side``."""
    for u in range(len(open_)):
        if wall[u]:
            touches = False
            for p in range(indptr[u], indptr[u + 1]):
                if side[indices[p]]:
                    touches = True
                    break
            if not touches:
                wall[u] = 0


@njit(cache=True)
def _shorten(
    open_: Marks, indptr: Ints, indices: Ints, wall: Marks, u: int, r: int, amount: Floats, most: Floats
) -> None:
    """Take units off ``wall`` whose paths between u and r would overload the team: they need no blocking."""
    dist = np.empty(len(open_))
    passable = np.empty(len(open_), dtype=np.uint8)
    for i in range(len(open_)):
        passable[i] = 1 if open_[i] and not wall[i] else 0
    for s in range(len(open_)):
        if wall[s]:
            passable[s] = 1
            for q in range(amount.shape[0]):
                dist[:] = np.inf
                dist[u] = amount[q, u]
                _spread(passable, indptr, indices, amount[q], most[q], dist)
                if dist[r] > most[q]:
                    wall[s] = 0
                    break
            if wall[s]:
                passable[s] = 0


@njit(cache=True)
def _same(a: Marks, b: Marks) -> bool:
    """Whether two sets of units are equal."""
    for i in range(len(a)):  # noqa: SIM110 - compiled: a plain loop compiles in a fraction of the time of .all()
        if a[i] != b[i]:
            return False
    return True


@njit(cache=True)
def separate(
    open_: Marks,
    is_member: Marks,
    x: Floats,
    by_share: Ints,
    indptr: Ints,
    indices: Ints,
    amount: Floats,
    least: Floats,
    most: Floats,
    light_only: bool,
    max_cuts: int,
    floor: float,
) -> tuple[Ints, Ints, Ints, Marks]:
    """Violated contiguity inequalities of one team for the fractional members ``x`` (n,).

    open_ (n,) units the team may still have; is_member (n,) those that it certainly has; ``floor`` least x worth a
    look; by_share (n,) the units in falling order of x. Returns (kinds, us, rs, walls) for at most ``max_cuts``
    inequalities, walls (cuts, n) marking S.
    """
    n = len(x)
    kinds = np.empty(max_cuts, dtype=np.int64)
    us, rs = np.empty(max_cuts, dtype=np.int64), np.empty(max_cuts, dtype=np.int64)
    walls = np.zeros((max_cuts, n), dtype=np.uint8)
    cuts = 0
    r = _anchor(open_, is_member, x, indptr, indices, amount)
    if r < 0:
        return kinds[:0], us[:0], rs[:0], walls[:0]
    near, far = np.zeros(n, np.uint8), np.zeros(n, np.uint8)
    side, other = np.zeros(n, np.uint8), np.zeros(n, np.uint8)
    done = np.zeros(n, dtype=np.uint8)
    neighbour = np.zeros(n, dtype=np.uint8)
    for p in range(indptr[r], indptr[r + 1]):
        neighbour[indices[p]] = 1
    for u in by_share:
        if x[u] <= floor or cuts >= max_cuts:
            break
        if u == r or neighbour[u] or done[u] or not open_[u]:
            continue
        flow = _min_separator(open_, x, indptr, indices, u, r, x[u], near, far)
        if flow >= x[u] - 1e-4:
            continue
        for which in range(2):
            wall = near if which == 0 else far
            if which == 0:
                _side(open_, indptr, indices, r, wall, other)
                _thin(open_, indptr, indices, wall, other)
                _side(open_, indptr, indices, u, wall, side)
            else:
                _side(open_, indptr, indices, u, wall, side)
                _thin(open_, indptr, indices, wall, side)
            light = False
            for q in range(amount.shape[0]):
                total = 0.0
                for i in range(n):
                    if side[i]:
                        total += amount[q, i]
                light = light or total < least[q]
            if light:
                kind = LIGHT
            elif light_only:
                continue
            elif is_member[r]:
                kind = ROOTED
            elif x[u] + x[r] - flow > 1 + 1e-4:
                kind = TWO_SIDED
            else:
                continue
            if kind != LIGHT:
                _shorten(open_, indptr, indices, wall, u, r, amount, most)
            if cuts < max_cuts and not (which == 1 and _same(near, far)):
                kinds[cuts], us[cuts], rs[cuts] = kind, u, r
                walls[cuts] = wall
                cuts += 1
            for i in range(n):  # what lies behind the same wall and is smaller has no cut of its own to add now
                if side[i] and x[i] <= x[u] - 1e-4:
                    done[i] = 1
    return kinds[:cuts], us[:cuts], rs[:cuts], walls[:cuts]


@njit(cache=True)
def _anchor(open_: Marks, is_member: Marks, x: Floats, indptr: Ints, indices: Ints, amount: Floats) -> int:
    """The unit to which others must be linked: a sure member, else the fullest one of the heaviest connected part."""
    n = len(x)
    part = np.full(n, -1, dtype=np.int64)
    weight = np.zeros(n)
    stack = np.empty(n, dtype=np.int64)
    for start in range(n):
        if x[start] <= EPS or not open_[start] or part[start] >= 0:
            continue
        part[start] = start
        stack[0] = start
        top = 1
        while top:
            top -= 1
            u = stack[top]
            weight[start] += amount[0, u] * x[u] + 1e-9
            for p in range(indptr[u], indptr[u + 1]):
                v = indices[p]
                if x[v] > EPS and open_[v] and part[v] < 0:
                    part[v] = start
                    stack[top] = v
                    top += 1
    heaviest = int(np.argmax(weight))
    if weight[heaviest] == 0.0:
        return -1
    best, value = -1, -1.0
    for u in range(n):
        if is_member[u] and open_[u]:
            score = 2.0 + amount[0, u] / (1.0 + amount[0].max())
        elif part[u] == heaviest:
            score = x[u] + 1e-3 * amount[0, u] / (1.0 + amount[0].max())
        else:
            continue
        if score > value:
            best, value = u, score
    return best


def limits(amount: Floats, least: Floats, most: Floats) -> tuple[Floats, Floats, Floats]:
    """The three arrays as the compiled functions want them: float64, C order."""
    a, lo, hi = (np.ascontiguousarray(v, dtype=np.float64) for v in (amount, least, most))
    return a, lo, hi
