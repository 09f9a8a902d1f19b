"""Which work loads the teams of a layer, in hours."""

from __future__ import annotations

import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, PW, REGULAR_GROUP


def line_shares(work: pd.DataFrame) -> pd.Series:
    """Share of each product's hours per client line, from the rows that name a line; index (product, client_line).

    Counts of ``alle`` in a region with two lines are divided by it. A product never seen by line is halved.
    """
    named = work[work["client_line"].isin(CLIENT_LINES)]
    hours = named.groupby(["product", "client_line"])["planned_clients"].sum()
    full = hours.reindex(pd.MultiIndex.from_product([work["product"].unique(), CLIENT_LINES]), fill_value=0.0)
    total = full.groupby(level=0).transform("sum")
    return (full / total).where(total > 0, 1 / len(CLIENT_LINES))


def layer_work(work: pd.DataFrame, domain: str, line: str, config: Config) -> pd.DataFrame:
    """The rows of ``work`` that load the teams of a layer, counted for the part that belongs to it.

    Special groups (R4) and central products (R11) are taken out; PW (R5) is a domain of its own.
    """
    is_pw = work["law"] == "PW"
    regular = work["client_group"] == REGULAR_GROUP
    mine = (is_pw & (regular | (not config.special_first))) if domain == PW else ~is_pw & regular
    rows = work[mine & ~work["is_central"]]
    if line == ALL_LINES:
        return rows
    shares = line_shares(work)
    merged = rows["product"].map(shares.xs(line, level=1).to_dict())
    part = merged.where(rows["client_line"] == ALL_LINES, rows["client_line"].eq(line).astype(float))
    amounts = rows.select_dtypes("number").columns.difference(["priority"])
    rows = rows.assign(**{name: rows[name] * part for name in amounts})
    return rows[part > 0]


def balanced_hours(work: pd.DataFrame, config: Config) -> pd.Series:
    """The hours of each row that are divided in proportion to capacity: expected work, or (R11) the hours in stock.

    Stock hours in proportion to monthly capacity mean the same waiting time for every team.
    """
    if config.balance == "load":
        return work["hours_verzekeringsarts"]
    return work["stock_hours_verzekeringsarts"].where(work["priority"] <= config.waiting_priority, 0.0)


def verzekeringsarts_hours(teams: pd.DataFrame, config: Config) -> pd.Series:
    """Capacity of each team in verzekeringsarts hours a year: FTE x productive hours x productivity (R12)."""
    return teams["fte_verzekeringsarts"] * config.work.productive_hours_per_fte * teams["productivity"]
