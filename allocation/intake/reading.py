"""A file of the input folder -> a table of its cells as they stand, or the one cause why it cannot be read.

Belongs here: which file holds a table, its size, and Parquet. Does not belong here: CSV (``csv_form``), what a cell
means (``cells``), and checks between tables (``checks``).
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from allocation import storage
from allocation.contract import input_tables
from allocation.contract.errors import InputRefused, Problem
from allocation.contract.schema import Table
from allocation.intake import form
from allocation.intake.csv_form import read_csv
from geodata import given_file

SUFFIXES = (".csv", ".parquet")
MOST_BYTES = 1_000_000_000
"""A larger file is refused before it is read: the inflow of the country over three years is some 20 MB of CSV."""


@dataclass
class Reading:
    """The tables of a folder as they stand. ``frames``: per table, all columns of the contract and ``row`` (spreadsheet
    row), cells not yet typed; a table that cannot be read is absent. ``files``: per table the name of its file."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    """What was passed over: columns and files that no table has."""


def read_folder(folder: Path, tables: Sequence[Table] = input_tables.INPUTS) -> Reading:
    """Read every table of ``tables`` that ``folder`` has. An absent optional table is an empty frame."""
    reading = Reading(files={table.name: f"{table.name}.csv" for table in tables})
    if not folder.is_dir():
        state = "is a file" if folder.exists() else "is missing"
        what, allowed = f"the folder {folder} {state}", "a folder with the input files"
        reading.problems.append(Problem(str(folder), None, None, what, allowed))
        return reading
    found = files_of_tables(folder, tables)
    for table in tables:
        paths = found[table.name]
        if not paths:
            _absent(folder, table, reading)
            continue
        reading.files[table.name] = paths[0].name
        if len(paths) > 1:
            what = f"several files: {', '.join(path.name for path in paths)}"
            reading.problems.append(Problem(table.name, None, None, what, "one of them"))
            continue
        frame, problems = read_table(paths[0], table, reading.remarks)
        reading.problems += problems
        if frame is not None:
            reading.frames[table.name] = frame
    _strange_files(folder, tables, found, reading)
    return reading


def files_of_tables(folder: Path, tables: Sequence[Table] = input_tables.INPUTS) -> dict[str, list[Path]]:
    """Per table the paths that bear its name, in capitals or not: not every file system tells them apart."""
    names = names_of_files(tables)
    found: dict[str, list[Path]] = {table.name: [] for table in tables}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.casefold() in names:
            found[names[path.name.casefold()]].append(path)
    return found


def names_of_files(tables: Sequence[Table] = input_tables.INPUTS) -> dict[str, str]:
    """Of every name that a file of a table has, in small letters, the table."""
    return {f"{table.name}{suffix}": table.name for table in tables for suffix in SUFFIXES}


def _absent(folder: Path, table: Table, reading: Reading) -> None:
    if table.optional:
        reading.frames[table.name] = pd.DataFrame(
            {name: pd.Series(dtype=object) for name in (*table.column_names, "row")}
        )
        return
    problem = Problem(f"{table.name}.csv", None, None, "the file is missing", "a CSV or Parquet file of this name")
    reading.problems.append(problem)


def _strange_files(folder: Path, tables: Sequence[Table], found: dict[str, list[Path]], reading: Reading) -> None:
    """Files that no table has: refused when one is likely meant for an absent table, else told."""
    known = {path.name for paths in found.values() for path in paths}
    absent = [table.name for table in tables if not found[table.name]]
    for name in storage.names(folder):
        stem = name.split(".")[0].casefold()
        if name in known or name.startswith((".", "~")) or stem.startswith("readme"):
            continue
        meant = difflib.get_close_matches(stem, absent, 1, form.LIKENESS) or [
            table
            for table in absent
            if re.match(rf"{table}[^a-z]", stem)  # "locks (1)", "locks - kopie", "locks_2026"
        ]
        if meant:
            what = f"no input has this name; is it meant to be {meant[0]}?"
            reading.problems.append(Problem(name, None, None, what, f"{meant[0]}.csv or {meant[0]}.parquet"))
        else:
            reading.remarks.append(Problem(name, None, None, "not an input: it is passed over", "the inputs"))


class Borrowed(InputRefused):
    """A link that one user made to a file of another."""


def open_given(folder: Path, name: str) -> BufferedReader:
    """``given_file.open_given`` for a file of the input folder. Raises Borrowed, and OSError."""
    try:
        return given_file.open_given(folder, name)
    except given_file.Borrowed:
        what = "this is a link to a file of another user"
        raise Borrowed([Problem(Path(name).name, None, None, what, f"the file itself: {form.ALLOWED_FORM}")]) from None


def too_many_bytes(name: str, size: int) -> Problem | None:
    """What is wrong with a file of a table that has ``size`` bytes."""
    too_many = size > MOST_BYTES
    return (
        Problem(name, None, None, f"the file has {size:,} bytes", f"at most {MOST_BYTES:,} bytes") if too_many else None
    )


def folder_not_file(name: str) -> Problem:
    """A folder has the name of the file of a table."""
    return Problem(name, None, None, "this is a folder", f"a file: {form.ALLOWED_FORM}")


def _content(path: Path) -> bytes:
    """The bytes of a file, read once: what is checked is what is used. Raises InputRefused, and OSError or ValueError
    where they cannot be read."""

    def refused(what: str, allowed: str) -> InputRefused:
        return InputRefused([Problem(path.name, None, None, what, allowed)])

    try:
        with open_given(path.parent, path.name) as file:
            size = os.fstat(file.fileno()).st_size
            if problem := too_many_bytes(path.name, size):
                raise InputRefused([problem])
            content = file.read(size + 1)
    except IsADirectoryError:
        raise InputRefused([folder_not_file(path.name)]) from None
    except (FileNotFoundError, NotADirectoryError):
        raise refused("this leads to no file", f"a file: {form.ALLOWED_FORM}") from None
    if len(content) > size:
        raise ValueError("it grew while it was read")
    return content


def read_table(path: Path, table: Table, remarks: list[Problem]) -> tuple[pd.DataFrame | None, list[Problem]]:
    """The columns of ``table`` in ``path``, with ``row``; None when its form is wrong."""
    name = path.name
    try:
        content = _content(path)
        is_csv = path.suffix.casefold() == ".csv"
        frame, problems = read_csv(content, table, name) if is_csv else _read_parquet(content, table, name)
    except InputRefused as refused:
        return None, list(refused.problems)
    except (ValueError, OSError, pa.ArrowException, OverflowError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return None, [Problem(name, None, None, f"not readable ({reason})", form.ALLOWED_FORM)]
    if problems or frame is None:
        return None, problems
    for given in frame.columns:
        if str(given) not in (*table.column_names, "row"):
            what = f"column {form.short(str(given))} is unknown: it is passed over"
            remarks.append(Problem(name, 1, None, what, f"columns {', '.join(table.column_names)}"))
    for column in table.columns:
        if column.name not in frame:
            frame[column.name] = None
    return frame[[*table.column_names, "row"]].copy(), []


# --- Parquet


def _too_large(size: int, file: str) -> Problem:
    return Problem(file, None, None, f"the file declares {size:,} bytes of cells", f"at most {4 * MOST_BYTES:,}")


def _read_parquet(content: bytes, table: Table, file: str) -> tuple[pd.DataFrame | None, list[Problem]]:
    from geodata.sources.parquet import each_text_once, written_out_bytes

    buffer = pa.py_buffer(content)
    with pq.ParquetFile(buffer) as stored:
        rows = stored.metadata.num_rows
        size = sum(stored.metadata.row_group(at).total_byte_size for at in range(stored.metadata.num_row_groups))
        if problems := form.too_many_rows(rows, table, file):
            return None, problems
        if size > 4 * MOST_BYTES:
            return None, [_too_large(size, file)]
        schema = stored.schema_arrow
        names, problems = form.header(schema.names, table, file)
        if problems:
            return None, problems
        nested = [
            Problem(file, None, name, f"cells of type {form.short(str(kind.type))}", "one plain value per cell")
            for name, kind in zip(names, schema, strict=True)
            if name in table.column_names and not _is_plain(kind.type)
        ]
        if nested:
            return None, nested
        wanted = [given for given, name in zip(schema.names, names, strict=True) if name in table.column_names]
    cells = each_text_once(buffer, wanted)
    size = written_out_bytes(cells)
    if size > 4 * MOST_BYTES:
        return None, [_too_large(size, file)]
    dense = cells.cast(pa.schema([schema.field(name) for name in wanted]))
    frame = dense.to_pandas(ignore_metadata=True, integer_object_nulls=True)
    spelled = dict(zip(schema.names, names, strict=True))
    frame = frame.rename(columns=spelled)
    if not len(frame) and (problems := form.no_rows(table, file)):
        return None, problems
    for name in names:  # so that they are told as passed over
        if name not in frame:
            frame[name] = None
    return frame.assign(row=np.arange(2, len(frame) + 2)), []


def _is_plain(kind: pa.DataType) -> bool:
    """Whether cells of a type are a text, a number, a day or true and false: the others may fill any memory."""
    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    is_other = isinstance(kind, pa.BaseExtensionType) or pa.types.is_fixed_size_binary(kind)
    return not is_other and not pa.types.is_nested(kind)
