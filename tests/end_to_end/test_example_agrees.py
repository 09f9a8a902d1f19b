"""On the whole example the tables that speak of the same thing say the same, within 1e-6."""

from __future__ import annotations

import pytest

from allocation.intake.inputs import Inputs
from allocation.layers.work import product_norms
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.support.agreement import disagreements

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]


def test_ledger_load_months_waiting_and_lines_of_the_example_agree(country: Run) -> None:
    tables = {
        name: country.read(run_files.OUTCOME.table(name))
        for name in ("team_ledger", "team_load", "team_months", "waiting", "lines")
    }
    assert all(len(table) for table in tables.values())
    norms = product_norms(Inputs.read(country.inputs_folder).products, country.config)
    assert disagreements(tables, norms, country.config) == []
