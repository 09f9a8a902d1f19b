"""Two divisions beside each other: any two of versions, proposals and drafts.

Each is laid open on its own run; what they have in common is the postcode and the code of the team. Belongs here: what
differs. Does not belong here: HTTP, drawing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from allocation.page.answers import FIGURES, draft_team
from allocation.page.moving import Moving
from allocation.page.whatif import Bench, Variant
from allocation.report import dutch
from allocation.report.board import LayerSums, totals
from allocation.report.for_readers import sums_shown
from allocation.report.map import SHOWN

NO_MOVES = Moving(0, 0.0, 0)


@dataclass(frozen=True)
class Side:
    """One of the two: its name on the screen, and its division."""

    name: str
    bench: Bench
    variant: Variant


def compare(a: Side, b: Side, shown: str, region: int | None, *, for_readers: bool = False) -> dict[str, Any]:
    """What differs between two sides, in a layer and region (None: the country); ready for JSON. ``for_readers``:
    figures as the published tables show them (R14).

    ``plans``: for both sides and each layer, per postcode of ``pc4`` a position in ``teams``, -1 for none.
    """
    _, _, domain, line = next(one for one in SHOWN if one[0] == shown)
    codes = a.variant.board.areas["pc4"].tolist()
    teams = sorted({*a.variant.board.teams["team_id"], *b.variant.board.teams["team_id"]})
    sums = [_of(side, domain, line, region) for side in (a, b)]
    sums = [list(sums_shown(parts)) for parts in sums] if for_readers else sums
    plans = [[_plan(side, codes, teams, *one[2:]) for one in SHOWN] for side in (a, b)]
    return {
        "names": [a.name, b.name],
        "figures": _figures(sums),
        "teams": _teams(sums),
        "changes": _changes(a, region, teams, plans, [one[1] for one in SHOWN]),
        "pc4": codes,
        "team_ids": teams,
        "plans": [[plan.tolist() for plan in side] for side in plans],
    }


def _plan(side: Side, codes: list[str], teams: list[str], domain: str, line: str) -> np.ndarray[Any, Any]:
    """(areas,) team of each postcode, in the order of ``codes`` and ``teams``."""
    at = {team: i for i, team in enumerate(teams)}
    board = side.variant.board
    position = np.array([*(at[team] for team in board.teams["team_id"]), -1], dtype=np.int64)
    own = dict(zip(board.areas["pc4"], position[draft_team(side.variant, domain, line)], strict=True))
    return np.array([own.get(pc4, -1) for pc4 in codes], dtype=np.int64)


def _of(side: Side, domain: str, line: str, region: int | None) -> list[LayerSums]:
    return [
        part
        for part in side.variant.sums
        if part.board.layer.law_domain == domain
        and part.board.layer.client_line in (line, "alle")
        and (region is None or region in part.board.layer.regions)
    ]


def _figures(sides: list[list[LayerSums]]) -> list[dict[str, str]]:
    """The figures of a plan; what moves is told by ``changes``."""
    sums = [totals(parts) for parts in sides]
    plain = [figure for figure in FIGURES if not figure.counts_moves]
    return [{"name": one.name, "a": one.shown(sums[0], NO_MOVES), "b": one.shown(sums[1], NO_MOVES)} for one in plain]


def _teams(sides: list[list[LayerSums]]) -> list[dict[str, Any]]:
    """Teams whose work or area differs; a team that one side lacks has nothing there."""
    found: list[dict[str, tuple[float, int, float]]] = []
    for parts in sides:
        own: dict[str, tuple[float, int, float]] = {}
        for part in parts:
            f = part.teams
            for i, team in enumerate(part.board.layer.problem.team_ids):
                own[team] = (float(np.nan_to_num(f.hours[i])), int(f.areas[i]), float(f.deviation[i]))
        found.append(own)
    rows = []
    for team in sorted({*found[0], *found[1]}):
        first, second = (own.get(team, (0.0, 0, 0.0)) for own in found)
        if abs(first[0] - second[0]) > 0.5 or first[1] != second[1] or abs(first[2] - second[2]) > 0.0005:
            rows.append({"id": team, "hours_a": first[0], "hours_b": second[0], "areas_a": first[1],
                         "areas_b": second[1], "deviation_a": first[2], "deviation_b": second[2]})  # fmt: skip
    return rows


def _changes(
    a: Side, region: int | None, teams: list[str], plans: list[list[np.ndarray[Any, Any]]], names: list[str]
) -> list[dict[str, Any]]:
    """Every postcode with another team, over all layers; a line that says the same as the one before is left out."""
    areas = a.variant.board.areas
    here = np.ones(len(areas), dtype=bool) if region is None else (areas["arbeidsmarktregio_nr"] == region).to_numpy()
    codes = [*teams, "geen team"]
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for layer, name in enumerate(names):
        first, second = plans[0][layer], plans[1][layer]
        for at in np.flatnonzero(here & (first != second)).tolist():
            pc4, old, new = str(areas["pc4"].iat[at]), codes[first[at]], codes[second[at]]
            row = {"pc4": pc4, "place": str(areas["place"].iat[at] or ""), "layer": name, "a": old, "b": new}
            if (pc4, old, new) in rows:
                rows[pc4, old, new]["layer"] = dutch.DOMAINS["zw_wia"]
            else:
                rows[pc4, old, new] = row
    return sorted(rows.values(), key=lambda row: (row["pc4"], row["layer"]))
