"""The outcome of a run, as it comes in: one folder of Parquet files, read and checked against the declarations.

Belongs here: the types that published tables have in memory, and the checks at the door. Does not belong here: the
folders of versions (`files`), how an outcome is computed (`allocation.outcome`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from allocation.contract.input_tables import TEAMS
from allocation.contract.published_tables import FOR_OPERATIONS, PUBLISHED, RUNS, TEAM
from allocation.contract.schema import Table
from allocation.contract.vocabulary import CLIENT_LINES, LAWS
from allocation.publication.postcodes import following
from allocation.publication.store import csv_bytes
from allocation.publication.tables import AREA_TYPES, ARROW_TYPES, stored_columns

REPORT, READERS_REPORT = "report.html", "report_readers.html"
TEAM_PERIODS = "team_periods"


@dataclass(frozen=True)
class Outcome:
    """What a run made, checked and in the declared types; ``tables`` has no version and no validity yet."""

    tables: Mapping[str, pa.Table]
    areas: gpd.GeoDataFrame
    area_rows: pa.Table
    """The areas as the store keeps them, by postcode; without their set."""
    follows: Mapping[str, str]
    """Postcodes without an area, and the one that each follows."""
    reports: tuple[Path, ...]
    """`report.html`, for operations, and `report_readers.html`, without small counts; each only when it was made."""
    fingerprint: str
    """SHA-256 of everything but the row of `runs`, of which only the postcodes that follow another count: who ran it
    and when makes no other division."""
    boundary_set: str
    """SHA-256 of ``area_rows``."""
    team_periods: pa.Table
    """From when to when each team of `routing` exists: team_id, valid_from, valid_to (empty = open)."""


def read_outcome(folder: Path, areas: Path | None = None, reports: Sequence[Path] | None = None) -> Outcome:
    """The outcome in ``folder``: one Parquet per published table, teams, perhaps expected.

    ``areas`` (GeoParquet) and ``reports`` (those that there are) may lie elsewhere; by default they are in ``folder``.
    Raises ValueError for a table that is not as declared: that is a fault of the program, not of a user.
    """
    tables = {t.name: conform(t, read_parquet(folder / f"{t.name}.parquet")) for t in PUBLISHED}
    tables[TEAM.name] = conform(TEAM, _latest_teams(folder / "teams.parquet"))
    for table in FOR_OPERATIONS:
        path = folder / f"{table.name}.parquet"
        tables[table.name] = conform(table, read_parquet(path) if path.exists() else no_rows(table))
    if tables[RUNS.name].num_rows != 1:
        raise ValueError(f"runs.parquet has {tables[RUNS.name].num_rows} rows; an outcome has exactly one")
    shapes = gpd.read_parquet(areas or folder / "areas.parquet").sort_values("pc4", ignore_index=True)
    if shapes.crs is None or shapes.crs.to_epsg() != 28992:
        raise ValueError("areas.parquet is not in RD New (EPSG:28992)")
    _check_total(tables["routing"], set(shapes["pc4"]))
    rows = area_rows(shapes)
    boundary_set = _fingerprint_of_areas(rows)
    digest = hashlib.sha256(boundary_set.encode())
    for name in sorted(set(tables) - {RUNS.name}):
        digest.update(name.encode() + csv_bytes(tables[name]))
    periods = _team_periods(folder, tables["routing"])
    if periods.column("valid_to").null_count < periods.num_rows:
        # Another end of a team decides on which days the version may be in force: then it is another version.
        digest.update(TEAM_PERIODS.encode() + csv_bytes(periods))
    follows = followed_in(tables[RUNS.name])
    if follows:
        digest.update(json.dumps(follows, sort_keys=True).encode())
    if reports is None:
        reports = [path for path in (folder / REPORT, folder / READERS_REPORT) if path.exists()]
    return Outcome(
        tables, shapes, rows, follows, tuple(reports), digest.hexdigest(), boundary_set, periods
    )  # fmt: skip


def followed_in(runs: pa.Table) -> dict[str, str]:
    """Postcodes without an area, and the one that each follows, as the row of `runs` tells."""
    (run,) = runs.to_pylist()
    return following(json.loads(run["configuration"]), json.loads(run["input_fingerprints"]))


def area_rows(areas: gpd.GeoDataFrame) -> pa.Table:
    """The areas as the store keeps them, by postcode: a column that they lack is empty."""
    columns = {}
    for name, kind in AREA_TYPES.items():
        there = pa.Array.from_pandas(areas[name]) if name in areas.columns else pa.nulls(len(areas))
        columns[name] = pc.cast(there, kind)
    columns["shape"] = pa.array(shapely.to_wkb(areas.geometry.to_numpy()).tolist(), pa.binary())
    return pa.table(columns).sort_by("pc4").combine_chunks()


def read_parquet(path: Path) -> pa.Table:
    return pq.ParquetFile(path).read()


def no_rows(table: Table) -> pa.Table:
    """The table as it is kept, without rows."""
    return pa.table({c.name: pa.array([], ARROW_TYPES[c.type]) for c in stored_columns(table)})


def _own_columns(table: Table) -> list[Any]:
    return [c for c in stored_columns(table) if c.name != "version"]


def conform(table: Table, rows: pa.Table) -> pa.Table:
    """``rows`` with the declared columns and types, sorted by key. Raises ValueError naming table and column."""
    columns = _own_columns(table)
    missing = [c.name for c in columns if c.name not in rows.column_names]
    if missing:
        raise ValueError(f"the outcome table {table.name} lacks {', '.join(missing)}")
    arrays = []
    for column in columns:
        values = rows.column(column.name)
        if column.type == "json":
            values = _json_texts(values)
        try:
            values = pc.cast(values, ARROW_TYPES[column.type])
        except pa.ArrowInvalid as error:
            raise ValueError(f"{table.name}.{column.name} is not of type {column.type}: {error}") from error
        if values.null_count and not column.nullable:
            raise ValueError(f"{table.name}.{column.name} has {values.null_count} empty cells; none are allowed")
        if column.allowed:
            strange = set(pc.unique(values).to_pylist()) - set(column.allowed) - {None}
            if strange:
                raise ValueError(f"{table.name}.{column.name} holds {sorted(strange)}; allowed: {column.allowed}")
        arrays.append(values)
    built = pa.table(arrays, names=[c.name for c in columns])
    key = [(k, "ascending") for k in table.key if k != "version"]
    return built.sort_by(key).combine_chunks() if key else built


def _json_texts(values: pa.ChunkedArray) -> pa.Array:
    texts = (v if v is None or isinstance(v, str) else json.dumps(v, default=str) for v in values.to_pylist())
    return pa.array(list(texts), pa.string())


def _latest_teams(path: Path) -> pa.Table:
    """The input `teams` with one row per team: the last one, and empty columns where an optional one is absent."""
    teams = read_parquet(path).to_pandas()
    if "valid_from" in teams:
        teams = teams.sort_values("valid_from", kind="stable")
    teams = teams.drop_duplicates("team_id", keep="last")
    for column in TEAMS.columns:
        if column.optional and column.name not in teams:
            teams[column.name] = None
    for name in ("arbeidsmarktregio", "office_pc4"):
        teams[name] = teams[name].astype("str")
    return pa.Table.from_pandas(teams, preserve_index=False)


def _team_periods(folder: Path, routing: pa.Table) -> pa.Table:
    """The validity of the teams that `routing` names: every period in the input, else those the run worked with."""
    path = folder / f"{TEAM_PERIODS}.parquet"
    rows = read_parquet(path if path.exists() else folder / "teams.parquet")
    routed = pc.unique(routing.column("team_id"))
    rows = rows.filter(pc.is_in(_as_type(rows.column("team_id"), routed.type), routed))
    columns = {"team_id": pa.string(), "valid_from": pa.date32(), "valid_to": pa.date32()}
    cast = {name: _as_type(rows.column(name), wanted) for name, wanted in columns.items()}
    return pa.table(cast).sort_by([("team_id", "ascending"), ("valid_from", "ascending")])


def _as_type(values: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_timestamp(values.type):  # to the whole day, whatever unit it is kept in
        values = pc.floor_temporal(values, unit="day")
    return pc.cast(values, wanted)


def _check_total(routing: pa.Table, pc4s: set[str]) -> None:
    """The promise of `routing`, counted once more at the door: every combination is there and its shares sum to 1."""
    sets = {
        "client_group": pc.unique(routing.column("client_group")), "pw_client": (False, True), "law": LAWS,
        "client_line": CLIENT_LINES,
    }  # fmt: skip
    unit = ["pc4", *sets]
    sums = routing.group_by(unit).aggregate([("share", "sum")])
    wrong = sums.filter(pc.greater(pc.abs(pc.subtract(sums.column("share_sum"), 1.0)), 1e-6))
    if wrong.num_rows:
        raise ValueError(
            f"routing: the shares of {wrong.num_rows} combinations do not sum to 1: {wrong.to_pylist()[0]}"
        )
    full = len(pc4s) * math.prod(len(values) for values in sets.values())
    if sums.num_rows != full or set(pc.unique(routing.column("pc4")).to_pylist()) != pc4s:
        raise ValueError(f"routing: {sums.num_rows} combinations of {', '.join(unit)} where {full} exist")


def _fingerprint_of_areas(rows: pa.Table) -> str:
    digest = hashlib.sha256(csv_bytes(rows.drop_columns(["shape"])))
    for shape in rows.column("shape").to_pylist():
        digest.update(shape)
    return digest.hexdigest()


def with_added_columns(table: Table, rows: pa.Table) -> pa.Table:
    """``rows`` of before columns were added to ``table``, with these columns."""
    for column in stored_columns(table):
        if column.name in rows.column_names or not column.added:
            continue
        values = column.older or (None,)
        copies = [
            rows.append_column(column.name, pa.array([value] * rows.num_rows, ARROW_TYPES[column.type]))
            for value in values
        ]
        rows = pa.concat_tables(copies)
    return rows
