"""A run that waits for a planner looks from time to time whether its proposal still waits, as the scheduler wakes it.

The task is the one of the DAG, the store and the run are real. Only what Airflow keeps of a question (the answer, the
values handed on, the tasks skipped) is caught here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from allocation.pipeline import alerts
from allocation.publication import reads
from allocation.runs.run import Run
from tests.support import faults, gates, toy
from tests.support.browser import toy_run

DAGS = Path(faults.__file__).parents[2] / "dags"
WOKEN = """
import json, os, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
import run_in_process
run_in_process.prepare_environment(Path(sys.argv[1]))
os.environ["CASELOAD_VAR"] = str(Path(sys.argv[1]).parent)
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.execution_time import hitl

written, handed_on = [], {}
hitl.update_hitl_detail_response = lambda _id, chosen, entered: written.append([chosen, entered])
task = DagBag(dag_folder=str(run_in_process.DAGS)).dags["allocate"].get_task("approve")
task.run, task.skip = sys.argv[2], lambda **_: None

class Asked:
    dag_id = "decide"

class Instance:
    id = "1"
    xcom_push = staticmethod(handed_on.__setitem__)

until = datetime.now(UTC) + timedelta(days=float(sys.argv[3]))
event = {"error": "time", "error_type": "timeout"}
try:
    context = {"ti": Instance, "task": task, "dag_run": Asked, "params": {"run": Path(task.run).name}}
    task.execute_complete(context, event, until.isoformat())
    waits = None
except TaskAwaitingInput as waiting:
    waits = {"kept": waiting.kwargs["until"] == until.isoformat(), "seconds": waiting.timeout.total_seconds()}
print(json.dumps({"waits": waits, "written": written, "answer": handed_on.get("answer")}))
"""


def woken(run: Run, days_left: float) -> dict[str, Any]:
    line = [sys.executable, "-c", WOKEN, str(run.var / "airflow-home"), str(run.folder), str(days_left)]
    done = subprocess.run(
        line,
        env=os.environ | {"PYTHONPATH": f"{DAGS}:{DAGS.parent}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A proposal that waits."""
    made = toy_run(tmp_path / "var")
    gates.propose(made)
    return made


@pytest.mark.heavy
def test_it_goes_on_waiting_and_then_counts_as_rejected(run: Run) -> None:
    told = woken(run, 3)
    assert told == {"waits": {"kept": True, "seconds": 600.0}, "written": [], "answer": None}
    told = woken(run, -1)
    assert told["waits"] is None
    assert told["written"] == []  # only Airflow's triggerer may write an answer
    approval = alerts.approval(told["answer"])
    assert (approval["decision"], approval["by"]) == ("rejected", "no answer in time")


@pytest.mark.heavy
def test_it_ends_when_a_newer_proposal_took_its_place(run: Run) -> None:
    newer = toy_run(run.var, {"locks": toy.locks(("1001", "W2", "pin", "", ""))})
    gates.propose(newer)
    told = woken(run, 3)
    assert told["waits"] is None
    approval = alerts.approval(told["answer"])
    assert told["answer"]["seal"]
    assert (approval["decision"], approval["by"]) == ("withdrawn", "caseload")
    assert approval["remark"] == "Voorstel 1 is ingetrokken: voorstel 2 komt ervoor in de plaats."
    assert reads.versions(run.store)["status"].tolist() == ["proposed", "withdrawn"]


ANSWERED = """
import json, os, sys
from datetime import UTC, datetime
from pathlib import Path
import run_in_process
run_in_process.prepare_environment(Path(sys.argv[1]))
os.environ["CASELOAD_VAR"] = str(Path(sys.argv[1]).parent)
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.execution_time import task_runner
from allocation.contract.errors import Refused
from tests.support import gates
from allocation.runs.run import Run

class Airflow:
    # As its server does: what was asked first stays, whatever is asked after that.
    # And what is asked again drops an answer that came in between.
    def __init__(self):
        self.kept, self.told = [], 0

    def send(self, msg):
        self.kept.append(msg)
        return self.kept[0]

    def asked_now(self):
        number, self.told = len(self.kept) - self.told, len(self.kept)
        return number

handed_on = {}

class Asked:
    dag_id = "decide"

class Instance:
    id = "01890a5d-ac96-774b-bcce-b302099a8057"
    xcom_push = staticmethod(handed_on.__setitem__)

task = DagBag(dag_folder=str(run_in_process.DAGS)).dags["allocate"].get_task("approve")
task.notifiers, task.skip = [], lambda **_: None
def happens(act, run, body):
    task.run, task.body = run, body
    if act == "propose":
        gates.propose(Run.open(run))
        return "proposed"
    context = {"ti": Instance, "task_instance": Instance, "task": task, "dag_run": Asked}
    context["params"] = {"run": Path(run).name}
    try:
        if act == "ask":
            task.execute(context)
        given = {"remark": "akkoord"} if act == "answer" else {"remark": 7, "other": []}
        event = {"chosen_options": ["Approve"], "params_input": given, "timedout": False,
                 "responded_by_user": {"id": "jansen", "name": "jansen"}, "responded_at": datetime.now(UTC)}
        task.execute_complete(context, event, **Instance.waits)
        return handed_on["answer"]["responded_by_user"]["name"]
    except TaskAwaitingInput as waiting:
        Instance.waits = waiting.kwargs
        asked = task_runner.SUPERVISOR_COMMS.asked_now()
        return "waits" if asked == 1 else f"waits, asked {asked} times"
    except Refused as refused:
        return str(refused)

told = []
for story in json.loads(sys.argv[2]):
    task_runner.SUPERVISOR_COMMS = Airflow()
    told.append([happens(*one) for one in story])
print(json.dumps(told))
"""


def what_comes(run: Run, *stories: list[tuple[str, Run, str]]) -> list[list[str]]:
    """What comes of each step of each story: to ask about the proposal of a run with a text, to answer what was asked
    last (oddly: with a remark that is no text and one more value), to propose the outcome of a run anew."""
    told = json.dumps([[(act, str(one.folder), body) for act, one, body in story] for story in stories])
    line = [sys.executable, "-c", ANSWERED, str(run.var / "airflow-home"), told]
    environment = os.environ | {"PYTHONPATH": f"{DAGS}:{DAGS.parent}"}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.heavy
def test_an_answer_is_about_the_proposal_that_was_asked_about(run: Run) -> None:
    """The tasks before the question may be done again while it waits: then who answers has read of what was proposed
    before. So it is when the task finds another run behind it than the one that it asked about. And Airflow keeps the
    text of a question whose task is cleared, whatever the task asks the next time."""
    other = toy_run(run.var, {"locks": toy.locks(("1001", "W2", "pin", "", ""))})
    gates.propose(other, beside_others=True)
    ask, answer = ("ask", run, "1"), ("answer", run, "1")
    found = what_comes(
        run,
        [ask, answer],
        [ask, ("answer oddly", run, "1")],
        [ask, ask, answer],
        [ask, ("answer", other, "1")],
        [ask, ("propose", run, ""), answer],
        [ask, ("ask", run, "nothing moves")],
        [ask, ("ask", other, "1")],
    )
    assert found[:3] == [["waits", "jansen"], ["waits", "jansen"], ["waits", "waits", "jansen"]]
    refused = [story[-1].split(";")[0] for story in found[3:]]
    assert refused[:2] == ["Another proposal took the place of the one that was asked about"] * 2
    assert refused[2:] == [f"Airflow still shows what this run asked before ({alerts.question(1)})"] * 2


ASKED = """
import json, os, sys
from pathlib import Path
from types import SimpleNamespace
import run_in_process
run_in_process.prepare_environment(Path(sys.argv[1]))
os.environ["CASELOAD_VAR"] = sys.argv[2]
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.execution_time import task_runner
from allocation.contract.errors import Refused

asked = []
task_runner.SUPERVISOR_COMMS = SimpleNamespace(send=lambda msg: asked.append([msg.subject, msg.body]) or msg)
dag = DagBag(dag_folder=str(run_in_process.DAGS)).dags["decide"]
start, approve = dag.get_task("start").python_callable, dag.get_task("approve")
told = []
for own, name, by in json.loads(sys.argv[3]):
    dag_run = SimpleNamespace(dag_id="decide", run_id=own, triggering_user_name=by)
    context = {"dag_run": dag_run, "params": {"run": name}}
    start.__globals__["get_current_context"] = lambda: context
    try:
        approve.run, approve.notifiers = start(), []
    except Refused as refused:
        told.append(str(refused))
        continue
    try:
        instance = SimpleNamespace(id="01890a5d-ac96-774b-bcce-b302099a8057", xcom_pull=lambda task: f"of {task}")
        approve.execute(context | {"task_instance": instance, "ti": instance})
    except TaskAwaitingInput:
        told.append(asked.pop())
print(json.dumps([*told, list(approve.template_fields)]))
"""


@pytest.mark.heavy
def test_a_run_asks_about_the_proposal_that_it_is_named_after(run: Run) -> None:
    """Who answers finds it by its name: a run named after one proposal that asks about another would have him approve
    what he has not seen. The question says which version it is about."""
    other = toy_run(run.var, {"locks": toy.locks(("1001", "W2", "pin", "", ""))})
    gates.propose(other, beside_others=True)
    assert other.run_id == "toy-2"
    asked = [("toy", "toy", "page"), ("manual__1", "toy-2", "dag_test"), ("toy", "toy-2", "x"), ("toy:2", "toy:2", "x")]
    line = [sys.executable, "-c", ASKED, str(run.var / "airflow-home"), str(run.var), json.dumps(asked)]
    environment = os.environ | {"PYTHONPATH": f"{DAGS}:{DAGS.parent}"}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=240, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    # Who may see no question to planners sees all the same what Airflow filled in before the task began.
    assert "body" not in told.pop()
    assert told[:2] == [[alerts.question(version), "of propose"] for version in (1, 2)]
    assert told[2:] == [
        "A run of this DAG has the name of the run that it asks about: toy-2, not toy.",
        "There is no run toy:2.",
    ]


def test_what_a_run_in_this_process_writes_is_closed_to_other_users(tmp_path: Path) -> None:
    """Also its log, which is opened before any DAG is read."""
    words = "import os, sys; os.umask(0o022); import pathlib, run_in_process as one; place = pathlib.Path(sys.argv[1])"
    words += "\nwith one.quiet(place / 'airflow' / 'log'): pass\none.prepare_environment(place / 'var')"
    subprocess.run(
        [sys.executable, "-c", words, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(DAGS)},
        check=True,
        timeout=60,
    )
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("airflow", "airflow/log", "var")}
    assert modes == {"airflow": 0o750, "airflow/log": 0o640, "var": 0o750}


UNHEARD = """
import json, os, sys
from pathlib import Path
from types import SimpleNamespace
import run_in_process
run_in_process.prepare_environment(Path(sys.argv[1]))
os.environ["CASELOAD_VAR"] = str(Path(sys.argv[2]).parents[1])
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import TaskAwaitingInput
from airflow.sdk.execution_time import task_runner
from allocation.runs.run import Run

asked, context = [], {"run_id": "run-7", "dag_run": SimpleNamespace(dag_id="decide")}
context["params"] = {"run": Path(sys.argv[2]).name}
task_runner.SUPERVISOR_COMMS = SimpleNamespace(send=lambda msg: asked.append(msg.subject) or msg)
dag = DagBag(dag_folder=str(run_in_process.DAGS)).dags["allocate"]
propose, approve = dag.get_task("propose").python_callable, dag.get_task("approve")
propose.__globals__["get_current_context"] = lambda: context
propose.__globals__["opened"] = Run.open
told = propose(sys.argv[2])
instance = SimpleNamespace(
    id="01890a5d-ac96-774b-bcce-b302099a8057", dag_id="allocate", task_id="approve", run_id="run-7",
    xcom_pull=lambda *_, **__: told,
)
approve.run = sys.argv[2]
try:
    approve.execute(context | {"task_instance": instance, "ti": instance})
except TaskAwaitingInput:
    asked.append("waits")
print(json.dumps(asked))
"""


@pytest.mark.heavy  # its smaller sibling: test_alerts.test_a_notice_that_no_channel_takes_is_logged...
def test_a_proposal_is_asked_about_also_when_no_notice_of_it_gets_through(run: Run) -> None:
    """Nobody listens on the webhook's port, neither for the proposal that is withdrawn nor for the one that waits. A
    task that failed of it would leave a proposal that took the place of another, and that nobody can answer."""
    newer = toy_run(run.var, {"locks": toy.locks(("1001", "W2", "pin", "", ""))})
    gates.let_through(newer)
    environment = os.environ | {
        "PYTHONPATH": f"{DAGS}:{DAGS.parent}",
        "CASELOAD_WEBHOOK_CONN": "caseload_webhook",
        "AIRFLOW_CONN_CASELOAD_WEBHOOK": json.dumps({"conn_type": "http", "password": "http://127.0.0.1:9/a-secret"}),
    }
    line = [sys.executable, "-c", UNHEARD, str(run.var / "airflow-home"), str(newer.folder)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [alerts.question(2), "waits"]
    assert "a-secret" not in done.stdout + done.stderr
    kept = (run.var / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(one)["what"] for one in kept] == ["voorstel ingetrokken", "een voorstel wacht op goedkeuring"]
    assert reads.versions(run.store)["status"].tolist() == ["proposed", "withdrawn"]
