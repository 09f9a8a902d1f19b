"""Tables about what changes: postcodes, files and why they move, divisions of UWV, scenarios."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from allocation.contract.vocabulary import HOLDER_UNKNOWN, MOVES, STAYS
from allocation.publication.small_counts import shown_counts
from allocation.report import charts
from allocation.report.dutch import number
from allocation.report.for_readers import HOURS_STEP_OF_A_LAYER, in_steps
from allocation.report.sheet import (
    Cell,
    Column,
    Sheet,
    amount,
    amount_of,
    records,
    share,
    share_of,
    text,
    text_of,
)
from allocation.report.team_sheets import LAYER
from allocation.runs import run_files
from allocation.runs.run_files import SCENARIO, SCENARIO_PLACES

SCENARIO_MEASURES: dict[str, tuple[str, Callable[[float], Cell]]] = {
    "teams": ("Teams", amount),
    "verzekeringsarts hours asked a year": ("Gevraagde uren verzekeringsarts per jaar", amount),
    "verzekeringsarts hours available a year": ("Beschikbare uren verzekeringsarts per jaar", amount),
    "asked / available": ("Gevraagd tegenover beschikbaar", share),
    "mean deviation from the target load": ("Gemiddelde afwijking van het eigen deel", share),
    "largest deviation from the target load": ("Grootste afwijking van het eigen deel", share),
    "mean distance to the office, km": ("Gemiddelde afstand tot kantoor (km)", partial(amount, decimals=1)),
    "further teams in a gemeente": ("Gemeentesplitsingen", amount),
    "further teams in a care region": ("Zorgregiosplitsingen", amount),
    "mean waiting time, months": ("Gemiddelde wachttijd (maanden)", partial(amount, decimals=1)),
    "difference in waiting time between regions, months":
        ("Verschil in wachttijd tussen regio's (maanden)", partial(amount, decimals=1)),
    "areas that change team": ("Gebieden die van team wisselen", amount),
    "clients that move": ("Cliënten die verhuizen", amount),
}  # fmt: skip
"""What ``scenario.compare_with_base`` measures: its name for planners, and how a value is shown."""


def scenario_of(folder: Path) -> dict[str, Any] | None:
    """The scenario that a run carries out; None for an ordinary run."""
    return {"reference": "", **SCENARIO.read(folder)} if SCENARIO.exists(folder) else None


def scenario_sheet(folder: Path) -> Sheet | None:
    """The named scenarios beside the division in force: the run's own first, then the newest of every other name that
    was compared with the same version. None when there are none."""
    found: dict[str, tuple[dict[str, Any], dict[Any, Any]]] = {}
    own = scenario_of(folder)
    for path in sorted(folder.parent.glob(f"*/{SCENARIO.name}"), key=lambda one: one.stat().st_mtime, reverse=True):
        table = run_files.SCENARIO_COMPARED.read(path.parent).set_index("measure").to_dict("index")
        told = SCENARIO.read(path.parent)
        if path.parent == folder or (own or {}).get("name") != told["name"]:
            found.setdefault(told["name"], (told, table))
    if not found:
        return None
    base = (own or next(iter(found.values()))[0])["base"]
    shown = [one for one in found.values() if one[0]["base"] == base]
    shown.sort(key=lambda one: own is None or one[0]["name"] != own["name"])

    def of_scenario(told: dict[str, Any], table: dict[Any, Any]) -> Column:
        return Column(told["name"], lambda row: row[1][1](table[row[0]]["scenario"]))

    columns = (
        Column("Wat", lambda row: text(row[1][0])),
        Column(f"Geldende verdeling (versie {base})", lambda row: row[1][1](shown[0][1][row[0]]["base"])),
        *(of_scenario(told, table) for told, table in shown),
    )
    return Sheet.of("scenarios", "Scenario's naast de verdeling die nu geldt", columns, SCENARIO_MEASURES.items())


PLACE_COLUMNS = (
    Column("Niveau", lambda row: text({"regio": "regio of cluster", "district": "district"}[row.level])),
    text_of("Naam", "name"),
    share_of("Gevraagd tegenover beschikbaar: nu", "base_asked"),
    share_of("Idem in het scenario", "scenario_asked"),
    amount_of("Wachttijd (maanden): nu", "base_waiting", 1),
    amount_of("Idem in het scenario", "scenario_waiting", 1),
)


def scenario_places_sheet(folder: Path) -> Sheet | None:
    """The run's own scenario per region and district; None for a run that carries out none."""
    if not SCENARIO_PLACES.exists(folder):
        return None
    caption = "Dit scenario per regio en district"
    return Sheet.of("scenario-plaatsen", caption, PLACE_COLUMNS, records(SCENARIO_PLACES.read(folder)))


def scenario_chart(folder: Path) -> Markup | None:
    """What is asked against what is available, of the version in force and every scenario of ``scenario_sheet``."""
    sheet = scenario_sheet(folder)
    if sheet is None:
        return None
    import altair

    names = [str(name) for name in sheet.columns[1:]]
    asked = next(row for row in sheet.rows if row[0].text == SCENARIO_MEASURES["asked / available"][0])
    shown = pd.DataFrame({"naam": names, "gevraagd": [100 * float(cell.value or 0.0) for cell in asked[1:]]})
    bars = altair.Chart(shown, width=charts.WIDTH).mark_bar().encode(
        y=altair.Y("naam:N", sort=names, title=None, axis=altair.Axis(labelLimit=320)),
        x=altair.X("gevraagd:Q", title="Gevraagd tegenover beschikbaar (%)"),
    )  # fmt: skip
    values = bars.mark_text(align="left", dx=4).encode(text=altair.Text("gevraagd:Q", format=".0f"))
    line = altair.Chart(pd.DataFrame({"vol": [100.0]})).mark_rule(strokeDash=[4, 4]).encode(x="vol:Q")
    return charts.svg(charts.styled(bars + values + line))


def change_sheet(
    changes: pd.DataFrame, areas: pd.DataFrame, *, name: str = "wijzigingen", for_readers: bool = False
) -> Sheet:
    """Every postcode that changes team; the sums are not for readers, who could tell a small count from them."""
    place = areas.set_index("pc4")
    columns = (
        text_of("Postcode", "pc4"),
        Column("Plaats", lambda row: text(place["place"].get(row.pc4))),
        Column("Arbeidsmarktregio", lambda row: text(place["arbeidsmarktregio"].get(row.pc4))),
        LAYER,
        Column("Team nu", lambda row: text(row.team_from) if _has(row.team_from) else Cell("geen team")),
        Column("Team in het voorstel",
               lambda row: Cell(row.team_to, team=row.team_to) if _has(row.team_to) else Cell("postcode vervallen")),
        share_of("Aandeel", "share"),
        amount_of("Cliënten per jaar", "clients", 1),
        amount_of("Uren per jaar", "hours", 1),
    )  # fmt: skip
    sums = [amount(changes["clients"].sum(), 1), amount(changes["hours"].sum(), 1)]
    footer = [] if for_readers else [Cell("Samen"), *[Cell("")] * (len(columns) - 3), *sums]
    rows = records(changes.sort_values(["pc4", "law_domain", "client_line"]))
    return Sheet.of(name, "Wijzigingen ten opzichte van de verdeling die nu geldt", columns, rows, footer)


def _has(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def transition_sheet(transition: pd.DataFrame) -> Sheet:
    """Per team that holds files now: how many stay, how many go where. Adds up to the stock."""
    table = transition.assign(team_from=transition["team_from"].fillna("onbekend"))
    go = table[table["movement"] == MOVES].groupby(["team_from", "team_to"])[["clients"]].sum().reset_index()
    leaving: dict[str, list[str]] = {}
    for row in records(go.sort_values("clients", ascending=False, kind="stable")):
        leaving.setdefault(row.team_from, []).append(f"{row.team_to} ({number(row.clients)})")
    held = table.groupby("team_from")["clients"].sum()
    by_movement = table.groupby(["team_from", "movement"])["clients"].sum().to_dict()

    def moved(team: str, movement: str) -> int:
        return int(by_movement.get((team, movement), 0))

    movements = [("Blijft", STAYS), ("Verhuist", MOVES)]
    if (table["movement"] == HOLDER_UNKNOWN).any():
        movements.append(("Houder onbekend", HOLDER_UNKNOWN))
    columns = (
        Column("Team dat het dossier heeft", text),
        Column("Voorraad (cliënten)", lambda team: amount(held[team])),
        *(Column(name, partial(_moved_cell, moved, key)) for name, key in movements),
        Column("Verhuist naar", lambda team: text(", ".join(leaving.get(team, ())))),
    )
    sums = [amount(table.loc[table["movement"] == key, "clients"].sum()) for _, key in movements]
    total = [Cell("Samen"), amount(table["clients"].sum()), *sums, Cell("")]
    return Sheet.of("overgang", "Overgang: wat er met de cliënten in voorraad gebeurt", columns, held.index, total)


def _moved_cell(moved: Callable[[str, str], int], movement: str, team: str) -> Cell:
    return amount(moved(team, movement))


REASON_COLUMNS = (
    text_of("Reden", "reason"),
    text_of("Wat er gebeurt", "movement"),
    amount_of("Cliënten", "clients"),
)


def reason_sheet(transition: pd.DataFrame) -> Sheet:
    """Why clients stay or move."""
    sums = transition.groupby(["movement", "reason"], as_index=False)[["clients"]].sum()
    total = [Cell("Samen"), Cell(""), amount(transition["clients"].sum())]
    return Sheet.of("redenen", "Waarom cliënten blijven of verhuizen", REASON_COLUMNS, records(sums), total)


VALUES = ["now", "new", "bsn"]


def impact_sheet(folder: Path, *, for_readers: bool = False) -> Sheet:
    """What the division means for each division of UWV, beside dividing by the last digits of the BSN."""
    table = run_files.OUTCOME.table("impact").read(folder)
    table = _impact_seen(table) if for_readers else table

    def shown(row: Any, value: float) -> Cell:
        if row.unit == "aandeel":
            return share(value)
        return amount(value, 1 if row.unit in ("km", "teams", "kantoren") else 0)

    columns = (
        text_of("Divisie", "division"),
        text_of("Onderwerp", "subject"),
        text_of("Eenheid", "unit"),
        Column("Nu", lambda row: shown(row, row.now)),
        Column("Voorstel", lambda row: shown(row, row.new)),
        Column("Bij verdeling naar BSN", lambda row: shown(row, row.bsn)),
    )
    caption = "Gevolgen per divisie, naast een verdeling naar de laatste cijfers van het BSN"
    return Sheet.of("gevolgen", caption, columns, records(table))


def _impact_seen(table: pd.DataFrame) -> pd.DataFrame:
    """The impact analysis with clients as the published tables show them, and hours in steps. A run of before there was
    ``seen`` tells no clients."""
    counts, hours = table["unit"] == "cliënten", table["unit"] == "uur per jaar"
    seen = shown_counts(table["seen"].to_numpy(dtype=np.float64)) if "seen" in table else np.nan
    steps = {name: in_steps(table[name], HOURS_STEP_OF_A_LAYER) for name in VALUES}
    table = table.assign(**{name: table[name].mask(hours, steps[name]).mask(counts) for name in VALUES})
    return table.assign(new=table["new"].mask(counts, seen))
