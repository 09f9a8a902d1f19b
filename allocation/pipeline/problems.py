"""The districting problems of a run, built from its frames."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from allocation.contract import input_tables
from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.districting import ProblemError
from allocation.intake.inputs import Inputs
from allocation.layers import build
from allocation.layers.layer import Layer
from allocation.runs.run import Run

if TYPE_CHECKING:
    import geodata


def no_division() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in (*input_tables.CURRENT.column_names, "law_domain")})


def layers_of_run(
    run: Run, inputs: Inputs, work: pd.DataFrame, config: Config, day: date, held: pd.DataFrame | None = None
) -> list[Layer]:
    import geodata

    return layers_of_boundaries(geodata.Boundaries.read(run.boundaries_folder), inputs, work, config, day, held)


def layers_of_boundaries(
    boundaries: geodata.Boundaries,
    inputs: Inputs,
    work: pd.DataFrame,
    config: Config,
    day: date,
    held: pd.DataFrame | None = None,
) -> list[Layer]:
    import geodata

    def bridges(groups: pd.Series) -> pd.DataFrame:
        return geodata.bridges_within(boundaries.areas, boundaries.edges, groups)

    areas = pd.DataFrame(boundaries.areas.drop(columns="geometry"))
    try:
        return build.build_layers(inputs, work, areas, boundaries.edges, bridges, config, day, held)
    except ProblemError as error:
        raise Refused("\n".join(error.sentences)) from error
