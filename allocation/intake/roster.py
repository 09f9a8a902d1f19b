"""Which teams and locks are in force on a day, and which regions and client lines their teams serve together.

Belongs here: what follows from the team list, the clusters and the day alone; the input checks and the layers both
need it. Does not belong here: work, areas, or anything that is solved.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pandas as pd

from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, values_of

PW_KIND = "participatiewet"
KINDS_WITH_AREA = ("regulier", PW_KIND)
"""The kinds of teams that areas are divided over; the others take the clients of their group from everywhere."""


def active_teams(teams: pd.DataFrame, day: date) -> pd.DataFrame:
    """The teams that are in force on ``day``; a first day that could not be read is no reason to leave a team out."""
    at = pd.Timestamp(day)
    return teams[
        (teams["valid_from"].isna() | (teams["valid_from"] <= at))
        & (teams["valid_to"].isna() | (teams["valid_to"] >= at))
    ]


def able_teams(teams: pd.DataFrame, day: date) -> pd.DataFrame:
    """The teams that are in force on ``day`` and have capacity, or one that could not be read."""
    active = active_teams(teams, day)
    return active[~(active["fte_verzekeringsarts"] <= 0)]


def active_locks(locks: pd.DataFrame, day: date) -> pd.DataFrame:
    """The locks that are in force on ``day``."""
    return locks[locks["valid_until"].isna() | (locks["valid_until"] >= pd.Timestamp(day))]


def why_unable(periods: pd.DataFrame, day: date) -> str | None:
    """Why the team of these rows (one per period) can serve nobody on ``day``; None when it can."""
    if len(able_teams(periods, day)):
        return None
    if len(active_teams(periods, day)):
        return "has no verzekeringsarts (fte_verzekeringsarts is 0)"
    later = periods.loc[periods["valid_from"] > pd.Timestamp(day), "valid_from"]
    if len(later):
        return f"has not started on {day} (its first day is {later.min():%Y-%m-%d})"
    return f"has ended on {day} (its last day was {periods['valid_to'].max():%Y-%m-%d})"


def join_regions(regions: Iterable[int], links: Iterable[Iterable[int]]) -> list[set[int]]:
    """Connected sets of regions: ``links`` are groups of region numbers that belong together."""
    part = {nr: {nr} for nr in regions}
    for link in links:
        members = [nr for nr in link if nr in part]
        joined: set[int] = set().union(*(part[nr] for nr in members))
        for nr in joined:
            part[nr] = joined
    unique = {min(members): members for members in part.values()}
    return [unique[first] for first in sorted(unique)]


def divided_lines(teams: pd.DataFrame, kind: str) -> tuple[str, ...]:
    """One layer ``alle`` where every team serves both lines (R6), else one per line. PW is never divided by line."""
    both = teams["client_lines"].map(lambda cell: values_of(cell) == frozenset(CLIENT_LINES)).all()
    return (ALL_LINES,) if both or kind == PW_KIND else CLIENT_LINES


def widened(regions: Iterable[int], links: list[set[int]]) -> set[int]:
    """The regions a team may serve: its own, and those in a cluster with them."""
    own = set(regions)
    return own.union(*(members for members in links if members & own))
