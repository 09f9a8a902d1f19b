"""The record of a store: the rows of a version, written once, and every act with who, when and why.

Belongs here: what is added to the store. Does not belong here: what may be added when (`versions`), the periods in
which versions are in force (`timeline`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation.contract.published_tables import RUNS
from allocation.publication import store
from allocation.publication.as_stored import check_areas
from allocation.publication.outcome_folder import Outcome
from allocation.publication.tables import ACTS, BOUNDARY_AREAS, ROWS, TIMELINE_ACTS, VERSIONS


def record_act(
    connection: Connection,
    act: str,
    version: int,
    valid_from: date | None,
    *,
    by: str,
    reason: str | None = None,
    approval: Mapping[str, Any] | None = None,
) -> int:
    values = {
        "act": act,
        "version": version,
        "valid_from": valid_from,
        "acted_at": datetime.now(UTC),
        "acted_by": by,
        "reason": reason,
        "approval": dict(approval) if approval else None,
    }
    result = connection.execute(ACTS.insert().values(**values))
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def last_timeline_act(connection: Connection) -> int:
    query = sa.select(sa.func.max(ACTS.c.act_id)).where(ACTS.c.act.in_(TIMELINE_ACTS))
    return connection.execute(query).scalar() or 0


def insert_version(
    connection: Connection, version: int, outcome: Outcome, valid_from: date | None, scope: str | None
) -> None:
    """The rows of a new version: itself first and its act last, as the rights of the database ask (`rights`)."""
    connection.execute(
        VERSIONS.insert().values(
            version=version,
            status="proposed",
            fingerprint=outcome.fingerprint,
            boundary_set=outcome.boundary_set,
            created_at=datetime.now(UTC),
            planned_from=valid_from,
            based_on_act=last_timeline_act(connection),
            scope=scope,
        )
    )
    for name, rows in outcome.tables.items():
        if name != RUNS.name:
            numbered = rows.add_column(0, "version", pa.array([version] * rows.num_rows, pa.int64()))
            store.load(connection, ROWS[name], numbered)
    connection.execute(ROWS[RUNS.name].insert().values(version=version, **_row_of_run(outcome)))
    if not check_areas(connection, outcome.boundary_set, outcome.area_rows):
        named = pa.array([outcome.boundary_set] * len(outcome.area_rows), pa.string())
        store.load(connection, BOUNDARY_AREAS, outcome.area_rows.add_column(0, "boundary_set", named))


def _row_of_run(outcome: Outcome) -> dict[str, Any]:
    (run,) = outcome.tables[RUNS.name].to_pylist()
    json_columns = [c.name for c in RUNS.columns if c.type == "json" and run.get(c.name) is not None]
    return {**run, **{name: json.loads(run[name]) for name in json_columns}}


def renew_proposal(
    connection: Connection, version: int, status: str, valid_from: date | None, scope: str | None, outcome: Outcome
) -> None:
    """The same content again: it holds against the timeline of now, and is of this run. A published version stays what
    it is."""
    if status != "published":
        of_run = ROWS[RUNS.name]
        connection.execute(of_run.update().where(of_run.c.version == version).values(**_row_of_run(outcome)))
        connection.execute(
            VERSIONS.update()
            .where(VERSIONS.c.version == version)
            .values(
                status="proposed",
                planned_from=valid_from,
                based_on_act=last_timeline_act(connection),
                scope=scope,
            )
        )
