"""A run: what was asked is kept and comes back, and the day before its division begins is the right one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.runs import run_files
from allocation.runs.file_kinds import RunIncomplete
from allocation.runs.run import Run, new_name, run_folder
from allocation.runs.run_files import InForce, Unchanged, VersionRecord
from tests.support import toy

TODAY = date(2026, 3, 10)


def begun(var: Path, valid_from: date | None = None) -> Run:
    return Run.start(
        input_dir=Path("in"), boundaries="embedded", store="sqlite:///x.sqlite", config=Config(valid_from=valid_from),
        var=var, run_id="first", today=TODAY, created_by="planner",
    )  # fmt: skip


def test_a_run_is_opened_as_it_was_started(tmp_path: Path) -> None:
    run = begun(tmp_path, date(2026, 4, 1))
    assert Run.open(run.folder) == run
    assert run.record.created_at.tzinfo is not None
    assert (run.var, run.files_dir) == (tmp_path, tmp_path / "published")


@pytest.mark.parametrize(
    ("valid_from", "eve"),
    [
        (None, TODAY),  # from today on: who has a client today
        (date(2026, 3, 10), TODAY),  # the first day is today: the day before it is past, today counts
        (date(2026, 3, 11), TODAY),  # from tomorrow on: the day before is today
        (date(2026, 3, 12), date(2026, 3, 11)),
        (date(2026, 4, 1), date(2026, 3, 31)),
        (date(2026, 1, 1), TODAY),  # a first day in the past
    ],
)
def test_the_eve_is_the_last_day_before_the_division(valid_from: date | None, eve: date, tmp_path: Path) -> None:
    assert begun(tmp_path, valid_from).eve == eve


def test_a_name_never_leads_out_of_the_folder_of_runs(tmp_path: Path) -> None:
    assert run_folder(tmp_path, "../../etc/x y").parent == tmp_path / "runs"


def test_a_name_that_is_too_long_for_a_folder_is_cut_and_stays_apart(tmp_path: Path) -> None:
    for sign in ("x", "\u5b57"):
        folders = [run_folder(tmp_path, sign * 250 + last) for last in "ab"]
        assert len({*folders}) == 2
        for folder in folders:
            folder.mkdir(parents=True)
            assert len(folder.name.encode()) == 200
    assert run_folder(tmp_path, "x" * 200).name == "x" * 200


def test_a_name_that_differs_in_a_sign_that_no_folder_has_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    """Who starts a run in Airflow chooses its name: also one that looks like that of a run which has just begun."""

    def start(run_id: str) -> Run:
        return Run.start(
            input_dir=None,
            boundaries="embedded",
            store="sqlite:///x.sqlite",
            config=Config(),
            var=tmp_path,
            run_id=run_id,
        )

    first, second = start("manual__09:00"), start("manual__09-00")
    assert [run.folder.name for run in (first, second)] == ["manual__09-00", "manual__09-00-2"]
    assert [start(name).folder.name for name in ("manual__09:00", "manual__09-00")] == [
        "manual__09-00",
        "manual__09-00-2",
    ]
    (first.folder / "run.json").write_text("{")
    assert start("manual__09:00").folder == first.folder


def test_a_folder_is_written_by_one_run_only(tmp_path: Path) -> None:
    """A run that is only begun may be begun again, with other input; one whose steps left files may not."""
    first = begun(tmp_path)
    assert begun(tmp_path).folder == first.folder
    first.write(run_files.IN_FORCE, InForce())
    second = begun(tmp_path)
    second.write(run_files.IN_FORCE, InForce())
    assert [run.run_id for run in (first, second, begun(tmp_path))] == ["first", "first-2", "first-3"]
    assert [run.folder.name for run in (first, second)] == ["first", "first-2"]


@pytest.mark.parametrize(
    "store", ["postgresql://planner:geheim-7@db.example/c", "postgresql://db.example/c?user=planner&password=geheim-7"]
)
def test_no_file_of_a_run_holds_the_password_of_the_store(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.start(
        input_dir=None, boundaries="embedded", store=store, config=Config(), var=tmp_path, today=TODAY,
        created_by="planner",
    )  # fmt: skip
    assert run.store == store
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"geheim-7" in path.read_bytes() for path in files)
    monkeypatch.setenv("CASELOAD_STORE", store)
    assert Run.open(run.folder).store == store, "another process has it from its surroundings"
    monkeypatch.setenv("CASELOAD_STORE", store.replace("db.example", "other.example"))
    assert "geheim-7" not in Run.open(run.folder).store, "but never the secret of another store"


@pytest.mark.parametrize("login", ["page:geheim-7", "page"])
def test_who_opens_a_run_logs_in_to_its_store_as_himself(
    login: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page made it with its login, which may propose; the worker publishes it with his."""
    begun = Run.start(
        input_dir=None, boundaries="embedded", store=f"postgresql://{login}@db.example:5433/c", config=Config(),
        var=tmp_path, today=TODAY, created_by="planner",
    )  # fmt: skip
    own = "postgresql://pipeline:geheim-8@db.example:5433/c?sslmode=require"
    monkeypatch.setenv("CASELOAD_STORE", own)
    assert Run.open(begun.folder).store == own
    for other in (own.replace("5433", "5432"), own.replace("/c?", "/d?"), own.replace("db.example", "b.example")):
        monkeypatch.setenv("CASELOAD_STORE", other)
        assert "geheim" not in Run.open(begun.folder).store, "another database"


def test_a_folder_without_a_run_is_one_plain_error(tmp_path: Path) -> None:
    with pytest.raises(RunIncomplete, match=r"run\.json does not exist"):
        Run.open(tmp_path)


def test_a_run_without_version_or_validation_says_so(tmp_path: Path) -> None:
    run = begun(tmp_path)
    assert (run.version(), run.validation(), run.has_outcome) == (None, {}, False)
    run.write(run_files.VERSION, VersionRecord(version=7))
    assert run.version() == 7


def test_a_run_that_ended_before_a_decision_says_whose_outcome_it_has(tmp_path: Path) -> None:
    """A later try that found otherwise writes that there is none."""
    run = begun(tmp_path)
    assert run.unchanged() is None
    run.write(run_files.UNCHANGED, Unchanged(version=None))
    assert run.unchanged() is None
    run.write(run_files.UNCHANGED, Unchanged(version=3, what="input"))
    assert run.unchanged() == Unchanged(version=3, what="input")


def test_two_runs_that_are_made_in_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    """Two pages beside each other hand in at once: nobody has written a file yet that would tell the folder taken."""
    names = [new_name("concept") for _ in range(50)]
    assert len(set(names)) == 50
    assert all(run_folder(tmp_path, name).name == name for name in names)


def test_what_one_step_leaves_the_next_one_reads(tmp_path: Path) -> None:
    run = begun(tmp_path)
    run_files.AREAS.write(run.folder, toy.polygons())
    assert list(run.areas().columns) == list(toy.areas().columns)

    run.write_plan("vangnet", ("1001", "1002"), np.array([1, 0]))
    assert not run.has_result("vangnet")
    told = {"objective": 2.5, "is_feasible": True, "violations": []}
    run.write_result("vangnet", told)
    assert run.plan("vangnet").tolist() == [1, 0]
    assert run.has_result("vangnet")
    assert run.result("vangnet") == told

    run.write(run_files.IN_FORCE, InForce(version=None))
    assert run.in_force_table("routing") is None
    routing = pd.DataFrame({"pc4": ["1001"], "team_id": ["W1"]})
    run_files.IN_FORCE_TABLES.table("routing").write(run.folder, routing)
    run.write(run_files.IN_FORCE, InForce(version=4))
    pd.testing.assert_frame_equal(run.in_force_table("routing"), routing)


def test_a_table_of_the_outcome_goes_before_what_a_step_left_under_its_name(tmp_path: Path) -> None:
    run = begun(tmp_path)
    left, outcome = pd.DataFrame({"pc4": ["1001"]}), pd.DataFrame({"pc4": ["1002"]})
    left.to_parquet(run.folder / "teams.parquet")
    assert run.frame("teams")["pc4"].tolist() == ["1001"]
    table = run_files.OUTCOME.table("teams")
    table.write(run.folder, outcome)
    assert run.frame("teams")["pc4"].tolist() == ["1002"]


def test_what_is_kept_after_an_act_is_kept(tmp_path: Path) -> None:
    run = begun(tmp_path)
    run.write_after("Version 3 is in force", run_files.VERSION, VersionRecord(version=3))
    assert run.read(run_files.VERSION).version == 3


def test_what_cannot_be_kept_after_an_act_is_told_and_undoes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = begun(tmp_path)
    run.path(run_files.VERSION).mkdir()
    run.write_after("Version 3 is in force", run_files.VERSION, VersionRecord(version=3))
    assert "Version 3 is in force; version.json of run first could not be written" in caplog.text
