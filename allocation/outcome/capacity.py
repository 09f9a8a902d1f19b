"""Where capacity is short: per region, district, law domain and profession (R22).

Belongs here: table ``capacity_advice``, and the tables that it was made of. Does not belong here: what is asked and
available (`region_capacity`), the programme of lending (`lending`), words for people (``report``).
"""

from __future__ import annotations

import heapq
import json
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import MONTHS_A_YEAR
from allocation.outcome.lending import Floats, Regions, lending
from allocation.outcome.region_capacity import ASKED, NODE, region_offices, region_supply, region_work
from allocation.outcome.waiting import projected_months

KEY = [*NODE, "profession"]
REACHED = 1 - 1e-9
"""Part of a priority from which it counts as wholly reached."""


def capacity_tables(
    region_rows: pd.DataFrame,
    of_regions: pd.DataFrame,
    teams: pd.DataFrame,
    areas: pd.DataFrame,
    norms: pd.DataFrame,
    recurring: frozenset[str],
    config: Config,
) -> dict[str, pd.DataFrame]:
    """The advice about capacity, and what it was made of, to make it anew with other settings."""
    work = region_work(region_rows, of_regions, norms, recurring)
    supply = region_supply(of_regions, teams, config.work.productive_hours_per_fte)
    offices = region_offices(of_regions, teams, areas)
    return {
        "region_work": work,
        "region_supply": supply,
        "region_offices": offices,
        "capacity_advice": capacity_advice(work, supply, offices, areas, config),
    }


def capacity_advice(
    work: pd.DataFrame, supply: pd.DataFrame, offices: pd.DataFrame, areas: pd.DataFrame, config: Config
) -> pd.DataFrame:
    """Table ``capacity_advice``.

    Parameters
    ----------
    work, supply, offices : as ``region_capacity.region_work``, ``region_supply`` and ``region_offices`` give them.
    areas : one row per postcode, for the names of the regions.
    """
    sums = work.groupby(KEY)[ASKED].sum()
    table = supply.set_index(KEY).join(sums).fillna(dict.fromkeys(ASKED, 0.0)).reset_index()
    available, horizon = table["available_hours"], config.horizon_months
    coming = table["inflow_hours"] + table["recurring_hours"]
    table["waiting_months"] = table["queue_hours"] / (available / MONTHS_A_YEAR).where(available > 0)
    table["projected_waiting_months"] = projected_months(table["queue_hours"], coming, available, horizon)
    more = projected_months(table["queue_hours"], coming, available + table["fte_hours"], horizon)
    table["fte_value_months"] = table["projected_waiting_months"] - more
    table["fte_placed"] = best_places(table, config)
    table = table.merge(_reached(work, supply, config), on=KEY, how="left")
    table = pd.concat([_with_loans(mine, offices, config) for _, mine in table.groupby(["law_domain", "profession"])])
    names = areas.drop_duplicates("arbeidsmarktregio_nr").set_index("arbeidsmarktregio_nr")["arbeidsmarktregio"]
    table["arbeidsmarktregio"] = table["arbeidsmarktregio_nr"].map(names)
    table["district"] = table["district"].astype(object).where(table["district"] != "", None)
    return table[COLUMNS].sort_values(KEY, ignore_index=True)


COLUMNS = [
    "arbeidsmarktregio_nr", "arbeidsmarktregio", "district", "law_domain", "profession", "asked_hours",
    "available_hours", "waiting_months", "projected_waiting_months", "reached", "first_priority_short", "fte_hours",
    "fte_value_months", "fte_placed", "lent_hours", "borrowed_hours", "loans", "lending_months", "is_lending_proven",
    "waiting_after_lending_months",
]  # fmt: skip


def best_places(table: pd.DataFrame, config: Config) -> pd.Series:
    """How many of the next ``advice.fte`` FTE of each profession go to each row, so that the longest wait is shortest.

    One after the other goes where the wait is longest then. That is best for the longest wait: whoever gives an FTE
    elsewhere leaves that wait as it is. Once nobody would wait at the horizon, no more are given.
    """
    placed = pd.Series(0, index=table.index, dtype="int64")
    for _, mine in table.groupby("profession"):
        heap = [(-_wait(row, 0, config), at) for at, row in zip(mine.index, mine.to_dict("records"), strict=True)]
        heapq.heapify(heap)
        rows: dict[Any, dict[Any, Any]] = dict(zip(mine.index, mine.to_dict("records"), strict=True))
        for _ in range(config.advice.fte):
            wait, at = heap[0]
            if wait >= 0:
                break
            placed[at] += 1
            heapq.heapreplace(heap, (-_wait(rows[at], int(placed[at]), config), at))
    return placed


def _wait(row: dict[Any, Any], fte: int, config: Config) -> float:
    """The projected waiting time with ``fte`` more; endless without an hour."""
    hours = row["available_hours"] + fte * row["fte_hours"]
    left = row["queue_hours"] + (row["inflow_hours"] + row["recurring_hours"] - hours) * (
        config.horizon_months / MONTHS_A_YEAR
    )
    if hours <= 0:
        return float("inf") if left > 0 else 0.0
    return float(max(0.0, left) / (hours / MONTHS_A_YEAR))


def _reached(work: pd.DataFrame, supply: pd.DataFrame, config: Config) -> pd.DataFrame:
    """KEY, ``reached`` (JSON: priority, products, part) and ``first_priority_short`` (missing when all is reached).

    Until the horizon work is done in order of priority. Of a priority with W hours (files that wait, and what comes in
    or back until then), after higher ones with B hours, the hours there are, H, reach the part (H - B) / W, within 0
    and 1.
    """
    years = config.horizon_months / MONTHS_A_YEAR
    rows = work.assign(hours=work["queue_hours"] + (work["inflow_hours"] + work["recurring_hours"]) * years)
    grouped = rows[rows["hours"] > 0].groupby([*KEY, "priority"])
    sums = grouped.agg(hours=("hours", "sum"), products=("product", lambda codes: sorted(set(codes)))).reset_index()
    sums["before"] = sums.groupby(KEY)["hours"].cumsum() - sums["hours"]
    sums = sums.merge(supply[[*KEY, "available_hours"]], on=KEY)
    sums["part"] = ((sums["available_hours"] * years - sums["before"]) / sums["hours"]).clip(0.0, 1.0)
    found = []
    for key, mine in sums.groupby(KEY):
        told = [
            {"priority": int(priority), "products": products, "part": round(float(part), 4)}
            for priority, products, part in zip(mine["priority"], mine["products"], mine["part"], strict=True)
        ]
        short = mine.loc[mine["part"] < REACHED, "priority"]
        found.append((*key, json.dumps(told), None if short.empty else int(short.iloc[0])))
    table = pd.DataFrame(found, columns=[*KEY, "reached", "first_priority_short"])
    return table.astype({"first_priority_short": "Int64"})


def _with_loans(table: pd.DataFrame, offices: pd.DataFrame, config: Config) -> pd.DataFrame:
    """The rows of a law domain and profession with what they lend and borrow."""
    table = table.reset_index(drop=True)
    regions = Regions(
        queue=table["queue_hours"].to_numpy(dtype=np.float64),
        asked=(table["inflow_hours"] + table["recurring_hours"]).to_numpy(dtype=np.float64),
        available=table["available_hours"].to_numpy(dtype=np.float64),
        km=_office_km(table, offices),
    )
    advice, horizon = config.advice, config.horizon_months
    found = lending(regions, advice.months, horizon, advice.lending_share, advice.lending_km)
    lent, borrowed = found.flows.sum(axis=1), found.flows.sum(axis=0)
    after = pd.Series(regions.available - lent + borrowed)
    return table.assign(
        reached=table["reached"].fillna("[]"),
        lent_hours=lent,
        borrowed_hours=borrowed,
        loans=[json.dumps(_loans_to(at, found.flows, regions.km, table)) for at in range(len(table))],
        lending_months=found.level if np.isfinite(found.level) else None,
        is_lending_proven=found.is_proven,
        waiting_after_lending_months=projected_months(table["queue_hours"], pd.Series(regions.asked), after, horizon),
    ).astype({"lending_months": "float64"})


def _loans_to(at: int, flows: Floats, km: Floats, table: pd.DataFrame) -> list[dict[str, Any]]:
    """From whom a row borrows: number and district of the region, hours a year, km between offices."""
    return [
        {
            "from_nr": int(table["arbeidsmarktregio_nr"].iloc[source]),
            "district": str(table["district"].iloc[source]),
            "hours": round(float(flows[source, at]), 1),
            "km": round(float(km[source, at]), 1),
        }
        for source in np.flatnonzero(flows[:, at])
    ]


def _office_km(table: pd.DataFrame, offices: pd.DataFrame) -> Floats:
    """(n, n) km in a straight line between the nearest two offices of the teams of every pair of rows."""
    places = {key: mine[["x_m", "y_m"]].to_numpy(dtype=np.float64) for key, mine in offices.groupby(NODE)}
    mine = [places[key] for key in table[NODE].itertuples(index=False, name=None)]
    found = np.zeros((len(mine), len(mine)))
    for a, b in np.ndindex(found.shape):
        if a < b:
            away = mine[a][:, None, :] - mine[b][None, :, :]
            found[a, b] = found[b, a] = float(np.sqrt((away**2).sum(axis=2)).min()) / 1000
    return found
