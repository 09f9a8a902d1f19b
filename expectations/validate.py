"""The gate of a run: nothing is published that does not pass.

``validate_inputs`` stands before the districting, ``validate_outcome`` before publication. Both read the run's folder
only and write ``validation/result.json`` and ``validation/data_docs`` into it.

Belongs here: the two entry points, and what a refusal says. Does not belong here: the rules (``inputs``, ``outcome``).
"""

from __future__ import annotations

import json
from pathlib import Path

from expectations import engine, inputs, outcome
from expectations.rules import Failure, Outcome, Suites

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


def validate_inputs(run_folder: Path) -> Outcome:
    """Check every input table and the expected work of the run in ``run_folder``, after the work was estimated."""
    return _validate(inputs.suites(run_folder), run_folder)


def validate_outcome(run_folder: Path) -> Outcome:
    """Check every table of the run's folder ``outcome`` by itself, against each other and against the inputs."""
    return _validate(outcome.suites(run_folder), run_folder)


def _validate(suites: Suites, run_folder: Path) -> Outcome:
    folder = run_folder / "validation"
    found = engine.run(suites, folder)
    path = folder / "result.json"
    told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    told[suites.gate] = found.as_dict()
    told["success"] = all(part["success"] for name, part in told.items() if name != "success")
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    return found
