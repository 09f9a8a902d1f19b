"""Tables about teams and regions: load, waiting time, special groups, months, how good the division is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract.published_tables import REGION_SUMMARY
from allocation.contract.vocabulary import MONTHS_A_YEAR, OVERLOADED, SMALLEST_SHOWN_COUNT
from allocation.districting import check
from allocation.publication.small_counts import parts_shown, shown
from allocation.report import dutch
from allocation.report.board import Board, LayerSums
from allocation.report.dutch import number, percent
from allocation.report.for_readers import lines_shown, months_of, sums_shown
from allocation.report.frames import Frames
from allocation.report.sheet import (
    Cell,
    Column,
    Sheet,
    amount,
    amount_of,
    only,
    ratio,
    records,
    share,
    share_of,
    text,
    text_of,
)
from allocation.runs import run_files

LAYER = Column("Laag", lambda row: text(dutch.layer(row.law_domain, row.client_line)))


def _load_cell(row: Any) -> Cell:
    return share(ratio(row.hours_verzekeringsarts, row.capacity_hours_verzekeringsarts))


def _deviation_cell(row: Any) -> Cell:
    mark = "" if row.is_within_tolerance else "buiten tolerantie"
    return replace(share(row.deviation, signed=True), bar=row.deviation, mark=mark)


def _chance_cell(row: Any) -> Cell:
    chance = row.chance_within_tolerance
    return (
        Cell(f"{dutch.chance(chance)} ({percent(chance, 0)})", round(float(chance), 2))
        if pd.notna(chance)
        else text(None)
    )


def _pieces_cell(row: Any) -> Cell:
    return Cell(number(row.pieces), row.pieces, mark="" if row.pieces == 1 else "niet aaneengesloten")


def _interval_cell(row: Any) -> Cell:
    return Cell(f"{number(row.hours_low)} tot {number(row.hours_high)}", round(row.hours_low, 0))


def _other_cell(row: Any) -> Cell:
    found = share(ratio(row.first_year_hours_other, row.capacity_hours_other))
    is_over = row.first_year_hours_other > OVERLOADED * row.capacity_hours_other
    return Cell(found.text, found.value, mark="meer dan 120%" if is_over else "")


FIRST_YEAR, OTHER = "first_year_hours_verzekeringsarts", "first_year_hours_other"
CHANCE = "chance_within_tolerance"
TEAM_COLUMNS = (
    ("", Column("Team", lambda row: Cell(row.team_id, team=row.team_id))),
    ("", text_of("Naam", "name")),
    ("", text_of("Kantoor", "office")),
    ("", LAYER),
    ("", text_of("Regio of cluster", "cluster")),
    ("", amount_of("Werk (uur per jaar)", "hours_verzekeringsarts")),
    ("", amount_of("Capaciteit (uur per jaar)", "capacity_hours_verzekeringsarts")),
    ("", Column("Belasting", _load_cell)),
    ("", Column("80%-interval (uur)", _interval_cell)),
    ("", Column("Afwijking", _deviation_cell)),
    (CHANCE, Column("Blijft binnen de tolerantie", _chance_cell)),
    ("", amount_of("Gebieden", "areas")),
    ("", Column("Delen", _pieces_cell)),
    ("", amount_of("Afstand (km)", "travel_km", 1)),
    ("travel_minutes", amount_of("Reistijd (minuten)", "travel_minutes")),
    ("far_share", share_of("Cliënten ver weg", "far_share")),
    ("", amount_of("Wachttijd (maanden)", "waiting_months", 1)),
    ("projected_waiting_months", amount_of("Wachttijd over een jaar (maanden)", "projected_waiting_months", 1)),
    (FIRST_YEAR, amount_of("Werk in het eerste jaar (uur)", FIRST_YEAR)),
    (OTHER, amount_of("Werk andere teamleden in het eerste jaar (uur)", OTHER)),
    (OTHER, amount_of("Capaciteit andere teamleden (uur per jaar)", "capacity_hours_other")),
    (OTHER, Column("Belasting andere teamleden", _other_cell)),
    ("files_held", amount_of("Dossiers", "files_held")),
    ("", amount_of("Voorraad in het gebied (cliënten)", "stock_clients")),
)  # fmt: skip
"""Each with the column of ``team_load`` that it needs, where older runs lack it."""


def team_sheet(load: pd.DataFrame) -> Sheet:
    """Every team and layer: load against capacity, and how far from its share."""
    rows = records(load[load["kind"] != "bijzonder"].sort_values(["cluster", "team_id"]))
    caption = "Teams: verwacht werk van verzekeringsartsen tegenover capaciteit"
    return Sheet.of("teams", caption, only(TEAM_COLUMNS, load), rows)


REGION_COLUMNS = (
    text_of("Arbeidsmarktregio", "arbeidsmarktregio"),
    LAYER,
    text_of("Samen verdeeld als", "cluster"),
    amount_of("Teams", "teams"),
    amount_of("Gebieden", "areas"),
    amount_of("Inwoners", "inhabitants"),
    amount_of("Werk (uur per jaar)", "hours_verzekeringsarts"),
    share_of("Gemiddelde afwijking", "mean_deviation"),
    share_of("Grootste afwijking", "max_deviation"),
    amount_of("Afstand (km)", "travel_km", 1),
    amount_of("Gemeentesplitsingen", "municipality_splits"),
    amount_of("Zorgregiosplitsingen", "care_region_splits"),
    amount_of("Verplaatste gebieden", "areas_moved"),
    amount_of("Verhuizende cliënten", "clients_moved"),
    amount_of("Wachttijd (maanden)", "waiting_months", 1),
)


def region_sheet(regions: pd.DataFrame) -> Sheet:
    """Every region and layer."""
    rows = records(regions.sort_values(["arbeidsmarktregio", "law_domain", "client_line"]))
    return Sheet.of("regios", "Regio's: evenwicht, afstand en verplaatsing", REGION_COLUMNS, rows)


def _planned_cell(row: Any) -> Cell:
    return text("zoals in dit voorstel" if pd.isna(row.planned) else f"{percent(row.planned, 0)} boven zijn deel")


ROBUST_COLUMNS = (
    text_of("Regio of cluster", "cluster"),
    LAYER,
    Column("Hoe een team is gepland", _planned_cell),
    share_of("Gemiddelde kans om binnen de tolerantie te blijven", "mean_chance"),
    share_of("Kans van het minst zekere team", "least_chance"),
)


def robustness_sheet(folder: Path) -> Sheet | None:
    """What planning more evenly gains, and what chance takes anyway; None for a run of before there was this table."""
    file = run_files.OUTCOME.table("robustness")
    if not file.exists(folder):
        return None
    caption = "Kans om een jaar binnen de tolerantie te blijven, naar hoe precies is gepland"
    return Sheet.of("kansen", caption, ROBUST_COLUMNS, records(file.read(folder)))


# --- waiting time ----------------------------------------------------------------------------------------------------


def region_waiting(board: Board, *, for_readers: bool = False) -> pd.DataFrame:
    """Per layer and set of regions divided together: its mean waiting time in months, and that of the team with the
    shortest and the longest (``least_``, ``most_``), in force (``now``) and proposed (``new``), of the files that they
    hold. Teams without an area do not count; files that no team of today has count for nobody. ``for_readers``: so that
    no single file shows; where a team is not told of, nor is the shortest."""
    rows = []
    for one in board.layers:
        both: tuple[LayerSums, ...] = (one.sums_now, one.sums)
        both = sums_shown(both) if for_readers else both
        name = dutch.layer(one.layer.law_domain, one.layer.client_line)
        row: dict[str, Any] = {"region": one.layer.cluster, "layer": name}
        for which, sums in zip(("now", "new"), both, strict=True):
            found = sums.teams
            is_told = ~np.isnan(found.waiting_months)
            waiting = found.waiting_months[(found.areas > 0) & is_told]
            is_hidden = for_readers and bool(((found.areas > 0) & (sums.capacity > 0) & ~is_told).any())
            row[f"least_{which}"] = np.nan if is_hidden else waiting.min(initial=np.inf)
            row[f"most_{which}"] = waiting.max(initial=-np.inf)
        capacity = float(one.layer.problem.capacity.sum())
        row["mean"] = both[1].board.files.hours / (capacity / MONTHS_A_YEAR) if capacity > 0 else np.nan
        row["homeless"] = one.files.hours - float(one.files.held_now.sum())
        rows.append(row)
    return pd.DataFrame(rows).replace([np.inf, -np.inf], np.nan)


WITHOUT_CHANGE = dutch.WITHOUT_CHANGE.capitalize()
WAITING_COLUMNS = (
    text_of("Regio of cluster", "region"),
    text_of("Laag", "layer"),
    amount_of("Gemiddeld", "mean", 1),
    amount_of(f"{WITHOUT_CHANGE}: kortste team", "least_now", 1),
    amount_of(f"{WITHOUT_CHANGE}: langste team", "most_now", 1),
    Column(f"{WITHOUT_CHANGE}: verschil", lambda row: amount(row.most_now - row.least_now, 1)),
    amount_of("Voorstel: kortste team", "least_new", 1),
    amount_of("Voorstel: langste team", "most_new", 1),
    Column("Voorstel: verschil", lambda row: amount(row.most_new - row.least_new, 1)),
    amount_of(f"{WITHOUT_CHANGE} bij geen team (uur in dossiers)", "homeless"),
)


def waiting_sheet(board: Board, *, for_readers: bool = False) -> Sheet:
    """How far waiting times lie apart, before and after. Readers do not see hours of files: they tell how many."""
    rows = records(region_waiting(board, for_readers=for_readers).sort_values(["region", "layer"]))
    columns = WAITING_COLUMNS[:-1] if for_readers else WAITING_COLUMNS
    return Sheet.of("wachttijd", "Wachttijd in maanden per regio, en hoe ver de teams uiteenliggen", columns, rows)


def product_waiting_sheet(folder: Path, regions: pd.DataFrame, *, for_readers: bool = False) -> Sheet:
    """Waiting time of every priority product per region and layer (``waiting.waiting_table``); for readers of the
    counts that they see per team (``outcome.seen``), and of no run of before these were kept."""
    file = run_files.OUTCOME.table("waiting_seen" if for_readers else "waiting")
    table = file.read(folder) if file.exists(folder) or not for_readers else pd.DataFrame({"level": []})
    if for_readers and len(table):
        table = table[table["stock_clients"] >= SMALLEST_SHOWN_COUNT]
    names = regions.drop_duplicates("arbeidsmarktregio_nr").set_index("arbeidsmarktregio_nr")["arbeidsmarktregio"]

    def waiting(row: Any) -> Cell:
        return amount(row.waiting_months, 1) if pd.notna(row.waiting_months) else text("komt niet aan de beurt")

    columns = (
        Column("Regio", lambda row: text(names[row.arbeidsmarktregio_nr])),
        LAYER,
        text_of("Product", "product"),
        amount_of("Prioriteit", "priority"),
        amount_of("Cliënten in voorraad", "stock_clients"),
        amount_of("Uren in voorraad", "stock_hours"),
        amount_of("Instroom (uur per maand)", "inflow_hours"),
        amount_of("Capaciteit (uur per maand)", "capacity_hours"),
        Column("Wachttijd (maanden)", waiting),
    )
    rows = records(table[table["level"] == "regio"])
    return Sheet.of("wachttijd-product", "Wachttijd per product met prioriteit en per regio", columns, rows)


LINE_COLUMNS = (
    text_of("Regio of cluster", "cluster"),
    Column("Lijn", lambda row: text(dutch.layer("zw_wia", row.client_line))),
    amount_of("Teams", "teams"),
    share_of("Gevraagd tegenover beschikbaar", "asked"),
    amount_of("Wachttijd (maanden)", "waiting_months", 1),
    amount_of("Capaciteit (uur per jaar)", "capacity_hours"),
    Column("Van de andere lijn gekomen (uur)",
           lambda row: amount(row.moved_hours) if pd.notna(row.moved_hours) else text("onbekend")),
    amount_of("Nog nodig om gelijk te staan (uur)", "even_hours"),
)  # fmt: skip

SHARED_TEAM_COLUMNS = (
    amount_of("Postcodes bij teams van beide lijnen", "shared_areas"),
    amount_of("Waarvan op de andere lijn bij een ander team", "apart_areas"),
)


def line_sheet(folder: Path, *, for_readers: bool = False) -> Sheet | None:
    """The two client lines beside each other (``waiting.line_table``); None where no region keeps two lines."""
    table = run_files.OUTCOME.table("lines").read(folder)
    if table.empty:
        return None
    table = lines_shown(table) if for_readers else table
    columns = (*LINE_COLUMNS, *(SHARED_TEAM_COLUMNS if "shared_areas" in table else ()))  # a run of before has none
    return Sheet.of("lijnen", "Vangnetlijn en werkgeverslijn naast elkaar", columns, records(table))


# --- special groups, months, quality ---------------------------------------------------------------------------------


def special_sheet(load: pd.DataFrame, teams: pd.DataFrame) -> Sheet:
    """The special groups and the capacity of their teams."""
    groups = teams.set_index("team_id")["client_groups"]
    columns = (
        text_of("Team", "team_id"),
        text_of("Naam", "name"),
        Column("Groep", lambda row: text(str(groups.get(row.team_id)).replace("|", ", "))),
        text_of("Kantoor", "office"),
        amount_of("Cliënten per jaar", "clients_per_year"),
        amount_of("Werk (uur per jaar)", "hours_verzekeringsarts"),
        amount_of("Capaciteit (uur per jaar)", "capacity_hours_verzekeringsarts"),
        Column("Belasting", _load_cell),
        amount_of("Wachttijd (maanden)", "waiting_months", 1),
    )
    caption = "Bijzondere groepen: landelijk op één plaats, niet naar postcode"
    return Sheet.of("bijzonder", caption, columns, records(load[load["kind"] == "bijzonder"]))


SHOWN_MONTHS = (1, 6, 12, 24)


def runoff_sheet(folder: Path, *, for_readers: bool = False) -> Sheet:
    """When each team is full: what its old files and its new clients ask, beside its hours a month."""
    months = months_of(folder, for_readers=for_readers)
    asked = (months["old_hours"] + months["new_hours"]) / months["capacity_hours"]
    months = months.assign(asked=asked).sort_values("team_id", kind="stable")
    rows = []
    for team, of_team in groupby(records(months), key=attrgetter("team_id")):
        mine = list(of_team)
        full = (str(row.month) for row in mine if row.is_full)
        rows.append((team, mine[0].capacity_hours, {row.month: row.asked for row in mine}, next(full, "")))

    def asked_in(month: int) -> Column:
        name = f"Gevraagd in maand {month}" if month == SHOWN_MONTHS[0] else f"maand {month}"
        return Column(name, lambda row: share(row[2].get(month)))

    columns = (
        Column("Team", lambda row: text(row[0])),
        Column("Capaciteit (uur per maand)", lambda row: amount(row[1])),
        *(asked_in(month) for month in SHOWN_MONTHS),
        Column("Vol in maand", lambda row: text(row[3])),
    )
    caption = "Maand voor maand: oude dossiers lopen af, nieuwe cliënten komen binnen"
    return Sheet.of("uitloop", caption, columns, rows)


def _feasible_cell(row: Any) -> Cell:
    return Cell("ja") if row[1]["is_feasible"] else Cell("nee", mark="voldoet niet aan alle eisen")


SOLVER_COLUMNS = (
    Column("Regio of cluster", lambda row: text(row[0].layer.cluster)),
    Column("Laag", lambda row: text(dutch.layer(row[0].layer.law_domain, row[0].layer.client_line))),
    Column("Gebieden", lambda row: amount(row[0].layer.problem.n)),
    Column("Teams", lambda row: amount(row[0].layer.problem.k)),
    Column("Doelwaarde", lambda row: amount(row[1]["objective"], 2)),
    Column("Ondergrens", lambda row: amount(row[1]["lower_bound"], 2)),
    Column("Verschil met ondergrens", lambda row: share(row[1]["gap"])),
    Column("Afstand (km)", lambda row: amount(row[1]["terms"]["travel_km"], 1)),
    Column("Verplaatst werk", lambda row: share(row[2])),
    Column("Gemeentesplitsingen", lambda row: amount(row[1]["terms"]["municipality_splits"])),
    Column("Zorgregiosplitsingen", lambda row: amount(row[1]["terms"]["care_region_splits"])),
    Column("Voldoet aan alle eisen", _feasible_cell),
    Column("Waarom gestopt", lambda row: text(dutch.STOPPED.get(row[1]["stopped_because"], row[1]["stopped_because"]))),
    Column("Rekentijd (s)", lambda row: amount(row[1]["seconds"], 1)),
)


def solver_sheet(frames: Frames) -> Sheet:
    """Per layer what the search found, how good that provably is, and why it stopped."""
    rows = []
    for board in frames.board.layers:
        result = run_files.RESULT.read(run_files.layer_folder(frames.folder, board.key))
        moved = result["terms"]["moved"]
        if frames.is_for_readers:
            hours = np.array([board.layer.problem.total_demand])
            moved, result = float(parts_shown(np.array([moved]), hours)[0]), result | _published(result)
        rows.append((board, result, moved))
    return Sheet.of("rekenuitkomst", "Uitkomst van het verdelen, per regio of cluster en laag", SOLVER_COLUMNS, rows)


def _published(result: Mapping[str, Any]) -> dict[str, Any]:
    """Of a result the figures that `region_summary` publishes, as readers see them there."""
    names = ("objective", "lower_bound", "gap")
    exact = pd.DataFrame({name: pd.Series([result[name]], dtype="float64") for name in names})
    seen = shown(REGION_SUMMARY, exact)
    return {name: None if seen[name].isna().all() else float(seen[name].iloc[0]) for name in names}


def broken_rules(frames: Frames) -> list[str]:
    """In plain sentences: every rule that a proposed plan breaks; recounted here."""
    return [
        f"{board.layer.cluster}, {dutch.layer(board.layer.law_domain, board.layer.client_line)}: "
        f"{dutch.violation(one, for_readers=frames.is_for_readers)}"
        for board in frames.board.layers
        for one in check(board.layer.problem, board.proposal)
    ]
