"""SIGKILL at every step: nothing is ever half published, and the next run recovers by itself.

A forked process proposes, publishes or rolls back, and kills itself with SIGKILL at its n-th step. A step is: before
and after every SQL statement and commit, and every operation on files (open, create, move, delete, lock). After each
kill the reader's view is checked, in the store and in the files; then the same act is done again and must come out
whole.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from allocation.publication import data_contract, files, store, versions
from tests.support.outcomes import Country, allocation_of, routing_of, write_outcome
from tests.support.postgres import new_database

COUNTRY = Country(columns=2, rows=1)
ROWS = {
    "allocation": len(allocation_of(COUNTRY)),
    "routing": len(routing_of(COUNTRY, allocation_of(COUNTRY))),
    "transition": len(allocation_of(COUNTRY)),
    "region_summary": 2,
    "team": 9,
    "runs": 1,
}
FILE_EVENTS = ("open", "os.", "shutil.", "fcntl.", "sqlite3.")


class Scene:
    """One store with its files, to which version after version is published."""

    def __init__(self, store_url: str, folder: Path) -> None:
        self.store_url = store_url
        self.files_dir = folder / "published"
        self.outcome = folder / "outcome"
        self.count = 0

    def new_outcome(self) -> Path:
        """The same country with another name for its first team: another version, cheaply."""
        if self.count == 0:
            write_outcome(self.outcome, COUNTRY)
        self.count += 1
        teams = pd.read_parquet(self.outcome / "teams.parquet")
        teams.loc[0, "name"] = f"SMC A1, uitgave {self.count}"
        teams.to_parquet(self.outcome / "teams.parquet", index=False)
        return self.outcome

    def propose(self, outcome: Path) -> int:
        return versions.propose(outcome, self.store_url, self.files_dir)

    def publish(self, version: int) -> None:
        versions.publish(version, self.store_url, self.files_dir)

    def rollback(self, version: int) -> None:
        versions.rollback(version, self.store_url, self.files_dir, reason="proef", by="test")

    def in_force_in_store(self) -> int | None:
        """The version that readers of the views see, having counted that they see all of it and nothing else."""
        with store.connected(self.store_url) as connection:
            versions = connection.scalars(sa.text("SELECT DISTINCT version FROM routing_current")).all()
            assert len(versions) <= 1, f"a mix of versions is in force: {versions}"
            ends = sa.text("SELECT count(*) FROM validity WHERE superseded_at IS NULL AND valid_to IS NULL")
            assert connection.scalar(ends) == len(versions), "and one before it when midnight passed meanwhile"
            if not versions:
                return None
            for table, expected in ROWS.items():
                query = sa.text(f"SELECT count(*) FROM {table} WHERE version = :version")
                assert connection.scalar(query, {"version": versions[0]}) == expected, table
        return int(versions[0])

    def in_force_in_files(self) -> int | None:
        """The version that readers of the files see, having checked its folder against its manifest."""
        timeline = self.files_dir / files.TIMELINE
        if not timeline.exists():
            return None
        periods = json.loads(timeline.read_text())["periods"]
        for period in periods:
            assert files.verify(self.files_dir / period["folder"]) == []
        return int(periods[-1]["version"]) if periods else None

    def check_nothing_left_over(self) -> None:
        assert not any((self.files_dir / ".aside").glob("*"))
        with store.connected(self.store_url) as connection:
            versions = set(connection.scalars(sa.text("SELECT version FROM versions")))
            rows = set(connection.scalars(sa.text("SELECT DISTINCT version FROM routing_rows")))
        assert versions == rows == set(range(1, len(versions) + 1))
        assert {p.name for p in (self.files_dir / "proposals").iterdir()} == {f"v{v:04d}" for v in versions}


def steps_until_killed(act: Callable[[], object], kill_at: int | None) -> int | None:
    """Run ``act`` in a forked process that kills itself at step ``kill_at``; None = it was killed, else its steps."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        status = 1
        try:
            taken = _count_steps(kill_at)
            act()
            os.write(writes, str(taken()).encode())
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return None
    assert os.WEXITSTATUS(status) == 0, "the act failed on its own, see its traceback above"
    return int(text)


def _count_steps(kill_at: int | None) -> Callable[[], int]:
    step = 0

    def tick(*_: object) -> None:
        nonlocal step
        step += 1
        if step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_audit(event: str, _: object) -> None:
        if event.startswith(FILE_EVENTS):
            tick()

    for moment in ("before_cursor_execute", "after_cursor_execute", "begin", "commit", "rollback"):
        # Each event has its own signature, and SQLAlchemy reads it: a plain *args is accepted by all.
        sa.event.listen(sa.engine.Engine, moment, tick)
    sys.addaudithook(on_audit)
    return lambda: step


@pytest.fixture
def scene(store_url: str, tmp_path: Path) -> Iterator[Scene]:
    """A store with two published versions. In memory where there is room: the disk's speed is not what is tested."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1 << 30 and store_url.startswith("postgresql")
    folder = memory / f"kill-{os.getpid()}" if roomy else tmp_path
    scene = Scene(store_url, folder)
    for _ in range(2):
        scene.publish(scene.propose(scene.new_outcome()))
    yield scene
    if roomy:
        shutil.rmtree(folder)


def kill_everywhere(scene: Scene, strides: Mapping[str, int]) -> int:
    """Kill each act at every so many-th step, by its stride; returns the number of kills."""
    kills = 0
    for name, stride in strides.items():
        point = 1
        while True:
            before = scene.in_force_in_store()
            assert before is not None
            act, whole = _prepared(scene, name, before)
            steps = steps_until_killed(act, point)
            _check_after_kill(scene, name, before, whole)
            act()  # the next run
            assert scene.in_force_in_store() == scene.in_force_in_files() == (before if name == "propose" else whole)
            scene.check_nothing_left_over()
            if steps is not None:
                break
            kills += 1
            point += stride
    return kills


def _prepared(scene: Scene, name: str, before: int) -> tuple[Callable[[], object], int]:
    """The act to kill, and the version that it is about."""
    if name == "rollback":
        other = 1 if before != 1 else 2
        return lambda: scene.rollback(other), other
    outcome = scene.new_outcome()
    if name == "propose":
        with store.connected(scene.store_url) as connection:
            number = int(connection.scalar(sa.text("SELECT max(version) FROM versions")) or 0) + 1
        return lambda: scene.propose(outcome), number
    version = scene.propose(outcome)
    return lambda: scene.publish(version), version


def _check_after_kill(scene: Scene, name: str, before: int, whole: int) -> None:
    """Old or new, never a mix; the files may be one step behind the store, never ahead of it."""
    in_store, in_files = scene.in_force_in_store(), scene.in_force_in_files()
    assert in_store in ((before,) if name == "propose" else (before, whole))
    assert in_files in (before, in_store)


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_killed_at_any_step_nothing_is_lost_or_mixed(scene: Scene) -> None:
    """One in thirty of the steps, more of the quick ones; the last test takes every one."""
    assert kill_everywhere(scene, {"propose": 31, "publish": 29, "rollback": 13}) >= 10


@pytest.mark.parametrize(
    ("kind", "kills"),
    [("sqlite", 3), *(pytest.param(kind, 16, marks=pytest.mark.heavy) for kind in ("sqlite", "postgresql"))],
)
def test_killed_while_the_store_is_made_the_next_run_makes_it(
    kind: str, kills: int, postgres_server: str, tmp_path: Path
) -> None:
    """So many kills, evenly over making the first schema; each on a store that does not exist yet."""

    def address_in(database: str, number: int) -> str:
        return database if kind == "postgresql" else f"sqlite:///{tmp_path / str(number) / 'caseload.sqlite'}"

    store.migrate(f"sqlite:///{tmp_path / 'once.sqlite'}")  # loads what a migration loads: that is no step
    with new_database(postgres_server) as database:
        steps = steps_until_killed(lambda: store.migrate(address_in(database, 0)), None)
    assert steps is not None
    for number in range(1, kills + 1):
        with new_database(postgres_server) as database:
            address = address_in(database, number)
            assert steps_until_killed(lambda a=address: store.migrate(a), number * steps // (kills + 1)) is None
            with store.reading(address) as connection:  # the next run
                assert data_contract.differences(connection) == []


@pytest.mark.heavy
@pytest.mark.timeout(3600)
def test_killed_at_every_step_nothing_is_lost_or_mixed(scene: Scene) -> None:
    assert kill_everywhere(scene, {"propose": 1, "publish": 1, "rollback": 1}) >= 300
