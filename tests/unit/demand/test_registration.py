"""Regions that change the lines under which they count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allocation.demand.registration import as_registered_now, line_moves

LINES = ["alle", "vangnet", "werkgever"]


def by_month(**lines: list[float]) -> np.ndarray:
    return np.array([lines.get(line, [0.0] * 12) for line in LINES])


def test_lines_become_alle() -> None:
    counts = by_month(alle=[0] * 6 + [9] * 6, vangnet=[5] * 6 + [0] * 6, werkgever=[4] * 6 + [0] * 6)
    assert line_moves(counts, LINES) == [("vangnet", "alle", 1.0), ("werkgever", "alle", 1.0)]


def test_alle_becomes_lines_in_their_proportion() -> None:
    counts = by_month(alle=[8] * 6 + [0] * 6, vangnet=[0] * 6 + [6] * 6, werkgever=[0] * 6 + [2] * 6)
    assert line_moves(counts, LINES) == [("alle", "vangnet", 0.75), ("alle", "werkgever", 0.25)]


@pytest.mark.parametrize(
    "counts",
    [
        by_month(vangnet=[5] * 12, werkgever=[4] * 12),
        by_month(vangnet=[5] * 12, werkgever=[4] * 6 + [0] * 6),  # a line that ends without another instead
        by_month(alle=[0] * 11 + [1], vangnet=[5] * 12),  # one stray client
        by_month(alle=[0] * 9 + [9] * 3, vangnet=[5] * 4 + [0] * 8),  # the one has nothing to do with the other
        by_month(alle=[0] * 6 + [1] + [0] * 5, vangnet=[1] + [0] * 11),  # too few to tell
    ],
)
def test_anything_else_is_no_change_of_registration(counts: np.ndarray) -> None:
    assert line_moves(counts, LINES) == []


def test_only_that_region_and_product_is_recoded() -> None:
    rows = [(m, 1, "P", "vangnet", "1001", 4.0) for m in range(6)] + [
        (m, 1, "P", "alle", "1001", 4.0) for m in range(6, 12)
    ]
    rows += [(m, 2, "P", "vangnet", "2001", 3.0) for m in range(12)] + [
        (m, 1, "Q", "vangnet", "1001", 2.0) for m in range(12)
    ]
    inflow = pd.DataFrame(rows, columns=["number", "region", "product", "client_line", "pc4", "clients"])
    found = as_registered_now(inflow, 12)
    total = found.groupby(["region", "product", "client_line"])["clients"].sum().to_dict()
    assert total == {(1, "P", "alle"): 48, (2, "P", "vangnet"): 36, (1, "Q", "vangnet"): 24}
    assert list(found.columns) == list(inflow.columns)
