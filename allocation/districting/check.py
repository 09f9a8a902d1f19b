"""Is a plan allowed? Recounted from the problem's own arrays, in plain Python.

Nothing here is shared with the search, so that a fault in its bookkeeping cannot hide: not its graph, not its loads,
not its limits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal

from allocation.districting.problem import Problem

Kind = Literal["shape", "unassigned", "empty", "pieces", "load", "measure", "pin", "bar"]
ROUNDING = 1e-9  # relative room on a limit: loads are sums of floats


@dataclass(frozen=True)
class Violation:
    """One hard rule broken: its kind, the team or unit it is about (a name), by how much, and a sentence.

    amount: "load"/"measure" the part of the target outside the limits' nearest one (0.02 = 2% of the target too
    much or too little beyond the tolerance); "pieces" pieces too many; otherwise 1.
    """

    kind: Kind
    where: str
    amount: float
    text: str


def check(problem: Problem, plan: Sequence[int] | Iterable[int]) -> tuple[Violation, ...]:
    """Every hard rule that ``plan`` (team index per unit, -1 = none) breaks; empty when the plan is allowed."""
    teams = [int(t) for t in plan]
    if len(teams) != len(problem.unit_ids):
        text = f"The plan has {len(teams)} units, the problem {len(problem.unit_ids)}."
        return (Violation("shape", "plan", 1.0, text),)
    found: list[Violation] = []
    members: dict[int, list[int]] = defaultdict(list)
    for unit, team in enumerate(teams):
        if 0 <= team < len(problem.team_ids):
            members[team].append(unit)
        else:
            name = problem.unit_ids[unit]
            found.append(Violation("unassigned", name, 1.0, f"Unit {name} has no team."))
    found += _locks(problem, teams)
    found += _areas(problem, members)
    found += _loads(problem, members)
    return tuple(found)


def _locks(problem: Problem, teams: list[int]) -> list[Violation]:
    found = []
    for unit, team in enumerate(teams):
        name = problem.unit_ids[unit]
        if problem.fixed is not None and problem.fixed[unit] >= 0 and team != problem.fixed[unit]:
            pinned = problem.team_ids[int(problem.fixed[unit])]
            found.append(Violation("pin", name, 1.0, f"Unit {name} is pinned to team {pinned} and is not in it."))
        elif problem.allowed is not None and team >= 0 and not problem.allowed[unit, team]:
            barred = problem.team_ids[team]
            found.append(Violation("bar", name, 1.0, f"Unit {name} is in team {barred}, which is barred from it."))
    return found


def _areas(problem: Problem, members: dict[int, list[int]]) -> list[Violation]:
    """Every team has units, and one can walk between any two of them without leaving the team."""
    neighbours: dict[int, list[int]] = defaultdict(list)
    for a, b in problem.edges.tolist():
        neighbours[a].append(b)
        neighbours[b].append(a)
    found = []
    for team, name in enumerate(problem.team_ids):
        left = set(members.get(team, ()))
        if not left:
            found.append(Violation("empty", name, 1.0, f"Team {name} has no units."))
            continue
        pieces = 0
        while left:
            pieces += 1
            walk = [left.pop()]
            while walk:
                for other in neighbours[walk.pop()]:
                    if other in left:
                        left.remove(other)
                        walk.append(other)
        if pieces > 1:
            text = f"The area of team {name} is in {pieces} pieces."
            found.append(Violation("pieces", name, float(pieces - 1), text))
    return found


def _loads(problem: Problem, members: dict[int, list[int]]) -> list[Violation]:
    base = [0.0] * len(problem.team_ids) if problem.base_load is None else problem.base_load.tolist()
    found = _outside(problem, members, "load", "", problem.demand.tolist(), problem.capacity.tolist(),
                     problem.tolerance, base)  # fmt: skip
    for m in problem.further:
        found += _outside(problem, members, "measure", f" of {m.name}", m.amount.tolist(), m.capacity.tolist(),
                          m.tolerance, [0.0] * len(base))  # fmt: skip
    return found


def _outside(
    problem: Problem, members: dict[int, list[int]], kind: Literal["load", "measure"], label: str,
    amount: list[float], capacity: list[float], tolerance: float, base: list[float],
) -> list[Violation]:  # fmt: skip
    total, total_capacity = fsum(amount) + fsum(base), fsum(capacity)
    found = []
    for team, name in enumerate(problem.team_ids):
        target = capacity[team] / total_capacity * total
        load = base[team] + fsum(amount[unit] for unit in members.get(team, ()))
        low, high = target * (1 - tolerance), target * (1 + tolerance)
        if low * (1 - ROUNDING) <= load <= high * (1 + ROUNDING):
            continue
        beyond = max(load - high, low - load) / target if target > 0 else 1.0
        part = f"{load / target - 1:+.1%} of its target" if target > 0 else "not 0"
        text = f"Team {name}: the load{label} is {load:,.1f}, {part} of {target:,.1f}; allowed is {tolerance:.1%}."
        found.append(Violation(kind, name, beyond, text))
    return found
