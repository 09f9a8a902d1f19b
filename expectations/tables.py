"""The tables of a gate in a DuckDB database in memory, and what its rules find there: rules between tables need SQL.

Great Expectations reads no DuckDB. Each rule is asked here, once, and its rows go into a SQLite file that Great
Expectations reads.

Belongs here: everything that knows DuckDB. Does not belong here: any rule, or what becomes of what was found.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from expectations.rules import Rule


@dataclass(frozen=True)
class Answer:
    """The rows that break a rule: ``columns`` and ``rows``; or ``broken``, why its query could not be answered."""

    rule: Rule
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    broken: str = ""


class Tables:
    """Every frame as a table of its name. Dates are ISO texts, booleans 0 and 1, an empty cell is null.

    A column without a value has no type, whatever pandas takes it for: a rule may compare it with a text or count with
    it.
    """

    def __init__(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("set threads to 1")  # sums of floats come out the same every time
        for name, frame in frames.items():
            untyped = {str(column) for column in frame if _has_no_type(frame[column])}
            stored = f"{name} with values" if untyped else name
            self._connection.register("given", pa.table({str(column): _cells(frame[column]) for column in frame}))
            self._connection.execute(f'create table "{stored}" as select * from given')
            self._connection.unregister("given")
            if untyped:  # DuckDB keeps no column without a type in a table, but it does in a view
                shown = ", ".join(f'null as "{c}"' if c in untyped else f'"{c}"' for c in map(str, frame))
                self._connection.execute(f'create view "{name}" as select {shown} from "{stored}"')

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def answer(self, rule: Rule) -> Answer:
        """Ask a rule. Without an order of its own its rows are in the order of their cells."""
        query = rule.query.strip()
        if "order by" not in query:
            query = f"select * from ({query}) order by all"
        try:
            found = self._connection.execute(query)
            rows = tuple(tuple(_told(cell) for cell in row) for row in found.fetchall())
        except duckdb.Error as error:
            return Answer(rule, broken=str(error).splitlines()[0])
        return Answer(rule, tuple(str(name) for name, *_ in found.description or ()), rows)

    def keep(self, path: Path) -> None:
        """Write every table into a DuckDB file, in place of what was there.

        DuckDB puts the name of its log before a ``?``, as in an address: where one is in the path, the file is made
        elsewhere."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if "?" not in str(path):
            self._keep(path)
            return
        with TemporaryDirectory() as elsewhere:
            self._keep(Path(elsewhere) / path.name)
            shutil.move(Path(elsewhere) / path.name, path)

    def _keep(self, path: Path) -> None:
        name = str(self._connection.execute("select current_database()").fetchall()[0][0])
        place = str(path).replace("'", "''")
        self._connection.execute(f"attach '{place}' as kept")
        self._connection.execute(f'copy from database "{name}" to kept')
        self._connection.execute("detach kept")


def _told(cell: Any) -> Any:
    return int(cell) if isinstance(cell, bool) else cell


def _has_no_type(values: pd.Series[Any]) -> bool:
    return not values.notna().any()


def _cells(values: pd.Series[Any]) -> pa.Array:
    if pd.api.types.is_object_dtype(values):  # what pandas makes of numbers and truths with empty cells
        found = pd.api.types.infer_dtype(values, skipna=True)
        if found in ("boolean", "integer"):
            values = values.astype("Int64")
        elif found in ("floating", "mixed-integer-float"):
            values = values.astype("float64")
    if pd.api.types.is_datetime64_any_dtype(values):
        return pa.array(values.dt.strftime("%Y-%m-%d").astype(object), pa.string(), from_pandas=True)
    if pd.api.types.is_bool_dtype(values):
        return pa.array(values.astype("Int64"), pa.int64(), from_pandas=True)
    if pd.api.types.is_integer_dtype(values):
        return pa.array(values, pa.int64(), from_pandas=True)
    if pd.api.types.is_float_dtype(values):
        return pa.array(values, pa.float64(), from_pandas=True)
    try:
        return pa.array(values, pa.string(), from_pandas=True)
    except (pa.ArrowTypeError, pa.ArrowInvalid):  # numbers or dates among the texts: their text
        return pa.array([None if pd.isna(one) else str(one) for one in values], pa.string())


def write_answers(answers: Sequence[Answer], path: Path) -> dict[str, str]:
    """Write the rows of each answer as a table of a SQLite file; returns per rule the query that reads them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    queries = {}
    connection = sqlite3.connect(path)
    try:
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        for answer in answers:
            table = f"rows_of_{answer.rule.name}"
            names = ", ".join(f'"{name}"' for name in answer.columns)
            connection.execute(f'create table "{table}" ({names})')
            places = ", ".join("?" * len(answer.columns))
            connection.executemany(f'insert into "{table}" values ({places})', answer.rows)
            queries[answer.rule.name] = f'select * from "{table}"'
        connection.commit()
    finally:
        connection.close()
    return queries
