"""How the estimate of the demand does in countries of which the truth is known.

``python -m tests.benchmarks.demand [--seeds N] [--first N] [--only NAME ...] [--save FILE] [--before FILE]`` prints,
per scenario and scale, the mean Poisson deviance of the estimate beside that of the best simple forecast, and how much
of the outcomes its 80% intervals hold. ``--first 100`` takes other draws: from number 100 on. ``--save`` keeps the
scores as CSV; ``--before`` prints an earlier file beside them; ``--write`` puts the table into ``docs/demand.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks.demand.measure import RIVALS, SCALES, SUBJECTS, forecasts, scores
from tests.benchmarks.demand.scenarios import BREAKS, OF_THE_COUNTRY, SCENARIOS, UNTUNED
from tests.benchmarks.demand.worlds import counts

DOCUMENT = Path("docs") / "demand.md"
MARKS = ("<!-- generators: begin -->", "<!-- generators: end -->")
FIRST_SEED = 1000


def measure(names: Sequence[str], seeds: int, first: int = 0) -> pd.DataFrame:
    """Scores per scenario, scale and subject: means over the seeds, from draw ``first`` on."""
    found = []
    for name in names:
        began = time.perf_counter()
        for seed in range(first, first + draws(name, seeds)):
            world = SCENARIOS[name](np.random.default_rng([FIRST_SEED + seed, list(SCENARIOS).index(name)]))
            found.append(scores(forecasts(counts(world))).assign(scenario=name, seed=seed))
        print(f"{name}: {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    table = pd.concat(found).drop(columns="seed")
    return table.groupby(["scenario", "scale", "subject"], sort=False).mean().reset_index()


def draws(name: str, seeds: int) -> int:
    """How many countries of a scenario are drawn when others have ``seeds``."""
    return 3 * seeds if name in OF_THE_COUNTRY else seeds


def as_markdown(found: pd.DataFrame, before: pd.DataFrame | None = None) -> str:
    """One table per scale, for all products together: deviance (and of the estimate before), best rival, coverage."""
    lines = []
    for subject in SUBJECTS:
        for scale in SCALES:
            rows = found[(found["scale"] == scale) & (found["subject"] == subject)]
            old = None
            if before is not None:
                old = before[(before["scale"] == scale) & (before["subject"] == subject)].set_index("scenario")
            known = before is not None
            heads = ["scenario", *["before"] * known, "estimate", "best simple forecast", "ratio"]
            heads += [*["in 80% interval before"] * known, "in 80% interval", "half width"]
            lines += [f"**Per {scale}, {subject}**", "", f"| {' | '.join(heads)} |"]
            lines.append("|---|" + "---:|" * (len(heads) - 1))
            lines += [_row(row, old) for row in rows.to_dict("records")]
            lines.append("")
    return "\n".join(lines)


def _row(row: dict[str, float], old: pd.DataFrame | None) -> str:
    best = min(RIVALS, key=lambda name: row[name])
    cells = [str(row["scenario"]) + (" *" if row["scenario"] in BREAKS else " +" if row["scenario"] in UNTUNED else "")]
    known = old is not None and row["scenario"] in old.index
    if old is not None:
        cells.append(f"{old.loc[row['scenario'], 'mean']:.2f}" if known else "-")
    cells += [f"{row['mean']:.2f}", f"{row[best]:.2f} ({best})", f"{row['mean'] / row[best]:.2f}"]
    if old is not None:
        cells.append(f"{100 * old.loc[row['scenario'], 'coverage']:.0f}%" if known else "-")
    cells += [f"{100 * row['coverage']:.0f}%", f"{100 * row['half_width']:.1f}%"]
    return "| " + " | ".join(cells) + " |"


def origin(seeds: int) -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return (
        f"Measured {date.today().isoformat()}, commit {commit.stdout.strip() or 'unknown'}, {seeds} draws each ("
        f"{draws(OF_THE_COUNTRY[0], seeds)} of {', '.join(OF_THE_COUNTRY)}), Python "
        f"{platform.python_version()}, {os.cpu_count()} cores."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.demand", description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--save", type=Path)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args(arguments)
    found = measure(chosen.only, chosen.seeds, chosen.first)
    if chosen.save:
        found.to_csv(chosen.save, index=False, float_format="%.4f")
    text = origin(chosen.seeds) + "\n\n" + as_markdown(found, pd.read_csv(chosen.before) if chosen.before else None)
    print(text)
    if chosen.write:
        from allocation.demand.backtest import write_table

        write_table(DOCUMENT, text, MARKS)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
