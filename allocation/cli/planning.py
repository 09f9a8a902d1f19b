"""Commands that plan: ``alternatives`` and ``choose``, ``plan-ahead`` and ``next-step``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from allocation.cli.arguments import Adder, day, run_arguments
from allocation.cli.dividing import start
from allocation.cli.progress import progress

if TYPE_CHECKING:
    from allocation.runs.run import Run


def add_commands(add: Adder) -> None:
    """Add these commands, each with its arguments."""
    run_arguments(add("alternatives", _alternatives, "several divisions to choose from, each best in something else"))
    choose = add("choose", _choose, "make one of the alternatives a proposal")
    choose.add_argument("run", metavar="RUN", help="the run that `alternatives` printed")
    choose.add_argument("alternative", metavar="NAME", help="the name of the alternative")
    choose.add_argument("--reason", default="", help="why this one; kept with the version")
    ahead = add("plan-ahead", _plan_ahead, "a division for each date that is known, with few moves over all of them")
    ahead.add_argument("--until", type=day, required=True, metavar="DATE", help="the last day that is looked at")
    ahead.add_argument("--publish", action="store_true", help="publish every step ahead, as one plan")
    run_arguments(ahead)
    step = add("next-step", _next_step, "propose the next date of a calendar")
    step.add_argument("run", metavar="RUN", help="the run that `plan-ahead` printed")
    step.add_argument("--publish", action="store_true", help="publish every step that is left, each on its day")


def _alternatives(asked: argparse.Namespace) -> int:
    from allocation.pipeline import alternatives
    from allocation.report.choice import alternatives_text, write_alternatives_page

    run = start(asked)
    with progress({}) as tell:
        table = alternatives.find(run, tell)
    print(alternatives_text(table))
    print(f"page with a chart: {write_alternatives_page(run.folder)}")
    print(f"to make one a proposal: caseload choose {run.run_id} NAME")
    return 0


def _choose(asked: argparse.Namespace) -> int:
    from allocation.pipeline import alternatives, run_all
    from allocation.report import summary

    run = alternatives.choose(asked.var, asked.run, asked.alternative, asked.store, asked.reason)
    with progress(run_all.STEPS) as tell:
        run_all.run_all(run, until="proposal", progress=tell)
    print(summary.summary_text(summary.summary(run)))
    return 0


def _plan_ahead(asked: argparse.Namespace) -> int:
    from allocation.pipeline import plan_ahead
    from allocation.report.calendar import calendar_text, write_calendar_page

    run = start(asked)
    with progress({}) as tell:
        plan_ahead.find(run, asked.until, tell)
    print(calendar_text(run.folder))
    print(f"page: {write_calendar_page(run.folder)}")
    if asked.publish:
        return _take_steps(run, asked.store, is_published=True)
    print(f"to propose the first date: caseload next-step {run.run_id}")
    return 0


def _next_step(asked: argparse.Namespace) -> int:
    from allocation.pipeline import plan_ahead

    return _take_steps(plan_ahead.open_plan(asked.var, asked.run), asked.store, is_published=asked.publish)


def _take_steps(plan: Run, store: str, *, is_published: bool) -> int:
    """Propose the next date of a calendar; with ``is_published`` publish it, and every one after it."""
    from allocation.pipeline import plan_ahead, run_all
    from allocation.report import summary

    while (run := plan_ahead.next_step(plan, store)) is not None:
        with progress(run_all.STEPS) as tell:
            run_all.run_all(run, until="publication" if is_published else "proposal", progress=tell)
        print(f"step {run.config.valid_from}:")
        print(summary.summary_text(summary.summary(run)))
        if not plan_ahead.is_published(plan, store, run):
            return 0
        if not is_published:
            print("this step is published already; the next one follows")
    print("every step of this plan is published")
    return 0
