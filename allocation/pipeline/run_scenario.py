"""A scenario from input to report, beside the division in force."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from allocation.contract.errors import Refused
from allocation.pipeline.example_input import example_folder
from allocation.pipeline.run_all import run_all
from allocation.pipeline.scenario import Scenario, compare_with_base, scenario_config, write_scenario_input
from allocation.pipeline.steps import prepare_boundaries, write_report
from allocation.runs.run import Progress, Run, write_json


def run_scenario(scenario: Scenario, run: Run, progress: Progress) -> pd.DataFrame:
    """A scenario from input to report, beside the division in force; nothing is proposed or published.

    ``run`` says what the scenario starts from: input folder, boundaries, store and configuration. The outcome stays in
    a run folder of its own. Returns ``scenario.compare_with_base``. Raises ``Refused`` when nothing is in force.
    """
    from allocation.publication import versions

    base = versions.current_version(run.store, run.eve)
    if base is None:
        raise Refused("no version is in force to compare the scenario with; publish one first (caseload run)")
    prepare_boundaries(run, progress)
    source = Path(run.input_dir) if run.input_dir else example_folder(run)
    folder = write_scenario_input(scenario, source, run.folder / "scenario_input")
    config = scenario_config(scenario, run.config)
    what_if = Run.start(
        input_dir=folder,
        boundaries=run.boundaries,
        store=run.store,
        config=config,
        var=run.var,
        run_id=f"{run.run_id}-scenario",
        today=run.today,
        created_by=run.created_by,
    )
    run_all(what_if, until="expectations", progress=progress)
    names = ("team_load", "region_summary", "transition")
    compared = compare_with_base(
        {name: versions.read_table(name, run.store, version=base) for name in names},
        {name: what_if.frame(name) for name in names},
        areas_moved=int(what_if.frame("allocation_changes")["pc4"].nunique()),
    )
    compared.to_parquet(what_if.folder / "scenario.parquet", index=False)
    told = {"name": scenario.name, "description": scenario.description, "base": base}
    write_json(what_if.folder / "scenario.json", told)
    progress("report")
    write_report(what_if)
    return compared
