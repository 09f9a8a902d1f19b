"""Approving and rejecting on the page without a scheduler around it; the tests of the page in Airflow have one."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from allocation.contract.calendar import today
from allocation.contract.errors import Refused
from allocation.page import deciding, proposing
from allocation.page.app import create_app
from allocation.page.changes import ChangeSet, Move
from allocation.page.deciding import SEEN_BEFORE
from allocation.publication import reads, versions
from allocation.report import dutch
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.support import gates, toy
from tests.support.browser import toy_run
from tests.unit.page.test_guarding import As


@pytest.fixture
def app(var: Path) -> Iterator[Any]:
    made = create_app(f"sqlite:///{var / 'store.sqlite'}", var)
    yield made
    made.state.desk.close()


def client_of(app: Any, **scope: Any) -> TestClient:
    return TestClient(As(app, **scope), base_url="http://127.0.0.1")


def order(**more: Any) -> dict[str, Any]:
    return {"run": "toy", "version": 1, "is_approved": True, "remark": "akkoord"} | more


def followed(client: TestClient, task: str) -> dict[str, Any]:
    for _ in range(600):
        told: dict[str, Any] = client.get("/api/decision/state", params={"run": "toy", "task": task}).json()
        if told["state"] != "busy":
            return told
        time.sleep(0.1)
    raise AssertionError("still busy after a minute")


def test_the_approver_reads_what_happens_to_whom_and_approves(app: Any) -> None:
    client, store = client_of(app, planner="Bert"), app.state.store_url
    told = client.get("/api/decision?run=toy").json()
    assert (told["version"], told["status"], told["obstacle"]) == (1, "proposed", "")
    moved = reads.read_table("allocation_changes", store, version=1)
    assert moved["pc4"].nunique() > 0
    assert re.match(rf"{moved['pc4'].nunique()} postcodes? wissel", told["lines"][0])
    assert sum(int(one["areas"]) for one in told["regions"]) >= moved["pc4"].nunique()
    assert "Dossiers die verhuizen" in {one["name"] for one in told["figures"]}
    ended = followed(client, client.post("/api/decision", json=order()).json()["task"])
    assert ended["state"] == "done", ended
    assert "Versie 1 is goedgekeurd en geldt vanaf" in ended["text"]
    row = reads.versions(store).iloc[0]
    assert (row["status"], bool(row["is_in_force"])) == ("published", True)
    assert (row["approval"]["by"], row["approval"]["remark"]) == ("Bert", "akkoord")
    again = client.post("/api/decision", json=order())
    assert (again.status_code, again.json()["detail"]) == (422, "Versie 1 is al gepubliceerd.")


def test_who_saw_another_version_decides_on_nothing(app: Any, var: Path) -> None:
    """The run is done again with another input while the approver looks: his page shows version 1, it proposes 2. A
    page that is loaded after that has the map of 2."""
    client, of_toy = client_of(app, planner="Bert"), {"run": "toy"}
    before = client.get("/api/map", params=of_toy).content
    again = toy_run(var.parent / "again", {"locks": toy.locks(("1005", "W2", "pin", "", ""))}, tolerance=0.5)
    shutil.copytree(again.folder / "outcome", var / "runs" / "toy" / "outcome", dirs_exist_ok=True)
    shutil.copytree(again.folder / "layers", var / "runs" / "toy" / "layers", dirs_exist_ok=True)
    gates.propose(Run.open(var / "runs" / "toy"))
    for is_approved in (True, False):
        refused = client.post("/api/decision", json=order(is_approved=is_approved))
        assert (refused.status_code, refused.json()["detail"]) == (422, SEEN_BEFORE.format(seen=1, version=2))
    assert reads.versions(app.state.store_url).set_index("version")["status"].to_dict() == {
        1: "withdrawn",
        2: "proposed",
    }
    assert client.get("/api/decision", params=of_toy).json()["version"] == 2
    assert client.get("/api/map", params=of_toy).content != before
    assert followed(client, client.post("/api/decision", json=order(version=2)).json()["task"])["state"] == "done"


def test_a_rejection_changes_nothing_but_the_record(app: Any) -> None:
    client = client_of(app, planner="Bert")
    ended = followed(
        client, client.post("/api/decision", json=order(is_approved=False, remark="te druk")).json()["task"]
    )
    assert ended == {"state": "done", "version": 1, "text": "Versie 1 is afgewezen; er verandert niets."}
    row = reads.versions(app.state.store_url).iloc[0]
    assert (row["status"], row["approval"]["remark"]) == ("rejected", "te druk")
    assert reads.current_version(app.state.store_url) is None


def test_a_proposal_that_nobody_decided_on_is_not_told_as_being_published(app: Any) -> None:
    told = client_of(app).get("/api/decision/state", params={"run": "toy"}).json()
    assert told == {"state": "refused", "text": "Over versie 1 is nog niet besloten."}


def test_who_may_not_decide_reads_and_is_refused(app: Any) -> None:
    client = client_of(app, planner="kijker", may_plan=False, may_decide=False)
    told = client.get("/api/decision?run=toy").json()
    assert "Dossiers die verhuizen" not in {one["name"] for one in told["figures"]}
    assert client.post("/api/decision", json=order()).status_code == 403
    assert reads.versions(app.state.store_url).iloc[0]["status"] == "proposed"


@pytest.mark.heavy
def test_a_proposal_that_was_overtaken_is_refused_in_dutch(app: Any, var: Path) -> None:
    store = app.state.store_url
    moves = ChangeSet(moves=(Move(layer="vangnet", pc4="1005", team_id="W2"),))
    with gates.opened():
        second = proposing.submit_in(var, store, "toy", moves, "Anna", "anders", None)
    versions.publish(second, store, var / "published")
    client = client_of(app, planner="Bert")
    assert client.get("/api/decision?run=toy").json()["obstacle"] == deciding.OVERTAKEN
    refused = client.post("/api/decision", json=order())
    assert (refused.status_code, refused.json()["detail"]) == (422, deciding.OVERTAKEN)
    assert client.post("/api/decision", json=order(is_approved=False)).status_code == 200


@pytest.mark.heavy
def test_a_version_that_is_planned_already_is_named_before_the_decision_and_after_it(app: Any, var: Path) -> None:
    """The store only logged it: an approver thought that his version would stay."""
    store, day = app.state.store_url, today() + timedelta(days=90)
    moves = ChangeSet(moves=(Move(layer="vangnet", pc4="1005", team_id="W2"),))
    with gates.opened():
        planned = proposing.submit_in(var, store, "toy", moves, "Anna", "straks", day)
    client = client_of(app, planner="Bert")
    assert client.get("/api/decision?run=toy").json()["planned"] == ""
    versions.publish(planned, store, var / "published")
    run = Run.open(var / "runs" / "toy")
    run.write(run_files.IN_FORCE, run.in_force().model_copy(update={"timeline_act": reads.timeline_act(store)}))
    gates.propose(run)
    told = client.get("/api/decision?run=toy").json()
    assert told["obstacle"] == ""
    assert told["planned"] == dutch.planned_later([(planned, day)])
    after = followed(client, client.post("/api/decision", json=order()).json()["task"])
    assert after["text"] == f"Versie 1 is goedgekeurd en geldt vanaf {dutch.day(today())}. {told['planned']}"


def test_a_team_that_is_not_there_on_the_first_day_is_named(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = today() - timedelta(days=1)
    monkeypatch.setattr(deciding.files, "team_periods", lambda *_: [("W1", ended - timedelta(days=9), ended),
                                                                     ("W2", ended, None)])  # fmt: skip
    told = client_of(app).get("/api/decision?run=toy").json()
    assert "bestaat W1 niet" in told["obstacle"]


class Waiting:
    """A scheduler with a run that waits for an answer; it keeps what it was told. ``paused``: why it cannot ask."""

    def __init__(self, paused: str = "") -> None:
        self.paused = paused
        self.asked: list[str] = []
        self.answers: list[tuple[str, int, bool, str]] = []

    async def ask(self, run_id: str) -> None:
        if self.paused:
            raise Refused(self.paused)
        self.asked.append(run_id)

    async def answer(self, run_id: str, version: int, *, is_approved: bool, remark: str) -> None:
        self.answers.append((run_id, version, is_approved, remark))

    async def after_answer(self, run_id: str) -> dict[str, Any]:
        return {"state": "refused", "text": f"{run_id} is mislukt"}


def test_where_a_run_waits_the_answer_is_passed_on_and_the_run_publishes(app: Any) -> None:
    waiting = Waiting()
    client = client_of(app, planner="Bert", approval=waiting)
    assert client.post("/api/decision", json=order()).json() == {"task": ""}
    assert waiting.answers == [("toy", 1, True, "akkoord")]
    assert followed(client, "") == {"state": "refused", "text": "toy is mislukt"}
    assert reads.versions(app.state.store_url).iloc[0]["status"] == "proposed"
    versions.reject(1, app.state.store_url, {"by": "Bert"})
    assert followed(client, "")["text"] == "Versie 1 is afgewezen; er verandert niets."


def proposed_anew(var: Path, **asked: Any) -> Run:
    """A later run that came to the same division as ``toy``, and proposed it."""
    shutil.copytree(var / "runs" / "toy", var / "runs" / "later")
    record = var / "runs" / "later" / "run.json"
    told = json.loads(record.read_text(encoding="utf-8"))
    told |= {"run_id": "later", "config": told["config"] | asked}
    record.write_text(json.dumps(told), encoding="utf-8")
    run = Run.open(record.parent)
    gates.propose(run)
    return run


def test_the_same_proposal_made_twice_is_decided_by_the_run_that_waits(app: Any, var: Path) -> None:
    """Somebody presses Trigger twice: the run of the first ends, and the message of the second leads to its own."""
    proposed_anew(var)
    waiting = Waiting()
    client = client_of(app, planner="Bert", approval=waiting)
    for run in ("toy", "later"):
        told = client.get("/api/decision", params={"run": run}).json()
        assert (told["version"], told["status"], told["obstacle"]) == (1, "proposed", "")
        assert client.post("/api/decision", json=order(run=run)).json() == {"task": ""}
        state = client.get("/api/decision/state", params={"run": run}).json()
        assert state == {"state": "refused", "text": "later is mislukt"}
        assert "– versie 1</title>" in client.get("/", params={"run": run}).text
    assert waiting.answers == [("later", 1, True, "akkoord")] * 2
    assert app.state.desk.version_of("later") == 1
    assert app.state.desk.waiting_run(1) == "later"
    assert [one["run"] for one in app.state.desk.runs()] == ["toy"]  # with the drafts on it
    assert client.get("/api/decision?run=nobody").status_code == 422


def test_a_proposal_for_another_day_is_decided_where_that_day_is_shown(app: Any, var: Path) -> None:
    day = today() + timedelta(days=18)
    proposed_anew(var, valid_from=str(day))
    waiting = Waiting()
    client = client_of(app, planner="Bert", approval=waiting)
    obstacle = deciding.ANOTHER_DAY.format(version=1, day=dutch.day(day))
    assert client.get("/api/decision", params={"run": "toy"}).json()["obstacle"] == obstacle
    for is_approved in (True, False):
        refused = client.post("/api/decision", json=order(is_approved=is_approved))
        assert (refused.status_code, refused.json()["detail"]) == (422, obstacle)
    assert [one["run"] for one in app.state.desk.runs()] == ["later"]
    told = client.get("/api/decision", params={"run": "later"}).json()
    assert (told["obstacle"], told["first_day"]) == ("", dutch.day(day))
    assert client.post("/api/decision", json=order(run="later")).status_code == 200
    assert waiting.answers == [("later", 1, True, "akkoord")]


def test_a_proposal_that_was_made_anew_is_no_longer_overtaken(
    app: Any, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the page advises. The run that proposed it first took over from a division that is gone."""
    run = proposed_anew(var)
    run.write(run_files.IN_FORCE, run.in_force().model_copy(update={"timeline_act": 5}))
    monkeypatch.setattr(deciding.reads, "timeline_act", lambda _: 5)
    assert client_of(app, planner="Bert").get("/api/decision?run=toy").json()["obstacle"] == ""


@pytest.mark.heavy
def test_what_is_handed_in_is_laid_before_an_approver(app: Any) -> None:
    """A run is asked to wait for the decision once there is a version; a decided one is asked no more."""
    waiting, paused = Waiting(), Waiting("De DAG staat op pauze.")
    client = client_of(app, planner="Anna", approval=waiting)
    moves = [{"layer": "vangnet", "pc4": "1005", "team_id": "W2"}]
    handed_in = {"run": "toy", "layer": "vangnet", "region": None, "changes": {"moves": moves}, "reason": "anders"}
    task = client.post("/api/submit", json=handed_in).json()["task"]
    told = ended(client, task)
    assert told == {"state": "done", "version": 2, "text": "Versie 2 is ingediend."}
    run = reads.versions(app.state.store_url).set_index("version").loc[2, "run_id"]
    assert waiting.asked == [run]
    assert ended(client_of(app, planner="Anna", approval=paused), task)["text"] == (
        "De versie is ingediend, maar nog niet voorgelegd. De DAG staat op pauze."
    )
    versions.reject(2, app.state.store_url, {"by": "Bert"})
    assert ended(client, task) == told
    assert waiting.asked == [run]


def ended(client: TestClient, task: str) -> dict[str, Any]:
    for _ in range(600):
        told: dict[str, Any] = client.get(f"/api/tasks/{task}").json()
        if told["state"] != "busy":
            return told
        time.sleep(0.1)
    raise AssertionError("still busy after a minute")
