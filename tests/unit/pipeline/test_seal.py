"""An answer on its way from the question to the publication: nobody changes who gave it or takes that of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from allocation.contract.errors import Refused
from allocation.pipeline import alerts, seal
from allocation.runs import run_files
from tests.support import gates
from tests.support.browser import toy_run

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
    for run, key in (("/data/runs/b", "key"), ("/data/runs/a", "other")):
        with pytest.raises(Refused):
            seal.approval(handed_on, run, key)
    with pytest.raises(Refused):
        seal.approval(ANSWER, "/data/runs/a", "key")
    with pytest.raises(Refused, match="No decision"):
        seal.approval(None, "/data/runs/a", "key")


@pytest.mark.parametrize("key", ["", " "])
def test_a_key_that_anybody_knows_makes_no_seal(key: str) -> None:
    with pytest.raises(Refused, match=r"fernet_key of Airflow is empty"):
        seal.sealed(ANSWER, "/data/runs/a", key)
    with pytest.raises(Refused, match=r"fernet_key of Airflow is empty"):
        seal.approval(ANSWER | {seal.SEAL: ""}, "/data/runs/a", key)


def test_an_answer_does_not_hold_for_what_the_same_run_proposes_later(tmp_path: Path) -> None:
    """A run that is started again from an earlier task proposes anew: the answer of before is no answer to that."""
    run = toy_run(tmp_path / "var")
    gates.propose(run)
    handed_on = seal.sealed(ANSWER, seal.proposal_of(run), "key")
    assert seal.approval(handed_on, seal.proposal_of(run), "key")["by"] == "jansen"
    again = run.read(run_files.VERSION).model_copy(update={"act": 7})
    for changed in (again, again.model_copy(update={"act": run.read(run_files.VERSION).act, "version": 2})):
        run.write(run_files.VERSION, changed)
        with pytest.raises(Refused, match="was not made by answering its question"):
            seal.approval(handed_on, seal.proposal_of(run), "key")
