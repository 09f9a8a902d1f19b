"""Both gates over the intact small run, once for all tests: importing Great Expectations takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from expectations.validate import Outcome, validate_inputs, validate_outcome
from tests.unit.expectations.small_run import small_run


@pytest.fixture(scope="session")
def validation_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("intact")


@pytest.fixture(scope="session")
def inputs_outcome(validation_folder: Path) -> Outcome:
    return validate_inputs(small_run().input_facts(), validation_folder)


@pytest.fixture(scope="session")
def outcome_outcome(validation_folder: Path, inputs_outcome: Outcome) -> Outcome:
    assert inputs_outcome.gate == "inputs"  # the first gate stands before the second, as in a run
    return validate_outcome(small_run().outcome_facts(), validation_folder)
