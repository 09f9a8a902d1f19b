"""The toy country divided once, for the tests that lay a run open; none of them changes its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocation.pipeline import steps
from allocation.report.report import write_report
from allocation.runs.run import Run
from tests.support import gates, toy
from tests.support.browser import copied, toy_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return toy_run(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The toy country as version 1, proposed and not decided on: W1 has one postcode now and gets more."""
    current = toy.tables()["current"]
    current.loc[current["pc4"].isin(["1002", "1005"]) & (current["team_id"] == "W1"), "team_id"] = "W2"
    made = toy_run(tmp_path_factory.mktemp("proposed") / "var", {"current": current}, tolerance=0.5)
    steps.validate_inputs(made)
    write_report(made.folder)
    gates.propose(made)
    return made


@pytest.fixture
def var(proposed: Run, tmp_path: Path) -> Path:
    """A copy of its folder and store, for a test that changes them."""
    return copied(proposed.var, tmp_path / "var")
