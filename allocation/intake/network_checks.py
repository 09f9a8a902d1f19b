"""Checks of whom the teams work with: the groups of medewerkers verzuimbeheer at Uitkeren, and partners in care."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from allocation.contract.config import Config
from allocation.contract.errors import Problem
from allocation.intake.checks import Checks, Rule, told
from allocation.intake.roster import KINDS_WITH_AREA, active_teams, widened

OWN_TABLES = {"gemeente": "the boundaries tell the gemeente", "care_region": "the file care_regions tells it"}
"""Kinds of partners that are known already, and whence."""


class NetworkChecks(Checks):
    def rules(self) -> tuple[Rule, ...]:
        return (
            (self._verzuimbeheer, ("teams", "verzuimbeheer")),
            (self._coverage, ("coverage",)),
            (self._staff, ("staff", "teams.team_id")),
            (self._travel, ("travel", "teams", "clusters", "stock")),
        )

    def _staff(self) -> None:
        staff = self.frames["staff"]
        self.add(
            "staff",
            staff["team_id"].notna() & ~staff["team_id"].isin(self.frames["teams"]["team_id"]),
            "team_id",
            lambda at: f"team {staff['team_id'].iloc[at]!r} does not exist",
            "a team of the file teams",
        )

    def _travel(self) -> None:
        """Minutes or kilometres in every row; per office and region that its teams serve all postcodes or none, and
        with ``distance = "table"`` all of them."""
        travel, teams = self.frames["travel"], self.frames["teams"]
        wants_table = self.config.distance == "table"
        if travel.empty and not wants_table:
            return
        given = [name for name in ("minutes", "km") if travel[name].notna().any()] or ["minutes"]
        for name in given:
            self.add(
                "travel",
                travel[name].isna() & travel["pc4"].notna(),
                name,
                f"{name} is empty",
                f"a number in every row; leave the column {name} out where it is not known",
            )
        elsewhere = travel["pc4"].notna() & travel["office_pc4"].notna() & (travel["pc4"] != travel["office_pc4"])
        for name in given:
            far = elsewhere & (travel[name] == 0)
            what = f"0 {name} to an office in another postcode"
            self.remark("travel", far, name, lambda _, what=what: what, "usual: above 0")  # type: ignore[misc]
        unused = travel["office_pc4"].notna() & ~travel["office_pc4"].isin(teams["office_pc4"])
        said = told(travel["office_pc4"], "no team has its office in {}: the row is not used")
        self.remark("travel", unused, "office_pc4", said, "usual: the office of a team")
        if self.day is None:
            return
        links = [set(group.dropna().astype(int)) for _, group in self.frames["clusters"].groupby("cluster")["region"]]
        there = set(zip(travel["pc4"], travel["office_pc4"], strict=True))
        active = active_teams(teams, self.day)
        needed: dict[tuple[str, int], str] = {}
        mine = active[active["kind"].isin(KINDS_WITH_AREA)]
        for team, office, regions in zip(mine["team_id"], mine["office_pc4"], mine["regions"], strict=True):
            for region in sorted(widened(regions, links)):
                needed.setdefault((str(office), region), str(team))
        for (office, region), code in sorted(needed.items()):
            self._complete(office, region, code, there, wants_table=wants_table)

    def _complete(self, office: str, region: int, team: str, there: set[tuple[str, str]], *, wants_table: bool) -> None:
        here = sorted(pc4 for pc4, nr in self.region_of.items() if nr == region)
        missing = [pc4 for pc4 in here if (pc4, office) not in there]
        if not missing or (len(missing) == len(here) and not wants_table):
            return
        what = (
            f"office {office} (team {team}) has no row for {len(missing)} of the {len(here)} postcodes of region "
            f"{self.region_name[region]}, the first is {missing[0]}"
        )
        allowed = "a row for every postcode of a region that the teams of an office serve"
        allowed += ", because distance is table" if wants_table else ", or for none of them"
        self.problems.append(Problem(self.files["travel"], None, "pc4", what, allowed))

    def _coverage(self) -> None:
        """Also: kinds in small letters, and a share in every row."""
        coverage = self.frames["coverage"]
        if coverage.empty:
            return
        coverage["kind"] = coverage["kind"].astype("string").str.lower().astype(object)
        coverage["kind"] = coverage["kind"].where(coverage["kind"].notna(), None)
        self.add(
            "coverage",
            coverage["kind"].isin(list(OWN_TABLES)),
            "kind",
            lambda at: (
                f"kind {coverage['kind'].iloc[at]!r} has a source of its own: {OWN_TABLES[coverage['kind'].iloc[at]]}"
            ),
            "any other kind",
        )
        first = coverage.groupby([coverage["kind"], coverage["provider"].str.casefold()])["provider"].transform("first")
        self.add(
            "coverage",
            coverage["provider"].notna() & first.notna() & (coverage["provider"] != first),
            "provider",
            lambda at: f"{coverage['provider'].iloc[at]!r} differs only in capitals from {first.iloc[at]!r}",
            "one spelling per partner",
        )
        key = [coverage["pc4"], coverage["kind"]]
        share = coverage["share"].astype("float64")
        known = share.groupby(key).transform("sum")
        open_rows = share.isna()
        left = (1 - known) / open_rows.groupby(key).transform("sum").where(open_rows)
        over = (known > 1 + 1e-9) | (open_rows & (left < 1e-9))
        self.add(
            "coverage",
            over,
            "share",
            lambda at: (
                f"the shares of {coverage['pc4'].iloc[at]} and kind {coverage['kind'].iloc[at]} sum to "
                f"{known.iloc[at]:g}"
                + ("" if known.iloc[at] > 1 + 1e-9 else ", which leaves nothing for an empty share")
            ),
            "shares that sum to at most 1 per postcode and kind",
        )
        coverage["share"] = share.where(~open_rows, left)

    def _verzuimbeheer(self) -> None:
        groups = self.frames["verzuimbeheer"]
        if groups.empty:
            return
        known = set(self.frames["teams"]["team_id"].dropna())
        parts = groups["team_id"].map(lambda text: [part.strip() for part in str(text).split("|")])
        strange = parts.map(lambda teams: next((team for team in teams if team not in known), None))
        named = groups["team_id"].notna()
        self.add(
            "verzuimbeheer",
            named & strange.notna() & self.is_sure("teams.team_id"),
            "team_id",
            lambda at: f"team {strange.iloc[at]!r} does not exist",
            "teams of the file teams, joined by |",
        )
        twice = parts.map(lambda teams: len(set(teams)) < len(teams))
        self.add(
            "verzuimbeheer",
            named & strange.isna() & twice.astype(bool),
            "team_id",
            lambda at: f"{groups['team_id'].iloc[at]!r} names a team twice",
            "each team once",
        )
        groups["team_id"] = groups["team_id"].where(~named, parts.map("|".join))
        self.add(
            "verzuimbeheer",
            groups["valid_to"] < groups["valid_from"],
            "valid_to",
            self.value("verzuimbeheer", "valid_to"),
            "a date on or after valid_from",
        )
        self._one_period_at_a_time(groups)
        self._codes_of_teams(groups)

    def _codes_of_teams(self, groups: pd.DataFrame) -> None:
        """A team with the code of one group that the table puts in another: the table counts, which is told."""
        teams = self.frames["teams"]
        pairs = groups.assign(team_id=groups["team_id"].astype(str).str.split("|")).explode("team_id")
        grouped = pairs.dropna(subset="group_code").groupby("team_id")["group_code"].agg(set).to_dict()
        of_team = teams["team_id"].map(grouped)
        differs = [
            isinstance(own, set) and isinstance(code, str) and code not in own
            for own, code in zip(of_team, teams["verzuimbeheer_code"], strict=True)
        ]
        self.remark(
            "teams",
            pd.Series(differs, index=teams.index, dtype=bool),
            "verzuimbeheer_code",
            lambda at: (
                f"team {teams['team_id'].iloc[at]!r} has the code {teams['verzuimbeheer_code'].iloc[at]!r}, and is in "
                f"{', '.join(sorted(of_team.iloc[at]))} by the file verzuimbeheer, which counts"
            ),
            "usual: the code of its group",
        )

    def _one_period_at_a_time(self, groups: pd.DataFrame) -> None:
        ordered = groups.sort_values(["group_code", "valid_from"], kind="stable")
        end = ordered.groupby("group_code")["valid_to"].shift().fillna(pd.Timestamp.max.normalize())
        overlap = ordered["group_code"].duplicated() & (ordered["valid_from"] <= end)
        self.add(
            "verzuimbeheer",
            overlap.reindex(groups.index, fill_value=False),
            "valid_from",
            lambda at: f"group {groups['group_code'].iloc[at]} has two periods at the same time",
            "periods of one group that do not overlap",
        )


def unknown_kinds(frames: Mapping[str, pd.DataFrame], config: Config) -> list[Problem]:
    """A price of a kind that no partner has would be without effect."""
    if "coverage" not in frames:
        return []
    known = sorted(frames["coverage"]["kind"].dropna().unique())
    allowed = f"a kind of the file coverage: {', '.join(known)}" if known else "kinds of a file coverage; there is none"
    return [
        Problem("configuration", None, f"weights.coverage.{kind}", "no partner has this kind", allowed)
        for kind in config.weights.coverage
        if kind not in known
    ]
