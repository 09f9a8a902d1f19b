"""Neighbouring teams never have the same colour."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from allocation.report.colours import PALETTE, colour_teams


def contrast(colour: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2, relative luminance)."""

    def luminance(text: str) -> float:
        parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(colour), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_four_teams_that_all_touch_get_four_colours() -> None:
    assert len(set(colour_teams(4, itertools.combinations(range(4), 2)))) == 4


def test_colours_that_do_not_clash_stay_when_a_team_is_added() -> None:
    """Three in a row, then a fourth beside all: the first three keep theirs."""
    before = colour_teams(3, [(0, 1), (1, 2)])
    after = colour_teams(4, [(0, 1), (1, 2), (0, 3), (1, 3), (2, 3)], [*before, -1])
    assert after[:3] == before
    assert after[3] not in before


@given(
    st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=60),
    st.lists(st.integers(-1, 7), min_size=12, max_size=12),
)
def test_no_neighbours_are_alike_while_no_team_has_more_than_seven(
    pairs: set[tuple[int, int]], known: list[int]
) -> None:
    """Greedy colouring needs at most one colour more than the most neighbours that a team has."""
    around: dict[int, set[int]] = {i: set() for i in range(12)}
    kept = []
    for a, b in sorted(pairs):
        if a != b and len(around[a] - {b}) < 7 and len(around[b] - {a}) < 7:
            around[a].add(b)
            around[b].add(a)
            kept.append((a, b))
    colours = colour_teams(12, kept, known)
    assert all(0 <= one < len(PALETTE) for one in colours)
    assert all(colours[a] != colours[b] for a, b in kept)


def test_black_labels_and_dark_borders_are_readable_on_every_colour() -> None:
    assert all(contrast(colour, "#111111") >= 7 for colour in PALETTE)
    assert all(contrast(colour, "#1f2933") >= 4.5 for colour in PALETTE)
