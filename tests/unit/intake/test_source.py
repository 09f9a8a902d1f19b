"""The input folder filled from a database, on SQLite with the toy country's tables."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.intake.inputs import fingerprints, load_inputs
from allocation.intake.source import collect
from tests.support import toy


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'source.sqlite'}")
    for name, frame in toy.tables().items():
        frame.to_sql(name, engine, index=False)
    yield engine
    engine.dispose()


def address(database: sa.Engine) -> str:
    return database.url.render_as_string(hide_password=False)


def test_the_copy_passes_every_input_check(database: sa.Engine, tmp_path: Path) -> None:
    """And it holds what the files would hold."""
    collect(address(database), tmp_path / "input")
    copied = load_inputs(tmp_path / "input", toy.areas(), Config())
    assert set(copied.teams["team_id"]) == set(toy.tables()["teams"]["team_id"])
    assert copied.inflow["clients"].sum() == len(toy.tables()["inflow"])


def test_equal_content_gives_equal_files(database: sa.Engine, tmp_path: Path) -> None:
    """In another order too: otherwise every night would look like a change of teams."""
    collect(address(database), tmp_path / "input")
    before = fingerprints(tmp_path / "input")
    toy.tables()["teams"].iloc[::-1].to_sql("teams", database, index=False, if_exists="replace")
    collect(address(database), tmp_path / "input", ["teams", "locks", "clusters"])
    assert fingerprints(tmp_path / "input") == before


def test_a_change_changes_that_file_only(database: sa.Engine, tmp_path: Path) -> None:
    collect(address(database), tmp_path / "input")
    before = fingerprints(tmp_path / "input")
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE teams SET fte_verzekeringsarts = '2.0' WHERE team_id = 'W1'"))
    collect(address(database), tmp_path / "input")
    after = fingerprints(tmp_path / "input")
    assert {name for name in after if after[name] != before[name]} == {"teams.parquet"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can make a link for another user")
def test_no_fingerprint_tells_of_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """It is kept and shown: who guesses what stands in a file could see that he is right."""
    (tmp_path / "secret").write_text("geheim")
    (tmp_path / "teams.csv").symlink_to(tmp_path / "secret")
    told = hashlib.sha256(b"geheim").hexdigest()
    assert fingerprints(tmp_path) == {"teams.csv": told}
    os.lchown(tmp_path / "teams.csv", 4321, -1)
    assert fingerprints(tmp_path)["teams.csv"] != told


def test_a_table_that_is_gone_goes_from_the_folder(database: sa.Engine, tmp_path: Path) -> None:
    collect(address(database), tmp_path / "input")
    with database.begin() as connection:
        connection.execute(sa.text("DROP TABLE locks"))
    assert "locks" not in collect(address(database), tmp_path / "input")
    assert not (tmp_path / "input" / "locks.parquet").exists()


def test_a_missing_column_is_named_and_nothing_is_copied(database: sa.Engine, tmp_path: Path) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE teams DROP COLUMN productivity"))
    with pytest.raises(InputRefused, match="table teams, column productivity: the column is missing"):
        collect(address(database), tmp_path / "input")
    assert list((tmp_path / "input").iterdir()) == []


def test_columns_that_are_not_declared_stay_out(database: sa.Engine, tmp_path: Path) -> None:
    """R14: whatever else the source has, such as a name, does not enter."""
    toy.tables()["stock"].assign(bsn="123456782").to_sql("stock", database, index=False, if_exists="replace")
    collect(address(database), tmp_path / "input")
    assert "bsn" not in pd.read_parquet(tmp_path / "input" / "stock.parquet").columns
