"""Expectations that follow from a table's declaration in ``allocation.contract``: nothing is restated here.

Belongs here: how a declared type, unit, key or set of values becomes an expectation. Does not belong here: rules
between tables (``inputs``, ``outcome``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from allocation.contract.schema import Column, ColumnType
from expectations.rules import MOST_EXAMPLES, Declared, Rule

COUNTED_FROM_ZERO = frozenset(
    {"clients", "clients a year", "persons", "hours", "hours a year", "FTE", "km", "months", "days"}
)
"""Units of amounts that cannot be negative."""
SHARE_ROUNDING = 1e-9
"""Shares are sums of floats: 1 may come out as the next number above it."""

_AS_FOUND: dict[ColumnType, tuple[str, ...]] = {
    "text": ("string",),
    "json": ("string",),
    "integer": ("integer",),
    "number": ("floating", "integer", "mixed-integer-float"),
    "boolean": ("boolean",),
    "date": ("date", "datetime64", "datetime"),
    "timestamp": ("datetime64", "datetime"),
}
"""What pandas calls the values of a column of each declared type."""


def gx_expectations() -> Any:
    """The expectations of the library, untyped as its exports are. Imported here, for it takes seconds."""
    import great_expectations.expectations

    return great_expectations.expectations


def expectations(declared: Declared) -> list[Any]:
    """The expectations of one table, all critical: its columns, then each column, then the key."""
    gxe = gx_expectations()
    columns = [c for c in declared.table.columns if c.name not in declared.not_yet]
    needed = [c.name for c in columns if not c.optional]
    made: list[Any] = [gxe.ExpectTableColumnsToMatchSet(column_set=needed, exact_match=False, severity="critical")]
    for column in columns:
        made += _of_column(column)
    if not declared.is_unique:
        return made
    if len(declared.key) == 1:
        made.append(gxe.ExpectColumnValuesToBeUnique(column=declared.key[0], severity="critical"))
    else:
        made.append(
            gxe.ExpectCompoundColumnsToBeUnique(
                column_list=declared.key, ignore_row_if="never", severity="critical"
            )
        )  # fmt: skip
    return made


def _of_column(column: Column) -> list[Any]:
    gxe = gx_expectations()
    name = column.name
    made: list[Any] = []
    if column.allowed:
        made.append(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=list(column.allowed), severity="critical"))
    limits: dict[str, Any] = {}
    if column.least is not None and column.most is not None:
        limits = {"min_value": column.least, "strict_min": column.is_above_least, "max_value": column.most}
    elif column.unit in COUNTED_FROM_ZERO:
        limits = {"min_value": 0}
    elif name == "share":
        limits = {"min_value": 0, "strict_min": True, "max_value": 1 + SHARE_ROUNDING}
    elif name.endswith("_share"):
        limits = {"min_value": 0, "max_value": 1}
    if limits:
        made.append(gxe.ExpectColumnValuesToBeBetween(column=name, severity="critical", **limits))
    return made


def column_types(tables: Sequence[Declared]) -> pd.DataFrame:
    """One row per column that is there: table, name, declared (type), found (what its values are), fits.

    All columns in one table, so that one rule sees to their types: Great Expectations takes far longer per expectation
    than per row.
    """
    rows = []
    for declared in tables:
        for column in declared.table.columns:
            if column.name in declared.not_yet or column.name not in declared.frame:
                continue
            values = declared.frame[column.name]
            found = pd.api.types.infer_dtype(values, skipna=True)
            whole = column.type == "integer" and found == "floating" and _all_whole(values)
            fits = found in _AS_FOUND[column.type] or whole or not values.notna().any()
            rows.append((declared.name, column.name, column.type, found, fits))
    return pd.DataFrame(rows, columns=["table_name", "column_name", "declared", "found", "fits"])


def empty_cells(tables: Sequence[Declared]) -> pd.DataFrame:
    """One row per column that may not be empty and is somewhere: table, name, how many cells, and places (JSON: the
    keys of the first of them, each an object). For all columns at once, as ``column_types`` is."""
    rows = []
    for declared in tables:
        frame, key = declared.frame, [name for name in declared.key if name in declared.frame]
        for column in declared.table.columns:
            if column.nullable or column.optional or column.name in declared.not_yet or column.name not in frame:
                continue
            empty = frame[column.name].isna()
            if empty.any():
                first = frame[empty].head(MOST_EXAMPLES)
                places = first[key].to_json(orient="records", date_format="iso")
                rows.append((declared.name, column.name, int(empty.sum()), places))
    return pd.DataFrame(rows, columns=["table_name", "column_name", "how_many", "places"])


def _all_whole(values: pd.Series[Any]) -> bool:
    """Whether a column of floats holds whole numbers: what pandas makes of integers with empty cells."""
    known = values.dropna()
    return bool((known == known.round()).all()) and len(known) < len(values)


TYPES = Rule(
    "column_types", "column_types", "found", "critical",
    "the values of a column are not of the declared type", "de waarden van een kolom hebben niet het vastgelegde type",
    "select table_name, column_name, declared, found from column_types where not fits",
)  # fmt: skip
EMPTY = Rule(
    "empty_cells", "empty_cells", "column_name", "critical",
    "values are empty", "waarden zijn leeg",
    "select table_name, column_name, how_many, places from empty_cells",
)  # fmt: skip
