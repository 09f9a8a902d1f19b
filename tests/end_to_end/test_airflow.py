"""The real components: api-server, scheduler, dag-processor, two Celery workers, Redis, PostgreSQL, as processes.

The same topology as ``docker-compose.yml``. A planner changes the teams, sees the proposal, approves it over REST, and
the consumers' table in PostgreSQL has the new teams. Then everything that may go wrong goes wrong: each fault ends in a
correct published version or in a clearly failed run.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from allocation.publication import reads
from tests.support import faults, two_regions
from tests.support.airflow_components import PASSWORD, Airflow, redis_server, running, wait_for
from tests.support.postgres import new_database, started_server

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1800)]
ANEW = {"propose_unchanged": True}
"""In the form: a proposal is made also where another setting leaves every client where he is."""
PLANTED = "geplant-Wachtwoord_2026"


@dataclass
class Installation:
    """Airflow, the store behind a gate, the input folder, the disk, and what came in on webhook and mail."""

    airflow: Airflow
    gate: faults.Gate
    store: str
    country: two_regions.Country
    disk: Path
    messages: list[str]
    mails: list[str]

    def alerts(self) -> list[dict[str, object]]:
        lines = (self.disk / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def teams_in_force(self) -> set[str]:
        """Teams of the regular clients that a consumer reads today."""
        engine = sa.create_engine(self.store, poolclass=sa.NullPool)
        with engine.connect() as connection:
            query = sa.text("SELECT DISTINCT team_id FROM caseload.routing_current WHERE client_group = 'regulier'")
            return set(connection.scalars(query))

    def check_routing(self) -> None:
        """One version in force, total and unambiguous: the shares of every combination sum to 1."""
        routing = reads.read_table("routing", self.store)
        sums = routing.groupby(["pc4", "client_group", "pw_client", "law", "client_line"])["share"].sum()
        assert len(sums) == routing["pc4"].nunique() * 4 * 2 * 3 * 2
        assert (sums - 1).abs().max() < 1e-9

    def teams(self) -> pd.DataFrame:
        return pd.read_csv(self.country.input / "teams.csv", dtype=str, keep_default_na=False)

    def write_teams(self, teams: pd.DataFrame) -> None:
        teams.to_csv(self.country.input / "teams.csv", index=False)

    def published(self, **conf: object) -> int:
        """Trigger, approve, and wait for the end; returns the version that is in force then."""
        run_id = self.airflow.trigger("allocate", conf | ANEW)
        self.airflow.wait_for_proposal(run_id)
        self.airflow.answer(run_id, "Approve", "akkoord")
        assert self.airflow.wait_for_end("allocate", run_id) == "success", self.airflow.tasks("allocate", run_id)
        version = reads.current_version(self.store)
        assert version is not None
        return version


@pytest.fixture(scope="module")
def smc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("components")
    country = two_regions.write(folder)
    with (
        started_server() as server,
        new_database(server) as metadata,
        new_database(server) as store,
        redis_server(folder / "redis") as broker,
        faults.webhook() as (hook, messages),
        faults.mail_server() as (mail_port, mails),
        faults.small_disk(400) as disk,
    ):
        gate = faults.Gate(sa.make_url(store).port or 5432)
        behind = [sa.make_url(url).set(host="127.0.0.1", port=gate.port) for url in (metadata, store)]
        metadata_url = behind[0].set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
        environment = {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CELERY__BROKER_URL": broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{metadata_url}",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
                {"type": "file", "log_file_path": str(folder / "lineage.jsonl"), "append": True}
            ),
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "caseload",
            "CASELOAD_VAR": str(disk),
            "CASELOAD_INPUT": str(country.input),
            "CASELOAD_BOUNDARIES": str(country.boundaries),
            "CASELOAD_STORE": behind[1].set(password=PLANTED).render_as_string(hide_password=False),
            "CASELOAD_LOOK_AGAIN_SECONDS": "15",
            "CASELOAD_WEBHOOK_CONN": "caseload_webhook",
            "AIRFLOW_CONN_CASELOAD_WEBHOOK": json.dumps({"conn_type": "http", "password": hook}),
            "CASELOAD_ALERT_MAIL": "beheer@example.org",
            "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(
                {
                    "conn_type": "smtp",
                    "host": "127.0.0.1",
                    "port": mail_port,
                    "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "caseload@example.org"},
                }
            ),
        }
        airflow = Airflow(folder / "home", metadata_url, environment)
        command = ("preloaded.py", "celery", "worker", "-c", "2", "--skip-serve-logs")
        workers = [(f"worker{n}", *command, "-H", f"w{n}@%h") for n in (1, 2)]
        with running(airflow, ("api-server",), ("scheduler",), ("dag-processor",), *workers):
            yield Installation(airflow, gate, store, country, disk, messages, mails)


def test_changed_teams_become_new_routing(smc: Installation) -> None:
    """A team stops: the file changes, the asset starts the run, the planner approves, Uitkeren reads other teams."""
    airflow = smc.airflow
    assert airflow.get("/api/v2/importErrors")["total_entries"] == 0
    first = smc.published(reason="eerste verdeling")
    assert "SMC-UTR-09" in smc.teams_in_force()
    airflow.patch("/api/v2/dags/allocate", {"is_paused": True})
    airflow.patch("/api/v2/dags/teams", {"is_paused": False})
    assert airflow.wait_for_end("teams", airflow.trigger("teams")) == "success"
    before = {run["dag_run_id"] for run in airflow.get("/api/v2/dags/allocate/dagRuns")["dag_runs"]}
    airflow.patch("/api/v2/dags/allocate", {"is_paused": False})

    began = time.monotonic()
    smc.write_teams(smc.teams().query("team_id != 'SMC-UTR-09'"))
    airflow.log_in("jansen")
    airflow.trigger("teams")

    def new_runs() -> list[str]:
        runs = airflow.get("/api/v2/dags/allocate/dagRuns")["dag_runs"]
        return [run["dag_run_id"] for run in runs if run["dag_run_id"] not in before]

    run_id = wait_for("a run of allocate that the asset started", new_runs)[0]
    proposal = airflow.wait_for_proposal(run_id)
    assert "Postcodes die van team wisselen" in proposal["body"]
    assert reads.current_version(smc.store) == first
    airflow.answer(run_id, "Approve", "team 9 is gestopt")
    assert airflow.wait_for_end("allocate", run_id) == "success"
    print(f"\nfrom changed file to published version: {time.monotonic() - began:.0f} s")

    assert "SMC-UTR-09" not in smc.teams_in_force()
    smc.check_routing()
    run = reads.read_table("runs", smc.store).iloc[0]
    approval = run["approval"] if isinstance(run["approval"], dict) else json.loads(run["approval"])
    assert (approval["by"], approval["remark"]) == ("jansen", "team 9 is gestopt")
    assert any("wacht op goedkeuring" in message for message in smc.messages)
    airflow.patch("/api/v2/dags/teams", {"is_paused": True})


def test_a_rejection_leaves_the_old_version_in_force(smc: Installation) -> None:
    airflow, before = smc.airflow, reads.current_version(smc.store)
    run_id = airflow.trigger("allocate", {"tolerance": 0.03} | ANEW)
    airflow.wait_for_proposal(run_id)
    airflow.answer(run_id, "Reject", "eerst overleg met Utrecht")
    airflow.wait_for_end("allocate", run_id)
    assert airflow.task("allocate", run_id, "publish")["state"] == "skipped"
    assert reads.current_version(smc.store) == before
    newest = reads.versions(smc.store).iloc[0]
    assert newest["status"] == "rejected"
    assert "eerst overleg met Utrecht" in str(newest["approval"])


def test_each_role_may_do_its_own(smc: Installation) -> None:
    """A viewer sees and may not start or answer anything; a form that is wrong is refused before it is a run."""
    airflow = smc.airflow
    airflow.log_in("lezer")
    assert airflow.get("/api/v2/dags/allocate")["dag_id"] == "allocate"
    refused = airflow.client.post("/api/v2/dags/allocate/dagRuns", json={"logical_date": None, "conf": {}})
    assert refused.status_code == 403
    airflow.log_in("jansen")
    for wrong in ({"tolerance": 2}, {"regions": ["'; DROP TABLE runs; --"]}, {"weights": {"speed": 1}}, {"seconds": 0}):
        body = {"logical_date": None, "conf": wrong}
        assert airflow.client.post("/api/v2/dags/allocate/dagRuns", json=body).status_code == 400, wrong
    assert airflow.client.get("/api/v2/connections").status_code == 403


def test_lineage_names_the_datasets(smc: Installation) -> None:
    """OpenLineage events were written to a file; they name what goes in and what comes out."""
    lines = (smc.airflow.folder.parent / "lineage.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    names = {dataset["name"] for event in events for part in ("inputs", "outputs") for dataset in event.get(part, [])}
    assert {"/caseload/teams", "/caseload/allocation"} <= names


def test_poisoned_input_is_a_clear_failure(smc: Installation) -> None:
    """The alert reaches the people: file, row, column, and what is allowed; nothing changes for consumers."""
    teams, before = smc.teams(), reads.current_version(smc.store)
    wrong = teams.copy()
    wrong.loc[0, "fte_verzekeringsarts"] = "-1"
    smc.write_teams(wrong)
    try:
        run_id = smc.airflow.trigger("allocate")
        assert smc.airflow.wait_for_end("allocate", run_id) == "failed"
    finally:
        smc.write_teams(teams)
    assert smc.airflow.task("allocate", run_id, "prepare")["try_number"] == 1
    where = "teams.csv, row 2, column fte_verzekeringsarts"
    assert where in smc.messages[-1]
    assert where in smc.mails[-1]
    assert reads.current_version(smc.store) == before


def test_a_failed_region_does_not_lose_the_others(smc: Installation) -> None:
    """One layer cannot keep its plan: its task fails, the others stand. Cleared, only that one is solved again."""
    airflow, before = smc.airflow, reads.current_version(smc.store)
    run_id = airflow.trigger("allocate", {"tolerance": 0.055} | ANEW)
    run = "".join(c if c.isalnum() or c in "-_" else "-" for c in f"allocate__{run_id}")
    in_the_way = smc.disk / "runs" / run / "layers" / "15_zw_wia_alle" / "plan.parquet"
    in_the_way.mkdir(parents=True)
    assert airflow.wait_for_end("allocate", run_id) == "failed"
    states = sorted(one["state"] for one in airflow.tasks("allocate", run_id) if one["task_id"] == "solve")
    assert states == ["failed", "success", "success", "success"]
    assert "plan.parquet" in smc.messages[-1]
    assert reads.current_version(smc.store) == before

    in_the_way.rmdir()
    airflow.clear_failed("allocate", run_id)
    airflow.wait_for_proposal(run_id)
    tries = {
        one["rendered_map_index"]: one["try_number"]
        for one in airflow.tasks("allocate", run_id)
        if one["task_id"] == "solve"
    }
    assert {name for name, count in tries.items() if count > 1} == {"Amersfoort"}
    airflow.answer(run_id, "Approve", "akkoord")
    assert airflow.wait_for_end("allocate", run_id) == "success"
    smc.check_routing()


def test_a_worker_that_is_killed_in_the_middle_of_a_region(smc: Installation) -> None:
    """Both workers die without a word while regions are solved; new ones go on, and the version is right."""
    airflow = smc.airflow
    run_id = airflow.trigger("allocate", {"tolerance": 0.06} | ANEW)
    wait_for(
        "a region that is being solved", lambda: airflow.tasks_in("allocate", run_id, "solve", "running"), every_s=0.1
    )
    for n in (1, 2):
        airflow.restart(f"worker{n}", signal.SIGKILL)
    airflow.wait_for_proposal(run_id)
    airflow.answer(run_id, "Approve", "akkoord")
    assert airflow.wait_for_end("allocate", run_id) == "success"
    smc.check_routing()


def test_the_scheduler_is_restarted_in_the_middle(smc: Installation) -> None:
    airflow = smc.airflow
    run_id = airflow.trigger("allocate", {"tolerance": 0.07} | ANEW)
    wait_for("a task that runs", lambda: airflow.tasks_in("allocate", run_id, "prepare", "running"), every_s=0.1)
    airflow.restart("scheduler", signal.SIGKILL)
    airflow.wait_for_proposal(run_id)
    airflow.answer(run_id, "Approve", "akkoord")
    assert airflow.wait_for_end("allocate", run_id) == "success"
    smc.check_routing()


def test_the_database_is_gone_for_a_minute(smc: Installation) -> None:
    """Store and metadata both. The components come back by their restart policy; the run ends well or clearly not."""
    airflow, before = smc.airflow, reads.current_version(smc.store)
    run_id = airflow.trigger("allocate", {"tolerance": 0.08} | ANEW)
    wait_for("a task that runs", lambda: airflow.tasks_in("allocate", run_id, "prepare", "running"), every_s=0.1)
    smc.gate.close()
    time.sleep(60)
    smc.gate.open()
    airflow.revive()
    outcome = wait_for(
        "a proposal or a failed run",
        lambda: airflow.outcome("allocate", run_id),
    )
    if outcome == "waiting":
        airflow.answer(run_id, "Approve", "akkoord")
        assert airflow.wait_for_end("allocate", run_id) == "success"
        assert reads.current_version(smc.store) != before
    else:
        assert reads.current_version(smc.store) == before
    smc.check_routing()


def test_a_full_disk(smc: Installation) -> None:
    """While the disk is full nothing is published; once there is room, a new run is."""
    airflow, before = smc.airflow, reads.current_version(smc.store)
    with faults.filled(smc.disk):
        run_id = airflow.trigger("allocate", {"tolerance": 0.09} | ANEW)
        assert airflow.wait_for_end("allocate", run_id) == "failed"
    assert "No space left on device" in smc.messages[-1]
    assert reads.current_version(smc.store) == before
    smc.published(tolerance=0.09)
    smc.check_routing()


def test_a_disk_that_is_full_while_a_version_is_published(smc: Installation) -> None:
    """The task is tried again by itself, and the version is published once there is room."""
    airflow = smc.airflow
    run_id = airflow.trigger("allocate", {"tolerance": 0.095} | ANEW)
    airflow.wait_for_proposal(run_id)
    before = reads.current_version(smc.store)
    with faults.filled(smc.disk):
        airflow.answer(run_id, "Approve", "akkoord")
        wait_for("a try that failed", lambda: airflow.tasks_in("allocate", run_id, "publish", "up_for_retry"))
        assert reads.current_version(smc.store) == before
    assert airflow.wait_for_end("allocate", run_id) == "success"
    assert reads.current_version(smc.store) != before
    smc.check_routing()


def test_two_triggers_at_once(smc: Installation) -> None:
    """Both make a proposal; the one that is approved first is published, the other is told that it no longer holds."""
    airflow = smc.airflow
    runs = [airflow.trigger("allocate", {"regions": [region]} | ANEW) for region in ("14", "15")]
    for run_id in runs:
        airflow.wait_for_proposal(run_id)
    for run_id in runs:
        airflow.answer(run_id, "Approve", "akkoord")
    ends = sorted(airflow.wait_for_end("allocate", run_id) for run_id in runs)
    assert ends == ["failed", "success"]
    assert "Run the proposal again" in smc.messages[-1]
    smc.check_routing()


def test_a_newer_proposal_takes_the_place_of_one_that_waits(smc: Installation) -> None:
    """The older run ends by itself, and the planners are told; the newer one is decided on."""
    airflow, before = smc.airflow, reads.current_version(smc.store)
    older = airflow.trigger("allocate", {"tolerance": 0.11} | ANEW)
    airflow.wait_for_proposal(older)
    newer = airflow.trigger("allocate", {"tolerance": 0.12} | ANEW)
    airflow.wait_for_proposal(newer)
    assert airflow.wait_for_end("allocate", older) == "success"
    assert airflow.task("allocate", older, "publish")["state"] == "skipped"
    first, second = sorted(reads.versions(smc.store)["version"].unique())[-2:]
    known = reads.versions(smc.store).drop_duplicates("version").set_index("version")["status"]
    assert (known[first], known[second]) == ("withdrawn", "proposed")
    told = f"Voorstel {first} is ingetrokken: voorstel {second} komt ervoor in de plaats."
    assert any(told in message for message in smc.messages)
    assert any(told in mail for mail in smc.mails)
    assert reads.current_version(smc.store) == before
    airflow.answer(newer, "Approve", "akkoord")
    assert airflow.wait_for_end("allocate", newer) == "success"
    assert reads.current_version(smc.store) == second


def test_no_secret_stands_in_a_log_or_in_xcom(smc: Installation) -> None:
    """After everything above, with alerts sent and failures logged."""
    settings = smc.airflow.settings
    hook = json.loads(settings["AIRFLOW_CONN_CASELOAD_WEBHOOK"])["password"].rsplit("/", 1)[-1]
    keys = [settings["AIRFLOW__API_AUTH__JWT_SECRET"], settings["AIRFLOW__CORE__FERNET_KEY"]]
    secrets = [hook, *keys, PASSWORD, PLANTED]
    logs = [path for path in smc.airflow.folder.rglob("*.log") if path.is_file()]
    assert logs
    for path in logs:
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not [secret for secret in secrets if secret in text], path
    for path in (*smc.disk.rglob("*"), smc.airflow.folder.parent / "lineage.jsonl"):
        if path.is_file():
            content = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in content], path
    assert not [text for text in (*smc.messages, *smc.mails) for secret in secrets if secret in text]
    for address in (smc.airflow.metadata, smc.store):
        assert not list(tables_with(address, secrets)), address


def tables_with(address: str, secrets: list[str]) -> Iterator[str]:
    """The tables of a database in whose rows one of the secrets stands."""
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    with engine.connect() as connection:
        query = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'caseload')"
        for schema, name in connection.execute(sa.text(query)).all():
            hit = sa.text(f'SELECT count(*) FROM "{schema}"."{name}" AS t WHERE strpos(CAST(t AS text), :secret) > 0')
            if any(connection.scalar(hit, {"secret": secret}) for secret in secrets):
                yield f"{schema}.{name}"
