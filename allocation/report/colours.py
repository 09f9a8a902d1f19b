"""Few colours for many teams: neighbouring teams never have the same one.

The palette is the scheme "light" of Paul Tol (Colour Schemes, technical note SRON/EPS/TN/09-002): distinguishable with
the common forms of colour blindness, and light enough for black text and dark borders on top (contrast above 7:1).
"""

from __future__ import annotations

from collections.abc import Iterable

PALETTE = ("#77AADD", "#EE8866", "#EEDD88", "#44BB99", "#FFAABB", "#99DDFF", "#BBCC33", "#AAAA00")


def colour_teams(teams: int, neighbours: Iterable[tuple[int, int]], known: Iterable[int] = ()) -> list[int]:
    """A position in ``PALETTE`` for each team; the two of a pair in ``neighbours`` get different ones.

    Greedy by saturation (Brélaz 1979): the team with the most colours around it goes first. ``known``: colours that
    teams have already (-1 = none); they are kept where they do not clash. With more than eight colours around a team,
    which maps of teams do not show, the least used colour among its neighbours is taken.
    """
    around: list[set[int]] = [set() for _ in range(teams)]
    for a, b in neighbours:
        if a != b and a >= 0 and b >= 0:
            around[a].add(b)
            around[b].add(a)
    colour = _kept(list(known) or [-1] * teams, around)
    used = [0] * len(PALETTE)
    for one in colour:
        if one >= 0:
            used[one] += 1
    left = {team for team in range(teams) if colour[team] < 0}
    while left:
        team = max(left, key=lambda t: (len({colour[o] for o in around[t]} - {-1}), len(around[t]), -t))
        taken = [colour[other] for other in around[team] if colour[other] >= 0]
        free = [c for c in range(len(PALETTE)) if c not in taken]
        choice = min(free or range(len(PALETTE)), key=lambda c: (taken.count(c), used[c], c))
        colour[team] = choice
        used[choice] += 1
        left.remove(team)
    return colour


def _kept(known: list[int], around: list[set[int]]) -> list[int]:
    """``known`` without the colours that clash with a lower-numbered neighbour."""
    colour = list(known)
    for team, others in enumerate(around):
        if any(other < team and colour[other] == colour[team] for other in others):
            colour[team] = -1
    return colour
