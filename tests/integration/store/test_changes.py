"""What changed between any two versions, complete: the changes turn one version into the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocation.publication import reads, store, tables, versions
from tests.support.outcomes import Country

LINES = {"alle": ("vangnet", "werkgever"), "vangnet": ("vangnet",), "werkgever": ("werkgever",)}
Shares = dict[tuple[str, str, str, str], float]


def by_line(allocation: pd.DataFrame) -> Shares:
    """(pc4, line, domain, team) -> share, with `alle` standing for both lines."""
    shares: Shares = {}
    for row in allocation.itertuples():
        for line in LINES[str(row.client_line)]:
            shares[str(row.pc4), line, str(row.law_domain), str(row.team_id)] = float(row.share)
    return shares


def applied(shares: Shares, changes: pd.DataFrame) -> Shares:
    """``shares`` after ``changes``: what a consumer does with an increment."""
    result = dict(shares)
    for row in changes.itertuples():
        for line in LINES[str(row.client_line)]:
            for team, sign in ((row.team_from, -1), (row.team_to, 1)):
                if not pd.isna(team):
                    key = (str(row.pc4), line, str(row.law_domain), str(team))
                    result[key] = result.get(key, 0.0) + sign * float(row.share)
    return {key: share for key, share in result.items() if abs(share) > 1e-7}


def test_each_kind_of_change(store_url: str, files_dir: Path, propose: Callable[..., int]) -> None:
    """1000 moves; 1001 (half A1, half A2) goes to A1; region 2 gives up its lines; 1011 vanishes.

    In region 2 V1 (north) and V2 serve vangnet and W1 serves werkgever; afterwards V1 and V2 serve both lines.
    """
    first = Country(columns=6, rows=2)
    second = Country(
        columns=6, rows=2, moves={"1000": "A2", "1001": "A1"}, region_2_line="alle", without=("1011",), note="tweede"
    )
    versions.publish(propose(first), store_url, files_dir)
    versions.publish(propose(second), store_url, files_dir)

    changes = reads.compare(1, 2, store_url)
    columns = ["pc4", "client_line", "law_domain", "team_from", "team_to", "share"]
    rows = changes[columns].astype(object).where(changes[columns].notna(), None).to_numpy().tolist()
    assert rows == [
        ["1000", "alle", "zw_wia", "A1", "A2", 1.0],
        ["1001", "alle", "zw_wia", "A2", "A1", 0.5],
        *[[pc4, "werkgever", "zw_wia", "W1", "V1", 1.0] for pc4 in ("1003", "1004", "1005")],
        *[[pc4, "werkgever", "zw_wia", "W1", "V2", 1.0] for pc4 in ("1009", "1010")],
        ["1011", "alle", "pw", "P", None, 1.0],
        ["1011", "vangnet", "zw_wia", "V2", None, 1.0],
        ["1011", "werkgever", "zw_wia", "W1", None, 1.0],
    ]
    moved = changes.set_index("pc4").loc["1001"]
    assert (moved["clients"], moved["hours"]) == (10.25, 40.0)  # half of what is expected of the postcode


def test_a_consumer_can_load_increments(store_url: str, files_dir: Path, propose: Callable[..., int]) -> None:
    """Whatever version it loaded last, the view gives what leads to the one in force, forward and back."""
    countries = [
        Country(columns=6, rows=2),
        Country(columns=6, rows=2, moves={"1000": "A2"}, note="b"),
        Country(columns=6, rows=2, moves={"1001": "A2", "1007": "A1"}, without=("1004",), note="c"),
    ]
    for country in countries:
        versions.publish(propose(country), store_url, files_dir)
    loaded = {v: by_line(reads.read_table("allocation", store_url, version=v)) for v in (1, 2, 3)}
    with store.reading(store_url) as connection:
        for a in loaded:
            for b in set(loaded) - {a}:
                query = sa.text("SELECT * FROM allocation_changes WHERE from_version = :a AND version = :b")
                changes = pd.read_sql(query, connection, params={"a": a, "b": b})
                assert applied(loaded[a], changes) == pytest.approx(loaded[b])


def test_a_proposal_is_not_in_the_published_changes(
    store_url: str, files_dir: Path, propose: Callable[..., int]
) -> None:
    versions.publish(propose(), store_url, files_dir)
    propose(moves={"1000": "A2"}, note="voorstel")
    assert len(reads.compare(1, 2, store_url)) == 1
    with store.reading(store_url) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM allocation_changes")) == 0


# --- any two divisions ---------------------------------------------------------------------------------------------

TEAMS = ("A", "B", "C")


@st.composite
def divisions(draw: st.DrawFn) -> pd.DataFrame:
    """Up to three postcodes, each absent, on one line or on two, each line in quarters over up to three teams."""
    rows = []
    for pc4 in ("1000", "1001", "1002"):
        for line in draw(st.sampled_from([(), ("alle",), ("vangnet", "werkgever")])):
            quarters = draw(st.lists(st.sampled_from(TEAMS), min_size=4, max_size=4))
            rows += [(pc4, line, "zw_wia", team, quarters.count(team) / 4) for team in sorted(set(quarters))]
    return pd.DataFrame(rows, columns=["pc4", "client_line", "law_domain", "team_id", "share"])


@pytest.fixture(scope="module")
def scratch_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    address = f"sqlite:///{tmp_path_factory.mktemp('changes') / 'scratch.sqlite'}"
    store.migrate(address)
    return address


def check_complete(url: str, before: pd.DataFrame, after: pd.DataFrame) -> None:
    with store.connected(url) as connection:
        changes = changes_between(connection, {1: before, 2: after})
        connection.rollback()
    assert applied(by_line(before), changes) == pytest.approx(by_line(after))
    assert (changes["share"] > 0).all()
    assert (changes["team_from"].fillna("") != changes["team_to"].fillna("")).all()
    for line in (
        "vangnet",
        "werkgever",
    ):  # nobody comes from nowhere but in a new postcode, nor goes but from a lost one
        there = [{k[0] for k in by_line(division) if k[1] == line} for division in (before, after)]
        of_line = changes[changes["client_line"].isin([line, "alle"])]
        assert set(of_line.loc[of_line["team_to"].isna(), "pc4"]) == there[0] - there[1]
        assert set(of_line.loc[of_line["team_from"].isna(), "pc4"]) == there[1] - there[0]


def changes_between(connection: sa.Connection, divided: dict[int, pd.DataFrame]) -> pd.DataFrame:
    for version, allocation in divided.items():
        connection.execute(
            tables.VERSIONS.insert().values(
                version=version, status="published", fingerprint=str(version), boundary_set="x",
                created_at=datetime.now(UTC), based_on_act=0,
            )
        )  # fmt: skip
        rows = pa.Table.from_pandas(allocation.assign(version=version), preserve_index=False)
        store.load(connection, tables.ROWS["allocation"], rows)
    return pd.read_sql(sa.text("SELECT * FROM version_changes WHERE from_version = 1 AND version = 2"), connection)


@given(before=divisions(), after=divisions())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changes_turn_any_division_into_any_other(scratch_url: str, before: pd.DataFrame, after: pd.DataFrame) -> None:
    check_complete(scratch_url, before, after)


@given(before=divisions(), after=divisions())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changes_turn_any_division_into_any_other_on_postgresql(
    migrated_template: str, before: pd.DataFrame, after: pd.DataFrame
) -> None:
    check_complete(migrated_template, before, after)
