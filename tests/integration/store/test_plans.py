"""Which steps of a plan are published: what is in force on their days counts, whatever run published it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from allocation.cli import planning
from allocation.contract import calendar
from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.pipeline import plan_ahead, run_all
from allocation.publication import store, versions
from allocation.report import summary
from allocation.runs import run_files
from allocation.runs.run import Run
from allocation.runs.run_files import InForce, VersionRecord
from tests.support.outcomes import Country, write_outcome

TODAY = store.today()
SPRING, SUMMER = TODAY + timedelta(days=100), TODAY + timedelta(days=200)
MOVES = {SPRING: {"1000": "A2"}, SUMMER: {"1001": "A2"}}
Plan = Callable[[str], Run]


@pytest.fixture
def plan(tmp_path: Path, store_url: str, files_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan with a step in spring and one in summer, by its name. Version 1 is in force, a step's outcome is that of
    its day, and the steps before the proposal are left out."""
    versions.publish(
        versions.propose(write_outcome(tmp_path / "first", small()), store_url, files_dir), store_url, files_dir
    )

    def run_to(run: Run, *, until: str, **_: object) -> None:
        assert until in ("proposal", "publication")
        make(run)
        if until == "publication":
            versions.publish(run.read(run_files.VERSION).version, run.store, run.files_dir)

    monkeypatch.setattr(run_all, "run_all", run_to)
    monkeypatch.setattr(summary, "summary", lambda _run: {})
    monkeypatch.setattr(summary, "summary_text", lambda _figures: "")

    def named(run_id: str) -> Run:
        run = Run.start(
            input_dir=None, boundaries="", store=store_url, config=Config(), var=tmp_path, run_id=run_id,
            created_by="planner",
        )  # fmt: skip
        steps = pd.DataFrame({"day": [SPRING, SUMMER], "is_solved": True})
        plans = pd.DataFrame({"day": [SPRING, SUMMER], "layer": "a", "unit": "1000", "team_id": "A2"})
        run.write(run_files.IN_FORCE, InForce(version=1))
        run_files.CALENDAR.write(run.folder, {"steps": steps, "plans": plans})
        return run

    return named


def small(**wanted: object) -> Country:
    return Country(**{"columns": 4, "rows": 2, **wanted})  # type: ignore[arg-type]


def make(step: Run) -> int:
    """Propose a step, as its run does."""
    day = step.config.valid_from
    assert day is not None
    folder = write_outcome(step.folder / "made", small(moves=MOVES[day], note=str(day)))
    runs = pd.read_parquet(folder / "runs.parquet").assign(run_id=step.run_id)
    runs.to_parquet(folder / "runs.parquet", index=False)
    version = versions.propose(folder, step.store, step.files_dir, valid_from=day)
    step.write(run_files.VERSION, VersionRecord(version=version))
    return version


def proposed(plan: Run, store_url: str) -> Run:
    step = plan_ahead.next_step(plan, store_url)
    assert step is not None
    make(step)
    return step


def next_day(plan: Run, store_url: str) -> date | None:
    step = plan_ahead.next_step(plan, store_url)
    return step and step.config.valid_from


def test_a_second_plan_with_equal_steps_ends(plan: Plan, store_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its steps get the numbers of the first one's versions, which stay of the run that they were published of."""
    assert planning._take_steps(plan("one"), store_url, is_published=True) == 0
    two = plan("two")
    assert plan_ahead.published_days(two, store_url) == {}
    assert planning._take_steps(two, store_url, is_published=True) == 0
    assert plan_ahead.published_days(two, store_url) == {SPRING: 2, SUMMER: 3}
    assert len(list((two.var / "runs").glob("two-*"))) == 2
    assert capsys.readouterr().out.count("every step of this plan is published") == 2


def test_a_step_that_another_plan_published_is_passed_over(
    plan: Plan, store_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = plan("one"), plan("two")
    versions.publish(make(proposed(one, store_url)), store_url, one.files_dir)
    assert planning._take_steps(two, store_url, is_published=False) == 0
    told = capsys.readouterr().out
    assert f"step {SPRING}" in told
    assert "this step is published already; the next one follows" in told
    assert f"step {SUMMER}" in told
    assert plan_ahead.published_days(two, store_url) == {SPRING: 2}


@pytest.mark.parametrize("days", [-5, 5])
def test_a_step_that_was_published_for_another_day_is_done(plan: Plan, store_url: str, days: int) -> None:
    one = plan("one")
    step = proposed(one, store_url)
    versions.publish(2, store_url, one.files_dir, valid_from=SPRING + timedelta(days=days))
    assert plan_ahead.is_published(one, store_url, step)
    assert next_day(one, store_url) == SUMMER


@pytest.mark.parametrize("replaced", [True, False])
def test_a_step_that_is_not_in_force_on_its_day_is_one_sentence(plan: Plan, store_url: str, replaced: bool) -> None:
    """Another version took its place, or it was published for after the next step."""
    one = plan("one")
    proposed(one, store_url)
    versions.publish(2, store_url, one.files_dir, valid_from=SPRING if replaced else SUMMER)
    if replaced:
        versions.rollback(1, store_url, one.files_dir, reason="toch niet", by="anna", valid_from=SPRING)
    for is_published in (False, True):
        with pytest.raises(Refused, match=r"[Vv]ersion 2.* was published before and is not in force on .*rollback"):
            planning._take_steps(one, store_url, is_published=is_published)
    versions.rollback(2, store_url, one.files_dir, reason="toch wel", by="anna", valid_from=SPRING)
    assert next_day(one, store_url) == SUMMER


def test_a_step_whose_day_is_past_is_one_sentence(plan: Plan, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = plan("one")
    monkeypatch.setattr(calendar, "today", lambda: SPRING)
    assert next_day(one, store_url) == SPRING, "on the day itself it can be published"
    monkeypatch.setattr(calendar, "today", lambda: SPRING + timedelta(days=1))
    with pytest.raises(Refused, match=f"Step {SPRING} of plan one was not published before .* Make a new plan"):
        next_day(one, store_url)


def test_a_step_does_not_undo_what_was_published_after_the_plan(plan: Plan, store_url: str, tmp_path: Path) -> None:
    """A version with newer counts and the same division is in nobody's way."""
    one = plan("one")
    for number, country in ((2, small(note="nieuwere aantallen")), (3, small(moves={"1001": "A2"}, from_version=2))):
        if number == 3:
            assert next_day(one, store_url) == SPRING
        folder = write_outcome(tmp_path / f"made{number}", country)
        assert versions.propose(folder, store_url, one.files_dir) == number
        versions.publish(number, store_url, one.files_dir)
    with pytest.raises(Refused, match=r"Version 3 is in force on .* run one was made beside version 1: .* undone"):
        next_day(one, store_url)


def test_the_second_step_follows_from_the_first(plan: Plan, store_url: str) -> None:
    one = plan("one")
    versions.publish(make(proposed(one, store_url)), store_url, one.files_dir)
    assert next_day(one, store_url) == SUMMER
