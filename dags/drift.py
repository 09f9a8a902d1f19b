"""DAG `drift`: every month what came in and what was finished is compared with what was planned, team by team.

A team outside its band raises the asset `drift` and an alert; the division in force stays until a planner acts.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, get_current_context, task
from smc_alerts import send
from smc_dags import DRIFT, EVERY_DAG, opened, start_run


@dag(
    dag_id="drift",
    schedule="0 6 5 * *",
    max_active_runs=1,
    doc_md=__doc__,
    **EVERY_DAG,
)
def drift() -> None:
    """Wire the DAG."""

    @task(doc_md="The input of today, read and checked.")
    def read() -> str:
        from allocation.pipeline import steps

        run = start_run(get_current_context())
        steps.prepare_boundaries(run)
        steps.check_inputs(run)
        return str(run.folder)

    @task(doc_md="What came in and was finished since, per team, against the plan. Returns the teams outside.")
    def compare(run: str) -> list[str]:
        from allocation.pipeline.drift import compare_with_plan

        return compare_with_plan(opened(run))

    @task.short_circuit(doc_md="Goes on only when there is a team outside its band.")
    def is_any(outside: list[str]) -> bool:
        return bool(outside)

    @task(outlets=[DRIFT], doc_md="Raises the asset and the alert.")
    def tell(run: str, *, outlet_events: dict[Any, Any]) -> None:
        from allocation.pipeline import alerts
        from allocation.pipeline.drift import finished_outside_band, outside_band

        context = get_current_context()
        rows, finished = outside_band(opened(run)), finished_outside_band(opened(run))
        outlet_events[DRIFT].extra = {"run": run, "teams": sorted({row["team_id"] for row in [*rows, *finished]})}
        send(alerts.drifted(rows, context["run_id"], finished), context)

    run = read()
    is_any(compare(run)) >> tell(run)


drift()
