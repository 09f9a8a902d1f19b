"""The districting problems of a run, built from its frames."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from allocation.contract import input_tables
from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.districting import ProblemError
from allocation.intake.inputs import Inputs
from allocation.layers import build
from allocation.layers.layer import Layer
from allocation.layers.ways import STRAIGHT, STRAIGHT_LINES, Network, Ways, ways
from allocation.runs import run_files
from allocation.runs.run import Run

if TYPE_CHECKING:
    import geodata


def no_division() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in (*input_tables.CURRENT.column_names, "law_domain")})


def layers_of_run(
    run: Run, inputs: Inputs, work: pd.DataFrame, config: Config, day: date, held: pd.DataFrame | None = None
) -> list[Layer]:
    """Every problem of the run; keeps the ways to its offices."""
    import geodata

    boundaries = geodata.Boundaries.read(run.boundaries_folder)
    known = ways_of(boundaries, inputs, config)
    run.write(run_files.WAYS, known.frame)
    return layers_of_boundaries(boundaries, inputs, work, config, day, held, known)


def ways_of(boundaries: geodata.Boundaries, inputs: Inputs, config: Config) -> Ways:
    """The ways from every postcode to every office of the team list."""
    return ways(config.distance, inputs.travel, list(inputs.teams["office_pc4"]), network_of(boundaries))


def ways_of_run(folder: Path, boundaries: geodata.Boundaries) -> Ways:
    """The ways that a run has kept; straight lines for a run of before there were any. Also to offices to come."""
    if not run_files.WAYS.exists(folder):
        return STRAIGHT_LINES
    return Ways.of_frame(run_files.WAYS.read(folder), STRAIGHT, network_of(boundaries))


def network_of(boundaries: geodata.Boundaries) -> Network:
    import geodata

    def network(offices: Sequence[str]) -> pd.DataFrame:
        km = geodata.network_distance_km(boundaries.areas, boundaries.edges, list(offices))
        return pd.DataFrame(km.T, index=boundaries.areas["pc4"].to_numpy(), columns=list(offices))

    return network


def layers_of_boundaries(
    boundaries: geodata.Boundaries,
    inputs: Inputs,
    work: pd.DataFrame,
    config: Config,
    day: date,
    held: pd.DataFrame | None = None,
    known: Ways = STRAIGHT_LINES,
) -> list[Layer]:
    """Every problem; with straight lines, which say as well whether there is one, unless ``known`` has the ways."""
    import geodata

    def bridges(groups: pd.Series) -> pd.DataFrame:
        return geodata.bridges_within(boundaries.areas, boundaries.edges, groups)

    areas = pd.DataFrame(boundaries.areas.drop(columns="geometry"))
    try:
        return build.build_layers(inputs, work, areas, boundaries.edges, bridges, config, day, held, known)
    except ProblemError as error:
        raise Refused("\n".join(error.sentences)) from error
