"""Plans that a run is given: an alternative that somebody chose, or a step of a calendar. They are not searched anew.

Belongs here: fitting them to the layers of the run. Does not belong here: making them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allocation.contract.errors import Refused
from allocation.layers.layer import Layer
from allocation.runs import run_files
from allocation.runs.run import Run


def layers_of(run: Run) -> set[str]:
    """The keys of the layers whose plan is given."""
    return set(run.read(run_files.GIVEN_PLANS)["layer"]) if run.has(run_files.GIVEN_PLANS) else set()


def plan_of(run: Run, key: str, layer: Layer) -> NDArray[np.int64] | None:
    """(n,) the plan that a layer is given; None where none is.

    Raises ``Refused`` when it does not fit: the input changed since the plan was made.
    """
    if not run.has(run_files.GIVEN_PLANS):
        return None
    rows = run.read(run_files.GIVEN_PLANS)
    rows = rows[rows["layer"] == key]
    if rows.empty:
        return None
    position = {team: at for at, team in enumerate(layer.problem.team_ids)}
    team_of = dict(zip(rows["unit"], rows["team_id"], strict=True))
    strangers = sorted({team for team in team_of.values() if team not in position})
    if set(team_of) != set(layer.problem.unit_ids) or strangers:
        why = f"team {strangers[0]} is not in force there" if strangers else "its postcodes or their splits are others"
        raise Refused(
            f"The plan that was made for {layer.label} no longer fits ({why}): the input has changed since. "
            "Make it again."
        )
    return np.array([position[team_of[unit]] for unit in layer.problem.unit_ids], dtype=np.int64)
