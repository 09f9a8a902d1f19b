"""The terms of the objective, each declared once: its weight, the figure it prices, and what may be derived from that.

The settings of a run, the form of the scheduler, the files of a bare instance, :class:`.Terms` and the exact search's
knowledge of whole numbers all follow from the fields of :class:`Weights`. Imports nothing, so that settings can be read
without loading the engine.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_WEIGHT = 1e9
"""A larger one means nothing that this one does not; one above 2^64 - 1 the scheduler cannot hand to a task."""


@dataclass(frozen=True)
class Term:
    """One term of the objective.

    name      of its weight
    figure    field of ``Terms`` that holds its amount
    usual     weight in a run of the pipeline, unless the settings say otherwise
    is_count  its amount is a whole number in every plan
    meaning   what one unit of it is
    """

    name: str
    figure: str
    usual: float
    is_count: bool
    meaning: str


def _term(default: float, figure: str, usual: float, meaning: str, *, is_count: bool = False) -> Any:
    return field(default=default, metadata={"term": (figure, usual, is_count, meaning)})


@dataclass(frozen=True)
class Weights:
    """Price per unit of each term of the objective; every one is at least 0.

    ``groupings``: price of a split of each of the problem's further groupings, by name; none costs nothing.
    """

    travel: float = _term(1.0, "travel_km", 1.0, "mean km from client to office")
    cut_edges: float = _term(0.0, "cut_edges", 0.0, "a pair of neighbours in different teams", is_count=True)
    border: float = _term(0.0, "border_km", 0.0, "km of border between different teams")
    municipality_splits: float = _term(
        0.0, "municipality_splits", 0.5, "a further team in a municipality", is_count=True
    )
    care_region_splits: float = _term(0.0, "care_region_splits", 0.5, "a further team in a care region", is_count=True)
    moved: float = _term(0.0, "moved", 20.0, "share of the demand whose team changes, 0 to 1")
    groupings: Mapping[str, float] = field(default_factory=dict)
    lines_apart: float = _term(
        0.0, "lines_apart", 5.0, "share of the demand whose postcode has another team on the other client line, 0 to 1"
    )

    def only(self, *names: str) -> Weights:
        """These weights for the terms named, 0 for all others."""
        kept: dict[str, Any] = {t.name: getattr(self, t.name) if t.name in names else 0.0 for t in TERMS}
        return Weights(**kept)

    def faults(self) -> list[str]:
        """A sentence for each weight that is not a finite number of at least 0."""
        named = {term.name: getattr(self, term.name) for term in TERMS}
        named |= {f"groupings.{name}": price for name, price in self.groupings.items()}
        return [
            f"The weight {name} must be at least 0."
            for name, weight in named.items()
            if not (math.isfinite(weight) and weight >= 0)
        ]


TERMS = tuple(Term(one.name, *one.metadata["term"]) for one in dataclasses.fields(Weights) if "term" in one.metadata)
"""Every term, in the order in which the objective adds them up."""
