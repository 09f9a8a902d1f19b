"""The tables of a store: those that keep its record, and one ``<table>_rows`` for each published table.

Belongs here: names, columns, types, keys. The tables of rows follow from `allocation.contract.published_tables`; what
keeps the record is declared here. Does not belong here: connections (`connection`), what readers see (`views`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from allocation.contract.published_tables import FOR_OPERATIONS, PUBLISHED, TEAM
from allocation.contract.schema import Column, Table

SCHEMA = "caseload"
STORED: tuple[Table, ...] = (*PUBLISHED, TEAM, *FOR_OPERATIONS)
VALIDITY_COLUMNS = ("valid_from", "valid_to")


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
ARROW_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "json": pa.string(),
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
    sa.Column("scope", sa.Text),  # what a proposal is about: a newer one of the same scope takes its place
    sa.CheckConstraint("status IN ('proposed', 'published', 'rejected', 'withdrawn')", name="status"),
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
    sa.CheckConstraint("act IN ('propose', 'publish', 'reject', 'rollback', 'withdraw')", name="act"),
)
TIMELINE_ACTS = ("publish", "rollback")
"""Acts that change what is or will be in force."""
ACT_OF_STATUS = {"proposed": "propose", "published": "publish", "rejected": "reject", "withdrawn": "withdraw"}
"""The act with which a version gets a status."""
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
AREA_TYPES = {
    "pc4": pa.string(),
    "gemeente_name": pa.string(),
    "arbeidsmarktregio_nr": pa.int64(),
    "arbeidsmarktregio": pa.string(),
    "x_m": pa.float64(),
    "y_m": pa.float64(),
}
"""What ``boundary_areas`` tells of an area beside its shape, as it is in memory."""
STORE_IDENTITY = sa.Table(
    "store_identity",
    METADATA,
    sa.Column("store_id", sa.Text, primary_key=True),
    sa.Column("declarations", sa.Text),  # which declarations the tables of rows and the views follow, see `upgrade`
)
PLANNER_DRAFTS = sa.Table(
    "planner_drafts",
    METADATA,
    sa.Column("draft_id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("saved_by", sa.Text, nullable=False),
    sa.Column("saved_at", sa.Text, nullable=False),
    sa.UniqueConstraint("run_id", "name"),
)


def stored_columns(table: Table) -> tuple[Column, ...]:
    """The columns that are written: validity lies in its own table, because it changes and rows never do."""
    return tuple(c for c in table.columns if c.name not in VALIDITY_COLUMNS)


def is_nullable(column: Column) -> bool:
    return column.nullable or column.may_lack


def _never_empty(column: Column) -> str:
    return f"coalesce({column.name if column.type == 'text' else f'CAST({column.name} AS TEXT)'}, '')"


def row_table(table: Table, metadata: sa.MetaData = METADATA) -> sa.Table:
    """The table of rows of a published table.

    PostgreSQL has a unique index on the key. In SQLite the rows lie in the order of the key (``WITHOUT ROWID``), which
    needs no index beside them, but takes no empty part: there it is an empty text (`may_be_empty`).
    """
    # Empty parts of a key count as a value. They come last: a look-up by postcode uses the parts before them.
    nullable = may_be_empty(table)
    key_order = ["version", *(k for k in table.key if k not in ("version", *nullable)), *nullable]
    others = [c for c in stored_columns(table) if c.name not in key_order]
    # In the order in which SQLite keeps them: else the integrity check of release 3.40 takes one column for another.
    columns = [*(table.column(name) for name in key_order), *others]
    built = sa.Table(
        f"{table.name}_rows",
        metadata,
        *(sa.Column(c.name, SQL_TYPES[c.type], nullable=is_nullable(c), autoincrement=False) for c in columns),
        *(sa.CheckConstraint(_one_of(c), name=c.name) for c in columns if c.allowed),
        sqlite_with_rowid=False,
    )
    parts = [sa.text(_never_empty(table.column(k))) if k in nullable else built.c[k] for k in key_order]
    index = sa.Index(f"{table.name}_rows_key", *parts, unique=True)
    index.ddl_if(dialect="postgresql")
    key = sa.PrimaryKeyConstraint(*(built.c[k] for k in key_order))
    built.append_constraint(key.ddl_if(dialect="sqlite"))
    return built


def may_be_empty(table: Table) -> tuple[str, ...]:
    """The parts of the key of a published table that may be empty."""
    return tuple(k for k in table.key if k != "version" and is_nullable(table.column(k)))


def read_column(table: Table, name: str, dialect: str, of: str = "") -> str:
    """SQL of the value of a column of the table of rows, whose alias is ``of``."""
    column = f"{of}.{name}" if of else name
    return f"nullif({column}, '')" if dialect == "sqlite" and name in may_be_empty(table) else column


def _one_of(column: Column) -> str:
    return f"{column.name} IN ({', '.join(repr(v) for v in column.allowed)})"


ROWS: Mapping[str, sa.Table] = {table.name: row_table(table) for table in STORED}
