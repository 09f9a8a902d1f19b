"""What the DAG files share: assets, defaults, and where this installation keeps its things.

Belongs here: names and Airflow settings that more than one DAG needs. Does not belong here: any step of the pipeline.
Nothing heavy is imported and nothing is connected to: the DAG processor reads this file over and over.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule

from smc_alerts import Alert

if TYPE_CHECKING:
    from allocation.pipeline import Run

BOUNDARIES = Asset(name="boundaries", uri="caseload://boundaries", group="caseload")
CASELOAD = Asset(name="caseload", uri="caseload://caseload", group="caseload")
TEAMS = Asset(name="teams", uri="caseload://teams", group="caseload")
ALLOCATION = Asset(name="allocation", uri="caseload://allocation", group="caseload")

SOLVER_POOL = "caseload_solver"
"""Bounds the searches side by side over all runs; a search keeps one core busy."""

# A second try cannot mend a refused input; a lost connection or a full disk may pass.
RETRIES = ExceptionRetryPolicy(
    rules=[
        RetryRule("allocation.errors.Refused", RetryAction.FAIL, reason="refused: bad input or a failed check"),
        RetryRule("builtins.OSError", RetryAction.RETRY, timedelta(seconds=30), reason="disk or connection"),
        RetryRule("sqlalchemy.exc.OperationalError", RetryAction.RETRY, timedelta(seconds=30), reason="database away"),
    ]
)
DEFAULTS: dict[str, Any] = {
    "owner": "caseload",
    "retries": 3,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=2),
    "retry_policy": RETRIES,
    "execution_timeout": timedelta(minutes=10),
    "on_failure_callback": Alert(),
}


def var() -> Path:
    """The folder of runs, caches and published files: ``CASELOAD_VAR``, shared by every worker."""
    return Path(os.environ.get("CASELOAD_VAR", "var")).absolute()


def store() -> str:
    """The store's address: ``CASELOAD_STORE``, by default the embedded file."""
    return os.environ.get("CASELOAD_STORE") or f"sqlite:///{var() / 'caseload.sqlite'}"


def input_dir() -> Path | None:
    """The input folder: ``CASELOAD_INPUT``; None stands for the embedded example."""
    given = os.environ.get("CASELOAD_INPUT")
    return Path(given).absolute() if given else None


def start_run(context: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> Run:
    """A run of the pipeline for this DAG run; its folder is named after both, so a second try finds the same one."""
    from allocation.config import Config
    from allocation.pipeline import Run

    dag_run = context["dag_run"]
    return Run.start(
        input_dir=input_dir(),
        boundaries=os.environ.get("CASELOAD_BOUNDARIES", "embedded"),
        store=store(),
        config=Config.from_values(values or {}, "form"),
        var=var(),
        run_id=f"{dag_run.dag_id}__{dag_run.run_id}",
        created_by=dag_run.triggering_user_name or dag_run.dag_id,
    )
