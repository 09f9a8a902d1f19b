"""What a change does beyond the figures: which areas it cuts in two, and which neighbours have room.

Belongs here: judging a change. Does not belong here: applying it (`whatif`), words and columns of the page (`answers`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from allocation.contract.errors import Refused
from allocation.page.changes import ShownKey
from allocation.page.whatif import Variant, free_units
from allocation.report.board import Ints, LayerSums, layer_sums
from allocation.report.map import SHOWN, boards_shown


@dataclass(frozen=True)
class Cut:
    """A team whose area is not one piece: postcodes of its smaller pieces; ``is_new``: this edit did it."""

    team_id: str
    pieces: int
    loose: tuple[str, ...]
    is_new: bool


def cuts(variant: Variant, region: int | None = None) -> list[Cut]:
    """Teams whose area is in pieces, those that the changes cut first: in one region, and wherever they cut anew."""
    before = {
        (part.board.layer.law_domain, part.board.layer.client_line, team): int(count)
        for part in variant.base
        for team, count in zip(part.board.layer.problem.team_ids, part.teams.pieces, strict=True)
    }
    found = []
    for part in variant.sums:
        layer = part.board.layer
        for team in np.flatnonzero(part.teams.pieces > 1):
            name = layer.problem.team_ids[int(team)]
            known = before.get((layer.law_domain, layer.client_line, name), 1)
            count = int(part.teams.pieces[team])
            if region is not None and region not in layer.regions and count <= max(known, 1):
                continue
            found.append(Cut(name, count, _loose(part, int(team)), count > max(known, 1)))
    return sorted(found, key=lambda cut: (not cut.is_new, cut.team_id))


def _loose(part: LayerSums, team: int) -> tuple[str, ...]:
    """Postcodes of a team outside its piece with the most work."""
    problem = part.board.layer.problem
    mine = np.flatnonzero(part.plan == team)
    place = np.full(problem.n, -1)
    place[mine] = np.arange(len(mine))
    a, b = place[problem.edges[:, 0]], place[problem.edges[:, 1]]
    both = (a >= 0) & (b >= 0)
    graph = coo_array((np.ones(both.sum()), (a[both], b[both])), shape=(len(mine), len(mine)))
    _, label = connected_components(graph, directed=False)
    work = np.bincount(label, problem.demand[mine])
    return tuple(sorted(part.board.layer.parts["pc4"].to_numpy()[mine[label != work.argmax()]]))


@dataclass(frozen=True)
class Suggestion:
    """What happens when the chosen postcodes go to a team. Deviations as shares, room in hours a year."""

    team_id: str
    room_hours: float
    deviation_before: float
    deviation_after: float
    giver_after: float
    is_within: bool
    is_contiguous: bool
    distance_km: float


def suggestions(variant: Variant, shown: ShownKey, postcodes: list[str]) -> list[Suggestion]:
    """The teams that border on the chosen postcodes, best first: contiguous, then within tolerance, then most room.

    ``giver_after``: deviation, with its sign, of the team that is furthest off among those that give up the postcodes.
    Raises Refused when the postcodes are unknown or lie in more than one cluster.
    """
    domain, line = next((domain, line) for key, _, domain, line in SHOWN if key == shown)
    at = variant.board.at
    unknown = [pc4 for pc4 in postcodes if pc4 not in at]
    if unknown:
        raise Refused(f"Deze postcodes bestaan niet: {', '.join(unknown)}.")
    wanted = {at[pc4] for pc4 in postcodes}
    mine = {b.key for b in boards_shown(variant.board, domain, line) if wanted & set(b.area.tolist())}
    if len(mine) != 1:
        raise Refused("Kies postcodes uit één regio of cluster tegelijk.")
    part = next(s for s in variant.sums if s.board.key in mine)
    chosen = free_units(part.board, np.flatnonzero(np.isin(part.board.area, list(wanted))))
    if not len(chosen):
        raise Refused("Deze postcodes zijn vergrendeld.")
    found = [_suggestion(part, chosen, team) for team in _bordering(part, chosen)]
    return sorted(found, key=lambda one: (not one.is_contiguous, not one.is_within, -one.room_hours))


def _bordering(part: LayerSums, chosen: Ints) -> list[int]:
    """Teams beside the chosen units, or with an office in the layer but no area yet, that may have all of them."""
    problem = part.board.layer.problem
    inside = np.zeros(problem.n, dtype=np.bool_)
    inside[chosen] = True
    a, b = problem.edges.T
    beside = np.concatenate([part.plan[b[inside[a] & ~inside[b]]], part.plan[a[inside[b] & ~inside[a]]]])
    empty = np.flatnonzero(part.teams.areas == 0)
    teams = (set(beside.tolist()) | set(empty.tolist())) - {-1} - {int(t) for t in set(part.plan[chosen].tolist())}
    if len(set(part.plan[chosen].tolist())) > 1:
        teams |= set(part.plan[chosen].tolist()) - {-1}
    return [t for t in sorted(teams) if problem.allowed is None or problem.allowed[chosen, t].all()]


def _suggestion(part: LayerSums, chosen: Ints, team: int) -> Suggestion:
    problem = part.board.layer.problem
    plan = part.plan.copy()
    givers = sorted({int(t) for t in part.plan[chosen].tolist()} - {-1, team})
    plan[chosen] = team
    after = layer_sums(part.board, plan).teams
    touched = [team, *givers]
    work = problem.demand[chosen]
    km = part.board.distance_km[chosen, team]
    return Suggestion(
        team_id=problem.team_ids[team],
        room_hours=float(after.target[team] * (problem.tolerance - part.teams.deviation[team])),
        deviation_before=float(part.teams.deviation[team]),
        deviation_after=float(after.deviation[team]),
        giver_after=float(max((after.deviation[g] for g in givers), key=abs, default=0.0)),
        is_within=bool(after.is_within[touched].all()),
        is_contiguous=bool((after.pieces[touched] <= np.maximum(part.teams.pieces[touched], 1)).all()),
        distance_km=float((work * km).sum() / work.sum()) if work.sum() > 0 else float(km.mean()),
    )
