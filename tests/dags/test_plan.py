"""DAG `plan_ahead` asks nobody about a step that is published already.

The task is the one of the DAG; which steps there are, and which of them are published, is given.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import faults

DAGS = Path(faults.__file__).parents[2] / "dags"
PROPOSE = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
import run_in_process
run_in_process.prepare_environment(Path(sys.argv[1]))
from airflow.dag_processing.dagbag import DagBag
from allocation.pipeline import alerts, plan_ahead, run_all
from allocation.report import summary

published, told = json.loads(sys.argv[2]), []
steps = iter([SimpleNamespace(run_id=name) for name in ("first", "second")])
plan_ahead.open_plan = lambda *_: None
plan_ahead.next_step = lambda *_: next(steps, None)
plan_ahead.is_published = lambda _plan, _store, run: run.run_id in published
run_all.run_all = lambda *_, **__: None
summary.summary = lambda run: {"version": {"first": 2, "second": 3}[run.run_id]}
alerts.proposal = lambda _figures: ""
propose = DagBag(dag_folder=str(run_in_process.DAGS)).dags["plan_ahead"].get_task("propose").python_callable
propose.__globals__["get_current_context"] = dict
propose.__globals__["send"] = lambda alert, _context: told.append([alert["run_id"], alert["what"]])
print(json.dumps([propose("plan-1"), told]))
"""
WAITS = "een voorstel wacht op goedkeuring"


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("published", "version", "told"),
    [
        ([], 2, ["first", WAITS]),
        (["first"], 3, ["second", WAITS]),
        (["first", "second"], None, ["plan-1", "elke stap van plan plan-1 is gepubliceerd"]),
    ],
    ids=["none", "the first", "both"],
)
def test_the_first_step_that_is_not_published_is_asked_about(
    tmp_path: Path, published: list[str], version: int | None, told: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROPOSE, str(tmp_path), json.dumps(published)],
        env=os.environ | {"PYTHONPATH": f"{DAGS}:{DAGS.parent}"},
        check=True,
        timeout=240,
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [version, [told]]
