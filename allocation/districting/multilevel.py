"""Large problems: merge neighbouring units into fewer, solve that, and refine level by level.

A coarse unit is a connected set of units that share their groups and the teams they may go to, so a coarse plan costs
exactly what it costs in full. Multilevel partitioning: Karypis & Kumar (1998), SIAM J. Sci. Comput. 20(1), 359-392.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from allocation.districting.kernels import Model
from allocation.districting.plan import adjacency
from allocation.districting.problem import Floats, Ints

UNITS_A_TEAM = 120  # the coarsest level has at least so many: with fewer, loads can hardly be balanced


@njit(cache=True)
def _cluster(indptr, nbr, weight, kind, order, most, units):  # type: ignore[no-untyped-def]
    """Connected clusters of one kind, grown breadth-first to at most ``most`` weight and ``units`` units: (n,) code."""
    n = len(weight)
    code = np.full(n, -1, np.int64)
    queue = np.empty(n, np.int64)
    clusters = 0
    for start in order:
        if code[start] >= 0:
            continue
        code[start] = clusters
        queue[0] = start
        at, end = 0, 1
        load = weight[start]
        while at < end and end < units:
            u = queue[at]
            at += 1
            for s in range(indptr[u], indptr[u + 1]):
                v = nbr[s]
                if code[v] < 0 and kind[v] == kind[start] and load + weight[v] <= most and end < units:
                    code[v] = clusters
                    load += weight[v]
                    queue[end] = v
                    end += 1
        clusters += 1
    return code, clusters


@njit(cache=True)
def _absorb(indptr, nbr, weight, kind, code, clusters, most, fewest):  # type: ignore[no-untyped-def]
    """Join clusters of fewer than ``fewest`` units to the lightest neighbouring cluster of the kind; in place."""
    n = len(code)
    size = np.zeros(clusters, np.int64)
    load = np.zeros(clusters)
    for u in range(n):
        size[code[u]] += 1
        load[code[u]] += weight[u]
    first = np.full(clusters, -1, np.int64)
    follow = np.full(n, -1, np.int64)
    for u in range(n):
        follow[u] = first[code[u]]
        first[code[u]] = u
    for c in range(clusters):
        if size[c] == 0 or size[c] >= fewest:
            continue
        best = -1
        u = first[c]
        while u >= 0:
            for s in range(indptr[u], indptr[u + 1]):
                d = code[nbr[s]]
                fits = d != c and kind[nbr[s]] == kind[u] and load[c] + load[d] <= most
                if fits and (best < 0 or load[d] < load[best]):
                    best = d
            u = follow[u]
        if best < 0:
            continue
        u = first[c]
        while u >= 0:
            after = follow[u]
            code[u] = best
            follow[u] = first[best]
            first[best] = u
            u = after
        size[best] += size[c]
        load[best] += load[c]
        size[c] = 0


def coarsen(model: Model, units: int) -> tuple[Model, Ints]:
    """A model of about ``units`` units and the coarse unit (n,) of each unit."""
    n = len(model.cost)
    kind = _kinds(model)
    each = max(2, round(n / units))
    weight = model.amount[0] + 1e-9
    most = max(2.0 * weight.sum() / units, 1e-12)
    order = np.arange(n)
    code, clusters = _cluster(model.indptr, model.nbr, weight, kind, order, most, each)
    _absorb(model.indptr, model.nbr, weight, kind, code, clusters, most, each // 2)
    used, code = np.unique(code, return_inverse=True)
    return _aggregated(model, np.asarray(code, dtype=np.int64), len(used)), code


def _kinds(model: Model) -> Ints:
    """Units of one kind may be merged: the same groups and the same allowed teams."""
    columns = [group.astype(np.int64) for group in model.group]
    if not model.allowed.all():
        columns.append(np.unique(np.packbits(model.allowed, axis=1), axis=0, return_inverse=True)[1].ravel())
    if not columns:
        return np.zeros(len(model.cost), dtype=np.int64)
    return np.asarray(np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1].ravel(), dtype=np.int64)


def _aggregated(model: Model, code: Ints, clusters: int) -> Model:
    n, k = model.cost.shape
    cost = np.empty((clusters, k))
    for t in range(k):
        cost[:, t] = np.bincount(code, model.cost[:, t], clusters)
    first = np.zeros(clusters, dtype=np.int64)
    first[code[::-1]] = np.arange(n)[::-1]
    price = np.zeros(len(model.ea))
    price[model.eid] = model.scost
    a, b = code[model.ea], code[model.eb]
    across = np.flatnonzero(a != b)
    pair = np.minimum(a, b)[across] * clusters + np.maximum(a, b)[across]
    pairs, inverse = np.unique(pair, return_inverse=True)
    ea, eb = pairs // clusters, pairs % clusters
    indptr, nbr, eid = adjacency(clusters, np.stack([ea, eb], axis=1))
    return model._replace(
        indptr=indptr,
        nbr=nbr,
        eid=eid,
        scost=np.asarray(np.bincount(inverse, price[across], len(pairs))[eid], dtype=np.float64),
        ea=ea.astype(np.int32),
        eb=eb.astype(np.int32),
        cost=cost,
        amount=np.array([np.bincount(code, amount, clusters) for amount in model.amount]),
        group=np.ascontiguousarray(model.group[:, first]),
        allowed=model.allowed[first],
    )


def majority(code: Ints, team: Ints, weight: Floats, clusters: int) -> Ints:
    """(clusters,) the team that holds most weight of each coarse unit; ``team`` is (n,) with -1 for none."""
    teams = int(team.max()) + 2
    held = np.bincount(code * teams + team + 1, weight + 1e-12, clusters * teams).reshape(clusters, teams)
    return np.asarray(np.argmax(held, axis=1) - 1, dtype=np.int64)


def sizes(n: int, k: int, coarsest: int) -> list[int]:
    """Numbers of units of the levels between ``n`` and the coarsest, falling by equal factors of at most about 8."""
    last = max(coarsest, UNITS_A_TEAM * k)
    steps = max(1, math.ceil(math.log(n / last, 8)))
    return [round(n * (last / n) ** (i / steps)) for i in range(1, steps + 1)]
