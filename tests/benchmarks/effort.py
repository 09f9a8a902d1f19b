"""What more effort would bring: every layer of a run divided again with ten times the iterations.

``python -m tests.benchmarks.effort RUN_FOLDER [--times 10]`` prints a Markdown table of the layers that came out
cheaper, and the sum. Layers whose division is proven to be the best are not divided again, and the others without an
end before the iterations are up. The clock has no say in the outcome.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allocation.districting import Stop
from allocation.layers.layer import Layer
from allocation.layers.solving import solve_problem
from allocation.report.summary import code_version
from allocation.runs.run import Run


def divided_again(run: Run, times: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What the solver said of each layer of the run, and what it says with ``times`` the effort."""
    solver = run.config.solver
    more = Stop(seconds=None, iterations=solver.iterations * times)
    pairs = []
    for key in run.layer_keys():
        before = run.result(key)
        is_open = before["stopped_because"] in ("iterations", "converged")
        after = solve_problem(Layer.read(run.folder / "layers" / key), run.config, more) if is_open else before
        pairs.append((before, after))
    return pairs


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.effort", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run, its layers divided")
    parser.add_argument("--times", type=int, default=10)
    asked = parser.parse_args()
    run = Run.open(asked.run)
    if run.config.solver.iterations is None:
        parser.error("this run searched by the clock; choose one that searched by iterations")
    pairs = divided_again(run, asked.times)
    print(f"{datetime.now(UTC):%Y-%m-%d}, {code_version()}, seed {run.config.solver.seed}\n")
    print(f"| layer | {run.config.solver.iterations:,} iterations | {asked.times} times that | dearer |")
    print("|---|---:|---:|---:|")
    rows = [(before["label"], before["objective"], after["objective"]) for before, after in pairs]
    total = ("all", sum(one for _, one, _ in rows), sum(two for _, _, two in rows))
    for label, one, two in [*(row for row in rows if row[1] - row[2] > 1e-6 * row[1]), total]:
        print(f"| {label} | {one:.4f} | {two:.4f} | {100 * (one / two - 1):.2f}% |")
    same = sum(one - two <= 1e-6 * one for _, one, two in rows)
    print(f"\nNo cheaper plan for {same} of {len(rows)} layers.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
