"""Two at once: exactly one wins and the other is told; readers never see a mix."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from allocation.contract.errors import Refused
from allocation.publication import connection as connections
from allocation.publication import reads, store, versions
from tests.support.postgres import new_database

FORK = multiprocessing.get_context("fork")


def _attempt(act: Callable[[], object], gate: Barrier, answers: Any, name: int) -> None:
    gate.wait()
    try:
        act()
    except Refused as refusal:
        answers.put((name, str(refusal)))
    except BaseException:
        answers.put((name, traceback.format_exc()))  # told to the test, which would wait for an answer in vain
    else:
        answers.put((name, "done"))


def at_once(*acts: Callable[[], object]) -> dict[int, str]:
    """Run each of ``acts`` in a process of its own, started together; what each was told, by its place."""
    gate, answers = FORK.Barrier(len(acts)), FORK.Queue()
    processes = [FORK.Process(target=_attempt, args=(act, gate, answers, i)) for i, act in enumerate(acts)]
    for process in processes:
        process.start()
    told = dict(answers.get(timeout=120) for _ in acts)
    for process in processes:
        process.join()
    return told


def test_of_two_publishers_exactly_one_wins(store_url: str, files_dir: Path, propose: Callable[..., int]) -> None:
    """Three rounds of two planners who each publish a proposal of their own at the same moment."""
    for turn in range(3):
        pair = [propose(note=f"ronde {turn}, {name}") for name in ("anna", "bob")]
        told = at_once(*(lambda v=v: versions.publish(v, store_url, files_dir) for v in pair))
        winners = [pair[i] for i, answer in told.items() if answer == "done"]
        losers = [answer for answer in told.values() if answer != "done"]
        assert len(winners) == 1, told
        assert f"Version {winners[0]} was published" in losers[0]
        assert reads.current_version(store_url) == winners[0]
    assert reads.versions(store_url)["is_in_force"].sum() == 1


def test_the_same_proposal_published_by_two_is_published_once(
    store_url: str, files_dir: Path, propose: Callable[..., int]
) -> None:
    version = propose()
    told = at_once(*[lambda: versions.publish(version, store_url, files_dir)] * 2)
    assert set(told.values()) == {"done"}
    assert reads.history(store_url)["act"].tolist() == ["propose", "publish"]


def test_proposals_at_once_get_numbers_of_their_own(
    store_url: str, files_dir: Path, tmp_path: Path, propose: Callable[..., int]
) -> None:
    told = at_once(*(lambda n=n: propose(note=f"voorstel {n}") for n in range(3)))
    assert set(told.values()) == {"done"}
    assert sorted(reads.versions(store_url)["version"]) == [1, 2, 3]


def test_a_reader_keeps_one_version_while_another_is_published(
    store_url: str, files_dir: Path, propose: Callable[..., int]
) -> None:
    versions.publish(propose(), store_url, files_dir)
    following = propose(note="tweede")
    count = sa.text("SELECT version, count(*) FROM routing_current GROUP BY version")
    with store.reading(store_url) as connection:
        before = connection.execute(count).all()
        versions.publish(following, store_url, files_dir)
        assert connection.execute(count).all() == before
    with store.reading(store_url) as connection:
        assert [row[0] for row in connection.execute(count)] == [2]


def test_who_waits_too_long_for_the_writer_is_told(
    store_url: str, files_dir: Path, propose: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = propose()
    store.engine.cache_clear()
    monkeypatch.setattr(connections, "_LOCK_WAIT_S", 1)
    with store.writing(store_url), pytest.raises(Refused, match="Another publication has been writing"):
        versions.publish(version, store_url, files_dir)
    store.engine.cache_clear()
    assert reads.current_version(store_url) is None


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_store_made_by_two_at_once_is_made_once(kind: str, postgres_server: str, tmp_path: Path) -> None:
    with new_database(postgres_server) as database:
        address = database if kind == "postgresql" else f"sqlite:///{tmp_path / 'new' / 'caseload.sqlite'}"
        told = at_once(*[lambda: store.migrate(address)] * 3)
        assert set(told.values()) == {"done"}
        with store.reading(address) as connection:
            assert store.store_id(connection)
