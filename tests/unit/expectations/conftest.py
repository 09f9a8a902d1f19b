"""Both gates over the intact small run, once for all tests: importing Great Expectations takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from expectations.validate import Outcome, validate_inputs, validate_outcome
from tests.unit.expectations.small_run import small_run


@pytest.fixture(scope="session")
def intact_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run().write(tmp_path_factory.mktemp("intact"))


@pytest.fixture(scope="session")
def inputs_outcome(intact_run: Path) -> Outcome:
    return validate_inputs(intact_run)


@pytest.fixture(scope="session")
def outcome_outcome(intact_run: Path, inputs_outcome: Outcome) -> Outcome:
    assert inputs_outcome.gate == "inputs"  # the first gate stands before the second, as in a run
    return validate_outcome(intact_run)
