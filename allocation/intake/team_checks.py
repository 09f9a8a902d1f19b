"""Checks of the team list and the clusters: whether everybody has a team that may serve him."""

from __future__ import annotations

import unicodedata

import pandas as pd

from allocation.contract import vocabulary
from allocation.contract.errors import Problem
from allocation.contract.vocabulary import CLIENT_LINES, PW_LAW, SEPARATOR, values_of
from allocation.intake.checks import Checks, Rule, is_subset, listing, told
from allocation.intake.roster import able_teams, join_regions, why_unable

SERVING = (
    "teams.kind", "teams.arbeidsmarktregio", "teams.client_lines", "teams.fte_verzekeringsarts", "teams.productivity",
    "teams.valid_from", "teams.valid_to",
)  # fmt: skip
"""What decides whether a team serves anybody."""


def other_script(code: str) -> str | None:
    """The first letter of ``code`` that is not Latin, by its name in Unicode; None where there is none."""
    names = (unicodedata.name(sign, "an unknown letter") for sign in code if sign.isalpha())
    return next((name.lower() for name in names if not name.startswith("LATIN")), None)


def stands_for_several(code: str) -> bool:
    """Whether a code has a sign that joins teams in a cell or stands for every team."""
    return SEPARATOR in code or "*" in code


def first_spelling(team_id: pd.Series) -> pd.Series:
    """Beside each code the first one that differs from it at most in capitals."""
    return team_id.groupby(team_id.str.casefold()).transform("first")


class TeamChecks(Checks):
    def rules(self) -> tuple[Rule, ...]:
        return (
            (self._teams, ("teams",)),
            (self._clusters, ("clusters",)),
            (self._special_teams, ("teams", "stock")),
            (self._every_region_served, (*SERVING, "clusters.cluster", "clusters.arbeidsmarktregio", "stock")),
            (self._every_group_served, (*SERVING, "teams.client_groups", "stock")),
        )

    def _teams(self) -> None:
        teams = self.frames["teams"]
        regions = teams["arbeidsmarktregio"].map(self.region_numbers)
        teams["regions"] = regions.map(lambda numbers: [n for n in numbers if n is not None])
        special = teams["kind"] == "bijzonder"
        self.add(
            "teams",
            regions.map(lambda numbers: None in numbers) & ~special,
            "arbeidsmarktregio",
            lambda at: (
                f"team {teams['team_id'].iloc[at]} has no existing region ({teams['arbeidsmarktregio'].iloc[at]!r})"
            ),
            "numbers or names of arbeidsmarktregio's, joined by |",
        )
        self._one_spelling(teams["team_id"])
        for column, allowed in (("client_lines", CLIENT_LINES), ("laws", vocabulary.LAWS)):
            wrong = teams[column].map(lambda text, ok=allowed: not is_subset(text, ok))
            self.add("teams", wrong, column, self.value("teams", column), f"{', '.join(allowed)}, joined by |")
        self.add(
            "teams",
            teams["laws"].eq("ZW"),
            "laws",
            lambda at: f"team {teams['team_id'].iloc[at]} serves only ZW",
            "ZW|WIA, WIA or PW: a team with only ZW clients is not allowed",
        )
        pw_law = teams["laws"].map(lambda cell: PW_LAW in values_of(cell))
        self.add(
            "teams",
            (teams["kind"] == "participatiewet") & ~pw_law,
            "laws",
            self.value("teams", "laws"),
            "PW for a team of kind participatiewet",
        )
        self.add(
            "teams",
            (teams["kind"] == "regulier") & pw_law,
            "laws",
            self.value("teams", "laws"),
            "ZW and WIA for a team of kind regulier: PW has its own teams",
        )
        wrong_groups = special & ~teams["client_groups"].map(lambda text: is_subset(text, self.special_groups))
        self.add(
            "teams",
            wrong_groups,
            "client_groups",
            self.value("teams", "client_groups"),
            f"{', '.join(self.special_groups) or 'the names of its groups'}, joined by |",
        )
        self.add(
            "teams",
            teams["valid_to"] < teams["valid_from"],
            "valid_to",
            self.value("teams", "valid_to"),
            "a date on or after valid_from",
        )
        self._overlapping_validity(teams)
        self._one_name(teams)

    def _special_teams(self) -> None:
        """A special team gets every client of its groups: it must serve their laws, and both lines (R4)."""
        if self.day is None:
            return
        teams = self.frames["teams"]
        routed = {"ZW", "WIA", PW_LAW} if self.config.special_first else {"ZW", "WIA"}
        gets_clients = (teams["kind"] == "bijzonder") & teams.index.isin(able_teams(teams, self.day).index)
        for column, needed in (("laws", routed), ("client_lines", set(CLIENT_LINES))):
            missing = teams[column].map(lambda cell, n=needed: SEPARATOR.join(sorted(n - values_of(cell))))
            said = teams["team_id"].astype(str) + " does not serve " + missing + ", which clients of its groups need"
            allowed = "|".join(sorted(needed))
            self.add("teams", gets_clients & (missing != ""), column, told(said, "special team {}"), allowed)

    def _one_spelling(self, team_id: pd.Series) -> None:
        """Codes that differ only in capitals are one team to a person and two to a database."""
        first = first_spelling(team_id)
        self.add(
            "teams",
            team_id.notna() & (team_id != first),
            "team_id",
            lambda at: f"team {team_id.iloc[at]!r} differs only in capitals from {first.iloc[at]!r}",
            "one spelling per team, and codes that differ in more than capitals",
        )
        self.add(
            "teams",
            team_id.map(stands_for_several, na_action="ignore").eq(True),
            "team_id",
            told(team_id, "team {!r} has a sign that joins or stands for several teams"),
            f"a code without {SEPARATOR} and *",
        )
        foreign = team_id.map(other_script, na_action="ignore")
        self.add(
            "teams",
            foreign.notna(),
            "team_id",
            lambda at: f"team {team_id.iloc[at]!r} is written with {foreign.iloc[at]}, which looks like another letter",
            "Latin letters: two codes that look the same are one team to a person and two to a database",
        )

    def _overlapping_validity(self, teams: pd.DataFrame) -> None:
        ordered = teams.sort_values(["team_id", "valid_from"], kind="stable")
        end = ordered.groupby("team_id")["valid_to"].shift().fillna(pd.Timestamp.max.normalize())
        overlap = ordered["team_id"].duplicated() & (ordered["valid_from"] <= end)
        self.add(
            "teams",
            overlap.reindex(teams.index),
            "valid_from",
            lambda at: f"team {teams['team_id'].iloc[at]} is valid twice from {teams['valid_from'].iloc[at]:%Y-%m-%d}",
            "periods of one team that do not overlap",
        )

    def _one_name(self, teams: pd.DataFrame) -> None:
        """K&S reads teams by name and office (`kns_postcode`): of two of one day it is told the codes too."""
        key = ["name", "office"]
        ordered = teams.dropna(subset=["team_id", "valid_from", *key]).sort_values([*key, "valid_from"], kind="stable")
        before = ordered.groupby(key)
        other = before["team_id"].shift()
        until = ordered["valid_to"].fillna(pd.Timestamp.max.normalize()).groupby([ordered[k] for k in key]).cummax()
        until = until.groupby([ordered[k] for k in key]).shift()
        twin = other.notna() & (other != ordered["team_id"]) & (ordered["valid_from"] <= until)
        of = other.reindex(teams.index)
        self.remark(
            "teams",
            twin.reindex(teams.index, fill_value=False),
            "name",
            lambda at: (
                f"team {teams['team_id'].iloc[at]!r} has the name {teams['name'].iloc[at]!r} and the office "
                f"{teams['office'].iloc[at]!r} of team {of.iloc[at]!r}, on the same days"
            ),
            "usual: a name of its own for each team of an office",
        )

    def _clusters(self) -> None:
        clusters = self.frames["clusters"]
        numbers = clusters["arbeidsmarktregio"].map(
            lambda text: self.region_numbers(text)[0] if text and "|" not in str(text) else None
        )
        clusters["region"] = numbers.astype("Int64")
        self.add(
            "clusters",
            numbers.isna(),
            "arbeidsmarktregio",
            self.value("clusters", "arbeidsmarktregio"),
            "the number or name of one arbeidsmarktregio",
        )
        self.add(
            "clusters",
            clusters["region"].duplicated() & numbers.notna(),
            "arbeidsmarktregio",
            lambda at: f"region {clusters['arbeidsmarktregio'].iloc[at]!r} stands in more than one row",
            "each region in one cluster",
        )

    def _every_region_served(self) -> None:
        """R1: each region has a team for each line and for PW, alone or through its cluster."""
        teams = self.frames["teams"]
        if self.day is None:
            return
        able = able_teams(teams, self.day)
        wanted = [("regulier", line) for line in CLIENT_LINES] + [("participatiewet", None)]
        for kind, line in wanted:
            serving = listing(able[able["kind"] == kind], "client_lines", line)
            served = {nr for numbers in serving["regions"] for nr in numbers}
            for members in self._joined_regions(serving):
                if not members & served:
                    self._unserved(members, kind, line)

    def _every_group_served(self) -> None:
        """R4: each special group has a team."""
        teams = self.frames["teams"]
        if self.day is None:
            return
        able = able_teams(teams, self.day)
        for group in self.special_groups:
            if listing(able, "client_groups", group).empty:
                unable = self._unable(listing(teams, "client_groups", group))
                what = f"no team for client group {group!r}{unable}"
                allowed = "at least one team of kind bijzonder with verzekeringsartsen for each special group"
                self.problems.append(Problem(self.files["teams"], None, "client_groups", what, allowed))

    def _unserved(self, members: set[int], kind: str, line: str | None) -> None:
        names = ", ".join(self.region_name[nr] for nr in sorted(members))
        served = f"of kind {kind}" + (f" for line {line}" if line else "")
        teams = self.frames["teams"]
        here = teams["regions"].map(lambda numbers: bool(members & set(numbers))).astype(bool)
        unable = self._unable(listing(teams[here & (teams["kind"] == kind)], "client_lines", line))
        what = f"region {names} has no team {served}{unable}"
        allowed = "a team for every region, or a cluster with a region that has one"
        self.problems.append(Problem(self.files["teams"], None, "arbeidsmarktregio", what, allowed))

    def _unable(self, teams: pd.DataFrame) -> str:
        """Why the teams that are listed do not count, between brackets."""
        assert self.day is not None
        said = [f"{team_id} {why_unable(periods, self.day)}" for team_id, periods in teams.groupby("team_id")]
        return f" ({'; '.join(said)})" if said else ""

    def _joined_regions(self, serving: pd.DataFrame) -> list[set[int]]:
        """Regions that are served together: by cluster, or by a team that serves several."""
        clusters = self.frames["clusters"].dropna(subset=["region"])
        links = [list(group.astype(int)) for _, group in clusters.groupby("cluster")["region"]]
        return join_regions(self.region_name, [*links, *serving["regions"]])
