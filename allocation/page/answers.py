"""What the planners' page shows of a variant: plain values, ready for JSON, with texts in Dutch.

Belongs here: from figures to the words and columns of the page. Does not belong here: HTTP, how figures are counted.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from allocation.page.changes import ShownKey
from allocation.page.suggestions import cuts
from allocation.page.whatif import Bench, Variant
from allocation.report import dutch
from allocation.report.board import LayerSums, Totals, totals
from allocation.report.colours import colour_teams
from allocation.report.dutch import number, percent
from allocation.report.map import SHOWN, boards_shown, bordering, main_team

Ints = np.ndarray[Any, np.dtype[np.int64]]


def answer(bench: Bench, variant: Variant, shown: ShownKey, region: int | None) -> dict[str, Any]:
    """Everything on the page that depends on the changes, for one layer and one region (None: the country)."""
    return {
        "strip": strip(bench, variant, shown, region),
        "teams": team_rows(bench, variant, shown, region),
        "cuts": [asdict(cut) for cut in cuts(variant, region)],
        "changed": changed(bench, variant),
        "new_teams": _new_teams(bench, variant),
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


def strip(bench: Bench, variant: Variant, shown: ShownKey, region: int | None) -> list[dict[str, str]]:
    """The figures now -> proposal -> after the planner's changes."""
    three = [totals(_of(parts, *_shown(shown), region)) for parts in (bench.sums_now, bench.sums, variant.sums)]
    columns = [_figures(one) for one in three]
    columns[0] |= dict.fromkeys(("Verplaatste gebieden", "Cliënten met ander team"), "0")
    return [
        {"name": name, "now": columns[0][name], "proposal": columns[1][name], "draft": columns[2][name]}
        for name in columns[0]
    ]


def _figures(one: Totals) -> dict[str, str]:
    return {
        "Grootste afwijking": percent(one.max_deviation),
        "Gemiddelde afwijking": percent(one.mean_deviation),
        "Teams buiten tolerantie": number(one.teams_outside),
        "Gebieden buiten tolerantie": number(one.areas_outside),
        "Gebieden zonder team": number(one.without_team),
        "Niet aaneen\u00adgesloten teams": number(one.not_contiguous),
        "Afstand tot kantoor (km)": number(one.travel_km, 1),
        "Verplaatste gebieden": number(one.moved_areas),
        "Cliënten met ander team": number(one.moved_clients),
        "Gemeente\u00adsplitsingen": number(one.municipality_splits),
        "Zorgregio\u00adsplitsingen": number(one.care_region_splits),
        "Wachttijd (maanden)": number(one.waiting_months, 1),
    }


def team_rows(bench: Bench, variant: Variant, shown: ShownKey, region: int | None) -> list[dict[str, Any]]:
    """One row per team of the layer and region, with its change against the proposal."""
    domain, line = _shown(shown)
    before, now = (
        {
            team: (float(hours), int(areas))
            for part in _of(parts, domain, line, region)
            for team, hours, areas in zip(
                part.board.layer.problem.team_ids, part.teams.hours, part.teams.areas, strict=True
            )
        }
        for parts in (bench.sums, bench.sums_now)
    )
    named = variant.board.teams.drop_duplicates("team_id").set_index("team_id")
    fte = {str(team): float(value) for team, value in named["fte_verzekeringsarts"].items()}
    rows: list[dict[str, Any]] = []
    for part in _of(variant.sums, domain, line, region):
        problem, f = part.board.layer.problem, part.teams
        for i, team in enumerate(problem.team_ids):
            rows.append({
                "id": team,
                "name": str(named.at[team, "name"]),
                "office": str(named.at[team, "office"]),
                "fte": fte[team],
                "hours": float(f.hours[i]),
                "capacity": float(problem.capacity[i]),
                "load": float(f.hours[i] / problem.capacity[i]),
                "low": float(f.low[i]),
                "high": float(f.high[i]),
                "deviation": float(f.deviation[i]),
                "tolerance": float(problem.tolerance),
                "is_within": bool(f.is_within[i]),
                "change": float(f.hours[i] - before.get(team, (0.0, 0))[0]),
                "now_hours": now.get(team, (0.0, 0))[0],
                "now_areas": now.get(team, (0.0, 0))[1],
                "areas": int(f.areas[i]),
                "pieces": int(f.pieces[i]),
                "travel_km": None if np.isnan(f.travel_km[i]) else float(f.travel_km[i]),
                "waiting": None if np.isnan(f.waiting_months[i]) else float(f.waiting_months[i]),
            })  # fmt: skip
    return sorted(rows, key=lambda row: row["id"])


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
    at = {pc4: i for i, pc4 in enumerate(variant.board.areas["pc4"])}
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
    total = len(variant.board.teams)
    return colour_teams(total, pairs, [*known, *[-1] * (total - len(known))])


def change_rows(bench: Bench, variant: Variant, shown: ShownKey, region: int | None) -> list[dict[str, Any]]:
    """Every postcode of a layer and region whose team differs from the division in force: place, from, to, clients,
    hours, who decided."""
    codes, places = variant.board.areas["pc4"].tolist(), variant.board.areas["place"].tolist()
    regions = variant.board.areas["arbeidsmarktregio_nr"].to_numpy()
    rows = []
    for part in _of(variant.sums, *_shown(shown), region):
        locks, reasons = part.board.layer.parts["lock"].tolist(), part.board.layer.parts["reason"].tolist()
        layer, problem = part.board.layer, part.board.layer.problem
        name = dutch.layer(layer.law_domain, layer.client_line)
        here = part.moved if region is None else part.moved & (regions[part.board.area] == region)
        for unit in np.flatnonzero(here):
            area, new, old = int(part.board.area[unit]), int(part.plan[unit]), int(part.board.now[unit])
            rows.append({
                "pc4": codes[area],
                "place": places[area],
                "layer": name,
                "old": problem.team_ids[old] if old >= 0 else "geen team",
                "new": problem.team_ids[new] if new >= 0 else "geen team",
                "clients": float(part.board.clients[unit]),
                "hours": float(part.board.hours[unit]),
                "by": _why(new, old, int(part.board.proposal[unit]), locks[unit], reasons[unit]),
            })  # fmt: skip
    return sorted(rows, key=lambda row: (row["pc4"], row["layer"]))


def _why(new: int, old: int, proposed: int, lock: Any, reason: Any) -> str:
    """Why a unit changes team. A lock that the planner just set says more than that the planner did it."""
    names = {"pin": "vastgezet", "split": "gesplitst"}
    if lock in names:
        return f"{names[lock]}: {reason}"
    if new != proposed:
        return "planner"
    return "voorstel: had geen team meer" if old < 0 else "voorstel: evenwicht binnen de regio"
