"""Every DAG runs to its end in this machine's own Airflow, on two real regions; what a planner decides is what happens.

The steps run once, in a process of their own (see ``tests.support.airflow_steps``); the tests look at what came of it.
"""

from __future__ import annotations

import base64
import getpass
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
import sqlalchemy as sa

from allocation.contract.published_tables import PUBLISHED
from allocation.publication import reads, store
from allocation.runs.run import Run, run_folder
from geodata.editions import CHANGES
from tests.support import faults, two_regions
from tests.support.postgres import new_database, postgres_server

__all__ = ["postgres_server"]

# Fourteen runs of DAGs, three minutes of work: more where others work too.
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1800)]
STOPS = store.today() + timedelta(days=90)
PLANTED = "geplant-Wachtwoord_2026"
STEPS = Path(two_regions.__file__).with_name("airflow_steps.py")


@dataclass(frozen=True)
class Played:
    """What came of the steps, and where the store is."""

    var: Path
    came: dict[str, dict[str, Any]]
    metrics: list[str]
    log: str
    store: str

    def states(self, step: str, task: str) -> list[str]:
        return [one["state"] for one in self.came[step]["tasks"][task]]

    def alerts(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.var / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Played]:
    """The store is a PostgreSQL behind a password, which must not stand anywhere afterwards."""
    with new_database(postgres_server) as address:
        secret = sa.make_url(address).set(password=PLANTED).render_as_string(hide_password=False)
        yield play(tmp_path_factory, secret)


def play(tmp_path_factory: pytest.TempPathFactory, store: str) -> Played:
    folder = tmp_path_factory.mktemp("airflow")
    country = two_regions.write(folder)
    teams = (country.input / "teams.csv").read_text(encoding="utf-8")
    inflow = str(country.input / "inflow.csv")
    edition = two_regions.write_next_edition(country, folder / "next.gpkg")
    busier = pd.read_parquet(country.input / "inflow.parquet")
    steps = {
        "boundaries": {"dag": "boundaries"},
        "caseload": {"dag": "caseload"},
        "same caseload": {"dag": "caseload"},
        "approved": {"dag": "allocate", "remark": "akkoord, na overleg", "conf": {"reason": "eerste verdeling"}},
        "unchanged": {"dag": "allocate"},
        "equal": {"dag": "allocate", "write": {str(country.input / "teams.csv"): teams + "\n\n"}},
        "first look": {"dag": "teams"},
        "second look": {"dag": "teams"},
        "look after a change": {
            "dag": "teams",
            "write": {str(country.input / "teams.csv"): without(teams, "SMC-UTR-09")},
        },
        "rejected": {"dag": "allocate", "answer": "Reject", "remark": "nog niet"},
        "plan": {
            "dag": "plan_ahead",
            "conf": {"until": str(STOPS + timedelta(days=10))},
            "write": {str(country.input / "teams.csv"): stopping(teams, "SMC-UTR-03")},
        },
        "planned": {"dag": "decide", "asks": True, "remark": "vooruit"},
        "drift": {"dag": "drift", "remove": [inflow.replace(".csv", ".parquet")], "write": {inflow: later(busier)}},
        "poisoned": {"dag": "caseload", "write": {str(country.input / "teams.csv"): poisoned(teams)}},
        "same edition": {"dag": "boundaries"},
        "next edition": {"dag": "boundaries", "move": {str(edition): str(country.boundaries)}},
    }
    var = folder / "var"
    environment = {
        "CASELOAD_INPUT": str(country.input),
        "CASELOAD_BOUNDARIES": str(country.boundaries),
        "CASELOAD_STORE": store,
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "caseload",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
            {"type": "file", "log_file_path": str(var / "lineage.jsonl"), "append": True}
        ),
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
    }
    asked = json.dumps({"var": str(var), "steps": list(steps.values())})
    told = folder / "came.json"
    with (folder / "log").open("w") as log, faults.statsd() as (port, metrics):
        command = [sys.executable, str(STEPS), str(told)]
        environment["AIRFLOW__METRICS__STATSD_PORT"] = str(port)
        subprocess.run(
            command,
            input=asked,
            text=True,
            env=os.environ | environment,
            stdout=log,
            stderr=log,
            check=True,
            timeout=1500,
        )
    came = dict(zip(steps, json.loads(told.read_text(encoding="utf-8")), strict=True))
    return Played(var, came, metrics, (folder / "log").read_text(encoding="utf-8", errors="replace"), store)


def without(teams: str, team_id: str) -> str:
    return "".join(line for line in teams.splitlines(keepends=True) if not line.startswith(team_id))


def stopping(teams: str, team_id: str) -> str:
    """The team's last day is ``STOPS``."""
    frame = pd.read_csv(io.StringIO(teams), dtype=str, keep_default_na=False)
    frame.loc[frame["team_id"] == team_id, "valid_to"] = str(STOPS)
    return frame.to_csv(index=False)


def poisoned(teams: str) -> str:
    """A negative FTE in row 3 and an office that does not exist in row 4."""
    frame = pd.read_csv(io.StringIO(teams), dtype=str, keep_default_na=False)
    frame.loc[1, "fte_verzekeringsarts"] = "-3.4"
    frame.loc[2, "office_pc4"] = "0000"
    return frame.to_csv(index=False)


def later(inflow: pd.DataFrame) -> str:
    """The history with three more months, in which Utrecht's first postcodes bring in six times as many clients."""
    last = sorted(inflow["month"].unique())[-3:]
    names = dict(zip(last, ["2026-07", "2026-08", "2026-09"], strict=True))
    more = inflow[inflow["month"].isin(last)].assign(month=lambda x: x["month"].map(names))
    more.loc[more["pc4"].str.startswith("352"), "clients"] *= 6
    return pd.concat([inflow, more]).to_csv(index=False)


def test_every_dag_ends_well(played: Played) -> None:
    ended_well = {name for name, step in played.came.items() if step["state"] == "success"}
    assert ended_well == set(played.came) - {"poisoned"}


def test_airflow_itself_lists_no_import_errors(played: Played) -> None:
    airflow = Path(sys.executable).with_name("airflow")
    done = subprocess.run(
        [str(airflow), "dags", "list-import-errors", "--local", "--output", "plain"],
        env=os.environ | run_in_process().settings(played.var),
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    assert "No data found" in done.stdout


def run_in_process() -> ModuleType:
    """The program behind `make run`, without running it."""
    spec = spec_from_file_location("run_in_process", STEPS.parents[2] / "dags" / "run_in_process.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_assets_lie_between_the_dags(played: Played) -> None:
    """Boundaries, caseload, the published division, the teams twice (first seen, then changed), the step of the plan
    that was published ahead, drift."""
    raised = [event["asset"] for event in played.came["poisoned"]["events"]]
    assert raised == ["boundaries", "caseload", "allocation", "teams", "teams", "allocation", "drift"]


def test_one_task_per_cluster_and_layer_with_its_name(played: Played) -> None:
    labels = {one["label"] for one in played.came["approved"]["tasks"]["solve"]}
    assert labels == {"Midden-Utrecht", "Amersfoort", "Midden-Utrecht PW", "Amersfoort PW"}


def test_an_approval_publishes_with_name_and_remark(played: Played) -> None:
    run = reads.read_table("runs", played.store, version=1).iloc[0]
    approval = run["approval"] if isinstance(run["approval"], dict) else json.loads(run["approval"])
    assert (approval["by"], approval["remark"], approval["decision"]) == ("jansen", "akkoord, na overleg", "approved")
    assert approval["at"].startswith("20")
    assert run["created_by"] == getpass.getuser()  # nobody is called as Airflow calls a run in one process
    assert run["reason"] == "eerste verdeling"


def test_an_unchanged_input_makes_no_run(played: Played) -> None:
    """The caseload is not told anew, and an allocation that is started all the same ends once the input is read."""
    assert played.states("same caseload", "expect") == ["skipped"]
    assert played.states("unchanged", "prepare") == ["skipped"]
    assert {played.states("unchanged", task)[0] for task in ("solve", "propose", "approve", "publish")} == {"skipped"}
    assert "Geen wijziging: invoer, gebieden en instellingen zijn die van versie 1, die van kracht is." in played.log


def test_an_equal_outcome_ends_before_an_approval(played: Played) -> None:
    """Two blank lines at the end of the team list: another file, the same division."""
    assert played.states("equal", "prepare") == ["success"]
    assert [played.states("equal", task) for task in ("propose", "approve", "publish")] == [["skipped"]] * 3
    assert played.states("equal", "close") == ["success"]
    assert "Geen wijziging: elke cliënt houdt het team van versie 1, die van kracht is." in played.log


def test_a_rejection_leaves_the_old_version_in_force(played: Played) -> None:
    assert played.states("rejected", "publish") == ["skipped"]
    assert reads.current_version(played.store) == 1
    known = reads.versions(played.store).set_index("version")
    assert known.loc[2, "status"] == "rejected"
    assert "nog niet" in str(known.loc[2, "approval"])


def test_known_dates_become_a_plan_whose_first_step_is_proposed(played: Played) -> None:
    """The team stops, and from the next day others have its postcodes; planners are told, and where to look."""
    told = [alert for alert in played.alerts() if alert["step"] == "plan_ahead"]
    assert [alert["what"] for alert in told] == [f"plan {told[0]['run_id']}", "een voorstel wacht op goedkeuring"]
    assert f"/caseload/kalender?run={told[0]['run_id']}" in told[0]["remedy"]
    first = str(STOPS + timedelta(days=1))
    assert any(line.startswith(first) and "SMC-UTR-03" in line for line in told[0]["details"])
    known = reads.versions(played.store)
    step = known[known["run_id"].str.endswith(first)].iloc[0]
    assert step["reason"] == f"stap {first} van het plan {told[0]['run_id']}"
    assert str(Run.open(run_folder(played.var, step["run_id"])).config.valid_from) == first
    division = reads.read_table("allocation", played.store, version=int(step["version"]))
    assert "SMC-UTR-03" not in set(division["team_id"])


def test_a_proposal_that_allocate_did_not_make_is_decided_on_by_a_run_of_its_own(played: Played) -> None:
    """The step of the plan: asked, told to the planners, approved with name and remark, in force from its day."""
    (told,) = [alert for alert in played.alerts() if alert["step"] == "decide"]
    assert told["what"] == "een voorstel wacht op goedkeuring"
    known = reads.versions(played.store)
    step = known[known["run_id"].str.startswith("plan_ahead__")].iloc[0]
    approval = step["approval"] if isinstance(step["approval"], dict) else json.loads(step["approval"])
    assert (step["status"], str(step["valid_from"])) == ("published", str(STOPS + timedelta(days=1)))
    assert (approval["by"], approval["remark"]) == ("jansen", "vooruit")
    assert played.states("planned", "publish") == ["success"]


def test_only_a_changed_team_file_raises_the_asset(played: Played) -> None:
    assert played.states("first look", "notice") == ["success"]
    assert played.states("second look", "notice") == ["skipped"]
    assert played.states("look after a change", "notice") == ["success"]
    changed = played.came["poisoned"]["events"][4]["extra"]["changed"]
    assert changed == ["teams.csv"]


def test_the_same_edition_says_that_nothing_changed(played: Played) -> None:
    """Before the first publication there is nothing to compare with, and nothing is said."""
    first, same, _ = [event["extra"] for event in raised(played, "boundaries")]
    assert first["changes"] == same["changes"] == {}
    assert first["fingerprint"] == same["fingerprint"]
    assert said_of_changes(played)[0] == "none"


def test_another_edition_says_what_changed(played: Played) -> None:
    """How many of each kind in the event and the log, and each by name in the log."""
    _, same, other = [event["extra"] for event in raised(played, "boundaries")]
    assert other["changes"] == {"new": 1, "gone": 1, "renumbered": 1, "moved_gemeente": 2, "moved_region": 1}
    assert other["fingerprint"] != same["fingerprint"]
    assert said_of_changes(played)[-1:] == ["1 gone, 2 moved gemeente, 1 moved region, 1 new, 1 renumbered"]
    named = [line.split() for line in played.log.rpartition(SAID)[2].splitlines()]
    assert [words[:3] for words in named if words and words[0] in CHANGES] == [
        ["new", "3498", "3402"],
        ["gone", "3512", "3511"],
        ["renumbered", "3599", "3513"],
        ["moved_gemeente", "3401", "0353"],
        ["moved_gemeente", "3981", "0312"],
        ["moved_region", "3981", "14"],
    ]


SAID = "boundaries: areas changed since the division in force: "


def said_of_changes(played: Played) -> list[str]:
    return [line.partition(SAID)[2] for line in played.log.splitlines() if line.startswith(SAID)]


def raised(played: Played, asset: str) -> list[dict[str, Any]]:
    return [event for event in played.came["next edition"]["events"] if event["asset"] == asset]


def test_teams_that_get_more_than_planned_are_told(played: Played) -> None:
    (told,) = [alert for alert in played.alerts() if alert["step"] == "drift"]
    raised = played.came["poisoned"]["events"][-1]["extra"]["teams"]
    assert raised
    assert all(any(line.startswith(team_id) for line in told["details"]) for team_id in raised)


def test_bad_input_is_refused_once_with_every_problem(played: Played) -> None:
    """No second try for what a second try cannot mend; the alert names file, row and column."""
    assert [one["tries"] for one in played.came["poisoned"]["tasks"]["check"]] == [1]
    told = played.alerts()[-1]
    assert told["step"] == "caseload / check"
    assert sorted(line.split(":")[0] for line in told["details"]) == [
        "teams.csv, row 3, column fte_verzekeringsarts",
        "teams.csv, row 4, column office_pc4",
    ]


def test_references_travel_between_tasks_not_data(played: Played) -> None:
    """The largest thing a task hands on is the summary for the planner."""
    import sqlite3

    with sqlite3.connect(played.var / "airflow" / "airflow.db") as metadata:
        (largest,) = metadata.execute("SELECT max(length(value)) FROM xcom").fetchone()
    assert 0 < largest < 2000


def test_lineage_names_files_and_tables(played: Played) -> None:
    """What goes in by file, what comes out by table; with the place of the store and without its login."""
    events = [json.loads(line) for line in (played.var / "lineage.jsonl").read_text(encoding="utf-8").splitlines()]
    named = {
        part: {(one["namespace"], one["name"]) for event in events for one in event.get(part, [])}
        for part in ("inputs", "outputs")
    }
    url = sa.make_url(played.store)
    place = f"postgres://{url.host}:{url.port}"
    assert {(place, f"{url.database}.caseload.{table.name}") for table in PUBLISHED} <= named["outputs"]
    read = {name.rpartition("/")[2] for _, name in named["inputs"]}
    assert {"inflow.parquet", "stock.parquet", "teams.csv"} <= read


def test_the_password_of_the_store_stands_nowhere(played: Played) -> None:
    """In no file of a run, published or cached; in no log; in no table of Airflow (XCom, rendered fields) or of the
    store; in no metric. It is looked for as it is, as it stands in an address, and as bytes of a database file."""
    files = [path for path in played.var.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files}
    assert {".json", ".jsonl", ".html", ".parquet", ".db", ".csv", ".gpkg"} <= kinds
    forms = [PLANTED.encode(), quote(PLANTED, safe="").encode(), base64.b64encode(PLANTED.encode())]
    found = [str(path) for path in files if any(form in path.read_bytes() for form in forms)]
    assert not found
    assert PLANTED not in played.log
    assert not [line for line in played.metrics if PLANTED in line]
    with sa.create_engine(f"sqlite:///{played.var / 'airflow' / 'airflow.db'}").connect() as metadata:
        assert metadata.scalar(sa.text("SELECT count(*) FROM xcom")) > 0
    with store.connected(played.store) as connection:
        names = sa.inspect(connection).get_table_names(schema="caseload")
        assert {"runs_rows", "acts", "versions"} <= set(names)
        for name in names:
            query = sa.text(f"SELECT count(*) FROM caseload.{name} AS t WHERE strpos(CAST(t AS text), :secret) > 0")
            assert connection.scalar(query, {"secret": PLANTED}) == 0, name


def test_the_figures_of_a_run_go_where_airflow_s_metrics_go(played: Played) -> None:
    names = {line.split(":")[0] for line in played.metrics}
    layers = {
        f"airflow.caseload.layer.{key}.seconds" for key in Run.open(played.came["approved"]["folder"]).layer_keys()
    }
    assert len(layers) > 2
    assert {"airflow.caseload.proposal.worst_deviation", *layers} <= names
    (areas, *_) = [line for line in played.metrics if line.startswith("airflow.caseload.proposal.areas:")]
    assert areas == "airflow.caseload.proposal.areas:199.0|g"
