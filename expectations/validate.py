"""The gate of a run: nothing is published that does not pass.

``validate_inputs`` stands before the districting, ``validate_outcome`` before publication. Both are handed frames, and
leave the Data Docs in a folder.

Belongs here: the two entry points, and what a refusal says. Does not belong here: the rules (``inputs``, ``outcome``).
"""

from __future__ import annotations

from pathlib import Path

from expectations import engine, inputs, outcome
from expectations.facts import InputFacts, OutcomeFacts
from expectations.rules import Failure, Outcome

__all__ = ["Failure", "Outcome", "ValidationFailed", "validate_inputs", "validate_outcome"]


class ValidationFailed(Exception):
    """A gate that was not passed; ``outcome`` holds every failed check. The text is for a person."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(_told(outcome))

    def __reduce__(self) -> tuple[type[ValidationFailed], tuple[Outcome]]:
        return type(self), (self.outcome,)


def _told(outcome: Outcome) -> str:
    critical, warnings = outcome.of("critical"), outcome.of("warning")
    lines = [
        f"The {outcome.gate} did not pass validation: {len(critical)} of {outcome.statistics['checks']} checks failed"
        + (f", {len(warnings)} more gave a warning" if warnings else "")
        + ". Nothing was published.",
        *(f"- {failure}" for failure in critical),
        f"Full report: {outcome.docs}",
    ]
    return "\n".join(lines)


def validate_inputs(given: InputFacts, folder: Path) -> Outcome:
    """Check every input table and the expected work, after the work was estimated. Data Docs go into ``folder``."""
    return engine.run(inputs.suites(given), folder)


def validate_outcome(run: OutcomeFacts, folder: Path) -> Outcome:
    """Check every table of the outcome by itself, against each other and against the inputs."""
    return engine.run(outcome.suites(run), folder)
