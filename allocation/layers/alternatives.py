"""One layer divided in several ways, each the best that can be found of its kind, with what no division can beat.

Kinds: fewest clients that change team, best balance, shortest travel, fewest splits, surest to stay within the
tolerance; the middle of those; the settings' own weights, and the same with moves at a higher price. A kind is a
problem of the engine like any other, so that its bound is one too.

Belongs here: the kinds, dividing by one, proving how good that is. Does not belong here: what the plans of all layers
mean together (``outcome.alternatives``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.districting import Kind as Rule
from allocation.districting import Params, Problem, Stop, Weights, check, evaluate, solve
from allocation.districting.bound import lower_bound
from allocation.layers.layer import Layer
from allocation.layers.moving import scaled, usual_prices, with_prices
from allocation.layers.spread import Spread, chances, team_noise

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ASIDE = 0.02
"""What the settings' prices count for beside the one thing that a kind is best in: enough to choose between equals."""
CALMER = 4.0
"""How many times the settings' price of moving the calm alternative charges."""
BALANCE_STEPS = 5
"""The tolerance of the best balance is sought among halves of the settings' tolerance, so many of them."""
SURE_PARTS = (2, 6)
"""The parts of the tolerance within which the surest division is sought, beside the divisions of the other kinds."""
BISECTIONS = 8
PROOF_SECONDS = 2.0
"""For the proof by branch and cut where the relaxation leaves a gap; one layer and kind."""


class Alternative(StrEnum):
    """What a division is best in. The value is the name that a planner gives on the command line."""

    SETTINGS = "instellingen"
    MOVED = "verhuizen"
    BALANCE = "evenwicht"
    TRAVEL = "reistijd"
    SPLITS = "splitsingen"
    MIDDLE = "midden"
    CALM = "rust"
    SURE = "zekerheid"


CORNERS = (Alternative.MOVED, Alternative.BALANCE, Alternative.TRAVEL, Alternative.SPLITS, Alternative.SURE)
SEARCHES = {Alternative.BALANCE: BALANCE_STEPS + 1, Alternative.SURE: len(SURE_PARTS)}
"""How many searches a kind takes, where it is more than one: who shares them out begins with these."""


@dataclass(frozen=True)
class Figures:
    """Of one plan of a layer. ``moved``: clients a year that change team; ``deviation``: the largest, as a share of
    the target; ``travel``: demand x km; ``splits``: further teams in gemeenten, care regions and other groupings;
    ``risk``: the chance that the team with the least chance leaves the tolerance within the year."""

    moved: float
    deviation: float
    travel: float
    splits: int
    risk: float


def figures(layer: Layer, moved: Floats, spread: Spread, plan: Ints) -> Figures:
    """``moved`` (n, k): as ``moving.clients_moved`` gives it. ``spread``: of the units (``spread.Spreads``)."""
    problem = layer.problem
    terms = evaluate(problem, plan)
    return Figures(
        moved=float(moved[np.arange(problem.n), plan].sum()),
        deviation=largest_deviation(problem, plan),
        travel=terms.travel_km * problem.total_demand,
        splits=terms.municipality_splits + terms.care_region_splits + sum(terms.grouping_splits.values()),
        risk=1.0 - float(chances(layer, team_noise(layer, spread, plan), plan, problem.tolerance).min()),
    )


def largest_deviation(problem: Problem, plan: Ints) -> float:
    """The largest difference of a team's load from its target, as a share of that."""
    load = np.bincount(plan, problem.demand, problem.k) + problem.base
    return float((np.abs(load - problem.target) / np.where(problem.target > 0, problem.target, 1.0)).max())


def divide(
    layer: Layer, kind: Alternative, moved: Floats, spread: Spread, corners: Mapping[str, Figures], config: Config
) -> Ints:
    """The plan (n,) of a layer that is the best found of its kind.

    Parameters
    ----------
    moved : (n, k) clients that change team (``moving.clients_moved``).
    spread : of the units; ``SURE`` weighs by it.
    corners : the figures of the corners found before; ``MIDDLE`` lies between them.
    """
    problem = layer.problem
    if problem.k == 1:
        return np.zeros(problem.n, dtype=np.int64)
    if kind is Alternative.BALANCE:
        return _balanced(problem, config)
    if kind is Alternative.SURE:
        return _surest(layer, spread, config)
    if kind is Alternative.SETTINGS:
        return _search(problem, config)
    if kind is Alternative.CALM:
        return _search(problem.replace(weights=replace(problem.weights, moved=CALMER * problem.weights.moved)), config)
    return _search(_priced(problem, kind, moved, corners), config)


def best_of(layer: Layer, kind: Alternative, moved: Floats, spread: Spread, plans: Mapping[Alternative, Ints]) -> Ints:
    """The plan of a corner: of all plans of the layer that are allowed, the one that is best in what ``kind`` is about.

    A search for one thing sometimes comes upon a plan that is better in another. Of equals the corner's own stays.
    """
    own = plans[kind]
    allowed = [plan for plan in plans.values() if not check(layer.problem, plan)]

    def figure(plan: Ints) -> float:
        return float(getattr(figures(layer, moved, spread, plan), FIGURE[kind]))

    best = min(allowed, key=figure, default=own)
    return best if check(layer.problem, own) or figure(best) < figure(own) - 1e-9 else own


def _search(problem: Problem, config: Config) -> Ints:
    stop = Stop(seconds=config.solver.seconds, iterations=config.solver.iterations)
    return solve(problem, stop, config.solver.seed, Params()).plan


def _priced(problem: Problem, kind: Alternative, moved: Floats, corners: Mapping[str, Figures]) -> Problem:
    """The problem whose best plan is the best of ``kind``."""
    everybody = max(float(moved.max(axis=1).sum()), 1e-9)
    part, way = moved / everybody, _way(problem)
    if kind is Alternative.MIDDLE:
        return _between(problem, moved, way, corners)
    usual, aside = ASIDE * usual_prices(problem, part), scaled(problem.weights, ASIDE)
    if kind is Alternative.MOVED:
        return with_prices(problem, 100.0 * part + usual, aside)
    if kind is Alternative.TRAVEL:
        return with_prices(problem, way + usual, aside)
    return with_prices(
        problem, usual, replace(_splits_at(problem, 1.0), cut_edges=aside.cut_edges, border=aside.border)
    )


def _splits_at(problem: Problem, price: float) -> Weights:
    """Weights that charge this price for every kind of split, and nothing else."""
    groupings = dict.fromkeys(problem.groupings, price)
    return Weights(travel=0.0, municipality_splits=price, care_region_splits=price, groupings=groupings)


def _way(problem: Problem) -> Floats:
    """(n, k) share of the mean distance to the office that each unit adds, km."""
    share = problem.demand / problem.total_demand if problem.total_demand > 0 else np.zeros(problem.n)
    return np.asarray(share[:, None] * problem.distance_km)


def _between(problem: Problem, moved: Floats, way: Floats, corners: Mapping[str, Figures]) -> Problem:
    """Moves, travel and splits each by the range that the corners span, so that none of them decides alone; the loads
    within the geometric mean of the best balance and the tolerance."""

    def span(name: str) -> float:
        values = [float(getattr(one, name)) for one in corners.values()]
        return max(max(values) - min(values), 1e-9)

    total = max(problem.total_demand, 1e-9)
    prices = moved / span("moved") + way * total / span("travel")
    each = 1.0 / span("splits") if span("splits") >= 1 else 0.0
    best = min(one.deviation for one in corners.values())
    narrow = float(np.sqrt(max(best, problem.tolerance / 2**BALANCE_STEPS) * problem.tolerance))
    tight = problem.replace(tolerance=min(narrow, problem.tolerance))
    return with_prices(tight, prices, _splits_at(tight, each))


def _balanced(problem: Problem, config: Config) -> Ints:
    """The plan with the smallest largest deviation among those found within ever narrower limits.

    A plan that misses its narrow limits counts as well, as long as nothing but the limits is broken.
    """
    best: tuple[float, Ints] | None = None
    for halves in range(BALANCE_STEPS, -1, -1):
        limit = problem.tolerance / 2**halves
        if best is not None and best[0] <= limit:
            break
        plan = _search(problem.replace(tolerance=limit), config)
        broken = {one.kind for one in check(problem.replace(tolerance=limit), plan)}
        deviation = largest_deviation(problem, plan)
        if broken <= {Rule.LOAD} and (best is None or deviation < best[0]):
            best = (deviation, plan)
    return _search(problem, config) if best is None else best[1]


def _surest(layer: Layer, spread: Spread, config: Config) -> Ints:
    """The plan whose least sure team is surest to stay within the tolerance, of those found within narrower limits.

    Ever closer to even gains less and less: what is left is chance. So few limits are tried. What is as wide as the
    tolerance or as narrow as can be, the settings and the best balance find: ``best_of`` looks at them too.
    """
    problem = layer.problem
    found = [_search(problem.replace(tolerance=problem.tolerance / part), config) for part in SURE_PARTS]
    allowed = [plan for plan in found if not check(problem, plan)]
    if not allowed:
        return _search(problem, config)
    return max(
        allowed, key=lambda plan: float(chances(layer, team_noise(layer, spread, plan), plan, problem.tolerance).min())
    )


# --- proofs ----------------------------------------------------------------------------------------------------------


def proven(layer: Layer, kind: Alternative, moved: Floats, spread: Spread, plan: Ints) -> float:
    """What no allowed division of the layer can be below, in the figure that ``kind`` is best in.

    Units as in ``Figures``; 0 where nothing better is known. ``plan``: the one found, which shortens the proof. The
    chance is no sum over units, so the engine proves nothing of it.
    """
    problem = layer.problem
    found = figures(layer, moved, spread, plan)
    if kind is Alternative.SURE:
        return 0.0
    if problem.k == 1:
        return float(getattr(found, FIGURE[kind]))
    if kind is Alternative.BALANCE:
        return _least_deviation(problem, found.deviation)
    if kind is Alternative.MOVED:
        return _bound(with_prices(problem, moved, is_for_bound=True), plan, found.moved)
    if kind is Alternative.TRAVEL:
        total = max(problem.total_demand, 1e-9)
        return _bound(with_prices(problem, _way(problem), is_for_bound=True), plan, found.travel / total) * total
    return float(np.ceil(_bound(problem.replace(weights=_splits_at(problem, 1.0)), plan, float(found.splits)) - 1e-6))


FIGURE = {
    Alternative.MOVED: "moved",
    Alternative.BALANCE: "deviation",
    Alternative.TRAVEL: "travel",
    Alternative.SPLITS: "splits",
    Alternative.SURE: "risk",
}
"""The figure that a corner is best in."""


def _bound(problem: Problem, plan: Ints, found: float) -> float:
    """The relaxation, and branch and cut where that leaves more than a thousandth."""
    quick = max(lower_bound(problem, seconds=PROOF_SECONDS).value, 0.0)
    if not np.isfinite(quick):
        return 0.0
    if found - quick <= 1e-3 * max(found, 1e-9) or problem.has_edge_prices:
        return min(quick, found)
    strong = lower_bound(problem, plan, PROOF_SECONDS, "full").value
    return min(max(quick, strong if np.isfinite(strong) else 0.0), found)


def _least_deviation(problem: Problem, found: float) -> float:
    """The largest tolerance at which the loads provably cannot be kept, by bisection up to the deviation ``found``."""
    low, high = 0.0, found
    if not np.isinf(lower_bound(_loads_only(problem, 0.0)).value):
        return 0.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if np.isinf(lower_bound(_loads_only(problem, middle)).value):
            low = middle
        else:
            high = middle
    return low


def _loads_only(problem: Problem, tolerance: float) -> Problem:
    return problem.replace(tolerance=tolerance, weights=problem.weights.only())
