"""From when a deadline counts: the moment a run was first queued.

Airflow 3.3 has `DeadlineReference.DAGRUN_QUEUED_AT` for this, but with it no task of the run can be cleared any more
(apache/airflow issue 70368: the answer is HTTP 500), and clearing is how a run goes on after a failure. This reference
means the same and is left alone by that code. When the issue is solved in the version of the lock file, this goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk.definitions.deadline import BaseDeadlineReference

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


class RunQueued(BaseDeadlineReference):
    """When the run was queued; after a clear it still counts from the first time."""

    required_kwargs = frozenset({"dag_id", "run_id"})

    def _evaluate_with(self, *, session: Session, **run: Any) -> datetime | None:
        from airflow.models import DagRun
        from sqlalchemy import select

        found: datetime | None = session.scalar(select(DagRun.queued_at).filter_by(**run))
        return found


class CaseloadDeadlines(AirflowPlugin):
    """Makes the reference known to the scheduler and the API server."""

    name = "caseload_deadlines"
    deadline_references = [RunQueued]  # noqa: RUF012
