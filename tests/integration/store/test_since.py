"""Since when a team has a postcode: back through the published versions as long as the team is the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from allocation.contract.errors import Refused
from allocation.page.app import create_app
from allocation.publication import lookup, store, versions
from allocation.publication.postcodes import Unanswered
from tests.integration.store.conftest import BOTH, empty_store, proposing
from tests.support.outcomes import Country

TODAY = store.today()
FIRST = TODAY - timedelta(days=100)
ABOUT_THE_STORE = ("version_history", "sqlite_master", "alembic_version", "store_identity")
"""What is read of the store itself: which versions it has, and whether this program knows it."""


def later(days: int) -> date:
    return TODAY + timedelta(days=days)


@pytest.fixture(scope="module", params=BOTH)
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
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
    folder = tmp_path_factory.mktemp("published")
    with empty_store(request.param, request, folder) as store_url:
        propose, files_dir = proposing(store_url, folder), folder / "published"
        for first, country in timeline:
            versions.publish(propose(country), store_url, files_dir, valid_from=first)
        versions.rollback(2, store_url, files_dir, reason="toch niet", by="anna", valid_from=later(30))
        yield store_url


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


@contextmanager
def statements(published: str) -> Iterator[list[str]]:
    """What the server's connections ask the store meanwhile."""
    asked: list[str] = []
    engine = store.engine(published, is_pooled=True)

    def note(*told: Any) -> None:
        asked.append(told[2])

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def test_a_postcode_is_read_once_and_its_neighbours_with_it(published: str) -> None:
    """One query for the periods and one for ten postcodes, whatever is asked about them; a second later the first
    anew."""
    with statements(published) as asked:
        table = lookup.LookupTable(published, is_pooled=True)
        answers = table.find("1003", on=later(30))
        again = table.find("1003", on=later(30), law="WIA")
        table.find("1005", on=later(30))
    assert answers
    assert again == [answer for answer in answers if answer.law == "WIA"]
    assert len([text for text in asked if "bezwaar_routing" in text]) == 1
    assert len([text for text in asked if "version_history" in text]) == 1


def test_a_postcode_that_does_not_exist_is_read_once(published: str) -> None:
    table = lookup.LookupTable(published, is_pooled=True)
    told = []
    for _ in range(2):
        with statements(published) as asked:
            for number in range(9000, 9010):
                with pytest.raises(Unanswered, match=f"Postcode {number} does not exist"):
                    table.find(str(number), on=later(30))
        told.append(
            [text for text in asked if text.startswith("SELECT") and not any(name in text for name in ABOUT_THE_STORE)]
        )
    assert len(told[0]) == 5  # the ten, their groups at Uitkeren, and of the division its run, areas and client groups
    assert told[1] == []


def test_what_is_read_ahead_is_not_read_again(published: str) -> None:
    table = lookup.LookupTable(published, is_pooled=True)
    table.warm_up()
    with statements(published) as asked:
        assert table.find("1000")
    assert [text for text in asked if "bezwaar_routing" in text] == []


def test_many_at_once_get_what_one_gets(published: str) -> None:
    codes = [str(number) for number in range(1000, 1012)]
    days = [TODAY, later(12), later(30)]
    alone = lookup.LookupTable(published)

    def found(table: lookup.LookupTable, asked: tuple[str, date]) -> list[lookup.Answer] | str:
        try:
            return table.find(asked[0], on=asked[1])
        except Unanswered as unanswered:
            return unanswered.reason

    questions = [(code, day) for day in days for code in codes] * 5
    random.Random(3).shuffle(questions)
    server = lookup.LookupTable(published, is_pooled=True)
    with ThreadPoolExecutor(16) as threads:
        told = list(threads.map(partial(found, server), questions))
    assert told == [found(alone, asked) for asked in questions]
