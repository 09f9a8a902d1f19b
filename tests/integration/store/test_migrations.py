"""A store that an earlier release made, with a version in force: the newest schema keeps its rows and readers.

And a store of today after a column, a choice or a table was declared: all that is needed is the declaration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from allocation.contract.errors import Refused
from allocation.contract.published_tables import PUBLISHED, ROUTING, TEAM_LOAD, TRANSITION
from allocation.contract.schema import Column, Table
from allocation.publication import data_contract, lookup, reads, store, tables, upgrade, versions, views
from tests.support import releases
from tests.support.outcomes import write_outcome
from tests.support.postgres import new_database


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store in which nothing has been made yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'caseload.sqlite'}"
        return
    with new_database(request.getfixturevalue("postgres_server")) as address:
        yield address


def counts(store_url: str) -> dict[str, int]:
    with store.connected(store_url) as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in tables.METADATA.sorted_tables
        }


def copies_of(table: Table) -> int:
    """How many rows answer for one of an earlier release."""
    number = 1
    for column in table.columns:
        number *= max(len(column.older), 1)
    return number


FIRST, *BETWEEN, LAST = releases.earlier_releases()
RELEASES = [FIRST, *(pytest.param(release, marks=pytest.mark.heavy) for release in BETWEEN), LAST]


@pytest.mark.parametrize("release", RELEASES)
def test_a_store_of_an_earlier_release_keeps_its_rows_and_meets_the_contract(
    release: str, bare_url: str, files_dir: Path, tmp_path: Path
) -> None:
    before = releases.make_store(bare_url, release)
    assert before["allocation_rows"] > 0
    store.migrate(bare_url)
    copies = {f"{table.name}_rows": copies_of(table) for table in tables.STORED}
    after = {name: count for name, count in counts(bare_url).items() if count and name != "store_identity"}
    assert after == {name: count * copies.get(name, 1) for name, count in before.items()}
    with store.reading(bare_url) as connection:
        assert data_contract.differences(connection) == []
        in_range = sa.text(
            "SELECT message FROM uitkeren_routing r JOIN kns_postcode k USING (pc4, pc6_from) "
            "WHERE pc4 = '1002' AND pc6_from IS NOT NULL"
        )
        told = connection.execute(in_range).scalars().all()
    if releases.FIRST_DAY <= store.today() < releases.PLANNED_DAY:
        assert told
        assert all("verdeeld over meer teams" in sentence for sentence in told)  # release 0003 was sure of both
    answers = lookup.lookup("1003 AB", bare_url, law="WIA", line="werkgever", on=releases.FIRST_DAY)
    assert [answer.team_id for answer in answers] == ["W1"]
    routing = reads.read_table("routing", bare_url, version=1)
    unit = [k for k in ROUTING.key if k not in ("team_id", "pc6_from", "pc6_to")]
    assert routing.groupby(unit)["share"].sum().between(1 - 1e-9, 1 + 1e-9).all()
    version = versions.propose(write_outcome(tmp_path / "new"), bare_url, files_dir)  # and it goes on
    versions.publish(version, bare_url, files_dir)
    assert reads.current_version(bare_url) == version


@pytest.mark.parametrize("release", RELEASES)
def test_an_embedded_store_of_an_earlier_release_loses_the_indexes_that_repeat_its_rows(
    release: str, tmp_path: Path
) -> None:
    """The rows themselves lie in the order of the key, and the same row is refused twice, also with an empty part."""
    url = f"sqlite:///{tmp_path / 'caseload.sqlite'}"
    releases.make_store(url, release)
    store.migrate(url)
    with store.connected(url) as connection:
        indexes = sa.text("SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE '%_rows_key'")
        assert connection.scalars(indexes).all() == []
        assert connection.scalars(sa.text("PRAGMA integrity_check")).all() == ["ok"]
    for table in ("allocation", "routing"):
        again = sa.text(f"INSERT INTO {table}_rows SELECT * FROM {table}_rows WHERE version = 1")
        with pytest.raises(sa.exc.IntegrityError), store.writing(url) as connection:
            connection.execute(again)


# --- a declaration is enough -----------------------------------------------------------------------------------------

PER_FTE = Column("clients_per_fte", "number", "clients a year per FTE", nullable=True, added="9.9", counts_persons=True)
TOLD = Column("hours_per_fte", "number", "hours a year per FTE", nullable=True, added="9.9", told_by="clients_per_fte")
BOTH = Column("is_urgent", "boolean", "whether it is urgent", added="9.9", older=(False, True))


def declare(monkeypatch: pytest.MonkeyPatch, *changed: Table) -> None:
    """The declarations of a program in which ``changed`` tables are declared anew."""
    by_name = {table.name: table for table in changed}
    for module in (tables, upgrade, views, data_contract):
        for name in ("STORED", "PUBLISHED", "TABLES"):
            if hasattr(module, name):
                declared = tuple(by_name.get(table.name, table) for table in getattr(module, name))
                new = tuple(t for t in changed if t.name not in {d.name for d in declared})
                monkeypatch.setattr(module, name, declared + new)
    metadata = sa.MetaData(naming_convention=tables.METADATA.naming_convention)
    rows = dict(tables.ROWS) | {table.name: tables.row_table(table, metadata) for table in changed}
    for module in (tables, upgrade):
        monkeypatch.setattr(module, "ROWS", rows)
    upgrade._declarations.cache_clear()


@pytest.fixture(autouse=True)
def _declarations_of_today() -> Iterator[None]:
    yield
    upgrade._declarations.cache_clear()


def with_columns(table: Table, *columns: Column, key: tuple[str, ...] = ()) -> Table:
    return replace(table, columns=(*table.columns, *columns), key=table.key + key)


def test_a_declared_column_comes_into_tables_views_and_masking(bare_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    releases.make_store(bare_url, "0004")
    store.migrate(bare_url)
    declare(monkeypatch, with_columns(TEAM_LOAD, PER_FTE, TOLD))
    store.migrate(bare_url)
    with store.reading(bare_url) as connection:
        assert data_contract.differences(connection) == []
        sql = views.published_views(connection.dialect.name)["team_load"]
        assert connection.scalars(sa.text("SELECT clients_per_fte FROM team_load")).all().count(None) > 0
    assert "r.clients_per_fte >= 5" in sql
    assert "hours_per_fte / r.clients_per_fte" in sql


def test_a_declared_part_of_the_key_has_the_values_for_older_rows(
    bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.make_store(bare_url, "0004")
    store.migrate(bare_url)
    before = reads.read_table("routing", bare_url, version=1)
    declare(monkeypatch, with_columns(ROUTING, BOTH, key=("is_urgent",)))
    store.migrate(bare_url)
    with store.reading(bare_url) as connection:
        after = pd.read_sql(sa.text("SELECT * FROM routing WHERE version = 1"), connection)
    assert len(after) == 2 * len(before)
    assert set(after["is_urgent"].astype(bool)) == {True, False}
    with pytest.raises(sa.exc.IntegrityError), store.writing(bare_url) as connection:
        connection.execute(sa.text("INSERT INTO routing_rows SELECT * FROM routing_rows WHERE version = 1"))


def test_a_declared_choice_and_a_declared_table_are_there(bare_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    releases.make_store(bare_url, "0004")
    store.migrate(bare_url)
    movement = TRANSITION.column("movement")
    wider = replace(movement, allowed=(*movement.allowed, "zweeft"))
    columns = tuple(wider if c is movement else c for c in TRANSITION.columns)
    extra = Table("advice", "A new table.", (ROUTING.column("version"), ROUTING.column("pc4")), key=("pc4",))
    declare(monkeypatch, replace(TRANSITION, columns=columns), extra)
    store.migrate(bare_url)
    with store.writing(bare_url) as connection:
        connection.execute(sa.text("UPDATE transition_rows SET movement = 'zweeft' WHERE version = 1"))
        connection.execute(sa.text("INSERT INTO advice_rows (version, pc4) VALUES (1, '1000')"))
        assert connection.scalars(sa.text("SELECT pc4 FROM advice")).all() == ["1000"]
    with pytest.raises(sa.exc.IntegrityError), store.writing(bare_url) as connection:
        connection.execute(sa.text("UPDATE transition_rows SET movement = 'vliegt'"))


def test_a_new_column_that_older_rows_have_no_answer_for_is_a_fault_of_the_declaration(
    bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.make_store(bare_url, "0004")
    store.migrate(bare_url)
    declare(monkeypatch, with_columns(TEAM_LOAD, Column("rooms", "integer", "rooms")))
    with pytest.raises(AssertionError, match=r"team_load\.rooms is new and may not be empty"):
        store.migrate(bare_url)


def test_a_store_of_a_program_that_declares_more_is_refused(bare_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        declare(newer, with_columns(TEAM_LOAD, PER_FTE))
        store.migrate(bare_url)
    upgrade._declarations.cache_clear()
    with pytest.raises(Refused, match="made by a newer version of this program: team_load has clients_per_fte"):
        store.migrate(bare_url)


def follow(store_url: str, declarations: str) -> None:
    with store.connected(store_url) as connection, connection.begin():
        connection.execute(sa.text("UPDATE store_identity SET declarations = :said"), {"said": declarations})


def followed(store_url: str) -> str:
    with store.connected(store_url) as connection:
        return str(connection.scalar(sa.text("SELECT declarations FROM store_identity")))


def test_a_store_whose_views_are_those_of_a_newer_program_is_refused_and_stays(store_url: str) -> None:
    """The newest migration is the same: an older program took the views back to its own, whatever it was asked."""
    asked = (
        store.migrate,
        reads.versions,
        lambda url: lookup.lookup("1003 AB", url),
        lambda url: store.reading(url).__enter__(),
        lambda url: store.writing(url).__enter__(),
    )
    told = r"made by a newer version of this program \(declarations 999\); this one knows \d+\."
    follow(store_url, "999 of later")
    with store.connected(store_url) as connection:
        connection.execute(sa.text("DROP VIEW kns_postcode"))
        connection.commit()
    for ask in asked:
        with pytest.raises(Refused, match=told):
            ask(store_url)
    with store.connected(store_url) as connection:
        assert "kns_postcode" not in sa.inspect(connection).get_view_names()
    assert followed(store_url) == "999 of later"


@pytest.mark.parametrize("before", ["a hash alone", "0 of before", f"{upgrade.DECLARED} of another branch"])
def test_other_declarations_that_are_not_newer_are_followed(store_url: str, before: str) -> None:
    now = followed(store_url)
    assert now.startswith(f"{upgrade.DECLARED} ")
    follow(store_url, before)
    store.migrate(store_url)
    assert followed(store_url) == now


def test_every_published_table_is_stored() -> None:
    assert set(PUBLISHED) <= set(tables.STORED)
