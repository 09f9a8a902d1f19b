"""Whether a run asks for a decision: what a proposal is about, what it replaces, and when there is nothing to decide.

Belongs here: from a run to the questions that the store is asked. Does not belong here: the answers
(``publication.proposals``), and the decision itself (``publication.versions``).
"""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

from allocation.contract import calendar
from allocation.intake.inputs import Inputs
from allocation.intake.roster import active_locks, active_teams
from allocation.layers import build
from allocation.report import account_sheets
from allocation.runs import run_files
from allocation.runs.run import Run
from allocation.runs.run_files import Unchanged


def scope(run: Run) -> str:
    """What a proposal of ``run`` is about: regions, first day, and where its input comes from.

    A newer proposal of the same scope takes the place of one that waits. What a planner hands in has a scope of its
    own, so that no nightly run sweeps it away.
    """
    areas = run.areas()
    wanted = build.wanted_regions(run.config, areas)
    is_all = wanted >= set(areas["arbeidsmarktregio_nr"])
    regions = "all" if is_all else ",".join(str(nr) for nr in sorted(wanted))
    return f"regions {regions}; from {run.config.valid_from or 'approval'}; {_origin(run)}"


def _origin(run: Run) -> str:
    if run.has(run_files.CHANGES) or run.input_dir == str(run.draft_input_folder):
        return f"draft of {run.created_by}"
    return "scenario" if run.input_dir == str(run.scenario_input_folder) else "input"


def roster_fingerprint(inputs: Inputs, day: date) -> str:
    """SHA-256 of the teams and locks in force on ``day``: with the same files they change as days go by."""
    digest = hashlib.sha256()
    for rows in (active_teams(inputs.teams, day), active_locks(inputs.locks, day)):
        digest.update(rows.drop(columns="row", errors="ignore").to_csv(index=False).encode())
    return digest.hexdigest()


def is_asked_for(run: Run) -> bool:
    """Whether somebody wants a proposal of ``run`` whatever comes out: it says so, or its plans were chosen by hand."""
    return run.config.propose_unchanged or run.has(run_files.GIVEN_PLANS)


def end_if_input_unchanged(run: Run, *, also_waiting: bool) -> Unchanged | None:
    """Keep and return that the input is that of the version in force; None when the run has to go on.

    ``also_waiting``: or that of a proposal that waits for a decision. A run that names its regions goes on: somebody
    asked to search them.
    """
    from allocation.publication import proposals

    if is_asked_for(run) or run.config.regions or run.config.current != "version":
        return _kept(run, None)
    same = proposals.same_question(
        run.store, run.record.config, fingerprints(run), _first_day(run), also_waiting=also_waiting
    )
    return _kept(run, Unchanged(version=same.version, is_in_force=same.is_in_force, what="input") if same else None)


def end_if_outcome_unchanged(run: Run, outcome: Path) -> Unchanged | None:
    """Keep and return that the whole ``outcome`` of the run is the division in force; None when it is not."""
    from allocation.publication import proposals

    if is_asked_for(run):
        return _kept(run, None)
    areas = run.fetched(run_files.AREAS)
    version = proposals.same_division(outcome, areas, run.store, run.files_dir, run.config.valid_from)
    return _kept(run, Unchanged(version=version) if version else None)


def _first_day(run: Run) -> date:
    return run.config.valid_from or calendar.today()


def _kept(run: Run, found: Unchanged | None) -> Unchanged | None:
    """Keep what was found; what an earlier try of the same task found does not stay."""
    if found is not None:
        run.write(run_files.UNCHANGED, found)
        return found
    if run.has(run_files.UNCHANGED):
        run.write(run_files.UNCHANGED, Unchanged(version=None))
    return None


def fingerprints(run: Run) -> dict[str, object]:
    """What the run was made of, as the record of its version keeps it. Readers see that of the boundaries: of a file
    its name, and not the folder."""
    boundaries = run.read(run_files.BOUNDARIES).model_dump(mode="json")
    boundaries["edition"]["origin"] = account_sheets.origin(boundaries["edition"])
    sources: dict[str, object] = {"input": run.read(run_files.INPUT).model_dump(mode="json"), "boundaries": boundaries}
    if run.has(run_files.CHANGES):
        sources["changes"] = hashlib.sha256(run.fetched(run_files.CHANGES).read_bytes()).hexdigest()
    return sources


def input_files(run: Run) -> list[Path]:
    """The files of the input folder that the run was made of."""
    record = run.read(run_files.INPUT)
    return [Path(record.folder).absolute() / name for name in sorted(record.sha256)]


def contents(run: Run) -> str:
    """SHA-256 of what the run is made of: files, areas, and who is in force on the first day."""
    given, areas = run.read(run_files.INPUT), run.read(run_files.BOUNDARIES)
    parts = [areas.fingerprint, given.roster, *(f"{name} {sha}" for name, sha in sorted(given.sha256.items()))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def why_no_longer_asked(run: Run) -> str | None:
    """Why the proposal of ``run`` needs no decision any more, in Dutch; None as long as it waits for one."""
    from allocation.publication import proposals

    record = run.read(run_files.VERSION)
    status, act, newer = proposals.last_proposed(record.version, run.store)
    if status == proposals.WITHDRAWN:
        return f"Voorstel {record.version} is ingetrokken: voorstel {newer} komt ervoor in de plaats."
    if status != proposals.PROPOSED:
        return f"Over voorstel {record.version} is al besloten."
    if record.act is not None and act != record.act:
        return f"Voorstel {record.version} is opnieuw gedaan door een latere run, die op een besluit wacht."
    return None
