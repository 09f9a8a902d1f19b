"""Finished work -> what a client of each product takes and what each team does in an hour, beside the values in use.

Belongs here: the estimate of both at once, its uncertainty, and where it disagrees. Does not belong here: finished work
against the plan (``outcome.finished``), changing a value that is in use: that is for people.

The model. A team with productivity p finished n clients of a product that takes h hours, and recorded w hours:

    log w = log(n h / p) + noise,   noise variance = s2 / n + t2,
    log h = log(h in use) + d,  d ~ N(0, product variance);   log p = log(p in use) + q,  q ~ N(0, team variance)

Of a team that recorded no hours, its productive hours are what all of its clients took together. Products and teams are
told apart because every team does several products and every product is done by several teams. If all teams take
longer, the products do: there are far fewer of them, so that chance alone hardly moves all teams one way.

The four variances are found by maximum likelihood and d and q are drawn to 0, the values in use, as far as the counts
are no more than noise: empirical Bayes, as in ``shrinkage``, for a linear mixed model with two crossed effects
(Henderson, "Best linear unbiased estimation and prediction under a selection model", Biometrics 31, 1975). Variances
of which few clients, teams or products say little stay near ``USUAL_SD``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from allocation.contract.vocabulary import MONTHS_A_YEAR

Floats = NDArray[np.float64]
PRODUCTIVITY, HOURS = "productivity", "hours"
USUAL_SD = {"product": 0.1, "team": 0.1, "client": 0.5, "mixed": 0.05}
"""Standard deviations, as a part of the mean, that hold where the counts say little: of the hours of a product and the
productivity of a team against the values in use, of the hours of one client, and of a team on one product."""
LOG_SD_OF_USUAL = 1.0
LEVEL, WARNING_LEVEL = 0.80, 0.95
WARNING_PART = 0.05
"""A value in use is warned of outside the interval of ``WARNING_LEVEL`` when it is at least this part off."""
COLUMNS = ["kind", "team_id", "product", "in_use", "estimate", "low", "high", "clients", "worked_share", "disagrees"]


@dataclass(frozen=True)
class Observations:
    """One entry per observation: ``y``, log of the hours against those in use; ``size``, the clients that it is worth;
    ``team``, code; ``mix`` (observations, products), the part of the hours that each product has, sums to 1."""

    y: Floats
    size: Floats
    team: NDArray[np.int64]
    mix: Floats


@dataclass(frozen=True)
class Effects:
    """Log of the estimate against the value in use, with its standard deviation: per product and per team."""

    product: Floats
    product_sd: Floats
    team: Floats
    team_sd: Floats


def estimated_norms(
    completed: pd.DataFrame, norms: pd.DataFrame, teams: pd.DataFrame, productive_hours_per_fte: float
) -> pd.DataFrame:
    """Productivity of every team and hours of every product that finished work tells of, over its last twelve months.

    Parameters
    ----------
    completed : table ``completed``. norms : as ``layers.work.product_norms`` gives it.
    teams : every period of every team: team_id, fte_verzekeringsarts, productivity, valid_from, valid_to.

    Returns
    -------
    COLUMNS: kind (``productivity`` or ``hours``), team_id or product, ``in_use``, ``estimate`` with the ends ``low``
    and ``high`` of its 80% interval (hours a client; productivity as a factor), ``clients`` finished, of a team
    ``worked_share`` (recorded hours / productive hours; missing where none were recorded) and ``disagrees``. Central
    products and products without hours are left out.
    """
    rows = last_year(completed)
    rows = rows[rows["product"].isin(norms.index[(norms["hours_verzekeringsarts"] > 0) & ~norms["is_central"]])]
    rows = rows[rows["clients"] > 0]
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS).astype({"disagrees": bool})
    hours = norms["hours_verzekeringsarts"].astype("float64")
    in_use = _team_values(teams, sorted(rows["month"].unique()), productive_hours_per_fte)
    in_use = in_use.reindex(sorted(rows["team_id"].unique())).assign(
        productivity=lambda table: table["productivity"].fillna(1.0)
    )
    codes = sorted(rows["product"].unique())
    found = fit(observations(rows, hours.loc[codes], in_use))
    worked = rows.groupby("team_id")["hours_verzekeringsarts"].sum(min_count=1)
    of_product = pd.DataFrame({"kind": HOURS, "product": codes, "in_use": hours.loc[codes].to_numpy()})
    of_product = _estimates(of_product, found.product, found.product_sd)
    of_product["clients"] = rows.groupby("product")["clients"].sum().loc[codes].to_numpy()
    of_team = pd.DataFrame({"kind": PRODUCTIVITY, "team_id": in_use.index, "in_use": in_use["productivity"].to_numpy()})
    of_team = _estimates(of_team, found.team, found.team_sd)
    of_team["clients"] = rows.groupby("team_id")["clients"].sum().loc[in_use.index].to_numpy()
    available = in_use["hours"].where(in_use["hours"] > 0)
    of_team["worked_share"] = (worked.reindex(in_use.index).astype("float64") / available).to_numpy()
    return pd.concat([of_product, of_team], ignore_index=True).reindex(columns=COLUMNS)


def last_year(completed: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last twelve months that there are."""
    months = sorted(completed["month"].unique())[-MONTHS_A_YEAR:]
    return completed[completed["month"].isin(months)]


def observations(rows: pd.DataFrame, hours: pd.Series, in_use: pd.DataFrame) -> Observations:
    """One observation per team and product where hours were recorded, else one per team.

    Parameters
    ----------
    rows : finished work. hours : in use, indexed by product. in_use : indexed by team_id: productivity, hours (that the
        team had in the months; missing = not known).
    """
    rows = rows.assign(
        norm=rows["product"].map(hours) * rows["clients"] / rows["team_id"].map(in_use["productivity"]),
        square=rows["product"].map(hours) ** 2 * rows["clients"],
        worked=pd.to_numeric(rows["hours_verzekeringsarts"], errors="coerce"),
    )
    recorded = rows[rows["worked"] > 0].groupby(["team_id", "product"])[["norm", "clients", "worked"]].sum()
    recorded = recorded.reset_index().rename(columns={"clients": "size"})
    rest = rows[~rows["team_id"].isin(recorded["team_id"])]
    of_team = rest.groupby("team_id")[["norm", "square"]].sum()
    plain = of_team["norm"] * in_use["productivity"].reindex(of_team.index)
    of_team["size"] = plain**2 / of_team["square"]
    of_team["worked"] = in_use["hours"].reindex(of_team.index)
    of_team = of_team[of_team["worked"] > 0].reset_index()
    both = pd.concat([recorded, of_team], ignore_index=True).reindex(
        columns=["team_id", "product", "norm", "size", "worked"]
    )
    mix = pd.DataFrame(0.0, index=both.index, columns=list(hours.index))
    part = rest.groupby(["team_id", "product"])["norm"].sum() / rest.groupby("team_id")["norm"].sum()
    wide = part.unstack().reindex(columns=mix.columns).fillna(0.0)
    known = both["product"].notna()
    at = mix.columns.get_indexer(pd.Index(both["product"][known]))
    values = mix.to_numpy(copy=True)
    values[np.flatnonzero(known), at] = 1.0
    if (~known).any():
        values[np.flatnonzero(~known)] = wide.loc[both["team_id"][~known].tolist()].to_numpy()
    return Observations(
        y=np.log((both["worked"] / both["norm"]).to_numpy(dtype=np.float64)),
        size=both["size"].to_numpy(dtype=np.float64),
        team=in_use.index.get_indexer(pd.Index(both["team_id"])).astype(np.int64),
        mix=values,
    )


def _team_values(teams: pd.DataFrame, months: list[str], productive_hours_per_fte: float) -> pd.DataFrame:
    """Per team_id: ``hours`` that its verzekeringsartsen had in these months, and ``productivity``, mean by hours."""
    periods = pd.PeriodIndex(months, freq="M")
    starts = pd.DataFrame({"start": periods.start_time.normalize(), "days": periods.days_in_month})
    rows = teams.merge(starts, how="cross")
    last = rows["start"] + pd.to_timedelta(rows["days"] - 1, unit="D")
    ends = rows["valid_to"].fillna(pd.Timestamp.max.normalize())
    begin = rows["valid_from"].where(rows["valid_from"] > rows["start"], rows["start"])
    served = ((ends.where(ends < last, last) - begin).dt.days + 1).clip(lower=0) / rows["days"]
    rows["hours"] = rows["fte_verzekeringsarts"] * productive_hours_per_fte / MONTHS_A_YEAR * served
    rows["done"] = rows["hours"] * rows["productivity"]
    sums = rows.groupby("team_id")[["hours", "done"]].sum()
    latest = teams.sort_values("valid_from").drop_duplicates("team_id", keep="last").set_index("team_id")
    mean = (sums["done"] / sums["hours"].where(sums["hours"] > 0)).fillna(latest["productivity"])
    return pd.DataFrame({"hours": sums["hours"].where(sums["hours"] > 0), "productivity": mean})


def fit(seen: Observations) -> Effects:
    """The most likely variances, and the effects of products and teams that follow from them."""
    usual = np.log(list(USUAL_SD.values()))

    def loss(log_sds: Floats) -> float:
        return _solved(seen, log_sds)[0] + float(((log_sds - usual) ** 2).sum()) / (2 * LOG_SD_OF_USUAL**2)

    best = optimize.minimize(loss, usual, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-4, "maxiter": 600})
    return _solved(seen, best.x)[1]


def _solved(seen: Observations, log_sds: Floats) -> tuple[float, Effects]:
    """Minus the log likelihood of these standard deviations, and the effects.

    The system of Henderson, with the teams, whose block is diagonal, taken out of it.
    """
    of_product, of_team, of_client, of_mixed = np.exp(2 * log_sds)
    noise = of_client / seen.size + of_mixed
    weight = 1 / noise
    y = seen.y + of_client / (2 * seen.size)  # the mean of a log lies below the log of the mean
    teams = int(seen.team.max()) + 1
    diagonal = np.bincount(seen.team, weight, teams) + 1 / of_team
    weighted = seen.mix * weight[:, None]
    cross = np.zeros((seen.mix.shape[1], teams))
    np.add.at(cross.T, seen.team, -weighted)
    rest = weighted.T @ seen.mix + np.eye(len(cross)) / of_product - (cross / diagonal) @ cross.T
    right_product, right_team = weighted.T @ y, -np.bincount(seen.team, weight * y, teams)
    covariance = np.linalg.inv(rest)
    product = covariance @ (right_product - cross @ (right_team / diagonal))
    team = (right_team - cross.T @ product) / diagonal
    through = cross.T / diagonal[:, None]
    team_variance = 1 / diagonal + np.einsum("ij,jk,ik->i", through, covariance, through)
    explained = right_product @ product + right_team @ team
    log_determinant = (
        np.log(noise).sum() + len(product) * np.log(of_product) + teams * np.log(of_team)
        + np.log(diagonal).sum() + np.linalg.slogdet(rest)[1]
    )  # fmt: skip
    minus = 0.5 * (log_determinant + float((weight * y**2).sum()) - explained)
    return float(minus), Effects(product, np.sqrt(np.diag(covariance)), team, np.sqrt(team_variance))


def _estimates(values: pd.DataFrame, effect: Floats, sd: Floats) -> pd.DataFrame:
    """``values`` with estimate, low, high and disagrees."""
    width, wide = (float(special.ndtri((1 + level) / 2)) for level in (LEVEL, WARNING_LEVEL))
    off = (np.abs(effect) > wide * sd) & (np.abs(np.exp(effect) - 1) >= WARNING_PART)
    return values.assign(
        estimate=values["in_use"] * np.exp(effect),
        low=values["in_use"] * np.exp(effect - width * sd),
        high=values["in_use"] * np.exp(effect + width * sd),
        disagrees=off,
    )
