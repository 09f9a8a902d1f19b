"""``docker/store-logins.sh``: the logins of the store, in an empty database and in one that a superuser filled."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from allocation.publication import store, versions
from tests.support.postgres import INSUFFICIENT_PRIVILEGE, attempt, server_programs, started_server

SCRIPT = Path(__file__).parents[3] / "docker" / "store-logins.sh"
LIMITS = SCRIPT.with_name("store-limits.sql")
PSQL = shutil.which("psql") or shutil.which("psql", path=str(server_programs()))
PASSWORDS = {"STORE_ADMIN_PASSWORD": "owner", "STORE_PASSWORD": "writer", "STORE_PAGE_PASSWORD": "planner"}


def limit(url: sa.URL) -> None:
    where = ["-h", str(url.host), "-p", str(url.port), "-U", str(url.username), "-d", str(url.database)]
    command = [str(PSQL), *where, "--set", "ON_ERROR_STOP=1", "-f", str(LIMITS)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.skipif(PSQL is None, reason="psql is not installed")
@pytest.mark.parametrize("is_filled", [False, True])
def test_the_administrator_brings_a_store_up_to_date_and_hands_out_roles(*, is_filled: bool) -> None:
    assert PSQL is not None
    with started_server() as server:
        with sa.create_engine(store.parse_url(server), isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(sa.text("CREATE DATABASE caseload"))
        url = store.parse_url(server).set(database="caseload")
        if is_filled:
            versions.migrate(url.render_as_string(hide_password=False))
            with sa.create_engine(url).begin() as connection:  # as an earlier program left it
                connection.execute(sa.text("UPDATE caseload.store_identity SET declarations = ''"))
        reached = {"PGHOST": str(url.host), "PGPORT": str(url.port), "POSTGRES_USER": str(url.username)}
        path = f"{Path(PSQL).parent}:{os.environ['PATH']}"
        environment = {**PASSWORDS, **reached, "POSTGRES_DB": "caseload", "PATH": path}
        subprocess.run(["bash", str(SCRIPT)], env=environment, check=True, capture_output=True)
        administrator = url.set(username="administrator", password="owner")
        versions.migrate(administrator.render_as_string(hide_password=False))
        with sa.create_engine(administrator).begin() as connection:
            connection.execute(sa.text('GRANT "caseload_writer" TO "pipeline"'))
        with sa.create_engine(url.set(username="pipeline", password="writer")).connect() as connection:
            assert connection.scalar(sa.text("SELECT pg_has_role('caseload_planner', 'MEMBER')"))


@pytest.mark.heavy
@pytest.mark.skipif(PSQL is None, reason="psql is not installed")
def test_no_reader_fills_the_disk_of_the_store() -> None:
    """A large object stays for ever and belongs to no schema; a temporary table and a sort stay while he is there."""
    assert PSQL is not None
    with started_server() as server:
        with sa.create_engine(store.parse_url(server), isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(sa.text("CREATE DATABASE caseload"))
        url = store.parse_url(server).set(database="caseload")
        versions.migrate(url.render_as_string(hide_password=False))
        with sa.create_engine(url).begin() as connection:
            connection.execute(sa.text("CREATE ROLE uitkeren LOGIN IN ROLE caseload_reader"))
        for _ in range(2):  # on a store that has the limits already it does no harm
            limit(url)
        reader = url.set(username="uitkeren").render_as_string(hide_password=False)
        for statement in (
            "SELECT lo_create(0)",
            "SELECT lo_creat(-1)",
            "SELECT lo_from_bytea(0, 'x')",
            "CREATE TEMP TABLE mine AS SELECT 1",
            "SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000))",
            "SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000)::bytea)",
            "SELECT pg_notify('x', 'y')",
            "SELECT pg_export_snapshot()",
        ):
            assert attempt(reader, statement) == INSUFFICIENT_PRIVILEGE, statement
        assert attempt(reader, "SELECT count(*) FROM caseload.routing") == "done"
        sorted_whole = "SELECT repeat(md5(i::text), 40) s FROM generate_series(1, 3000000) i ORDER BY 1 DESC"
        large = f"SELECT count(*) FROM ({sorted_whole}) t"
        assert attempt(reader, "SET work_mem = '1MB'", large) == "53400"  # more than its limit of temporary files
        elsewhere = url.set(username="uitkeren", database="postgres")
        with pytest.raises(sa.exc.OperationalError, match="permission denied for database"):
            sa.create_engine(elsewhere).connect()


@pytest.mark.skipif(PSQL is None, reason="psql is not installed")
def test_no_reader_takes_the_locks_of_the_whole_server_and_the_others_take_theirs() -> None:
    """One connection with thousands of advisory locks left the sessions of every database without a lock."""
    with started_server() as server:
        with sa.create_engine(store.parse_url(server), isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(sa.text("CREATE ROLE administrator LOGIN CREATEROLE"))
            connection.execute(sa.text("CREATE DATABASE caseload OWNER administrator"))
        url = store.parse_url(server).set(database="caseload")
        limit(url)  # when the volume is empty: before there is a store

        def as_login(name: str) -> str:
            return url.set(username=name).render_as_string(hide_password=False)

        versions.migrate(as_login("administrator"))
        with sa.create_engine(url).begin() as connection:
            for role in ("owner", "writer", "planner", "reader"):
                connection.execute(sa.text(f"CREATE ROLE a_{role} LOGIN IN ROLE caseload_{role}"))
        limit(url)
        takes = sa.text(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE proname ~ 'advisory.*lock' AND proname !~ 'unlock'"
        )
        with sa.create_engine(url).connect() as connection:
            functions = connection.scalars(takes).all()
        assert len(functions) == 16
        for function in functions:
            name, _, kinds = function.partition("(")
            call = f"SELECT {name}({', '.join('1' for _ in kinds.split(','))})"
            assert attempt(as_login("a_reader"), call) == INSUFFICIENT_PRIVILEGE, call
        for role in ("owner", "writer", "planner"):
            with store.writing(as_login(f"a_{role}")):
                pass
        assert attempt(as_login("a_owner"), "SELECT pg_advisory_xact_lock(1)") == "done"  # as for a store of the first
