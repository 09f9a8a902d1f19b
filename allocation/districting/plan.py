"""From a problem to the arrays that the search works on.

The search sees units and teams in an order that depends on what they are (place, demand, capacity), never on how they
are called or in which row they stand. So a plan does not change when rows are shuffled or units are renamed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from allocation.districting.kernels import MAX_FRONTS, Model, State
from allocation.districting.problem import LIMIT_SLACK, Floats, Ints, Measure, Problem


def canonical(problem: Problem) -> tuple[Problem, Ints, Ints]:
    """The same problem with units, teams, edges and group codes in an order of their own.

    Returns it with ``units`` (n,) and ``teams`` (k,): position i of the new problem is position ``units[i]`` of the
    old. Units that are equal in every respect keep the order of their ids, as do such teams.
    """
    teams = _team_order(problem)
    units = _unit_order(problem, teams)
    new_unit, new_team = np.argsort(units), np.argsort(teams)
    edges = np.sort(new_unit[problem.edges], axis=1)
    order = np.lexsort((edges[:, 1], edges[:, 0]))

    def renumbered(team: Ints | None) -> Ints | None:
        return None if team is None else np.where(team[units] >= 0, new_team[team[units]], -1)

    changed = problem.replace(
        unit_ids=tuple(problem.unit_ids[i] for i in units),
        team_ids=tuple(problem.team_ids[i] for i in teams),
        xy_m=problem.xy_m[units],
        demand=problem.demand[units],
        edges=edges[order],
        border_m=problem.border_m[order],
        capacity=problem.capacity[teams],
        office_xy_m=None if problem.office_xy_m is None else problem.office_xy_m[teams],
        current=renumbered(problem.current),
        kept=None if problem.kept is None else problem.kept[np.ix_(units, teams)],
        apart=None if problem.apart is None else problem.apart[np.ix_(units, teams)],
        municipality=_first_seen(problem.municipality, units),
        care_region=_first_seen(problem.care_region, units),
        groupings={name: _in_order_met(codes, units) for name, codes in problem.groupings.items()},
        distance_table_km=None if problem.distance_table_km is None else problem.distance_table_km[units][:, teams],
        fixed=renumbered(problem.fixed),
        allowed=None if problem.allowed is None else problem.allowed[np.ix_(units, teams)],
        further=tuple(Measure(m.name, m.amount[units], m.capacity[teams], m.tolerance) for m in problem.further),
        base_load=None if problem.base_load is None else problem.base_load[teams],
    )
    return changed, units, teams


def _team_order(problem: Problem) -> Ints:
    """Teams by capacity, office, base load, what they hold now and what is locked to them; last by id."""
    n, k = problem.n, problem.k
    keys: list[Any] = [np.argsort(np.argsort(np.array(problem.team_ids)))]
    by_place = np.lexsort((problem.demand, problem.xy_m[:, 1], problem.xy_m[:, 0]))
    place = np.empty(n)
    place[by_place] = np.arange(1, n + 1)
    for holder in (problem.current, problem.fixed):
        if holder is not None:
            held = holder >= 0
            keys.append(np.bincount(holder[held], place[held] ** 2, k))
            keys.append(np.bincount(holder[held], place[held], k))
    if problem.allowed is not None:
        keys.append(place @ ~problem.allowed)
    keys += [place[by_place] @ table[by_place] for table in (problem.kept, problem.apart) if table is not None]
    for m in problem.further:
        keys.append(m.capacity)
    keys.append(problem.base)
    if problem.distance_table_km is not None:
        keys.append(place[by_place] @ problem.distance_table_km[by_place])
    if problem.office_xy_m is not None:
        keys += [problem.office_xy_m[:, 1], problem.office_xy_m[:, 0]]
    keys.append(problem.capacity)
    return np.asarray(np.lexsort(keys), dtype=np.int64)


def _unit_order(problem: Problem, teams: Ints) -> Ints:
    """Units by place, demand, number of neighbours, border and locks; last by id."""
    n = problem.n
    degree = np.bincount(problem.edges.ravel(), minlength=n)
    border = np.bincount(problem.edges.ravel(), np.repeat(problem.border_m, 2), minlength=n)
    rank = np.append(np.argsort(teams), -1)
    keys: list[Any] = [np.argsort(np.argsort(np.array(problem.unit_ids)))]
    for holder in (problem.current, problem.fixed):
        if holder is not None:
            keys.append(rank[holder])
    if problem.distance_table_km is not None:
        keys.append(problem.distance_table_km[:, teams].sum(axis=1))
    keys += [border, degree]
    keys += [m.amount for m in problem.further]
    keys += [problem.demand, problem.xy_m[:, 1], problem.xy_m[:, 0]]
    return np.asarray(np.lexsort(keys), dtype=np.int64)


def _first_seen(codes: Ints | None, units: Ints) -> Ints | None:
    return None if codes is None else _in_order_met(codes, units)


def _in_order_met(codes: Ints, units: Ints) -> Ints:
    """Group codes 0, 1, 2, ... in the order in which the units meet them; -1 stays: in no group."""
    met = codes[units]
    inside = np.flatnonzero(met >= 0)
    _, first, inverse = np.unique(met[inside], return_index=True, return_inverse=True)
    order = np.full(len(met), -1, dtype=np.int64)
    order[inside] = np.argsort(np.argsort(first))[inverse]
    return order


def linear_cost(problem: Problem) -> Floats:
    """(n, k) what it costs by itself that a unit is in a team: travel, moved and lines apart."""
    cost = np.zeros((problem.n, problem.k))
    if problem.total_demand <= 0:
        return cost
    share = problem.demand / problem.total_demand
    if problem.has_travel_price:
        for t in range(problem.k):  # team by team: a large problem has no room for more tables
            cost[:, t] = problem.distance_to_m(t) * share * (problem.weights.travel / 1000.0)
    if problem.apart is not None and problem.weights.lines_apart > 0:
        cost += (share * problem.weights.lines_apart)[:, None] * problem.apart
    if problem.kept is not None and problem.weights.moved > 0:
        cost += (share * problem.weights.moved)[:, None] * (1.0 - problem.kept)
    elif problem.current is not None and problem.weights.moved > 0:
        cost += (share * problem.weights.moved)[:, None]
        held = np.flatnonzero(problem.current >= 0)
        cost[held, problem.current[held]] -= share[held] * problem.weights.moved
    return cost


def build_model(problem: Problem) -> Model:
    """The arrays of the compiled search."""
    indptr, nbr, eid = adjacency(problem.n, problem.edges)
    amount, low, high, target = limits(problem)
    group, prices = _groups(problem)
    return Model(
        indptr=indptr,
        nbr=nbr,
        eid=eid,
        scost=problem.edge_prices[eid],
        ea=problem.edges[:, 0].astype(np.int32),
        eb=problem.edges[:, 1].astype(np.int32),
        cost=linear_cost(problem),
        amount=amount,
        low=low,
        high=high,
        inverse=1.0 / np.where(target > 0, target, 1.0),
        group=group,
        group_price=prices,
        num_groups=int(group.max(initial=-1)) + 1,
        allowed=problem.allowed_mask,
    )


def restricted(model: Model, units: Ints, teams: Ints) -> Model:
    """The model of dividing ``units`` over ``teams`` (both sorted), all other units staying where they are.

    Between plans in which ``teams`` have just these units its objective differs as the whole one does: borders with
    other teams stay cut, and the teams that a group has outside stay the same.
    """
    at = np.full(len(model.cost), -1, dtype=np.int64)
    at[units] = np.arange(len(units))
    inside = np.flatnonzero((at[model.ea] >= 0) & (at[model.eb] >= 0))
    ends = np.stack([at[model.ea[inside]], at[model.eb[inside]]], axis=1)
    price = np.zeros(len(model.ea))
    price[model.eid] = model.scost
    indptr, nbr, eid = adjacency(len(units), ends)
    return model._replace(
        indptr=indptr,
        nbr=nbr,
        eid=eid,
        scost=price[inside][eid],
        ea=ends[:, 0].astype(np.int32),
        eb=ends[:, 1].astype(np.int32),
        cost=np.ascontiguousarray(model.cost[np.ix_(units, teams)]),
        amount=np.ascontiguousarray(model.amount[:, units]),
        low=np.ascontiguousarray(model.low[:, teams]),
        high=np.ascontiguousarray(model.high[:, teams]),
        inverse=np.ascontiguousarray(model.inverse[:, teams]),
        group=np.ascontiguousarray(model.group[:, units]),
        allowed=np.ascontiguousarray(model.allowed[np.ix_(units, teams)]),
    )


def adjacency(n: int, edges: Ints) -> tuple[Ints, Ints, Ints]:
    """Neighbours in compressed rows: (indptr (n + 1,), neighbour (2m,) uint32, edge (2m,) int32)."""
    ends = np.concatenate([edges[:, 0], edges[:, 1]])
    others = np.concatenate([edges[:, 1], edges[:, 0]])
    order = np.lexsort((others, ends))
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(ends, minlength=n), out=indptr[1:])
    edge = np.tile(np.arange(len(edges)), 2)[order]
    return indptr, others[order].astype(np.uint32), edge.astype(np.int32)


def limits(problem: Problem) -> tuple[Floats, Floats, Floats, Floats]:
    """(amount (M, n), low, high, target (M, k)) of all measures; low and high without base load, with a little room."""
    amount = [problem.demand, *(m.amount for m in problem.further)]
    target = [problem.target, *(m.target for m in problem.further)]
    tolerance = [problem.tolerance, *(m.tolerance for m in problem.further)]
    base = [problem.base, *(np.zeros(problem.k) for _ in problem.further)]
    room = LIMIT_SLACK / 2
    low = [t * (1 - tol) * (1 - room) - b for t, tol, b in zip(target, tolerance, base, strict=True)]
    high = [t * (1 + tol) * (1 + room) - b for t, tol, b in zip(target, tolerance, base, strict=True)]
    return np.array(amount), np.array(low), np.array(high), np.array(target)


def _groups(problem: Problem) -> tuple[Ints, Floats]:
    used = problem.priced_groupings
    group = np.array([_in_order_met(codes, np.arange(problem.n)) for codes, _ in used], dtype=np.int32)
    return group.reshape(len(used), problem.n), np.array([price for _, price in used], dtype=np.float64)  # type: ignore[return-value]


def new_state(model: Model, seed: int) -> State:
    """Bookkeeping for one search, all units in team 0 until a plan is put in and ``rebuild`` is called."""
    n, k = model.cost.shape
    m = len(model.ea)
    ints = np.int32
    rng = np.random.SeedSequence(seed).generate_state(1, np.uint64) | np.uint64(1)
    empty: dict[str, Any] = {name: np.zeros(n, ints) for name in ("plan", "label", "follow", "visited", "moving")}
    return State(
        load=np.zeros((len(model.amount), k)),
        price=np.zeros((len(model.amount), k)),
        size=np.zeros(k, np.int64),
        gcount=np.zeros((len(model.group), max(model.num_groups, 1), k), ints),
        cut=np.zeros(m, ints),
        cut_at=np.zeros(m, ints),
        ncut=np.zeros(1, np.int64),
        mark=np.zeros(n, np.int64),
        seen=np.zeros(n, np.int64),
        stamp=np.zeros(1, np.int64),
        head=np.zeros(MAX_FRONTS, np.int64),
        tail=np.zeros(MAX_FRONTS, np.int64),
        parent=np.zeros(MAX_FRONTS, np.int64),
        rng=rng,
        **empty,
    )
