"""From a saved draft to a run of the pipeline, on the toy country (see ``test_whatif`` for its map)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from allocation.contract.errors import Refused
from allocation.intake.inputs import Inputs
from allocation.page import proposing
from allocation.page.changes import ChangeSet, LockChange, Move, TeamChange
from allocation.page.suggestions import suggestions
from allocation.page.whatif import Bench
from allocation.pipeline import steps
from allocation.publication import drafts
from allocation.runs.run import Run, run_folder
from tests.support.browser import toy_run


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
        var=run.folder.parent.parent, run_id="allocate__manual", today=run.today, created_by="Bert",
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


def test_the_country_is_divided_around_what_the_planner_moved(run: Run) -> None:
    move = a_move(run)
    var = run.folder.parent.parent
    version = proposing.divide_country(var, run.store, saved(run, ChangeSet(moves=(move,))), "Anna", "hele land")
    from allocation.publication import versions

    told = versions.versions(run.store).set_index("version").loc[version]
    assert (told["status"], told["created_by"], told["reason"]) == ("proposed", "Anna", "hele land")
    division = Run.open(run_folder(var, str(told["run_id"]))).frame("allocation")
    mine = division[(division["pc4"] == "1005") & (division["law_domain"] == "zw_wia")]
    assert set(mine["team_id"]) == {move.team_id}


def test_a_draft_that_is_gone_or_has_lost_its_run_is_refused(run: Run) -> None:
    kept = saved(run, ChangeSet())
    with pytest.raises(Refused, match="Dit concept is er niet meer"):
        proposing.from_draft(begun(run), kept + 1)
    moved = replace(begun(run), folder=run.folder.parent.parent / "elders" / "runs" / "x")
    with pytest.raises(Refused, match="zijn er niet meer"):
        proposing.from_draft(moved, kept)
