"""``caseload import`` on the toy country: evaluated, compared, proposed; and what it says of a wrong file."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocation.cli import main
from allocation.page import plan_files, proposing
from allocation.page.changes import ChangeSet, Move
from allocation.page.whatif import Bench
from allocation.publication import reads, versions
from allocation.runs.run import Run
from tests.support import gates


@pytest.fixture
def plan(proposed: Run, tmp_path: Path) -> Path:
    """The proposal as a file, with postcode 1001 at W2 and 1009 at W1: the other way round."""
    table = plan_files.plan_table(Bench(proposed.folder).variant(ChangeSet())).set_index("pc4")
    table.loc["1001", "team"], table.loc["1009", "team"] = table.loc["1009", "team"], table.loc["1001", "team"]
    table.to_csv(tmp_path / "plan.csv")
    return tmp_path / "plan.csv"


def caseload(var: Path, *arguments: str) -> int:
    return main(["import", *arguments, "--store", f"sqlite:///{var / 'store.sqlite'}", "--var", str(var)])


@pytest.mark.heavy
def test_a_plan_is_evaluated_beside_the_version_and_nothing_is_stored(
    var: Path, plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert caseload(var, str(plan), "--onto", "1") == 0
    told = capsys.readouterr().out
    assert "on version 1 (proposed, not in force): 12 postcodes named, 0 stay as they are" in told
    assert "worst deviation" in told
    assert "teams in pieces" in told
    assert reads.versions(f"sqlite:///{var / 'store.sqlite'}")["version"].tolist() == [1]


def test_a_plan_is_proposed_and_the_version_is_the_plan(
    var: Path, plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = f"sqlite:///{var / 'store.sqlite'}"
    table = plan_files.plan_table(Bench(var / "runs" / "toy").variant(ChangeSet())).set_index("pc4")
    plan.write_text(f"pc4,team\n1002,{'W2' if table.at['1002', 'team'] == 'W1' else 'W1'}\n", encoding="utf-8")
    assert caseload(var, str(plan), "--propose") == 1
    assert "needs --reason" in capsys.readouterr().err
    with gates.opened():
        assert caseload(var, str(plan), "--onto", "1", "--propose", "--reason", "van elders") == 0
    assert "proposed as version 2" in capsys.readouterr().out
    row = reads.versions(store).iloc[0]
    assert (row["version"], row["status"], row["reason"]) == (2, "proposed", "van elders")
    division = reads.read_table("allocation", store, version=2).query("pc4 == '1002' and law_domain == 'zw_wia'")
    assert set(division["team_id"]) == {"W2" if table.at["1002", "team"] == "W1" else "W1"}


@pytest.mark.heavy
def test_a_plan_changes_the_version_in_force_unless_another_is_asked_for(
    var: Path, plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It changed the newest version, also one that was rejected, and did not say so."""
    store = f"sqlite:///{var / 'store.sqlite'}"
    assert caseload(var, str(plan)) == 1
    assert "no version is in force; name the version that the plan changes with --onto" in capsys.readouterr().err
    versions.publish(1, store, var / "published")
    moves = ChangeSet(moves=(Move(layer="vangnet", pc4="1005", team_id="W2"),))
    with gates.opened():
        newest = proposing.submit_in(var, store, "toy", moves, "Anna", "anders", None)
    versions.reject(newest, store, {"by": "Bert"})
    assert caseload(var, str(plan)) == 0
    assert "on version 1 (in force): 12 postcodes named" in capsys.readouterr().out
    assert caseload(var, str(plan), "--onto", str(newest)) == 0
    assert f"on version {newest} (rejected, not in force): 12" in capsys.readouterr().out


def test_what_is_wrong_is_told_all_at_once_in_plain_english(
    var: Path, plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan.write_text("pc4,team\n1001,W9\n9999,W1\n", encoding="utf-8")
    assert caseload(var, str(plan), "--onto", "1") == 1
    told = capsys.readouterr().err
    assert "plan.csv, row 2, column team: team 'W9' does not exist; allowed: a team of the run" in told
    assert "plan.csv, row 3, column pc4: postcode 9999 does not exist" in told
    assert caseload(var, str(plan), "--onto", "7") == 1
    assert "version 7" in capsys.readouterr().err
    assert caseload(var, str(plan.parent / "nergens.csv")) == 1
    assert "cannot be read" in capsys.readouterr().err
