"""The tables of the report: which figures a planner sees, in which words.

Belongs here: from the tables of a run to columns and cells in Dutch. Does not belong here: HTML, the map.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract.published_tables import ALLOCATION_CHANGES, REGION_SUMMARY, TEAM_LOAD, TRANSITION
from allocation.contract.schema import Table
from allocation.contract.vocabulary import MONTHS_A_YEAR, SMALLEST_SHOWN_COUNT
from allocation.districting import check
from allocation.report import dutch
from allocation.report.board import Board, Totals, totals
from allocation.report.dutch import number, percent


@dataclass(frozen=True)
class Cell:
    """What stands in a cell. ``value`` sorts; ``team`` makes it a button to the map; ``bar`` draws a deviation."""

    text: str
    value: float | None = None
    team: str = ""
    bar: float | None = None
    mark: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table for the screen: the first column names the row. ``numeric`` holds the positions of number columns."""

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: list[list[Cell]]
    footer: list[Cell] = field(default_factory=list)

    @property
    def is_long(self) -> bool:
        return len(self.rows) > 15


def records(table: pd.DataFrame) -> Iterator[Any]:
    """The rows, each with its columns as attributes."""
    return iter(table.itertuples())


def text(value: Any) -> Cell:
    return Cell(dutch.NONE if value is None or value != value or value == "" else str(value))


def amount(value: Any, decimals: int = 0) -> Cell:
    shown = number(value, decimals)
    return Cell(shown, float("nan") if shown == dutch.NONE else float(value))


def share(value: Any, *, signed: bool = False) -> Cell:
    shown = percent(value, signed=signed)
    return Cell(shown, float("nan") if shown == dutch.NONE else float(value))


@dataclass(frozen=True)
class Frames:
    """The tables and files of a finished run, read once."""

    folder: Path
    told: dict[str, Any]
    load: pd.DataFrame
    regions: pd.DataFrame
    changes: pd.DataFrame
    transition: pd.DataFrame
    board: Board
    is_for_readers: bool = False

    @classmethod
    def read(cls, folder: Path) -> Frames:
        def frame(name: str) -> pd.DataFrame:
            return pd.read_parquet(folder / "outcome" / f"{name}.parquet")

        return cls(
            folder,
            read_json(folder / "run.json"),
            frame("team_load"),
            frame("region_summary"),
            frame("allocation_changes"),
            frame("transition"),
            Board.read(folder),
        )

    def for_readers(self) -> Frames:
        """The same for readers outside Operations: small counts are empty, as in the published files (R14)."""
        return replace(
            self,
            load=without_small(self.load, TEAM_LOAD),
            regions=without_small(self.regions, REGION_SUMMARY),
            changes=without_small(self.changes, ALLOCATION_CHANGES),
            transition=without_small(self.transition, TRANSITION),
            is_for_readers=True,
        )


def without_small(rows: pd.DataFrame, table: Table) -> pd.DataFrame:
    """``rows`` with the counts of clients under 5 emptied, and the columns that would tell them."""
    told_by = {c.name: c.name if c.counts_persons else c.told_by for c in table.columns if c.name in rows}
    hidden = {name: _hidden(rows[name], rows[count]) for name, count in told_by.items() if count}
    return rows.assign(**hidden)


def _hidden(values: pd.Series, counts: pd.Series) -> pd.Series:
    return values.astype("float64").where(counts.astype("float64") >= SMALLEST_SHOWN_COUNT)


def read_json(path: Path) -> Any:
    """The content of a JSON file; nothing when it is not there."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


# --- the strip of figures --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """One card: a name, the proposal, and what it is now (empty where that has no meaning)."""

    name: str
    proposal: str
    now: str = ""
    note: str = ""


def key_figures(frames: Frames) -> list[Figure]:
    """The figures at the top, over all layers: proposal, and the division in force counted in the same way."""
    layers = frames.board.layers
    new = totals([b.sums for b in layers])
    old = totals([b.sums_now for b in layers])
    divided = frames.load[frames.load["kind"] != "bijzonder"]
    outside = divided[~divided["is_within_tolerance"]]
    has_now = old.without_team < sum(len(b.now) for b in layers)
    return [
        Figure("Regio's", number(frames.regions["arbeidsmarktregio_nr"].nunique())),
        Figure("Teams", number(frames.load["team_id"].nunique()), note="waarvan bijzonder: "
               + number((frames.load["kind"] == "bijzonder").sum())),
        Figure("Postcodegebieden", number(new.areas)),
        *_balance(new, old, has_now),
        _waiting_figure(frames, has_now),
        Figure("Gebieden buiten tolerantie", number(outside["areas"].sum()),
               note=f"van {number(len(outside))} {'team' if len(outside) == 1 else 'teams'}"),
        Figure("Verplaatste postcodes", number(frames.changes["pc4"].nunique()),
               note=percent(frames.changes["pc4"].nunique() / max(new.areas, 1)) + " van alle gebieden"),
        *_moves(frames),
    ]  # fmt: skip


def _moves(frames: Frames) -> Iterable[Figure]:
    if frames.is_for_readers:  # of a total and all parts but one, the small part can be told
        return
    moves = frames.transition[frames.transition["movement"] == "verhuist"]["clients"].sum()
    in_stock = number(frames.transition["clients"].sum())
    yield Figure("Verhuizende cliënten", number(moves), note=f"van {in_stock} in voorraad")


def _balance(new: Totals, old: Totals, has_now: bool) -> Iterable[Figure]:
    def now(shown: str) -> str:
        return shown if has_now else ""

    yield Figure("Grootste afwijking", percent(new.max_deviation), now(percent(old.max_deviation)))
    yield Figure("Gemiddelde afwijking", percent(new.mean_deviation), now(percent(old.mean_deviation)))
    yield Figure("Teams buiten tolerantie", number(new.teams_outside), now(number(old.teams_outside)))
    yield Figure("Niet aaneengesloten teams", number(new.not_contiguous), now(number(old.not_contiguous)))
    yield Figure("Afstand tot kantoor", f"{number(new.travel_km, 1)} km", now(f"{number(old.travel_km, 1)} km"),
                 "hemelsbreed, gewogen naar werk")  # fmt: skip
    yield Figure("Gemeentesplitsingen", number(new.municipality_splits), now(number(old.municipality_splits)))
    yield Figure("Zorgregiosplitsingen", number(new.care_region_splits), now(number(old.care_region_splits)))
    yield Figure("Wachttijd (maanden)", number(new.waiting_months, 1), note="uren in voorraad / maandcapaciteit")


def _waiting_figure(frames: Frames, has_now: bool) -> Figure:
    spreads = region_waiting(frames.board)
    new, old = (float((spreads[f"most_{which}"] - spreads[f"least_{which}"]).mean()) for which in ("new", "now"))
    regions = spreads.groupby("region")["mean"].max()
    return Figure("Verschil in wachttijd binnen een regio (maanden)", number(new, 1), number(old, 1) if has_now else "",
                  f"gemiddeld; regio's van {number(regions.min(), 1)} tot {number(regions.max(), 1)}")  # fmt: skip


# --- tables ----------------------------------------------------------------------------------------------------------


def team_sheet(load: pd.DataFrame) -> Sheet:
    """Every team and layer: load against capacity, and how far from its share."""
    rows = []
    for one in records(load[load["kind"] != "bijzonder"].sort_values(["cluster", "team_id"])):
        rows.append([
            Cell(one.team_id, team=one.team_id), text(one.name), text(one.office),
            text(dutch.layer(one.law_domain, one.client_line)), text(one.cluster),
            amount(one.hours_verzekeringsarts), amount(one.capacity_hours_verzekeringsarts),
            share(_ratio(one.hours_verzekeringsarts, one.capacity_hours_verzekeringsarts)),
            Cell(f"{number(one.hours_low)} tot {number(one.hours_high)}", one.hours_low),
            Cell(percent(one.deviation, signed=True), one.deviation, bar=one.deviation,
                 mark="" if one.is_within_tolerance else "buiten tolerantie"),
            amount(one.areas),
            Cell(number(one.pieces), one.pieces, mark="" if one.pieces == 1 else "niet aaneengesloten"),
            amount(one.travel_km, 1), amount(one.waiting_months, 1), amount(one.stock_clients),
        ])  # fmt: skip
    columns = (
        "Team", "Naam", "Kantoor", "Laag", "Regio of cluster", "Werk (uur per jaar)", "Capaciteit (uur per jaar)",
        "Belasting", "80%-interval (uur)", "Afwijking", "Gebieden", "Delen", "Afstand (km)", "Wachttijd (maanden)",
        "Voorraad (cliënten)",
    )  # fmt: skip
    return Sheet("teams", "Teams: verwacht werk van verzekeringsartsen tegenover capaciteit", columns, rows)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def region_sheet(regions: pd.DataFrame) -> Sheet:
    """Every region and layer."""
    rows = [
        [
            text(one.arbeidsmarktregio), text(dutch.layer(one.law_domain, one.client_line)), text(one.cluster),
            amount(one.teams), amount(one.areas), amount(one.inhabitants), amount(one.hours_verzekeringsarts),
            share(one.mean_deviation), share(one.max_deviation), amount(one.travel_km, 1),
            amount(one.municipality_splits), amount(one.care_region_splits), amount(one.areas_moved),
            amount(one.clients_moved), amount(one.waiting_months, 1),
        ]
        for one in records(regions.sort_values(["arbeidsmarktregio", "law_domain", "client_line"]))
    ]  # fmt: skip
    columns = (
        "Arbeidsmarktregio", "Laag", "Samen verdeeld als", "Teams", "Gebieden", "Inwoners", "Werk (uur per jaar)",
        "Gemiddelde afwijking", "Grootste afwijking", "Afstand (km)", "Gemeentesplitsingen", "Zorgregiosplitsingen",
        "Verplaatste gebieden", "Verhuizende cliënten", "Wachttijd (maanden)",
    )  # fmt: skip
    return Sheet("regios", "Regio's: evenwicht, afstand en verplaatsing", columns, rows)


def region_waiting(board: Board) -> pd.DataFrame:
    """Per layer and set of regions divided together: its mean waiting time in months, and that of the team with the
    shortest and the longest (``least_``, ``most_``), in force (``now``) and proposed (``new``). Teams without an area
    do not count; stock that no team has now counts for nobody."""
    rows = []
    for one in board.layers:
        name = dutch.layer(one.layer.law_domain, one.layer.client_line)
        row: dict[str, Any] = {"region": one.layer.cluster, "layer": name}
        for which, sums in (("now", one.sums_now), ("new", one.sums)):
            found = sums.teams
            waiting = found.waiting_months[(found.areas > 0) & ~np.isnan(found.waiting_months)]
            row |= {f"least_{which}": waiting.min(initial=np.inf), f"most_{which}": waiting.max(initial=-np.inf)}
        capacity = float(one.layer.problem.capacity.sum())
        row["mean"] = float(one.stock_hours.sum()) / (capacity / MONTHS_A_YEAR) if capacity > 0 else np.nan
        row["homeless"] = float(one.stock_hours[one.now < 0].sum())
        rows.append(row)
    return pd.DataFrame(rows).replace([np.inf, -np.inf], np.nan)


def waiting_sheet(board: Board) -> Sheet:
    """How far waiting times lie apart, before and after."""
    rows = [
        [
            text(one.region), text(one.layer), amount(one.mean, 1),
            amount(one.least_now, 1), amount(one.most_now, 1), amount(one.most_now - one.least_now, 1),
            amount(one.least_new, 1), amount(one.most_new, 1), amount(one.most_new - one.least_new, 1),
            amount(one.homeless),
        ]
        for one in records(region_waiting(board).sort_values(["region", "layer"]))
    ]  # fmt: skip
    columns = (
        "Regio of cluster", "Laag", "Gemiddeld", "Nu: kortste team", "Nu: langste team", "Nu: verschil",
        "Voorstel: kortste team", "Voorstel: langste team", "Voorstel: verschil", "Nu zonder team (uur in voorraad)",
    )  # fmt: skip
    return Sheet("wachttijd", "Wachttijd in maanden per regio, en hoe ver de teams uiteenliggen", columns, rows)


def product_waiting_sheet(folder: Path, regions: pd.DataFrame, *, for_readers: bool = False) -> Sheet:
    """Waiting time of every priority product per region and layer (``waiting.waiting_table``)."""
    table = pd.read_parquet(folder / "outcome" / "waiting.parquet")
    if for_readers:  # whole rows: the hours and the months would tell the count
        table = table[table["stock_clients"] >= SMALLEST_SHOWN_COUNT]
    names = regions.drop_duplicates("arbeidsmarktregio_nr").set_index("arbeidsmarktregio_nr")["arbeidsmarktregio"]
    rows = [
        [
            text(names[one.arbeidsmarktregio_nr]), text(dutch.layer(one.law_domain, one.client_line)),
            text(one.product), amount(one.priority), amount(one.stock_clients), amount(one.stock_hours),
            amount(one.inflow_hours), amount(one.capacity_hours),
            amount(one.waiting_months, 1) if pd.notna(one.waiting_months) else text("komt niet aan de beurt"),
        ]
        for one in records(table[table["level"] == "regio"])
    ]  # fmt: skip
    columns = (
        "Regio", "Laag", "Product", "Prioriteit", "Cliënten in voorraad", "Uren in voorraad",
        "Instroom (uur per maand)", "Capaciteit (uur per maand)", "Wachttijd (maanden)",
    )  # fmt: skip
    return Sheet("wachttijd-product", "Wachttijd per product met prioriteit en per regio", columns, rows)


def line_sheet(folder: Path) -> Sheet | None:
    """The two client lines beside each other (``waiting.line_table``); None where no region keeps two lines."""
    table = pd.read_parquet(folder / "outcome" / "lines.parquet")
    if table.empty:
        return None
    rows = [
        [
            text(one.cluster), text(dutch.layer("zw_wia", one.client_line)), amount(one.teams), share(one.asked),
            amount(one.waiting_months, 1), amount(one.capacity_hours),
            amount(one.moved_hours) if pd.notna(one.moved_hours) else text("onbekend"), amount(one.even_hours),
        ]
        for one in records(table)
    ]  # fmt: skip
    columns = (
        "Regio of cluster", "Lijn", "Teams", "Gevraagd tegenover beschikbaar", "Wachttijd (maanden)",
        "Capaciteit (uur per jaar)", "Van de andere lijn gekomen (uur)", "Nog nodig om gelijk te staan (uur)",
    )  # fmt: skip
    return Sheet("lijnen", "Vangnetlijn en werkgeverslijn naast elkaar", columns, rows)


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


def scenario_sheet(folder: Path) -> Sheet | None:
    """The named scenarios beside the division in force: the run's own first, then the newest of every other name that
    was compared with the same version. None when there are none."""
    found: dict[str, tuple[dict[str, Any], dict[Any, Any]]] = {}
    own = read_json(folder / "scenario.json")
    for path in sorted(folder.parent.glob("*/scenario.json"), key=lambda one: one.stat().st_mtime, reverse=True):
        table = pd.read_parquet(path.with_name("scenario.parquet")).set_index("measure").to_dict("index")
        told = read_json(path)
        if path.parent == folder or (own or {}).get("name") != told["name"]:
            found.setdefault(told["name"], (told, table))
    if not found:
        return None
    base = (own or next(iter(found.values()))[0])["base"]
    shown = [one for one in found.values() if one[0]["base"] == base]
    shown.sort(key=lambda one: own is None or one[0]["name"] != own["name"])
    rows = [
        [
            text(name),
            cell(shown[0][1][measure]["base"]),
            *(cell(table[measure]["scenario"]) for _, table in shown),
        ]
        for measure, (name, cell) in SCENARIO_MEASURES.items()
    ]
    columns = ("Wat", f"Geldende verdeling (versie {base})", *(told["name"] for told, _ in shown))
    return Sheet("scenarios", "Scenario's naast de verdeling die nu geldt", columns, rows)


def change_sheet(changes: pd.DataFrame, areas: pd.DataFrame, *, for_readers: bool = False) -> Sheet:
    """Every postcode that changes team; the sums are not for readers, who could tell a small count from them."""
    place = areas.set_index("pc4")
    rows = [
        [
            text(one.pc4), text(_known(place["place"], one.pc4)), text(_known(place["arbeidsmarktregio"], one.pc4)),
            text(dutch.layer(one.law_domain, one.client_line)),
            text(one.team_from) if _has(one.team_from) else Cell("geen team"),
            Cell(one.team_to, team=one.team_to) if _has(one.team_to) else Cell("postcode vervallen"),
            share(one.share), amount(one.clients, 1), amount(one.hours, 1),
        ]
        for one in records(changes.sort_values(["pc4", "law_domain", "client_line"]))
    ]  # fmt: skip
    columns = (
        "Postcode", "Plaats", "Arbeidsmarktregio", "Laag", "Team nu", "Team in het voorstel", "Aandeel",
        "Cliënten per jaar", "Uren per jaar",
    )  # fmt: skip
    footer = [Cell("Samen"), *[Cell("")] * 6, amount(changes["clients"].sum(), 1), amount(changes["hours"].sum(), 1)]
    footer = [] if for_readers else footer
    return Sheet("wijzigingen", "Wijzigingen ten opzichte van de verdeling die nu geldt", columns, rows, footer)


def _has(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _known(column: pd.Series, pc4: str) -> Any:
    return column.get(pc4)


def transition_sheet(transition: pd.DataFrame) -> Sheet:
    """Per team that holds files now: how many stay, how many go where. Adds up to the stock."""
    table = transition.assign(team_from=transition["team_from"].fillna("onbekend"))
    stay = table[table["movement"] == "blijft"].groupby("team_from")["clients"].sum()
    go = table[table["movement"] == "verhuist"]
    rows = []
    for team, clients in table.groupby("team_from")["clients"].sum().items():
        leaving = go[go["team_from"] == team].groupby("team_to")["clients"].sum().sort_values(ascending=False)
        where = ", ".join(f"{to} ({number(count)})" for to, count in leaving.items())
        stays = int(stay.get(team, 0))
        rows.append([text(team), amount(clients), amount(stays), amount(clients - stays), text(where)])
    total = [Cell("Samen"), amount(table["clients"].sum()), amount(stay.sum()), amount(go["clients"].sum()), Cell("")]
    columns = ("Team dat het dossier heeft", "Voorraad (cliënten)", "Blijft", "Verhuist", "Verhuist naar")
    return Sheet("overgang", "Overgang: wat er met de cliënten in voorraad gebeurt", columns, rows, total)


def reason_sheet(transition: pd.DataFrame) -> Sheet:
    """Why clients stay or move."""
    sums = transition.groupby(["movement", "reason"], as_index=False)[["clients"]].sum()
    rows = [[text(one.reason), text(one.movement), amount(one.clients)] for one in records(sums)]
    total = [Cell("Samen"), Cell(""), amount(transition["clients"].sum())]
    return Sheet(
        "redenen", "Waarom cliënten blijven of verhuizen", ("Reden", "Wat er gebeurt", "Cliënten"), rows, total
    )


def special_sheet(load: pd.DataFrame, teams: pd.DataFrame) -> Sheet:
    """The special groups and the capacity of their teams."""
    groups = teams.set_index("team_id")["client_groups"]
    rows = [
        [
            text(one.team_id), text(one.name), text(str(groups.get(one.team_id)).replace("|", ", ")), text(one.office),
            amount(one.clients_per_year), amount(one.hours_verzekeringsarts),
            amount(one.capacity_hours_verzekeringsarts),
            share(_ratio(one.hours_verzekeringsarts, one.capacity_hours_verzekeringsarts)),
            amount(one.waiting_months, 1),
        ]
        for one in records(load[load["kind"] == "bijzonder"])
    ]  # fmt: skip
    columns = (
        "Team", "Naam", "Groep", "Kantoor", "Cliënten per jaar", "Werk (uur per jaar)", "Capaciteit (uur per jaar)",
        "Belasting", "Wachttijd (maanden)",
    )  # fmt: skip
    return Sheet("bijzonder", "Bijzondere groepen: landelijk op één plaats, niet naar postcode", columns, rows)


def runoff_sheet(folder: Path) -> Sheet:
    """When each team is full: what its old files and its new clients ask, beside its hours a month."""
    months = pd.read_parquet(folder / "outcome" / "team_months.parquet")
    rows = []
    for team, mine in months.groupby("team_id"):
        at = mine.set_index("month")
        asked = (at["old_hours"] + at["new_hours"]) / at["capacity_hours"]
        full = at.index[at["is_full"]]
        shown = [share(asked.get(month)) for month in (1, 6, 12, 24)]
        rows.append([text(team), amount(at["capacity_hours"].iloc[0]), *shown, text(str(full[0]) if len(full) else "")])
    columns = (
        "Team", "Capaciteit (uur per maand)", "Gevraagd in maand 1", "maand 6", "maand 12", "maand 24", "Vol in maand",
    )  # fmt: skip
    return Sheet("uitloop", "Maand voor maand: oude dossiers lopen af, nieuwe cliënten komen binnen", columns, rows)


def impact_sheet(folder: Path, *, for_readers: bool = False) -> Sheet:
    """What the division means for each division of UWV, beside dividing by the last digits of the BSN."""
    table = pd.read_parquet(folder / "outcome" / "impact.parquet")

    def shown(one: Any, value: float) -> Cell:
        if for_readers and one.unit == "cliënten" and value == value and value is not None:
            # In tens: a total and all parts but one would tell the small part.
            return amount(round(value, -1)) if value >= SMALLEST_SHOWN_COUNT else text(None)
        return (
            share(value)
            if one.unit == "aandeel"
            else amount(value, 1 if one.unit in ("km", "teams", "kantoren") else 0)
        )

    rows = [
        [text(one.division), text(one.subject), text(one.unit), *(shown(one, v) for v in (one.now, one.new, one.bsn))]
        for one in records(table)
    ]
    columns = ("Divisie", "Onderwerp", "Eenheid", "Nu", "Voorstel", "Bij verdeling naar BSN")
    return Sheet(
        "gevolgen", "Gevolgen per divisie, naast een verdeling naar de laatste cijfers van het BSN", columns, rows
    )


def solver_sheet(frames: Frames) -> Sheet:
    """Per layer what the search found, how good that provably is, and why it stopped."""
    rows = []
    for board in frames.board.layers:
        result = read_json(frames.folder / "layers" / board.key / "result.json")
        terms = result["terms"]
        rows.append([
            text(board.layer.cluster), text(dutch.layer(board.layer.law_domain, board.layer.client_line)),
            amount(board.layer.problem.n), amount(board.layer.problem.k), amount(result["objective"], 2),
            amount(result["lower_bound"], 2), share(result["gap"]), amount(terms["travel_km"], 1),
            share(terms["moved"]), amount(terms["municipality_splits"]), amount(terms["care_region_splits"]),
            Cell("ja") if result["is_feasible"] else Cell("nee", mark="voldoet niet aan alle eisen"),
            text(dutch.STOPPED.get(result["stopped_because"], result["stopped_because"])), amount(result["seconds"], 1),
        ])  # fmt: skip
    columns = (
        "Regio of cluster", "Laag", "Gebieden", "Teams", "Doelwaarde", "Ondergrens", "Verschil met ondergrens",
        "Afstand (km)", "Verplaatst werk", "Gemeentesplitsingen", "Zorgregiosplitsingen", "Voldoet aan alle eisen",
        "Waarom gestopt", "Rekentijd (s)",
    )  # fmt: skip
    return Sheet("rekenuitkomst", "Uitkomst van het verdelen, per regio of cluster en laag", columns, rows)


def broken_rules(frames: Frames) -> list[str]:
    """In plain sentences: every rule that a proposed plan breaks; recounted here."""
    return [
        f"{board.layer.cluster}, {dutch.layer(board.layer.law_domain, board.layer.client_line)}: {dutch.violation(one)}"
        for board in frames.board.layers
        for one in check(board.layer.problem, board.proposal)
    ]


@dataclass(frozen=True)
class Gate:
    """Outcome of one gate of the validation."""

    name: str
    success: bool
    checks: int
    met: int
    failed: Sequence[dict[str, Any]]


def gates(folder: Path) -> list[Gate]:
    """What the expectations found; empty when the run was not validated."""
    told = read_json(folder / "validation" / "result.json") or {}
    names = {"inputs": "Invoer", "input": "Invoer", "outcome": "Uitkomst"}
    return [
        Gate(names.get(name, name), part["success"], int(part["statistics"]["checks"]), int(part["statistics"]["met"]),
             part["failed"])
        for name, part in told.items()
        if isinstance(part, dict)
    ]  # fmt: skip


def repair_sheets(folder: Path) -> list[Sheet]:
    """Repairs of boundaries: counts per class, the ones of small classes by name; and the bridges."""
    repairs = _repairs(folder)
    counts = repairs.rename(columns={"class": "kind"}).value_counts(["kind", "action"]).reset_index(name="count")
    summary = [[text(one.kind.replace("_", " ")), text(one.action), amount(one[3])] for one in records(counts)]
    small = repairs[repairs.groupby("class")["class"].transform("size") <= 200]
    named = [
        [text(one["class"].replace("_", " ")), text(one["pc4"]), text(one["detail"]), text(one["action"])]
        for one in small.to_dict("records")
    ]
    edges = pd.read_parquet(folder / "boundaries" / "edges.parquet")
    crossings = [
        [text(one.a), text(one.b), text(dutch.crossing(one.reason))]
        for one in records(edges[edges["kind"] == "bridge"])
    ]
    return [
        Sheet("herstel", "Herstelde grenzen en bijzonderheden, geteld", ("Soort", "Wat er is gedaan", "Aantal"),
              summary),
        Sheet("herstel-namen", "Bijzonderheden per postcode (soorten met hoogstens 200 gevallen)",
              ("Soort", "Postcode", "Bijzonderheid", "Wat er is gedaan"), named),
        Sheet("verbindingen", "Verbindingen over water: gebieden die als buren gelden zonder gedeelde grens",
              ("Postcode", "Met postcode", "Verbinding"), crossings),
    ]  # fmt: skip


def _repairs(folder: Path) -> pd.DataFrame:
    """What was repaired in the boundaries, what changed since the edition in force, and postcodes without an area."""
    replaced = pd.read_parquet(folder / "inputs" / "replaced.parquet").assign(**{"class": "zonder_vlak"})
    frames = [pd.read_parquet(folder / "boundaries" / "repairs.parquet")]
    frames.append(pd.read_parquet(folder / "succession" / "noticed.parquet"))
    return pd.concat([*frames, replaced[frames[0].columns]], ignore_index=True)


def fingerprint_sheet(folder: Path) -> Sheet:
    """Every input with its SHA-256."""
    inputs, boundaries = read_json(folder / "inputs.json"), read_json(folder / "boundaries.json") or {}
    rows = [[text(name), text(value)] for name, value in sorted(inputs["sha256"].items())]
    if "fingerprint" in boundaries:
        rows.append([text("grenzen"), text(boundaries["fingerprint"])])
    return Sheet("bestanden", "Gebruikte bestanden met hun SHA-256", ("Bestand", "SHA-256"), rows)


def setting_sheet(config: dict[str, Any]) -> Sheet:
    """The configuration in full, one setting a row."""
    rows = [[text(name), text(_setting(value))] for name, value in _flat(config)]
    return Sheet("instellingen", "Instellingen van deze run", ("Instelling", "Waarde"), rows)


def _flat(values: dict[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _setting(value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return "ja" if value else "nee"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return number(value, 0 if float(value).is_integer() else 3) if isinstance(value, int | float) else str(value)
