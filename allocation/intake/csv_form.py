"""A table as CSV: the cells of its rows, or the one cause why they cannot be told apart.

Belongs here: encoding, separator, header, number of cells, quotes. Does not belong here: what a cell means (`cells`).
"""

from __future__ import annotations

import codecs
import csv
import io

import pandas as pd

from allocation.contract.errors import Problem
from allocation.contract.schema import Table
from allocation.intake import form
from allocation.intake.listing import listed

MOST_ABOVE = 6
"""So many rows from the top the header is looked for where row 1 is none."""


def read_csv(content: bytes, table: Table, file: str) -> tuple[pd.DataFrame | None, list[Problem]]:
    """The cells of ``content`` with ``row`` (spreadsheet row), all texts; None when its form is wrong."""
    content = content.removeprefix(codecs.BOM_UTF8)
    if problems := _encoding(content, file):
        return None, problems
    if not content.strip():
        return None, [Problem(file, None, None, "the file is empty", f"a header and rows: {form.ALLOWED_FORM}")]
    if problems := form.too_many_rows(content.count(b"\n") - 1, table, file):
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
    names, problems = form.header(header, table, file)
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
        return pd.DataFrame({name: pd.Series(dtype=object) for name in [*names, "row"]}), form.no_rows(table, file)
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
        if not form.header([cell for cell in rows[at] if cell.strip()], table, file)[1]:
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
