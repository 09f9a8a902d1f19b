"""The planners' page inside Airflow: for those who are signed in, and saving only for those who may start a run."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from allocation import pipeline
from allocation.report import write_report
from tests.support.browser import toy_run

ROOT = Path(__file__).parents[2]
ASK = """
import json, sys
from airflow.utils.db import initdb
initdb()
from fastapi.testclient import TestClient
from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

def status(client, role, method, path, **more):
    cookies = {}
    if role:
        user = SimpleAuthManagerUser(username=role, role=role)
        cookies = {"_token": get_auth_manager().generate_jwt(user)}
    client.cookies.clear()
    client.cookies.update(cookies)
    return client.request(method, path, **more)

told = {}
with TestClient(create_app()) as client:
    told["anonymous page"] = status(client, None, "GET", "/caseload/").status_code
    told["anonymous script"] = status(client, None, "GET", "/caseload/static/page.js").status_code
    told["anonymous map"] = status(client, None, "GET", "/caseload/api/map?run=toy").status_code
    client.cookies.update({"_token": "x.y.z"})
    told["false token"] = client.get("/caseload/").status_code
    page = status(client, "viewer", "GET", "/caseload/")
    told["viewer page"] = page.status_code
    told["viewer is named"] = 'value="viewer" readonly' in page.text
    told["script"] = status(client, "viewer", "GET", "/caseload/static/page.js").status_code
    figures = {"run": "toy", "layer": "vangnet", "changes": {"moves": []}}
    told["viewer asks"] = status(client, "viewer", "POST", "/caseload/api/figures", json=figures).status_code
    draft = {"run": "toy", "name": "plan", "changes": {"moves": []}}
    told["viewer saves"] = status(client, "viewer", "POST", "/caseload/api/drafts", json=draft).status_code
    saved = status(client, "user", "POST", "/caseload/api/drafts", json=draft, headers={"X-Planner": "iemand anders"})
    told["planner saves"] = saved.status_code
    told["saved by"] = saved.json().get("saved_by")
    try:
        with client.websocket_connect("/caseload/ws"):
            told["websocket"] = "open"
    except Exception as error:
        told["websocket"] = type(error).__name__
print("TOLD" + json.dumps(told))
"""


@pytest.mark.heavy
def test_only_signed_in_users_get_anything_and_only_planners_save(tmp_path: Path) -> None:
    run = toy_run(tmp_path / "var")
    write_report(run.folder)
    pipeline.propose(run)
    home = tmp_path / "airflow"
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "viewer:viewer,user:user",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "CASELOAD_VAR": str(tmp_path / "var"),
        "CASELOAD_STORE": run.store,
    }
    home.mkdir()
    done = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("TOLD")]
    assert lines, done.stderr[-3000:]
    told = json.loads(lines[0].removeprefix("TOLD"))
    assert told == {
        "anonymous page": 401, "anonymous script": 401, "anonymous map": 401, "false token": 401,
        "viewer page": 200, "viewer is named": True, "script": 200, "viewer asks": 200, "viewer saves": 403,
        "planner saves": 200, "saved by": "user", "websocket": told["websocket"],
    }  # fmt: skip
    assert told["websocket"] != "open"
