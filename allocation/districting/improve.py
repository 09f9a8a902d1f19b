"""The search over time: rounds of annealing from several starts, each round longer than the one before.

Nothing here looks at a clock except :class:`Clock`. It breaks off, and it hastens the last cooling so that this ends
cold just before the limit; what comes before is always the same, so a search that ends by itself is deterministic.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from allocation.districting import kernels
from allocation.districting.construct import complete, grown
from allocation.districting.kernels import Model
from allocation.districting.plan import new_state, restricted
from allocation.districting.problem import Bools, Floats, Ints, Problem
from allocation.districting.recombine import best_of, merged, neighbouring, regrouped

AGREED = 3  # coolings from fresh plans that end in the best plan: hardly any more will find a better one
SAME = 1e-6  # plans that differ less, relatively, are as good as each other
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
                      both take about a microsecond
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


@dataclass
class Search:
    """Rounds of runs from several starts, with exact search on what the runs agree and differ about.

    problem  for the exact search; None when it is too large for that
    bases   partial plans to start from: the relaxation, the current division
    floor   no plan costs less; the search ends when it is met
    hot     starts of a cooling from a fresh plan (in mean flip changes)
    effort  about so many iterations, spent where they pay: none once ``AGREED`` coolings have ended in the best plan,
            and the clock has them ``Schedule.in_doubt`` times. None = whatever the clock has
    grants  how often the iterations asked for are granted once more while no plan is within limits: a hard rule that
            can be kept goes before the effort
    """

    problem: Problem | None
    annealer: Annealer
    bases: list[Ints]
    floor: float
    hot: tuple[float, ...]
    pool: list[Found] = field(default_factory=list)
    settled: set[tuple[bytes, bytes]] = field(default_factory=set)  # (teams, plan) that cannot be divided better
    is_proven: bool = False
    is_done: bool = False
    proof: str | None = None  # why there is no plan at all
    effort: int | None = None
    ends: list[float] = field(default_factory=list)  # what coolings from fresh plans came to, within the limits
    grants: int = 4
    is_exact_better: bool = False  # it has found a plan within limits where annealing found none
    is_late: bool = False  # a plan within limits was not found in the iterations asked for
    worth: float | None = None  # of load at the border of two teams, when teams pay for it
    granted: float = field(init=False)

    def __post_init__(self) -> None:
        self.granted = self.annealer.clock.iterations_left
        if self.effort is not None:
            self.granted = float(self.effort)
            self.grants -= self.annealer.schedule.in_doubt - 1

    def run(self) -> None:
        """Until the clock is up, or until nothing better is to be expected: then ``is_done``."""
        annealer, schedule = self.annealer, self.annealer.schedule
        length = schedule.first_run * min(5.0, max(1.0, annealer.model.cost.size / 1000))
        if not annealer.model.cost.any():
            length *= schedule.unguided
        stale, round_ = 0, 0
        while stale < schedule.patience:
            before = annealer.found
            if round_ == 1 and not annealer.model.cost.any():  # the first round has settled the small problems
                self._scout()
            self._anneal(round_, int(length))
            if not self._goes_on():
                return
            if self._best().over > 0:
                self._walk(round_, int(length))
            if self.proof is None and self.problem is not None:
                self._exact(self.problem, round_)
            self.is_proven = self.is_proven or self._is_met()
            if self.is_proven or self.proof is not None or self._is_agreed():
                break
            if not self._goes_on() or annealer.clock.has_hastened:
                return
            stale = stale + 1 if before is annealer.found else 0
            length *= schedule.growth
            round_ += 1
        self.is_done = True

    def _goes_on(self) -> bool:
        """Whether the clock leaves room, or is given some: to find a plan within limits, and then to better it once."""
        clock = self.annealer.clock
        if clock.iterations_left < 1 and self.proof is None:
            is_wanted = self._best().over > 0 and self.grants > 0
            if is_wanted or self.is_late:
                self.grants -= 1
                self.is_late = is_wanted
                least = self.annealer.schedule.first_run if is_wanted else 1  # a shorter run could find nothing
                clock.iterations_left = max(self.granted, least)
                clock.has_hastened = False
        return not clock.is_up()

    def _scout(self) -> None:
        """Many short coolings of grown plans, into the pool.

        Where nothing guides the start it is chance which valley it leads into; in middling problems a longer run does
        not mend that.
        """
        annealer, schedule = self.annealer, self.annealer.schedule
        for i in range(schedule.scouts):
            if annealer.clock.is_up() or annealer.clock.has_hastened:
                return
            self._keep(
                annealer.run(grown(annealer.model, annealer.rng), schedule.first_run, self.hot[i % len(self.hot)])
            )

    def _anneal(self, round_: int, length: int) -> None:
        """Cool fresh plans and the best one, whole and by parts."""
        annealer = self.annealer
        for start, hot in self._starts(round_):
            if annealer.found is not None and annealer.clock.room(annealer.rate) < length / 2:  # too late to start anew
                start, hot = self._best_plan, annealer.schedule.warm  # noqa: PLW2901
            found = self._parts(annealer.run(start(), length, hot), length, round_)
            self._keep(found)
            if start != self._best_plan and found.over <= 0:
                self.ends.append(found.value)
            if annealer.clock.is_up() or self._is_agreed():
                return
        self._keep(self._parts(self._best(), length, round_))
        if not annealer.model.cost.any():
            for other in self.pool[1 : 1 + annealer.schedule.polished]:
                self._keep(self._parts(other, length // 4, round_))

    def balance(self, annealer: Annealer, plan: Ints, share: float) -> Ints:
        """``plan`` balanced by prices, from those of the level before, in this share of the annealer's time."""
        if self.worth is not None:
            annealer.state.price[:] = self.annealer.state.price
        before = annealer.iterations
        self.worth = annealer.balance(plan, annealer.clock.part(share), self.worth)
        annealer.clock.iterations_left -= annealer.iterations - before
        self.annealer = annealer
        return self._best_plan()

    def refine(self, finer: Annealer, plan: Ints) -> None:
        """Go on with ``plan`` on a finer level, in ever longer runs; ``is_done`` when it is within limits and two in
        a row gained nothing."""
        self.annealer = finer
        before = finer.value_of(plan)
        length, in_vain = 100_000 + 30 * int(finer.state.ncut[0]), 0
        pairs_of_part = finer.model.cost.size * (finer.schedule.most / finer.model.cost.shape[1]) ** 2
        has_short_parts = pairs_of_part * finer.schedule.part <= 2 * length
        self.is_done = False
        while not self.is_done and not finer.clock.is_up():
            stiffness = None
            if before.over > 0 and in_vain:  # cooling does not balance it: walk
                stiffness = finer.schedule.stiffness[in_vain % len(finer.schedule.stiffness)]
            finer.run(self._best_plan(), length, finer.schedule.settle if stiffness is None else 1.0, stiffness)
            if has_short_parts:
                self._parts(self._best(), length, 0)
            best = self._best()
            is_better = best.over < before.over or best.value < before.value - 1e-4 * abs(before.value)
            in_vain = 0 if is_better else in_vain + 1
            self.is_done = in_vain >= 2 and best.over <= 0
            before = best
            length = min(2 * length, 2**40)

    def _walk(self, round_: int, length: int) -> None:
        """Look for a plan within limits from the least bad one, at several stiffnesses."""
        annealer = self.annealer
        for stiffness in annealer.schedule.stiffness:
            if annealer.clock.is_up() or self._best().over <= 0:
                return
            hot = self.hot[round_ % len(self.hot)]
            self._keep(annealer.run(self._best().plan, 2 * length, 1.5 * hot, stiffness))

    def _is_agreed(self) -> bool:
        """Whether coolings from different plans ended in the best one, where that is to end the search."""
        best = self._best()
        near = best.value + SAME * abs(best.value)
        return self.effort is not None and best.over <= 0 and sum(end <= near for end in self.ends) >= AGREED

    def _is_met(self) -> bool:
        best = self.annealer.found
        return best is not None and best.over <= 0 and best.value <= self.floor + SAME * abs(self.floor)

    def first_plan(self) -> Ints:
        """From the first of ``bases``, or grown when there is none."""
        model, rng = self.annealer.model, self.annealer.rng
        return complete(model, self.bases[0], rng) if self.bases else grown(model, rng)

    def _starts(self, round_: int) -> list[tuple[Callable[[], Ints], float]]:
        """Start plans of a round with the temperature to begin at: in the first round a fresh one of each kind at each
        temperature, later one of these in turn, and the best.

        All at once while runs are short: a cooling that is not hot enough ends in the valley where it began, however
        long it is, and another kind of start or a hotter one finds a better valley in a tenth of a second.
        """
        model, rng, schedule = self.annealer.model, self.annealer.rng, self.annealer.schedule
        kinds: list[Callable[[], Ints]] = [lambda base=base: complete(model, base, rng) for base in self.bases]  # type: ignore[misc]
        if len(kinds) < 2:
            kinds.append(lambda: grown(model, rng) if not self.bases else complete(model, self.bases[0], rng, 1.0))
        fresh = [(kind, hot) for hot in self.hot for kind in kinds]
        if self.effort is not None:  # first those that differ in both
            apart = fresh[:: len(kinds) + 1]
            fresh = apart + [start for start in fresh if start not in apart]
        if self.annealer.found is None:
            return fresh
        starts = [fresh[round_ % len(fresh)]]
        return starts if self._has_parts() else [*starts, (self._best_plan, schedule.warm)]

    def _has_parts(self) -> bool:
        """Whether there are more teams than the exact search divides anew together."""
        return bool(self.annealer.model.cost.shape[1] > 3)

    def _parts(self, found: Found, length: int, round_: int) -> Found:
        """Anneal some neighbouring teams of a plan at a time, all else as it is; ``length`` proposals in all.

        A few teams are cooled well in a small fraction of the time that all of them take.
        """
        annealer, schedule, rng = self.annealer, self.annealer.schedule, self.annealer.rng
        model, clock = annealer.model, annealer.clock
        k, end = model.cost.shape[1], annealer.iterations + length
        while self._has_parts() and annealer.iterations < end and not (clock.is_up() or clock.has_hastened):
            size = min(int(rng.integers(schedule.fewest, schedule.most + 1)), k - 1)
            teams = neighbouring(model, found.plan, int(rng.integers(k)), size, rng)
            units = np.flatnonzero(np.isin(found.plan, teams))
            part = Annealer(restricted(model, units, teams), int(rng.integers(2**31)), clock, schedule)
            part.rate = annealer.rate
            proposals = int(part.model.cost.size * schedule.part * 1.2**round_)
            hot = self.hot[int(rng.integers(len(self.hot)))]
            better = part.run(np.searchsorted(teams, found.plan[units]), proposals, hot)
            annealer.iterations += part.iterations
            plan = found.plan.copy()
            plan[units] = teams[better.plan]
            other = annealer.value_of(plan)
            if not other.is_worse_than(found.value, found.over):
                found = other
        return found

    def _best_plan(self) -> Ints:
        return self._best().plan

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
            self.is_exact_better = bool(self.pool)
        most = schedule.proof_pairs
        if problem.has_edge_prices and not self.is_exact_better:  # they make the relaxation weak and the search long
            most //= 3 if round_ % 4 == 3 else 6
        if self.pool and pairs <= most:
            tiny = 60_000 if pairs <= 60 else 10_000
            more = 10 if self.is_exact_better else 2
            self.is_proven = self._try(problem, problem.allowed_mask, more * nodes + tiny // pairs)
        is_hard = problem.has_edge_prices and (pairs > schedule.proof_pairs or not self.annealer.model.cost.any())
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
        """Exact search for a plan within the rules, whatever it costs, and then for a cheap one whatever its borders
        cost: annealing has found none. Without any costs the first plan ends the search, or its absence is proven."""
        if problem.n * problem.k > self.annealer.schedule.find_pairs:
            return
        for weights in (problem.weights.only(), problem.weights.only("travel", "moved", "lines_apart")):
            if self.proof is None:
                self._try(problem.replace(weights=weights), problem.allowed_mask, nodes)

    def _try(self, problem: Problem, options: Bools, nodes: int) -> bool:
        """Exact search within ``options``; True when nothing better is left in them. A better plan joins the pool."""
        clock, best = self.annealer.clock, self._best()
        incumbent = best.plan if best.over <= 0 else None
        outcome = best_of(problem, options, incumbent, nodes, clock.deadline)
        effort = (1 + outcome.nodes) * int(options.sum()) * self.annealer.schedule.exact_cost
        self.annealer.iterations += effort
        clock.iterations_left -= effort
        if outcome.plan is not None:
            self._keep(self.annealer.value_of(outcome.plan))
        elif outcome.is_settled and incumbent is None:
            self.proof = outcome.reason
        return outcome.is_settled
