"""Files and folders in object storage, seen from two machines."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from allocation import storage
from allocation.contract.errors import Passing, Refused
from allocation.storage import bucket
from tests.integration.storage.conftest import Machines


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_another_machine_reads_what_was_sent_and_what_was_sent_later(machines: Machines) -> None:
    name = "runs/r1/layers/01_zw wia/plan é.txt"
    storage.send(write(machines.var("a") / name, "first"))
    there = machines.var("b") / name
    assert storage.exists(there)
    assert storage.fetch(there).read_text(encoding="utf-8") == "first"
    storage.send(write(machines.var("a") / name, "other"))  # as long as the first
    machines.var("b")
    assert storage.fetch(there).read_text(encoding="utf-8") == "other"


def test_a_copy_that_is_up_to_date_is_left_alone(machines: Machines) -> None:
    name = "runs/r1/work.txt"
    storage.send(write(machines.var("a") / name, "text"))
    there = storage.fetch(machines.var("b") / name)
    before = there.stat().st_ino
    assert storage.fetch(there).stat().st_ino == before
    there.unlink()
    assert storage.fetch(there).read_text(encoding="utf-8") == "text"


def test_what_the_storage_does_not_have_is_not_here_either(machines: Machines) -> None:
    stale = write(machines.var("a") / "runs/r1/old.txt", "of before")
    assert not storage.exists(stale)
    assert not storage.fetch(stale).exists()


def test_a_folder_is_as_the_storage_has_it(machines: Machines) -> None:
    folder = machines.var("a") / "runs/r1"
    for name in ("run.json", "inputs/teams.parquet", "inputs/stock.parquet"):
        write(folder / name, name)
    storage.send_folder(folder)
    other = machines.var("b") / "runs/r1"
    write(other / "inputs/gone.parquet", "only here")
    storage.fetch_folder(other)
    found = {path.relative_to(other).as_posix(): path.read_text("utf-8") for path in other.rglob("*") if path.is_file()}
    assert found == {name: name for name in ("run.json", "inputs/teams.parquet", "inputs/stock.parquet")}
    assert storage.size(other) == sum(len(name) for name in found)
    assert abs(storage.written(other) - datetime.now(UTC)) < timedelta(minutes=5)


def test_the_last_file_of_a_folder_comes_last(machines: Machines) -> None:
    """A reader that sees the manifest sees every file that it lists."""
    folder = machines.var("a") / "published/v0001"
    for number in range(20):
        write(folder / f"{number:02d}.csv", "x")
    write(folder / "manifest.json", "{}")
    storage.send_folder(folder, last="manifest.json")
    bucket = storage._bucket_of(folder)
    assert bucket is not None
    moments = {str(found["path"]): found["last_modified"] for found in bucket.listed(folder)}
    assert moments.pop("published/v0001/manifest.json") >= max(moments.values())


def test_folders_are_listed_moved_and_removed_for_every_machine(machines: Machines) -> None:
    here = machines.var("a") / "runs"
    for name in ("r1", "r2", "r10"):
        storage.send(write(here / name / "run.json", name))
        storage.send(write(here / name / "layers" / "x.json", name))
    there = machines.var("b") / "runs"
    assert [folder.name for folder in storage.folders(there)] == ["r1", "r10", "r2"]
    storage.remove_folder(there / "r1")
    storage.move(there / "r2", there / "kept" / "r2")
    machines.var("a")
    assert [folder.name for folder in storage.folders(here)] == ["kept", "r10"]
    assert storage.fetch(here / "kept" / "r2" / "layers" / "x.json").read_text("utf-8") == "r2"
    assert not storage.fetch(here / "r1" / "run.json").exists()


def test_what_several_machines_add_to_a_folder_is_on_all_of_them(machines: Machines) -> None:
    cache = machines.var("a") / "cache"
    with storage.shared(cache) as folder:
        write(folder / "pdok-2024-abc/areas.parquet", "areas")
        write(folder / "pdok-2024.json", "points to abc")
        write(folder / ".pdok-2025.tmp", "half")
    other = machines.var("b") / "cache"
    write(other / "embedded-1/areas.parquet", "built here")
    with storage.shared(other) as folder:
        assert (folder / "pdok-2024.json").read_text("utf-8") == "points to abc"
        assert (folder / "pdok-2024-abc/areas.parquet").read_text("utf-8") == "areas"
        assert (folder / "embedded-1/areas.parquet").exists()
        write(folder / "pdok-2024-def/areas.parquet", "newer")
        write(folder / "pdok-2024.json", "points to def")
    machines.var("a")
    before = (cache / "pdok-2024-abc/areas.parquet").stat().st_ino
    with storage.shared(cache) as folder:
        assert (folder / "pdok-2024.json").read_text("utf-8") == "points to def"
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}
        assert found == {f"{name}/areas.parquet" for name in ("pdok-2024-abc", "pdok-2024-def", "embedded-1")}
        assert (cache / "pdok-2024-abc/areas.parquet").stat().st_ino == before, "not fetched again"


def test_a_shared_folder_that_failed_to_be_made_is_not_sent(machines: Machines) -> None:
    cache = machines.var("a") / "cache"

    def fail() -> None:
        with storage.shared(cache) as folder:
            write(folder / "half.json", "x")
            raise ValueError("no network")

    with pytest.raises(ValueError, match="no network"):
        fail()
    assert not storage.fetch(machines.var("b") / "cache/half.json").exists()


def test_logs_stay_on_their_machine(machines: Machines) -> None:
    var = machines.var("a")
    for name in ("example/areas.parquet", "logs/a.log", "alerts.jsonl"):
        path = write(var / name, "x")
        storage.send(path)
        assert not storage.is_remote(path)
        assert storage.fetch(path).read_text("utf-8") == "x"
    assert not storage.is_remote(var.parent / "runs" / "x")
    assert storage.is_remote(var / "runs" / "r1")


def test_old_copies_leave_room_and_come_back(machines: Machines) -> None:
    var = machines.var("a")
    storage.send(write(var / "runs/r1/run.json", "text"))
    long_ago = (datetime.now(UTC) - timedelta(days=3)).timestamp()
    os.utime(var / "runs/r1", (long_ago, long_ago))
    bucket._drop_old_copies(var)
    assert not (var / "runs/r1").exists()
    assert storage.fetch(var / "runs/r1/run.json").read_text("utf-8") == "text"


def test_a_storage_that_is_away_may_come_back_and_a_wrong_key_does_not(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = machines.var("a") / "runs/r1/run.json"
    monkeypatch.setenv(storage.SETTING, "s3://caseload/elsewhere")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(Refused, match="The storage s3://caseload/elsewhere refuses") as refused:
        storage.fetch(path)
    assert not isinstance(refused.value, Passing)
    monkeypatch.setattr(bucket, "_RETRIES", {"max_retries": 0})
    monkeypatch.setenv(storage.SETTING, "s3://caseload/away")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Passing, match="cannot be reached"):
        storage.fetch(path)


def test_an_address_that_is_none_is_refused(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    path = machines.var("a") / "runs/r1/run.json"
    monkeypatch.setenv(storage.SETTING, "ftp://somewhere/x")
    with pytest.raises(Refused, match="is not an address of object storage"):
        storage.fetch(path)


@pytest.mark.parametrize("target", ["secret.txt", "folder"])
def test_a_link_is_not_sent_nor_anything_beside_it(machines: Machines, tmp_path: Path, target: str) -> None:
    """Who may only write into a folder could have this program, which may read more, send a file of somebody else."""
    write(tmp_path / "secret.txt", "secret")
    write(tmp_path / "folder" / "secret.txt", "secret")
    var = machines.var("a")
    folder = var / "runs/r1"
    write(folder / "a.txt", "a")
    (folder / "link.txt").symlink_to(tmp_path / target)
    cache = var / "cache"
    write(cache / "a.txt", "a")
    (cache / "link.txt").symlink_to(tmp_path / target)

    def share() -> None:
        with storage.shared(cache):
            pass

    for act in (lambda: storage.send_folder(folder), lambda: storage.send(folder / "link.txt"), share):
        with pytest.raises(Refused, match=r"link\.txt is a link"):
            act()
    assert not storage.exists(folder / "a.txt")
    assert not storage.exists(folder / "link.txt")
    assert not storage.exists(cache / "link.txt")
