"""How far what readers see of stock, files, plans and moves lies from the exact figures.

    python -m tests.benchmarks.seen var/runs/RUN     a finished run

Belongs here: that table. Does not belong here: the rule (``allocation.outcome.seen``).
"""

from __future__ import annotations

import sys
from pathlib import Path

from allocation.contract.published_tables import PUBLISHED, SEEN_APART
from allocation.contract.schema import Table
from allocation.runs.run import Run


def main() -> None:
    """Entry point."""
    run = Run.open(Path(sys.argv[1]))
    print(f"{'column':<36}{'rows':>6}{'shown':>7}{'in sum':>9}{'5% of rows':>12}{'95%':>8}{'most':>8}")
    for table in (table for table in PUBLISHED if table.name in SEEN_APART):
        print(table.name)
        _compare(run, table)


def _compare(run: Run, table: Table) -> None:
    """A line for each column of ``table`` that is kept apart for readers."""
    exact, seen = (run.outcome(one.name).set_index(list(table.key)) for one in (table, SEEN_APART[table.name]))
    seen = seen.reindex(exact.index)
    for column in (c.name for c in table.columns if c.is_seen_apart):
        pairs = seen[column].astype("float64"), exact[column].astype("float64")
        both = pairs[0].notna() & (pairs[1] > 0)
        if not both.any():
            print(f"{column:<36}{len(exact):>6}{0:>7}")
            continue
        ratio = pairs[0][both] / pairs[1][both] - 1
        whole = pairs[0][both].sum() / pairs[1][both].sum() - 1
        print(
            f"{column:<36}{len(exact):>6}{int(both.sum()):>7}{whole:>9.1%}"
            f"{ratio.quantile(0.05):>12.1%}{ratio.quantile(0.95):>8.1%}{ratio[ratio.abs().idxmax()]:>8.1%}"
        )


if __name__ == "__main__":
    main()
