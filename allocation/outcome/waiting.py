"""How long a client of each product waits, per team and region; and the two client lines beside each other (R6, R11).

Belongs here: those figures. Does not belong here: dividing by them (``layers.balanced_hours``), the yearly load
(``figures``), files that run off month by month (``runoff``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import CLIENT_LINES, MONTHS_A_YEAR, ZW_WIA
from allocation.layers.work import layer_work
from allocation.outcome.solved import Solved

TEAM, REGION = "team", "regio"
AMOUNTS = ["stock_clients", "stock_hours", "inflow_hours"]


def waiting_table(solved: Sequence[Solved], load: pd.DataFrame, work: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Expected waiting time of every product up to ``waiting_priority``, per team and layer, and per region and layer.

    Work is done in order of priority, products of one priority together; who comes in with a higher priority goes
    before those who wait. With B the hours in stock of this priority and higher, A the hours a month that come in of
    higher priority, and C the capacity in hours a month, the last one in stock waits T months, where C T = B + A T:

        T = B / (C - A)

    a queue taken as a flow. When A is as large as C the product is not reached at all: T is missing.

    Parameters
    ----------
    load : table ``team_load``; its capacity (verzekeringsarts hours) is that of the layer.
    work : as ``demand.expected_work`` gives it.

    Returns
    -------
    level (``team`` or ``regio``), arbeidsmarktregio_nr (missing for a team), team_id (missing for a region),
    law_domain, client_line, product, priority, stock_clients, stock_hours, inflow_hours and capacity_hours (a month),
    and waiting_months. A region's hours and capacity are those of its teams in that layer; a team of two regions counts
    in both, as in ``region_summary``.
    """
    region = work.drop_duplicates("pc4").set_index("pc4")["rate_region"].astype("int64")
    held = pd.concat([_held(one) for one in solved], ignore_index=True)
    held["arbeidsmarktregio_nr"] = held["pc4"].map(region)
    frames = []
    for (domain, line), parts in held.groupby(["law_domain", "client_line"]):
        of_team = _per_team(parts, layer_work(work, str(domain), str(line), config))
        mine = load[(load["law_domain"] == domain) & (load["client_line"] == line)].set_index("team_id")
        of_team["capacity_hours"] = of_team["team_id"].map(mine["capacity_hours_verzekeringsarts"] / MONTHS_A_YEAR)
        places = parts[["arbeidsmarktregio_nr", "team_id"]].dropna().drop_duplicates()
        regions = places.astype({"arbeidsmarktregio_nr": "int64"}).merge(of_team, on="team_id")
        key = ["arbeidsmarktregio_nr", "product", "priority"]
        of_region = regions.groupby(key)[[*AMOUNTS, "capacity_hours"]].sum().reset_index()
        both = pd.concat([of_team.assign(level=TEAM), of_region.assign(level=REGION)], ignore_index=True)
        frames.append(both.assign(law_domain=str(domain), client_line=str(line)))
    table = pd.concat(frames, ignore_index=True)
    table["arbeidsmarktregio_nr"] = table["arbeidsmarktregio_nr"].astype("Int64")
    unit = ["level", "arbeidsmarktregio_nr", "team_id", "law_domain", "client_line"]
    table["waiting_months"] = _months(table, unit)
    table = table[table["priority"] <= config.waiting_priority]
    columns = [*unit, "product", "priority", *AMOUNTS, "capacity_hours", "waiting_months"]
    return table[columns].sort_values([*unit, "priority", "product"], ignore_index=True)


def _held(one: Solved) -> pd.DataFrame:
    """What the teams of a layer hold: pc4, portion, team_id, law_domain, client_line."""
    team_id = np.asarray(one.layer.problem.team_ids, dtype=object)[one.plan]
    parts = one.layer.parts[["pc4", "portion"]].assign(team_id=team_id)
    return parts.assign(law_domain=one.layer.law_domain, client_line=one.layer.client_line)


def _per_team(held: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """team_id, product, priority and AMOUNTS; every team has every product. ``rows``: work of the layer."""
    coming = (rows["inflow_clients"] / rows["planned_clients"].where(rows["planned_clients"] > 0)).fillna(0.0)
    rows = rows[["pc4", "product", "priority", "stock_clients"]].assign(
        stock_hours=rows["stock_hours_verzekeringsarts"],
        inflow_hours=rows["hours_verzekeringsarts"] * coming / MONTHS_A_YEAR,
    )
    products = rows[["product", "priority"]].drop_duplicates()
    rows = rows.groupby(["pc4", "product"])[AMOUNTS].sum().reset_index()
    rows = held[["pc4", "portion", "team_id"]].merge(rows, on="pc4")
    rows[AMOUNTS] = rows[AMOUNTS].mul(rows["portion"], axis=0)
    sums = rows.groupby(["team_id", "product"])[AMOUNTS].sum().reset_index()
    every = held[["team_id"]].drop_duplicates().merge(products, how="cross")
    return every.merge(sums, on=["team_id", "product"], how="left").fillna(dict.fromkeys(AMOUNTS, 0.0))


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


def line_table(load: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """The client lines beside each other, for regions that keep two (R6): what the board asked to monitor.

    Parameters
    ----------
    load : table ``team_load``. before : that of the version in force; None when there is none.

    Returns
    -------
    cluster, client_line, teams, hours and capacity_hours (verzekeringsarts, a year), asked (hours / capacity),
    waiting_months, and

    - shared_hours: capacity of teams that serve both lines, so far as this line has it;
    - moved_hours: capacity that came to this line from the other one since the version in force (negative: went there):
      the line's part of the capacity of both, now less then, times that capacity now; missing without two lines then;
    - even_hours: capacity that would still have to come for both lines to be asked the same part of theirs.
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
    columns = ["cluster", "client_line", "teams", "hours", "capacity_hours", "asked", "waiting_months", "shared_hours"]
    return lines[[*columns, "moved_hours", "even_hours"]]


def _lines(load: pd.DataFrame) -> pd.DataFrame:
    """One row per cluster and line of those that keep two lines."""
    rows = load[(load["law_domain"] == ZW_WIA) & load["client_line"].isin(CLIENT_LINES)]
    serves = rows.groupby(["cluster", "team_id"])["client_line"].transform("nunique")
    rows = rows.assign(shared=rows["capacity_hours_verzekeringsarts"].where(serves == len(CLIENT_LINES), 0.0))
    lines = rows.groupby(["cluster", "client_line"], as_index=False).agg(
        teams=("team_id", "nunique"),
        hours=("hours_verzekeringsarts", "sum"),
        capacity_hours=("capacity_hours_verzekeringsarts", "sum"),
        stock_hours=("stock_hours_verzekeringsarts", "sum"),
        shared_hours=("shared", "sum"),
    )
    capacity = lines["capacity_hours"].where(lines["capacity_hours"] > 0)
    lines["asked"] = lines["hours"] / capacity
    lines["waiting_months"] = lines["stock_hours"] / (capacity / MONTHS_A_YEAR)
    return lines
