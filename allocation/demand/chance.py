"""The chance that a team's work stays within the tolerance in the year to come, given how unsure the estimate is.

A team i has work L_i; all teams of its layer together have S = sum of L. Its share of S is to be c_i, and it is within
the tolerance t when c_i (1 - t) S <= L_i <= c_i (1 + t) S. Both limits are sums over the same rows of work, so what
all teams have in common (a bad forecast of a product, a shock of the whole country) largely cancels, and what one area
or one client does remains. With a = c_i (1 + t), L_i - a S has

    mean      m_i - a M
    variance  own_i (1 - 2 a) + a^2 own + sum over groups g of (A_ig - a A_g)^2

where m is the expected work, own_i the variance of the team's independent errors and A_ig the sum of its rows' standard
deviations that are shared in group g (``intervals.SHARED``); without index over all teams. It is taken as normal: it is
a sum over tens of postcodes. The chance is 1 less those of passing the upper and the lower limit.

Belongs here: this formula. Does not belong here: how large the errors are (``expected``), which units a team has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import sparray
from scipy.special import ndtr

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """How unsure the work of the teams (k,) of a layer is, summed as the formula asks for.

    ``own``: variance of the independent errors. Over the groups of ``SHARED``, with A of a team and of all teams:
    ``square`` sums A_i^2, ``across`` A_i A, and ``of_all`` A^2.
    """

    own: Floats
    square: Floats
    across: Floats
    of_all: float

    @classmethod
    def of(cls, own: Floats, shared: Sequence[sparray]) -> Noise:
        """``own`` (k,) variances; ``shared``: matrices (k, groups) of standard deviations."""
        square, across, of_all = np.zeros(len(own)), np.zeros(len(own)), 0.0
        for errors in shared:
            matrix: Any = errors
            sums = np.asarray(matrix.sum(axis=0)).ravel()
            square = square + np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
            across = across + np.asarray(matrix @ sums).ravel()
            of_all += float(sums @ sums)
        return cls(own, square, across, of_all)


def chance_within(mean: Floats, part: Floats, noise: Noise, tolerance: float, total: float | None = None) -> Floats:
    """(k,) the chance that each team of a layer stays within ``tolerance`` of its part of all the work.

    Parameters
    ----------
    mean : (k,) expected work, what is fixed included. part : (k,) the share of all work that each should have; sums
        to 1.
    total : all expected work, M; None: the sum of ``mean``. Given where each ``mean`` is a case of its own.
    """
    whole = float(mean.sum()) if total is None else total
    above = _chance_above(mean, whole, part * (1 + tolerance), noise)
    below = 1.0 - _chance_above(mean, whole, part * (1 - tolerance), noise, at_limit=True)
    return np.asarray(np.clip(1.0 - above - below, 0.0, 1.0))


def _chance_above(mean: Floats, total: float, a: Floats, noise: Noise, *, at_limit: bool = False) -> Floats:
    """(k,) the chance that L_i - a_i S > 0; without any error it is 0 or 1, and on the limit itself ``at_limit``."""
    middle = mean - a * total
    of_own = noise.own * (1 - 2 * a) + a**2 * noise.own.sum()
    variance = of_own + noise.square - 2 * a * noise.across + a**2 * noise.of_all
    sd = np.sqrt(np.maximum(variance, 0.0))
    slack = 1e-9 * max(total, 1e-12)
    unsure = sd > slack
    certain = np.where(np.abs(middle) <= slack, float(at_limit), (middle > 0).astype(np.float64))
    return np.asarray(np.where(unsure, ndtr(middle / np.where(unsure, sd, 1.0)), certain))
