"""The cards over HTTP: with whom a team works, and which teams a partner has."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from allocation.contract.errors import Refused
from allocation.page import lookup_api
from allocation.publication import versions
from tests.support.outcomes import Country, write_outcome


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    place = tmp_path_factory.mktemp("network")
    address = f"sqlite:///{place / 'caseload.sqlite'}"
    version = versions.propose(write_outcome(place / "outcome", Country(rows=2)), address, place / "files")
    versions.publish(version, address, place / "files")
    app = FastAPI()
    app.state.store_url = address

    @app.exception_handler(Refused)
    def refused(_request: object, error: Refused) -> JSONResponse:
        return JSONResponse({"detail": str(error), "reason": getattr(error, "reason", None)}, status_code=422)

    lookup_api.add_lookup(app)
    return TestClient(app, raise_server_exceptions=False)


def test_a_team_has_its_partners_with_readers_counts(client: TestClient) -> None:
    """A1 has 2.25 areas: 46.1 clients with GGZ West, shown as 45. With the hospital 2.05: under 5, so nothing of it."""
    ggz, hospital = client.get("/api/v1/network/team", params={"team": "A1"}).json()["answers"]
    assert (ggz["kind"], ggz["provider"], ggz["team_name"], ggz["office"]) == ("ggz", "GGZ West", "SMC A1", "Almere")
    assert ggz["clients_per_year"] == 45
    assert ggz["form"] == "multidisciplinair team"
    assert ggz["contact"] == "verwijzers@ggz.example"
    assert (hospital["provider"], hospital["teams_at_provider"]) == ("Ziekenhuis Oost", 1)
    assert [hospital[name] for name in ("clients_per_year", "team_share", "provider_share")] == [None, None, None]


def test_a_partner_has_its_teams_the_largest_share_first(client: TestClient) -> None:
    found = client.get("/api/v1/network/provider", params={"kind": "ggz", "provider": "GGZ West"}).json()["answers"]
    assert found[0]["team_id"] == "P"
    assert {tie["teams_at_provider"] for tie in found} == {len(found)}
    shares = [tie["provider_share"] for tie in found]
    assert shares == sorted(shares, reverse=True)


def test_every_partner_is_listed(client: TestClient) -> None:
    found = client.get("/api/v1/network/providers").json()["answers"]
    assert [(one["kind"], one["provider"]) for one in found] == [("ggz", "GGZ West"), ("ziekenhuis", "Ziekenhuis Oost")]


@pytest.mark.parametrize(
    ("path", "asked", "reason"),
    [
        ("team", {"team": "Z9"}, "unknown_team"),
        ("provider", {"kind": "ggz", "provider": "GGZ Oost"}, "unknown_provider"),
        ("team", {"team": "A1", "on": "2020-01-01"}, "nothing_in_force"),
    ],
)
def test_a_question_without_an_answer_says_why(
    client: TestClient, path: str, asked: dict[str, str], reason: str
) -> None:
    refused = client.get(f"/api/v1/network/{path}", params=asked)
    assert (refused.status_code, refused.json()["reason"]) == (422, reason)


def test_an_answer_that_was_not_changed_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/api/v1/network/team", params={"team": "A1"})
    again = client.get("/api/v1/network/team", params={"team": "A1"}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
