"""Checks of the planners' locks against each other and against the teams of the planning day.

Belongs here: whether locks contradict, and whether their team may serve that postcode and line. Does not belong here:
whether a cell can be read at all (``inputs``), and what a lock does to a division (``layers``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pandas as pd

from allocation.contract.errors import Problem
from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, values_of
from allocation.intake.roster import (
    KINDS_WITH_AREA,
    able_teams,
    active_teams,
    divided_lines,
    join_regions,
    why_unable,
    widened,
)

ONE_TEAM = "one team, or kind split"
ONE_KIND = "one of the two"
PIN_OR_SPLIT = "a pin or a split, not both"
WHOLE_OR_RANGES = "a split of the whole postcode or of PC6 ranges, not both"
LINES_OR_EACH = "shares for every line, or shares per line"
APART = "ranges that do not overlap"
OF_THE_REGION = "a team that serves the postcode's region"
OF_THE_LINE = "a team that serves the line of the lock"
BOTH_LINES = "empty: the lock counts for both lines"
SOMEBODY_LEFT = "a bar that leaves the postcode a team"
AT_WORK = "a team that is valid and has verzekeringsartsen on the first day of the division"
"""What is allowed, of each fault of a lock: these name the fault to whoever has words of his own for it."""

Fault = tuple[int, str, str, str]
"""Row, column, what is wrong, what is allowed."""


def contradictions(locks: pd.DataFrame, file: str) -> list[Problem]:
    """Two locks of one postcode and kind of team, both in force, that cannot both hold for the same client line.

    ``locks``: those in force, with ``area``, ``pc6_from`` and ``team_kind``.
    """
    pairs = locks.merge(locks, on=["area", "team_kind"], suffixes=("", "_b"))
    pairs = pairs[pairs["row"] < pairs["row_b"]]
    one, other = pairs["client_line"], pairs["client_line_b"]
    found: dict[tuple[int, str, str], Problem] = {}
    for pair in pairs[one.isna() | other.isna() | (one == other)].itertuples():
        fault = _pins_and_bars(pair) or _splits(pair)
        if fault:
            row, column, what, allowed = fault
            found.setdefault((row, column, allowed), Problem(file, row, column, what, allowed))
    return list(found.values())


def _pins_and_bars(pair: Any) -> Fault | None:
    kinds, same_team = {pair.kind, pair.kind_b}, pair.team_id == pair.team_id_b
    if kinds == {"pin"} and not same_team:
        what = f"postcode {pair.area} is pinned to {pair.team_id} and to {pair.team_id_b}"
        return pair.row_b, "team_id", what, ONE_TEAM
    if "bar" in kinds and len(kinds) == 2 and same_team:
        row, other = (pair.row_b, pair.row) if pair.kind == "bar" else (pair.row, pair.row_b)
        return row, "kind", f"team {pair.team_id} is barred from {pair.area} in row {other}", ONE_KIND
    return None


def _splits(pair: Any) -> Fault | None:
    is_whole = [not isinstance(first, str) for first in (pair.pc6_from, pair.pc6_from_b)]
    if {pair.kind, pair.kind_b} == {"pin", "split"} and all(is_whole):
        what = f"postcode {pair.area} is both pinned and split (rows {pair.row} and {pair.row_b})"
        return pair.row_b, "kind", what, PIN_OR_SPLIT
    if pair.kind != "split" or pair.kind_b != "split":
        return None
    if is_whole[0] != is_whole[1]:
        what = f"postcode {pair.area} is split as a whole and by PC6 (rows {pair.row} and {pair.row_b})"
        return pair.row_b, "pc4", what, WHOLE_OR_RANGES
    if pair.pc4 == pair.pc4_b and pair.client_line != pair.client_line_b:
        what = f"{pair.pc4} is split for every line and for one line (rows {pair.row} and {pair.row_b})"
        return pair.row_b, "client_line", what, LINES_OR_EACH
    return None


SPLIT_KEY = ["pc4", "client_line", "team_kind"]
"""What one split is about: its shares sum to 1."""


def keyed_by_split(splits: pd.DataFrame) -> pd.DataFrame:
    """Locks of the kind split with ``SPLIT_KEY`` filled, to group them by."""
    return splits.assign(**{name: splits[name].fillna("") for name in SPLIT_KEY})


def share_totals(splits: pd.DataFrame) -> pd.Series:
    """Beside each lock of the kind split the sum of the shares of its split."""
    return keyed_by_split(splits).groupby(SPLIT_KEY)["share"].transform("sum")


def overlapping_ranges(locks: pd.DataFrame, file: str) -> list[Problem]:
    """Two different PC6 ranges of one postcode and line may not share a full postcode: who would serve it?"""
    at_pc6 = locks[(locks["kind"] == "split") & locks["pc6_from"].notna()]
    ranges = at_pc6.drop_duplicates(["pc6_from", "pc6_to", "client_line", "team_kind"]).sort_values(
        "pc6_from", kind="stable"
    )
    both = ranges.merge(ranges, on=["area", "team_kind"], suffixes=("", "_b"))
    same_line = (
        both["client_line"].isna() | both["client_line_b"].isna() | (both["client_line"] == both["client_line_b"])
    )
    clash = (both["row"] < both["row_b"]) & same_line
    clash &= (both["pc6_from"] <= both["pc6_to_b"]) & (both["pc6_from_b"] <= both["pc6_to"])
    clash &= (both["pc6_from"] != both["pc6_from_b"]) | (both["pc6_to"] != both["pc6_to_b"])
    found = []
    for row in both[clash].itertuples():
        what = f"{row.pc4_b} and {row.pc4} (row {row.row}) overlap"
        found.append(Problem(file, int(str(row.row_b)), "pc4", what, APART))
    return found


class Served:
    """Who may serve what on the planning day, and the locks that ask for something else."""

    def __init__(
        self,
        teams: pd.DataFrame,
        clusters: pd.DataFrame,
        region_of: Mapping[str, int],
        region_name: Mapping[int, str],
        day: date,
    ) -> None:
        self.teams, self.region_of, self.region_name, self.day = teams, region_of, region_name, day
        named = clusters.dropna(subset=["region"])
        self.links = [set(group.astype(int)) for _, group in named.groupby("cluster")["region"]]
        active = active_teams(teams, day)
        self.lines: dict[tuple[str, int], tuple[str, ...]] = {}
        for kind in KINDS_WITH_AREA:
            mine = active[active["kind"] == kind]
            for members in join_regions(region_name, [*self.links, *mine["regions"]]):
                here = mine["regions"].map(lambda numbers, m=members: bool(m & set(numbers))).astype(bool)
                self.lines |= {(kind, nr): divided_lines(mine[here], kind) for nr in members}

    def problems(self, locks: pd.DataFrame, file: str) -> list[Problem]:
        """Locks in force (as for ``contradictions``) that their team or region cannot follow."""
        both = locks.groupby(["pc4", "team_id", "kind", "share"], dropna=False)["client_line"].transform("nunique")
        faults: list[Fault | None] = []
        for lock, for_both in zip(locks.itertuples(), both == len(CLIENT_LINES), strict=True):
            unable = None if lock.kind == "bar" else self._team_cannot(lock)
            faults.append(unable or (None if for_both else self._no_such_line(lock)))
        faults += self._nobody_left(locks[locks["kind"] == "bar"])
        return [Problem(file, *fault) for fault in faults if fault]

    def _team_cannot(self, lock: Any) -> Fault | None:
        periods = self.teams[self.teams["team_id"] == lock.team_id]
        why = why_unable(periods, self.day)
        if why:
            return lock.row, "team_id", f"{lock.area}, {lock.team_id}: the team {why}", AT_WORK
        region = self.region_of[lock.area]
        rows = able_teams(periods, self.day)
        if not any(region in widened(numbers, self.links) for numbers in rows["regions"]):
            what = f"{lock.area}, {lock.team_id}: the team does not serve region {self.region_name[region]}"
            return lock.row, "team_id", what, OF_THE_REGION
        lines = frozenset().union(*rows["client_lines"].map(values_of))
        if lock.client_line and self.lines[lock.team_kind, region] != (ALL_LINES,) and lock.client_line not in lines:
            what = f"{lock.area}, {lock.team_id}: the team does not serve line {lock.client_line}"
            return lock.row, "team_id", what, OF_THE_LINE
        return None

    def _no_such_line(self, lock: Any) -> Fault | None:
        region = self.region_of[lock.area]
        if not lock.client_line or self.lines[lock.team_kind, region] != (ALL_LINES,):
            return None
        why = f"every team of region {self.region_name[region]} serves both lines"
        if lock.team_kind != "regulier":
            why = "the Participatiewet is not divided by line"
        what = f"{lock.area}, {lock.team_id}: a lock for line {lock.client_line} alone is not possible, for {why}"
        return lock.row, "client_line", what, BOTH_LINES

    def _nobody_left(self, bars: pd.DataFrame) -> Iterator[Fault]:
        able = able_teams(self.teams, self.day)
        for _, mine in bars.groupby(["area", "team_kind"]):
            area, kind = str(mine["area"].iloc[0]), str(mine["team_kind"].iloc[0])
            region = self.region_of[area]
            of_kind = able[able["kind"] == kind]
            here = of_kind["regions"].map(lambda numbers, r=region: r in widened(numbers, self.links)).astype(bool)
            for line in self.lines[kind, region]:
                wanted = CLIENT_LINES if line == ALL_LINES else (line,)
                serve = of_kind[here & of_kind["client_lines"].map(lambda cell, w=wanted: bool(values_of(cell) & {*w}))]
                held = mine if line == ALL_LINES else mine[mine["client_line"].isna() | (mine["client_line"] == line)]
                names = set(serve["team_id"])
                if names and names <= set(held["team_id"]):
                    of_line = "" if line == ALL_LINES else f" for line {line}"
                    what = f"{area}: every team that may serve it{of_line} is barred ({', '.join(sorted(names))})"
                    yield int(held["row"].max()), "team_id", what, SOMEBODY_LEFT
