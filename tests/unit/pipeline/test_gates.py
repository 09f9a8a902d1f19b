"""The gates on a whole run."""

from __future__ import annotations

from pathlib import Path

from allocation.pipeline import steps
from allocation.runs import run_files
from tests.support import toy
from tests.support.browser import toy_run


def test_a_first_division_of_a_stock_without_holders_passes_both_gates(tmp_path: Path) -> None:
    """Nothing is in force and the stock names no team, so a whole column of ``transition`` is empty."""
    run = toy_run(tmp_path, {"current": toy.tables()["current"].head(0)})
    assert run.frame("transition")["team_from"].isna().all()
    steps.validate_inputs(run)
    steps.validate_outcome(run)
    assert run.read(run_files.VALIDATION)["success"]
