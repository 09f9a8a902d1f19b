"""Does finished work tell the true hours and productivity? On the example, whose truth is known.

    .venv/bin/caseload example --out /tmp/example
    .venv/bin/python -m tests.benchmarks.demand.norms /tmp/example

Prints, for productivity and hours: how many, the error of the values in use and of the estimates (root mean square of
the log), the part of the truths within the 80% interval, and how many are warned of; once with the recorded hours and
once without.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from allocation.contract.config import Config
from allocation.demand.norms import estimated_norms
from allocation.intake.example_history import TRUE_HOURS, true_productivity
from allocation.layers.work import product_norms


def compared(folder: Path, *, with_hours: bool) -> pd.DataFrame:
    """One row per kind of estimate."""
    config = Config()
    completed = pd.read_parquet(folder / "completed.parquet")
    products, teams = pd.read_csv(folder / "products.csv"), pd.read_csv(folder / "teams.csv")
    for name in ("valid_from", "valid_to"):
        teams[name] = pd.to_datetime(teams[name])
    if not with_hours:
        completed = completed.assign(hours_verzekeringsarts=np.nan)
    found = estimated_norms(completed, product_norms(products, config), teams, config.work.productive_hours_per_fte)
    factor = found["product"].map(lambda code: TRUE_HOURS.get(code, 1.0))
    factor = factor.where(found["team_id"].isna(), found["team_id"].map(lambda team: true_productivity(str(team))))
    truth = found["in_use"] * factor
    rows = found.assign(
        before=np.log(found["in_use"] / truth) ** 2,
        after=np.log(found["estimate"] / truth) ** 2,
        inside=(truth >= found["low"]) & (truth <= found["high"]),
    )
    table = rows.groupby("kind").agg(
        number=("kind", "size"), before=("before", "mean"), after=("after", "mean"), inside=("inside", "mean"),
        warned_of=("disagrees", "sum"),
    )  # fmt: skip
    table[["before", "after"]] = np.sqrt(table[["before", "after"]])
    return table.reset_index().assign(recorded_hours=with_hours)


if __name__ == "__main__":
    tables = [compared(Path(sys.argv[1]), with_hours=with_hours) for with_hours in (True, False)]
    print(pd.concat(tables, ignore_index=True).to_string(index=False, float_format="{:.3f}".format))
