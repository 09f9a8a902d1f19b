"""Tasks outlive the page that started them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from allocation.contract.errors import InputRefused, Problem, Refused
from allocation.page.tasks import UNKNOWN, Tasks


def seven() -> int:
    return 7


def refuses() -> int:
    raise Refused("Postcode 1001 heeft geen team.")


def refuses_input(path: str) -> int:
    raise InputRefused([Problem(path, 2, "team_id", "'X' is no team", "W1")])


def breaks() -> int:
    raise ZeroDivisionError


def sleeps(seconds: float) -> int:
    time.sleep(seconds)
    return 8


def ended(tasks: Tasks, name: str) -> dict[str, object]:
    for _ in range(600):
        told = tasks.state(name)
        if told["state"] != "busy":
            return told
        time.sleep(0.1)
    raise AssertionError("still busy after a minute")


def test_another_page_knows_how_a_task_goes_and_how_it_ended(tmp_path: Path) -> None:
    first, second = Tasks(tmp_path), Tasks(tmp_path)
    name = first.start(sleeps, 3.0)
    assert second.state(name)["state"] == "busy"
    assert ended(second, name) == {"state": "done", "version": 8, "text": "Versie 8 is ingediend."}
    first.close()
    assert Tasks(tmp_path).state(name)["version"] == 8
    assert second.state("0" * 32) == UNKNOWN
    assert second.state("../store") == UNKNOWN


def test_refusals_are_sentences_without_paths(tmp_path: Path) -> None:
    tasks = Tasks(tmp_path)
    names = [tasks.start(refuses), tasks.start(refuses_input, str(tmp_path)), tasks.start(breaks), tasks.start(seven)]
    told = [ended(tasks, name) for name in names]
    tasks.close()
    assert [one["state"] for one in told] == ["refused", "refused", "refused", "done"]
    assert told[0]["text"] == "Postcode 1001 heeft geen team."
    assert all(str(tmp_path) not in str(one["text"]) for one in told)
    assert "1 bezwaren" not in str(told[2]["text"])


def test_a_task_whose_page_is_gone_is_cut_off(tmp_path: Path) -> None:
    """The page that started it holds no lock any more, and the task never ended."""
    (tmp_path / "page").mkdir()
    path = tmp_path / "page" / f"{'a' * 32}.json"
    path.write_text('{"state": "busy", "text": "…", "owner": "0123"}', encoding="utf-8")
    os.utime(path)
    told = Tasks(tmp_path).state("a" * 32)
    assert told["state"] == "refused"
    assert "opnieuw gestart" in told["text"]
