"""DAG `decide`: a proposal that no run of `allocate` made waits for a planner, and is published when approved.

The planners' page starts it for what was handed in from a draft, and for a step of a plan: the page proposes, and has
no right to publish. Its runs are named after the runs of the pipeline whose proposals they ask about. It is not paused
when it is new, for it does nothing by itself.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, dag, get_current_context, task
from smc_approval import asked, close, publish
from smc_dags import EVERY_DAG, IN_ONE_PROCESS, deadline, opened, var

PARAMS = {
    "run": Param(
        "",
        type="string",
        pattern=r"^(?!allocate__)[A-Za-z0-9][A-Za-z0-9._:+~-]{0,239}$",
        title="Run",
        description="Naam van de run die het voorstel maakte, zoals de pagina van de planners hem noemt.",
    ),
}


@task(doc_md="Look the proposal up; returns the path of its run's folder.")
def start() -> str:
    from allocation.contract.errors import Refused
    from allocation.pipeline import deciding
    from allocation.runs.run import Run, run_folder

    context = get_current_context()
    name, dag_run = str(context["params"]["run"]), context["dag_run"]
    if name != dag_run.run_id and dag_run.triggering_user_name != IN_ONE_PROCESS:  # there Airflow names the run
        raise Refused(f"A run of this DAG has the name of the run that it asks about: {name}, not {dag_run.run_id}.")
    run = Run.open(run_folder(var(), name))
    if run.run_id != name:
        raise Refused(f"There is no run {name}.")
    why_not = deciding.why_no_longer_asked(run)
    if why_not:
        raise Refused(why_not)
    return str(run.folder)


@task(doc_md="What the planner reads before deciding.")
def propose(run: str) -> str:
    from allocation.pipeline import alerts
    from allocation.report import summary

    return alerts.proposal(summary.summary(opened(run)))


@dag(
    dag_id="decide",
    schedule=None,
    is_paused_upon_creation=False,
    max_active_runs=50,  # each waits for a planner and holds nothing
    params=PARAMS,
    deadline=deadline(timedelta(days=1), "no decision of a planner yet, or a task that hangs"),
    doc_md=__doc__,
    **EVERY_DAG,
)
def decide() -> None:
    """Wire the DAG."""
    run = start()
    propose(run) >> asked(run) >> publish(run) >> close(run)


decide()
