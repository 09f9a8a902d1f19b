"""What DAG `teams` notices: its own task, with the events that Airflow would hand it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import faults, toy

DAGS = Path(faults.__file__).parents[2] / "dags"
NOTICE = """
import json, sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
import run_in_process
run_in_process.prepare_environment(Path(sys.argv[1]))
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowSkipException
from smc_dags import TEAMS

notice = DagBag(dag_folder=str(run_in_process.DAGS)).dags["teams"].get_task("notice").python_callable
told, seen = [], []
for extra in json.loads(sys.argv[2]):
    seen += [SimpleNamespace(extra=extra)] if extra is not None else []
    made = defaultdict(SimpleNamespace)
    try:
        notice(inlet_events={TEAMS: seen}, outlet_events=made)
        seen.append(made[TEAMS])
        told.append(made[TEAMS].extra["changed"])
    except AirflowSkipException:
        told.append("nothing changed")
print("TOLD" + json.dumps(told))
"""


def noticed(tmp_path: Path, *before: dict[str, Any] | None) -> list[Any]:
    """What it tells each time; ``before``: the extra of an event that comes in from elsewhere first, None = none."""
    done = subprocess.run(
        [sys.executable, "-c", NOTICE, str(tmp_path / "var"), json.dumps(before)],
        env=os.environ | {"PYTHONPATH": f"{DAGS}:{DAGS.parent}", "CASELOAD_INPUT": str(toy.write(tmp_path / "in"))},
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("TOLD")]
    assert lines, done.stderr[-3000:]
    told: list[Any] = json.loads(lines[0].removeprefix("TOLD"))
    return told


@pytest.mark.heavy
def test_an_event_that_somebody_made_by_hand_stops_nothing(tmp_path: Path) -> None:
    """Airflow's button makes one without the checksums: the files are then noticed once more, and all goes on."""
    every = ["clusters.csv", "locks.csv", "teams.csv"]
    assert noticed(tmp_path, None, None, {"from_rest_api": True}, None) == [
        every,
        "nothing changed",
        every,
        "nothing changed",
    ]
