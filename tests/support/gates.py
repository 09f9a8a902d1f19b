"""Proposals without Great Expectations, which takes seconds: for tests of what comes after the gates."""

from __future__ import annotations

from allocation.pipeline import gates, steps
from allocation.runs.run import Run
from expectations.rules import Outcome


def let_through(run: Run) -> None:
    """Keep of each gate that has not looked at what the run holds now that it passed."""
    asked: tuple[gates.Gate, ...] = ("inputs", "outcome")
    for gate in asked:
        of = gates.fingerprint(run, gate)
        if run.validation().get(gate, {}).get("of") != of:
            found = Outcome(
                gate, success=True, statistics={"checks": 0, "met": 0}, failed=(), docs=run.validation_folder
            )
            gates.conclude(run, found, of)


def propose(run: Run, *, beside_others: bool = False) -> int:
    """``steps.propose`` of a run that the gates have not seen."""
    let_through(run)
    return steps.propose(run, beside_others=beside_others)
