"""What a table and a column are, and the columns that several tables share.

Belongs here: the form of a declaration. Does not belong here: any one table (`input_tables`, `published_tables`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES

ColumnType = Literal["text", "integer", "number", "boolean", "date", "timestamp", "json"]


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
    counts_persons: bool = False
    """Published tables only: a number of clients. Readers outside operations see it from 5 up (R14)."""
    told_by: str = ""
    """Published tables only: the count of clients that this column would give away; it is empty where that one is."""


@dataclass(frozen=True)
class Table:
    """A table and its key: the columns that together are unique (within a version, for published tables)."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    optional: bool = False
    """Inputs only: the whole file may be absent."""

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
