"""National clients per month -> how many clients the planning year brings, and how sure that is.

Belongs here: season, changes and the uncertainty of the yearly totals of products and their lines; numbers only, no
postcodes. Does not belong here: how a change is recognised (``change``), how the total is spread over postcodes and
hours (``expected``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from allocation.demand.change import MONTHS_FOR_YEARS, YEAR, Path, average_change
from allocation.demand.drift import drift
from allocation.demand.intervals import INTERVAL

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MONTHS_FOR_TREND = 24
"""Below two years, season and change cannot be told apart."""
CLIENTS_FOR_TREND = 120
MEMORY_MONTHS = 24.0
"""A month that is so much older counts 1/e as much for the level: a change too small to be recognised is half followed,
at hardly any cost, because the country's counts are large."""
FEW_MONTHS, FEW_CLIENTS = 3, 60
"""A product seen in fewer months, with fewer clients, is rare: its empty months are chance, and belong to it."""
MISSED = 4.6
"""Clients that empty months should have had, for the emptiness not to be chance: chance leaves these months empty once
in a hundred times (exp(-4.6) = 0.01). Such months at the start: a new product; in between, or one or two at the end:
not delivered; more at the end: the product ended."""
NOT_DELIVERED_AT_END = 2
INCOMPLETE_FROM, ALSO_INCOMPLETE = 0.9, 0.5
"""The last two months are left out when they are so probably part of a temporary change of all products: they are not
complete yet. The second probability holds beside a month that was left out."""
PRODUCT_CHANGE_SD, COMMON_CHANGE_SD = 0.03, 0.015
"""Assumed standard deviation of the change of a product's yearly total, and of all products together, as a share, where
the history is too short to show it. Where it is not, the assumptions weigh as much as so many observed changes:"""
PRODUCT_ASSUMPTION_YEARS, COMMON_ASSUMPTION_YEARS = 4.0, 1.0
LEAST_FOR_COMMON = 3
"""Products that tell a change of all together."""
OWN_ASSUMPTION_YEARS = 1.0
"""That a product changes as much as the others do weighs as one change of its own."""


NEWCOMER_SDS, NEWCOMER_BURSTS = (0.0, 0.25, 0.5, 1.0, 2.0), (0.0, 0.003, 0.01, 0.04)
"""Of a product that began in the history: standard deviations a year of the walk of its level, as a share of its mean,
and variances of the noise of a month, that are considered."""


@dataclass(frozen=True)
class Levels:
    """``year_clients`` (streams,): expected in the planning year (the 12 months after the history). Per product:
    ``trend`` (log per month, averaged over what may have happened), ``relative_sd`` of its level (a share of it),
    ``break_probability`` (that its level changed in the last half year), ``has_ended``, ``started`` (month, 0 =
    before the history). ``common_sd``: of the level of all products together, as a share."""

    year_clients: Floats
    trend: Floats
    relative_sd: Floats
    break_probability: Floats
    has_ended: NDArray[np.bool_]
    started: Codes
    common_sd: float


def planning_year(monthly: Floats, product: Codes | None = None, delivered: NDArray[np.bool_] | None = None) -> Levels:
    """Level of the planning year.

    Without a change a stream's year is the sum over the calendar months of that month's mean, recent years weighing
    more: right too when the history is not a whole number of years. A change (see ``change``) of a product, and of a
    line within it, is taken out of the history and put into the planning year as far as it lasts.

    Parameters
    ----------
    monthly : (months, streams), clients of the whole country; every month present, zeros included. A stream is a
        product, or a line of it.
    product : code of the product of each stream; default: each its own.
    delivered : (months,) False = the month's counts are not to be used; default: all.
    """
    months, streams = monthly.shape
    product = np.arange(streams) if product is None else product
    delivered = np.ones(months, dtype=bool) if delivered is None else delivered
    products = int(product.max(initial=-1)) + 1
    totals = np.zeros((months, products))
    np.add.at(totals.T, product, monthly.T)
    states = [_state(series, delivered) for series in totals.T]
    used = np.column_stack([state[0] for state in states])
    seen = used
    started, ended = np.array([state[1] for state in states]), np.array([state[2] for state in states])
    first, path, used = _paths(totals, used, np.flatnonzero(~ended))
    path = _with_newcomers(path, totals, used, started)
    lines = _line_paths(monthly, totals, used, product, ended)
    year = np.array(
        [
            0.0 if ended[p] else _level(monthly[:, s], used[:, p], path, p, lines, s)
            for s, p in enumerate(product)
        ]
    )  # fmt: skip
    level = np.where(seen, totals, np.nan) / np.exp(first.temporary)
    of_products, common = _yearly_change_variances(level)
    lasting = np.where(used, totals, np.nan) / np.exp(path.past - path.temporary)
    of_each = _own_variances(np.where(started > 0, np.nan, lasting), of_products)
    counting = 1 / np.maximum(np.nansum(level, axis=0), 1.0)
    return Levels(
        year_clients=year,
        trend=path.trend,
        relative_sd=np.sqrt(of_each + path.variance + counting),
        break_probability=np.maximum(first.break_probability, path.break_probability),
        has_ended=ended,
        started=started,
        common_sd=float(np.sqrt(common + path.common_variance)),
    )


def _state(series: Floats, delivered: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int, bool]:
    """Of a product: the months that count, the month in which it started, and whether it ended."""
    used = delivered.copy()
    seen = np.flatnonzero((series > 0) & delivered)
    if not len(seen):
        return used, 0, False
    if len(seen) < FEW_MONTHS and series[seen].sum() < FEW_CLIENTS:  # a burst tells neither a start nor an end
        return used, 0, False
    first, last = int(seen[0]), int(seen[-1])
    usual = float(series[seen].sum()) / int(delivered[first : last + 1].sum())
    started = first if int(delivered[:first].sum()) * usual > MISSED else 0
    used[:started] = False
    after = int(delivered[last + 1 :].sum())
    ended = after > NOT_DELIVERED_AT_END and after * usual > MISSED
    if usual > MISSED and not ended:
        used[started:] &= series[started:] > 0
    return used, started, ended


def _paths(totals: Floats, used: NDArray[np.bool_], going: Codes) -> tuple[Path, Path, NDArray[np.bool_]]:
    """Changes of the products that have enough history, nothing for the others: as seen at first, and when months at
    the end that are not complete yet have been left out, with the months that count then. A history has one story:
    until these are left out, they hide a trend.
    """
    able = _able(totals, used, going)
    first = path = _path(totals, used, able)
    left_out, at_end = np.zeros(len(totals), dtype=bool), np.arange(len(totals)) >= len(totals) - NOT_DELIVERED_AT_END
    for _ in range(NOT_DELIVERED_AT_END):
        beside = np.convolve(left_out, [1, 1, 1], mode="same") > 0
        exceptional = path.exceptional > np.where(beside, ALSO_INCOMPLETE, INCOMPLETE_FROM)
        exceptional &= at_end & ~left_out
        if not exceptional.any():
            break
        left_out |= exceptional
        used = used & ~exceptional[:, None]
        path = _path(totals, used, [p for p in able if _has_all_months(totals[:, p], used[:, p])])
    return first, path, used


def _able(totals: Floats, used: NDArray[np.bool_], going: Codes) -> list[int]:
    """The products of which a change can be told."""
    months = len(totals)
    if months < MONTHS_FOR_TREND:
        return []
    able = [p for p in going if used[:, p].sum() >= MONTHS_FOR_TREND - 2 and _has_all_months(totals[:, p], used[:, p])]
    return [int(p) for p in able if totals[used[:, p], p].sum() >= CLIENTS_FOR_TREND * months / YEAR / 2]


def _path(totals: Floats, used: NDArray[np.bool_], able: list[int]) -> Path:
    path = Path.nothing(*totals.shape)
    if not able:
        return path
    found = average_change(totals[:, able], used[:, able])
    for name in ("past", "future", "temporary"):
        getattr(path, name)[:, able] = getattr(found, name)
    for name in ("variance", "trend", "break_probability"):
        getattr(path, name)[able] = getattr(found, name)
    return replace(path, common_variance=found.common_variance, exceptional=found.exceptional)


def _with_newcomers(path: Path, totals: Floats, used: NDArray[np.bool_], started: Codes) -> Path:
    """A product that began too lately for a change to be told goes on where it is now: it may still be growing, and
    its first months then say little. How little, a walk with noise tells (``drift``)."""
    recency = np.exp(-np.arange(len(totals))[::-1] / MEMORY_MONTHS)
    for p in np.flatnonzero((started > 0) & (used.sum(axis=0) < MONTHS_FOR_TREND - 2)):
        clients, weight = totals[used[:, p], p], recency[used[:, p]]
        if len(clients) < FEW_MONTHS or not clients.any():
            continue
        due = np.full((1, len(clients)), float(np.average(clients, weights=weight)))
        found = drift(clients[None], due, weight, 1 / YEAR, NEWCOMER_SDS, NEWCOMER_BURSTS)
        path.future[:, p] = np.log(found.factor[0])
        path.variance[p] = found.variance[0] / found.factor[0] ** 2
    return path


def with_pools(levels: Levels, monthly: Floats, delivered: NDArray[np.bool_], pool: Codes) -> Floats:
    """(streams,) clients of the planning year, when those of a pool (``pooling``) add up to what the pool's own course
    brings. What one product loses and another gains is forecast for each, damped; these two forecasts do not add up to
    the sum of both, which has no trend at all.
    """
    codes, code, streams = np.unique(pool, return_inverse=True, return_counts=True)
    if streams.max() == 1:
        return levels.year_clients
    together = np.zeros((len(monthly), len(codes)))
    np.add.at(together.T, code, monthly.T)
    of_pool = planning_year(together, None, delivered).year_clients
    apart = np.bincount(code, levels.year_clients, len(codes))
    ratio = np.divide(of_pool, apart, out=np.ones_like(apart), where=(streams > 1) & (apart > 0))
    return np.asarray(levels.year_clients * ratio[code])


def _has_all_months(series: Floats, used: NDArray[np.bool_]) -> bool:
    counts = np.where(used, series, 0.0)
    return all(counts[month::YEAR].sum() > 0 for month in range(YEAR))


def _line_paths(
    monthly: Floats, totals: Floats, used: NDArray[np.bool_], product: Codes, ended: NDArray[np.bool_]
) -> Path:
    """Changes of the share of each line in its product."""
    months, streams = monthly.shape
    path = Path.nothing(months, streams)
    able = [
        s for s, p in enumerate(product)
        if (product == p).sum() > 1 and not ended[p] and months >= MONTHS_FOR_TREND
        and used[:, p].sum() >= MONTHS_FOR_TREND - 2 and monthly[:, s].sum() >= CLIENTS_FOR_TREND * months / YEAR / 2
    ]  # fmt: skip
    if able:
        of = product[able]
        found = average_change(monthly[:, able], used[:, of], totals[:, of])
        for name in ("past", "future"):
            getattr(path, name)[:, able] = getattr(found, name)
    return path


def _level(series: Floats, used: NDArray[np.bool_], path: Path, p: int, lines: Path, s: int) -> float:
    """Clients of the planning year of one stream."""
    months, total = len(series), float(series[used].sum())
    if total == 0:
        return 0.0
    change = np.exp(path.past[:, p] + lines.past[:, s]) * used
    ahead = np.exp(path.future[:, p] + lines.future[:, s])
    calendar = np.arange(months) % YEAR
    recency = np.exp(-np.arange(months)[::-1] / MEMORY_MONTHS)
    clients = np.bincount(calendar, series * used * recency, YEAR)
    weight = np.bincount(calendar, change * recency, YEAR)
    known = weight > 0
    mean = np.where(known, clients / np.where(known, weight, 1.0), 0.0)
    if not known.all():
        mean[~known] = clients.sum() / weight.sum()
    return float((mean[(months + np.arange(YEAR)) % YEAR] * ahead).sum())


def _yearly_change_variances(level: Floats) -> tuple[float, float]:
    """Variance of the log change of a yearly total from one year to the next beyond counting noise: of one product
    against all, and of all together.

    ``level`` (months, products) without temporary changes, NaN where a month does not count. Only products with two
    whole years take part. All together: the median change over the products, each year. One product: the median of
    the squared deviations from it (0.455 is the median of chi-square with one degree), so a single new or broken
    product widens nobody else's interval.
    """
    commons, squares, weights = [], [], []
    for _, change, common, noise in _yearly_changes(level):
        if len(change) >= LEAST_FOR_COMMON:
            commons.append(common**2 - 1.57 / float((1 / noise).sum()))  # variance of a median: pi / 2 of a mean's
        squares += list((change - common) ** 2 - 0.455 * noise)
        weights += list(_change_weights(noise))
    assumed, years_seen = PRODUCT_ASSUMPTION_YEARS, sum(weights)
    typical = max(0.0, _weighted_middle(squares, weights)) / 0.455 if squares else 0.0
    of_products = (assumed * PRODUCT_CHANGE_SD**2 + years_seen * typical) / (assumed + years_seen)
    return of_products, _common_variance(commons)


def _change_weights(noise: Floats) -> Floats:
    """What a change counts for: the more its counting noise, the less."""
    return np.asarray((PRODUCT_CHANGE_SD**2 / (PRODUCT_CHANGE_SD**2 + noise)) ** 2)


def _yearly_changes(level: Floats) -> Iterator[tuple[NDArray[np.bool_], Floats, float, Floats]]:
    """From each year to the next: which products have enough clients in the months that count in both, and of these the
    log change, the median change of all (0 where too few tell it), and the variance that counting gives.

    Years are counted back from the end; pairs without any such product are left out.
    """
    years = [level[len(level) - YEAR * (n + 1) : len(level) - YEAR * n] for n in range(len(level) // YEAR)]
    for after, before in pairwise(years):
        months = np.isfinite(after) & np.isfinite(before)
        new, old = (np.where(months, year, 0.0).sum(axis=0) for year in (after, before))
        seen = (new >= CLIENTS_FOR_TREND) & (old >= CLIENTS_FOR_TREND) & (months.sum(axis=0) >= YEAR - 3)
        if seen.any():
            change = np.log(new[seen] / old[seen])
            common = float(np.median(change)) if len(change) >= LEAST_FOR_COMMON else 0.0
            yield seen, change, common, 1 / new[seen] + 1 / old[seen]


def _own_variances(level: Floats, typical: float) -> Floats:
    """Variance of the log change of each product's yearly total against that of all: the ``typical`` one, or more where
    the product's own changes were larger (inverse gamma: the typical one weighs as ``OWN_ASSUMPTION_YEARS`` of them).

    ``level`` (months, products): clients without the changes that last, which are forecast, but with those that passed:
    another may come in the planning year. Below three years there is one change, which does not tell whether it comes
    back: the typical one then.
    """
    squares, weights = np.zeros((2, level.shape[1]))
    if len(level) < MONTHS_FOR_YEARS:
        return squares + typical
    for seen, change, common, noise in _yearly_changes(level):
        weight = _change_weights(noise)
        squares[seen] += weight * ((change - common) ** 2 - noise)
        weights[seen] += weight
    own = (OWN_ASSUMPTION_YEARS * typical + squares) / (OWN_ASSUMPTION_YEARS + weights)
    return np.asarray(np.maximum(own, typical))


def _common_variance(squares: list[float]) -> float:
    """Variance of the change of all products together, from the squares of those seen.

    One or two changes tell a variance badly: the interval of level 80% is then that of a t distribution with as many
    degrees of freedom as there are years of evidence, the assumption included. The variance is made as much larger as
    that interval is wider than a normal one.
    """
    years = COMMON_ASSUMPTION_YEARS + len(squares)
    variance = (COMMON_ASSUMPTION_YEARS * COMMON_CHANGE_SD**2 + max(0.0, sum(squares))) / years
    if not squares:
        return variance
    upper = (1 + INTERVAL) / 2
    return variance * float(stdtrit(years, upper) / ndtri(upper)) ** 2


def _weighted_middle(values: list[float], weights: list[float]) -> float:
    order = np.argsort(values)
    cumulative = np.cumsum(np.array(weights)[order])
    return float(np.array(values)[order][int(np.searchsorted(cumulative, cumulative[-1] / 2))])
