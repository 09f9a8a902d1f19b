"""When a proposal holds, and what becomes of it without a decision: a newer one takes its place, or it changes nothing.

Belongs here: against which timeline a proposal was made, withdrawing, and telling whether an outcome or a question is
that of a version that the store has. Does not belong here: the acts of planners (`versions`), and what a run is
(`pipeline`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation.contract.errors import Refused, TimelineChanged
from allocation.contract.published_tables import RUNS, WHO_SERVES
from allocation.publication import files, store
from allocation.publication.as_stored import are_areas_as_stored, is_as_stored, stored_following
from allocation.publication.outcome_folder import read_outcome
from allocation.publication.record import last_timeline_act, record_act
from allocation.publication.tables import ACTS, ROWS, TIMELINE_ACTS, VERSIONS
from allocation.publication.timeline import read_periods, version_on

_DAY = timedelta(days=1)
PROPOSED, WITHDRAWN = "proposed", "withdrawn"
_RUNS_ROWS = ROWS[RUNS.name]


class Standing(NamedTuple):
    """A version that a run need not be made for: ``is_in_force``, or it waits for a decision."""

    version: int
    is_in_force: bool


def check_still_valid(connection: Connection, what: str, was: str, based_on_act: int) -> None:
    """Refuse what was made against a timeline that has changed since: of two at once, the first wins.

    ``what`` and ``was``: ``version 3`` and ``proposed``, for the sentence.
    """
    since = connection.execute(
        sa.select(ACTS.c.act, ACTS.c.version, ACTS.c.acted_by)
        .where(ACTS.c.act_id > based_on_act, ACTS.c.act.in_(TIMELINE_ACTS))
        .order_by(ACTS.c.act_id.desc())
    ).first()
    if since is not None:
        happened = "published" if since.act == "publish" else "put back"
        by = f" by {since.acted_by}" if since.acted_by else ""
        raise TimelineChanged(
            f"Version {since.version} was {happened}{by} after {what} was {was}, so its changes and its "
            "transition no longer hold; nothing was changed. Run the proposal again, from the start of its run.",
            int(since.version),
        )


def check_compared(connection: Connection, changes: pa.Table, valid_from: date | None) -> None:
    """Refuse ``changes`` (`allocation_changes` of a proposal) from another version than it takes over from: clients
    would move, or come back, that nobody was told of."""
    periods, first = read_periods(connection), valid_from or store.today()
    there = version_on(periods, first)
    others = set(changes["from_version"].to_pylist()) - {None, there, version_on(periods, first - _DAY)}
    if others:
        raise Refused(
            f"The division was compared with version {min(others)}, and on {first} it would take over from version "
            f"{there}; nothing was changed. Run the proposal again with {first} as its first day."
        )


def withdraw_older(connection: Connection, version: int, scope: str, by: str) -> list[int]:
    """Withdraw every other proposal of ``scope`` that still waits, in the place of which ``version`` comes.

    The record keeps who made the newer one, and which it is. Returns the versions that were withdrawn.
    """
    older = sa.select(VERSIONS.c.version).where(
        VERSIONS.c.scope == scope, VERSIONS.c.status == PROPOSED, VERSIONS.c.version != version
    )
    withdrawn = list(connection.scalars(older.order_by(VERSIONS.c.version)))
    for one in withdrawn:
        record_act(connection, "withdraw", one, None, by=by, reason=f"version {version} takes its place",
                   approval={"replaced_by": version})  # fmt: skip
        connection.execute(VERSIONS.update().where(VERSIONS.c.version == one).values(status=WITHDRAWN))
    return withdrawn


def withdrawn_for(version: int, store_url: str) -> list[int]:
    """The versions that were withdrawn because ``version`` was proposed, in order."""
    with store.reading(store_url) as connection:
        acts = connection.execute(
            sa.select(ACTS.c.version, ACTS.c.approval).where(ACTS.c.act == "withdraw").order_by(ACTS.c.version)
        ).all()
    return [act.version for act in acts if (act.approval or {}).get("replaced_by") == version]


def replaced_by(connection: Connection, version: int) -> int | None:
    """The version in whose favour ``version`` was withdrawn last."""
    query = sa.select(ACTS.c.approval).where(ACTS.c.act == "withdraw", ACTS.c.version == version)
    told = connection.execute(query.order_by(ACTS.c.act_id.desc())).scalar()
    return (told or {}).get("replaced_by")


def last_act(connection: Connection, version: int) -> int | None:
    """The number of the act that proposed ``version`` last."""
    query = sa.select(sa.func.max(ACTS.c.act_id)).where(ACTS.c.act == "propose", ACTS.c.version == version)
    return connection.execute(query).scalar()


def asking_runs(store_url: str) -> dict[int, str]:
    """The run that asks for the decision on each version that waits: the one that proposed it last, perhaps another
    than the one that made its content first. Without those of before this was kept."""
    last = sa.select(sa.func.max(ACTS.c.act_id)).where(ACTS.c.act == "propose").group_by(ACTS.c.version)
    return _named_runs(store_url, sa.and_(ACTS.c.act_id.in_(last), VERSIONS.c.status == PROPOSED))


def first_runs(store_url: str) -> dict[int, str]:
    """The run that made the content of each version first. Without those of before this was kept."""
    first = sa.select(sa.func.min(ACTS.c.act_id)).where(ACTS.c.act == "propose").group_by(ACTS.c.version)
    return _named_runs(store_url, ACTS.c.act_id.in_(first))


def runs_that_proposed(store_url: str) -> dict[int, set[str]]:
    """Every run that proposed each version, and the one that it was published of: its record names only that one."""
    query = sa.select(ACTS.c.version, ACTS.c.approval).where(ACTS.c.act == "propose")
    with store.reading(store_url) as connection:
        made = connection.execute(sa.select(_RUNS_ROWS.c.version, _RUNS_ROWS.c.run_id)).all()
        acts = connection.execute(query).all()
    named = {version: {str(run_id)} for version, run_id in made}
    for act in acts:
        if run_id := (act.approval or {}).get("run"):  # not kept at first
            named[act.version].add(str(run_id))
    return named


def _named_runs(store_url: str, chosen: sa.ColumnElement[bool]) -> dict[int, str]:
    """The run that each of the ``chosen`` acts names, by version."""
    query = sa.select(ACTS.c.version, ACTS.c.approval).join(VERSIONS, VERSIONS.c.version == ACTS.c.version)
    with store.reading(store_url) as connection:
        acts = connection.execute(query.where(chosen)).all()
    return {act.version: str(act.approval["run"]) for act in acts if (act.approval or {}).get("run")}


def check_asked_about(connection: Connection, version: int, act: int | None) -> None:
    """Refuse a decision on another proposal of ``version`` than the one that was asked about (by its ``act``): the same
    content, proposed anew, may be meant for another day. None = whatever was proposed last."""
    if act is not None and last_act(connection, version) != act:
        raise Refused(
            f"Version {version} was proposed anew after this proposal of it was asked about, perhaps for another first "
            "day; nothing was changed. Decide on the newer proposal."
        )


def last_proposed(version: int, store_url: str) -> tuple[str, int, int | None]:
    """Status of a version, the number of the act that proposed it last, and the version that took its place."""
    with store.reading(store_url) as connection:
        status = connection.scalars(sa.select(VERSIONS.c.status).where(VERSIONS.c.version == version)).one()
        act = last_act(connection, version)
        assert act is not None
        return status, act, replaced_by(connection, version)


def same_question(
    store_url: str,
    configuration: Mapping[str, Any],
    fingerprints: Mapping[str, Any],
    first: date,
    *,
    also_waiting: bool,
) -> Standing | None:
    """The version in force on ``first`` when it was made of the same input with the same settings; None when not.

    ``also_waiting``: also a proposal that waits, as long as nothing was published or put back since it was made.
    ``fingerprints``: as the record of a version has them; only what tells contents apart is compared.
    """
    asked = _question(configuration, fingerprints)
    query = sa.select(
        VERSIONS.c.version, VERSIONS.c.status, VERSIONS.c.planned_from, VERSIONS.c.based_on_act,
        _RUNS_ROWS.c.configuration, _RUNS_ROWS.c.input_fingerprints,
    ).join_from(VERSIONS, _RUNS_ROWS, _RUNS_ROWS.c.version == VERSIONS.c.version)  # fmt: skip
    with store.reading(store_url) as connection:
        in_force, act = version_on(read_periods(connection), first), last_timeline_act(connection)
        rows = connection.execute(query.order_by(VERSIONS.c.version.desc())).all()
    for row in rows:
        waits = also_waiting and row.status == PROPOSED and row.based_on_act == act
        waits = waits and (row.planned_from or first) == first
        if (waits or row.version == in_force) and _question(row.configuration, row.input_fingerprints) == asked:
            return Standing(row.version, row.version == in_force)
    return None


def _question(configuration: Mapping[str, Any], fingerprints: Mapping[str, Any]) -> tuple[object, ...]:
    """What a run was asked: settings and contents of files, but for why, from when, and where the files stood."""
    settings = {name: value for name, value in configuration.items() if name not in ("reason", "valid_from")}
    given, areas = fingerprints.get("input", {}), fingerprints.get("boundaries", {})
    return (
        settings,
        given.get("sha256"),
        given.get("roster"),
        areas.get("fingerprint"),
        fingerprints.get("changes"),
    )


def same_division(
    outcome_dir: Path, areas: Path | None, store_url: str, files_dir: Path, valid_from: date | None = None
) -> int | None:
    """The version in force from ``valid_from`` (None = today) when it says the same of who serves whom; else None.

    Compared are the tables of `WHO_SERVES`, the areas, the days on which teams end and the postcodes that follow
    another. Loads and counts may differ: they are newer figures of the same division. ``outcome_dir`` and ``areas`` are
    as for `versions.propose`.
    """
    outcome = read_outcome(outcome_dir, areas, [])
    with store.reading(store_url) as connection:
        version = version_on(read_periods(connection), valid_from or store.today())
        if version is None:
            return None
        boundary_set = connection.scalars(sa.select(VERSIONS.c.boundary_set).where(VERSIONS.c.version == version)).one()
        is_same = (
            are_areas_as_stored(connection, boundary_set, outcome.area_rows)
            and stored_following(connection, version) == outcome.follows
            and files.team_periods(files_dir, version) == files.listed_periods(outcome.team_periods)
            and all(is_as_stored(connection, table, version, outcome.tables[table.name]) for table in WHO_SERVES)
        )
    return version if is_same else None
