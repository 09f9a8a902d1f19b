"""The look-up over HTTP: its answers, its refusals, and what lets a consumer ask seldom and in bulk."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

import geodata
from allocation.contract.errors import Refused
from allocation.page import answering, lookup_api
from allocation.publication import lookup, store, versions
from tests.support.outcomes import Country, write_outcome

ASKED = {"postcode": "1006 AB", "law": "WIA", "line": "vangnet"}


def served(store_url: str) -> TestClient:
    app = FastAPI()
    app.state.store_url = store_url

    @app.exception_handler(Refused)
    def refused(_request: object, error: Refused) -> JSONResponse:
        return JSONResponse({"detail": str(error), "reason": getattr(error, "reason", None)}, status_code=422)

    lookup_api.add_lookup(app)
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1006 is pinned to A1 from today on; in 30 days it goes back to A2."""
    place = tmp_path_factory.mktemp("api")
    countries = [Country(columns=6, rows=2, moves={"1006": "A1"}, note="pand"), Country(columns=6, rows=2, note="weg")]
    for number, country in enumerate(countries):
        address = f"sqlite:///{place / 'caseload.sqlite'}"
        version = versions.propose(write_outcome(place / str(number), country), address, place / "files")
        day = store.today() + timedelta(days=30) if number else None
        versions.publish(version, address, place / "files", valid_from=day)
    return place


@pytest.fixture(scope="module")
def client(folder: Path) -> TestClient:
    return served(f"sqlite:///{folder / 'caseload.sqlite'}")


@pytest.mark.parametrize("path", ["lookup", "file"])
@pytest.mark.parametrize("asked_before", range(10))
def test_an_answer_at_midnight_is_of_one_day_and_kept_under_that_day(
    folder: Path, monkeypatch: pytest.MonkeyPatch, path: str, asked_before: int
) -> None:
    """Midnight falls after the clock was asked ``asked_before`` times; the next day 1006 goes to A2."""
    eve, number = store.today() + timedelta(days=29), 0

    def clock() -> date:
        nonlocal number
        number += 1
        return eve + timedelta(days=int(number > asked_before))

    at_midnight = served(f"sqlite:///{folder / 'caseload.sqlite'}")
    monkeypatch.setattr(store, "today", clock)
    at_once = at_midnight.get(f"/api/v1/{path}", params=ASKED).json()
    version_on = {str(eve): 1, str(eve + timedelta(days=1)): 2}
    assert at_once["answers"][0]["version"] == version_on[at_once["on"]]
    number = asked_before  # midnight has passed
    afterwards = at_midnight.get(f"/api/v1/{path}", params=ASKED).json()
    assert [afterwards["on"], afterwards["answers"][0]["version"]] == [str(eve + timedelta(days=1)), 2]


def test_the_answer_and_what_it_will_be(client: TestClient) -> None:
    told = client.get("/api/v1/lookup", params=ASKED).json()
    assert [(a["team_id"], a["rule"], a["reason"], a["pw_client"]) for a in told["answers"]] == [
        ("A1", "pin", "pand", False)
    ]
    (later,) = told["later"]
    assert later["valid_from"] == str(store.today() + timedelta(days=30))
    assert [a["team_id"] for a in later["answers"]] == ["A2"]


def test_an_answer_that_was_not_changed_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/api/v1/lookup", params=ASKED)
    assert "max-age" in first.headers["cache-control"]
    again = client.get("/api/v1/lookup", params=ASKED, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get("/api/v1/lookup", params=ASKED | {"line": "werkgever"})
    assert other.headers["etag"] != first.headers["etag"]


def test_head_is_the_answer_without_its_body(client: TestClient) -> None:
    head = client.head("/api/v1/lookup", params=ASKED)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == client.get("/api/v1/lookup", params=ASKED).headers["etag"]


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ({"postcode": "0000"}, 422, "not_a_postcode"),
        ({"postcode": "\ud800"}, 422, None),
        ({"postcode": "1006", "group": "marine"}, 422, "unknown_group"),
        ({"postcode": "1006", "on": "gisteren"}, 422, None),
        ({"postcode": "x" * 10_000}, 422, None),
        ({"postcode": "1006\x00"}, 422, "not_a_postcode"),
        ({"postcode": "1006", "law": "WW"}, 422, "unknown_law"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    client: TestClient, asked: dict[str, str], status: int, told: str | None
) -> None:
    response = client.get(f"/api/v1/lookup?{urlencode(asked, errors='surrogatepass')}")
    assert response.status_code == status
    if told:
        assert response.json()["reason"] == told


def test_a_day_is_written_as_one(client: TestClient) -> None:
    """A count of seconds since 1970 was read as a day."""
    for on in ("1764201600", "20261127", "2026-11-27T00:00", "-1", "inf"):
        for path in ("lookup?postcode=1001", "file?postcode=1001&law=WIA&line=vangnet"):
            assert client.get(f"/api/v1/{path}&on={on}").status_code == 422, on
    batch = client.post("/api/v1/lookup/batch", json={"postcodes": ["1001"], "on": 1764201600})
    assert batch.status_code == 422


def test_a_thousand_postcodes_at_once(client: TestClient) -> None:
    postcodes = ["1006 AB", "niets", "9999"] + ["1000"] * 997
    told = client.post("/api/v1/lookup/batch", json={"postcodes": postcodes, "law": "WIA", "line": "vangnet"}).json()
    assert len(told["answers"]) == 998
    assert told["answers"][0]["team_id"] == "A1"
    assert [(n["postcode"], n["reason"]) for n in told["not_found"]] == [
        ("niets", "not_a_postcode"),
        ("9999", "unknown_postcode"),
    ]
    assert client.post("/api/v1/lookup/batch", json={"postcodes": ["1000"] * 1001}).status_code == 422
    assert client.post("/api/v1/lookup/batch", json={"postcodes": [], "x": 1}).status_code == 422


def test_a_batch_is_of_one_version_when_another_comes_into_force_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second version is published between the first answer and the second."""
    address = f"sqlite:///{tmp_path / 'caseload.sqlite'}"
    first, second = Country(rows=1), Country(rows=1, moves={"1001": "A2"}, note="anders")
    files = tmp_path / "files"
    versions.publish(versions.propose(write_outcome(tmp_path / "first", first), address, files), address, files)
    newer = versions.propose(write_outcome(tmp_path / "second", second), address, files)
    find, asked = lookup.LookupTable.find, []

    def find_and_publish(table: lookup.LookupTable, postcode: str, **how: Any) -> list[lookup.Answer]:
        asked.append(postcode)
        if len(asked) == 2:
            versions.publish(newer, address, files)
        return find(table, postcode, **how)

    monkeypatch.setattr(lookup, "_FRESH_S", -1.0)
    monkeypatch.setattr(lookup.LookupTable, "find", find_and_publish)
    told = served(address).post("/api/v1/lookup/batch", json={"postcodes": ["1000", "1001", "1002"], "law": "WIA"})
    assert {answer["version"] for answer in told.json()["answers"]} == {newer}
    assert asked == ["1000", "1001", "1002"] * 2


def test_answers_that_are_kept_have_a_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can ask for many days: each is another answer. The oldest make room, and are computed anew."""
    monkeypatch.setattr(answering, "MOST_BYTES", 10_000)
    app = FastAPI()
    app.state.store_url = f"sqlite:///{folder / 'caseload.sqlite'}"
    kept = lookup_api.add_lookup(app)
    client = TestClient(app)
    days = [store.today() + timedelta(days=100 + day) for day in range(40)]
    told = [client.get("/api/v1/lookup", params={"postcode": "1006", "on": str(day)}) for day in days]
    assert sum(len(one.content) for one in told) > 50_000
    assert 5_000 < kept.bytes_kept <= 10_000
    again = client.get("/api/v1/lookup", params={"postcode": "1006", "on": str(days[0])})
    assert again.content == told[0].content
    assert kept.bytes_kept <= 10_000


def test_many_postcodes_that_are_none_are_looked_for_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    stand_ins = geodata.stand_ins

    def counted(near: list[str], codes: list[str]) -> pd.DataFrame:
        looked.append(codes)
        return stand_ins(near, codes)

    monkeypatch.setattr(geodata, "stand_ins", counted)
    for day in range(3):
        asked = {"postcodes": ["1998"] * 50 + ["1997"] * 50, "on": str(store.today() + timedelta(days=day))}
        told = client.post("/api/v1/lookup/batch", json=asked).json()
        assert len(told["not_found"]) == 100
    assert looked == [["1998"], ["1997"]]


def test_health(client: TestClient, tmp_path: Path) -> None:
    assert client.get("/health").json() == {"status": "ok", "version": 1}
    assert client.head("/health").status_code == 200
    assert served(f"sqlite:///{tmp_path / 'nothing' / 'here.sqlite'}").get("/health").status_code == 503


def test_the_description_names_every_endpoint(client: TestClient) -> None:
    described = client.get("/openapi.json").json()["paths"]
    assert {path: sorted(acts) for path, acts in described.items()} == {
        "/health": ["get"],
        "/api/v1/lookup": ["get"],
        "/api/v1/file": ["get"],
        "/api/v1/lookup/batch": ["post"],
        "/api/v1/network/team": ["get"],
        "/api/v1/network/provider": ["get"],
        "/api/v1/network/providers": ["get"],
    }


def test_a_new_version_is_seen_within_a_second(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"sqlite:///{tmp_path / 'caseload.sqlite'}"
    for number, note in enumerate(("een", "twee")):
        moves = {"1000": "A2"} if number else {}
        outcome = write_outcome(tmp_path / note, Country(columns=6, rows=2, moves=moves, note=note))
        versions.publish(versions.propose(outcome, address, tmp_path / "files"), address, tmp_path / "files")
        if not number:
            asked = served(address)
            before = asked.get("/api/v1/lookup", params=ASKED | {"postcode": "1000"}).json()
    monkeypatch.setattr(lookup, "_FRESH_S", 0.0)
    after = asked.get("/api/v1/lookup", params=ASKED | {"postcode": "1000"}).json()
    assert [told["answers"][0]["team_id"] for told in (before, after)] == ["A1", "A2"]
