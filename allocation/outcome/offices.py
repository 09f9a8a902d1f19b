"""The office of a team as others are told it: under the version in force, and from the first day of the new one on.

A version names the office that each team had when it was made. A team that moves has its new office in the next one,
and that changes the answer for every postcode it keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from allocation.intake.roster import active_teams


@dataclass(frozen=True)
class Offices:
    """The office by team, also of teams that have ended: ``now`` and ``new``. ``moving``: teams that move."""

    now: pd.Series
    new: pd.Series
    moving: frozenset[str]

    @classmethod
    def of(cls, teams: pd.DataFrame, day: date, in_force: pd.DataFrame | None) -> Offices:
        """``teams``: every period of the input. ``day``: the first of the new division. ``in_force``: the teams and
        offices of the version in force; None where there is none: then it is not known that a team moves."""
        on_the_day = active_teams(teams, day)
        new = _by_team(on_the_day).combine_first(_by_team(teams))
        if in_force is None:
            return cls(new, new, frozenset())
        moves = office_moves(in_force, on_the_day)
        return cls(_by_team(in_force).combine_first(new), new, frozenset(moves["team_id"]))


def office_moves(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Teams of both lists (team_id, office) that have another office: team_id, office_from, office_to."""
    both = pd.concat([_by_team(before), _by_team(after)], axis=1, join="inner", keys=["office_from", "office_to"])
    moved = both[both["office_from"] != both["office_to"]]
    return moved.rename_axis("team_id").sort_index().reset_index()


def _by_team(teams: pd.DataFrame) -> pd.Series:
    return teams.drop_duplicates("team_id", keep="last").set_index("team_id")["office"].astype(object)
