"""Inflow history and stock -> expected work per postcode, product, client line and client group.

Belongs here: the estimate of the planning year put together, its uncertainty, and the conversion to hours.
Does not belong here: how counts are told from noise (``shrinkage``), a product's national level (``trend``), who does
the work (``layers``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincinv

from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.contract.vocabulary import CENTRAL
from allocation.demand.shrinkage import Cells, Codes, Floats, fit, sum_by
from allocation.demand.trend import planning_year
from allocation.intake.inputs import Inputs

KEY = ["pc4", "product", "client_line", "client_group"]
SERIES = KEY[1:]
SHARED = {"sd_area": ["pc4"], "sd_region": ["rate_region", *SERIES], "sd_product": ["product"]}
"""Which rows share which part of the error: all rows of an area, of a region's rate, of a product."""
INTERVAL = 0.8
"""Probability of the intervals of teams that are published and shown."""
OUT_OF_PROPORTION, OUT_OF_PROPORTION_CLIENTS = 5.0, 24.0
"""An area with more clients than both 5 x what its inhabitants explain and 24: an institution or postbox addresses."""


def expected_work(inputs: Inputs, areas: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Expected work of the planning year: the 12 months after the history.

    ``areas`` needs pc4, gemeente_code, arbeidsmarktregio_nr and inhabitants (missing = not published).

    Returns
    -------
    One row per pc4, product, client_line (as in the input, so ``alle`` too) and client_group with

    - ``law`` (text), ``priority`` (int), ``is_central`` (bool: nobody's load),
    - ``inflow_clients``: expected inflow, clients a year; ``stock_clients``: stock now, clients;
    - ``planned_clients``: inflow + planned share of the stock, clients a year;
    - ``hours_verzekeringsarts``, ``hours_other``: hours a year of the planned clients;
    - ``stock_hours_verzekeringsarts``: hours in the whole stock;
    - ``hours_sd``: standard deviation of ``hours_verzekeringsarts``, hours a year, of which ``hours_sd_area``,
      ``hours_sd_region`` and ``hours_sd_product`` are shared with other rows: sums are for ``team_interval``;
    - ``rate_region``: the region (number, as text) whose rate the estimate leans on.
    """
    inflow = expected_inflow(inputs.inflow, areas)
    stock = inputs.stock.groupby(KEY)["clients"].sum().rename("stock_clients").reset_index()
    work = inflow.drop(columns="rate_region").merge(stock, on=KEY, how="outer")
    work = work.fillna(dict.fromkeys(work.columns.difference(KEY), 0.0))
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
    for kind in ("sd", *SHARED):
        work[f"hours_{kind}"] = work.pop(f"inflow_{kind}") * growth * hours_each
    work["stock_clients"] = work["stock_clients"].astype("int64")
    work["priority"] = work["priority"].astype("int64")
    return work.sort_values(KEY, ignore_index=True)


def _per_product(product: pd.Series, setting: dict[str, float], default: float) -> pd.Series:
    """The setting of each row's product, else that of ``"*"``, else ``default``."""
    return product.map(setting).fillna(setting.get("*", default)).astype("float64")


def team_interval(work: pd.DataFrame, by: Sequence[str] = ("team_id",), level: float = INTERVAL) -> pd.DataFrame:
    """Interval that holds the verzekeringsarts hours of a team with probability ``level``, for all teams at once.

    Four errors add up. Each row's own noise is independent: variances are summed. An error in an area's need is the
    same for all rows of the area, one in a region's rate for all its areas, one in a product's national level for the
    whole product (``SHARED``): there standard deviations are summed, and the square of that sum is a variance. The
    total is taken as Gamma with this mean and variance, so an interval is never negative.

    Parameters
    ----------
    work : rows of ``expected_work`` with the columns ``by``; optional ``share`` (0 to 1) = part of the row's clients
        that the team serves, to be applied here to hours and errors (so hand over the hours of the whole row). The own
        noise of a part is at most ``share`` x that variance (thinning); that is used.

    Returns
    -------
    Frame indexed by ``by`` with ``hours_low`` and ``hours_high``, hours a year.
    """
    columns = {name: work[f"hours_{name}"] for name in ("sd", *SHARED)}
    rows = work[[*{*by, *KEY, "rate_region"}]].assign(mean=work["hours_verzekeringsarts"], **columns)
    interval = sum_interval(rows.assign(share=work.get("share", 1.0)), by, level)
    return interval[["low", "high"]].add_prefix("hours_")


def sum_interval(rows: pd.DataFrame, by: Sequence[str], level: float) -> pd.DataFrame:
    """``mean``, ``low`` and ``high`` of the sum of ``rows`` per ``by``, an interval of probability ``level``.

    ``rows``: KEY, rate_region, by, mean, share, sd and its shared parts sd_area, sd_region, sd_product.
    """
    by, share = list(by), rows["share"]
    own = rows["sd"] ** 2 - sum(rows[part] ** 2 for part in SHARED)
    total = (share * rows["mean"]).groupby([rows[name] for name in by]).sum()
    variance = (share * own.clip(lower=0.0)).groupby([rows[name] for name in by]).sum()
    for part, shared_by in SHARED.items():
        keys = [*by, *(name for name in shared_by if name not in by)]
        together = (share * rows[part]).groupby([rows[name] for name in keys]).sum()
        variance = variance + (together**2).groupby(level=by).sum()
    low, high = gamma_interval(total.to_numpy(), variance.to_numpy(), level)
    return pd.DataFrame({"mean": total, "low": low, "high": high}, index=total.index)


def gamma_interval(mean: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    """Ends of the central interval of probability ``level`` of a Gamma; the mean itself where nothing is uncertain."""
    certain = (variance <= 0) | (mean <= 0)
    shape = np.where(certain, 1.0, mean) ** 2 / np.where(certain, 1.0, variance)
    tails = ((1 - level) / 2, (1 + level) / 2)
    low, high = (np.where(certain, mean, mean / shape * gammaincinv(shape, p)) for p in tails)
    return low, high


def expected_inflow(inflow: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Expected inflow of the planning year, before growth scenarios, and its standard deviations.

    A cell without rows had no clients: absent is zero. Every area of a region gets a row for every product, line and
    group that occurs in that region, unless the area has neither inhabitants nor clients.

    Returns
    -------
    KEY, ``rate_region`` (text), ``inflow_clients`` (a year), ``inflow_sd`` (total), and the parts of it that rows
    share: ``inflow_sd_area``, ``inflow_sd_region`` and ``inflow_sd_product`` (see ``team_interval``).

    Raises
    ------
    Refused
        When no client came in at all.
    """
    history = History.of(inflow, areas)
    cells, levels = history.cells, planning_year(history.monthly)
    if not len(cells.clients):
        raise Refused("The inflow has no clients at all: there is nothing to estimate the work from.")
    fitted = fit(cells)
    total = history.monthly.sum(axis=0)
    year = levels.year_clients / np.where(total > 0, total, 1.0)
    mean = fitted.estimate(cells) * year[cells.product]
    of_cell, of_area, of_region = (mean * error for error in fitted.relative_errors(cells))
    of_product = mean * levels.relative_sd[cells.product]
    own = _dispersion(history)[cells.product] * (mean + of_cell**2)
    return history.keys().assign(
        inflow_clients=mean,
        inflow_sd=np.sqrt(own + of_area**2 + of_region**2 + of_product**2),
        inflow_sd_area=of_area,
        inflow_sd_region=of_region,
        inflow_sd_product=of_product,
    )


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
        exposure = _exposure(areas["inhabitants"], sum_by(area, clients, len(pc4)))
        used = np.flatnonzero(exposure > 0)
        at, of_series = np.nonzero(present[region[used]])
        cell_area = used[at]
        both = _sums(area, series, clients, (len(pc4), len(series_names)))
        early = months[0] < len(months[1]) // 2
        first = _sums(area[early], series[early], clients[early], (len(pc4), len(series_names)))
        rates = series_names.iloc[np.nonzero(present)[1]].reset_index(drop=True)
        rates.insert(0, "rate_region", np.nonzero(present)[0].astype(str).astype(object))
        code_of_product = pd.Index(product_names[1]).get_indexer(series_names["product"])
        cells = Cells(
            clients=both[cell_area, of_series],
            exposure=exposure[cell_area],
            area=cell_area,
            town=_codes(areas[["arbeidsmarktregio_nr", "gemeente_code"]])[0][cell_area],
            region=region[cell_area],
            product=code_of_product[of_series],
            rate=rate_of[region[cell_area], of_series],
        )
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


def _sums(row: Codes, column: Codes, values: Floats, shape: tuple[int, int]) -> Floats:
    return sum_by(row * shape[1] + column, values, shape[0] * shape[1]).reshape(shape)


def _exposure(inhabitants: pd.Series, clients: Floats) -> Floats:
    """Inhabitants per area; where these are missing, zero or out of all proportion to the clients of all products
    together, the number of inhabitants that would explain those clients at the country's rate."""
    people = inhabitants.to_numpy(dtype=np.float64, na_value=0.0)
    known = people > 0
    rate = clients[known].sum() / people[known].sum() if clients[known].sum() > 0 else 1.0
    explained = people * rate
    odd = ~known | (clients > np.maximum(OUT_OF_PROPORTION * explained, OUT_OF_PROPORTION_CLIENTS))
    return np.where(odd, clients / rate, people)


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
    count = sum_by(cells.product, seen, len(usable))
    mean = sum_by(cells.product, ratio * seen, len(usable)) / np.maximum(count, 1)
    return np.where(usable, np.maximum(1.0, mean), 1.0)
