"""The data contract: what readers of the published tables can count on, made from the declarations in `tables`.

Belongs here: the machine-readable contract (Open Data Contract Standard), the tables of columns in the document, and
the comparison of a store with both. Does not belong here: the declarations themselves.

``python -m allocation.publication.data_contract`` writes both copies anew; a test fails while
they differ from the declarations.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation.contract.published_tables import DIVISION_VIEWS, PUBLISHED, ROUTING, TEAM, VERSION_HISTORY
from allocation.contract.schema import Column, Table
from allocation.publication import small_counts, tables
from allocation.publication.tables import is_nullable

CONTRACT_VERSION = "2.1.0"
"""Semantic: a removed or renamed column or a changed meaning raises the first number, a new column the second."""
ROUTING_CURRENT = Table(
    "routing_current", "`routing` of today: the version in force in the Netherlands now.", ROUTING.columns, ROUTING.key
)
TABLES: tuple[Table, ...] = (*PUBLISHED, ROUTING_CURRENT, TEAM, VERSION_HISTORY, *DIVISION_VIEWS)

DOCS = Path(__file__).resolve().parents[2] / "docs"
BEGIN, END = "<!-- columns: begin (generated) -->", "<!-- columns: end -->"

_LOGICAL = {"text": "string", "json": "object", "timestamp": "timestamp"}
_PHYSICAL = {
    "text": "text",
    "integer": "integer",
    "number": "double precision",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "json": "jsonb",
}


def _may_be_empty(column: Column) -> bool:
    return is_nullable(column) or small_counts.may_be_hidden(column)


def as_open_data_contract() -> dict[str, Any]:
    """The contract in the Open Data Contract Standard 3.0 (bitol.io)."""
    return {
        "apiVersion": "v3.0.2",
        "kind": "DataContract",
        "id": "smc-caseload-allocation",
        "name": "Caseload allocation of the sociaal-medische centra",
        "version": CONTRACT_VERSION,
        "status": "active",
        "description": {
            "purpose": "Tells which SMC team serves a postcode, per client group, law and client line, on any day.",
            "limitations": "Counts per area only, never persons. Outside operations counts are multiples of 5.",
            "usage": "See data-contract.md: how to read it, what may change and what never will.",
        },
        "servers": [{"server": "production", "type": "postgresql", "schema": tables.SCHEMA}],
        "schema": [_schema_of(table) for table in TABLES],
    }


def _schema_of(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "physicalName": table.name,
        "logicalType": "object",
        "physicalType": "view",
        "description": table.meaning,
        "properties": [_property_of(table, column) for column in table.columns],
    }


def _property_of(table: Table, column: Column) -> dict[str, Any]:
    key = ("version", *table.key) if "version" in table.column_names and "version" not in table.key else table.key
    described: dict[str, Any] = {
        "name": column.name,
        "logicalType": _LOGICAL.get(column.type, column.type),
        "physicalType": _PHYSICAL[column.type],
        "description": column.meaning,
        "required": not _may_be_empty(column),
    }
    if column.name in key:
        described |= {"primaryKey": True, "primaryKeyPosition": key.index(column.name) + 1}
    if column.example:
        described["examples"] = [column.example]
    extras = {"unit": column.unit, "allowed": list(column.allowed)}
    if column.is_protected:
        extras["forReaders"] = small_counts.described(column)
    if column.added:
        extras["added"] = column.added
    if any(extras.values()):
        described["customProperties"] = [{"property": k, "value": v} for k, v in extras.items() if v]
    return described


def as_markdown() -> str:
    """One section per table with its columns, for the document."""
    parts = []
    for table in TABLES:
        parts += [f"### `{table.name}`", "", table.meaning, ""]
        parts += ["| column | type | unit | may be empty | meaning | example |", "|---|---|---|---|---|---|"]
        parts += [_line_of(column) for column in table.columns]
        parts.append("")
    return "\n".join(parts)


def _line_of(column: Column) -> str:
    meaning = column.meaning
    if column.allowed:
        meaning += f" ({', '.join(f'`{value}`' for value in column.allowed)})"
    if column.added:
        meaning += f"; since contract {column.added}"
    if column.is_protected:
        meaning += f". Readers: {small_counts.described(column)}"
    empty = "yes" if column.nullable else "under 5" if small_counts.may_be_hidden(column) else "no"
    if column.nullable and small_counts.may_be_hidden(column):
        empty = "yes; under 5"
    if column.may_lack and empty == "no":
        empty = f"before {column.added}"
    cells = (f"`{column.name}`", _PHYSICAL[column.type], column.unit, empty, meaning, column.example)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def as_json_text() -> str:
    return json.dumps(as_open_data_contract(), indent=2, ensure_ascii=False) + "\n"


def with_columns(document: str) -> str:
    """``document`` with the generated sections between its two marks."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{as_markdown()}\n{END}{after}"


def differences(connection: Connection) -> list[str]:
    """Where the views in a store differ from the contract: missing, renamed or reordered columns, other types.

    Types are compared on PostgreSQL; views in SQLite have none. Empty = the store keeps the contract.
    """
    inspector = sa.inspect(connection)
    there = set(inspector.get_view_names())
    found = []
    for table in TABLES:
        if table.name not in there:
            found.append(f"{table.name}: the view is missing")
            continue
        columns = {c["name"]: c["type"] for c in inspector.get_columns(table.name)}
        if tuple(columns) != table.column_names:
            found.append(f"{table.name}: has {', '.join(columns)}; the contract says {', '.join(table.column_names)}")
        elif connection.dialect.name == "postgresql":
            found += _other_types(connection, table)
    return found


def _other_types(connection: Connection, table: Table) -> list[str]:
    query = sa.text(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = :schema AND table_name = :name"
    )
    types = {row[0]: row[1] for row in connection.execute(query, {"schema": tables.SCHEMA, "name": table.name})}
    return [
        f"{table.name}.{column.name}: is {types[column.name]}; the contract says {_PHYSICAL[column.type]}"
        for column in table.columns
        if types[column.name] != _PHYSICAL[column.type]
    ]


def write(docs: Path = DOCS) -> None:
    """Write both copies of the contract anew."""
    (docs / "data-contract.json").write_text(as_json_text())
    document = docs / "data-contract.md"
    document.write_text(with_columns(document.read_text()))


if __name__ == "__main__":
    write()
