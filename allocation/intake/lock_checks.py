"""Checks of the cells of the planners' locks; what the locks ask of teams and of each other is in ``locks``."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.intake.checks import Checks, Rule
from allocation.intake.locks import (
    SPLIT_KEY,
    Served,
    contradictions,
    keyed_by_split,
    overlapping_ranges,
    share_totals,
)
from allocation.intake.roster import KINDS_WITH_AREA, active_locks

LOCK_AREA = re.compile(r"(?P<pc4>[1-9][0-9]{3})(?:(?P<first>[A-Z]{2})(?:-(?P=pc4)(?P<last>[A-Z]{2}))?)?")


class LockChecks(Checks):
    def rules(self) -> tuple[Rule, ...]:
        return ((self._locks, ("teams", "locks", "clusters")),)

    def _locks(self) -> None:
        locks, teams = self.frames["locks"], self.frames["teams"]
        self._places(locks)
        kind_of = teams.drop_duplicates("team_id").set_index("team_id")["kind"]
        in_force = locks.index.isin(active_locks(locks, self.day).index) if self.day else np.ones(len(locks), np.bool_)
        self._teams(locks, kind_of, in_force)
        locks = locks.assign(team_kind=locks["team_id"].map(kind_of))
        self._shares(locks, in_force)
        self.problems += overlapping_ranges(locks[in_force], self.files["locks"])
        usable = locks[in_force & locks["area"].isin(self.pc4) & locks["team_kind"].isin(KINDS_WITH_AREA)]
        self.problems += contradictions(usable, self.files["locks"])
        if self.day and len(usable):
            served = Served(teams, self.frames["clusters"], self.region_of, self.region_name, self.day)
            self.problems += served.problems(usable, self.files["locks"])

    def _places(self, locks: pd.DataFrame) -> None:
        """Whether each place exists. Also: its postcode ``area``, and ``pc6_from`` and ``pc6_to`` of a range."""
        parts = (
            locks["pc4"]
            .astype("string")
            .str.replace(" ", "")
            .str.upper()
            .str.extract(f"^{LOCK_AREA.pattern}$".replace("(?P=pc4)", r"\1"))
        )
        locks["area"] = parts["pc4"].astype(object)
        locks["pc6_from"] = (parts["pc4"] + parts["first"]).astype(object)
        locks["pc6_to"] = (parts["pc4"] + parts["last"].fillna(parts["first"])).astype(object)
        at_pc6 = locks["pc6_from"].notna()
        wrong = (
            ~locks["area"].isin(self.pc4) | (at_pc6 & (locks["pc6_to"] < locks["pc6_from"]).fillna(True))
            if len(locks)
            else locks["area"].isna()
        )
        self.add(
            "locks",
            wrong,
            "pc4",
            lambda at: (
                f"{locks['pc4'].iloc[at]!r} is no existing postcode or PC6 range{self._heir(locks['area'].iloc[at])}"
            ),
            "a postcode; for split also 1013AA or 1013AA-1013AE",
        )
        self.add(
            "locks",
            at_pc6 & (locks["kind"] != "split"),
            "pc4",
            self.value("locks", "pc4"),
            "a four-digit postcode: only a split may name PC6",
        )

    def _teams(self, locks: pd.DataFrame, kind_of: pd.Series, in_force: NDArray[np.bool_]) -> None:
        """Whether each team exists and may have an area. ``kind_of``: indexed by team_id."""

        def unknown(at: int) -> str:
            ended = "" if in_force[at] else f" (the lock ended on {locks['valid_until'].iloc[at]:%Y-%m-%d})"
            return f"team {locks['team_id'].iloc[at]!r} does not exist{ended}"

        known = locks["team_id"].isin(kind_of.index)
        self.add(
            "locks",
            ~known & self.is_sure("teams.team_id"),
            "team_id",
            unknown,
            "a team of the file teams; a lock that has ended may be left out",
        )
        self.add(
            "locks",
            known & (locks["team_id"].map(kind_of) == "bijzonder"),
            "team_id",
            self.value("locks", "team_id"),
            "a team that has an area: regulier or participatiewet",
        )

    def _heir(self, pc4: object) -> str:
        return f"; {self.followed[str(pc4)]} is in its place now" if pc4 in self.followed else ""

    def _shares(self, locks: pd.DataFrame, in_force: NDArray[np.bool_]) -> None:
        split = locks["kind"] == "split"
        self.add(
            "locks",
            split & ~locks["share"].between(0, 1, inclusive="right"),
            "share",
            self.value("locks", "share"),
            "above 0 and at most 1 for a split",
        )
        self.add(
            "locks", ~split & locks["share"].notna(), "share", self.value("locks", "share"), "empty for pin and bar"
        )
        split &= in_force
        keyed = keyed_by_split(locks[split])
        total = share_totals(locks[split]).reindex(locks.index, fill_value=0.0)
        first = split & ~keyed.duplicated(SPLIT_KEY).reindex(locks.index, fill_value=True)
        self.add(
            "locks",
            first & ((total - 1).abs() > 1e-6),
            "share",
            lambda at: f"the shares of {locks['pc4'].iloc[at]} sum to {total.iloc[at]:g}",
            "shares that sum to 1 per postcode and line",
        )
