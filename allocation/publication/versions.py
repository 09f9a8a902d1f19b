"""Versions: proposed, put in force from a day, put back. Atomic over the store and the version folders.

Belongs here: what may happen to a version, and in which order files and rows change. Does not belong here: how rows
are stored (`store`) or what the files look like (`files`).

One writer at a time, one transaction per act. Files are moved into place before the commit and mean nothing until the
store knows them; the timeline file is written after the commit, from the store. So the store decides: whatever a
killed process left is swept away, or caught up with, by the next act.
"""

from __future__ import annotations

import getpass
import logging
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation import storage
from allocation.contract.errors import Refused
from allocation.contract.published_tables import ALLOCATION_CHANGES, DIVISION_VIEWS, RUNS
from allocation.publication import files, owner, store, views
from allocation.publication.as_stored import check_as_stored, check_run
from allocation.publication.outcome_folder import Outcome, area_rows, followed_in, read_outcome
from allocation.publication.proposals import (
    WITHDRAWN,
    check_asked_about,
    check_compared,
    check_still_valid,
    replaced_by,
    withdraw_older,
)
from allocation.publication.reads import version_row
from allocation.publication.record import insert_version, record_act, renew_proposal
from allocation.publication.tables import VALIDITY, VERSIONS
from allocation.publication.timeline import (
    Period,
    check_day,
    covers,
    first_day,
    last_day,
    listed,
    put_in_force,
    read_periods,
    team_ends,
    warn_of_planned,
)

_DAY = timedelta(days=1)
DIVISION_TABLES = {table.name: table for table in DIVISION_VIEWS}
_LOG = logging.getLogger(__name__)


# --- acts ------------------------------------------------------------------------------------------------------------


def propose(
    outcome_dir: Path,
    store_url: str,
    files_dir: Path,
    *,
    valid_from: date | None = None,
    based_on: int | None = None,
    areas: Path | None = None,
    reports: Sequence[Path] | None = None,
    scope: str | None = None,
) -> int:
    """Store the outcome of a run as a complete version with status 'proposed'; returns its number.

    ``outcome_dir`` holds one Parquet per published table (without version and validity), ``teams.parquet`` (the
    input), and perhaps ``expected.parquet`` (`tables.EXPECTED`). ``areas`` (GeoParquet) and ``reports`` are the files
    beside it; None = ``areas.parquet``, ``report.html`` and ``report_readers.html`` in that folder.
    ``valid_from`` is the day on which it is meant to come into force. The same content gives the same number;
    proposing it anew also says that it holds against the division in force now, and its report, its record and the
    days of its teams are those of this run from then on. What was published stays as it is.
    ``based_on``: the ``timeline_act`` that was the last one when the outcome's run asked what is in force.
    ``scope``: what the proposal is about; older proposals of the same scope that wait for a decision are withdrawn
    (`proposals.withdrawn_for` tells which). None = it waits beside whatever waits.

    Raises ValueError for an outcome that is not as declared, Refused when another writer holds the store, when the day
    is past, when a version was published or put back after ``based_on`` (then the outcome has to be computed anew), or
    when the store has this content or these areas with other rows: a planner's login may have written those.
    """
    outcome = read_outcome(outcome_dir, areas, reports)
    store.migrate(store_url)
    with store.writing(store_url) as connection:
        _recover(connection, store_url, files_dir)
        if valid_from is not None:
            check_day(read_periods(connection), valid_from)
        if based_on is not None:
            check_still_valid(connection, "this division", "computed", based_on)
        version, is_published = _numbered(connection, outcome, valid_from, scope)
        if not (is_published and files.is_there(files.proposal_folder(files_dir, version))):
            files.write_proposal(files_dir, version, outcome)
        run = outcome.tables[RUNS.name].to_pylist()[0]
        record_act(
            connection,
            "propose",
            version,
            valid_from,
            by=run["created_by"],
            reason=run["reason"],
            approval={"run": run["run_id"]},
        )
        if scope is not None and not is_published:
            withdraw_older(connection, version, scope, run["created_by"])
    return version


def _numbered(connection: Connection, outcome: Outcome, valid_from: date | None, scope: str | None) -> tuple[int, bool]:
    """The number of the version with this content, new or renewed, and whether it was published before."""
    known = connection.execute(
        sa.select(VERSIONS.c.version, VERSIONS.c.status).where(VERSIONS.c.fingerprint == outcome.fingerprint)
    ).first()
    if known is None:
        check_compared(connection, outcome.tables[ALLOCATION_CHANGES.name], valid_from)
        version = int(connection.execute(sa.select(sa.func.max(VERSIONS.c.version))).scalar() or 0) + 1
        insert_version(connection, version, outcome, valid_from, scope)
        return version, False
    check_as_stored(connection, known.version, outcome.tables, outcome.area_rows, outcome.follows)
    renew_proposal(connection, known.version, known.status, valid_from, scope, outcome)
    return int(known.version), known.status == "published"


def publish(
    version: int,
    store_url: str,
    files_dir: Path,
    *,
    valid_from: date | None = None,
    approval: Mapping[str, Any] | None = None,
    act: int | None = None,
) -> Path:
    """Put a proposal in force from ``valid_from`` (default: `timeline.first_day`) until the next planned version.

    ``act``: the act of proposing that the approver was asked about; None = the last one.
    Returns the folder with its files. Publishing what is in force on that day already changes nothing, but for files
    that are absent or damaged: they are written anew.

    Raises Refused when the version is unknown, rejected, withdrawn or was in force before (that is a rollback), when
    it was proposed anew after ``act``, when
    the day is past, when a team of it does not exist on that day, when another version was published since the
    proposal was made, or was in force when it was computed: its changes and transition would be wrong; or when the
    store has other rows of it than its files: the approver saw their report. Warns (log, manifest) of teams that end
    later on, and (log) of versions planned for later, which were compared with another division.
    """
    with store.writing(store_url) as connection:
        _recover(connection, store_url, files_dir)
        row = version_row(connection, version)
        periods = read_periods(connection)
        first = valid_from or first_day(row.planned_from, periods)
        if row.status == "rejected":
            raise Refused(f"Version {version} was rejected; propose it again before publishing it.")
        if row.status == WITHDRAWN:
            newer = replaced_by(connection, version)
            raise Refused(f"Version {version} was withdrawn, because version {newer} took its place; publish that one.")
        if row.status == "published":
            if _period_on(periods, version, first) is None:
                raise Refused(
                    f"Version {version} was published before and is not in force on {first}; "
                    "use rollback to put it in force again."
                )
            _renew_files(connection, files_dir, version, periods, first, row.approval)
        else:
            check_asked_about(connection, version, act)
            check_still_valid(connection, f"version {version}", "proposed", row.based_on_act)
            check_day(periods, first)
            ends = _check_teams(files_dir, version, periods, first)
            _check_rows(connection, files_dir, version, first)
            warn_of_planned(periods, first, version)
            act_id = record_act(connection, "publish", version, first, by=_approver(approval), approval=approval)
            put_in_force(connection, periods, version, first, act_id)
            connection.execute(
                VERSIONS.update()
                .where(VERSIONS.c.version == version)
                .values(status="published", approval=dict(approval) if approval else None)
            )
            _write_files(connection, files_dir, version, periods, first, approval, ends)
        folder = _folder_in_force(connection, files_dir, version, first)
    _after_commit(f"Version {version} is published", store_url, files_dir)
    return folder


def rollback(
    version: int, store_url: str, files_dir: Path, *, reason: str, by: str, valid_from: date | None = None
) -> Path:
    """Put a version that was published before in force again, from ``valid_from`` (default today); returns its folder.

    The record keeps every act with who, when and why. Files that are absent or damaged are written anew, also when the
    version is in force on that day already. Raises Refused when the version was never published, when the
    day is past, when a team of it does not exist on that day, or when no reason is given. Warns as `publish` does.
    """
    if not reason.strip():
        raise Refused("A rollback needs a reason; it is kept in the record.")
    first = valid_from or store.today()
    with store.writing(store_url) as connection:
        _recover(connection, store_url, files_dir)
        row = version_row(connection, version)
        if row.status != "published":
            raise Refused(f"Version {version} has status {row.status}; only a published version can be put back.")
        periods = read_periods(connection)
        check_day(periods, first)
        if _period_on(periods, version, first) is not None:
            _renew_files(connection, files_dir, version, periods, first, row.approval)
        else:
            ends = _check_teams(files_dir, version, periods, first)
            warn_of_planned(periods, first, version)
            act_id = record_act(connection, "rollback", version, first, by=by, reason=reason)
            put_in_force(connection, periods, version, first, act_id)
            _write_files(connection, files_dir, version, periods, first, row.approval, ends)
        folder = _folder_in_force(connection, files_dir, version, first)
    _after_commit(f"Version {version} is in force again", store_url, files_dir)
    return folder


def reject(version: int, store_url: str, approval: Mapping[str, Any] | None = None, *, act: int | None = None) -> None:
    """Mark a proposal as rejected, with who and why in ``approval``; ``act`` as for `publish`.

    A run may propose what is published already (the same content has the same number): then the decision is recorded
    and the version stays what it is; only ``rollback`` puts another one in force.
    """
    with store.writing(store_url) as connection:
        row = version_row(connection, version)
        if row.status == "proposed":
            check_asked_about(connection, version, act)
        if row.status != "rejected":
            record_act(connection, "reject", version, None, by=_approver(approval), approval=approval)
        if row.status == "proposed":
            connection.execute(
                VERSIONS.update()
                .where(VERSIONS.c.version == version)
                .values(status="rejected", approval=dict(approval) if approval else None)
            )


def catch_up(store_url: str, files_dir: Path) -> None:
    """Bring the files up to the store, as the next act would, where a process was stopped after its commit."""
    if not (storage.is_remote(files_dir) or files_dir.exists()):
        return
    with store.reading(store_url) as connection:
        periods = _told_in_files(connection)
        if not periods or files.is_timeline(files_dir, store.store_id(connection), periods):
            return
    with store.writing(store_url) as connection:
        _recover(connection, store_url, files_dir)
    _LOG.warning("The timeline file in %s was behind the store; it says now what is in force.", files_dir)


def migrate(store_url: str) -> None:
    """Bring the store to the newest schema; nothing happens when it is there already."""
    store.migrate(store_url)


# --- rules -----------------------------------------------------------------------------------------------------------


def _approver(approval: Mapping[str, Any] | None) -> str:
    return str((approval or {}).get("by") or getpass.getuser())


# --- files and store together ----------------------------------------------------------------------------------------


def _recover(connection: Connection, store_url: str, files_dir: Path) -> None:
    """Under the writer's lock: make ``files_dir`` ours, sweep what a killed process left, catch up with the store."""
    address = store.address_without_secret(store_url)
    owner.claim(files_dir, owner.Owner(store.store_id(connection), address, store.place(connection)))
    known = [files.proposal_folder(files_dir, v) for v in connection.scalars(sa.select(VERSIONS.c.version))]
    periods = connection.execute(sa.select(VALIDITY.c.version, VALIDITY.c.valid_from))
    known += [files.published_folder(files_dir, version, first) for version, first in periods]
    files.remove_leftovers(files_dir, known)
    _write_timeline(connection, files_dir)


def _write_timeline(connection: Connection, files_dir: Path) -> None:
    files.write_timeline(files_dir, store.store_id(connection), _told_in_files(connection))


def _told_in_files(connection: Connection) -> list[tuple[int, date, date | None]]:
    return [(p.version, p.valid_from, p.valid_to) for p in read_periods(connection)]


def _after_commit(done: str, store_url: str, files_dir: Path) -> None:
    """Bring the timeline file up to the store. What fails here does not undo the act, and who was told of a failure
    would believe that nothing was ``done``."""
    try:
        _catch_up(store_url, files_dir)
    except Exception as error:
        why = (isinstance(error, OSError) and error.strerror) or str(error).partition("\n")[0].rstrip(".")
        _LOG.warning(
            "%s, and the store says so. The timeline file in %s could not be written and is behind: %s. "
            "`caseload tidy` brings it up to the store.",
            done,
            files_dir,
            why,
        )


def _catch_up(store_url: str, files_dir: Path) -> None:
    """After a commit: bring the timeline file up to the store. Read under a lock, so the last writer is right."""
    if storage.is_remote(files_dir):  # no file that every machine could lock: the store's own lock
        with store.writing(store_url) as connection:
            _write_timeline(connection, files_dir)
    else:
        with files.locked(files_dir), store.reading(store_url) as connection:
            _write_timeline(connection, files_dir)


def _folder_in_force(connection: Connection, files_dir: Path, version: int, first: date) -> Path:
    """The folder of the period of ``version`` that holds on ``first``: a version may have several."""
    period = _period_on(read_periods(connection), version, first)
    assert period is not None
    return files.published_folder(files_dir, version, period.valid_from)


def _period_on(periods: list[Period], version: int, day: date) -> Period | None:
    return next((p for p in periods if p.version == version and covers(p, day)), None)


def _renew_files(
    connection: Connection,
    files_dir: Path,
    version: int,
    periods: list[Period],
    day: date,
    approval: Mapping[str, Any] | None,
) -> None:
    """Write the files of ``version``, which is in force on ``day``, anew from its proposal when they are absent or
    damaged. Raises Refused when those of the proposal are so too."""
    period = _period_on(periods, version, day)
    assert period is not None
    folder = files.published_folder(files_dir, version, period.valid_from)
    if files.is_there(folder) and not files.verify(folder):
        return
    proposal = files.proposal_folder(files_dir, version)
    if files.verify(proposal):
        raise Refused(
            f"Version {version} is in force, but its files in {folder} are absent or damaged and cannot be made again, "
            f"for those of its proposal ({proposal}) are so too; restore that folder from the backup of the data "
            f"folder, and publish version {version} once more."
        )
    ends = _check_teams(files_dir, version, periods, period.valid_from)
    _write_files(connection, files_dir, version, periods, period.valid_from, approval, ends)
    _LOG.warning("Version %s: the folder %s was absent or damaged and is written anew.", version, folder)


def _check_teams(files_dir: Path, version: int, periods: list[Period], first: date) -> dict[str, date]:
    """Refuse a version whose files are not sound or whose teams do not exist on its first day; warn of those that end
    while it may be in force, which are returned with their last day."""
    last = last_day(periods, first)
    files.check_sound(files_dir, version)
    ends = team_ends(files.team_periods(files_dir, version), version, first)
    ends = {team: day for team, day in ends.items() if last is None or day < last}
    if ends:
        _LOG.warning(
            "Version %s is in force %s, but %s: a new division for the day after is needed.",
            version,
            f"until {last}" if last else "until further notice",
            listed([f"team {team} ends on {day}" for team, day in ends.items()]),
        )
    return ends


def _check_rows(connection: Connection, files_dir: Path, version: int, first: date) -> None:
    """Refuse a version whose rows are not those of its files, which are sound, or that was compared with another
    version than it takes over from."""
    tables = files.rows_of_proposal(files_dir, version)
    check_run(connection, version, tables[RUNS.name])
    check_compared(connection, tables[ALLOCATION_CHANGES.name], first)
    areas = area_rows(gpd.read_parquet(files.areas_of_version(files_dir, version)))
    check_as_stored(connection, version, tables, areas, followed_in(tables[RUNS.name]))


def _write_files(
    connection: Connection,
    files_dir: Path,
    version: int,
    periods: list[Period],
    first: date,
    approval: Mapping[str, Any] | None,
    ends: Mapping[str, date],
) -> None:
    """Write the files for readers of the version that was just put in force in this transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT caseload.count_rows()"))
    given = {"version": version, "first": first}
    divisions = (
        (name, store.rows_of(connection, query, DIVISION_TABLES[name], given))
        for name, query in views.division_queries(connection.dialect.name).items()
    )
    files.write_published(files_dir, version, first, last_day(periods, first), approval, ends, divisions)
