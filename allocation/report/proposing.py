"""From a planner's draft to a plan of the solver's, and to a proposal like any other.

``recompute`` divides one region anew from the draft; ``submit`` makes a run of its own from the draft: the same files,
the same gate, the same report, so that an approver cannot tell it from a run of the pipeline, but for who made it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from allocation import pipeline
from allocation.districting import check, evaluate
from allocation.errors import Refused
from allocation.layers import Layer
from allocation.report.answers import draft_team
from allocation.report.board import Ints, LayerBoard
from allocation.report.map import SHOWN, boards_shown, main_team
from allocation.report.whatif import Bench, ChangeSet, Move, ShownKey, Variant, free_units

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


def submit(bench: Bench, changes: ChangeSet, *, var: Path, store_url: str, by: str, reason: str) -> int:
    """Propose the draft: a new run folder, checked, with its report; returns the number of the version.

    Raises Refused when an area has no team or the outcome does not pass its checks; nothing is stored then.
    """
    variant = bench.variant(changes)
    without = [
        str(b.layer.parts["pc4"].iloc[u])
        for b, plan in zip(variant.board.layers, variant.plans, strict=True)
        for u in np.flatnonzero(plan < 0)
    ]
    if without:
        shown = ", ".join(sorted(set(without))[:10])
        raise Refused(f"{len(set(without))} postcodes hebben geen team: {shown}. Wijs ze toe of kies Herbereken.")
    run = _new_run(bench, var=var, store_url=store_url, by=by, reason=reason)
    _copy_inputs(bench, changes, run)
    _write_layers(run, bench, variant, by)
    pipeline.assemble_outcome(run)
    pipeline.validate_outcome(run)
    pipeline.write_report(run)
    return pipeline.propose(run)


def _new_run(bench: Bench, *, var: Path, store_url: str, by: str, reason: str) -> pipeline.Run:
    origin = pipeline.Run.open(bench.folder)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-concept"
    return pipeline.Run.start(
        input_dir=Path(origin.input_dir) if origin.input_dir else None,
        boundaries=origin.boundaries,
        store=store_url,
        config=bench.config.model_copy(update={"reason": reason}),
        var=var,
        run_id=name,
        today=bench.day,
        created_by=by,
    )


def _copy_inputs(bench: Bench, changes: ChangeSet, run: pipeline.Run) -> None:
    """The files of the run that the draft was made on, with the planner's locks and teams in the inputs."""
    shutil.copytree(bench.folder / "boundaries", run.folder / "boundaries")
    for name in ("boundaries.json", "inputs.json", "work.parquet", "division_in_force.parquet"):
        if (bench.folder / name).exists():
            shutil.copyfile(bench.folder / name, run.folder / name)
    if (bench.folder / "validation").exists():
        shutil.copytree(bench.folder / "validation", run.folder / "validation")
    if changes.structure == ChangeSet().structure:
        shutil.copytree(bench.folder / "inputs", run.folder / "inputs")
    else:
        changed = bench.changed_inputs(changes)
        replace(changed, current=bench.original_current).write(run.folder / "inputs")
    told = json.dumps(changes.model_dump(mode="json"), indent=1, ensure_ascii=False)
    (run.folder / "changes.json").write_text(told, encoding="utf-8")


def _write_layers(run: pipeline.Run, bench: Bench, variant: Variant, by: str) -> None:
    told = json.loads((bench.folder / "layers.json").read_text(encoding="utf-8"))
    rows = []
    for part, plan in zip(variant.board.layers, variant.plans, strict=True):
        folder = run.folder / "layers" / part.key
        origin = bench.folder / "layers" / part.key
        part.layer.write(folder)
        pd.DataFrame({"unit": part.layer.problem.unit_ids, "team": plan}).to_parquet(
            folder / "plan.parquet", index=False
        )
        if _is_as_proposed(bench, part, plan) and (origin / "result.json").exists():
            shutil.copyfile(origin / "result.json", folder / "result.json")
        else:
            text = json.dumps(_result(part, plan, by), indent=1, ensure_ascii=False)
            (folder / "result.json").write_text(text, encoding="utf-8")
        rows.append({"key": part.key, "label": part.layer.label, "is_solved": True, "units": part.layer.problem.n})
    (run.folder / "layers.json").write_text(json.dumps(told | {"layers": rows}, indent=1), encoding="utf-8")


def _is_as_proposed(bench: Bench, part: LayerBoard, plan: Ints) -> bool:
    return any(own is part for own in bench.board.layers) and plan is part.proposal


def _result(part: LayerBoard, plan: Ints, by: str) -> dict[str, object]:
    """What is known of a plan that a planner made: its value and the rules it breaks, no bound."""
    problem = part.layer.problem
    terms, violations = evaluate(problem, plan), check(problem, plan)
    return {
        "label": part.layer.label,
        "objective": terms.objective,
        "terms": asdict(terms),
        "lower_bound": None,
        "gap": None,
        "is_feasible": not violations,
        "violations": [one.text for one in violations],
        "proof": None,
        "stopped_because": f"aangepast door {by}",
        "iterations": 0,
        "seed": None,
        "seconds": 0.0,
    }
