"""What the DAG files share: assets, defaults, and where this installation keeps its things.

Belongs here: names and Airflow settings that more than one DAG needs. Does not belong here: any step of the pipeline.
Nothing heavy is imported and nothing is connected to: the DAG processor reads this file over and over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.sdk import (
    Asset,
    DeadlineAlert,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    SyncCallback,
)
from caseload_deadlines import RunQueued
from smc_alerts import Alert, late

from allocation.contract.environment import environment

if TYPE_CHECKING:
    from allocation.runs.run import Run

os.umask(0o027)  # of every process that runs a task: runs hold counts of clients, nothing for other users

# The addresses name what a dataset is in lineage events; they are the same on every machine and no folder is read.
BOUNDARIES = Asset(name="boundaries", uri="file:///caseload/boundaries", group="caseload")
CASELOAD = Asset(name="caseload", uri="file:///caseload/caseload", group="caseload")
TEAMS = Asset(name="teams", uri="file:///caseload/teams", group="caseload")
DRIFT = Asset(name="drift", uri="file:///caseload/drift", group="caseload")
ALLOCATION = Asset(name="allocation", uri="file:///caseload/allocation", group="caseload")

IN_ONE_PROCESS = "dag_test"
"""What Airflow calls whoever runs a DAG in the process of the program that asks for it (``DAG.test``)."""
SOLVER_POOL = "caseload_solver"
"""Bounds the searches side by side over all runs; a search keeps one core busy."""

# What may pass by itself is tried again; a refused input or a fault in the program is not mended by a second try.
# A worker that vanishes raises nothing: then Airflow itself counts the try and starts the next.
RETRY_DELAY = timedelta(seconds=environment().retry_seconds)
PASSING = [
    "builtins.OSError",
    "builtins.MemoryError",
    "sqlalchemy.exc.OperationalError",
    "sqlalchemy.exc.InterfaceError",
    "airflow.sdk.exceptions.AirflowTaskTimeout",
]
RETRIES = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            "allocation.contract.errors.Passing", RetryAction.RETRY, RETRY_DELAY, reason="the store is away or full"
        ),
        RetryRule(
            "allocation.contract.errors.Refused", RetryAction.FAIL, reason="refused: bad input or a failed check"
        ),
        RetryRule(PASSING, RetryAction.RETRY, RETRY_DELAY, reason="may pass by itself"),
    ],
    default=RetryAction.FAIL,
)
DEFAULTS: dict[str, Any] = {
    "owner": "caseload",
    "retries": 3,
    "retry_delay": RETRY_DELAY,
    "retry_policy": RETRIES,
    "execution_timeout": timedelta(minutes=10),
    "on_failure_callback": Alert(),
}
EVERY_DAG: dict[str, Any] = {
    "start_date": pendulum.datetime(2026, 1, 1, tz="Europe/Amsterdam"),
    "catchup": False,
    "default_args": DEFAULTS,
    "tags": ["caseload"],
}
"""What every DAG has in common; schedules are in Dutch time."""


def deadline(within: timedelta, text: str) -> DeadlineAlert:
    """An alert when a run is not finished ``within`` that time."""
    return DeadlineAlert(reference=RunQueued(), interval=within, callback=SyncCallback(late, {"text": text}))


def var() -> Path:
    """The folder of runs, caches and published files: ``CASELOAD_VAR``, shared by every worker."""
    return environment().var.absolute()


def store() -> str:
    """The store's address: ``CASELOAD_STORE``, by default the embedded file."""
    return environment().store_url(var())


def input_dir() -> Path | None:
    """The input folder: ``CASELOAD_INPUT``, or a copy of the source database; None stands for the embedded example."""
    return environment().input_folder(var())


def collect_source(*names: str) -> None:
    """Copy these input tables (default all) from the database of the Airflow connection ``CASELOAD_SOURCE_CONN``."""
    connection = environment().source_conn
    folder = input_dir()
    if connection and folder:
        from airflow.providers.postgres.hooks.postgres import PostgresHook

        from allocation import storage
        from allocation.intake import source

        address = PostgresHook(postgres_conn_id=connection).sqlalchemy_url
        source.collect(address.render_as_string(hide_password=False), folder, names or source.EVERY)
        storage.send_folder(folder)


def start_run(
    context: Mapping[str, Any],
    values: Mapping[str, Any] | None = None,
    scenario: str | None = None,
    draft: int | None = None,
) -> Run:
    """A run of the pipeline for this DAG run; its folder is named after both, so a second try finds the same one.

    ``scenario``: name of a file in folder ``scenarios`` of the input; its teams and settings take the place of today's.
    ``draft``: number of a planner's draft; it brings its own input and settings (``proposing.from_draft``).
    """
    from allocation.contract.config import Config
    from allocation.runs.run import Run

    dag_run = context["dag_run"]
    by = dag_run.triggering_user_name or dag_run.dag_id
    run = Run.start(
        input_dir=input_dir(),
        boundaries=environment().boundaries,
        store=store(),
        config=Config.from_values(values or {}, "form"),
        var=var(),
        run_id=f"{dag_run.dag_id}__{dag_run.run_id}",
        created_by=None if by == IN_ONE_PROCESS else by,  # then the login
        dag_run=dag_run.run_id,
    )
    if draft is not None:
        from allocation.page.proposing import from_draft

        return from_draft(run, draft)
    return in_scenario(run, scenario) if scenario else run


def opened(folder: str, context: Mapping[str, Any] | None = None) -> Run:
    """The run that the first task of this DAG run made, or that ``decide`` is about; ``folder`` as it was handed on.

    Whoever may edit what tasks hand on would otherwise choose whose outcome is published, and where its files go.
    """
    from airflow.sdk import get_current_context

    from allocation.contract.errors import Refused
    from allocation.runs.run import Run, run_folder

    context, run = context or get_current_context(), Run.open(folder)
    dag_run = context["dag_run"]
    if dag_run.dag_id == "decide":
        is_own = run.run_id == context["params"]["run"]
    else:  # a number comes behind a name that another run had already
        own = re.escape(f"{dag_run.dag_id}__{dag_run.run_id}")
        is_own = re.fullmatch(rf"{own}(-\d+)?", run.run_id) is not None
    if not is_own or Path(folder) != run_folder(var(), run.run_id):
        raise Refused(
            f"{folder} is not the folder of this DAG run: what a task handed on was changed. Start a new run."
        )
    return run


def in_scenario(run: Run, name: str) -> Run:
    """The same run with the teams and settings of a scenario; only in an input folder, for the example has none."""
    import geodata
    from allocation.contract.errors import Refused
    from allocation.intake.fetching import fetch_boundaries, fetch_tables
    from allocation.pipeline.scenario import named_scenario, scenario_config, write_scenario_input
    from allocation.runs.run import Run

    if run.input_dir is None:
        raise Refused("A scenario needs an input folder (CASELOAD_INPUT) with a folder scenarios in it.")
    folder = fetch_tables(Path(run.input_dir))
    scenario = named_scenario(folder, name)
    fetch_boundaries(folder, run.boundaries)
    areas = geodata.load_boundaries(run.boundaries, run.var / "cache").areas if scenario.names_places else None
    return Run.start(
        input_dir=write_scenario_input(scenario, folder, run.scenario_input_folder, areas),
        boundaries=run.boundaries,
        store=run.store,
        config=scenario_config(scenario, run.config),
        var=run.var,
        run_id=run.run_id,
        today=run.today,
        created_by=run.created_by,
        dag_run=run.dag_run,
    )


def note_lineage(*, reads: Iterable[str] = (), writes: Iterable[str] = ()) -> None:
    """Name what the running task reads and writes in its lineage event, beside its assets: addresses of tables and
    files, as ``table_address`` and ``Path.as_uri`` give them."""
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector
    from airflow.sdk import get_current_context

    collector, task = get_hook_lineage_collector(), get_current_context()["task"]
    for address in reads:
        collector.add_input_asset(task, uri=address)
    for address in writes:
        collector.add_output_asset(task, uri=address)


def table_address(store_url: str, table: str) -> str:
    """The address of a published table as lineage names it, without user or password: ``postgres://host:5432/db/caseload/
    routing``, or the file of an embedded store with the table after it."""
    from allocation.publication.connection import parse_url

    url = parse_url(store_url)
    if url.get_backend_name() == "sqlite":
        return f"{Path(str(url.database)).absolute().as_uri()}/{table}"
    return f"postgres://{url.host or 'localhost'}:{url.port or 5432}/{url.database}/caseload/{table}"


def measure(what: str, figures: Mapping[str, Any], names: Iterable[str]) -> None:
    """Send figures as gauges ``caseload.<what>.<name>`` to wherever Airflow's own metrics go.

    What a gauge is of stands in its name: StatsD has no tags, and drops those that Airflow is given.
    """
    from airflow.sdk.observability import stats

    for name in names:
        if figures[name] is not None:
            stats.gauge(f"caseload.{what}.{name}", float(figures[name]))
