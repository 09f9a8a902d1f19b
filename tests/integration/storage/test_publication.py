"""Publication without a shared disk: version folders and the timeline in object storage, from several machines."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from allocation import storage
from allocation.contract.errors import Refused
from allocation.publication import files, owner, reads, versions
from tests.integration.storage.conftest import Machines
from tests.support.outcomes import Country, write_outcome
from tests.support.postgres import migrated_template, new_database, postgres_server

__all__ = ["migrated_template", "postgres_server"]


@pytest.fixture
def store_url(request: pytest.FixtureRequest, migrated_template: str) -> object:
    with new_database(request.getfixturevalue("postgres_server"), template=migrated_template) as address:
        yield address


def propose(machines: Machines, machine: str, store_url: str, **wanted: object) -> int:
    var = machines.var(machine)
    folder = write_outcome(var / f"outcome-{len(list(var.iterdir()))}", Country(columns=4, rows=2, **wanted))
    return versions.propose(folder, store_url, var / "published")


def timeline(files_dir: Path) -> list[tuple[int, str]]:
    text = storage.fetch(files_dir / files.TIMELINE).read_text(encoding="utf-8")
    return [(period["version"], period["folder"]) for period in json.loads(text)["periods"]]


def test_proposed_here_published_there_read_elsewhere(machines: Machines, store_url: str) -> None:
    version = propose(machines, "a", store_url)
    there = machines.var("b") / "published"
    folder = versions.publish(version, store_url, there)
    third = machines.var("c") / "published"
    assert timeline(third) == [(version, folder.name)]
    assert files.verify(third / folder.name) == []
    routing = pq.read_table(third / folder.name / "routing.parquet")
    assert set(routing.column("pc4").to_pylist()) == set(Country(columns=4, rows=2).pc4s)
    assert routing.equals(pq.read_table(folder / "routing.parquet"))


def test_a_second_installation_at_the_same_address_takes_nothing_away(machines: Machines) -> None:
    """In containers every store is `store:5432/caseload`; a copied setting leads two of them to one bucket."""
    address = "postgresql+psycopg://***@store:5432/caseload"
    ours = machines.var("a") / "published"
    owner.claim(ours, owner.Owner("store-a", address))
    folder = ours / "v0001_2026-11-27"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    storage.send_folder(folder, last="manifest.json")
    with pytest.raises(Refused, match=r"holds the files of another store .* a prefix of its own in CASELOAD_FILES"):
        owner.claim(machines.var("b") / "published", owner.Owner("store-b", address))
    assert [one.name for one in storage.folders(machines.var("c") / "published")] == [folder.name]
    owner.claim(machines.var("c") / "published", owner.Owner("store-a", address))


def test_a_file_that_was_damaged_in_the_storage_is_not_published(machines: Machines, store_url: str) -> None:
    version = propose(machines, "a", store_url)
    files_dir = machines.var("b") / "published"
    damaged = files.proposal_folder(files_dir, version) / "team.parquet"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"x")
    storage.send(damaged)
    with pytest.raises(Refused, match=r"team\.parquet differs from the manifest"):
        versions.publish(version, store_url, machines.var("c") / "published")
    assert timeline(machines.var("c") / "published") == []


@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "damaged"])
def test_files_in_force_are_written_again_for_every_machine(machines: Machines, store_url: str, is_gone: bool) -> None:
    version = propose(machines, "a", store_url)
    place = storage.fetch_folder(versions.publish(version, store_url, machines.var("b") / "published"))
    if is_gone:
        storage.remove_folder(place)
    else:
        (place / "routing.csv").write_bytes(b"x")
        storage.send(place / "routing.csv")
    assert files.verify(machines.var("d") / "published" / place.name)
    versions.publish(version, store_url, machines.var("c") / "published")
    assert files.verify(machines.var("d") / "published" / place.name) == []


def test_a_folder_without_its_manifest_is_not_there_and_is_written_again(machines: Machines, store_url: str) -> None:
    """What a worker left that was killed while it sent."""
    version = propose(machines, "a", store_url)
    files_dir = machines.var("b") / "published"
    place = files.published_folder(files_dir, version, versions.store.today())
    place.mkdir(parents=True)
    (place / "routing.csv").write_text("half", encoding="utf-8")
    (place / "left_over.csv").write_text("half", encoding="utf-8")
    storage.send_folder(place)
    assert not files.is_there(place)
    published = versions.publish(version, store_url, machines.var("c") / "published")
    assert published.name == place.name
    again = storage.fetch_folder(machines.var("d") / "published" / place.name)
    assert files.verify(again) == []
    assert not (again / "left_over.csv").exists()


@pytest.mark.heavy
def test_of_two_machines_that_publish_at_once_one_wins_and_every_reader_sees_the_same(
    machines: Machines, store_url: str
) -> None:
    first = propose(machines, "a", store_url)
    second = propose(machines, "b", store_url, moves={"1000": "A2"}, note="tweede")
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        asked = [
            pool.apply_async(publish_on, (str(machines.var(name)), version, store_url))
            for name, version in (("a", first), ("b", second))
        ]
        ended = [one.get(120) for one in asked]
    assert sorted(end.startswith("published") for end in ended) == [False, True], ended
    winner = (first, second)[[end.startswith("published") for end in ended].index(True)]
    assert "Run the proposal again" in "".join(ended)
    listed = timeline(machines.var("c") / "published")
    assert [version for version, _ in listed] == [winner]
    assert reads.current_version(store_url) == winner
    assert files.verify(machines.var("c") / "published" / listed[0][1]) == []


def publish_on(var: str, version: int, store_url: str) -> str:
    """On the machine of ``var``: how publishing ends."""
    os.environ["CASELOAD_VAR"] = var
    try:
        return f"published {versions.publish(version, store_url, Path(var) / 'published')}"
    except Refused as refused:
        return str(refused)


KILLED = """
import os, signal, sys
from pathlib import Path
from allocation.publication import reads, versions
from allocation.storage.bucket import Bucket
sent = Bucket.send
left = [int(sys.argv[3])]
def send(bucket, path):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sent(bucket, path)
Bucket.send = send
versions.publish(int(sys.argv[1]), sys.argv[2], Path(os.environ["CASELOAD_VAR"]) / "published")
"""


@pytest.mark.parametrize("after", [10, *(pytest.param(after, marks=pytest.mark.heavy) for after in (2, 24))])
def test_a_worker_killed_while_it_sends_publishes_nothing_and_the_next_one_does(
    machines: Machines, store_url: str, after: int
) -> None:
    version = propose(machines, "a", store_url)
    machines.var("b")
    words = [sys.executable, "-c", KILLED, str(version), store_url, str(after)]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    assert reads.current_version(store_url) is None
    assert timeline(machines.var("c") / "published") == []
    folder = versions.publish(version, store_url, machines.var("d") / "published")
    assert timeline(machines.var("c") / "published") == [(version, folder.name)]
    assert files.verify(machines.var("c") / "published" / folder.name) == []
