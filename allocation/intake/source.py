"""The input folder filled from a database: one table per input, named as the file.

Belongs here: copying. Does not belong here: any check of what is copied (`inputs`), or where the address comes from.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from allocation.contract import input_tables
from allocation.contract.errors import InputRefused, Problem

EVERY = tuple(table.name for table in input_tables.INPUTS)


def collect(address: str, folder: Path, names: Iterable[str] = EVERY) -> list[str]:
    """Copy the input tables ``names`` of the database ``address`` into ``folder``; returns the names that were there.

    Only declared columns are read: nothing else of the source enters. Rows are sorted, so that equal content gives
    equal files; each file is replaced whole. A table that the source no longer has goes from the folder. Raises
    ``InputRefused`` for tables that lack columns, with every problem; a missing table is for the input checks to tell.
    """
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [table for table in input_tables.INPUTS if table.name in set(names)]
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":  # one moment for all tables
            connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        inspector = sa.inspect(connection)
        present = {
            t.name: {c["name"] for c in inspector.get_columns(t.name)} for t in wanted if inspector.has_table(t.name)
        }
        problems = [
            Problem(f"table {table.name}", None, column.name, "the column is missing", "a column of this name")
            for table in wanted
            if table.name in present
            for column in table.columns
            if not column.optional and column.name not in present[table.name]
        ]
        if problems:
            raise InputRefused(problems)
        for table in wanted:
            path = folder / f"{table.name}.parquet"
            if table.name in present:
                columns = [name for name in table.column_names if name in present[table.name]]
                _copy(connection, table.name, columns, path)
            else:
                path.unlink(missing_ok=True)
    return [table.name for table in wanted if table.name in present]


def _copy(connection: sa.Connection, name: str, columns: list[str], path: Path) -> None:
    source = sa.table(name, *(sa.column(column) for column in columns))
    frame = pd.read_sql(sa.select(source), connection)
    frame = frame.sort_values(columns, ignore_index=True, key=lambda values: values.astype(str))
    fresh = path.with_suffix(".fresh")
    frame.to_parquet(fresh, index=False)
    fresh.replace(path)
