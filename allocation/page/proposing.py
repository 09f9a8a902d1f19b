"""From a planner's draft to a plan of the solver's, and to a proposal like any other.

``recompute`` divides one region anew from the draft; ``submit`` makes a run of its own from the draft: the same files,
the same gate, the same report, so that an approver cannot tell it from a run of the pipeline, but for who made it.
``from_draft`` gives a run of the pipeline itself the draft's teams, locks and moved postcodes, for the whole country.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from allocation import storage
from allocation.contract import calendar, input_tables
from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.districting import check, evaluate
from allocation.intake.about import ABOUT, about
from allocation.intake.inputs import Inputs
from allocation.layers.current import compared_with, line_hours
from allocation.layers.layer import Layer
from allocation.layers.solving import beside, second_lines
from allocation.outcome.in_force import files_in_stock
from allocation.page.answers import draft_team
from allocation.page.basis import refuse_another_basis, refuse_before_planned
from allocation.page.changes import UNCHANGED, ChangeSet, Move, ShownKey, changes_kept
from allocation.page.whatif import Bench, Variant, free_units
from allocation.pipeline import in_force, run_all, steps
from allocation.pipeline.processes import ThisProcess, processes
from allocation.pipeline.succession import Succession
from allocation.publication import drafts, reads
from allocation.report import account_sheets, dutch
from allocation.report.board import Ints, LayerBoard
from allocation.report.map import SHOWN, boards_shown, main_team
from allocation.runs import run_files
from allocation.runs.run import Run, new_name, run_folder
from allocation.runs.run_files import LayerRow, LayersRecord
from expectations import engine

log = logging.getLogger(__name__)

Solve = Callable[[Layer, int], Ints]


def recompute(
    bench: Bench, changes: ChangeSet, shown: ShownKey, region: int, *, keeps: bool, solve: Solve
) -> ChangeSet:
    """The change set with the layer's cluster around ``region`` divided anew under its locks and teams.

    ``keeps``: postcodes that the planner moved stay where they were put. ``solve`` gets the layer and its position.
    """
    variant = bench.variant(changes)
    domain, line = next((domain, line) for key, _, domain, line in SHOWN if key == shown)
    plans = list(variant.plans)
    for i, part in enumerate(variant.board.layers):
        if part not in boards_shown(variant.board, domain, line) or region not in part.layer.regions:
            continue
        problem = part.layer.problem
        if keeps:
            fixed = np.full(problem.n, -1, dtype=np.int64) if problem.fixed is None else problem.fixed.copy()
            moved = plans[i] != part.proposal
            fixed[moved] = plans[i][moved]
            problem = problem.replace(fixed=fixed)
        plans[i] = solve(replace(part.layer, problem=problem), i)
    return changes.model_copy(update={"moves": moves_between(bench, replace(variant, plans=tuple(plans)))})


def moves_between(bench: Bench, variant: Variant) -> tuple[Move, ...]:
    """The moves that make the variant out of the proposal. Where both lines share their teams, one move says both."""
    moves = []
    ids = variant.board.teams["team_id"].to_numpy()
    pc4 = variant.board.areas["pc4"].to_numpy()
    for key, _, domain, line in SHOWN:
        old, new = main_team(variant.board, domain, line, "proposal"), draft_team(variant, domain, line)
        for part in boards_shown(variant.board, domain, line):
            if key == "werkgever" and part.layer.client_line == "alle":
                continue
            free = np.unique(part.area[free_units(part, np.arange(part.layer.problem.n))])
            moves += [
                Move.model_validate({"layer": key, "pc4": pc4[a], "team_id": ids[new[a]]})
                for a in free
                if new[a] != old[a] and new[a] >= 0
            ]
    return tuple(moves)


def submit(
    bench: Bench,
    changes: ChangeSet,
    *,
    var: Path,
    store_url: str,
    by: str,
    reason: str,
    valid_from: date | None = None,
    seen: int | None = None,
    beside: Executor | None = None,
) -> int:
    """Propose the draft: a new run folder, checked, with its report; returns the number of the version.

    ``valid_from``: the first day of the new division, on which its teams begin and stop; None = the day on which it is
    approved, and for teams the first day of the run that the draft was made on. ``seen``: the version that was "now"
    beside the draft (``Bench.version_now``); None = not told. ``beside``: a process that helps with the outcome and
    checks it while the report is drawn; None = this one.

    Raises Refused when an area has no team, the run's own version only comes into force after the first day, another
    version is in force by then, or the outcome does not pass its checks; nothing is stored then.
    """
    refuse_before_planned(store_url, Run.open(bench.folder), valid_from)
    if valid_from is not None and valid_from != bench.day:
        bench = Bench(bench.folder, valid_from, is_in_force=bench.is_in_force)
    variant = bench.variant(changes)
    without = [
        str(b.layer.parts["pc4"].iloc[u])
        for b, plan in zip(variant.board.layers, variant.plans, strict=True)
        for u in np.flatnonzero(plan < 0)
    ]
    if without:
        shown, when = ", ".join(sorted(set(without))[:10]), "" if bench.is_as_run else f" op {dutch.day(bench.day)}"
        told = f"{len(set(without))} postcodes hebben{when} geen team: {shown}."
        raise Refused(f"{told} Wijs ze toe of kies Herbereken.")
    asked = {"reason": reason, "valid_from": valid_from}
    run = _new_run(bench, var=var, store_url=store_url, by=by, asked=asked)
    _copy_inputs(bench, changes, run)
    _compare_with_now(bench, run, seen)
    _write_layers(run, bench, variant, by)
    steps.assemble_outcome(run, beside)
    try:
        run_all.draw_report_meanwhile(run, run_all.begin_gate(run, beside or ThisProcess(), "outcome"))
    except Refused as refused:
        raise Refused(_not_passed(run)) from refused
    return steps.propose(run, passed=["outcome"])  # its input is that of a run that passed, with the draft's changes


def _not_passed(run: Run) -> str:
    """Why the gate refused, in Dutch: what failed, with examples; nothing of this machine."""
    failed = [one for gate in account_sheets.gates(run.folder) for one in gate.failed if one["severity"] == "critical"]
    lines = [account_sheets.finding(one) for one in failed]
    return "\n".join(["De controle keurt dit voorstel af; er is niets ingediend.", *lines])


def submit_in(
    var: Path,
    store_url: str,
    run_id: str,
    changes: ChangeSet,
    by: str,
    reason: str,
    valid_from: date | None,
    seen: int | None = None,
) -> int:
    """``submit`` in a process of its own, which has no bench yet."""
    with processes(1) as beside:
        beside.submit(engine.get_ready)  # while the run is laid open
        bench = Bench(run_folder(var, run_id))
        return submit(
            bench, changes, var=var, store_url=store_url, by=by, reason=reason, valid_from=valid_from, seen=seen,
            beside=beside,
        )  # fmt: skip


def divide_country(var: Path, store_url: str, draft_id: int, by: str, reason: str) -> int:
    """Divide the whole country from a saved draft, without a scheduler; returns the version that it proposes."""
    drafts.draft(store_url, draft_id)  # nothing is begun for a draft that is gone
    config = Config.from_values({"reason": reason})
    begun = Run.start(
        input_dir=None, boundaries="", store=store_url, config=config, var=var, run_id=new_name("land"), created_by=by
    )
    run = from_draft(begun, draft_id)
    run_all.run_all(run, until="proposal", progress=log.info)
    return run.read(run_files.VERSION).version


def from_draft(run: Run, draft_id: int) -> Run:
    """The run that has just begun, started again from a saved draft.

    Boundaries and settings are those of the run that the draft was made on; reason, first day and who made it are
    those of ``run``. Postcodes that the planner moved are pinned. Raises Refused when the draft or that run is gone.
    """
    kept = drafts.draft(run.store, draft_id)
    folder = run_folder(run.var, kept.run_id)
    if not run_files.OUTCOME.table("teams").exists(folder):
        raise Refused(f"De bestanden van run {kept.run_id} zijn er niet meer.")
    bench, origin = Bench(folder), Run.open(folder)
    refuse_another_basis(run.store, reads.current_version(run.store, run.eve), origin)
    asked = {
        "regions": (),
        "reason": run.config.reason,
        "valid_from": run.config.valid_from,
        "propose_unchanged": True,  # somebody asked for a decision on it
    }
    config = bench.config.model_copy(update=asked)
    day = bench.inputs.planning_date(config, run.today)
    made = write_input(bench, changes_kept(kept.content), run.draft_input_folder, day)
    return Run.start(
        input_dir=made,
        boundaries=origin.boundaries,
        store=run.store,
        config=config,
        var=run.var,
        run_id=run.run_id,
        today=run.today,
        created_by=run.created_by,
        dag_run=run.dag_run,
    )


def write_input(bench: Bench, changes: ChangeSet, folder: Path, day: date) -> Path:
    """An input folder as the contract has it: the one of the run, with the draft's teams, locks and moves (as pins).

    ``day``: when the draft's teams begin and stop.
    """
    changed = replace(bench.changed_inputs(changes, day), current=bench.original_current)
    pins = pd.DataFrame(_pins(bench, changes), columns=list(input_tables.LOCKS.column_names))
    locks = changed.locks if pins.empty else pd.concat([changed.locks.astype(object), pins], ignore_index=True)
    folder.mkdir(parents=True, exist_ok=True)
    for table in input_tables.INPUTS:
        frame = locks if table.name == "locks" else getattr(changed, table.name)
        if len(frame) or not table.optional:
            frame[[name for name in table.column_names if name in frame]].to_parquet(folder / f"{table.name}.parquet")
    if told := about(Path(run_files.INPUT.read(bench.folder).folder)):
        (folder / ABOUT).write_text(told, encoding="utf-8")
    storage.send_folder(folder)
    return folder


def _pins(bench: Bench, changes: ChangeSet) -> list[dict[str, object]]:
    """The moves as locks: for one client line where the lines have teams of their own, else for both."""
    apart = {
        (key, pc4)
        for key, _, domain, line in SHOWN
        for part in boards_shown(bench.board, domain, line)
        if part.layer.client_line != "alle"
        for pc4 in part.layer.parts["pc4"]
    }
    return [
        {"pc4": one.pc4, "team_id": one.team_id, "kind": "pin", "share": None,
         "client_line": one.layer if (one.layer, one.pc4) in apart else None,
         "reason": "met de hand verplaatst", "valid_until": None}
        for one in changes.moves
    ]  # fmt: skip


def _new_run(bench: Bench, *, var: Path, store_url: str, by: str, asked: Mapping[str, object]) -> Run:
    origin = Run.open(bench.folder)
    return Run.start(
        input_dir=Path(origin.input_dir) if origin.input_dir else None,
        boundaries=origin.boundaries,
        store=store_url,
        config=bench.config.model_copy(update=dict(asked)),
        var=var,
        run_id=new_name("concept"),
        today=min(bench.day, Run.open(bench.folder).layers().day),
        created_by=by,
    )


MADE_ANEW = {
    *(file.name for file in (run_files.RUN, run_files.LAYERS, run_files.VERSION, run_files.SECONDS, run_files.CHANGES,
                             run_files.IN_FORCE, run_files.HELD_FILES, run_files.REPORT, run_files.REPORT_FOR_READERS,
                             run_files.SCENARIO, run_files.SCENARIO_COMPARED, run_files.OUTCOME, run_files.UNCHANGED)),
    run_files.LAYERS_FOLDER, run_files.VALIDATION_FOLDER, run_files.DRAFT_INPUT, run_files.SCENARIO_INPUT,
}  # fmt: skip
"""What a run folder holds that does not go over to a run made of a draft on it; everything else does."""


def _copy_inputs(bench: Bench, changes: ChangeSet, run: Run) -> None:
    """The files of the run that the draft was made on, with the planner's locks and teams in the inputs."""
    for path in storage.fetch_folder(bench.folder).iterdir():
        if path.name in MADE_ANEW:
            continue
        if path.is_dir():
            shutil.copytree(path, run.folder / path.name)
        else:
            shutil.copyfile(path, run.folder / path.name)
    storage.send_folder(run.folder)
    if changes.structure != UNCHANGED:
        changed = bench.changed_inputs(changes)
        replace(changed, current=bench.original_current).write(run.inputs_folder)
    run.write(run_files.CHANGES, changes.model_dump(mode="json"))


def _compare_with_now(bench: Bench, run: Run, seen: int | None) -> None:
    """Ask anew what is in force: the run that the draft was made on may be that version itself by now.

    Changes and files are counted from there, and ``_write_layers`` compares the layers with it. What was read is what
    is judged: a version that comes into force after this is noticed by ``steps.propose``.
    """
    eve = replace(run, today=max(run.today, calendar.today())).eve  # the run keeps the day of the one it comes from
    in_force.read_store(run, eve)
    refuse_another_basis(run.store, run.in_force().version, Run.open(bench.folder), seen)
    inputs = Inputs.read(run.inputs_folder)
    in_force.write_now(run, inputs, Succession.read(run))
    held = files_in_stock(
        inputs,
        run.read(run_files.WORK),
        run.areas(),
        now=run.read(run_files.DIVISION_IN_FORCE),
        routing_in_force=run.read(run_files.ROUTING_IN_FORCE),
        files_in_force=run.read(run_files.FILES_IN_FORCE),
        day=bench.day,
        eve=eve,
        config=run.config,
    )
    run.write(run_files.HELD_FILES, held)


def _write_layers(run: Run, bench: Bench, variant: Variant, by: str) -> None:
    """The layers with the draft's plans, compared with what is in force now."""
    origin, rows = Run.open(bench.folder), []
    now = run.read(run_files.DIVISION_IN_FORCE)
    plans: dict[str, Ints] = {}
    layers: dict[str, Layer] = {}
    after = second_lines([part.layer for part in variant.board.layers])
    for part, plan in zip(variant.board.layers, variant.plans, strict=True):
        layer = compared_with(part.layer, now, line_hours(bench.expected, part.layer.law_domain))
        if part.key in after:
            layer = beside(layer, layers[after[part.key]], plans[after[part.key]])
        layers[part.key], plans[part.key] = layer, plan
        layer.write(run.layer_folder(part.key))
        run.write_plan(part.key, layer.problem.unit_ids, plan)
        is_known = _is_as_proposed(bench, part, plan) and origin.has_result(part.key)
        result = origin.result(part.key) if is_known and _prices_alike(layer, part.layer) else _result(layer, plan, by)
        run_files.RESULT.write(run.layer_folder(part.key), result)
        rows.append(
            LayerRow(
                key=part.key, label=layer.label, is_solved=True, units=layer.problem.n, after=after.get(part.key, "")
            )
        )
    record = LayersRecord(
        day=bench.day,
        from_version=in_force.from_version(run, Inputs.read(run.inputs_folder)),
        in_force_since=run.in_force().since,
        layers=tuple(rows),
    )
    run.write(run_files.LAYERS, record)


def _is_as_proposed(bench: Bench, part: LayerBoard, plan: Ints) -> bool:
    return bench.is_as_run and any(own is part for own in bench.board.layers) and plan is part.proposal


def _prices_alike(one: Layer, other: Layer) -> bool:
    """Whether a plan of both costs the same: they are compared with the same division and the same other line."""
    return all(
        np.array_equal(getattr(one.problem, name), getattr(other.problem, name))
        for name in ("current", "kept", "apart")
    )


def _result(layer: Layer, plan: Ints, by: str) -> dict[str, object]:
    """What is known of a plan that a planner made: its value and the rules it breaks, no bound."""
    problem = layer.problem
    terms, violations = evaluate(problem, plan), check(problem, plan)
    return {
        "label": layer.label,
        "objective": terms.objective,
        "terms": asdict(terms),
        "lower_bound": None,
        "gap": None,
        "is_feasible": not violations,
        "violations": [one.facts() for one in violations],
        "proof": None,
        "stopped_because": f"aangepast door {by}",
        "iterations": 0,
        "seed": None,
        "seconds": 0.0,
    }
