"""The store: one schema over PostgreSQL and SQLite, connections and transactions, bulk load, plain reads.

Belongs here: how rows get in and out, and what differs between the two databases. Does not belong here: what a
version is and when it is in force (`publish`), files (`files`).

Rows are written once, with the number of their version, into tables named ``<table>_rows``; the published names are
views over them (see `migrations`). On PostgreSQL everything lives in the schema ``caseload``, found by search path, so
that one text of SQL serves both databases.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import NullPool

from allocation.contract.errors import Passing, Refused
from allocation.contract.published_tables import EXPECTED, PUBLISHED, TEAM
from allocation.contract.schema import Column, Table

SCHEMA = "caseload"
HEAD = "0004"
"""The newest migration; a test holds it to the migrations folder."""
STORED: tuple[Table, ...] = (*PUBLISHED, TEAM, EXPECTED)
VALIDITY_COLUMNS = ("valid_from", "valid_to")

_LOCK_KEY = 0x5A4C0C0
_LOCK_WAIT_S = 30
_COPY_BLOCK = 1 << 20


class UtcTimestamp(sa.TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no time zone, so it is taken off on the way in and put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


JSON_TYPE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
SQL_TYPES: Mapping[str, Any] = {
    "text": sa.Text(),
    "integer": sa.Integer(),
    "number": sa.Double(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "timestamp": UtcTimestamp(),
    "json": JSON_TYPE,
}
METADATA = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    }
)

VERSIONS = sa.Table(
    "versions",
    METADATA,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False, unique=True),
    sa.Column("boundary_set", sa.Text, nullable=False),
    sa.Column("created_at", UtcTimestamp, nullable=False),
    sa.Column("planned_from", sa.Date),
    sa.Column("based_on_act", sa.Integer, nullable=False),
    sa.Column("approval", JSON_TYPE),
    sa.CheckConstraint("status IN ('proposed', 'published', 'rejected')", name="status"),
)
ACTS = sa.Table(
    "acts",
    METADATA,
    sa.Column("act_id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, sa.ForeignKey("versions.version"), nullable=False),
    sa.Column("valid_from", sa.Date),
    sa.Column("acted_at", UtcTimestamp, nullable=False),
    sa.Column("acted_by", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("approval", JSON_TYPE),
    sa.CheckConstraint("act IN ('propose', 'publish', 'reject', 'rollback')", name="act"),
)
VALIDITY = sa.Table(
    "validity",
    METADATA,
    sa.Column("period_id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("version", sa.Integer, sa.ForeignKey("versions.version"), nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date),
    sa.Column("act_id", sa.Integer, sa.ForeignKey("acts.act_id"), nullable=False),
    sa.Column("superseded_at", UtcTimestamp),
    sa.CheckConstraint("valid_to >= valid_from", name="order"),
)
BOUNDARY_AREAS = sa.Table(
    "boundary_areas",
    METADATA,
    sa.Column("boundary_set", sa.Text, primary_key=True),
    sa.Column("pc4", sa.Text, primary_key=True),
    sa.Column("gemeente_name", sa.Text),
    sa.Column("arbeidsmarktregio_nr", sa.Integer),
    sa.Column("arbeidsmarktregio", sa.Text),
    sa.Column("x_m", sa.Double),
    sa.Column("y_m", sa.Double),
    sa.Column("shape", sa.LargeBinary, nullable=False),
)
STORE_IDENTITY = sa.Table("store_identity", METADATA, sa.Column("store_id", sa.Text, primary_key=True))


def stored_columns(table: Table) -> tuple[Column, ...]:
    """The columns that are written: validity lies in its own table, because it changes and rows never do."""
    return tuple(c for c in table.columns if c.name not in VALIDITY_COLUMNS)


def _row_table(table: Table) -> sa.Table:
    columns = stored_columns(table)
    built = sa.Table(
        f"{table.name}_rows",
        METADATA,
        *(sa.Column(c.name, SQL_TYPES[c.type], nullable=c.nullable) for c in columns),
        *(sa.CheckConstraint(_one_of(c), name=c.name) for c in columns if c.allowed),
    )
    # Empty parts of a key count as a value. They come last: a look-up by postcode uses the parts before them.
    required = [built.c[k] for k in ("version", *table.key) if k != "version" and not table.column(k).nullable]
    nullable = [sa.text(f"coalesce({k}, '')") for k in table.key if table.column(k).nullable]
    sa.Index(f"{table.name}_rows_key", built.c.version, *required, *nullable, unique=True)
    return built


def _one_of(column: Column) -> str:
    return f"{column.name} IN ({', '.join(repr(v) for v in column.allowed)})"


ROWS: Mapping[str, sa.Table] = {table.name: _row_table(table) for table in STORED}


def today() -> date:
    """The date in the Netherlands: a version comes into force at midnight there."""
    return datetime.now(ZoneInfo("Europe/Amsterdam")).date()


def default_store_url(var: Path = Path("var")) -> str:
    """``CASELOAD_STORE``, else the embedded file in the folder of runs and published files."""
    return os.environ.get("CASELOAD_STORE") or f"sqlite:///{var / 'caseload.sqlite'}"


def parse_url(store_url: str) -> URL:
    """A store address; refused when it is neither SQLite nor PostgreSQL."""
    try:
        url = make_url(store_url)
    except ArgumentError as error:
        raise Refused(
            f"'{store_url}' is not a store address; allowed: sqlite:///FILE or postgresql://HOST/DB."
        ) from error
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg2"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise Refused(f"A store on {url.drivername} is not possible; allowed: sqlite:///FILE or postgresql://HOST/DB.")
    return url


@lru_cache(maxsize=16)
def engine(store_url: str) -> Engine:
    """The engine of a store. Connections are not pooled: a process that forks or is killed leaves none behind."""
    url = parse_url(store_url)
    if url.get_backend_name() == "postgresql":
        given = url.query.get("options", "")
        options = f"{given if isinstance(given, str) else ' '.join(given)} -c search_path={SCHEMA},public".strip()
        return sa.create_engine(url, poolclass=NullPool, connect_args={"options": options})
    built = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": _LOCK_WAIT_S})
    sa.event.listen(built, "connect", _prepare_sqlite)
    sa.event.listen(built, "begin", _begin_sqlite)
    return built


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("caseload_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


_FINAL_ANSWERS = ("password authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry")
"""Of a server that is there: trying again helps nobody. (It says so before there is a connection, without a code.)"""


@contextmanager
def connected(store_url: str) -> Iterator[Connection]:
    """A connection; refused in one sentence when the store cannot be reached."""
    url = parse_url(store_url)
    where = url.render_as_string(hide_password=True)
    try:
        connection = engine(store_url).connect()
    except (DBAPIError, NoSuchModuleError) as error:
        cause = str(getattr(error, "orig", error)).strip().splitlines()
        told = f"The store {where} cannot be opened: {cause[0] if cause else error}"
        is_away = isinstance(error, OperationalError) and url.get_backend_name() == "postgresql"
        is_away = is_away and not any(answer in told for answer in _FINAL_ANSWERS)
        raise (Passing if is_away else Refused)(told) from error
    with connection:
        try:
            yield connection
        except DBAPIError as error:
            refused = _plain_words(error, where)
            if refused is None:
                raise
            raise refused from error


def _plain_words(error: DBAPIError, where: str) -> Refused | None:
    """What a person can do about an error of the database; None when it is a fault of the program."""
    code, text = getattr(error.orig, "sqlstate", None), (str(error.orig).splitlines() or [""])[0]
    if code == "42501":
        return Refused(f"The login has no right to do this in the store {where}: {text}.")
    if code in ("42P01", "3F000") or text.startswith("no such table"):
        return Refused(f"The store {where} holds no published tables yet.")
    if text == "file is not a database":
        return Refused(f"The store {where} cannot be opened: the file is not an SQLite database.")
    if code == "53100" or text == "database or disk is full":
        return Passing(f"The store {where} cannot be written: no space left on its disk.")
    if error.connection_invalidated or (code or "").startswith(("08", "57P")):
        return Passing(f"The connection to the store {where} was lost: {text}")
    return None


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
    with _exclusive(store_url) as connection:
        yield connection


@contextmanager
def _exclusive(store_url: str) -> Iterator[Connection]:
    with connected(store_url) as connection:
        connection.execution_options(caseload_writes=True)
        try:
            transaction = connection.begin()
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_S}s'")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
                connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        except DBAPIError as error:
            if not _is_busy(error):
                raise
            raise Refused(
                f"Another publication has been writing to the store for {_LOCK_WAIT_S} seconds; nothing was changed. "
                "Try again when it has finished."
            ) from error
        with transaction:
            yield connection


def _is_busy(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "55P03" or "database is locked" in str(error.orig)


def migrate(store_url: str) -> None:
    """Bring the store to the newest schema; one query when it is there already.

    Refused for a store that a newer version of this program made.
    """
    url = parse_url(store_url)
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    with connected(store_url) as connection:
        if _schema_version(connection) == HEAD:
            return
        if connection.dialect.name == "sqlite":
            connection.rollback()
            # Readers go on reading the version before while the next one is written; kept in the file itself.
            connection.connection.driver_connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]
    with _exclusive(store_url) as connection:
        at = _schema_version(connection)
        if at != HEAD:
            _upgrade(connection, at)


def _schema_version(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection, at: str | None) -> None:
    from alembic import command  # imported here: half a second that only the first run on a store pays
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "allocation.publication:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if at is not None and at not in known:
        raise Refused(f"The store was made by a newer version of this program (schema {at}); this one knows {HEAD}.")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def load(connection: Connection, target: sa.Table, rows: pa.Table) -> None:
    """Put ``rows`` (columns named as in ``target``) into ``target``: COPY on PostgreSQL, one statement on SQLite."""
    names = rows.column_names
    if connection.dialect.name == "postgresql":
        columns = ", ".join(names)
        cursor = connection.connection.cursor()
        with cursor.copy(f"COPY {target.name} ({columns}) FROM STDIN (FORMAT csv)") as copy:
            body = memoryview(_csv_for_copy(rows))
            for start in range(0, len(body), _COPY_BLOCK):
                copy.write(body[start : start + _COPY_BLOCK])
        return
    if rows.num_rows:
        marks = ", ".join("?" for _ in names)
        values = list(zip(*(column.to_pylist() for column in rows.columns), strict=True))
        connection.exec_driver_sql(f"INSERT INTO {target.name} ({', '.join(names)}) VALUES ({marks})", values)


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


def frame(connection: Connection, query: sa.sql.expression.Select[Any]) -> pd.DataFrame:
    """The rows of a query. Whole numbers with empty cells stay whole (Int64); dates are ``datetime.date``."""
    result = connection.execute(query)
    columns = list(result.keys())
    built = pd.DataFrame.from_records([tuple(row) for row in result], columns=columns)
    for column in query.selected_columns:
        if isinstance(column.type, sa.Integer):
            whole = built[column.key].astype("Int64")
            built[column.key] = whole if whole.isna().any() else whole.astype("int64")
        elif isinstance(column.type, sa.Double):
            built[column.key] = built[column.key].astype("float64")
        elif isinstance(column.type, sa.Text):
            built[column.key] = built[column.key].astype("str")
    return built


def store_id(connection: Connection) -> str:
    """The name that a store gave itself when it was made: tells its files from those of another store."""
    return str(connection.execute(sa.select(STORE_IDENTITY.c.store_id)).scalar_one())
