"""The tables that rules are asked of: what a cell becomes, and what an answer says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from expectations import inputs, outcome
from expectations.rules import Rule
from expectations.tables import Tables, write_answers
from tests.unit.expectations.small_run import small_run


def rule(query: str, name: str = "odd") -> Rule:
    return Rule(name, "t", None, "critical", "odd", "vreemd", query)


FRAME = pd.DataFrame({
    "pc4": ["1002", "1001", None],
    "on": [True, False, True],
    "day": pd.to_datetime(["2026-03-01", None, "2026-12-31"]),
    "n": pd.array([3, None, 5], dtype="Int64"),
    "x": [0.5, float("nan"), 2.0],
    "mixed": [1, "a", date(2026, 1, 2)],
    "none": [None, None, None],
    "nan": [float("nan")] * 3,
    "truth": pd.Series([True, None, False], dtype=object),
    "whole": pd.Series([7, None, 8], dtype=object),
})  # fmt: skip


def test_cells_are_what_a_query_expects() -> None:
    with Tables({"t": FRAME}) as tables:
        found = tables.answer(rule("select * from t order by pc4 nulls last"))
    assert found.columns == tuple(FRAME.columns)
    assert found.rows == (
        ("1001", 0, None, None, None, "a", None, None, None, None),
        ("1002", 1, "2026-03-01", 3, 0.5, "1", None, None, 1, 7),
        (None, 1, "2026-12-31", 5, 2.0, "2026-01-02", None, None, 0, 8),
    )


@pytest.mark.parametrize("name", ["none", "nan"])
def test_a_column_without_a_value_is_a_text_and_a_number(name: str) -> None:
    """Also where pandas takes it for a column of floats, as it does with holders when the stock names none."""
    with Tables({"t": FRAME}) as tables:
        asked = tables.answer(rule(f"select pc4 from t where {name} = 'a' or {name} + 1 > 0 or pc4 = {name}"))
        assert (asked.rows, asked.broken) == ((), "")
        assert tables.answer(rule(f"select count(*) as n from t where {name} is null")).rows == ((3,),)


def test_rows_come_in_the_order_of_their_cells_unless_the_rule_has_one() -> None:
    with Tables({"t": FRAME}) as tables:
        assert tables.answer(rule("select n, pc4 from t where pc4 is not null")).rows == ((3, "1002"), (None, "1001"))
        assert tables.answer(rule("select x from t where x > 0 order by x desc")).rows == ((2.0,), (0.5,))


def test_a_query_that_cannot_be_answered_says_why() -> None:
    with Tables({"t": FRAME}) as tables:
        found = tables.answer(rule("select absent from t"))
    assert found.rows == ()
    assert 'column "absent" not found' in found.broken
    assert "\n" not in found.broken


def test_answers_are_read_back_and_tables_are_kept(tmp_path: Path) -> None:
    """Twice, over what is there; a quote in the path is a letter."""
    path = tmp_path / "it's" / "t.duckdb"
    for _ in range(2):
        with Tables({"t": FRAME}) as tables:
            queries = write_answers([tables.answer(rule("select pc4, x from t where x > 1"))], tmp_path / "a.sqlite")
            tables.keep(path)
    assert sqlite3.connect(tmp_path / "a.sqlite").execute(queries["odd"]).fetchall() == [(None, 2.0)]
    with duckdb.connect(str(path), read_only=True) as kept:
        assert kept.sql("select count(*), sum(n), count(none) from t").fetchall() == [(3, 8, 0)]


EMPTY: list[Callable[[pd.DataFrame], pd.DataFrame]] = [
    lambda frame: frame[:0],
    lambda frame: frame[:0].astype(object),
    lambda frame: pd.DataFrame(np.nan, index=frame.index, columns=frame.columns),
]


@pytest.mark.parametrize("made", EMPTY, ids=["typed", "untyped", "rows without a value"])
def test_no_rule_breaks_down_on_empty_tables(made: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    run = small_run()
    for gate in (inputs.suites(run.input_facts()), outcome.suites(run.outcome_facts())):
        with Tables({name: made(frame) for name, frame in gate.frames.items()}) as tables:
            broken = {one.name: why for one in gate.rules if (why := tables.answer(one).broken)}
        assert not broken
