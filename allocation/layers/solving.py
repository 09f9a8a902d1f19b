"""A layer's plan, and what the solver said of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.districting import Params, Stop, check, evaluate, solve
from allocation.layers.layer import Layer


def solve_problem(layer: Layer, config: Config) -> dict[str, Any]:
    """The plan (n,) of a layer under ``plan``, and what the solver said of it."""
    if layer.problem.k == 1:
        return known_plan(layer, np.zeros(layer.problem.n, dtype=np.int64), "only one team")
    stop = Stop(seconds=config.solver.seconds, iterations=config.solver.iterations)
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
