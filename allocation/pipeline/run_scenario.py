"""A scenario from input to report, beside the division in force."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from allocation.contract.errors import Refused
from allocation.intake.fetching import fetch_tables
from allocation.pipeline.example_input import example_folder
from allocation.pipeline.run_all import run_all
from allocation.pipeline.scenario import Scenario, scenario_config, write_scenario_input
from allocation.pipeline.scenario_compare import compare_with_base, places_beside
from allocation.pipeline.steps import prepare_boundaries, write_report
from allocation.runs import run_files
from allocation.runs.run import Progress, Run


def run_scenario(scenario: Scenario, run: Run, progress: Progress) -> tuple[pd.DataFrame, Path]:
    """A scenario from input to report, beside the division in force; nothing is proposed or published.

    ``run`` says what the scenario starts from: input folder, boundaries, store and configuration. The outcome stays in
    a run folder of its own. Returns ``scenario.compare_with_base`` and the path of the report. Raises ``Refused`` when
    nothing is in force.
    """
    from allocation.publication import reads

    prepare_boundaries(run, progress)
    base = run.in_force().version
    if base is None:
        raise Refused("no version is in force to compare the scenario with; publish one first (caseload run)")
    tables = ("team_load", "region_summary", "transition")
    of_base = {name: reads.read_table(name, run.store, version=base) for name in tables}
    source = fetch_tables(Path(run.input_dir)) if run.input_dir else example_folder(run)
    folder = write_scenario_input(scenario, source, run.scenario_input_folder, run.areas())
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
    found = {name: what_if.outcome(name) for name in tables}
    compared = compare_with_base(
        of_base,
        found,
        areas_moved=int(what_if.outcome("allocation_changes")["pc4"].nunique()),
    )
    what_if.write(run_files.SCENARIO_COMPARED, compared)
    what_if.write(run_files.SCENARIO_PLACES, places_beside(of_base, found, _districts(run, what_if, base)))
    told = {"name": scenario.name, "description": scenario.description, "reference": scenario.reference, "base": base}
    what_if.write(run_files.SCENARIO, told)
    progress("report")
    return compared, write_report(what_if)


def _districts(run: Run, what_if: Run, base: int) -> pd.Series:
    """The district of every team of the scenario and of the version in force, indexed by team_id."""
    from allocation.publication import reads

    teams = [what_if.outcome("teams"), reads.read_table("team", run.store, version=base)]
    known = pd.concat([table.reindex(columns=["team_id", "district"]) for table in teams])
    return known.dropna().drop_duplicates("team_id").set_index("team_id")["district"]
