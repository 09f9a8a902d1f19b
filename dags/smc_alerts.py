"""Alerts: what goes wrong in a DAG run, told to people through the channels that this installation has.

Belongs here: when and where an alert is sent. Does not belong here: its words (`allocation.alerts`).
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk import BaseNotifier, Context


class Alert(BaseNotifier):
    """Tells that a task failed for good: in ``alerts.jsonl``."""

    def notify(self, context: Context) -> None:
        """Send the alert of a failed task."""
        from allocation import alerts

        ti = context["task_instance"]
        label = getattr(ti, "rendered_map_index", None)
        alert = alerts.failure(context["exception"], ti.dag_id, ti.task_id, label, ti.run_id)
        record(alert)


def record(alert: dict[str, Any]) -> None:
    """Append an alert to ``alerts.jsonl``: the channel that is always there."""
    path = Path(os.environ.get("CASELOAD_VAR", "var")) / "alerts.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds")} | alert, ensure_ascii=False) + "\n")
