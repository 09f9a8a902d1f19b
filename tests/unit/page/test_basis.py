"""Handing in a draft in a data folder that was copied: only the store of the command or page is asked."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from allocation.contract import calendar
from allocation.contract.errors import Refused
from allocation.page import proposing
from allocation.page.basis import refuse_another_basis, refuse_before_planned
from allocation.page.changes import ChangeSet, Move
from allocation.page.suggestions import suggestions
from allocation.page.whatif import Bench
from allocation.pipeline import steps
from allocation.publication import reads, versions
from allocation.runs.run import Run, run_folder
from tests.support import gates
from tests.support.browser import toy_run


@pytest.fixture
def copy(tmp_path: Path) -> tuple[Run, Path, str]:
    """A proposed run in a data folder of its own, and a plain copy of that folder with the store in it, whose runs
    name the store of the first."""
    run = toy_run(tmp_path / "first" / "var", tolerance=0.5)
    steps.write_report(run)
    gates.propose(run)
    var = tmp_path / "second" / "var"
    shutil.copytree(run.var, var)
    store = Path(run.store.removeprefix("sqlite:///"))
    assert store.is_relative_to(run.var)
    return run, var, f"sqlite:///{var / store.relative_to(run.var)}"


@pytest.mark.parametrize("state", ["gone", pytest.param("unreadable", marks=pytest.mark.heavy)])
def test_a_draft_in_a_copied_folder_asks_the_store_of_the_page(copy: tuple[Run, Path, str], state: str) -> None:
    """The original's store is gone, or cannot be read any more: the copy needs it not, and nothing is made there."""
    run, var, store = copy
    original = Path(run.store.removeprefix("sqlite:///"))
    shutil.rmtree(run.var / "runs")
    if state == "gone":
        original.unlink()
    else:
        original.write_bytes(b"this is no database, and it stays as it is")
    before = sorted((path, path.read_bytes()) for path in run.var.rglob("*") if path.is_file())
    base = Bench(run_folder(var, run.run_id))
    team = suggestions(base.variant(ChangeSet()), "vangnet", ["1005"])[0].team_id
    move = ChangeSet(moves=(Move(layer="vangnet", pc4="1005", team_id=team),))
    with gates.opened():
        assert proposing.submit_in(var, store, run.run_id, move, "Anna", "kopie", None) == 2
    assert reads.versions(store)["version"].tolist() == [2, 1]
    assert sorted((path, path.read_bytes()) for path in run.var.rglob("*") if path.is_file()) == before


def test_what_is_planned_and_in_force_is_that_of_the_store_of_the_page(copy: tuple[Run, Path, str]) -> None:
    """In the copy the version was published: planned for later, or in force now. In the original it never was."""
    run, var, store = copy
    origin = Run.open(run_folder(var, run.run_id))
    first = calendar.today() + timedelta(days=10)
    versions.publish(1, store, var / "published", valid_from=first, approval={"by": "Bert"})
    with pytest.raises(Refused, match="Dit concept gaat uit van versie 1, die pas vanaf"):
        refuse_before_planned(store, origin, None)
    refuse_before_planned(store, origin, first)
    refuse_before_planned(run.store, origin, None)


@pytest.mark.heavy
def test_the_version_that_came_into_force_meanwhile_is_named_as_such(copy: tuple[Run, Path, str]) -> None:
    run, var, store = copy
    team = suggestions(Bench(run_folder(var, run.run_id)).variant(ChangeSet()), "vangnet", ["1005"])[0].team_id
    move = ChangeSet(moves=(Move(layer="vangnet", pc4="1005", team_id=team),))
    with gates.opened():
        second = proposing.submit_in(var, store, run.run_id, move, "Bert", "collega", None)
    versions.publish(second, store, var / "published", approval={"by": "Carla"})
    with pytest.raises(Refused, match=rf"Er geldt nu een andere versie \({second}\)"):
        refuse_another_basis(store, second, Run.open(run_folder(var, run.run_id)))
