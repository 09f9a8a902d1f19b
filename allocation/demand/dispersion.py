"""How much the counts of an area scatter in time beyond chance, of one product and of all products together.

Belongs here: the moment estimators. Does not belong here: drift (``drift``), intervals (``intervals``).

Given an area's total n, its clients in the first half of the months are binomial(n, p) when its need is constant and
clients come independently. When the two halves have needs that differ with relative variance alpha each, then
d = (first half) - n p has E[d^2] = n p (1 - p) + 2 alpha p^2 (1 - p)^2 (n^2 - n), so

    alpha = sum(d^2 - n p (1 - p)) / (2 p^2 (1 - p)^2 sum(n^2 - n))

(method of moments for extra-binomial variation: Williams, "Extra-binomial variation in logistic linear models", Applied
Statistics 31, 1982), corrected by 1 / (1 - alpha / 2), because such halves make n^2 larger by 1 + alpha / 2. A variance
relative to Poisson cannot tell this: it grows with the counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allocation.demand.change import YEAR
from allocation.demand.drift import NO_COUNT, noise_of

Floats = NDArray[np.float64]
LARGEST = 1.5
"""Alpha beyond this cannot be told from 2, which is one half always empty."""


@dataclass(frozen=True)
class Dispersion:
    """Relative variance of the need of half a history: ``of_product`` (products,) on top of ``of_area``, which all
    products of an area share."""

    of_product: Floats
    of_area: float


def dispersion(first: Floats, total: Floats, part: Floats) -> Dispersion:
    """Scatter between the halves of the history.

    Parameters
    ----------
    first, total : (areas, products), clients in the first half of the months and in all.
    part : (areas, products), part of the clients that the first half should have.
    """
    moments = [_moment(first[:, p], total[:, p], part[:, p]) for p in range(total.shape[1])]
    alpha, error = (np.array(column) for column in zip(*moments, strict=True))
    all_first, all_total = (first * 1.0).sum(axis=1), total.sum(axis=1)
    all_part = (part * total).sum(axis=1) / np.maximum(all_total, 1e-12)
    together, _ = _moment(all_first, all_total, all_part)
    precision = 1 / np.maximum(error, 1e-12)
    pooled = max(0.0, float((alpha * precision).sum() / precision.sum()))
    spread = max(0.25 * pooled**2, 1e-4)
    alpha = pooled + (alpha - pooled) * spread / (spread + error)  # few clients: near to the mean of the products
    share = total.sum(axis=0) / max(1.0, float(total.sum()))
    concentration = float((share**2).sum())
    shared = (together - float((share**2 * alpha).sum())) / max(1 - concentration, 1e-6) if len(share) > 1 else 0.0
    shared = max(0.0, shared)
    return Dispersion(np.maximum(0.0, alpha - shared), shared)


def returning_part(counts: Floats, expected: Floats) -> float:
    """Part (0 to 1) of the scatter of months beyond chance that returns every year: units may have a season of their
    own. Whole years are held against each other: the covariance of the same month of two years / the variance, less one
    standard error, so that chance is no season.

    ``counts``, ``expected``: (units, months), clients.
    """
    years = counts.shape[1] // YEAR
    there = expected.sum(axis=1) > 1e-9
    if years < 2 or not there.any():
        return 0.0
    ratio, chance = noise_of(counts[there, -years * YEAR :], expected[there, -years * YEAR :])
    off = ratio.reshape(-1, years, YEAR)
    off = off - off.mean(axis=2, keepdims=True)
    squares = (off**2).sum(axis=1)
    same = float((off.sum(axis=1) ** 2 - squares).mean()) / (years * (years - 1))
    beyond = float(squares.mean()) / years - float(chance[chance < NO_COUNT].mean()) * (1 - 1 / YEAR)
    error = (2 / (off[:, 0].size * years * (years - 1))) ** 0.5
    return float(np.clip(same / beyond - error, 0.0, 1.0)) if beyond > 0 else 0.0


def _moment(first: Floats, total: Floats, part: Floats) -> tuple[float, float]:
    """Alpha and its variance when there is no scatter beyond chance."""
    spread = part * (1 - part)
    pairs = float((2 * spread**2 * (total**2 - total)).clip(min=0).sum())
    if pairs <= 0:
        return 0.0, 1e6
    excess = (first - total * part) ** 2 - total * spread
    error = float((2 * (total * spread) ** 2 + total * spread).sum()) / pairs**2
    alpha = min(float(excess.sum()) / pairs, LARGEST)
    return alpha / (1 - alpha / 2), error
