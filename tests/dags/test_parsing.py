"""The DAG files: quick to parse, without connections and heavy imports, and every task documented, bounded and retried.

One process parses them for all tests here (``tests.support.airflow_facts``).
"""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support import two_regions
from tests.support.airflow_components import DAG_IDS

FACTS = Path(two_regions.__file__).with_name("airflow_facts.py")
DAGS = set(DAG_IDS)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    var = tmp_path_factory.mktemp("parsed")
    done = subprocess.run(
        [sys.executable, str(FACTS), str(var)], capture_output=True, text=True, check=True, timeout=240
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_every_dag_imports(facts: dict[str, Any]) -> None:
    assert facts["import_errors"] == {}
    assert set(facts["dags"]) == DAGS


def test_parsing_takes_well_under_a_second(facts: dict[str, Any]) -> None:
    """Seconds of this processor, without Airflow's own import."""
    assert {name: s for name, s in facts["seconds"].items() if s > 0.5} == {}


def test_parsing_opens_no_connection_and_imports_nothing_heavy(facts: dict[str, Any]) -> None:
    assert facts["connected"] == []
    assert facts["heavy"] == []


def test_every_task_is_documented_bounded_and_retried_by_kind_of_error(facts: dict[str, Any]) -> None:
    for dag_id, dag in facts["dags"].items():
        assert dag["doc"], dag_id
        assert dag["catchup"] is False
        for task_id, task in dag["tasks"].items():
            assert task["doc"], task_id
            assert (task["retries"], task["has_policy"]) == (3, True), task_id
            # a person may take their time; everything else may not
            assert (task["timeout_s"] is None) == (task_id == "approve"), task_id


def test_what_may_pass_by_itself_is_tried_again_and_nothing_else(facts: dict[str, Any]) -> None:
    """A store that is away is refused in plain words and yet tried again."""
    expected = {"Passing": "retry", "OSError": "retry", "Refused": "fail", "InputRefused": "fail", "KeyError": "fail"}
    for dag in facts["dags"].values():
        for task_id, task in dag["tasks"].items():
            assert task["decides"] == expected, task_id


def test_runs_that_would_collide_wait_for_each_other(facts: dict[str, Any]) -> None:
    """An open approval may not keep others from working: `allocate` may run beside itself, the store has one writer.
    Runs of `decide` do nothing but wait."""
    limits = {dag_id: dag["max_active_runs"] for dag_id, dag in facts["dags"].items()}
    assert limits == dict.fromkeys(DAGS, 1) | {"allocate": 12, "decide": 50}


def test_regions_are_solved_side_by_side_within_the_pool(facts: dict[str, Any]) -> None:
    solve = facts["dags"]["allocate"]["tasks"]["solve"]
    assert solve["is_mapped"]
    assert solve["pool"] == "caseload_solver"


def test_a_search_may_last_as_long_as_the_form_allows(facts: dict[str, Any]) -> None:
    """Of both client lines, which are searched after each other; and there are files to read and write."""
    allocate = facts["dags"]["allocate"]
    assert allocate["tasks"]["solve"]["timeout_s"] > 2 * allocate["most"]["seconds"]


def test_nothing_is_published_without_the_gate_and_the_planner(facts: dict[str, Any]) -> None:
    """publish <- approve <- propose <- expect_outcome <- assemble <- solve"""
    tasks = facts["dags"]["allocate"]["tasks"]
    chain = ["publish", "approve", "propose", "expect_outcome", "assemble", "solve"]
    for later, earlier in pairwise(chain):
        assert earlier in tasks[later]["upstream"]


def test_every_number_of_a_form_has_a_bound(facts: dict[str, Any]) -> None:
    """One above 2^64 - 1 can be handed to no task: msgpack refuses it, and what tells of the failure ends too."""
    assert {name: dag["unbounded"] for name, dag in facts["dags"].items() if dag["unbounded"]} == {}
