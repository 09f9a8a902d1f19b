"""From the list of results to Markdown: one table a family, a summary above it, what was run and on what machine."""

from __future__ import annotations

import math
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WITHIN = 1e-4  # relative: a plan this near a proven optimum has reached it


@dataclass(frozen=True)
class Run:
    """One solver on one instance. ``objective`` is the recount's; ``fault`` is empty for an allowed plan."""

    family: str
    instance: str
    solver: str
    seconds: float
    seed: int
    objective: float
    fault: str
    bound: float | None
    took: float
    peak_mb: float
    note: str
    commit: str
    date: str
    load: float
    units: int
    teams: int
    clock: str

    @property
    def is_allowed(self) -> bool:
        """Whether the plan keeps every hard rule."""
        return not self.fault


def gap(value: float, bound: float) -> float:
    """How far ``value`` is above ``bound``, as a part of ``value``."""
    return (value - bound) / value if value > 0 else 0.0


def percent(part: float) -> str:
    """0.0123 -> '1.23%'."""
    return f"{100 * part:.2f}%" if abs(part) < 0.1 else f"{100 * part:.1f}%"


def conditions(runs: Sequence[Run]) -> str:
    """When, what, where: the line under every table."""
    commits = ", ".join(sorted({r.commit for r in runs}))
    dates = sorted({r.date[:16] for r in runs})
    loads = statistics.median(r.load for r in runs)
    seeds = ", ".join(str(s) for s in sorted({r.seed for r in runs}))
    clock = " and ".join(
        {"cpu": "processor time", "wall": "wall-clock time"}[c] for c in sorted({r.clock for r in runs})
    )
    return (
        f"Measured {dates[0]} to {dates[-1]} UTC, commit {commits}, seed {seeds}, {_machine()}; "
        f"seconds are {clock}, each solver in a process on one thread, load at the start of a run {loads:.1f} "
        "(median)."
    )


def _machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = f"{len(names)} cores of {names[0]}" if names else model
    return f"{model}, Python {platform.python_version()}"


def commit() -> str:
    """Short hash of the commit that is checked out."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def family_table(runs: Sequence[Run], certified: Sequence[Run]) -> str:
    """Summary and table of one family: every instance, every solver; ``certified`` holds our proven bounds."""
    solvers = list(dict.fromkeys(r.solver for r in runs))
    by = {(r.instance, r.solver): r for r in runs}
    proofs = {r.instance: r for r in certified}
    instances = list(dict.fromkeys(r.instance for r in runs))
    seconds = sorted({r.seconds for r in runs})
    lines = [_summary(runs, solvers, instances, proofs), ""]
    header = ["instance", "units", "teams", *(s if s != "ours" else "**ours**" for s in solvers)]
    if proofs:
        header += ["proven bound", "certified gap"]
    lines += ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    for name in instances:
        some = next(by[name, s] for s in solvers if (name, s) in by)
        cells = [name, str(some.units), str(some.teams)] + [_cell(by.get((name, s))) for s in solvers]
        if proofs:
            cells += _proof_cells(proofs.get(name))
        lines.append("| " + " | ".join(cells) + " |")
    budget = " and ".join(f"{s:g}" for s in seconds)
    lines += [
        "",
        f"Objective of each plan after {budget} s; in brackets what is wrong with a plan that is not allowed.",
    ]
    return "\n".join([*lines, conditions(runs), ""])


def _cell(run: Run | None) -> str:
    if run is None:
        return ""
    if run.fault == "no plan":
        return "(no plan)"
    number = f"{run.objective:.4f}" if run.objective % 1 else f"{run.objective:.0f}"
    return f"{number} ({run.fault})" if run.fault else number


def _proof_cells(run: Run | None) -> list[str]:
    if run is None or run.bound is None:
        return ["", ""]
    closed = run.note == "proven optimal"
    return [f"{run.bound:.4f}", "optimal" if closed else percent(gap(run.objective, run.bound))]


def _summary(runs: Sequence[Run], solvers: list[str], instances: list[str], proofs: dict[str, Run]) -> str:
    """Per solver: allowed plans, how often best, and the distance to the best plan of anybody."""
    best = {}
    for name in instances:
        values = [r.objective for r in [*runs, *proofs.values()] if r.instance == name and r.is_allowed]
        best[name] = min(values, default=math.inf)
    lines = ["| solver | instances | allowed plans | best or equal | median above best | most above best |"]
    lines.append("|---|" + "---:|" * 5)
    for solver in solvers:
        mine = [r for r in runs if r.solver == solver]
        above = [r.objective / best[r.instance] - 1 for r in mine if r.is_allowed and best[r.instance] > 0]
        reached = sum(a <= WITHIN for a in above)
        middle = percent(statistics.median(above)) if above else "-"
        most = percent(max(above)) if above else "-"
        label = "**ours**" if solver == "ours" else solver
        lines.append(f"| {label} | {len(mine)} | {len(above)} | {reached} | {middle} | {most} |")
    if proofs:
        closed = sum(r.note == "proven optimal" for r in proofs.values())
        within = sum(r.bound is not None and gap(r.objective, r.bound) <= 0.01 for r in proofs.values())
        budget = max(r.seconds for r in proofs.values())
        lines += ["", f"Certified within {budget:g} s: {within} of {len(proofs)} within 1%, {closed} proven optimal."]
    return "\n".join(lines)


@dataclass(frozen=True)
class Reference:
    """What is known of an instance of a reference folder; None where nothing is."""

    lp_bound: float | None
    proven_bound: float | None
    is_proven: bool
    best_known: float | None


def reference_table(family: str, runs: Sequence[Run], known: dict[str, Reference], certified: Sequence[Run]) -> str:
    """Gaps of one solver's runs to the reference's proven bounds and best known plans, and our own certificates."""
    proofs = {r.instance: r for r in certified}
    lines = ["| instance | units | teams | ours | above proven bound | above best known | certified gap |"]
    lines.append("|---|" + "---:|" * 6)
    gaps, above, proven, least = [], [], [], []
    for run in runs:
        ref = known[run.instance]
        own = proofs[run.instance].bound if run.instance in proofs else None
        bounds = [bound for bound in (ref.proven_bound, own) if bound is not None]
        if bounds and run.is_allowed:
            least.append(run.objective / max(bounds) - 1)
        cells = [run.instance, str(run.units), str(run.teams), _cell(run)]
        for value, kept in ((ref.proven_bound, gaps), (ref.best_known, above)):
            if value is None or not run.is_allowed:
                cells.append("")
            else:
                kept.append(run.objective / value - 1)
                cells.append(f"{100 * kept[-1]:.4f}%")
        if ref.is_proven and ref.best_known is not None:
            proven.append(run.is_allowed and run.objective <= ref.best_known * (1 + WITHIN))
        lines.append("| " + " | ".join([*cells, _proof_cells(proofs.get(run.instance))[1]]) + " |")
    facts = [f"{family}: allowed {sum(r.is_allowed for r in runs)} of {len(runs)}"]
    facts.append(f"proven optima reached {sum(proven)} of {len(proven)}")
    if gaps:
        facts.append(f"above proven bound: median {100 * statistics.median(gaps):.4f}%")
    if least and proofs:
        facts.append(f"above the better of that bound and our own: median {100 * statistics.median(least):.4f}%")
    if above:
        facts.append(f"above best known: median {100 * statistics.median(above):.4f}%, most {100 * max(above):.4f}%")
        facts.append(f"better than best known {sum(a < -1e-9 for a in above)}")
    if proofs:
        closed = sum(r.note == "proven optimal" for r in proofs.values())
        within = sum(r.bound is not None and gap(r.objective, r.bound) <= 0.01 for r in proofs.values())
        facts.append(f"certified within 1%: {within}, proven optimal {closed} of {len(proofs)}")
    return "\n".join(["; ".join(facts) + ".", "", *lines, "", conditions(runs), ""])
