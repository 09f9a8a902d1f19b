"""Errors of rows -> intervals of sums of rows, such as teams.

Belongs here: which rows share which part of the error, and what that makes of a sum. Does not belong here: how large
these errors are (``expected``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincinv

Floats = NDArray[np.float64]
KEY = ["pc4", "product", "client_line", "client_group", "pw_client"]
SERIES = KEY[1:]
SHARED: dict[str, list[str]] = {
    "sd_area": ["pc4"],
    "sd_town": ["rate_region", "town"],
    "sd_region": ["rate_region", *SERIES],
    "sd_drift": ["rate_region"],
    "sd_product": ["product"],
    "sd_country": [],
}
"""Which rows share which part of the error: all rows of an area, of a gemeente, of a region's rate, of a region, of a
product, of the country."""
INTERVAL = 0.8
"""Probability of the intervals of teams that are published and shown."""
SMALLEST_SHAPE = 0.5
"""Of the Gamma of a sum. With a smaller one (a standard deviation of over 1.4 times the mean) nearly all lies near
nothing, and the upper end falls below the mean: no interval of an estimate."""
SMALL_COUNT = 2.0
"""Below this mean a count is so uneven that a Gamma is no match: the negative binomial is used."""


def shared_codes(rows: pd.DataFrame, part: str) -> NDArray[np.int64]:
    """A code per row; rows of the same code share ``part`` of the error (a name of ``SHARED``)."""
    keys = SHARED[part]
    if not keys:
        return np.zeros(len(rows), dtype=np.int64)
    return rows.groupby(keys, sort=False).ngroup().to_numpy().astype(np.int64)


def with_all_parts(work: pd.DataFrame) -> pd.DataFrame:
    """``work`` of any release: a part of the error that was not told apart yet is nothing."""
    lacking = [f"hours_{part}" for part in SHARED if f"hours_{part}" not in work]
    work = work.assign(**dict.fromkeys(lacking, 0.0)) if lacking else work
    return work if "town" in work else work.assign(town="")


def team_interval(work: pd.DataFrame, by: Sequence[str] = ("team_id",), level: float = INTERVAL) -> pd.DataFrame:
    """Interval that holds the verzekeringsarts hours of a team with probability ``level``, for all teams at once.

    Each row's own noise is independent: variances are summed. An error that rows share (``SHARED``) is the same for
    all of them: there standard deviations are summed, and the square of that sum is a variance. The total is taken as
    Gamma with this mean and variance, so an interval is never negative.

    Parameters
    ----------
    work : rows of ``expected_work`` with the columns ``by``; optional ``share`` (0 to 1) = part of the row's clients
        that the team serves, to be applied here to hours and errors (so hand over the hours of the whole row). The own
        noise of a part is at most ``share`` x that variance (thinning); that is used.

    Returns
    -------
    Frame indexed by ``by`` with ``hours_low`` and ``hours_high``, hours a year.
    """
    work = with_all_parts(work)
    columns = {name: work[f"hours_{name}"] for name in ("sd", *SHARED)}
    rows = work[[*{*by, *KEY, "rate_region", "town"}]].assign(mean=work["hours_verzekeringsarts"], **columns)
    interval = sum_interval(rows.assign(share=work.get("share", 1.0)), by, level)
    return interval[["low", "high"]].add_prefix("hours_")


def sum_interval(rows: pd.DataFrame, by: Sequence[str], level: float, are_counts: bool = False) -> pd.DataFrame:
    """``mean``, ``low`` and ``high`` of the sum of ``rows`` per ``by``, an interval of probability ``level``.

    ``rows``: KEY, rate_region, town, by, mean, share, sd and its shared parts. ``are_counts``: sums are whole clients.
    """
    by, share = list(by), rows["share"]
    own = rows["sd"] ** 2 - sum(rows[part] ** 2 for part in SHARED)
    places = [rows[name] for name in by]
    total = (share * rows["mean"]).groupby(places).sum()
    variance = (share * own.clip(lower=0.0)).groupby(places).sum()
    for part in SHARED:
        together = (share * rows[part]).groupby([*places, pd.Series(shared_codes(rows, part), rows.index)]).sum()
        variance = variance + (together**2).groupby(level=list(range(len(by)))).sum()
    ends = count_interval if are_counts else gamma_interval
    low, high = ends(total.to_numpy(), variance.to_numpy(), level)
    return pd.DataFrame({"mean": total, "low": low, "high": high}, index=total.index)


def gamma_interval(mean: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    """Ends of the central interval of probability ``level`` of a Gamma; the mean itself where nothing is uncertain."""
    certain = (variance <= 0) | (mean <= 0)
    shape = np.maximum(np.where(certain, 1.0, mean) ** 2 / np.where(certain, 1.0, variance), SMALLEST_SHAPE)
    low, high = (np.where(certain, mean, mean / shape * gammaincinv(shape, p)) for p in _tails(level))
    return low, high


def count_interval(mean: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    """The same for whole counts: ends of the negative binomial (Poisson when not more variable) where the mean is below
    ``SMALL_COUNT``, else those of the Gamma."""
    from scipy import stats  # half a second, which a command that estimates nothing need not wait

    low, high = gamma_interval(mean, variance, level)
    small = (mean > 0) & (mean < SMALL_COUNT)
    m, excess = mean[small], np.maximum(variance[small] - mean[small], 1e-9 * mean[small])
    size = m**2 / excess
    for ends, p in zip((low, high), _tails(level), strict=True):
        ends[small] = stats.nbinom.ppf(p, size, size / (size + m))
    return low, high


def _tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2
