"""Version folders: the complete proposal, and the files of a published version for readers.

Belongs here: writing the folders of proposals and of published versions, the timeline file. Does not belong here: the
outcome that comes in (`outcome_folder`), the form of one file (`table_files`, `geopackage`), when a version holds
(`versions`), the database (`store`), whose files these are (`owner`).

Layout of the files folder::

    timeline.json               which folder holds on which days; replaced in one step
    v0003_2027-01-01/           a version as published from that day: never changed afterwards
    proposals/v0003/            the proposal it came from: complete counts, for operations (not for other users)
    store.json                  which store these files belong to
    .aside/                     where folders are written before they are moved into place

In object storage (``allocation.storage``) nothing can be moved in one step. There a folder is sent with its manifest
last, and is not there as long as it has none; readers follow ``timeline.json``, which is one object.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock

from allocation import storage
from allocation.contract.errors import Refused
from allocation.contract.published_tables import (
    PUBLISHED,
    RUNS,
    SEEN_APART,
    TEAM,
)
from allocation.contract.schema import Table
from allocation.contract.vocabulary import SMALLEST_SHOWN_COUNT
from allocation.publication import small_counts
from allocation.publication.geopackage import write_geopackage
from allocation.publication.outcome_folder import (
    READERS_REPORT,
    REPORT,
    TEAM_PERIODS,
    Outcome,
    no_rows,
    read_parquet,
    with_added_columns,
)
from allocation.publication.table_files import entry, write_manifest, write_parquet, write_table
from allocation.publication.tables import STORED, VALIDITY_COLUMNS

PROPOSALS, TIMELINE, MANIFEST = "proposals", "timeline.json", "manifest.json"

_ASIDE = ".aside"
_PUBLISHED_PATTERN = "v[0-9]*_*-*-*"


# --- folders ---------------------------------------------------------------------------------------------------------


def proposal_folder(files_dir: Path, version: int) -> Path:
    return files_dir / PROPOSALS / f"v{version:04d}"


def areas_of_version(files_dir: Path, version: int) -> Path:
    """The areas that a version was made with, as GeoParquet."""
    return storage.fetch(proposal_folder(files_dir, version) / "areas.parquet")


def report_of_version(files_dir: Path, version: int) -> Path:
    """The report of a version, for Operations."""
    return storage.fetch(proposal_folder(files_dir, version) / "report.html")


def published_folder(files_dir: Path, version: int, valid_from: date) -> Path:
    return files_dir / f"v{version:04d}_{valid_from.isoformat()}"


@contextmanager
def locked(files_dir: Path) -> Iterator[None]:
    """One process at a time; a process that dies lets go by itself."""
    with FileLock(files_dir / ".lock", mode=0o640):
        yield


def remove_leftovers(files_dir: Path, known: Sequence[Path]) -> None:
    """Delete what a killed process left: everything aside, and folders in place that no version in the store names."""
    going = (*files_dir.glob(f"{storage.GOING}*"), *files_dir.glob(f"{PROPOSALS}/{storage.GOING}*"))
    for path in (files_dir / _ASIDE, *going):
        shutil.rmtree(path, ignore_errors=True)
    for folder in (*version_folders(files_dir), *proposal_folders(files_dir)):
        if folder not in known:
            storage.remove_folder(folder)


def version_folders(files_dir: Path) -> list[Path]:
    """The folders of published versions."""
    return [folder for folder in storage.folders(files_dir) if fnmatch(folder.name, _PUBLISHED_PATTERN)]


def proposal_folders(files_dir: Path) -> list[Path]:
    """The folders of proposals."""
    return [folder for folder in storage.folders(files_dir / PROPOSALS) if folder.name.startswith("v")]


def is_there(folder: Path) -> bool:
    """Whether a version folder was written whole."""
    return storage.exists(folder / MANIFEST) if storage.is_remote(folder) else folder.exists()


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
    before = aside.with_name(f"{aside.name}-before")
    if place.exists():  # a proposal that is made anew, or damaged files; whoever is killed here proposes once more
        place.rename(before)
    aside.rename(place)
    _sync(place.parent)
    storage.send_folder(place, last=MANIFEST)
    shutil.rmtree(before, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str, mode: int = 0o640) -> None:
    """Write a small file in one step; who reads it sees the text before or this one."""
    fresh = path.with_name(f".{path.name}-{os.getpid()}")
    fresh.write_text(text + "\n")
    fresh.chmod(mode)
    _sync(fresh)
    fresh.replace(path)
    _sync(path.parent)
    storage.send(path)


# --- a proposal ------------------------------------------------------------------------------------------------------


def write_proposal(files_dir: Path, version: int, outcome: Outcome) -> Path:
    """The complete proposal as Parquet, areas and report; returns its folder. Written aside, moved in one step; that of
    an earlier run with the same content goes."""
    (files_dir / PROPOSALS).mkdir(mode=0o750, exist_ok=True)
    aside = _fresh_aside(files_dir, f"proposal-v{version:04d}")
    aside.mkdir()
    entries = []
    for name, rows in outcome.tables.items():
        numbered = rows.add_column(0, "version", pa.array([version] * rows.num_rows, pa.int64()))
        pq.write_table(numbered, aside / f"{name}.parquet", compression="zstd")
        entries.append(entry(aside / f"{name}.parquet", name, "parquet", rows.num_rows))
    pq.write_table(outcome.team_periods, aside / f"{TEAM_PERIODS}.parquet", compression="zstd")
    periods = outcome.team_periods.num_rows
    entries.append(entry(aside / f"{TEAM_PERIODS}.parquet", TEAM_PERIODS, "parquet", periods))
    outcome.areas.to_parquet(aside / "areas.parquet", index=False, compression="zstd", use_dictionary=False)
    entries.append(entry(aside / "areas.parquet", "areas", "geoparquet", len(outcome.areas)))
    for report in outcome.reports:
        shutil.copyfile(report, aside / report.name)
        entries.append(entry(aside / report.name, None, "html", None))
    write_manifest(aside, {"version": version, "fingerprint": outcome.fingerprint}, entries)
    place = proposal_folder(files_dir, version)
    _move_into_place(aside, place)
    return place


def verify(folder: Path) -> list[str]:
    """What is wrong with a version folder: files that are missing or differ from the manifest. Empty = sound."""
    manifest = storage.fetch_folder(folder) / MANIFEST
    if not manifest.exists():
        return [f"{manifest} is missing"]
    told = _told_by(manifest)
    if told is None:
        return [f"{manifest} is damaged"]
    problems = []
    for name, sha256 in told["files"].items():
        path = folder / name
        if not path.exists():
            problems.append(f"{path} is missing")
        elif entry(path, None, "", None)["sha256"] != sha256:
            problems.append(f"{path} differs from the manifest")
    return problems


def _told_by(manifest: Path) -> dict[str, Any] | None:
    """fingerprint, and the SHA-256 of each of the files; None where the manifest is damaged."""
    try:
        told = json.loads(manifest.read_text(encoding="utf-8"))
        files = {str(one["file"]): str(one["sha256"]) for one in told["files"]}
    except (ValueError, KeyError, TypeError):
        return None
    return {"fingerprint": told.get("fingerprint"), "files": files}


def sound_rows(files_dir: Path, version: int, fingerprint: str, table: Table) -> pa.Table | None:
    """The rows of ``table`` as the files of a version keep them, in the order of the table's key; None where these are
    not the files of the version with ``fingerprint``, or the one of this table is absent or damaged."""
    folder = proposal_folder(files_dir, version)
    manifest, path = (storage.fetch(folder / name) for name in (MANIFEST, f"{table.name}.parquet"))
    if not (manifest.exists() and path.exists()):
        return None
    told = _told_by(manifest)
    if told is None or told["fingerprint"] != fingerprint:
        return None
    if told["files"].get(path.name) != entry(path, None, "", None)["sha256"]:
        return None
    rows = with_added_columns(table, read_parquet(path))
    return rows.take(pc.sort_indices(rows, [(name, "ascending", "at_start") for name in table.key]))


def rows_of_proposal(files_dir: Path, version: int) -> dict[str, pa.Table]:
    """Every table of a proposal, complete and with the columns of today. Its files are sound (`check_sound`)."""
    source = storage.fetch_folder(proposal_folder(files_dir, version))
    return {table.name: with_added_columns(table, _of_proposal(source, table)) for table in STORED}


def check_sound(files_dir: Path, version: int) -> None:
    """Raises Refused when the files of a proposal are damaged or absent."""
    problems = verify(proposal_folder(files_dir, version))
    if problems:
        raise Refused(f"The files of proposal {version} are not sound: {'; '.join(problems)}. Make the proposal again.")


def team_periods(files_dir: Path, version: int) -> list[tuple[str, date, date | None]]:
    """(team, first day, last day or None) per period, in order; none for a proposal of before these were kept."""
    path = storage.fetch(proposal_folder(files_dir, version) / f"{TEAM_PERIODS}.parquet")
    return listed_periods(read_parquet(path)) if path.exists() else []


def listed_periods(periods: pa.Table) -> list[tuple[str, date, date | None]]:
    """The rows of ``team_periods``: (team, first day, last day or None)."""
    return [(row["team_id"], row["valid_from"], row["valid_to"]) for row in periods.to_pylist()]


# --- a published version ---------------------------------------------------------------------------------------------


def write_published(
    files_dir: Path,
    version: int,
    valid_from: date,
    valid_to: date | None,
    approval: Mapping[str, Any] | None,
    team_ends: Mapping[str, date] | None = None,
    divisions: Iterable[tuple[str, pa.Table]] = (),
) -> Path:
    """The files of ``version`` for readers, from its proposal: Parquet, CSV, CSV for Dutch Excel, GeoPackage, report.

    Counts of clients are as readers may see them (R14). ``team_ends``: teams that stop while the version may still be
    in force, with their last day; kept in the manifest. ``divisions``: the
    views per division, name and rows, asked for one by one in this thread while another writes the rest. The proposal's
    own files are sound (`check_sound`).
    """
    source = storage.fetch_folder(proposal_folder(files_dir, version))
    place = published_folder(files_dir, version, valid_from)
    if is_there(place) and not verify(place):  # in force from the same day before: the same files
        _open_to_readers(place)
        return place
    aside = _fresh_aside(files_dir, place.name)
    aside.mkdir()
    about = {"version": version, "valid_from": valid_from, "valid_to": valid_to}

    def write_for_readers(table: Table) -> list[dict[str, Any]]:
        return write_table(aside, table.name, _for_readers(source, table, valid_from, valid_to, approval))

    with ThreadPoolExecutor(1) as beside:
        tables = [beside.submit(write_for_readers, table) for table in (*PUBLISHED, TEAM)]
        areas = beside.submit(write_geopackage, aside, source, about)
        try:
            of_divisions = [line for name, rows in divisions for line in write_parquet(aside, name, rows)]
            entries = [line for table in tables for line in table.result()] + of_divisions + [areas.result()]
        except BaseException:
            beside.shutdown(wait=False, cancel_futures=True)
            raise
    if (source / READERS_REPORT).exists():  # the other one is for operations: it has small counts
        shutil.copyfile(source / READERS_REPORT, aside / REPORT)
        entries.append(entry(aside / REPORT, None, "html", None))
    manifest = {
        "version": version,
        "valid_from": valid_from,
        "valid_to_when_written": valid_to,
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "small_counts": f"counts of clients are multiples of {SMALLEST_SHOWN_COUNT}, and empty below; figures follow",
        "teams_that_end": dict(team_ends or {}),
    }
    write_manifest(aside, manifest, entries)
    _open_to_readers(aside)
    _move_into_place(aside, place)
    return place


def _open_to_readers(folder: Path) -> None:
    """Other users may read a published folder: a consumer that mounts or mirrors it is none of our group. Who wrote it
    keeps everything else to itself (a mask), and the folder in which all lie says who gets here at all."""
    if folder.exists():  # object storage has rights of its own
        folder.chmod(0o755)
        for path in folder.iterdir():
            path.chmod(0o644)


def _of_proposal(source: Path, table: Table) -> pa.Table:
    """The rows of a table in a proposal; none where it was made before there was such a table."""
    path = source / f"{table.name}.parquet"
    if path.exists():
        return read_parquet(path)
    return no_rows(table)


def _for_readers(
    source: Path, table: Table, valid_from: date, valid_to: date | None, approval: Mapping[str, Any] | None
) -> pa.Table:
    """The published columns of ``table`` in a proposal as readers see them: with validity, small counts protected.

    A proposal of before a column was added has it empty, or has a row for each of the values that hold for it.
    """
    rows = _of_proposal(source, table)
    if table.name == RUNS.name and approval is not None:
        said = pa.array([json.dumps(approval, default=str)], pa.string())
        rows = rows.set_column(rows.column_names.index("approval"), "approval", said)
    rows = with_added_columns(table, rows)
    for name, day in zip(VALIDITY_COLUMNS, (valid_from, valid_to), strict=True):
        if name in table.column_names:
            rows = rows.append_column(name, pa.array([day] * rows.num_rows, pa.date32()))
    apart = _of_proposal(source, SEEN_APART[table.name]) if table.name in SEEN_APART else None
    return small_counts.shown_rows(table, rows.select(list(table.column_names)), apart)


# --- the timeline ----------------------------------------------------------------------------------------------------


def write_timeline(files_dir: Path, store_id: str, periods: Sequence[tuple[int, date, date | None]]) -> None:
    """Say which folder holds on which days (version, first day, last day or None). Written only when it differs."""
    if not is_timeline(files_dir, store_id, periods):
        replace_text(files_dir / TIMELINE, _timeline(files_dir, store_id, periods), 0o644)


def is_timeline(files_dir: Path, store_id: str, periods: Sequence[tuple[int, date, date | None]]) -> bool:
    """Whether the timeline file says this already."""
    path = storage.fetch(files_dir / TIMELINE)
    return path.exists() and path.read_bytes() == (_timeline(files_dir, store_id, periods) + "\n").encode()


def _timeline(files_dir: Path, store_id: str, periods: Sequence[tuple[int, date, date | None]]) -> str:
    entries = [
        {
            "version": version,
            "valid_from": first.isoformat(),
            "valid_to": last.isoformat() if last else None,
            "folder": _folder_of_period(files_dir, version, first),
        }
        for version, first, last in periods
    ]
    return json.dumps({"store_id": store_id, "periods": entries}, indent=2)


def _folder_of_period(files_dir: Path, version: int, first: date) -> str:
    return published_folder(files_dir, version, first).name
