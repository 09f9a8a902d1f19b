"""Divide units over teams: balanced, contiguous, at the least cost. Pure: arrays in, a plan and its bound out.

``solve(problem, stop, seed, params) -> Result`` is the whole of it; ``check`` recounts any plan on its own.
"""

from allocation.districting.check import Kind, Violation, check
from allocation.districting.instance import InstanceError, read_instance, read_plan, write_instance, write_plan
from allocation.districting.objective import Terms, evaluate
from allocation.districting.problem import Measure, Problem, ProblemError
from allocation.districting.sentences import sentence
from allocation.districting.solve import Params, Result, Stop, relative_gap, solve, warm_up
from allocation.objective_terms import TERMS, Term, Weights

__all__ = [
    "TERMS", "InstanceError", "Kind", "Measure", "Params", "Problem", "ProblemError", "Result", "Stop", "Term", "Terms",
    "Violation", "Weights", "check", "evaluate", "read_instance", "read_plan", "relative_gap", "sentence", "solve",
    "warm_up", "write_instance", "write_plan",
]  # fmt: skip
