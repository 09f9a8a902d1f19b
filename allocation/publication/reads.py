"""What the store tells of its versions: which there are, which holds on a day, their tables, and what differs.

Belongs here: reading, for Operations: counts are complete. Does not belong here: what may happen to a version
(`versions`), what readers see (`views`), look-ups (`lookup`).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation.contract.errors import Refused
from allocation.contract.published_tables import ALLOCATION_CHANGES, RUNS
from allocation.contract.schema import Table
from allocation.publication import files, store, tables, timeline
from allocation.publication.record import last_timeline_act
from allocation.publication.tables import ACTS, ROWS, VALIDITY, VERSIONS
from allocation.publication.timeline import Period, covers, read_periods, version_on


def versions(store_url: str) -> pd.DataFrame:
    """One row per version and period, newest version first; a version that is not in force has one row without dates.

    Columns: version, status, created_at, created_by, reason, run_id, planned_from, valid_from, valid_to, approval,
    fingerprint, is_in_force (today).
    """
    runs = ROWS[RUNS.name]
    query = (
        sa.select(
            VERSIONS.c.version,
            VERSIONS.c.status,
            VERSIONS.c.created_at,
            runs.c.created_by,
            runs.c.reason,
            runs.c.run_id,
            VERSIONS.c.planned_from,
            VALIDITY.c.valid_from,
            VALIDITY.c.valid_to,
            VERSIONS.c.approval,
            VERSIONS.c.fingerprint,
        )
        .join_from(VERSIONS, runs, runs.c.version == VERSIONS.c.version)
        .outerjoin(VALIDITY, (VALIDITY.c.version == VERSIONS.c.version) & VALIDITY.c.superseded_at.is_(None))
        .order_by(VERSIONS.c.version.desc(), VALIDITY.c.valid_from.desc())
    )
    with store.reading(store_url) as connection:
        built = store.frame(connection, query)
    today = store.today()
    in_force = [
        first is not None and first <= today and (last is None or last >= today)
        for first, last in zip(_dates(built["valid_from"]), _dates(built["valid_to"]), strict=True)
    ]
    built["is_in_force"] = in_force
    return built


def _dates(column: pd.Series) -> list[date | None]:
    return [None if pd.isna(value) else value for value in column]


def history(store_url: str) -> pd.DataFrame:
    """The record: every act in order, with who, when and why. Columns: those of the internal table `acts`."""
    with store.reading(store_url) as connection:
        return store.frame(connection, sa.select(ACTS).order_by(ACTS.c.act_id))


def current_version(store_url: str, on: date | None = None) -> int | None:
    """The version in force on a day (default today); None when there is none."""
    with store.reading(store_url) as connection:
        return version_on(read_periods(connection), on or store.today())


def periods(store_url: str) -> list[Period]:
    """Which version is in force on which days, past and planned, in order."""
    with store.reading(store_url) as connection:
        return read_periods(connection)


def first_day(store_url: str, version: int) -> date:
    """The first day in force of a proposal that is approved today."""
    with store.reading(store_url) as connection:
        return timeline.first_day(version_row(connection, version).planned_from, read_periods(connection))


def planned_after(store_url: str, version: int, first: date) -> list[tuple[int, date]]:
    """Versions that are planned to take over later from one that begins on ``first``, each with its first day. The
    store only logs them when that one is published (`timeline.warn_of_planned`)."""
    with store.reading(store_url) as connection:
        later = timeline.planned_after(read_periods(connection), first, version)
    return [(period.version, period.valid_from) for period in later]


def check_first_day(store_url: str, day: date) -> None:
    """Raise Refused for a first day that no proposal may ask for."""
    with store.reading(store_url) as connection:
        timeline.check_day(read_periods(connection), day)


def timeline_act(store_url: str) -> int:
    """The number of the last act that changed what is or will be in force; 0 before the first one."""
    with store.reading(store_url) as connection:
        return last_timeline_act(connection)


def read_table(
    name: str,
    store_url: str,
    *,
    version: int | None = None,
    on: date | None = None,
    files_dir: Path | None = None,
) -> pd.DataFrame:
    """A published table (or `team`, `expected`) of one version: the one given, or the one in force ``on`` a day.

    Complete counts: this is the reading of operations. Columns as declared; validity is empty for a proposal.
    ``files_dir``: where the files of the versions lie. They are read faster and hold the same rows; the store's own
    rows are read where these files are not sound. Raises Refused when there is no such version, ValueError for an
    unknown table.
    """
    table = next((t for t in tables.STORED if t.name == name), None)
    if table is None:
        raise ValueError(f"no table {name}; there are {', '.join(t.name for t in tables.STORED)}")
    with store.reading(store_url) as connection:
        periods = read_periods(connection)
        day = on or store.today()
        chosen = version if version is not None else version_on(periods, day)
        if chosen is None:
            raise Refused(f"No version is in force on {day}.")
        row = version_row(connection, chosen)
        kept = files.sound_rows(files_dir, chosen, row.fingerprint, table) if files_dir else None
        built = _rows_in_store(connection, table, chosen) if kept is None else store.frame_of(kept, table)
    if name == RUNS.name and row.approval is not None:
        built["approval"] = [row.approval]
    period = _period_shown(periods, chosen, day)
    for column in tables.VALIDITY_COLUMNS:
        if column in table.column_names:
            value = getattr(period, column) if period else None
            built[column] = pd.Series([value] * len(built), index=built.index, dtype=object)
    return built[list(table.column_names)]


def _rows_in_store(connection: Connection, table: Table, version: int) -> pd.DataFrame:
    rows, dialect = ROWS[table.name], connection.dialect.name
    read = {c.name: sa.literal_column(tables.read_column(table, c.name, dialect), c.type).label(c.name) for c in rows.c}
    order = [read[k] for k in table.key]
    query = sa.select(*read.values()).select_from(rows).where(rows.c.version == version).order_by(*order)
    return store.frame(connection, query)


def _period_shown(periods: list[Period], version: int, day: date) -> Period | None:
    own = [p for p in periods if p.version == version]
    return next((p for p in own if covers(p, day)), own[-1] if own else None)


def compare(a: int, b: int, store_url: str) -> pd.DataFrame:
    """Everything that changes in `allocation` from version ``a`` to version ``b``, proposals too; complete.

    Columns of `allocation_changes`; one row per postcode, line, domain and pair of teams, with the share that moves.
    A line `alle` counts as both lines unless neither version divides that postcode by line.
    """
    changes = sa.table(
        "weighed_changes", *(sa.column(c.name, tables.SQL_TYPES[c.type]) for c in ALLOCATION_CHANGES.columns)
    )
    query = (
        sa.select(changes)
        .where(changes.c.from_version == a, changes.c.version == b)
        .order_by(*(changes.c[k] for k in ALLOCATION_CHANGES.key))
    )
    with store.reading(store_url) as connection:
        for version in (a, b):
            version_row(connection, version)
        return store.frame(connection, query)


def version_row(connection: Connection, version: int) -> Any:
    """The row of a version. Raises Refused when there is none."""
    row = connection.execute(sa.select(VERSIONS).where(VERSIONS.c.version == version)).first()
    if row is None:
        known = connection.execute(sa.select(sa.func.max(VERSIONS.c.version))).scalar()
        there_is = f"the versions run from 1 to {known}" if known else "the store holds none yet"
        raise Refused(f"There is no version {version}; {there_is}.")
    return row
