"""Page one of the report: the decision. What changes, for whom, from when, why; before and after; what to watch.

Every count is read from the outcome's tables, so that it is the one of the published version. Belongs here: choosing
and wording. Does not belong here: the tables behind it, HTML.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from allocation.contract.vocabulary import MOVES
from allocation.report import dutch
from allocation.report.account_sheets import Gate, finding
from allocation.report.board import LayerBoard, totals
from allocation.report.change_sheets import change_sheet
from allocation.report.division_charts import Chart, load_chart
from allocation.report.dutch import number, percent
from allocation.report.estimate import suspected_breaks
from allocation.report.for_readers import sums_shown
from allocation.report.frames import Frames
from allocation.report.moves import office_move, reasons_counted
from allocation.report.sheet import Cell, Column, Sheet, amount, amount_of, records, share, text
from allocation.report.team_sheets import broken_rules, region_waiting
from allocation.runs import run_files

MOST_REGION_PAGES = 4
MOST_FLOWS = 4
MOST_WARNINGS = 6
TOLD_BY_BROKEN_RULES = "beyond_tolerance"
"""The check of the gate that finds in the tables what ``team_sheets.broken_rules`` finds in the plans."""


@dataclass(frozen=True)
class Figure:
    """A name, the proposal, and what it is without a change (`dutch.WITHOUT_CHANGE`; empty if that means nothing)."""

    name: str
    proposal: str
    now: str = ""
    note: str = ""


@dataclass(frozen=True)
class RegionPage:
    """What changes in one region: its teams before and after, its postcodes. ``position``: among the map's regions."""

    name: str
    position: int
    chart: Chart | None
    teams: Sheet
    changes: Sheet


@dataclass(frozen=True)
class Decision:
    """What an approver reads first."""

    first_day: str
    compared_with: str
    summary: str
    figures: list[Figure]
    regions: Sheet
    switching: list[str]
    offices: list[str]
    movements: list[str]
    all_warnings: list[str]
    map_region: int | None
    pages: list[RegionPage]

    def with_found(self, gates: Iterable[Gate]) -> Decision:
        """The same with what the gates found, but for what the broken rules of the plans have told."""
        new = [
            (gate.name, one) for gate in gates for one in gate.failed if one.get("expectation") != TOLD_BY_BROKEN_RULES
        ]
        told = [f"{name}: {finding(one, most=1)}" for name, one in new]
        return replace(self, all_warnings=[*self.all_warnings, *told])

    @property
    def warnings(self) -> list[str]:
        """The warnings that page one has room for."""
        return self.all_warnings[:MOST_WARNINGS]

    @property
    def more_warnings(self) -> int:
        return len(self.all_warnings) - len(self.warnings)


def decision(frames: Frames, region_names: list[str]) -> Decision:
    """The decision that a run asks for, but for what the gates found. ``region_names``: in the order of the map."""
    changed = _changed_regions(frames)
    names = _pages_of(changed)
    few = names if len(names) <= MOST_REGION_PAGES else []
    return Decision(
        first_day=dutch.planned_day(frames.record.config.get("valid_from")),
        compared_with=_compared_with(frames),
        summary=_summary(frames, changed),
        figures=main_figures(frames),
        regions=_region_sheet(_with_figures_now(frames, changed), for_readers=frames.is_for_readers),
        switching=_switching(frames.changes, for_readers=frames.is_for_readers),
        offices=[f"{one}." for one in _office_moves(frames)],
        movements=[] if frames.is_for_readers else _movements(frames.transition),
        all_warnings=[*broken_rules(frames), *suspected_breaks(frames.folder)],
        map_region=region_names.index(names[0]) if len(names) == 1 else None,
        pages=[_region_page(frames, name, region_names.index(name)) for name in few],
    )


def layers_shown(frames: Frames) -> list[LayerBoard]:
    """The layers of the regions that change, where these are few; else all."""
    names = _pages_of(_changed_regions(frames))
    if not 0 < len(names) <= MOST_REGION_PAGES:
        return list(frames.board.layers)
    areas = frames.board.areas
    codes = set(areas.loc[areas["arbeidsmarktregio"].isin(names), "pc4"])
    return [part for part in frames.board.layers if codes & set(part.layer.parts["pc4"])]


def _compared_with(frames: Frames) -> str:
    facts = run_files.LAYERS.read(frames.folder)
    version, since = facts.from_version, facts.in_force_since
    if version is None:
        return "de verdeling in de invoermap" if len(frames.changes) or _has_now(frames) else "geen eerdere verdeling"
    return f"versie {number(version)}" + (f", die geldt sinds {dutch.day(since)}" if since else "")


def _has_now(frames: Frames) -> bool:
    return any((board.now >= 0).any() for board in frames.board.layers)


def _changed_regions(frames: Frames) -> pd.DataFrame:
    regions = frames.regions
    return regions[(regions["areas_moved"] > 0) | (regions["clients_moved"].fillna(0) > 0)]


def _pages_of(changed: pd.DataFrame) -> list[str]:
    """The regions where postcodes change team; where none does, those where files move."""
    divided = changed[changed["areas_moved"] > 0]
    return [str(name) for name in (divided if len(divided) else changed)["arbeidsmarktregio"].drop_duplicates()]


def _summary(frames: Frames, changed: pd.DataFrame) -> str:
    divided = changed.loc[changed["areas_moved"] > 0, "arbeidsmarktregio"].drop_duplicates().tolist()
    others = changed.loc[~changed["arbeidsmarktregio"].isin(divided), "arbeidsmarktregio"].nunique()
    least = "ten minste " if frames.is_for_readers else ""  # of a few clients they see none
    beside = f" In {least}{_regions(others)} verhuizen alleen dossiers." if others else ""
    beside += _offices_in_short(_office_moves(frames))
    if not divided:
        return f"Er wisselt geen enkele postcode van team.{beside}"
    areas = frames.changes["pc4"].nunique()
    where = ", ".join(divided) if len(divided) <= MOST_REGION_PAGES else _regions(len(divided))
    what = "1 postcode wisselt" if areas == 1 else f"{number(areas)} postcodes wisselen"
    rest = number(frames.totals[0].areas - areas)
    return f"{what} van team, in {where}; de andere {rest} houden hun team.{beside}"


def _office_moves(frames: Frames) -> list[str]:
    return [office_move(row.team_id, row.office_from, row.office_to) for row in records(frames.office_moves)]


def _offices_in_short(moves: list[str]) -> str:
    """Who moves office, at the end of the summary: an answer to others changes with it, even where no client moves."""
    if not moves:
        return ""
    more = f"; en nog {number(len(moves) - MOST_FLOWS)} teams" if len(moves) > MOST_FLOWS else ""
    return f" Van kantoor {'verhuist' if len(moves) == 1 else 'verhuizen'} {'; '.join(moves[:MOST_FLOWS])}{more}."


def _regions(count: int) -> str:
    return "1 regio" if count == 1 else f"{number(count)} regio's"


def main_figures(frames: Frames) -> list[Figure]:
    """The five figures of the page, over all layers: proposal, and the division in force counted in the same way."""
    new, old = frames.totals
    has_now = _has_now(frames)

    def now(shown: str) -> str:
        return shown if has_now else ""

    return [
        Figure("Grootste afwijking van het eigen deel", percent(new.max_deviation), now(percent(old.max_deviation))),
        *_moves(frames),
        Figure("Postcodes die wisselen", number(frames.changes["pc4"].nunique()),
               note=f"van {number(new.areas)}"),
        Figure("Langste wachttijd (maanden)", number(new.longest_wait_months, 1),
               now(number(old.longest_wait_months, 1))),
        Figure("Afstand tot kantoor (km)", number(new.travel_km, 1), now(number(old.travel_km, 1)),
               "gewogen naar werk"),
    ]  # fmt: skip


def _moves(frames: Frames) -> Iterable[Figure]:
    if frames.is_for_readers:  # of a total and all parts but one, the small part can be told
        return
    moves = frames.transition[frames.transition["movement"] == MOVES]["clients"].sum()
    in_stock = number(frames.transition["clients"].sum())
    yield Figure("Dossiers die verhuizen", number(moves), note=f"van {in_stock} in voorraad")


def further_figures(frames: Frames) -> list[Figure]:
    """The other figures, in the same words."""
    new, old = frames.totals
    has_now = _has_now(frames)

    def both(name: str, proposal: str, before: str, note: str = "") -> Figure:
        return Figure(name, proposal, before if has_now else "", note)

    special = number((frames.load["kind"] == "bijzonder").sum())
    spreads = region_waiting(frames.board, for_readers=frames.is_for_readers)
    spread_new, spread_old = (
        number(float((spreads[f"most_{which}"] - spreads[f"least_{which}"]).mean()), 1) for which in ("new", "now")
    )
    regions = spreads.groupby("region")["mean"].max()
    of_teams = f"bij {number(new.teams_outside)} {'team' if new.teams_outside == 1 else 'teams'}"
    return [
        Figure("Regio's", number(frames.regions["arbeidsmarktregio_nr"].nunique())),
        Figure("Teams", number(frames.load["team_id"].nunique()), note=f"waarvan bijzonder: {special}"),
        Figure("Postcodegebieden", number(new.areas)),
        both("Gemiddelde afwijking", percent(new.mean_deviation), percent(old.mean_deviation)),
        both("Teams buiten tolerantie", number(new.teams_outside), number(old.teams_outside)),
        both("Gebieden buiten tolerantie", number(new.areas_outside), number(old.areas_outside),
             of_teams if new.teams_outside else ""),
        both("Niet aaneengesloten teams", number(new.not_contiguous), number(old.not_contiguous)),
        both("Gemeentesplitsingen", number(new.municipality_splits), number(old.municipality_splits)),
        both("Zorgregiosplitsingen", number(new.care_region_splits), number(old.care_region_splits)),
        both("Gemiddelde wachttijd (maanden)", number(new.waiting_months, 1), number(old.waiting_months, 1),
             "uren in dossiers die teams hebben / maandcapaciteit"),
        both("Verschil in wachttijd binnen een regio (maanden)", spread_new, spread_old,
             f"gemiddeld; regio's van {number(regions.min(), 1)} tot {number(regions.max(), 1)}"),
    ]  # fmt: skip


REGION_COLUMNS = (
    Column("Regio", lambda row: text(row.arbeidsmarktregio)),
    Column("Laag", lambda row: text(dutch.layer(row.law_domain, row.client_line))),
    amount_of("Postcodes die wisselen", "areas_moved"),
    amount_of("Dossiers die verhuizen", "clients_moved"),
    Column("Grootste afwijking", lambda row: _with_now(share(row.max_deviation), percent(row.max_deviation_now))),
    amount_of("Gemiddelde wachttijd (maanden)", "waiting_months", 1),
    Column("Afstand (km)", lambda row: _with_now(amount(row.travel_km, 1), number(row.travel_km_now, 1))),
)
MOST_REGION_ROWS = 6
MOST_CODES = 6


def _with_now(proposed: Cell, now: str, word: str = dutch.WITHOUT_CHANGE) -> Cell:
    return proposed if now == dutch.NONE else replace(proposed, text=f"{proposed.text} ({word} {now})")


def _with_figures_now(frames: Frames, changed: pd.DataFrame) -> pd.DataFrame:
    """``changed`` with the deviation and the distance without a change, for a layer of one region; missing where a
    layer has more, which is counted as a whole."""
    has_now = _has_now(frames)
    parts = [part.sums_now for part in frames.board.layers if has_now and len(part.layer.regions) == 1]
    seen = sums_shown(parts) if frames.is_for_readers else parts
    found = {}
    for part in seen:
        layer, figures = part.board.layer, totals([part])
        key = (int(layer.regions[0]), layer.law_domain, layer.client_line)
        found[key] = (figures.max_deviation, figures.travel_km)
    none = (float("nan"), float("nan"))
    keys = zip(changed["arbeidsmarktregio_nr"], changed["law_domain"], changed["client_line"], strict=True)
    now = [found.get((int(nr), domain, line), none) for nr, domain, line in keys]
    return changed.assign(max_deviation_now=[one[0] for one in now], travel_km_now=[one[1] for one in now])


def _region_sheet(changed: pd.DataFrame, *, for_readers: bool) -> Sheet:
    """What changes per region: the regions where most moves."""
    largest = changed.sort_values("areas_moved", ascending=False).head(MOST_REGION_ROWS)
    more = len(changed) - len(largest)
    caption = "Wat er per regio verandert" + (f" (en nog {more} regels in de bijlage)" if more else "")
    columns = [c for c in REGION_COLUMNS if not (for_readers and c.name == "Dossiers die verhuizen")]
    return Sheet.of("per-regio", caption, columns, records(largest))


def _switching(changes: pd.DataFrame, *, for_readers: bool) -> list[str]:
    """Which postcodes go from which team to which, the largest groups first, and for Operations how many new clients a
    year that is; the codes are told to everybody in table ``allocation_changes``."""
    named = changes.fillna({"team_from": "geen team", "team_to": "geen team"})
    key = ["law_domain", "client_line", "team_from", "team_to"]
    groups = (
        named.groupby(key).agg(pc4=("pc4", lambda codes: sorted(set(codes))), clients=("clients", "sum")).reset_index()
    )
    groups = groups.assign(size=groups["pc4"].map(len)).sort_values(
        ["size", *key], ascending=[False, *(True for _ in key)]
    )
    told = []
    for row in records(groups):
        more = f" en nog {number(row.size - MOST_CODES)}" if row.size > MOST_CODES else ""
        where = dutch.layer(row.law_domain, row.client_line)
        count = "" if for_readers else f"; ongeveer {number(row.clients)} cliënten per jaar"
        told.append(f"{row.team_from} → {row.team_to} ({where}): {', '.join(row.pc4[:MOST_CODES])}{more}{count}")
    more_groups = len(told) - MOST_FLOWS
    return [*told[:MOST_FLOWS], *([f"en nog {number(more_groups)} groepen"] if more_groups > 0 else [])]


def _movements(transition: pd.DataFrame) -> list[str]:
    """Who moves and why, counted; and from where to where."""
    told = reasons_counted(transition)
    moving = transition[(transition["movement"] == MOVES) & (transition["clients"] > 0)]
    flows = moving.groupby(["team_from", "team_to"])["clients"].sum().sort_values(ascending=False)
    largest = flows.head(MOST_FLOWS).reset_index()
    shown = "; ".join(f"{row.team_from} → {row.team_to}: {number(row.clients)}" for row in records(largest))
    if shown:
        more = len(flows) - MOST_FLOWS
        told.append(f"Van → naar: {shown}" + (f"; en nog {number(more)} stromen." if more > 0 else "."))
    return told


def _region_page(frames: Frames, name: str, position: int) -> RegionPage:
    areas = frames.board.areas
    codes = set(areas.loc[areas["arbeidsmarktregio"] == name, "pc4"])
    mine = frames.changes[frames.changes["pc4"].isin(codes)]
    sums = [part.sums for part in frames.board.layers if codes & set(part.layer.parts["pc4"])]
    chart = load_chart(sums, name=f"belasting-{position}", coarse=frames.is_for_readers)
    return RegionPage(
        name, position, chart, _region_teams(frames, codes, position),
        change_sheet(mine, areas, name=f"wijzigingen-{position}", for_readers=frames.is_for_readers),
    )  # fmt: skip


def _region_teams(frames: Frames, codes: set[str], position: int) -> Sheet:
    """The teams of a region before and after; for readers as rounded as in their tables."""
    now: dict[tuple[str, str, str], tuple[float, int]] = {}
    sums = [part.sums_now for part in frames.board.layers]
    for part in sums_shown(sums) if frames.is_for_readers else sums:
        layer = part.board.layer
        for i, team in enumerate(layer.problem.team_ids):
            now[team, layer.law_domain, layer.client_line] = (float(part.teams.deviation[i]), int(part.teams.areas[i]))
    in_region = {
        team
        for board in frames.board.layers
        if codes & set(board.layer.parts["pc4"])
        for team in board.layer.problem.team_ids
    }
    load = frames.load[frames.load["team_id"].isin(in_region) & (frames.load["kind"] == "regulier")]

    office_now = dict(zip(frames.office_moves["team_id"], frames.office_moves["office_from"], strict=True))

    def before(row: Any) -> tuple[float, int]:
        return now.get((row.team_id, row.law_domain, row.client_line), (0.0, 0))

    columns = [
        Column("Team", lambda row: Cell(row.team_id, team=row.team_id)),
        Column("Kantoor", lambda row: _with_now(text(row.office), office_now.get(row.team_id, dutch.NONE), "nu")),
        Column("Laag", lambda row: text(dutch.layer(row.law_domain, row.client_line))),
        amount_of("Werk (uur per jaar)", "hours_verzekeringsarts"),
        Column(f"Afwijking {dutch.WITHOUT_CHANGE}", lambda row: share(round(before(row)[0], 6), signed=True)),
        Column("Afwijking in het voorstel", lambda row: replace(
            share(row.deviation, signed=True), bar=row.deviation,
            mark="" if row.is_within_tolerance else "buiten tolerantie")),
        Column("Gebieden nu", lambda row: amount(before(row)[1])),
        amount_of("Gebieden in het voorstel", "areas"),
        amount_of("Wachttijd (maanden)", "waiting_months", 1),
    ]  # fmt: skip
    return Sheet.of(f"teams-{position}", "Teams voor en na", columns, records(load.sort_values("team_id")))
