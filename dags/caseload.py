"""DAG `caseload`: every night the inflow and the stock are read, checked and turned into expected work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException
from smc_dags import BOUNDARIES, CASELOAD, EVERY_DAG, collect_source, deadline, opened, start_run


@dag(
    dag_id="caseload",
    schedule="30 2 * * *",
    max_active_runs=1,
    deadline=deadline(timedelta(hours=2), "the caseload of last night is not there yet"),
    doc_md=__doc__,
    **EVERY_DAG,
)
def caseload() -> None:
    """Wire the DAG."""

    @task(
        inlets=[BOUNDARIES],
        doc_md="A run folder with the boundaries; a source that is a database is copied first. Returns the path.",
    )
    def start() -> str:
        from allocation.pipeline import steps

        collect_source()
        run = start_run(get_current_context())
        steps.prepare_boundaries(run)
        return str(run.folder)

    @task(doc_md="Every input file read and checked. Bad input is refused with all problems at once, and not retried.")
    def check(run: str) -> str:
        from allocation.pipeline import steps

        steps.check_inputs(opened(run))
        return run

    @task(doc_md="Expected hours and clients per postcode, product, line and group.")
    def estimate(run: str) -> str:
        from allocation.pipeline import steps

        steps.estimate_work(opened(run))
        return run

    @task(
        inlets=[CASELOAD],
        outlets=[CASELOAD],
        doc_md="The expectations on input and expected work; what passes is the new caseload. Skips when it is that of "
        "the last time: an unchanged input makes no run.",
    )
    def expect(run: str, *, inlet_events: dict[Any, Any], outlet_events: dict[Any, Any]) -> None:
        from allocation.pipeline import deciding, steps

        own = opened(run)
        steps.validate_inputs(own)
        made_of = deciding.contents(own)
        seen = inlet_events[CASELOAD]
        if len(seen) and seen[-1].extra.get("contents") == made_of:
            raise AirflowSkipException("geen wijziging: invoer en gebieden zijn die van de vorige keer")
        outlet_events[CASELOAD].extra = {"run": run, "contents": made_of}

    expect(estimate(check(start())))


caseload()
