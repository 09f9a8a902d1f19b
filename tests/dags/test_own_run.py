"""A task works in the folder of its own DAG run, whatever was handed on to it: that can be edited in Airflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support import faults
from tests.support.browser import start_toy

DAGS = Path(faults.__file__).parents[2] / "dags"
OPENED = """
import json, os, sys
from pathlib import Path
from types import SimpleNamespace
import run_in_process
run_in_process.prepare_environment(Path(sys.argv[1]) / "airflow-home")
os.environ["CASELOAD_VAR"] = sys.argv[1]
from smc_dags import opened
from allocation.contract.errors import Refused

told = []
for dag_id, run_id, folder in json.loads(sys.argv[2]):
    context = {"dag_run": SimpleNamespace(dag_id=dag_id, run_id=run_id), "params": {"run": run_id}}
    try:
        told.append(opened(folder, context).run_id)
    except Refused as refused:
        is_so = str(refused).startswith(f"{folder} is not the folder of this DAG run")
        told.append("refused" if is_so else str(refused))
print(json.dumps(told))
"""


def told_of(var: Path, *asked: tuple[str, str, str]) -> list[str]:
    """For a task of DAG and run that is handed a folder: the name of the run that it opens, or why it does not."""
    done = subprocess.run(
        [sys.executable, "-c", OPENED, str(var), json.dumps(asked)],
        env=os.environ | {"PYTHONPATH": f"{DAGS}:{DAGS.parent}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_task_opens_the_run_of_its_own_dag_run_and_no_other(tmp_path: Path) -> None:
    """Of a path that leads elsewhere or takes a detour the files of a version would come from, or go to, elsewhere."""
    var = tmp_path / "var"
    for name in ("allocate__one", "allocate__one-2", "allocate__other", "concept"):
        start_toy(var, run_id=name)
    start_toy(tmp_path / "elsewhere", run_id="allocate__one")
    runs = f"{var}/runs"
    (tmp_path / "var/runs/linked").symlink_to(tmp_path / "elsewhere/runs/allocate__one")
    asked = {
        ("allocate", "one", f"{runs}/allocate__one"): "allocate__one",
        ("allocate", "one", f"{runs}/allocate__one-2"): "allocate__one-2",
        ("decide", "concept", f"{runs}/concept"): "concept",
        ("allocate", "one", f"{runs}/allocate__one/../allocate__one"): "refused",
        ("allocate", "one", f"{tmp_path}/elsewhere/runs/allocate__one"): "refused",
        ("allocate", "one", f"{runs}/allocate__other"): "refused",
        ("caseload", "one", f"{runs}/allocate__one"): "refused",
        ("decide", "concept", f"{runs}/allocate__one"): "refused",
        ("allocate", "one", f"{runs}/linked"): "refused",
    }
    assert told_of(var, *asked) == list(asked.values())
