"""Whether a run asks for a decision, on the toy country: the same question, the same answer, a newer proposal."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from allocation.contract import calendar
from allocation.contract.calendar import today
from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.pipeline import alerts, deciding, steps
from allocation.publication import reads, store, timeline, versions
from allocation.report import dutch, summary
from allocation.report.decision import decision
from allocation.report.frames import Frames
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.support import gates, steps_once, toy


@dataclass(frozen=True)
class Toy:
    folder: Path
    areas: Path

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder / 'store.sqlite'}"

    def asked(self, name: str, changed: dict[str, pd.DataFrame] | None = None, **config: Any) -> Run:
        """A run up to its checked input. The teams and stock are those of the toy, but for what is ``changed``."""
        tables = {"current": toy.tables()["current"].iloc[:0]} | (changed or {})
        run = Run.start(
            input_dir=toy.write(self.folder / f"input-{name}", tables),
            boundaries=str(self.areas),
            store=self.store,
            config=Config.from_values(config),
            var=self.folder / "var",
            run_id=name,
            today=today(),
        )
        steps.prepare_boundaries(run)
        return steps_once.check(run)

    def divided(self, name: str, changed: dict[str, pd.DataFrame] | None = None, **config: Any) -> Run:
        """A run up to its outcome."""
        return steps_once.divide(self.asked(name, changed, **config))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The country with a first version in force."""
    folder = tmp_path_factory.mktemp("deciding") / "country"
    folder.mkdir()
    toy.polygons().to_file(folder / "areas.gpkg", driver="GPKG")
    first = Toy(folder, folder / "areas.gpkg").divided("first")
    gates.propose(first)
    steps.publish(first)
    return folder


@pytest.fixture
def country(made: Path, tmp_path: Path) -> Toy:
    """A copy of ``made`` for one test, with the very same file of boundaries: they are built once."""
    return Toy(Path(shutil.copytree(made, tmp_path / "country")), made / "areas.gpkg")


def more_stock() -> dict[str, pd.DataFrame]:
    stock = toy.tables()["stock"]
    stock.loc[0, "clients"] = "3"
    return {"stock": stock}


def another_holder() -> dict[str, pd.DataFrame]:
    """The first postcode is pinned to the other team of its region."""
    return {"locks": toy.locks(("1001", "W2", "pin", "", ""), ("1009", "W1", "pin", "", ""))}


def status(country: Toy) -> dict[int, str]:
    known = reads.versions(country.store)
    return dict(sorted(zip(known["version"], known["status"], strict=True)))


def test_the_same_input_makes_no_run(country: Toy) -> None:
    run = country.asked("same")
    found = deciding.end_if_input_unchanged(run, also_waiting=False)
    assert found is not None
    assert (found.version, found.is_in_force, found.what) == (1, True, "input")
    assert run.unchanged() == found


@pytest.mark.parametrize(
    "config", [{"tolerance": 0.06}, {"regions": ["West"]}, {"propose_unchanged": True}], ids=lambda c: next(iter(c))
)
def test_who_asks_something_else_gets_a_run(country: Toy, config: dict[str, Any]) -> None:
    assert deciding.end_if_input_unchanged(country.asked("other", **config), also_waiting=True) is None


def test_other_files_are_another_question(country: Toy) -> None:
    assert deciding.end_if_input_unchanged(country.asked("other", more_stock()), also_waiting=True) is None


def test_a_team_that_starts_makes_another_question_of_the_same_files(country: Toy) -> None:
    """The files stay as they are; on the first day of the division another team is in force."""
    day = today() + timedelta(days=30)
    teams = toy.tables()["teams"]
    teams.loc[teams["team_id"] == "W2", "valid_to"] = str(day - timedelta(days=1))
    new = teams[teams["team_id"] == "W2"].assign(team_id="W3", name="SMC W3", valid_from=str(day), valid_to="")
    teams = pd.concat([teams, new], ignore_index=True)
    now, later = country.asked("now", {"teams": teams}), country.asked("later", {"teams": teams}, valid_from=str(day))
    records = [run.read(run_files.INPUT) for run in (now, later)]
    assert records[0].sha256 == records[1].sha256
    assert records[0].roster != records[1].roster


@pytest.mark.heavy
def test_other_counts_with_the_same_teams_for_all_need_no_decision(country: Toy) -> None:
    run = country.divided("more", more_stock())
    found = steps.end_if_outcome_unchanged(run)
    assert found is not None
    assert (found.version, found.what) == (1, "outcome")
    assert steps.end_if_outcome_unchanged(country.divided("even so", more_stock(), propose_unchanged=True)) is None


def test_another_division_needs_one(country: Toy) -> None:
    run = country.divided("pinned", another_holder())
    assert steps.end_if_outcome_unchanged(run) is None
    assert run.unchanged() is None


@pytest.mark.heavy
def test_a_division_that_was_taken_back_is_not_told_as_a_new_proposal(country: Toy) -> None:
    """The same content keeps its number, and what was published is put back: nobody can approve it once more."""
    first = country.divided("pinned", another_holder())
    steps.write_report(first)
    gates.propose(first)
    assert "  2 (proposed)\n" in summary.summary_text(summary.summary(first))
    steps.publish(first)
    versions.rollback(1, country.store, first.files_dir, reason="too early", by="anna")
    again = country.divided("again", another_holder())
    steps.write_report(again)
    gates.propose(again)
    told = summary.summary(again)
    assert "2 (published before; caseload rollback puts it in force again)" in summary.summary_text(told)
    assert "| Versie | 2, al eerder gepubliceerd: een beheerder kan haar terugzetten |" in alerts.proposal(told)


@pytest.mark.heavy
def test_a_finding_of_an_earlier_try_does_not_stay(country: Toy) -> None:
    """A task that is cleared may find otherwise, because another version was published in between."""
    run = country.divided("again", more_stock())
    steps.end_if_outcome_unchanged(run)
    other = country.divided("other", another_holder())
    gates.propose(other)
    steps.publish(other)
    assert steps.end_if_outcome_unchanged(run) is None
    assert run.unchanged() is None


@pytest.mark.heavy
def test_a_newer_proposal_takes_the_place_of_the_one_that_waits(country: Toy) -> None:
    older, newer = country.divided("older", another_holder()), country.divided("newer", another_holder(), tolerance=0.9)
    gates.propose(older)
    assert deciding.why_no_longer_asked(older) is None
    assert gates.propose(newer) == 3
    assert status(country) == {1: "published", 2: "withdrawn", 3: "proposed"}
    assert newer.read(run_files.VERSION).withdrew == (2,)
    why = deciding.why_no_longer_asked(older)
    assert why == "Voorstel 2 is ingetrokken: voorstel 3 komt ervoor in de plaats."
    assert deciding.why_no_longer_asked(newer) is None
    steps.publish(newer)
    assert newer.read(run_files.VERSION).withdrew == (2,)
    assert deciding.why_no_longer_asked(newer) == "Over voorstel 3 is al besloten."


@pytest.mark.heavy
def test_the_same_proposal_of_a_later_run_is_asked_by_that_run_only(country: Toy) -> None:
    first, again = country.divided("one", another_holder()), country.divided("two", another_holder())
    assert gates.propose(first) == gates.propose(again) == 2
    assert status(country) == {1: "published", 2: "proposed"}
    why = deciding.why_no_longer_asked(first)
    assert why == "Voorstel 2 is opnieuw gedaan door een latere run, die op een besluit wacht."
    assert deciding.why_no_longer_asked(again) is None


LATER = str(today() + timedelta(days=18))


@pytest.mark.heavy
@pytest.mark.parametrize(("asked_first", "asked_last"), [({}, {"valid_from": LATER}), ({"valid_from": LATER}, {})])
def test_an_answer_holds_for_the_first_day_that_its_question_showed(
    country: Toy, asked_first: dict[str, str], asked_last: dict[str, str]
) -> None:
    """The same content for another day has the same number, so the older question would approve of the newer day."""
    older = country.divided("one", another_holder(), **asked_first)
    newer = country.divided("two", another_holder(), **asked_last)
    assert gates.propose(older) == gates.propose(newer) == 2
    with pytest.raises(Refused, match=r"Version 2 was proposed anew after this .* was asked about"):
        steps.publish(older)
    with pytest.raises(Refused, match=r"Version 2 was proposed anew after this .* was asked about"):
        steps.reject(older, {"by": "anna", "remark": "nee", "decision": "rejected"})
    assert status(country) == {1: "published", 2: "proposed"}
    steps.publish(newer)
    began = reads.versions(country.store).set_index("version").loc[2, "valid_from"]
    assert str(began) == asked_last.get("valid_from", str(today()))


def test_a_first_day_that_is_past_ends_the_run_when_it_begins(country: Toy) -> None:
    with pytest.raises(Refused, match="before today"):
        country.asked("late", valid_from=str(today() - timedelta(days=1)))


def test_a_version_that_is_published_for_later_is_not_told_as_in_force(country: Toy) -> None:
    run = country.divided("one", another_holder(), valid_from=LATER)
    gates.propose(run)
    steps.publish(run)
    assert f"  2 (in force from {LATER})\n" in summary.summary_text(summary.summary(run))


def test_an_approval_after_the_planned_day_publishes_from_today(country: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    run = country.divided("one", another_holder(), valid_from=LATER)
    gates.propose(run)
    then = today() + timedelta(days=20)
    for module in (calendar, store, timeline):
        monkeypatch.setattr(module, "today", lambda: then)
    steps.publish(run)
    assert reads.versions(country.store).set_index("version").loc[2, "valid_from"] == then


def test_the_question_names_the_first_day(country: Toy) -> None:
    on_a_day = country.divided("one", another_holder(), valid_from=LATER)
    when_approved = country.divided("two", another_holder())
    told = [alerts.proposal(summary.summary(run) | {"report": ""}) for run in (on_a_day, when_approved)]
    assert f"| Ingangsdatum | {dutch.day(LATER)} |" in told[0]
    assert "| Ingangsdatum | de dag van goedkeuring |" in told[1]


@pytest.mark.heavy
def test_the_question_names_a_version_that_is_planned_to_take_over(country: Toy) -> None:
    """The store only logs it, when it is published: nobody who approves reads that."""
    planned = country.divided("planned", another_holder(), valid_from=LATER)
    gates.propose(planned)
    steps.publish(planned)
    now = country.divided("now", another_holder(), tolerance=0.9)
    gates.propose(now)
    told = alerts.proposal(summary.summary(now))
    assert f"Let op: {dutch.planned_later([(2, today() + timedelta(days=18))])}" in told
    assert "neemt versie 2 het over, die al gepland is" in told


@pytest.mark.heavy
def test_proposals_can_wait_side_by_side(country: Toy) -> None:
    for name, tolerance in (("one", 0.05), ("two", 0.9)):
        gates.propose(country.divided(name, another_holder(), tolerance=tolerance), beside_others=True)
    assert status(country) == {1: "published", 2: "proposed", 3: "proposed"}


def test_the_scope_says_which_regions_from_when_and_of_what(country: Toy) -> None:
    day = str(today() + timedelta(days=5))
    scopes = [
        deciding.scope(country.asked("a")),
        deciding.scope(country.asked("b", regions=["Oost", "1"])),
        deciding.scope(country.asked("c", regions=["Oost"], valid_from=day)),
    ]
    assert scopes == [
        "regions all; from approval; input",
        "regions all; from approval; input",
        f"regions 2; from {day}; input",
    ]
    handed_in = country.asked("d")
    handed_in.write(run_files.CHANGES, {"moves": []})
    assert deciding.scope(handed_in) == f"regions all; from approval; draft of {handed_in.created_by}"
    assert deciding.fingerprints(handed_in)["changes"]


def test_a_version_is_in_force_also_when_the_folder_of_its_run_cannot_be_written(
    country: Toy, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a full disk: the step does not fail of what it keeps after the commit, and can be done again."""
    run = country.divided("second", another_holder())
    gates.propose(run)
    kept = run.path(run_files.VERSION)
    in_the_way = kept.with_name(f".{kept.name}.{os.getpid()}")
    in_the_way.mkdir()
    folder = steps.publish(run)
    assert reads.current_version(country.store, today()) == 2
    (told,) = [one.getMessage() for one in caplog.records if one.name.startswith("allocation.runs")]
    assert told == (
        "Version 2 is in force; version.json of run second could not be written and stays as it was: Is a directory."
    )
    assert run.read(run_files.VERSION).folder is None
    in_the_way.rmdir()
    assert steps.publish(run) == folder
    assert run.read(run_files.VERSION).folder == str(folder)


def answers(country: Toy, version: int) -> pd.Series:
    """What K&S tells of each postcode while this version is in force."""
    (file,) = (country.folder / "var" / "published").glob(f"v{version:04d}_*/**/kns_postcode.parquet")
    rows = pd.read_parquet(file)
    return rows.groupby("pc4")["message"].agg(set)


@pytest.mark.heavy
def test_a_team_that_moves_office_is_told_and_its_answers_and_files_are_counted(country: Toy) -> None:
    """W2 moves, and everybody keeps his team: K&S tells another office for each of its postcodes."""
    teams = toy.tables()["teams"]
    teams.loc[teams["team_id"] == "W2", "office"] = "Amersfoort"
    run = country.divided("moving", {"teams": teams})
    assert run.outcome("allocation_changes").empty
    gates.propose(run)
    steps.publish(run)
    own = run.outcome("allocation").query("team_id == 'W2'")["pc4"].nunique()
    other = (answers(country, 1) != answers(country, 2)).sum()
    found = run.outcome("impact").set_index(["division", "subject"])["new"]
    assert found["K&S", "postcodes waarvoor het antwoord verandert"] == other == own
    assert found["B&B", "dossiers die naar een ander kantoor verhuizen"] == 2 * own  # two in stock in each postcode

    told = decision(Frames.read(run.folder), ["West", "Oost"])
    assert told.summary.endswith("postcode van team. Van kantoor verhuist W2 (van Utrecht naar Amersfoort).")
    assert told.offices == ["W2 (van Utrecht naar Amersfoort)."]
    figures = summary.summary(run)
    assert "teams that move office   W2: Utrecht to Amersfoort" in summary.summary_text(figures)
    asked = alerts.proposal(figures | {"report": ""})
    assert "| Teams die van kantoor verhuizen | W2 (van Utrecht naar Amersfoort) |" in asked
