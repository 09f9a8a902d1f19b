"""Checks of the counts, the products and the division in force: what they say of each other."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from allocation.contract.errors import Problem
from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, PW_LAW, REGULAR_GROUP, values_of
from allocation.intake.cells import where
from allocation.intake.checks import MONTH, MONTHS_NEEDED, PC4, Checks, Rule, is_subset, told
from allocation.intake.listing import MOST_PER_CHECK

log = logging.getLogger(__name__)


class CountChecks(Checks):
    def rules(self) -> tuple[Rule, ...]:
        return (
            (self._postcodes, ()),
            (self._products, ("products",)),
            (self._counts, ("products",)),
            (self._pw_clients, ("products",)),
            (self._holders, ("stock", "teams", "current")),
            (self._months, ("inflow",)),
            (self._one_reference_date, ("stock",)),
            (self._current, ("current",)),
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

    def _counts(self) -> None:
        products = self.frames["products"].drop_duplicates("product").set_index("product")
        groups = (REGULAR_GROUP, *self.special_groups)
        for table in ("inflow", "stock"):
            if table not in self.frames:
                continue
            frame = self.frames[table]
            self.add(
                table,
                frame["product"].notna() & ~frame["product"].isin(products.index),
                "product",
                self.value(table, "product"),
                "a product of the file products",
            )
            self.add(
                table,
                frame["client_group"].notna() & ~frame["client_group"].isin(groups),
                "client_group",
                self.value(table, "client_group"),
                f"one of {', '.join(groups)}",
            )
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
        months = self.frames["inflow"]["month"]
        good = where(months, lambda cell: MONTH.fullmatch(cell) is not None)
        self.add("inflow", ~good & months.notna(), "month", self.value("inflow", "month"), "a month, YYYY-MM")
        present = sorted(months[good].unique())
        if not present:
            return
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
                dates.notna() & (dates != dates.dropna().iloc[0]),
                "reference_date",
                self.value("stock", "reference_date"),
                "the same date in every row",
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
