"""A layer with its plan, and who gets which part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from allocation.districting import Problem
from allocation.layers.layer import Layer


@dataclass(frozen=True)
class Solved:
    """A layer with its plan and what the solver said of it. ``plan`` (n,): team index of each unit."""

    layer: Layer
    plan: NDArray[np.int64]
    pieces: NDArray[np.int64]
    objective: float
    lower_bound: float | None
    gap: float | None

    @classmethod
    def of(cls, layer: Layer, plan: NDArray[np.int64], result: Mapping[str, Any]) -> Solved:
        """``result``: as ``layers.solving.solve_problem`` gives it."""
        return cls(layer, plan, pieces(layer.problem, plan), result["objective"], result["lower_bound"], result["gap"])


def by_kind(solved: Sequence[Solved]) -> dict[tuple[str, str], list[Solved]]:
    """The layers of each law domain and client line. Layers of one kind share their work and have no team in common."""
    kinds: dict[tuple[str, str], list[Solved]] = {}
    for one in solved:
        kinds.setdefault((one.layer.law_domain, one.layer.client_line), []).append(one)
    return kinds


def assigned(one: Solved) -> pd.DataFrame:
    """The parts of a layer (pc4, portion) with their team and the way to its office (km)."""
    problem = one.layer.problem
    parts = one.layer.parts[["pc4", "portion"]].assign(team_id=np.asarray(problem.team_ids, dtype=object)[one.plan])
    has_offices = problem.office_xy_m is not None
    parts["distance_km"] = problem.distance_km[np.arange(problem.n), one.plan] if has_offices else np.nan
    return parts


def pieces(problem: Problem, plan: NDArray[np.int64]) -> NDArray[np.int64]:
    """(k,) connected parts of each team's area."""
    same = plan[problem.edges[:, 0]] == plan[problem.edges[:, 1]]
    a, b = problem.edges[same].T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(problem.n, problem.n))
    _, label = connected_components(graph, directed=False)
    _, first = np.unique(label, return_index=True)
    return np.bincount(plan[first], minlength=problem.k)


def regions_of_teams(solved: Sequence[Solved], areas: pd.DataFrame) -> pd.DataFrame:
    """In which regions the teams of each layer have areas: team_id, law_domain, client_line, arbeidsmarktregio_nr."""
    region = areas.set_index("pc4")["arbeidsmarktregio_nr"].astype("int64")
    frames = [
        pd.DataFrame({
            "team_id": np.asarray(one.layer.problem.team_ids, dtype=object)[one.plan],
            "law_domain": one.layer.law_domain, "client_line": one.layer.client_line,
        }) for one in solved
    ]  # fmt: skip
    pc4 = pd.concat([one.layer.parts["pc4"] for one in solved], ignore_index=True)
    rows = pd.concat(frames, ignore_index=True).assign(arbeidsmarktregio_nr=pc4.map(region))
    return rows.drop_duplicates(ignore_index=True)
