"""How regions, products of a region and areas move against each other in time, and how much their counts scatter.

Belongs here: what is counted and expected of each unit in each period. Does not belong here: the estimators themselves
(``stories``, ``drift``, ``dispersion``), what the planning year is made of (``totals``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from allocation.demand.change import YEAR
from allocation.demand.dispersion import dispersion, returning_part
from allocation.demand.drift import Drift, drift
from allocation.demand.history import History
from allocation.demand.pooling import Pooled, by_pools, own_course, pooled
from allocation.demand.shrinkage import Codes, Floats, sum_by
from allocation.demand.stories import area_stories, unit_stories

QUARTER, HALF_YEAR, LONG_HISTORY = 3, 6, 36
"""Months in a period: quarters, or half years for a history of more than three years."""
REGION_SDS, STREAM_SDS = (0.0, 0.02, 0.04, 0.08, 0.16), (0.0, 0.05, 0.1, 0.2)
TOWN_SDS, TOWN_BURSTS = (0.0, 0.03, 0.06, 0.12, 0.25), (0.0, 0.003, 0.01, 0.04, 0.16)
AREA_SDS, AREA_BURSTS = (0.0, 0.05, 0.1, 0.2, 0.4, 1.0), (0.0, 0.02, 0.1, 0.4, 1.5)
LEAST_TOWNS, CERTAIN = 10, 3.0
"""Gemeenten move when what their areas do together is above nothing by so many standard errors, in so many."""
LEAST_STREAMS = 6
"""With fewer products and lines in all regions together, none is held against the others."""
BORROWED = 50.0
"""The course of a product in a region is that of the country as far as it has fewer clients than this."""


@dataclass(frozen=True)
class Movement:
    """``region`` (per region code), ``town`` (gemeente, per town code, against its region) and ``area`` (per area code,
    against its town): factor and relative variance of the planning year, bursts that all products share included.
    ``stream``: the same of every product and line in every region (regions x streams), against its region. ``pools``:
    which streams take clients from each other. ``burst`` per product: relative variance of a year of an area and
    product beyond that, errors of the history's own bursts included."""

    region: Drift
    town: Drift
    area: Drift
    stream: Drift
    pools: tuple[Pooled, ...]
    burst: Floats


def movement(history: History, estimate: Floats) -> Movement:
    """Movement of regions against the country and of areas against their region, by product.

    Regions and country are those without restless areas (``Drift.is_restless``): these move by themselves, and would
    otherwise pass for a movement of all. ``estimate``: weighted clients per cell, noise taken out. Institutions
    (``is_apart``) take no part.
    """
    cells, (areas, products, months) = history.cells, history.counts.shape
    period = _periods(months)
    code = cells.area * products + cells.product
    apart = sum_by(code, history.is_apart, areas * products).reshape(areas, products) > 0
    counts = np.stack([sum_by_period(history.counts * ~apart[:, :, None], period, k) for k in range(period.max() + 1)])
    weighted = sum_by(code, estimate, areas * products).reshape(areas, products) * ~apart
    recency = _mean_by_period(history.recency, period)
    step = float(np.bincount(period).max()) / YEAR
    course = _Course.of(counts, weighted, history.region, np.zeros(areas, dtype=np.bool_))
    local = course.drift_of_areas(counts, history.region, recency, period)
    if local.is_restless.any() and not local.is_restless.all():
        course = _Course.of(counts, weighted, history.region, local.is_restless)
    town, own = course.drift_of_towns(counts, history, local.is_restless, recency, step)
    calm = course.drift_of_areas(counts, history.region, recency, period, own[:, history.town])
    local = replace(calm, is_restless=local.is_restless)
    region, stream, pools = _of_regions(history, estimate, apart, local.is_restless)
    found = _with_bursts(history, counts, course.of_region, course.expected, period, region, local, step)
    return Movement(found[0], town, found[1], stream, pools, found[2])


def _of_regions(
    history: History, estimate: Floats, apart: NDArray[np.bool_], restless: NDArray[np.bool_]
) -> tuple[Drift, Drift, tuple[Pooled, ...]]:
    """Movement of regions, by month, and of streams in their region, by quarter; and the pools of streams."""
    cells, (months, streams) = history.cells, history.monthly.shape
    regions = int(history.region.max()) + 1
    counts = _clients_of_regions(history, apart, restless)
    usable = ~history.is_apart & ~restless[cells.area]
    weighted = sum_by(cells.region * streams + history.stream, estimate * usable, regions * streams)
    weighted = weighted.reshape(regions, streams)
    course = counts.sum(axis=1)  # (months, streams), of the country
    whole = weighted.sum(axis=0)
    regional = weighted * (course.sum(axis=0) / np.where(whole > 0, whole, 1.0))
    part = course / np.maximum(course.sum(axis=0), 1e-12)
    expected = regional[None] * part[:, None, :]  # (months, regions, streams)
    month, quarter = np.arange(months), _periods(months, QUARTER)
    seen, due = _by_period(counts, quarter), _by_period(expected, quarter)
    pools = pooled(seen, due, history.product_of_stream)
    of_all, of_all_due = counts.sum(axis=2).T, by_pools(part, regional, pools).T
    of_region = unit_stories(of_all, of_all_due, history.recency, month, REGION_SDS, whole_periods=False)
    lasting = 1 - returning_part(of_all, of_all_due)  # a season of the region returns, and is no scatter of its years
    of_region = replace(of_region, own_burst=of_region.own_burst * lasting)
    own = own_course(seen.sum(axis=2), due.sum(axis=2))
    flat = (len(own), regions * streams)
    of_stream = unit_stories(
        seen.reshape(flat).T, (due * own[:, :, None]).reshape(flat).T, _mean_by_period(history.recency, quarter),
        quarter, STREAM_SDS, whole_periods=True,
    )  # fmt: skip
    if regions * streams < LEAST_STREAMS or streams == 1 or regions == 1:
        of_stream = of_stream.nothing()
    return of_region, of_stream, pools


def _clients_of_regions(history: History, apart: NDArray[np.bool_], restless: NDArray[np.bool_]) -> Floats:
    """(months, regions, streams) clients of the calm areas, without institutions."""
    months, streams = history.monthly.shape
    of_area = history.of_area.tocoo()
    area, column = of_area.coords
    left_out = apart[area, history.product_of_stream[column % streams]] | restless[area]
    regions = int(history.region.max()) + 1
    code = history.region[area] * (months * streams) + column
    counts = sum_by(code, of_area.data * ~left_out, regions * months * streams)
    return np.asarray(counts.reshape(regions, months, streams).transpose(1, 0, 2))


def _by_period(of_month: Floats, period: Codes) -> Floats:
    return np.stack([of_month[period == k].sum(axis=0) for k in range(period.max() + 1)])


def _mean_by_period(of_month: Floats, period: Codes) -> Floats:
    return np.asarray(sum_by(period, of_month, period.max() + 1) / np.maximum(np.bincount(period), 1))


@dataclass(frozen=True)
class _Course:
    """How the clients of a product are spread over the periods in each region, as calm areas have them, and what is
    expected.

    ``of_region`` (periods, regions, products): parts that sum to 1 over the periods. ``expected`` (areas, products):
    clients of the history.
    """

    of_region: Floats
    expected: Floats

    @classmethod
    def of(cls, counts: Floats, weighted: Floats, region: Codes, restless: NDArray[np.bool_]) -> _Course:
        calm = ~restless[:, None]
        in_region = np.stack([_by_region(of_period * calm, region) for of_period in counts])
        course = in_region.sum(axis=1)
        of_country = course / np.maximum(course.sum(axis=0), 1e-12)
        of_region = (in_region + BORROWED * of_country[:, None, :]) / (in_region.sum(axis=0) + BORROWED)
        whole = (weighted * calm).sum(axis=0)
        expected = weighted * (course.sum(axis=0) / np.where(whole > 0, whole, 1.0))
        return cls(of_region, expected)

    def drift_of_towns(
        self, counts: Floats, history: History, restless: NDArray[np.bool_], recency: Floats, step: float
    ) -> tuple[Drift, Floats]:
        """Movement of gemeenten against their region, and what the areas of each have in common (periods, towns). A
        gemeente of one area has none: that area moves by itself."""
        expected, calm = (self.expected[None] * self.of_region[:, history.region, :]).sum(axis=2), ~restless
        towns = int(history.town.max()) + 1
        several = sum_by(history.town, calm, towns) > 1

        def of_towns(amount: Floats) -> Floats:
            return np.stack([sum_by(history.town, of_period * calm, towns) * several for of_period in amount])

        in_area = counts.sum(axis=2)
        seen, due, off = of_towns(in_area), of_towns(expected), in_area - expected
        # what areas do by themselves moves their gemeente too: only what two of them do together is the gemeente's
        together = (of_towns(off) ** 2 - of_towns(off**2)).sum(axis=0)
        pairs = (due**2 - of_towns(expected**2)).sum(axis=0)
        there = pairs > 1e-9
        shared = float(together[there].sum() / max(float(pairs[there].sum()), 1e-12))
        found = drift(seen.T, due.T, recency, step, TOWN_SDS, TOWN_BURSTS)
        if there.sum() < LEAST_TOWNS or shared < CERTAIN * together[there].std() * there.sum() ** 0.5 / pairs.sum():
            return found.nothing(), np.ones_like(due)
        factor, variance = np.where(there, found.factor, 1.0), np.where(there, found.variance, 0.0)
        return replace(found, factor=factor, variance=variance), own_course(seen, due, shared)

    def drift_of_areas(
        self, counts: Floats, region: Codes, recency: Floats, period: Codes, own: Floats | float = 1.0
    ) -> Drift:
        """Movement of areas that all go by the course of their region x ``own`` (periods, areas)."""
        expected = (self.expected[None] * self.of_region[:, region, :]).sum(axis=2) * own
        return area_stories(counts.sum(axis=2).T, expected.T, recency, period, AREA_SDS, AREA_BURSTS)


def _with_bursts(
    history: History, counts: Floats, of_region: Floats, expected: Floats, period: Codes, regions: Drift, local: Drift,
    step: float,
) -> tuple[Drift, Drift, Floats]:  # fmt: skip
    """Regions and areas with what is left of their scatter when bursts of products in areas are added up, and these
    bursts."""
    half = len(counts) // 2
    _, products, months = history.counts.shape
    if half == 0:
        nothing = np.zeros(products)
        return regions, local, nothing
    found = dispersion(counts[:half].sum(axis=0), counts.sum(axis=0), of_region[:half].sum(axis=0)[history.region])
    years = months / YEAR
    yearly = found.of_product * years / 2
    with_history = 1 + 1 / years
    burst = yearly * with_history
    size = np.maximum(expected.sum(axis=1), 1e-12)
    explained = float(np.average((expected**2 * yearly).sum(axis=1) / size**2, weights=size))
    shared = max(0.0, local.burst_variance * step - explained)
    area = replace(local, variance=local.variance + shared * with_history)
    total = np.maximum(_by_region(expected, history.region).sum(axis=1), 1e-12)
    square = sum_by(history.region, (expected**2 * yearly).sum(axis=1) + shared * size**2, len(total))
    added = float(np.average(square / total**2, weights=total))
    common = np.maximum(0.0, regions.own_burst / YEAR - added)  # of months that vary by themselves
    return replace(regions, variance=regions.variance + common * with_history), area, burst


def _periods(months: int, length: int | None = None) -> Codes:
    """Period of each month, the last one whole."""
    length = length or (QUARTER if months <= LONG_HISTORY else HALF_YEAR)
    from_end = np.arange(months)[::-1] // length
    return np.asarray(from_end.max() - from_end, dtype=np.int64)


def sum_by_period(counts: Floats, period: Codes, k: int) -> Floats:
    return np.asarray(counts[:, :, period == k].sum(axis=2))


def _by_region(amount: Floats, region: Codes) -> Floats:
    """(areas, products) -> (regions, products)."""
    total = np.zeros((int(region.max()) + 1, amount.shape[1]))
    np.add.at(total, region, amount)
    return total
