"""A store that an earlier release made, with a version in force: the newest schema keeps its rows and readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from allocation.publication import data_contract, store, versions
from tests.support.outcomes import with_shared_range
from tests.support.postgres import new_database

RELEASES = ("0001", "0002", "0003")


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store in which nothing has been made yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'caseload.sqlite'}"
        return
    with new_database(request.getfixturevalue("postgres_server")) as address:
        yield address


def upgrade(store_url: str, release: str) -> None:
    config = Config()
    config.set_main_option("script_location", "allocation:migrations")
    with store.connected(store_url) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, release)


def counts(store_url: str) -> dict[str, int]:
    with store.connected(store_url) as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in store.METADATA.sorted_tables
        }


@pytest.mark.parametrize("release", RELEASES)
def test_a_store_of_an_earlier_release_keeps_its_rows_and_meets_the_contract(
    release: str, bare_url: str, files_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(store, "HEAD", release)
        upgrade(bare_url, release)
        folder = with_shared_range(tmp_path / "outcome")
        versions.publish(versions.propose(folder, bare_url, files_dir), bare_url, files_dir)
        before = counts(bare_url)
    assert before["allocation_rows"] > 0
    store.migrate(bare_url)
    assert counts(bare_url) == before
    with store.reading(bare_url) as connection:
        assert data_contract.differences(connection) == []
        in_range = sa.text("SELECT message FROM kns_postcode WHERE pc4 = '1002' AND pc6_from IS NOT NULL")
        told = connection.execute(in_range).scalars().all()
    assert told
    assert all("verdeeld over meer teams" in sentence for sentence in told)  # release 0003 was sure of both
