"""What the checks between tables have in common: the tables, the day, and how a problem is told.

Belongs here: that. Does not belong here: any one rule (``count_checks``, ``team_checks``, ``lock_checks``).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from allocation.contract.config import Config
from allocation.contract.errors import Problem
from allocation.contract.vocabulary import REGULAR_GROUP, SEPARATOR, special_groups, values_of
from allocation.intake.cells import shown
from allocation.intake.listing import listed

PC4 = re.compile(r"[1-9][0-9]{3}", re.ASCII)
REGION_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
MONTH = re.compile(r"(199[0-9]|20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)

MONTHS_NEEDED = 12

Rule = tuple[Callable[[], None], tuple[str, ...]]
"""A check, and what it needs: tables, and columns (``teams.team_id``) in which nothing is wrong."""


@dataclass(frozen=True)
class InForceNames:
    """What the division in force until now has: its teams may hold files though they are in the team list no more."""

    teams: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


class Checks(ABC):
    """Checks between tables. Each rule is one method; it is skipped when a table that it needs could not be read, or a
    column holds a cell that is wrong: what follows from that cell is not told beside it."""

    def __init__(
        self,
        frames: dict[str, pd.DataFrame],
        files: Mapping[str, str],
        areas: pd.DataFrame,
        config: Config,
        followed: Mapping[str, str],
        today: date | None,
        in_force: InForceNames,
        known: Sequence[Problem] = (),
    ) -> None:
        self.known = known
        self.in_force, self.today = in_force, today
        self.day = planning_day(frames, config, today)
        self.frames, self.files, self.config, self.followed = frames, files, config, followed
        self.special_groups = _special_groups(frames, config, in_force)
        self.pc4 = set(areas["pc4"])
        self.region_of = dict(zip(areas["pc4"], areas["arbeidsmarktregio_nr"], strict=True))
        names = areas[["arbeidsmarktregio_nr", "arbeidsmarktregio"]].drop_duplicates("arbeidsmarktregio_nr")
        self.region_name = dict(zip(names["arbeidsmarktregio_nr"].astype(int), names["arbeidsmarktregio"], strict=True))
        self.problems: list[Problem] = []
        self.remarks: list[Problem] = []
        """What is possible and may be a mistake: planners see it."""

    @abstractmethod
    def rules(self) -> tuple[Rule, ...]:
        """Each rule with the tables that it needs."""

    def run(self) -> list[Problem]:
        """The problems of every rule whose tables are there."""
        for rule, needs in self.rules():
            if self.is_sure(*needs):
                rule()
        return self.problems

    def is_sure(self, *needs: str) -> bool:
        """Whether every table of ``needs`` was read, and nothing is wrong with its column where one is named."""
        wrong = {(one.file, one.column) for one in (*self.known, *self.problems)}
        parts = [need.partition(".") for need in needs]
        return all(
            table in self.frames and (not column or (self.files[table], column) not in wrong)
            for table, _, column in parts
        )

    def add(
        self, table: str, mask: pd.Series, column: str | None, what: Callable[[int], str] | str, allowed: str
    ) -> None:
        frame = self.frames[table]

        def make(at: int, row: int) -> Problem:
            return Problem(self.files[table], row, column, what if isinstance(what, str) else what(at), allowed)

        self.problems += listed(mask, frame["row"], make, self.files[table])

    def remark(self, table: str, mask: pd.Series, column: str | None, what: Callable[[int], str], usual: str) -> None:
        """As ``add``, of what is read all the same and told to planners."""
        frame = self.frames[table]

        def make(at: int, row: int) -> Problem:
            return Problem(self.files[table], row, column, what(at), usual)

        self.remarks += listed(mask, frame["row"], make, self.files[table])

    def value(self, table: str, column: str) -> Callable[[int], str]:
        return lambda at: f"{shown(self.frames[table][column].iloc[at])} is not possible"

    def region_numbers(self, text: object) -> list[int | None]:
        """Region numbers of ``15`` or ``Midden-Utrecht`` or ``15|16``; None for one that does not exist."""
        by_name = {name.casefold(): nr for nr, name in self.region_name.items()}
        parts = [part.strip() for part in str(text or "").split(SEPARATOR)]
        numbers = [int(part) if REGION_NUMBER.fullmatch(part) else None for part in parts]
        return [
            number if number in self.region_name else by_name.get(part.casefold())
            for number, part in zip(numbers, parts, strict=True)
        ]


def planning_day(frames: Mapping[str, pd.DataFrame], config: Config, today: date | None) -> date | None:
    """As ``Inputs.planning_date``, of input that may be wrong; None when it does not follow."""
    return config.valid_from or max(known_days(frames, today), default=None)


def known_days(frames: Mapping[str, pd.DataFrame], today: date | None) -> list[date]:
    """The day of the stock and today, those of them that are known."""
    counted = frames["stock"]["reference_date"].dropna() if "stock" in frames else pd.Series(dtype=object)
    known = [pd.Timestamp(counted.iloc[0]).date()] if len(counted) else []
    return known + ([today] if today else [])


def _special_groups(frames: Mapping[str, pd.DataFrame], config: Config, in_force: InForceNames) -> tuple[str, ...]:
    """Those that the division in force serves stay groups: who strikes out their team by mistake is told so."""
    cells: list[object] = [in_force.groups - {REGULAR_GROUP}]
    if {"kind", "client_groups"} <= set(frames.get("teams", ())):
        teams = frames["teams"]
        cells += teams.loc[teams["kind"] == "bijzonder", "client_groups"].tolist()
    return special_groups(config.special_groups, cells)


def told(values: pd.Series, text: str) -> Callable[[int], str]:
    """What is wrong with the value at a position."""
    return lambda at: text.format(values.iloc[at])


def listing(teams: pd.DataFrame, column: str, wanted: str | None) -> pd.DataFrame:
    """The teams whose ``column``, joined by |, has ``wanted``; all of them for None."""
    if wanted is None:
        return teams
    return teams[teams[column].map(lambda cell: wanted in values_of(cell)).astype(bool)]


def is_subset(text: object, allowed: Iterable[str]) -> bool:
    parts = str(text or "").split(SEPARATOR)
    return bool(parts) and set(parts) <= set(allowed) and len(parts) == len(set(parts))
