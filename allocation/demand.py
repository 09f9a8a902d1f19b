"""Inflow history and stock -> expected work per postcode, product, client line and client group.

Belongs here: the estimate of the planning year and the conversion to hours.
Does not belong here: who does the work (``layers``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocation.config import Config
from allocation.inputs import CENTRAL, Inputs

KEY = ["pc4", "product", "client_line", "client_group"]


def expected_work(inputs: Inputs, areas: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Expected work of the planning year.

    Returns
    -------
    One row per pc4, product, client_line (as in the input, so ``alle`` too) and client_group with

    - ``law`` (text), ``priority`` (int), ``is_central`` (bool: nobody's load),
    - ``inflow_clients``: expected inflow, clients a year; ``stock_clients``: stock now, clients;
    - ``planned_clients``: inflow + planned share of the stock, clients a year;
    - ``hours_verzekeringsarts``, ``hours_other``: hours a year of the planned clients;
    - ``stock_hours_verzekeringsarts``: hours in the whole stock;
    - ``hours_sd``: standard deviation of ``hours_verzekeringsarts``, hours a year.
    """
    inflow = expected_inflow(inputs.inflow, areas)
    stock = inputs.stock.groupby(KEY, as_index=False)["clients"].sum().rename(columns={"clients": "stock_clients"})
    work = inflow.merge(stock, on=KEY, how="outer").fillna({"inflow_clients": 0.0, "inflow_sd": 0.0, "stock_clients": 0})
    products = inputs.products.set_index("product")
    work = work.join(products[["law", "priority", "planned_stock_share"]], on="product")
    work["is_central"] = work["product"].map(products["handled_by"].eq(CENTRAL))
    growth = 1 + _per_product(work["product"], config.work.growth, 0.0)
    norm = _per_product(work["product"], config.work.hours_factor, 1.0)
    work["inflow_clients"] *= growth
    work["planned_clients"] = work["inflow_clients"] + work["planned_stock_share"] * work["stock_clients"]
    hours_each = work["product"].map(products["hours_verzekeringsarts"]) * norm
    work["hours_verzekeringsarts"] = work["planned_clients"] * hours_each
    work["hours_other"] = work["planned_clients"] * work["product"].map(products["hours_other"]) * norm
    work["stock_hours_verzekeringsarts"] = work["stock_clients"] * hours_each
    work["hours_sd"] = work.pop("inflow_sd") * growth * hours_each
    work["stock_clients"] = work["stock_clients"].astype("int64")
    work["priority"] = work["priority"].astype("int64")
    return work.drop(columns="planned_stock_share").sort_values(KEY, ignore_index=True)


def expected_inflow(inflow: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Gamma-Poisson shrinkage of each postcode's history towards its region's rate per inhabitant."""
    months = inflow["month"].nunique()
    totals = inflow.groupby(KEY, as_index=False)["clients"].sum()
    people = areas.set_index("pc4")["inhabitants"].astype("float64").fillna(0.0)
    region = areas.set_index("pc4")["arbeidsmarktregio_nr"]
    totals["region"] = totals["pc4"].map(region)
    group = totals.groupby(["region", "product", "client_line", "client_group"])["clients"].transform("sum")
    totals["mean"] = group * totals["pc4"].map(people) / totals["region"].map(people.groupby(region).sum())
    strength = 10.0
    totals["inflow_clients"] = (strength + totals["clients"]) / (strength + totals["mean"]) * totals["mean"] * 12 / months
    totals["inflow_sd"] = np.sqrt(totals["inflow_clients"])
    return totals[[*KEY, "inflow_clients", "inflow_sd"]]


def _per_product(product: pd.Series, setting: dict[str, float], default: float) -> pd.Series:
    """The setting of each row's product, else that of ``"*"``, else ``default``."""
    return product.map(setting).fillna(setting.get("*", default)).astype("float64")
