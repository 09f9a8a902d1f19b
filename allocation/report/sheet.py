"""A table for the screen: its columns as pairs of a header and what it shows of a row, declared once.

Belongs here: what a cell and a table are. Does not belong here: which tables there are, HTML.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pandas as pd

from allocation.report import dutch
from allocation.report.dutch import number, percent

SHARE_DIGITS = 3
"""A share is shown as a percentage with one decimal."""


@dataclass(frozen=True)
class Cell:
    """What stands in a cell. ``value`` sorts; it is no more exact than the text, for who has the file can read it.
    ``team`` makes it a button to the map; ``bar`` draws a deviation."""

    text: str
    value: float | None = None
    team: str = ""
    bar: float | None = None
    mark: str = ""


@dataclass(frozen=True)
class Column:
    """A header with its cell."""

    name: str
    cell: Callable[[Any], Cell]


@dataclass(frozen=True)
class Sheet:
    """A table for the screen: the first column names the row."""

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: list[list[Cell]]
    footer: list[Cell] = field(default_factory=list)

    @classmethod
    def of(
        cls, name: str, caption: str, columns: Sequence[Column], rows: Iterable[Any], footer: Sequence[Cell] = ()
    ) -> Sheet:
        """The table of ``rows``."""
        cells = [[column.cell(row) for column in columns] for row in rows]
        return cls(name, caption, tuple(column.name for column in columns), cells, list(footer))

    @property
    def is_long(self) -> bool:
        return len(self.rows) > 15


def records(table: pd.DataFrame) -> Iterator[Any]:
    """The rows, each with its columns as attributes, as ``itertuples`` gives them."""
    row = _row_type(tuple(map(str, table.columns)))
    return map(row._make, zip(table.index, *(table[name].tolist() for name in table), strict=True))


@cache
def _row_type(columns: tuple[str, ...]) -> Any:
    """The type of such rows; pandas makes it anew for each table, and a report has over a thousand small ones."""
    return namedtuple("Row", ("Index", *columns), rename=True)


def text(value: Any) -> Cell:
    return Cell(dutch.NONE if dutch.is_missing(value) or value == "" else str(value))


def amount(value: Any, decimals: int = 0) -> Cell:
    shown = number(value, decimals)
    return Cell(shown, float("nan") if shown == dutch.NONE else round(float(value), decimals))


def share(value: Any, *, signed: bool = False) -> Cell:
    shown = percent(value, signed=signed)
    return Cell(shown, float("nan") if shown == dutch.NONE else round(float(value), SHARE_DIGITS))


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def text_of(name: str, attribute: str) -> Column:
    """A column that shows an attribute of the row as text."""
    return Column(name, lambda row: text(getattr(row, attribute)))


def amount_of(name: str, attribute: str, decimals: int = 0) -> Column:
    """A column that shows an attribute of the row as a number."""
    return Column(name, lambda row: amount(getattr(row, attribute), decimals))


def share_of(name: str, attribute: str) -> Column:
    """A column that shows an attribute of the row as a percentage."""
    return Column(name, lambda row: share(getattr(row, attribute)))


def only(columns: Sequence[tuple[str, Column]], table: pd.DataFrame) -> list[Column]:
    """Of columns by the name of what they need those that the table has: an older run lacks what came later."""
    return [column for needed, column in columns if not needed or needed in table]
