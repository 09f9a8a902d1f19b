"""`make run`: the DAGs boundaries, caseload and allocate one after the other in this process, without any server.

Airflow runs the same tasks as in production, one at a time, on metadata in SQLite. Its own log goes to a file; the
terminal shows progress and the summary. The proposal is approved in the name of whoever started the program: that
person asked for a published run, and the record says that this is how it was approved.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import getpass
import json
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

DAGS = Path(__file__).parent
ORDER = ("boundaries", "caseload", "allocate")
CLOSED = 0o027
"""The mask of what is written: runs and logs hold counts of clients, nothing for other users of the machine."""


def settings(var: Path) -> dict[str, str]:
    """Airflow's settings for one machine: home below ``var``, SQLite, nothing sent anywhere."""
    home = var / "airflow"
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(DAGS.parent / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "GX_ANALYTICS_ENABLED": "false",
        "CASELOAD_VAR": str(var),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(DAGS), os.environ.get("PYTHONPATH")])),
    }


def prepare_environment(var: Path) -> None:
    """Put the settings into this process, before anything of Airflow is imported."""
    os.umask(CLOSED)
    var.mkdir(parents=True, exist_ok=True)
    for name, value in settings(var).items():
        os.environ[name] = value
    os.environ.setdefault("CASELOAD_RETRY_SECONDS", "1")
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()  # the answer is given and used in this process
    os.environ.setdefault("AIRFLOW__CORE__FERNET_KEY", key)
    if str(DAGS) not in sys.path:
        sys.path.insert(0, str(DAGS))


def migrate(var: Path) -> None:
    """Airflow's metadata database at the schema of this version, and our pool; done once per version of Airflow."""
    from airflow import __version__
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb
    from smc_dags import SOLVER_POOL

    done = var / "airflow" / f"metadata-{__version__}"
    if done.exists():
        return
    initdb()
    Pool.create_or_update_pool(SOLVER_POOL, os.cpu_count() or 1, "searches side by side", include_deferred=False)
    done.touch()


@contextlib.contextmanager
def quiet(log: Path) -> Iterator[TextIO]:
    """Everything that is written to the terminal goes to ``log``; yields what still writes to the terminal."""
    os.umask(CLOSED)
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with log.open("a", encoding="utf-8") as file, os.fdopen(os.dup(1), "w", encoding="utf-8") as terminal:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield terminal
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in enumerate(kept, start=1):
                os.dup2(copy, number)
                os.close(copy)


def approver(name: str, choice: str, is_done: threading.Event, remark: str) -> Callable[[], None]:
    """A function for a thread: answers every waiting approval as the REST endpoint would, until ``is_done``.

    ``dag.test`` leaves approvals to others. This uses Airflow's internals, which is why it stands in one place only.
    """
    # Airflow imports these lazily; two threads that do so at the same time block each other for ever.
    import airflow.models
    import airflow.providers.standard.operators.trigger_dagrun
    import sqlalchemy as sa
    import sqlalchemy.orm
    from airflow._shared.timezones import timezone
    from airflow.models.hitl import HITLUser
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import handle_event_submit
    from airflow.triggers.base import TriggerEvent
    from airflow.utils.session import create_session

    airflow.models.import_all_models()
    sqlalchemy.orm.configure_mappers()
    waiting = (
        sa.select(TaskInstance)
        .options(sqlalchemy.orm.joinedload(TaskInstance.hitl_detail))
        .where(TaskInstance.state == "awaiting_input")
    )

    def answer() -> None:
        while not is_done.wait(0.3):
            with create_session() as session:
                for task in session.scalars(waiting):
                    detail = task.hitl_detail
                    detail.responded_by = HITLUser(id=name, name=name)
                    detail.responded_at = timezone.utcnow()
                    detail.chosen_options = [choice]
                    detail.params_input = {"remark": remark}
                    session.add(detail)
                    event = TriggerEvent(detail.as_resume_event_payload())
                    handle_event_submit(event, task_instance=task, session=session)

    return answer


class Progress:
    """A listener of Airflow: one line for each task, or one line that is rewritten on a real terminal."""

    def __init__(self, terminal: TextIO) -> None:
        self.terminal = terminal

    def say(self, text: str) -> None:
        """Show one line."""
        end = "" if self.terminal.isatty() else "\n"
        start = "\r\033[K" if self.terminal.isatty() else ""
        print(f"{start}{text}", end=end, file=self.terminal, flush=True)

    def clear(self) -> None:
        """Leave a clean line behind."""
        if self.terminal.isatty():
            print("\r\033[K", end="", file=self.terminal, flush=True)

    def listener(self) -> Any:
        """What Airflow calls when a task starts and ends."""
        from airflow.listeners import hookimpl

        outer = self

        class Listener:
            @hookimpl
            def on_task_instance_running(self, task_instance: Any) -> None:
                if task_instance.map_index < 0:
                    outer.say(f"{task_instance.dag_id}: {task_instance.task_id}")

            @hookimpl
            def on_task_instance_success(self, task_instance: Any) -> None:
                label = task_instance.rendered_map_index
                if label:
                    outer.say(f"{task_instance.dag_id}: {task_instance.task_id} {label}")

        return Listener()


@contextlib.contextmanager
def answering(name: str, choice: str, remark: str) -> Iterator[None]:
    """Meanwhile every approval that waits gets this answer."""
    is_done = threading.Event()
    thread = threading.Thread(target=approver(name, choice, is_done, remark), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()


@contextlib.contextmanager
def listening(progress: Progress) -> Iterator[None]:
    """Meanwhile ``progress`` hears of every task."""
    from airflow.sdk.listener import get_listener_manager

    listener = progress.listener()
    get_listener_manager().add_listener(listener)
    try:
        yield
    finally:
        get_listener_manager().pm.unregister(listener)


def run_dag(dag_id: str, conf: Mapping[str, Any]) -> Any:
    """Run one DAG in this process; returns its finished DagRun. Every approval must be answered by another thread."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(DAGS))
    if bag.import_errors:
        raise RuntimeError(f"DAG files do not import: {bag.import_errors}")
    dag = bag.dags[dag_id]
    dag.deadline = None  # dag.test cannot handle one in memory (Airflow 3.3)
    return dag.test(run_conf=dict(conf))


def run_folder(var: Path, dag_run: Any) -> Path:
    """The folder of the pipeline's run that a DAG run made."""
    from allocation.runs import run

    return run.run_folder(var, f"{dag_run.dag_id}__{dag_run.run_id}")


def run(var: Path, conf: Mapping[str, Any], choice: str, remark: str, terminal: TextIO) -> int:
    """The three DAGs in order; returns the exit code."""
    prepare_environment(var)
    progress = Progress(terminal)
    progress.say("preparing Airflow")
    migrate(var)
    from allocation.pipeline import alerts
    from allocation.report import summary
    from allocation.runs.run import Run

    began = datetime.now(UTC)
    with answering(getpass.getuser(), choice, remark), listening(progress):
        for dag_id in ORDER:
            finished = run_dag(dag_id, conf if dag_id == "allocate" else {})
            if finished.state != "success":
                break
    progress.clear()
    if finished.state != "success":
        told = [alerts.text(alert) for alert in alerts_since(var, began)]
        print(
            "\n".join([f"{finished.dag_id} failed; `caseload versions` says what is published", *told]), file=terminal
        )
        return 1
    opened = Run.open(run_folder(var, finished))
    print(summary.unchanged_text(opened) or summary.summary_text(summary.summary(opened)), file=terminal)
    return 0


def alerts_since(var: Path, began: datetime) -> list[dict[str, Any]]:
    """The alerts of this run, oldest first."""
    path = var / "alerts.jsonl"
    if not path.exists():
        return []
    alerts = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [alert for alert in alerts if alert["at"] >= began.isoformat(timespec="seconds")]


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Run the DAGs boundaries, caseload and allocate in this process.")
    parser.add_argument("--var", type=Path, default=Path("var"), help="folder of runs, store and published files")
    parser.add_argument("--conf", default="{}", help="the form of DAG allocate as JSON")
    parser.add_argument("--reject", action="store_true", help="reject the proposal instead of approving it")
    parser.add_argument("--remark", default="approved with the command that made the run")
    asked = parser.parse_args()
    var = asked.var.absolute()
    log = var / "airflow" / "run.log"
    began = time.monotonic()
    with quiet(log) as terminal:
        code = run(var, json.loads(asked.conf), "Reject" if asked.reject else "Approve", asked.remark, terminal)
    print(f"  {'Airflow log':<25}{log}\n  {'seconds':<25}{time.monotonic() - began:.0f}")
    return code


if __name__ == "__main__":
    sys.exit(main())
