"""The real components of Airflow as processes of this machine: api-server, scheduler, dag-processor, Celery workers.

Everything listens on 127.0.0.1 only, keeps its files below one folder, and is stopped by its process group.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
DAG_IDS = ("boundaries", "caseload", "teams", "allocate", "drift", "maintenance", "plan_ahead", "decide")
AIRFLOW = Path(sys.executable).with_name("airflow")
USERS = {"beheer": "admin", "jansen": "user", "lezer": "viewer"}
PASSWORD = secrets.token_hex(16)
WITHIN_S = float(os.environ.get("CASELOAD_TEST_PATIENCE_S", "420"))
"""How long a test waits for one thing; a busy machine needs minutes where an idle one needs seconds."""

ANSWERED_AFTER_S = 4.0


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, is_done: Callable[[], Any], within_s: float = WITHIN_S, every_s: float = 1.0) -> Any:
    """The first true value of ``is_done``. Raises AssertionError, naming ``what``, when it takes too long."""
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        value = is_done()
        if value:
            return value
        time.sleep(every_s)
    raise AssertionError(f"not within {within_s:.0f} s: {what}")


@dataclass
class Airflow:
    """One installation. ``environment`` comes on top of the settings that every component shares."""

    folder: Path
    metadata: str
    environment: Mapping[str, str]
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        sys.path.insert(0, str(ROOT / "dags"))
        from run_in_process import settings

        (self.folder / "airflow").mkdir(parents=True, exist_ok=True)
        passwords = self.folder / "airflow" / "passwords.json"
        passwords.write_text(json.dumps(dict.fromkeys(USERS, PASSWORD)), encoding="utf-8")
        here = f"http://127.0.0.1:{self.port}"
        own = {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.metadata,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": here,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{here}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "5",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            # A task that a worker had fetched and not begun when it died is noticed after ten minutes by default.
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "90",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
            "CASELOAD_RETRY_SECONDS": "2",
        }
        self.settings = {**os.environ, **settings(self.folder), **own, **self.environment}
        self.client = httpx.Client(base_url=here, timeout=WITHIN_S)

    def command(self, *words: str) -> str:
        """What an ``airflow`` command prints."""
        done = subprocess.run(
            [str(AIRFLOW), *words], env=self.settings, capture_output=True, text=True, check=True, timeout=WITHIN_S
        )
        return done.stdout

    def start(self, name: str, *words: str) -> None:
        """Start a component in the background, under ``name``: a command of Airflow, or a program in ``dags``."""
        self.words[name] = words or (name,)
        program, *arguments = self.words[name]
        command = [sys.executable, str(ROOT / "dags" / program)] if program.endswith(".py") else [str(AIRFLOW), program]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*command, *arguments],
                env=self.settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
            )

    def stop(self, name: str, how: int = signal.SIGTERM) -> None:
        """Stop a component with everything that it started."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def restart(self, name: str, how: int) -> None:
        """Stop a component in this way, and start it again as a restart policy would."""
        self.stop(name, how)
        self.start(name, *self.words[name])

    def revive(self) -> None:
        """Start what has ended by itself, as a restart policy would, and wait until all is healthy."""

        def is_whole() -> bool:
            for name, process in list(self.processes.items()):
                if process.poll() is not None:
                    self.restart(name, signal.SIGKILL)
            return self._is_healthy()

        wait_for("healthy components after a fault", is_whole, every_s=3.0)

    def ready(self) -> None:
        """Wait until the components are healthy and every DAG is known."""
        wait_for("a healthy api-server, scheduler and dag-processor", self._is_healthy)
        self.log_in("beheer")
        wait_for("all DAGs parsed", lambda: self.get("/api/v2/dags")["total_entries"] == len(DAG_IDS))
        for dag_id in DAG_IDS:
            self.patch(f"/api/v2/dags/{dag_id}", {"is_paused": dag_id != "allocate"})

    def _is_healthy(self) -> bool:
        try:
            told = self.client.get("/api/v2/monitor/health").json()
        except (httpx.HTTPError, ValueError):
            return False
        return all(told[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))

    def log_in(self, name: str) -> None:
        """Go on as this user."""
        answer = self.client.post("/auth/token", json={"username": name, "password": PASSWORD})
        answer.raise_for_status()
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET, which must succeed."""
        answer = self.client.get(path, params=query)
        assert answer.is_success, answer.text
        return answer.json()

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to a PATCH, which must succeed."""
        answer = self.client.patch(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run; returns its id."""
        answer = self.client.post(f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf or {}})
        assert answer.is_success, answer.text
        return str(answer.json()["dag_run_id"])

    def clear_failed(self, dag_id: str, run_id: str) -> None:
        """Let what failed run again, and what waited for it: what an engineer does once the cause is gone."""
        body = {"dag_run_id": run_id, "only_failed": True, "dry_run": False, "reset_dag_runs": True}
        answer = self.client.post(f"/api/v2/dags/{dag_id}/clearTaskInstances", json=body)
        assert answer.is_success, answer.text

    def state(self, dag_id: str, run_id: str) -> str:
        """The state of a run."""
        return str(self.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run."""
        found = self.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=200)["task_instances"]
        return [dict(one) for one in found]

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        """One unmapped task instance of a run."""
        return next(one for one in self.tasks(dag_id, run_id) if one["task_id"] == task_id)

    def tasks_in(self, dag_id: str, run_id: str, task_id: str, state: str) -> list[dict[str, Any]]:
        """The instances of a task that are in this state."""
        return [one for one in self.tasks(dag_id, run_id) if (one["task_id"], one["state"]) == (task_id, state)]

    def outcome(self, dag_id: str, run_id: str) -> str | None:
        """``waiting`` for an answer, the state in which the run ended, or None."""
        state = self.state(dag_id, run_id)
        if self._open_question(dag_id, run_id):
            return "waiting"
        return state if state in ("success", "failed") else None

    def _open_question(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        """What a person is asked, once the task waits for the answer."""
        if not self.tasks_in(dag_id, run_id, "approve", "awaiting_input"):
            return None
        found = self.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/hitlDetails", response_received=False)
        return dict(found["hitl_details"][0]) if found["total_entries"] else None

    def wait_for_end(self, dag_id: str, run_id: str) -> str:
        """The state in which a run ends."""
        return str(
            wait_for(
                f"the end of {dag_id}",
                lambda: (state := self.state(dag_id, run_id)) in ("success", "failed") and state,
            )
        )

    def wait_for_proposal(self, run_id: str) -> dict[str, Any]:
        """The open approval of a run of ``allocate``. Fails at once when the run fails."""

        def look() -> Any:
            assert self.state("allocate", run_id) != "failed", self.tasks("allocate", run_id)
            return self._open_question("allocate", run_id)

        return dict(wait_for("a proposal to approve", look))

    def answer(self, run_id: str, choice: str, remark: str) -> None:
        """Approve or reject, as the page does, after the seconds that a person needs at least, and see it taken.

        An answer before the scheduler has noted that the task waits (a second; on a busy machine some more, Airflow
        3.3) starts the task anew, and the answer is lost: the question is open again, and is answered again.
        """
        time.sleep(ANSWERED_AFTER_S)
        path = f"/api/v2/dags/allocate/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
        given = {"chosen_options": [choice], "params_input": {"remark": remark}}
        self.patch(path, given)

        def is_taken() -> bool:
            if self._open_question("allocate", run_id):
                self.patch(path, given)
            return self.task("allocate", run_id, "approve")["state"] in ("success", "failed")

        wait_for("an answer that is taken", is_taken, every_s=0.5)


@contextlib.contextmanager
def running(airflow: Airflow, *components: tuple[str, ...]) -> Iterator[Airflow]:
    """The installation with its database migrated, pool made and components started; stopped in any case."""
    airflow.command("db", "migrate")
    airflow.command("pools", "set", "caseload_solver", "4", "searches side by side")
    try:
        for words in components:
            airflow.start(words[0], *words[1:])
        airflow.ready()
        yield airflow
    finally:
        for name in list(airflow.processes):
            airflow.stop(name)
        airflow.client.close()


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis of our own; yields its address."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)
