"""Figures of a plan as readers outside Operations may see them, where they are counted anew and not read from a table
that is masked already (R14).

Belongs here: giving figures of the board the roundings that the published tables declare. Does not belong here: the
rule itself (`publication.small_counts`), tables (`frames`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract.published_tables import REGION_SUMMARY, SEEN_APART, TEAM_LOAD
from allocation.contract.schema import MEANS_FROM, Table
from allocation.contract.vocabulary import MONTHS_A_YEAR
from allocation.publication.small_counts import TARGET_STEP, balance_shown, of_shown_counts, shown, shown_counts
from allocation.report.board import Floats, LayerSums
from allocation.runs import run_files

LEAST_STEPS = 10
"""A figure that is counted anew is rounded from its own sum. Beside what `team_ledger` shows of a team with a few
clients it would tell how many of what these are, so it is shown only where it is so many of its steps."""
WAITING_DIGITS = 1
FILE_HOURS_STEP_OF_A_TEAM = TARGET_STEP
HOURS_STEP_OF_A_LAYER = REGION_SUMMARY.column("hours_verzekeringsarts").rounded_to
"""Waiting time is hours in files over a capacity that everybody knows: with these steps it does not tell one file."""

OF_BALANCE = ("target", "deviation", "travel_km")
OF_CLIENTS = ("hours", "low", "high")
"""The figures of a team that would tell its clients."""


def sums_shown(parts: Sequence[LayerSums]) -> tuple[LayerSums, ...]:
    """The layers with the figures of their teams in steps; hours and clients are NaN under ``MEANS_FROM`` clients.

    Of two divisions that differ by one postcode the exact hours of a team would tell, by subtraction, how many clients
    that postcode has.
    """
    target, deviation, km = (_of_all(getattr(part.teams, name) for part in parts) for name in OF_BALANCE)
    clients = _of_all(part.teams.clients for part in parts)
    seen = shown(TEAM_LOAD, pd.DataFrame({"travel_km": km, "clients_per_year": clients}))  # of all layers at once
    columns: dict[str, Any] = {"travel_km": seen["travel_km"].to_numpy(dtype=np.float64, na_value=np.nan)}
    columns["target"], columns["deviation"] = balance_shown(target, deviation)
    counts = np.where(clients < MEANS_FROM, np.nan, clients)
    columns["clients"] = shown_counts(counts)
    for name in OF_CLIENTS:
        columns[name] = of_shown_counts(_of_all(getattr(part.teams, name) for part in parts), counts)
    ends = np.cumsum([len(part.capacity) for part in parts])[:-1]
    pieces = {name: np.split(values, ends) for name, values in columns.items()}
    return tuple(_part_shown(part, {name: cut[at] for name, cut in pieces.items()}) for at, part in enumerate(parts))


def _of_all(values: Iterable[Floats]) -> Floats:
    found = list(values)
    return np.concatenate(found) if found else np.zeros(0)


def _part_shown(part: LayerSums, columns: Mapping[str, Any]) -> LayerSums:
    """``part`` with ``columns`` instead of the figures of its teams, and its files in steps."""
    files = part.board.files
    files = replace(files, hours=files_in_steps(files.hours, HOURS_STEP_OF_A_LAYER))
    a_month = np.where(part.capacity > 0, part.capacity / MONTHS_A_YEAR, np.nan)
    waiting = files_in_steps(part.teams.waiting_months * a_month, FILE_HOURS_STEP_OF_A_TEAM) / a_month
    teams = replace(part.teams, **columns, waiting_months=np.round(waiting, WAITING_DIGITS))
    return replace(part, board=replace(part.board, files=files), teams=teams)


def seen_apart(folder: Path, table: Table) -> pd.DataFrame | None:
    """What readers see of ``table`` and is kept apart; None for a run of before it was kept."""
    file = run_files.OUTCOME.table(SEEN_APART[table.name].name)
    return file.read(folder) if file.exists(folder) else None


def in_steps(amount: Any, step: float) -> Any:
    """The nearest multiple of ``step``."""
    return np.round(amount / step) * step


def files_in_steps(hours: Any, step: float) -> Any:
    """Hours in files, to the nearest multiple of ``step``; NaN under ``LEAST_STEPS`` steps."""
    return np.where(hours < LEAST_STEPS * step, np.nan, in_steps(hours, step))


def lines_shown(lines: pd.DataFrame) -> pd.DataFrame:
    """Table ``lines`` with its work and its files in steps of hours."""
    capacity = lines["capacity_hours"].where(lines["capacity_hours"] > 0)
    in_files = files_in_steps(lines["waiting_months"] * capacity / MONTHS_A_YEAR, HOURS_STEP_OF_A_LAYER)
    return lines.assign(
        asked=in_steps(lines["hours"], HOURS_STEP_OF_A_LAYER) / capacity,
        waiting_months=(in_files / (capacity / MONTHS_A_YEAR)).round(WAITING_DIGITS),
        even_hours=in_steps(lines["even_hours"], HOURS_STEP_OF_A_LAYER),
    )


def months_of(folder: Path, *, for_readers: bool) -> pd.DataFrame:
    """Table ``team_months``; for readers made of what they see of a team. No rows for a run of before that was kept."""
    file = run_files.OUTCOME.table("team_months_seen" if for_readers else "team_months")
    if for_readers and not file.exists(folder):
        return run_files.OUTCOME.table("team_months").read(folder).iloc[:0]
    return file.read(folder)
