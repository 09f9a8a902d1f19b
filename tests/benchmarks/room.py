"""Disk use of a run and of a version: ``python -m tests.benchmarks.room VAR`` prints megabytes, largest parts first.

``VAR``: a data folder that ``make run`` or ``caseload run`` filled, with the embedded store. What a version takes in
the store is what its rows take beside those of the boundaries, which versions of one edition share.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from allocation.publication import files
from allocation.runs import run_files

SHOWN = 8


def sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file or folder directly in ``folder``."""
    return {path.name: sum(file.stat().st_size for file in _files(path)) for path in folder.iterdir()}


def _files(path: Path) -> Iterable[Path]:
    return (file for file in path.rglob("*") if file.is_file()) if path.is_dir() else (path,)


def in_store(store: Path) -> dict[str, int]:
    """Bytes of each table of the store, its indexes included."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        query = "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY 1"
        return {str(name): int(size) for name, size in database.execute(query)}


def show(what: str, parts: dict[str, int]) -> None:
    """One line for the sum, one for each of the largest parts."""
    print(f"{sum(parts.values()) / 1e6:7.1f} MB  {what}")
    for name, size in sorted(parts.items(), key=lambda part: -part[1])[:SHOWN]:
        print(f"{'':12}{size / 1e6:7.1f} {name}")


def main() -> None:
    """Read the arguments and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("var", type=Path)
    var: Path = parser.parse_args().var
    runs = [folder for folder in (var / "runs").iterdir() if run_files.VERSION.exists(folder)]
    show("a run that was published", sizes(max(runs, key=lambda folder: folder.stat().st_mtime)))
    published = max((var / "published").glob("v[0-9]*_*"))
    version = int(published.name[1:5])
    show("a version: its proposal", sizes(files.proposal_folder(var / "published", version)))
    show("a version: its files for readers", sizes(published))
    store = in_store(var / "caseload.sqlite")
    shared = {name: size for name, size in store.items() if name.startswith("boundary")}
    show("the store: shared by versions of one edition", shared)
    count = len(list((var / "published" / files.PROPOSALS).glob("v*")))
    own = {name: size // count for name, size in store.items() if name not in shared}
    show(f"the store: per version ({count} there)", own)


if __name__ == "__main__":
    main()
