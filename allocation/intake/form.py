"""What every form of a table has: the names of its columns, and its rows.

Belongs here: what is told of a header and of the number of rows, whatever the form. Does not belong here: CSV
(`csv_form`), Parquet and folders (`reading`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from allocation.contract.errors import Problem
from allocation.contract.schema import Table

ALLOWED_FORM = "CSV (UTF-8, comma, header) or Parquet"
LIKENESS = 0.8
"""From this likeness (``difflib``) on, an unknown name is taken for a misspelling of an absent one."""

_BESIDE_A_NAME = re.compile(r"[\[(].*[\])]|[^a-z0-9_]")
"""What people write around the name of a column: a unit, quotes, blanks."""


def header(given: Sequence[str], table: Table, file: str) -> tuple[list[str], list[Problem]]:
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
            what = f"the column is missing; is {short(bare[like[0]])} meant?"
            problems.append(Problem(file, 1, name, what, allowed))
        elif not table.column(name).optional:
            problems.append(Problem(file, 1, name, "the column is missing", allowed))
    return names, problems


def no_rows(table: Table, file: str) -> list[Problem]:
    """What is wrong with a table without rows."""
    if table.optional:
        return []
    return [Problem(file, None, None, "the file has a header but no rows", "at least one row")]


def too_many_rows(rows: int, table: Table, file: str) -> list[Problem]:
    """What is wrong with a table that has ``rows`` rows."""
    what = f"the file declares {rows:,} rows"
    return [Problem(file, None, None, what, f"at most {table.most_rows:,}")] if rows > table.most_rows else []


def short(value: object) -> str:
    """The value as Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...'"
