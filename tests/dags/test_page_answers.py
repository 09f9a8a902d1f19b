"""The page inside Airflow passes a decision on to the run that waits for it, and to nothing else.

Airflow's REST interface is played here; the plugin and the runs are real.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from allocation.contract.config import Config
from allocation.pipeline import alerts
from allocation.runs import run_files
from allocation.runs.run import Run
from allocation.runs.run_files import InForce
from tests.support import faults

ROOT = Path(faults.__file__).parents[2]
ANSWERS = """
import asyncio, json, sys
import caseload_page
from allocation.contract.errors import Refused

caseload_page.SETTLED_S = caseload_page.WAITS_AGAIN_S = 0

class Played(caseload_page.ThroughDag):
    def __init__(self, states, question):
        self.states, self.question, self.asked = list(states), question, []

    async def _ask(self, method, path, body=None, or_status=0):
        self.asked.append(f"{method} {path}")
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return self.question | {"task_instance": {"state": state}}

told = []
for run_id, states, question in json.loads(sys.argv[1]):
    page = Played(states, question)
    try:
        asyncio.run(page.answer(run_id, 1, is_approved=True, remark=""))
        told.append(page.asked[-1])
    except Refused as refused:
        told.append(str(refused))
print(json.dumps(told))
"""
WAITS = {"response_received": False, "created_at": "2026-01-01T00:00:00+00:00", "subject": alerts.question(1)}


def what_comes(var: Path, *asked: tuple[str, list[str], dict[str, Any]]) -> list[str]:
    """What becomes of an approval of version 1 of a run whose question's task is in these states, one after the other:
    the last call of Airflow's interface, or why the page refuses."""
    environment = os.environ | {"CASELOAD_VAR": str(var), "AIRFLOW_HOME": str(var / "airflow-home")}
    done = subprocess.run(
        [sys.executable, "-c", ANSWERS, json.dumps(asked)],
        env=environment | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def start(var: Path, **more: Any) -> Run:
    asked = {"input_dir": None, "boundaries": "embedded", "store": f"sqlite:///{var / 'store'}", "config": Config()}
    return Run.start(**asked, var=var, **more)  # type: ignore[arg-type]


@pytest.mark.heavy
def test_an_answer_goes_to_a_task_that_waits_for_it(tmp_path: Path) -> None:
    """The question of a run that ended by itself stays in Airflow, which takes answers to it. A task that only looks
    whether its proposal still waits is back in a moment."""
    path = "dags/decide/dagRuns/toy/taskInstances/approve/-1/hitlDetails"
    told = what_comes(
        tmp_path,
        ("toy", ["awaiting_input"], WAITS),
        ("toy", ["queued", "running", "running", "awaiting_input"], WAITS),
        ("toy", ["success"], WAITS),
        ("toy", ["failed"], WAITS),
        ("toy", ["running"], WAITS),
        ("toy", ["awaiting_input"], WAITS | {"response_received": True}),
        ("toy", ["awaiting_input"], WAITS | {"subject": alerts.question(2)}),
    )
    assert told[:2] == [f"PATCH {path}"] * 2
    assert [one.split(";")[0].split(",")[0] for one in told[2:]] == [
        "In Airflow wacht geen run meer op een besluit over dit voorstel",
        "In Airflow wacht geen run meer op een besluit over dit voorstel",
        "Airflow kijkt net of dit voorstel nog op een besluit wacht",
        "Over dit voorstel is in Airflow al besloten",
        "De vraag die Airflow onder deze naam stelt",
    ]


@pytest.mark.heavy
def test_a_run_that_is_done_again_from_its_start_is_answered_where_it_waits(tmp_path: Path) -> None:
    """Its folder gets a number behind its name; Airflow's run keeps its name, which may end in a number of its own."""
    for dag_run in ("one", "two-2"):
        for _ in range(2):
            start(tmp_path, run_id=f"allocate__{dag_run}", dag_run=dag_run).write(run_files.IN_FORCE, InForce())
    names = ("allocate__one", "allocate__one-2", "allocate__two-2", "allocate__two-2-2", "allocate__of-before")
    told = what_comes(tmp_path, *((name, ["awaiting_input"], WAITS) for name in names))
    assert [one.split("/")[3] for one in told] == ["one", "one", "two-2", "two-2", "of-before"]
