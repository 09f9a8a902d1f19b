"""Processes beside the main one end with it, whatever ends that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path

import pytest

from allocation.pipeline.processes import processes

MAIN = """
import os, signal, time
from allocation.pipeline.processes import worker_processes

if __name__ == "__main__":
    pool = worker_processes(1)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks in /proc")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["asked to end", "killed"])
def test_no_process_outlives_the_main_one(how: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text(MAIN, encoding="utf-8")
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=os.environ, text=True) as main:
        assert main.stdout is not None
        worker = int(main.stdout.readline())
        assert lives(worker)
        main.send_signal(how)
    until = time.monotonic() + 30
    while lives(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not lives(worker)


def start_and_refuse(call: Callable[..., object], *arguments: object) -> None:
    with processes(2) as pool:
        wait([pool.submit(call, *arguments) for _ in range(8)], timeout=0.5)
        raise ValueError("refused")


@pytest.mark.parametrize(
    ("call", "arguments"),
    [(time.sleep, (600,)), (bytes, (30_000_000,)), (len, (bytes(30_000_000),))],
    ids=["at work", "sending a result", "being sent work"],
)
def test_a_block_that_fails_leaves_no_thread(call: Callable[..., object], arguments: tuple[object, ...]) -> None:
    """Else a thread prints a traceback behind the sentence of a refusal, now and then."""
    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="refused"):
        start_and_refuse(call, *arguments)
    assert set(threading.enumerate()) <= before


DAEMON = """
import multiprocessing, os
from allocation.pipeline.processes import Beside, processes

def work(told):
    with processes(2) as pool:
        told.put([*pool.map(abs, [-1, -2]), pool.submit(os.getpid).result() == os.getpid()])
    beside = Beside()
    told.put(beside.submit(abs, -3).result())
    beside.close()

if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    told = fork.Queue()
    child = fork.Process(target=work, args=(told,), daemon=True)
    child.start()
    print(told.get(timeout=60), told.get(timeout=60))
    child.join()
"""


def test_a_process_that_may_have_no_children_does_the_work_itself(tmp_path: Path) -> None:
    """A worker of Celery runs each task in a daemon, which Python forbids to start processes."""
    script = tmp_path / "daemon.py"
    script.write_text(DAEMON, encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == "[1, 2, True] 3\n", done.stderr


ONCE = """
import os

if __name__ != "__main__" or "WAS_RUN" in os.environ:
    raise RuntimeError("the main module was run again")
os.environ["WAS_RUN"] = "yes"

from multiprocessing import set_forkserver_preload
from allocation.pipeline import processes as ours
from allocation.pipeline.processes import Beside, processes

set_forkserver_preload(["allocation.pipeline.processes"])  # what a run needs takes seconds
ours.get_ready = lambda: None
with processes(2) as pool:
    print(*pool.map(abs, [-1, -2]), end=" ")
beside = Beside()
print(beside.submit(abs, -3).result(), __spec__ and __spec__.name, os.path.basename(__file__))
beside.close()
"""


@pytest.mark.parametrize(("named", "spec"), [(["once.py"], "None"), (["-m", "once"], "once")], ids=["file", "module"])
def test_new_processes_do_not_run_the_main_module(tmp_path: Path, named: list[str], spec: str) -> None:
    """A worker of Airflow cannot import its own main module again: what it runs in may not open Airflow's database."""
    (tmp_path / "once.py").write_text(ONCE, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run([sys.executable, *named], cwd=tmp_path, env=os.environ | {"PYTHONPATH": path},
                          capture_output=True, text=True, check=False, timeout=120)  # fmt: skip
    assert done.stdout == f"1 2 3 {spec} once.py\n", done.stderr
