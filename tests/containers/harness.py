"""``make containers``: docker-compose.yml, as written, started for real and put through a day of its life.

Stand-ins for the base images are made of Debian packages, the image from the Dockerfile, one more with the code of an
older commit. Then, in one piece: the older version started with one worker, ``allocate`` for one region to approval by
a planner and publication; upgraded, with its data and the limits of the store, and scaled to two workers; a worker
killed while it works; the store restarted; a draft handed in and approved on the page; a dump restored elsewhere that
answers the same; moved to object storage, with two workers that share no disk; everything taken down. Each step is one
line with the seconds since the start; the first step that fails ends it with exit code 1.

Needs root, Debian's podman, runc, netavark, aardvark-dns, mmdebstrap, and podman-compose.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.containers import images, podman, stand_ins
from tests.containers.checks import (
    check_confinement,
    check_files,
    check_people,
    check_store,
    make_people,
    restore_elsewhere,
)
from tests.containers.installation import COMPONENTS, COMPOSE, ROOT, Installation, say, wait_for
from tests.support import object_storage

WITHOUT_A_SHARED_DISK = ROOT / "docker" / "object-storage.yml"
BEFORE_LIMITS = Path(__file__).with_name("before_limits.yml")


def start_databases(compose: podman.Compose) -> None:
    """Store, metadata and broker."""
    compose.up("store", "metadata", "broker")
    for service in ("store", "metadata", "broker"):
        wait_for(f"{service} healthy", lambda service=service: compose.is_healthy(service))
    say("store, metadata and broker are healthy")


def start_components(compose: podman.Compose, workers: int) -> None:
    """``init``, and the components with so many workers, each when what it waits for is healthy."""
    compose.up("init")
    wait_for("the end of init", lambda: compose.state("init")["Status"] == "exited")
    if compose.state("init")["ExitCode"] != 0:
        raise AssertionError(podman.run("podman", "logs", compose.container("init"))[-3000:])
    say("init has migrated both schemas, given the logins their roles, made roles and administrator")
    compose.up("api-server", "scheduler", "dag-processor")
    wait_for("api-server healthy", lambda: compose.is_healthy("api-server"))
    compose.up("worker", scale={"worker": workers})
    numbered = [(name, 1) for name in COMPONENTS] + [("worker", number) for number in range(2, workers + 1)]
    for service, number in numbered:
        wait_for(f"{service} healthy", lambda name=service, n=number: compose.is_healthy(name, n))
    say(f"api-server, scheduler, dag-processor and {workers} worker(s) are healthy")


ANSWERS = ("pc4", "client_group", "law", "client_line", "team_id", "share")
"""What a row of routing says in every version of the data contract."""


def answers(smc: Installation) -> set[tuple[Any, ...]]:
    """What the version in force says."""
    return {tuple(row[name] for name in ANSWERS) for row in smc.routing()}


def set_limits(compose: podman.Compose) -> None:
    """A store of before gets its limits, as the runbook says; no program of before can work under them."""
    compose.files = (COMPOSE,)
    compose.remove("store")
    compose.up("store")
    wait_for("the store healthy", lambda: compose.is_healthy("store"))
    script = "/docker-entrypoint-initdb.d/30-limits.sql"
    compose.exec("store", "psql", "-U", "postgres", "-d", "caseload", "-v", "ON_ERROR_STOP=1", "-f", script)
    asked = "SELECT has_function_privilege('page', 'pg_catalog.pg_advisory_lock(bigint)', 'EXECUTE')"
    assert compose.exec("store", "psql", "-U", "postgres", "-d", "caseload", "-Atc", asked).strip() == "f"
    say("the store has its limits")


def upgrade(smc: Installation) -> None:
    """The newer image on the data of the older one, with two workers: what was published then answers the same."""
    before, rows = answers(smc), len(smc.routing())
    podman.run("podman", "stop", "-t", "900", smc.compose.container("worker"))
    smc.compose.remove("worker", "dag-processor", "scheduler", "api-server", "init")
    smc.set(CASELOAD_IMAGE_TAG="harness")
    set_limits(smc.compose)
    start_components(smc.compose, workers=2)
    image = podman.run("podman", "inspect", "--format", "{{.ImageName}}", smc.compose.container("worker", 2))
    assert image.strip().endswith(":harness"), image
    assert answers(smc) == before
    assert smc.version() == 1
    say(f"upgraded from {images.OLDER} with its data: {rows} rows are {len(smc.routing())} and say the same")
    smc.compose.up("cleaner")
    wait_for("Airflow's tables cleaned", lambda: smc.compose.is_healthy("cleaner"))
    say("cleaner has cleaned Airflow's own tables and waits for next week")


def publish_one_region(smc: Installation, *, kill: bool = False, **conf: Any) -> set[str]:
    """A planner starts ``allocate`` for one region and approves; returns the workers that took part.

    ``kill``: the worker that works is killed. ``conf``: what else the form of ``allocate`` takes.
    """
    run_id = smc.trigger(["14"], **conf)
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
    return {str(task["hostname"]) for task in smc.tasks(run_id) if task["hostname"]}


def publish_a_draft(smc: Installation) -> None:
    """A planner moves a postcode on the page, hands it in and approves it. The page may not publish: a worker does."""
    before = smc.version()
    (run,) = set(re.findall(r'<body[^>]* data-run="([^"]+)"', smc.client.get("/caseload/").text))
    asked = {"run": run, "layer": "vangnet", "region": None}
    codes = sorted({row["pc4"] for row in smc.routing()})
    other = ((code, smc.page("suggestions", asked | {"postcodes": [code]})) for code in codes)
    code, teams = next((code, teams) for code, teams in other if teams)  # one at the border of two teams
    moves = [{"layer": "vangnet", "pc4": code, "team_id": teams[0]["team_id"]}]
    task = smc.page("submit", asked | {"changes": {"moves": moves}, "reason": "harness"})["task"]
    told = wait_for("the draft as a proposal", lambda: (s := smc.page(f"tasks/{task}"))["state"] != "busy" and s)
    assert told["state"] == "done", told
    (made,) = (one["dag_run_id"] for one in smc.get("dags/decide/dagRuns")["dag_runs"])
    smc.page("decision", {"run": made, "version": told["version"], "is_approved": True, "remark": "akkoord"})
    ended = wait_for("the decision", lambda: (s := smc.page(f"decision/state?run={made}"))["state"] != "busy" and s)
    assert ended["state"] == "done", ended
    assert smc.version() == told["version"] > before
    say(f"a draft handed in and approved on the page, published by a worker: version {told['version']}")


def move_to_object_storage(smc: Installation, folder: Path) -> None:
    """The chapter of docs/runbook.md: what the volumes have is sent to a bucket; then no container shares a disk."""
    name, bucket = smc.compose.name, {"CASELOAD_FILES": "s3://caseload/harness"}
    key, secret = "caseload", secrets.token_hex(16)
    who = {"credentials": [{"accessKey": key, "secretKey": secret}], "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [{"name": key, **who}]}), encoding="utf-8")
    reached = {
        "AWS_ENDPOINT_URL": f"http://{name}_s3:8333", "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true",
    }  # fmt: skip
    settings = folder / "storage.env"
    settings.write_text("".join(f"{name}={value}\n" for name, value in reached.items()), encoding="utf-8")
    server = ["podman", "run", "-d", "--name", f"{name}_s3", "--network", f"{name}_inside", "--tmpfs", "/data"]
    server += ["-v", f"{object_storage.PROGRAM}:/weed:ro", "-v", f"{folder / 's3.json'}:/s3.json:ro", stand_ins.PYTHON]
    server += ["/weed", "server", "-s3", "-dir=/data", "-s3.config=/s3.json", "-ip=127.0.0.1", "-ip.bind=0.0.0.0"]
    podman.run(*server, "-volume.max=30", "-master.volumeSizeLimitMB=64")
    smc.compose.remove("worker", "dag-processor", "scheduler", "api-server", "init")
    data = "/var/lib/caseload"
    send = ["podman", "run", "--rm", "--network", f"{name}_inside", "--env-file", str(settings)]
    send += ["-e", f"CASELOAD_FILES={bucket['CASELOAD_FILES']}", "-v", f"{name}_caseload:{data}"]
    send += ["-v", f"{name}_published:{data}/published", "-v", f"{smc.values['CASELOAD_INPUT_DIR']}:{data}/input:ro"]
    wait_for("the bucket", lambda: subprocess.run([*send, images.IMAGE, "python", "-m", "allocation.storage"],
                                                  capture_output=True, check=False).returncode == 0)  # fmt: skip
    say("runs, versions and input sent to a bucket of an S3 server")
    smc.compose.files = (*smc.compose.files, WITHOUT_A_SHARED_DISK)
    boundaries = f"{data}/input/areas.gpkg"
    smc.set(**bucket, CASELOAD_FILES_SETTINGS=str(settings), CASELOAD_BOUNDARIES=boundaries)
    start_components(smc.compose, workers=2)
    mounted = [smc.compose.mounts("worker", number) for number in (1, 2)]
    assert not set(mounted[0]) & set(mounted[1]), mounted
    say("two workers that share no disk")


def check_bucket(smc: Installation) -> None:
    """A container that is neither worker reads the timeline and the files of the version in force."""
    script = (
        "import json, pathlib; from allocation import storage; from allocation.publication import files; "
        "folder = pathlib.Path('/var/lib/caseload/published'); "
        "last = json.loads(storage.fetch(folder / files.TIMELINE).read_text())['periods'][-1]; "
        "print(last['version'], len(files.verify(folder / last['folder'])))"
    )
    version, faults = smc.compose.exec("api-server", "python", "-c", script).split()
    assert (int(version), int(faults)) == (smc.version(), 0)
    say(f"version {version} is in the bucket, and its files are those of its manifest")


def story(smc: Installation, folder: Path) -> None:
    """Everything, in order."""
    start_databases(smc.compose)
    start_components(smc.compose, workers=1)
    make_people(smc)
    publish_one_region(smc)
    check_store(smc, 1)
    check_files(smc)
    upgrade(smc)
    check_confinement(smc.compose)
    check_people(smc)
    smc.log_in("planner", smc.values["AIRFLOW_SECRET_KEY"])
    publish_one_region(smc, kill=True)
    podman.run("podman", "restart", smc.compose.container("store"))
    wait_for("the store healthy", lambda: smc.compose.is_healthy("store"))
    say("store restarted")
    publish_a_draft(smc)
    restore_elsewhere(smc, check_store(smc, smc.version()), folder)
    move_to_object_storage(smc, folder)
    smc.log_in("planner", smc.values["AIRFLOW_SECRET_KEY"])
    # the input is that of the version in force
    assert len(publish_one_region(smc, propose_unchanged=True)) == 2, "both workers took part"
    check_store(smc, smc.version())
    check_bucket(smc)


def main() -> int:
    """Read the arguments, run the story, take everything down."""
    parser = argparse.ArgumentParser(description="docker-compose.yml started for real, with podman.")
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    parser.add_argument("--built", action="store_true", help="take the images of the last time")
    asked = parser.parse_args()
    lacking = podman.missing()
    if lacking:
        print(f"left out, for want of: {', '.join(lacking)}")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="caseload_containers_"))
    podman.prepare(folder)
    if not asked.built:
        images.build(folder)
    smc = Installation.new(folder, "older", BEFORE_LIMITS)
    try:
        story(smc, folder)
    except BaseException:
        for service in ("init", *COMPONENTS):
            print(f"--- {service}", smc.compose.logs(service), sep="\n", file=sys.stderr)
        raise
    finally:
        if asked.keep:
            say(f"left running as {smc.compose.name}, settings in {folder}")
        else:
            smc.compose.take_down()
            shutil.rmtree(folder)
            say("taken down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
