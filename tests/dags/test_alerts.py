"""A missed deadline reaches the people: through Airflow's own runner of callbacks, to a real receiver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from allocation.runs import run_files
from allocation.runs.run import run_folder
from tests.support import faults

DAGS = Path(faults.__file__).parents[2] / "dags"
MISS_A_DEADLINE = """
import sys
from pathlib import Path
import run_in_process, structlog
run_in_process.prepare_environment(Path(sys.argv[1]))
from airflow.sdk.execution_time.callback_supervisor import execute_callback
from airflow.dag_processing.dagbag import DagBag
alert = DagBag(dag_folder=str(run_in_process.DAGS)).dags["allocate"].deadline[0].callback
context = {"dag_run": {"dag_id": "allocate", "dag_run_id": "run-7"}, "deadline": {}}
told = alert.kwargs | {"context": context}
print(execute_callback(alert.path, told, Path("allocate.py"), None, structlog.get_logger()))
"""


def miss_a_deadline(var: Path, **environment: str) -> str:
    """Returns what it logged."""
    return logged_by(MISS_A_DEADLINE, var, **environment)


def logged_by(program: str, var: Path, **environment: str) -> str:
    """What a program wrote, at last what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(var)],
        env=os.environ | {"PYTHONPATH": f"{DAGS}:{DAGS.parent}"} | environment,
        check=True,
        timeout=240,
        capture_output=True,
        text=True,
    )
    return done.stderr + done.stdout


@pytest.mark.heavy
def test_a_missed_deadline_is_told_on_every_channel(tmp_path: Path) -> None:
    with faults.webhook() as (address, came):
        connection = json.dumps({"conn_type": "http", "password": address})
        logged = miss_a_deadline(
            tmp_path, CASELOAD_WEBHOOK_CONN="caseload_webhook", AIRFLOW_CONN_CASELOAD_WEBHOOK=connection
        )
    assert "a-secret-path" not in logged
    told = json.loads((tmp_path / "alerts.jsonl").read_text(encoding="utf-8"))
    assert (told["step"], told["run_id"], told["what"]) == ("allocate", "run-7", "not finished in time")
    assert "no decision of a planner" in told["details"][0]
    (message,) = came
    assert message.startswith("allocate: not finished in time (run run-7)")
    assert "What to do:" in message


@pytest.mark.heavy
def test_a_channel_that_fails_does_not_silence_the_others(tmp_path: Path) -> None:
    """Nobody listens on the webhook's port; the file has the alert all the same."""
    connection = json.dumps({"conn_type": "http", "password": "http://127.0.0.1:9/a-secret-path"})
    logged = miss_a_deadline(
        tmp_path, CASELOAD_WEBHOOK_CONN="caseload_webhook", AIRFLOW_CONN_CASELOAD_WEBHOOK=connection
    )
    assert "alert not sent by to_webhook" in logged
    assert "a-secret-path" not in logged
    assert "not finished in time" in (tmp_path / "alerts.jsonl").read_text(encoding="utf-8")


@pytest.mark.heavy
def test_an_address_that_is_none_or_an_answer_that_refuses_is_told_without_the_address(tmp_path: Path) -> None:
    with faults.webhook() as (address, came):
        refused = address.replace("/hooks/", "/refused/")
        for given in (refused, "http://127.0.0.1:a-secret-path/x"):
            connection = json.dumps({"conn_type": "http", "password": given})
            logged = miss_a_deadline(
                tmp_path, CASELOAD_WEBHOOK_CONN="caseload_webhook", AIRFLOW_CONN_CASELOAD_WEBHOOK=connection
            )
            assert "alert not sent by to_webhook" in logged
            assert "a-secret-path" not in logged
    assert not came


SEND = """
import sys
from pathlib import Path
import run_in_process
run_in_process.prepare_environment(Path(sys.argv[1]))
import smc_alerts
from allocation.pipeline import alerts
print(smc_alerts.send(alerts.plan_is_done("plan-7"), {}))
"""


@pytest.mark.heavy
def test_a_notice_that_no_channel_takes_is_logged_and_whoever_sends_goes_on(tmp_path: Path) -> None:
    """Nobody listens for the webhook or the mail, and the data folder cannot be written. No notice is worth the work of
    the task that sends it. What is logged names no address and no login."""
    (tmp_path / "alerts.jsonl").mkdir()
    closed = {
        "CASELOAD_WEBHOOK_CONN": "caseload_webhook",
        "AIRFLOW_CONN_CASELOAD_WEBHOOK": json.dumps(
            {"conn_type": "http", "password": "http://127.0.0.1:9/a-secret-path"}
        ),
        "CASELOAD_ALERT_MAIL": "someone@a-secret-place.test",
        "AIRFLOW_CONN_SMTP_DEFAULT": "smtp://a-secret-login:a-secret-word@127.0.0.1:9/?disable_ssl=true&retry_limit=1",
    }
    logged = logged_by(SEND, tmp_path, **closed)
    for channel in ("record: IsADirectoryError", "to_webhook: the webhook cannot be reached", "to_mail: "):
        assert f"alert not sent by {channel}" in logged
    assert "a-secret" not in logged
    assert logged.splitlines()[-1] == "None"


NOTIFY = """
import sys
from pathlib import Path
from types import SimpleNamespace
import run_in_process
run_in_process.prepare_environment(Path(sys.argv[1]))
import smc_alerts
from allocation.contract.errors import Refused
ti = SimpleNamespace(dag_id="allocate", task_id="start", run_id="x", rendered_map_index=None)
error = Refused("Postcode 1001 heeft geen team.") if sys.argv[1].endswith("refused") else ValueError("a fault")
smc_alerts.Alert().notify({"task_instance": ti, "exception": error})
"""


@pytest.mark.heavy
@pytest.mark.parametrize("why", ["refused", "fault"])
@pytest.mark.parametrize("can_be_kept", [True, False])
def test_why_a_run_was_refused_is_kept_for_the_page_and_the_alert_goes_out_anyway(
    tmp_path: Path, why: str, can_be_kept: bool
) -> None:
    """A fault of the program is no sentence for a planner: then the page has none."""
    var = tmp_path / why
    folder = run_folder(var, "allocate__x")
    folder.mkdir(parents=True)
    run_files.RUN.path(folder).touch()
    if not can_be_kept:
        run_files.REFUSAL.path(folder).mkdir()
    logged = logged_by(NOTIFY, var)
    assert ("the page cannot be told why" in logged) != can_be_kept
    assert "allocate / start" in (var / "alerts.jsonl").read_text(encoding="utf-8")
    if can_be_kept:
        told = "Postcode 1001 heeft geen team." if why == "refused" else ""
        assert run_files.REFUSAL.path(folder).read_text(encoding="utf-8") == told
