"""Month by month: the hours that a team's files and new clients ask, so that planners see when it is full.

Belongs here: that projection. Does not belong here: what a team gets and holds (`ledger`).
"""

from __future__ import annotations

import pandas as pd

from allocation.contract.vocabulary import MONTHS_A_YEAR

MONTHS = 24


def team_months(
    ledger: pd.DataFrame,
    capacity: pd.DataFrame,
    norms: pd.DataFrame,
    recurring: frozenset[str],
) -> pd.DataFrame:
    """Verzekeringsarts hours a month of every team that divides areas, for its old files and for new clients.

    A team works as the ledger plans: in a year it closes as many files of a product as come in, and of the files that
    it has at the start of that year the planned share. With I the inflow a year, s the planned share, F the files at
    the start and h the hours of a client, year y asks

        I h + s F (1 - s)^(y - 1) h

    an even part each month; the oldest files are closed first, so old files last F / closings a month (Little's law:
    the time in a queue is its length over its flow). Recurring work (monitoring) closes no file: it asks s F h every
    year. The first twelve months sum to the first-year hours of the ledger.

    Parameters
    ----------
    ledger : as ``ledger.ledger`` gives it, without special teams.
    capacity : as ``layers.work.monthly_capacity`` gives it; its months are projected.
    norms : as ``layers.work.product_norms`` gives it.
    recurring : products whose files are never closed.

    Returns
    -------
    team_id, month (1 = first of the new division), old_hours, new_hours, capacity_hours (all hours a month), is_full.
    """
    rows = ledger.groupby(["team_id", "product"])[["files_held", "inflow_clients", "held_hours", "inflow_hours"]].sum()
    rows = rows.reset_index()
    share = rows["product"].map(norms["planned_stock_share"]).astype(float)
    returns = rows["product"].isin(recurring)
    left_hours = rows["held_hours"]
    frames = []
    for month in map(int, capacity.columns):
        year = (month - 1) // MONTHS_A_YEAR
        of_stock = rows["held_hours"] * share * ((1 - share) ** year).where(~returns, 1.0) / MONTHS_A_YEAR
        closed = of_stock + rows["inflow_hours"] / MONTHS_A_YEAR
        old = of_stock.where(returns, pd.concat([closed, left_hours], axis=1).min(axis=1))
        left_hours = left_hours - old.where(~returns, 0.0)
        frames.append(
            pd.DataFrame({"team_id": rows["team_id"], "month": month, "old_hours": old, "new_hours": closed - old})
        )
    table = pd.concat(frames).groupby(["team_id", "month"])[["old_hours", "new_hours"]].sum().reset_index()
    given = capacity.rename_axis("team_id").reset_index()
    given = given.melt("team_id", var_name="month", value_name="capacity_hours").astype({"month": "int64"})
    table = table.merge(given, on=["team_id", "month"], how="left").fillna({"capacity_hours": 0.0})
    table["is_full"] = table["old_hours"] + table["new_hours"] >= table["capacity_hours"]
    return table
