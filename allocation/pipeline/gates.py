"""The two gates of a run: gathers what they check from the run's files, and refuses the run when one is not passed.

Belongs here: from the files of a run to the facts that the expectations are asked of. Does not belong here: any rule
(``expectations``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from allocation import storage
from allocation.contract import input_tables
from allocation.contract.errors import Refused
from allocation.runs import run_files
from allocation.runs.file_kinds import FrameFile, Tables
from allocation.runs.run import Run
from expectations import outcome
from expectations.facts import INPUT_BESIDE, InputFacts, LayerFacts, OutcomeFacts

if TYPE_CHECKING:
    from expectations.rules import Outcome

Gate = Literal["inputs", "outcome"]
CHECK_ANEW = "In Airflow: clear its task expect_inputs or expect_outcome, with what comes after it."

GIVEN = (
    "teams", "clusters", "locks", "stock", "products", "care_regions", "coverage", "completed", "verzuimbeheer",
)  # fmt: skip
"""The input tables that the outcome must agree with."""


CHECKED: dict[Gate, tuple[Tables, FrameFile]] = {
    "inputs": (run_files.INPUT_TABLES, run_files.WORK),
    "outcome": (run_files.OUTCOME, run_files.AREAS),
}
"""By gate: the files that it looks at and that a version is made of."""


def validate_inputs(run: Run) -> None:
    """The expectations on the input and the expected work. Raises ``Refused``: what failed and where."""
    from expectations import validate

    of = fingerprint(run, "inputs")
    conclude(run, validate.validate_inputs(input_facts(run), run.validation_folder), of)


def validate_outcome(run: Run) -> None:
    """The gate before anything is published. Raises ``Refused``: what failed and where."""
    from expectations import validate

    of = fingerprint(run, "outcome")
    conclude(run, validate.validate_outcome(outcome_facts(run), run.validation_folder), of)


def fingerprint(run: Run, gate: Gate) -> str:
    """SHA-256 of the files that a gate looks at, as they stand in the run's folder.

    Without ``runs``: it tells what the gates found, so it is written after them.
    """
    tables, beside = CHECKED[gate]
    folder, digest = storage.fetch_folder(run.path(tables)), hashlib.sha256()
    files = [file for file in sorted(folder.glob("*.parquet")) if file.stem != "runs"]
    for file in [*files, *([run.fetched(beside)] if run.has(beside) else [])]:
        digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def conclude(run: Run, found: Outcome, of: str) -> None:
    """Keep what a gate found beside what the other one did; refuse the run when it did not pass. ``of``: fingerprint of
    what it looked at."""
    from expectations.validate import ValidationFailed

    storage.send_folder(run.validation_folder)
    gates: dict[str, Any] = run.validation() | {found.gate: found.as_dict() | {"of": of}}
    gates["success"] = all(gate["success"] for name, gate in gates.items() if name != "success")
    run.write(run_files.VALIDATION, gates)
    if not found.success:
        raise Refused(str(ValidationFailed(found)))


def refuse_unchecked(run: Run, gates: Iterable[Gate]) -> None:
    """Refuse a run whose files are other than those that each of these gates passed.

    A task that was marked as done, or an outcome that was made anew after its gate, has no other trace.
    """
    told = run.validation()
    for gate in gates:
        found = told.get(gate, {})
        if not (found.get("success") and found.get("of") == fingerprint(run, gate)):
            raise Refused(f"The checks of the {gate} have not passed for what run {run.run_id} holds now. {CHECK_ANEW}")


def input_facts(run: Run) -> InputFacts:
    names = [table.name for table in input_tables.INPUTS] + list(INPUT_BESIDE)
    record, in_force = run.record, run.in_force()
    return InputFacts(
        tables=run_files.INPUT_TABLES.read_present(run.folder, names),
        work=run.read(run_files.WORK) if run.has(run_files.WORK) else None,
        areas=run.areas(),
        config=record.config,
        today=record.today,
        version_in_force=in_force.version,
        in_force_since=in_force.since,
        follows=run.read(run_files.BOUNDARIES).follows,
    )


def outcome_facts(run: Run) -> OutcomeFacts:
    layers = run.layers()
    return OutcomeFacts(
        tables=run_files.OUTCOME.read_present(run.folder, [*outcome.FILES, *outcome.BESIDE]),
        given=run_files.INPUT_TABLES.read(run.folder, GIVEN),
        work=run.read(run_files.WORK),
        areas=run.areas(),
        division_in_force=run.read(run_files.DIVISION_IN_FORCE),
        published_division=run.read(run_files.PUBLISHED_DIVISION),
        layers=[_layer_facts(run, row.key) for row in layers.layers],
        config=run.record.config,
        day=layers.day,
    )


def _layer_facts(run: Run, key: str) -> LayerFacts:
    folder = run.layer_folder(key)
    layer, problem = run_files.LAYER.read(folder), run_files.PROBLEM.read(folder)
    return LayerFacts(
        key=key,
        law_domain=layer["law_domain"],
        client_line=layer["client_line"],
        regions=tuple(layer["regions"]),
        team_ids=tuple(layer["team_ids"]),
        unit_pc4=run_files.PARTS.read(folder)["pc4"].to_numpy(),
        edges=problem["edges"],
        demand=problem["demand"],
        result=run.result(key),
    )
