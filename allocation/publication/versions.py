"""Versions: proposed, put in force from a day, put back, compared. Atomic over the store and the version folders.

Belongs here: what may happen to a version, and in which order files and rows change. Does not belong here: how rows
are stored (`store`) or what the files look like (`files`).

One writer at a time, one transaction per act. Files are moved into place before the commit and mean nothing until the
store knows them; the timeline file is written after the commit, from the store. So the store decides: whatever a
killed process left is swept away, or caught up with, by the next act.
"""

from __future__ import annotations

import getpass
import json
import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import shapely
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation.contract.errors import Refused
from allocation.contract.published_tables import ALLOCATION_CHANGES, RUNS
from allocation.publication import files, store, tables
from allocation.publication.files import Outcome
from allocation.publication.tables import ACTS, BOUNDARY_AREAS, ROWS, VALIDITY, VERSIONS

_DAY = timedelta(days=1)
_TIMELINE_ACTS = ("publish", "rollback")
_MOST_NAMED = 5
_LOG = logging.getLogger(__name__)


class Period(NamedTuple):
    """``version`` is in force from ``valid_from`` up to and including ``valid_to`` (None = until further notice)."""

    period_id: int
    version: int
    valid_from: date
    valid_to: date | None


# --- acts ------------------------------------------------------------------------------------------------------------


def propose(outcome_dir: Path, store_url: str, files_dir: Path, *, valid_from: date | None = None) -> int:
    """Store the outcome of a run as a complete version with status 'proposed'; returns its number.

    ``outcome_dir`` holds one Parquet per published table (without version and validity), ``areas.parquet``
    (GeoParquet), ``teams.parquet`` (the input), and perhaps ``expected.parquet`` (`tables.EXPECTED`) and
    ``report.html``. ``valid_from`` is the day on which it is meant to come into force. The same content gives the
    same number; proposing it anew also says that it holds against the division in force now.

    Raises ValueError for an outcome that is not as declared, Refused when another writer holds the store.
    """
    outcome = files.read_outcome(outcome_dir)
    store.migrate(store_url)
    with store.writing(store_url) as connection:
        _recover(connection, store_url, files_dir)
        known = connection.execute(
            sa.select(VERSIONS.c.version, VERSIONS.c.status).where(VERSIONS.c.fingerprint == outcome.fingerprint)
        ).first()
        if known is None:
            _check_compared(connection, outcome, valid_from)
            version = (connection.execute(sa.select(sa.func.max(VERSIONS.c.version))).scalar() or 0) + 1
            _insert_version(connection, version, outcome, valid_from)
        else:
            version = known.version
            _renew_proposal(connection, version, known.status, valid_from)
        if not files.proposal_folder(files_dir, version).exists():
            files.write_proposal(files_dir, version, outcome)
        run = outcome.tables[RUNS.name].to_pylist()[0]
        _record(connection, "propose", version, valid_from, by=run["created_by"], reason=run["reason"])
    return version


def publish(
    version: int,
    store_url: str,
    files_dir: Path,
    *,
    valid_from: date | None = None,
    approval: Mapping[str, Any] | None = None,
) -> Path:
    """Put a proposal in force from ``valid_from`` (default: its planned day, or today) until the next planned version.

    Returns the folder with its files. Publishing what is in force from that day already changes nothing.

    Raises Refused when the version is unknown, rejected or was in force before (that is a rollback), when the day is
    past, when a team of it does not exist on that day, or when another version was published since the proposal was
    made: its changes and transition would be wrong. Warns (log, manifest) of teams that end later on.
    """
    with store.writing(store_url) as connection:
        _recover(connection, store_url, files_dir)
        row = _version_row(connection, version)
        first = valid_from or (row.planned_from if _is_ahead(row.planned_from) else None) or store.today()
        periods = _timeline(connection)
        if row.status == "rejected":
            raise Refused(f"Version {version} was rejected; propose it again before publishing it.")
        if row.status == "published":
            if not any(p.version == version and _covers(p, first) for p in periods):
                raise Refused(
                    f"Version {version} was published before and is not in force on {first}; "
                    "use rollback to put it in force again."
                )
        else:
            _check_still_valid(connection, version, row.based_on_act)
            _check_day(periods, first)
            _write_files(files_dir, version, periods, first, approval)
            act_id = _record(connection, "publish", version, first, by=_approver(approval), approval=approval)
            _put_in_force(connection, periods, version, first, act_id)
            connection.execute(
                VERSIONS.update()
                .where(VERSIONS.c.version == version)
                .values(status="published", approval=dict(approval) if approval else None)
            )
    _catch_up(store_url, files_dir)
    return _folder_in_force(store_url, files_dir, version, first)


def rollback(
    version: int, store_url: str, files_dir: Path, *, reason: str, by: str, valid_from: date | None = None
) -> Path:
    """Put a version that was published before in force again, from ``valid_from`` (default today); returns its folder.

    The record keeps every act with who, when and why. Raises Refused when the version was never published, when the
    day is past, when a team of it does not exist on that day, or when no reason is given. Warns as `publish` does, and
    of versions planned for later: what they say of changes and files was computed against what was in force before.
    """
    if not reason.strip():
        raise Refused("A rollback needs a reason; it is kept in the record.")
    first = valid_from or store.today()
    with store.writing(store_url) as connection:
        _recover(connection, store_url, files_dir)
        row = _version_row(connection, version)
        if row.status != "published":
            raise Refused(f"Version {version} has status {row.status}; only a published version can be put back.")
        periods = _timeline(connection)
        _check_day(periods, first)
        if not any(p.version == version and _covers(p, first) for p in periods):
            _write_files(files_dir, version, periods, first, row.approval)
            _warn_of_planned(periods, first, version)
            act_id = _record(connection, "rollback", version, first, by=by, reason=reason)
            _put_in_force(connection, periods, version, first, act_id)
    _catch_up(store_url, files_dir)
    return _folder_in_force(store_url, files_dir, version, first)


def reject(version: int, store_url: str, approval: Mapping[str, Any] | None = None) -> None:
    """Mark a proposal as rejected, with who and why in ``approval``. Refused for a published version."""
    with store.writing(store_url) as connection:
        row = _version_row(connection, version)
        if row.status == "published":
            raise Refused(f"Version {version} is published; use rollback to put another version in force.")
        if row.status == "proposed":
            _record(connection, "reject", version, None, by=_approver(approval), approval=approval)
            connection.execute(
                VERSIONS.update()
                .where(VERSIONS.c.version == version)
                .values(status="rejected", approval=dict(approval) if approval else None)
            )


def migrate(store_url: str) -> None:
    """Bring the store to the newest schema; nothing happens when it is there already."""
    store.migrate(store_url)


# --- reads -----------------------------------------------------------------------------------------------------------


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
        return _in_force(_timeline(connection), on or store.today())


def read_table(name: str, store_url: str, *, version: int | None = None, on: date | None = None) -> pd.DataFrame:
    """A published table (or `team`, `expected`) of one version: the one given, or the one in force ``on`` a day.

    Complete counts: this is the reading of operations. Columns as declared; validity is empty for a proposal. Raises
    Refused when there is no such version, ValueError for an unknown table.
    """
    table = next((t for t in tables.STORED if t.name == name), None)
    if table is None:
        raise ValueError(f"no table {name}; there are {', '.join(t.name for t in tables.STORED)}")
    with store.reading(store_url) as connection:
        periods = _timeline(connection)
        day = on or store.today()
        chosen = version if version is not None else _in_force(periods, day)
        if chosen is None:
            raise Refused(f"No version is in force on {day}.")
        row = _version_row(connection, chosen)
        rows = ROWS[name]
        order = [rows.c[k] for k in table.key]
        built = store.frame(connection, sa.select(rows).where(rows.c.version == chosen).order_by(*order))
    if name == RUNS.name and row.approval is not None:
        built["approval"] = [row.approval]
    period = _period_shown(periods, chosen, day)
    for column in tables.VALIDITY_COLUMNS:
        if column in table.column_names:
            value = getattr(period, column) if period else None
            built[column] = pd.Series([value] * len(built), index=built.index, dtype=object)
    return built[list(table.column_names)]


def _period_shown(periods: list[Period], version: int, day: date) -> Period | None:
    own = [p for p in periods if p.version == version]
    return next((p for p in own if _covers(p, day)), own[-1] if own else None)


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
            _version_row(connection, version)
        return store.frame(connection, query)


# --- rules -----------------------------------------------------------------------------------------------------------


def _version_row(connection: Connection, version: int) -> Any:
    row = connection.execute(sa.select(VERSIONS).where(VERSIONS.c.version == version)).first()
    if row is None:
        known = connection.execute(sa.select(sa.func.max(VERSIONS.c.version))).scalar()
        there_is = f"the versions run from 1 to {known}" if known else "the store holds none yet"
        raise Refused(f"There is no version {version}; {there_is}.")
    return row


def _check_still_valid(connection: Connection, version: int, based_on_act: int) -> None:
    """Refuse a proposal that was made against a timeline that has changed since: of two at once, the first wins."""
    since = connection.execute(
        sa.select(ACTS.c.act, ACTS.c.version, ACTS.c.acted_by)
        .where(ACTS.c.act_id > based_on_act, ACTS.c.act.in_(_TIMELINE_ACTS))
        .order_by(ACTS.c.act_id.desc())
    ).first()
    if since is not None:
        what = "published" if since.act == "publish" else "put back"
        by = f" by {since.acted_by}" if since.acted_by else ""
        raise Refused(
            f"Version {since.version} was {what}{by} after version {version} was proposed, so its changes and its "
            "transition no longer hold; nothing was changed. Run the proposal again."
        )


def _check_compared(connection: Connection, outcome: Outcome, valid_from: date | None) -> None:
    """Refuse an outcome that was compared with a version that is not in force, today or when it is to take over."""
    periods, first = _timeline(connection), valid_from or store.today()
    in_force = {_in_force(periods, day) for day in (store.today(), first - _DAY, first)}
    compared = set(outcome.tables[ALLOCATION_CHANGES.name]["from_version"].to_pylist()) - {None}
    if not compared <= in_force:
        raise Refused(
            f"The outcome was compared with version {min(compared - in_force)}, which is no longer in force; "
            "nothing was changed. Run the proposal again."
        )


def _check_day(periods: list[Period], first: date) -> None:
    today = store.today()
    if periods and first < today:
        raise Refused(
            f"A version cannot come into force on {first}, before today ({today}): clients were routed already."
        )


def _team_ends(team_periods: list[tuple[str, date, date | None]], version: int, first: date) -> dict[str, date]:
    """The last day of each team that stops after ``first``; Refused when one does not exist on ``first`` itself.

    ``team_periods`` in order per team; periods that follow each other without a gap count as one.
    """
    own: dict[str, list[tuple[date, date | None]]] = {}
    for team, begins, ends in team_periods:
        own.setdefault(team, []).append((begins, ends))
    absent, last_days = [], {}
    for team, spans in own.items():
        if not any(begins <= first and (ends is None or ends >= first) for begins, ends in spans):
            before = [ends for begins, ends in spans if begins <= first and ends]
            absent.append(f"team {team} " + (f"ended on {max(before)}" if before else f"starts on {spans[0][0]}"))
            continue
        reached: date | None = first
        for begins, ends in spans:
            if reached is not None and begins <= reached + _DAY:
                reached = None if ends is None else max(reached, ends)
        if reached is not None:
            last_days[team] = reached
    if absent:
        raise Refused(
            f"Version {version} cannot come into force on {first}: {_listed(absent)}; make a new proposal for that day."
        )
    return last_days


def _listed(parts: list[str]) -> str:
    more = f" (+{len(parts) - _MOST_NAMED} more)" if len(parts) > _MOST_NAMED else ""
    return ", ".join(parts[:_MOST_NAMED]) + more


def _is_ahead(day: date | None) -> bool:
    return day is not None and day >= store.today()


def _covers(period: Period, day: date) -> bool:
    return period.valid_from <= day and (period.valid_to is None or period.valid_to >= day)


def _in_force(periods: list[Period], day: date) -> int | None:
    return next((p.version for p in periods if _covers(p, day)), None)


def _next_day(periods: list[Period], first: date) -> date | None:
    """The last day of a period that starts on ``first``: the day before the next version that is planned."""
    later = [p.valid_from for p in periods if p.valid_from > first]
    return min(later) - _DAY if later else None


def _approver(approval: Mapping[str, Any] | None) -> str:
    return str((approval or {}).get("by") or getpass.getuser())


# --- writing ---------------------------------------------------------------------------------------------------------


def _timeline(connection: Connection) -> list[Period]:
    query = (
        sa.select(VALIDITY.c.period_id, VALIDITY.c.version, VALIDITY.c.valid_from, VALIDITY.c.valid_to)
        .where(VALIDITY.c.superseded_at.is_(None))
        .order_by(VALIDITY.c.valid_from)
    )
    return [Period(*row) for row in connection.execute(query)]


def _put_in_force(connection: Connection, periods: list[Period], version: int, first: date, act_id: int) -> None:
    """Cut the period that ``first`` falls in, or replace the one that starts then; later ones stay as planned."""
    for period in periods:
        if period.valid_from == first:
            change: dict[str, Any] = {"superseded_at": datetime.now(UTC)}
        elif _covers(period, first):
            change = {"valid_to": first - _DAY}
        else:
            continue
        connection.execute(VALIDITY.update().where(VALIDITY.c.period_id == period.period_id).values(**change))
    connection.execute(
        VALIDITY.insert().values(version=version, valid_from=first, valid_to=_next_day(periods, first), act_id=act_id)
    )
    _check_gapless(_timeline(connection))


def _check_gapless(periods: list[Period]) -> None:
    """Every day from the first on has exactly one version. The database forbids overlap; this also forbids gaps."""
    for before, after in pairwise(periods):
        if before.valid_to is None or after.valid_from != before.valid_to + _DAY:
            raise AssertionError(f"validity breaks between {before} and {after}")
    if periods and periods[-1].valid_to is not None:
        raise AssertionError(f"validity ends with {periods[-1]}")


def _record(
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


def _last_timeline_act(connection: Connection) -> int:
    query = sa.select(sa.func.max(ACTS.c.act_id)).where(ACTS.c.act.in_(_TIMELINE_ACTS))
    return connection.execute(query).scalar() or 0


def _insert_version(connection: Connection, version: int, outcome: Outcome, valid_from: date | None) -> None:
    connection.execute(
        VERSIONS.insert().values(
            version=version,
            status="proposed",
            fingerprint=outcome.fingerprint,
            boundary_set=outcome.boundary_set,
            created_at=datetime.now(UTC),
            planned_from=valid_from,
            based_on_act=_last_timeline_act(connection),
        )
    )
    for name, rows in outcome.tables.items():
        if name != RUNS.name:
            numbered = rows.add_column(0, "version", pa.array([version] * rows.num_rows, pa.int64()))
            store.load(connection, ROWS[name], numbered)
    run = outcome.tables[RUNS.name].to_pylist()[0]
    json_columns = [c.name for c in RUNS.columns if c.type == "json" and run.get(c.name) is not None]
    run.update({name: json.loads(run[name]) for name in json_columns})
    connection.execute(ROWS[RUNS.name].insert().values(version=version, **run))
    known = sa.select(BOUNDARY_AREAS.c.pc4).where(BOUNDARY_AREAS.c.boundary_set == outcome.boundary_set).limit(1)
    if connection.execute(known).first() is None:
        store.load(connection, BOUNDARY_AREAS, _boundary_rows(outcome))


def _boundary_rows(outcome: Outcome) -> pa.Table:
    areas = outcome.areas
    columns: dict[str, Any] = {"boundary_set": [outcome.boundary_set] * len(areas), "pc4": areas["pc4"].tolist()}
    for column in BOUNDARY_AREAS.columns:
        if column.name in areas.columns and column.name not in columns:
            columns[column.name] = pa.Array.from_pandas(areas[column.name])
    columns["shape"] = pa.array(shapely.to_wkb(areas.geometry.to_numpy()).tolist(), pa.binary())
    return pa.table(columns)


def _renew_proposal(connection: Connection, version: int, status: str, valid_from: date | None) -> None:
    """The same content again: it holds against the timeline of now. A published version stays what it is."""
    if status != "published":
        connection.execute(
            VERSIONS.update()
            .where(VERSIONS.c.version == version)
            .values(status="proposed", planned_from=valid_from, based_on_act=_last_timeline_act(connection))
        )


# --- files and store together ----------------------------------------------------------------------------------------


def _recover(connection: Connection, store_url: str, files_dir: Path) -> None:
    """Under the writer's lock: make ``files_dir`` ours, sweep what a killed process left, catch up with the store."""
    files.claim(files_dir, store.store_id(connection), store.address_without_secret(store_url))
    known = [files.proposal_folder(files_dir, v) for v in connection.scalars(sa.select(VERSIONS.c.version))]
    periods = connection.execute(sa.select(VALIDITY.c.version, VALIDITY.c.valid_from))
    known += [files.published_folder(files_dir, version, first) for version, first in periods]
    files.remove_leftovers(files_dir, known)
    _write_timeline(connection, files_dir)


def _warn_of_planned(periods: list[Period], first: date, version: int) -> None:
    for period in periods:
        if period.valid_from > first and period.version != version:
            _LOG.warning(
                "Version %s stays planned for %s, but its changes and transition were computed against another "
                "division than version %s, which is put back; make a new proposal for that day.",
                period.version,
                period.valid_from,
                version,
            )


def _write_timeline(connection: Connection, files_dir: Path) -> None:
    periods = [(p.version, p.valid_from, p.valid_to) for p in _timeline(connection)]
    files.write_timeline(files_dir, store.store_id(connection), periods)


def _catch_up(store_url: str, files_dir: Path) -> None:
    """After a commit: bring the timeline file up to the store. Read under the lock, so the last writer is right."""
    with files.locked(files_dir), store.reading(store_url) as connection:
        _write_timeline(connection, files_dir)


def _folder_in_force(store_url: str, files_dir: Path, version: int, first: date) -> Path:
    """The folder of the period of ``version`` that holds on ``first``: a version may have several."""
    with store.reading(store_url) as connection:
        period = next(p for p in _timeline(connection) if p.version == version and _covers(p, first))
    return files.published_folder(files_dir, version, period.valid_from)


def _write_files(
    files_dir: Path, version: int, periods: list[Period], first: date, approval: Mapping[str, Any] | None
) -> None:
    """Write the files for readers, once the teams of the version exist on its first day."""
    last = _next_day(periods, first)
    files.check_sound(files_dir, version)
    ends = _team_ends(files.team_periods(files_dir, version), version, first)
    ends = {team: day for team, day in ends.items() if last is None or day < last}
    files.write_published(files_dir, version, first, last, approval, ends)
    if ends:
        _LOG.warning(
            "Version %s is in force %s, but %s: a new division for the day after is needed.",
            version,
            f"until {last}" if last else "until further notice",
            _listed([f"team {team} ends on {day}" for team, day in ends.items()]),
        )
