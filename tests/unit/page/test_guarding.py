"""What is turned away at the door, in which words: hosts, origins, sizes, signs, roles, and a store that is away."""

from __future__ import annotations

import asyncio
import gzip
import json
import pickle
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from allocation.contract.calendar import today
from allocation.contract.errors import NoRight, Passing, TimelineChanged, Unusable
from allocation.page import desk as desk_module
from allocation.page import guarding, tasks
from allocation.page.app import create_app
from allocation.page.guarding import LOOPBACK, told_of
from allocation.page.requests import MOST_BODY_BYTES
from allocation.publication import drafts, small_counts
from allocation.report import for_readers
from allocation.report.report import write_report
from allocation.runs import run_files
from allocation.runs.run import Run, run_folder
from tests.support.browser import toy_run

EMPTY: dict[str, Any] = {"moves": [], "locks": [], "teams": [], "new_teams": []}
MOVE = {"layer": "vangnet", "pc4": "1001", "team_id": "W1"}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = toy_run(tmp_path_factory.mktemp("door"), tolerance=0.5)
    write_report(run.folder)
    return run


class As:
    """The application behind a server that knows its users."""

    def __init__(self, app: Any, **scope: Any) -> None:
        self.app, self.scope = app, scope

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope | self.scope, receive, send)


@pytest.fixture(scope="module")
def app(toy: Run) -> Iterator[Any]:
    made = create_app(toy.store, toy.var, hosts={*LOOPBACK})
    yield made
    made.state.desk.close()


@pytest.fixture
def client(app: Any) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1:8390", raise_server_exceptions=False)


def figures(toy: Run, **changes: Any) -> dict[str, Any]:
    return {"run": toy.run_id, "layer": "vangnet", "changes": EMPTY | changes}


def test_only_known_hosts_and_own_pages_are_served(client: TestClient, toy: Run) -> None:
    assert client.get("/static/page.js").status_code == 200
    for host in ("evil.example", "127.0.0.1:8390.evil.example", "localhost:evil", "[::1]:x", "a@127.0.0.1:1", ""):
        assert client.get("/static/page.js", headers={"Host": host}).status_code == 421, host
    for host in ("127.0.0.1", "localhost:8390", "[::1]", "[::1]:8390"):
        assert client.get("/static/page.js", headers={"Host": host}).status_code == 200, host
    body = figures(toy)
    for headers, status in (
        ({}, 200),
        ({"Origin": "http://127.0.0.1:8390"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://[bad"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8390"}, 200),
    ):
        assert client.post("/api/figures", json=body, headers=headers).status_code == status, headers


def test_a_body_that_cannot_be_read_is_told_so_to_each_in_their_language(client: TestClient) -> None:
    """Broken bytes, JSON that is too deep, and what is compressed; programs had "Dit kan niet." """
    as_json = {"Content-Type": "application/json"}
    for content in (b'{"postcodes": ["\xff"]}', b'{"postcodes": ' + b"[" * 200_000, gzip.compress(b"{}"), b"{"):
        for path, told in (("/api/v1/lookup/batch", "The body is no readable JSON"), ("/api/figures", "geen leesbare")):
            answer = client.post(path, content=content, headers=as_json)
            assert (answer.status_code, told in answer.json()["detail"]) == (400, True), (path, content[:20])
    assert client.get("/api/v1/nothing").json()["detail"] == "There is nothing at this address."
    assert client.post("/api/v1/lookup").json()["detail"] == "This method is not possible at this address."


def lock(**changed: Any) -> dict[str, Any]:
    return {"pc4": "1001", "team_id": "W1", "kind": "pin", "reason": "r"} | changed


def test_a_reason_of_blanks_is_none(client: TestClient, toy: Run) -> None:
    for path, order in (("submit", figures(toy, moves=[MOVE])), ("country", {"draft_id": 1})):
        answer = client.post(f"/api/{path}", json=order | {"reason": "  "})
        assert (answer.status_code, answer.json()["detail"]) == (422, "Niet goed ingevuld: reason.")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("{", 400),
        ("[1]", 422),
        ('{"run": "toy", "layer": "anders"}', 422),
        ('{"run": "toy", "region": 1e400}', 422),
        ('{"run": "toy", "region": 1000000000000000000000000000000}', 422),
        ('{"run": "to\\ud800y"}', 422),
        ('{"run": "geen"}', 404),
        (json.dumps({"run": "toy", "changes": {"moves": [MOVE | {"pc4": "1" * 100}]}}), 422),
        (json.dumps({"run": "toy", "changes": {"locks": [lock(reason="x" * 201)]}}), 422),
        ('{"run": "toy", "changes": {"teams": [{"team_id": "W1", "fte": NaN}]}}', 422),
        ('{"run": "toy", "changes": {"teams": [{"team_id": "W1", "fte": 1e30}]}}', 422),
        ('{"run": "toy", "changes": {"teams": [{"team_id": "W1", "fte": 1e-300}]}}', 422),
        (json.dumps({"run": "toy", "changes": {"locks": [lock(valid_until=4102444800)]}}), 422),
        (json.dumps({"run": "toy", "changes": {"moves": [MOVE] * 20_001}}), 422),
    ],
)
def test_a_request_without_bounds_is_one_sentence(client: TestClient, content: str, status: int) -> None:
    answer = client.post("/api/figures", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    told = answer.json()["detail"]
    assert isinstance(told, str)
    assert len(told) < 300
    assert "Traceback" not in told


def test_a_large_body_and_unreadable_addresses_stop_at_the_door(client: TestClient, toy: Run) -> None:
    large = json.dumps({"run": toy.run_id, "name": "x" * (MOST_BODY_BYTES + 1), "changes": EMPTY})
    assert client.post("/api/drafts", content=large).status_code == 413
    assert client.post("/api/drafts", content=iter([large.encode()])).status_code == 413
    assert client.get("/api/map?run=%00").status_code == 400
    assert client.get("/api/map?run=%ff").status_code == 400
    assert client.get("/api/nergens").json() == {"detail": "Dit adres bestaat niet."}
    assert client.delete("/api/drafts/99999999999999999999?revision=1").status_code == 422


def test_a_request_that_stays_half_open_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told so, and the connection is closed: what still comes is not read."""
    monkeypatch.setattr(guarding, "BODY_SECONDS", 0.05)
    told: list[Any] = []

    async def half() -> dict[str, Any]:
        if told == ["begun"]:
            await asyncio.sleep(60)
        told.append("begun")
        return {"type": "http.request", "body": b"{", "more_body": True}

    async def keep(message: Any) -> None:
        told.append(message)

    scope = {"type": "http", "method": "POST", "headers": [], "raw_path": b"/", "query_string": b""}
    asyncio.run(guarding.Door(None)(scope, half, keep))
    _, start, body = told
    assert (start["status"], dict(start["headers"])[b"connection"]) == (408, b"close")
    assert json.loads(body["body"])["detail"] == guarding.TOO_SLOW


def test_a_store_that_is_away_is_503_without_its_address(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise Passing("The store postgresql://caseload@db-intern:5432 cannot be opened")

    monkeypatch.setattr(desk_module.reads, "versions", away)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "db-intern" not in answer.text
    assert "caseload@" not in answer.text


def test_a_viewer_sees_the_edition_for_readers_and_tries_nothing(app: Any, toy: Run) -> None:
    client = TestClient(As(app, planner="kijker", may_plan=False), base_url="http://127.0.0.1")
    assert "Alleen voor Operations" not in client.get(f"/rapport?run={toy.run_id}").text
    counts = [c for layer in client.get(f"/api/map?run={toy.run_id}").json()["layers"] for c in layer["clients"]]
    assert all(count is None or (count >= 5 and count % 5 == 0) for count in counts)
    shown = client.post("/api/figures", json=figures(toy)).json()
    assert all(
        row["proposal"] == "–" for row in shown["strip"] if "Dossiers" in row["name"] or "Cliënten" in row["name"]
    )
    assert client.post("/api/figures", json=figures(toy, moves=[MOVE])).status_code == 403
    assert client.post("/api/changes", json=figures(toy, moves=[MOVE])).status_code == 403
    for path, body in (
        ("suggestions", figures(toy) | {"postcodes": ["1001"]}),
        ("recompute", figures(toy) | {"region": 1}),
        ("submit", figures(toy) | {"reason": "x"}),
        ("drafts", {"run": toy.run_id, "name": "x", "changes": EMPTY}),
        ("country", {"draft_id": 1, "reason": "x"}),
    ):
        assert client.post(f"/api/{path}", json=body).status_code == 403, path


def test_a_plan_for_known_dates_is_for_planners(app: Any, toy: Run) -> None:
    """Its counts of clients are exact. A run without one, and a name that leads elsewhere, have no plan."""
    run_files.CALENDAR_PAGE.write(run_folder(toy.var, "plan"), "<p>Vooruit: 3 cliënten</p>")
    planner = TestClient(As(app, planner="anna", may_plan=True), base_url="http://127.0.0.1")
    assert "Vooruit" in planner.get("/kalender?run=plan").text
    assert planner.get(f"/kalender?run={toy.run_id}").status_code == 404
    assert planner.get("/kalender?run=../../plan").status_code in (404, 422)
    viewer = TestClient(As(app, planner="kijker", may_plan=False), base_url="http://127.0.0.1")
    refused = viewer.get("/kalender?run=plan")
    assert (refused.status_code, "Vooruit" in refused.text) == (403, False)


def test_the_author_is_the_login_and_not_what_the_page_says(app: Any, toy: Run) -> None:
    client = TestClient(As(app, planner="anna", may_plan=True), base_url="http://127.0.0.1")
    changes = EMPTY | {"locks": [lock(made_by="iemand anders", made_on="2020-01-01")]}
    body = {"run": toy.run_id, "name": "van anna", "changes": changes}
    kept = client.post("/api/drafts", json=body, headers={"X-Planner": "bert"}).json()
    assert kept["saved_by"] == "anna"
    assert kept["content"]["locks"][0]["made_by"] == "anna"
    again = body | {"draft_id": kept["draft_id"], "revision": 1, "changes": kept["content"]}
    by_bert = TestClient(As(app, planner="bert", may_plan=True), base_url="http://127.0.0.1")
    assert by_bert.post("/api/drafts", json=again).json()["content"]["locks"][0]["made_by"] == "anna"


def test_the_draft_of_another_goes_only_when_that_is_meant(client: TestClient, toy: Run) -> None:
    kept = drafts.save(toy.store, toy.run_id, "van cees", EMPTY, "Cees", draft_id=None, revision=0)
    address = f"/api/drafts/{kept.draft_id}?revision={kept.revision}"
    refused = client.delete(address, headers={"X-Planner": "Dirk"})
    assert refused.status_code == 422
    assert "Cees" in refused.json()["detail"]
    assert client.delete(f"{address}&owner=Cees", headers={"X-Planner": "Dirk"}).status_code == 200
    assert client.delete(f"{address}&owner=Cees").status_code == 404


def test_nothing_is_begun_for_what_cannot_be(client: TestClient, toy: Run) -> None:
    before = sorted(run_folder(toy.var, "x").parent.iterdir())
    assert client.post("/api/country", json={"draft_id": 12345, "reason": "x"}).status_code == 404
    empty = client.post("/api/submit", json=figures(toy) | {"reason": "x"})
    assert empty.json()["detail"] == "Er zijn nog geen wijzigingen om in te dienen."
    yesterday = (today() - timedelta(days=2)).isoformat()
    late = client.post("/api/submit", json=figures(toy, moves=[MOVE]) | {"reason": "x", "valid_from": yesterday})
    assert "al voorbij" in late.json()["detail"]
    never = client.post("/api/submit", json=figures(toy, moves=[MOVE]) | {"reason": "x", "valid_from": "9999-12-31"})
    assert (never.status_code, never.json()["detail"]) == (422, "Niet goed ingevuld: valid_from.")
    assert sorted(run_folder(toy.var, "x").parent.iterdir()) == before


@pytest.mark.parametrize(
    ("locks", "words"),
    [
        ([lock(pc4="9999AA", kind="split", share=1)], "Postcode 9999 bestaat niet."),
        ([lock(valid_until="2020-01-01")], "al voorbij"),
        ([lock(kind="split", share=0.5), lock(kind="split", share=0.5)], "kies twee teams"),
        ([lock(pc4="3815", team_id="W1")], "Postcode 3815 bestaat niet."),
    ],
)
def test_a_lock_that_cannot_be_is_told_when_it_is_set(
    client: TestClient, toy: Run, locks: list[dict[str, Any]], words: str
) -> None:
    answer = client.post("/api/figures", json=figures(toy, locks=locks))
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert str(toy.var) not in answer.text


def test_the_figures_of_a_viewer_are_as_rounded_as_the_published_tables(
    app: Any, toy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exact hours of a team, of two divisions that differ by one postcode, tell how many clients that one has. Of
    a small team, as all are here, nothing is told."""
    viewer = TestClient(As(app, planner="kijker", may_plan=False), base_url="http://127.0.0.1")
    exact = TestClient(app, base_url="http://127.0.0.1").post("/api/figures", json=figures(toy)).json()["teams"]
    small = viewer.post("/api/figures", json=figures(toy)).json()
    assert {row[name] for row in small["teams"] for name in ("hours", "low", "waiting")} == {None}
    monkeypatch.setattr(for_readers, "LEAST_STEPS", 1)
    monkeypatch.setattr(for_readers, "MEANS_FROM", 5)
    seen = viewer.post("/api/figures", json=figures(toy)).json()
    load = toy.outcome("team_load").set_index("team_id")
    told = small_counts.balance_shown(load["target_hours"].to_numpy(), load["deviation"].to_numpy())
    balance = pd.DataFrame(dict(zip(("target", "deviation"), told, strict=True)), index=load.index)
    for row in seen["teams"]:
        published = load.loc[row["id"]]
        for name, column in (("hours", "hours_verzekeringsarts"), ("low", "hours_low")):
            shown = small_counts.of_shown_counts(
                np.array([published[column]]), np.array([published["clients_per_year"]])
            )
            assert row[name] == pytest.approx(shown[0]), (row["id"], name)
        assert {name: row[name] for name in balance} == pytest.approx(balance.loc[row["id"]].to_dict())
        assert row["waiting"] is None or row["waiting"] == round(row["waiting"], 1)
    assert [row["hours"] for row in seen["teams"]] != [row["hours"] for row in exact]
    side = {"run": toy.run_id}
    for draft_id in (1, 999):  # there or not: that is for planners to know
        asked = {"a": side, "b": side | {"draft_id": draft_id}}
        assert viewer.post("/api/compare", json=asked).status_code == 403
    for path, body in (("compare", {"a": side, "b": side}), ("questions", figures(toy)), ("charts", figures(toy))):
        told = viewer.post(f"/api/{path}", json=body).text
        figures_told = re.findall(r"[:,\[](-?\d+\.\d{4,})[,}\]]", told)
        assert figures_told == [], path


def test_every_answer_keeps_itself_to_who_asked(client: TestClient, toy: Run) -> None:
    """What a planner and a viewer see stands at one address; a report would else be kept by its date."""
    for path, host in (("/", "127.0.0.1"), (f"/rapport?run={toy.run_id}", "127.0.0.1"), ("/", "evil.example"),
                       ("/nergens", "127.0.0.1"), (f"/api/map?run={toy.run_id}", "127.0.0.1")):  # fmt: skip
        told = client.get(path, headers={"Host": host}).headers
        assert told["Cache-Control"] == "private, no-cache", path
        assert {"Cookie", "Authorization"} <= {part.strip() for part in told["Vary"].split(",")}, path
        assert (told["Referrer-Policy"], told["X-Content-Type-Options"]) == ("same-origin", "nosniff"), path
        assert "Content-Security-Policy" in told, path
    assert "base-uri 'none'" in client.get("/").headers["Content-Security-Policy"]


@pytest.mark.parametrize("kind", [Unusable, NoRight, Passing])
def test_a_store_that_refuses_does_not_tell_where_it_is(
    client: TestClient, toy: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: type[Exception]
) -> None:
    def refused(*_: Any) -> None:
        raise kind("The login has no right to do this in the store postgresql://caseload@db-intern:5432/c.")

    monkeypatch.setattr(desk_module.reads, "versions", refused)
    answer = client.get("/")
    assert answer.status_code in (500, 503)
    assert "database" in answer.json()["detail"]
    tasks._work(tmp_path / "task.json", refused, ())
    for told in (answer.text, (tmp_path / "task.json").read_text(encoding="utf-8")):
        assert "db-intern" not in told
        assert "caseload@" not in told


def test_other_ways_to_write_the_name_of_a_run_are_that_run(app: Any, toy: Run) -> None:
    """Else anybody who may look could have the server lay it open again and again, while others wait."""
    shutil.copytree(toy.folder, toy.folder.with_name("toy-b"))
    desk = app.state.desk
    opened = desk.opened("toy-b")
    assert all(desk.opened(name) is opened for name in ("toy:b", "toy b", "toy/b", "toy-b"))


def test_who_was_overtaken_by_another_version_reads_so_in_dutch() -> None:
    """The store says it in English, for commands; also after it came from another process."""
    refused = pickle.loads(
        pickle.dumps(TimelineChanged("Version 4 was published by anna after version 3 was proposed.", 4))
    )
    assert told_of(refused).startswith("Versie 4 is intussen in werking gezet")
    assert "published" not in told_of(refused)
    assert str(refused).startswith("Version 4 was published")
