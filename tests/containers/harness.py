"""``make containers``: docker-compose.yml, as written, started for real and put through a day of its life.

Stand-ins for the base images are made of Debian packages, the image from the Dockerfile. Then: databases,
``init``, the components, two workers; ``allocate`` for one region to approval by a planner and publication; a worker
killed while it works; the store restarted; a dump restored elsewhere that answers the same; everything taken down. Each
step is one line with the seconds since the start; the first step that fails ends it with exit code 1.

Needs root, Debian's podman, runc, netavark, aardvark-dns, mmdebstrap, and podman-compose.
"""

from __future__ import annotations

import argparse
import base64
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from tests.containers import podman, stand_ins
from tests.support import two_regions

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
IMAGE_USER = 50000
PASSWORDS = (
    "METADATA_PASSWORD", "STORE_SUPERUSER_PASSWORD", "STORE_ADMIN_PASSWORD", "STORE_PASSWORD", "STORE_PAGE_PASSWORD",
    "BROKER_PASSWORD", "AIRFLOW_JWT_SECRET", "AIRFLOW_SECRET_KEY",
)  # fmt: skip
COMPONENTS = ("api-server", "scheduler", "dag-processor", "worker")
PATIENCE_S = 600
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

    def store(self, login: str, password: str) -> sa.Engine:
        """The store, from outside, as this login."""
        url = sa.URL.create(
            "postgresql+psycopg", login, password, "127.0.0.1", int(self.values["STORE_PORT"]), "caseload"
        )
        return sa.create_engine(url, poolclass=sa.NullPool)

    def trigger(self, regions: list[str]) -> str:
        """Start ``allocate``; returns the id of its run."""
        body = {"logical_date": None, "conf": {"regions": regions, "reason": "harness"}}
        answer = self.client.post("/api/v2/dags/allocate/dagRuns", json=body)
        answer.raise_for_status()
        return str(answer.json()["dag_run_id"])

    def tasks(self, run_id: str) -> list[dict[str, Any]]:
        """The tasks of a run."""
        return list(self.get(f"dags/allocate/dagRuns/{run_id}/taskInstances?limit=200")["task_instances"])

    def waits(self, run_id: str) -> bool:
        """Whether the run waits for a planner. Raises AssertionError when it has failed."""
        state = self.get(f"dags/allocate/dagRuns/{run_id}")["state"]
        assert state != "failed", [(task["task_id"], task["state"]) for task in self.tasks(run_id)]
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
        "CASELOAD_IMAGE_TAG": "harness",
        "AIRFLOW_PORT": str(free_port()),
        "STORE_PORT": str(free_port()),
        "TASK_LOST_AFTER_S": "60",
    }


def build(folder: Path) -> None:
    """The stand-ins and the image of the project."""
    for name in stand_ins.IMAGES:
        say(f"stand-in {name}: {'made' if stand_ins.build(name) else 'there'}")
    words = ["podman", "build", "--quiet", *podman.building(folder), "-f", str(ROOT / "docker" / "Dockerfile")]
    podman.run(*words, "-t", "localhost/smc-caseload:harness", str(ROOT))
    podman.run("podman", "tag", "localhost/smc-caseload:harness", "docker.io/library/smc-caseload:harness")
    size = podman.run("podman", "image", "inspect", "--format", "{{.Size}}", "localhost/smc-caseload:harness")
    say(f"image of the project built from docker/Dockerfile: {int(size) / 1e9:.1f} GB")
    mounted = (
        "sha256sum /etc/pip.conf /etc/uv/* /etc/ssl/certs/ca-certificates.crt 2>/dev/null; find / -xdev -name .env"
    )
    of_base, of_image = (
        podman.run("podman", "run", "--rm", "--user", "0", "--entrypoint", "sh", image, "-c", mounted)
        for image in (stand_ins.PYTHON, "localhost/smc-caseload:harness")
    )
    assert of_image == of_base, f"the image holds settings of this machine: {of_image}"


def start(smc: Installation) -> None:
    """Databases, ``init``, the components with two workers, each when what it waits for is healthy."""
    compose = smc.compose
    compose.up("store", "metadata", "broker")
    for service in ("store", "metadata", "broker"):
        wait_for(f"{service} healthy", lambda service=service: compose.is_healthy(service))
    say("store, metadata and broker are healthy")
    compose.up("init")
    wait_for("the end of init", lambda: compose.state("init")["Status"] == "exited")
    if compose.state("init")["ExitCode"] != 0:
        raise AssertionError(podman.run("podman", "logs", compose.container("init"))[-3000:])
    say("init has migrated both schemas, given the logins their roles, made roles and administrator")
    compose.up("api-server", "scheduler", "dag-processor")
    wait_for("api-server healthy", lambda: compose.is_healthy("api-server"))
    compose.up("worker", scale={"worker": 2})
    for service, number in [(name, 1) for name in COMPONENTS] + [("worker", 2)]:
        wait_for(f"{service} healthy", lambda name=service, n=number: compose.is_healthy(name, n))
    say("api-server, scheduler, dag-processor and two workers are healthy")


def check_confinement(compose: podman.Compose) -> None:
    """No service is root, has a capability, can gain one, or can write to its root file system; each has a limit."""
    for service in ("store", "metadata", "broker", *COMPONENTS):
        status = compose.exec(service, "cat", "/proc/1/status")
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert facts["Uid"].split()[0] != "0", service
        assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0, service
        assert facts["NoNewPrivs"] == "1", service
        tried = ["podman", "exec", "-u", "0", compose.container(service), "touch", "/usr/tried"]
        assert b"Read-only" in subprocess.run(tried, capture_output=True, check=False).stderr, service
        limit = podman.run("podman", "inspect", "--format", "{{.HostConfig.Memory}}", compose.container(service))
        assert int(limit) > 0, service
    say("every service: a user, no capability, no new privileges, read-only root, a memory limit")


def check_people(smc: Installation) -> None:
    """A planner and a viewer are made with their roles; neither sees a connection, and a viewer starts nothing."""
    smc.log_in("beheer", Path(smc.values["ADMIN_PASSWORD_FILE"]).read_text("utf-8"))
    wait_for("DAG allocate", lambda: smc.client.get("/api/v2/dags/allocate").status_code == 200)
    assert smc.get("importErrors")["total_entries"] == 0
    smc.client.patch("/api/v2/dags/allocate", json={"is_paused": False}).raise_for_status()
    for role in ("planner", "viewer", "engineer"):
        words = [
            "airflow",
            "users",
            "create",
            "--role",
            role,
            "-u",
            role,
            "-f",
            role,
            "-l",
            "-",
            "-e",
            f"{role}@localhost",
        ]
        smc.compose.exec("api-server", *words, "-p", smc.values["AIRFLOW_SECRET_KEY"])
    for role, may_start in (("viewer", 403), ("planner", 200), ("engineer", 200)):
        smc.log_in(role, smc.values["AIRFLOW_SECRET_KEY"])
        assert smc.client.get("/api/v2/connections").status_code == 403, role
        assert smc.client.get("/api/v2/variables").status_code == 403, role
        body = {"logical_date": None, "conf": {"regions": ["no such region"]}}
        answer = smc.client.post("/api/v2/dags/allocate/dagRuns", json=body if may_start == 403 else body | {"conf": 1})
        assert answer.status_code == (403 if may_start == 403 else 422), (role, answer.text)
        assert smc.client.get("/caseload/api/lookup?postcode=3511").status_code in (200, 404, 422), role
    smc.log_in("planner", smc.values["AIRFLOW_SECRET_KEY"])
    patch = smc.client.patch("/api/v2/dags/drift", json={"is_paused": False})
    assert patch.status_code == 403, patch.text
    say("roles viewer, planner, engineer do what they may and no more; nobody of them sees connections or variables")


def check_store(smc: Installation, version: int) -> list[tuple[Any, ...]]:
    """A consumer reads the version in force, and nobody but the owner changes rows. Returns the routing."""
    with smc.store("administrator", smc.values["STORE_ADMIN_PASSWORD"]).begin() as connection:
        known = connection.scalar(sa.text("SELECT count(*) FROM pg_roles WHERE rolname = 'uitkeren'"))
        if not known:
            password = smc.values["BROKER_PASSWORD"]
            connection.execute(sa.text(f"CREATE ROLE uitkeren LOGIN PASSWORD '{password}' IN ROLE caseload_reader"))
    with smc.store("uitkeren", smc.values["BROKER_PASSWORD"]).connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM caseload.routing_current ORDER BY 1, 2, 3, 4, 5, 6, 7")).all()
        assert {row.version for row in rows} == {version}
    for login in ("page", "pipeline"):
        name = "STORE_PAGE_PASSWORD" if login == "page" else "STORE_PASSWORD"
        with smc.store(login, smc.values[name]).connect() as connection:
            delete = sa.text("DELETE FROM caseload.routing_rows")
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                connection.execute(delete)
    return [tuple(row) for row in rows]


def publish_one_region(smc: Installation, *, kill: bool) -> None:
    """A planner starts ``allocate`` for one region and approves. ``kill``: the worker that works is killed."""
    run_id = smc.trigger(["14"])
    if kill:
        busy = wait_for(
            "a task that runs",
            lambda: next((task for task in smc.tasks(run_id) if task["state"] == "running" and task["hostname"]), None),
            every_s=0.5,
        )
        for number in (1, 2):
            name = smc.compose.container("worker", number)
            if podman.run("podman", "inspect", "--format", "{{.Config.Hostname}}", name).strip() == busy["hostname"]:
                podman.run("podman", "kill", name)
                say(f"worker {number} killed while it ran task {busy['task_id']}")
    wait_for("a proposal", lambda: smc.waits(run_id))
    say("a proposal waits for approval")
    smc.approve(run_id)
    tries = {task["task_id"]: task["try_number"] for task in smc.tasks(run_id) if task["try_number"] > 1}
    say(f"approved by the planner and published{f'; tried again: {tries}' if tries else ''}")


def check_files(smc: Installation) -> None:
    """Another division mounts the volume of published files read-only: it reads versions, and no proposal."""
    words = ["podman", "run", "--rm", "--user", "1234", "-v", f"{smc.compose.name}_published:/published:ro"]
    words += [stand_ins.PYTHON, "sh", "-c"]
    listed = podman.run(*words, "ls /published && cat /published/v0001_*/routing.csv | wc -l").split()
    assert int(listed[-1]) > 1000, listed
    refused = subprocess.run([*words, "ls /published/proposals"], capture_output=True, check=False)
    assert b"Permission denied" in refused.stderr, refused
    refused = subprocess.run([*words, "touch /published/x"], capture_output=True, check=False)
    assert b"Read-only" in refused.stderr, refused
    say("the published files are readable for another user, read-only, without the proposals")


def restore_elsewhere(smc: Installation, expected: list[tuple[Any, ...]], folder: Path) -> None:
    """The dump of docs/runbook.md, restored in a server of its own by the same commands: the same routing."""
    dump = folder / "caseload.dump"
    with dump.open("wb") as file:
        words = ["podman", "exec", smc.compose.container("store"), "pg_dump", "-U", "postgres", "-Fc", "caseload"]
        subprocess.run(words, stdout=file, check=True)
    roles = smc.compose.exec("store", "pg_dumpall", "-U", "postgres", "--roles-only", "--no-role-passwords")
    name, port = f"{smc.compose.name}_elsewhere", free_port()
    words = ["podman", "run", "-d", "--name", name, "-p", f"127.0.0.1:{port}:5432", "--user", "postgres"]
    words += ["--tmpfs", "/var/run/postgresql:mode=1777"]
    words += ["-e", "POSTGRES_USER=postgres", "-e", "POSTGRES_DB=caseload", "-e", "POSTGRES_PASSWORD=elsewhere"]
    podman.run(*words, "docker.io/postgis/postgis:16-3.4")
    try:
        ready = ["podman", "exec", name, "pg_isready", "-h", "localhost", "-U", "postgres", "-d", "caseload"]
        wait_for("the other server", lambda: subprocess.run(ready, capture_output=True, check=False).returncode == 0)
        inside = ["podman", "exec", "-i", name]
        subprocess.run([*inside, "psql", "-q", "-U", "postgres"], input=roles.encode(), check=True, capture_output=True)
        with dump.open("rb") as file:
            restore = ["pg_restore", "-U", "postgres", "-d", "caseload", "--clean", "--if-exists"]
            subprocess.run([*inside, *restore], stdin=file, check=True)
        other = sa.create_engine(f"postgresql+psycopg://postgres:elsewhere@127.0.0.1:{port}/caseload")
        with other.connect() as connection:
            query = sa.text("SELECT * FROM caseload.routing_current ORDER BY 1, 2, 3, 4, 5, 6, 7")
            assert [tuple(row) for row in connection.execute(query)] == expected
        other.dispose()
    finally:
        podman.run("podman", "rm", "-f", name)
    say(f"a dump of {dump.stat().st_size / 1e6:.1f} MB restored in another server gives the same {len(expected)} rows")


def story(smc: Installation, folder: Path) -> None:
    """Everything, in order."""
    start(smc)
    check_confinement(smc.compose)
    check_people(smc)
    publish_one_region(smc, kill=False)
    check_store(smc, 1)
    check_files(smc)
    publish_one_region(smc, kill=True)
    podman.run("podman", "restart", smc.compose.container("store"))
    wait_for("the store healthy", lambda: smc.compose.is_healthy("store"))
    say("store restarted")
    rows = check_store(smc, smc_version(smc))
    publish_one_region(smc, kill=False)
    restore_elsewhere(smc, check_store(smc, smc_version(smc)), folder)
    assert rows


def smc_version(smc: Installation) -> int:
    """The version in force, as the pipeline sees it."""
    with smc.store("pipeline", smc.values["STORE_PASSWORD"]).connect() as connection:
        return int(connection.scalar(sa.text("SELECT max(version) FROM caseload.routing_current")))


def main() -> int:
    """Read the arguments, run the story, take everything down."""
    parser = argparse.ArgumentParser(description="docker-compose.yml started for real, with podman.")
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    parser.add_argument("--built", action="store_true", help="take the images of the last time")
    asked = parser.parse_args()
    lacking = podman.missing()
    if lacking or os.geteuid() != 0:
        print(f"left out: needs root and {', '.join(lacking or podman.NEEDED)}")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="caseload_containers_"))
    (folder / "containers.conf").write_text(podman.SETTINGS, encoding="utf-8")
    os.environ["CONTAINERS_CONF"] = str(folder / "containers.conf")
    if not asked.built:
        build(folder)
    values = settings(folder)
    env = folder / ".env"
    env.touch(mode=0o600)
    env.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
    compose = podman.Compose(COMPOSE, f"caseload{secrets.token_hex(3)}", env)
    smc = Installation(
        compose, values, httpx.Client(base_url=f"http://127.0.0.1:{values['AIRFLOW_PORT']}", timeout=120)
    )
    try:
        story(smc, folder)
    finally:
        if asked.keep:
            say(f"left running as {compose.name}, settings in {folder}")
        else:
            compose("down", "--volumes", "--timeout", "5")
            shutil.rmtree(folder)
            say("taken down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
