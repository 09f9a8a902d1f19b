"""DAG `boundaries`: postcode areas, their neighbours and their regions, once a year and by hand."""

from __future__ import annotations

import pendulum
from airflow.sdk import dag, get_current_context, task
from smc_dags import BOUNDARIES, DEFAULTS, start_run


@dag(
    dag_id="boundaries",
    schedule="0 4 15 2 *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Amsterdam"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["caseload"],
    doc_md=__doc__,
)
def boundaries() -> None:
    """Wire the DAG."""

    @task(doc_md="A run folder of its own; returns its path.")
    def start() -> str:
        return str(start_run(get_current_context()).folder)

    @task(outlets=[BOUNDARIES], doc_md="Areas cleaned, joined to regions, with neighbours and bridges, into the cache.")
    def prepare(run: str, *, outlet_events: dict[object, object]) -> None:
        import json
        from pathlib import Path

        from allocation import pipeline

        pipeline.prepare_boundaries(pipeline.Run.open(run))
        told = json.loads((Path(run) / "boundaries.json").read_text(encoding="utf-8"))
        outlet_events[BOUNDARIES].extra = {"run": run, "fingerprint": told["fingerprint"]}  # type: ignore[attr-defined]

    prepare(start())


boundaries()
