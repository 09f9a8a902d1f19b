"""The planners' page inside Airflow: for those who are signed in, and saving only for those who may start a run.

The first test asks the plugin itself; the others start what `make up` starts and look at it in a real Chromium.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import FrameLocator, Page, expect

from allocation.page.tasks import REFUSED_TO_OTHERS
from allocation.pipeline import steps
from allocation.publication import reads
from allocation.report.report import write_report
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.support import gates
from tests.support.airflow_components import free_port, wait_for
from tests.support.browser import Browser, browser, country_run, divided, start_toy, toy_run

ROOT = Path(__file__).parents[2]
ASK = """
import json, os, subprocess, sys
os.umask(0o022)
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

def answered(client):
    # What the page says of a question under the name of the run that is about another version, then of its own, and
    # whether Airflow has an answer each time.
    from datetime import datetime, timedelta
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from allocation.pipeline.alerts import question

    subprocess.run([sys.executable, "-m", "airflow", "dags", "reserialize"], check=True, stdout=sys.stderr)
    run = {"dag_run_id": "toy", "logical_date": None, "conf": {"run": "toy"}}
    made = status(client, "user", "POST", "/api/v2/dags/decide/dagRuns", json=run)
    assert made.status_code == 200, made.text
    said = []
    for version in (2, 1):
        with create_session() as session:
            task = session.query(TaskInstance).filter_by(dag_id="decide", run_id="toy", task_id="approve").one()
            session.query(HITLDetail).delete()
            session.add(HITLDetail(ti_id=task.id, options=["Approve", "Reject"], subject=question(version), body="",
                                   params={"remark": {"value": "", "schema": {"type": "string"}}},
                                   created_at=datetime.now().astimezone() - timedelta(minutes=1)))
            task.state = "awaiting_input"
        order = {"run": "toy", "version": 1, "is_approved": True}
        said.append(status(client, "user", "POST", "/caseload/api/decision", json=order))
        with create_session() as session:
            said.append(session.query(HITLDetail).one().responded_at is not None)
    told = [said[0].status_code, "gaat niet over versie 1" in said[0].json()["detail"], said[1]]
    return {"another's question": told, "its own": [said[2].status_code, said[3]]}

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
    many = {"postcodes": ["nergens"]}
    told["viewer looks up"] = status(client, "viewer", "POST", "/caseload/api/v1/lookup/batch", json=many).status_code
    draft = {"run": "toy", "name": "plan", "changes": {"moves": []}}
    told["viewer saves"] = status(client, "viewer", "POST", "/caseload/api/drafts", json=draft).status_code
    saved = status(client, "user", "POST", "/caseload/api/drafts", json=draft, headers={"X-Planner": "iemand anders"})
    told["a run of dots"] = status(client, "viewer", "GET", "/caseload/api/country/allocate__..").status_code
    decision = {"run": "toy", "version": 1, "is_approved": True}
    told["viewer decides"] = status(client, "viewer", "POST", "/caseload/api/decision", json=decision).status_code
    told["viewer reads"] = status(client, "viewer", "GET", "/caseload/api/decision?run=toy").json()["may_decide"]
    told["planner may decide"] = status(client, "user", "GET", "/caseload/api/decision?run=toy").json()["may_decide"]
    told["planner saves"] = saved.status_code
    told |= answered(client)
    told["mask of what the page writes"] = oct(os.umask(0o022))
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
    gates.propose(run)
    home = tmp_path / "airflow"
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
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
        "viewer looks up": 200, "mask of what the page writes": "0o27",
        "a run of dots": 422, "viewer decides": 403, "viewer reads": False, "planner may decide": True,
        "planner saves": 200, "saved by": "user", "websocket": told["websocket"],
        "another's question": [422, True, False], "its own": [200, True],
    }  # fmt: skip
    assert told["websocket"] != "open"


# --- make up ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Up:
    """What `make up` started: the addresses that it printed, the passwords, and the run that is seen first."""

    page: str
    airflow: str
    passwords: dict[str, str]
    run: Run
    pid: int


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Version 1 is the whole country, to look at; version 2 the toy country, which is divided anew in seconds."""
    var = tmp_path_factory.mktemp("up")
    country_run(var)
    run = toy_run(var, tolerance=0.5)
    steps.validate_inputs(run)
    write_report(run.folder)
    gates.propose(run)
    ports = [str(free_port()), str(free_port())]
    command = [sys.executable, str(ROOT / "dags" / "standalone.py"), "--var", str(var)]
    with (var / "up.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", ports[0], "--page-port", ports[1]],
            stdout=log, stderr=log, env=os.environ | {"CASELOAD_STORE": run.store}, cwd=var,
        )  # fmt: skip
    try:
        told = (var / "up.log").read_text
        wait_for("both lines", lambda: process.poll() is not None or told().count("http://127.0.0.1:") == 2)
        page, airflow = re.findall(r"http://127.0.0.1:\d+", told())
        passwords = json.loads((var / "airflow" / "passwords.json").read_text(encoding="utf-8"))
        yield Up(page, airflow, passwords, run, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)
    for address in (page, airflow):
        with pytest.raises(httpx.ConnectError):
            httpx.get(address)


def family(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            yield from family(int(child))


def listens_on(pid: int) -> set[str]:
    """The addresses (as the kernel writes them) on which a process, or any that it started, takes connections."""
    mine = {
        Path(file).readlink().name
        for one in family(pid)
        for file in Path(f"/proc/{one}/fd").iterdir()
        if file.is_symlink()
    }
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, state, inode = (line.split()[column] for column in (1, 3, 9))
            if state == "0A" and f"socket:[{inode}]" in mine:
                found.add(local.partition(":")[0])
    return found


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_all_of_it_listens_on_this_machine_only(up: Up) -> None:
    assert listens_on(up.pid) == {"0100007F"}


def client_of(up: Up, name: str) -> httpx.Client:
    """The page behind Airflow, for a user who logged in."""
    who = {"username": name, "password": up.passwords[name]}
    token = httpx.post(f"{up.airflow}/auth/token", json=who).json()["access_token"]
    return httpx.Client(base_url=f"{up.airflow}/caseload", headers={"Authorization": f"Bearer {token}"}, timeout=200)


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_a_planner_is_told_why_a_run_of_his_draft_is_refused(up: Up) -> None:
    """The same sentence as on a page without Airflow; without a team of the West, and with half of a postcode. As long
    as no other version is in force: then that would be the reason."""
    page, viewer = (client_of(up, name) for name in ("planner", "kijker"))
    half = {"pc4": "1001", "team_id": "W1", "kind": "split", "share": 0.5, "reason": "proef"}
    drafts = {
        "tellen op tot 50%": {"locks": [half]},
        "invoercontrole zegt": {"teams": [{"team_id": team, "is_closed": True} for team in ("W1", "W2")]},
    }
    for told, changes in drafts.items():
        draft = page.post("/api/drafts", json={"run": "toy", "name": told, "changes": changes}).raise_for_status()
        order = {"draft_id": draft.json()["draft_id"], "reason": told}
        name = page.post("/api/country", json=order).raise_for_status().json()["task"]
        wait_for("the end of the run", lambda name=name: page.get(f"/api/country/{name}").json()["state"] != "busy")
        ended = page.get(f"/api/country/{name}").json()
        assert ended["state"] == "refused"
        assert told in ended["text"]
        assert str(up.run.var) not in ended["text"]
        assert viewer.get(f"/api/country/{name}").json()["text"] == REFUSED_TO_OTHERS


def sign_in(up: Up, page: Page, name: str) -> None:
    """From the refusal of the page by way of the login back to the page."""
    page.goto(f"{up.airflow}/caseload/")
    expect(page.locator("h1")).to_have_text("Log eerst in bij Airflow.")
    page.click("a")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", up.passwords[name])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{up.airflow}/caseload/", timeout=60_000)


def inside(up: Up, chromium: Browser) -> FrameLocator:
    """The page as Airflow's menu shows it."""
    chromium.page.goto(up.airflow)
    chromium.page.get_by_text("Caseloadverdeling").first.click(timeout=60_000)
    frame = chromium.page.frame_locator("iframe")
    expect(frame.locator("html")).to_have_attribute("data-ready", "ja", timeout=60_000)
    return frame


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_one_click_from_make_up_to_the_page(up: Up) -> None:
    with browser() as chromium:
        chromium.page.goto(up.page)
        chromium.ready()
        assert chromium.page.locator("#strook tbody tr").count() == 3
        assert (chromium.outside, chromium.errors) == ([], [])


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_who_is_not_signed_in_gets_no_page_no_answer_and_no_socket(up: Up) -> None:
    with httpx.Client(base_url=f"{up.airflow}/caseload") as client:
        for path in ("/", "/static/page.js", "/api/map?run=toy", "/opzoeken", "/api/v1/lookup?postcode=1001"):
            assert client.get(path).status_code == 401, path
        assert client.post("/api/country", json={"draft_id": 1, "reason": "x"}).status_code == 401
    with browser() as chromium:
        chromium.page.goto(f"{up.airflow}/caseload/")
        assert chromium.page.locator("#kaart").count() == 0
        assert chromium.page.evaluate(SOCKET, f"{up.airflow.replace('http', 'ws')}/caseload/ws") == "closed"


SOCKET = """url => new Promise(go => {
  const socket = new WebSocket(url);
  socket.onopen = () => go("open");
  socket.onclose = () => go("closed");
})"""


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_the_whole_country_in_the_menu_of_airflow(up: Up) -> None:
    with browser() as chromium:
        frame = shown(up, chromium, "land")
        frame.locator("#regio").select_option(label="Midden-Utrecht")
        expect(frame.locator("#bereik")).to_contain_text("Midden-Utrecht", timeout=30_000)
        chromium.shot("pagina-airflow")
        assert chromium.outside == []


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_who_may_only_look_sees_the_page_and_cannot_save(up: Up) -> None:
    with browser() as chromium:
        sign_in(up, chromium.page, "kijker")
        frame = inside(up, chromium)
        assert frame.locator("#naam").input_value() == "kijker"
        expect(frame.locator("#herbereken")).to_be_disabled()
        frame.locator("#naar-tab-besluit").click()
        expect(frame.locator("#dien-in button[type=submit]")).to_be_disabled()
        assert chromium.outside == []


def shown(up: Up, chromium: Browser, version: str) -> FrameLocator:
    """The page as Airflow's menu shows it to a planner, with this version chosen."""
    sign_in(up, chromium.page, "planner")
    frame = inside(up, chromium)
    frame.locator("#versie").select_option(version)
    is_ready(frame, f"^{re.escape(version)}$")
    return frame


def is_ready(frame: FrameLocator, run: str) -> None:
    """Wait until the page shows a run whose name matches this pattern."""
    expect(frame.locator("body")).to_have_attribute("data-run", re.compile(run), timeout=60_000)
    expect(frame.locator("html")).to_have_attribute("data-ready", "ja", timeout=60_000)


def approve(frame: FrameLocator, place: str, run: str) -> None:
    """Open the version that was just made and approve it: a run that waits for an answer publishes it. ``place``: where
    the page says that it is there; ``run``: the pattern of its run's name."""
    frame.locator(f"{place} a").click()
    is_ready(frame, run)
    frame.locator("#naar-tab-besluit").click()
    expect(frame.locator("#gevolgen")).to_contain_text("Ingangsdatum", timeout=30_000)
    frame.locator("#beslis-opmerking").fill("akkoord")
    frame.locator("#keur-goed").click()
    frame.get_by_role("button", name="Ja, goedkeuren").click()
    expect(frame.locator("#beslis-stand")).to_have_attribute("data-state", re.compile("."), timeout=300_000)
    expect(frame.locator("#beslis-stand")).to_contain_text("is goedgekeurd en geldt vanaf")


@pytest.mark.heavy
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("version", "code"), [("land", "3511"), ("toy", "1005")])
def test_a_planner_divides_the_country_through_the_dag_and_proposes_it(up: Up, version: str, code: str) -> None:
    """In the menu of Airflow: pin a postcode, press the button, see the version; Airflow asks for the approval. The toy
    country, and then the whole Netherlands."""
    with browser() as chromium:
        frame = shown(up, chromium, version)
        assert frame.locator("#naam").get_attribute("readonly") is not None
        frame.locator("#codes").fill(code)
        frame.locator("#codes").press("Enter")
        team = frame.locator("#suggesties tbody button").first.inner_text(timeout=30_000)
        frame.locator("#suggesties tbody button").first.click()
        frame.locator("#toepassen").click()
        expect(frame.locator("#stand")).to_contain_text("1 verplaatsing", timeout=30_000)
        frame.locator("#naar-tab-besluit").click()
        frame.locator("#tab-besluit summary", has_text="Heel Nederland opnieuw verdelen").click()
        frame.locator("#herbereken-land").click()
        expect(frame.locator("#herbereken-stand")).to_have_attribute("data-state", re.compile("."), timeout=1_500_000)
        told = frame.locator("#herbereken-stand").inner_text()
        assert "is ingediend" in told, told
        chromium.shot(f"pagina-airflow-ingediend-{version}")
        if version == "toy":
            approve(frame, "#herbereken-stand", "^allocate__")
        assert chromium.outside == []
    made = reads.versions(up.run.store).sort_values("version").iloc[-1]
    assert (made["status"], made["created_by"]) == ("published" if version == "toy" else "proposed", "planner")
    if version == "toy":
        assert (made["approval"]["by"], made["approval"]["remark"]) == ("planner", "akkoord")
    assert made["run_id"].startswith("allocate__")
    division = reads.read_table("allocation", up.run.store, version=int(made["version"]))
    mine = division[(division["pc4"] == code) & (division["law_domain"] == "zw_wia")]
    assert set(mine["team_id"]) == {team}


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_a_draft_is_handed_in_and_a_run_publishes_it_when_it_is_approved(up: Up) -> None:
    """The page makes the proposal, in its own process; a run of DAG `decide` asks the approver and publishes. The
    draft is on what is in force: beside a version that the planner has not seen it would be refused."""
    with browser() as chromium:
        now = reads.versions(up.run.store)
        frame = shown(up, chromium, next(iter(now.loc[now["is_in_force"], "run_id"]), "toy"))
        frame.locator("#codes").fill("1006")
        frame.locator("#codes").press("Enter")
        frame.locator("#suggesties tbody button").first.click(timeout=30_000)
        frame.locator("#toepassen").click()
        expect(frame.locator("#stand")).to_contain_text("1 verplaatsing", timeout=30_000)
        frame.locator("#naar-tab-besluit").click()
        frame.locator("#dien-reden").fill("dichter bij kantoor")
        frame.locator("#dien-in button[type=submit]").click()
        expect(frame.locator("#dien-stand")).to_have_attribute("data-state", re.compile("."), timeout=300_000)
        told = frame.locator("#dien-stand").inner_text()
        assert "is ingediend" in told, told
        approve(frame, "#dien-stand", "-concept$")
        assert chromium.outside == []
    made = reads.versions(up.run.store).sort_values("version").iloc[-1]
    assert (made["status"], made["reason"]) == ("published", "dichter bij kantoor")
    assert (made["approval"]["by"], made["approval"]["remark"]) == ("planner", "akkoord")


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_a_run_with_the_name_of_one_proposal_asks_about_no_other(up: Up) -> None:
    """Who approves on the page answers the run of that name; with another proposal behind it he would approve that."""
    waits = divided(start_toy(up.run.var, run_id="wacht", tolerance=0.4))
    steps.validate_inputs(waits)
    write_report(waits.folder)
    gates.propose(waits)
    who = {"username": "planner", "password": up.passwords["planner"]}
    token = httpx.post(f"{up.airflow}/auth/token", json=who).json()["access_token"]
    with httpx.Client(
        base_url=f"{up.airflow}/api/v2/dags/decide", headers={"Authorization": f"Bearer {token}"}
    ) as client:
        asked = {"logical_date": None, "dag_run_id": "wacht", "conf": {"run": "toy"}}
        client.post("/dagRuns", json=asked).raise_for_status()
        wait_for("the end of the run", lambda: client.get("/dagRuns/wacht").json()["state"] in ("failed", "success"))
        assert client.get("/dagRuns/wacht").json()["state"] == "failed"
        assert client.get("/dagRuns/wacht/taskInstances/approve/-1/hitlDetails").status_code == 404
    page = httpx.Client(base_url=f"{up.airflow}/caseload", headers={"Authorization": f"Bearer {token}"})
    version = waits.read(run_files.VERSION).version
    order = {"run": "wacht", "version": version, "is_approved": True, "remark": "akkoord"}
    refused = page.post("/api/decision", json=order, timeout=200)
    assert (refused.status_code, refused.json()["detail"]) == (422, "Het is mislukt; zie run wacht in Airflow.")
