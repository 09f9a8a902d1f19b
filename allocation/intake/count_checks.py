"""Checks of the counts, the products and the division in force: what they say of each other."""

from __future__ import annotations

import logging
from datetime import date

import numpy as np
import pandas as pd

from allocation.contract.errors import Problem
from allocation.contract.vocabulary import ALL_LINES, CENTRAL, CLIENT_LINES, PW_LAW, REGULAR_GROUP, values_of
from allocation.intake.cells import where
from allocation.intake.checks import MONTH, MONTHS_NEEDED, PC4, Checks, Rule, is_subset, known_days, told
from allocation.intake.listing import MOST_PER_CHECK
from allocation.intake.roster import KINDS_WITH_AREA

log = logging.getLogger(__name__)

MOST_MONTHS_BEHIND = 6
"""Inflow that ends longer before the stock is unusual."""
MOST_ROUNDING = 1e-6
"""Shares that were rounded may sum to so much more than the whole."""


class CountChecks(Checks):
    def rules(self) -> tuple[Rule, ...]:
        return (
            (self._postcodes, ()),
            (self._products, ("products",)),
            (self._known_products, ("products.product",)),
            (self._known_groups, () if self.config.special_groups else ("teams.kind", "teams.client_groups")),
            (self._lines_of_products, ("products.product", "products.client_lines")),
            (self._pw_clients, ("products.product", "products.law")),
            (self._holders, ("stock", "teams.team_id", "current.team_id")),
            (self._months, ("inflow",)),
            (self._one_reference_date, ("stock",)),
            (self._current, ("current",)),
            (self._current_shares, ("current", "teams.team_id", "teams.kind")),
        )

    def _postcodes(self) -> None:
        allowed = f"one of the {len(self.pc4)} postcodes of the boundaries in use, or a line in replaced_postcodes"
        for table, column in (
            ("inflow", "pc4"),
            ("stock", "pc4"),
            ("care_regions", "pc4"),
            ("coverage", "pc4"),
            ("travel", "pc4"),
            ("staff", "pc4"),
            ("travel", "office_pc4"),
            ("teams", "office_pc4"),
        ):
            if table in self.frames:
                values = self.frames[table][column]
                self.add(
                    table,
                    where(values, lambda pc4: pc4 not in self.pc4),
                    column,
                    told(values, "postcode {!r} does not exist"),
                    allowed,
                )

    def _products(self) -> None:
        products = self.frames["products"]
        bad_lines = products["client_lines"].map(lambda text: not is_subset(text, CLIENT_LINES))
        self.add(
            "products",
            bad_lines,
            "client_lines",
            self.value("products", "client_lines"),
            "vangnet, werkgever or vangnet|werkgever",
        )
        self.add(
            "products",
            (products["law"] == "ZW") & (products["client_lines"] == "werkgever"),
            "client_lines",
            lambda at: f"product {products['product'].iloc[at]!r} of the ZW is for the werkgeverslijn only",
            "vangnet: clients of the ZW belong to the vangnetlijn",
        )
        nobodys = (products[["hours_verzekeringsarts", "hours_other"]] == 0).all(axis=1)
        nobodys &= ~products["handled_by"].eq(CENTRAL).fillna(False).astype(bool)
        said = told(products["product"], "product {!r} takes nobody's hours")
        self.remark("products", nobodys, "hours_verzekeringsarts", said, "usual: hours, or handled_by central")

    def _counted(self) -> list[tuple[str, pd.DataFrame]]:
        return [(table, self.frames[table]) for table in ("inflow", "stock") if table in self.frames]

    def _known_products(self) -> None:
        products = self.frames["products"]["product"]
        for table, frame in self._counted():
            unknown = frame["product"].notna() & ~frame["product"].isin(products)
            self.add(table, unknown, "product", self.value(table, "product"), "a product of the file products")

    def _known_groups(self) -> None:
        groups = (REGULAR_GROUP, *self.special_groups)
        for table, frame in self._counted():
            unknown = frame["client_group"].notna() & ~frame["client_group"].isin(groups)
            self.add(table, unknown, "client_group", self.value(table, "client_group"), f"one of {', '.join(groups)}")

    def _lines_of_products(self) -> None:
        products = self.frames["products"].drop_duplicates("product").set_index("product")
        for table, frame in self._counted():
            pairs = frame[["product", "client_line"]].drop_duplicates()
            lines = pairs["product"].map(products["client_lines"]).fillna("|".join(CLIENT_LINES))
            odd = {
                (code, line)
                for code, line, allowed in zip(pairs["product"], pairs["client_line"], lines, strict=True)
                if line not in {*values_of(allowed), ALL_LINES, None}
            }
            is_odd = pd.MultiIndex.from_frame(frame[["product", "client_line"]]).isin(odd) if odd else np.False_
            self.add(
                table,
                pd.Series(is_odd, index=frame.index),
                "client_line",
                lambda at, f=frame: (
                    f"line {f['client_line'].iloc[at]!r} does not belong to product {f['product'].iloc[at]!r}"
                ),  # type: ignore[misc]
                "the lines of the product, or alle",
            )

    def _pw_clients(self) -> None:
        """Who has a file of the Participatiewet is a PW client (R17)."""
        of_pw = set(self.frames["products"].loc[self.frames["products"]["law"] == PW_LAW, "product"])
        for table in ("inflow", "stock"):
            if table not in self.frames:
                continue
            frame = self.frames[table]
            denied = frame["pw_client"].isin([False, "false"]) & frame["product"].isin(of_pw)
            self.add(
                table,
                denied,
                "pw_client",
                told(frame["product"], "product {!r} is of the PW, so its client cannot be no PW client"),
                "true, or empty",
            )

    def _holders(self) -> None:
        """A team that holds files is or was a team: of the list, or of the division in force (R18)."""
        stock, known = self.frames["stock"], {*self.frames["teams"]["team_id"], *self.frames["current"]["team_id"]}
        self.add(
            "stock",
            stock["team_id"].notna() & ~stock["team_id"].isin(known | self.in_force.teams),
            "team_id",
            told(stock["team_id"], "team {!r} is not known: neither in teams nor in the division in force"),
            "a team of the file teams (one that has ended too) or of the division in force, or empty: not known",
        )

    def _months(self) -> None:
        """Clients came in in a month that has begun, when the stock was counted or by today."""
        months = self.frames["inflow"]["month"]
        good = where(months, lambda cell: MONTH.fullmatch(cell) is not None)
        self.add("inflow", ~good & months.notna(), "month", self.value("inflow", "month"), "a month, YYYY-MM")
        days = known_days(self.frames, self.today)
        if days:
            last = f"{max(days):%Y-%m}"
            later = good & (months.where(good, "") > last)
            self.add("inflow", later, "month", told(months, "month {} is still to come"), f"at the latest {last}")
            good &= ~later
        present = sorted(months[good].unique())
        if present:
            self._every_month(present)
            self._until_the_stock(present[-1], min(days, default=None))

    def _until_the_stock(self, last: str, day: date | None) -> None:
        """Inflow that ends long before the stock was counted may be a file of another year."""
        first = None if day is None else f"{pd.Timestamp(day) - pd.DateOffset(months=MOST_MONTHS_BEHIND):%Y-%m}"
        if first is not None and last < first:
            what = f"the last month is {last}: nothing is known of those until {day:%Y-%m}"
            self.remarks.append(Problem(self.files["inflow"], None, "month", what, f"usual: until {first} or later"))

    def _every_month(self, present: list[str]) -> None:
        """A year or more, and no month left out."""
        expected = pd.period_range(present[0], present[-1], freq="M").astype(str)
        gone = sorted(set(expected) - set(present))
        more = len(gone[MOST_PER_CHECK:])
        if gone:
            self.problems.append(
                Problem(
                    self.files["inflow"],
                    None,
                    "month",
                    f"no rows for {', '.join(gone[:MOST_PER_CHECK])}" + (f" and {more} other months" if more else ""),
                    "every month between the first and the last",
                )
            )
        if len(expected) < MONTHS_NEEDED:
            self.problems.append(
                Problem(
                    self.files["inflow"],
                    None,
                    "month",
                    f"{len(expected)} months of history",
                    f"at least {MONTHS_NEEDED}",
                )
            )

    def _one_reference_date(self) -> None:
        dates = self.frames["stock"]["reference_date"]
        if dates.notna().any():
            self.add(
                "stock",
                dates.notna() & (dates != dates.mode().iloc[0]),
                "reference_date",
                self.value("stock", "reference_date"),
                "the same date in every row",
            )
        if self.today is not None:
            first, last = pd.Timestamp(self.today) - pd.DateOffset(years=1), pd.Timestamp(self.today)
            self.remark(
                "stock",
                dates.notna() & ~dates.between(first, last),
                "reference_date",
                lambda at: f"the stock is of {dates.iloc[at]:%Y-%m-%d}",
                f"usual: from {first:%Y-%m-%d} to {last:%Y-%m-%d}",
            )

    def _current(self) -> None:
        """The division in force may know postcodes that the boundaries no longer have: they are listed as changes."""
        current = self.frames["current"]
        if current.empty:
            return
        pc4 = current["pc4"].astype("string")
        is_code = pc4.str.fullmatch(PC4.pattern).fillna(False).astype(bool)
        self.add("current", ~is_code & pc4.notna(), "pc4", self.value("current", "pc4"), "four digits")
        gone = sorted(set(pc4[is_code]) - self.pc4)
        if gone:
            shown_codes = ", ".join(gone[:MOST_PER_CHECK])
            log.warning("current: %d postcodes have no area any more: %s", len(gone), shown_codes)

    def _current_shares(self) -> None:
        """Of a postcode, a line and a kind of team no more than the whole is divided; a row of ``alle`` counts for both
        lines. Teams that have gone are of no known kind and are told."""
        current, teams = self.frames["current"], self.frames["teams"].drop_duplicates("team_id")
        kind = current["team_id"].map(teams.set_index("team_id")["kind"].to_dict()).where(current["team_id"].notna())
        gone = current["team_id"].notna() & kind.isna() & ~current["team_id"].isin(self.in_force.teams)
        said = told(current["team_id"], "team {!r} is not in the file teams: it is taken for one that is gone")
        self.remark("current", gone, "team_id", said, "a team of the file teams")
        share = pd.to_numeric(current["share"], errors="coerce")
        over, under = pd.Series(False, index=current.index), pd.Series(False, index=current.index)
        total = pd.Series(0.0, index=current.index)
        for line in CLIENT_LINES:
            here = current["client_line"].isin([line, ALL_LINES]) & kind.isin(KINDS_WITH_AREA)
            mine = share.where(here).groupby([current["pc4"], kind]).transform("sum")
            total = total.where(~here | (total > mine), mine)
            over |= here & (mine > 1 + MOST_ROUNDING)
            under |= here & (mine < 1 - MOST_ROUNDING)
        first = over & ~current.assign(kind=kind)[over].duplicated(["pc4", "kind"]).reindex(
            over.index, fill_value=False
        )
        named = current["pc4"].astype(str) + " and teams of kind " + kind.astype(str)
        allowed = "shares that sum to 1 per postcode, line and kind of team"
        self.add(
            "current", first, "share", lambda at: f"the shares of {named.iloc[at]} sum to {total.iloc[at]:g}", allowed
        )
        less = "the shares of a postcode, line and kind of team sum to less than 1"
        self.remark("current", under & ~over, "share", lambda _: less, "usual: 1")
