"""Whether the store holds of a version what its outcome, or its proposal's files, say.

Belongs here: reading rows back and comparing. Does not belong here: what follows from a difference (`versions`,
`proposals`), who may write rows (`rights`).

A planner's login may add versions, so what stands under a number, a fingerprint or a set of areas that is known already
may be another's. An approver reads the report of the files; readers get the rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocation.contract.errors import Refused
from allocation.contract.published_tables import RUNS
from allocation.contract.schema import Table
from allocation.publication import store
from allocation.publication.postcodes import following
from allocation.publication.tables import (
    AREA_TYPES,
    ARROW_TYPES,
    BOUNDARY_AREAS,
    ROWS,
    STORED,
    VERSIONS,
    read_column,
    stored_columns,
)

AREAS = BOUNDARY_AREAS.name
_RUNS_ROWS = ROWS[RUNS.name]


def check_as_stored(
    connection: Connection, version: int, tables: Mapping[str, pa.Table], areas: pa.Table, follows: Mapping[str, str]
) -> None:
    """Refuse a version of which the store holds other rows.

    ``tables``: by name, without version, with all columns of today; ``areas`` and ``follows`` as of an `Outcome`. Of
    `runs` only what is followed is compared: the same content may have been proposed by another run before.
    """
    boundary_set = connection.scalars(sa.select(VERSIONS.c.boundary_set).where(VERSIONS.c.version == version)).one()
    others = [t.name for t in STORED if t is not RUNS and not is_as_stored(connection, t, version, tables[t.name])]
    if stored_following(connection, version) != follows:
        others.append(RUNS.name)
    if not are_areas_as_stored(connection, boundary_set, areas):
        others.append(AREAS)
    if others:
        raise Refused(
            f"The store holds other rows of version {version} than this proposal has ({', '.join(others)}); nothing "
            "was changed. Somebody else wrote them: the administrator of the store has to put that version aside."
        )


def check_run(connection: Connection, version: int, runs: pa.Table) -> None:
    """Refuse a version whose files are those of another run than the store has it of: who approves saw the report of
    one of them. ``runs``: that table of the files."""
    kept = connection.scalar(sa.select(_RUNS_ROWS.c.run_id).where(_RUNS_ROWS.c.version == version))
    (run_id,) = runs["run_id"].to_pylist()
    if kept != run_id:
        raise Refused(
            f"The files of version {version} are of run {run_id} and the store has it of run {kept}; nothing was "
            "changed. Make the proposal again."
        )


def check_areas(connection: Connection, boundary_set: str, areas: pa.Table) -> bool:
    """Whether the store has this set of areas; refused where it holds other areas under its name."""
    known = sa.select(BOUNDARY_AREAS.c.pc4).where(BOUNDARY_AREAS.c.boundary_set == boundary_set).limit(1)
    if connection.execute(known).first() is None:
        return False
    if not are_areas_as_stored(connection, boundary_set, areas):
        first = connection.scalar(
            sa.select(sa.func.min(VERSIONS.c.version)).where(VERSIONS.c.boundary_set == boundary_set)
        )
        raise Refused(
            f"The store holds other areas than this proposal has under their name ({AREAS}, first of version {first}); "
            "nothing was changed. Somebody else wrote them: the administrator of the store has to put that one aside."
        )
    return True


def is_as_stored(connection: Connection, table: Table, version: int, rows: pa.Table) -> bool:
    """Whether these are the rows of ``version`` in the store, whatever their order."""
    names = [c.name for c in stored_columns(table) if c.name != "version"]
    values = [f"{read_column(table, name, connection.dialect.name)} AS {name}" for name in names]
    query = f"SELECT {', '.join(values)} FROM {table.name}_rows WHERE version = :version"
    stored = store.rows_of(connection, query, table, {"version": version})
    return bool(stored.num_rows == rows.num_rows and _comparable(table, stored).equals(_comparable(table, rows)))


def _comparable(table: Table, rows: pa.Table) -> pa.Table:
    """The rows in the order of their key, with one form for what the databases write in different ways."""
    columns = {}
    for column in stored_columns(table):
        if column.name == "version":
            continue
        values = pc.cast(rows.column(column.name), ARROW_TYPES[column.type])
        if column.type == "json":
            values = pa.array([_one_form(text) for text in values.to_pylist()], pa.string())
        if column.type == "number":  # SQLite keeps none that is not a number
            values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
        columns[column.name] = values
    key = [(name, "ascending") for name in table.key if name != "version"]
    return pa.table(columns).sort_by(key)


def _one_form(text: str | None) -> str | None:
    return None if text is None else json.dumps(json.loads(text, parse_int=float), sort_keys=True)


def are_areas_as_stored(connection: Connection, boundary_set: str, areas: pa.Table) -> bool:
    """Whether these are the areas of ``boundary_set`` in the store."""
    query = sa.select(*(BOUNDARY_AREAS.c[name] for name in areas.column_names))
    found = connection.execute(query.where(BOUNDARY_AREAS.c.boundary_set == boundary_set)).all()
    columns = zip(areas.column_names, zip(*found, strict=True) if found else [()] * areas.num_columns, strict=True)
    types = {**AREA_TYPES, "shape": pa.binary()}
    stored = pa.table({name: pa.array(values, types[name]) for name, values in columns})
    return bool(stored.sort_by("pc4").equals(areas))


def stored_following(connection: Connection, version: int) -> dict[str, str]:
    """Postcodes without an area in a version, and the one that each follows, as the store says."""
    query = sa.select(_RUNS_ROWS.c.configuration, _RUNS_ROWS.c.input_fingerprints)
    run = connection.execute(query.where(_RUNS_ROWS.c.version == version)).first()
    return following(run.configuration, run.input_fingerprints) if run else {}
