"""The compose file under one name: its settings, its addresses, and what is asked of it over its interfaces."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from tests.containers import podman
from tests.support import two_regions

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
IMAGE_USER = 50000
PASSWORDS = (
    "METADATA_PASSWORD", "STORE_SUPERUSER_PASSWORD", "STORE_ADMIN_PASSWORD", "STORE_PASSWORD", "STORE_PAGE_PASSWORD",
    "BROKER_PASSWORD", "AIRFLOW_JWT_SECRET", "AIRFLOW_SECRET_KEY",
)  # fmt: skip
COMPONENTS = ("api-server", "scheduler", "dag-processor", "worker")
PATIENCE_S = 900
BEGAN = time.monotonic()


def say(text: str) -> None:
    """One line of the log."""
    print(f"{time.monotonic() - BEGAN:6.0f} s  {text}", flush=True)


def wait_for(what: str, is_done: Callable[[], Any], every_s: float = 2.0) -> Any:
    """The first true value of ``is_done``. Raises AssertionError, naming ``what``, when it takes too long."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        try:
            value = is_done()
        except httpx.TransportError:
            value = None
        if value:
            return value
        time.sleep(every_s)
    raise AssertionError(f"not within {PATIENCE_S} s: {what}")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Installation:
    """The compose file under one name: its settings, its addresses, and somebody who is logged in."""

    compose: podman.Compose
    values: dict[str, str]
    client: httpx.Client

    @classmethod
    def new(cls, folder: Path, image: str, *changes: Path) -> Installation:
        """Settings in ``folder``, nothing started yet. ``image``: tag of the project's image; ``changes``: files that
        change what the compose file says.
        """
        values = settings(folder) | {"CASELOAD_IMAGE_TAG": image}
        env = folder / ".env"
        env.touch(mode=0o600)
        client = httpx.Client(base_url=f"http://127.0.0.1:{values['AIRFLOW_PORT']}", timeout=120)
        made = cls(podman.Compose((COMPOSE, *changes), f"caseload{secrets.token_hex(3)}", env), values, client)
        made.set()
        return made

    def set(self, **changed: str) -> None:
        """Settings for whatever is started from now on."""
        self.values |= changed
        lines = (f"{name}={value}\n" for name, value in self.values.items())
        self.compose.settings.write_text("".join(lines), encoding="utf-8")

    def log_in(self, name: str, password: str) -> None:
        """Everything that is asked from now on is asked by this user."""
        answer = self.client.post("/auth/token", json={"username": name, "password": password})
        answer.raise_for_status()
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str) -> dict[str, Any]:
        """The answer of Airflow's interface."""
        answer = self.client.get(f"/api/v2/{path}")
        answer.raise_for_status()
        return dict(answer.json())

    def page(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer of the planners' page; with a ``body`` it is posted."""
        address = f"/caseload/api/{path}"
        answer = self.client.get(address) if body is None else self.client.post(address, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def store(self, login: str, password: str) -> sa.Engine:
        """The store, from outside, as this login."""
        url = sa.URL.create(
            "postgresql+psycopg", login, password, "127.0.0.1", int(self.values["STORE_PORT"]), "caseload"
        )
        return sa.create_engine(url, poolclass=sa.NullPool)

    def routing(self) -> list[dict[str, Any]]:
        """The routing that is in force, as the pipeline reads it."""
        with self.store("pipeline", self.values["STORE_PASSWORD"]).connect() as connection:
            return [
                dict(row) for row in connection.execute(sa.text("SELECT * FROM caseload.routing_current")).mappings()
            ]

    def version(self) -> int:
        """The version in force."""
        (version,) = {row["version"] for row in self.routing()}
        return int(version)

    def trigger(self, regions: list[str], **conf: Any) -> str:
        """Start ``allocate`` with these regions and what else its form takes; returns the id of its run."""
        body = {"logical_date": None, "conf": {"regions": regions, "reason": "harness", **conf}}
        answer = self.client.post("/api/v2/dags/allocate/dagRuns", json=body)
        answer.raise_for_status()
        return str(answer.json()["dag_run_id"])

    def tasks(self, run_id: str) -> list[dict[str, Any]]:
        """The tasks of a run."""
        return list(self.get(f"dags/allocate/dagRuns/{run_id}/taskInstances?limit=200")["task_instances"])

    def waits(self, run_id: str) -> bool:
        """Whether the run waits for a planner. Raises AssertionError when it has ended without asking one."""
        state = self.get(f"dags/allocate/dagRuns/{run_id}")["state"]
        ended = state in ("failed", "success")
        assert not ended, (state, [(task["task_id"], task["state"]) for task in self.tasks(run_id)])
        path = f"dags/allocate/dagRuns/{run_id}/hitlDetails?response_received=false"
        return self.get(path)["total_entries"] > 0

    def approve(self, run_id: str) -> None:
        """Approve as who is logged in, and wait for the end."""
        path = f"/api/v2/dags/allocate/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
        body = {"chosen_options": ["Approve"], "params_input": {"remark": "akkoord"}}
        self.client.patch(path, json=body).raise_for_status()
        path = f"dags/allocate/dagRuns/{run_id}"
        end = wait_for("the end of the run", lambda: (s := self.get(path)["state"]) in ("success", "failed") and s)
        assert end == "success", [(task["task_id"], task["state"]) for task in self.tasks(run_id)]


def settings(folder: Path) -> dict[str, str]:
    """A filled-in ``.env``: passwords, ports that are free, an input folder of two regions."""
    country = two_regions.write(folder / "country")
    boundaries = country.input / "areas.gpkg"
    shutil.copy(country.boundaries, boundaries)
    password = folder / "admin_password"
    password.write_text(secrets.token_urlsafe(16), encoding="utf-8")
    for path in (folder, password, *country.input.parent.rglob("*"), country.input.parent):
        os.chown(path, IMAGE_USER, IMAGE_USER)
    password.chmod(0o400)
    return {name: secrets.token_urlsafe(24) for name in PASSWORDS} | {
        "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "ADMIN_PASSWORD_FILE": str(password),
        "CASELOAD_INPUT_DIR": str(country.input),
        "CASELOAD_BOUNDARIES": "/input/areas.gpkg",
        "AIRFLOW_PORT": str(free_port()),
        "STORE_PORT": str(free_port()),
        "TASK_LOST_AFTER_S": "60",
    }
