"""The answer on a proposal, sealed on its way from the task that asked to the tasks that act on it.

Airflow lets whoever may change a run also write the values that its tasks hand on, and so name another as the one who
approved. The seal is made with a key that only the tasks have. Belongs here: sealing and checking. Does not belong
here: what an answer says (`alerts`), where the key comes from.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from allocation.contract.errors import Refused
from allocation.pipeline import alerts
from allocation.runs import run_files
from allocation.runs.run import Run

SEAL = "seal"


def proposal_of(run: Run) -> str:
    """What an answer is an answer to: the run, the version that it proposes, and the act of proposing. A run that is
    started again proposes anew, and an answer of before does not hold for that."""
    version = run.read(run_files.VERSION)
    return f"{run.folder} {version.version} {version.act}"


def refuse_empty_key(key: str) -> None:
    """Raise ``Refused`` for a key that anybody knows."""
    if not key.strip():
        raise Refused(
            "The setting [core] fernet_key of Airflow is empty, so that anybody could write an answer of a planner; "
            "give every worker the same key, and clear the task."
        )


def sealed(answer: Mapping[str, Any], proposal: str, key: str) -> dict[str, Any]:
    """``answer`` on ``proposal`` (as ``proposal_of`` gives it) with its seal."""
    return {**answer, SEAL: _seal(alerts.approval(answer), proposal, key)}


def approval(answer: Mapping[str, Any] | None, proposal: str, key: str) -> dict[str, Any]:
    """As ``alerts.approval``, of an answer that was given to the question itself. Raises ``Refused`` for another."""
    if answer and not hmac.compare_digest(
        str(answer.get(SEAL, "")).encode(), _seal(alerts.approval(answer), proposal, key).encode()
    ):
        raise Refused(
            "The decision that is recorded for this proposal was not made by answering its question; nothing was "
            "published. Clear the task that asks, and answer it."
        )
    return alerts.approval(answer)


def _seal(said: Mapping[str, Any], proposal: str, key: str) -> str:
    refuse_empty_key(key)
    return hmac.new(key.encode(), json.dumps([proposal, said], sort_keys=True).encode(), hashlib.sha256).hexdigest()
