"""Simple forecasts of the year after a history, per cell. Arrays in, arrays out.

``monthly`` is (months, cells): clients; every month of the calendar, zeros included.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.demand.worlds import YEAR

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
LEVEL_GAIN, TREND_GAIN, DAMPING = 0.2, 0.05, 0.95


def last_year(monthly: Floats) -> Floats:
    return np.asarray(monthly[-YEAR:].sum(axis=0))


def all_history(monthly: Floats) -> Floats:
    """Mean per calendar month, added up, so that half a year too many does not count a season twice."""
    return np.asarray(sum(monthly[month::YEAR].mean(axis=0) for month in range(YEAR)))


def regional(monthly: Floats, rate: Codes, people: Floats) -> Floats:
    """Inhabitants x the region's clients per inhabitant (``rate``: code of region and series) in the last year."""
    return people * (np.bincount(rate, last_year(monthly)) / np.bincount(rate, people))[rate]


def empirical_bayes(monthly: Floats, rate: Codes, series: Codes, people: Floats) -> Floats:
    """Poisson-gamma around the region's rate, each series with one strength by the method of moments (Marshall,
    "Mapping disease and mortality rates using empirical Bayes estimators", Applied Statistics 40, 1991)."""
    clients = all_history(monthly)
    expected = people * (np.bincount(rate, clients) / np.bincount(rate, people))[rate]
    excess = np.bincount(series, (clients - expected) ** 2 - expected)
    variance = np.maximum(excess / np.maximum(np.bincount(series, expected**2), 1e-12), 1e-4)
    strength = 1 / variance[series]
    return np.asarray(expected * (strength + clients) / np.maximum(strength + expected, 1e-12))


def holt(monthly: Floats, rate: Codes, series: Codes) -> Floats:
    """Holt's damped linear trend per region and series, season taken out by the country's; spread over the cells by
    their clients in the last year."""
    rates = int(rate.max()) + 1
    by_rate = np.stack([np.bincount(rate, month, rates) for month in monthly])
    by_series = np.stack([np.bincount(series, month, int(series.max()) + 1) for month in monthly])
    of_calendar = np.stack([by_series[month::YEAR].mean(axis=0) for month in range(YEAR)])
    season = of_calendar / np.maximum(of_calendar.mean(axis=0), 1e-9)
    series_of_rate = np.zeros(rates, dtype=np.int64)
    series_of_rate[rate] = series
    calendar = np.arange(len(monthly)) % YEAR
    plain = by_rate / np.maximum(season[calendar][:, series_of_rate], 1e-9)
    level, slope = plain[:6].mean(axis=0), np.zeros(rates)
    for month in plain:
        before = level
        level = LEVEL_GAIN * month + (1 - LEVEL_GAIN) * (level + DAMPING * slope)
        slope = TREND_GAIN * (level - before) + (1 - TREND_GAIN) * DAMPING * slope
    ahead = np.cumsum(DAMPING ** np.arange(1, YEAR + 1))
    calendar = (len(monthly) + np.arange(YEAR)) % YEAR
    year = ((level + ahead[:, None] * slope) * season[calendar][:, series_of_rate]).sum(axis=0).clip(0)
    recent = last_year(monthly)
    share = recent / np.maximum(np.bincount(rate, recent, rates), 1e-9)[rate]
    return np.asarray(share * year[rate])
