"""Every test here runs on both stores: a SQLite file and a real PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from allocation.publication import store, versions
from tests.support.outcomes import Country, write_outcome
from tests.support.postgres import migrated_template, new_database, postgres_server, postgres_url

__all__ = ["migrated_template", "postgres_server", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty store."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path / 'caseload.sqlite'}"
        store.migrate(address)
        yield address
        return
    template = request.getfixturevalue("migrated_template")
    with new_database(request.getfixturevalue("postgres_server"), template=template) as address:
        yield address


@pytest.fixture
def files_dir(tmp_path: Path) -> Path:
    return tmp_path / "published"


@pytest.fixture
def propose(store_url: str, files_dir: Path, tmp_path: Path) -> Callable[..., int]:
    """Propose the outcome of a small country: ``propose(moves={"1000": "A2"})`` returns the version.

    Each call writes a folder of its own, also when several processes propose at the same moment.
    """

    def make(country: Country | None = None, *, based_on: int | None = None, **wanted: object) -> int:
        country = country or Country(**{"columns": 4, "rows": 2, **wanted})  # type: ignore[arg-type]
        folder = write_outcome(Path(tempfile.mkdtemp(prefix="outcome-", dir=tmp_path)), country)
        return versions.propose(folder, store_url, files_dir, based_on=based_on)

    return make
