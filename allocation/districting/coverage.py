"""Overlapping territories of partners as groupings: a unit may lie in several, or partly in one.

A partner (a hospital, a GGD) that works with one more team costs more; a team that has nothing of the partner but a
unit of which the partner serves a fifth, counts for a fifth. So a partner P that serves the share s(u) of unit u costs

    sum over teams of max(s(u): u of the team)  -  max(s(u): u of any team)

For shares of 0 and 1 that is the number of teams less one. The sum is taken apart by threshold: for every level the
units of which P has at least that share are a plain group, priced by the part that the level stands for. Such groups
are laid together in groupings without overlap, which the engine, its bounds and its exact search know already.

Belongs here: that decomposition, arrays in and arrays out. Does not belong here: who the partners are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocation.districting.problem import Floats, Ints

STEPS = 10
"""Shares are priced in so many steps: each is a grouping that every move of the search has to count."""


def levels(share: Floats) -> Ints:
    """Shares above 0 in steps of 1 / ``STEPS``, the nearest one and at least one."""
    return np.maximum(np.round(np.asarray(share) * STEPS).astype(np.int64), 1)


def groupings_of(n: int, unit: Ints, partner: Ints, share: Floats) -> list[tuple[Ints, float]]:
    """The groupings (n,) of one kind of partners, each with the part of the kind's price that a split in it costs.

    Parameters
    ----------
    n : how many units. unit, partner : per row of the coverage, as codes from 0; a pair occurs once.
    share : part of the unit that the partner serves, above 0 and at most 1; priced by the nearest tenth, at least one.
    """
    level = levels(share)
    sets: list[tuple[int, Ints]] = []
    for code in np.unique(partner):
        rows = partner == code
        below = 0
        for step in np.unique(level[rows]):
            members = np.unique(unit[rows & (level >= step)])
            if len(members) > 1:
                sets.append((int(step - below), members))
            below = int(step)
    found: list[tuple[int, Ints, int]] = []
    for part, members in sorted(sets, key=lambda one: -one[0]):
        at = _first_with_room(found, part, members, n)
        _, codes, groups = found[at]
        codes[members] = groups
        found[at] = (part, codes, groups + 1)
    return [(codes, part / STEPS) for part, codes, _ in found]


def _first_with_room(found: list[tuple[int, Ints, int]], part: int, members: Ints, n: int) -> int:
    """Position of the first grouping of this part that has none of ``members`` yet; a new one where there is none."""
    for at, (size, codes, _) in enumerate(found):
        if size == part and (codes[members] < 0).all():
            return at
    found.append((part, np.full(n, -1, dtype=np.int64), 0))
    return len(found) - 1


def coverage_cost(plan: Ints, unit: Ints, partner: Ints, share: Floats) -> float:
    """What one kind costs under ``plan`` at a price of 1, straight from its definition; shares as given."""
    total = 0.0
    for code in np.unique(partner):
        rows = partner == code
        of_team: dict[int, float] = {}
        for team, part in zip(plan[unit[rows]].tolist(), share[rows].tolist(), strict=True):
            of_team[team] = max(of_team.get(team, 0.0), part)
        total += sum(of_team.values()) - max(of_team.values())
    return total


def named(kind: str, parts: Sequence[tuple[Ints, float]]) -> dict[str, tuple[Ints, float]]:
    """The groupings of a kind by name: that of the kind, then numbered."""
    return {kind if at == 0 else f"{kind} ({at + 1})": one for at, one in enumerate(parts)}
