"""`make up`: the planners' page, and Airflow with the same page behind its login, on this machine without Docker.

The page without a login is there within seconds. Airflow (api-server, scheduler, dag-processor) takes about a minute;
then the DAG `allocate` can be pressed, and the page in its menu divides the whole country through it. Its users are
`beheer` (admin), `planner` (triggers and approves) and `kijker` (sees); their passwords are made on the first start
and stand in ``airflow/passwords.json`` below the data folder, readable for you only. All of it listens on this machine
only, writes its logs below ``airflow/`` and stops with Ctrl-C.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from run_in_process import DAGS, migrate, prepare_environment, quiet

from allocation.contract.environment import environment

USERS = {"beheer": "admin", "planner": "user", "kijker": "viewer"}
PAGE = (sys.executable, "-m", "allocation", "serve")
AIRFLOW = (sys.executable, "-m", "airflow")
COMPONENTS = {
    "api-server": (*AIRFLOW, "api-server"),
    # It would serve its logs on every address of the machine; the api-server reads them from the same folder.
    "scheduler": (sys.executable, str(DAGS / "preloaded.py"), "scheduler", "--skip-serve-logs"),
    "dag-processor": (*AIRFLOW, "dag-processor"),
}
PATIENCE_S = 600


def kept(path: Path, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What a file of secrets holds; made on the first start, readable for its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(make(), indent=1), encoding="utf-8")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def make_keys() -> dict[str, str]:
    """Keys with which the components sign and encrypt. Each component would make its own when none were given."""
    return {
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def settle(var: Path, port: int) -> Path:
    """Settings of an Airflow with pages, into this process; returns the file with the passwords."""
    prepare_environment(var)
    file = var / "airflow" / "passwords.json"
    kept(file, lambda: {name: secrets.token_urlsafe(12) for name in USERS})
    os.environ |= kept(file.with_name("keys.json"), make_keys)
    here = f"http://127.0.0.1:{port}"
    os.environ |= {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": here,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{here}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(file),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "caseload",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
            {"type": "file", "log_file_path": str(var / "lineage.jsonl"), "append": True}
        ),
    }
    os.environ.pop("CASELOAD_RETRY_SECONDS", None)
    return file


def start(name: str, command: tuple[str, ...], home: Path) -> subprocess.Popen[bytes]:
    """Start a program with its log below ``home``, in a group of its own so that all it starts can be stopped."""
    with (home / f"{name}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def stop(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """End every program with what it started: asked first, made to after ten seconds."""
    for process in processes.values():
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
    ends = time.monotonic() + 10
    for process in processes.values():
        try:
            process.wait(max(0.1, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def page_is_ready(page: str) -> bool:
    """Whether the page answers."""
    import httpx

    try:
        return httpx.get(page, timeout=5).is_success
    except httpx.HTTPError:
        return False


def airflow_is_ready(airflow: str, file: Path) -> bool:
    """Whether Airflow is whole and knows the DAG ``allocate``; takes that DAG off pause when it is."""
    import httpx

    try:
        with httpx.Client(base_url=airflow, timeout=20) as client:
            health = client.get("/api/v2/monitor/health").json()
            if any(health[part]["status"] != "healthy" for part in ("scheduler", "dag_processor")):
                return False
            known = {"username": "beheer", "password": json.loads(file.read_text(encoding="utf-8"))["beheer"]}
            token = client.post("/auth/token", json=known).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            return client.patch("/api/v2/dags/allocate", json={"is_paused": False}, headers=headers).is_success
    except (httpx.HTTPError, KeyError, ValueError):
        return False


Waiting = list[tuple[str, Callable[[], bool]]]


def tell(waiting: Waiting) -> Waiting:
    """Print a line for each of ``waiting`` that is ready; returns the others."""
    ready = [text for text, is_ready in waiting if is_ready()]
    for text in ready:
        print(text, flush=True)
    return [one for one in waiting if one[0] not in ready]


def watch(processes: dict[str, subprocess.Popen[bytes]], waiting: Waiting, home: Path) -> int:
    """Tell what is ready, and stay until one of the programs ends; returns the exit code."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        for name, process in processes.items():
            if process.poll() is not None:
                print(f"{name} has ended; its log: {home / name}.log", file=sys.stderr)
                return 1
        waiting = tell(waiting)
        if waiting and time.monotonic() > ends:
            print(f"not ready after {PATIENCE_S} s; the logs: {home}", file=sys.stderr)
            return 1
        time.sleep(1)


def main() -> int:
    """Start everything, tell where to go, and stop it again."""
    parser = argparse.ArgumentParser(description="The planners' page and Airflow on this machine.")
    parser.add_argument("--var", type=Path, default=Path("var"), help="folder of runs, store and published files")
    parser.add_argument("--port", type=int, default=8080, help="of Airflow")
    parser.add_argument("--page-port", type=int, default=8390, help="of the page without a login")
    asked = parser.parse_args()
    var = asked.var.absolute()
    file = settle(var, asked.port)
    store = os.environ.setdefault("CASELOAD_STORE", environment().store_url(var))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    here, airflow = f"http://127.0.0.1:{asked.page_port}/", f"http://127.0.0.1:{asked.port}"
    page = (*PAGE, "--store", store, "--var", str(var), "--port", str(asked.page_port))
    processes = {"page": start("page", page, file.parent)}
    waiting: Waiting = [
        (f"The planners' page: {here}   (stop: Ctrl-C)", lambda: page_is_ready(here)),
        (f"Airflow: {airflow}   (names and passwords: {file})", lambda: airflow_is_ready(airflow, file)),
    ]
    try:
        with quiet(file.parent / "run.log"):
            migrate(var)
        waiting = tell(waiting)
        processes |= {name: start(name, command, file.parent) for name, command in COMPONENTS.items()}
        return watch(processes, waiting, file.parent)
    except KeyboardInterrupt:
        return 0
    finally:
        stop(processes)


if __name__ == "__main__":
    sys.exit(main())
