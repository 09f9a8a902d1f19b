"""National clients per month and product -> how many clients the planning year brings, and how sure that is.

Belongs here: season, trend and the uncertainty of a product's yearly total; numbers only, no postcodes.
Does not belong here: how that total is spread over postcodes, and hours (``demand``).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

YEAR = 12
MONTHS_FOR_TREND = 24
"""Below two years, season and trend cannot be told apart."""
CLIENTS_FOR_TREND = 120
SIGNIFICANCE = 0.05
NEW_PRODUCT_MISSED = 4.6
"""Clients that empty months at the start should have had, for the product to be taken as new: chance leaves these
months empty once in a hundred times (exp(-4.6) = 0.01)."""
DAMPING = 0.95
"""Part of the trend that is left after each further month (Gardner and McKenzie 1985): half of it after 13 months."""
YEARLY_CHANGE_SD = 0.03
"""Assumed standard deviation of the change of a product's yearly total, as a share, where the history is too short
to show it. Where it is not, the assumption weighs as much as ``ASSUMPTION_YEARS`` observed changes."""
ASSUMPTION_YEARS = 4.0


@dataclass(frozen=True)
class Levels:
    """Per product: ``year_clients`` expected in the planning year (the 12 months after the history),
    ``trend`` used (log per month, 0 = none), ``relative_sd`` of the product's true level (a share of it)."""

    year_clients: Floats
    trend: Floats
    relative_sd: Floats


def planning_year(monthly: Floats) -> Levels:
    """Level of the planning year per product.

    Without a trend a product's year is the sum over the calendar months of that month's mean: right too when the
    history is not a whole number of years. With a significant trend (see ``_with_trend``) the year is extrapolated
    from it. A new product counts from its first month; one younger than a year is scaled up to a year.

    Parameters
    ----------
    monthly : (months, products), clients of the whole country; every month present, zeros included.
    """
    fits = [_level(series[_first(series) :]) for series in monthly.T]
    year_clients, trend, sampling = (np.array(column, dtype=np.float64) for column in zip(*fits, strict=True))
    return Levels(year_clients, trend, np.sqrt(_yearly_change_variance(monthly) + sampling))


def _first(series: Floats) -> int:
    """The month in which a product started: its first with a client, unless the empty months before may be chance."""
    empty = int(np.argmax(series > 0))
    missed = empty * float(series.sum()) / (len(series) - empty)
    return empty if missed > NEW_PRODUCT_MISSED else 0


def _level(series: Floats) -> tuple[float, float, float]:
    """Clients of the planning year, trend per month, relative variance of that level from counting alone."""
    months, total = len(series), float(series.sum())
    if total == 0:
        return 0.0, 0.0, 0.0
    if months < YEAR:
        return total * YEAR / months, 0.0, 1 / total
    per_month = [series[month::YEAR] for month in range(YEAR)]
    enough = total >= CLIENTS_FOR_TREND and all(same_month.sum() > 0 for same_month in per_month)
    trended = _with_trend(series) if months >= MONTHS_FOR_TREND and enough else None
    return trended or (float(sum(same_month.mean() for same_month in per_month)), 0.0, 1 / total)


def _with_trend(series: Floats) -> tuple[float, float, float] | None:
    """Log-linear Poisson regression on calendar month and time; None when the slope is not significant.

    The slope is tested with Student's t and the quasi-Poisson dispersion (McCullagh and Nelder 1989, ch. 4 and 6), at
    least 1. Month h after the history has the trend of ``sum(DAMPING**j, j=1..h)`` months (Gardner and McKenzie,
    "Forecasting trends in time series", Management Science 31, 1985). Variance by the delta method.
    """
    months = len(series)
    time = np.arange(months, dtype=np.float64)
    middle = time.mean()
    design = np.column_stack([np.eye(YEAR)[np.arange(months) % YEAR], time - middle])
    beta, covariance = _poisson_regression(design, series)
    fitted = np.exp(design @ beta)
    freedom = months - design.shape[1]
    dispersion = max(1.0, float(((series - fitted) ** 2 / fitted).sum()) / freedom)
    trend, error = float(beta[-1]), float(np.sqrt(dispersion * covariance[-1, -1]))
    if abs(trend) <= float(stdtrit(freedom, 1 - SIGNIFICANCE / 2)) * error:
        return None
    ahead = months - 1 + np.cumsum(DAMPING ** np.arange(1, YEAR + 1))
    future = np.column_stack([np.eye(YEAR)[np.arange(months, months + YEAR) % YEAR], ahead - middle])
    clients = np.exp(future @ beta)
    gradient = clients @ future / clients.sum()
    variance = dispersion * float(gradient @ covariance @ gradient) + (dispersion - 1) / float(clients.sum())
    return float(clients.sum()), trend, variance


def _poisson_regression(design: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Coefficients and their covariance (dispersion 1) by iteratively reweighted least squares."""
    eta = np.log(counts + 0.5)
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        mean = np.exp(eta)
        information = design.T @ (design * mean[:, None])
        previous = beta
        beta = np.asarray(np.linalg.solve(information, design.T @ (mean * eta + counts - mean)), dtype=np.float64)
        eta = design @ beta
        if np.abs(beta - previous).max() < 1e-10:
            break
    return beta, np.asarray(np.linalg.inv(design.T @ (design * np.exp(eta)[:, None])), dtype=np.float64)


def _yearly_change_variance(monthly: Floats) -> float:
    """Variance of the log change of a product's total from one year to the next, beyond counting noise.

    Method of moments over all products and all pairs of consecutive years before the end of the history, each weighted
    by how little of it is counting noise, together with the assumption ``YEARLY_CHANGE_SD``. A trend that the level
    follows is not taken out: wide rather than narrow.
    """
    years = [
        monthly[len(monthly) - YEAR * (n + 1) : len(monthly) - YEAR * n].sum(axis=0)
        for n in range(len(monthly) // YEAR)
    ]
    assumed = YEARLY_CHANGE_SD**2
    numerator, denominator = ASSUMPTION_YEARS * assumed, ASSUMPTION_YEARS
    for after, before in pairwise(years):
        seen = (before >= CLIENTS_FOR_TREND) & (after >= CLIENTS_FOR_TREND)
        noise = 1 / before[seen] + 1 / after[seen]
        weight = (assumed / (assumed + noise)) ** 2
        numerator += float((weight * (np.log(after[seen] / before[seen]) ** 2 - noise)).sum())
        denominator += float(weight.sum())
    return max(0.0, numerator / denominator)
