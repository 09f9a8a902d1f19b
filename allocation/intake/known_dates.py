"""The dates on which something changes by itself: teams that start, stop or change, locks that end.

An edition of the boundaries has no date in the input: a new one starts a run of its own.

Belongs here: what follows from the team list and the locks alone. Does not belong here: what to do about it
(``pipeline.plan_ahead``).
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import pandas as pd

DAY = timedelta(days=1)


class Change(StrEnum):
    """What changes on a date. Words are made where they are shown."""

    STARTS = "starts"
    STOPS = "stops"
    OFFICE = "office"
    LINES = "lines"
    CAPACITY = "capacity"
    OTHER = "other"
    LOCK_ENDS = "lock_ends"


COMPARED = {
    Change.OFFICE: ("office", "office_pc4"),
    Change.LINES: ("client_lines", "laws"),
    Change.CAPACITY: ("fte_verzekeringsarts", "fte_other", "productivity"),
    Change.OTHER: ("arbeidsmarktregio", "kind", "client_groups"),
}
"""What of a team is compared between two periods that follow each other."""
COLUMNS = ["day", "change", "team_id", "pc4", "was", "becomes"]


def known_dates(teams: pd.DataFrame, locks: pd.DataFrame, after: date, until: date) -> pd.DataFrame:
    """What changes after ``after``, up to and including ``until``, one row each, by day.

    Parameters
    ----------
    teams : every period of every team. locks : of the input, with ``area``.

    Returns
    -------
    day (the first day on which it is so), change (a ``Change``), team_id, pc4 (of a lock; else missing), was, becomes
    (texts; missing where a team starts or stops).
    """
    rows = [*_of_teams(teams), *_of_locks(locks)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table = table[(table["day"] > after) & (table["day"] <= until)]
    return table.sort_values(["day", "change", "team_id", "pc4"], ignore_index=True)


def _of_teams(teams: pd.DataFrame) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for team_id, periods in teams.sort_values("valid_from").groupby("team_id"):
        before = None
        for period in periods.to_dict("records"):
            first = period["valid_from"].date()
            if before is None or before["valid_to"].date() + DAY < first:
                rows.append((first, Change.STARTS, team_id, None, None, None))
                rows += [] if before is None else [_stops(team_id, before)]
            else:
                rows += _changes(team_id, first, before, period)
            before = period
        if before is not None and pd.notna(before["valid_to"]):
            rows.append(_stops(team_id, before))
    return rows


def _stops(team_id: Any, period: dict[Any, Any]) -> tuple[Any, ...]:
    return (period["valid_to"].date() + DAY, Change.STOPS, team_id, None, None, None)


def _changes(team_id: Any, first: date, before: dict[Any, Any], period: dict[Any, Any]) -> list[tuple[Any, ...]]:
    rows = []
    for change, names in COMPARED.items():
        was, becomes = (", ".join(_text(one.get(name)) for name in names) for one in (before, period))
        if was != becomes:
            rows.append((first, change, team_id, None, was, becomes))
    return rows


def _text(value: Any) -> str:
    if value is None or value is pd.NA or value != value:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _of_locks(locks: pd.DataFrame) -> list[tuple[Any, ...]]:
    ends = locks[locks["valid_until"].notna()]
    return [
        (lock["valid_until"].date() + DAY, Change.LOCK_ENDS, lock["team_id"], lock["area"], lock["kind"], None)
        for lock in ends.to_dict("records")
    ]
