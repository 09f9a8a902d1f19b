"""What one cell may be: the smallest column that shows it. The good value is always beside the doubtful one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from allocation.contract.errors import Problem
from allocation.contract.input_tables import INPUTS
from allocation.contract.schema import Column, Table
from allocation.intake.cells import Typing, as_text, shown

CLIENTS = Column("n", "integer", "clients", least=0, most=1_000_000, usual=(0, 5_000))
FACTOR = Column("n", "number", "factor", least=0, is_above_least=True, most=5, usual=(0.4, 1.6))
HOURS = Column("n", "number", "hours", least=0, most=500)
BIG = Column("n", "number", "any number", least=0)
DAY = Column("n", "date", "last day", nullable=True)
TRUTH = Column("n", "boolean", "it is so", nullable=True)


def typed(column: Column, *values: Any, dtype: Any = None) -> tuple[list[Any], list[Problem], list[Problem]]:
    """The values of a column of these cells, with problems and remarks; rows begin at 2."""
    frame = pd.DataFrame({"key": [str(i) for i in range(len(values))], "n": pd.Series(list(values), dtype=dtype)})
    frame["row"] = np.arange(2, len(values) + 2)
    key = Column("key", "text", "key")
    made = Typing(Table("t", "a table", (key, column), key=("key",)), "t.csv", frame)
    return made.frame["n"].tolist(), made.problems, made.remarks


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "an empty cell"),
        (float("nan"), "an empty cell"),
        (pd.NA, "an empty cell"),
        ("", "''"),
        (0.5, "0.5"),
        ("a", "'a'"),
    ],
)
def test_a_cell_is_told_as_it_was_written(value: object, told: str) -> None:
    assert shown(value) == told


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        *((CLIENTS, cell) for cell in (
            "1.000", "12.000", "1.234.567", "1,000", "1 000", "1e3", "1E+03", "1e30", "12%", "-1", "1.5", "1000001",
            "\u0661\u0662", "1_000", "0x10", "nan", "inf", "True", "9" * 400)),
        *((FACTOR, cell) for cell in ("0", "95", "95%", "0,95", "1e1", "-0.9", "1e400")),
        *((HOURS, cell) for cell in ("1.234.567", "5,5", "501", "4:30")),
        (BIG, "1.234"),
    ],
)  # fmt: skip
def test_a_cell_that_is_no_plain_number_of_the_range_is_refused(column: Column, cell: str) -> None:
    values, (problem,), _ = typed(column, "2" if column is CLIENTS else "0.5", cell)
    assert (problem.row, problem.column) == (3, "n")
    assert np.isnan(values[1]) or column.least is not None


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        (CLIENTS, " 12 ", 12), (CLIENTS, "12.0", 12), (CLIENTS, "+12", 12), (CLIENTS, "0", 0), (CLIENTS, "007", 7),
        (FACTOR, "0.950", 0.95), (FACTOR, ".5", 0.5), (FACTOR, "1.", 1.0), (FACTOR, "1e-05", 1e-5),
        (HOURS, "4.125", 4.125), (HOURS, "1.000", 1.0),
    ],
)  # fmt: skip
def test_a_plain_number_is_read(column: Column, cell: str, value: float) -> None:
    values, problems, _ = typed(column, cell)
    assert (values, problems) == ([value], [])


@pytest.mark.parametrize(
    ("column", "stored"),
    [
        (DAY, pd.Series([20240101, 45292])), (DAY, pd.Series([20240101.0, None])), (DAY, pd.Series([True])),
        (CLIENTS, pd.Series([pd.Timestamp("2024-01-01")])), (CLIENTS, pd.Series([True])),
        (CLIENTS, pd.Series([pd.Timedelta("1D")])), (HOURS, pd.Series([pd.Timestamp("2024-01-01", tz="UTC")])),
        (TRUTH, pd.Series([1, 2])), (TRUTH, pd.Series([pd.Timestamp("2024-01-01")])),
    ],
)  # fmt: skip
def test_values_that_parquet_stores_as_another_type_are_refused(column: Column, stored: pd.Series) -> None:
    """A day in a column of integers has no form that is known; a moment is no number."""
    _, problems, _ = typed(column, *stored, dtype=stored.dtype)
    assert problems
    assert all(problem.column == "n" and problem.row == 2 for problem in problems[:1])


def test_numbers_as_parquet_stores_them_have_the_same_range() -> None:
    assert typed(CLIENTS, 3, 4)[0] == [3, 4]
    assert typed(CLIENTS, 3.0, 4.0)[0] == [3, 4]
    for cell in (-1.0, 1.5, 1e30, float("inf")):
        assert len(typed(CLIENTS, 3.0, cell)[1]) == 1
    assert [p.what for p in typed(CLIENTS, True, True)[1]] == ["True is not possible (and in 1 more rows)"]


def test_an_unusual_number_is_read_and_told() -> None:
    values, problems, remarks = typed(FACTOR, "1", "3")
    assert (values, problems) == ([1.0, 3.0], [])
    assert [(r.row, r.what, r.allowed) for r in remarks] == [(3, "3 is unusual for n", "usual: 0.4 to 1.6")]


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        (pd.Series([124, None]), ["124", None]),  # an integer column with an empty cell is one of floats
        (pd.Series(["124.0", ""]), ["124", None]),
        (pd.Series([124, 125]), ["124", "125"]),
        (pd.Series([Decimal("124"), None], dtype=object), ["124", None]),
        (pd.Series(["  SMC-1 ", "\u00a0SMC-2\ufeff"]), ["SMC-1", "SMC-2"]),
        (pd.Series(["0307      ", None]), ["0307", None]),
        (pd.Series(["a", "a"], dtype="category"), ["a", "a"]),
        (pd.Series([b"SMC", None], dtype=object), ["SMC", None]),
        (pd.Series([0.5, 1.0]), ["0.5", "1"]),
        (pd.Series([], dtype=object), []),
    ],
)
def test_a_code_is_trimmed_text_whatever_column_it_came_in(given: pd.Series, texts: list[str | None]) -> None:
    assert as_text(given).tolist() == texts


@pytest.mark.parametrize("cell", ["0001-01-01", "1025-06-01", "2024-13-01", "2024", "2024-01", "31-12-2024", "45000"])
def test_a_day_that_nobody_means_is_refused(cell: str) -> None:
    _, (problem,), _ = typed(DAY, "2024-01-01", cell)
    assert (problem.row, problem.column) == (3, "n")


def test_days_of_every_kind() -> None:
    right = [pd.Timestamp("2026-07-01"), pd.NaT]
    zoned = pd.Series(["2026-07-01", None]).astype("datetime64[us]").dt.tz_localize("Europe/Amsterdam")
    for cells in (
        pd.Series(["2026-07-01", ""]),
        pd.Series(["2026-07-01 00:00:00", "9999-12-31"]),
        pd.Series([date(2026, 7, 1), None], dtype=object),
        pd.Series([date(2026, 7, 1), date(9999, 12, 31)], dtype=object),
        zoned,
        zoned.dt.tz_convert("UTC"),
        pd.Series(["2026-07-01", "9999-12-31"]).astype("datetime64[us]"),
        zoned.dt.tz_convert("America/New_York"),
    ):
        values, problems, _ = typed(DAY, *cells, dtype=cells.dtype)
        assert problems == []
        assert pd.Series(values).equals(pd.Series(right)), cells.dtype


@pytest.mark.parametrize("cell", ["a\0b", "a\x1bb", "\ud800", "x" * 1001])
def test_text_that_is_none_is_refused(cell: str) -> None:
    frame = pd.DataFrame({"key": pd.Series(["good", cell], dtype=object), "row": [2, 3]})
    made = Typing(Table("t", "a table", (Column("key", "text", "key"),), key=("key",)), "t.csv", frame)
    assert [(p.row, p.column) for p in made.problems] == [(3, "key")]


def test_every_number_of_the_inputs_has_a_range() -> None:
    numbers = [c for table in INPUTS for c in table.columns if c.type in ("integer", "number")]
    assert numbers
    assert all(c.least is not None and c.most is not None for c in numbers)


@pytest.mark.parametrize("cell", ["SMC\nEde", "SMC \r\n\r\n Ede", "\nSMC\u2028Ede\n", "SMC\t\n Ede"])
def test_a_line_break_in_a_cell_of_parquet_is_a_blank(cell: str) -> None:
    """Names stand in messages and questions that are read line by line; CSV has none of these."""
    assert as_text(pd.Series([cell])).tolist() == ["SMC Ede"]
