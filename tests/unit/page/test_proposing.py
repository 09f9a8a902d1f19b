"""From a saved draft to a run of the pipeline, on the toy country (see ``test_whatif`` for its map)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.contract import calendar
from allocation.contract.errors import Refused
from allocation.intake.inputs import Inputs
from allocation.layers.layer import Layer
from allocation.page import proposing
from allocation.page.changes import ChangeSet, LockChange, Move, NewTeam, TeamChange
from allocation.page.desk import Desk
from allocation.page.suggestions import suggestions
from allocation.page.whatif import Bench
from allocation.pipeline import steps
from allocation.publication import drafts, reads, versions
from allocation.report.board import Board
from allocation.runs import run_files
from allocation.runs.run import Run, run_folder
from tests.support import gates, toy
from tests.support.browser import toy_run
from tests.unit.page.test_whatif import office_in_the_other_region


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of its own for every test: each begins another one beside it."""
    return toy_run(tmp_path / "var", tolerance=0.5)


def a_move(run: Run) -> Move:
    """Postcode 1005 to the team that the page would suggest."""
    best = suggestions(Bench(run.folder).variant(ChangeSet()), "vangnet", ["1005"])[0]
    return Move(layer="vangnet", pc4="1005", team_id=best.team_id)


def saved(run: Run, changes: ChangeSet) -> int:
    content = changes.model_dump(mode="json")
    return drafts.save(run.store, run.run_id, "plan", content, "Anna", draft_id=None, revision=0).draft_id


def begun(run: Run) -> Run:
    return Run.start(
        input_dir=None, boundaries="embedded", store=run.store, config=run.config.model_copy(update={"reason": "land"}),
        var=run.folder.parent.parent, run_id="allocate__manual", today=run.today, created_by="Bert", dag_run="manual",
    )  # fmt: skip


def test_a_run_from_a_draft_has_its_teams_locks_and_moves(run: Run) -> None:
    move = a_move(run)
    other = "O1" if move.team_id.startswith("W") else "W1"
    lock = LockChange(pc4="1003", team_id="O1", kind="bar", reason="staf woont daar", made_by="Anna")
    changes = ChangeSet(moves=(move,), locks=(lock,), teams=(TeamChange(team_id=other, fte=2.5),))
    made = proposing.from_draft(begun(run), saved(run, changes))
    steps.prepare_boundaries(made)
    steps.check_inputs(made)
    inputs = Inputs.read(made.folder / "inputs")
    locks = {(one.pc4, one.team_id, one.kind, one.reason) for one in inputs.locks.itertuples()}
    assert locks == {("1005", move.team_id, "pin", "met de hand verplaatst"), ("1003", "O1", "bar", "staf woont daar")}
    assert inputs.teams.set_index("team_id").at[other, "fte_verzekeringsarts"] == 2.5
    assert (made.config.tolerance, made.config.reason, made.created_by) == (0.5, "land", "Bert")
    assert Run.open(made.folder).dag_run == "manual"


@pytest.mark.heavy
def test_the_country_is_divided_around_what_the_planner_moved(run: Run) -> None:
    move = a_move(run)
    var = run.folder.parent.parent
    version = proposing.divide_country(var, run.store, saved(run, ChangeSet(moves=(move,))), "Anna", "hele land")
    from allocation.publication import reads

    told = reads.versions(run.store).set_index("version").loc[version]
    assert (told["status"], told["created_by"], told["reason"]) == ("proposed", "Anna", "hele land")
    division = Run.open(run_folder(var, str(told["run_id"]))).frame("allocation")
    mine = division[(division["pc4"] == "1005") & (division["law_domain"] == "zw_wia")]
    assert set(mine["team_id"]) == {move.team_id}


def all_of(run: Run, gone: str, to: str) -> ChangeSet:
    """The draft in which a team stops and another takes its postcodes."""
    division = run.frame("allocation")
    codes = sorted(set(division.loc[division["team_id"] == gone, "pc4"]))
    moves = tuple(Move(layer="vangnet", pc4=pc4, team_id=to) for pc4 in codes)
    return ChangeSet(moves=moves, teams=(TeamChange(team_id=gone, is_closed=True),))


def submitted(run: Run, changes: ChangeSet, first: date | None) -> Run:
    """The run of a proposal that was made of a draft."""
    var = run.folder.parent.parent
    with gates.opened():
        version = proposing.submit_in(var, run.store, run.run_id, changes, "Anna", "stopt", first)
    known = reads.versions(run.store).set_index("version")
    return Run.open(run_folder(var, str(known.at[version, "run_id"])))


def last_day(run: Run, team: str) -> date | None:
    """The last day of a team as it is published."""
    (last,) = run.frame("team_periods").set_index("team_id").loc[[team], "valid_to"]
    return None if pd.isna(last) else pd.Timestamp(last).date()


@pytest.mark.heavy
def test_a_team_with_its_office_in_another_region_is_proposed(tmp_path: Path) -> None:
    new = NewTeam(team_id="N1", name="Nieuw", office="Oosterstad", office_pc4="1003", region=1, fte=1)
    changes = ChangeSet(moves=(Move(layer="vangnet", pc4="1001", team_id="N1"),), new_teams=(new,))
    made = submitted(office_in_the_other_region(tmp_path / "var"), changes, None)
    division = made.frame("allocation").query("pc4 == '1001' and law_domain == 'zw_wia'")
    assert set(division["team_id"]) == {"N1"}


@pytest.mark.parametrize("days", [pytest.param(0, marks=pytest.mark.heavy), 90])
def test_a_team_stops_on_the_day_before_the_first_day(run: Run, days: int) -> None:
    """W2 of the West stops; without a first day on the one of the run, else on the chosen one. Its files move."""
    first = run.layers().day + timedelta(days=days)
    with gates.opened():
        made = submitted(run, all_of(run, "W2", "W1"), first if days else None)
    assert (made.layers().day, last_day(made, "W2"), last_day(made, "W1")) == (first, first - timedelta(days=1), None)
    files = made.frame("transition")
    held = files[files["team_from"] == "W2"]
    assert held["clients"].sum() > 0
    assert set(held["team_to"]) == {"W1"}
    assert set(held["reason"]) == {"team beëindigd: dossiers volgen de postcode"}


@pytest.mark.heavy
def test_a_team_starts_on_the_first_day(run: Run) -> None:
    first = run.layers().day + timedelta(days=90)
    new = NewTeam(team_id="W3", name="SMC W3", office="Westerstad", office_pc4="1001", region=1, fte=1)
    changes = ChangeSet(new_teams=(new,), moves=(Move(layer="vangnet", pc4="1001", team_id="W3"),))
    made = submitted(run, changes, first)
    periods = made.frame("team_periods").set_index("team_id")["valid_from"]
    assert pd.Timestamp(periods["W3"]).date() == first
    assert "W3" in set(made.frame("team_load")["team_id"])


def ends_in_june(place: Path) -> Run:
    """A run on the toy country in which W2 ends on 30 June."""
    teams = toy.tables()["teams"]
    teams.loc[teams["team_id"] == "W2", "valid_to"] = "2026-06-30"
    return toy_run(place / "var", {"teams": teams}, tolerance=0.9)


@pytest.mark.heavy
def test_capacity_counts_from_the_first_day(tmp_path: Path) -> None:
    """W2 ends on 30 June: on 1 January half a year's hours, from 1 April on a quarter's."""
    run = ends_in_june(tmp_path)
    whole, quarter = Bench(run.folder), Bench(run.folder, date(2026, 4, 1))

    def hours(bench: Bench) -> float:
        problem = next(b.layer.problem for b in bench.board.layers if "W2" in b.layer.problem.team_ids)
        return float(problem.capacity[problem.team_ids.index("W2")])

    assert hours(quarter) / hours(whole) == pytest.approx(91 / 181)
    moved = submitted(run, ChangeSet(moves=(Move(layer="vangnet", pc4="1001", team_id="W1"),)), date(2026, 4, 1))
    load = moved.frame("team_load").set_index("team_id")
    assert load.at["W2", "capacity_hours_verzekeringsarts"] == pytest.approx(hours(quarter))


@pytest.mark.heavy
def test_postcodes_of_a_team_that_ends_before_the_first_day_are_named(tmp_path: Path) -> None:
    run = ends_in_june(tmp_path)
    own = run.frame("allocation")
    count = own.loc[own["team_id"] == "W2", "pc4"].nunique()
    move = Move(layer="vangnet", pc4="1003", team_id="O1")
    with pytest.raises(Refused, match=f"{count} postcodes hebben op 1 juli 2026 geen team"):
        submitted(run, ChangeSet(moves=(move,)), date(2026, 7, 1))


def planned(run: Run, version: int, first: date) -> None:
    """Approve a proposal for a later day."""
    versions.publish(
        version, run.store, run.files_dir, valid_from=first, approval={"by": "Bert", "decision": "approved"}
    )


@pytest.mark.heavy
def test_a_first_day_after_another_planned_version_is_refused(run: Run) -> None:
    """The run was compared with nothing in force; by the chosen day a planned version is, which a draft became."""
    start = calendar.today() + timedelta(days=10)
    submitted(run, ChangeSet(moves=(a_move(run),)), start)
    number = int(reads.versions(run.store)["version"].max())
    planned(run, number, start)
    with pytest.raises(Refused, match=f"geldt versie {number}, waarmee dit voorstel niet is vergeleken"):
        submitted(run, ChangeSet(moves=(a_move(run),)), start + timedelta(days=1))


@pytest.mark.heavy
def test_a_draft_on_a_planned_version_that_starts_later_is_compared_with_that_version(run: Run) -> None:
    """Only the postcode that the planner moved changes, and it changes from the planned version."""
    steps.write_report(run)
    gates.propose(run)
    start = calendar.today() + timedelta(days=10)
    number = Run.open(run.folder).read(run_files.VERSION).version
    planned(run, number, start)
    move = a_move(run)
    made = submitted(run, ChangeSet(moves=(move,)), start + timedelta(days=1))
    changes = made.frame("allocation_changes")
    assert set(changes["pc4"]) == {move.pc4}
    assert set(changes["team_to"]) == {move.team_id}
    assert made.in_force().version == number


def test_a_draft_divided_by_the_pipeline_stops_its_team_on_the_first_day_asked(run: Run) -> None:
    first = calendar.today() + timedelta(days=90)
    asked = replace(begun(run), config=run.config.model_copy(update={"valid_from": first}))
    made = proposing.from_draft(asked, saved(run, all_of(run, "W2", "W1")))
    steps.prepare_boundaries(made)
    steps.check_inputs(made)
    last = Inputs.read(made.inputs_folder).teams.set_index("team_id").at["W2", "valid_to"]
    assert pd.Timestamp(last).date() == first - timedelta(days=1)


def test_a_draft_that_is_gone_or_has_lost_its_run_is_refused(run: Run) -> None:
    kept = saved(run, ChangeSet())
    with pytest.raises(Refused, match="Dit concept is er niet meer"):
        proposing.from_draft(begun(run), kept + 1)
    moved = replace(begun(run), folder=run.folder.parent.parent / "elders" / "runs" / "x")
    with pytest.raises(Refused, match="zijn er niet meer"):
        proposing.from_draft(moved, kept)


@pytest.mark.heavy
def test_a_draft_on_the_version_in_force_is_compared_with_that_version(run: Run) -> None:
    """The run was published since: handed in, only the postcode that the planner moved changes."""
    gates.propose(run)
    steps.publish(run)
    move = a_move(run)
    version = proposing.submit(
        Bench(run.folder), ChangeSet(moves=(move,)), var=run.folder.parent.parent, store_url=run.store, by="Anna",
        reason="na de publicatie",
    )  # fmt: skip
    changes = reads.read_table("allocation_changes", run.store, version=version)
    assert set(changes["pc4"]) == {"1005"}
    assert set(changes["team_to"]) == {move.team_id}
    assert set(changes["from_version"]) == {1}


@pytest.mark.heavy
def test_a_draft_on_the_version_in_force_counts_what_its_proposal_counts(run: Run) -> None:
    """Laid open, the version in force is "now": nothing changes yet. One move, and a team that gets half of its hours:
    page and proposal name the same postcodes, clients and files."""
    gates.propose(run)
    steps.publish(run)
    bench = Bench(run.folder, is_in_force=True)
    assert bench.changes_of(bench.variant_unchanged).empty
    assert all((part.now == part.proposal).all() for part in bench.board.layers)
    changes = ChangeSet(moves=(a_move(run),), teams=(TeamChange(team_id="O1", fte=0.5),))
    variant = bench.variant(changes)
    seen, files = bench.changes_of(variant), bench.moved_files_of(variant)
    version = proposing.submit(
        bench, changes, var=run.folder.parent.parent, store_url=run.store, by="Anna", reason="na de publicatie"
    )
    made = reads.read_table("allocation_changes", run.store, version=version)
    assert len(seen) > 0
    key = ["pc4", "client_line", "law_domain", "team_from", "team_to"]
    pd.testing.assert_frame_equal(
        seen[[*key, "clients"]].sort_values(key, ignore_index=True),
        made[[*key, "clients"]].sort_values(key, ignore_index=True),
        check_dtype=False,
    )
    moved = reads.read_table("transition", run.store, version=version)
    count = [int(files["clients"].sum()), int(moved.loc[moved["movement"] == "verhuist", "clients"].sum())]
    assert count[0] == count[1]


def test_a_run_that_comes_into_force_is_laid_open_anew(run: Run) -> None:
    """Opened as a proposal it is compared with what was; published, it is what others are compared with."""
    gates.propose(run)
    desk = Desk(run.store, run.folder.parent.parent)
    assert not desk.bench(run.run_id).is_in_force
    steps.publish(run)
    opened = desk.bench(run.run_id)
    assert opened.is_in_force
    assert opened.proposed_changes.empty
    assert desk.bench(run.run_id) is opened
    desk.close()


def published_with(run: Run, changes: ChangeSet, by: str = "Bert") -> int:
    """The number of a draft on a run that was handed in by a colleague and approved; it is in force."""
    var = run.folder.parent.parent
    with gates.opened():
        number = proposing.submit_in(var, run.store, run.run_id, changes, by, "collega", None)
    versions.publish(number, run.store, run.files_dir, approval={"by": "Carla", "decision": "approved"})
    return number


def run_of(run: Run, version: int) -> Run:
    known = reads.versions(run.store).set_index("version")
    return Run.open(run_folder(run.folder.parent.parent, str(known.at[version, "run_id"])))


def of_oost(run: Run) -> Move:
    """A postcode of Oost to another team of that region."""
    base = Bench(run.folder).variant(ChangeSet())
    pc4, other = next((code, found[0].team_id) for code in ("1003", "1004", "1007", "1008", "1011", "1012")
                      if (found := suggestions(base, "vangnet", [code])))  # fmt: skip
    return Move(layer="vangnet", pc4=pc4, team_id=other)


@pytest.mark.heavy
def test_a_draft_is_compared_with_what_is_in_force_by_then_also_in_its_layers(run: Run) -> None:
    """The run is published, then a move of 1005 on it. A draft on that second one, that moves one of Oost, is weighed,
    and its report counts "now", from the second version: there 1005 has its other team."""
    gates.propose(run)
    steps.publish(run)
    of_1005, other = a_move(run), of_oost(run)
    second = published_with(run, ChangeSet(moves=(of_1005,)))
    made = submitted(run_of(run, second), ChangeSet(moves=(other,)), None)
    assert made.in_force().version == second
    now: dict[str, str] = {}
    for part in Board.read(made.folder).layers:
        if part.layer.law_domain == "zw_wia":
            now |= dict(zip(part.layer.parts["pc4"], np.array(part.layer.problem.team_ids)[part.now], strict=True))
    assert now["1005"] == of_1005.team_id
    assert set(made.frame("allocation_changes")["pc4"]) == {other.pc4}
    moved = sum(made.result(key)["terms"]["moved"] * Layer.read(made.layer_folder(key)).problem.total_demand
                for key in made.layer_keys())  # fmt: skip
    assert moved == pytest.approx(made.frame("allocation_changes")["hours"].sum())


@pytest.mark.heavy
def test_a_draft_that_would_undo_what_a_colleague_had_approved_is_refused(run: Run) -> None:
    """Anna looks at version 1. Bert's move of 1005 becomes version 2. Handed in, or divided for the whole country,
    Anna's draft on version 1 would take 1005 back; on version 2 it moves what she moved."""
    gates.propose(run)
    steps.publish(run)
    hers = ChangeSet(moves=(of_oost(run),))
    kept = saved(run, hers)
    second = published_with(run, ChangeSet(moves=(a_move(run),)))
    known = len(reads.versions(run.store))
    var = run.folder.parent.parent
    for seen in (None, 1):
        with pytest.raises(Refused, match=rf"Er geldt nu een andere versie \({second}\).*uw concept blijft bewaard"):
            proposing.submit_in(var, run.store, run.run_id, hers, "Anna", "plan", None, seen)
    with pytest.raises(Refused, match="Er geldt nu een andere versie"):
        proposing.from_draft(replace(begun(run), today=calendar.today()), kept)
    assert len(reads.versions(run.store)) == known
    made = submitted(run_of(run, second), hers, None)
    assert set(made.frame("allocation_changes")["pc4"]) == {hers.moves[0].pc4}


@pytest.mark.heavy
def test_a_page_that_was_open_when_a_version_was_put_back_does_not_bring_it_again(run: Run) -> None:
    """Version 2 was "now" on the screen, and its run was compared with version 1, which is in force again."""
    gates.propose(run)
    steps.publish(run)
    second = published_with(run, ChangeSet(moves=(a_move(run),)))
    versions.rollback(1, run.store, run.files_dir, by="Carla", reason="toch niet")
    hers, var = ChangeSet(moves=(of_oost(run),)), run.folder.parent.parent
    with pytest.raises(Refused, match=r"Er geldt nu een andere versie \(1\)"):
        proposing.submit_in(var, run.store, run_of(run, second).run_id, hers, "Anna", "plan", None, second)


def test_a_first_day_before_that_of_the_planned_version_below_the_draft_is_refused(run: Run) -> None:
    """Without a first day, and with one that is too early: said before anything is made."""
    gates.propose(run)
    start = calendar.today() + timedelta(days=10)
    number = Run.open(run.folder).read(run_files.VERSION).version
    planned(run, number, start)
    folders = len(list(run.folder.parent.iterdir()))
    for first in (None, start - timedelta(days=1)):
        with pytest.raises(Refused, match=f"gaat uit van versie {number}, die pas vanaf .* Kies .* of later"):
            submitted(run, ChangeSet(moves=(a_move(run),)), first)
    assert len(list(run.folder.parent.iterdir())) == folders
