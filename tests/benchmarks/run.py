"""The figures of docs/measured.md: wall time and peak memory of a run of the whole country, step by step.

``python -m tests.benchmarks.run [--runs N] [--airflow]`` runs ``caseload run`` on the embedded example in a new folder,
N times after one warm-up (caches, compiled code), and prints medians as a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from allocation.report.summary import code_version


def measure(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall seconds and the peak memory (GB) of the largest process of one command."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    stderr = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(stderr.decode(errors="replace"))
    return time.perf_counter() - began, usage.ru_maxrss / 1024**2


def machine() -> str:
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{os.cpu_count()} cores, {gigabytes:.0f} GiB, Python {platform.python_version()}"


def caseload_run(var: Path, number: int) -> tuple[float, float, dict[str, float]]:
    store = f"sqlite:///{var / f'store-{number}.sqlite'}"
    line = [sys.executable, "-m", "allocation", "run", "--var", str(var), "--store", store]
    wall, memory = measure(line, dict(os.environ))
    newest = max((var / "runs").iterdir(), key=lambda folder: folder.stat().st_mtime)
    shutil.rmtree(var / "published", ignore_errors=True)
    return wall, memory, json.loads((newest / "seconds.json").read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--airflow", action="store_true", help="also time the run through Airflow, as `make run` does it"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder) / "var"
        first, _, _ = caseload_run(var, 0)
        found = [caseload_run(var, number + 1) for number in range(asked.runs)]
    walls = [wall for wall, _, _ in found]
    load = os.getloadavg()[0]
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {code_version()}, {machine()}, load {load:.1f}, median of {asked.runs} runs\n"
    )
    print("| what | seconds |\n|---|---|")
    print(f"| `caseload run`, the whole country | {statistics.median(walls):.1f} ({min(walls):.1f}-{max(walls):.1f}) |")
    print(f"| the first time (makes example, caches, compiled code) | {first:.1f} |")
    for step in found[0][2]:
        print(f"| - {step} | {statistics.median(seconds[step] for _, _, seconds in found):.1f} |")
    print(f"\nPeak memory of the largest process: {max(memory for _, memory, _ in found):.2f} GB")
    if asked.airflow:
        root = Path(__file__).parents[2]
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, str(root / "dags" / "run_in_process.py"), "--var", folder]
            first, again = (measure(command, dict(os.environ))[0] for _ in range(2))
        print(f"Through Airflow in-process, as `make run`: {first:.0f} s; again, with the same input: {again:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
