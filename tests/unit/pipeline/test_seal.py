"""An answer on its way from the question to the publication: nobody changes who gave it or takes that of another."""

from __future__ import annotations

from typing import Any

import pytest

from allocation.contract.errors import Refused
from allocation.pipeline import alerts, seal

ANSWER: dict[str, Any] = {
    "chosen_options": ["Approve"],
    "params_input": {"remark": "na overleg"},
    "responded_by_user": {"id": "7", "name": "jansen"},
    "responded_at": "2026-11-21T10:00:00+00:00",
}


def test_an_answer_arrives_as_it_was_given() -> None:
    handed_on = seal.sealed(ANSWER, "/data/runs/a", "key")
    assert seal.approval(handed_on, "/data/runs/a", "key") == alerts.approval(ANSWER)


@pytest.mark.parametrize(
    "changed",
    [
        {"responded_by_user": {"id": "8", "name": "de directeur"}},
        {"chosen_options": ["Reject"]},
        {"params_input": {"remark": "anders"}},
        {"responded_at": "2026-01-01T00:00:00+00:00"},
        {"withdrawn": True},
        {seal.SEAL: ""},
        {seal.SEAL: "é"},
    ],
)
def test_another_answer_is_refused(changed: dict[str, Any]) -> None:
    handed_on = seal.sealed(ANSWER, "/data/runs/a", "key") | changed
    with pytest.raises(Refused, match="was not made by answering its question"):
        seal.approval(handed_on, "/data/runs/a", "key")


def test_the_answer_of_another_run_or_without_the_key_is_refused() -> None:
    handed_on = seal.sealed(ANSWER, "/data/runs/a", "key")
    for run, key in (("/data/runs/b", "key"), ("/data/runs/a", "")):
        with pytest.raises(Refused):
            seal.approval(handed_on, run, key)
    with pytest.raises(Refused):
        seal.approval(ANSWER, "/data/runs/a", "key")
    with pytest.raises(Refused, match="No decision"):
        seal.approval(None, "/data/runs/a", "key")
