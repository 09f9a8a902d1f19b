"""A migrated store keeps the data contract, the migrations keep to the declarations, and the document's SQL runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from allocation.contract.errors import Passing, Refused
from allocation.contract.published_tables import REGION_SUMMARY
from allocation.publication import data_contract, reads, store, tables, versions
from tests.support.outcomes import Country

BLOCK = re.compile(r"^```(sql|postgresql)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_store_keeps_the_contract(store_url: str) -> None:
    with store.reading(store_url) as connection:
        assert data_contract.differences(connection) == []


def test_a_renamed_column_breaks_the_contract(store_url: str) -> None:
    with store.writing(store_url) as connection:
        connection.execute(sa.text("DROP VIEW region_summary"))
        columns = ", ".join(REGION_SUMMARY.column_names).replace("travel_km", "travel_km AS travel")
        connection.execute(sa.text(f"CREATE VIEW region_summary AS SELECT {columns} FROM region_summary_rows"))
        found = data_contract.differences(connection)
        connection.rollback()
    assert len(found) == 1
    assert found[0].startswith("region_summary: has version, arbeidsmarktregio_nr")


def test_a_missing_view_breaks_the_contract(store_url: str) -> None:
    with store.writing(store_url) as connection:
        connection.execute(sa.text("DROP VIEW kns_postcode"))
        assert data_contract.differences(connection) == ["kns_postcode: the view is missing"]
        connection.rollback()


def test_another_type_breaks_the_contract(postgres_url: str) -> None:
    with store.writing(postgres_url) as connection:
        connection.execute(sa.text("DROP VIEW kns_postcode"))
        columns = ", ".join(f"'1'::text AS {name}" for name in data_contract.TABLES[-3].column_names)
        assert data_contract.TABLES[-3].name == "kns_postcode"
        connection.execute(sa.text(f"CREATE VIEW kns_postcode AS SELECT {columns}"))
        assert "kns_postcode.share: is text; the contract says double precision" in data_contract.differences(
            connection
        )
        connection.rollback()


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_migrations_lead_to_what_is_declared(store_url: str) -> None:
    """When this fails after a change of `allocation.contract`: write a migration."""
    with store.writing(store_url) as connection:
        options = {"compare_type": True, "include_name": lambda name, kind, _: name != "alembic_version"}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), tables.METADATA)
    # Alembic cannot compare indexes on expressions reliably; their columns are compared below.
    differing = [d for d in differences if d[0] not in ("add_index", "remove_index")]
    if connection.dialect.name == "sqlite":  # no part of a key is empty there: an empty text stands for it
        expected = {(f"{t.name}_rows", k) for t in tables.STORED for k in tables.may_be_empty(t)}
        assert {(table, column) for ((_, _, table, column, *_),) in differing} == expected
        assert {kind for ((kind, *_),) in differing} == {"modify_nullable"}
        return
    assert differing == []


def test_keys_and_choices_are_what_is_declared(store_url: str) -> None:
    with store.reading(store_url) as connection:
        for name, table in tables.ROWS.items():
            inspector = sa.inspect(connection)
            choices = {c["name"]: c["sqltext"] for c in inspector.get_check_constraints(table.name)}
            for constraint in (c for c in table.constraints if isinstance(c, sa.CheckConstraint)):
                allowed = set(re.findall(r"'([^']*)'", str(constraint.sqltext)))
                assert set(re.findall(r"'([^']*)'", choices[str(constraint.name)])) == allowed, constraint.name
            if connection.dialect.name == "sqlite":
                parts = inspector.get_pk_constraint(table.name)["constrained_columns"]
                assert parts == list(table.primary_key.columns.keys()), name
                assert set(parts) == {"version", *next(t.key for t in tables.STORED if t.name == name)}, name
                continue
            declared = next(iter(table.indexes))
            expected = [_index_part(re.sub(r".*\.", "", str(e)).replace('"', "")) for e in declared.expressions]
            assert _index_parts(connection, f"{name}_rows_key") == expected, name


def _index_parts(connection: sa.Connection, index: str) -> list[str]:
    catalogue = "SELECT indexdef FROM pg_indexes WHERE indexname = :name"
    text = str(connection.scalar(sa.text(catalogue), {"name": index}))
    assert text.upper().startswith("CREATE UNIQUE INDEX")
    inside = text[text.index("(") + 1 : text.rindex(")")]
    return [_index_part(part) for part in re.split(r",(?![^(]*\))", inside)]


def _index_part(part: str) -> str:
    """``part`` in small letters, with a cast to text as its column alone: PostgreSQL writes it in its own way."""
    plain = part.strip().lower().replace("::text", "")
    return re.sub(r"cast\((\w+) as text\)|\((\w+)\)(?=,)", r"\1\2", plain)


def test_the_sql_of_the_document_runs_and_answers(store_url: str, files_dir: Path, propose: Callable[..., int]) -> None:
    versions.publish(propose(Country()), store_url, files_dir)
    versions.publish(propose(Country(moves={"1000": "A2"}, note="tweede")), store_url, files_dir)
    blocks = BLOCK.findall((data_contract.DOCS / "data-contract.md").read_text())
    assert len(blocks) >= 8
    for kind, text in blocks:
        with store.reading(store_url) as connection:
            if kind == "postgresql" and connection.dialect.name != "postgresql":
                continue
            rows = connection.exec_driver_sql(text).all()
        assert rows, text
        if "1002AC" in text:
            assert [row[0] for row in rows] == ["A2"]


def test_whoever_follows_the_document_to_what_changed_in_routing_has_the_routing_in_force(
    store_url: str, files_dir: Path, propose: Callable[..., int]
) -> None:
    """From the version of before, and from one that was replaced on its first day, of which no row is there."""
    document = (data_contract.DOCS / "data-contract.md").read_text()
    asks = next(text for _, text in BLOCK.findall(document) if "has_rows" in text)
    new = next(text for _, text in BLOCK.findall(document) if "EXCEPT" in text)
    now, _, then = new.partition("EXCEPT")
    columns = now[now.index("pc4") : now.index("FROM")]
    loaded = {}
    moves = {1: {"1000": "A2"}, 2: {"1000": "A2", "1001": "A1"}, 3: {"1001": "A2"}}
    with store.connected(store_url) as connection:

        def rows(text: str, version: int = 0) -> set[tuple[object, ...]]:
            text = text.replace("version = 1", f"version = {version}")
            return {tuple(row) for row in connection.exec_driver_sql(text).all()}

        for version, moved in moves.items():
            versions.publish(propose(Country(moves=moved, note=f"versie {version}")), store_url, files_dir)
            loaded[version] = rows(f"SELECT {columns} FROM routing WHERE version = {version}")
            connection.commit()
        whole = rows(now)
        for version, had in loaded.items():
            (is_there,) = next(iter(rows(asks, version)))
            assert bool(is_there) == (version == 3)
            follows = (had - rows(f"{then} EXCEPT {now}", version)) | rows(new, version) if is_there else whole
            assert follows == whole


@pytest.mark.parametrize(("part", "value"), [("database", "bestaat_niet"), ("username", "niemand")])
def test_a_server_that_says_no_is_not_asked_again(postgres_url: str, part: str, value: str) -> None:
    """The scheduler tries again what is only away; a wrong name or password stays wrong."""
    wrong = sa.make_url(postgres_url).set(**{part: value}).render_as_string(hide_password=False)
    with pytest.raises(Refused, match=f'cannot be opened: .*"{value}" does not exist') as refusal:
        reads.versions(wrong)
    assert not isinstance(refusal.value, Passing)
