"""The same content proposed by another run: what is published is what was approved; damaged files are mended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.errors import Refused
from allocation.publication import files, reads, store, versions
from tests.support.outcomes import Country, write_outcome

TODAY = store.today()
SPRING, SUMMER = TODAY + timedelta(days=100), TODAY + timedelta(days=200)
Outcome = Callable[..., Path]


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    """The outcome of a run by its name: the content is that of ``note``, the report says who made it."""

    def make(run_id: str, note: str = "eerste", starts: date | None = None) -> Path:
        folder = write_outcome(tmp_path / run_id, Country(columns=4, rows=2, note=note))
        runs = pd.read_parquet(folder / "runs.parquet").assign(run_id=run_id, reason=f"reden van {run_id}")
        runs.to_parquet(folder / "runs.parquet", index=False)
        for report in ("report.html", "report_readers.html"):
            (folder / report).write_text(f"<p>{run_id}</p>")
        if starts:
            teams = pd.read_parquet(folder / "teams.parquet")
            teams.loc[teams["team_id"] == "A1", "valid_from"] = starts
            teams.to_parquet(folder / "teams.parquet", index=False)
        return folder

    return make


def test_what_is_published_is_of_the_run_that_proposed_it_last(
    store_url: str, files_dir: Path, outcome: Outcome
) -> None:
    first = versions.propose(outcome("one"), store_url, files_dir, valid_from=SPRING)
    assert versions.propose(outcome("two"), store_url, files_dir, valid_from=SUMMER) == first
    folder = versions.publish(first, store_url, files_dir)
    assert folder.name == f"v0001_{SUMMER}"
    assert (folder / "report.html").read_text() == "<p>two</p>"
    assert not any((files_dir / ".aside").glob("*"))
    (run,) = reads.read_table("runs", store_url, version=first).to_dict("records")
    assert (run["run_id"], run["reason"]) == ("two", "reden van two")
    assert pd.read_parquet(folder / "runs.parquet")["run_id"].tolist() == ["two"]


def test_what_was_published_stays_of_the_run_that_it_was_published_of(
    store_url: str, files_dir: Path, outcome: Outcome
) -> None:
    first = versions.propose(outcome("one"), store_url, files_dir)
    versions.publish(first, store_url, files_dir)
    assert versions.propose(outcome("two"), store_url, files_dir) == first
    assert reads.read_table("runs", store_url, version=first)["run_id"].tolist() == ["one"]
    assert (files.proposal_folder(files_dir, first) / "report.html").read_text() == "<p>one</p>"


def test_a_team_that_starts_later_in_the_newer_run_is_known(store_url: str, files_dir: Path, outcome: Outcome) -> None:
    versions.propose(outcome("one"), store_url, files_dir, valid_from=SUMMER)
    late = SUMMER - timedelta(days=30)
    assert versions.propose(outcome("two", starts=late), store_url, files_dir, valid_from=SUMMER) == 1
    with pytest.raises(Refused, match=f"team A1 starts on {late}"):
        versions.publish(1, store_url, files_dir, valid_from=SPRING)


def test_damaged_files_are_mended_by_proposing_again(store_url: str, files_dir: Path, outcome: Outcome) -> None:
    version = versions.propose(outcome("one"), store_url, files_dir)
    routing = files.proposal_folder(files_dir, version) / "routing.parquet"
    routing.write_bytes(routing.read_bytes()[:100])
    with pytest.raises(Refused, match=r"are not sound: .*Make the proposal again\."):
        versions.publish(version, store_url, files_dir)
    assert versions.propose(outcome("two"), store_url, files_dir) == version
    assert files.verify(versions.publish(version, store_url, files_dir)) == []


def test_files_of_a_run_that_the_store_does_not_know_are_not_published(
    store_url: str, files_dir: Path, outcome: Outcome, tmp_path: Path
) -> None:
    """Whoever is killed after the files and before the commit leaves them so."""
    version = versions.propose(outcome("one"), store_url, files_dir)
    place = files.proposal_folder(files_dir, version)
    shutil.copytree(files_dir, tmp_path / "kept")
    versions.propose(outcome("two"), store_url, files_dir)
    shutil.rmtree(place)
    shutil.copytree(files.proposal_folder(tmp_path / "kept", version), place)
    with pytest.raises(Refused, match=r"are of run one and the store has it of run two.*Make the proposal again\."):
        versions.publish(version, store_url, files_dir)


def test_putting_back_onto_a_damaged_folder_writes_it_anew(store_url: str, files_dir: Path, outcome: Outcome) -> None:
    first = versions.propose(outcome("one"), store_url, files_dir)
    folder = versions.publish(first, store_url, files_dir)
    versions.publish(versions.propose(outcome("two", note="tweede"), store_url, files_dir), store_url, files_dir)
    damage(folder)
    assert versions.rollback(first, store_url, files_dir, reason="toch niet", by="anna") == folder
    assert files.verify(folder) == []


def damage(folder: Path) -> None:
    (folder / "routing.csv").write_text("999\n")
    (folder / "allocation.parquet").unlink()


def empty(folder: Path) -> None:
    """As after a power cut."""
    (folder / "manifest.json").write_text("")


def other(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"files": "x"}')


HARMS = {"absent": shutil.rmtree, "damaged": damage, "empty manifest": empty, "other manifest": other}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_files_of_a_version_in_force_are_written_anew(
    store_url: str, files_dir: Path, outcome: Outcome, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """By publishing it again or putting it back; nothing else changes, and sound files stay as they are."""
    first = versions.propose(outcome("one"), store_url, files_dir)
    approval = {"by": "anna", "remark": "akkoord"}
    folder = versions.publish(first, store_url, files_dir, approval=approval)
    told, acts = pd.read_parquet(folder / "runs.parquet"), reads.history(store_url)
    harm(folder)
    assert versions.publish(first, store_url, files_dir, approval={"by": "piet"}) == folder
    assert files.verify(folder) == []
    assert f"{folder} was absent or damaged and is written anew" in caplog.text
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "runs.parquet"), told)
    harm(folder)
    assert versions.rollback(first, store_url, files_dir, reason="bestanden weg", by="anna") == folder
    assert files.verify(folder) == []
    pd.testing.assert_frame_equal(reads.history(store_url), acts)
    written = (folder / "manifest.json").stat().st_mtime_ns
    versions.publish(first, store_url, files_dir)
    assert (folder / "manifest.json").stat().st_mtime_ns == written


def test_files_that_cannot_be_written_anew_are_not_said_to_be_there(
    store_url: str, files_dir: Path, outcome: Outcome
) -> None:
    first = versions.propose(outcome("one"), store_url, files_dir)
    folder = versions.publish(first, store_url, files_dir)
    shutil.rmtree(folder)
    shutil.rmtree(files.proposal_folder(files_dir, first))
    with pytest.raises(Refused, match=r"Version 1 is in force, but its files in .* cannot be made again.*backup"):
        versions.publish(first, store_url, files_dir)
    with pytest.raises(Refused, match="backup"):
        versions.rollback(first, store_url, files_dir, reason="bestanden weg", by="anna")


def test_a_copy_of_a_store_takes_no_files_of_it_away(tmp_path: Path, outcome: Outcome) -> None:
    """A backup that is opened beside the store that is in use; and a store that was moved."""
    address, files_dir = f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path / "published"
    versions.publish(versions.propose(outcome("one"), address, files_dir), address, files_dir)
    versions.propose(outcome("two", note="tweede"), address, files_dir)
    shutil.copy(tmp_path / "store.sqlite", tmp_path / "copy.sqlite")
    folder = versions.publish(2, address, files_dir)
    before = (files_dir / "timeline.json").read_text()
    with pytest.raises(Refused, match=r"of which this one .*copy\.sqlite\) is a copy; nothing was changed"):
        versions.publish(2, f"sqlite:///{tmp_path / 'copy.sqlite'}", files_dir, valid_from=SPRING)
    assert files.verify(folder) == []
    assert (files_dir / "timeline.json").read_text() == before
    (tmp_path / "store.sqlite").rename(tmp_path / "moved.sqlite")
    versions.rollback(1, f"sqlite:///{tmp_path / 'moved.sqlite'}", files_dir, reason="toch niet", by="anna")
    shutil.copytree(files_dir, tmp_path / "elsewhere")
    elsewhere = tmp_path / "elsewhere"
    versions.publish(2, f"sqlite:///{tmp_path / 'copy.sqlite'}", elsewhere)


@pytest.mark.parametrize("harm", [empty, other])
def test_a_proposal_with_a_damaged_manifest_is_refused(
    store_url: str, files_dir: Path, outcome: Outcome, harm: Callable[[Path], None]
) -> None:
    version = versions.propose(outcome("one"), store_url, files_dir)
    harm(files.proposal_folder(files_dir, version))
    with pytest.raises(Refused, match=r"manifest\.json is damaged"):
        versions.publish(version, store_url, files_dir)
    assert reads.current_version(store_url) is None


def test_a_damaged_timeline_file_is_written_anew(store_url: str, files_dir: Path, outcome: Outcome) -> None:
    """It says nothing that the store does not know."""
    version = versions.propose(outcome("one"), store_url, files_dir)
    versions.publish(version, store_url, files_dir)
    timeline = files_dir / files.TIMELINE
    told = timeline.read_bytes()
    timeline.write_bytes(b"\xff\xfe")
    versions.publish(version, store_url, files_dir)
    assert timeline.read_bytes() == told
