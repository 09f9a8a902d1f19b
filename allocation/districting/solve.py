"""One verb: ``solve(problem, stop, seed, params)`` gives the best plan found and how far it can be from the best."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from allocation.districting import bound as bounds
from allocation.districting.annealing import Annealer, Clock, Schedule
from allocation.districting.bound import Bound, lower_bound
from allocation.districting.branch_and_cut import PROOF_GAP
from allocation.districting.check import Violation, check
from allocation.districting.construct import aside, relax
from allocation.districting.improve import Search
from allocation.districting.kernels import Model
from allocation.districting.multilevel import coarsen, majority, sizes
from allocation.districting.objective import Terms, evaluate
from allocation.districting.plan import build_model, canonical
from allocation.districting.problem import Ints, Problem

Reason = Literal["proven optimal", "time", "iterations", "converged"]


@dataclass(frozen=True)
class Stop:
    """Whichever comes first ends the search. Without seconds no clock has any influence on the outcome.

    iterations  no more than so many
    effort      about so many, spent where they pay: the search ends once coolings from different plans have ended in
                the best one, and has up to ``Schedule.in_doubt`` times as many while they have not. Where nothing but
                borders and splits is priced, and on several levels, just so many
    """

    seconds: float | None = 10.0
    iterations: int | None = None
    effort: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.iterations is None and self.effort is None:
            raise ValueError("Give seconds, iterations or effort.")
        numbers = (self.iterations, self.effort)
        if (self.seconds is not None and self.seconds <= 0) or any(n is not None and n < 1 for n in numbers):
            raise ValueError("seconds must be above 0, iterations and effort at least 1.")


@dataclass(frozen=True)
class Params:
    """Tuning.

    certify_share    part of the time that is kept for the strongest bound (branch and cut, from the plan found) where
                     time alone ends the search and that bound is worth it: without priced borders, and not too large
    certify_seconds  that much time for it on top of the limit, on any problem
    """

    certify_share: float = 0.15
    certify_seconds: float = 0.0
    schedule: Schedule = field(default_factory=Schedule)


@dataclass(frozen=True)
class Result:
    """What was found. ``gap`` is (objective - lower_bound) / objective; None when there is no bound.

    proof   why no plan can meet the hard rules, when that is proven
    """

    plan: Ints
    terms: Terms
    objective: float
    lower_bound: float | None
    gap: float | None
    is_feasible: bool
    violations: tuple[Violation, ...]
    proof: str | None
    stopped_because: Reason
    iterations: int
    seed: int
    seconds: float


def solve(problem: Problem, stop: Stop | None = None, seed: int = 1, params: Params | None = None) -> Result:
    """Divide the units over the teams as well as can be found before ``stop``.

    A plan is always returned; when the hard rules cannot all be met it is the least bad one found, ``is_feasible`` is
    False and ``violations`` names what is broken and by how much. The same seed and iterations give the same plan,
    whatever the order of the rows and the names.
    """
    stop, params = stop or Stop(), params or Params()
    began = time.perf_counter()
    inner, units, teams = canonical(problem)
    proof_seconds = _proof_seconds(inner, stop, params)
    in_time = None if stop.seconds is None else began + stop.seconds + params.certify_seconds - proof_seconds
    is_large = inner.n > params.schedule.coarse_above
    effort = stop.effort if not is_large and _has_unit_prices(inner) else None
    granted = stop.effort if effort is None else effort * params.schedule.in_doubt
    clock = Clock(in_time, min(stop.iterations or math.inf, granted or math.inf))
    quick = lower_bound(_quickly(inner), seconds=np.inf if stop.seconds is None else min(2.0, stop.seconds / 8))
    if is_large:
        search = _search_levels(inner, clock, seed, params, quick)
    else:
        search = _search(inner, clock, seed, params, quick, effort=effort)
    found, bound, is_proven = _certified(inner, search, quick, proof_seconds)
    plan = np.empty(problem.n, dtype=np.int64)
    plan[units] = teams[found]
    terms = evaluate(problem, plan)
    violations = check(problem, plan)
    reason: Reason = "iterations" if clock.iterations_left < 1 else "time"
    if is_proven and not violations:
        reason = "proven optimal"
    elif search.is_done:
        reason = "converged"
    has_bound = not violations and bound is not None
    return Result(
        plan=plan,
        terms=terms,
        objective=terms.objective,
        lower_bound=bound,
        gap=relative_gap(terms.objective, bound) if has_bound else None,
        is_feasible=not violations,
        violations=violations,
        proof=search.proof,
        stopped_because=reason,
        iterations=search.annealer.iterations,
        seed=seed,
        seconds=time.perf_counter() - began,
    )


def _quickly(problem: Problem) -> Problem:
    """The problem whose relaxation is worth its time: borders and splits alone have a relaxation of about 0."""
    return problem if _has_unit_prices(problem) else problem.replace(weights=problem.weights.only())


def _has_unit_prices(problem: Problem) -> bool:
    return problem.has_travel_price or problem.has_moved_price or problem.has_apart_price


def _proof_seconds(problem: Problem, stop: Stop, params: Params) -> float:
    """Time for the strongest bound at the end, what comes on top of the limit included."""
    is_small = problem.n * problem.k <= params.schedule.exact_pairs
    if stop.seconds is None or (stop.iterations or stop.effort) is not None or problem.has_edge_prices or not is_small:
        return params.certify_seconds
    return params.certify_seconds + params.certify_share * stop.seconds


def relative_gap(objective: float, bound: float | None) -> float:
    """(objective - bound) / objective; 0 without a bound or where the bound is reached."""
    if bound is None or objective <= bound:
        return 0.0
    return (objective - bound) / objective


def _search(problem: Problem, clock: Clock, seed: int, params: Params, quick: Bound, *, effort: int | None) -> Search:
    """Search until the clock is up; a single round when it is known that no plan can keep the rules."""
    model = build_model(problem)
    annealer = Annealer(model, seed, clock, params.schedule)
    bases = []
    relaxed = relax(model) if model.cost.any() else None
    if relaxed is not None:
        bases.append(relaxed)
    if problem.current is not None:
        bases.append(problem.current)
    hot = _temperatures(problem, params.schedule)
    search = Search(problem, annealer, bases, quick.value, hot, effort=effort)
    if not np.isfinite(quick.value):
        search.proof = quick.method
    search.run()
    return search


def _temperatures(problem: Problem, schedule: Schedule) -> tuple[float, ...]:
    """Starts of coolings. Where travel alone guides the search, the relaxation may lead into a poor valley that only
    hotter coolings leave; with a price on moving they would forget the division that it protects."""
    if problem.has_moved_price:
        return schedule.hot
    return schedule.hot_free if problem.has_travel_price else schedule.hot_unguided


def _search_levels(problem: Problem, clock: Clock, seed: int, params: Params, quick: Bound) -> Search:
    """Search a coarse copy, then carry the plan over from level to level and refine it."""
    schedule = params.schedule
    models, codes = [build_model(problem)], []
    current = problem.current
    whole = np.arange(problem.n)  # the coarse unit of each unit
    for size in sizes(problem.n, problem.k, schedule.coarsest):
        coarse, code = coarsen(models[-1], size)
        current = None if current is None else majority(code, current, models[-1].amount[0], len(coarse.cost))
        whole = code[whole]
        models.append(coarse)
        codes.append(code)
    relaxed = _relaxed_apart(problem, models[-1], whole)
    bases = [base for base in (relaxed, current) if base is not None]
    part = clock.part(schedule.coarse_share)
    search = Search(None, Annealer(models[-1], seed, part, schedule), bases, quick.value, schedule.hot)
    if not np.isfinite(quick.value):
        search.proof = quick.method
    by_prices = problem.k >= schedule.many
    if by_prices:
        search.balance(search.annealer, search.first_plan(), 1.0)
    else:
        search.run()
    clock.iterations_left -= search.annealer.iterations
    for model, code in zip(models[-2::-1], codes[::-1], strict=True):
        coarser, is_last = search.annealer, model is models[0]
        assert coarser.found is not None
        part = clock if is_last else clock.part(schedule.level_share)
        finer = Annealer(model, seed, part, schedule)
        finer.iterations = coarser.iterations
        plan = coarser.found.plan[code]
        if by_prices:
            plan = search.balance(finer, plan, schedule.last_share if is_last else 1.0)
        if is_last or not by_prices:
            search.refine(finer, plan)
        if not is_last:
            clock.iterations_left -= finer.iterations - coarser.iterations
    return search


def _relaxed_apart(problem: Problem, coarse: Model, code: Ints) -> Ints | None:
    """The relaxation of the coarse problem, teams that share an office set a little apart; None when it has none."""
    if not coarse.cost.any():
        return None
    weight = problem.demand + 1e-9
    total = np.bincount(code, weight)
    xy_m = np.stack([np.bincount(code, weight * problem.xy_m[:, axis]) / total for axis in (0, 1)], axis=1)
    demand = np.asarray(np.bincount(code, problem.demand), dtype=np.float64)
    return relax(coarse._replace(cost=np.add(coarse.cost, aside(problem, xy_m, demand))))


def _certified(problem: Problem, search: Search, quick: Bound, seconds: float) -> tuple[Ints, float | None, bool]:
    """The plan, the best bound known for it (None when no plan is allowed), whether it is proven optimal."""
    assert search.annealer.found is not None
    found = search.annealer.found
    if search.proof is not None:
        return found.plan, None, False
    if search.is_proven:
        return found.plan, found.value - PROOF_GAP * abs(found.value), True
    if seconds > 0:
        strong = lower_bound(problem, found.plan if found.over <= 0 else None, seconds, "full")
        plan = found.plan if strong.plan is None else strong.plan
        if not np.isfinite(strong.value):
            search.proof = strong.method
            return plan, None, False
        return plan, max(strong.value, quick.value), strong.is_optimal
    return found.plan, quick.value, False


def warm_up() -> None:
    """Compile everything on a toy instance, so that later processes read it from the on-disk cache."""
    side = 4
    index = np.arange(side * side).reshape(side, side)
    edges = np.concatenate([
        np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], axis=1),
        np.stack([index[:-1].ravel(), index[1:].ravel()], axis=1),
    ])  # fmt: skip
    xy = np.stack(np.divmod(np.arange(side * side), side), axis=1) * 1000.0
    toy = Problem(
        unit_ids=tuple(map(str, range(side * side))),
        team_ids=("a", "b"),
        xy_m=xy,
        demand=np.ones(side * side),
        edges=edges,
        border_m=np.ones(len(edges)),
        capacity=np.ones(2),
        tolerance=0.0,
        office_xy_m=xy[[0, -1]],
        municipality=np.arange(side * side) // side,
    )
    solve(toy, Stop(seconds=None, iterations=200_000))
    bounds.warm_up()
