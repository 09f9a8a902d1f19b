"""The input folder where object storage keeps it: what is an input is fetched, and nothing else.

Others put into that folder what they like, of any size. Where this machine keeps it nothing happens here.

Belongs here: which files those are, by name, and how large they may be. Does not belong here: copying (`storage`), and
what is in them (`reading`, `geodata`).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path

from allocation import storage
from allocation.contract import input_tables
from allocation.contract.errors import InputRefused
from allocation.intake import about, reading
from geodata.sources import files, vector


def fetch_tables(folder: Path, names: Collection[str] | None = None) -> Path:
    """Fetch the tables ``names`` (default all) of the input folder, and what it says of itself; returns ``folder``.

    Raises InputRefused, with every problem, for a table that is too large or a folder.
    """
    tables = [table for table in input_tables.INPUTS if names is None or table.name in names]
    return storage.fetch_folder(folder, partial(_tables, reading.names_of_files(tables)))


def _tables(wanted: Collection[str], sizes: dict[str, int]) -> list[str]:
    chosen, problems = [], []
    for name, size in sorted(sizes.items()):
        first, *deeper = name.split("/")
        if first.casefold() in wanted:
            problem = reading.folder_not_file(first) if deeper else reading.too_many_bytes(first, size)
            problems += [problem] if problem else []
            chosen.append(name)
        elif name == about.ABOUT and size <= about.MOST_BYTES:
            chosen.append(name)
    if problems:
        raise InputRefused(list(dict.fromkeys(problems)))
    return chosen


def fetch_boundaries(folder: Path, boundaries: str) -> None:
    """Fetch the files that ``boundaries`` names in the input folder, with what belongs to them. Raises GeodataError
    for one that is too large."""
    named = [path for path in files.named(boundaries) if path.is_relative_to(folder.absolute())]
    if named:
        storage.fetch_folder(folder, partial(_boundaries, folder.absolute(), named))


def _boundaries(folder: Path, named: list[Path], sizes: dict[str, int]) -> list[str]:
    chosen = []
    for name, size in sizes.items():
        owner = next((path for path in named if vector.belongs_to(path, folder / name)), None)
        if owner is not None:
            vector.refuse_to_copy(vector.VectorFile(owner), size)
            chosen.append(name)
    return chosen
