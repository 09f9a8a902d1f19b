"""Units with many clients (regions, products of a region) against the whole: what happened to them, and where are they?

Belongs here: the stories, their weights, and the level of each unit in the planning year. Arrays in, arrays out. Does
not belong here: what a unit is and what is expected of it (``movement``), changes of the whole country (``trend``).

The model. In period k a unit has c(k) clients where e(k) were expected, and

    c(k) / e(k) = level + story(k) + noise,  noise variance = 1 / e(k) + burst variance.

The story is: nothing; a random walk (the local level model of ``drift``, with a few values of its variance); a swing
that comes back to the level (covariance ``s^2 exp(-time between / half a year)``: first order autoregression), in a
history of over three years also one that rises and falls gradually (``s^2 exp(-(time between / half a year)^2 / 2)``:
a Gaussian process, Rasmussen and Williams, *Gaussian processes for machine learning*, 2006, ch. 4; a walk would follow
such waves too far); or
``size x shape(k)`` with one of the shapes of ``change`` (a trend, a step, a temporary change, clients registered late)
and size ~ N(0, prior sd of its kind). The level has a flat prior, so with v(k) = 1 / noise variance and
M = diag(v) - v v' / sum(v) a shape x has the log Bayes factor ``score^2 / (2 (information + 1 / prior variance)) -
log(1 + prior variance x information) / 2``, information = x' M x, score = x' M (c / e) (Kass and Raftery, Journal of
the American Statistical Association 90, 1995). How many units have each kind of story, and each burst variance, is
estimated over all units (``drift.mixture``), and a unit's own counts then say which of them it probably has. The
estimate is the average over all (Hoeting et al., Statistical Science 14, 1999).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from allocation.demand.change import (
    DELAY,
    INCOMPLETE,
    LONGEST_PULSE,
    ONE_YEAR,
    PRIOR_SD,
    PULSE,
    STEP,
    SWING_MONTHS,
    TREND,
    YEAR,
    Shapes,
    shapes,
)
from allocation.demand.drift import RESTLESS_SD, Drift, changed, drift, filtered, mixture, noise_of

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
KINDS = {kind: float(PRIOR_SD[kind]) for kind in (TREND, STEP, PULSE, DELAY)}
BURSTS = (0.0, 0.0003, 0.001, 0.004, 0.016, 0.06, 0.25)
"""Variances of the noise of a period beyond chance that are considered."""
SWINGS, SWING_BURSTS = (0.015, 0.03, 0.06, 0.12), (0.0, 0.001, 0.016)
"""Standard deviations of swings, and variances of the noise beside them."""
SUDDEN_KINDS, SUDDEN_SD = (PULSE, STEP), 1.0
"""What happens to an area at once: a postcode that merges, a home for asylum seekers. Standard deviation of its size,
as a part of the area's level."""
SMOOTH_FROM = 36
"""A history of more months also tells waves, that rise and fall gradually, from walks."""


def unit_stories(
    counts: Floats, expected: Floats, recency: Floats, period: Codes, sds: tuple[float, ...],
    *, whole_periods: bool,
) -> Drift:  # fmt: skip
    """Level of every unit in the planning year against its weighted mean in the history.

    Parameters
    ----------
    counts, expected : (units, periods), clients. recency : (periods,), the weight that the estimate gave each period.
    period : (months,), the period of each month.
    sds : yearly standard deviations of the walks that are considered, 0 first.
    whole_periods : only stories that begin and end with a period.
    """
    candidates = _candidates(period, whole_periods=whole_periods)
    ratio, chance = noise_of(counts, expected)
    weight = recency * expected
    weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    step = float(np.bincount(period).max()) / YEAR
    bursts = np.array(BURSTS)
    walks = filtered(ratio, chance, weight, np.array(sds[1:]) ** 2, bursts, step)
    told = _told(ratio, chance, weight, _by_period(candidates, period), candidates, bursts, KINDS)
    swings = _swings(ratio, chance, weight, _middle_of(period))
    likelihood, change, error = (np.concatenate(parts, axis=1) for parts in zip(told, walks, swings, strict=True))
    of_swings = np.tile(SWING_BURSTS, swings[0].shape[1] // len(SWING_BURSTS))
    q = np.repeat(np.array(sds[1:]) ** 2, len(bursts))
    q = np.concatenate([np.zeros(told[0].shape[1]), q, np.zeros(len(of_swings))])
    burst = np.concatenate([np.tile(bursts, (likelihood.shape[1] - len(of_swings)) // len(bursts)), of_swings])
    still = np.arange(likelihood.shape[1]) < len(bursts)
    there = expected.sum(axis=1) > 1e-9
    part, posterior = np.zeros(len(q)), np.zeros(likelihood.shape)
    posterior[:, 0] = 1.0
    if there.any():
        part, posterior[there] = mixture(likelihood[there], still)
    change[~there] = 0.0
    return changed(part, posterior, change, error, q, burst)


def area_stories(
    counts: Floats, expected: Floats, recency: Floats, period: Codes, sds: tuple[float, ...], bursts: tuple[float, ...]
) -> Drift:
    """The same of areas, which have few clients: a walk, or everything at once (``SUDDEN_SD``), a step that lasts or a
    temporary change, which may still go on at the end. ``bursts``: variances of the noise that are considered. In less
    than two years such changes cannot be told from a season of the area: then they are not thought of."""
    if len(period) < 2 * YEAR:
        return drift(counts, expected, recency, float(np.bincount(period).max()) / YEAR, sds, bursts)
    ratio, chance = noise_of(counts, expected)
    weight = recency * expected
    weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    of_burst = np.array(bursts)
    walks = filtered(ratio, chance, weight, np.array(sds) ** 2, of_burst, float(np.bincount(period).max()) / YEAR)
    candidates = _candidates(period, whole_periods=True, at_end=LONGEST_PULSE)
    kinds = dict.fromkeys(SUDDEN_KINDS, SUDDEN_SD)
    told = _told(ratio, chance, weight, _by_period(candidates, period), candidates, of_burst, kinds)
    sudden = [part[:, len(bursts) :] for part in told]  # that nothing happened is a walk of 0
    likelihood, change, error = (np.concatenate(parts, axis=1) for parts in zip(walks, sudden, strict=True))
    is_walk = np.arange(likelihood.shape[1]) < walks[0].shape[1]
    q, burst = np.zeros(len(is_walk)), np.tile(of_burst, len(is_walk) // len(bursts))
    q[is_walk] = np.repeat(np.square(sds), len(bursts))
    is_step = np.arange(len(is_walk)) >= len(is_walk) - len(bursts)
    far = is_step | (q > RESTLESS_SD**2)  # what passes may have been taken from neighbours: their total keeps it
    return changed(*mixture(likelihood, np.arange(len(q)) < len(bursts)), change, error, q, burst, far)


def _by_period(candidates: Shapes, period: Codes) -> Floats:
    """(candidates, periods) mean of each shape."""
    length = np.bincount(period)
    return np.stack([np.bincount(period, shape, len(length)) / length for shape in candidates.past])


def _candidates(period: Codes, *, whole_periods: bool, at_end: int = INCOMPLETE) -> Shapes:
    """The shapes of ``change`` that one unit may have against the others."""
    found = shapes(len(period), at_end)
    usable = found.kind != ONE_YEAR
    if whole_periods:
        edges = np.flatnonzero(np.diff(period, prepend=-1, append=period.max() + 1))
        usable &= np.isin(found.begin, edges) & np.isin(found.end, edges) | (found.kind == TREND)
    return found.chosen(usable)


def _told(
    ratio: Floats,
    chance: Floats,
    weight: Floats,
    past: Floats,
    candidates: Shapes,
    bursts: Floats,
    kinds: dict[int, float],
) -> tuple[Floats, Floats, Floats]:
    """Of nothing and of each kind of shape (and the standard deviation of its size), with each burst variance (units,
    kinds x bursts): log likelihood; mean and variance of (level of the planning year - weighted mean of the history).
    """
    v = 1 / (chance[:, None, :] + bursts[None, :, None])  # (units, bursts, periods)
    z = ratio[:, None, :]
    total, first = v.sum(axis=2), (v * z).sum(axis=2)
    middle = first / total
    nothing = 0.5 * (np.log(v).sum(axis=2) - np.log(total) - (v * (z - middle[:, :, None]) ** 2).sum(axis=2))
    observed = (weight * ratio).sum(axis=1)[:, None]
    likelihoods, changes, errors = [nothing], [middle - observed], [np.zeros_like(nothing)]
    future = candidates.future.mean(axis=1)
    for kind, sd in kinds.items():
        of_kind = np.flatnonzero(candidates.kind == kind)
        if not len(of_kind):
            continue
        x = past[of_kind].T
        in_x = v @ x
        information = (v @ x**2 - in_x**2 / total[:, :, None]).clip(min=0.0)
        score = (v * z) @ x - first[:, :, None] * in_x / total[:, :, None]
        prior = sd**2
        gain = 0.5 * score**2 / (information + 1 / prior) - 0.5 * np.log1p(prior * information)
        top = gain.max(axis=2, keepdims=True)
        odds = np.exp(gain - top)
        likelihoods.append(nothing + top[:, :, 0] + np.log(odds.mean(axis=2)))
        odds /= odds.sum(axis=2, keepdims=True)
        size, spread = score / (information + 1 / prior), 1 / (information + 1 / prior)
        rise = future[of_kind] - in_x / total[:, :, None]  # of the level at size 1, from that of the history
        if kind == DELAY:
            rise = np.zeros_like(rise)  # who comes later has come
        mean = (odds * size * rise).sum(axis=2)
        changes.append(middle - observed + mean)
        errors.append((odds * (spread + size**2) * rise**2).sum(axis=2) - mean**2)
    return tuple(np.concatenate(parts, axis=1) for parts in (likelihoods, changes, errors))  # type: ignore[return-value]


def _middle_of(period: Codes) -> Floats:
    """The middle of every period, in months before the end of the history."""
    return np.asarray(np.bincount(period, np.arange(len(period))[::-1] + 0.5) / np.bincount(period))


def _swings(ratio: Floats, chance: Floats, weight: Floats, ago: Floats) -> tuple[Floats, Floats, Floats]:
    """The same of swings: (units, kinds x sizes x bursts). Generalised least squares; what is left of a swing in the
    planning year is its conditional mean."""
    ahead = -0.5 - np.arange(YEAR, dtype=np.float64)
    observed = (weight * ratio).sum(axis=1)
    diagonal = np.eye(ratio.shape[1])
    likelihoods, changes, errors = [], [], []
    for is_smooth, size, burst in product((False, True)[: _kinds_of_swings(ago)], SWINGS, SWING_BURSTS):
        alike, of_year = _alike(ago, ago, is_smooth), float(_alike(ahead, ahead, is_smooth).mean())
        left = size**2 * _alike(ago, ahead, is_smooth).mean(axis=1)
        noise = chance + burst
        inverse = np.linalg.inv(size**2 * alike + noise[:, :, None] * diagonal)
        ones = inverse.sum(axis=2)
        total = ones.sum(axis=1)
        level = (ones * ratio).sum(axis=1) / total
        off = ratio - level[:, None]
        solved = np.einsum("uij,uj->ui", inverse, off)
        log_determinant = -np.linalg.slogdet(inverse)[1]
        likelihoods.append(-0.5 * (log_determinant + np.log(total) + (off * solved).sum(axis=1)))
        changes.append(level + solved @ left - observed)
        known = np.einsum("i,uij,j->u", left, inverse, left)
        slope = 1 - (ones * left).sum(axis=1)
        by_chance = 1 / (1 / noise).sum(axis=1)
        errors.append((size**2 * of_year - known + slope**2 / total - by_chance).clip(min=0.0))
    return np.stack(likelihoods, axis=1), np.stack(changes, axis=1), np.stack(errors, axis=1)


def _kinds_of_swings(ago: Floats) -> int:
    return 2 if ago.max() > SMOOTH_FROM else 1


def _alike(x: Floats, y: Floats, is_smooth: bool) -> Floats:
    """Correlation of a swing between the months ``x`` and ``y`` (before the end of the history)."""
    apart = np.abs(x[:, None] - y[None, :]) / SWING_MONTHS
    return np.asarray(np.exp(-0.5 * apart**2 if is_smooth else -apart))
