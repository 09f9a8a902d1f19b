"""Neighbouring teams never have the same colour."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from allocation.report.colours import HUES, PALETTES, colour_teams, preferred

NAMES = [f"SMC-{i:02d}" for i in range(12)]


def contrast(colour: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2, relative luminance)."""

    def luminance(text: str) -> float:
        parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(colour), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_four_teams_that_all_touch_get_four_colours() -> None:
    assert len(set(colour_teams(NAMES[:4], itertools.combinations(range(4), 2)))) == 4


def test_colours_that_do_not_clash_stay_when_a_team_is_added() -> None:
    """Three in a row, then a fourth beside all: the first three keep theirs."""
    before = colour_teams(NAMES[:3], [(0, 1), (1, 2)])
    after = colour_teams(NAMES[:4], [(0, 1), (1, 2), (0, 3), (1, 3), (2, 3)], [*before, -1])
    assert after[:3] == before
    assert after[3] not in before


@given(
    st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=60),
    st.lists(st.integers(-1, 6), min_size=12, max_size=12),
)
def test_no_neighbours_are_alike_while_no_team_has_more_than_six(pairs: set[tuple[int, int]], known: list[int]) -> None:
    """Greedy colouring needs at most one colour more than the most neighbours that a team has."""
    around: dict[int, set[int]] = {i: set() for i in range(12)}
    kept = []
    for a, b in sorted(pairs):
        if a != b and len(around[a] - {b}) < 6 and len(around[b] - {a}) < 6:
            around[a].add(b)
            around[b].add(a)
            kept.append((a, b))
    colours = colour_teams(NAMES, kept, known)
    assert all(0 <= one < len(HUES) for one in colours)
    assert all(colours[a] != colours[b] for a, b in kept)


def test_a_team_keeps_its_colour_when_teams_far_away_change() -> None:
    """A chain of twelve: a border more at one end changes no colour at the other."""
    chain = list(itertools.pairwise(range(12)))
    before, after = colour_teams(NAMES, chain), colour_teams(NAMES, [*chain, (0, 2)])
    assert before[4:] == after[4:]
    assert colour_teams(NAMES[::-1], chain)[::-1] == before
    assert colour_teams(NAMES[:1], []) == [preferred(NAMES[0])]


def test_names_and_borders_are_readable_on_every_colour() -> None:
    assert all(contrast(colour, "#11181f") >= 7 for colour in PALETTES["light"])
    assert all(contrast(colour, "#2a3440") >= 4.5 for colour in PALETTES["light"])
    assert all(contrast(colour, "#f2f5f8") >= 7 for colour in PALETTES["dark"])
