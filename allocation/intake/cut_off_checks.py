"""Checks of whether tables are whole: an export that broke off, or lacks a region, reads like any other.

Nothing here is refused: a postcode, and even a region, may have had nobody for a month. It is told.

Belongs here: what is absent where something is usual. Does not belong here: what is wrong with what is there
(``count_checks``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocation.contract.errors import Problem
from allocation.intake.checks import Checks, Rule
from allocation.intake.listing import MOST_PER_CHECK

LEAST_PART = 0.5
"""A month with clients of less than this part of the postcodes that a region usually has clients of is told. In the
example the fewest are 0.85 of the usual number."""
BEYOND_CHANCE = 4.0
"""And it must be so many standard deviations fewer: of a few postcodes half may have nobody by chance."""


class CutOffChecks(Checks):
    def rules(self) -> tuple[Rule, ...]:
        return (
            (self._every_postcode, ()),
            (self._nobody, ()),
            (self._every_region, ()),
            (self._every_month, ("inflow", "inflow.month", "inflow.pc4", "inflow.clients")),
        )

    def _every_postcode(self) -> None:
        """A table that tells something of every postcode and lacks some may have been cut off."""
        for table in ("current", "care_regions"):
            frame = self.frames.get(table, pd.DataFrame())
            missing = sorted(self.pc4 - set(frame["pc4"].dropna())) if len(frame) else []
            if missing:
                what = f"no row for {len(missing)} of the {len(self.pc4)} postcodes, the first is {missing[0]}"
                self._tell(table, "pc4", what, "usual: a row for every postcode")

    def _nobody(self) -> None:
        for table in ("inflow", "stock"):
            if table in self.frames and (self.frames[table]["clients"] == 0).all():
                self._tell(table, "clients", "there is no client in any row", "usual: clients")

    def _every_region(self) -> None:
        """Every region has teams (R1): one without any client, while others have them, is an export that lacks it."""
        for table, when in (("inflow", " in any month"), ("stock", "")):
            there = set(self._somebody(table)["region"]) if table in self.frames else set()
            missing = [name for nr, name in sorted(self.region_name.items()) if nr not in there]
            if there and missing:
                what = f"no client of region {_few(missing)}{when}"
                self._tell(table, "pc4", what, "usual: clients of every region")

    def _every_month(self) -> None:
        """Of each region a month with clients of far fewer postcodes than usual, the cause of a month in one remark."""
        rows = self._somebody("inflow", "month")
        months = sorted(set(self.frames["inflow"]["month"].dropna()) - set(self.config.work.exceptional_months))
        counted = rows.groupby(["region", "month"]).size().unstack(fill_value=0)
        counted = counted.reindex(columns=months, fill_value=0)
        usual = counted.where(counted > 0).median(axis=1).fillna(0.0)
        part = (usual + 0.5) / (rows.groupby("region")["pc4"].nunique() + 1.0)
        by_chance = np.sqrt(usual * (1.0 - part.clip(upper=1.0)))
        most = np.minimum(LEAST_PART * usual, usual - BEYOND_CHANCE * by_chance)
        short = counted.lt(most, axis=0)
        told = [month for month in months if short[month].any()]
        for month in told[:MOST_PER_CHECK]:
            here = counted.loc[short[month], month]
            parts = [(self.region_name[nr], int(count), float(usual[nr])) for nr, count in here.items()]
            self._tell("inflow", "month", _fewer(month, parts), "usual: clients of as many postcodes every month")
        if more := told[MOST_PER_CHECK:]:
            what = f"and so in {len(more)} more months, the last is {more[-1]}"
            self._tell("inflow", "month", what, "usual: clients of as many postcodes every month")

    def _somebody(self, table: str, *by: str) -> pd.DataFrame:
        """The postcodes with clients (and the columns ``by``), each once, with their region."""
        frame = self.frames[table]
        there = pd.to_numeric(frame["clients"], errors="coerce") > 0
        rows = frame.loc[there, ["pc4", *by]].drop_duplicates()
        return rows.assign(region=rows["pc4"].map(self.region_of)).dropna(subset=["region"])

    def _tell(self, table: str, column: str, what: str, usual: str) -> None:
        self.remarks.append(Problem(self.files[table], None, column, what, usual))


def _few(names: list[str]) -> str:
    more = len(names) - MOST_PER_CHECK
    return ", ".join(names[:MOST_PER_CHECK]) + (f" and {more} more regions" if more > 0 else "")


def _fewer(month: str, parts: list[tuple[str, int, float]]) -> str:
    (name, count, usual), *others = parts
    postcodes = "postcode" if count == 1 else "postcodes"
    what = f"in {month} clients of {count} {postcodes} in region {name}, where a month usually has {usual:g}"
    if len(others) == 1:
        name, count, usual = others[0]
        what += f"; and of {count} in region {name}, usually {usual:g}"
    return what + (f"; and likewise in {len(others)} more regions" if len(others) > 1 else "")
