"""What a report is made of: the tables and files of a finished run, read once.

Belongs here: reading, and hiding what readers outside Operations may not see. Does not belong here: what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from allocation.contract.published_tables import (
    ALLOCATION_CHANGES,
    REGION_SUMMARY,
    TEAM_LOAD,
    TRANSITION,
)
from allocation.publication.small_counts import shown
from allocation.report.board import Board, Totals, totals
from allocation.report.for_readers import seen_apart, sums_shown
from allocation.report.moves import teams_that_move
from allocation.runs import run_files
from allocation.runs.run_files import RunRecord


@dataclass(frozen=True)
class Frames:
    """The tables and files of a finished run, read once."""

    folder: Path
    record: RunRecord
    load: pd.DataFrame
    regions: pd.DataFrame
    changes: pd.DataFrame
    transition: pd.DataFrame
    board: Board
    is_for_readers: bool = False

    @classmethod
    def read(cls, folder: Path, board: Board | None = None) -> Frames:
        """``board``: that of the run, where it is laid open already."""
        tables = run_files.OUTCOME.read(folder, ("team_load", "region_summary", "allocation_changes", "transition"))
        load, regions, changes, transition = tables.values()
        return cls(folder, run_files.RUN.read(folder), load, regions, changes, transition, board or Board.read(folder))

    def for_readers(self) -> Frames:
        """The same for readers outside Operations: counts as the published files show them (R14)."""
        return replace(
            self,
            load=shown(TEAM_LOAD, self.load, seen_apart(self.folder, TEAM_LOAD)),
            regions=shown(REGION_SUMMARY, self.regions, seen_apart(self.folder, REGION_SUMMARY)),
            changes=shown(ALLOCATION_CHANGES, self.changes, seen_apart(self.folder, ALLOCATION_CHANGES)),
            transition=shown(TRANSITION, self.transition),
            is_for_readers=True,
        )

    @cached_property
    def totals(self) -> tuple[Totals, Totals]:
        """Proposed and in force, over all layers; for readers of the figures that they may see."""
        both = ([b.sums for b in self.board.layers], [b.sums_now for b in self.board.layers])
        new, old = (totals(sums_shown(sums) if self.is_for_readers else sums) for sums in both)
        return new, old

    @cached_property
    def office_moves(self) -> pd.DataFrame:
        """Teams that move (``moves.teams_that_move``)."""
        return teams_that_move(self.folder, self.load)

    def outcome(self, name: str) -> pd.DataFrame:
        """A table of the outcome."""
        return run_files.OUTCOME.table(name).read(self.folder)
