"""The two copies of the data contract follow the declarations."""

from __future__ import annotations

import json

from allocation.contract.published_tables import DIVISION_VIEWS, PUBLISHED
from allocation.publication import data_contract


def test_the_copies_in_docs_are_what_the_declarations_say() -> None:
    """When this fails: run `python -m allocation.publication.data_contract` and review the difference."""
    document = (data_contract.DOCS / "data-contract.md").read_text()
    assert (data_contract.DOCS / "data-contract.json").read_text() == data_contract.as_json_text()
    assert document == data_contract.with_columns(document)


def test_the_document_names_the_version_of_the_contract() -> None:
    assert f"Version {data_contract.CONTRACT_VERSION}." in (data_contract.DOCS / "data-contract.md").read_text()


def test_every_table_and_column_says_what_it_means() -> None:
    schema = json.loads(data_contract.as_json_text())["schema"]
    assert {t["name"] for t in schema} >= {t.name for t in (*PUBLISHED, *DIVISION_VIEWS)}
    for table in schema:
        assert table["description"]
        names = [p["name"] for p in table["properties"]]
        assert len(set(names)) == len(names)
        assert all(p["description"] and p["examples"] for p in table["properties"])
        assert any(p.get("primaryKey") for p in table["properties"]), table["name"]


def test_numbers_have_a_unit_or_are_plain() -> None:
    """A number without unit must be one of those that have none by nature."""
    plain = {"tolerance", "objective", "lower_bound"}
    without = {c.name for t in data_contract.TABLES for c in t.columns if c.type == "number" and not c.unit}
    assert without <= plain
