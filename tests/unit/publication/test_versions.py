"""The timeline: whatever is published and put back, every day has exactly one version; against a day-by-day model."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from allocation.contract.errors import Refused
from allocation.publication import record, store, tables, timeline, versions
from tests.support.outcomes import Country, write_outcome

DAY_0 = date(2027, 1, 1)
HORIZON = 40


@pytest.fixture(scope="module")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    address = f"sqlite:///{tmp_path_factory.mktemp('timeline') / 'caseload.sqlite'}"
    store.migrate(address)
    return address


def put_all_in_force(connection: sa.Connection, acts: list[tuple[int, int]]) -> list[timeline.Period]:
    for version in (1, 2, 3):
        values = {"version": version, "status": "published", "fingerprint": str(version), "boundary_set": "x"}
        connection.execute(tables.VERSIONS.insert().values(**values, created_at=datetime.now(UTC), based_on_act=0))
    for version, day in acts:
        first = DAY_0 + timedelta(days=day)
        act_id = record.record_act(connection, "publish", version, first, by="test")
        timeline.put_in_force(connection, timeline.read_periods(connection), version, first, act_id)
    return timeline.read_periods(connection)


def model(acts: list[tuple[int, int]]) -> dict[int, int]:
    """Day -> version, told day by day: from its day on a version holds, until the next day on which one starts."""
    starts: dict[int, int] = {}
    for version, day in acts:
        starts[day] = version
    return {day: starts[max(s for s in starts if s <= day)] for day in range(HORIZON) if any(s <= day for s in starts)}


@given(st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.integers(0, HORIZON - 1)), min_size=1, max_size=8))
@example([(1, 0), (2, 20), (3, 10)])  # one in between leaves the planned one
@example([(1, 10), (2, 5)])  # before the first
@example([(1, 0), (2, 0), (1, 0)])  # replaced, and put back on the same day
@settings(max_examples=60, deadline=None)
def test_every_day_has_the_version_of_the_last_act_for_it(store_url: str, acts: list[tuple[int, int]]) -> None:
    with store.connected(store_url) as connection:
        periods = put_all_in_force(connection, acts)
        connection.rollback()
    told = {
        day: timeline.version_on(periods, DAY_0 + timedelta(days=day))
        for day in range(HORIZON)
        if timeline.version_on(periods, DAY_0 + timedelta(days=day)) is not None
    }
    assert told == model(acts)
    assert periods[-1].valid_to is None


def test_a_gap_is_an_error_of_the_program(store_url: str) -> None:
    gap = [
        timeline.Period(1, 1, DAY_0, DAY_0 + timedelta(days=3)),
        timeline.Period(2, 2, DAY_0 + timedelta(days=5), None),
    ]
    with pytest.raises(AssertionError, match="validity breaks"):
        timeline.check_gapless(gap)
    with pytest.raises(AssertionError, match="validity ends"):
        timeline.check_gapless(gap[:1])


def test_periods_of_a_team_that_follow_each_other_are_one() -> None:
    first = date(2027, 1, 1)
    two = [("A", date(2026, 1, 1), date(2027, 1, 31)), ("A", date(2027, 2, 1), None)]
    assert timeline.team_ends(two, 1, first) == {}
    gap = [("A", date(2026, 1, 1), date(2027, 1, 31)), ("A", date(2027, 3, 1), None)]
    assert timeline.team_ends(gap, 1, first) == {"A": date(2027, 1, 31)}
    with pytest.raises(Refused, match="on 2027-02-15: team A ended on 2027-01-31; make a new proposal"):
        timeline.team_ends(gap, 1, date(2027, 2, 15))
    with pytest.raises(Refused, match="team A starts on 2026-01-01"):
        timeline.team_ends(two, 1, date(2025, 12, 31))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 is in force today, version 2 from ten days from now, version 3 from twenty."""
    made = tmp_path_factory.mktemp("planned")
    url, folder = f"sqlite:///{made / 'planned.sqlite'}", made / "published"
    for number, (note, days) in enumerate((("een", 0), ("twee", 10), ("drie", 20)), 1):
        outcome = write_outcome(made / note, Country(columns=4, rows=2, note=note))
        assert versions.propose(outcome, url, folder) == number
        versions.publish(number, url, folder, valid_from=store.today() + timedelta(days=days))
    return made


@pytest.fixture
def planned(three: Path, tmp_path: Path) -> tuple[str, Path]:
    """A copy of these three versions."""
    copy = shutil.copytree(three, tmp_path / "planned")
    return f"sqlite:///{copy / 'planned.sqlite'}", copy / "published"


@pytest.mark.parametrize(
    ("compared_with", "days", "is_right"),
    [
        (1, 0, True),  # in force today
        (1, 9, True),  # and on the eve of that day
        (1, 15, False),  # version 2 comes in between
        (2, 15, True),  # in force on that day, until it is replaced
        (2, 20, True),  # in force on the eve of that day, on which version 3 begins
        (3, 20, True),  # in force on that day itself
        (2, 21, False),  # on the eve version 3 is
        (3, 10, False),  # not yet
        (1, 10, True),  # in force on the eve of the day on which version 2 begins
        (1, 11, False),
    ],
)
def test_a_division_is_compared_with_what_it_takes_over_from(
    planned: tuple[str, Path], tmp_path: Path, compared_with: int, days: int, is_right: bool
) -> None:
    url, folder = planned
    country = Country(columns=4, rows=2, note="vier", moves={"1000": "A2"}, from_version=compared_with)
    outcome, first = write_outcome(tmp_path / "vier", country), store.today() + timedelta(days=days)
    if is_right:
        assert versions.propose(outcome, url, folder, valid_from=first) == 4
    else:
        with pytest.raises(Refused, match=f"with version {compared_with}, and on {first} it would"):
            versions.propose(outcome, url, folder, valid_from=first)
