"""Numbers, dates and words as planners read them."""

from __future__ import annotations

import math
from datetime import date

import pytest

from allocation.districting import Kind, Violation
from allocation.report import dutch


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [(1234.5, 1, "1.234,5"), (0, 0, "0"), (-0.4, 0, "0"), (-1234567, 0, "−1.234.567"), (None, 0, "–"),
     (math.nan, 1, "–"), (math.inf, 1, "–"), (0.05, 1, "0,1")],
)  # fmt: skip
def test_numbers(value: float | None, decimals: int, shown: str) -> None:
    assert dutch.number(value, decimals) == shown


def test_percentages_show_their_sign_only_when_asked() -> None:
    assert dutch.percent(0.0489) == "4,9%"
    assert dutch.percent(0.0489, signed=True) == "+4,9%"
    assert dutch.percent(-0.0489, signed=True) == "−4,9%"
    assert dutch.percent(0.0001, signed=True) == "0,0%"
    assert dutch.percent(None) == "–"


def test_dates() -> None:
    assert dutch.day(date(2026, 11, 1)) == "1 november 2026"
    assert dutch.day("2026-03-31T10:00:00") == "31 maart 2026"
    assert dutch.day(None) == "–"
    assert dutch.moment("2026-11-25T23:30:00+00:00") == "26 november 2026, 00:30"  # on the clock of the Netherlands
    assert dutch.moment("2026-07-01T12:00:00") == "1 juli 2026, 14:00"


def test_layers_and_crossings_have_dutch_names() -> None:
    assert dutch.layer("zw_wia", "vangnet") == "ZW en WIA, vangnetlijn"
    assert dutch.layer("pw", "alle") == "Participatiewet"
    assert dutch.crossing("ferry: Den Helder - Texel") == "veer: Den Helder - Texel"


def test_a_broken_rule_is_told_in_dutch() -> None:
    assert dutch.violation(Violation(Kind.PIECES, "W1", 1.0)) == "Het gebied van team W1 bestaat uit 2 losse delen."
    for kind in (Kind.LOAD, Kind.MEASURE):
        assert "ligt 2,0% " in dutch.violation(Violation(kind, "W1", 0.02))
        assert "ligt 0,1% " in dutch.violation(Violation(kind, "W1", 0.0005))
        assert "ligt minder dan 0,1% " in dutch.violation(Violation(kind, "W1", 0.00049))
    for kind in (Kind.LOAD, Kind.MEASURE):  # tenths of a percent of a team's work tell one client of two versions
        assert dutch.violation(Violation(kind, "W1", 0.021), for_readers=True) == dutch.violation(
            Violation(kind, "W1", 0.022), for_readers=True
        )
    pinned, barred = (Violation(kind, "1012", team="W1") for kind in (Kind.PIN, Kind.BAR))
    assert dutch.violation(pinned) == "Postcode 1012 is vastgezet op team W1, maar is daar niet ingedeeld."
    assert dutch.violation(barred) == "Postcode 1012 is ingedeeld bij team W1, dat daar niet mag werken."
    assert all(dutch.violation(Violation(kind, "x", team="y")) for kind in Kind)


@pytest.mark.parametrize(
    ("share", "word"),
    [
        (1.0, "vrijwel zeker"),
        (0.95, "vrijwel zeker"),
        (0.949, "waarschijnlijk"),
        (0.6, "eerder wel dan niet"),
        (0.5, "om het even"),
        (0.2, "eerder niet dan wel"),
        (0.0, "onwaarschijnlijk"),
    ],
)
def test_a_chance_has_a_word(share: float, word: str) -> None:
    assert dutch.chance(share) == word


def test_a_small_count_is_told_roughly() -> None:
    counts = (0, 1, 4, 5, 7, 8, 1203)
    assert [dutch.roughly(count) for count in counts] == [
        "0", "minder dan 5", "minder dan 5", "ongeveer 5", "ongeveer 5", "ongeveer 10", "ongeveer 1.205",
    ]  # fmt: skip
