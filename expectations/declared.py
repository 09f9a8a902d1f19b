"""Expectations that follow from a table's declaration in ``allocation.tables``: nothing is restated here.

Belongs here: how a declared type, unit, key or set of values becomes an expectation. Does not belong here: rules
between tables (``inputs``, ``outcome``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from allocation.tables import Column
from expectations.rules import Declared

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

PYTHON_TYPES = {
    "text": ["str", "StringDtype"],
    "json": ["str", "StringDtype"],
    "integer": ["int", "int64", "int32", "Int64Dtype"],
    "number": ["float", "int", "float64", "int64"],
    "boolean": ["bool"],
    "date": ["datetime64[us]", "datetime64[ms]", "datetime64[ns]", "date", "Timestamp"],
    "timestamp": ["datetime64[us]", "datetime64[ms]", "datetime64[ns]", "datetime", "Timestamp"],
}
COUNTED_FROM_ZERO = frozenset(
    {"clients", "clients a year", "persons", "hours", "hours a year", "FTE", "km", "months"}
)
"""Units of amounts that cannot be negative."""


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of texts in the one text type that Great Expectations knows. Columns of objects stay what they are: there
    the type of every value is looked at."""
    texts = [name for name in frame if isinstance(frame[name].dtype, pd.StringDtype)]
    return frame.astype(dict.fromkeys(texts, pd.StringDtype()))


def expectations(declared: Declared) -> list[Expectation]:
    """The expectations of one table, all critical: its columns, then each column, then the key."""
    import great_expectations.expectations as gxe

    columns = [c for c in declared.table.columns if c.name not in declared.not_yet]
    needed = [c.name for c in columns if not c.optional]
    made: list[Any] = [
        gxe.ExpectTableColumnsToMatchSet(column_set=needed, exact_match=False, severity="critical")
    ]
    present = [c for c in columns if c.name in declared.frame or not c.optional]
    for column in present:
        made += _of_column(column)
    if len(declared.key) == 1:
        made.append(gxe.ExpectColumnValuesToBeUnique(column=declared.key[0], severity="critical"))
    else:
        made.append(gxe.ExpectCompoundColumnsToBeUnique(
            column_list=declared.key, ignore_row_if="never", severity="critical"
        ))  # fmt: skip
    return made


def _of_column(column: Column) -> list[Any]:
    import great_expectations.expectations as gxe

    name = column.name
    made: list[Any] = [
        gxe.ExpectColumnValuesToBeInTypeList(column=name, type_list=PYTHON_TYPES[column.type], severity="critical")
    ]
    if not column.nullable and not column.optional:
        made.append(gxe.ExpectColumnValuesToNotBeNull(column=name, severity="critical"))
    if column.allowed:
        made.append(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=list(column.allowed), severity="critical"))
    if column.unit in COUNTED_FROM_ZERO:
        made.append(gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, severity="critical"))
    elif name == "share":
        made.append(gxe.ExpectColumnValuesToBeBetween(
            column=name, min_value=0, strict_min=True, max_value=1 + SHARE_ROUNDING, severity="critical"
        ))  # fmt: skip
    elif name.endswith("_share"):
        made.append(gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=1, severity="critical"))
    return made


SHARE_ROUNDING = 1e-9
"""Shares are sums of floats: 1 may come out as the next number above it."""
