"""Connections to a store: its address, its engine, one writer at a time, and database errors in plain words.

Belongs here: what differs between the two databases in opening and locking. Does not belong here: what is read or
written (`store`, `versions`), the schema (`tables`, `upgrade`).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from allocation.contract.errors import NoRight, Passing, Refused, Unusable
from allocation.contract.plain_text import readable
from allocation.publication.tables import SCHEMA

_LOCK_KEY = 0x5A4C0C0
_LOCKED = "planner_drafts"
"""Every role that writes may change it as a whole, and so lock it."""
_LOCK_WAIT_S = 30
_SECRET = re.compile("pass|secret|token|key$", re.IGNORECASE)


def parse_url(store_url: str) -> URL:
    """A store address; refused when it is neither SQLite nor PostgreSQL.

    One that is written wrong is not told again: nobody knows which part of it is the password.
    """
    try:
        url = make_url(readable(store_url))
    except (ArgumentError, ValueError):  # a port that is no number, or a sign that no text has, is a ValueError
        raise Refused(
            "The address of the store cannot be read; allowed: sqlite:///FILE or postgresql://HOST/DB."
        ) from None
    if url.get_backend_name() != "sqlite" and "@" in f"{url.host}{url.database}":
        raise Refused(
            "The address of the store has more than one @; in a name or password write @ as %40, : as %3A and / as %2F."
        )
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg2"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise Refused(f"A store on {url.drivername} is not possible; allowed: sqlite:///FILE or postgresql://HOST/DB.")
    return url


def address_without_secret(store_url: str) -> str:
    """A store address that may be kept and shown: the password, and what else in it may be one, replaced by ***."""
    url = parse_url(store_url)
    kept = {key: "***" if _SECRET.search(key) else value for key, value in url.query.items()}
    return url.set(query=kept).render_as_string(hide_password=True)


def database_of(store_url: str) -> tuple[str, str | None, int | None, str | None]:
    """Which database an address leads to, whoever logs in there: kind, host, port, name."""
    url = parse_url(store_url)
    return url.get_backend_name(), url.host, url.port, url.database


@lru_cache(maxsize=16)
def engine(store_url: str, *, is_pooled: bool = False) -> Engine:
    """The engine of a store. Connections are not pooled, so that a process that forks or is killed leaves none behind;
    but for a server that answers many small questions (``is_pooled``)."""
    url = parse_url(store_url)
    pool: dict[str, Any] = {"poolclass": NullPool}
    if is_pooled:
        pool = {"poolclass": QueuePool, "pool_size": 4, "max_overflow": 8, "pool_recycle": 300, "pool_pre_ping": True}
    if url.get_backend_name() == "postgresql":
        given = url.query.get("options", "")
        options = f"{given if isinstance(given, str) else ' '.join(given)} -c search_path={SCHEMA},public".strip()
        return sa.create_engine(url, **pool, connect_args={"options": options})
    built = sa.create_engine(url, **pool, connect_args={"timeout": _LOCK_WAIT_S, "check_same_thread": not is_pooled})
    sa.event.listen(built, "connect", _prepare_sqlite)
    sa.event.listen(built, "connect", partial(_close_to_others, url.database))
    sa.event.listen(built, "begin", _begin_sqlite)
    return built


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _close_to_others(file: str | None, _connection: Any, _record: object) -> None:
    """A store that was made just now: SQLite has no roles, so nobody but its owner and group may read the file,
    whatever the process that made it lets others do."""
    path = Path(file or "")
    if path.is_file() and path.stat().st_size == 0:
        path.chmod(path.stat().st_mode & ~0o137)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("caseload_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


_FINAL_ANSWERS = ("password authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry")
"""Of a server that is there: trying again helps nobody. (It says so before there is a connection, without a code.)"""


@contextmanager
def connected(store_url: str, *, is_pooled: bool = False) -> Iterator[Connection]:
    """A connection; refused in one sentence when the store cannot be reached."""
    url = parse_url(store_url)
    where = address_without_secret(store_url)
    try:
        connection = engine(store_url, is_pooled=is_pooled).connect()
    except (DBAPIError, NoSuchModuleError, ValueError) as error:  # ValueError: an argument in the address
        orig = getattr(error, "orig", error)
        cause = [READ_ONLY] if _sqlite_code(orig) == sqlite3.SQLITE_READONLY else str(orig).strip().splitlines()
        told = f"The store {where} cannot be opened: {cause[0] if cause else error}"
        is_away = isinstance(error, OperationalError) and url.get_backend_name() == "postgresql"
        is_away = is_away and not any(answer in told for answer in _FINAL_ANSWERS)
        raise (Passing if is_away else Unusable)(told) from error
    with connection:
        try:
            yield connection
        except (DBAPIError, sqlite3.Error) as error:  # the latter where its own connection was asked
            refused = _plain_words(error, where)
            if refused is None:
                raise
            raise refused from error


READ_ONLY = "its file, or the folder that it lies in, is read-only for this user."


def _sqlite_code(error: object) -> int:
    """The first part of SQLite's code for an error; 0 for one of another database."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _plain_words(error: DBAPIError | sqlite3.Error, where: str) -> Refused | None:
    """What a person can do about an error of the database; None when it is a fault of the program."""
    orig = error.orig if isinstance(error, DBAPIError) else error
    code, text = getattr(orig, "sqlstate", None), (str(orig).splitlines() or [""])[0]
    if _sqlite_code(orig) == sqlite3.SQLITE_READONLY:
        return Unusable(f"The store {where} cannot be written: {READ_ONLY}")
    if _sqlite_code(orig) == sqlite3.SQLITE_CANTOPEN:
        return Unusable(f"The store {where} cannot be opened: {text}.")
    if code == "25006":
        return Unusable(f"The store {where} cannot be written: its server takes no changes ({text}).")
    if code == "42501":
        return NoRight(f"The login has no right to do this in the store {where}: {text}.")
    if code in ("42P01", "3F000") or text.startswith("no such table"):
        return Unusable(
            f"The store {where} holds no published tables yet, or an earlier version of this program made it and its "
            "owner has not opened it since."
        )
    if code == "2BP01":
        return Unusable(
            f"Views of others build on the published views in the store {where}, so it cannot be changed: {text}."
        )
    if text == "file is not a database":
        return Unusable(f"The store {where} cannot be opened: the file is not an SQLite database.")
    if code == "53100" or text == "database or disk is full":
        return Passing(f"The store {where} cannot be written: no space left on its disk.")
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if is_lost or (code or "").startswith(("08", "57P")):
        return Passing(f"The connection to the store {where} was lost: {text}")
    return None


@contextmanager
def exclusive(store_url: str) -> Iterator[Connection]:
    with connected(store_url) as connection:
        connection.execution_options(caseload_writes=True)
        try:
            transaction = connection.begin()
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_S}s'")
                _lock_out_other_writers(connection)
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


def _lock_out_other_writers(connection: Connection) -> None:
    """Hold, until the transaction ends, a lock that only one can hold and that no reader can take.

    Anybody who may connect can take an advisory lock, and keep it: so this is the lock of a table that readers may not
    touch. It leaves reading free. Before the first migration there is no table yet, and there are no readers.
    """
    there = sa.text(f"SELECT to_regclass('{SCHEMA}.{_LOCKED}') IS NOT NULL")
    if not connection.scalar(there):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
    if connection.scalar(there):
        connection.exec_driver_sql(f"LOCK TABLE {SCHEMA}.{_LOCKED} IN SHARE ROW EXCLUSIVE MODE")


def _is_busy(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "55P03" or "database is locked" in str(error.orig)
