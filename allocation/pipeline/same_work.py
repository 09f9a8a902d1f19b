"""The expected work of the version in force, where this run would estimate the very same: planners mostly change teams.

Belongs here: telling that nothing has changed of what the estimate is made of, this program included. Does not belong
here: the estimate (`demand`).
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version as package_version
from pathlib import Path

import pandas as pd

import allocation
from allocation.pipeline.carry_over import run_in_force
from allocation.runs import run_files
from allocation.runs.run import Run

MADE_OF = ("inflow", "stock", "products")
"""The input tables that the estimate reads (``demand.expected.work_and_doubts``)."""


def made_of(run: Run) -> str:
    """SHA-256 of everything that the estimate of ``run`` depends on."""
    digest = hashlib.sha256(_program().encode())
    for file in (run_files.AREAS, *(run_files.INPUT_TABLES.table(name) for name in MADE_OF)):
        digest.update(hashlib.sha256(run.fetched(file).read_bytes()).digest())
    digest.update(run.config.work.model_dump_json().encode())
    return digest.hexdigest()


def work_in_force(run: Run, wanted: str) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Work and doubts of the run in force when those were made of the same (``made_of``); else None."""
    base = run_in_force(run)
    if base is None or not base.has(run_files.WORK_MADE_OF) or base.read(run_files.WORK_MADE_OF) != wanted:
        return None
    return base.read(run_files.WORK), base.read(run_files.DOUBTS)


@cache
def _program() -> str:
    """SHA-256 of the text of this program, and the releases of what it counts with."""
    digest = hashlib.sha256()
    root = Path(allocation.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    digest.update(" ".join(package_version(name) for name in ("numpy", "pandas", "pyarrow", "scipy")).encode())
    return digest.hexdigest()
