"""Alternatives of one proposal: the same input divided in several ways, to choose from.

All are found in one run, which ends before the outcome is made. ``choose`` makes one of them a proposal like any other:
a run of its own with the plans given, through both gates.

Belongs here: the order, the processes and the files. Does not belong here: the kinds (``layers.alternatives``), their
figures (``outcome.alternatives``).
"""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.districting import warm_up
from allocation.layers import alternatives as kinds
from allocation.layers.alternatives import CORNERS, Alternative, Figures
from allocation.layers.build import wanted_regions
from allocation.layers.layer import Layer
from allocation.layers.moving import clients_moved
from allocation.layers.spread import Spread, Spreads
from allocation.outcome import alternatives as beside
from allocation.outcome.transition import expected_per_area
from allocation.pipeline import steps
from allocation.pipeline.in_force import refuse_overtaken
from allocation.pipeline.processes import processes
from allocation.runs import run_files
from allocation.runs.run import Progress, Run, run_folder

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Task:
    """A layer of the run, with the clients that change team (n, k) and what its units can be off by."""

    key: str
    folder: Path
    layer: Layer
    moved: Floats
    spread: Spread


def find(run: Run, progress: Progress) -> pd.DataFrame:
    """Find the alternatives of ``run`` for the regions that its settings name; returns ``outcome.alternatives.front``.

    They are kept in the run's folder. Raises ``Refused`` when no layer is left to divide.
    """
    workers = run.config.solver.workers
    with processes(workers, are_apart=workers > 1) as pool:
        for _ in range(run.config.solver.workers):
            pool.submit(warm_up)
        progress("boundaries")
        steps.prepare_boundaries(run, progress)
        progress("inputs")
        steps.check_inputs(run)
        progress("expected work")
        steps.estimate_work(run)
        progress("layers")
        steps.prepare_layers(run)
        tasks = _tasks(run)
        plans, proven = _divide(run, tasks, pool, progress)
    return _write(run, tasks, plans, proven)


def _tasks(run: Run) -> list[_Task]:
    wanted = wanted_regions(run.config, run.areas())
    keys = [row.key for row in run.layers().layers if row.is_solved]
    layers = {key: layer for key in keys if wanted & set((layer := Layer.read(run.layer_folder(key))).regions)}
    if not any(layer.problem.k > 1 for layer in layers.values()):
        raise Refused(
            "There is nothing to choose: every layer of these regions has one team, or nothing changed in it."
        )
    now = run.read(run_files.DIVISION_IN_FORCE)
    work = run.read(run_files.WORK)
    expected, spreads = expected_per_area(work, run.areas(), run.config), Spreads(work, run.config)
    return [
        _Task(key, run.layer_folder(key), layer, clients_moved(layer, now, expected), spreads.of_units(layer))
        for key, layer in layers.items()
    ]


Plans = dict[Alternative, dict[str, Ints]]


def _divide(
    run: Run, tasks: list[_Task], pool: Executor, progress: Progress
) -> tuple[Plans, dict[Alternative, list[float]]]:
    """The plan of every alternative and layer, and what is proven of each corner, per layer."""
    config = run.config
    first = [kind for kind in Alternative if kind is not Alternative.MIDDLE]
    by_size = sorted(tasks, key=lambda task: -task.layer.problem.n)
    longest_first = sorted(first, key=lambda kind: -kinds.SEARCHES.get(kind, 1))
    waiting: dict[tuple[Alternative, str], Future[tuple[Ints, float]]] = {
        (kind, task.key): pool.submit(divide_in_process, task.folder, kind, task.moved, task.spread, {}, config)
        for task in by_size
        for kind in longest_first
    }
    plans: Plans = {kind: {} for kind in Alternative}
    proven: dict[Alternative, list[float]] = {kind: [] for kind in CORNERS}
    middle = {}
    for task in by_size:
        for kind in first:
            plans[kind][task.key], bound = waiting[kind, task.key].result()
            if kind in CORNERS:
                proven[kind].append(bound)
        of_layer: dict[Alternative, Ints] = {one: plans[one][task.key] for one in first}
        for corner in CORNERS:
            plans[corner][task.key] = kinds.best_of(task.layer, corner, task.moved, task.spread, of_layer)
        corners = {
            str(kind): kinds.figures(task.layer, task.moved, task.spread, plans[kind][task.key]) for kind in CORNERS
        }
        middle[task.key] = pool.submit(
            divide_in_process, task.folder, Alternative.MIDDLE, task.moved, task.spread, corners, config
        )
        progress(f"{task.layer.label}: {len(first)} divisions")
    for key, future in middle.items():
        plans[Alternative.MIDDLE][key], _ = future.result()
    return plans, proven


def divide_in_process(
    folder: Path, kind: Alternative, moved: Floats, spread: Spread, corners: dict[str, Figures], config: Config
) -> tuple[Ints, float]:
    """The plan of a layer of one kind, and what is proven of it (0 where the kind is no corner)."""
    layer = Layer.read(folder)
    plan = kinds.divide(layer, kind, moved, spread, corners, config)
    return plan, kinds.proven(layer, kind, moved, spread, plan) if kind in CORNERS else 0.0


def _write(run: Run, tasks: list[_Task], plans: Plans, proven: dict[Alternative, list[float]]) -> pd.DataFrame:
    demand = sum(task.layer.problem.total_demand for task in tasks)
    figures, areas = {}, {}
    for kind, of_layers in plans.items():
        each = [kinds.figures(task.layer, task.moved, task.spread, of_layers[task.key]) for task in tasks]
        figures[kind] = beside.together(each, demand)
        areas[kind] = len({pc4 for task in tasks for pc4 in _changed(task, of_layers[task.key])})
    table = beside.front(beside.figure_table(figures, beside.proven_together(proven, demand), areas))
    rows = [
        pd.DataFrame(
            {
                "alternative": name,
                "layer": task.key,
                "unit": task.layer.problem.unit_ids,
                "team_id": np.asarray(task.layer.problem.team_ids, dtype=object)[plans[Alternative(name)][task.key]],
            }
        )
        for name in table["alternative"]
        for task in tasks
    ]
    run_files.ALTERNATIVES.write(run.folder, {"figures": table, "plans": pd.concat(rows, ignore_index=True)})
    return table


def _changed(task: _Task, plan: Ints) -> list[str]:
    moves = task.moved[np.arange(len(plan)), plan] > 0
    return task.layer.parts.loc[moves, "pc4"].tolist()


def choose(var: Path, run_id: str, alternative: str, store: str, reason: str = "") -> Run:
    """A new run that proposes one alternative of a run of ``find``: its plans are given, all else is made as usual.

    ``run_all`` takes it from there. Raises ``Refused`` when there is no such run or alternative, and when another
    division is in force than the one that they were found beside.
    """
    folder = run_folder(var, run_id)
    if not run_files.ALTERNATIVES.table("plans").exists(folder):
        raise Refused(f"{folder} holds no alternatives; caseload alternatives prints the name of its run")
    tables = run_files.ALTERNATIVES.read(folder, ("figures", "plans"))
    names = tables["figures"]["alternative"].tolist()
    if alternative not in names:
        raise Refused(f"run {run_id} has no alternative {alternative!r}; it has {', '.join(names)}")
    base = Run.open(folder)
    again = "Find the alternatives again (caseload alternatives)."
    refuse_overtaken(base, store, base.in_force().version, base.config.valid_from, again=again)
    why = reason or base.config.reason or f"alternatief {alternative} van {run_id}"
    run = Run.start(
        input_dir=Path(base.input_dir) if base.input_dir else None,
        boundaries=base.boundaries,
        store=store,
        config=base.config.model_copy(update={"reason": why}),
        var=var,
    )
    plans = tables["plans"]
    run.write(run_files.GIVEN_PLANS, plans.loc[plans["alternative"] == alternative, ["layer", "unit", "team_id"]])
    run_files.ALTERNATIVES.write(
        run.folder, {"figures": tables["figures"].assign(is_chosen=[n == alternative for n in names])}
    )
    return run
