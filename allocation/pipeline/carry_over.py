"""Which layers have not changed since the version in force was made, so that its plan can be kept without a search.

Belongs here: telling which layers changed, by a fingerprint of everything that the search sees. Does not belong here:
what a layer is (`layers`) or what happens to one that is carried over (`steps.solve_layer`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from allocation.contract.errors import Refused
from allocation.districting import relative_gap
from allocation.layers.layer import Layer, arrays_of, can_carry_over
from allocation.runs import run_files
from allocation.runs.file_kinds import RunIncomplete
from allocation.runs.run import Run, run_folder
from allocation.runs.run_files import LayerRow


def mark_unchanged(run: Run) -> list[str]:
    """Mark the layers of ``run`` that need no search; returns the keys of those that do, in order.

    A layer is carried over when the version in force was made from the same problem with the same settings of the
    search, its plan broke no rule, and that plan is still in force. A run that names its regions searches all of them,
    because somebody asked for it. ``steps.prepare_layers`` calls this last.
    """
    record = run.layers()
    base = None if run.config.regions or record.from_version is None else run_in_force(run)
    if base is not None and base.config.solver == run.config.solver:
        rows: list[LayerRow] = []
        searched: set[str] = set()
        for row in record.layers:  # a layer that waits for another is as it was only when that one is
            is_solved = row.is_solved and (
                row.after in searched or _solved_before(Layer.read(run.layer_folder(row.key)), base) is None
            )
            searched |= {row.key} if is_solved else set()
            rows.append(row.model_copy(update={"is_solved": is_solved}))
        record = record.model_copy(update={"layers": tuple(rows)})
        run.write(run_files.LAYERS, record)
    return [row.key for row in record.layers if row.is_solved]


def run_in_force(run: Run) -> Run | None:
    """The run that made the version in force; None when there is no version or its folder is gone."""
    run_id = run.in_force().run_id
    if run_id is None:
        return None
    folder = run_folder(run.var, run_id)
    return Run.open(folder) if run_files.VERSION.exists(folder) else None


def plan_in_force(run: Run) -> Run:
    """Like ``run_in_force``. Raises ``Refused`` when the folder is gone."""
    found = run_in_force(run)
    if found is None:
        version = run.in_force().version
        raise Refused(f"The folder of the run that made version {version} is gone from {run.folder.parent}.")
    return found


def bound_in_force(run: Run, layer: Layer, objective: float) -> dict[str, float]:
    """``lower_bound`` and ``gap`` of the carried-over plan of ``layer``, of this ``objective``; empty where none is
    known.

    The problem is the one that was solved, but for moves: those counted from the division before and now count from
    the plan in force, p. A unit counts for any plan x at most what it counted for p, or it differs from p:
    moved_before(x) <= moved_before(p) + moved_now(x). So the old bound less what p's moves cost is a bound here.
    """
    base = run_in_force(run)
    before = None if base is None else _solved_before(layer, base)
    if before is None:
        return {}
    old, known = before
    if known["lower_bound"] is None:
        return {}
    paid = old.problem.weights.moved * known["terms"]["moved"]
    bound = known["lower_bound"] - paid
    return {"lower_bound": bound, "gap": relative_gap(objective, bound)}


def _solved_before(layer: Layer, base: Run) -> tuple[Layer, dict[str, Any]] | None:
    """The layer of ``base`` and what its solver said, where that was the same problem and its plan is what is in force.

    Files that another release left behind count as another problem.
    """
    key = layer.key
    try:
        old, known = Layer.read(base.layer_folder(key)), base.result(key)
    except (RunIncomplete, TypeError):  # TypeError: a weight that this release does not know
        return None
    if not known["is_feasible"] or not can_carry_over(layer) or fingerprint(layer) != fingerprint(old):
        return None
    return (old, known) if np.array_equal(base.plan(key), np.asarray(layer.problem.current)) else None


def fingerprint(layer: Layer) -> str:
    """SHA-256 of everything that a search depends on, except what follows from plans: the division in force, which is
    compared as a plan, and the other client line, whose layer must be the same."""
    digest = hashlib.sha256()
    problem = layer.problem
    settings = [problem.unit_ids, problem.team_ids, problem.tolerance, asdict(problem.weights)]
    digest.update(json.dumps(settings).encode())
    for measure in problem.further:
        digest.update(f"{measure.name}:{measure.tolerance}".encode())
    for name, array in arrays_of(problem).items():
        if name not in ("current", "kept", "apart"):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(layer.parts.to_csv(index=False).encode())
    return digest.hexdigest()
