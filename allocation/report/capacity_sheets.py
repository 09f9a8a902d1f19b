"""Tables about capacity: where it is short, what is not reached, and where an FTE or hours of another region help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from allocation.contract.vocabulary import OVERLOADED
from allocation.report import dutch
from allocation.report.dutch import number, percent
from allocation.report.sheet import Cell, Column, Sheet, amount, amount_of, ratio, records, share, text, text_of
from allocation.runs import run_files

HUNDREDTH = 0.01
PROFESSIONS = {"verzekeringsarts": "verzekeringsartsen", "other": "andere teamleden"}


def read_advice(folder: Path) -> pd.DataFrame | None:
    """Table ``capacity_advice`` of a run; None for a run of before it was made."""
    file = run_files.OUTCOME.table("capacity_advice")
    return file.read(folder) if file.exists(folder) else None


def reached_in_words(reached: str) -> str:
    """What of each priority the hours until the horizon reach, in a sentence."""
    told = json.loads(reached)
    if all(one["part"] >= 1 for one in told):
        return "alles komt aan de beurt"
    parts = []
    for one in told:
        products = ", ".join(one["products"])
        if one["part"] >= 1:
            how = "alles"
        elif one["part"] <= 0:
            how = "komt niet aan de beurt"
        else:
            how = f"{percent(one['part'], 0)} komt aan de beurt"
        parts.append(f"prioriteit {one['priority']} ({products}): {how}")
    return "; ".join(parts)


def capacity_sheet(folder: Path) -> Sheet | None:
    """Every region, law domain and profession: those that will wait longest first."""
    table = read_advice(folder)
    if table is None:
        return None
    table = table.sort_values("projected_waiting_months", ascending=False, na_position="first")

    def asked(row: Any) -> Cell:
        part = ratio(row.asked_hours, row.available_hours)
        found = share(part)
        is_over = row.profession == "other" and (part is None or part > OVERLOADED)
        return Cell(found.text, found.value, mark="meer dan 120%" if is_over and row.asked_hours > 0 else "")

    columns = [
        text_of("Arbeidsmarktregio", "arbeidsmarktregio"),
        Column("Wet", lambda row: text(dutch.DOMAINS[row.law_domain])),
        Column("Beroep", lambda row: text(PROFESSIONS[row.profession])),
        amount_of("Gevraagd (uur per jaar)", "asked_hours"),
        amount_of("Beschikbaar (uur per jaar)", "available_hours"),
        Column("Gevraagd tegenover beschikbaar", asked),
        amount_of("Wachttijd nu (maanden)", "waiting_months", 1),
        amount_of("Wachttijd aan de horizon (maanden)", "projected_waiting_months", 1),
        Column("Wat aan de beurt komt", lambda row: text(reached_in_words(row.reached))),
        amount_of("Eén fte erbij scheelt (maanden)", "fte_value_months", 2),
        amount_of("Plaats voor volgende fte", "fte_placed"),
    ]
    if table["district"].notna().any():
        columns.insert(1, text_of("District", "district"))
    caption = "Capaciteit per regio, wet en beroep: gevraagd, beschikbaar, wachttijd en wat niet aan de beurt komt"
    return Sheet.of("capaciteit", caption, columns, records(table))


def loan_sheet(folder: Path) -> Sheet | None:
    """The cheapest loans; None where there are none."""
    table = read_advice(folder)
    if table is None:
        return None
    names = table.drop_duplicates("arbeidsmarktregio_nr").set_index("arbeidsmarktregio_nr")["arbeidsmarktregio"]
    rows = [(row, loan, names[loan["from_nr"]]) for row in records(table) for loan in json.loads(row.loans)]
    if not rows:
        return None
    columns = (
        Column("Van regio", lambda one: text(one[2])),
        Column("Naar regio", lambda one: text(one[0].arbeidsmarktregio)),
        Column("Wet", lambda one: text(dutch.DOMAINS[one[0].law_domain])),
        Column("Beroep", lambda one: text(PROFESSIONS[one[0].profession])),
        Column("Uren per jaar", lambda one: amount(one[1]["hours"])),
        Column("Afstand kantoren (km)", lambda one: amount(one[1]["km"])),
    )
    rows.sort(key=lambda one: -one[1]["hours"])
    return Sheet.of("uitlenen", "Uitlenen: de goedkoopste uren van regio naar regio", columns, rows)


def lending_sentences(folder: Path) -> list[str]:
    """What lending reaches, per law domain and profession."""
    table = read_advice(folder)
    if table is None:
        return []
    told = []
    for (domain, profession), rows in table.groupby(["law_domain", "profession"]):
        who, level, hours = (
            f"{dutch.DOMAINS[str(domain)]}, {PROFESSIONS[str(profession)]}",
            rows["lending_months"].iloc[0],
            rows["borrowed_hours"].sum(),
        )
        if pd.isna(level):
            told.append(f"{who}: uitlenen helpt niet, want een regio heeft geen uren.")
            continue
        after = rows["waiting_after_lending_months"]
        left = rows[after.isna() | (after > level + HUNDREDTH)]
        alone = ", ".join(left["arbeidsmarktregio"])
        but = f" Te ver van andere kantoren: {alone}." if alone else ""
        longest = number(rows.loc[~rows.index.isin(left.index), "projected_waiting_months"].max(), 1)
        if hours <= 0:
            told.append(f"{who}: uitlenen is niet nodig of helpt niet; de langste wacht is {longest} maanden.{but}")
        else:
            proof = ", bewezen de goedkoopste manier" if rows["is_lending_proven"].all() else ""
            told.append(
                f"{who}: met {number(hours)} uur per jaar lenen wacht geen regio langer dan {number(level, 1)} maanden "
                f"(zonder: {longest}){proof}.{but}"
            )
    return told


def handover_sheets(folder: Path) -> list[Sheet]:
    """Per layer what handing over files does and what other differences take; and the postcodes of the proposal."""
    tables = [run_files.OUTCOME.table(name) for name in ("handover_summary", "handover_advice")]
    if not all(table.exists(folder) for table in tables):
        return []
    summary, moves = (table.read(folder) for table in tables)
    if summary.empty:
        return []
    key = ["cluster", "law_domain", "client_line"]
    first = summary.drop_duplicates(key)
    others = summary[summary.duplicated(key)]
    first = first[first["difference_before"] > first["months"]].sort_values("difference_before", ascending=False)
    curve = {
        (row.cluster, row.law_domain, row.client_line, row.months): row.clients_at_least for row in records(others)
    }

    def at_least(months: float) -> Column:
        def cell(row: Any) -> Cell:
            return amount(curve.get((row.cluster, row.law_domain, row.client_line, months)))

        return Column(f"{number(months, 1)} maanden: minstens", cell)

    def proof(row: Any) -> Cell:
        if pd.isna(row.clients_at_least):
            return text(None)
        is_least = row.clients == row.clients_at_least
        return text("bewezen het minste" if is_least else f"minstens {number(row.clients_at_least)}")

    columns = (
        text_of("Regio of cluster", "cluster"),
        Column("Laag", lambda row: text(dutch.layer(row.law_domain, row.client_line))),
        amount_of("Verschil in wachttijd (maanden)", "difference_before", 1),
        amount_of("Na overdragen", "difference_after", 1),
        amount_of("Cliënten die van team wisselen", "clients"),
        Column("Minder kan niet", proof),
        *(at_least(months) for months in sorted(others["months"].unique())),
    )
    caption = "Overdragen van dossiers: hoe ver wachttijden uiteenliggen, en hoeveel cliënten het kost"
    sheets = [Sheet.of("overdragen", caption, columns, records(first))]
    if len(moves):
        of_move = (
            text_of("Van team", "team_from"),
            text_of("Naar team", "team_to"),
            text_of("Postcode", "pc4"),
            text_of("Product", "product"),
            amount_of("Dossiers", "clients"),
            amount_of("Blijft achter", "rest_clients"),
            amount_of("Uren", "hours"),
        )
        sheets.append(Sheet.of("overdragen-postcodes", "Welke postcodes en producten", of_move, records(moves)))
    return sheets
