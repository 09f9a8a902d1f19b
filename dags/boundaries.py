"""DAG `boundaries`: postcode areas, their neighbours and their regions, once a year and by hand.

Its asset event tells how many areas changed since the edition of the division in force, by kind of change; the log of
task `prepare` names them, or says that none did.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, get_current_context, task
from smc_dags import BOUNDARIES, EVERY_DAG, opened, start_run


@dag(
    dag_id="boundaries",
    schedule="0 4 15 2 *",
    max_active_runs=1,
    doc_md=__doc__,
    **EVERY_DAG,
)
def boundaries() -> None:
    """Wire the DAG."""

    @task(doc_md="A run folder of its own; returns its path.")
    def start() -> str:
        return str(start_run(get_current_context()).folder)

    @task(
        doc_md="Fetched anew where the source has a network address: the newest year. The cache keeps what was there."
    )
    def fetch(run: str) -> str:
        import geodata
        from allocation import storage

        own = opened(run)
        with storage.shared(own.var / "cache") as cache:
            geodata.refresh_boundaries(own.boundaries, cache)
        return run

    @task(outlets=[BOUNDARIES], doc_md="Areas cleaned, joined to regions, with neighbours and bridges.")
    def prepare(run: str, *, outlet_events: dict[Any, Any]) -> None:
        from allocation.pipeline import steps
        from allocation.runs import run_files

        own = opened(run)
        steps.prepare_boundaries(own, print)
        changes = own.read(run_files.BOUNDARY_CHANGES)
        if changes:
            print(steps.boundary_changes(own).to_string(index=False))
        outlet_events[BOUNDARIES].extra = {"run": run, "changes": changes} | own.read(run_files.BOUNDARIES).model_dump(
            mode="json"
        )

    prepare(fetch(start()))


boundaries()
