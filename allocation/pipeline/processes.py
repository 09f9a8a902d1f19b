"""Processes that search side by side.

Belongs here: starting them so that Ctrl+C reaches the main process only and that none outlives it, and ending them.
Does not belong here: what they do.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import current_process, parent_process
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.forkserver import ensure_running, set_forkserver_preload
from threading import Lock, Thread
from typing import Any


def collect_less() -> None:
    """Let Python look for cycles of unused objects less often, not among what there is already, and not once more when
    it ends. A run makes many objects, most of which live long, and hardly a cycle."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    atexit.register(gc.freeze)


class ThisProcess(Executor):
    """Does what is submitted at once, in this process."""

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def processes(count: int, *, are_apart: bool = True) -> Iterator[Executor]:
    """``count`` new processes, or this one when they are not apart, or when it may start none.

    New ones take seconds to start, so a run with one worker does without. They are ended at once when the block fails:
    their work is of no use any more.
    """
    if not are_apart or _may_start_none():
        yield ThisProcess()
        return
    with worker_processes(count) as pool:
        try:
            yield pool
        except BaseException:
            end(pool)
            raise


def _may_start_none() -> bool:
    """Whether Python forbids this process to start others: it is a daemon, as those are in which Celery runs tasks."""
    return current_process().daemon


def get_ready() -> None:
    """Let the process from which the others are forked import what they need, while this one does the same."""
    set_forkserver_preload(["allocation.pipeline.run_all", "allocation.publication.connection"])
    ensure_running()


class _Process(ForkServerProcess):
    """A process that does not run the main module of who starts it, as Python lets each new one do. That of a worker of
    Airflow cannot be run again: it would open Airflow's database, which its tasks may not."""

    _mutex = Lock()

    def start(self) -> None:
        main = sys.modules["__main__"]
        names = ("__spec__", "__file__")
        with self._mutex:
            kept = {name: getattr(main, name) for name in names if hasattr(main, name)}
            try:
                for name in kept:
                    setattr(main, name, None)
                super().start()
            finally:
                for name, value in kept.items():
                    setattr(main, name, value)


class _Context(ForkServerContext):
    Process = _Process


def worker_processes(count: int, prepare: Callable[[], None] | None = None) -> ProcessPoolExecutor:
    """``count`` new processes, which end when this one does, however that ends. Each begins with ``prepare``.

    They are forked from one process that has imported what a run needs, and has no threads; so the import is made once.
    What they are given to do stands in a module that they can import: they do not run the main one (`_Process`).
    """
    get_ready()
    environment = dict(os.environ)
    return ProcessPoolExecutor(count, mp_context=_Context(), initializer=_begin, initargs=(prepare, environment))


class Beside:
    """One process beside a server, for as long as that lives: begun when there is work, and begun anew after it died.

    What it was doing when it died, and what waited for it, ends in BrokenProcessPool. ``prepare``: what it begins with.
    """

    def __init__(self, prepare: Callable[[], None] | None = None) -> None:
        self._prepare, self._mutex = prepare, Lock()
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, call: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Do this after what was asked before; in this process when it may start none."""
        if _may_start_none():
            return ThisProcess().submit(call, *arguments)
        with self._mutex:
            if self._pool is not None:
                try:
                    return self._pool.submit(call, *arguments)
                except BrokenProcessPool:
                    self._pool.shutdown(wait=False)
            self._pool = worker_processes(1, self._prepare)
            return self._pool.submit(call, *arguments)

    def close(self) -> None:
        """Wait for what it does, and let go."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def end(self) -> None:
        """End it at once."""
        if self._pool is not None:
            end(self._pool)


def _begin(prepare: Callable[[], None] | None, environment: dict[str, str]) -> None:
    collect_less()
    os.environ.update(environment)  # that of now, not of when the first of these processes was made
    # Ctrl+C reaches every process of a terminal, and the main process ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_the_main_process, daemon=True).start()
    if prepare is not None:
        prepare()


def _end_with_the_main_process() -> None:
    main = parent_process()
    if main is not None:
        main.join()
        os._exit(1)  # files are moved into place whole


def end(pool: ProcessPoolExecutor) -> None:
    """End the processes of ``pool`` at once, and wait until its threads have ended. Files are moved into place whole.

    A thread that still lets go while Python itself ends meets pipes that are closed, and prints its traceback behind
    the sentence that the user should read.
    """
    # No public way to these before Python 3.14.
    running = list((pool._processes or {}).values())  # noqa: SLF001
    results = pool._result_queue  # noqa: SLF001
    calls = pool._call_queue  # type: ignore[attr-defined]  # noqa: SLF001
    for process in running:
        process.terminate()
    # The other ends of the pipes were with the processes. With ours open the threads would wait on: for the rest of a
    # result, and for somebody to read what is still being sent (3.11.2 does not close that end by itself).
    if results is not None:
        results._writer.close()  # type: ignore[attr-defined]  # noqa: SLF001
    if calls is not None:
        calls._reader.close()  # noqa: SLF001
    pool.shutdown(wait=True, cancel_futures=True)
