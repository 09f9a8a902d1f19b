"""One cooling of a plan, or one walk, within a clock; and how the effort of a whole search is spent.

Nothing here looks at a clock except :class:`Clock`. It breaks off, and it hastens the last cooling so that this ends
cold just before the limit; what comes before is always the same, so a search that ends by itself is deterministic.

Belongs here: running the compiled search (`kernels`) over time. Does not belong here: from which plans, and how often
(`improve`).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np

from allocation.districting import kernels
from allocation.districting.kernels import Model
from allocation.districting.plan import new_state
from allocation.districting.problem import Floats, Ints

MOSTLY_PAIRS = np.array([0.3, 0.93, 1.0, 1.0])  # shares of moves: a pair changes a load by less than one unit does


@dataclass
class Clock:
    """When to break off: at a moment of ``time.perf_counter``, or after a number of iterations; None = never."""

    deadline: float | None
    iterations_left: float
    has_hastened: bool = False  # time has had a say: the search is to end with this run
    granted: float = field(init=False)
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.granted, self.began = self.iterations_left, time.perf_counter()

    def progress(self) -> float:
        """The part of the time or of the iterations that is used up, whichever is more."""
        spent = 1.0 - self.iterations_left / self.granted if math.isfinite(self.granted) else 0.0
        if self.deadline is None:
            return spent
        return max(spent, (time.perf_counter() - self.began) / max(self.deadline - self.began, 1e-9))

    def is_up(self) -> bool:
        """True when nothing more may be tried."""
        return self.iterations_left < 1 or (self.deadline is not None and time.perf_counter() >= self.deadline)

    def room(self, rate: float) -> float:
        """How many iterations are left at ``rate`` iterations a second."""
        if self.deadline is None:
            return self.iterations_left
        seconds = self.deadline - time.perf_counter()
        return min(self.iterations_left, rate * seconds) if seconds > 0 else 0.0

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
    hot_free          these where travel is priced and moving is not
    hot_unguided      these where only borders and splits are priced
    warm, cold        start of a cooling from the best plan; end of every cooling
    frozen            no cooling below this part of the least change that a flip makes
    stiffness         of the walks that look for a plan within limits while there is none, in turn
    first_run         proposals of a run in the first round; each round ``growth`` times the one before
    unguided          so many times longer where only borders and splits are priced: no relaxation guides the start
    scouts, polished  runs of ``first_run`` from grown plans after the first round there; how many of the best plans
                      but one are annealed by parts in each round
    slice             proposals between two looks at the clock
    largest_set       most units in a set move
    walk              most units looked at to see whether an area stays whole; moves that need more are not made
    settle            start of a cooling after a plan was carried over to a finer level
    last_share        part of what is left for balancing by prices on the last level; polishing has the rest
    many              teams from which large problems are balanced by prices
    rising            price of violations in such a balancing, at its start and at its end, in parts of what load is
                      worth at the border of two teams
    shift             by how much a team's own price then changes for a violation, in the same parts
    margin            part of a team's target that such a balancing stays within the limits; at most a tenth of the room
    coarse_above      problems with more units are solved on several levels, the coarsest of about ``coarsest`` units
    coarse_share      part of the effort for the coarsest
    level_share       part of what is left for each level between that and the last
    fewest, most      teams in a part that is annealed by itself
    part              proposals of such a run for each of its pairs (unit, team), in the first round
    pool              plans kept for merging
    exact_pairs       no exact search beyond so many pairs (unit, team)
    proof_pairs       nor of the whole problem beyond so many
    find_pairs        nor for just any plan within the rules beyond so many
    regroupings       sets of neighbouring teams that are divided anew in a round
    tight             limits closer together than this part of a mean unit: every other cooling moves mostly pairs of
                      units, where nothing but borders and splits guides the search
    exact_cost        what one node of an exact search counts for in iterations, for each pair (unit, team) left open:
                      it is so that both take about the same time
    in_doubt          so many times the effort asked for at most, where coolings from different starts end differently
    patience          rounds without a better plan after which the search has converged
    """

    hot: tuple[float, ...] = (0.5, 1.0)
    hot_free: tuple[float, ...] = (0.5, 1.0, 2.0)
    hot_unguided: tuple[float, ...] = (0.7, 1.0)
    warm: float = 0.3
    cold: float = 0.005
    frozen: float = 0.15
    stiffness: tuple[float, ...] = (4.0, 16.0, 32.0, 64.0)
    first_run: int = 100_000
    unguided: float = 4.0
    scouts: int = 20
    polished: int = 3
    slice: int = 50_000
    growth: float = 1.4
    largest_set: int = 20
    walk: int = 20_000
    settle: float = 0.2
    last_share: float = 0.7
    many: int = 30
    rising: tuple[float, float] = (0.8, 8.0)
    shift: float = 0.8
    margin: float = 0.0005
    coarse_above: int = 3_000
    coarsest: int = 1_500
    coarse_share: float = 0.5
    level_share: float = 0.5
    fewest: int = 4
    most: int = 6
    part: int = 100
    pool: int = 16
    exact_pairs: int = 5_000
    proof_pairs: int = 600
    find_pairs: int = 1_500
    regroupings: int = 3
    exact_cost: int = 160
    tight: float = 0.3
    in_doubt: int = 3
    patience: int = 7


class Annealer:
    """Anneals plans of one model; keeps the best and the number of iterations."""

    def __init__(self, model: Model, seed: int, clock: Clock, schedule: Schedule) -> None:
        self.model, self.clock, self.schedule = model, clock, schedule
        self.state = new_state(model, seed)
        self.rng = np.random.default_rng(seed)
        self.iterations = 0
        self.rate = math.inf  # iterations a second in the last run
        self.found: Found | None = None
        shares = (0.50, 0.75, 0.87, 1.0) if len(model.group) else (0.60, 0.90, 1.0, 1.0)
        self.moves = kernels.Moves(np.array(shares), schedule.largest_set, schedule.walk)
        room = float((model.high[0] - model.low[0]).min())
        self.pairs_next: bool | None = None  # alternates where limits are tight and nothing guides the search
        if model.cost.size and not model.cost.any() and room < schedule.tight * float(model.amount[0].mean()):
            self.pairs_next = False

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
        best = kernels.Best(state.plan.copy(), np.array([value[0] if value[1] <= 0 else np.inf]))
        scale, least, price = self._scales()
        moves = self.moves
        top, bottom = hot * scale, max(self.schedule.cold * scale, self.schedule.frozen * least)
        most = 1e5 * price
        if self.pairs_next is not None and stiffness is None:
            if self.pairs_next:
                moves = moves._replace(shares=MOSTLY_PAIRS)
            self.pairs_next = not self.pairs_next
        if stiffness is not None:
            bottom, price = top, stiffness * hot * price / 2
            most = price
            moves = moves._replace(shares=MOSTLY_PAIRS)
        mu = np.array([price])
        done, began, temperature = 0, time.perf_counter(), top
        must = self.found is None  # a first plan is balanced whatever the clock says
        while done < iterations and state.ncut[0] > 0 and (not self.clock.is_up() or (must and not done)):
            left = self._left(iterations - done)
            now = min(self.schedule.slice, left)
            cooler = temperature * (bottom / temperature) ** (now / left)
            goal = self._goal(done / (done + left), most)
            cooling = kernels.Cooling(now, temperature, cooler)
            kernels.anneal(model, state, best, value, cooling, kernels.Penalty(mu, goal), moves)
            done, temperature = done + now, cooler
            self.clock.iterations_left -= now
            self.rate = done / max(time.perf_counter() - began, 1e-9)
        self.iterations += done
        if np.isfinite(best.value[0]):
            state.plan[:] = best.plan
            kernels.rebuild(model, state)
        return self._result()

    def balance(self, start: Ints, clock: Clock, worth: float | None) -> float:
        """Bring ``start`` near the limits by prices until ``clock`` is up; what load is worth, for the next level.

        With many teams hardly any plan on the way is within limits, and a full team between one with too much and one
        with room stops everything. So each team pays for its load, more after a slice that left it with too much and
        less after one that left it with too little: load then runs down the prices, through full teams too. They are
        the multipliers of the limits in a Lagrangian relaxation, by ascent, while annealing keeps the areas whole.
        """
        state, room = self.state, self.model.high - self.model.low
        margin = np.minimum(self.schedule.margin / self.model.inverse, 0.1 * room)
        model = self.model._replace(low=self.model.low + margin, high=self.model.high - margin)
        state.plan[:] = start
        kernels.rebuild(model, state)
        scale, _, price = self._scales()
        worth = price if worth is None else worth
        unused = kernels.Best(state.plan.copy(), np.array([-np.inf]))
        while (progress := clock.progress()) < 1.0 and not clock.is_up() and state.ncut[0] > 0:
            now = int(max(1, min(4 * self.schedule.slice, clock.granted / 100)))
            temperature = self.schedule.warm * scale * self.schedule.cold**progress
            low, high = self.schedule.rising
            mu = worth * low * (high / low) ** progress**2
            value = np.array([kernels.objective(model, state), kernels.violation(model, state)])
            penalty = kernels.Penalty(np.array([mu]), np.array([0.0, 1.0, mu]))
            cooling = kernels.Cooling(now, temperature, temperature)
            kernels.anneal(model, state, unused, value, cooling, penalty, self.moves)
            self._raise_prices(model, worth * self.schedule.shift)
            clock.iterations_left -= now
            self.iterations += now
        self._result()
        return worth

    def _raise_prices(self, model: Model, step: float) -> None:
        """One step of ascent: the price of a team's upper limit (above 0) or lower limit (below 0) follows what is
        over or under it, and never passes 0."""
        state = self.state
        above, below = state.load - model.high, state.load - model.low
        price, step_of = state.price, step * model.inverse**2
        at_high = np.maximum(price + step_of * above, 0.0)
        at_low = np.minimum(price + step_of * below, 0.0)
        free = step_of * (np.maximum(above, 0.0) + np.minimum(below, 0.0))
        price[:] = np.where(price > 0, at_high, np.where(price < 0, at_low, free))

    def _left(self, iterations: int) -> int:
        """How many of the run's remaining ``iterations`` there will be: as many as the clock has room for, and some
        for the very first plan, however late it is: a start as it comes is seldom balanced."""
        room = self.clock.room(self.rate)
        if self.found is None:
            room = max(room, min(self.schedule.slice, self.clock.iterations_left))
        if room >= iterations:
            return iterations
        self.clock.has_hastened = True
        return max(int(room), 1)

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
