"""The search over time: rounds of annealing from several starts, each round longer than the one before.

Nothing here looks at a clock except :class:`Clock`, which only breaks off. So what is found within a number of
iterations is always the same, and a run that ends before its time limit is deterministic.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from allocation.districting import kernels
from allocation.districting.construct import complete, grown
from allocation.districting.kernels import Model
from allocation.districting.plan import new_state
from allocation.districting.problem import Ints


@dataclass
class Clock:
    """When to break off: at a moment of ``time.monotonic``, or after a number of iterations; None = never."""

    deadline: float | None
    iterations_left: float

    def is_up(self) -> bool:
        """True when nothing more may be tried."""
        return self.iterations_left <= 0 or (self.deadline is not None and time.monotonic() >= self.deadline)


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
    """Temperatures are in parts of the mean change that a flip makes; iterations are proposals."""

    hot: float = 1.0
    warm: float = 0.25
    cold: float = 0.002
    first_run: int = 100_000
    slice: int = 50_000
    growth: float = 1.6
    largest_set: int = 20


class Annealer:
    """Anneals plans of one model; keeps the best and the number of iterations."""

    def __init__(self, model: Model, seed: int, clock: Clock, schedule: Schedule) -> None:
        self.model, self.clock, self.schedule = model, clock, schedule
        self.state = new_state(model, seed)
        self.rng = np.random.default_rng(seed)
        self.iterations = 0
        self.found: Found | None = None
        shares = (0.60, 0.85, 0.93, 1.0) if len(model.group) else (0.65, 0.92, 1.0, 1.0)
        self.shares = np.array(shares)

    def run(self, start: Ints, iterations: int, hot: float) -> Found:
        """One cooling from ``hot`` (in mean flip changes) down; the best plan within limits, or the last one."""
        model, state = self.model, self.state
        state.plan[:] = start
        kernels.rebuild(model, state)
        value = np.array([kernels.objective(model, state), kernels.violation(model, state)])
        best = state.plan.copy()
        best_value = np.array([value[0] if value[1] <= 0 else np.inf])
        scale, price = self._scales()
        mu = np.array([price])
        done = 0
        size = self.schedule.slice
        top, bottom = hot * scale, self.schedule.cold * scale
        while done < iterations and not self.clock.is_up() and state.ncut[0] > 0:
            now = min(size, iterations - done, int(min(self.clock.iterations_left, 2**60)))
            begin = top * (bottom / top) ** (done / iterations)
            end = top * (bottom / top) ** ((done + now) / iterations)
            kernels.anneal(model, state, best, best_value, value, now, begin, end, mu, self.shares,
                           self.schedule.largest_set, 1 << 40)  # fmt: skip
            done += now
            self.clock.iterations_left -= now
        self.iterations += done
        if np.isfinite(best_value[0]):
            state.plan[:] = best
            kernels.rebuild(model, state)
        result = Found(state.plan.astype(np.int64), kernels.objective(model, state), kernels.violation(model, state))
        if self.found is None or self.found.is_worse_than(result.value, result.over):
            self.found = result
        return result

    def _scales(self) -> tuple[float, float]:
        """Mean change of the objective by a flip, and a first price for violations, from random flips."""
        if self.state.ncut[0] == 0:
            return 1.0, 1.0
        deltas, loads = np.zeros(1000), np.zeros(1000)
        kernels.sample(self.model, self.state, 1000, deltas, loads)
        scale = float(deltas.mean()) or 1e-6
        return scale, 2 * scale / (float(loads.mean()) or 1.0)


def search(annealer: Annealer, bases: list[Ints], is_enough: Callable[[Found], bool]) -> bool:
    """Rounds of runs until the clock is up (False) or the outcome will not get better (True).

    bases     partial plans to start from (relaxation, current division); grown plans are used as well
    is_enough told the best so far; True ends the search (for instance when it meets the bound)
    """
    model, rng, schedule = annealer.model, annealer.rng, annealer.schedule
    length = float(schedule.first_run)
    turn = 0
    starts: list[Callable[[], Ints]] = [lambda base=base: complete(model, base, rng) for base in bases]  # type: ignore[misc]
    starts.append(lambda: grown(model, rng))
    while not annealer.clock.is_up():
        for start in starts:
            annealer.run(start(), int(length), schedule.hot)
            if annealer.clock.is_up():
                return False
        assert annealer.found is not None
        annealer.run(annealer.found.plan, int(length), schedule.warm)
        if is_enough(annealer.found):
            return True
        turn += 1
        length *= schedule.growth
    return False
