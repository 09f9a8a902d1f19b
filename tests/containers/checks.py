"""What holds of an installation at any moment: confinement, roles of people, logins of the store, files, a backup."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.containers import podman, stand_ins
from tests.containers.installation import (
    COMPONENTS,
    Installation,
    free_port,
    say,
    wait_for,
)

ROUTING = "SELECT * FROM caseload.routing_current"


def check_confinement(compose: podman.Compose) -> None:
    """No service is root, has a capability, can gain one, or can write to its root file system; each has a limit."""
    for service in ("store", "metadata", "broker", "cleaner", *COMPONENTS):
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


ROLES = ("planner", "viewer", "engineer")


def make_people(smc: Installation) -> None:
    """A planner, a viewer and an engineer; DAG ``allocate`` off pause. The planner is logged in."""
    smc.log_in("beheer", Path(smc.values["ADMIN_PASSWORD_FILE"]).read_text("utf-8"))
    wait_for("DAG allocate", lambda: smc.client.get("/api/v2/dags/allocate").status_code == 200)
    assert smc.get("importErrors")["total_entries"] == 0
    smc.client.patch("/api/v2/dags/allocate", json={"is_paused": False}).raise_for_status()
    for role in ROLES:
        words = ["airflow", "users", "create", "--role", role, "-u", role, "-f", role, "-l", "-"]
        words += ["-e", f"{role}@localhost"]
        smc.compose.exec("api-server", *words, "-p", smc.values["AIRFLOW_SECRET_KEY"])
    smc.log_in("planner", smc.values["AIRFLOW_SECRET_KEY"])


def check_people(smc: Installation) -> None:
    """Each does what his role may and no more, also when it came from an earlier version and could do more then."""
    for role, may_start in (("viewer", 403), ("planner", 200), ("engineer", 200)):
        smc.log_in(role, smc.values["AIRFLOW_SECRET_KEY"])
        assert smc.client.get("/api/v2/connections").status_code == 403, role
        assert smc.client.get("/api/v2/variables").status_code == 403, role
        body = {"logical_date": None, "conf": {"regions": ["no such region"]}}
        answer = smc.client.post("/api/v2/dags/allocate/dagRuns", json=body if may_start == 403 else body | {"conf": 1})
        assert answer.status_code == (403 if may_start == 403 else 422), (role, answer.text)
        assert smc.client.get("/caseload/api/lookup?postcode=3511").status_code in (200, 404, 422), role
    for role, may_answer in (("engineer", 403), ("planner", 404)):
        smc.log_in(role, smc.values["AIRFLOW_SECRET_KEY"])
        for dag in ("allocate", "decide"):
            run = f"/api/v2/dags/{dag}/dagRuns/none/taskInstances"
            answer = smc.client.patch(
                f"{run}/approve/-1/hitlDetails", json={"chosen_options": ["Approve"], "params_input": {}}
            )
            assert answer.status_code == may_answer, (role, dag, answer.text)
            handed_on = smc.client.post(f"{run}/start/xcomEntries", json={"key": "return_value", "value": "/"})
            assert handed_on.status_code == 403, (role, dag)
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
        rows = connection.execute(sa.text(ROUTING)).all()
        assert {row.version for row in rows} == {version}
    for login in ("page", "pipeline"):
        name = "STORE_PAGE_PASSWORD" if login == "page" else "STORE_PASSWORD"
        with smc.store(login, smc.values[name]).connect() as connection:
            delete = sa.text("DELETE FROM caseload.routing_rows")
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                connection.execute(delete)
    return _in_order(rows)


def _in_order(rows: Iterable[Any]) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in rows), key=repr)


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
            assert _in_order(connection.execute(sa.text(ROUTING))) == expected
        other.dispose()
    finally:
        podman.run("podman", "rm", "-f", "-v", name)
    say(f"a dump of {dump.stat().st_size / 1e6:.1f} MB restored in another server gives the same {len(expected)} rows")
