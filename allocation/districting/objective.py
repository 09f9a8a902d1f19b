"""What a plan costs: each term by itself, and their weighted sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from allocation.districting.problem import Floats, Ints, Problem
from allocation.objective_terms import TERMS


@dataclass(frozen=True)
class Terms:
    """The terms of the objective of one plan.

    travel_km            sum(demand x distance to the team's office) / sum(demand), in km; 0 without distances
    cut_edges            pairs of neighbours in different teams
    border_km            length of shared border between different teams, in km
    municipality_splits  sum over municipalities of (teams in it - 1)
    care_region_splits   likewise for care regions
    moved                share of demand whose team differs from the current one, 0 to 1; 0 without a current division.
                         With ``Problem.kept``: the share that its team does not have now
    lines_apart          share of demand in teams where ``Problem.apart`` says so, 0 to 1
    objective            sum of weight x term, over these and the further groupings
    grouping_splits      splits of each further grouping, by name
    """

    travel_km: float
    cut_edges: int
    border_km: float
    municipality_splits: int
    care_region_splits: int
    moved: float
    lines_apart: float
    objective: float
    grouping_splits: Mapping[str, int] = field(default_factory=dict)


def evaluate(problem: Problem, plan: Ints) -> Terms:
    """The terms of ``plan`` ((n,) team indices), counted from scratch. Costs O(n + m) and no (n, k) table."""
    cut = plan[problem.edges[:, 0]] != plan[problem.edges[:, 1]]
    unit = np.arange(problem.n)
    apart = np.zeros(problem.n) if problem.apart is None else problem.apart[unit, plan].astype(np.float64)
    figures: dict[str, float] = {
        "travel_km": _share(problem, problem.own_distance_km(plan)),
        "cut_edges": int(cut.sum()),
        "border_km": float(problem.border_m[cut].sum() / 1000.0),
        "municipality_splits": _splits(problem.municipality, plan, problem.k),
        "care_region_splits": _splits(problem.care_region, plan, problem.k),
        "moved": _share(problem, _moved(problem, plan)),
        "lines_apart": _share(problem, apart),
    }
    splits = {name: _splits(codes, plan, problem.k) for name, codes in problem.groupings.items()}
    objective = 0.0
    for term in TERMS:
        objective += getattr(problem.weights, term.name) * figures[term.figure]
    for name, count in splits.items():
        objective += problem.weights.groupings.get(name, 0.0) * count
    return Terms(**figures, objective=objective, grouping_splits=splits)  # type: ignore[arg-type]


def _moved(problem: Problem, plan: Ints) -> Floats:
    """(n,) part of each unit that changes team."""
    if problem.kept is not None:
        return np.asarray(1.0 - problem.kept[np.arange(problem.n), plan])
    return np.zeros(problem.n) if problem.current is None else (plan != problem.current).astype(np.float64)


def _share(problem: Problem, per_unit: Floats) -> float:
    """Demand-weighted mean; 0 when there is no demand at all."""
    return float(problem.demand @ per_unit / problem.total_demand) if problem.total_demand > 0 else 0.0


def _splits(group: Ints | None, plan: Ints, k: int) -> int:
    if group is None:
        return 0
    inside = group >= 0
    if not inside.any():
        return 0
    code = np.unique(group[inside], return_inverse=True)[1].astype(np.int64)
    return len(np.unique(code * k + plan[inside])) - int(code.max() + 1)
