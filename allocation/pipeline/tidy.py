"""Retention: removes old runs, proposals, caches and logs by age and number, and never what a version needs.

Belongs here: which folders and files below ``var`` may go. Does not belong here: the rows of the store and the files of
versions, which are kept for good, and the tables of Airflow (``airflow db clean``, see `docs/runbook.md`).

A version needs the folder of its run as long as it is proposed or has been published: the page shows it, ``drift``
compares with it, the next run carries its layers over, and a rollback puts it back. A draft needs the run that it was
made on. Everything else of a run is also in the store, or can be made again from the input.

Nothing outside the data folder goes: a link in it stays, with what lies behind it, and the log names it.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from allocation import storage
from allocation.contract.errors import Refused
from allocation.publication import rejected
from allocation.runs.run_files import RUN

log = logging.getLogger(__name__)

LEAST_DAYS, MOST_DAYS = 15, 36_500
"""A run may wait for its approval for 14 days; a younger one is never removed."""

_LOGS = ("logs", "airflow/logs")
_LINEAGE = "lineage.jsonl"
_LARGEST_LINEAGE = 50_000_000
"""Bytes; a larger file is put aside under the date of today, and removed by its age."""


@dataclass(frozen=True)
class Removed:
    """What was removed, or would be. ``bytes`` counts a file with several names (hard links) once for each name."""

    runs: tuple[str, ...]
    proposals: tuple[str, ...]
    files: int
    bytes: int


def tidy(
    var: Path, store_url: str, *, days: int = 90, runs: int = 10, now: datetime | None = None, is_trial: bool = False
) -> Removed:
    """Remove run folders, rejected and withdrawn proposals, caches and logs older than ``days``; the newest ``runs``
    folders stay. Files of versions are brought up to the store where a process was stopped.

    ``is_trial``: remove nothing, say what would go.

    Raises Refused for fewer than 15 days, which could take a run that still waits for its approval.
    """
    from allocation.publication import versions

    if days > MOST_DAYS:
        raise Refused(f"{days} days is too many: give {LEAST_DAYS} to {MOST_DAYS}.")
    if days < LEAST_DAYS:
        raise Refused(
            f"{days} days is too few: runs of the last {LEAST_DAYS} days are kept, they may wait for approval."
        )
    if runs < 0:
        raise Refused(f"The number of runs to keep is {runs}; it cannot be negative.")
    before = (now or datetime.now(UTC)) - timedelta(days=days)
    folders = _own(var, old_runs(var / "runs", needed_runs(store_url), before, runs))
    proposals = _own(var, rejected.folders_of_rejected(store_url, var / "published", before))
    files = _own(var, [*old_files(var, before), *old_caches(var, before), *_interrupted(var / "runs")])
    removed = Removed(
        tuple(folder.name for folder in folders),
        tuple(folder.name for folder in proposals),
        len(files),
        sum(storage.size(folder) for folder in (*folders, *proposals)) + sum(_size(path) for path in files),
    )
    if not is_trial:
        versions.catch_up(store_url, var / "published")
        for folder in folders:
            storage.remove_folder(folder)
        if proposals:
            rejected.remove_rejected(store_url, var / "published", before, set(proposals))
        for path in files:
            _remove(path)
        _put_lineage_aside(var / _LINEAGE)
    return removed


def needed_runs(store_url: str) -> set[str]:
    """The runs of versions that are proposed or published, and of drafts."""
    from allocation.publication import drafts, reads

    known = reads.versions(store_url)
    kept = known.loc[~known["status"].isin(rejected.ENDED), "run_id"]
    return set(kept.astype(str)) | drafts.runs_with_drafts(store_url)


def old_runs(folder: Path, needed: set[str], before: datetime, newest: int) -> list[Path]:
    """Run folders that were started ``before`` and that nothing needs, oldest first; not the ``newest``."""
    started = sorted((_started(path), path) for path in storage.folders(folder))
    candidates = started[: max(0, len(started) - newest)]
    return [path for moment, path in candidates if moment < before and _run_id(path) not in needed]


def old_files(var: Path, before: datetime) -> list[Path]:
    """Logs, lineage that was put aside, and how tasks of the page ended, last written ``before``."""
    found = [path for name in _LOGS for path in (var / name).rglob("*") if path.is_file()]
    found += (var / "page").glob("*.json")
    found += var.glob(f"{Path(_LINEAGE).stem}-*.jsonl")
    return sorted(path for path in found if path.lstat().st_mtime < before.timestamp())


def old_caches(var: Path, before: datetime) -> list[Path]:
    """Editions of the boundaries and example inputs that were built ``before``, but for the newest of each kind.

    They are built again when they are asked for. What was downloaded stays: a source may be gone. What a killed process
    left half (a folder whose name begins with a dot) goes.
    """
    kinds: dict[tuple[Path, str], list[tuple[float, Path]]] = {}
    for path in (*var.glob("cache/*"), *var.glob("cache/built/*"), *var.glob("example/*")):
        built = re.fullmatch(r"(.*?)-?[0-9a-f]{12}", path.name)
        if path.is_dir() and built:
            kinds.setdefault((path.parent, built[1]), []).append((path.stat().st_mtime, path))
    halves = (*var.glob("cache/.*"), *var.glob("cache/built/.*"))
    left = [(path.lstat().st_mtime, path) for path in halves if path.is_dir()]
    candidates = [*left, *(one for found in kinds.values() for one in sorted(found)[:-1])]
    return sorted(path for moment, path in candidates if moment < before.timestamp())


def _own(var: Path, found: Iterable[Path]) -> list[Path]:
    """Of the paths below ``var`` those that are there themselves: no links, nor reached through one."""
    root, own = var.resolve(), []
    for path in found:
        if not path.is_symlink() and path.parent.resolve().is_relative_to(root):
            own.append(path)
        else:
            log.warning("%s is a link, or lies behind one: it is left alone", path)
    return own


def _interrupted(folder: Path) -> Iterator[Path]:
    """What a killed ``tidy`` had begun to remove."""
    return folder.glob(f"{storage.GOING}*")


def _about(folder: Path) -> dict[str, str]:
    """The texts in the record of a run, of whichever release; none when the run was killed before it was written."""
    try:
        found = json.loads(storage.fetch(RUN.path(folder)).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: text for name, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def _started(folder: Path) -> datetime:
    try:
        created = datetime.fromisoformat(_about(folder).get("created_at", ""))
    except ValueError:
        return storage.written(folder)
    return created if created.tzinfo else created.replace(tzinfo=UTC)


def _run_id(folder: Path) -> str:
    return _about(folder).get("run_id", folder.name)


def _size(path: Path) -> int:
    files = (found for found in path.rglob("*") if found.is_file()) if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files)


def _remove(path: Path) -> None:
    """Remove a file or a folder."""
    if path.is_dir():
        storage.remove_folder(path)
    else:
        path.unlink(missing_ok=True)


def _put_lineage_aside(path: Path) -> None:
    """Whoever writes lineage opens the file anew for each event, so it can be renamed at any time."""
    if path.exists() and path.stat().st_size > _LARGEST_LINEAGE:
        path.replace(path.with_name(f"{path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl"))
