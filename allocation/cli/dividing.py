"""Commands that make a division: ``run``, ``propose`` and ``scenario``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from allocation.cli.arguments import Adder, run_arguments


def add_commands(add: Adder) -> None:
    """Add these commands, each with its arguments."""
    run = add("run", _run, "the whole pipeline without a scheduler")
    run.add_argument(
        "--publish",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="put the outcome in force (default), or leave it a proposal",
    )
    run_arguments(run)
    run_arguments(add("propose", _propose, "the same, and leave the outcome a proposal"))
    scenario = add("scenario", _scenario, "what if: a scenario beside the division in force; nothing is published")
    scenario.add_argument("scenarios", type=Path, nargs="+", metavar="FILE", help="TOML, see examples/scenarios")
    run_arguments(scenario)


def _configuration(asked: argparse.Namespace) -> Any:
    from allocation.contract.config import Config

    config = Config.from_file(asked.config)
    changes: dict[str, Any] = {}
    if asked.regions:
        changes["regions"] = tuple(name.strip() for name in asked.regions.split(","))
    if asked.valid_from:
        changes["valid_from"] = asked.valid_from
    if asked.reason:
        changes["reason"] = asked.reason
    changes["solver"] = config.solver.lasting(asked.seconds).model_dump()
    return Config.from_values(config.model_dump() | changes, "command line")


def start(asked: argparse.Namespace) -> Any:
    from allocation.runs.run import Run

    return Run.start(
        input_dir=asked.input,
        boundaries=asked.boundaries,
        store=asked.store,
        config=_configuration(asked),
        var=asked.var,
    )


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def progress_ends() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)


def _run(asked: argparse.Namespace) -> int:
    run = start(asked)
    from allocation.pipeline import processes

    processes.get_ready()
    from allocation.pipeline import run_all
    from allocation.report import summary

    run_all.run_all(run, until="publication" if asked.publish else "proposal", progress=progress)
    progress_ends()
    print(summary.unchanged_text(run) or summary.summary_text(summary.summary(run)))
    return 0


def _propose(asked: argparse.Namespace) -> int:
    asked.publish = False
    return _run(asked)


def _scenario(asked: argparse.Namespace) -> int:
    from allocation.pipeline import processes

    processes.get_ready()
    from allocation.pipeline import run_scenario
    from allocation.pipeline.scenario import Scenario
    from allocation.pipeline.scenario_compare import side_by_side

    asked_for = [Scenario.from_file(path) for path in asked.scenarios]
    compared, reports = {}, []
    for scenario in asked_for:
        run = start(asked)
        compared[scenario.name], report = run_scenario.run_scenario(scenario, run, progress)
        progress_ends()
        reports.append(f"report of {scenario.name}: {report}")
    print("beside the division in force (base):")
    print(side_by_side(compared).to_string(index=False, float_format="{:,.3f}".format))
    print("\n".join(reports))
    return 0
