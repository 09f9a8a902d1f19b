"""The store: one schema over PostgreSQL and SQLite; reading one moment, writing alone, bulk load, plain reads.

Belongs here: how rows get in and out. Does not belong here: what a version is and when it is in force (`versions`),
files (`files`), the tables themselves (`tables`), connections (`connection`).

Rows are written once, with the number of their version, into tables named ``<table>_rows``; the published names are
views over them (see `views`). On PostgreSQL everything lives in the schema ``caseload``, found by search path, so
that one text of SQL serves both databases.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation.contract.calendar import today as today
from allocation.contract.schema import Table
from allocation.publication.connection import address_without_secret as address_without_secret
from allocation.publication.connection import connected as connected
from allocation.publication.connection import engine as engine
from allocation.publication.connection import exclusive
from allocation.publication.connection import parse_url as parse_url
from allocation.publication.tables import ARROW_TYPES, SQL_TYPES, STORE_IDENTITY
from allocation.publication.upgrade import migrate as migrate

if TYPE_CHECKING:
    import pandas as pd

_COPY_BLOCK = 1 << 20
_MOST_BOUND = 900
"""Cells in one statement; every SQLite takes 999."""


@contextmanager
def reading(store_url: str) -> Iterator[Connection]:
    """One snapshot: every read inside sees the same moment."""
    migrate(store_url)
    with connected(store_url) as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def writing(store_url: str) -> Iterator[Connection]:
    """The one writer's transaction: all or nothing, one at a time. Refused when another writer does not finish."""
    migrate(store_url)
    with exclusive(store_url) as connection:
        yield connection


def load(connection: Connection, target: sa.Table, rows: pa.Table) -> None:
    """Put ``rows`` (columns named as in ``target``) into ``target``: COPY on PostgreSQL, few statements on SQLite."""
    names = rows.column_names
    if connection.dialect.name == "postgresql":
        columns = ", ".join(names)
        cursor = connection.connection.cursor()
        with cursor.copy(f"COPY {target.name} ({columns}) FROM STDIN (FORMAT csv)") as copy:
            body = memoryview(_csv_for_copy(rows))
            for start in range(0, len(body), _COPY_BLOCK):
                copy.write(body[start : start + _COPY_BLOCK])
        return
    _insert(connection, target, rows)


def _insert(connection: Connection, target: sa.Table, rows: pa.Table) -> None:
    """The same on SQLite. Many rows in one statement: beginning a statement takes longer than writing its row."""
    names = rows.column_names
    keys = set(target.primary_key.columns.keys())  # no part of a key is empty in SQLite, see `tables.row_table`
    columns = [_bound(column, "" if name in keys else None) for name, column in zip(names, rows.columns, strict=True)]
    cells = list(chain.from_iterable(zip(*columns, strict=True)))
    width = len(names)
    at_once = max(1, _MOST_BOUND // width) * width
    whole = len(cells) - len(cells) % at_once
    into, marks = f"INSERT INTO {target.name} ({', '.join(names)}) VALUES ", f"({', '.join('?' * width)})"
    for count, part in ((at_once, cells[:whole]), (len(cells) - whole, cells[whole:])):
        if part:
            statement = into + ", ".join([marks] * (count // width))
            connection.exec_driver_sql(statement, list(zip(*[iter(part)] * count, strict=True)))


def _bound(column: pa.ChunkedArray, empty: object) -> list[Any]:
    """The cells as SQLite keeps them: truth as 0 and 1 (else the driver looks for an adapter, cell by cell)."""
    values = (column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column).to_pylist()
    return values if empty is None or not column.null_count else [empty if value is None else value for value in values]


def _csv_for_copy(rows: pa.Table) -> bytes:
    """CSV as PostgreSQL reads it: texts quoted, so that an empty text is not taken for an empty cell; binary as hex."""
    for position, field in enumerate(rows.schema):
        if pa.types.is_binary(field.type):
            hexed = pa.array([None if v is None else "\\x" + v.hex() for v in rows.column(position).to_pylist()])
            rows = rows.set_column(position, field.name, hexed)
    return csv_bytes(rows, include_header=False)


def csv_bytes(rows: pa.Table, **options: Any) -> bytes:
    """``rows`` as CSV, moments as ``2026-11-25 09:00:00.000000Z``; ``options`` as of ``pyarrow.csv.WriteOptions``.

    Arrow looks a zone up, UTC too, in the zone files of the operating system, which a minimal machine does not have.
    A moment is kept in UTC whatever its zone, so its text needs no zone file.
    """
    for position, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            clock = rows.column(position).cast(pa.timestamp(field.type.unit)).cast(pa.string())
            rows = rows.set_column(position, field.name, pc.binary_join_element_wise(clock, "Z", ""))
    buffer = BytesIO()
    pa_csv.write_csv(rows, buffer, pa_csv.WriteOptions(**options))
    return buffer.getvalue()


ROWS_AT_A_TIME = 1_000
"""Rows of a query that are in memory as rows at once: a whole country of them would keep the garbage collector busy."""


def rows_of(connection: Connection, query: str, table: Table, given: Mapping[str, object]) -> pa.Table:
    """The rows of a query as Arrow, in the types that the columns of ``table`` have in memory (JSON as text)."""
    text = sa.text(query).bindparams(**given)
    typed = text.columns(**{c.name: SQL_TYPES[c.type] for c in table.columns if f"{c.name}" in query})
    result = connection.execute(typed)
    names = list(result.keys())
    types = {c.name: ARROW_TYPES[c.type] for c in table.columns}
    texts = {c.name for c in table.columns if c.type == "json"}
    schema = pa.schema([(name, types[name]) for name in names])
    batches = []
    for part in result.partitions(ROWS_AT_A_TIME):
        columns = zip(*part, strict=True)
        arrays = [pa.array(map(_text, c) if n in texts else c, types[n]) for n, c in zip(names, columns, strict=True)]
        batches.append(pa.record_batch(arrays, schema=schema))
    return pa.Table.from_batches(batches, schema).combine_chunks()


def _text(value: object) -> str | None:
    return None if value is None else json.dumps(value)


def frame(connection: Connection, query: sa.sql.expression.Select[Any]) -> pd.DataFrame:
    """The rows of a query. Whole numbers with empty cells stay whole (Int64); dates are ``datetime.date``."""
    import pandas as pd  # half of the time of a look-up, which needs none

    result = connection.execute(query)
    columns = list(result.keys())
    built = pd.DataFrame.from_records([tuple(row) for row in result], columns=columns)
    return _typed(built, {str(column.key): column.type for column in query.selected_columns})


def frame_of(rows: pa.Table, table: Table) -> pd.DataFrame:
    """Rows of ``table``, as ``frame`` gives them."""
    import pandas as pd

    built = rows.to_pandas()
    for column in table.columns:
        if column.type == "json":
            texts = rows.column(column.name).to_pylist()
            built[column.name] = pd.Series([text and json.loads(text) for text in texts], dtype=object)
    return _typed(built, {column.name: SQL_TYPES[column.type] for column in table.columns})


def _typed(built: pd.DataFrame, types: Mapping[str, Any]) -> pd.DataFrame:
    for name in [name for name in built.columns if name in types]:
        if isinstance(types[name], sa.Integer):
            whole = built[name].astype("Int64")
            built[name] = whole if whole.isna().any() else whole.astype("int64")
        elif isinstance(types[name], sa.Double):
            built[name] = built[name].astype("float64")
        elif isinstance(types[name], sa.Boolean) and not built[name].isna().any():
            built[name] = built[name].astype("bool")
        elif isinstance(types[name], sa.Text):
            built[name] = built[name].astype("str")
    return built


def store_id(connection: Connection) -> str:
    """The name that a store gave itself when it was made: tells its files from those of another store."""
    return str(connection.execute(sa.select(STORE_IDENTITY.c.store_id)).scalar_one())


def place(connection: Connection) -> str | None:
    """Where a store is, whatever the address by which it was reached: a copy has the name of its store (``store_id``)
    and another place. None where a server does not tell."""
    if connection.dialect.name == "sqlite":
        return str(Path(str(connection.engine.url.database)).resolve())
    server = sa.text("SELECT system_identifier FROM pg_control_system()")
    database = sa.text("SELECT oid FROM pg_database WHERE datname = current_database()")
    if not connection.scalar(sa.text("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")):
        return None
    return f"server {connection.scalar(server)}, database {connection.scalar(database)}"
