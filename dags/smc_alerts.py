"""Alerts: what goes wrong in a DAG run, told to people through the channels that this installation has.

Belongs here: when and through which channel an alert is sent. Does not belong here: its words
(`allocation.pipeline.alerts`).

No notice is worth a task: what a channel does not take is logged, and whoever sends goes on.

Channels: the file ``alerts.jsonl`` always; a webhook (Mattermost, Teams, Slack) when ``CASELOAD_WEBHOOK_CONN`` names an
Airflow connection; mail when ``CASELOAD_ALERT_MAIL`` holds addresses (through the connection ``smtp_default``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseNotifier, Context

from allocation.contract.environment import environment

log = logging.getLogger(__name__)


class NotSent(Exception):
    """A channel did not take a message. Its words hold no address or secret: they stand in a log."""


class Alert(BaseNotifier):
    """Tells that a task failed for good. Called after the last try only."""

    def notify(self, context: Context) -> None:
        """Send the alert of a failed task through every channel."""
        from allocation.pipeline import alerts

        ti = context["task_instance"]
        label = getattr(ti, "rendered_map_index", None)
        try:
            keep_refusal(context.get("exception"), ti.dag_id, ti.run_id)
        except Exception as error:  # the alert goes out whatever happens to the page's sentence
            log.error("the page cannot be told why: %s", type(error).__name__)
        send(alerts.failure(context.get("exception"), ti.dag_id, ti.task_id, label, ti.run_id), context)


def keep_refusal(error: object, dag_id: str, dag_run: str) -> None:
    """Keep with a run of ``allocate`` why it was refused: the page tells whoever asked for it there."""
    from allocation.contract.errors import Refused
    from allocation.page.tasks import refusal
    from allocation.runs import run, run_files

    folder = run.run_folder(environment().var.absolute(), f"{dag_id}__{dag_run}")
    if dag_id == "allocate" and run_files.RUN.exists(folder):
        run_files.REFUSAL.write(folder, refusal(error) if isinstance(error, Refused) else "")


class Waiting(BaseNotifier):
    """Tells planners that a proposal waits for them."""

    def notify(self, context: Context) -> None:
        """Send the proposal's figures through every channel."""
        from allocation.pipeline import alerts

        ti = context["task_instance"]
        send(alerts.waiting(ti.xcom_pull(task_ids="propose"), ti.dag_id, ti.run_id, address(ti)), context)


def address(ti: Any) -> str:
    """The page of Airflow on which a task can be answered."""
    return f"{_base()}/dags/{ti.dag_id}/runs/{ti.run_id}/tasks/{ti.task_id}/required_actions"


def page_address(path: str) -> str:
    """A place on the planners' page, as Airflow serves it."""
    return f"{_base()}/caseload/{path}"


def _base() -> str:
    from airflow.sdk import conf

    return str(conf.get("api", "base_url", fallback="")).rstrip("/")


def late(text: str, context: Mapping[str, Any] | None = None) -> None:
    """Tell that a run missed its deadline; Airflow calls this with the run in ``context``."""
    from allocation.pipeline import alerts

    run = (context or {}).get("dag_run") or {}
    send(alerts.late(text, run.get("dag_id", "?"), run.get("dag_run_id") or run.get("run_id", "?")), {})


def send(alert: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    """Send one alert through every channel. One that fails is logged, and keeps neither the others nor the task."""
    from allocation.pipeline import alerts

    for channel in (record, to_webhook, to_mail):
        try:
            channel(alert, alerts.text(alert), context)
        except Exception as error:  # of another's making it may quote the address or the login
            why = str(error) if isinstance(error, NotSent) else type(error).__name__
            log.error("alert not sent by %s: %s", channel.__name__, why)


def record(alert: Mapping[str, Any], text: str, context: Mapping[str, Any]) -> None:
    """Append to ``alerts.jsonl``."""
    path = environment().var / "alerts.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **alert}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def to_webhook(alert: Mapping[str, Any], text: str, context: Mapping[str, Any]) -> None:
    """Post ``{"text": ...}``, which Mattermost, Teams and Slack all read. The address is a secret: a connection."""
    name = environment().webhook_conn
    if not name:
        return
    import httpx
    from airflow.sdk import Connection

    connection = Connection.get(name)
    address = connection.password or connection.get_uri()
    logging.getLogger("httpx").setLevel(
        logging.WARNING
    )  # it tells every address that it asks, and this one is a secret
    try:
        answer = httpx.post(address, json={"text": text}, timeout=10)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotSent(f"the webhook cannot be reached: {type(error).__name__}") from None
    if not answer.is_success:
        raise NotSent(f"the webhook does not take the message: {answer.status_code}")


def to_mail(alert: Mapping[str, Any], text: str, context: Mapping[str, Any]) -> None:
    """Mail the alert through Airflow's SMTP provider."""
    to = environment().alert_mail
    if not to:
        return
    from html import escape

    from airflow.providers.smtp.hooks.smtp import SmtpHook

    with SmtpHook(smtp_conn_id="smtp_default") as hook:
        hook.send_email_smtp(
            to=[address.strip() for address in to.split(",")],
            from_email=environment().mail_from,
            subject=f"[caseload] {alert['step']}: {alert['what']}",
            html_content=f"<pre>{escape(text)}</pre>",
        )
