"""The input folder filled from a database: one table per input, named as the file.

Belongs here: copying. Does not belong here: any check of what is copied (`inputs`), or where the address comes from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from allocation.contract import input_tables
from allocation.contract.errors import InputRefused, Problem
from allocation.contract.schema import Table

EVERY = tuple(table.name for table in input_tables.INPUTS)
NO_RIGHT = "42501"
"""What PostgreSQL answers to who may not read a table."""


def collect(address: str, folder: Path, names: Iterable[str] = EVERY) -> list[str]:
    """Copy the input tables ``names`` of the database ``address`` into ``folder``; returns the names that were there.

    Only declared columns are read: nothing else of the source enters. Rows are sorted, so that equal content gives
    equal files. The folder changes once all tables are there, and not at all when the source breaks off: two moments
    are never mixed. A table that the source no longer has goes from it. Raises ``InputRefused`` for tables that lack
    columns, or that cannot be read, with every problem; a missing table is for the input checks to tell.
    """
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [table for table in input_tables.INPUTS if table.name in set(names)]
    with (
        tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as aside,
        engine.connect() as connection,
    ):
        if connection.dialect.name == "postgresql":  # one moment for all tables
            connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        present = _columns(connection, wanted)
        problems: list[Problem] = []
        for name, columns in present.items():
            problems += _copy(connection, name, columns, Path(aside) / f"{name}.parquet")
        if problems:
            raise InputRefused(problems)
        for table in wanted:
            path = folder / f"{table.name}.parquet"
            if table.name in present:
                (Path(aside) / path.name).replace(path)
            else:
                path.unlink(missing_ok=True)
    return list(present)


def _columns(connection: sa.Connection, wanted: Iterable[Table]) -> dict[str, list[str]]:
    """Of each table that is there its declared columns. Raises ``InputRefused`` where one is missing that has to be."""
    inspector = sa.inspect(connection)
    found = {t: {c["name"] for c in inspector.get_columns(t.name)} for t in wanted if inspector.has_table(t.name)}
    problems = [
        Problem(f"table {table.name}", None, column.name, "the column is missing", "a column of this name")
        for table, columns in found.items()
        for column in table.columns
        if not column.optional and column.name not in columns
    ]
    if problems:
        raise InputRefused(problems)
    return {table.name: [name for name in table.column_names if name in columns] for table, columns in found.items()}


def _copy(connection: sa.Connection, name: str, columns: list[str], path: Path) -> list[Problem]:
    """Write the table to ``path``, or tell of each column why it cannot be read.

    A source that goes away is no problem of the input: that is raised as it is, to be tried again.
    """
    try:
        frame = _read(connection, name, columns)
        frame.sort_values(columns, ignore_index=True, key=lambda values: values.astype(str)).to_parquet(
            path, index=False
        )
    except (sa.exc.DBAPIError, pd.errors.DatabaseError, pa.ArrowException):
        if connection.invalidated:
            raise
        told = {column: why for column in columns if (why := _why_not(connection, name, column))}
        if not told:
            raise
        if len(told) == len(columns) and len(set(told.values())) == 1:
            return [Problem(f"table {name}", None, None, next(iter(told.values())), "a table that may be read")]
        return [Problem(f"table {name}", None, column, why, "values of its type") for column, why in told.items()]
    return []


def _read(connection: sa.Connection, name: str, columns: list[str]) -> pd.DataFrame:
    with connection.begin_nested():  # what one statement breaks leaves the next as it is
        return pd.read_sql(sa.select(sa.table(name, *(sa.column(column) for column in columns))), connection)


def _why_not(connection: sa.Connection, name: str, column: str) -> str:
    """Why a column cannot be read; empty where it can."""
    try:
        pa.Table.from_pandas(_read(connection, name, [column]))
    except pa.ArrowException as error:
        return f"has values that cannot be read: {error}"
    except (sa.exc.DBAPIError, pd.errors.DatabaseError) as error:
        cause = error if isinstance(error, sa.exc.DBAPIError) else error.__cause__
        if connection.invalidated or not isinstance(cause, sa.exc.DBAPIError):
            raise
        if getattr(cause.orig, "sqlstate", None) == NO_RIGHT:
            return "this login may not read it"
        if isinstance(cause, sa.exc.DataError):
            return f"has values that cannot be read: {cause.orig}"
        raise
    return ""
