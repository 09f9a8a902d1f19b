"""Airflow with its pages on this machine, without Docker: api-server, scheduler and dag-processor, ready to press.

Users `beheer` (admin), `planner` (triggers and approves) and `kijker` (sees); the passwords are made on the first start
and stand in ``var/airflow/passwords.json``, readable for you only. It listens on this machine only.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from pathlib import Path

from run_in_process import migrate, prepare_environment

USERS = {"beheer": "admin", "planner": "user", "kijker": "viewer"}


def passwords(home: Path) -> Path:
    """The file with the passwords, made when it is not there yet."""
    path = home / "passwords.json"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps({name: secrets.token_urlsafe(12) for name in USERS}, indent=1), encoding="utf-8")
    return path


def main() -> None:
    """Prepare, tell where to go, and become Airflow."""
    parser = argparse.ArgumentParser(description="Airflow with its pages on this machine.")
    parser.add_argument("--var", type=Path, default=Path("var"), help="folder of runs, store and published files")
    parser.add_argument("--port", type=int, default=8080)
    asked = parser.parse_args()
    var = asked.var.absolute()
    prepare_environment(var)
    file = passwords(var / "airflow")
    here = f"http://127.0.0.1:{asked.port}"
    os.environ |= {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(asked.port),
        "AIRFLOW__API__BASE_URL": here,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{here}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(file),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "caseload",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
            {"type": "file", "log_file_path": str(var / "lineage.jsonl"), "append": True}
        ),
    }
    os.environ.pop("CASELOAD_RETRY_SECONDS", None)
    migrate(var)
    print(f"\n{here}   users and passwords: {file}   stop: Ctrl-C\n", flush=True)
    os.execv(str(Path(sys.executable).with_name("airflow")), ["airflow", "standalone"])


if __name__ == "__main__":
    main()
