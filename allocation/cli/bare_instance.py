"""The command ``solve``: one bare districting instance, without anything of the application around it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from allocation.cli.arguments import Adder, seconds_above_zero, seconds_from_zero, seed


def add_commands(add: Adder) -> None:
    """Add these commands, each with its arguments."""
    solve = add("solve", _solve, "divide one bare districting instance", has_store=False)
    solve.add_argument("instance", type=Path, metavar="DIR")
    solve.add_argument("--out", type=Path, required=True, metavar="FILE")
    solve.add_argument("--seconds", type=seconds_above_zero, default=10.0)
    solve.add_argument("--seed", type=seed, default=1)
    solve.add_argument(
        "--certify", type=seconds_from_zero, default=0.0, metavar="SECONDS", help="extra time for the proven bound"
    )


def _solve(asked: argparse.Namespace) -> int:
    from allocation.districting import Params, ProblemError, Stop, read_instance, sentence, solve, write_plan

    if (why := _unwritable(asked.out, asked.instance)) is not None:
        print(f"--out {asked.out}: {why}", file=sys.stderr)
        return 2
    remarks: list[str] = []
    try:
        problem = read_instance(asked.instance, remarks)
    except ProblemError as error:
        for text in error.sentences:
            print(text, file=sys.stderr)
        return 1
    for remark in remarks:
        print(f"look at: {remark}", file=sys.stderr)
    result = solve(problem, Stop(seconds=asked.seconds), asked.seed, Params(certify_seconds=asked.certify))
    try:
        write_plan(problem, result.plan, asked.out)
    except OSError as error:
        print(f"--out {asked.out}: cannot be written ({error.strerror})", file=sys.stderr)
        return 1
    bound = "none" if result.lower_bound is None else f"{result.lower_bound:.6f}"
    bound += "" if result.gap is None else f" (gap {result.gap:.3%})"
    ended = f"{result.stopped_because} after {result.seconds:.1f} s, {result.iterations} iterations"
    print(f"objective {result.objective:.6f}, bound {bound}, {ended}")
    for violation in result.violations:
        print(sentence(violation), file=sys.stderr)
    if result.proof:
        print(result.proof, file=sys.stderr)
    if not result.is_feasible:
        print("the hard rules are not all met; the least bad plan found was written", file=sys.stderr)
    return 0 if result.is_feasible else 1


def _unwritable(path: Path, instance: Path) -> str | None:
    """Why a plan cannot be written there, known before the search; None when it can."""
    from allocation.districting.instance import FILES

    if path.is_dir():
        return "is a folder; the name of a file is needed"
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist"
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return "is not writable"
    if path.resolve().parent == instance.resolve() and path.name in FILES:
        return "is a file of the instance; give another name"
    return None
