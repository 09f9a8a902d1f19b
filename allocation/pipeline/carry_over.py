"""Small change, small run: which layers are as they were when the version in force was made, so that its plan holds.

Belongs here: telling which layers changed, by a fingerprint of everything that the search sees. Does not belong here:
what a layer is (`layers`) or what happens to one that is carried over (`pipeline.solve_layer`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract.errors import Refused
from allocation.layers.layer import ARRAYS, Layer, can_carry_over
from allocation.runs.run import Run


def mark_unchanged(run: Run) -> list[str]:
    """Mark the layers of ``run`` that need no search; returns the keys of those that do, in order.

    Carried over is a layer of which the version in force was made from the very same problem, with the same settings of
    the search and a plan that broke no rule, and which still has that plan. A run that names its regions searches them
    all: somebody asked for it. To be called after ``pipeline.prepare_layers``.
    """
    path = run.folder / "layers.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    base = None if run.config.regions else run_of_version(run, told["from_version"])
    for row in told["layers"]:
        if row["is_solved"] and base is not None and base.config.solver == run.config.solver:
            row["is_solved"] = not _is_unchanged(
                run.folder / "layers" / row["key"], base.folder / "layers" / row["key"]
            )
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    return [str(row["key"]) for row in told["layers"] if row["is_solved"]]


def run_of_version(run: Run, version: int | None) -> Run | None:
    """The run that made ``version`` of the store of ``run``; None when there is no version or its folder is gone."""
    from allocation.publication import versions

    if version is None:
        return None
    run_id = str(versions.read_table("runs", run.store, version=version).iloc[0]["run_id"])
    for folder in sorted(run.folder.parent.iterdir()):
        if (folder / "version.json").exists() and (found := Run.open(folder)).run_id == run_id:
            return found
    return None


def plan_of_version(run: Run, version: int) -> Run:
    """Like ``run_of_version``. Raises ``Refused`` when the folder is gone."""
    found = run_of_version(run, version)
    if found is None:
        raise Refused(f"The folder of the run that made version {version} is gone from {run.folder.parent}.")
    return found


def _is_unchanged(folder: Path, before: Path) -> bool:
    if not (before / "result.json").exists():
        return False
    layer, old = Layer.read(folder), Layer.read(before)
    result: dict[str, Any] = json.loads((before / "result.json").read_text(encoding="utf-8"))
    if not result["is_feasible"] or not can_carry_over(layer) or fingerprint(layer) != fingerprint(old):
        return False
    plan = pd.read_parquet(before / "plan.parquet")["team"].to_numpy(dtype=np.int64)
    return bool(np.array_equal(plan, np.asarray(layer.problem.current)))


def fingerprint(layer: Layer) -> str:
    """SHA-256 of everything that a search depends on, but for the division in force: that is compared as a plan."""
    digest = hashlib.sha256()
    problem = layer.problem
    settings = [problem.unit_ids, problem.team_ids, problem.tolerance, asdict(problem.weights)]
    digest.update(json.dumps(settings).encode())
    arrays = {name: getattr(problem, name) for name in ARRAYS if name != "current"}
    for measure in problem.further:
        arrays |= {f"{measure.name}:amount": measure.amount, f"{measure.name}:capacity": measure.capacity}
        digest.update(f"{measure.name}:{measure.tolerance}".encode())
    for name, array in arrays.items():
        digest.update(name.encode())
        if array is not None:
            digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(layer.parts.to_csv(index=False).encode())
    return digest.hexdigest()
