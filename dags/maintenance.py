"""DAG `maintenance`: every Sunday old runs, logs and lineage that no version needs are removed.

How long and how many is kept: `CASELOAD_KEEP_DAYS` (90) and `CASELOAD_KEEP_RUNS` (10). Airflow's own tables are cleaned
with its command `airflow db clean`, outside of tasks, which may not open them; see the runbook.
"""

from __future__ import annotations

from airflow.sdk import dag, task
from smc_dags import EVERY_DAG, store, var

from allocation.contract.environment import environment


@dag(dag_id="maintenance", schedule="0 5 * * 0", max_active_runs=1, doc_md=__doc__, **EVERY_DAG)
def maintenance() -> None:
    """Wire the DAG."""

    @task(doc_md="Remove what is older and not needed. Returns the names of the runs that are gone.")
    def tidy() -> list[str]:
        from allocation.pipeline.tidy import tidy as remove

        limits = environment()
        removed = remove(var(), store(), days=limits.keep_days, runs=limits.keep_runs)
        print(f"{len(removed.runs)} runs, {removed.files} files, {removed.bytes / 1e6:.1f} MB")
        return list(removed.runs)

    tidy()


maintenance()
