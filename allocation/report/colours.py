"""Few colours for many teams: neighbours never have the same one, and a team keeps its own between versions.

The fills are muted, so that borders and names stand out: seven hues of OKLCH (Ottosson 2020) of equal lightness, for
paper and for a dark screen. They differ in hue alone, so no meaning may rest on them: teams have borders and names.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence

HUES = (20, 70, 115, 165, 215, 265, 315)
"""Degrees."""
LIGHT, DARK = (0.86, 0.075), (0.36, 0.07)
"""Lightness and chroma of the fills."""


def oklch(lightness: float, chroma: float, hue: float) -> str:
    """A colour of OKLCH as ``#rrggbb``; what lies outside sRGB is cut off."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long, medium, short = (
        (lightness + one * a + two * b) ** 3
        for one, two in ((0.3963377774, 0.2158037573), (-0.1055613458, -0.0638541728), (-0.0894841775, -1.2914855480))
    )
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    parts = [12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in (max(0.0, c) for c in linear)]
    return "#" + "".join(f"{round(255 * min(1.0, part)):02x}" for part in parts)


PALETTES = {
    name: tuple(oklch(lightness, chroma, hue) for hue in HUES)
    for name, (lightness, chroma) in {"light": LIGHT, "dark": DARK}.items()
}


def preferred(team_id: str) -> int:
    """The colour that a team gets when no neighbour has it: the same in every run and version."""
    return int.from_bytes(hashlib.sha256(team_id.encode()).digest()[:4], "big") % len(HUES)


def colour_teams(teams: Sequence[str], neighbours: Iterable[tuple[int, int]], known: Sequence[int] = ()) -> list[int]:
    """A position in ``HUES`` for each team (by id); the two of a pair in ``neighbours`` get different ones.

    Greedy by saturation (Brélaz 1979): the team with the most colours around it goes first, and takes its preferred
    colour where that is free, else the next one. So a change somewhere leaves the colours elsewhere as they were.
    ``known``: colours that teams have already (-1 = none); they are kept where they do not clash. With more than seven
    colours around a team, the least used colour among its neighbours is taken.
    """
    around: list[set[int]] = [set() for _ in teams]
    for a, b in neighbours:
        if a != b and a >= 0 and b >= 0:
            around[a].add(b)
            around[b].add(a)
    colour = _kept(list(known) or [-1] * len(teams), around)
    first = [preferred(team) for team in teams]
    left = {team for team in range(len(teams)) if colour[team] < 0}
    while left:
        team = max(left, key=lambda t: (len({colour[o] for o in around[t]} - {-1}), len(around[t]), teams[t]))
        taken = [colour[other] for other in around[team] if colour[other] >= 0]
        order = [(first[team] + step) % len(HUES) for step in range(len(HUES))]
        free = [c for c in order if c not in taken]
        colour[team] = free[0] if free else min(order, key=taken.count)
        left.remove(team)
    return colour


def _kept(known: list[int], around: list[set[int]]) -> list[int]:
    """``known`` without the colours that clash with a lower-numbered neighbour."""
    colour = list(known)
    for team, others in enumerate(around):
        if any(other < team and colour[other] == colour[team] for other in others):
            colour[team] = -1
    return colour
