"""Counts per cell -> need per cell, by three levels of Gamma-Poisson shrinkage. Arrays in, arrays out.

Belongs here: the empirical Bayes estimate and how sure it is. Does not belong here: what a cell is called, months,
hours (``demand``), a product's level in the planning year (``trend``).

The model. A cell is one postcode area, product, line and group. Its clients in the history are Poisson with mean

    rate x exposure x need of the town x need of the area x need of the cell

``rate``: clients per inhabitant of the region, for this product, line and group. ``exposure``: inhabitants. The needs
are Gamma with mean 1, their shapes are the strengths: ``town_strength`` (gemeente), ``area_strength``, and ``strength``
per product. Some towns and areas need more of everything; the need of the cell is the rest of what tells areas apart.

The estimate of a cell is its region's rate, corrected by what all counts of the town say, then all counts of the area,
then the cell's own count, each as far as it is more than noise. One level is the estimator of Clayton and Kaldor
("Empirical Bayes estimates of age-standardized relative risks", Biometrics 43, 1987; compare Marshall, "Mapping disease
and mortality rates using empirical Bayes estimators", Applied Statistics 40, 1991). The levels are chained as in
hierarchical credibility (Jewell, "The use of collateral data in credibility theory", Giornale dell'Istituto Italiano
degli Attuari 38, 1975): a count that varies by its own need besides chance enters the next higher level with weight
``k / (k + expected)``, which makes the variance of the weighted sum equal to its mean again, as of a count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import gammaln

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

LOG_STRENGTH_RANGE = (float(np.log(0.1)), float(np.log(1e5)))
START = 10.0
ROUNDS, PRECISION = 20, 1e-3
NO_EXPOSURE, NO_RATE = 1e-9, 1e-15
COUNTRY_ROUNDS = 5


@dataclass(frozen=True)
class Cells:
    """One entry per cell, arrays of equal length: clients in the history, exposure (above 0), and the codes (0, 1, ...)
    of its area, its product, its ``series`` (= product, line and group) and its rate (= region and series; without
    gaps). An area's ``town`` lies in one region; ``town`` and ``region`` are codes too."""

    clients: Floats
    exposure: Floats
    area: Codes
    town: Codes
    region: Codes
    product: Codes
    rate: Codes
    series: Codes

    def without(self, left_out: NDArray[np.bool_]) -> Cells:
        """The same cells, of which those ``left_out`` say nothing."""
        clients, exposure = np.where(left_out, 0.0, self.clients), np.where(left_out, NO_EXPOSURE, self.exposure)
        return replace(self, clients=clients, exposure=exposure)


@dataclass(frozen=True)
class Fit:
    """``rate`` per rate code and ``rate_error``, its standard deviation as a share of it; per area code ``area_need``
    (that of its town included) and ``area_error``; the strengths. A large strength: they differ by chance only."""

    rate: Floats
    rate_error: Floats
    area_need: Floats
    area_error: Floats
    town_strength: float
    area_strength: float
    strength: Floats

    def expected(self, cells: Cells) -> Floats:
        """Clients per cell in the history before the cell's own count is looked at."""
        return self.rate[cells.rate] * cells.exposure * self.area_need[cells.area]

    def estimate(self, cells: Cells) -> Floats:
        """Clients per cell in the history with the noise taken out."""
        expected, k = self.expected(cells), self.strength[cells.product]
        return expected * (k + cells.clients) / (k + expected)

    def relative_errors(self, cells: Cells) -> tuple[Floats, Floats, Floats]:
        """Standard deviations of the estimate as a share of it: of the cell alone; shared by all cells of the area;
        shared by all cells of the rate. First order, the strengths taken as known."""
        expected, k = self.expected(cells), self.strength[cells.product]
        weight = k / (k + expected)
        of_area = weight * self.area_error[cells.area]
        return 1 / np.sqrt(k + cells.clients), of_area, weight * self.rate_error[cells.rate]


def sum_by(code: Codes, values: NDArray[np.generic], codes: int) -> Floats:
    """Sum of ``values`` per code 0, 1, ..., codes - 1."""
    return np.asarray(np.bincount(code, values, codes), dtype=np.float64)


def fit(cells: Cells) -> Fit:
    """Rates, needs and strengths in turns, until none changes by more than ``PRECISION`` of itself."""
    places, rates = _Places.of(cells), int(cells.rate.max()) + 1
    rate = sum_by(cells.rate, cells.clients, rates) / sum_by(cells.rate, cells.exposure, rates)
    rate = np.maximum(rate, NO_RATE)
    strength = np.full(int(cells.product.max()) + 1, START)
    needs = _Needs.start(places)
    for _ in range(ROUNDS):
        before = np.concatenate([rate, strength, needs.strengths])
        k, plain = strength[cells.product], rate[cells.rate] * cells.exposure
        weight = k / (k + plain * needs.area[cells.area])
        counted, evidence = (sum_by(cells.area, weight * what, places.areas) for what in (cells.clients, plain))
        needs = _needs(places, counted, evidence, needs)
        # a product's strength is judged by forecasting each cell from the other cells of its area
        town = needs.town[cells.area]
        others = needs.strengths[1] + town * (evidence[cells.area] - weight * plain)
        forecast = plain * town * (needs.strengths[1] + counted[cells.area] - weight * cells.clients) / others
        strength = _product_strengths(cells, forecast, others, strength)
        needs, scale = needs.centred(places)
        rate = _balanced(cells, needs.area, strength, rate * scale[places.region_of_rate])
        if np.abs(np.concatenate([rate, strength, needs.strengths]) / before - 1).max() < PRECISION:
            break
    rate, rate_error = _towards_country(cells, needs.area, strength, rate)
    return Fit(rate, rate_error, needs.area, needs.error, *needs.strengths, strength)


@dataclass(frozen=True)
class _Places:
    """The town of every area code, the region of every town and rate code; codes that do not occur are in 0."""

    areas: int
    town_of_area: Codes
    region_of_town: Codes
    region_of_rate: Codes
    town_occurs: NDArray[np.bool_]

    @classmethod
    def of(cls, cells: Cells) -> _Places:
        areas, towns, rates = (int(codes.max()) + 1 for codes in (cells.area, cells.town, cells.rate))
        town_of_area, region_of_town, region_of_rate = (np.zeros(n, dtype=np.int64) for n in (areas, towns, rates))
        town_of_area[cells.area] = cells.town
        region_of_town[cells.town], region_of_rate[cells.rate] = cells.region, cells.region
        return cls(areas, town_of_area, region_of_town, region_of_rate, np.bincount(cells.town, minlength=towns) > 0)


@dataclass(frozen=True)
class _Needs:
    """Per area: the need of its town, its own (town included) and the relative standard deviation of that.
    ``strengths``: of towns and of areas."""

    town: Floats
    area: Floats
    error: Floats
    strengths: tuple[float, float]

    @classmethod
    def start(cls, places: _Places) -> _Needs:
        return cls(np.ones(places.areas), np.ones(places.areas), np.ones(places.areas), (START, START))

    def centred(self, places: _Places) -> tuple[_Needs, Floats]:
        """Town needs with mean 1 in every region, and the factor per region that its rates must then have. That holds
        where the likelihood is highest; without this step it takes a hundred rounds to get there."""
        need_of_town = np.ones(len(places.region_of_town))
        need_of_town[places.town_of_area] = self.town
        occurs, region = places.town_occurs, places.region_of_town
        regions = int(region.max()) + 1
        total, towns = (sum_by(region[occurs], what[occurs], regions) for what in (need_of_town, occurs))
        mean = np.where(towns > 0, total, 1.0) / np.maximum(towns, 1.0)
        of_area = mean[region[places.town_of_area]]
        return replace(self, town=self.town / of_area, area=self.area / of_area), mean


def _needs(places: _Places, counted: Floats, evidence: Floats, before: _Needs) -> _Needs:
    """Needs of towns and areas from what was counted in each area, against the evidence = what need 1 would give.

    The strength of areas is judged by forecasting each area from the other areas of its town.
    """
    town, towns = places.town_of_area, len(places.region_of_town)
    area_strength = before.strengths[1]
    weight = area_strength / (area_strength + evidence * before.town)
    in_town, town_evidence = (sum_by(town, weight * what, towns) for what in (counted, evidence))
    town_strength = prior_strength(in_town, town_evidence)
    others = town_strength + town_evidence[town] - weight * evidence
    forecast = evidence * (town_strength + in_town[town] - weight * counted) / others
    area_strength = prior_strength(counted, forecast, others)
    of_town = ((town_strength + in_town) / (town_strength + town_evidence))[town]
    need = of_town * (area_strength + counted) / (area_strength + of_town * evidence)
    leaning = area_strength / (area_strength + of_town * evidence)
    error = np.sqrt(1 / (area_strength + counted) + leaning**2 / (town_strength + in_town[town]))
    return _Needs(of_town, need, error, (town_strength, area_strength))


def _product_strengths(cells: Cells, forecast: Floats, others: Floats, before: Floats) -> Floats:
    """Strength per product, held near the mean of all (by clients, of the round before) where clients are few."""
    of_product = [np.flatnonzero(cells.product == product) for product in range(len(before))]
    clients = sum_by(cells.product, cells.clients, len(before))
    mean = float(np.exp(np.average(np.log(before), weights=clients)))
    return np.array([prior_strength(cells.clients[at], forecast[at], others[at], mean) for at in of_product])


def _balanced(cells: Cells, need: Floats, strength: Floats, rate: Floats) -> Floats:
    """Rates of highest negative binomial likelihood: ``sum(w (clients - expected)) = 0`` with w = k / (k + expected),
    which is the same as: the estimates of a region's areas add up to its clients. Before these rates are drawn towards
    the country."""
    k, exposure = strength[cells.product], cells.exposure * need[cells.area]
    for _ in range(100):
        weight, previous = k / (k + rate[cells.rate] * exposure), rate
        rate = sum_by(cells.rate, weight * cells.clients, len(rate))
        rate = np.maximum(rate / sum_by(cells.rate, weight * exposure, len(rate)), NO_RATE)
        if np.abs(rate / previous - 1).max() < 1e-10:
            break
    return rate


def _towards_country(cells: Cells, need: Floats, strength: Floats, rate: Floats) -> tuple[Floats, Floats]:
    """Rates drawn towards the country's rate of the series x what the region needs of everything, as far as few clients
    make them uncertain; and their standard deviations, as a share.

    The same estimator as for areas, one level higher: a region is one of many, whose rates differ with a strength per
    series. The level of the country itself is not part of this error (``trend`` has it).
    """
    k, exposure = strength[cells.product], cells.exposure * need[cells.area]
    weight = k / (k + rate[cells.rate] * exposure)
    counted, evidence = (sum_by(cells.rate, weight * what, len(rate)) for what in (cells.clients, exposure))
    region, series = np.zeros((2, len(rate)), dtype=np.int64)
    region[cells.rate], series[cells.rate] = cells.region, cells.series
    regions, all_series = int(region.max()) + 1, int(series.max()) + 1
    of_region = np.ones(regions)
    for _ in range(COUNTRY_ROUNDS):
        of_country = sum_by(series, counted, all_series) / np.maximum(
            sum_by(series, evidence * of_region[region], all_series), NO_EXPOSURE
        )
        plain = evidence * of_country[series]
        clients_of, expected_of = sum_by(region, counted, regions), np.maximum(sum_by(region, plain, regions), NO_RATE)
        apart = prior_strength(clients_of, expected_of)
        of_region = (apart + clients_of) / (apart + expected_of)
    expected = np.maximum(evidence * (of_country[series] * of_region[region]), NO_RATE)
    of_series = [prior_strength(counted[at], expected[at]) for at in
                 (series == code for code in range(all_series))]  # fmt: skip
    kappa = np.array(of_series)[series]
    drawn = of_country[series] * of_region[region] * (kappa + counted) / (kappa + expected)
    return np.maximum(drawn, NO_RATE), 1 / np.sqrt(kappa + counted)


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
