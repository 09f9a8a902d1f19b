"""Proposals that wait: a newer one takes the place of an older, and what changes nothing needs no decision."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from allocation.contract.errors import Refused
from allocation.publication import proposals, reads, store, versions
from tests.support.outcomes import Country, write_outcome

TODAY = store.today()
SMALL: dict[str, Any] = {"columns": 4, "rows": 2}
Make = Callable[..., int]


@pytest.fixture
def make(store_url: str, files_dir: Path, tmp_path: Path) -> Make:
    """Propose a small country under a scope: ``make("north", note="x")`` returns the version."""
    made: list[int] = []

    def propose(scope: str | None, valid_from: date | None = None, **wanted: Any) -> int:
        made.append(len(made))
        folder = write_outcome(tmp_path / f"o{len(made)}", Country(**(SMALL | wanted)))
        return versions.propose(folder, store_url, files_dir, scope=scope, valid_from=valid_from)

    return propose


def statuses(store_url: str) -> dict[int, str]:
    known = reads.versions(store_url).drop_duplicates("version")
    return dict(sorted(zip(known["version"], known["status"], strict=True)))


def test_a_newer_proposal_withdraws_the_older_ones_of_its_scope(store_url: str, make: Make) -> None:
    make("all", note="1")
    make("north", note="2")
    make(None, note="3")
    make("all", note="4")
    assert statuses(store_url) == {1: "withdrawn", 2: "proposed", 3: "proposed", 4: "proposed"}
    assert proposals.withdrawn_for(4, store_url) == [1]
    assert proposals.withdrawn_for(2, store_url) == []
    last = reads.history(store_url).iloc[-1]
    assert (last["act"], last["version"], last["reason"]) == ("withdraw", 1, "version 4 takes its place")
    assert last["acted_by"]


def test_four_nights_leave_one_that_waits(store_url: str, make: Make) -> None:
    for night in range(4):
        make("all", note=str(night))
    assert list(statuses(store_url).values()) == ["withdrawn", "withdrawn", "withdrawn", "proposed"]


def test_a_withdrawn_proposal_is_not_published_and_its_successor_is(
    store_url: str, files_dir: Path, make: Make
) -> None:
    make("all", note="1")
    make("all", note="2")
    with pytest.raises(Refused, match=r"Version 1 was withdrawn, because version 2 took its place; publish that one\."):
        versions.publish(1, store_url, files_dir)
    assert reads.current_version(store_url) is None
    versions.publish(2, store_url, files_dir)
    assert reads.current_version(store_url) == 2


def test_rejecting_a_withdrawn_proposal_leaves_it_withdrawn(store_url: str, make: Make) -> None:
    make("all", note="1")
    make("all", note="2")
    versions.reject(1, store_url, {"by": "anna", "remark": "te laat"})
    assert statuses(store_url) == {1: "withdrawn", 2: "proposed"}


def test_what_was_withdrawn_can_be_proposed_again(store_url: str, make: Make) -> None:
    """The same content has the same number; then the one that came in its place is the older one."""
    make("all", note="1")
    make("all", note="2")
    assert make("all", note="1") == 1
    assert statuses(store_url) == {1: "proposed", 2: "withdrawn"}


def test_proposing_what_is_in_force_withdraws_nothing(store_url: str, files_dir: Path, make: Make) -> None:
    make("all", note="1")
    versions.publish(1, store_url, files_dir)
    make("all", note="2")
    assert make("all", note="1") == 1
    assert statuses(store_url) == {1: "published", 2: "proposed"}


def test_last_proposed_tells_of_an_act_that_came_later(store_url: str, make: Make) -> None:
    make("all", note="1")
    first = proposals.last_proposed(1, store_url)
    make("all", note="1")
    again = proposals.last_proposed(1, store_url)
    assert (first[0], again[0], first[2], again[2]) == ("proposed", "proposed", None, None)
    assert again[1] > first[1]
    make("all", note="2")
    assert proposals.last_proposed(1, store_url) == ("withdrawn", again[1], 2)


# --- the same division -----------------------------------------------------------------------------------------------


@pytest.fixture
def in_force(store_url: str, files_dir: Path, make: Make) -> int:
    version = make("all")
    versions.publish(version, store_url, files_dir)
    return version


def same(store_url: str, files_dir: Path, folder: Path, day: date | None = None) -> int | None:
    return proposals.same_division(folder, None, store_url, files_dir, day)


def test_other_counts_of_the_same_division_change_nothing(
    store_url: str, files_dir: Path, tmp_path: Path, in_force: int
) -> None:
    folder = write_outcome(tmp_path / "again", Country(**SMALL, from_version=in_force))
    load = pd.read_parquet(folder / "team_load.parquet").assign(clients_per_year=7.0, stock_clients=99.0)
    load.to_parquet(folder / "team_load.parquet")
    assert same(store_url, files_dir, folder) == in_force
    assert same(store_url, files_dir, folder, TODAY + timedelta(days=30)) == in_force


@pytest.mark.parametrize(
    "wanted",
    [
        {"moves": {"1000": "A2"}},
        {"team_ends": {"A2": TODAY + timedelta(days=90)}},
        {"replaced": {"1990": "1000"}},
        {"without": ("1007",)},
    ],
    ids=["another team", "a team that ends", "a postcode that follows", "an area less"],
)
def test_whatever_a_consumer_would_read_is_a_change(
    store_url: str, files_dir: Path, tmp_path: Path, in_force: int, wanted: dict[str, Any]
) -> None:
    assert same(store_url, files_dir, write_outcome(tmp_path / "other", Country(**(SMALL | wanted)))) is None


def test_another_office_or_reason_is_a_change(store_url: str, files_dir: Path, tmp_path: Path, in_force: int) -> None:
    for number, (table, column) in enumerate((("routing", "office"), ("allocation_reason", "reason"))):
        folder = write_outcome(tmp_path / f"other{number}", Country(**SMALL))
        rows = pd.read_parquet(folder / f"{table}.parquet")
        rows.loc[0, column] = "Ergens anders"
        rows.to_parquet(folder / f"{table}.parquet")
        assert same(store_url, files_dir, folder) is None, table


def test_nothing_in_force_is_no_division(store_url: str, files_dir: Path, tmp_path: Path) -> None:
    assert same(store_url, files_dir, write_outcome(tmp_path / "o", Country(**SMALL))) is None


def test_the_version_planned_for_the_day_counts(
    store_url: str, files_dir: Path, tmp_path: Path, make: Make, in_force: int
) -> None:
    later = TODAY + timedelta(days=10)
    versions.publish(make("all", moves={"1000": "A2"}), store_url, files_dir, valid_from=later)
    folder = write_outcome(tmp_path / "first", Country(**SMALL))
    assert same(store_url, files_dir, folder) == in_force
    assert same(store_url, files_dir, folder, later) is None


# --- the same question -----------------------------------------------------------------------------------------------

CONFIG = {"tolerance": 0.05, "reason": "a", "valid_from": None}
MADE_OF = {
    "input": {"folder": "/x", "sha256": {"stock.csv": "1"}, "roster": "r"},
    "boundaries": {"fingerprint": "f", "edition": {"year": 2024}},
}


@pytest.fixture
def asked(store_url: str, files_dir: Path, tmp_path: Path) -> int:
    """A version in force that was made with CONFIG of MADE_OF."""
    folder = write_outcome(tmp_path / "asked", Country(**SMALL))
    run = pd.read_parquet(folder / "runs.parquet")
    run.assign(configuration=json.dumps(CONFIG), input_fingerprints=json.dumps(MADE_OF)).to_parquet(
        folder / "runs.parquet"
    )
    version = versions.propose(folder, store_url, files_dir, scope="all")
    versions.publish(version, store_url, files_dir)
    return version


def question(store_url: str, *, waiting: bool = False, config: Any = None, of: Any = None) -> Any:
    return proposals.same_question(
        store_url, CONFIG | (config or {}), MADE_OF | (of or {}), TODAY, also_waiting=waiting
    )


def test_the_same_question_has_been_answered(store_url: str, asked: int) -> None:
    elsewhere = {"input": MADE_OF["input"] | {"folder": "/elsewhere"}}
    assert question(store_url, config={"reason": "b"}, of=elsewhere) == (asked, True)


@pytest.mark.parametrize(
    "other",
    [
        {"config": {"tolerance": 0.04}},
        {"of": {"input": MADE_OF["input"] | {"sha256": {"stock.csv": "2"}}}},
        {"of": {"input": MADE_OF["input"] | {"roster": "a team started"}}},
        {"of": {"boundaries": {"fingerprint": "g"}}},
        {"of": {"changes": "a planner's moves"}},
    ],
)
def test_another_question_has_not(store_url: str, asked: int, other: dict[str, Any]) -> None:
    assert question(store_url, **other) is None


def test_a_proposal_that_waits_answers_only_who_would_propose(
    store_url: str, files_dir: Path, tmp_path: Path, asked: int
) -> None:
    """As long as nothing was published since: then it would have to be computed anew."""
    of = MADE_OF | {"input": MADE_OF["input"] | {"sha256": {"stock.csv": "2"}}}
    folder = write_outcome(tmp_path / "waits", Country(**SMALL, note="2"))
    run = pd.read_parquet(folder / "runs.parquet")
    run.assign(configuration=json.dumps(CONFIG), input_fingerprints=json.dumps(of)).to_parquet(folder / "runs.parquet")
    version = versions.propose(folder, store_url, files_dir, scope="all")
    assert question(store_url, of=of) is None
    assert question(store_url, of=of, waiting=True) == (version, False)
    other = write_outcome(tmp_path / "other", Country(**SMALL, note="3"))
    versions.publish(versions.propose(other, store_url, files_dir), store_url, files_dir)
    assert question(store_url, of=of, waiting=True) is None


def test_the_record_holds_what_was_withdrawn_for_what(store_url: str, make: Make) -> None:
    make("all", note="1")
    make("all", note="2")
    make("all", note="3")
    with store.reading(store_url) as connection:
        told = connection.execute(sa.text("SELECT version, reason FROM acts WHERE act = 'withdraw' ORDER BY act_id"))
        assert [tuple(row) for row in told] == [
            (1, "version 2 takes its place"),
            (2, "version 3 takes its place"),
        ]
