"""A file of the input folder -> a table of its cells as they stand, or the one cause why it cannot be read.

Belongs here: which file holds a table, and the form of that file: encoding, separator, header, number of cells, quotes,
size. Does not belong here: what a cell means (``cells``), and checks between tables (``cross_checks``).
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
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
from allocation.intake.listing import listed
from geodata import given_file

SUFFIXES = (".csv", ".parquet")
MOST_BYTES = 1_000_000_000
"""A larger file is refused before it is read: the inflow of the country over three years is some 20 MB of CSV."""
ALLOWED_FORM = "CSV (UTF-8, comma, header) or Parquet"
MOST_ABOVE = 6
"""So many rows from the top the header is looked for where row 1 is none."""
LIKENESS = 0.8
"""From this likeness (``difflib``) on, an unknown name is taken for a misspelling of an absent one."""


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
        meant = difflib.get_close_matches(stem, absent, 1, LIKENESS) or [
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
        raise Borrowed([Problem(Path(name).name, None, None, what, f"the file itself: {ALLOWED_FORM}")]) from None


def too_many_bytes(name: str, size: int) -> Problem | None:
    """What is wrong with a file of a table that has ``size`` bytes."""
    too_many = size > MOST_BYTES
    return (
        Problem(name, None, None, f"the file has {size:,} bytes", f"at most {MOST_BYTES:,} bytes") if too_many else None
    )


def folder_not_file(name: str) -> Problem:
    """A folder has the name of the file of a table."""
    return Problem(name, None, None, "this is a folder", f"a file: {ALLOWED_FORM}")


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
        raise refused("this leads to no file", f"a file: {ALLOWED_FORM}") from None
    if len(content) > size:
        raise ValueError("it grew while it was read")
    return content


def read_table(path: Path, table: Table, remarks: list[Problem]) -> tuple[pd.DataFrame | None, list[Problem]]:
    """The columns of ``table`` in ``path``, with ``row``; None when its form is wrong."""
    name = path.name
    try:
        content = _content(path)
        is_csv = path.suffix.casefold() == ".csv"
        frame, problems = _read_csv(content, table, name) if is_csv else _read_parquet(content, table, name)
    except InputRefused as refused:
        return None, list(refused.problems)
    except (ValueError, OSError, pa.ArrowException, OverflowError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return None, [Problem(name, None, None, f"not readable ({reason})", ALLOWED_FORM)]
    if problems or frame is None:
        return None, problems
    for given in frame.columns:
        if str(given) not in (*table.column_names, "row"):
            what = f"column {_short(str(given))} is unknown: it is passed over"
            remarks.append(Problem(name, 1, None, what, f"columns {', '.join(table.column_names)}"))
    for column in table.columns:
        if column.name not in frame:
            frame[column.name] = None
    return frame[[*table.column_names, "row"]].copy(), []


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...'"


# --- the header

_BESIDE_A_NAME = re.compile(r"[\[(].*[\])]|[^a-z0-9_]")
"""What people write around the name of a column: a unit, quotes, blanks."""


def _header(given: Sequence[str], table: Table, file: str) -> tuple[list[str], list[Problem]]:
    """The names of the columns as the contract spells them, and what is wrong with them."""
    allowed = f"columns {', '.join(table.column_names)}"
    spelled = {name.casefold(): name for name in table.column_names}
    names = [spelled.get(str(text).strip().casefold(), str(text).strip()) for text in given]
    for mark, word in ((";", "';'"), ("\t", "a tab"), ("|", "'|'")):
        if len(names) == 1 and mark in names[0]:
            return names, [Problem(file, 1, None, f"the columns are separated by {word}, must be ','", allowed)]
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        return names, [Problem(file, 1, name, "the column occurs twice", "each column once") for name in twice]
    problems = []
    absent = [name for name in table.column_names if name not in names]
    strange = [name for name in names if name not in table.column_names]
    bare = {_BESIDE_A_NAME.sub("", text.casefold()): text for text in strange}
    for name in absent:
        like = difflib.get_close_matches(name, bare, 1, LIKENESS)
        if like:
            what = f"the column is missing; is {_short(bare[like[0]])} meant?"
            problems.append(Problem(file, 1, name, what, allowed))
        elif not table.column(name).optional:
            problems.append(Problem(file, 1, name, "the column is missing", allowed))
    return names, problems


def _no_rows(table: Table, file: str) -> list[Problem]:
    if table.optional:
        return []
    return [Problem(file, None, None, "the file has a header but no rows", "at least one row")]


def _too_many(rows: int, table: Table, file: str) -> list[Problem]:
    what = f"the file declares {rows:,} rows"
    return [Problem(file, None, None, what, f"at most {table.most_rows:,}")] if rows > table.most_rows else []


# --- Parquet


def _too_large(size: int, file: str) -> Problem:
    return Problem(file, None, None, f"the file declares {size:,} bytes of cells", f"at most {4 * MOST_BYTES:,}")


def _read_parquet(content: bytes, table: Table, file: str) -> tuple[pd.DataFrame | None, list[Problem]]:
    from geodata.sources.parquet import each_text_once, written_out_bytes

    buffer = pa.py_buffer(content)
    with pq.ParquetFile(buffer) as stored:
        rows = stored.metadata.num_rows
        size = sum(stored.metadata.row_group(at).total_byte_size for at in range(stored.metadata.num_row_groups))
        if problems := _too_many(rows, table, file):
            return None, problems
        if size > 4 * MOST_BYTES:
            return None, [_too_large(size, file)]
        schema = stored.schema_arrow
        names, problems = _header(schema.names, table, file)
        if problems:
            return None, problems
        nested = [
            Problem(file, None, name, f"cells of type {_short(str(kind.type))}", "one plain value per cell")
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
    if not len(frame) and (problems := _no_rows(table, file)):
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


# --- CSV


def _read_csv(content: bytes, table: Table, file: str) -> tuple[pd.DataFrame | None, list[Problem]]:
    content = content.removeprefix(codecs.BOM_UTF8)
    if problems := _encoding(content, file):
        return None, problems
    if not content.strip():
        return None, [Problem(file, None, None, "the file is empty", f"a header and rows: {ALLOWED_FORM}")]
    if problems := _too_many(content.count(b"\n") - 1, table, file):
        return None, problems
    reader = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), skipinitialspace=True, strict=True)
    rows: list[list[str]] = []
    ends: list[int] = []
    try:
        for cells in reader:
            rows.append(cells)
            ends.append(reader.line_num)
    except csv.Error as error:
        row = (ends[-1] if ends else 0) + 1
        return None, [Problem(file, row, None, f"quotes that do not fit ({error})", "quotes in pairs around a cell")]
    starts = [1, *(end + 1 for end in ends[:-1])]
    filled = [at for at, cells in enumerate(rows) if any(cell.strip() for cell in cells)]
    header = rows[filled[0]]
    while len(header) > 1 and not header[-1].strip():  # commas at the end of the header
        header.pop()
    names, problems = _header(header, table, file)
    if problems:
        return None, _header_further_down(rows, filled, starts, table, file) or problems
    for at in filled:
        if ends[at] > starts[at]:
            what = "a line break in a cell: is a quote opened and not closed in its row?"
            return None, [Problem(file, starts[at], None, what, "each row on a line of its own")]
    count = len(names)
    lines = pd.Series([starts[at] for at in filled[1:]], dtype="int64")
    records = [rows[at] for at in filled[1:]]
    is_again = content.lower().count(header[0].strip().lower().encode()) > 1  # or no row needs to be looked at
    if is_again and (problems := _header_again(records, lines, header, file)):
        return None, problems
    if problems := _cells_per_row(records, lines, names, file):
        return None, problems
    if not records:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in [*names, "row"]}), _no_rows(table, file)
    columns = list(zip(*(cells[:count] for cells in records), strict=True))
    if problems := _half_quoted(columns, lines, names, file):
        return None, problems
    frame = pd.DataFrame({name: pd.Series(column, dtype="str") for name, column in zip(names, columns, strict=True)})
    return frame.assign(row=lines), []


def _header_further_down(
    rows: list[list[str]], filled: list[int], starts: list[int], table: Table, file: str
) -> list[Problem]:
    """A title or a second header above the header: one cause, where each column would be missing."""
    for at in filled[1:MOST_ABOVE]:
        if not _header([cell for cell in rows[at] if cell.strip()], table, file)[1]:
            above = starts[at] - 1
            what = f"the header stands in row {starts[at]}, below {above} other row{'s' if above > 1 else ''}"
            return [Problem(file, 1, None, what, "the header in row 1 and nothing above it")]
    return []


def _header_again(records: list[list[str]], lines: pd.Series, header: list[str], file: str) -> list[Problem]:
    """The header once more among the rows, as where two files were joined."""
    wanted = [cell.strip().casefold() for cell in header]
    again = pd.Series(
        [
            cells[0].strip().casefold() == wanted[0]  # most rows end here
            and [cell.strip().casefold() for cell in cells[: len(wanted)]] == wanted
            for cells in records
        ]
    )
    what = "the header stands here again: were two files joined?"
    return listed(again.astype(bool), lines, lambda at, row: Problem(file, row, None, what, "one header"), file)


def _cells_per_row(records: list[list[str]], lines: pd.Series, names: list[str], file: str) -> list[Problem]:
    """Rows with more cells than the header (empty ones at the end do no harm), or fewer."""
    count = len(names)
    cells = pd.Series([len(record) for record in records], dtype="int64")
    more, fewer = cells > count, cells < count
    more &= pd.Series([any(cell.strip() for cell in record[count:]) for record in records], dtype=bool)
    allowed = f"{count} cells, separated by commas; decimals with a point; a cell with a comma between quotes"

    def problem(at: int, row: int) -> Problem:
        return Problem(file, row, None, f"the row has {cells.iloc[at]} cells, the header {count}", allowed)

    return listed(more | fewer, lines, problem, file)


def _half_quoted(columns: list[tuple[str, ...]], lines: pd.Series, names: list[str], file: str) -> list[Problem]:
    """Cells with a quote that has no partner: such a name is another one than the name without it."""
    problems: list[Problem] = []
    for name, column in zip(names, columns, strict=True):
        if '"' not in "".join(column):
            continue
        half = pd.Series([cell.count('"') % 2 == 1 for cell in column], dtype=bool)

        def problem(at: int, row: int, name: str = name, column: tuple[str, ...] = column) -> Problem:
            what = f"{column[at]!r} has a quote without a partner"
            return Problem(file, row, name, what, "quotes in pairs around a cell")

        problems += listed(half, lines, problem, file)
    return problems


def _encoding(content: bytes, file: str) -> list[Problem]:
    allowed = "CSV in UTF-8"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return [Problem(file, None, None, "the text is UTF-16 (Excel: 'Unicode text')", allowed)]
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"\x1f\x8b")):
        return [Problem(file, None, None, "this is a workbook, Parquet or compressed file, not text", allowed)]
    if (at := content.find(b"\0")) >= 0:
        return [Problem(file, content.count(b"\n", 0, at) + 1, None, "a NUL character", allowed)]
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        return [Problem(file, row, None, "a character that is not UTF-8", allowed)]
    return []
