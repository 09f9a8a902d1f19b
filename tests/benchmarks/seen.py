"""How far what readers see of the stock and the files of teams lies from the exact figures.

    python -m tests.benchmarks.seen var/runs/RUN     a finished run

Belongs here: that table. Does not belong here: the rule (``allocation.outcome.seen``).
"""

from __future__ import annotations

import sys
from pathlib import Path

from allocation.contract.published_tables import TEAM_LOAD
from allocation.runs.run import Run


def main() -> None:
    """Entry point."""
    run = Run.open(Path(sys.argv[1]))
    key = [name for name in TEAM_LOAD.key if name != "version"]
    exact, seen = (run.outcome(name).set_index(key) for name in ("team_load", "team_load_seen"))
    print(f"{'column':<36}{'rows':>6}{'shown':>7}{'in sum':>9}{'5% of rows':>12}{'95%':>8}{'most':>8}")
    for column in (c.name for c in TEAM_LOAD.columns if c.is_seen_apart):
        pairs = seen[column].astype("float64"), exact[column].astype("float64")
        both = pairs[0].notna() & (pairs[1] > 0)
        ratio = pairs[0][both] / pairs[1][both] - 1
        whole = pairs[0][both].sum() / pairs[1][both].sum() - 1
        print(
            f"{column:<36}{len(exact):>6}{int(both.sum()):>7}{whole:>9.1%}"
            f"{ratio.quantile(0.05):>12.1%}{ratio.quantile(0.95):>8.1%}{ratio[ratio.abs().idxmax()]:>8.1%}"
        )


if __name__ == "__main__":
    main()
