"""Advice on a division that was made: where capacity is short, what to hand over. Asked with settings of its own.

Belongs here: from a version to the files of its run, and which settings hold. Does not belong here: any figure
(``outcome.capacity``, ``outcome.handover``), words for people (``report``, ``cli``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.intake.inputs import Inputs
from allocation.layers.holding import Roster
from allocation.layers.work import product_norms, recurring_products
from allocation.outcome.capacity import capacity_advice
from allocation.outcome.handover import handover_tables
from allocation.outcome.transition import placed_files
from allocation.pipeline.steps import read_solved
from allocation.runs import run_files
from allocation.runs.run import Run, run_folder

CAPACITY_FILES = ("region_work", "region_supply", "region_offices")


def run_of_version(version: int | None, store: str, var: Path) -> Run:
    """The run that made a version; that of the version in force today for None. Raises ``Refused``."""
    from allocation.publication import reads

    number = reads.current_version(store) if version is None else version
    if number is None:
        raise Refused("No version is in force today; name one (caseload versions).")
    run_id = str(reads.read_table("runs", store, version=number).iloc[0]["run_id"])
    folder = run_folder(var, run_id)
    if not run_files.RUN.exists(folder):
        raise Refused(f"The folder of run {run_id}, which made version {number}, is gone ({folder}).")
    return Run.open(folder)


def with_settings(run: Run, changes: Mapping[str, Any]) -> Config:
    """The settings of the run, with those of ``[advice]`` that are given in their place. Raises ``InputRefused``."""
    values = run.config.model_dump()
    given = {name: value for name, value in changes.items() if value is not None}
    return Config.from_values(values | {"advice": values["advice"] | given}, "advice")


def capacity_of_run(run: Run, config: Config) -> pd.DataFrame:
    """Table ``capacity_advice`` of a run that has its outcome, with these settings. Raises ``RunIncomplete``."""
    tables = run_files.OUTCOME.read(run.folder, CAPACITY_FILES)
    work, supply, offices = (tables[name] for name in CAPACITY_FILES)
    return capacity_advice(work, supply, offices, run.areas(), config)


def handover_of_run(run: Run, config: Config) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table ``handover_advice`` and its summary per layer, of a run that has its outcome, with these settings."""
    inputs, day = Inputs.read(run.inputs_folder), run.layers().day
    files = placed_files(run.read(run_files.HELD_FILES), run.outcome("routing"), config)
    return handover_tables(
        read_solved(run),
        files,
        run.outcome("region_capacity"),
        run.outcome("allocation"),
        product_norms(inputs.products, config),
        recurring_products(inputs.inflow, inputs.stock),
        Roster.of(inputs, day, config),
        config,
    )
