"""The choices of a run: defaults in one place, a TOML file only overrides.

A file has the same names, in the same groups, as the dataclasses below, for example::

    tolerance = 0.04
    reason = "team Utrecht 3 gestopt"

    [weights]
    moved = 40.0

Unknown names are refused, so that a misspelt setting is not silently without effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator

from allocation.contract.calendar import FIRST_DAY, LAST_DAY
from allocation.contract.errors import InputRefused, Problem
from allocation.contract.plain_text import Text
from allocation.contract.toml_file import read_toml
from allocation.contract.vocabulary import REGULAR_GROUP
from allocation.objective_terms import MOST_WEIGHT, TERMS

Weight = Annotated[float, Field(ge=0, le=MOST_WEIGHT)]


class Settings(BaseModel):
    """Frozen, and closed to names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CoverageWeights(Settings):
    """The prices whose names the input gives."""

    coverage: dict[Text, Weight] = {}


ObjectiveWeights = create_model(
    "ObjectiveWeights",
    __base__=CoverageWeights,
    __doc__="What a division is judged by, each at least 0. One unit of each term costs its weight.\n\n"
    + "\n".join(f"``{term.name}``: {term.meaning}." for term in TERMS)
    + "\n``coverage``: a further team at a partner, per kind of the input ``coverage``; without one it costs nothing.",
    **{term.name: (Weight, term.usual) for term in TERMS},  # type: ignore[call-overload]
)


class Solver(Settings):
    """How long the search goes on for one cluster and layer: for ``iterations`` or ``seconds``, whichever ends first.

    ``iterations``: about so many. The search ends sooner where it comes to the same plan from different starts, and has
    up to three times as many where it does not. Such a search is repeatable to the letter for its ``seed``; without
    ``iterations`` (None) it goes on until the time is up or nothing better can be found.
    ``workers``: processes side by side; 1 = the run's own.
    """

    seconds: float = Field(60.0, gt=0, le=7 * 86_400)
    iterations: int | None = Field(1_000_000, ge=1, le=10**12)
    seed: int = Field(20260701, ge=0, lt=2**63)
    workers: int = Field(2, ge=1, le=256)

    def lasting(self, seconds: float | None) -> Solver:
        """These settings with a search of so many seconds instead of the repeatable effort; None changes nothing."""
        return self if seconds is None else self.model_copy(update={"seconds": seconds, "iterations": None})


RETIRED = frozenset({"months_to_close"})
"""Settings of ``[work]`` that earlier releases had; in a file they are refused like any unknown name."""


class Work(Settings):
    """How counts become hours.

    ``productive_hours_per_fte``: hours a year that one FTE spends on clients (an assumption of the example).
    ``growth``: expected growth of the inflow on top of the history, per product or ``"*"`` for all (0.1 = 10%).
    ``hours_factor``: multiplies the hours per client, per product or ``"*"`` (a changed norm).
    ``exceptional_months``: months (YYYY-MM) of the inflow that are incomplete or known to be unlike others: not used.
    """

    productive_hours_per_fte: float = Field(1200.0, gt=0, le=3000)
    growth: dict[Text, Annotated[float, Field(gt=-1, le=5)]] = {}
    hours_factor: dict[Text, Annotated[float, Field(gt=0, le=20)]] = {}
    exceptional_months: tuple[Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")], ...] = ()


class Advice(Settings):
    """What the advice about capacity and handing over goes by.

    ``fte``: how many FTE are given a place. ``months``: projected waiting time under which lending should bring every
    region; None = the least that lending can reach. ``lending_share``: part of its hours that a region lends at most.
    ``lending_km``: farthest distance between offices. ``handover_months``: largest difference in projected waiting time
    between teams of a region that handing over files should leave.
    """

    fte: int = Field(10, ge=0, le=1000)
    months: float | None = Field(None, ge=0, le=600)
    lending_share: float = Field(0.1, ge=0, le=1)
    lending_km: float = Field(50.0, ge=0, le=1000)
    handover_months: float = Field(1.0, ge=0, le=120)


class Config(Settings):
    """Everything a run can be told. Shares lie between 0 and 1.

    ``special_groups``: the client groups with teams of their own; empty = those of the special teams in the input.
    ``special_first``: which team serves a client who is both in a special group and a Participatiewet client:
    False = the PW team (R5: the whole file goes there), True = the special team (R4).
    ``continuity``: ``stay`` (existing clients keep the team that has the file) or ``move`` (they follow the postcode).
    ``balance``: what is divided in proportion to capacity: the expected ``load``, or the hours in stock, which evens
    out the ``waiting_time`` (R11). ``waiting_priority``: products up to this priority count for waiting time.
    ``clients_tolerance``: when given, the number of clients is balanced as a further measure within this tolerance.
    ``other_tolerance``: when given, so are the structural hours of the other professions, by their capacity (R23).
    ``distance``: how far a client lives from an office: through the ``network`` of neighbours, bridges and ferries,
    in a ``straight`` line, or as the input ``travel`` says (``table``).
    ``replaced_postcodes``: postcodes in the counts that have no area (PO boxes, new streets, an older edition) and the
    postcode that they count for.
    ``current``: what the new division is compared with: the ``version`` in force, if there is one, or the ``file``.
    ``current_boundaries``: the edition of the postcodes in the file ``current`` (``embedded``, ``pdok:2024``, a file),
    when that is another than that of the published version.
    ``regions``: numbers or names of the regions to divide; empty = all.
    ``propose_unchanged``: propose also what leaves every client where the version in force has them, for its newer
    counts and loads.
    """

    tolerance: float = Field(0.05, gt=0, lt=1)
    clients_tolerance: float | None = Field(None, gt=0)
    other_tolerance: float | None = Field(None, gt=0)
    balance: Literal["load", "first_year", "waiting_time"] = "load"
    horizon_months: int = Field(12, ge=1, le=60)
    waiting_priority: int = Field(5, ge=1)
    special_groups: tuple[Text, ...] = ()
    special_first: bool = False
    continuity: Literal["stay", "move"] = "stay"
    valid_from: date | None = Field(None, ge=FIRST_DAY, le=LAST_DAY)
    reason: Text = ""
    distance: Literal["network", "straight", "table"] = "network"
    replaced_postcodes: dict[Text, Text] = {}
    current: Literal["version", "file"] = "version"
    current_boundaries: Text = ""
    regions: tuple[Text, ...] = ()
    propose_unchanged: bool = False
    weights: ObjectiveWeights = ObjectiveWeights()
    solver: Solver = Solver()
    work: Work = Work()
    advice: Advice = Advice()

    @model_validator(mode="after")
    def _groups_are_special(self) -> Self:
        if REGULAR_GROUP in self.special_groups:
            raise ValueError(f"special_groups: any name but {REGULAR_GROUP}")
        return self

    @classmethod
    def from_values(cls, values: Mapping[str, Any], origin: str = "configuration") -> Self:
        """The defaults, overridden by ``values``. Raises ``InputRefused`` naming every wrong setting."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise InputRefused([_problem(detail, origin) for detail in error.errors()]) from None

    @classmethod
    def of_run(cls, values: Mapping[str, Any]) -> Self:
        """The settings that a run was started with, perhaps by an earlier release: retired settings are left out."""
        kept = {name: value for name, value in values.get("work", {}).items() if name not in RETIRED}
        return cls.from_values({**values, "work": kept})

    @classmethod
    def from_file(cls, path: Path | None) -> Self:
        """The defaults, overridden by the TOML file ``path``. Raises ``InputRefused`` naming every wrong setting."""
        return cls() if path is None else cls.from_values(read_toml(path), str(path))


def _problem(detail: Mapping[str, Any], origin: str) -> Problem:
    setting = ".".join(str(part) for part in detail["loc"]) or None
    if detail["type"] == "extra_forbidden":
        return Problem(origin, None, setting, "unknown setting", "the settings that the README lists")
    return Problem(origin, None, setting, f"{detail['input']!r} is not possible", detail["msg"])
