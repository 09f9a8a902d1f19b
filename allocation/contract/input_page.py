"""The declarations of the input tables as a page for people, ``docs/input.md``.

Belongs here: wording of what ``input_tables`` declares. A test compares the page with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from allocation.contract.input_tables import INPUTS
from allocation.contract.schema import Column, Table, bounds

INTRODUCTION = """\
# The input folder

One file per table, as CSV (UTF-8, comma, header) or Parquet with the same columns. This page follows from
`allocation/contract/input_tables.py`: `python -m allocation.contract.input_page > docs/input.md` writes it.

- `caseload validate --input DIR` lists every problem with file, row and column. Rows count as in a spreadsheet: the
  header is row 1. The same cause in many rows is one line.
- Codes and names are read as text without blanks around them. A code of digits that a program made a float (`124.0`) is
  `124` again.
- A number has a point for decimals and nothing for thousands. `1.000` is refused where it may be a thousand.
- A day is `YYYY-MM-DD`, from 1990 to 2100; `9999-12-31` as a last day means open. In Parquet a moment with a time
  zone is the day in the Netherlands.
- Every row has as many cells as the header; empty cells after the last column do no harm, nor do a byte order mark,
  Windows line ends, blank lines, blanks after commas, and capitals in the names of files and columns.
- A file or column that looks like a misspelling of an absent one is refused; others are passed over and told.
- A number outside the usual range is read and told, in `validate`, the summary and the text to approve. So are counts
  that may have been cut off: a region without any client, and a month in which a region has clients of less than half
  of its usual number of postcodes. So is inflow that ends more than half a year before the stock; a month that is still
  to come is refused.
"""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([INTRODUCTION, *(line for table in INPUTS for line in _of_table(table))])


def _of_table(table: Table) -> Iterator[str]:
    yield f"## `{table.name}`{' (optional)' if table.optional else ''}\n"
    yield f"{table.meaning} Unique: {', '.join(table.key)}. At most {table.most_rows:,} rows.\n"
    yield "| column | type | meaning | allowed | usual | example |"
    yield "|---|---|---|---|---|---|"
    for column in table.columns:
        absent, empty = column.optional * ", may be absent", column.nullable * ", may be empty"
        kind = f"{column.type}{absent}{empty}"
        usual = f"{column.usual[0]:g} to {column.usual[1]:g}" if column.usual else ""
        cells = (f"`{column.name}`", kind, _meaning(column), _allowed(column), usual, f"`{column.example}`")
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _meaning(column: Column) -> str:
    return column.meaning + (f" [{column.unit}]" if column.unit else "")


def _allowed(column: Column) -> str:
    return ", ".join(f"`{value}`" for value in column.allowed) or bounds(column)


if __name__ == "__main__":
    print(page(), end="")
