"""Version folders: the outcome that comes in, and the files of a version that go out.

Belongs here: reading an outcome folder, writing the folders of proposals and of published versions, the timeline file.
Does not belong here: when a version holds (`publish`), the database (`store`).

Layout of the files folder::

    timeline.json               which folder holds on which days; replaced in one step
    v0003_2027-01-01/           a version as published from that day: never changed afterwards
    proposals/v0003/            the proposal it came from: complete counts, for operations (not for other users)
    store.json                  which store these files belong to
    .aside/                     where folders are written before they are moved into place
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyogrio
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from allocation.contract.errors import Refused
from allocation.contract.input_tables import TEAMS
from allocation.contract.published_tables import EXPECTED, PUBLISHED, RUNS, TEAM
from allocation.contract.schema import Table
from allocation.contract.vocabulary import CLIENT_LINES, LAWS, SMALLEST_SHOWN_COUNT
from allocation.publication import small_counts
from allocation.publication.store import csv_bytes
from allocation.publication.tables import VALIDITY_COLUMNS, stored_columns

CRS = "EPSG:28992"
PROPOSALS, TIMELINE = "proposals", "timeline.json"
REPORT, READERS_REPORT = "report.html", "report_readers.html"
_TEAM_PERIODS = "team_periods"

_ASIDE = ".aside"
_PUBLISHED_PATTERN = "v[0-9]*_*-*-*"
_ARROW_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "json": pa.string(),
}
_FORMULA_STARTS = r"^[\x00-\x20\x85\p{Z}]*[=+\-@\t\r|%]"
"""A text that starts like this can run as a formula in a spreadsheet; an apostrophe in front makes it a text."""


@dataclass(frozen=True)
class Outcome:
    """What a run made, checked and in the declared types; ``tables`` has no version and no validity yet."""

    tables: Mapping[str, pa.Table]
    areas: gpd.GeoDataFrame
    reports: tuple[Path, ...]
    """`report.html`, for operations, and `report_readers.html`, without small counts; each only when it was made."""
    fingerprint: str
    """SHA-256 of everything but the row of `runs`: who ran it and when makes no other division."""
    boundary_set: str
    team_periods: pa.Table
    """From when to when each team of `routing` exists: team_id, valid_from, valid_to (empty = open)."""


# --- the outcome that comes in ---------------------------------------------------------------------------------------


def read_outcome(folder: Path) -> Outcome:
    """The outcome in ``folder``: one Parquet per published table, areas, teams, perhaps expected and report.html.

    Raises ValueError for a table that is not as declared: that is a fault of the program, not of a user.
    """
    tables = {t.name: conform(t, _read(folder / f"{t.name}.parquet")) for t in PUBLISHED}
    tables[TEAM.name] = conform(TEAM, _latest_teams(folder / "teams.parquet"))
    expected = folder / "expected.parquet"
    empty = pa.table({c.name: pa.array([], _ARROW_TYPES[c.type]) for c in _own_columns(EXPECTED)})
    tables[EXPECTED.name] = conform(EXPECTED, _read(expected) if expected.exists() else empty)
    if tables[RUNS.name].num_rows != 1:
        raise ValueError(f"runs.parquet has {tables[RUNS.name].num_rows} rows; an outcome has exactly one")
    areas = gpd.read_parquet(folder / "areas.parquet").sort_values("pc4", ignore_index=True)
    if areas.crs is None or areas.crs.to_epsg() != 28992:
        raise ValueError("areas.parquet is not in RD New (EPSG:28992)")
    _check_total(tables["routing"], set(areas["pc4"]))
    boundary_set = _fingerprint_of_areas(areas)
    digest = hashlib.sha256(boundary_set.encode())
    for name in sorted(set(tables) - {RUNS.name}):
        digest.update(name.encode() + _csv_bytes(tables[name]))
    periods = _team_periods(folder, tables["routing"])
    if periods.column("valid_to").null_count < periods.num_rows:
        # Another end of a team decides on which days the version may be in force: then it is another version.
        digest.update(_TEAM_PERIODS.encode() + _csv_bytes(periods))
    reports = tuple(path for path in (folder / REPORT, folder / READERS_REPORT) if path.exists())
    return Outcome(tables, areas, reports, digest.hexdigest(), boundary_set, periods)


def _read(path: Path) -> pa.Table:
    return pq.ParquetFile(path).read()


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
            values = pc.cast(values, _ARROW_TYPES[column.type])
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
    teams = _read(path).to_pandas()
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
    path = folder / f"{_TEAM_PERIODS}.parquet"
    rows = _read(path if path.exists() else folder / "teams.parquet")
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
    sets = {"client_group": pc.unique(routing.column("client_group")), "law": LAWS, "client_line": CLIENT_LINES}
    if "pw_client" in routing.column_names:
        sets["pw_client"] = (False, True)
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


def _fingerprint_of_areas(areas: gpd.GeoDataFrame) -> str:
    digest = hashlib.sha256("\n".join(areas["pc4"]).encode())
    for shape in shapely.to_wkb(areas.geometry.to_numpy()):
        digest.update(shape)
    return digest.hexdigest()


# --- folders ---------------------------------------------------------------------------------------------------------


def proposal_folder(files_dir: Path, version: int) -> Path:
    return files_dir / PROPOSALS / f"v{version:04d}"


def areas_of_version(files_dir: Path, version: int) -> Path:
    """The areas that a version was made with, as GeoParquet."""
    return proposal_folder(files_dir, version) / "areas.parquet"


def report_of_version(files_dir: Path, version: int) -> Path:
    """The report of a version, for Operations."""
    return proposal_folder(files_dir, version) / "report.html"


def published_folder(files_dir: Path, version: int, valid_from: date) -> Path:
    return files_dir / f"v{version:04d}_{valid_from.isoformat()}"


def claim(files_dir: Path, store_id: str, store_address: str) -> None:
    """Make ``files_dir`` this store's. Files of a store that was at the same address before are kept, out of the way.

    Refused when the folder belongs to a store at another address: the two would delete each other's files.
    """
    files_dir.mkdir(parents=True, exist_ok=True)
    label = files_dir / "store.json"
    if label.exists():
        owner = json.loads(label.read_text())
        if owner["store_id"] == store_id:
            return
        if owner["address"] != store_address:
            raise Refused(
                f"The folder {files_dir} holds the files of another store ({owner['address']}); "
                "give this store a folder of its own."
            )
        kept = files_dir / f"replaced-{owner['store_id'][:8]}"
        kept.mkdir(exist_ok=True)
        for path in (files_dir / PROPOSALS, files_dir / TIMELINE, *files_dir.glob(_PUBLISHED_PATTERN)):
            if path.exists():
                path.rename(kept / path.name)
    _replace_text(label, json.dumps({"store_id": store_id, "address": store_address}, indent=2))


@contextmanager
def locked(files_dir: Path) -> Iterator[None]:
    """One process at a time; a process that dies lets go by itself."""
    with (files_dir / ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def remove_leftovers(files_dir: Path, known: Sequence[Path]) -> None:
    """Delete what a killed process left: everything aside, and folders in place that no version in the store names."""
    shutil.rmtree(files_dir / _ASIDE, ignore_errors=True)
    for folder in (*files_dir.glob(_PUBLISHED_PATTERN), *files_dir.glob(f"{PROPOSALS}/v*")):
        if folder not in known:
            # Out of sight in one step first: a half-deleted folder must not be met in place.
            target = _fresh_aside(files_dir, f"dropped-{folder.name}")
            folder.rename(target)
            shutil.rmtree(target)


def _fresh_aside(files_dir: Path, name: str) -> Path:
    aside = files_dir / _ASIDE
    aside.mkdir(exist_ok=True)
    path = aside / f"{name}-{os.getpid()}"
    shutil.rmtree(path, ignore_errors=True)
    return path


def _move_into_place(aside: Path, place: Path) -> None:
    for path in aside.iterdir():
        _sync(path)
    _sync(aside)
    place.parent.mkdir(parents=True, exist_ok=True)
    aside.rename(place)
    _sync(place.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace_text(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}-{os.getpid()}")
    fresh.write_text(text + "\n")
    _sync(fresh)
    fresh.replace(path)
    _sync(path.parent)


# --- a proposal ------------------------------------------------------------------------------------------------------


def write_proposal(files_dir: Path, version: int, outcome: Outcome) -> Path:
    """The complete proposal as Parquet, areas and report; returns its folder. Written aside, moved in one step."""
    (files_dir / PROPOSALS).mkdir(mode=0o750, exist_ok=True)
    aside = _fresh_aside(files_dir, f"proposal-v{version:04d}")
    aside.mkdir()
    entries = []
    for name, rows in outcome.tables.items():
        numbered = rows.add_column(0, "version", pa.array([version] * rows.num_rows, pa.int64()))
        pq.write_table(numbered, aside / f"{name}.parquet", compression="zstd")
        entries.append(_entry(aside / f"{name}.parquet", name, "parquet", rows.num_rows))
    pq.write_table(outcome.team_periods, aside / f"{_TEAM_PERIODS}.parquet", compression="zstd")
    periods = outcome.team_periods.num_rows
    entries.append(_entry(aside / f"{_TEAM_PERIODS}.parquet", _TEAM_PERIODS, "parquet", periods))
    outcome.areas.to_parquet(aside / "areas.parquet", index=False)
    entries.append(_entry(aside / "areas.parquet", "areas", "geoparquet", len(outcome.areas)))
    for report in outcome.reports:
        shutil.copyfile(report, aside / report.name)
        entries.append(_entry(aside / report.name, None, "html", None))
    _write_manifest(aside, {"version": version, "fingerprint": outcome.fingerprint}, entries)
    place = proposal_folder(files_dir, version)
    _move_into_place(aside, place)
    return place


def _entry(path: Path, table: str | None, kind: str, rows: int | None) -> dict[str, Any]:
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return {
        "file": path.name,
        "table": table,
        "format": kind,
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": digest,
    }


def _write_manifest(folder: Path, about: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> None:
    text = json.dumps({**about, "files": list(entries)}, indent=2, ensure_ascii=False, default=str)
    (folder / "manifest.json").write_text(text + "\n")


def verify(folder: Path) -> list[str]:
    """What is wrong with a version folder: files that are missing or differ from the manifest. Empty = sound."""
    manifest = folder / "manifest.json"
    if not manifest.exists():
        return [f"{manifest} is missing"]
    problems = []
    for entry in json.loads(manifest.read_text())["files"]:
        path = folder / entry["file"]
        if not path.exists():
            problems.append(f"{path} is missing")
        elif _entry(path, None, "", None)["sha256"] != entry["sha256"]:
            problems.append(f"{path} differs from the manifest")
    return problems


def check_sound(files_dir: Path, version: int) -> None:
    """Raises Refused when the files of a proposal are damaged or absent."""
    problems = verify(proposal_folder(files_dir, version))
    if problems:
        raise Refused(f"The files of proposal {version} are not sound: {'; '.join(problems)}. Make the proposal again.")


def team_periods(files_dir: Path, version: int) -> list[tuple[str, date, date | None]]:
    """(team, first day, last day or None) per period, in order; none for a proposal of before these were kept."""
    path = proposal_folder(files_dir, version) / f"{_TEAM_PERIODS}.parquet"
    rows = _read(path).to_pylist() if path.exists() else []
    return [(row["team_id"], row["valid_from"], row["valid_to"]) for row in rows]


# --- a published version ---------------------------------------------------------------------------------------------


def write_published(
    files_dir: Path,
    version: int,
    valid_from: date,
    valid_to: date | None,
    approval: Mapping[str, Any] | None,
    team_ends: Mapping[str, date] | None = None,
) -> Path:
    """The files of ``version`` for readers, from its proposal: Parquet, CSV, CSV for Dutch Excel, GeoPackage, report.

    Counts of clients are as readers may see them (R14). ``team_ends``: teams that stop while the version may still be
    in force, with their last day; kept in the manifest. The proposal's own files are sound (`check_sound`).
    """
    source = proposal_folder(files_dir, version)
    place = published_folder(files_dir, version, valid_from)
    if place.exists():  # in force from the same day before: the same files
        return place
    aside = _fresh_aside(files_dir, place.name)
    aside.mkdir()
    entries = []
    for table in (*PUBLISHED, TEAM):
        rows = _for_readers(table, _read(source / f"{table.name}.parquet"), valid_from, valid_to, approval)
        entries += _write_table(aside, table.name, rows)
    entries.append(_write_geopackage(aside, source))
    if (source / READERS_REPORT).exists():  # the other one is for operations: it has small counts
        shutil.copyfile(source / READERS_REPORT, aside / REPORT)
        entries.append(_entry(aside / REPORT, None, "html", None))
    about = {
        "version": version,
        "valid_from": valid_from,
        "valid_to_when_written": valid_to,
        "fingerprint": json.loads((source / "manifest.json").read_text())["fingerprint"],
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "small_counts": f"counts of clients are multiples of {SMALLEST_SHOWN_COUNT}, and empty below; figures follow",
        "teams_that_end": dict(team_ends or {}),
    }
    _write_manifest(aside, about, entries)
    _move_into_place(aside, place)
    return place


def _for_readers(
    table: Table, rows: pa.Table, valid_from: date, valid_to: date | None, approval: Mapping[str, Any] | None
) -> pa.Table:
    """The published columns of ``table`` as readers see them: with validity, and with small counts protected.

    A proposal of before a column was added has it empty, or has a row for each of the values that hold for it.
    """
    if table.name == RUNS.name and approval is not None:
        said = pa.array([json.dumps(approval, default=str)], pa.string())
        rows = rows.set_column(rows.column_names.index("approval"), "approval", said)
    rows = with_added_columns(table, rows)
    for name, day in zip(VALIDITY_COLUMNS, (valid_from, valid_to), strict=True):
        if name in table.column_names:
            rows = rows.append_column(name, pa.array([day] * rows.num_rows, pa.date32()))
    return small_counts.shown_rows(table, rows.select(list(table.column_names)))


def with_added_columns(table: Table, rows: pa.Table) -> pa.Table:
    """``rows`` of before columns were added to ``table``, with these columns."""
    for column in stored_columns(table):
        if column.name in rows.column_names or not column.added:
            continue
        values = column.older or (None,)
        copies = [
            rows.append_column(column.name, pa.array([value] * rows.num_rows, _ARROW_TYPES[column.type]))
            for value in values
        ]
        rows = pa.concat_tables(copies)
    return rows


def _write_table(folder: Path, name: str, rows: pa.Table) -> list[dict[str, Any]]:
    parquet, csv, excel = (folder / f"{name}{ending}" for ending in (".parquet", ".csv", ".excel.csv"))
    pq.write_table(rows, parquet, compression="zstd")
    csv.write_bytes(_csv_bytes(_spreadsheet_safe(rows)))
    excel.write_bytes(_dutch_excel_bytes(rows))
    kinds = {parquet: "parquet", csv: "csv", excel: "csv, semicolon, decimal comma, for Dutch Excel"}
    return [_entry(path, name, kind, rows.num_rows) for path, kind in kinds.items()]


def _csv_bytes(rows: pa.Table, delimiter: str = ",") -> bytes:
    return csv_bytes(rows, delimiter=delimiter)


def _spreadsheet_safe(rows: pa.Table) -> pa.Table:
    """Texts that a spreadsheet would run get an apostrophe in front. Numbers stay numbers: a minus sign is harmless."""
    for position, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            values = rows.column(position)
            runs = pc.match_substring_regex(values, _FORMULA_STARTS)
            if pc.any(runs).as_py():
                quoted = pc.binary_join_element_wise("'", values, "")
                rows = rows.set_column(position, field.name, pc.if_else(runs, quoted, values))
    return rows


def _dutch_excel_bytes(rows: pa.Table) -> bytes:
    """Semicolons, decimal commas, WAAR/ONWAAR and a byte-order mark: opens right by double click in Dutch Excel."""
    rows = _spreadsheet_safe(rows)
    for position, field in enumerate(rows.schema):
        values = rows.column(position)
        if pa.types.is_floating(field.type):
            values = pc.replace_substring(pc.cast(values, pa.string()), ".", ",")
        elif pa.types.is_boolean(field.type):
            values = pc.if_else(values, "WAAR", "ONWAAR")
        else:
            continue
        rows = rows.set_column(position, field.name, values)
    return b"\xef\xbb\xbf" + _csv_bytes(rows, ";")


def _write_geopackage(folder: Path, source: Path) -> dict[str, Any]:
    """One GeoPackage: `team_areas` (dissolved) and `postcode_areas` (with the teams that serve them)."""
    areas = gpd.read_parquet(source / "areas.parquet")
    allocation = _read(source / "allocation.parquet").to_pandas()
    teams = _read(source / "team.parquet").to_pandas()[["team_id", "name", "office", "kind"]]
    path = folder / "areas.gpkg"
    # Without this GDAL writes the time of writing into the file, and the same version would differ each time.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        pyogrio.write_dataframe(team_areas(areas, allocation, teams), path, layer="team_areas", driver="GPKG")
        layer = postcode_areas(areas, allocation)
        pyogrio.write_dataframe(layer, path, layer="postcode_areas", driver="GPKG", append=True)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return _entry(path, "areas", "geopackage", len(areas))


def team_areas(areas: gpd.GeoDataFrame, allocation: pd.DataFrame, teams: pd.DataFrame) -> gpd.GeoDataFrame:
    """One row per team, law domain and client line: its postcode areas dissolved into one (multi)polygon.

    Columns: team_id, name, office, kind, law_domain, client_line, areas, geometry. A split postcode counts for each
    team that has a share of it.
    """
    layer = ["law_domain", "client_line", "team_id"]
    pieces = allocation[["pc4", *layer]].sort_values([*layer, "pc4"], ignore_index=True)
    shapes = areas.set_index("pc4").geometry.reindex(pieces["pc4"]).to_numpy()
    starts = np.flatnonzero(~pieces.duplicated(layer).to_numpy())
    built = pieces.loc[starts, layer].reset_index(drop=True)
    built["areas"] = np.diff([*starts, len(pieces)])
    built = built.merge(teams, on="team_id", how="left")
    dissolved = [_dissolved(group) for group in np.split(shapes, starts[1:])]
    columns = ["team_id", "name", "office", "kind", *layer[:2], "areas"]
    return gpd.GeoDataFrame(built[columns], geometry=_as_multi(dissolved), crs=areas.crs)


def _dissolved(shapes: NDArray[Any]) -> Any:
    """The union. Clean areas share their borders exactly, which is fast; others are united the slow way."""
    with suppress(GEOSException):
        united = shapely.coverage_union_all(shapes)
        if united.is_valid:
            return united
    return shapely.union_all(shapes)


def _as_multi(shapes: Iterable[Any]) -> list[Any]:
    return [shapely.MultiPolygon([shape]) if shape.geom_type == "Polygon" else shape for shape in shapes]


def postcode_areas(areas: gpd.GeoDataFrame, allocation: pd.DataFrame) -> gpd.GeoDataFrame:
    """``areas`` with one text column per layer, such as ``team_zw_wia_alle``: its teams, joined by |, largest first."""
    ordered = allocation.sort_values(["share", "team_id"], ascending=[False, True], kind="stable")
    layer = "team_" + ordered["law_domain"] + "_" + ordered["client_line"]
    named = pd.DataFrame({"pc4": ordered["pc4"], "layer": layer, "teams": ordered["team_id"]})
    is_shared = named.duplicated(["pc4", "layer"], keep=False)
    joined = named[is_shared].groupby(["pc4", "layer"], as_index=False)["teams"].agg("|".join)
    wide = pd.concat([named[~is_shared], joined]).pivot(index="pc4", columns="layer", values="teams")
    built = areas.merge(wide, left_on="pc4", right_index=True, how="left")
    return gpd.GeoDataFrame(built.drop(columns="geometry"), geometry=_as_multi(built.geometry), crs=areas.crs)


# --- the timeline ----------------------------------------------------------------------------------------------------


def write_timeline(files_dir: Path, store_id: str, periods: Sequence[tuple[int, date, date | None]]) -> None:
    """Say which folder holds on which days (version, first day, last day or None). Written only when it differs."""
    entries = [
        {
            "version": version,
            "valid_from": first.isoformat(),
            "valid_to": last.isoformat() if last else None,
            "folder": _folder_of_period(files_dir, version, first),
        }
        for version, first, last in periods
    ]
    text = json.dumps({"store_id": store_id, "periods": entries}, indent=2)
    path = files_dir / TIMELINE
    if not path.exists() or path.read_text() != text + "\n":
        _replace_text(path, text)


def _folder_of_period(files_dir: Path, version: int, first: date) -> str:
    return published_folder(files_dir, version, first).name
