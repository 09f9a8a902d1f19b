"""Cells as sources store them, read as identifiers, counts and coordinates."""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geodata import GeodataError
from geodata.identifiers import counts, identifiers, metres


def column(*cells: Any) -> pd.Series:
    return pd.Series(list(cells), dtype=object)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("GM0307    ", "GM0307"),
        ("\u00a0GM0307\t", "GM0307"),
        ("\ufeff3511\u200b", "3511"),
        ("Den  Haag ", "Den Haag"),
        (3511, "3511"),
        (3511.0, "3511"),
        (np.float32(3511), "3511"),
        (decimal.Decimal("3511.00"), "3511"),
        ("3511.0", "3511"),
        ("3511.5", "3511.5"),
        ("1.000", "1.000"),
        (b"3511", "3511"),
        ("   ", None),
        (None, None),
        (np.nan, None),
        (pd.NA, None),
        (pd.NaT, None),
    ],
)
def test_one_rule_reads_every_identifier(cell: Any, text: str | None) -> None:
    found = identifiers(column(cell), "here").iloc[0]
    assert pd.isna(found) if text is None else found == text


@pytest.mark.parametrize("cell", ["35\x0011", "35\ud80011", b"\xff\xfe"])
def test_what_is_no_text_is_refused_with_its_row(cell: Any) -> None:
    with pytest.raises(GeodataError, match=r"^areas.gpkg, column pc4, row 2: ") as refused:
        identifiers(column("3511", cell), "areas.gpkg, column pc4")
    str(refused.value).encode()  # can be printed


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ("1.000", 1000),
        ("1.234.567", None),
        ("12 345", 12345),
        ("12\u00a0345", 12345),
        ("1000", 1000),
        ("1000.0", 1000),
        (1000.0, 1000),
        (0, 0),
        (-99997, pd.NA),
        ("-99995", pd.NA),
        ("", pd.NA),
        ("1,000", None),
        ("0.500", None),
        ("1.00.000", None),
        ("1e3", None),
        (1e30, None),
        (np.inf, None),
        (12.5, None),
        (-5, None),
        (True, None),
        ("veel", None),
        ("\u0661\u0662", None),  # digits, but not ours
    ],
)
def test_a_count_is_a_whole_number_or_refused_and_never_another_number(cell: Any, count: Any) -> None:
    """None: refused, with the row. A point before three digits is a thousands point."""
    if count is None:
        with pytest.raises(GeodataError, match=r"^here, row 2: .* is no count; a whole number from 0 to 1000000"):
            counts(column("7", cell), "here")
    else:
        assert counts(column("7", cell), "here")[0].tolist() == [7, count]


def test_how_many_counts_had_separators_is_told() -> None:
    assert counts(column("1.000", "2 000", "3000"), "here")[1] == 2


def test_coordinates_are_plain_numbers() -> None:
    assert metres(column("136000.5", 137000, None), "here").tolist()[:2] == [136000.5, 137000.0]
    with pytest.raises(GeodataError, match=r"^here, row 2: '136,5' is no coordinate"):
        metres(column(1, "136,5"), "here")
