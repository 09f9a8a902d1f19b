"""The embedded example as an input folder, with the division in force that its older teams had."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

from allocation.contract.config import Config
from allocation.demand import expected
from allocation.districting import Stop
from allocation.intake import example, example_history, example_network, example_places
from allocation.intake.inputs import load_inputs
from allocation.layers.solving import solve_problem
from allocation.outcome import routing
from allocation.pipeline.problems import layers_of_run, no_division
from allocation.runs import run_files
from allocation.runs.run import Run


def example_folder(run: Run) -> Path:
    """The embedded example input, made when it is not there yet: with a division in force that is out of date."""
    made_by = (example, example_history, example_network, example_places)
    modules = [Path(str(module.__file__)).read_bytes() for module in made_by]
    text = b"".join([*modules, run.fetched(run_files.BOUNDARIES).read_bytes()])
    folder = run.var / "example" / hashlib.sha256(text).hexdigest()[:12]
    if not folder.exists():  # made aside and moved into place: another run never sees half of it
        aside = folder.with_name(f"{folder.name}-{os.getpid()}")
        write_example_with_division(aside, run)
        try:
            aside.rename(folder)
        except OSError:  # another run was first; the same areas and seed give the same files
            shutil.rmtree(aside)
    return folder


def write_example_with_division(folder: Path, run: Run) -> None:
    """The example input with a division in force, made by a short search with the team list of before."""
    areas = run.areas()
    example.write_example(folder, areas)
    example_network.write_network(folder, areas)
    config = Config(valid_from=example.DIVISION_DATE)
    inputs = load_inputs(folder, areas, config)
    work = expected.expected_work(inputs, areas, config)
    made = layers_of_run(run, replace(inputs, current=no_division()), work, config, example.DIVISION_DATE)
    config = config.model_copy(update={"solver": config.solver.model_copy(update={"seed": example.SEED})})
    stop = Stop(seconds=None, iterations=example_history.DIVISION_ITERATIONS)
    plans = [solve_problem(layer, config, stop)["plan"] for layer in made]
    parts = routing.assigned_parts(made, plans)
    example_history.write_division(folder, routing.allocation_table(parts))
