"""How long a client of each product waits, per team and region; and the two client lines beside each other (R6, R11).

Belongs here: those figures, of the files that teams hold. Does not belong here: dividing by them (``layers.balance``),
what a team gets and holds (`ledger`), month by month (`runoff`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import CLIENT_LINES, MONTHS_A_YEAR, ZW_WIA

TEAM, REGION = "team", "regio"
AMOUNTS = ["files_held", "held_hours", "inflow_hours"]


def waiting_table(ledger: pd.DataFrame, load: pd.DataFrame, regions: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Expected waiting time of every product up to ``waiting_priority``, per team and layer, and per region and layer.

    Work is done in order of priority, products of one priority together; who comes in with a higher priority goes
    before those who wait. B: hours in files held of this priority and higher. A: hours a month that come in of higher
    priority. C: capacity in hours a month. The last file in stock waits T months, where C T = B + A T:

        T = B / (C - A)

    The queue is taken as a flow. When A is as large as C the product is not reached at all: T is missing.

    Parameters
    ----------
    ledger : as ``ledger.ledger`` gives it.
    load : table ``team_load``; its capacity (verzekeringsarts hours) is that of the layer.
    regions : team_id, law_domain, client_line, arbeidsmarktregio_nr: in which regions a team of a layer has areas.

    Returns
    -------
    level (``team`` or ``regio``), arbeidsmarktregio_nr (missing for a team), team_id (missing for a region),
    law_domain, client_line, product, priority, stock_clients (files held), stock_hours, inflow_hours and
    capacity_hours (a month), and waiting_months. A region's hours and capacity are those of its teams in that layer; a
    team of two regions counts in both, as in ``region_summary``.
    """
    layer = ["team_id", "law_domain", "client_line"]
    rows = ledger.drop(columns="line").rename(columns={"layer_line": "client_line"})
    sums = rows.groupby([*layer, "product", "priority"])[AMOUNTS].sum().reset_index()
    sums["inflow_hours"] /= MONTHS_A_YEAR
    every = load.loc[load["kind"] != "bijzonder", layer].merge(
        sums[["law_domain", "client_line", "product", "priority"]].drop_duplicates(), on=["law_domain", "client_line"]
    )
    of_team = every.merge(sums, on=[*layer, "product", "priority"], how="left").fillna(dict.fromkeys(AMOUNTS, 0.0))
    capacity = load[[*layer, "capacity_hours_verzekeringsarts"]]
    of_team = of_team.merge(capacity, on=layer)
    of_team["capacity_hours"] = of_team.pop("capacity_hours_verzekeringsarts") / MONTHS_A_YEAR
    key = ["arbeidsmarktregio_nr", "law_domain", "client_line", "product", "priority"]
    of_region = regions.merge(of_team, on=layer).groupby(key)[[*AMOUNTS, "capacity_hours"]].sum().reset_index()
    table = pd.concat([of_team.assign(level=TEAM), of_region.assign(level=REGION)], ignore_index=True)
    table = table.rename(columns={"files_held": "stock_clients", "held_hours": "stock_hours"})
    table["arbeidsmarktregio_nr"] = table["arbeidsmarktregio_nr"].astype("Int64")
    unit = ["level", "arbeidsmarktregio_nr", "team_id", "law_domain", "client_line"]
    table["waiting_months"] = _months(table, unit)
    table = table[table["priority"] <= config.waiting_priority]
    amounts = ["stock_clients", "stock_hours", "inflow_hours"]
    columns = [*unit, "product", "priority", *amounts, "capacity_hours", "waiting_months"]
    return table[columns].sort_values([*unit, "priority", "product"], ignore_index=True)


def projected_months(
    queue_hours: pd.Series, asked_hours: pd.Series, capacity_hours: pd.Series, horizon_months: int
) -> pd.Series:
    """Months that the last file of a team would wait ``horizon_months`` from now; missing without capacity.

    The queue grows by what is asked and shrinks by the capacity, both spread evenly over the year:

        max(0, queue + (asked - capacity) m / 12) / (capacity / 12)

    Parameters
    ----------
    queue_hours : verzekeringsarts hours in files held that wait. asked_hours : hours a year that come in, and hours of
        work that comes back. capacity_hours : hours a year.
    """
    monthly = (capacity_hours / MONTHS_A_YEAR).where(capacity_hours > 0)
    growth = (asked_hours - capacity_hours) * (horizon_months / MONTHS_A_YEAR)
    return (queue_hours + growth).clip(lower=0.0) / monthly


def _months(table: pd.DataFrame, unit: list[str]) -> pd.Series:
    """T of ``waiting_table`` for every row; ``unit`` names the columns of one queue."""
    queue = [*unit, "priority"]
    sums = table.groupby(queue, dropna=False)[["stock_hours", "inflow_hours"]].sum()
    ordered = sums.groupby(level=unit, dropna=False).cumsum()
    before = (ordered["inflow_hours"] - sums["inflow_hours"]).rename("overtaking")
    found = table.merge(ordered["stock_hours"].rename("ahead").reset_index(), on=queue, how="left")
    found = found.merge(before.reset_index(), on=queue, how="left")
    left = found["capacity_hours"] - found["overtaking"]
    return pd.Series(found["ahead"] / left.where(left > 0), dtype="float64").set_axis(table.index)


def line_table(load: pd.DataFrame, before: pd.DataFrame | None, allocation: pd.DataFrame) -> pd.DataFrame:
    """The two client lines compared, for regions that keep both (R6): the figures that the board asked to monitor.

    Parameters
    ----------
    load : table ``team_load``. before : that of the version in force; None when there is none.
    allocation : table ``allocation``.

    Returns
    -------
    cluster, client_line, teams, hours and capacity_hours (verzekeringsarts, a year), asked (hours / capacity),
    waiting_months, and

    - shared_hours: capacity of teams that serve both lines, so far as this line has it;
    - moved_hours: capacity that came to this line from the other one since the version in force (negative: went there):
      the line's part of the capacity of both, now less then, times that capacity now; missing without two lines then;
    - even_hours: capacity that would still have to come for both lines to be asked the same part of theirs;
    - shared_areas: postcodes that teams of both lines have on this line; apart_areas: of these, postcodes that the same
      team does not have on the other line.
    """
    lines = _lines(load)
    both = lines.groupby("cluster")[["hours", "capacity_hours"]].transform("sum")
    lines["even_hours"] = lines["hours"] / both["hours"] * both["capacity_hours"] - lines["capacity_hours"]
    lines["moved_hours"] = np.nan
    if before is not None:
        then = _lines(before).set_index(["cluster", "client_line"])["capacity_hours"]
        part = then / then.groupby(level=0).transform("sum")
        known = part.reindex(pd.MultiIndex.from_frame(lines[["cluster", "client_line"]])).to_numpy()
        lines["moved_hours"] = lines["capacity_hours"] - known * both["capacity_hours"]
    lines = lines.merge(_areas_of_shared_teams(load, allocation), on=["cluster", "client_line"], how="left")
    areas = ["shared_areas", "apart_areas"]
    lines[areas] = lines[areas].fillna(0).astype("int64")
    columns = ["cluster", "client_line", "teams", "hours", "capacity_hours", "asked", "waiting_months", "shared_hours"]
    return lines[[*columns, "moved_hours", "even_hours", *areas]]


def _areas_of_shared_teams(load: pd.DataFrame, allocation: pd.DataFrame) -> pd.DataFrame:
    """cluster, client_line, shared_areas and apart_areas, as ``line_table`` describes them."""
    both = load[(load["law_domain"] == ZW_WIA) & load["client_line"].isin(CLIENT_LINES)]
    both = both[both.groupby(["cluster", "team_id"])["client_line"].transform("nunique") == len(CLIENT_LINES)]
    rows = allocation[allocation["law_domain"] == ZW_WIA]
    rows = rows.merge(both[["cluster", "client_line", "team_id"]], on=["client_line", "team_id"])
    lines_of = rows.groupby(["team_id", "pc4"])["client_line"].transform("nunique")
    rows = rows.assign(apart=rows["pc4"].where(lines_of < len(CLIENT_LINES)))
    sums = rows.groupby(["cluster", "client_line"]).agg(
        shared_areas=("pc4", "nunique"), apart_areas=("apart", "nunique")
    )
    return sums.reset_index()


def _lines(load: pd.DataFrame) -> pd.DataFrame:
    """One row per cluster and line of those that keep two lines."""
    rows = load[(load["law_domain"] == ZW_WIA) & load["client_line"].isin(CLIENT_LINES)]
    serves = rows.groupby(["cluster", "team_id"])["client_line"].transform("nunique")
    rows = rows.assign(shared=rows["capacity_hours_verzekeringsarts"].where(serves == len(CLIENT_LINES), 0.0))
    lines = rows.groupby(["cluster", "client_line"], as_index=False).agg(
        teams=("team_id", "nunique"),
        hours=("hours_verzekeringsarts", "sum"),
        capacity_hours=("capacity_hours_verzekeringsarts", "sum"),
        stock_hours=("files_held_hours_verzekeringsarts", "sum"),
        shared_hours=("shared", "sum"),
    )
    capacity = lines["capacity_hours"].where(lines["capacity_hours"] > 0)
    lines["asked"] = lines["hours"] / capacity
    lines["waiting_months"] = lines["stock_hours"] / (capacity / MONTHS_A_YEAR)
    return lines
