"""What the planners' page shows of a variant: plain values, ready for JSON, with texts in Dutch.

Belongs here: from figures to the words and columns of the page. Does not belong here: HTTP, how figures are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract.published_tables import ALLOCATION_CHANGES
from allocation.contract.vocabulary import ALL_LINES
from allocation.page.changes import ShownKey
from allocation.page.moving import Moving, moving
from allocation.page.suggestions import cuts
from allocation.page.whatif import Bench, Variant
from allocation.publication import small_counts
from allocation.report import dutch
from allocation.report.board import LayerSums, Totals, totals
from allocation.report.colours import colour_teams
from allocation.report.dutch import number, percent
from allocation.report.for_readers import seen_apart, sums_shown
from allocation.report.map import SHOWN, boards_shown, bordering, main_team
from allocation.report.sheet import Sheet, records

Ints = np.ndarray[Any, np.dtype[np.int64]]


def answer(
    bench: Bench, variant: Variant, shown: ShownKey, region: int | None, *, for_readers: bool = False
) -> dict[str, Any]:
    """Everything on the page that depends on the changes, for one layer and one region (None: the country).

    ``for_readers``: without counts of clients, and figures as the published tables show them (R14).
    """
    here = _of(variant.sums, *_shown(shown), region)
    return {
        "strip": strip(bench, variant, shown, region, for_readers=for_readers),
        "teams": team_rows(bench, variant, shown, region, for_readers=for_readers),
        "cuts": [asdict(cut) for cut in cuts(variant, region)],
        "changed": changed(bench, variant),
        "new_teams": _new_teams(bench, variant),
        "without_team": int(sum((part.plan < 0).sum() for part in here)),
    }


def _of(parts: tuple[LayerSums, ...], domain: str, line: str, region: int | None) -> list[LayerSums]:
    lines = {line, "alle"}
    return [
        part
        for part in parts
        if part.board.layer.law_domain == domain
        and part.board.layer.client_line in lines
        and (region is None or region in part.board.layer.regions)
    ]


def _shown(key: ShownKey) -> tuple[str, str]:
    return next((domain, line) for name, _, domain, line in SHOWN if name == key)


@dataclass(frozen=True)
class Figure:
    """One figure of the strip: its name and how it is shown. ``is_main``: one of the five above the map."""

    name: str
    shown: Callable[[Totals, Moving], str]
    is_main: bool = False
    counts_persons: bool = False
    counts_moves: bool = False


FIGURES = (
    Figure("Grootste afwijking", lambda plan, _: percent(plan.max_deviation), is_main=True),
    Figure(
        "Dossiers die verhuizen",
        lambda _, moves: number(moves.files),
        is_main=True,
        counts_persons=True,
        counts_moves=True,
    ),
    Figure("Postcodes die wisselen", lambda _, moves: number(moves.areas), is_main=True, counts_moves=True),
    Figure("Langste wachttijd (maanden)", lambda plan, _: number(plan.longest_wait_months, 1), is_main=True),
    Figure("Afstand tot kantoor (km)", lambda plan, _: number(plan.travel_km, 1), is_main=True),
    Figure("Teams buiten tolerantie", lambda plan, _: number(plan.teams_outside)),
    Figure("Gemiddelde wachttijd (maanden)", lambda plan, _: number(plan.waiting_months, 1)),
    Figure("Gemiddelde afwijking", lambda plan, _: percent(plan.mean_deviation)),
    Figure("Gebieden buiten tolerantie", lambda plan, _: number(plan.areas_outside)),
    Figure("Gebieden zonder team", lambda plan, _: number(plan.without_team)),
    Figure("Niet aaneen\u00adgesloten teams", lambda plan, _: number(plan.not_contiguous)),
    Figure(
        "Cliënten per jaar met ander team",
        lambda _, moves: number(moves.clients),
        counts_persons=True,
        counts_moves=True,
    ),
    Figure("Gemeente\u00adsplitsingen", lambda plan, _: number(plan.municipality_splits)),
    Figure("Zorgregio\u00adsplitsingen", lambda plan, _: number(plan.care_region_splits)),
)
"""What the page counts, for the division in force, the proposal and the draft alike."""

MEANINGS = {
    "Grootste afwijking": "Het team dat het verst van zijn eigen deel ligt: het werk dat bij zijn uren past.",
    "Dossiers die verhuizen": "Bestaande dossiers die een ander team krijgen dan het team dat ze nu heeft.",
    "Postcodes die wisselen": "Postcodes waarvan nieuwe cliënten een ander team krijgen dan nu.",
    "Langste wachttijd (maanden)": "Bij het team met de langste: uren in zijn dossiers, gedeeld door zijn uren per "
    "maand.",
    "Afstand tot kantoor (km)": "Gemiddeld van postcode naar het kantoor van het team, gewogen naar werk.",
}
"""The terms above the map, explained."""


def strip(
    bench: Bench, variant: Variant, shown: ShownKey, region: int | None, *, for_readers: bool = False
) -> list[dict[str, Any]]:
    """The figures now -> proposal -> after the planner's changes."""
    domain, line = _shown(shown)
    three = (_of(parts, domain, line, region) for parts in (bench.sums_now, bench.sums, variant.sums))
    plans = [totals(sums_shown(parts) if for_readers else parts) for parts in three]
    unchanged = bench.variant_unchanged
    moves = [Moving(0, 0.0, 0)] + [moving(bench, one, domain, line, region) for one in (unchanged, variant)]
    rows = []
    for figure in FIGURES:
        now, proposal, draft = (
            dutch.NONE if for_readers and figure.counts_persons else figure.shown(plan, move)
            for plan, move in zip(plans, moves, strict=True)
        )
        values = {"now": now, "proposal": proposal, "draft": draft}
        about = MEANINGS.get(figure.name, "")
        rows.append({"name": figure.name, "about": about, "is_main": figure.is_main, **values})
    return rows


def team_rows(
    bench: Bench, variant: Variant, shown: ShownKey, region: int | None, *, for_readers: bool = False
) -> list[dict[str, Any]]:
    """One row per team of the layer and region, with its change against the proposal."""
    domain, line = _shown(shown)

    def seen(parts: tuple[LayerSums, ...]) -> Sequence[LayerSums]:
        here = _of(parts, domain, line, region)
        return sums_shown(here) if for_readers else here

    before, now = (
        {
            team: (float(hours), int(areas), float(deviation))
            for part in seen(parts)
            for team, hours, areas, deviation in zip(
                part.board.layer.problem.team_ids,
                part.teams.hours,
                part.teams.areas,
                part.teams.deviation,
                strict=True,
            )
        }
        for parts in (bench.sums, bench.sums_now)
    )
    none = (0.0, 0, 0.0)
    named = variant.board.teams.drop_duplicates("team_id").set_index("team_id")
    fte = {str(team): float(value) for team, value in named["fte_verzekeringsarts"].items()}
    rows: list[dict[str, Any]] = []
    for part in seen(variant.sums):
        problem, f = part.board.layer.problem, part.teams
        for i, team in enumerate(problem.team_ids):
            rows.append({
                "id": team,
                "name": str(named.at[team, "name"]),
                "office": str(named.at[team, "office"]),
                "fte": fte[team],
                "hours": _known(f.hours[i]),
                "target": float(f.target[i]),
                "capacity": float(problem.capacity[i]),
                "load": _known(f.hours[i] / problem.capacity[i]),
                "low": _known(f.low[i]),
                "high": _known(f.high[i]),
                "deviation": float(f.deviation[i]),
                "tolerance": float(problem.tolerance),
                "is_within": bool(f.is_within[i]),
                "change": _known(f.hours[i] - before.get(team, none)[0]),
                "now_hours": _known(now.get(team, none)[0]),
                "now_areas": now.get(team, none)[1],
                "now_deviation": now.get(team, none)[2],
                "areas": int(f.areas[i]),
                "pieces": int(f.pieces[i]),
                "travel_km": _known(f.travel_km[i]),
                "waiting": _known(f.waiting_months[i]),
            })  # fmt: skip
    return sorted(rows, key=lambda row: row["id"])


def _known(value: float | None) -> float | None:
    """The number, or None for what is not known or not shown: JSON has no NaN."""
    return None if value is None or np.isnan(value) else float(value)


def cells_told(sheet: Sheet) -> list[list[dict[str, Any]]]:
    """The rows of a sheet for a screen: per cell its text, the value by which it sorts, and its mark."""
    return [[{"text": one.text, "value": _known(one.value), "mark": one.mark} for one in row] for row in sheet.rows]


def changed(bench: Bench, variant: Variant) -> list[list[int]]:
    """[layer shown, area, team] for each area whose team is not the proposed one; positions in the variant's board."""
    domains = {part.board.layer.law_domain for part in variant.touched}
    if variant.board is not bench.board:
        domains = {"zw_wia", "pw"}
    rows: list[list[int]] = []
    for position, (_, _, domain, line) in enumerate(SHOWN):
        if domain in domains:
            old = main_team(bench.board, domain, line, "proposal")
            new = draft_team(variant, domain, line)
            rows += [[position, int(a), int(new[a])] for a in np.flatnonzero(old != new)]
    return rows


def draft_team(variant: Variant, domain: str, line: str) -> Ints:
    """(areas,) team of each area with the changes, as a position in the variant's teams; -1 for none."""
    plans = {b.key: plan for b, plan in zip(variant.board.layers, variant.plans, strict=True)}
    team = np.full(len(variant.board.areas), -1, dtype=np.int64)
    for part in boards_shown(variant.board, domain, line):
        own, order = (
            variant.board.positions[part.key],
            np.argsort(part.layer.parts["portion"].to_numpy(), kind="stable"),
        )
        chosen = plans[part.key][order]
        team[part.area[order]] = np.where(chosen >= 0, own[chosen], -1)
    return team


def _new_teams(bench: Bench, variant: Variant) -> list[dict[str, Any]]:
    """Teams that the planner added, for the map."""
    at = variant.board.at
    added = variant.board.teams.iloc[len(bench.board.teams) :]
    return [
        {"id": t.team_id, "name": t.name, "kind": t.kind, "office": t.office, "at": at[str(t.office_pc4)], "colour": -1}
        for t in added.itertuples(index=False)
    ]


def colours(sides: Ints, variant: Variant, known: list[int]) -> list[int]:
    """Colours for all teams of the variant: those they have, changed only where neighbours would be alike."""
    inner = sides[(sides >= 0).all(axis=1)]
    pairs: set[tuple[int, int]] = set()
    for _, _, domain, line in SHOWN:
        pairs |= bordering(draft_team(variant, domain, line), inner)
    names = variant.board.teams["team_id"].tolist()
    return colour_teams(names, pairs, [*known, *[-1] * (len(names) - len(known))])


def change_rows(
    bench: Bench, variant: Variant, shown: ShownKey, region: int | None, *, for_readers: bool = False
) -> list[dict[str, Any]]:
    """Every postcode of a layer and region whose team differs from the division in force: place, from, to, clients,
    hours, who decided. The rows of table ``allocation_changes``; ``for_readers`` without counts under 5."""
    domain, line = _shown(shown)
    table = bench.changes_of(variant)
    mine = table[(table["law_domain"] == domain) & table["client_line"].isin([line, ALL_LINES])]
    if region is not None:
        mine = mine[mine["pc4"].isin(bench.codes_of(region))]
    if for_readers:
        mine = small_counts.shown(ALLOCATION_CHANGES, mine, seen_apart(bench.folder, ALLOCATION_CHANGES))
    place = variant.board.areas.set_index("pc4")["place"]
    why = _reasons(_of(variant.sums, domain, line, region))
    return [
        {
            "pc4": row.pc4,
            "place": str(place.get(row.pc4, "")),
            "layer": dutch.layer(row.law_domain, row.client_line),
            "old": row.team_from if isinstance(row.team_from, str) else "geen team",
            "new": row.team_to if isinstance(row.team_to, str) else "geen team",
            "clients": None if pd.isna(row.clients) else float(row.clients),
            "hours": None if pd.isna(row.hours) else float(row.hours),
            "by": why.get((row.pc4, row.team_to), "voorstel"),
        }
        for row in records(mine.sort_values(["pc4", "client_line"]))
    ]


def _reasons(parts: list[LayerSums]) -> dict[tuple[str, str], str]:
    """Why a postcode is with a team. A lock that the planner just set says more than that the planner did it."""
    names = {"pin": "vastgezet", "split": "gesplitst"}
    found: dict[tuple[str, str], str] = {}
    for part in parts:
        rows, ids = part.board.layer.parts, part.board.layer.problem.team_ids
        for unit, (pc4, lock, reason) in enumerate(zip(rows["pc4"], rows["lock"], rows["reason"], strict=True)):
            team = int(part.plan[unit])
            if team < 0:
                continue
            if lock in names:
                text = f"{names[lock]}: {reason}"
            elif team != int(part.board.proposal[unit]):
                text = "planner"
            else:
                is_left = part.board.now[unit] < 0
                text = "voorstel: had geen team meer" if is_left else "voorstel: evenwicht binnen de regio"
            found[pc4, ids[team]] = text
    return found
