"""Checks of the planners' locks against each other and against the teams of the planning day.

Belongs here: whether locks contradict, and whether their team may serve that postcode and line. Does not belong here:
whether a cell can be read at all (``inputs``), and what a lock does to a division (``layers``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

import numpy as np
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

    ``locks``: those in force, by row, with ``area``, ``pc6_from`` and ``team_kind``.
    """
    found: dict[tuple[int, str, str], Problem] = {}
    if len(locks) < 2:
        return []
    for pair in _telling_pairs(locks).itertuples():
        fault = _pins_and_bars(pair) or _splits(pair)
        if fault:
            row, column, what, allowed = fault
            found.setdefault((row, column, allowed), Problem(file, row, column, what, allowed))
    return list(found.values())


def _telling_pairs(locks: pd.DataFrame) -> pd.DataFrame:
    """Each lock with the first of every sort that it may contradict, in which every fault is found where it begins.

    All pairs are too many: a postcode may be split into thousands of PC6 ranges.
    """
    locks = locks[["row", "area", "team_kind", "kind", "team_id", "pc4", "pc6_from", "client_line"]]
    place, per_line = ["area", "team_kind"], ["area", "team_kind", "client_line"]
    pins, splits, bars = (locks[locks["kind"] == kind] for kind in ("pin", "split", "bar"))
    divided = locks[locks["kind"] != "bar"].assign(is_whole=lambda some: some["pc6_from"].isna())
    first = divided.drop_duplicates([*per_line, "kind", "is_whole"])
    team_of_first = pins.groupby(per_line, dropna=False)["team_id"].transform("first")
    elsewhere = pins[pins["team_id"] != team_of_first].drop_duplicates(per_line)
    of_code = splits.drop_duplicates([*per_line, "pc4"])
    barred = bars.drop_duplicates([*per_line, "team_id"])
    pairs = pd.concat(
        [
            _pairs(first, divided, place),
            _pairs(elsewhere, pins, place),
            _pairs(of_code, splits, [*place, "pc4"]),
            _pairs(barred, divided, [*place, "team_id"]),
            _pairs(divided, barred, [*place, "team_id"]),
        ]
    )
    return pairs.drop_duplicates(["row", "row_b"]).sort_values(["row", "row_b"])


def _pairs(some: pd.DataFrame, others: pd.DataFrame, alike: list[str]) -> pd.DataFrame:
    """Each of ``some`` with each of ``others`` in a later row that counts for a client line of its and has the same
    ``alike``."""
    pairs = some.merge(others, on=alike, suffixes=("", "_b"))
    pairs = pairs.assign(**{f"{name}_b": pairs[name] for name in alike})
    one, other = pairs["client_line"], pairs["client_line_b"]
    return pairs[(pairs["row"] < pairs["row_b"]) & (one.isna() | other.isna() | (one == other))]


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
    """Two different PC6 ranges of one postcode and line may not share a full postcode: who would serve it?

    One problem for each range that overlaps with one in a row above it, and the first of these is named.
    """
    at_pc6 = locks[(locks["kind"] == "split") & locks["pc6_from"].notna()]
    ranges = at_pc6.drop_duplicates(["pc6_from", "pc6_to", "client_line", "team_kind"])
    found = []
    for _, mine in ranges.groupby(["area", "team_kind"], dropna=False):
        if len(mine) > 1:
            found += [
                Problem(file, int(later.row), "pc4", f"{later.pc4} and {one.pc4} (row {one.row}) overlap", APART)
                for one, later in _overlaps(mine)
            ]
    return sorted(found, key=lambda one: one.row or 0)


def _overlaps(ranges: pd.DataFrame) -> Iterator[tuple[Any, Any]]:
    """Of the ranges of one postcode, by row, each that overlaps with one above it, behind the first such one.

    For each full postcode at which a range begins or ends, and each line, it is kept which two ranges had it first: of
    two lines they may be the same range, which is no overlap.
    """
    codes = np.unique(ranges[["pc6_from", "pc6_to"]].to_numpy(dtype=str))
    begins, ends = (np.searchsorted(codes, ranges[name].to_numpy(dtype=str)) for name in ("pc6_from", "pc6_to"))
    rows = list(ranges.itertuples())
    nobody = len(rows)
    span = np.stack([np.append(begins, -1), np.append(ends, -1)], axis=1)
    lines = ranges["client_line"].fillna("").tolist()
    had = {line: np.full((2, len(codes)), nobody) for line in lines}
    for at, line in enumerate(lines):
        here = slice(begins[at], ends[at] + 1)
        compared = had.values() if not line else [had[one] for one in {"", line} if one in had]
        above = np.concatenate([both[:, here].ravel() for both in compared])
        above = above[(span[above] != span[at]).any(axis=1)]
        first = int(above.min(initial=nobody))
        if first < nobody:
            yield rows[first], rows[at]
        one, two = had[line][:, here]
        two[(one < nobody) & (two == nobody)] = at
        one[one == nobody] = at


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
        self.ability = cache(self._ability)  # there may be thousands of locks of one team
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
        why, regions, lines = self.ability(lock.team_id)
        if why:
            return lock.row, "team_id", f"{lock.area}, {lock.team_id}: the team {why}", AT_WORK
        region = self.region_of[lock.area]
        if region not in regions:
            what = f"{lock.area}, {lock.team_id}: the team does not serve region {self.region_name[region]}"
            return lock.row, "team_id", what, OF_THE_REGION
        if lock.client_line and self.lines[lock.team_kind, region] != (ALL_LINES,) and lock.client_line not in lines:
            what = f"{lock.area}, {lock.team_id}: the team does not serve line {lock.client_line}"
            return lock.row, "team_id", what, OF_THE_LINE
        return None

    def _ability(self, team_id: str) -> tuple[str | None, set[int], frozenset[str]]:
        """Why a team can serve nobody (None when it can), and which regions and lines it may serve."""
        periods = self.teams[self.teams["team_id"] == team_id]
        rows = able_teams(periods, self.day)
        regions: set[int] = set().union(*(widened(numbers, self.links) for numbers in rows["regions"]))
        return why_unable(periods, self.day), regions, frozenset().union(*rows["client_lines"].map(values_of))

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
