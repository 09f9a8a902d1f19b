"""Clients of the history -> clients of the planning year, per cell: all movements put together so that totals fit.

Belongs here: which total keeps its level when parts of it move. Does not belong here: how much anything moves
(``movement``), the level of a product (``trend``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allocation.demand.history import History
from allocation.demand.movement import Movement
from allocation.demand.shrinkage import NO_RATE, Codes, Floats, sum_by
from allocation.demand.trend import Levels, with_pools

ROUNDS, PRECISION = 200, 1e-10


def in_planning_year(history: History, plain: Floats, moving: Movement, levels: Levels) -> Floats:
    """Clients of the planning year per cell, from its clients of the history with the noise taken out (``plain``).

    Gemeenten and areas move against their region, which keeps its total; a region moves against the country; every
    stream (product and line) has its level in the country, and streams of a pool (``pooling``) that of their pool.
    Streams that move in their region keep the total of their pool, or of all streams that are in none. Restless areas
    move by themselves; nobody makes room for them.
    """
    cells, apart = history.cells, history.is_apart
    counts = ~moving.area.is_restless[cells.area]
    regions, streams = int(history.region.max()) + 1, len(history.product_of_stream)
    moved = plain * np.where(apart, 1.0, moving.area.factor[cells.area] * moving.town.factor[cells.town])
    kept = _ratio(sum_by(cells.region, plain * counts, regions), sum_by(cells.region, moved * counts, regions))
    moved = moved * np.where(apart, 1.0, kept[cells.region] * moving.region.factor[cells.region])
    of_stream = sum_by(history.stream, moved * counts, streams)
    place = cells.region * streams + history.stream
    of_region = sum_by(place, moved * counts * ~apart, regions * streams).reshape(regions, streams)
    calm = history.monthly_without(moving.area.is_restless)
    level, factor = np.zeros(streams), np.zeros((regions, streams))
    for pooled in moving.pools:
        in_pools = _ratio(with_pools(levels, calm, history.delivered, pooled.pool), of_stream)
        level += pooled.weight * in_pools
        factor += pooled.weight * _factors(
            of_region, in_pools, moving.stream.factor.reshape(regions, streams), pooled.pool
        )
    return np.asarray(moved * np.where(apart, level[history.stream], factor.ravel()[place]))


def _factors(of_region: Floats, level: Floats, movement: Floats, pool: Codes) -> Floats:
    """(regions, streams) what ``of_region`` (clients of the history) is multiplied by in the planning year.

    Every stream has its ``level`` (streams,) in the country, and every pool, in every region, its part of the level of
    the pool; between these margins the streams have moved (iterative proportional fitting: Deming and Stephan, Annals
    of Mathematical Statistics 11, 1940).
    """
    by_itself = of_region * level
    size = np.bincount(pool, minlength=len(pool))
    block = np.where(size[pool] > 1, pool, len(pool))  # streams without a pool are one block
    in_block = _summed(block, len(pool) + 1)
    in_pool = _summed(pool, len(pool))
    of_pool = of_region @ in_pool
    rise = _ratio(by_itself.sum(axis=0) @ in_pool, of_pool.sum(axis=0))
    together = np.where(size[pool] > 1, of_region * rise[pool], by_itself)
    rows, columns = together @ in_block, by_itself.sum(axis=0)
    fitted = by_itself * movement
    for _ in range(ROUNDS):
        fitted = fitted * _ratio(columns, fitted.sum(axis=0))
        of_block = _ratio(rows, fitted @ in_block)
        fitted = fitted * of_block[:, block]
        if np.abs(of_block - 1).max() < PRECISION:
            break
    fitted = fitted * _ratio(columns, fitted.sum(axis=0))
    return np.where(of_region > NO_RATE, fitted / np.where(of_region > NO_RATE, of_region, 1.0), level)


def of_streams(history: History, moving: Movement, mean: Floats) -> Floats:
    """Relative variance per cell by how its stream may move in its region, as large as makes the sum over the groups
    right when every group's is an error by itself."""
    cells, streams = history.cells, len(history.product_of_stream)
    place = cells.region * streams + history.stream
    variance = moving.stream.variance[place]
    of_rate = sum_by(cells.rate, mean, int(cells.rate.max()) + 1)
    place_of_rate = np.zeros(len(of_rate), dtype=np.int64)
    place_of_rate[cells.rate] = place
    size = int(place.max()) + 1
    whole, squares = sum_by(place_of_rate, of_rate, size), sum_by(place_of_rate, of_rate**2, size)
    return np.asarray(variance * _ratio(whole**2, squares)[place])


def _summed(code: Codes, codes: int) -> NDArray[np.float64]:
    """(streams, codes) matrix that sums streams by their code."""
    matrix = np.zeros((len(code), codes))
    matrix[np.arange(len(code)), code] = 1.0
    return matrix


def _ratio(above: Floats, below: Floats) -> Floats:
    """``above`` / ``below``; 1 where that is nothing."""
    return np.asarray(np.where(below > NO_RATE, above / np.where(below > NO_RATE, below, 1.0), 1.0))
