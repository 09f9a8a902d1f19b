"""Parses the DAG files as the DAG processor does and tells what it finds, as JSON.

A program of its own: what a DAG file imports or connects to shows only where nothing else has been imported.
"""

from __future__ import annotations

import json
import socket
import sqlite3
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

DAGS = Path(__file__).parents[2] / "dags"
NAMES = sorted(path.stem for path in DAGS.glob("*.py") if "\n@dag(" in path.read_text(encoding="utf-8"))
HEAVY = ("pandas", "geopandas", "numpy", "great_expectations", "shapely", "scipy", "numba", "allocation.pipeline.steps")


def main() -> None:
    """Write the facts to standard output."""
    sys.path.insert(0, str(DAGS))
    import run_in_process

    run_in_process.prepare_environment(Path(sys.argv[1]))
    # Airflow's own imports are not ours to count.
    import airflow.dag_processing.dagbag
    import airflow.providers.smtp.hooks.smtp
    import airflow.providers.standard.operators.hitl  # noqa: F401

    connected: list[str] = []
    forbid(connected)
    known = set(sys.modules)
    seconds = {name: parsed(name) for name in NAMES}
    heavy = [name for name in HEAVY if name in set(sys.modules) - known]
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(DAGS))
    facts = {
        "seconds": seconds,
        "heavy": heavy,
        "connected": connected,
        "import_errors": bag.import_errors,
        "dags": {dag_id: of_dag(dag) for dag_id, dag in bag.dags.items()},
    }
    print("\n" + json.dumps(facts))


def forbid(connected: list[str]) -> None:
    """From here on a connection is refused and noted."""

    def refuse(*arguments: Any, **_: Any) -> Any:
        connected.append(repr(arguments))
        raise ConnectionRefusedError("no connection while a DAG file is parsed")

    socket.socket.connect = refuse  # type: ignore[method-assign,assignment]
    socket.create_connection = refuse
    sqlite3.connect = refuse


def parsed(name: str) -> float:
    """Seconds that one file takes, with what it imports of ours."""
    for module in [module for module in sys.modules if module.startswith(("smc_", "allocation"))]:
        del sys.modules[module]
    spec = spec_from_file_location(f"parsed_{name}", DAGS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    began = time.process_time()
    spec.loader.exec_module(module_from_spec(spec))
    return time.process_time() - began


def of_dag(dag: Any) -> dict[str, Any]:
    """What a test wants to know of a DAG."""
    return {
        "doc": bool(dag.doc_md),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "schedule": str(dag.timetable.__class__.__name__),
        "most": {name: dag.params.get_param(name).schema.get("maximum") for name in dag.params},
        "unbounded": [
            name
            for name in dag.params
            for schema in numbers_of(dag.params.get_param(name).schema)
            if not {"maximum", "exclusiveMaximum"} & set(schema)
        ],
        "tasks": {task.task_id: of_task(task) for task in dag.tasks},
    }


def numbers_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a JSON schema that allow a number."""
    kinds = schema.get("type", [])
    mine = [schema] if {"number", "integer"} & set([kinds] if isinstance(kinds, str) else kinds) else []
    deeper = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return mine + [found for one in deeper for found in numbers_of(one)]


def of_task(task: Any) -> dict[str, Any]:
    """What a test wants to know of a task."""
    return {
        "doc": bool(task.partial_kwargs.get("doc_md") if task.is_mapped else task.doc_md),
        "retries": task.retries,
        "has_policy": task.retry_policy is not None,
        "decides": {type(error).__name__: task.retry_policy.evaluate(error, 1, 3).action.value for error in errors()},
        "timeout_s": task.execution_timeout.total_seconds() if task.execution_timeout else None,
        "pool": task.pool,
        "upstream": sorted(task.upstream_task_ids),
        "is_mapped": task.is_mapped,
    }


def errors() -> list[Exception]:
    """One error of each kind that a task may end with."""
    from allocation.contract.errors import InputRefused, Passing, Refused

    return [Passing("away"), Refused("no"), InputRefused([]), OSError("full"), KeyError("fault")]


if __name__ == "__main__":
    main()
