"""Since when a team has a postcode: back through the published versions as long as the team is the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from allocation.contract.errors import Refused
from allocation.page.app import create_app
from allocation.publication import lookup, store, versions
from tests.support.outcomes import Country

TODAY = store.today()
FIRST = TODAY - timedelta(days=100)


def later(days: int) -> date:
    return TODAY + timedelta(days=days)


@pytest.fixture
def published(store_url: str, files_dir: Path, propose: Callable[..., int]) -> str:
    """Five periods, from FIRST, today, and 10, 20 and 30 days later; the last puts the second version back.

    1000: A1, A2, A2, A1, A2. 1001: half A1 and half A2, then all A1, then half and half again. 1002: AA-AE with A2 and
    the rest with A1, from day 10 all A1. 1011 (V2) is away from day 10 to 20.
    """
    timeline = [
        (FIRST, Country(columns=6, rows=2)),
        (TODAY, Country(columns=6, rows=2, moves={"1000": "A2", "1001": "A1"}, note="tweede")),
        (later(10), Country(columns=6, rows=2, moves={"1000": "A2", "1002": "A1"}, without=("1011",), note="derde")),
        (later(20), Country(columns=6, rows=2, moves={"1002": "A1"}, note="vierde")),
    ]
    for first, country in timeline:
        versions.publish(propose(country), store_url, files_dir, valid_from=first)
    versions.rollback(2, store_url, files_dir, reason="toch niet", by="anna", valid_from=later(30))
    return store_url


def since(store_url: str, postcode: str, on: date) -> dict[str, date]:
    """Team -> first day, for a WIA client of the vangnetlijn."""
    return {a.team_id: a.since for a in lookup.lookup(postcode, store_url, law="WIA", line="vangnet", on=on)}


def test_a_new_version_with_the_same_team_starts_nothing(published: str) -> None:
    assert since(published, "1003", later(15)) == {"V1": FIRST}
    assert since(published, "1000", later(10)) == {"A2": TODAY}


def test_a_team_that_comes_back_starts_anew(published: str) -> None:
    assert since(published, "1000", later(-1)) == {"A1": FIRST}
    assert since(published, "1000", TODAY) == {"A2": TODAY}
    assert since(published, "1000", later(20)) == {"A1": later(20)}
    assert since(published, "1000", later(30)) == {"A2": later(30)}


def test_a_share_counts_as_having_the_postcode(published: str) -> None:
    assert since(published, "1001", TODAY) == {"A1": FIRST}
    assert since(published, "1001", later(10)) == {"A1": FIRST, "A2": later(10)}


def test_a_full_postcode_has_its_own_history(published: str) -> None:
    assert since(published, "1002AC", TODAY) == {"A2": FIRST}
    assert since(published, "1002AC", later(10)) == {"A1": later(10)}
    assert since(published, "1002XX", later(10)) == {"A1": FIRST}
    assert since(published, "1002", later(10)) == {"A1": FIRST}


def test_a_postcode_that_was_away_starts_anew(published: str) -> None:
    assert since(published, "1011", TODAY) == {"V2": FIRST}
    with pytest.raises(Refused, match="Postcode 1011 does not exist"):
        since(published, "1011", later(10))
    assert since(published, "1011", later(20)) == {"V2": later(20)}


def test_a_planned_version_without_the_postcode_leaves_the_answer_of_today(published: str, tmp_path: Path) -> None:
    asked = {"postcode": "1011", "law": "WIA", "line": "vangnet"}
    found = TestClient(create_app(published, tmp_path)).get("/api/v1/lookup", params=asked)
    assert found.status_code == 200, found.text
    assert [one["team_id"] for one in found.json()["answers"]] == ["V2"]
    later_on = [(one["valid_from"], [a["team_id"] for a in one["answers"]]) for one in found.json()["later"]]
    assert later_on == [(later(10).isoformat(), []), (later(20).isoformat(), ["V2"])]


def test_law_line_and_group_have_each_their_history(published: str) -> None:
    found = {(a.law, a.client_line): (a.team_id, a.since) for a in lookup.lookup("1000", published)}
    assert found["ZW", "werkgever"] == ("A2", TODAY)
    assert found["PW", "vangnet"] == ("P", FIRST)
    special = lookup.lookup("1000", published, group="politie", on=later(15))
    assert {(a.team_id, a.since) for a in special} == {("Q", FIRST)}


def test_a_postcode_is_read_once(published: str) -> None:
    """One query for the periods and one for the postcode, whatever is asked about it; a second later the first anew."""
    asked = []
    engine = store.engine(published, is_pooled=True)
    count = lambda *told: asked.append(told[2])  # noqa: E731
    sa.event.listen(engine, "before_cursor_execute", count)
    try:
        table = lookup.LookupTable(published, is_pooled=True)
        answers = table.find("1003", on=later(30))
        again = table.find("1003", on=later(30), law="WIA")
    finally:
        sa.event.remove(engine, "before_cursor_execute", count)
    assert answers
    assert again == [answer for answer in answers if answer.law == "WIA"]
    assert len([text for text in asked if "bezwaar_routing" in text]) == 1
    assert len([text for text in asked if "version_history" in text]) == 1
