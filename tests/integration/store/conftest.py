"""Every test here runs on both stores: a SQLite file and a real PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from allocation.publication import store, versions
from tests.support.outcomes import Country, write_outcome
from tests.support.postgres import migrated_template, new_database, postgres_server, postgres_url

__all__ = ["migrated_template", "postgres_server", "postgres_url"]


BOTH = ("sqlite", "postgresql")

Propose = Callable[..., int]


@contextmanager
def empty_store(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """An empty store of a kind, with its SQLite file in ``folder``."""
    if kind == "sqlite":
        address = f"sqlite:///{folder / 'caseload.sqlite'}"
        store.migrate(address)
        yield address
        return
    template = request.getfixturevalue("migrated_template")
    with new_database(request.getfixturevalue("postgres_server"), template=template) as address:
        yield address


def proposing(store_url: str, folder: Path) -> Propose:
    """Propose the outcome of a small country: ``propose(moves={"1000": "A2"})`` returns the version.

    Each call writes a folder of its own, also when several processes propose at the same moment.
    """

    def make(country: Country | None = None, *, based_on: int | None = None, **wanted: object) -> int:
        country = country or Country(**{"columns": 4, "rows": 2, **wanted})  # type: ignore[arg-type]
        made = write_outcome(Path(tempfile.mkdtemp(prefix="outcome-", dir=folder)), country)
        return versions.propose(made, store_url, folder / "published", based_on=based_on)

    return make


@pytest.fixture(params=BOTH)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty store."""
    with empty_store(request.param, request, tmp_path) as address:
        yield address


@pytest.fixture
def files_dir(tmp_path: Path) -> Path:
    return tmp_path / "published"


@pytest.fixture
def propose(store_url: str, tmp_path: Path) -> Propose:
    return proposing(store_url, tmp_path)


@pytest.fixture
def on_postgres(postgres_url: str, files_dir: Path, tmp_path: Path) -> str:
    """Version 1 published, version 2 proposed."""
    for number, note in enumerate(["eerste", "voorstel"]):
        outcome = write_outcome(tmp_path / f"o{number}", Country(columns=4, rows=2, note=note, moves={"1000": "A2"}))
        version = versions.propose(outcome, postgres_url, files_dir)
        if number == 0:
            versions.publish(version, postgres_url, files_dir)
    return postgres_url


@pytest.fixture
def login(on_postgres: str) -> Iterator[Callable[[str], str]]:
    """``login("caseload_reader")`` makes a login with that role and returns its address of the store."""
    made: list[str] = []

    def make(role: str) -> str:
        name = f"{role}_login_{len(made)}"
        with store.connected(on_postgres) as connection:
            connection.execute(sa.text(f"CREATE ROLE {name} LOGIN PASSWORD 'proef' IN ROLE {role}"))
            connection.commit()
        made.append(name)
        url = sa.make_url(on_postgres).set(username=name, password="proef")
        return url.render_as_string(hide_password=False)

    yield make
    with store.connected(on_postgres) as connection:
        for name in made:
            connection.execute(sa.text(f"DROP OWNED BY {name}"))
            connection.execute(sa.text(f"DROP ROLE {name}"))
        connection.commit()
