"""The steps of a run one after another, without a scheduler.

Belongs here: the order and the processes. Does not belong here: what a step does (`steps`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, as_completed
from typing import TYPE_CHECKING, Literal

from allocation.districting import warm_up
from allocation.pipeline import steps
from allocation.pipeline.gates import Gate
from allocation.pipeline.processes import ThisProcess, processes
from allocation.runs import run_files
from allocation.runs.run import Progress, Run
from expectations import engine

if TYPE_CHECKING:
    from allocation.report.report import Drawn

STEPS = {
    "boundaries": 3, "inputs": 3, "expected work": 2, "input expectations begin": 0, "layers": 7, "division": 18,
    "input expectations": 0, "outcome": 6, "expectations": 0, "report": 6, "outcome compared": 1, "proposal": 1,
    "publication": 3,
}  # fmt: skip
"""The steps in order, with the seconds that they take on the example: for who tells how far a run is."""


def solve_all(run: Run, pool: Executor, progress: Progress) -> None:
    """Every layer that needs a search, the largest first, over the processes of ``pool``."""
    keys = steps.solve_carried_over(run)
    label = {row.key: row.label for row in run.layers().layers}
    if kept := len(label) - len(keys):
        why = "given or carried over" if run.has(run_files.GIVEN_PLANS) else "carried over: nothing in them changed"
        progress(f"{kept} of {len(label)} layers {why}")
    waiting = {pool.submit(solve_in_process, str(run.folder), key): key for key in keys}
    for done, future in enumerate(as_completed(waiting), start=1):
        future.result()
        progress(f"{done}/{len(keys)} {label[waiting[future]]}")


def _prepare_layers_and_workers(run: Run, pool: Executor) -> None:
    """Build the layers, while the processes of ``pool`` start and read the solver's compiled code (some seconds)."""
    for _ in range(run.config.solver.workers):
        pool.submit(_get_ready)
    steps.prepare_layers(run)


def _get_ready() -> None:
    """Called in a new process of the pool; most of its time is the import of this module."""
    warm_up()


def solve_in_process(folder: str, key: str) -> None:
    steps.solve_layer(Run.open(folder), key)


def run_all(
    run: Run, *, until: Literal["expectations", "proposal", "publication"], progress: Progress
) -> dict[str, float]:
    """The whole run without a scheduler, up to and including a step. Returns the seconds of each step, in order."""
    workers = run.config.solver.workers
    are_apart = workers > 1
    with processes(workers, are_apart=are_apart) as pool, processes(1, are_apart=are_apart) as gates:
        seconds = _run_steps(run, pool, gates, until, progress)
    run.write_after(f"Run {run.run_id} is done", run_files.SECONDS, seconds)
    return seconds


def begin_gate(run: Run, gates: Executor, gate: Gate) -> Callable[[], None]:
    """Start a gate in the process of ``gates``; returns how to wait for what it finds (raises ``Refused``)."""
    return gates.submit(gate_in_process, str(run.folder), gate).result


def draw_report_meanwhile(run: Run, verdict: Callable[[], None], pool: Executor | None = None) -> None:
    """Draw the report while the gate works, and write it when the outcome passed. What the gate refuses may be past
    drawing: its verdict counts first. Who stops the run waits for neither.

    A process of ``pool`` draws, where there is one: what draws charts stays in memory, and this process spares that.
    """
    try:
        drawn = (pool or ThisProcess()).submit(draw_in_process, str(run.folder)).result()
    except Exception:
        verdict()
        raise
    verdict()
    drawn.write()


def draw_in_process(folder: str) -> Drawn:
    return steps.draw_report(Run.open(folder))


def gate_in_process(folder: str, gate: Gate) -> None:
    run = Run.open(folder)
    steps.validate_inputs(run) if gate == "inputs" else steps.validate_outcome(run)


def _run_steps(run: Run, pool: Executor, gates: Executor, until: str, progress: Progress) -> dict[str, float]:
    """Take the steps in order, up to and including ``until``; returns the seconds of each.

    The gates run beside the division and the drawing of the report, in a process that imports Great Expectations once
    while the areas are read. The verdict of the first gate is awaited before the outcome is made, that of the second
    before the report is written. A run whose outcome is the division in force ends before the proposal
    (``run_files.UNCHANGED`` says so): who asks for a run gets its outcome and report all the same. A schedule, which
    asks every night, ends earlier, where the input is unchanged (DAG ``allocate``).
    """
    gates.submit(engine.get_ready)
    found: list[Callable[[], None]] = []
    do: dict[str, Callable[[], object]] = {
        "boundaries": lambda: steps.prepare_boundaries(run, progress),
        "inputs": lambda: steps.check_inputs(run),
        "expected work": lambda: steps.estimate_work(run),
        "input expectations begin": lambda: found.append(begin_gate(run, gates, "inputs")),
        "layers": lambda: _prepare_layers_and_workers(run, pool),
        "division": lambda: solve_all(run, pool, progress),
        "input expectations": lambda: found.pop()(),
        "outcome": lambda: steps.assemble_outcome(run, pool if run.config.solver.workers > 1 else None),
        "expectations": lambda: found.append(begin_gate(run, gates, "outcome")),
        "report": lambda: draw_report_meanwhile(run, found.pop(), pool),
        "outcome compared": lambda: steps.end_if_outcome_unchanged(run),
        "proposal": lambda: steps.propose(run),
        "publication": lambda: steps.publish(run),
    }
    seconds: dict[str, float] = {}
    for name in STEPS:
        began = time.perf_counter()
        progress(name)
        do[name]()
        seconds[name] = round(time.perf_counter() - began, 2)
        if name == until or run.unchanged():
            break
    for verdict in found:  # of a run that ends with its expectations
        verdict()
    return seconds
