"""DAG `teams`: notices that the planners changed teams, locks or clusters, and so starts a new allocation.

A planner puts a file into the input folder, or saves it on the planners' page; within five minutes the change is seen.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowSkipException
from smc_dags import EVERY_DAG, TEAMS, collect_source, input_dir

WATCHED = ("teams", "locks", "clusters")


@dag(
    dag_id="teams",
    schedule="*/5 * * * *",
    max_active_runs=1,
    doc_md=__doc__,
    **EVERY_DAG,
)
def teams() -> None:
    """Wire the DAG."""

    @task(inlets=[TEAMS], outlets=[TEAMS], doc_md="SHA-256 of the files against those seen before; skips when equal.")
    def notice(*, inlet_events: dict[Any, Any], outlet_events: dict[Any, Any]) -> None:
        from allocation.intake.fetching import fetch_tables
        from allocation.intake.inputs import fingerprints

        collect_source(*WATCHED)
        folder = input_dir()
        if folder is None:
            raise AirflowSkipException("the embedded example does not change")
        now = {
            name: sha
            for name, sha in fingerprints(fetch_tables(folder, WATCHED)).items()
            if name.split(".")[0] in WATCHED
        }
        seen = inlet_events[TEAMS]
        before = seen[-1].extra.get("sha256", {}) if len(seen) else {}  # one made by hand in Airflow has none
        changed = sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))
        if not changed:
            raise AirflowSkipException("nothing changed")
        outlet_events[TEAMS].extra = {"sha256": now, "changed": changed}

    notice()


teams()
