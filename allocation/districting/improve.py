"""The search over time: rounds of annealing from several starts, each round longer than the one before.

Nothing here looks at a clock except :class:`Clock`, which only breaks off. So what is found within a number of
iterations is always the same, and a run that ends before its time limit is deterministic.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from allocation.districting import kernels
from allocation.districting.construct import complete, grown
from allocation.districting.kernels import Model
from allocation.districting.plan import new_state
from allocation.districting.problem import Bools, Floats, Ints, Problem, Weights
from allocation.districting.recombine import best_of, merged, neighbouring, regrouped


@dataclass
class Clock:
    """When to break off: at a moment of ``time.perf_counter``, or after a number of iterations; None = never."""

    deadline: float | None
    iterations_left: float

    def is_up(self) -> bool:
        """True when nothing more may be tried."""
        return self.iterations_left <= 0 or (self.deadline is not None and time.perf_counter() >= self.deadline)

    def part(self, share: float) -> Clock:
        """A clock for this share of what is left."""
        now = time.perf_counter()
        deadline = None if self.deadline is None else now + share * (self.deadline - now)
        return Clock(deadline, share * self.iterations_left)


@dataclass
class Found:
    """The best plan so far and how far it is outside the limits (0 = within)."""

    plan: Ints
    value: float
    over: float

    def is_worse_than(self, value: float, over: float) -> bool:
        """First the limits, then the objective."""
        if max(self.over, over) > 0:
            return over < self.over
        return value < self.value - 1e-10 * abs(value)


@dataclass(frozen=True)
class Schedule:
    """How effort is spent. Temperatures are in parts of the mean change that a flip makes.

    hot               starts of a cooling from a fresh plan, in turn
    warm, cold        start of a cooling from the best plan; end of every cooling
    frozen            no cooling below this part of the least change that a flip makes
    stiffness         of the walks that look for a plan within limits while there is none, in turn
    first_run         proposals of a run in the first round; each round ``growth`` times the one before
    slice             proposals between two looks at the clock
    largest_set       most units in a set move
    walk              most units looked at to see whether an area stays whole; moves that need more are not made
    settle            start of a cooling after a plan was carried over to a finer level
    coarse_above      problems with more units are solved on several levels, the coarsest of about ``coarsest`` units
    coarse_share      part of the effort for the coarsest
    pool              plans kept for merging
    exact_pairs       no exact search beyond so many pairs (unit, team)
    proof_pairs       nor of the whole problem beyond so many
    find_pairs        nor for just any plan within the rules beyond so many
    regroupings       sets of neighbouring teams that are divided anew in a round
    exact_cost        what one node of an exact search counts for in iterations
    patience          rounds without a better plan after which the search has converged
    """

    hot: tuple[float, ...] = (0.5, 1.0, 2.0)
    warm: float = 0.3
    cold: float = 0.005
    frozen: float = 0.15
    stiffness: tuple[float, ...] = (4.0, 16.0, 32.0, 64.0)
    first_run: int = 100_000
    slice: int = 50_000
    growth: float = 1.4
    largest_set: int = 20
    walk: int = 20_000
    settle: float = 0.2
    coarse_above: int = 3_000
    coarsest: int = 1_500
    coarse_share: float = 0.3
    pool: int = 16
    exact_pairs: int = 5_000
    proof_pairs: int = 600
    find_pairs: int = 1_500
    regroupings: int = 3
    exact_cost: int = 5_000
    patience: int = 12


class Annealer:
    """Anneals plans of one model; keeps the best and the number of iterations."""

    def __init__(self, model: Model, seed: int, clock: Clock, schedule: Schedule) -> None:
        self.model, self.clock, self.schedule = model, clock, schedule
        self.state = new_state(model, seed)
        self.rng = np.random.default_rng(seed)
        self.iterations = 0
        self.found: Found | None = None
        shares = (0.50, 0.75, 0.87, 1.0) if len(model.group) else (0.60, 0.90, 1.0, 1.0)
        self.shares = np.array(shares)

    def run(self, start: Ints, iterations: int, hot: float, stiffness: float | None = None) -> Found:
        """One cooling from ``hot`` (in mean flip changes) down; the best plan within limits, or the last one.

        With ``stiffness`` the temperature stays and the price of violations is held where an ordinary flip that
        unbalances is accepted with chance exp(-stiffness): a walk among nearly balanced plans, for limits so tight
        that a cooling would freeze outside them.
        """
        model, state = self.model, self.state
        state.plan[:] = start
        kernels.rebuild(model, state)
        value = np.array([kernels.objective(model, state), self._over()])
        best = state.plan.copy()
        best_value = np.array([value[0] if value[1] <= 0 else np.inf])
        scale, least, price = self._scales()
        done, size, shares = 0, self.schedule.slice, self.shares
        top, bottom = hot * scale, max(self.schedule.cold * scale, self.schedule.frozen * least)
        most = 1e5 * price
        if stiffness is not None:
            bottom, price = top, stiffness * hot * price / 2
            most = price
            shares = np.array([0.3, 0.93, 1.0, 1.0])  # pairs of moves change a load by less than one does
        mu = np.array([price])
        while done < iterations and not self.clock.is_up() and state.ncut[0] > 0:
            now = min(size, iterations - done, int(min(self.clock.iterations_left, 2**60)))
            begin = top * (bottom / top) ** (done / iterations)
            end = top * (bottom / top) ** ((done + now) / iterations)
            goal = self._goal(done / iterations, most)
            kernels.anneal(model, state, best, best_value, value, now, begin, end, mu, goal, shares,
                           self.schedule.largest_set, self.schedule.walk)  # fmt: skip
            done += now
            self.clock.iterations_left -= now
        self.iterations += done
        if np.isfinite(best_value[0]):
            state.plan[:] = best
            kernels.rebuild(model, state)
        return self._result()

    def refine(self, plan: Ints, is_last: bool) -> bool:
        """Settle a plan that comes from a coarser level; on the last level again and again, until that gains nothing
        more (True) or the clock is up (False)."""
        before = self.value_of(plan)
        while True:
            edges = int(self.state.ncut[0])
            self.run(self._best_plan(), 100_000 + 30 * edges, self.schedule.settle)
            if self.clock.is_up():
                return False
            assert self.found is not None
            gain = before.value - self.found.value
            if not is_last or (self.found.over <= 0 and before.over <= 0 and gain <= 1e-4 * abs(before.value)):
                return is_last
            before = self.found

    def _best_plan(self) -> Ints:
        assert self.found is not None
        return self.found.plan

    def value_of(self, plan: Ints) -> Found:
        """A plan from elsewhere, valued and compared with the best."""
        self.state.plan[:] = plan
        kernels.rebuild(self.model, self.state)
        return self._result()

    def _result(self) -> Found:
        model, state = self.model, self.state
        result = Found(state.plan.astype(np.int64), kernels.objective(model, state), self._over())
        if self.found is None or self.found.is_worse_than(result.value, result.over):
            self.found = result
        return result

    def _goal(self, progress: float, most: float) -> Floats:
        """Part of the time to be within limits, at least and at most: little while hot, half of it when cold;
        and the greatest price of violations."""
        return np.array([0.3 * progress, 0.1 + 0.5 * progress, most])

    def _over(self) -> float:
        """Relative load outside the limits; a loose piece or an empty team counts for a whole target each."""
        return float(kernels.violation(self.model, self.state) + kernels.loose_pieces(self.model, self.state))

    def _scales(self) -> tuple[float, float, float]:
        """Mean and least change of the objective by a flip, and a first price for violations, from random flips."""
        if self.state.ncut[0] == 0:
            return 1.0, 1.0, 1.0
        deltas, loads = np.zeros(1000), np.zeros(1000)
        kernels.sample(self.model, self.state, 1000, deltas, loads)
        scale = float(deltas.mean()) or 1e-6
        changes = deltas[deltas > 1e-9 * scale]
        least = float(changes.min()) if len(changes) else scale
        return scale, least, 2 * scale / (float(loads.mean()) or 1.0)


@dataclass
class Search:
    """Rounds of runs from several starts, with exact search on what the runs agree and differ about.

    problem  for the exact search; None when it is too large for that
    bases   partial plans to start from: the relaxation, the current division
    floor   no plan costs less; the search ends when it is met
    """

    problem: Problem | None
    annealer: Annealer
    bases: list[Ints]
    floor: float
    pool: list[Found] = field(default_factory=list)
    settled: set[tuple[bytes, bytes]] = field(default_factory=set)  # (teams, plan) that cannot be divided better
    is_proven: bool = False
    is_done: bool = False
    proof: str | None = None  # why there is no plan at all

    def run(self) -> None:
        """Until the clock is up, or until nothing better is to be expected: then ``is_done``."""
        annealer, schedule = self.annealer, self.annealer.schedule
        length = schedule.first_run * min(5.0, max(1.0, annealer.model.cost.size / 1000))
        stale, round_ = 0, 0
        while stale < schedule.patience:
            before = annealer.found
            for start, hot in self._starts(round_):
                self._keep(annealer.run(start(), int(length), hot))
                if annealer.clock.is_up():
                    return
            if self._best().over > 0:
                self._walk(round_, int(length))
            if self.proof is None and self.problem is not None:
                self._exact(self.problem, round_)
            self.is_proven = self.is_proven or self._is_met()
            if self.is_proven or self.proof is not None:
                break
            if annealer.clock.is_up():
                return
            stale = stale + 1 if before is annealer.found else 0
            length *= schedule.growth
            round_ += 1
        self.is_done = True

    def _walk(self, round_: int, length: int) -> None:
        """Look for a plan within limits from the least bad one, at several stiffnesses."""
        annealer = self.annealer
        for stiffness in annealer.schedule.stiffness:
            if annealer.clock.is_up() or self._best().over <= 0:
                return
            hot = annealer.schedule.hot[round_ % len(annealer.schedule.hot)]
            self._keep(annealer.run(self._best().plan, 2 * length, 1.5 * hot, stiffness))

    def _is_met(self) -> bool:
        best = self.annealer.found
        return best is not None and best.over <= 0 and best.value <= self.floor + 1e-6 * abs(self.floor)

    def _starts(self, round_: int) -> list[tuple[Callable[[], Ints], float]]:
        """Start plans of a round with the temperature to begin at."""
        model, rng, schedule = self.annealer.model, self.annealer.rng, self.annealer.schedule
        hot = schedule.hot[round_ % len(schedule.hot)]
        out: list[tuple[Callable[[], Ints], float]] = []
        for base in self.bases:
            out.append((lambda base=base: complete(model, base, rng), hot))  # type: ignore[misc]
        if len(out) < 2:
            out.append((lambda: grown(model, rng) if not self.bases else complete(model, self.bases[0], rng, 1.0),
                        hot))  # fmt: skip
        if self.annealer.found is not None:
            out.append((lambda: self._best().plan, schedule.warm))
        return out

    def _best(self) -> Found:
        assert self.annealer.found is not None
        return self.annealer.found

    def _keep(self, found: Found) -> None:
        """Into the pool when it is within limits and new; the worst makes room."""
        if found.over > 0 or any((found.plan == other.plan).all() for other in self.pool):
            return
        self.pool.append(found)
        self.pool.sort(key=lambda f: f.value)
        del self.pool[self.annealer.schedule.pool :]

    # -- exact search ---------------------------------------------------------------------------------------------

    def _exact(self, problem: Problem, round_: int) -> None:
        """Merge plans of the pool, divide some neighbouring teams anew, and try for a proof on small problems."""
        schedule, rng = self.annealer.schedule, self.annealer.rng
        pairs = problem.n * problem.k
        if pairs > schedule.exact_pairs:
            return
        nodes = 10 + 5 * round_
        if not self.pool:
            self._find_any(problem, 10 * nodes)
        has_edge_prices = bool(self.annealer.model.scost.any())
        most = schedule.proof_pairs
        if has_edge_prices:  # they make the relaxation weak and the search long
            most //= 3 if round_ % 4 == 3 else 6
        if self.pool and pairs <= most:
            tiny = 60_000 if pairs <= 60 else 10_000
            self.is_proven = self._try(problem, problem.allowed_mask, 2 * nodes + tiny // pairs)
        is_hard = has_edge_prices and (pairs > schedule.proof_pairs or not self.annealer.model.cost.any())
        if self.is_proven or not self.pool or is_hard:
            return
        for size in (2, 3):
            if len(self.pool) >= size and not self.annealer.clock.is_up():
                others = 1 + rng.permutation(len(self.pool) - 1)[: size - 1]
                self._try(problem, merged(problem, [self.pool[i].plan for i in (0, *others)]), nodes)
        for first in rng.permutation(problem.k)[: schedule.regroupings]:
            if self.annealer.clock.is_up():
                return
            plan = self._best().plan
            teams = neighbouring(self.annealer.model, plan, int(first), 3, rng)
            key = (teams.tobytes(), plan[np.isin(plan, teams)].tobytes())
            if key not in self.settled:
                self._try(problem, regrouped(problem, plan, teams), nodes)
                self.settled.add(key)

    def _find_any(self, problem: Problem, nodes: int) -> None:
        """Exact search for a plan within the rules, whatever its borders cost: annealing has found none."""
        if problem.n * problem.k > self.annealer.schedule.find_pairs:
            return
        w = problem.weights
        plain = problem.replace(weights=Weights(w.travel, 0.0, 0.0, 0.0, 0.0, w.moved))
        self._try(plain, problem.allowed_mask, nodes)

    def _try(self, problem: Problem, options: Bools, nodes: int) -> bool:
        """Exact search within ``options``; True when nothing better is left in them. A better plan joins the pool."""
        clock, best = self.annealer.clock, self._best()
        incumbent = best.plan if best.over <= 0 else None
        outcome = best_of(problem, options, incumbent, nodes, clock.deadline)
        effort = (1 + outcome.nodes) * self.annealer.schedule.exact_cost
        self.annealer.iterations += effort
        clock.iterations_left -= effort
        if outcome.plan is not None:
            self._keep(self.annealer.value_of(outcome.plan))
        elif outcome.is_settled and incumbent is None:
            self.proof = outcome.reason
        return outcome.is_settled
