"""Counts per cell -> need per cell, by two levels of Gamma-Poisson shrinkage. Arrays in, arrays out.

Belongs here: the empirical Bayes estimate and how sure it is. Does not belong here: what a cell is called, months,
hours (``demand``), a product's level in the planning year (``trend``).

The model. A cell is one postcode area, product, line and group. Its clients in the history are Poisson with mean

    rate x exposure x need of the area x need of the cell

``rate``: clients per inhabitant of the region, for this product, line and group. ``exposure``: inhabitants.
``need of the area`` ~ Gamma with mean 1 and shape ``area_strength``: some places need more of everything.
``need of the cell`` ~ Gamma with mean 1 and shape ``strength`` of the product: the rest of what tells areas apart.

The estimate of a cell is then its region's rate, corrected by what all counts of the area say, corrected by the cell's
own count, each as far as it is more than noise. One level is the estimator of Clayton and Kaldor ("Empirical Bayes
estimates of age-standardized relative risks", Biometrics 43, 1987; compare Marshall, "Mapping disease and mortality
rates using empirical Bayes estimators", Applied Statistics 40, 1991); the two levels are chained as in hierarchical
credibility (Jewell, "The use of collateral data in credibility theory", Giornale dell'Istituto Italiano degli Attuari
38, 1975). A cell's weight in its area's need is ``k / (k + expected)``, which gives the sum the variance of a count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import gammaln

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

LOG_STRENGTH_RANGE = (float(np.log(0.1)), float(np.log(1e5)))
START = 10.0
ROUNDS, PRECISION = 20, 1e-3


@dataclass(frozen=True)
class Cells:
    """One entry per cell, arrays of equal length: clients in the history, exposure (above 0), and the codes (0, 1, ...)
    of its area, its area's region, its product and its rate (= region, product, line and group; without gaps)."""

    clients: Floats
    exposure: Floats
    area: Codes
    region: Codes
    product: Codes
    rate: Codes


@dataclass(frozen=True)
class Fit:
    """``rate`` per rate code, ``area_need`` and its weight of evidence ``area_clients`` per area code, ``strength`` per
    product code; ``area_strength`` one number. Strengths are Gamma shapes: large = areas differ by chance only."""

    rate: Floats
    area_need: Floats
    area_clients: Floats
    area_strength: float
    strength: Floats

    def expected(self, cells: Cells) -> Floats:
        """Clients per cell in the history before the cell's own count is looked at."""
        return self.rate[cells.rate] * cells.exposure * self.area_need[cells.area]

    def estimate(self, cells: Cells) -> Floats:
        """Clients per cell in the history with the noise taken out; sums to the clients of each region's rate."""
        expected, k = self.expected(cells), self.strength[cells.product]
        return expected * (k + cells.clients) / (k + expected)

    def relative_errors(self, cells: Cells) -> tuple[Floats, Floats, Floats]:
        """Standard deviations of the estimate as a share of it: of the cell alone; shared by all cells of the area;
        shared by all cells of the rate. First order, the strengths taken as known."""
        expected, k = self.expected(cells), self.strength[cells.product]
        weight = k / (k + expected)
        information = sum_by(cells.rate, expected * weight, len(self.rate))
        of_area = weight / np.sqrt(self.area_strength + self.area_clients[cells.area])
        return 1 / np.sqrt(k + cells.clients), of_area, weight / np.sqrt(information[cells.rate])


def sum_by(code: Codes, values: NDArray[np.generic], codes: int) -> Floats:
    """Sum of ``values`` per code 0, 1, ..., codes - 1."""
    return np.asarray(np.bincount(code, values, codes), dtype=np.float64)


def fit(cells: Cells) -> Fit:
    """Rates, area needs and strengths in turns, until none changes by more than ``PRECISION`` of itself."""
    areas, rates = int(cells.area.max()) + 1, int(cells.rate.max()) + 1
    strength, area_strength = np.full(int(cells.product.max()) + 1, START), START
    rate = sum_by(cells.rate, cells.clients, rates) / sum_by(cells.rate, cells.exposure, rates)
    need = counted = np.ones(areas)
    for _ in range(ROUNDS):
        before = np.concatenate([rate, strength, [area_strength]])
        k, plain = strength[cells.product], rate[cells.rate] * cells.exposure
        weight = k / (k + plain * need[cells.area])
        counted, evidence = (sum_by(cells.area, weight * what, areas) for what in (cells.clients, plain))
        area_strength = prior_strength(counted, evidence)
        need = (area_strength + counted) / (area_strength + evidence)
        need, rate = _centred(cells, need, rate)
        # a product's strength is judged by forecasting each cell from the other cells of its area
        others = area_strength + (evidence[cells.area] - weight * plain)
        forecast = plain * (area_strength + counted[cells.area] - weight * cells.clients) / others
        strength = _product_strengths(cells, forecast, others)
        rate = _balanced(cells, need, strength, rate)
        if np.abs(np.concatenate([rate, strength, [area_strength]]) / before - 1).max() < PRECISION:
            break
    return Fit(rate, need, counted, area_strength, strength)


def _centred(cells: Cells, need: Floats, rate: Floats) -> tuple[Floats, Floats]:
    """Needs with mean 1 in every region, its rates scaled to match. That holds where the likelihood is highest; without
    this step it takes a hundred rounds to get there."""
    region_of_area, region_of_rate = np.full(len(need), -1), np.zeros(len(rate), dtype=np.int64)
    region_of_area[cells.area], region_of_rate[cells.rate] = cells.region, cells.region
    used = region_of_area >= 0
    regions = int(cells.region.max()) + 1
    areas = sum_by(region_of_area[used], used[used], regions)
    mean = sum_by(region_of_area[used], need[used], regions) / np.maximum(areas, 1.0)
    return np.where(used, need / mean[region_of_area], 1.0), rate * mean[region_of_rate]


def _product_strengths(cells: Cells, forecast: Floats, others: Floats) -> Floats:
    overall = prior_strength(cells.clients, forecast, others)
    per_product = (np.flatnonzero(cells.product == product) for product in range(int(cells.product.max()) + 1))
    return np.array([prior_strength(cells.clients[at], forecast[at], others[at], overall) for at in per_product])


def _balanced(cells: Cells, need: Floats, strength: Floats, rate: Floats) -> Floats:
    """Rates of highest negative binomial likelihood: ``sum(w (clients - expected)) = 0`` with w = k / (k + expected),
    which is the same as: the estimates of a region's areas add up to its clients."""
    k, exposure = strength[cells.product], cells.exposure * need[cells.area]
    for _ in range(100):
        weight, previous = k / (k + rate[cells.rate] * exposure), rate
        rate = sum_by(cells.rate, weight * cells.clients, len(rate))
        rate = rate / sum_by(cells.rate, weight * exposure, len(rate))
        if np.abs(rate / previous - 1).max() < 1e-10:
            break
    return rate


def prior_strength(
    clients: Floats, expected: Floats, evidence: Floats | float = np.inf, towards: float | None = None
) -> float:
    """Shape k of the Gamma distribution of need, by maximum likelihood of the negative binomial counts.

    ``evidence``: shape of the error of ``expected`` itself, that comes on top (infinite = exactly known).
    ``towards``: with few clients the likelihood says little, and this strength (that of all products) then holds: log k
    has a normal prior around it with standard deviation 1.
    """
    some = clients > 0
    seen, error = clients[some], np.broadcast_to(1 / np.asarray(evidence, dtype=np.float64), clients.shape)

    def loss(log_k: float) -> float:
        k = 1 / (np.exp(-log_k) + error)
        counting = (gammaln(seen + k[some]) - gammaln(k[some]) - seen * np.log(k[some])).sum()
        apart = 0.0 if towards is None else (log_k - np.log(towards)) ** 2 / 2
        return float(((k + clients) * np.log1p(expected / k)).sum() - counting + apart)

    return float(np.exp(_least(loss)))


def _least(loss: Callable[[float], float]) -> float:
    found = optimize.minimize_scalar(loss, bounds=LOG_STRENGTH_RANGE, method="bounded", options={"xatol": 1e-4})
    return float(found.x)
