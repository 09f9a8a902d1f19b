"""Figures of a plan as readers outside Operations may see them, where they are counted anew and not read from a table
that is masked already (R14).

Belongs here: giving figures of the board the roundings that the published tables declare. Does not belong here: the
rule itself (`publication.small_counts`), tables (`frames`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract.published_tables import REGION_SUMMARY, TEAM_LOAD
from allocation.contract.vocabulary import MONTHS_A_YEAR
from allocation.publication.small_counts import shown
from allocation.report.board import Floats, LayerSums, TeamFigures

WAITING_DIGITS = 1
FILE_HOURS_STEP_OF_A_TEAM = TEAM_LOAD.column("target_hours").rounded_to
FILE_HOURS_STEP_OF_A_LAYER = REGION_SUMMARY.column("hours_verzekeringsarts").rounded_to
"""Waiting time is hours in files over a capacity that everybody knows: with these steps it does not tell one file."""
SHARE_OF_A_MONTH = 0.05
"""What a month asks of a team is told in steps of this part of its hours: a few clients more do not show."""

COLUMNS = {
    "clients": "clients_per_year",
    "hours": "hours_verzekeringsarts",
    "low": "hours_low",
    "high": "hours_high",
    "target": "target_hours",
    "deviation": "deviation",
    "travel_km": "travel_km",
}
"""The figures of a team by the column of `team_load` that publishes them."""


def sums_shown(parts: Sequence[LayerSums]) -> tuple[LayerSums, ...]:
    """The layers with the figures of their teams as `team_load` shows them; hours and clients are NaN under 5 clients.

    Of two divisions that differ by one postcode the exact hours of a team would tell, by subtraction, how many clients
    that postcode has.
    """
    return tuple(_part_shown(part) for part in parts)


def _part_shown(part: LayerSums) -> LayerSums:
    files = part.board.files
    files = replace(files, hours=_in_steps(files.hours, FILE_HOURS_STEP_OF_A_LAYER))
    return replace(part, board=replace(part.board, files=files), teams=_teams_shown(part.teams, part.capacity))


def _in_steps(amount: Any, step: float) -> Any:
    return np.round(amount / step) * step


def _teams_shown(teams: TeamFigures, capacity: Floats) -> TeamFigures:
    exact = pd.DataFrame({column: getattr(teams, name) for name, column in COLUMNS.items()})
    seen = shown(TEAM_LOAD, exact)
    columns = {name: seen[column].to_numpy(dtype=np.float64, na_value=np.nan) for name, column in COLUMNS.items()}
    columns["travel_km"] = np.where(np.isnan(columns["hours"]), np.nan, columns["travel_km"])
    a_month = np.where(capacity > 0, capacity / MONTHS_A_YEAR, np.nan)
    waiting = _in_steps(teams.waiting_months * a_month, FILE_HOURS_STEP_OF_A_TEAM) / a_month
    return replace(teams, **columns, waiting_months=np.round(waiting, WAITING_DIGITS))


def asked_shown(asked: pd.Series) -> pd.Series:
    """Parts of a month's hours in steps of ``SHARE_OF_A_MONTH``."""
    return (asked / SHARE_OF_A_MONTH).round() * SHARE_OF_A_MONTH
