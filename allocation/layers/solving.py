"""A layer's plan, and what the solver said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.contract.vocabulary import CLIENT_LINES
from allocation.districting import Params, Stop, check, evaluate, solve
from allocation.layers.layer import Layer


def solve_problem(layer: Layer, config: Config, stop: Stop | None = None) -> dict[str, Any]:
    """The plan (n,) of a layer under ``plan``, and what the solver said of it. ``stop``: None = as ``config`` says."""
    if layer.problem.k == 1:
        return known_plan(layer, np.zeros(layer.problem.n, dtype=np.int64), "only one team")
    stop = stop or Stop(seconds=config.solver.seconds, effort=config.solver.iterations)
    result = solve(layer.problem, stop, config.solver.seed, Params())
    return {
        "label": layer.label,
        "plan": result.plan,
        "objective": result.objective,
        "terms": asdict(result.terms),
        "lower_bound": result.lower_bound,
        "gap": result.gap,
        "is_feasible": result.is_feasible,
        "violations": [v.facts() for v in result.violations],
        "proof": result.proof,
        "stopped_because": result.stopped_because,
        "iterations": result.iterations,
        "seed": result.seed,
        "seconds": round(result.seconds, 2),
    }


def second_lines(layers: Sequence[Layer]) -> dict[str, str]:
    """Layers that wait for another: key of a layer -> key of the layer of the other client line of its cluster, where a
    team serves both lines among teams that serve one."""
    first: dict[tuple[str, str, tuple[int, ...]], Layer] = {}
    waiting = {}
    for layer in layers:
        place = (layer.cluster, layer.law_domain, layer.regions)
        if layer.client_line == CLIENT_LINES[0]:
            first[place] = layer
        other = first.get(place)
        if layer.client_line == CLIENT_LINES[1] and other and set(other.problem.team_ids) & set(layer.problem.team_ids):
            waiting[layer.key] = other.key
    return waiting


def beside(layer: Layer, first: Layer, plan: NDArray[np.int64]) -> Layer:
    """``layer`` with a price on other postcodes than a team of both lines has on the other line (R6).

    ``plan``: of ``first``, the layer of the other line. A unit in a team of both lines is apart where that team does
    not have the postcode on the other line; a unit in another team, where a team of both lines has it there.
    """
    problem, ids = layer.problem, np.asarray(first.problem.team_ids, dtype=object)
    mine = first.parts.assign(team_id=ids[plan]).sort_values("portion").drop_duplicates("pc4", keep="last")
    there = layer.parts["pc4"].map(mine.set_index("pc4")["team_id"]).to_numpy(dtype=object)
    both = set(problem.team_ids) & set(first.problem.team_ids)
    teams = np.asarray(problem.team_ids, dtype=object)
    concerned = np.isin(teams, list(both))[None, :] | np.isin(there, list(both))[:, None]
    return replace(layer, problem=problem.replace(apart=concerned & (teams[None, :] != there[:, None])))


def known_plan(layer: Layer, plan: NDArray[np.int64], why: str) -> dict[str, Any]:
    """The outcome for a plan that needs no search."""
    terms, violations = evaluate(layer.problem, plan), check(layer.problem, plan)
    return {
        "label": layer.label,
        "plan": plan,
        "objective": terms.objective,
        "terms": asdict(terms),
        "lower_bound": None,
        "gap": None,
        "is_feasible": not violations,
        "violations": [v.facts() for v in violations],
        "proof": None,
        "stopped_because": why,
        "iterations": 0,
        "seed": None,
        "seconds": 0.0,
    }
