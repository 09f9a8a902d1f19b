"""Command ``import``: a division made elsewhere is evaluated beside a version, and proposed when that is asked."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from allocation.cli.arguments import Adder, day, version
from allocation.contract.errors import Refused

if TYPE_CHECKING:
    from allocation.page.changes import ChangeSet
    from allocation.page.desk import Desk
    from allocation.page.whatif import Bench
    from allocation.report.board import Totals

MOST_ROWS = 20


def add_commands(add: Adder) -> None:
    """Add the command with its arguments."""
    plan = add("import", _import, "evaluate a division made elsewhere, compare it with a version, and propose it")
    plan.add_argument("plan", type=Path, metavar="FILE", help="CSV (pc4,team) or GeoJSON")
    plan.add_argument(
        "--onto", type=version, metavar="VERSION", help="the version that it changes (default: the one in force)"
    )
    plan.add_argument("--propose", action="store_true", help="hand it in as a proposal; needs --reason")
    plan.add_argument("--reason", default="", help="why; kept with the version")
    plan.add_argument("--valid-from", type=day, metavar="DATE", help="first day in force (default: when approved)")


def _import(asked: argparse.Namespace) -> int:
    from allocation.page.desk import Desk
    from allocation.page.plan_faults import PlanRefused
    from allocation.page.plan_files import import_plan

    if asked.propose and not asked.reason.strip():
        raise Refused("a proposal needs --reason: who approves reads it first")
    try:
        content = asked.plan.read_bytes()
    except OSError as error:
        raise Refused(f"{asked.plan} cannot be read: {error.strerror}") from error
    desk = Desk(asked.store, asked.var)
    onto, shown = _chosen(desk, asked.onto)
    bench = desk.bench(shown)
    try:
        found = import_plan(content, bench)
    except PlanRefused as refused:
        raise refused.in_english(asked.plan.name) from refused
    print(f"on {onto}: {found.named} postcodes named, {found.unnamed} stay as they are")
    print("\n".join(_told(bench, found.changes)))
    if asked.propose:
        print(f"proposed as version {_propose(asked, bench, found.changes, asked.valid_from)}")
    return 0


def _chosen(desk: Desk, asked: int | None) -> tuple[str, str]:
    """The version that a plan changes, in words with its status, and the run that shows it: the one in force unless
    another is asked for, for the newest one may be rejected or wait for a decision."""
    now = desk.in_force()
    version = asked or now
    if version is None:
        raise Refused("no version is in force; name the version that the plan changes with --onto")
    found = next((one for one in desk.runs() if one["version"] == version), None)
    if found is None:
        raise Refused(f"the run of version {version} is not in {desk.var}; make a run first")
    state = "in force" if version == now else f"{found['status']}, not in force"
    return f"version {version} ({state})", found["run"]


def _told(bench: Bench, changes: ChangeSet) -> list[str]:
    """The figures of the division in force, the version and the plan, and the postcodes with another team."""
    from allocation.report.board import totals

    variant = bench.variant(changes)
    plans = [totals(sums) for sums in (bench.sums_now, bench.sums, variant.sums)]
    rows = [("", "in force", "version", "plan")]
    for name, shown in _FIGURES:
        now, version, plan = (shown(one) for one in plans)
        rows.append((name, now, version, plan))
    lines = [f"  {name:<28}" + "".join(f"{value:>12}" for value in values) for name, *values in rows]
    moved = bench.changes_of(variant).sort_values(["pc4", "client_line"])
    lines.append(f"  {'postcodes that change team':<28}{moved['pc4'].nunique():>36}")
    lines.append("changes against the division in force:" if len(moved) else "no change against the division in force")
    for row in moved.head(MOST_ROWS).itertuples():
        lines.append(f"  {row.pc4} {row.law_domain} {row.client_line}: {row.team_from} -> {row.team_to}")
    return lines + [f"  +{len(moved) - MOST_ROWS} more"] * (len(moved) > MOST_ROWS)


_FIGURES: tuple[tuple[str, Callable[[Totals], str]], ...] = (
    ("worst deviation", lambda plan: f"{plan.max_deviation:.1%}"),
    ("mean deviation", lambda plan: f"{plan.mean_deviation:.1%}"),
    ("teams outside tolerance", lambda plan: f"{plan.teams_outside}"),
    ("areas without a team", lambda plan: f"{plan.without_team}"),
    ("teams in pieces", lambda plan: f"{plan.not_contiguous}"),
    ("longest wait (months)", lambda plan: f"{plan.longest_wait_months:.1f}"),
    ("distance to office (km)", lambda plan: f"{plan.travel_km:.1f}"),
    ("municipality splits", lambda plan: f"{plan.municipality_splits}"),
)


def _propose(asked: argparse.Namespace, bench: Bench, changes: ChangeSet, first: date | None) -> int:
    import getpass

    from allocation.page import proposing
    from allocation.publication.store import today

    if changes.is_empty:
        raise Refused("the plan is equal to the version; there is nothing to propose")
    if first is not None and first < today():
        raise Refused(f"--valid-from {first} is past; give today or later")
    return proposing.submit(
        bench, changes, var=asked.var, store_url=asked.store, by=getpass.getuser(), reason=asked.reason.strip(),
        valid_from=first, seen=bench.version_now,
    )  # fmt: skip
