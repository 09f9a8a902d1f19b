"""A choice of plans from the command line, on the toy country with a version in force."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from allocation.publication import reads
from allocation.runs import run_files
from allocation.runs.run import Run, run_folder
from tests.support.command_line import Country, copy_of

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def in_force(made: Country, tmp_path_factory: pytest.TempPathFactory) -> Country:
    """Version 1 is in force."""
    return copy_of(made, tmp_path_factory.mktemp("in_force") / "country")


def test_alternatives_to_choose_from_and_one_becomes_a_proposal(in_force: Country) -> None:
    done = in_force.caseload("alternatives", *in_force.run_arguments, "--regions", "West")
    assert done.returncode == 0, done.stderr
    run_id = re.search(r"caseload choose (\S+) NAME", done.stdout).group(1)  # type: ignore[union-attr]
    folder = run_folder(in_force.var, run_id)
    tables = run_files.ALTERNATIVES.read(folder, ("figures", "plans"))
    names = tables["figures"]["alternative"].tolist()
    assert len(names) >= 2
    assert all(f"{name}:" in done.stdout for name in names)
    page = run_files.ALTERNATIVES_PAGE.read(folder)
    assert "<svg" in page
    assert all(f'<th scope="row">{name}</th>' in page for name in names)
    for measure in ("moved", "deviation", "travel", "splits"):
        assert (tables["figures"][measure] >= tables["figures"][f"proven_{measure}"] * (1 - 1e-9)).all()

    other = in_force.caseload("choose", run_id, "onbekend")
    assert other.returncode == 1
    assert f"it has {', '.join(names)}" in other.stderr

    chosen = in_force.caseload("choose", run_id, names[-1], "--reason", "minder splitsingen")
    assert chosen.returncode == 0, chosen.stderr
    assert reads.versions(in_force.store)["status"].tolist() == ["proposed", "published"]
    proposal = reads.read_table("allocation", in_force.store, version=2)
    plan = tables["plans"].query("alternative == @names[-1]")
    for key, rows in plan.groupby("layer"):
        domain = "pw" if "_pw_" in str(key) else "zw_wia"
        mine = proposal[(proposal["law_domain"] == domain) & proposal["pc4"].isin(rows["unit"])]
        assert dict(zip(mine["pc4"], mine["team_id"], strict=True)) == dict(
            zip(rows["unit"], rows["team_id"], strict=True)
        )
    changes = reads.read_table("allocation_changes", in_force.store, version=2)
    figures = tables["figures"].set_index("alternative")
    assert changes["clients"].sum() == pytest.approx(figures.loc[names[-1], "moved"])
    made = Run.open(
        run_folder(in_force.var, str(reads.read_table("runs", in_force.store, version=2)["run_id"].iloc[0]))
    )
    report = made.read(run_files.REPORT)
    assert "Dit voorstel is gekozen uit deze alternatieven" in report
    assert "Dit voorstel is gekozen uit" not in made.read(run_files.REPORT_FOR_READERS)


def test_a_plan_that_no_longer_fits_is_refused(in_force: Country) -> None:
    """A team ends between finding the alternatives and choosing one."""
    done = in_force.caseload("alternatives", *in_force.run_arguments, "--regions", "Oost")
    run_id = re.search(r"caseload choose (\S+) NAME", done.stdout).group(1)  # type: ignore[union-attr]
    name = run_files.ALTERNATIVES.table("figures").read(run_folder(in_force.var, run_id))["alternative"].iloc[0]
    path = in_force.folder / "input" / "teams.csv"
    before = path.read_text()
    teams = pd.read_csv(path, dtype=str, keep_default_na=False)
    teams.loc[teams["team_id"] == "O2", "valid_to"] = "2026-01-31"
    teams.to_csv(path, index=False)
    try:
        chosen = in_force.caseload("choose", run_id, name)
    finally:
        path.write_text(before)
    assert chosen.returncode == 1
    assert "no longer fits (team O2 is not in force there)" in chosen.stderr
    assert "Traceback" not in chosen.stderr


def test_an_alternative_found_beside_another_division_is_refused(in_force: Country) -> None:
    """Version 2 is one of them, and moves clients: what another says of itself is said beside version 1."""
    done = in_force.caseload("alternatives", *in_force.run_arguments, "--regions", "West")
    run_id = re.search(r"caseload choose (\S+) NAME", done.stdout).group(1)  # type: ignore[union-attr]
    figures = run_files.ALTERNATIVES.table("figures").read(run_folder(in_force.var, run_id))
    moving = figures.sort_values("moved")["alternative"].iloc[-1]
    assert in_force.caseload("choose", run_id, moving).returncode == 0
    assert reads.read_table("allocation_changes", in_force.store, version=2)["clients"].sum() > 0
    published = in_force.caseload("publish", "2", "--remark", "ja")
    assert published.returncode == 0, published.stderr
    chosen = in_force.caseload("choose", run_id, figures["alternative"].iloc[0])
    assert chosen.returncode == 1
    assert f"run {run_id} was made beside version 1" in chosen.stderr
    assert "Find the alternatives again" in chosen.stderr
    assert "Traceback" not in chosen.stderr
