"""Retention: what goes, and everything that a version or a draft needs stays."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from allocation.cli import main
from allocation.contract.errors import Refused
from allocation.pipeline.tidy import needed_runs, old_runs, tidy
from allocation.publication import drafts, reads, versions
from tests.support import outcomes

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _run(var: Path, name: str, days_ago: int, run_id: str | None = None) -> Path:
    folder = var / "runs" / name
    (folder / "layers").mkdir(parents=True)
    (folder / "layers" / "plan.json").write_bytes(b"x" * 1000)
    created = (NOW - timedelta(days=days_ago)).isoformat(timespec="seconds")
    (folder / "run.json").write_text(json.dumps({"run_id": run_id or name, "created_at": created}))
    return folder


def _log(var: Path, name: str, days_ago: int) -> Path:
    path = var / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("line\n")
    written = (NOW - timedelta(days=days_ago)).timestamp()
    os.utime(path, (written, written))
    return path


def _version(var: Path, store_url: str, note: str, scope: str | None = None) -> tuple[int, str]:
    folder = outcomes.write_outcome(var / "outcomes" / note, outcomes.Country(note=note))
    runs = pd.read_parquet(folder / "runs.parquet").assign(run_id=note)
    runs.to_parquet(folder / "runs.parquet", index=False)
    return versions.propose(folder, store_url, var / "published", scope=scope), note


@pytest.fixture
def var(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def store_url(var: Path) -> str:
    var.mkdir()
    return f"sqlite:///{var / 'caseload.sqlite'}"


def test_the_newest_runs_stay_however_old_they_are(var: Path) -> None:
    folders = [_run(var, f"run{days}", days) for days in (400, 300, 200, 20)]
    before = NOW - timedelta(days=90)
    assert old_runs(var / "runs", set(), before, newest=2) == folders[:2]
    assert old_runs(var / "runs", {"run300"}, before, newest=2) == folders[:1]
    assert old_runs(var / "runs", set(), before, newest=0) == folders[:3]


def test_a_folder_is_known_by_the_name_of_its_run_not_its_own(var: Path) -> None:
    """Airflow's run ids hold characters that no folder may have."""
    _run(var, "allocate__manual-2026", 400, run_id="allocate__manual:2026")
    assert old_runs(var / "runs", {"allocate__manual:2026"}, NOW, newest=0) == []


def test_runs_of_versions_and_drafts_stay_those_of_rejected_versions_go(var: Path, store_url: str) -> None:
    names = ("published", "superseded", "proposed", "rejected", "drafted", "scenario")
    version = {name: _version(var, store_url, name)[0] for name in names[:4]}
    versions.publish(version["superseded"], store_url, var / "published")
    versions.reject(version["rejected"], store_url)
    drafts.save(store_url, "drafted", "proef", {}, "planner", draft_id=None, revision=0)
    for name in names:
        _run(var, name, 400)
    assert needed_runs(store_url) == {"published", "superseded", "proposed", "drafted"}

    removed = tidy(var, store_url, days=90, runs=0, now=NOW)
    assert set(removed.runs) == {"rejected", "scenario"}
    assert {path.name for path in (var / "runs").iterdir()} == set(names) - {"rejected", "scenario"}
    assert reads.versions(store_url)["version"].nunique() == 4  # the store keeps every row
    assert removed.proposals == ()  # rejected this minute


def test_files_of_a_proposal_go_long_after_it_was_rejected_and_come_back_with_it(var: Path, store_url: str) -> None:
    rejected, proposed = (_version(var, store_url, name)[0] for name in ("rejected", "proposed"))
    versions.reject(rejected, store_url)
    later = datetime.now(UTC) + timedelta(days=91)
    kept, gone = (var / "published" / "proposals" / f"v{version:04d}" for version in (proposed, rejected))
    assert tidy(var, store_url, now=later, is_trial=True).proposals == (gone.name,)
    assert gone.exists()
    assert tidy(var, store_url, now=later).proposals == (gone.name,)
    assert not gone.exists()
    assert kept.exists()
    assert _version(var, store_url, "rejected")[0] == rejected
    versions.publish(rejected, store_url, var / "published")  # sound again
    assert tidy(var, store_url, now=later).proposals == ()


def test_files_of_a_proposal_go_long_after_a_newer_one_took_its_place(var: Path, store_url: str) -> None:
    older, newer = (_version(var, store_url, name, scope="all")[0] for name in ("older", "newer"))
    later = datetime.now(UTC) + timedelta(days=91)
    gone, kept = (var / "published" / "proposals" / f"v{version:04d}" for version in (older, newer))
    assert tidy(var, store_url, now=later - timedelta(days=2)).proposals == ()
    assert tidy(var, store_url, now=later).proposals == (gone.name,)
    assert not gone.exists()
    assert kept.exists()
    assert _version(var, store_url, "older", scope="all")[0] == older
    versions.publish(older, store_url, var / "published")  # sound again


def test_old_caches_go_but_for_the_newest_of_each_kind(var: Path, store_url: str) -> None:
    versions.migrate(store_url)
    names = {
        "cache/embedded-97351cca4379": 400, "cache/embedded-0123456789ab": 300, "cache/embedded-aaaaaaaaaaaa": 10,
        "cache/built/pdok-2024-built-aaaaaaaaaaaa": 400, "cache/built/pdok-2023-built-bbbbbbbbbbbb": 400,
        "cache/pdok-2024": 400, "example/aaaaaaaaaaaa": 400, "example/bbbbbbbbbbbb": 399,
        "cache/.reading-killed": 400, "cache/.reading-abcdefgh": 1, "cache/built/.pdok-2024-built-killed": 400,
    }  # fmt: skip
    for name, days_ago in names.items():
        file = _log(var, f"{name}/areas.parquet", days_ago)
        written = file.stat().st_mtime
        os.utime(file.parent, (written, written))
    page = [_log(var, "page/a.json", 100), _log(var, "page/b.json", 3)]
    tidy(var, store_url, now=NOW)
    gone = {"cache/embedded-97351cca4379", "cache/embedded-0123456789ab", "example/aaaaaaaaaaaa"}
    gone |= {"cache/.reading-killed", "cache/built/.pdok-2024-built-killed"}
    assert {name for name in names if not (var / name).exists()} == gone
    assert [path.exists() for path in page] == [False, True]


def test_old_logs_go_and_what_a_killed_tidy_left_goes_too(var: Path, store_url: str) -> None:
    kept = [_log(var, "logs/dag/young.log", 10), _log(var, "airflow/run.log", 400), _log(var, "lineage.jsonl", 400)]
    gone = [
        _log(var, "logs/dag/old.log", 100),
        _log(var, "airflow/logs/a/old.log", 100),
        _log(var, "lineage-1.jsonl", 99),
    ]
    left = _run(var, ".going-killed", 1)
    removed = tidy(var, store_url, now=NOW)
    assert (removed.runs, removed.files) == ((), 4)
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in (*gone, left))


def test_large_lineage_is_put_aside_and_a_run_killed_before_its_first_word_is_judged_by_its_folder(
    var: Path, store_url: str
) -> None:
    with (_log(var, "lineage.jsonl", 0)).open("r+b") as file:
        file.truncate(50_000_001)
    mute = var / "runs" / "mute"
    mute.mkdir(parents=True)
    long_ago = (NOW - timedelta(days=200)).timestamp()
    os.utime(mute, (long_ago, long_ago))
    assert tidy(var, store_url, runs=0, now=NOW).runs == ("mute",)
    assert not (var / "lineage.jsonl").exists()
    assert len(list(var.glob("lineage-*.jsonl"))) == 1


def test_a_trial_removes_nothing_and_says_how_much_would_go(
    var: Path, store_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    versions.migrate(store_url)
    folder = _run(var, "old", 4000)
    words = ["tidy", "--store", store_url, "--var", str(var), "--runs", "0"]
    assert main([*words, "--trial"]) == 0
    assert folder.exists()
    assert capsys.readouterr().out == "run old\n1 run(s) and 0 file(s) would be removed, 0.0 MB\n".replace(
        "0.0 MB", f"{(1000 + (folder / 'run.json').stat().st_size) / 1e6:.1f} MB"
    )
    assert main(words) == 0
    assert not folder.exists()


@pytest.mark.parametrize(
    ("words", "message"), [(["--days", "14"], "14 days is too few"), (["--runs", "-1"], "negative")]
)
def test_what_could_take_a_run_that_waits_is_refused(
    var: Path, store_url: str, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    versions.migrate(store_url)
    assert main(["tidy", "--store", store_url, "--var", str(var), *words]) == 1
    assert message in capsys.readouterr().err
    with pytest.raises(Refused):
        tidy(var, store_url, days=14)


def test_nothing_outside_goes_through_a_link(
    var: Path, store_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who may write in the data folder, and not where a link leads, could have the nightly maintenance remove it."""
    outside = tmp_path / "outside"
    kept = [
        _log(outside, "logs/a.log", 400),
        _log(outside, "page/a.json", 400),
        _log(outside, "cache/x-0123456789ab/a", 9),
    ]
    _log(outside, "cache/x-0123456789ac/a", 9)
    os.utime(outside / "cache" / "x-0123456789ab", (0, 0))
    kept += [_run(outside, "old", 400) / "run.json", _log(outside, "file.log", 400)]
    (var / "runs").mkdir(parents=True)
    (var / "airflow").mkdir()
    for link, target in (
        ("logs", "logs"),
        ("page", "page"),
        ("cache", "cache"),
        ("runs/old", "runs/old"),
        ("runs/.going-old", "runs/old"),
        ("airflow/logs", "page"),
    ):
        (var / link).symlink_to(outside / target)
    removed = tidy(var, store_url, runs=0, now=NOW)
    assert (removed.runs, removed.files) == ((), 0)
    assert all(path.exists() for path in kept)
    assert (var / "runs" / "old").is_symlink()
    assert "is a link, or lies behind one" in caplog.text


def test_a_data_folder_that_is_a_link_itself_is_tidied(var: Path, store_url: str, tmp_path: Path) -> None:
    _run(var, "old", 400)
    (tmp_path / "linked").symlink_to(var)
    assert tidy(tmp_path / "linked", store_url, runs=0, now=NOW).runs == ("old",)


@pytest.mark.parametrize("record", ['{"created_at": "soon"}', '{"created_at": 5, "run_id": ["a"]}', "[1]", "{"])
def test_a_record_that_is_none_does_not_stop_it(record: str, var: Path, store_url: str) -> None:
    folder = _run(var, "odd", 400)
    (folder / "run.json").write_text(record)
    naive = _run(var, "naive", 0)
    (naive / "run.json").write_text('{"run_id": "naive", "created_at": "2024-01-01T00:00:00"}')
    dangling = var / "page" / "a.json"
    dangling.parent.mkdir()
    dangling.symlink_to("/nowhere/a.json")
    assert tidy(var, store_url, runs=0, now=NOW).runs == ("naive",)  # the odd one was written just now


@pytest.mark.parametrize(
    "error",
    [
        Refused("The storage refuses the password.\nExpired"),
        OSError(28, "No space left on device"),
        RuntimeError("x"),
    ],
)
def test_what_fails_after_the_commit_does_not_say_that_nothing_was_published(
    var: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    version, _ = _version(var, store_url, "eerste")
    where = ["--store", store_url, "--var", str(var)]

    def fails(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(versions, "_catch_up", fails)
        assert main(["publish", str(version), *where]) == 0
    why = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0].rstrip(".")
    assert f"Version {version} is published, and the store says so." in caplog.text
    assert f"is behind: {why}. `caseload tidy` brings it up to the store." in caplog.text
    assert reads.current_version(store_url) == version


def test_who_is_overtaken_right_after_the_commit_has_published_all_the_same(
    var: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another person puts the first version back before this publication has returned."""
    one, _ = _version(var, store_url, "eerste")
    published = versions.publish(one, store_url, var / "published")
    two, _ = _version(var, store_url, "tweede")
    catch_up = versions._catch_up

    def after_another(address: str, folder: Path) -> None:
        monkeypatch.setattr(versions, "_catch_up", catch_up)
        versions.rollback(one, address, folder, reason="te snel", by="een ander")

    monkeypatch.setattr(versions, "_catch_up", after_another)
    folder = versions.publish(two, store_url, var / "published")
    assert folder.exists()
    assert folder != published
    assert reads.current_version(store_url) == one


def test_a_stop_after_the_commit_is_told_and_caught_up_with(
    var: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    version, _ = _version(var, store_url, "eerste")
    timeline, where = var / "published" / "timeline.json", ["--store", store_url, "--var", str(var)]

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(versions, "_catch_up", stop)
        assert main(["publish", str(version), *where]) == 130
    assert "`caseload versions` says what is" in capsys.readouterr().err
    assert reads.current_version(store_url) == version
    assert json.loads(timeline.read_text())["periods"] == []
    assert main(["tidy", "--trial", *where]) == 0
    assert json.loads(timeline.read_text())["periods"] == []
    assert main(["tidy", *where]) == 0
    assert [one["version"] for one in json.loads(timeline.read_text())["periods"]] == [version]
    written = timeline.stat().st_mtime_ns
    assert main(["tidy", *where]) == 0
    assert timeline.stat().st_mtime_ns == written
