"""Divide units over teams: balanced, contiguous, at the least cost. Pure: arrays in, a plan and its bound out.

``solve(problem, stop, seed, params) -> Result`` is the whole of it; ``check`` recounts any plan on its own.
"""

from allocation.districting.check import Violation, check
from allocation.districting.instance import InstanceError, read_instance, read_plan, write_instance, write_plan
from allocation.districting.objective import Terms, evaluate
from allocation.districting.problem import Measure, Problem, ProblemError, Weights
from allocation.districting.solve import Params, Result, Stop, solve, warm_up

__all__ = [
    "InstanceError", "Measure", "Params", "Problem", "ProblemError", "Result", "Stop", "Terms", "Violation", "Weights",
    "check", "evaluate", "read_instance", "read_plan", "solve", "warm_up", "write_instance", "write_plan",
]  # fmt: skip
