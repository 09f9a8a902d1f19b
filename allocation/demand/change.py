"""What happened to monthly series: nothing, a trend, a step or a temporary change, averaged by how well each fits.

Belongs here: the candidate changes and their weights; arrays in, arrays out. Does not belong here: postcodes, the level
of the planning year (``trend``).

The model of a series is Gaussian in the log of its monthly clients::

    log y(t) = level + season(month of t) + size x shape(t) + noise,   noise variance = 1 / y(t) + extra, or swings

with season ~ N(0, season_sd^2), independent per calendar month, and size ~ N(0, prior sd of its kind). In three years
or more, every year may also have a level of its own, N(0, year_sd^2), with one year_sd for all series. One candidate is
one shape: a trend, a step at a month, or a temporary change between two months. Each candidate has a closed marginal
likelihood (a rank-one change of the covariance), so the posterior over all of them is exact, and what is used is the
average over it (Hoeting, Madigan, Raftery and Volinsky, "Bayesian model averaging: a tutorial", Statistical Science 14,
1999; Kass and Raftery, "Bayes factors", Journal of the American Statistical Association 90, 1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
YEAR = 12
DAMPING = 0.95
"""Part of the trend that is left after each further month (Gardner and McKenzie 1985): half of it after 13 months."""
NONE, TREND, STEP, PULSE, ONE_YEAR, DELAY = range(6)
PRIOR = np.array([0.69, 0.12, 0.08, 0.09, 0.0, 0.02])
COMMON_PRIOR = np.array([0.54, 0.12, 0.08, 0.09, 0.15, 0.02])
"""Probability of each kind before the data are seen, spread evenly over its candidates: of a change of one series, and
of one of all together. One year that is higher or lower than others (whole years, counted back from the end) is thought
of for all together only. Of a delay, clients that stay away come in later: so many months low, then as many as high."""
PRIOR_SD = np.array([1e-6, 0.08, 0.15, 0.40, 0.08, 0.40])
"""Standard deviation of the size of each kind (log; of a trend: a year)."""
SHORTEST_STEP, LONGEST_PULSE, INCOMPLETE, LONGEST_DELAY = 3, 9, 2, 6
"""A step is seen for at least three months. A temporary change lasts up to nine, and when it still lasts at the end at
most two months: counts that are not complete yet."""
SEASON_SDS, NOISE_SDS = (0.02, 0.05, 0.1, 0.2, 0.4), (0.0, 0.01, 0.03, 0.08)
SWING_SD, SWING_MONTHS = 0.02, 6.0
"""The noise may also be swings that come back: their standard deviation (log), and after how many months 1/e of one is
left. Without it, temporary changes of one place after the other pass for a trend of all."""
YEAR_SDS, MONTHS_FOR_YEARS = (0.0, 0.03, 0.06), 36
"""Standard deviation (log) by which every year of every series may be another. Below three years that cannot be told
from a step. All series tell it together: one by itself cannot tell it from a trend."""
LASTING = 0.5
"""Part of a change of all products together that is expected to last: it may be one year's accident."""
COMMON_CANDIDATES = 40
LEAST_SERIES = 3
"""Below three series a change of all of them cannot be told from one of each."""


@dataclass(frozen=True)
class Shapes:
    """Candidates: ``past`` (candidates, months) and ``future`` (candidates, 12) of the shape at size 1, ``kind``, the
    months ``begin`` to ``end`` (not included) in which all others are 1, and the log prior. The first candidate is
    *nothing*, the second the trend. A delay is -1 in the first half of its months and 1 in the second."""

    past: Floats
    future: Floats
    kind: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    log_prior: Floats

    @property
    def prior_variance(self) -> Floats:
        return PRIOR_SD[self.kind] ** 2

    @property
    def recent(self) -> NDArray[np.bool_]:
        """Candidates that begin in the last half year."""
        return np.asarray(np.isin(self.kind, (STEP, PULSE, DELAY)) & (self.begin >= self.past.shape[1] - YEAR // 2))

    def times(self, m: Floats) -> Floats:
        """``past @ m`` by running sums: most shapes are 1 in a row of months."""
        running = np.concatenate([np.zeros((1, m.shape[1])), np.cumsum(m, axis=0)])
        product = running[self.end] - running[self.begin]
        delay = self.kind == DELAY
        half = (self.begin[delay] + self.end[delay]) // 2
        product[delay] -= 2 * (running[half] - running[self.begin[delay]])
        product[1] = self.past[1] @ m
        return np.asarray(product)

    def chosen(self, some: NDArray[np.bool_]) -> Shapes:
        """Only ``some`` of the candidates."""
        past, future, log_prior = self.past[some], self.future[some], self.log_prior[some]
        return Shapes(past, future, self.kind[some], self.begin[some], self.end[some], log_prior)

    def common(self) -> Shapes:
        """The same as changes of all series together, of which only the part ``LASTING`` is left in the planning year
        (of a single year: its part of all years, as years are then exchangeable)."""
        last = np.where(self.kind == ONE_YEAR, YEAR / self.past.shape[1], LASTING * (self.kind != ONE_YEAR))
        future = np.where(self.kind == ONE_YEAR, 1.0, self.future.T).T
        return replace(self, future=last[:, None] * future, log_prior=_log_prior(self.kind, COMMON_PRIOR))


def shapes(months: int, at_end: int = INCOMPLETE) -> Shapes:
    """All candidates for a history of so many months; a temporary change that still lasts at its end has at most
    ``at_end`` months."""
    time = np.arange(months)
    spans = [(NONE, 0, 0), (TREND, 0, 0)]
    spans += [(STEP, start, months) for start in range(SHORTEST_STEP, months - SHORTEST_STEP + 1)]
    spans += [
        (PULSE, start, start + length)
        for length in range(1, LONGEST_PULSE + 1)
        for start in range(months - length + 1)
        if start + length < months or length <= at_end
    ]
    spans += [
        (DELAY, start, start + 2 * length)
        for length in range(1, LONGEST_DELAY + 1)
        for start in range(months - 2 * length + 1)
    ]
    spans += [(ONE_YEAR, end - YEAR, end) for end in range(months, YEAR - 1, -YEAR) if months >= 2 * YEAR]
    kind, begin, end = np.array(spans, dtype=np.int64).T
    past = ((time >= begin[:, None]) & (time < end[:, None])).astype(np.float64)
    past[(kind == DELAY)[:, None] & (time < ((begin + end) // 2)[:, None])] *= -1
    future = np.repeat((kind == STEP).astype(np.float64)[:, None], YEAR, axis=1)
    ahead = months - 1 + np.cumsum(DAMPING ** np.arange(1, YEAR + 1))
    past[1], future[1] = (time - time.mean()) / YEAR, (ahead - time.mean()) / YEAR
    return Shapes(past, future, kind, begin, end, _log_prior(kind, PRIOR))


def _log_prior(kind: NDArray[np.int64], of_kind: Floats) -> Floats:
    prior = (of_kind / np.maximum(np.bincount(kind, minlength=len(of_kind)), 1))[kind]
    return np.log(np.maximum(prior, 1e-300))


@dataclass(frozen=True)
class Path:
    """The average change of each series, log: ``past`` (months, series), ``future`` (12, series); ``temporary``: the
    part of ``past`` that is temporary; ``variance`` (series,): of the mean log level of the planning year, from not
    knowing which change it was and how large; ``common_variance``: that of what all series share. ``trend``: log per
    month, averaged. ``break_probability`` (series,): that something changed in the last half year. ``exceptional``
    (months,): probability that the month is part of a temporary change of all series."""

    past: Floats
    future: Floats
    temporary: Floats
    variance: Floats
    common_variance: float
    trend: Floats
    break_probability: Floats
    exceptional: Floats

    @classmethod
    def nothing(cls, months: int, series: int) -> Path:
        past, temporary = np.zeros((2, months, series))
        variance, trend, probability = np.zeros((3, series))
        return cls(past, np.zeros((YEAR, series)), temporary, variance, 0.0, trend, probability, np.zeros(months))


def average_change(clients: Floats, used: NDArray[np.bool_], relative_to: Floats | None = None) -> Path:
    """The change of each series, as the average over all candidates.

    Parameters
    ----------
    clients : (months, series); ``used`` (months, series): months that count. Series need clients in these.
    relative_to : (months, series), when given: the totals of which each series is a part. Then the change of the
        *share* is looked for, which has hardly a season, and nothing is common to all.
    """
    candidates = shapes(len(clients))
    parts = _best_evidence(clients, used, candidates, relative_to)
    if relative_to is not None or len(parts) < LEAST_SERIES:
        return _specific(candidates, parts)
    return _common_and_specific(candidates, parts)


@dataclass(frozen=True)
class _Evidence:
    """Of one series, with M the inverse covariance that leaves the level out: ``information`` (candidates,) = x' M x,
    ``score`` (candidates,) = x' M log y; ``shapes`` x and ``weighted`` x' M (candidates, months)."""

    information: Floats
    score: Floats
    shapes: Floats
    weighted: Floats

    def scores_after(self, chosen: NDArray[np.int64], size: Floats) -> Floats:
        """Scores (chosen, candidates) when the change ``chosen`` of ``size`` is taken out of the series."""
        return np.asarray(self.score - (size[:, None] * self.shapes[chosen]) @ self.weighted.T)


def _best_evidence(
    clients: Floats, used: NDArray[np.bool_], candidates: Shapes, relative_to: Floats | None
) -> list[_Evidence]:
    """That of every series, when years differ by the one of ``YEAR_SDS`` that fits all series together best."""
    months, series = clients.shape
    tells = months >= MONTHS_FOR_YEARS and series >= LEAST_SERIES and relative_to is None
    tried = [
        [_evidence(clients[:, s], used[:, s], candidates, relative_to, s, sd) for s in range(series)]
        for sd in (YEAR_SDS if tells else YEAR_SDS[:1])
    ]
    return [part for _, part in max(tried, key=lambda found: sum(fit for fit, _ in found))]


def _evidence(
    clients: Floats,
    used: NDArray[np.bool_],
    candidates: Shapes,
    relative_to: Floats | None,
    column: int,
    year_sd: float,
) -> tuple[float, _Evidence]:
    """Log likelihood and the sufficient numbers of a series under the season and noise that fit it best (over all
    candidates), when its years differ by ``year_sd``."""
    month = np.flatnonzero(used)
    y = clients[month] + 0.5
    z, noise, seasons = np.log(y), 1 / y, list(SEASON_SDS)
    if relative_to is not None:
        whole = relative_to[month, column] + 1.0
        z, noise, seasons = z - np.log(whole), np.maximum(1 / y - 1 / whole, 0.1 / y), list(SEASON_SDS[:2])
    months = len(clients)
    same = (month[:, None] % YEAR == month[None, :] % YEAR).astype(np.float64)
    swings = SWING_SD**2 * np.exp(-np.abs(month[:, None] - month[None, :]) / SWING_MONTHS)
    ago = (months - 1 - month) // YEAR
    noise_of_years = np.diag(noise) + year_sd**2 * (ago[:, None] == ago[None, :])
    logs = np.zeros(months)
    logs[month] = z
    best: tuple[float, _Evidence] | None = None
    for season in seasons:
        for extra in (*(sd**2 * np.eye(len(month)) for sd in NOISE_SDS), swings):
            covariance = season**2 * same + noise_of_years + extra
            inverse = np.linalg.inv(covariance)
            ones = inverse.sum(axis=1)
            m = np.zeros((months, months))
            m[np.ix_(month, month)] = inverse - np.outer(ones, ones) / ones.sum()
            weighted = candidates.times(m)
            information = (weighted * candidates.past).sum(axis=1).clip(min=0)
            found = _Evidence(information, weighted @ logs, candidates.past, weighted)
            plain = -0.5 * (np.linalg.slogdet(covariance)[1] + np.log(ones.sum()) + logs @ m @ logs)
            fit = float(plain + _log_sum(candidates.log_prior + _gain(found, candidates)))
            if best is None or fit > best[0]:
                best = (fit, found)
    assert best is not None
    return best


def _gain(part: _Evidence, candidates: Shapes, score: Floats | None = None) -> Floats:
    """Log Bayes factor of every candidate against nothing (of rows of ``score``, when given)."""
    variance, information = candidates.prior_variance, part.information
    score = part.score if score is None else score
    return np.asarray(
        0.5 * score**2 / (information + 1 / variance) - 0.5 * np.log1p(variance * information), dtype=np.float64
    )


def _size(part: _Evidence, candidates: Shapes, score: Floats) -> tuple[Floats, Floats]:
    """Posterior mean and variance of the size of every candidate."""
    precision = part.information + 1 / candidates.prior_variance
    return score / precision, 1 / precision


def _log_sum(values: Floats) -> Floats:
    top = values.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(values - top).sum(axis=-1)) + top[..., 0])


def _rise(candidates: Shapes) -> Floats:
    """Mean of each shape in the planning year minus its mean in the history: what it does to the level at size 1."""
    return np.asarray(candidates.future.mean(axis=1) - candidates.past.mean(axis=1))


def _specific(candidates: Shapes, parts: Sequence[_Evidence]) -> Path:
    none = np.zeros(1)
    weight, size = np.ones(1), none
    return _combined(candidates, candidates, np.zeros(1, dtype=np.int64), weight, size, none, parts)


def _common_and_specific(candidates: Shapes, parts: Sequence[_Evidence]) -> Path:
    """A change of all series first, then of each by itself.

    The common size of a candidate is the weighted median of the sizes of the series, so a change of one series is not
    taken for one of all. Its evidence counts what the series still need by themselves after it.
    """
    information = np.stack([part.information for part in parts])
    alone = np.stack([part.score for part in parts]) / np.maximum(information, 1e-12)
    size = _weighted_median(alone, information)
    size *= information.sum(axis=0) / (information.sum(axis=0) + 1 / candidates.prior_variance)
    together = sum(size * part.score - 0.5 * size**2 * info for part, info in zip(parts, information, strict=True))
    variance = candidates.prior_variance
    common = candidates.common()
    fit = together - 0.5 * size**2 / variance - 0.5 * np.log1p(variance * information.sum(axis=0))
    fit = np.asarray(fit + common.log_prior)
    chosen = np.union1d([0], np.argsort(-fit, kind="stable")[:COMMON_CANDIDATES])
    rest = np.zeros(len(chosen))
    for part in parts:
        score = part.scores_after(chosen, size[chosen])
        rest += _log_sum(candidates.log_prior + _gain(part, candidates, score))
    fit = fit[chosen] + rest
    weight = np.exp(fit - _log_sum(fit))
    error = 1 / (information.sum(axis=0)[chosen] + 1 / variance[chosen])
    return _combined(candidates, common, chosen, weight, size[chosen], error, parts)


def _weighted_median(values: Floats, weights: Floats) -> Floats:
    """Per column; a weight of at most a third of all, so that no series is the median by itself."""
    share = np.minimum(weights / np.maximum(weights.sum(axis=0), 1e-12), 1 / 3) + 1e-12
    order = np.argsort(values, axis=0, kind="stable")
    cumulative = np.cumsum(np.take_along_axis(share, order, 0), axis=0)
    at = (cumulative >= cumulative[-1] / 2).argmax(axis=0)
    return np.asarray(np.take_along_axis(np.take_along_axis(values, order, 0), at[None], 0)[0])


def _combined(
    candidates: Shapes,
    common: Shapes,
    chosen: NDArray[np.int64],
    weight: Floats,
    size: Floats,
    error: Floats,
    parts: Sequence[_Evidence],
) -> Path:
    """The average over common changes ``chosen`` (of ``weight``, ``size``, variance ``error``) and, given each, over
    the changes of every series by itself."""
    shared = weight * size
    rise = _rise(common)[chosen]
    shared_rise = float(shared @ rise)
    common_variance = float(weight @ ((size * rise) ** 2 + error * rise**2)) - shared_rise**2
    passes, own_rise = np.isin(candidates.kind, (PULSE, DELAY)), _rise(candidates)
    kept = np.where(candidates.kind == DELAY, 0.0, 1.0)  # who comes later has come: it does not change the level
    months = candidates.past.shape[1]
    path = Path.nothing(months, len(parts))
    trend = float(shared @ (common.kind[chosen] == TREND)) / YEAR
    temporary = (shared * passes[chosen]) @ common.past[chosen]
    probability = float(weight @ common.recent[chosen])
    for s, part in enumerate(parts):
        score = part.scores_after(chosen, size)
        log_weight = candidates.log_prior + _gain(part, candidates, score)
        own_weight = weight[:, None] * np.exp(log_weight - _log_sum(log_weight)[:, None])
        own_size, own_error = _size(part, candidates, score)
        effect = (own_weight * own_size).sum(axis=0)
        path.past[:, s] = (shared * kept[chosen]) @ common.past[chosen] + (effect * kept) @ candidates.past
        path.future[:, s] = shared @ common.future[chosen] + effect @ candidates.future
        path.temporary[:, s] = temporary + (effect * passes) @ candidates.past
        moment = float((own_weight * (own_size**2 + own_error) * own_rise**2).sum())
        path.variance[s] = max(0.0, moment - float(effect @ own_rise) ** 2)
        path.trend[s] = trend + float(effect @ (candidates.kind == TREND)) / YEAR
        path.break_probability[s] = max(probability, float(own_weight.sum(axis=0) @ candidates.recent))
    exceptional = (weight * (common.kind[chosen] == PULSE)) @ common.past[chosen]
    return replace(path, common_variance=max(0.0, common_variance), exceptional=exceptional)
