"""Every test here runs on both stores: a SQLite file and a real PostgreSQL.

Where both get the same statements, PostgreSQL has its turn with the heavy tests (``SAME_STATEMENTS``). Locks, types,
roles, views, migrations and copies of a store differ between the two: `make test` tries those on both.
"""

from __future__ import annotations

import shutil
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
SAME_STATEMENTS = {
    "test_changes",
    "test_followed",
    "test_history",
    "test_plans",
    "test_proposals",
    "test_renewed",
    "test_since",
    "test_versions",
}

Propose = Callable[..., int]


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is marked heavy
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        kinds = getattr(item, "callspec", None)
        if item.path.stem in SAME_STATEMENTS and kinds is not None and "postgresql" in kinds.params.values():
            item.add_marker(pytest.mark.heavy)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store on SQLite, to be copied: making one takes longer than most tests."""
    file = tmp_path_factory.mktemp("empty") / "caseload.sqlite"
    store.migrate(f"sqlite:///{file}")
    return file


@contextmanager
def empty_store(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """An empty store of a kind, with its SQLite file in ``folder``."""
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), folder / "caseload.sqlite")
        yield f"sqlite:///{folder / 'caseload.sqlite'}"
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


@pytest.fixture(scope="session")
def published_template(
    postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A database with version 1 published and version 2 proposed, and the files that belong to it; to be copied."""
    folder = tmp_path_factory.mktemp("on_postgres")
    with new_database(postgres_server, template=migrated_template) as address:
        for number, note in enumerate(["eerste", "voorstel"]):
            outcome = write_outcome(folder / f"o{number}", Country(columns=4, rows=2, note=note, moves={"1000": "A2"}))
            version = versions.propose(outcome, address, folder / "published")
            if number == 0:
                versions.publish(version, address, folder / "published")
        yield address, folder / "published"


@pytest.fixture
def on_postgres(postgres_server: str, published_template: tuple[str, Path], files_dir: Path) -> Iterator[str]:
    """Version 1 published, version 2 proposed."""
    template, files = published_template
    shutil.copytree(files, files_dir)
    with new_database(postgres_server, template=template) as address:
        yield address


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
