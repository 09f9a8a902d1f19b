"""Where the tables of an outcome disagree with each other; an empty list where they speak with one voice."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from allocation.contract.config import Config

EXACT = 1e-6
LAYER = ["team_id", "law_domain", "client_line"]


def disagreements(tables: Mapping[str, pd.DataFrame], norms: pd.DataFrame, config: Config) -> list[str]:
    """A sentence for each figure that two tables give differently (by over 1e-6).

    Parameters
    ----------
    tables : team_ledger, team_load, team_months, waiting and lines of one outcome.
    norms : as ``layers.work.product_norms`` gives it.
    """
    ledger, load = tables["team_ledger"], tables["team_load"]
    months, waiting, lines = tables["team_months"], tables["waiting"], tables["lines"]
    hours = ledger["product"].map(norms["hours_verzekeringsarts"]).astype(float)
    ledger = ledger.assign(held=ledger["files_held"] * hours, coming=ledger["inflow_clients"] * hours)
    of_team = ledger.groupby("team_id")[["hours_verzekeringsarts", "hours_other", "files_held", "held"]].sum()
    of_load = load.groupby("team_id").sum(numeric_only=True)
    divided = load.loc[load["kind"] != "bijzonder"]
    team = waiting[waiting["level"] == "team"]
    counted = ledger[ledger["product"].map(norms["priority"]) <= config.waiting_priority]
    counted = counted[counted["team_id"].isin(divided["team_id"])]
    by_product = counted.groupby(["team_id", "product"])[["files_held", "held", "coming"]].sum()
    queues = team.groupby(["team_id", "product"])[["stock_clients", "stock_hours", "inflow_hours"]].sum()
    first_year = months[months["month"] <= 12].assign(hours=lambda rows: rows["old_hours"] + rows["new_hours"])
    asked = divided[(divided["law_domain"] == "zw_wia") & divided["client_line"].isin(["vangnet", "werkgever"])]
    by_line = asked.groupby(["cluster", "client_line"]).agg(
        hours=("hours_verzekeringsarts", "sum"), capacity=("capacity_hours_verzekeringsarts", "sum"),
        held=("files_held_hours_verzekeringsarts", "sum"),
    )  # fmt: skip
    of_lines = lines.set_index(["cluster", "client_line"])
    wait = load[load["capacity_hours_verzekeringsarts"] > 0]
    monthly = wait["capacity_hours_verzekeringsarts"] / 12
    pairs = {
        "first-year hours, load and ledger": (
            of_load["first_year_hours_verzekeringsarts"],
            of_team["hours_verzekeringsarts"],
        ),
        "first-year hours of others, load and ledger": (of_load["first_year_hours_other"], of_team["hours_other"]),
        "files, load and ledger": (of_load["files_held"], of_team["files_held"]),
        "hours in files, load and ledger": (of_load["files_held_hours_verzekeringsarts"], of_team["held"]),
        "first year, months and ledger": (
            first_year.groupby("team_id")["hours"].sum(),
            of_team["hours_verzekeringsarts"].reindex(divided["team_id"].unique()),
        ),
        "files, waiting and ledger": (queues["stock_clients"], by_product["files_held"]),
        "hours in files, waiting and ledger": (queues["stock_hours"], by_product["held"]),
        "inflow a year, waiting and ledger": (queues["inflow_hours"] * 12, by_product["coming"]),
        "waiting time, load": (wait["waiting_months"], wait["files_held_hours_verzekeringsarts"] / monthly),
        "hours, lines and load": (of_lines["hours"], by_line["hours"]),
        "capacity, lines and load": (of_lines["capacity_hours"], by_line["capacity"]),
        "waiting time, lines and load": (of_lines["waiting_months"], by_line["held"] / (by_line["capacity"] / 12)),
    }  # fmt: skip
    found = []
    for name, (one, other) in pairs.items():
        both = pd.concat([one.rename("one"), other.rename("other")], axis=1).astype(float).fillna(0.0)
        off = both[(both["one"] - both["other"]).abs() > EXACT * (1 + both["one"].abs())]
        found += [f"{name}: {where}: {row['one']} and {row['other']}" for where, row in off.iterrows()]
    return found
