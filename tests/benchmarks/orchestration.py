"""The figures of docs/measured.md for a planner who waits: ``python -m tests.benchmarks.orchestration``.

Real components on this machine (api-server, scheduler with LocalExecutor, dag-processor; metadata and store in SQLite)
and the whole embedded country. Measured: from trigger to the proposal that waits for approval, and from approval to the
version in force, for one region and for the whole country, after a first version. Each has a tolerance of its own:
of an outcome that is in force already there is no proposal.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from allocation.report.summary import code_version
from tests.benchmarks.run import machine
from tests.support.airflow_components import Airflow, running, wait_for


def measure(airflow: Airflow, **conf: object) -> tuple[float, float]:
    """Seconds from trigger to proposal, and from approval to the end of the run."""
    began = time.monotonic()
    run_id = airflow.trigger("allocate", conf)
    airflow.wait_for_proposal(run_id)
    proposed = time.monotonic()
    airflow.answer(run_id, "Approve", "meting")
    wait_for("the end of the run", lambda: airflow.state("allocate", run_id) == "success", every_s=0.5)
    return proposed - began, time.monotonic() - proposed


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        metadata = f"sqlite:///{folder / 'airflow' / 'airflow.db'}"
        airflow = Airflow(folder, metadata, {"AIRFLOW__CORE__EXECUTOR": "LocalExecutor"})
        components = [("api-server",), ("scheduler", "preloaded.py", "scheduler"), ("dag-processor",)]
        with running(airflow, *components):
            measure(airflow)
            rows = {
                "one region (Midden-Utrecht)": measure(airflow, regions=["Midden-Utrecht"], tolerance=0.04),
                "the whole country": measure(airflow, tolerance=0.049),
            }
    print(f"{code_version()}, {machine()}\n\n| run | trigger to proposal, s | approval to in force, s |\n|---|---|---|")
    for what, (proposal, publication) in rows.items():
        print(f"| {what} | {proposal:.0f} | {publication:.0f} |")


if __name__ == "__main__":
    main()
