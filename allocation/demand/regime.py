"""A month from which everything is divided otherwise: what came before it then says nothing of where clients are.

Belongs here: whether there is such a month. Does not belong here: changes of the level of products (``change``), units
that move by themselves (``stories``, ``drift``).

At every month t the half year before and the half year after are compared. Of n clients of a unit (an area, a region, a
stream of a region) a part p should come after t, as in the country for each of its products; the square of what is off,
divided by n p (1 - p), is about 1 by chance, more when units move. Units that move do so all the time; where all
of them change at one month, the mean square of that month stands out from the others. Squares are capped, and areas
beyond the cap left out of their region and the country, so a few areas with new houses do not pass for all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIDE, LEAST_AFTER = 6, 24
"""Months that are compared before and after; months that must be left."""
CAP = 9.0
STANDS_OUT, LEAST_EXCESS = 6.0, 0.3
"""The mean square must be above that of the middle one of the months by so many of its standard deviations by chance,
and by so much."""


def new_regime(counts: Floats, region: NDArray[np.int64]) -> int:
    """The month (0 = the first) that a new division of everything began, 0 when there is none.

    Parameters
    ----------
    counts : (areas, products, months), clients. region : (areas,).
    """
    months = counts.shape[2]
    if months < LEAST_AFTER + SIDE:
        return 0
    at = np.arange(SIDE, months - SIDE + 1)
    allowed = at <= months - LEAST_AFTER
    first = _squares(counts, at)
    steady = counts * (first.max(axis=0) < CAP)[:, None, None]
    of_areas = np.where(first < CAP, _squares(steady, at), CAP)
    regions = np.zeros((int(region.max()) + 1, *counts.shape[1:]))
    np.add.at(regions, region, steady)
    found: list[tuple[float, int]] = []
    for of_units, of_all in (
        (counts, of_areas),
        (regions, _squares(regions, at)),
        (regions.reshape(-1, 1, months), _squares(_each_product(regions), at)),
    ):
        squares = of_all[:, of_units.sum(axis=(1, 2)) > 0]
        units = max(1, squares.shape[1])
        mean = squares.mean(axis=1)
        excess = mean - np.median(mean)
        best = int(np.argmax(np.where(allowed, excess, -np.inf)))
        if excess[best] > max(LEAST_EXCESS, STANDS_OUT * float(np.median(mean)) * (2 / units) ** 0.5):
            found.append((float(excess[best]) / (2 / units) ** 0.5, int(at[best])))
    return max(found)[1] if found else 0


def _each_product(regions: Floats) -> Floats:
    """(regions, products, months) -> (regions x products, products, months): each with its one product."""
    _, products, months = regions.shape
    return np.asarray((regions[:, :, None, :] * np.eye(products)[None, :, :, None]).reshape(-1, products, months))


def _squares(counts: Floats, at: NDArray[np.int64]) -> Floats:
    """(months of ``at``, units) capped squares."""
    running = np.concatenate([np.zeros((*counts.shape[:2], 1)), np.cumsum(counts, axis=2)], axis=2)
    before, after = running[:, :, at] - running[:, :, at - SIDE], running[:, :, at + SIDE] - running[:, :, at]
    clients = before + after
    country = clients.sum(axis=0)
    part = np.divide(after.sum(axis=0), country, out=np.full_like(country, 0.5), where=country > 0)
    off = (after - clients * part).sum(axis=1)
    chance = (clients * (part * (1 - part))).sum(axis=1)
    squares = np.divide(off**2, chance, out=np.ones_like(off), where=chance > 0)
    return np.asarray(np.minimum(squares, CAP).T)
