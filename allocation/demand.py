"""Inflow history and stock -> expected work per postcode, product, client line and client group.

Belongs here: the estimate of the planning year, its uncertainty, and the conversion to hours.
Does not belong here: a product's national level (``trend``), who does the work (``layers``).

The model. Clients of one postcode, product, line and group ("cell") in the history are Poisson with mean
``expected x need``: ``expected`` = inhabitants x the rate of the region, ``need`` ~ Gamma with mean 1 and shape k, the
prior strength of the product. So the estimate is the region's rate, corrected by the cell's own history for as far
as that is more than noise: weight ``expected / (k + expected)`` on the history (Clayton and Kaldor, "Empirical Bayes
estimates of age-standardized relative risks", Biometrics 43, 1987; Marshall, "Mapping disease and mortality rates
using empirical Bayes estimators", Applied Statistics 40, 1991).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats
from scipy.special import gammaln

from allocation.config import Config
from allocation.inputs import CENTRAL, Inputs
from allocation.trend import planning_year

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

KEY = ["pc4", "product", "client_line", "client_group"]
SERIES = KEY[1:]
ESTIMATES = ["inflow_clients", "inflow_sd", "inflow_sd_region", "inflow_sd_product"]

LOG_STRENGTH_RANGE = (np.log(0.1), np.log(1e5))
OUT_OF_PROPORTION, OUT_OF_PROPORTION_CLIENTS = 5.0, 24.0
"""An area with more clients than both 5 x what its inhabitants explain and 24: an institution or postbox addresses."""


def expected_work(inputs: Inputs, areas: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Expected work of the planning year: the 12 months after the history.

    ``areas`` needs pc4, arbeidsmarktregio_nr and inhabitants (missing = not published).

    Returns
    -------
    One row per pc4, product, client_line (as in the input, so ``alle`` too) and client_group with

    - ``law`` (text), ``priority`` (int), ``is_central`` (bool: nobody's load),
    - ``inflow_clients``: expected inflow, clients a year; ``stock_clients``: stock now, clients;
    - ``planned_clients``: inflow + planned share of the stock, clients a year;
    - ``hours_verzekeringsarts``, ``hours_other``: hours a year of the planned clients;
    - ``stock_hours_verzekeringsarts``: hours in the whole stock;
    - ``hours_sd``: standard deviation of ``hours_verzekeringsarts``, hours a year, of which ``hours_sd_product`` is
      shared by all areas of the product and ``hours_sd_region`` by all areas of the same ``rate_region`` (text: the
      arbeidsmarktregio's number), product, line and group: do not add these up by hand, use ``team_interval``.
    """
    inflow = expected_inflow(inputs.inflow, areas)
    stock = inputs.stock.groupby(KEY)["clients"].sum().rename("stock_clients").reset_index()
    work = inflow.drop(columns="rate_region").merge(stock, on=KEY, how="outer")
    work = work.fillna(dict.fromkeys([*ESTIMATES, "stock_clients"], 0.0))
    work["rate_region"] = work["pc4"].map(areas.set_index("pc4")["arbeidsmarktregio_nr"].astype(str))
    products = inputs.products.set_index("product")
    for column in ("law", "priority", "planned_stock_share", "hours_verzekeringsarts", "hours_other"):
        work[column] = work["product"].map(products[column])
    work["is_central"] = work["product"].map(products["handled_by"].eq(CENTRAL)).astype(bool)
    growth = 1 + _per_product(work["product"], config.work.growth, 0.0)
    norm = _per_product(work["product"], config.work.hours_factor, 1.0)
    work["inflow_clients"] *= growth
    work["planned_clients"] = work["inflow_clients"] + work.pop("planned_stock_share") * work["stock_clients"]
    hours_each = work["hours_verzekeringsarts"] * norm
    work["hours_verzekeringsarts"] = work["planned_clients"] * hours_each
    work["hours_other"] *= work["planned_clients"] * norm
    work["stock_hours_verzekeringsarts"] = work["stock_clients"] * hours_each
    for kind in ("sd", "sd_region", "sd_product"):
        work[f"hours_{kind}"] = work.pop(f"inflow_{kind}") * growth * hours_each
    work["stock_clients"] = work["stock_clients"].astype("int64")
    work["priority"] = work["priority"].astype("int64")
    return work.sort_values(KEY, ignore_index=True)


def _per_product(product: pd.Series, setting: dict[str, float], default: float) -> pd.Series:
    """The setting of each row's product, else that of ``"*"``, else ``default``."""
    return product.map(setting).fillna(setting.get("*", default)).astype("float64")


def team_interval(work: pd.DataFrame, by: Sequence[str] = ("team_id",), level: float = 0.8) -> pd.DataFrame:
    """Interval that holds the verzekeringsarts hours of a team with probability ``level``, for all teams at once.

    Three errors add up. Each area's own noise is independent: variances are summed. The error of a region's rate is
    the same for all areas of one region, product, line and group: standard deviations are summed within these, then
    squared. So is the error of a product's national level, over all areas of the product. The total is taken as Gamma
    with that mean and variance, so the interval is never negative.

    Parameters
    ----------
    work : rows of ``expected_work`` with the columns ``by``; optional ``share`` (0 to 1) = part of the row's clients
        that the team serves. The own noise of a part is at most ``share`` x that variance (thinning); that is used.

    Returns
    -------
    Frame indexed by ``by`` with ``hours_low`` and ``hours_high``, hours a year.
    """
    columns = {column.replace("hours_verzekeringsarts", "mean").replace("hours_", ""): work[column]
               for column in ("hours_verzekeringsarts", "hours_sd", "hours_sd_region", "hours_sd_product")}  # fmt: skip
    keys = work[[*by, "rate_region", *SERIES]]
    interval = sum_interval(keys.assign(**columns, share=work.get("share", 1.0)), by, level)
    return interval[["low", "high"]].add_prefix("hours_")


def sum_interval(rows: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
    """``mean``, ``low`` and ``high`` of the sum of ``rows`` (mean, sd, sd_region, sd_product, share) per ``by``."""
    by = list(by)
    own = rows["share"] * (rows["sd"] ** 2 - rows["sd_region"] ** 2 - rows["sd_product"] ** 2).clip(lower=0.0)
    parts = rows[[*by, "rate_region", *SERIES]].assign(
        mean=rows["share"] * rows["mean"],
        own=own,
        region=rows["share"] * rows["sd_region"],
        product_level=rows["share"] * rows["sd_product"],
    )
    sums = ["mean", "own", "region", "product_level"]
    per_rate = parts.groupby([*by, "rate_region", *SERIES], observed=True, sort=False)[sums].sum().reset_index()
    per_rate["own"] += per_rate.pop("region") ** 2
    per_product = per_rate.groupby([*by, "product"], observed=True, sort=False)[["mean", "own", "product_level"]].sum()
    per_product["own"] += per_product.pop("product_level") ** 2
    total = per_product.groupby(by, observed=True).sum()
    mean, variance = total["mean"].to_numpy(), total["own"].to_numpy()
    certain = (variance <= 0) | (mean <= 0)
    safe_mean, safe_variance = np.where(certain, 1.0, mean), np.where(certain, 1.0, variance)
    law = stats.gamma(safe_mean**2 / safe_variance, scale=safe_variance / safe_mean)
    return pd.DataFrame(
        {
            "mean": mean,
            "low": np.where(certain, mean, law.ppf((1 - level) / 2)),
            "high": np.where(certain, mean, law.ppf((1 + level) / 2)),
        },
        index=total.index,
    )


def expected_inflow(inflow: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Gamma-Poisson estimate of the inflow of the planning year, before growth scenarios.

    A cell without rows had no clients: absent is zero. Every area of a region gets a row for every product, line and
    group that occurs in that region, unless the area has neither inhabitants nor clients.

    Returns
    -------
    KEY, ``rate_region`` (text), ``inflow_clients`` (a year) and the standard deviations ``inflow_sd`` (total),
    ``inflow_sd_region`` and ``inflow_sd_product`` (the parts of it that areas share, see ``team_interval``).
    """
    history = History.of(inflow, areas)
    cells, levels = history.cells, planning_year(history.monthly)
    rate, strength = fit_rates(cells)
    expected = rate[cells.rate] * cells.exposure
    k = strength[cells.product]
    need = (k + cells.clients) / (k + expected)
    history_clients = history.monthly.sum(axis=0)
    year = (levels.year_clients / np.where(history_clients > 0, history_clients, 1.0))[cells.product]
    mean = expected * need * year
    noise = mean + mean**2 / (k + cells.clients)
    own = _dispersion(history)[cells.product] * noise
    weight = k / (k + expected)
    information = _sum_by(cells.rate, expected * weight, len(rate))
    by_region = mean * weight / np.sqrt(information[cells.rate])
    by_product = mean * levels.relative_sd[cells.product]
    frame = history.keys()
    return frame.assign(
        inflow_clients=mean,
        inflow_sd=np.sqrt(own + by_region**2 + by_product**2),
        inflow_sd_region=by_region,
        inflow_sd_product=by_product,
    )


@dataclass(frozen=True)
class Cells:
    """One entry per cell, arrays of equal length: clients in the history, exposure (inhabitants), and the codes of
    the area, the product and the rate (= region, product, line and group)."""

    clients: Floats
    exposure: Floats
    area: Codes
    product: Codes
    rate: Codes


@dataclass(frozen=True)
class History:
    """The inflow as arrays. ``monthly`` (months, products): clients of the country. ``first_half``: clients per cell
    in the first half of the months. ``rates``: one row per code ``Cells.rate``."""

    cells: Cells
    monthly: Floats
    first_half: Floats
    pc4: NDArray[np.object_]
    rates: pd.DataFrame

    @classmethod
    def of(cls, inflow: pd.DataFrame, areas: pd.DataFrame) -> History:
        areas = areas.sort_values("pc4")
        pc4, region = areas["pc4"].to_numpy(dtype=object), areas["arbeidsmarktregio_nr"].to_numpy(dtype=np.int64)
        area = pd.Index(pc4).get_indexer(inflow["pc4"])
        if (area < 0).any():
            raise ValueError("inflow holds postcodes that the areas do not have")
        clients = inflow["clients"].to_numpy(dtype=np.float64)
        months, product_names = pd.factorize(inflow["month"], sort=True), pd.factorize(inflow["product"], sort=True)
        monthly = _sums(months[0], product_names[0], clients, (len(months[1]), len(product_names[1])))
        # the region's rates that occur: one code per region, product, line and group with a client
        series, series_names = _codes(inflow[SERIES])
        present = np.zeros((int(region.max()) + 1, len(series_names)), dtype=bool)
        present[region[area[clients > 0]], series[clients > 0]] = True
        rate_of = np.full(present.shape, -1)
        rate_of[present] = np.arange(present.sum())
        exposure = _exposure(areas["inhabitants"], _sum_by(area, clients, len(pc4)))
        used = np.flatnonzero(exposure > 0)
        at, of_series = np.nonzero(present[region[used]])
        cell_area = used[at]
        both = _sums(area, series, clients, (len(pc4), len(series_names)))
        early = months[0] < len(months[1]) // 2
        first = _sums(area[early], series[early], clients[early], (len(pc4), len(series_names)))
        rates = series_names.iloc[np.nonzero(present)[1]].reset_index(drop=True)
        rates.insert(0, "rate_region", np.nonzero(present)[0].astype(str).astype(object))
        code_of_product = pd.Index(product_names[1]).get_indexer(series_names["product"])
        cells = Cells(both[cell_area, of_series], exposure[cell_area], cell_area, code_of_product[of_series],
                      rate_of[region[cell_area], of_series])  # fmt: skip
        return cls(cells, monthly, first[cell_area, of_series], pc4, rates)

    def keys(self) -> pd.DataFrame:
        """KEY and rate_region of every cell."""
        frame = self.rates.iloc[self.cells.rate].reset_index(drop=True)
        frame.insert(0, "pc4", self.pc4[self.cells.area])
        return frame[[*KEY, "rate_region"]]


def _codes(frame: pd.DataFrame) -> tuple[Codes, pd.DataFrame]:
    """A code per row, and the distinct rows in the order of their codes (sorted)."""
    code = np.zeros(len(frame), dtype=np.int64)
    for column in frame.columns:
        part, names = pd.factorize(frame[column], sort=True)
        code = code * len(names) + part
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    return code, frame.iloc[first].reset_index(drop=True)


def _sum_by(code: Codes, values: NDArray[np.generic], codes: int) -> Floats:
    """Sum of ``values`` per code 0, 1, ..., codes - 1."""
    return np.asarray(np.bincount(code, values, codes), dtype=np.float64)


def _sums(row: Codes, column: Codes, values: Floats, shape: tuple[int, int]) -> Floats:
    return _sum_by(row * shape[1] + column, values, shape[0] * shape[1]).reshape(shape)


def _exposure(inhabitants: pd.Series, clients: Floats) -> Floats:
    """Inhabitants per area; where these are missing, zero or out of all proportion to the clients of all products
    together, the number of inhabitants that would explain those clients at the country's rate."""
    people = inhabitants.to_numpy(dtype=np.float64, na_value=0.0)
    known = people > 0
    rate = clients[known].sum() / people[known].sum() if clients[known].sum() > 0 else 1.0
    explained = people * rate
    odd = ~known | (clients > np.maximum(OUT_OF_PROPORTION * explained, OUT_OF_PROPORTION_CLIENTS))
    return np.where(odd, clients / rate, people)


def fit_rates(cells: Cells, rounds: int = 3) -> tuple[Floats, Floats]:
    """Rate per inhabitant of every region, product, line and group, and the prior strength of every product.

    Both maximise the negative binomial likelihood, in turns. For the rate that means
    ``sum(w (clients - expected)) = 0`` with ``w = k / (k + expected)``, which is the same as: the estimates of a
    region's areas add up to the region's clients.
    """
    rates, products = int(cells.rate.max()) + 1, int(cells.product.max()) + 1
    in_product = [np.flatnonzero(cells.product == product) for product in range(products)]
    rate = _sum_by(cells.rate, cells.clients, rates) / _sum_by(cells.rate, cells.exposure, rates)
    strength = np.zeros(products)
    for _ in range(rounds):
        expected = rate[cells.rate] * cells.exposure
        overall = prior_strength(cells.clients, expected)
        strength = np.array([prior_strength(cells.clients[at], expected[at], overall) for at in in_product])
        rate = _balanced_rate(cells, strength[cells.product], rate)
    return rate, strength


def _balanced_rate(cells: Cells, k: Floats, rate: Floats) -> Floats:
    for _ in range(100):
        weight = k / (k + rate[cells.rate] * cells.exposure)
        previous = rate
        rate = _sum_by(cells.rate, weight * cells.clients, len(rate))
        rate = rate / _sum_by(cells.rate, weight * cells.exposure, len(rate))
        if np.abs(rate / previous - 1).max() < 1e-10:
            break
    return rate


def prior_strength(clients: Floats, expected: Floats, towards: float | None = None) -> float:
    """Shape k of the Gamma distribution of need, by maximum likelihood of the negative binomial counts.

    Large k: areas differ by chance only. With few clients the likelihood says little; ``towards`` (the strength over
    all products) then holds: log k is given a normal prior around it with standard deviation 1.
    """
    values, times = np.unique(clients, return_counts=True)

    def loss(log_k: float) -> float:
        k = float(np.exp(log_k))
        counting = float((times * (gammaln(values + k) - gammaln(k) - values * log_k)).sum())
        apart = 0.0 if towards is None else (log_k - np.log(towards)) ** 2 / 2
        return float(((k + clients) * np.log1p(expected / k)).sum()) - counting + float(apart)

    found = optimize.minimize_scalar(loss, bounds=LOG_STRENGTH_RANGE, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def _dispersion(history: History) -> Floats:
    """Variance of a cell's clients relative to Poisson, per product, at least 1.

    Given a cell's total n, its clients in the first half of the months are binomial when its need is constant and
    clients come independently; the mean of (first - n p)^2 / (n p (1 - p)) is then 1.
    """
    cells = history.cells
    half = len(history.monthly) // 2
    total = history.monthly.sum(axis=0)
    p = history.monthly[:half].sum(axis=0) / np.where(total > 0, total, 1.0)
    usable = (p > 0) & (p < 1)
    p = np.where(usable, p, 0.5)[cells.product]
    seen = cells.clients > 0
    expected = np.where(seen, cells.clients * p * (1 - p), 1.0)
    ratio = (history.first_half - cells.clients * p) ** 2 / expected
    count = _sum_by(cells.product, seen, len(usable))
    mean = _sum_by(cells.product, ratio * seen, len(usable)) / np.maximum(count, 1)
    return np.where(usable, np.maximum(1.0, mean), 1.0)
