"""History to the minute: what was in force at any moment, also a version that was replaced on its first day."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from allocation.publication import store, tables, versions

TYPES = {
    "version": sa.Integer,
    "valid_from": sa.Date,
    "in_force_from": tables.UtcTimestamp(),
    "in_force_until": tables.UtcTimestamp(),
    "replaced_at": tables.UtcTimestamp(),
    "team_id": sa.Text,
}


def read(store_url: str, query: str, **given: object) -> list[sa.Row[tuple[object, ...]]]:
    with store.reading(store_url) as connection:
        text = sa.text(query)
        return list(connection.execute(text.columns(**{k: v for k, v in TYPES.items() if k in query}), given))


HISTORY = "SELECT version, valid_from, in_force_from, in_force_until, replaced_at FROM version_history ORDER BY 3"


def test_the_morning_of_a_version_that_was_replaced_the_same_day_can_be_explained(
    store_url: str, files_dir: Path, propose: Callable[..., int]
) -> None:
    """1000 is A1's in version 1 and A2's in version 2, published later on the same day."""
    for moves, note in (({}, "ochtend"), ({"1000": "A2"}, "middag")):
        versions.publish(propose(moves=moves, note=note), store_url, files_dir)
    first, second = read(store_url, HISTORY)
    assert (first.version, second.version) == (1, 2)
    assert first.valid_from == second.valid_from == store.today()
    assert first.in_force_from < first.in_force_until == second.in_force_from
    assert first.replaced_at >= second.in_force_from
    assert (second.in_force_until, second.replaced_at) == (None, None)
    decided = (
        "SELECT version, team_id FROM bezwaar_routing WHERE pc4 = '1000' AND client_group = 'regulier' AND law = 'WIA' "
        "AND pw_client = false AND client_line = 'vangnet' AND in_force_from <= :moment "
        "AND (in_force_until IS NULL OR in_force_until > :moment)"
    )
    moments = (first.in_force_from, second.in_force_from)
    bind = [moment.replace(tzinfo=None) if store_url.startswith("sqlite") else moment for moment in moments]
    teams = [{row.team_id for row in read(store_url, decided, moment=moment)} for moment in bind]
    assert teams == [{"A1"}, {"A2"}]
    today = "SELECT DISTINCT version FROM bezwaar_routing WHERE replaced_at IS NULL"
    assert [row.version for row in read(store_url, today)] == [2]


def test_what_was_replaced_before_it_began_was_never_in_force(
    store_url: str, files_dir: Path, propose: Callable[..., int]
) -> None:
    versions.publish(propose(), store_url, files_dir)
    later = store.today() + timedelta(days=40)
    for moves, note in (({"1000": "A2"}, "plan"), ({"1001": "A1"}, "beter plan")):
        versions.publish(propose(moves=moves, note=note), store_url, files_dir, valid_from=later)
    assert [(row.version, row.valid_from) for row in read(store_url, HISTORY)] == [(1, store.today()), (3, later)]


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        (date(2027, 1, 1), datetime(2026, 12, 31, 23, tzinfo=UTC)),
        (date(2027, 3, 28), datetime(2027, 3, 27, 23, tzinfo=UTC)),  # the day on which summer time begins
        (date(2027, 3, 29), datetime(2027, 3, 28, 22, tzinfo=UTC)),
        (date(2027, 10, 31), datetime(2027, 10, 30, 22, tzinfo=UTC)),  # the day on which it ends
        (date(2027, 11, 1), datetime(2027, 10, 31, 23, tzinfo=UTC)),
    ],
)
def test_a_planned_version_begins_at_midnight_in_the_netherlands(
    store_url: str, files_dir: Path, propose: Callable[..., int], day: date, moment: datetime
) -> None:
    versions.publish(propose(), store_url, files_dir, valid_from=day)
    (row,) = read(store_url, HISTORY)
    assert row.in_force_from == moment


def test_putting_back_under_a_planned_version_warns_that_the_plan_is_stale(
    store_url: str, files_dir: Path, propose: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    later = store.today() + timedelta(days=30)
    versions.publish(propose(), store_url, files_dir)
    versions.publish(propose(moves={"1000": "A2"}, note="tweede"), store_url, files_dir)
    versions.publish(propose(moves={"1001": "A1"}, note="plan"), store_url, files_dir, valid_from=later)
    with caplog.at_level(logging.WARNING):
        versions.rollback(1, store_url, files_dir, reason="fout", by="anna")
    assert f"Version 3 stays planned for {later}, but its changes and transition were computed against" in caplog.text
