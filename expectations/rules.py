"""What a gate is made of: tables with their declarations, rules as queries, and the failures that come out.

Belongs here: the plain data types of this package. Does not belong here: which rules there are (``inputs``,
``outcome``), asking them (``tables``), or running a gate (``engine``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from allocation.contract.schema import Table

Severity = Literal["critical", "warning"]

ROUNDING = 1e-6
"""Figures that must agree may differ by so many hours or clients, or by this part of a larger amount."""
MOST_EXAMPLES = 20
"""Examples kept per failure; the rest is counted in a closing "+N more"."""


@dataclass(frozen=True)
class Rule:
    """One rule as a query that returns the rows that break it.

    ``query``, in the SQL of DuckDB, reads ``table`` and any other table of the gate by name; the columns that it
    returns are what a person needs to find the place. ``says`` and ``zegt`` are the clause that is true when it is
    broken, in English for logs and the terminal, in Dutch for the report and the planners' page.
    """

    name: str
    table: str
    column: str | None
    severity: Severity
    says: str
    zegt: str
    query: str


@dataclass(frozen=True)
class Declared:
    """A table with its declaration: types, empty cells, allowed values, ranges and the key are checked from it.

    ``not_yet``: declared columns that only publication adds. ``file``: the name it has now, when that is another.
    ``is_unique``: whether the key is to be unique already.
    """

    table: Table
    frame: pd.DataFrame
    not_yet: frozenset[str] = frozenset()
    file: str = ""
    is_unique: bool = True

    @property
    def name(self) -> str:
        return self.file or self.table.name

    @property
    def key(self) -> list[str]:
        return [name for name in self.table.key if name not in self.not_yet]


@dataclass(frozen=True)
class Suites:
    """All that one gate checks. ``frames``: the tables that the rules read, by name. ``missing``: absent tables."""

    gate: str
    declared: Sequence[Declared]
    rules: Sequence[Rule]
    frames: Mapping[str, pd.DataFrame]
    missing: Sequence[str] = ()


Place = Mapping[str, str]
"""Where a rule does not hold: column -> value as text, without the empty cells."""


@dataclass(frozen=True)
class Failure:
    """One expectation that is not met. ``examples``: the first of the ``how_many`` places, each a row: column -> value
    as text."""

    table: str
    expectation: str
    column: str | None
    how_many: int
    examples: tuple[Place, ...]
    severity: Severity
    sentence: str
    sentence_nl: str

    def __str__(self) -> str:
        where = self.table + (f", column {self.column}" if self.column else "")
        return f"{where}: {self.sentence} ({self.how_many} found: {'; '.join(self.places)})"

    @property
    def places(self) -> list[str]:
        """The examples in words, and how many more there are."""
        return places_in_words(self.examples, self.how_many)


@dataclass(frozen=True)
class Outcome:
    """What a gate found. ``success``: no critical expectation failed and none broke down; warnings do not block."""

    gate: str
    success: bool
    statistics: Mapping[str, float]
    failed: tuple[Failure, ...]
    docs: Path

    def of(self, severity: Severity) -> tuple[Failure, ...]:
        return tuple(failure for failure in self.failed if failure.severity == severity)

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        failed = [asdict(failure) | {"examples": list(map(dict, failure.examples))} for failure in self.failed]
        return {
            "gate": self.gate,
            "success": self.success,
            "statistics": dict(self.statistics),
            "failed": failed,
            "docs": str(self.docs),
        }


def places_in_words(examples: Sequence[Place], how_many: int) -> list[str]:
    """``pc4 1013, share 0.5`` for each example, and ``+N more`` where there are more than these."""
    shown = [", ".join(f"{name} {value}" for name, value in place.items()) or "empty row" for place in examples]
    return shown if how_many <= len(shown) else [*shown, f"+{how_many - len(shown)} more"]
