"""Inflow history and stock -> expected work per postcode, product, client line and client group.

Belongs here: the estimate of the planning year put together, its uncertainty, and the conversion to hours.
Does not belong here: how counts are told from noise (``shrinkage``), the level of a product (``trend``), movement of
regions and areas (``movement``), intervals of sums (``intervals``), who does the work (``layers``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.contract.vocabulary import CENTRAL, SMALLEST_SHOWN_COUNT
from allocation.demand.doubts import doubts
from allocation.demand.history import History
from allocation.demand.intervals import KEY, SHARED
from allocation.demand.lines import line_parts, vangnet_part
from allocation.demand.movement import movement
from allocation.demand.regime import new_regime
from allocation.demand.shrinkage import Floats, fit, sum_by
from allocation.demand.totals import in_planning_year, of_streams
from allocation.demand.trend import planning_year
from allocation.intake.inputs import Inputs
from allocation.publication.small_counts import known_counts


def expected_work(inputs: Inputs, areas: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Expected work of the planning year: the 12 months after the history.

    ``areas`` needs pc4, gemeente_code, arbeidsmarktregio_nr and inhabitants (missing = not published).

    Returns
    -------
    One row per pc4, product, client_line (as in the input, so ``alle`` too), client_group and pw_client with

    - ``law`` (text), ``priority`` (int), ``is_central`` (bool: nobody's load),
    - ``inflow_clients``: expected inflow, clients a year; ``stock_clients``: stock now, clients;
    - ``planned_clients``: inflow + planned share of the stock, clients a year;
    - ``hours_verzekeringsarts``, ``hours_other``: hours a year of the planned clients;
    - ``stock_hours_verzekeringsarts``: hours in the whole stock;
    - ``known_stock``: the stock as its readers know it, clients (``small_counts.known_counts`` of each holder's);
      ``known_hours``: ``hours_verzekeringsarts`` made of what they know of each line's;
    - ``hours_sd``: standard deviation of ``hours_verzekeringsarts``, hours a year, and the parts of it that are shared
      with other rows (``hours_`` and the names of ``intervals.SHARED``): sums are for ``team_interval``;
    - ``vangnet_part``: the part (0 to 1) of the clients that is served on the vangnetlijn, the rest on the
      werkgeverslijn (``lines.vangnet_part``);
    - ``rate_region``: the region (number, as text) whose rate the estimate leans on; ``town``: the gemeente (code).
    """
    return work_and_doubts(inputs, areas, config)[0]


def work_and_doubts(inputs: Inputs, areas: pd.DataFrame, config: Config) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``expected_work``, and where it leans on little (``doubts.doubts``)."""
    inflow, leaning = inflow_and_doubts(inputs.inflow, areas, config.work.exceptional_months)
    stock = inputs.stock.groupby(KEY)["clients"].sum().rename("stock_clients").reset_index()
    work = inflow.drop(columns="rate_region").merge(stock, on=KEY, how="outer")
    work = work.fillna(dict.fromkeys(work.columns.difference(KEY), 0.0))
    places = areas.set_index("pc4")
    work["rate_region"] = work["pc4"].map(places["arbeidsmarktregio_nr"].astype(str))
    work["town"] = work["pc4"].map(places["gemeente_code"].astype(str))
    products = inputs.products.set_index("product")
    for column in ("law", "priority", "planned_stock_share", "hours_verzekeringsarts", "hours_other"):
        work[column] = work["product"].map(products[column])
    work["is_central"] = work["product"].map(products["handled_by"].eq(CENTRAL)).astype(bool)
    growth = 1 + _per_product(work["product"], config.work.growth, 0.0)
    norm = _per_product(work["product"], config.work.hours_factor, 1.0)
    work["inflow_clients"] *= growth
    planned_share = work.pop("planned_stock_share")
    work["planned_clients"] = work["inflow_clients"] + planned_share * work["stock_clients"]
    hours_each = work["hours_verzekeringsarts"] * norm
    work["hours_verzekeringsarts"] = work["planned_clients"] * hours_each
    work["hours_other"] *= work["planned_clients"] * norm
    work["stock_hours_verzekeringsarts"] = work["stock_clients"] * hours_each
    for kind in ("sd", *SHARED):
        work[f"hours_{kind}"] = work.pop(f"inflow_{kind}") * growth * hours_each
    work["stock_clients"] = work["stock_clients"].astype("int64")
    held = inputs.stock.groupby([*KEY, "team_id"], dropna=False)["clients"].sum().reset_index()
    work["known_stock"] = _of_keys(work, held.assign(known=_known(held)))
    work["vangnet_part"] = vangnet_part(work, line_parts(work, inputs.products))
    known = _of_keys(work, held.assign(known=_known_of_lines(held, work)))
    work["known_hours"] = (work["inflow_clients"] + planned_share * known) * hours_each
    work["priority"] = work["priority"].astype("int64")
    return work.sort_values(KEY, ignore_index=True), leaning


def _of_keys(work: pd.DataFrame, held: pd.DataFrame) -> pd.Series:
    """The sum of ``known`` of each row's KEY."""
    known: pd.Series = held.groupby(KEY)["known"].sum()
    return known.reindex(pd.MultiIndex.from_frame(work[KEY]), fill_value=0.0).set_axis(work.index)


def _known(held: pd.DataFrame) -> Floats:
    """The clients of each row as readers know them (``known_counts``). Rows of one KEY that each have under 5 are one
    such count together: readers may see them as files of one team, and then not how many rows there were."""
    clients = held["clients"].to_numpy(dtype=np.float64)
    is_hidden = (clients > 0) & (clients < SMALLEST_SHOWN_COUNT)
    return known_counts(clients) / _rows_alike(held, is_hidden)


def _known_of_lines(held: pd.DataFrame, work: pd.DataFrame) -> Floats:
    """``_known`` where the lines of a row share its clients: where one line has under 5 of them readers see none, and
    not how many there are together; so such rows of one KEY count as 5 together, however many clients they have."""
    clients = held["clients"].to_numpy(dtype=np.float64)
    part = held[KEY].merge(work[[*KEY, "vangnet_part"]], on=KEY, how="left")["vangnet_part"].to_numpy(dtype=np.float64)
    fewer = clients * np.minimum(part, 1.0 - part)
    is_hidden = (fewer > 0) & (fewer < SMALLEST_SHOWN_COUNT)
    return np.where(is_hidden, SMALLEST_SHOWN_COUNT / _rows_alike(held, is_hidden), _known(held))


def _rows_alike(held: pd.DataFrame, is_hidden: NDArray[np.bool_]) -> Floats:
    """How many hidden rows the KEY of each has; 1 for a row that is not hidden."""
    many = pd.Series(is_hidden, index=held.index).groupby([held[name] for name in KEY], dropna=False).transform("sum")
    return np.where(is_hidden, many, 1).astype(np.float64)


def _per_product(product: pd.Series, setting: dict[str, float], default: float) -> pd.Series:
    """The setting of each row's product, else that of ``"*"``, else ``default``."""
    return product.map(setting).fillna(setting.get("*", default)).astype("float64")


def expected_inflow(inflow: pd.DataFrame, areas: pd.DataFrame, exceptional: Sequence[str] = ()) -> pd.DataFrame:
    """Expected inflow of the planning year, before growth scenarios, and its standard deviations.

    A cell without rows had no clients: absent is zero. Every area of a region gets a row for every product, line and
    group that occurs in that region, unless the area has neither inhabitants nor clients.

    ``exceptional``: months (YYYY-MM) whose counts are not used: incomplete, or known not to be like others.

    Returns
    -------
    KEY, ``rate_region`` (text), ``inflow_clients`` (a year), ``inflow_sd`` (total), and the parts of it that rows
    share, ``inflow_`` with the names of ``intervals.SHARED``.

    Raises
    ------
    Refused
        When no client came in at all (in months that count).
    """
    return inflow_and_doubts(inflow, areas, exceptional)[0]


def inflow_and_doubts(
    inflow: pd.DataFrame, areas: pd.DataFrame, exceptional: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``expected_inflow``, and where it leans on little (``doubts.doubts``)."""
    if not inflow["clients"].gt(0).any() or inflow["month"].isin(list(exceptional)).all():
        raise Refused("The inflow has no clients at all: there is nothing to estimate the work from.")
    history = History.of(inflow, areas, exceptional)
    start = new_regime(history.counts, history.region)
    if start:
        months = pd.period_range(inflow["month"].min(), inflow["month"].max(), freq="M").astype(str)
        history = replace(History.of(inflow[inflow["month"] >= months[start]], areas, exceptional), months_before=start)
    if not history.monthly.any():
        raise Refused("The inflow has no clients at all: there is nothing to estimate the work from.")
    return estimate(history)


def estimate(history: History) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What ``expected_inflow`` returns, from the history as arrays; and where it leans on little.

    Areas move against each other, their region moves against the country, and the country has the level of its
    products. Restless areas (``drift``) stand by themselves: they change the total of their region and of the country,
    and the others do not make room for them.
    """
    cells, apart = history.cells, history.is_apart
    fitted = fit(cells.without(apart))
    plain = np.where(apart, cells.clients, fitted.estimate(cells))
    moving = movement(history, plain)
    levels = planning_year(
        history.monthly_without(moving.area.is_restless), history.product_of_stream, history.delivered
    )
    mean = in_planning_year(history, plain, moving, levels)
    of_cell, of_area, of_region = fitted.relative_errors(cells)
    of_cell = np.where(apart, 1 / np.sqrt(np.maximum(cells.clients, 1.0)), of_cell)
    of_area, of_region = np.where(apart, 0.0, of_area), np.where(apart, 0.0, of_region)
    in_place = mean_of_product(history, mean)
    burst = moving.burst[cells.product] * np.where(in_place > 0, in_place * mean, 0.0)
    errors = {
        "sd_area": mean * np.sqrt(of_area**2 + moving.area.variance[cells.area]),
        "sd_town": mean * np.sqrt(moving.town.variance[cells.town]),
        "sd_region": mean * np.sqrt(of_region**2 + of_streams(history, moving, mean)),
        "sd_drift": mean * np.sqrt(moving.region.variance[cells.region]),
        "sd_product": mean * levels.relative_sd[cells.product],
        "sd_country": mean * levels.common_sd,
    }
    own = mean + (mean * of_cell) ** 2 + burst
    variance = own + sum(error**2 for error in errors.values())
    parts = {f"inflow_{name}": error for name, error in errors.items()}
    frame = history.keys().assign(inflow_clients=mean, inflow_sd=np.sqrt(variance), **parts)
    return frame, doubts(history, levels, moving)


def mean_of_product(history: History, mean: Floats) -> Floats:
    """Per cell: the clients of its area and product, all lines and groups together."""
    cells = history.cells
    code = cells.area * (int(cells.product.max()) + 1) + cells.product
    return np.asarray(sum_by(code, mean, int(code.max()) + 1)[code])
