"""DAG `plan_ahead`: the dates that are known become a sequence of divisions; the first of them is proposed.

By hand, with a form: a last day makes a new plan, the name of a plan goes on with it. A step is compared with the
version in force on its eve, so each is proposed once the one before is published. It is decided on the planners' page.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from airflow.sdk import Param, dag, get_current_context, task
from smc_alerts import page_address, send
from smc_dags import EVERY_DAG, SOLVER_POOL, start_run, store, var

PARAMS = {
    "until": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Laatste dag",
        description="Tot en met deze dag wordt vooruit gekeken. Leeg = verder met een plan dat er is.",
    ),
    "plan": Param(
        None,
        type=["null", "string"],
        pattern=r"^[A-Za-z0-9._-]{1,200}$",
        title="Plan",
        description="Naam van een plan, zoals het bericht erover noemt: zijn volgende datum wordt voorgesteld.",
    ),
}


@dag(dag_id="plan_ahead", schedule=None, max_active_runs=1, params=PARAMS, doc_md=__doc__, **EVERY_DAG)
def plan_ahead() -> None:
    """Wire the DAG."""

    @task(
        pool=SOLVER_POOL,
        execution_timeout=timedelta(minutes=30),
        doc_md="A division for each known date, with few moves over all of them; the planners are told. Returns the "
        "name of the plan.",
    )
    def find() -> str:
        from allocation.contract.errors import Refused
        from allocation.pipeline import alerts
        from allocation.pipeline import plan_ahead as planning
        from allocation.report.calendar import calendar_text, write_calendar_page

        context = get_current_context()
        form: Any = context["params"]
        if bool(form["until"]) == bool(form["plan"]):
            raise Refused("Fill in a last day for a new plan, or the name of a plan to go on with; one of the two.")
        if form["plan"]:
            return planning.open_plan(var(), form["plan"]).folder.name
        run = start_run(context)
        planning.find(run, date.fromisoformat(form["until"]), print)
        write_calendar_page(run.folder)
        plan = run.folder.name
        send(
            alerts.planned(calendar_text(run.folder, for_message=True), plan, page_address(f"kalender?run={plan}")),
            context,
        )
        return plan

    @task(
        execution_timeout=timedelta(minutes=20),
        doc_md="The first date of the plan that is not published yet, as a proposal; the planners are told.",
    )
    def propose(plan: str) -> int | None:
        from allocation.pipeline import alerts, run_all
        from allocation.pipeline import plan_ahead as planning
        from allocation.report import summary

        context = get_current_context()
        opened = planning.open_plan(var(), plan)
        while (run := planning.next_step(opened, store())) is not None:
            run_all.run_all(run, until="proposal", progress=print)
            if planning.is_published(opened, store(), run):  # by another plan: nobody is asked
                continue
            figures = summary.summary(run)
            place = page_address(f"?run={quote(run.run_id)}")
            send(alerts.waiting(alerts.proposal(figures), "plan_ahead", run.run_id, place), context)
            return int(figures["version"])
        send(alerts.plan_is_done(plan), context)
        return None

    propose(find())


plan_ahead()
