"""The question to a planner and what follows on his answer: the tasks `approve`, `publish` and `close`.

Belongs here: what every DAG does with a proposal that is there. Does not belong here: making one (`allocate`), what a
decision does to the store (`allocation.pipeline.steps`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, TriggerRule, get_current_context, task
from airflow.sdk.exceptions import TaskAwaitingInput
from smc_alerts import Waiting
from smc_dags import ALLOCATION, note_lineage, opened, table_address

ANSWER_WITHIN = timedelta(days=14)
LONGEST_REMARK = 500
START_ANEW = "nothing was published. Start a new run, whose question shows what it proposes."
LOOK_AGAIN = timedelta(seconds=float(os.environ.get("CASELOAD_LOOK_AGAIN_SECONDS", "600")))
"""How often a run that waits for an answer looks whether its proposal still waits for one."""


class PlannerApproval(ApprovalOperator):
    """Keeps the answer whatever it is: Airflow hands on approvals only, but a rejection has a name and a remark too.

    From time to time the task looks whether the proposal of ``run`` (the path of its folder) still waits: a newer one
    may have taken its place. Then it ends by itself, and so does the run, which would keep its place among those that
    may be active. Airflow wakes the task by a time limit without a default answer.

    An answer holds for the proposal that the question showed: the tasks before this one may be done again meanwhile.
    """

    template_fields: Sequence[str] = ("subject", "run")  # not the body: Airflow shows these to whoever sees the task

    def __init__(self, *, run: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self.run = run

    def execute(self, context: Any) -> Any:
        """Ask, and wait."""
        from allocation.pipeline import alerts, seal
        from allocation.runs import run_files

        seal.refuse_empty_key(_key())
        run = opened(self.run, context)
        about = seal.proposal_of(run)
        self.subject = alerts.question(run.read(run_files.VERSION).version)
        self.body = self.render_template(self.body, context)
        self._ask(context["task_instance"].id)
        for notifier in self.notifiers:
            notifier(context)
        raise _waiting(datetime.now(UTC) + ANSWER_WITHIN, about)

    def _ask(self, task_instance_id: Any) -> None:
        """Write the question, once: Airflow drops an answer that it has when the same question is written again.

        Refused where Airflow kept another, of a task that is started again: who answers would read of that proposal.
        """
        from airflow.sdk.execution_time import task_runner
        from airflow.sdk.execution_time.comms import CreateHITLDetailPayload

        from allocation.contract.errors import Refused

        asked = CreateHITLDetailPayload(
            ti_id=task_instance_id, options=self.options, subject=self.subject, body=self.body, defaults=self.defaults,
            multiple=self.multiple, params=self.serialized_params, assigned_users=[],
        )  # fmt: skip
        shown = task_runner.SUPERVISOR_COMMS.send(msg=asked)
        if (shown.subject, shown.body) != (self.subject, self.body):
            raise Refused(f"Airflow still shows what this run asked before ({shown.subject}); {START_ANEW}")

    def execute_complete(
        self, context: Any, event: dict[str, Any], until: str | None = None, about: str | None = None
    ) -> Any:
        """Called when the answer is there, or when it is time to look again.

        ``until``: the last moment to answer. ``about``: the proposal that was asked about, as ``seal`` names it.
        """
        from allocation.contract.errors import Refused
        from allocation.pipeline import seal

        now = seal.proposal_of(opened(self.run, context))
        if about is not None and about != now:
            raise Refused(f"Another proposal took the place of the one that was asked about; {START_ANEW}")
        if event.get("error_type") == "timeout":
            last = datetime.fromisoformat(until) if until else datetime.now(UTC)
            event = self._ended_by_itself(context, last, now)
        event = event | {"params_input": _with_a_text(event.get("params_input"))}
        answer = {key: event.get(key) for key in ("chosen_options", "params_input", "responded_by_user", "withdrawn")}
        answer |= {"responded_at": str(event.get("responded_at"))}
        context["ti"].xcom_push("answer", seal.sealed(answer, now, _key()))
        return super().execute_complete(context, event)

    def _ended_by_itself(self, context: Any, until: datetime, about: str) -> dict[str, Any]:
        """The answer of a proposal that nobody decides on any more; waits again where somebody still has to."""
        from allocation.pipeline import deciding

        why = deciding.why_no_longer_asked(opened(self.run, context))
        if why is None and datetime.now(UTC) < until:
            raise _waiting(until, about)
        remark = {"remark": why or ""}
        self.log.info("%s", why or "no answer in time")
        return {
            "chosen_options": [self.REJECT],
            "params_input": remark,
            "responded_by_user": {"id": "caseload", "name": "caseload"} if why else None,
            "responded_at": datetime.now(UTC),
            "withdrawn": why is not None,
        }


def _with_a_text(given: Any) -> dict[str, str]:
    """The remark of an answer as a text that fits. The task would fail of any other, after the planner decided."""
    remark = given.get("remark", "") if isinstance(given, dict) else ""
    return {"remark": str(remark)[:LONGEST_REMARK]}


def _key() -> str:
    """What only tasks know: with it an answer is sealed on its way."""
    from airflow.sdk import conf

    return str(conf.get("core", "fernet_key", fallback=""))


def _decision(run: str) -> dict[str, Any]:
    """Who decided what on the proposal of ``run``, as the question was answered."""
    from allocation.pipeline import seal

    answer = get_current_context()["ti"].xcom_pull(task_ids="approve", key="answer")
    return seal.approval(answer, seal.proposal_of(opened(run)), _key())


def _waiting(until: datetime, about: str) -> TaskAwaitingInput:
    left = max(until - datetime.now(UTC), timedelta(seconds=1))
    kept = {"until": until.isoformat(), "about": about}
    return TaskAwaitingInput(method_name="execute_complete", kwargs=kept, timeout=min(LOOK_AGAIN, left))


def asked(run: Any) -> PlannerApproval:
    """The task `approve`. ``run``: the path of the run's folder; what the planner reads is what task `propose` gave."""
    return PlannerApproval(
        task_id="approve",
        subject="Nieuwe verdeling van de postcodes: goedkeuren?",  # with its version when it asks
        body="{{ ti.xcom_pull('propose') }}",
        params={"remark": Param("", type="string", maxLength=LONGEST_REMARK, title="Opmerking")},
        response_timeout=LOOK_AGAIN,
        execution_timeout=None,
        notifiers=[Waiting()],
        run=run,
        doc_md="A planner approves or rejects. No answer in two weeks counts as a rejection. It ends by itself when "
        "a newer proposal takes the place of this one.",
    )


@task(outlets=[ALLOCATION], doc_md="Put the approved version in force, with who approved it and why.")
def publish(run: str, *, outlet_events: dict[Any, Any]) -> None:
    from allocation.contract.published_tables import PUBLISHED
    from allocation.pipeline import steps

    decision = _decision(run)
    divided = opened(run)
    folder = steps.publish(divided, decision)
    note_lineage(writes=[table_address(divided.store, table.name) for table in PUBLISHED])
    outlet_events[ALLOCATION].extra = {"run": run, "folder": str(folder)}


@task(trigger_rule=TriggerRule.NONE_FAILED, doc_md="After a rejection the proposal is marked so, with who and why.")
def close(run: str) -> None:
    from allocation.pipeline import steps

    if opened(run).unchanged():
        return
    approval = _decision(run)
    if approval["decision"] == "rejected":
        steps.reject(opened(run), approval)
