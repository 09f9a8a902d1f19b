"""Runs DAGs in this process, one after the other, and tells what came of each. A program of its own: Airflow reads its
settings once, when it is first imported, so tests start it as a subprocess.

Standard input: {"var": folder, "steps": [{"dag": ..., "conf": {...}, "answer": "Approve" or "Reject", "remark": ...,
"remove": [file], "write": {file: text}, "move": {file: to}}, ...]}; the files come first. "asks": true gives the
DAG the run of the newest proposal that waits in the store of ``CASELOAD_STORE``. The file named by the only
argument gets a list with, per step, the state, the seconds, the states and tries of its tasks by name, and the asset
events so far.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

import run_in_process


def main() -> None:
    """Read the steps, take them, write what came of them."""
    asked = json.load(sys.stdin)
    var = Path(asked["var"])
    run_in_process.prepare_environment(var)
    run_in_process.migrate(var)
    Path(sys.argv[1]).write_text(json.dumps([step(one, var) for one in asked["steps"]]), encoding="utf-8")


def step(one: dict[str, Any], var: Path) -> dict[str, Any]:
    """Take one step."""
    import sqlalchemy as sa
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    for name in one.get("remove", []):
        Path(name).unlink()
    for name, text in one.get("write", {}).items():
        Path(name).write_text(text, encoding="utf-8")
    for name, to in one.get("move", {}).items():
        Path(name).replace(to)
    began = time.monotonic()
    with run_in_process.answering("jansen", one.get("answer", "Approve"), one.get("remark", "akkoord")):
        conf = one.get("conf", {}) | ({"run": newest_proposal()} if one.get("asks") else {})
        finished = run_in_process.run_dag(one["dag"], conf)
    with create_session() as session:
        rows = session.execute(
            sa.select(
                TaskInstance.task_id, TaskInstance.state, TaskInstance.try_number, TaskInstance.rendered_map_index
            )
            .where(TaskInstance.dag_id == one["dag"], TaskInstance.run_id == finished.run_id)
            .order_by(TaskInstance.map_index)
        ).all()
        events = session.execute(
            sa.select(AssetModel.name, AssetEvent.extra).join_from(
                AssetEvent, AssetModel, AssetModel.id == AssetEvent.asset_id
            )
        ).all()
    tasks: dict[str, list[dict[str, Any]]] = {}
    for task_id, state, tries, label in rows:
        tasks.setdefault(task_id, []).append({"state": state, "tries": tries, "label": label})
    return {
        "state": str(finished.state),
        "seconds": time.monotonic() - began,
        "tasks": tasks,
        "events": [{"asset": name, "extra": extra} for name, extra in events],
        "folder": str(run_in_process.run_folder(var, finished)),
    }


def newest_proposal() -> str:
    """The run of the newest proposal that waits."""
    from allocation.publication import reads

    known = reads.versions(os.environ["CASELOAD_STORE"])
    return str(known.loc[known["status"] == "proposed"].sort_values("version")["run_id"].iloc[-1])


if __name__ == "__main__":
    main()
