"""What the gates find is told in Dutch on page, report and in the question to the planner."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from allocation.report import dutch
from expectations import inputs, outcome
from expectations.rules import Database
from tests.unit.expectations.small_run import small_run


def test_every_column_that_a_rule_returns_has_a_dutch_word(tmp_path: Path) -> None:
    run, without = small_run(), set()
    for gate in (inputs.suites(run.input_facts()), outcome.suites(run.outcome_facts())):
        database = Database(tmp_path / f"{gate.gate}.sqlite")
        database.write(gate.frames)
        connection = sqlite3.connect(database.path)
        for rule in gate.rules:
            found = connection.execute(f"select * from ({rule.query.strip()}) limit 0")
            without |= {(rule.name, name) for name, *_ in found.description if name not in dutch.FIELDS}
        connection.close()
        assert len(gate.rules) > 40
    assert not without
