"""Checks of the finished work: months, teams, products and lines, and hours and days that fit the clients."""

from __future__ import annotations

import pandas as pd

from allocation.contract.input_tables import MOST_HOURS
from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, values_of
from allocation.intake.cells import where
from allocation.intake.checks import MONTH, Checks, Rule, told

TABLE = "completed"
MOST_YEARS = 5
"""Finished work of longer ago is unusual."""


class CompletedChecks(Checks):
    def rules(self) -> tuple[Rule, ...]:
        return (
            (self._months, (TABLE,)),
            (self._teams, (TABLE, "teams.team_id", "current.team_id")),
            (self._before_the_team, (TABLE, "teams")),
            (self._products, (TABLE, "products.product", "products.client_lines")),
            (self._amounts, (TABLE,)),
        )

    def _months(self) -> None:
        """Work is finished in a month that has begun."""
        months = self.frames[TABLE]["month"]
        good = where(months, lambda cell: MONTH.fullmatch(cell) is not None)
        self.add(TABLE, ~good & months.notna(), "month", self.value(TABLE, "month"), "a month, YYYY-MM")
        if self.day is not None:
            last = f"{self.day:%Y-%m}"
            later = good & (months.where(good, "") > last)
            self.add(TABLE, later, "month", told(months, "month {} is still to come"), f"at the latest {last}")
            first = f"{self.day.year - MOST_YEARS}-01"
            self.remark(
                TABLE,
                good & (months.where(good, first) < first),
                "month",
                told(months, "month {} is long ago"),
                f"usual: {first} or later",
            )

    def _before_the_team(self) -> None:
        """Work that a team finished before its first day is told: a month or a code may be wrong."""
        frame, teams = self.frames[TABLE], self.frames["teams"]
        first = teams.groupby("team_id")["valid_from"].min()
        started = frame["team_id"].map(first.dt.strftime("%Y-%m").to_dict()).astype(object)
        early = started.notna() & frame["month"].notna() & (frame["month"].fillna("9") < started.fillna(""))
        self.remark(
            TABLE,
            early,
            "month",
            lambda at: (
                f"team {frame['team_id'].iloc[at]!r} finished work in {frame['month'].iloc[at]}, before it started"
            ),
            "usual: from the first day of the team",
        )

    def _teams(self) -> None:
        """Finished work decides nothing in a division: that of a team which nobody knows any more is told."""
        given = self.frames[TABLE]["team_id"]
        known = {*self.frames["teams"]["team_id"], *self.frames["current"]["team_id"], *self.in_force.teams}
        self.remark(
            TABLE,
            given.notna() & ~given.isin(known),
            "team_id",
            told(given, "team {!r} is not known: neither in teams nor in the division in force"),
            "usual: a team of the file teams (one that has ended too) or of the division in force",
        )

    def _products(self) -> None:
        frame, products = self.frames[TABLE], self.frames["products"].drop_duplicates("product")
        lines = products.set_index("product")["client_lines"].to_dict()
        given = frame["product"]
        unknown = given.notna() & ~given.isin(list(lines))
        self.add(TABLE, unknown, "product", self.value(TABLE, "product"), "a product of the file products")
        odd = [
            code in lines and line in CLIENT_LINES and line not in values_of(lines[code])
            for code, line in zip(given, frame["client_line"], strict=True)
        ]
        self.add(
            TABLE,
            pd.Series(odd, index=frame.index, dtype=bool),
            "client_line",
            lambda at: f"line {frame['client_line'].iloc[at]!r} does not belong to product {given.iloc[at]!r}",
            f"the lines of the product, or {ALL_LINES}",
        )

    def _amounts(self) -> None:
        """Hours and days are of the clients of the row."""
        frame = self.frames[TABLE]
        names = ("clients", "hours_verzekeringsarts", "lead_time_days")
        clients, hours, days = (pd.to_numeric(frame[name], errors="coerce") for name in names)
        each = hours / clients.where(clients > 0)
        self.add(
            TABLE,
            each > MOST_HOURS,
            "hours_verzekeringsarts",
            lambda at: f"{hours.iloc[at]:g} hours for {clients.iloc[at]:g} clients",
            f"hours, at most {MOST_HOURS} for a client",
        )
        self.add(
            TABLE,
            days.notna() & (clients == 0),
            "lead_time_days",
            told(days, "a lead time of {:g} days without a finished client"),
            "empty where no client was finished",
        )
