"""The gates on a whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocation.contract.errors import Refused
from allocation.pipeline import gates, steps
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.support import toy
from tests.support.browser import toy_run
from tests.support.gates import let_through


@pytest.mark.heavy
def test_a_first_division_of_a_stock_without_holders_passes_both_gates(tmp_path: Path) -> None:
    """Nothing is in force and the stock names no team, so a whole column of ``transition`` is empty."""
    run = toy_run(tmp_path, {"current": toy.tables()["current"].head(0)})
    assert run.frame("transition")["team_from"].isna().all()
    steps.validate_inputs(run)
    steps.validate_outcome(run)
    assert run.read(run_files.VALIDATION)["success"]


@pytest.fixture
def through(tmp_path: Path) -> Run:
    """A run of which both gates have said that it passes."""
    run = toy_run(tmp_path / "var")
    let_through(run)
    return run


def refused(run: Run, gate: str) -> None:
    with pytest.raises(Refused, match=f"The checks of the {gate} have not passed for what run toy holds now"):
        steps.propose(run)
    assert not run.has(run_files.VERSION)


def test_an_outcome_that_was_made_anew_after_its_gate_is_not_proposed(through: Run) -> None:
    """In Airflow a task can be marked as done: the record of the gate is then of the outcome before."""
    table = run_files.OUTCOME.table("routing")
    routing = through.read(table)
    other = routing.assign(team_id=routing["team_id"].replace({"W1": "W2"}))
    through.write(table, other)
    refused(through, "outcome")
    through.write(table, routing)
    assert steps.propose(through) == 1


def test_an_outcome_whose_areas_are_others_is_not_proposed(through: Run) -> None:
    areas = through.read(run_files.AREAS)
    through.write(run_files.AREAS, areas.assign(gemeente_name="Elders"))
    refused(through, "outcome")


@pytest.mark.parametrize("name", ["inputs/teams", "work"])
def test_an_input_that_is_another_than_its_gate_saw_is_not_proposed(through: Run, name: str) -> None:
    file = run_files.WORK if name == "work" else run_files.INPUT_TABLES.table("teams")
    through.write(file, through.read(file).iloc[1:])
    refused(through, "inputs")


@pytest.mark.parametrize("gate", ["inputs", "outcome"])
def test_a_run_without_the_word_of_a_gate_is_not_proposed(through: Run, gate: str) -> None:
    told = through.validation()
    through.write(run_files.VALIDATION, {name: found for name, found in told.items() if name != gate})
    refused(through, gate)
    through.write(run_files.VALIDATION, told | {gate: told[gate] | {"success": False}})
    refused(through, gate)


def test_what_the_gates_found_may_be_told_after_them(through: Run) -> None:
    """``runs`` holds it, so that table is no part of what they looked at."""
    before = gates.fingerprint(through, "outcome")
    through.write(run_files.OUTCOME.table("runs"), through.outcome("teams"))
    assert gates.fingerprint(through, "outcome") == before
