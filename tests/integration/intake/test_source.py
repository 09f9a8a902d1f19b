"""The input folder filled from a real PostgreSQL, where a source can be worse than a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from allocation.contract.errors import InputRefused
from allocation.intake.inputs import fingerprints
from allocation.intake.source import collect
from tests.support import toy
from tests.support.postgres import new_database, postgres_server

__all__ = ["postgres_server"]


@pytest.fixture
def database(postgres_server: str) -> Iterator[str]:
    """A source with the toy country's tables."""
    with new_database(postgres_server) as address:
        engine = sa.create_engine(address, poolclass=sa.NullPool)
        for name, frame in toy.tables().items():
            frame.to_sql(name, engine, index=False)
        yield address


def change(address: str, *statements: str) -> None:
    with sa.create_engine(address, poolclass=sa.NullPool).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def rows(folder: Path, name: str) -> int:
    return len(pd.read_parquet(folder / f"{name}.parquet"))


def test_a_source_that_breaks_off_half_way_changes_nothing(database: str, tmp_path: Path) -> None:
    """The session ends while `stock` is read; by then `inflow` has twice the rows."""
    folder = tmp_path / "input"
    collect(database, folder)
    before = fingerprints(folder)
    columns = ", ".join(toy.tables()["stock"].columns)
    change(
        database,
        "INSERT INTO inflow SELECT * FROM inflow",
        "ALTER TABLE stock RENAME TO kept",
        f"CREATE VIEW stock AS SELECT {columns} FROM kept WHERE pg_terminate_backend(pg_backend_pid())",
    )
    with pytest.raises(Exception, match="terminating connection") as broken:
        collect(database, folder)
    assert not isinstance(broken.value, InputRefused)  # it may pass by itself
    assert fingerprints(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["input"]
    change(database, "DROP VIEW stock", "ALTER TABLE kept RENAME TO stock")
    was = rows(folder, "inflow")
    collect(database, folder)
    assert rows(folder, "inflow") == 2 * was


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("date", "'infinity'", "date too large"),
        ("date", "'0044-03-15 BC'", "date too small"),
        ("daterange", "'[2026-01-01,2027-01-01)'", "has values that cannot be read"),
    ],
)
def test_values_that_no_file_can_hold_are_told_with_their_column(
    database: str, tmp_path: Path, kind: str, value: str, told: str
) -> None:
    folder = tmp_path / "input"
    collect(database, folder)
    before = fingerprints(folder)
    change(
        database,
        "DELETE FROM teams WHERE team_id <> 'W1'",
        f"ALTER TABLE teams DROP COLUMN valid_to, ADD COLUMN valid_to {kind} DEFAULT {value}",
        "DELETE FROM stock",
    )
    with pytest.raises(InputRefused) as refused:
        collect(database, folder)
    (problem,) = refused.value.problems
    assert (problem.file, problem.column) == ("table teams", "valid_to")
    assert told in problem.what
    assert fingerprints(folder) == before


def test_a_table_that_the_login_may_not_read_is_told_beside_other_problems(database: str, tmp_path: Path) -> None:
    name = f"reads_{sa.make_url(database).database}"
    change(
        database,
        f"CREATE ROLE {name} LOGIN PASSWORD 'w'",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}",
        f"REVOKE SELECT ON teams FROM {name}",
        "ALTER TABLE stock DROP COLUMN reference_date, ADD COLUMN reference_date date DEFAULT 'infinity'",
    )
    login = sa.make_url(database).set(username=name, password="w").render_as_string(hide_password=False)
    try:
        with pytest.raises(InputRefused) as refused:
            collect(login, tmp_path / "input")
    finally:
        change(database, f"DROP OWNED BY {name}", f"DROP ROLE {name}")
    told = {(problem.file, problem.column): problem.what for problem in refused.value.problems}
    assert told[("table teams", None)] == "this login may not read it"
    assert "date too large" in told[("table stock", "reference_date")]
    assert "SELECT" not in str(refused.value)
