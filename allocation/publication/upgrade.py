"""Bringing a store to the schema of this program: numbered migrations, then whatever the declarations say.

Belongs here: when and in which order a store is changed. A column or table that is declared in `allocation.contract`
comes into the tables of rows and the views by itself; a migration is written for what keeps the record (versions,
validity, acts) and for what a declaration cannot say. Does not belong here: the SQL of views (`views`), who may what
(`rights`).
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from allocation.contract.errors import NoRight, Refused, Unusable
from allocation.contract.schema import Column, Table
from allocation.publication import rights, views
from allocation.publication.connection import address_without_secret, connected, exclusive, parse_url
from allocation.publication.tables import (
    METADATA,
    ROWS,
    SCHEMA,
    STORE_IDENTITY,
    STORED,
    is_nullable,
    may_be_empty,
    stored_columns,
)

HEAD = "0007"
"""The newest migration; a test holds it to the migrations folder."""
_FIRST_THAT_FOLLOWS = "0005"
"""The migration from which on a store keeps which declarations it follows."""
DECLARED = 6
"""Goes up by one with each change of the tables of rows, the views or the rights, so that an older program knows a
store that follows newer ones; a test holds it to what is declared."""
NEWER = "The store was made by a newer version of this program ({what} {found}); this one knows {known}."
NOT_FOLLOWED = (
    "The store {store} was made by {whom} version of this program and its owner has not opened it since; this "
    "login may not bring it along."
)


def migrate(store_url: str) -> None:
    """Bring the store to the newest schema; a few short queries when it is there already.

    Refused for a store that a newer version of this program made: nothing in it changes.
    """
    url = parse_url(store_url)
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    with connected(store_url) as connection:
        found = _found(connection)
        if found.is_up_to_date(connection.dialect.name):
            return
        if connection.dialect.name == "sqlite":
            connection.rollback()
            # Readers go on reading the version before while the next one is written; kept in the file itself.
            connection.connection.driver_connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]
    try:
        with exclusive(store_url) as connection:
            now = _found(connection)
            if not now.is_up_to_date(connection.dialect.name):
                _upgrade(connection, now.schema)
                _follow_declarations(connection)
    except NoRight as error:
        if found.schema is None:
            raise
        whom = "another" if (found.schema, found.number) == (HEAD, DECLARED) else "an earlier"
        raise NoRight(NOT_FOLLOWED.format(store=address_without_secret(store_url), whom=whom)) from error


def bring_along(store_url: str) -> None:
    """Bring an embedded store that an earlier release made to the newest schema; nothing where no store was made.

    On PostgreSQL a reader cannot, and whoever writes next does.
    """
    if parse_url(store_url).get_backend_name() != "sqlite":
        return
    with connected(store_url) as connection:
        found = _found(connection)
        is_earlier = found.schema is not None and not found.is_up_to_date(connection.dialect.name)
    if is_earlier:
        migrate(store_url)


def check_not_newer(connection: Connection) -> None:
    """Refuse a store that follows newer declarations; asks for no more rights than a reader has."""
    if connection.dialect.name != "postgresql":
        _found(connection)
        return
    may_see = sa.text(
        "SELECT has_column_privilege(attrelid, attnum, 'SELECT') FROM pg_attribute "
        f"WHERE attrelid = to_regclass('{SCHEMA}.store_identity') AND attname = 'declarations'"
    )
    if connection.scalar(may_see):  # else an earlier program made the store, or nobody yet
        _refuse_newer(_number(_followed(connection)))


class _Found(NamedTuple):
    """What a store says of itself: its migration (None = there is no store yet), and what it follows."""

    schema: str | None
    number: int
    followed: str

    def is_up_to_date(self, dialect: str) -> bool:
        return self.schema == HEAD and self.followed == _declarations(dialect)


def _found(connection: Connection) -> _Found:
    """Refused where a newer program made the store, and where it is the file of another program."""
    _refuse_file_of_others(connection)
    schema = _schema_version(connection)
    if schema is not None and schema > HEAD:
        raise Refused(NEWER.format(what="schema", found=schema, known=HEAD))
    followed = "" if schema is None or schema < _FIRST_THAT_FOLLOWS else _followed(connection)
    found = _Found(schema, _number(followed), followed)
    _refuse_newer(found.number)
    return found


def _refuse_file_of_others(connection: Connection) -> None:
    """On PostgreSQL we have a schema of our own; an SQLite file is a store or something else, which stays as it is."""
    if connection.dialect.name != "sqlite":
        return
    there = set(connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")))
    if there and not {"alembic_version", STORE_IDENTITY.name} <= there:
        raise Unusable(f"{connection.engine.url.database} is a SQLite file of something else, and no store.")


def _followed(connection: Connection) -> str:
    return connection.scalar(sa.select(STORE_IDENTITY.c.declarations)) or ""


def _number(followed: str) -> int:
    """The number in what a store says that it follows; 0 where a program of before the numbers kept a hash alone."""
    text, has_number, _ = followed.partition(" ")
    return int(text) if has_number and text.isdecimal() else 0


def _refuse_newer(number: int) -> None:
    if number > DECLARED:
        raise Refused(NEWER.format(what="declarations", found=number, known=DECLARED))


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
        raise Refused(NEWER.format(what="schema", found=at, known=HEAD))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


# --- what follows from the declarations ------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _declarations(dialect: str) -> str:
    """Number, and SHA-256, of all that a store follows: tables of rows with their keys, views, rights."""
    spoken = make_url(f"{dialect}://").get_dialect()()
    parts = []
    for table in ROWS.values():
        parts.append(str(CreateTable(table).compile(dialect=spoken)))
        parts += [str(CreateIndex(index).compile(dialect=spoken)) for index in table.indexes]
    parts += views.published_views(dialect, with_maps=True).values()
    parts.append(views.ROUTING_ASOF)
    parts.append(Path(rights.__file__).read_text(encoding="utf-8"))
    told = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"{DECLARED} {told}"


def _follow_declarations(connection: Connection) -> None:
    """Bring tables of rows, views and rights to what is declared now, in the transaction of ``connection``."""
    _drop_views(connection)
    for table in STORED:
        _follow_table(connection, table)
    dialect = connection.dialect.name
    if dialect == "postgresql":
        _count_no_texts(connection)
    with_maps = dialect == "postgresql" and bool(
        connection.scalar(sa.text("SELECT count(*) FROM pg_extension WHERE extname = 'postgis'"))
    )
    made = views.published_views(dialect, with_maps=with_maps)
    options = " WITH (security_barrier)" if dialect == "postgresql" else ""
    for name, text in made.items():
        connection.execute(sa.text(f"CREATE VIEW {name}{options} AS {text}"))
    if dialect == "postgresql":
        connection.execute(sa.text(views.ROUTING_ASOF))
        rights.grant(connection, set(made) - set(views.INTERNAL))
    connection.execute(STORE_IDENTITY.update().values(declarations=_declarations(dialect)))


def _count_no_texts(connection: Connection) -> None:
    """PostgreSQL keeps nothing of what texts say: reasons, names, who proposed. Views are gone while this is done.

    It estimates rows by the texts that occur most, also of proposals, before a view leaves these out; with EXPLAIN a
    reader would find such a text letter by letter. What it had kept goes with the type of the column, given anew.
    Columns of a key, and the few words of ``_WORDS``, tell nothing: they are counted, for good plans.
    """
    for table in METADATA.tables.values():
        for column in table.columns:
            if isinstance(column.type, sa.Text | sa.JSON) and not column.primary_key and column.name not in _WORDS:
                kind = column.type.compile(connection.dialect)
                connection.exec_driver_sql(
                    f"ALTER TABLE {table.name} ALTER COLUMN {column.name} TYPE {kind}, "
                    f"ALTER COLUMN {column.name} SET STATISTICS 0"
                )


_WORDS = frozenset({"status", "act", "law", "client_line", "client_group", "movement"})


def _drop_views(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {SCHEMA}.routing_asof(date)")
        there = sa.inspect(connection).get_view_names(schema=SCHEMA)
        if there:  # together: they build on each other
            connection.exec_driver_sql("DROP VIEW " + ", ".join(f"{SCHEMA}.{name}" for name in there))
        return
    for name in sa.inspect(connection).get_view_names():
        connection.exec_driver_sql(f"DROP VIEW {name}")


def _follow_table(connection: Connection, table: Table) -> None:
    """Make the table of rows, or give the one that is there the columns, choices and key that are declared."""
    rows = ROWS[table.name]
    inspector = sa.inspect(connection)
    if not inspector.has_table(rows.name):
        rows.create(connection)
        return
    there = {c["name"] for c in inspector.get_columns(rows.name)}
    unknown = there - {c.name for c in stored_columns(table)}
    if unknown:
        raise Refused(
            f"The store was made by a newer version of this program: {table.name} has {', '.join(sorted(unknown))}."
        )
    new = [c for c in stored_columns(table) if c.name not in there]
    _check_older_rows(connection, table, new)
    if connection.dialect.name == "sqlite":
        _rebuild_in_sqlite(connection, table, rows, new)
    else:
        _alter_in_postgresql(connection, table, rows, new)


def _check_older_rows(connection: Connection, table: Table, new: list[Column]) -> None:
    """A fault of whoever declared the column: rows of before must have an answer for it."""
    unsaid = [c.name for c in new if not is_nullable(c) and not c.older]
    if unsaid and connection.execute(sa.select(ROWS[table.name].c.version).limit(1)).first():
        raise AssertionError(
            f"{table.name}.{', '.join(unsaid)} is new and may not be empty, but the store holds older rows: say in the "
            "declaration in which version of the contract it was `added`, and perhaps what `older` rows have"
        )


def _older_values(new: list[Column]) -> tuple[str, str]:
    """Names of new columns that older rows have values for, and the SELECT of these values: each row once for each."""
    filled = [c for c in new if c.older]
    if not filled:
        return "", ""
    names = ", ".join(c.name for c in filled)
    choices = []
    for column in filled:
        each = " UNION ALL ".join(f"SELECT {_literal(value)} AS {column.name}" for value in column.older)
        choices.append(f"({each}) AS older_{column.name}")
    return names, " CROSS JOIN ".join(choices)


def _literal(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _rebuild_in_sqlite(connection: Connection, table: Table, rows: sa.Table, new: list[Column]) -> None:
    """SQLite cannot change a table's choices: the rows move into a table as declared. Nothing when it is already."""
    wanted = _normal(str(CreateTable(rows).compile(connection)))
    query = sa.text("SELECT sql FROM sqlite_master WHERE name = :table")
    if _normal(str(connection.scalar(query, {"table": rows.name}))) == wanted:
        return
    added = {column.name for column in new}
    names, choices = _older_values(new)
    values = {c.name: c.name for c in rows.columns if c.name not in added}
    values |= {name: name for name in names.split(", ") if name}
    values |= {name: f"coalesce({values.get(name, 'NULL')}, '')" for name in may_be_empty(table)}
    source = f"{rows.name}_before"
    connection.exec_driver_sql(f"DROP INDEX IF EXISTS {rows.name}_key")
    connection.exec_driver_sql(f"ALTER TABLE {rows.name} RENAME TO {source}")
    rows.create(connection)
    crossed = f"{source} CROSS JOIN {choices}" if choices else source
    into, chosen = ", ".join(values), ", ".join(values.values())
    connection.exec_driver_sql(f"INSERT INTO {rows.name} ({into}) SELECT {chosen} FROM {crossed}")
    connection.exec_driver_sql(f"DROP TABLE {source}")


def _normal(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace('"', "").strip().lower()


def _alter_in_postgresql(connection: Connection, table: Table, rows: sa.Table, new: list[Column]) -> None:
    (index,) = rows.indexes
    for column in new:
        kind = rows.c[column.name].type.compile(connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {rows.name} ADD COLUMN {column.name} {kind}")
    if not _has_index(connection, index) or any(c.older for c in new):
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {index.name}")
    _fill_older(connection, rows, new)
    inspector = sa.inspect(connection)
    for found in inspector.get_columns(rows.name):
        if found["nullable"] != rows.c[found["name"]].nullable:
            act = "DROP" if rows.c[found["name"]].nullable else "SET"
            connection.exec_driver_sql(f"ALTER TABLE {rows.name} ALTER COLUMN {found['name']} {act} NOT NULL")
    choices = {str(c["name"]): _values(c["sqltext"]) for c in inspector.get_check_constraints(rows.name)}
    for constraint in (c for c in rows.constraints if isinstance(c, sa.CheckConstraint)):
        name = str(constraint.name)
        name = name if name.startswith(rows.name) else f"{rows.name}_{name}_check"
        if choices.pop(name, None) != _values(str(constraint.sqltext)):
            connection.exec_driver_sql(f"ALTER TABLE {rows.name} DROP CONSTRAINT IF EXISTS {name}")
            connection.exec_driver_sql(f"ALTER TABLE {rows.name} ADD CONSTRAINT {name} CHECK ({constraint.sqltext})")
    for name in choices:
        connection.exec_driver_sql(f"ALTER TABLE {rows.name} DROP CONSTRAINT {name}")
    if not _has_index(connection, index):
        index.create(connection)


def _fill_older(connection: Connection, rows: sa.Table, new: list[Column]) -> None:
    names, choices = _older_values(new)
    if not names:
        return
    kept = ", ".join(c.name for c in rows.columns if c.name not in names.split(", "))
    connection.exec_driver_sql(f"CREATE TEMP TABLE rows_before ON COMMIT DROP AS SELECT {kept} FROM {rows.name}")
    connection.exec_driver_sql(f"DELETE FROM {rows.name}")
    connection.exec_driver_sql(
        f"INSERT INTO {rows.name} ({kept}, {names}) SELECT {kept}, {names} FROM rows_before CROSS JOIN {choices}"
    )
    connection.exec_driver_sql("DROP TABLE rows_before")


def _values(check: str) -> list[str]:
    return sorted(set(re.findall(r"'([^']*)'", check)))


def _has_index(connection: Connection, index: sa.Index) -> bool:
    """Whether the index is there, over the same columns in the same order."""
    query = sa.text("SELECT indexdef FROM pg_indexes WHERE schemaname = :schema AND indexname = :name")
    text = connection.scalar(query, {"schema": SCHEMA, "name": str(index.name)})
    if text is None:
        return False
    wanted = _normal(str(CreateIndex(index).compile(connection)))
    return _index_columns(text) == _index_columns(wanted)


def _index_columns(text: str) -> list[str]:
    inside = text[text.index("(") + 1 : text.rindex(")")].lower().replace("::text", "")
    inside = re.sub(r"cast\((\w+) as text\)", r"(\1)", inside)
    return [re.sub(r"[\s()]", "", part) for part in re.split(r",(?![^(]*\))", inside)]
