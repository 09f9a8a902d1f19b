"""Why files move, counted in a sentence."""

from __future__ import annotations

import pandas as pd
import pytest

from allocation.report.moves import counted, reasons_counted

ENDED, LAW = "team beëindigd: dossiers volgen de postcode", "team bedient de wet niet"


def transition(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["movement", "reason", "clients"])


def test_the_commonest_reason_comes_first_and_what_stays_is_not_counted() -> None:
    table = transition(
        ("verhuist", LAW, 324), ("verhuist", ENDED, 800), ("blijft", "postcode blijft bij hetzelfde team", 5000),
        ("verhuist", ENDED, 80),
    )  # fmt: skip
    assert reasons_counted(table) == ["1.204 dossiers verhuizen: 880 team beëindigd, 324 team bedient de wet niet."]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (1, "Van 1 dossier is onbekend welk team het nu heeft"),
        (1300, "Van 1.300 dossiers is onbekend welk team het nu"),
    ],
)
def test_files_of_which_the_holder_is_unknown_do_not_move(files: int, words: str) -> None:
    table = transition(("verhuist", LAW, 1), ("onbekend", "onbekend welk team het dossier heeft", files))
    first, second = reasons_counted(table)
    assert first == "1 dossier verhuist: 1 team bedient de wet niet."
    assert second.startswith(words)
    assert second.endswith("krijgen geen brief.")


def test_nothing_moves() -> None:
    table = transition(("blijft", "bestaande cliënt houdt zijn team", 12), ("verhuist", LAW, 0))
    assert reasons_counted(table) == ["Geen enkel dossier verhuist: bestaande cliënten houden hun team."]


@pytest.mark.parametrize(("seen", "shown"), [(1.0, 5), (1.4, 5), (2.0, 10)])
def test_told_roughly_a_total_is_made_of_what_readers_know(seen: float, shown: int) -> None:
    """Five postcodes with one client each, of which a reader knows the mean of their like; whatever they really have
    is not told beside it."""
    cells = [("verhuist", ENDED, 1)] * 5 + [("onbekend", "onbekend welk team het dossier heeft", 3)]
    table = transition(*cells).assign(seen=seen)
    assert reasons_counted(table, is_rough=True) == [
        f"Ongeveer {shown} dossiers verhuizen: ongeveer {shown} team beëindigd.",
        "Van minder dan 5 dossiers is onbekend welk team het nu heeft; die cliënten krijgen geen brief.",
    ]
    assert counted(table) == "8"


def test_r14_the_order_of_reasons_tells_no_count() -> None:
    """Four files of one reason and three of another, in one and in three postcodes: readers see four hidden cells."""
    tables = [
        transition(("verhuist", ENDED, alone), ("verhuist", LAW, 1), ("verhuist", LAW, 1), ("verhuist", LAW, each))
        for alone, each in ((4, 1), (1, 4), (0, 4))
    ]
    told = {tuple(reasons_counted(table.assign(seen=1.3), is_rough=True)) for table in tables}
    assert told == {
        ("Ongeveer 5 dossiers verhuizen: minder dan 5 team bedient de wet niet, minder dan 5 team beëindigd.",)
    }
    assert "4 team beëindigd, 3" in reasons_counted(tables[0])[0]
