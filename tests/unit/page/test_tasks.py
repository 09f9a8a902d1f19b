"""Tasks outlive the page that started them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from allocation.contract.errors import InputRefused, Problem, Refused
from allocation.page.tasks import DIED, MOST_AT_ONCE, MOST_TOLD, UNKNOWN, Tasks, refusal


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
    name = first.start(sleeps, 1.0, by="jansen")
    assert second.state(name)["state"] == "busy"
    assert ended(second, name) == {"state": "done", "version": 8, "text": "Versie 8 is ingediend."}
    first.close()
    assert Tasks(tmp_path).state(name)["version"] == 8
    assert second.state("0" * 32) == UNKNOWN
    assert second.state("../store") == UNKNOWN


def test_refusals_are_sentences_without_paths(tmp_path: Path) -> None:
    tasks = Tasks(tmp_path)
    names = [
        tasks.start(refuses, by="jansen"),
        tasks.start(refuses_input, str(tmp_path), by="jansen"),
        tasks.start(breaks, by="jansen"),
        tasks.start(seven, by="jansen"),
    ]
    told = [ended(tasks, name) for name in names]
    tasks.close()
    assert [one["state"] for one in told] == ["refused", "refused", "refused", "done"]
    assert told[0]["text"] == "Postcode 1001 heeft geen team."
    assert all(str(tmp_path) not in str(one["text"]) for one in told)
    assert "row 2, column team_id: 'X' is no team" in str(told[1]["text"])
    assert "X" not in str(told[2]["text"])


def test_of_many_problems_of_the_input_some_are_told() -> None:
    problems = [Problem(f"/srv/var/locks{n}.csv", None, "pc4", "is wrong", "W1") for n in range(MOST_TOLD + 2)]
    told = refusal(InputRefused(problems))
    assert "locks0.csv" in told
    assert f"locks{MOST_TOLD}.csv" not in told
    assert told.endswith("(en nog 2)")
    assert "/srv" not in told


def test_a_task_whose_page_is_gone_is_cut_off(tmp_path: Path) -> None:
    """The page that started it holds no lock any more, and the task never ended."""
    (tmp_path / "page").mkdir()
    path = tmp_path / "page" / f"{'a' * 32}.json"
    path.write_text('{"state": "busy", "text": "…", "owner": "0123"}', encoding="utf-8")
    os.utime(path)
    told = Tasks(tmp_path).state("a" * 32)
    assert told["state"] == "refused"
    assert "opnieuw gestart" in told["text"]


def test_what_died_is_told_and_the_next_task_is_done_all_the_same(tmp_path: Path) -> None:
    """The system ends a process that takes too much memory; the page goes on for who comes after."""
    tasks = Tasks(tmp_path)
    died, waited = tasks.start(os._exit, 9, by="jansen"), tasks.start(sleeps, 0.0, by="jansen")
    assert ended(tasks, died) == ended(tasks, waited) == DIED
    assert ended(tasks, tasks.start(seven, by="jansen"))["version"] == 7
    tasks.close()


def test_one_planner_leaves_room_for_the_others(tmp_path: Path) -> None:
    tasks = Tasks(tmp_path)
    names = [tasks.start(sleeps, 0.3, by="jansen") for _ in range(MOST_AT_ONCE)]
    with pytest.raises(Refused, match="wacht tot er een klaar is"):
        tasks.start(seven, by="jansen")
    names.append(tasks.start(seven, by="de vries"))
    assert [ended(tasks, name)["state"] for name in names] == ["done"] * 6
    assert ended(tasks, tasks.start(seven, by="jansen"))["version"] == 7
    tasks.close()
