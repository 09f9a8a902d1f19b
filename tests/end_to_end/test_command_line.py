"""The commands as a planner types them, on the toy country: its own boundaries file, input folder and store."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.calendar import today
from allocation.contract.errors import Refused
from allocation.pipeline import run_all, steps
from allocation.publication import reads, store
from allocation.runs.run import Run
from tests.support import toy
from tests.support.command_line import SETTINGS, Country, Done, copy_of, make_country

# Most tests make two or three whole runs: seconds, more where others work too.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def published(made: Country, tmp_path_factory: pytest.TempPathFactory) -> Country:
    """A copy for all tests that may find versions of each other in it."""
    return copy_of(made, tmp_path_factory.mktemp("published") / "country")


@pytest.fixture
def first(made: Country, tmp_path: Path) -> Country:
    """A copy for a test of its own, with the first version only."""
    return copy_of(made, tmp_path / "country")


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return make_country(tmp_path)


def test_run_publishes_every_table_to_the_store_and_to_files(published: Country) -> None:
    routing = reads.read_table("routing", published.store, version=1)
    assert len(routing) == 12 * 4 * 2 * 3 * 2
    run = reads.read_table("runs", published.store, version=1).iloc[0]
    assert run["reason"] == "eerste verdeling"
    told = json.loads(run["solver"]) if isinstance(run["solver"], str) else run["solver"]
    assert {row["label"] for row in told.values()} == {"West", "Oost", "West + Oost PW"}
    folder = next((published.var / "published").glob("v0001_*"))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {"routing.csv", "routing.parquet"} <= {entry["file"] for entry in manifest["files"]}


def test_the_run_leaves_report_and_data_docs(published: Country) -> None:
    run = next((published.var / "runs").glob("*"))
    assert "<html" in (run / "report.html").read_text()[:500].lower()
    assert list((run / "validation").rglob("index.html"))


@pytest.mark.heavy
def test_a_data_folder_may_have_any_name(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run passes its gates, the same store is opened again, and nothing lies beside the folder."""
    monkeypatch.delenv("CASELOAD_STORE", raising=False)
    var = country.folder / "data" / "map met spatie en $ ? # %20 '"
    done = country.caseload("run", *country.run_arguments, "--var", str(var), has_store=False)
    assert done.returncode == 0, done.stderr
    assert country.caseload("versions", "--var", str(var), has_store=False).stdout.count("approved") == 1
    assert (var / "caseload.sqlite").exists()
    assert [path.name for path in var.parent.iterdir()] == [var.name]


@pytest.mark.heavy
def test_a_run_on_an_unchanged_input_has_its_outcome_and_makes_no_proposal(published: Country) -> None:
    """Whoever asks for a run looks at what comes out, also when nothing changes. (``propose``: the next test.)"""
    done = published.caseload("run", *published.run_arguments)
    assert done.returncode == 0, done.stderr
    assert "no change (geen wijziging): every client is served as in version 1" in done.stdout
    newest = max((published.var / "runs").iterdir(), key=lambda folder: folder.stat().st_mtime)
    assert len(pd.read_parquet(newest / "outcome" / "transition.parquet")) > 0
    assert reads.versions(published.store)["version"].tolist() == [1]
    assert reads.history(published.store)["act"].tolist() == ["propose", "publish"]


@pytest.mark.heavy
def test_an_equal_outcome_ends_before_a_decision(published: Country, tmp_path: Path) -> None:
    """One client more in stock and the same teams for all; who asks for it gets a proposal of its newer counts."""
    stock = toy.tables()["stock"]
    stock.loc[0, "clients"] = "3"
    other = replace(published, input=toy.write(tmp_path / "input", {"stock": stock}))
    done = other.caseload("propose", *other.run_arguments)
    assert done.returncode == 0, done.stderr
    assert "no change (geen wijziging): every client is served as in version 1" in done.stdout
    assert "propose_unchanged = true" in done.stdout
    assert reads.versions(published.store)["version"].tolist() == [1]


@pytest.mark.parametrize(
    ("arguments", "team", "rule"),
    [
        (["1001", "--law", "WIA", "--line", "vangnet"], "W1", "verdeling"),
        (["1012 ab", "--law", "PW"], "P1", "enig_team"),
        (["1005", "--group", "klm", "--law", "ZW"], "K1", "bijzondere_groep"),
    ],
)
def test_lookup_tells_team_and_rule(published: Country, arguments: list[str], team: str, rule: str) -> None:
    done = published.caseload("lookup", *arguments)
    assert done.returncode == 0, done.stderr
    assert f"team {team} " in done.stdout
    assert f"rule {rule}" in done.stdout


def test_lookup_of_a_post_box_names_the_area_that_it_follows(published: Country) -> None:
    done = published.caseload("lookup", "1099 AB", "--law", "PW")
    assert done.returncode == 0, done.stderr
    assert "follows postcode 1012, for 1099 has no area of its own; rule enig_team" in done.stdout


def test_lookup_of_no_postcode_is_refused_in_one_sentence(published: Country) -> None:
    done = published.caseload_process("lookup", "12a")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "is not a postcode" in done.stderr


@dataclass(frozen=True)
class Elsewhere:
    """A country with locks, a doubtful office and a team that soon ends; what was said of it before and in its run."""

    country: Country
    checked: Done
    done: Done


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    country = make_country(tmp_path_factory.mktemp("elsewhere"))
    teams = toy.tables()["teams"].assign(office="Dorp", office_pc4="1001")
    teams.loc[teams["team_id"] == "W2", "office"] = "Drop"
    teams.loc[teams["team_id"] == "W2", "valid_to"] = (today() + timedelta(days=100)).isoformat()
    locks = toy.locks(
        ("1002", "W2", "pin", "", ""),
        ("1010", "W2", "bar", "", ""),
        ("1003", "O1", "split", "0.5", ""),
        ("1003", "O2", "split", "0.5", ""),
        ("1001AA-1001AE", "W2", "split", "1", ""),
    )
    toy.write(country.folder / "input", {"locks": locks, "teams": teams})
    (country.folder / "settings.toml").write_text(SETTINGS.replace("0.1", "0.6", 1))
    checked = country.caseload("validate", *country.run_arguments, has_store=False)
    assert checked.returncode == 0, checked.stderr
    done = country.caseload("run", *country.run_arguments)
    assert done.returncode == 0, done.stderr
    return Elsewhere(country, checked, done)


@pytest.mark.heavy
def test_locks_come_through_from_file_to_lookup(elsewhere: Elsewhere) -> None:
    """A pin, a bar, a split at PC4 and a split at PC6 go from ``locks`` to ``lookup``."""

    def answer(postcode: str) -> str:
        return elsewhere.country.caseload("lookup", postcode, "--law", "WIA", "--line", "vangnet").stdout

    assert "team W2" in answer("1002")
    assert "rule pin: afspraak" in answer("1002")
    assert "team W1" in answer("1010")
    assert "team O1" in answer("1003")
    assert "team O2" in answer("1003")
    assert "team W2" in answer("1001 ac")
    assert "team W1" in answer("1001 zz")


def test_bad_input_ends_with_a_line_for_each_problem_and_publishes_nothing(country: Country) -> None:
    frames = toy.tables()
    frames["inflow"].loc[0, "clients"] = "-1"
    frames["teams"].loc[1, "laws"] = "ZW"
    toy.write(country.folder / "input", frames)
    for command, has_store, arguments in (
        ("run", True, country.run_arguments),
        ("validate", False, country.run_arguments),
    ):
        done = country.caseload(command, *arguments, has_store=has_store)
        assert done.returncode == 1
        assert "inflow.csv, row 2, column clients: " in done.stderr
        assert "teams.csv, row 3, column laws: team W2 serves only ZW" in done.stderr
        assert "Traceback" not in done.stderr
    assert reads.current_version(country.store) is None
    assert not list(country.var.glob("published/v*"))


@pytest.mark.parametrize(
    ("locks", "changes", "told"),
    [
        (toy.locks(("1005", "P1", "bar", "", "")), {}, "locks.csv, row 2, column team_id: 1005: every team that may"),
        (toy.locks(("1001", "O1", "pin", "", "")), {}, "locks.csv, row 2, column team_id: 1001, O1: the team does not"),
        (toy.locks(), {("P1", "valid_from"): "2099-01-01"}, "P1 has not started on"),
        (toy.locks(), {("W1", "client_lines"): "vangnet", ("W1", "laws"): "WIA"}, "team W1 does not serve ZW"),
    ],
)
def test_validate_refuses_what_run_would_refuse_later(
    locks: pd.DataFrame, changes: dict[tuple[str, str], str], told: str, country: Country
) -> None:
    teams = toy.tables()["teams"]
    for (team_id, column), value in changes.items():
        teams.loc[teams["team_id"] == team_id, column] = value
    toy.write(country.folder / "input", {"locks": locks, "teams": teams})
    for command, has_store in (("validate", False), ("run", True)):
        done = country.caseload(command, *country.run_arguments, has_store=has_store)
        assert done.returncode == 1, done.stdout
        assert told in done.stderr
        assert "Traceback" not in done.stderr


def test_validate_looks_at_the_first_day_that_it_is_given_as_run_does(country: Country) -> None:
    """The only team for the Participatiewet ends in a month: until then the input is in order, on the day after not."""
    teams, last = toy.tables()["teams"], today() + timedelta(days=30)
    teams.loc[teams["team_id"] == "P1", "valid_to"] = str(last)
    toy.write(country.folder / "input", {"teams": teams})
    assert country.caseload("validate", *country.run_arguments, has_store=False).returncode == 0
    later = ["--valid-from", str(last + timedelta(days=1))]
    for command, has_store in (("validate", False), ("run", True)):
        done = country.caseload(command, *country.run_arguments, *later, has_store=has_store)
        assert done.returncode == 1, done.stdout
        assert f"P1 has ended on {last + timedelta(days=1)}" in done.stderr


@pytest.mark.heavy
def test_a_doubtful_office_and_a_team_that_soon_ends_are_warned_of(elsewhere: Elsewhere) -> None:
    assert "look at: office_pc4 1001 has several names: Dorp / Drop" in elsewhere.checked.stdout
    assert "offices at one postcode have different names (1 found)" in elsewhere.done.stdout
    assert "a team gets work and ends within a year" in elsewhere.done.stdout


@pytest.mark.heavy
def test_a_failed_suite_names_what_failed_and_nothing_is_published(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tables of the outcome lose a row between the step that made them and the gate."""
    whole: Callable[[Run], None] = steps.assemble_outcome

    def damaged(run: Run, beside: Executor | None = None) -> None:
        whole(run)
        for table in ("routing", "transition"):
            path = run.folder / "outcome" / f"{table}.parquet"
            pd.read_parquet(path).iloc[1:].to_parquet(path, index=False)

    monkeypatch.setattr(steps, "assemble_outcome", damaged)
    run = country.start()
    with pytest.raises(Refused) as refused:
        run_all.run_all(run, until="publication", progress=lambda _text: None)
    blamed = {re.split("[:,]", line.strip(" -"))[0] for line in str(refused.value).splitlines()}
    assert {"routing", "transition"} <= blamed, refused.value
    assert reads.current_version(country.store) is None
    assert not list(country.var.glob("published/v*"))
    assert list((run.folder / "validation").rglob("index.html"))


@pytest.mark.heavy
def test_propose_publish_rollback_and_compare(published: Country, tmp_path: Path) -> None:
    """W1 doubles: the proposal moves a postcode; it is published, compared and taken back."""
    teams = toy.tables()["teams"]
    teams.loc[teams["team_id"] == "W1", "fte_verzekeringsarts"] = "2.0"
    changed = toy.write(tmp_path / "input", {"teams": teams})
    arguments = ["--input", str(changed), *published.run_arguments[2:]]
    assert published.caseload("propose", *arguments).returncode == 0
    assert reads.current_version(published.store) == 1
    assert published.caseload("publish", "2", "--remark", "akkoord").returncode == 0
    assert reads.current_version(published.store) == 2
    (tmp_path / "again.toml").write_text(f"propose_unchanged = true\n{SETTINGS}")
    again = published.caseload("propose", *arguments[:-1], str(tmp_path / "again.toml"))
    assert "the file `current` is ignored, because a version is in force" in again.stdout, again.stderr
    assert "areas that change team   0" in again.stdout, "counted from version 2, not from the file"
    compared = published.caseload("compare", "1", "2")
    assert "W2,W1" in compared.stdout.replace(" ", "")
    back = published.caseload("rollback", "1", "--reason", "vergissing")
    assert back.returncode == 0, back.stderr
    assert reads.current_version(published.store) == 1


@pytest.mark.heavy
def test_what_is_planned_later_takes_over_from_what_is_planned_before_it(first: Country) -> None:
    """Version 2, planned in a month, moves 1002 by a pin. Planned for the month after: version 3, without the pin.

    In force on the day before is version 2, so 1002 stays where that put it: nobody moves.
    """
    before = reads.read_table("allocation", first.store, version=1).set_index(["pc4", "law_domain"])["team_id"]
    to = {"W1": "W2", "W2": "W1"}[before["1002", "zw_wia"]]
    (first.folder / "input" / "current.csv").unlink()
    (first.folder / "settings.toml").write_text(SETTINGS.replace("0.1", "0.6", 1))
    month, later = (str(store.today() + timedelta(days=days)) for days in (30, 60))
    for version, day, locks in (("2", month, [("1002", to, "pin", "", "")]), ("3", later, [])):
        toy.locks(*locks).to_csv(first.folder / "input" / "locks.csv", index=False)
        done = first.caseload("propose", *first.run_arguments, "--valid-from", day)
        assert done.returncode == 0, done.stderr
        done = first.caseload("publish", version)
        assert done.returncode == 0, done.stderr
    second = reads.read_table("allocation", first.store, version=2).set_index(["pc4", "law_domain"])["team_id"]
    third = reads.read_table("allocation", first.store, version=3).set_index(["pc4", "law_domain"])["team_id"]
    assert second["1002", "zw_wia"] == to
    assert (third.sort_index() == second.sort_index()).all()
    assert reads.read_table("allocation_changes", first.store, version=3).empty


@pytest.mark.heavy
def test_a_scenario_stands_beside_the_division_in_force(published: Country, tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text('name = "meer vraag"\n[config.work]\ngrowth = { "*" = 0.25 }\n')
    (tmp_path / "fewer.toml").write_text('name = "ruimer"\n[config]\ntolerance = 0.3\n')
    before = reads.versions(published.store)["version"].tolist()
    files = [str(tmp_path / name) for name in ("more.toml", "fewer.toml")]
    done = published.caseload("scenario", *files, *published.run_arguments)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["measure", "base", "meer", "vraag", "ruimer"]
    (asked,) = (line.split()[-3:] for line in lines if "asked / available" in line)
    base, more, wider = map(float, asked)
    assert more == pytest.approx(1.2 * base, rel=0.05)  # growth is of the inflow, and part of the work is stock
    assert wider == base
    assert reads.versions(published.store)["version"].tolist() == before


def write_instance(folder: Path, demand: list[int], tolerance: float) -> Path:
    """Four units in a row, two teams of equal capacity at the ends."""
    folder.mkdir()
    rows = [f"u{i},{1000 * i},0,{d}" for i, d in enumerate(demand)]
    (folder / "units.csv").write_text("unit,x,y,demand\n" + "\n".join(rows) + "\n")
    (folder / "edges.csv").write_text("a,b,border\nu0,u1,100\nu1,u2,100\nu2,u3,100\n")
    (folder / "teams.csv").write_text("team,capacity,x,y\nA,1,0,0\nB,1,3000,0\n")
    (folder / "problem.toml").write_text(f"tolerance = {tolerance}\n[weights]\ntravel = 1.0\n")
    return folder


def test_solve_divides_a_bare_instance(country: Country, tmp_path: Path) -> None:
    out = tmp_path / "plan.csv"
    instance = write_instance(tmp_path / "row", [1, 1, 1, 1], 0.05)
    done = country.caseload("solve", str(instance), "--out", str(out), "--seconds", "2", has_store=False)
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(out).set_index("unit")["team"].to_dict() == {"u0": "A", "u1": "A", "u2": "B", "u3": "B"}


def test_solve_says_so_when_the_rules_cannot_be_met(country: Country, tmp_path: Path) -> None:
    """One unit has 7 of 10: no team may have more than 5.25. The least bad plan is written all the same."""
    out = tmp_path / "plan.csv"
    instance = write_instance(tmp_path / "heavy", [7, 1, 1, 1], 0.05)
    done = country.caseload("solve", str(instance), "--out", str(out), "--seconds", "2", has_store=False)
    assert done.returncode == 1
    assert "A" in done.stderr
    assert pd.read_csv(out)["team"].tolist() == ["A", "B", "B", "B"]


def test_wrong_usage_has_its_own_exit_code(country: Country) -> None:
    assert country.caseload_process("publish", "two").returncode == 2
    assert country.caseload("divide", has_store=False).returncode == 2


def test_editions_of_boundaries_are_compared(country: Country) -> None:
    """An edition in which 1001 is gone: its square is not there any more."""
    fewer = country.folder / "fewer.gpkg"
    toy.polygons().query("pc4 != '1001'").to_file(fewer, layer="areas")
    done = country.caseload("boundaries", "diff", str(country.folder / "areas.gpkg"), str(fewer), has_store=False)
    assert done.returncode == 0, done.stderr
    assert "gone,1001," in done.stdout
