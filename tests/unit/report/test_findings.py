"""What the gates find is told in Dutch on page, report and in the question to the planner."""

from __future__ import annotations

from dataclasses import replace

from allocation.report import dutch
from expectations import inputs, outcome
from expectations.tables import Tables
from tests.unit.expectations.small_run import small_run


def test_a_place_is_told_in_dutch() -> None:
    told = dutch.example({"team_id": "W1", "hours": "5633", "share": "5.5%", "first_day": "2027-03-01"})
    assert told.startswith("team W1, uren 5.633, aandeel 5,5%, ")
    assert told.endswith(" 1 maart 2027")


def test_every_column_that_a_rule_returns_has_a_dutch_word() -> None:
    run, without = small_run(), set()
    for gate in (inputs.suites(run.input_facts()), outcome.suites(run.outcome_facts())):
        with Tables(gate.frames) as tables:
            for rule in gate.rules:
                found = tables.answer(replace(rule, query=f"select * from ({rule.query.strip()}) limit 0"))
                assert not found.broken, (rule.name, found.broken)
                without |= {(rule.name, name) for name in found.columns if name not in dutch.FIELDS}
        assert len(gate.rules) > 40
    assert not without
