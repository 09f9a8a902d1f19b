"""How regions and areas move against each other in time, and how much their counts scatter; from history and estimate.

Belongs here: what is counted and expected of each unit in each period. Does not belong here: the estimators themselves
(``drift``, ``dispersion``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from allocation.demand.change import YEAR
from allocation.demand.dispersion import dispersion
from allocation.demand.drift import Drift, drift
from allocation.demand.history import History
from allocation.demand.shrinkage import Codes, Floats, sum_by

QUARTER, HALF_YEAR, LONG_HISTORY = 3, 6, 36
"""Months in a period: quarters, or half years for a history of more than three years."""
REGION_SDS, REGION_BURSTS = (0.0, 0.02, 0.04, 0.08, 0.16), (0.0, 0.0003, 0.001, 0.004, 0.016)
AREA_SDS, AREA_BURSTS = (0.0, 0.05, 0.1, 0.2, 0.4, 1.0), (0.0, 0.02, 0.1, 0.4, 1.5)
BORROWED = 50.0
"""The course of a product in a region is that of the country as far as it has fewer clients than this."""


@dataclass(frozen=True)
class Movement:
    """``region`` (per region code) and ``area`` (per area code): factor and relative variance of the planning year,
    bursts that all products share included. ``burst`` per product: relative variance of a year of an area and product
    beyond that, errors of the history's own bursts included."""

    region: Drift
    area: Drift
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
    recency = sum_by(period, history.recency, period.max() + 1) / np.maximum(np.bincount(period), 1)
    step = float(np.bincount(period).max()) / YEAR
    course = _Course.of(counts, weighted, history.region, np.zeros(areas, dtype=np.bool_))
    local = course.drift_of_areas(counts, history.region, recency, step)
    if local.is_restless.any() and not local.is_restless.all():
        course = _Course.of(counts, weighted, history.region, local.is_restless)
        calm = course.drift_of_areas(counts, history.region, recency, step)
        local = replace(calm, is_restless=local.is_restless)
    regions = course.drift_of_regions(recency, step)
    return _with_bursts(history, counts, course.of_region, course.expected, period, regions, local, step)


@dataclass(frozen=True)
class _Course:
    """How the clients of a product are spread over the periods, as calm areas have them, and what is expected.

    ``of_country`` (periods, products) and ``of_region`` (periods, regions, products): parts that sum to 1 over the
    periods. ``expected`` (areas, products): clients of the history. ``in_region`` (periods, regions, products): clients
    of calm areas; ``regional`` (regions, products): expected of them.
    """

    of_country: Floats
    of_region: Floats
    expected: Floats
    in_region: Floats
    regional: Floats

    @classmethod
    def of(cls, counts: Floats, weighted: Floats, region: Codes, restless: NDArray[np.bool_]) -> _Course:
        calm = ~restless[:, None]
        in_region = np.stack([_by_region(of_period * calm, region) for of_period in counts])
        course = in_region.sum(axis=1)
        of_country = course / np.maximum(course.sum(axis=0), 1e-12)
        of_region = (in_region + BORROWED * of_country[:, None, :]) / (in_region.sum(axis=0) + BORROWED)
        whole = (weighted * calm).sum(axis=0)
        expected = weighted * (course.sum(axis=0) / np.where(whole > 0, whole, 1.0))
        return cls(of_country, of_region, expected, in_region, _by_region(expected * calm, region))

    def drift_of_regions(self, recency: Floats, step: float) -> Drift:
        expected = (self.regional[None] * self.of_country[:, None, :]).sum(axis=2)
        return drift(self.in_region.sum(axis=2).T, expected.T, recency, step, REGION_SDS, REGION_BURSTS)

    def drift_of_areas(self, counts: Floats, region: Codes, recency: Floats, step: float) -> Drift:
        expected = (self.expected[None] * self.of_region[:, region, :]).sum(axis=2)
        return drift(counts.sum(axis=2).T, expected.T, recency, step, AREA_SDS, AREA_BURSTS)


def _with_bursts(
    history: History, counts: Floats, of_region: Floats, expected: Floats, period: Codes, regions: Drift, local: Drift,
    step: float,
) -> Movement:  # fmt: skip
    """Bursts of products in areas, and what is left of the scatter of areas and regions when these are added up."""
    half = len(counts) // 2
    _, products, months = history.counts.shape
    if half == 0:
        nothing = np.zeros(products)
        return Movement(regions, local, nothing)
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
    common = max(0.0, regions.burst_variance * step - added)
    return Movement(replace(regions, variance=regions.variance + common * with_history), area, burst)


def _periods(months: int) -> Codes:
    """Period of each month, the last one whole."""
    length = QUARTER if months <= LONG_HISTORY else HALF_YEAR
    from_end = np.arange(months)[::-1] // length
    return np.asarray(from_end.max() - from_end, dtype=np.int64)


def sum_by_period(counts: Floats, period: Codes, k: int) -> Floats:
    return np.asarray(counts[:, :, period == k].sum(axis=2))


def _by_region(amount: Floats, region: Codes) -> Floats:
    """(areas, products) -> (regions, products)."""
    total = np.zeros((int(region.max()) + 1, amount.shape[1]))
    np.add.at(total, region, amount)
    return total
