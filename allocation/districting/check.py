"""Is a plan allowed? Recounted from the problem's own arrays, in plain Python.

Nothing here is shared with the search, so that a fault in its bookkeeping cannot hide: not its graph, not its loads,
not its limits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import fsum
from typing import Any

from allocation.districting.problem import Problem

ROUNDING = 1e-9  # relative room on a limit: loads are sums of floats


class Kind(StrEnum):
    """The hard rules, by what breaks them."""

    SHAPE = "shape"  # the plan has another number of units than the problem
    UNASSIGNED = "unassigned"  # a unit without a team
    EMPTY = "empty"  # a team without units
    PIECES = "pieces"  # a team whose area does not hang together
    LOAD = "load"  # a team whose load is outside its limits
    MEASURE = "measure"  # likewise for a further measure
    PIN = "pin"  # a unit that is not with the team to which it is pinned
    BAR = "bar"  # a unit with a team that is barred from it


@dataclass(frozen=True)
class Violation:
    """One hard rule broken, as facts; :mod:`.sentences` makes a sentence of them.

    where      name of the team or unit that it is about; "plan" for its shape
    amount     "load" and "measure": the part of the target by which the limit is passed, above or below (0.02 = 2%
               of the target too much or too little beyond the tolerance); "pieces": pieces too many; "shape": units
               too many or missing; otherwise 1
    team       "pin": the team that the unit is pinned to; "bar": the team that has it
    measure    "measure": its name
    load, target, tolerance   "load" and "measure": the team's load, its share, and the part by which they may differ
    """

    kind: Kind
    where: str
    amount: float = 1.0
    team: str | None = None
    measure: str | None = None
    load: float | None = None
    target: float | None = None
    tolerance: float | None = None

    def facts(self) -> dict[str, Any]:
        """As plain values for JSON; what does not apply is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def check(problem: Problem, plan: Sequence[int] | Iterable[int]) -> tuple[Violation, ...]:
    """Every hard rule that ``plan`` (team index per unit, -1 = none) breaks; empty when the plan is allowed."""
    teams = [int(t) for t in plan]
    if len(teams) != len(problem.unit_ids):
        return (Violation(Kind.SHAPE, "plan", float(abs(len(teams) - len(problem.unit_ids)))),)
    found: list[Violation] = []
    members: dict[int, list[int]] = defaultdict(list)
    for unit, team in enumerate(teams):
        if 0 <= team < len(problem.team_ids):
            members[team].append(unit)
        else:
            found.append(Violation(Kind.UNASSIGNED, problem.unit_ids[unit]))
    found += _locks(problem, teams)
    found += _areas(problem, members)
    found += _loads(problem, members)
    return tuple(found)


def _locks(problem: Problem, teams: list[int]) -> list[Violation]:
    found = []
    for unit, team in enumerate(teams):
        name = problem.unit_ids[unit]
        if problem.fixed is not None and problem.fixed[unit] >= 0 and team != problem.fixed[unit]:
            found.append(Violation(Kind.PIN, name, team=problem.team_ids[int(problem.fixed[unit])]))
        elif problem.allowed is not None and 0 <= team < len(problem.team_ids) and not problem.allowed[unit, team]:
            found.append(Violation(Kind.BAR, name, team=problem.team_ids[team]))
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
            found.append(Violation(Kind.EMPTY, name))
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
            found.append(Violation(Kind.PIECES, name, float(pieces - 1)))
    return found


def _loads(problem: Problem, members: dict[int, list[int]]) -> list[Violation]:
    base = [0.0] * len(problem.team_ids) if problem.base_load is None else problem.base_load.tolist()
    found = _outside(problem, members, None, problem.demand.tolist(), problem.capacity.tolist(),
                     problem.tolerance, base)  # fmt: skip
    for m in problem.further:
        found += _outside(problem, members, m.name, m.amount.tolist(), m.capacity.tolist(),
                          m.tolerance, [0.0] * len(base))  # fmt: skip
    return found


def _outside(
    problem: Problem, members: dict[int, list[int]], measure: str | None,
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
        beyond = max(load - high, low - load) / target  # above 0: without any amount every load is within limits
        kind = Kind.LOAD if measure is None else Kind.MEASURE
        found.append(
            Violation(kind, name, beyond, measure=measure, load=load, target=target, tolerance=float(tolerance))
        )
    return found
