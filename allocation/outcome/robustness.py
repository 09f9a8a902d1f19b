"""What a tolerance buys that chance does not take back: the chance to stay within it, by how evenly is planned.

Belongs here: that table. Does not belong here: the chance of each team under the division made (``team_load``), the
formula (``demand.chance``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from allocation.contract.config import Config
from allocation.layers.spread import Spreads, chances
from allocation.outcome.solved import Solved

PLANNED = (0.0, 0.01, 0.03, 0.05)
"""The deviations at which a team is thought to be planned."""


def robustness_table(solved: Sequence[Solved], spreads: Spreads, config: Config) -> pd.DataFrame:
    """Per layer of more than one team the chance that a team stays within the run's tolerance over the year.

    Returns
    -------
    cluster, law_domain, client_line, planned (share of the target by which each team is planned above it; missing for
    the division as it is), mean_chance and least_chance (over the teams).
    """
    rows = []
    for one in solved:
        layer = one.layer
        if layer.problem.k == 1:
            continue
        noise = spreads.of_teams(layer, one.plan)
        for planned in (None, *PLANNED):
            found = chances(layer, noise, one.plan, config.tolerance, planned)
            place = {"cluster": layer.cluster, "law_domain": layer.law_domain, "client_line": layer.client_line}
            rows.append(
                {**place, "planned": planned, "mean_chance": float(found.mean()), "least_chance": float(found.min())}
            )
    columns = ["cluster", "law_domain", "client_line", "planned", "mean_chance", "least_chance"]
    return pd.DataFrame(rows, columns=columns).astype({"planned": np.float64})
