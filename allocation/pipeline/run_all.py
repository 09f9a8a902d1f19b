"""The steps of a run one after another, without a scheduler.

Belongs here: the order and the processes. Does not belong here: what a step does (`steps`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Literal

from allocation.districting import warm_up
from allocation.pipeline import steps
from allocation.runs import run_files
from allocation.runs.run import Progress, Run


def solve_all(run: Run, pool: ProcessPoolExecutor, progress: Progress) -> None:
    """Every layer that needs a search, the largest first, over the processes of ``pool``."""
    keys = steps.solve_carried_over(run)
    label = {row.key: row.label for row in run.layers().layers}
    if kept := len(label) - len(keys):
        progress(f"{kept} of {len(label)} layers carried over: nothing in them changed")
    waiting = {pool.submit(solve_in_process, str(run.folder), key): key for key in keys}
    for done, future in enumerate(as_completed(waiting), start=1):
        future.result()
        progress(f"{done}/{len(keys)} {label[waiting[future]]}")


def _prepare_layers_and_workers(run: Run, pool: ProcessPoolExecutor) -> None:
    """Meanwhile the processes of ``pool`` start and read the solver's compiled code, which takes them seconds."""
    for _ in range(run.config.solver.workers):
        pool.submit(_get_ready)
    steps.prepare_layers(run)


def _get_ready() -> None:
    """Importing this module is the larger part of it."""
    warm_up()


def solve_in_process(folder: str, key: str) -> None:
    steps.solve_layer(Run.open(folder), key)


def run_all(
    run: Run, *, until: Literal["expectations", "report", "proposal", "publication"], progress: Progress
) -> dict[str, float]:
    """The whole run without a scheduler, up to and including a step. Returns the seconds of each step, in order."""
    with ProcessPoolExecutor(run.config.solver.workers, mp_context=get_context("spawn")) as pool:
        try:
            seconds = _run_steps(run, pool, until, progress)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # the layers that wait are of no use any more
            raise
    run.write(run_files.SECONDS, seconds)
    return seconds


def _run_steps(run: Run, pool: ProcessPoolExecutor, until: str, progress: Progress) -> dict[str, float]:
    order: list[tuple[str, Callable[[], object]]] = [
        ("boundaries", lambda: steps.prepare_boundaries(run, progress)),
        ("inputs", lambda: steps.check_inputs(run)),
        ("expected work", lambda: steps.estimate_work(run)),
        ("input expectations", lambda: steps.validate_inputs(run)),
        ("layers", lambda: _prepare_layers_and_workers(run, pool)),
        ("division", lambda: solve_all(run, pool, progress)),
        ("outcome", lambda: steps.assemble_outcome(run)),
        ("expectations", lambda: steps.validate_outcome(run)),
        ("report", lambda: steps.write_report(run)),
        ("proposal", lambda: steps.propose(run)),
        ("publication", lambda: steps.publish(run)),
    ]
    seconds: dict[str, float] = {}
    for name, step in order:
        began = time.perf_counter()
        progress(name)
        step()
        seconds[name] = round(time.perf_counter() - began, 2)
        if name == until:
            break
    return seconds
