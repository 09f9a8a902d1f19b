"""Stores as earlier releases left them: the migrations of that release, filled with rows that the release wrote.

``tests/integration/store/releases/NNNN.json`` holds the rows that the program of release NNNN wrote (until the next
file there): table by table, texts for dates and moments, hexadecimal for shapes. It was written once, by that program,
and never again: version 1 in force since 2026-11-25 with a shared range of PC6, version 2 planned, version 3 proposed.
"""

from __future__ import annotations

import json
import warnings
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from allocation.publication import store

ROWS_WRITTEN = Path(__file__).parents[1] / "integration" / "store" / "releases"
FIRST_DAY, PLANNED_DAY = date(2026, 11, 25), date(2026, 12, 25)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "allocation.publication:migrations")
    return config


def earlier_releases() -> list[str]:
    """Every migration but the newest, oldest first."""
    revisions = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
    return sorted(revisions)[:-1]


def make_store(store_url: str, release: str) -> dict[str, int]:
    """Make the store of ``release``; returns the number of rows of each table."""
    config = _config()
    with store.connected(store_url) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, release)
        return _fill(connection, release)


def _fill(connection: sa.Connection, release: str) -> dict[str, int]:
    newest = max(path for path in ROWS_WRITTEN.glob("*.json") if path.stem <= release)
    written = json.loads(newest.read_text(encoding="utf-8"))
    metadata = sa.MetaData()
    with warnings.catch_warnings():  # of indexes on expressions, which are not needed here
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        metadata.reflect(connection)
    counts = {}
    for table in metadata.sorted_tables:
        content = written.get(table.name)
        if content and content["rows"]:
            rows = [
                {name: _value(table.c[name], value) for name, value in zip(content["columns"], row, strict=True)}
                for row in content["rows"]
            ]
            connection.execute(table.insert(), rows)
            counts[table.name] = len(rows)
    if connection.dialect.name == "postgresql":
        for name, key in (("acts", "act_id"), ("validity", "period_id")):
            connection.execute(
                sa.text(f"SELECT setval(pg_get_serial_sequence('{name}', '{key}'), (SELECT max({key}) FROM {name}))")
            )
    return counts


def _value(column: sa.Column[Any], value: Any) -> Any:
    if value is None or not isinstance(value, str):
        return value
    if isinstance(column.type, sa.DateTime):
        moment = datetime.fromisoformat(value)
        return moment if column.type.timezone else moment.replace(tzinfo=None)
    if isinstance(column.type, sa.Date):
        return date.fromisoformat(value)
    return bytes.fromhex(value) if isinstance(column.type, sa.LargeBinary) else value
