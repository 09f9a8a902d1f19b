"""What a table and a column are, and the columns that several tables share.

Belongs here: the form of a declaration. Does not belong here: any one table (`input_tables`, `published_tables`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, SMALLEST_SHOWN_COUNT

ColumnType = Literal["text", "integer", "number", "boolean", "date", "timestamp", "json"]


MEANS_FROM = 10 * SMALLEST_SHOWN_COUNT
"""Clients from which on readers see a mean over them, or a figure that is made with one."""


@dataclass(frozen=True)
class Column:
    """One column. ``unit`` is empty for texts and codes; ``allowed`` lists a closed set of values."""

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    nullable: bool = False
    example: str = ""
    allowed: tuple[str, ...] = ()
    optional: bool = False
    """Inputs only: the whole column may be absent."""
    least: float | None = None
    most: float | None = None
    """Inputs only: bounds of a number; a cell outside is refused."""
    is_above_least: bool = False
    """Inputs only: ``least`` itself is refused too."""
    finest: float | None = None
    """Inputs only: what lies between ``least`` and this is refused: a slip, that would be divided by."""
    usual: tuple[float, float] | None = None
    """Inputs only: a number outside is read, and told to the planner."""
    is_name: bool = False
    """Inputs only: a name that several rows share; spellings that differ in capitals only are refused."""
    counts_persons: bool = False
    """Published tables only: a number of clients. Readers outside operations see a multiple of 5, and nothing below 5
    (R14)."""
    hidden_with: tuple[str, ...] = ()
    """Of a count of persons: rows with the same values here are parts of one count. Where one is under 5, readers see
    none of them: beside a part that is shown, the rule by which they are divided would tell the others."""
    told_by: str = ""
    """Published tables only: the count of clients that this column would give away. Readers see what the shown count
    times the mean per client (two digits) comes to; it is empty where that count is, or is under ``told_from``."""
    told_from: int = SMALLEST_SHOWN_COUNT
    """Of a few clients the mean would tell how many of them are of which product."""
    is_seen_apart: bool = False
    """Published tables only: readers see what table ``<table>_seen`` has instead, made of what they see elsewhere. A
    sum over rows that are rounded and hidden one by one would tell what they hide."""
    rounded_to: float = 0.0
    """Published tables only: readers see the nearest multiple, so that two versions do not differ by one client."""
    mean_of: str = ""
    """Of a column that is ``rounded_to``: the count of clients that it is a mean over. Readers see it from
    ``MEANS_FROM`` of them on: of a few clients it tells how many are where."""
    shown_keys: tuple[str, ...] | None = None
    """Published tables, JSON only: the keys that readers see; None = everything."""
    added: str = ""
    """Published tables only: the version of the data contract that brought the column to a table that there was
    already. It is empty in versions published before, unless ``older`` says otherwise."""
    older: tuple[str | bool | int, ...] = ()
    """The values that hold for rows published before the column was added: one row of before answers for each."""

    @property
    def is_protected(self) -> bool:
        """Readers outside operations see another value than is stored."""
        is_told_of = self.counts_persons or bool(self.told_by) or self.is_seen_apart
        return is_told_of or self.rounded_to > 0 or self.shown_keys is not None

    @property
    def may_lack(self) -> bool:
        """Empty in versions published before the column was added."""
        return bool(self.added) and not self.older


def bounds(column: Column) -> str:
    """The range of a number in words: ``above 0 and at most 5``, ``0, or from 0.001 to 1``; empty without bounds."""
    if column.finest is not None and column.least is not None and column.most is not None:
        return f"{column.least:g}, or from {column.finest:g} to {column.most:.15g}"
    low = None if column.least is None else f"{'above' if column.is_above_least else 'at least'} {column.least:g}"
    high = None if column.most is None else f"at most {column.most:.15g}"
    return " and ".join(part for part in (low, high) if part)


@dataclass(frozen=True)
class Table:
    """A table and its key: the columns that together are unique (within a version, for published tables)."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    optional: bool = False
    """Inputs only: the whole file may be absent."""
    most_rows: int = 200_000
    """Inputs only: more rows are refused before they are read; nothing of the field comes near."""

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


def pc4_column(meaning: str = "four-digit postcode, as text") -> Column:
    return Column("pc4", "text", meaning, example="1013")


def line_column(*, also_all: bool, nullable: bool = False) -> Column:
    allowed = (*CLIENT_LINES, ALL_LINES) if also_all else CLIENT_LINES
    return Column(
        "client_line",
        "text",
        "client line; `alle` where a region is fully meerwettig" if also_all else "client line",
        allowed=allowed,
        nullable=nullable,
        example="vangnet",
    )


PRODUCT = Column("product", "text", "product code, as in `products`", example="WIA_EWT")


GROUP = Column("client_group", "text", "client group; the set is configuration", example="regulier")


TEAM_ID = Column("team_id", "text", "SMC team", example="SMC-UTR-01")
