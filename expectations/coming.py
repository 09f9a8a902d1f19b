"""What changes by itself while a version is in force: teams that start, end or change office, locks that end.

A version does not know how long it will be in force: what happens within a year of its first day is told.

Belongs here: these dated changes and their warnings. Does not belong here: what to do about them.
"""

from __future__ import annotations

import pandas as pd

from expectations.rules import Rule

HORIZON = pd.DateOffset(years=1)


def frames(
    teams: pd.DataFrame, locks: pd.DataFrame, verzuimbeheer: pd.DataFrame, day: pd.Timestamp
) -> dict[str, pd.DataFrame]:
    """The tables that the rules read, for a division that begins on ``day``."""
    return {
        "team_end": team_ends(teams, day),
        "team_start": team_starts(teams, day),
        "office_change": office_changes(teams, day),
        "lock_end": lock_ends(locks, day),
        "group_end": group_ends(verzuimbeheer, day),
    }


def _serving(teams: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    return teams[(teams["valid_from"] <= day) & (teams["valid_to"].isna() | (teams["valid_to"] >= day))]


def _begin_later(teams: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """The periods that begin after ``day``, within the horizon."""
    return teams[(teams["valid_from"] > day) & (teams["valid_from"] < day + HORIZON)]


def team_ends(teams: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """team_id, name and last_day of the teams that serve on ``day`` and have no period that lasts a year from it."""
    last = teams.assign(end=teams["valid_to"].fillna(pd.Timestamp.max.normalize())).groupby("team_id")["end"].max()
    serving = _serving(teams, day)
    ends = serving[["team_id", "name"]].assign(last_day=serving["team_id"].map(last))
    return ends[ends["last_day"] < day + HORIZON]


def team_starts(teams: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """team_id, name and first_day of the teams that do not serve on ``day`` and begin within a year."""
    later = _begin_later(teams, day)
    later = later[~later["team_id"].isin(_serving(teams, day)["team_id"])].sort_values("valid_from")
    first = later.drop_duplicates("team_id").rename(columns={"valid_from": "first_day"})
    return first[["team_id", "name", "first_day"]]


def office_changes(teams: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """team_id, name, first_day, office, office_pc4 and was (the office before) of each change of office in a year."""
    ordered = teams.sort_values(["team_id", "valid_from"])
    before = ordered.groupby("team_id")[["office", "office_pc4"]].shift()
    is_other = before["office_pc4"].notna() & (
        (before["office_pc4"] != ordered["office_pc4"]) | (before["office"] != ordered["office"])
    )
    changes = ordered.assign(was=before["office"])[is_other & ordered.index.isin(_begin_later(teams, day).index)]
    columns = ["team_id", "name", "valid_from", "office", "office_pc4", "was"]
    return changes[columns].rename(columns={"valid_from": "first_day"})


def lock_ends(locks: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """pc4, team_id, kind and last_day of the locks that hold on ``day`` and end within a year."""
    ends = locks[(locks["valid_until"] >= day) & (locks["valid_until"] < day + HORIZON)]
    return ends[["pc4", "team_id", "kind", "valid_until"]].rename(columns={"valid_until": "last_day"})


def group_ends(verzuimbeheer: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """group_code, team_id and last_day of the groups of medewerkers verzuimbeheer that work on ``day`` and have no
    period that lasts a year from it."""
    open_end = verzuimbeheer["valid_to"].fillna(pd.Timestamp.max.normalize())
    last = verzuimbeheer.assign(end=open_end).groupby("group_code")["end"].max()
    working = _serving(verzuimbeheer, day)
    ends = working[["group_code", "team_id"]].merge(last.rename("last_day").reset_index(), on="group_code")
    return ends[ends["last_day"] < day + HORIZON]


RULES = (
    Rule(
        "team_ends", "team_end", "last_day", "warning",
        "a team gets work and ends within a year: by then its work needs another team",
        "een team krijgt werk en stopt binnen een jaar: dan moet zijn werk naar een ander team",
        "select team_id, name, last_day from team_end as t order by last_day, team_id",
    ),
    Rule(
        "team_starts", "team_start", "first_day", "warning",
        "a team starts within a year: until then it gets no work, and from then on this version is out of date",
        "een team begint binnen een jaar: tot dan krijgt het geen werk, en daarna is deze versie verouderd",
        "select team_id, name, first_day from team_start as t order by first_day, team_id",
    ),
    Rule(
        "office_changes", "office_change", "first_day", "warning",
        "a team changes office within a year: routing names the old office until a new version is published",
        "een team verhuist binnen een jaar: de routering noemt het oude kantoor tot er een nieuwe versie is",
        """select team_id, name, first_day, office, office_pc4, was from office_change as t
           order by first_day, team_id""",
    ),
    Rule(
        "lock_ends", "lock_end", "last_day", "warning",
        "a lock ends within a year: the division keeps to it until a new version is published",
        "een vastlegging eindigt binnen een jaar: de verdeling houdt zich eraan tot er een nieuwe versie is",
        "select pc4, team_id, kind, last_day from lock_end as t order by last_day, pc4, team_id",
    ),
    Rule(
        "group_ends", "group_end", "last_day", "warning",
        "a group of medewerkers verzuimbeheer ends within a year: until a new version is published its postcodes stay "
        "with it",
        "een groep medewerkers verzuimbeheer stopt binnen een jaar: tot er een nieuwe versie is, houdt die zijn "
        "postcodes",
        "select group_code, team_id, last_day from group_end as t order by last_day, group_code",
    ),
)  # fmt: skip
EXPECTATIONS = frozenset(rule.name for rule in RULES)
"""The names under which these warnings stand among the failures of the first gate."""
