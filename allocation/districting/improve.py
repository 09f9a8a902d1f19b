"""The search: rounds of annealing from several starts, each round longer than the one before.

Belongs here: from which plans, in which order and for how long. Does not belong here: one cooling (`annealing`), the
exact search (`branch_and_cut`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from allocation.districting.annealing import Annealer, Found
from allocation.districting.construct import complete, grown
from allocation.districting.plan import restricted
from allocation.districting.problem import Bools, Ints, Problem
from allocation.districting.recombine import best_of, merged, neighbouring, regrouped

AGREED = 3  # coolings from fresh plans that end in the best plan: hardly any more will find a better one
SAME = 1e-6  # plans that differ less, relatively, are as good as each other


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
