"""Two settings of the search beside each other, on instance folders and over seeds.

    python -m tests.benchmarks.solver.trials --try growth=1.4 --try growth=1.8 FOLDER ...

Every ``--try`` is a set of fields of ``Schedule``, joined with ``;`` (empty: as it is). With ``--iterations`` the
outcome does not depend on what else the machine does; with ``--seconds`` the settings must be tried on a free one.
"""

from __future__ import annotations

import argparse
import ast
from pathlib import Path

from allocation.districting import Params, Stop, read_instance, solve
from allocation.districting.annealing import Schedule


def schedule(text: str) -> Schedule:
    """``growth=1.8;hot=(0.5, 2.0)`` -> the schedule with these fields."""
    fields = (part.split("=", 1) for part in text.split(";") if part)
    return Schedule(**{name.strip(): ast.literal_eval(value.strip()) for name, value in fields})


def objectives(folder: Path, tried: Schedule, stop: Stop, seeds: int) -> list[str]:
    """The objective per seed, 1 and up; ``-`` for a plan outside the limits."""
    problem = read_instance(folder)
    found = (solve(problem, stop, seed, Params(schedule=tried)) for seed in range(1, seeds + 1))
    return [f"{one.objective:.4f}" if one.is_feasible else "-" for one in found]


def main() -> None:
    """Entry point: one line for each instance and setting."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.solver.trials", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--try", dest="tried", action="append", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--iterations", type=int)
    args = parser.parse_args()
    stop = Stop(seconds=args.seconds, iterations=args.iterations)
    for folder in args.folders:
        for text in args.tried:
            row = objectives(folder, schedule(text), stop, args.seeds)
            print(f"{folder.name}  {text or 'as it is'}:  {'  '.join(row)}", flush=True)


if __name__ == "__main__":
    main()
