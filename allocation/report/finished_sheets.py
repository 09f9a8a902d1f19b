"""Tables about finished work: the lines beside the plan, month by month, and what it says of productivity and hours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from allocation.contract.published_tables import LINE_OUTCOMES
from allocation.publication.small_counts import shown
from allocation.report.dutch import number
from allocation.report.for_readers import seen_apart
from allocation.report.sheet import Cell, Column, Sheet, amount, amount_of, ratio, records, share, text, text_of
from allocation.report.team_sheets import LAYER
from allocation.runs import run_files

COUNTRY = "alle districten"


def line_outcome_sheet(folder: Path, *, for_readers: bool = False) -> Sheet | None:
    """Table ``line_outcomes``; None for a run of before it was made."""
    if not run_files.OUTCOME.table("line_outcomes").exists(folder):
        return None
    table = run_files.OUTCOME.table("line_outcomes").read(folder)
    table = shown(LINE_OUTCOMES, table, seen_apart(folder, LINE_OUTCOMES)) if for_readers else table

    def asked(row: Any) -> Cell:
        return share(ratio(row.asked_hours_verzekeringsarts, row.available_hours_verzekeringsarts))

    def finished_share(row: Any) -> Cell:
        planned = row.finished_planned_clients
        return share(None if pd.isna(planned) or not planned else row.finished_clients / planned)

    columns = [
        text_of("Arbeidsmarktregio", "arbeidsmarktregio"),
        LAYER,
        amount_of("Gevraagd (uur per jaar)", "asked_hours_verzekeringsarts"),
        amount_of("Beschikbaar (uur per jaar)", "available_hours_verzekeringsarts"),
        Column("Gevraagd tegenover beschikbaar", asked),
        amount_of("Dossiers", "files_held"),
        amount_of("Wachttijd (maanden)", "waiting_months", 1),
        amount_of("Wachttijd over een jaar (maanden)", "projected_waiting_months", 1),
    ]
    if table["district"].notna().any():
        columns.insert(1, text_of("District", "district"))
    if table["months"].max() > 0:
        columns += [
            amount_of("Maanden geteld", "months"),
            amount_of("Afgerond (cliënten)", "finished_clients"),
            amount_of("Gepland (cliënten)", "finished_planned_clients"),
            Column("Afgerond tegenover gepland", finished_share),
            amount_of("Doorlooptijd (dagen)", "lead_time_days"),
        ]
    caption = "Per regio, district en lijn: gevraagd, beschikbaar, wachttijd, en afgerond naast gepland"
    return Sheet.of("lijnuitkomsten", caption, columns, records(table))


def month_sheet(folder: Path) -> Sheet | None:
    """Finished work month by month, per district and for all together; None without the file ``completed``."""
    if not run_files.OUTCOME.table("finished_months").exists(folder):
        return None
    months = run_files.OUTCOME.table("finished_months").read(folder)
    if months.empty:
        return None
    rows = months.assign(
        district=months["district"].fillna("zonder district"),
        days=months["lead_time_days"] * months["finished_clients"],
        timed=months["finished_clients"].where(months["lead_time_days"].notna(), 0.0),
    )
    amounts = ["inflow_clients", "finished_clients", "stock_clients", "days", "timed"]
    plans = ["inflow_planned_clients", "finished_planned_clients"]

    def summed(key: list[str]) -> pd.DataFrame:
        grouped = rows.groupby(key)
        return pd.concat([grouped[amounts].sum(), grouped[plans].sum(min_count=1)], axis=1).reset_index()

    parts = [summed(["month"]).assign(district=COUNTRY)]
    if rows["district"].nunique() > 1:
        parts.append(summed(["month", "district"]))
    table = pd.concat(parts, ignore_index=True)
    table["lead_time_days"] = table["days"] / table["timed"].where(table["timed"] > 0)
    columns = (
        text_of("Maand", "month"),
        text_of("District", "district"),
        amount_of("Instroom", "inflow_clients"),
        amount_of("Instroom gepland", "inflow_planned_clients"),
        amount_of("Afgerond", "finished_clients"),
        amount_of("Afgerond gepland", "finished_planned_clients"),
        amount_of("Voorraad aan het eind", "stock_clients"),
        amount_of("Doorlooptijd (dagen)", "lead_time_days"),
    )
    caption = "Maand voor maand: instroom, afgerond werk, voorraad en doorlooptijd (cliënten)"
    return Sheet.of("afgerond-maand", caption, columns, records(table))


def estimate_sheets(folder: Path) -> list[Sheet]:
    """Estimates beside the values in use: hours per product, productivity per team; the largest difference first."""
    if not run_files.OUTCOME.table("norm_estimates").exists(folder):
        return []
    table = run_files.OUTCOME.table("norm_estimates").read(folder)
    if table.empty:
        return []
    table = table.assign(off=table["estimate"] / table["in_use"] - 1)
    table = table.sort_values("off", key=lambda off: -off.abs())

    def estimate(row: Any) -> Cell:
        return Cell(number(row.estimate, 2), round(row.estimate, 2), mark="wijkt af" if row.disagrees else "")

    common = (
        amount_of("In gebruik", "in_use", 2),
        Column("Schatting", estimate),
        Column("80%-interval", lambda row: Cell(f"{number(row.low, 2)} tot {number(row.high, 2)}", round(row.low, 2))),
        Column("Verschil", lambda row: share(row.off, signed=True)),
        Column("Cliënten", lambda row: amount(row.clients)),
    )
    worked = Column("Gewerkt deel van de productieve uren", lambda row: share(row.worked_share))
    products, teams = (table[table["kind"] == kind] for kind in ("hours", "productivity"))
    first, second = Column("Product", lambda row: text(row.product)), Column("Team", lambda row: text(row.team_id))
    return [
        Sheet.of("uren-geschat", "Uren verzekeringsarts per cliënt: in gebruik en geschat", (first, *common),
                 records(products)),
        Sheet.of("productiviteit-geschat", "Productiviteit per team: in gebruik en geschat", (second, *common, worked),
                 records(teams)),
    ]  # fmt: skip
