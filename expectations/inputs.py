"""What is expected of the inputs and of the expected work made from them.

The inputs were checked cell by cell when they were read. This is the second net, over typed data: what must hold
between the tables, and what is possible but so unusual that a person should look (warnings).

Belongs here: the tables and figures that the rules look at. Does not belong here: the rules themselves
(``input_rules``, ``coming``), how a rule is run (``engine``), and what follows from a declaration (``declared``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocation.contract import input_tables
from expectations import coming, facts, input_rules
from expectations.rules import Declared, Suites

NO_REMARKS = pd.DataFrame(columns=["file", "row", "column", "what", "usual"], dtype=object)
"""Of a run whose input was read before remarks were kept."""


def suites(given: facts.InputFacts) -> Suites:
    """The suites of the first gate."""
    names = tuple(table.name for table in input_tables.INPUTS)
    found = {name: given.tables[name] for name in names if name in given.tables}
    missing = [name for name in names if name not in found] + ([] if given.work is not None else ["work"])
    added_up = {"inflow", "stock"} if len(given.tables.get("replaced", ())) else set()  # two may count for one
    declared = [
        Declared(table, found[table.name], is_unique=table.name not in added_up)
        for table in input_tables.INPUTS
        if table.name in found
    ]
    frames = {} if missing or given.work is None else _frames(given, given.work)
    return Suites("inputs", declared, RULES if frames else (), frames, missing)


def _frames(given: facts.InputFacts, work: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables that the rules read."""
    found, areas, config = given.tables, facts.areas(given.areas), given.config
    inflow, stock = found["inflow"], found["stock"]
    months = inflow["month"].nunique()
    counted = stock["reference_date"].max()
    day = pd.Timestamp(config["valid_from"]) if config["valid_from"] else max(pd.Timestamp(given.today), counted)
    teams = found["teams"].drop(columns=["row", "regions"], errors="ignore")
    return {
        "area": areas,
        "area_that_follows": pd.DataFrame(sorted(given.follows.items()), columns=["pc4", "follows"], dtype=object),
        **facts.closed_sets(config, found["teams"]),
        "inflow": inflow.groupby(["pc4", "product", "client_line", "client_group"], as_index=False)["clients"].sum(),
        "inflow_month": unusual_months(inflow, areas),
        "inflow_product": inflow.groupby("product", as_index=False)["clients"].sum().assign(years=months / 12),
        "stock": stock,
        "stock_ratio": stock_ratios(inflow, stock, areas),
        "products": facts.products(found["products"], config),
        "teams": teams,
        "team": facts.teams(found["teams"], day),
        **coming.frames(found["teams"], found["locks"], found["verzuimbeheer"], day),
        "office_doubt": found["office_doubts"],
        "input_remark": found.get("remarks", NO_REMARKS),
        "team_region": facts.team_regions(found["teams"], found["clusters"]),
        "clusters": found["clusters"].drop(columns="row", errors="ignore"),
        "locks": found["locks"].drop(columns="row", errors="ignore"),
        "care_regions": found["care_regions"],
        "current": found["current"].drop(columns="row", errors="ignore"),
        "completed": found["completed"],
        "work": work,
        "current_choice": current_choice(given),
    }


def current_choice(given: facts.InputFacts) -> pd.DataFrame:
    """One row: rows (of the file ``current``), version and since (of the version in force, empty without one), and
    choice (the setting ``current``)."""
    return pd.DataFrame(
        {
            "rows": [len(given.tables["current"])],
            "version": pd.array([given.version_in_force], dtype="Int64"),
            "since": [None if given.in_force_since is None else str(given.in_force_since)],
            "choice": [given.config.get("current", "version")],
        }
    )


def unusual_months(inflow: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Inflow per month of each product and of each region, against the other months of the same series.

    Returns
    -------
    series (``product WIA_EWT`` or ``regio Friesland``), month, clients, expected (mean of the other months) and
    sds: (clients - expected) / sd, where sd is that of one further month: sqrt(s2 (1 + 1/n)) with s2 the variance of
    the n other months, at least their mean (a count cannot be steadier than chance makes it).
    """
    region = inflow["pc4"].map(areas.drop_duplicates("pc4").set_index("pc4")["arbeidsmarktregio"])
    totals = [
        inflow["clients"].groupby(["product " + inflow["product"].astype(str), inflow["month"]]).sum(),
        inflow["clients"].groupby(["regio " + region.astype(str), inflow["month"]]).sum(),
    ]
    wide = pd.concat([one.rename_axis(["series", "month"]) for one in totals]).unstack(fill_value=0).sort_index()
    counts = wide.to_numpy(dtype=np.float64)
    n = counts.shape[1] - 1
    if n < 2:
        return pd.DataFrame({name: [] for name in ("series", "month", "clients", "expected", "sds")})
    mean = (counts.sum(axis=1, keepdims=True) - counts) / n
    squares = (counts**2).sum(axis=1, keepdims=True) - counts**2
    variance = np.maximum((squares - n * mean**2) / (n - 1), np.maximum(mean, 1.0))
    sds = (counts - mean) / np.sqrt(variance * (1 + 1 / n))
    long: pd.DataFrame = wide.stack().rename("clients").reset_index()
    return long.assign(expected=mean.ravel(), sds=sds.ravel())


def stock_ratios(inflow: pd.DataFrame, stock: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Stock of each region and product, and what the region's inflow explains at the country's ratio of the two.

    Returns
    -------
    region, product, clients (in stock), explained (clients); products without inflow have no ratio and are left out.
    """
    region = areas.drop_duplicates("pc4").set_index("pc4")["arbeidsmarktregio"]
    sums = [
        frame["clients"].groupby([frame["pc4"].map(region).rename("region"), frame["product"]]).sum()
        for frame in (inflow, stock)
    ]
    both = pd.concat(sums, axis=1, keys=["inflow", "clients"]).fillna(0.0).reset_index()
    of_country = both.groupby("product")[["inflow", "clients"]].transform("sum")
    both["explained"] = both["inflow"] * of_country["clients"] / of_country["inflow"].where(of_country["inflow"] > 0)
    compared: pd.DataFrame = both.dropna(subset=["explained"])[["region", "product", "clients", "explained"]]
    return compared


RULES = input_rules.RULES
LISTED = coming.EXPECTATIONS | {"area_that_follows"}
"""Warnings of which a planner has to see each place before deciding."""
