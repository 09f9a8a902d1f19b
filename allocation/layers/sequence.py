"""A sequence of divisions for known dates, with few clients that change team over the whole of it.

Date by date, each division is the best one after the one before; what the next date asks is not looked at, so that a
postcode can go to a team and on to another soon after. Here each date's division is also judged by what the next one
then moves. The price of a move is the settings' weight ``moved``, for clients as parts of all clients of the layer.

1. Date by date, forwards: what one would get without looking ahead.
2. From there, and from a second start that aims at the division of the last date, each date is divided anew between its
   two neighbours, to and fro, as long as that helps.
3. A change is taken when the sum of all prices goes down and no more clients change team than before it; the second
   start counts only when it ends with no more of them than date by date. So the sequence never moves more clients than
   solving date by date, and never costs more.

Belongs here: that search, for the layers of one set of regions. Does not belong here: which dates there are
(``intake.known_dates``), building the layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.districting import Params, Problem, Stop, check, evaluate, solve
from allocation.districting.bound import lower_bound
from allocation.layers.layer import Layer
from allocation.layers.moving import (
    clients_moved,
    clients_of_units,
    division_of,
    plan_of,
    usual_prices,
    with_prices,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SWEEPS = 3
"""At most so many times to and fro over the dates."""
LEAST_CLIENTS = 1e-3
"""A postcode without clients counts as this many a line, so that it does not change team for nothing."""
SLACK = 1e-9


@dataclass(frozen=True)
class Stage:
    """The layers of a set of regions from a day on. ``is_touched``: something known changes in them on that day."""

    day: date
    layers: tuple[Layer, ...]
    is_touched: bool


Plans = dict[str, Ints]
"""The plan (n,) of each layer of a stage, by its key."""


@dataclass(frozen=True)
class Dated:
    """A plan for each stage. ``moved``: clients a year that change team at each stage; ``price``: of all stages."""

    plans: tuple[Plans, ...]
    moved: tuple[float, ...]
    price: float

    @property
    def clients(self) -> float:
        return sum(self.moved)


@dataclass(frozen=True)
class Found:
    """``best``: the sequence; ``by_date``: solved date by date, to compare with. ``solved``: per stage, whether it was
    divided anew (else the division before goes on). ``least``: clients that no sequence can move fewer than."""

    best: Dated
    by_date: Dated
    solved: tuple[bool, ...]
    least: float


class Calendar:
    """The search for the stages of one set of regions.

    Parameters
    ----------
    before : the division in force before the first stage (pc4, client_line, law_domain, team_id, share).
    expected : expected clients a year (pc4, client_line, law_domain, clients).
    """

    def __init__(self, stages: Sequence[Stage], before: pd.DataFrame, expected: pd.DataFrame, config: Config) -> None:
        self.stages, self.before, self.config = tuple(stages), before, config
        self.expected = expected.assign(clients=expected["clients"].clip(lower=LEAST_CLIENTS))
        self.clients = {
            (at, layer.key): clients_of_units(layer, self.expected)
            for at, stage in enumerate(self.stages)
            for layer in stage.layers
        }
        self._known: dict[tuple[Any, ...], Plans] = {}

    def find(self) -> Found:
        """The sequence, and what solving date by date gives."""
        plans, solved = self._by_date()
        by_date = self._valued(plans)
        best = self._improved(by_date, solved)
        aimed = self._improved(self._valued(self._aimed(solved)), solved) if sum(solved) > 1 else best
        if aimed.clients <= by_date.clients + SLACK and aimed.price < best.price - SLACK and self._is_allowed(aimed):
            best = aimed
        return Found(best, by_date, tuple(solved), min(self._least(best, solved), best.clients))

    # --- date by date -------------------------------------------------------------------------------------------------

    def _by_date(self) -> tuple[list[Plans], list[bool]]:
        plans: list[Plans] = []
        solved: list[bool] = []
        division = self.before
        for at, stage in enumerate(self.stages):
            kept = {layer.key: plan_of(layer, division, self.expected) for layer in stage.layers}
            goes_on = not stage.is_touched and not any(check(one.problem, kept[one.key]) for one in stage.layers)
            solved.append(not goes_on)
            plans.append(kept if goes_on else self._divided(at, division, None, kept))
            division = self._division(at, plans[-1])
        return plans, solved

    def _divided(self, at: int, before: pd.DataFrame, after: pd.DataFrame | None, start: Plans) -> Plans:
        """The plans of a stage between the divisions before and after it; ``start`` where nothing better is found."""
        found = {}
        for layer in self.stages[at].layers:
            problem, plan = self._priced(at, layer, before, after), start[layer.key]
            new = self._search(problem.replace(current=plan))
            is_start = _is_allowed(layer.problem, plan) and (
                not _is_allowed(layer.problem, new)
                or evaluate(problem, plan).objective <= evaluate(problem, new).objective + SLACK
            )
            found[layer.key] = plan if is_start else new
        return found

    def _priced(self, at: int, layer: Layer, before: pd.DataFrame, after: pd.DataFrame | None) -> Problem:
        """What a plan costs by itself, with the clients that it moves from the division before and to the one after."""
        moved = clients_moved(layer, before, self.expected)
        if after is not None:
            moved = moved + clients_moved(layer, after, self.expected)
        part = moved / max(float(self.clients[at, layer.key].sum()), LEAST_CLIENTS)
        return with_prices(layer.problem, usual_prices(layer.problem, part), layer.problem.weights)

    def _search(self, problem: Problem) -> Ints:
        if problem.k == 1:
            return np.zeros(problem.n, dtype=np.int64)
        stop = Stop(seconds=self.config.solver.seconds, iterations=self.config.solver.iterations)
        return solve(problem, stop, self.config.solver.seed, Params()).plan

    def _division(self, at: int, plans: Plans) -> pd.DataFrame:
        return pd.concat([division_of(layer, plans[layer.key]) for layer in self.stages[at].layers], ignore_index=True)

    # --- looking ahead ------------------------------------------------------------------------------------------------

    def _aimed(self, solved: Sequence[bool]) -> list[Plans]:
        """Another start: the last division is made from the one in force, and those in between on the way to it."""
        last = max(at for at, is_solved in enumerate(solved) if is_solved)
        start = {layer.key: plan_of(layer, self.before, self.expected) for layer in self.stages[last].layers}
        aim = self._divided(last, self.before, None, start)
        after, division = self._division(last, aim), self.before
        plans: list[Plans] = []
        for at, stage in enumerate(self.stages):
            kept = {layer.key: plan_of(layer, division, self.expected) for layer in stage.layers}
            if solved[at]:
                kept = aim if at == last else self._divided(at, division, after, kept)
            plans.append(kept)
            division = self._division(at, kept)
        return plans

    def _improved(self, sequence: Dated, solved: Sequence[bool]) -> Dated:
        """Every stage that is divided anew, once more between its neighbours, to and fro as long as that helps."""
        free = [at for at, is_solved in enumerate(solved) if is_solved]
        for _ in range(SWEEPS if len(free) > 1 else 0):
            found = sequence
            for at in [*reversed(free[:-1]), *free[1:]]:
                found = self._renewed(found, at, solved)
            if found.price >= sequence.price - SLACK:
                break
            sequence = found
        return sequence

    def _renewed(self, sequence: Dated, at: int, solved: Sequence[bool]) -> Dated:
        """The sequence with stage ``at`` divided anew; the stages after it that only go on, go on with that."""
        end = next((later for later in range(at + 1, len(solved)) if solved[later]), None)
        plans = list(sequence.plans)
        plans[at] = self._between(at, end, sequence.plans)
        division = self._division(at, plans[at])
        for later in range(at + 1, len(solved) if end is None else end):
            plans[later] = {layer.key: plan_of(layer, division, self.expected) for layer in self.stages[later].layers}
            division = self._division(later, plans[later])
        found = self._valued(plans)
        is_better = found.price < sequence.price - SLACK and found.clients <= sequence.clients + SLACK
        return found if is_better and self._is_allowed_from(found, at) else sequence

    def _between(self, at: int, end: int | None, plans: Sequence[Plans]) -> Plans:
        """Stage ``at`` divided anew between the stage before it and stage ``end``. The same plans ask for the same
        search, and to and fro many are met again."""
        neighbours = [plans[one] for one in (at - 1, at, end) if one is not None and one >= 0]
        key = (at, end, *(plan.tobytes() for of_stage in neighbours for plan in of_stage.values()))
        if key not in self._known:
            before = self.before if at == 0 else self._division(at - 1, plans[at - 1])
            after = None if end is None else self._division(end, plans[end])
            self._known[key] = self._divided(at, before, after, plans[at])
        return self._known[key]

    # --- values -------------------------------------------------------------------------------------------------------

    def _valued(self, plans: Sequence[Plans]) -> Dated:
        moved, price, division = [], 0.0, self.before
        for at, stage in enumerate(self.stages):
            moved.append(0.0)
            for layer in stage.layers:
                plan, every = plans[at][layer.key], np.arange(layer.problem.n)
                changed = clients_moved(layer, division, self.expected)[every, plan].sum()
                all_clients = max(float(self.clients[at, layer.key].sum()), LEAST_CLIENTS)
                alone = layer.problem.replace(weights=replace(layer.problem.weights, moved=0.0))
                price += evaluate(alone, plan).objective + layer.problem.weights.moved * changed / all_clients
                moved[at] += float(changed)
            division = self._division(at, plans[at])
        return Dated(tuple(dict(one) for one in plans), tuple(moved), price)

    def _is_allowed(self, sequence: Dated) -> bool:
        return self._is_allowed_from(sequence, 0)

    def _is_allowed_from(self, sequence: Dated, first: int) -> bool:
        """Whether the stages from ``first`` on keep every rule, as far as any plan that was found for them does."""
        stages = zip(self.stages[first:], sequence.plans[first:], strict=True)
        return all(_is_allowed(one.problem, plans[one.key]) for stage, plans in stages for one in stage.layers)

    def _least(self, best: Dated, solved: Sequence[bool]) -> float:
        """Clients that no sequence can move fewer than: those between the division in force and any division that is
        allowed on one of the dates, for the date that asks most. Who has another team by then changed on the way.

        Asked of the dates that are divided anew, and of none where nobody moves: a bound takes as long as a search.
        """
        of_dates = []
        for stage in [stage for stage, is_solved in zip(self.stages, solved, strict=True) if is_solved]:
            if best.clients <= SLACK:
                break
            total = 0.0
            for layer in stage.layers:
                moved = clients_moved(layer, self.before, self.expected)
                found = lower_bound(with_prices(layer.problem, moved, is_for_bound=True)).value
                total += found if np.isfinite(found) else 0.0
            of_dates.append(total)
        return max(of_dates, default=0.0)


def _is_allowed(problem: Problem, plan: Ints) -> bool:
    return not check(problem, plan)


def components(stages: Mapping[date, Iterable[Layer]]) -> list[list[str]]:
    """The layers that belong together over all dates, as lists of keys: of one law domain and with a region in common.

    In the order in which they are met.
    """
    groups: list[tuple[str, set[int], list[str]]] = []
    for layers in stages.values():
        for layer in layers:
            domain, regions, keys = layer.law_domain, set(layer.regions), [layer.key]
            for group in [one for one in groups if one[0] == domain and one[1] & regions]:
                groups.remove(group)
                regions |= group[1]
                keys = [*group[2], *(key for key in keys if key not in group[2])]
            groups.append((domain, regions, keys))
    return [keys for _, _, keys in groups]
