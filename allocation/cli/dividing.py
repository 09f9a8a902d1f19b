"""Commands that make a division: ``run``, ``propose`` and ``scenario``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from allocation.cli.arguments import Adder, run_arguments
from allocation.cli.progress import progress


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


def _run(asked: argparse.Namespace) -> int:
    from allocation.pipeline import processes

    processes.collect_less()
    processes.get_ready()
    run = start(asked)
    from allocation.pipeline import run_all
    from allocation.report import summary

    with progress(run_all.STEPS) as tell:
        run_all.run_all(run, until="publication" if asked.publish else "proposal", progress=tell)
    print(summary.unchanged_text(run) or summary.summary_text(summary.summary(run)))
    return 0


def _propose(asked: argparse.Namespace) -> int:
    asked.publish = False
    return _run(asked)


def _scenario(asked: argparse.Namespace) -> int:
    from allocation.pipeline import processes

    processes.collect_less()
    processes.get_ready()
    from allocation.pipeline import run_all, run_scenario
    from allocation.pipeline.scenario import Scenario
    from allocation.pipeline.scenario_compare import side_by_side

    asked_for = [Scenario.from_file(path) for path in asked.scenarios]
    compared, reports = {}, []
    for scenario in asked_for:
        run = start(asked)
        with progress(run_all.STEPS) as tell:
            compared[scenario.name], report = run_scenario.run_scenario(scenario, run, tell)
        reports.append(f"report of {scenario.name}: {report}")
    print("beside the division in force (base):")
    print(side_by_side(compared).to_string(index=False, float_format="{:,.3f}".format))
    print("\n".join(reports))
    return 0
