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

SEAL = "seal"


def sealed(answer: Mapping[str, Any], run: str, key: str) -> dict[str, Any]:
    """``answer`` on the proposal of ``run`` (the path of its folder) with its seal."""
    return {**answer, SEAL: _seal(alerts.approval(answer), run, key)}


def approval(answer: Mapping[str, Any] | None, run: str, key: str) -> dict[str, Any]:
    """As ``alerts.approval``, of an answer that was given to the question itself. Raises ``Refused`` for another."""
    if answer and not hmac.compare_digest(
        str(answer.get(SEAL, "")).encode(), _seal(alerts.approval(answer), run, key).encode()
    ):
        raise Refused(
            "The decision that is recorded for this proposal was not made by answering its question; nothing was "
            "published. Clear the task that asks, and answer it."
        )
    return alerts.approval(answer)


def _seal(said: Mapping[str, Any], run: str, key: str) -> str:
    return hmac.new(key.encode(), json.dumps([run, said], sort_keys=True).encode(), hashlib.sha256).hexdigest()
