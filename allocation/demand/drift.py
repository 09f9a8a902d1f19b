"""Units (regions, areas) whose part of the whole moves in time: where they are at the end, and how sure that is.

Belongs here: the random walk of a unit's relative level, and how much units in general walk. Arrays in, arrays out.
Does not belong here: what is expected of a unit (``shrinkage``), intervals of teams (``intervals``).

The model. In period k a unit has c(k) clients where e(k) were expected, and

    c(k) / e(k) = level + walk(k) + noise,  noise variance = 1 / e(k) + burst variance,
    walk(k) - walk(k - 1) ~ N(0, q x time between)

the local level model (Harvey, *Forecasting, structural time series models and the Kalman filter*, 1989, ch. 2), solved
by the Kalman filter for all units at once. Most units hardly walk and a few walk far, so q and the burst variance are
not one number: the part of the units that has each combination of a few values is estimated by maximum likelihood
(Kiefer and Wolfowitz, Annals of Mathematical Statistics 27, 1956; Laird, Journal of the American Statistical
Association 73, 1978), and a unit's own counts then say which of them it probably has. Where nothing walks, all units
are found to stand still.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
ROUNDS, PRECISION = 60, 1e-4
STILL_UNITS = 1.0
"""The assumption that units stand still weighs as much as so many units that do."""
PRIOR_LOG_ODDS = 4.0
"""Log odds, before the counts are seen, that no unit walks."""
VAGUE = 1e4
NO_COUNT = 1e9
FACTOR_RANGE = (0.02, 8.0)
RESTLESS_SD = 0.3
"""A unit whose walk has a larger standard deviation a year is restless: new houses, a home for asylum seekers."""


@dataclass(frozen=True)
class Drift:
    """Per unit: ``factor`` = level in the planning year / weighted mean of its level in the history, and ``variance``
    of that (a share, squared), the walk of the planning year included. ``is_restless``: more probably than not its walk
    is beyond ``RESTLESS_SD``, or it has had a lasting step (``stories.area_stories``). ``burst_variance``: relative
    variance of one period's counts beyond chance, mean of all units; ``own_burst``: that of each unit."""

    factor: Floats
    variance: Floats
    is_restless: NDArray[np.bool_]
    burst_variance: float
    own_burst: Floats

    def nothing(self) -> Drift:
        """The same units, none of which moves."""
        none = np.zeros_like(self.variance)
        return Drift(none + 1, none, none > 0, 0.0, none)


def drift(
    counts: Floats, expected: Floats, recency: Floats, period_years: float, sds: tuple[float, ...],
    bursts: tuple[float, ...],
) -> Drift:  # fmt: skip
    """Walk of every unit.

    Parameters
    ----------
    counts, expected : (units, periods), clients.
    recency : (periods,), weight that the estimate of the unit's mean level gave to each period.
    sds : the yearly standard deviations of a walk that are considered; bursts : variances of the noise. Both 0 first.
    """
    weight = recency * expected
    weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    ratio, chance = noise_of(counts, expected)
    q = np.array(sds) ** 2
    likelihood, change, error = filtered(ratio, chance, weight, q, np.array(bursts), period_years)
    q, burst = np.repeat(q, len(bursts)), np.tile(bursts, len(q))
    return changed(*mixture(likelihood, q == 0), change, error, q, burst)


def noise_of(counts: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """Counts as a part of what was expected, and the variance of that by chance."""
    some = expected > 1e-9
    ratio = np.divide(counts, expected, out=np.ones_like(expected), where=some)
    return ratio, np.where(some, 1 / np.maximum(expected, 1e-9), NO_COUNT)


def changed(
    part: Floats, posterior: Floats, change: Floats, error: Floats, q: Floats, burst: Floats,
    far: NDArray[np.bool_] | None = None,
) -> Drift:  # fmt: skip
    """The average over all combinations (units, combinations) of a walk's variance ``q`` and a burst variance. ``far``:
    combinations that make a unit restless, default: walks beyond ``RESTLESS_SD``."""
    mean = (posterior * change).sum(axis=1)
    spread = (posterior * (error + q / 3 + (change - mean[:, None]) ** 2)).sum(axis=1)
    restless = posterior[:, q > RESTLESS_SD**2 if far is None else far].sum(axis=1) > 0.5
    return Drift(np.clip(1 + mean, *FACTOR_RANGE), spread, restless, float(part @ burst), posterior @ burst)


def filtered(
    ratio: Floats, chance: Floats, weight: Floats, of_walk: Floats, of_burst: Floats, step: float
) -> tuple[Floats, Floats, Floats]:
    """Per unit and combination of q and burst variance: log likelihood; mean and variance of (level at the end -
    weighted mean level of the history).

    The state is (level now, weighted sum of the levels so far): both and their covariance are carried along. The
    likelihood leaves the vague level before the history out.
    """
    q, burst = np.repeat(of_walk, len(of_burst)), np.tile(of_burst, len(of_walk))
    shape = (len(ratio), len(q))
    x, s = np.zeros(shape), np.zeros(shape)
    xx, xs, ss = np.full(shape, VAGUE), np.zeros(shape), np.zeros(shape)
    likelihood = np.zeros(shape)
    for k in range(ratio.shape[1]):
        if k:
            xx = xx + q * step
        w = weight[:, k, None]
        s, ss, xs = s + w * x, ss + 2 * w * xs + w**2 * xx, xs + w * xx
        total = xx + chance[:, k, None] + burst
        off = ratio[:, k, None] - x
        likelihood -= 0.5 * (np.log(total) + off**2 / total)
        gain, gain_sum = xx / total, xs / total
        x, s = x + gain * off, s + gain_sum * off
        xx, xs, ss = xx - gain * xx, xs - gain * xs, ss - gain_sum * xs
    return likelihood + 0.5 * np.log(VAGUE), x - s, np.maximum(xx - 2 * xs + ss, 0.0) + q * step / 2


def mixture(likelihood: Floats, still: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The parts of the units that have each combination, and the probability of each per unit.

    That any unit walks at all (combinations that are not ``still``) is weighed against none doing so, by the likelihood
    of both and prior odds.
    """
    all_still, standing = _parts(np.where(still, likelihood, -np.inf))
    free, part = _parts(likelihood)
    walking = float(special.expit(free - all_still - PRIOR_LOG_ODDS))
    top = likelihood.max(axis=1, keepdims=True)
    posterior = np.zeros_like(likelihood)
    for weight, of in ((walking, part), (1 - walking, standing)):
        joint = np.exp(likelihood - top) * of
        posterior += weight * joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-300)
    return walking * part + (1 - walking) * standing, posterior


def _parts(likelihood: Floats) -> tuple[float, Floats]:
    """Log likelihood, and the parts of the units by EM."""
    top = likelihood.max(axis=1, keepdims=True)
    relative = np.exp(likelihood - top)
    possible = np.isfinite(likelihood).any(axis=0)
    part = possible / possible.sum()
    for _ in range(ROUNDS):
        count = relative.T @ (1 / (relative @ part)) * part
        count[0] += STILL_UNITS
        before, part = part, count / count.sum()
        if np.abs(part - before).max() < PRECISION:
            break
    return float((np.log(relative @ part) + top[:, 0]).sum()), part
