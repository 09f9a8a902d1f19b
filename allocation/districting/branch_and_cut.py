"""Exact search: the linear relaxation, contiguity inequalities, fixing by reduced cost and propagation, and a tree.

The tree is best-first with dives. A node is a ``domain`` (which teams each unit may still go to); every node's bound is
recomputed from dual prices (:mod:`.relaxation`), so the least bound over the open nodes is a certified lower bound
whenever the search is stopped. Plans are found on the way when a node's relaxation turns out whole and contiguous.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allocation.districting.cuts import LIGHT, ROOTED, adjacency, propagate, separate
from allocation.districting.cuts import limits as compiled_limits
from allocation.districting.objective import evaluate
from allocation.districting.problem import Bools, Floats, Ints, Problem
from allocation.districting.relaxation import Cut, Domain, Limits, LpPoint, Relaxation
from allocation.objective_terms import TERMS

PROOF_GAP = 1e-6  # relative: plans that are better by less are not looked for
WHOLE = 1e-6  # an x this near 0 or 1 counts as whole
ROOT_ROUNDS = 200
NODE_ROUNDS = 8
WORTHWHILE = 0.02  # another round of cuts at a node only when the last one closed this part of the gap to the cutoff
NODE_CUTS = 8  # per team and round
TRIALS = 8  # branching candidates whose two children are solved before one is chosen
TRIAL_ITERATIONS = 60
RELIABLE = 4  # after so many observations a candidate's past gains are believed


@dataclass(eq=False)
class Node:
    """A part of the plans that is still to be searched: packed domain, and a bound valid for all of it."""

    bound: float
    domain: NDArray[np.uint8]
    depth: int

    def __lt__(self, other: Node) -> bool:
        return (self.bound, -self.depth) < (other.bound, -other.depth)


class BranchAndCut:
    """One exact search. ``run`` may be called once; then bound, plan, is_proven, nodes and cuts hold the outcome.

    incumbent  (n,) a plan to beat; left aside when it breaks a hard rule
    deadline   on the clock of ``time.perf_counter``
    upper      only plans that cost less are of interest
    """

    def __init__(self, problem: Problem, incumbent: Ints | None, deadline: float, upper: float = math.inf) -> None:
        self.problem, self.deadline = problem, deadline
        self.step = _integer_step(problem)
        self.indptr, self.indices = adjacency(problem.n, problem.edges)
        self.limits = Limits.of(problem)
        self.amount, self.least, self.most = compiled_limits(self.limits.amount, self.limits.least, self.limits.most)
        self.order, self.ranks = _interchangeable(problem)
        self.groups = problem.teams_by_office
        self.domain: Domain = problem.allowed_mask.astype(np.uint8)
        self.bound, self.is_proven, self.nodes, self.cuts = -math.inf, False, 0, 0
        self.reason = "branch and cut"
        self.gains: dict[tuple[int, int, int], tuple[float, int]] = {}
        self.plan: Ints | None = None
        self.value = upper
        if incumbent is not None:
            self._offer(np.asarray(incumbent, dtype=np.int64))
        self.has_better = False

    # -- values -------------------------------------------------------------------------------------------------

    @property
    def cutoff(self) -> float:
        """Nodes with at least this bound hold nothing better than the plan in hand."""
        if not math.isfinite(self.value):
            return math.inf
        if self.step:
            return self.value - self.step + 1e-6 * self.step
        return self.value - PROOF_GAP * max(abs(self.value), 1e-9)

    def _lift(self, bound: float) -> float:
        """Round a bound up to the next value that the objective can take."""
        return math.ceil(bound / self.step - 1e-6) * self.step if self.step and math.isfinite(bound) else bound

    def _time_left(self) -> float:
        return self.deadline - time.perf_counter()

    def _tighten(self, domain: Domain) -> bool:
        return bool(
            propagate(domain, self.indptr, self.indices, self.amount, self.least, self.most, self.order, self.ranks)
        )

    def _offer(self, plan: Ints) -> bool:
        """Take ``plan`` when it is allowed and better; True when it is allowed."""
        if not is_allowed(self, plan):
            return False
        value = evaluate(self.problem, plan).objective
        if value < self.value:
            self.plan, self.value, self.has_better = plan.copy(), value, True
        return True

    # -- the search ---------------------------------------------------------------------------------------------

    def run(self, max_nodes: int | None = None) -> None:
        """Search until proven, out of time or out of nodes."""
        if not self._tighten(self.domain):
            self._finish_empty("no contiguous division keeps every load within its limits")
            return
        self.relaxation = Relaxation(self.problem, self.limits, self.domain)
        if not self._root():
            return
        self._tree(max_nodes)

    def _finish_empty(self, why: str) -> None:
        """Nothing better than the incumbent is left: it is optimal, or there is no plan at all."""
        self.is_proven = True
        self.bound = self.value if self.step else self.cutoff
        if self.plan is None and not math.isfinite(self.value):
            self.reason = why

    def _root(self) -> bool:
        """Cut rounds at the root; True when a tree is still needed."""
        stalled, last = 0, -math.inf
        for round_ in range(ROOT_ROUNDS):
            point = self.relaxation.solve(self._time_left())
            if point.is_empty and not self.cuts:
                self._finish_empty("the loads cannot be balanced within their limits, even with units shared")
                return False
            self.bound = max(self.bound, self._lift(point.bound))
            if self.bound >= self.cutoff or point.is_empty:
                self._finish_empty("no contiguous division keeps every load within its limits")
                return False
            if self._time_left() <= 0 or not np.isfinite(point.bound):
                return self._time_left() > 0
            before = self.domain.copy()
            if not self._fix(self.domain, point) or not self._tighten(self.domain):
                self._finish_empty("no contiguous division keeps every load within its limits")
                return False
            self.relaxation.set_domain(self.domain)
            moved = bool((point.x[before != self.domain] > WHOLE).any())
            found = self.separate(point.x)
            self._settle(point, round_)
            if found:
                self.relaxation.add(found)
                self.cuts += len(found)
            stalled = 0 if point.bound > last + 1e-5 * max(abs(last), 1e-9) else stalled + 1
            last = max(last, point.bound)
            if (not found and not moved) or stalled >= 8:
                break
        return True

    def _settle(self, point: LpPoint, round_: int) -> None:
        """Every few rounds forget inequalities with room to spare: they come back when they are needed."""
        if round_ % 10 != 9 or not self.cuts:
            return
        rows = np.arange(self.relaxation.base_rows, len(self.relaxation.row_high))
        spare = self.relaxation.row_high[rows] - self.relaxation.row_value[rows]
        self.relaxation.drop(rows[spare > 1e-3])

    def _fix(self, domain: Domain, point: LpPoint) -> bool:
        """Drop pairs whose use would lift the bound to the cutoff; False when a unit has no team left.

        For a unit i with a choice the bound counts sum over t of min(0, reduced); with i in t it is reduced[i, t].
        """
        if not math.isfinite(self.cutoff):
            return True
        reduced = np.where(domain == 1, point.reduced, 0.0)
        rise = reduced - np.minimum(reduced, 0.0).sum(axis=1, keepdims=True)
        has_choice = domain.sum(axis=1, keepdims=True) > 1
        domain[(domain == 1) & has_choice & (point.bound + rise >= self.cutoff)] = 0
        return bool(domain.any(axis=1).all())

    def separate(self, x: Floats, max_cuts: int = 25, floor: float = 0.02) -> list[Cut]:
        """Contiguity inequalities that x (n, k) breaks, valid for all plans within the root's domain.

        Looked for only where x is above ``floor``; at most ``max_cuts`` for each team.
        """
        sure = (self.domain.sum(axis=1) == 1)[:, None] & (self.domain == 1)
        found: list[Cut] = []
        for group in self.groups:
            if len(group) > 1:
                found += self._separate_teams(group, x, sure, True, max_cuts, floor)
        for t in range(self.problem.k):
            found += self._separate_teams(np.array([t]), x, sure, False, max_cuts, floor)
        return found

    def _separate_teams(
        self, teams: Ints, x: Floats, sure: Bools, light_only: bool, max_cuts: int, floor: float
    ) -> list[Cut]:
        """Inequalities of one team, or the sums over teams in one office of those that hold for each of them."""
        open_ = np.ascontiguousarray(self.domain[:, teams].any(axis=1)).astype(np.uint8)
        member = sure[:, teams[0]].astype(np.uint8)
        share = np.minimum(x[:, teams].sum(axis=1), 1.0)
        kinds, us, rs, walls = separate(
            open_, member, share, np.argsort(-share, kind="stable"), self.indptr, self.indices, self.amount,
            self.least[:, teams].min(axis=1), self.most[:, teams].max(axis=1), light_only, max_cuts, floor,
        )  # fmt: skip
        return [_cut(teams, kinds[c], us[c], rs[c], walls[c]) for c in range(len(kinds))]

    # -- the tree -----------------------------------------------------------------------------------------------

    def _tree(self, max_nodes: int | None) -> None:
        open_nodes = [Node(self.bound, np.packbits(self.domain), 0)]
        current: Node | None = None
        while open_nodes or current is not None:
            if self._time_left() <= 0 or (max_nodes is not None and self.nodes >= max_nodes):
                break
            if current is None:
                current = heapq.heappop(open_nodes)
                if current.bound >= self.cutoff:
                    current = None
                    break  # the least bound is no better than the plan: nothing is left anywhere
            self.nodes += 1
            children = sorted(self._expand(current))
            current = None
            if children and (not open_nodes or self._worth_diving(children[0], open_nodes[0])):
                current = children.pop(0)
            for child in children:
                heapq.heappush(open_nodes, child)
        left = [node.bound for node in open_nodes] + ([current.bound] if current is not None else [])
        least = min(left, default=math.inf)
        if least >= self.cutoff:
            self._finish_empty("no contiguous division keeps every load within its limits")
        else:
            self.bound = max(self.bound, least)

    def _worth_diving(self, child: Node, best: Node) -> bool:
        if not math.isfinite(self.value):
            return True
        return child.bound <= best.bound + 0.2 * (self.cutoff - best.bound)

    def _unpack(self, packed: NDArray[np.uint8]) -> Domain:
        shape = self.domain.shape
        return np.unpackbits(packed, count=shape[0] * shape[1]).reshape(shape)

    def _expand(self, node: Node) -> list[Node]:
        """Solve a node, cut, fix; its children, or none when it holds nothing better."""
        domain = self._unpack(node.domain) & self.domain
        bound = node.bound
        if not domain.any(axis=1).all() or not self._tighten(domain):
            return []
        last = bound
        for round_ in range(NODE_ROUNDS + 50):
            self.relaxation.set_domain(domain)
            point = self.relaxation.solve(self._time_left())
            if point.is_empty:
                return []
            bound = max(bound, self._lift(point.bound))
            if bound >= self.cutoff:
                return []
            if self._time_left() <= 0:
                return [Node(bound, np.packbits(domain), node.depth)]
            if not np.isfinite(point.bound):
                return self._halve(domain, bound, node.depth)
            before = domain.copy()
            if not self._fix(domain, point) or not self._tighten(domain):
                return []
            if (point.x[before != domain] > WHOLE).any():
                continue
            is_whole = bool((np.abs(point.x - np.round(point.x)) < WHOLE).all())
            if is_whole and self._offer(np.argmax(point.x, axis=1).astype(np.int64)):
                return []
            gains = round_ == 0 or bound - last > WORTHWHILE * (self.cutoff - bound)
            last = bound
            if (round_ < NODE_ROUNDS and gains) or is_whole:
                found = self.separate(point.x, NODE_CUTS, 0.02 if is_whole or self.nodes % 10 == 0 else 0.3)
                if found:
                    self.relaxation.add(found)
                    self.cuts += len(found)
                    continue
            break
        self._trim(point)
        return self._branch(domain, point, bound, node.depth)

    def _halve(self, domain: Domain, bound: float, depth: int) -> list[Node]:
        """Branch without a relaxation to go by (the solver gave none that could be confirmed): on the heaviest unit."""
        free = np.flatnonzero(domain.sum(axis=1) > 1)
        if not len(free):
            self._offer(np.argmax(domain, axis=1).astype(np.int64))
            return []
        unit = int(free[np.argmax(self.amount[0, free])])
        children = self._split(domain, (unit, ~int(np.argmax(domain[unit])), 0.5), bound)
        return [Node(b, np.packbits(d), depth + 1) for b, d in children]

    def _trim(self, point: LpPoint) -> None:
        """Keep the relaxation small: when cuts outnumber its other rows, forget those with room to spare."""
        extra = len(self.relaxation.row_high) - self.relaxation.base_rows
        if extra > max(300, self.relaxation.base_rows):
            rows = np.arange(self.relaxation.base_rows, len(self.relaxation.row_high))
            spare = self.relaxation.row_high[rows] - self.relaxation.row_value[rows]
            self.relaxation.drop(rows[spare > 1e-3])

    def _branch(self, domain: Domain, point: LpPoint, bound: float, depth: int) -> list[Node]:
        """Two children: a unit in a team (or in one of the teams of an office), and not in it."""
        candidates = self._candidates(domain, point)
        best: tuple[float, list[tuple[float, Domain]]] | None = None
        scored = sorted(candidates, key=lambda c: -self._promise(c))
        trials = 0
        for candidate in scored:
            if self._is_reliable(candidate):
                score, children = self._promise(candidate), None
            elif trials < TRIALS and self._time_left() > 0:
                trials += 1
                children = self._try(domain, candidate, bound)
                alive = [c for c in children if c[0] < self.cutoff]
                if len(alive) <= 1:  # one side is ruled out: go on with the other
                    return [Node(b, np.packbits(d), depth + 1) for b, d in alive]
                score = _score(alive[0][0] - bound, alive[1][0] - bound)
            else:
                continue
            if best is None or score > best[0]:
                best = (score, children if children is not None else self._split(domain, candidate, bound))
        if best is None:
            best = (0.0, self._split(domain, scored[0], bound))
        return [Node(b, np.packbits(d), depth + 1) for b, d in best[1]]

    def _candidates(self, domain: Domain, point: LpPoint) -> list[tuple[int, int, float]]:
        """(unit, group of teams or ~team, share) to branch on; offices first, single teams when these are settled."""
        found = []
        for g, group in enumerate(self.groups):
            share = point.x[:, group].sum(axis=1)
            for i in np.flatnonzero((share > WHOLE) & (share < 1 - WHOLE)):
                found.append((int(i), g, float(share[i])))
        if found:
            return found
        for unit, team in np.argwhere((point.x > WHOLE) & (point.x < 1 - WHOLE)):
            found.append((int(unit), ~int(team), float(point.x[unit, team])))
        if found:
            return found
        free = np.flatnonzero(domain.sum(axis=1) > 1)  # whole, but over a limit by less than the solver can see
        heaviest = int(free[np.argmax(self.amount[0, free])])
        return [(heaviest, ~int(np.argmax(point.x[heaviest])), 1.0)]

    def _split(self, domain: Domain, candidate: tuple[int, int, float], bound: float) -> list[tuple[float, Domain]]:
        unit, code, _ = candidate
        teams = self.groups[code] if code >= 0 else np.array([~code])
        inside, outside = domain.copy(), domain.copy()
        inside[unit] = 0
        inside[unit, teams] = domain[unit, teams]
        outside[unit, teams] = 0
        return [(bound, d) for d in (inside, outside) if d[unit].any()]

    def _try(self, domain: Domain, candidate: tuple[int, int, float], bound: float) -> list[tuple[float, Domain]]:
        """Solve both children a little; their bounds, and what was learnt about the candidate."""
        children = []
        for side, (_, child) in enumerate(self._split(domain, candidate, bound)):
            value = math.inf
            if self._tighten(child):
                self.relaxation.set_domain(child)
                point = self.relaxation.solve(self._time_left(), TRIAL_ITERATIONS)
                value = max(bound, self._lift(point.bound))
            distance = max(1 - candidate[2] if side == 0 else candidate[2], 0.05)
            gain = min(value, self.cutoff if math.isfinite(self.cutoff) else bound + 1.0) - bound
            key = (candidate[0], candidate[1], side)
            old, times = self.gains.get(key, (0.0, 0))
            self.gains[key] = ((old * times + gain / distance) / (times + 1), times + 1)
            children.append((value, child))
        return children

    def _is_reliable(self, candidate: tuple[int, int, float]) -> bool:
        return all(self.gains.get((*candidate[:2], side), (0.0, 0))[1] >= RELIABLE for side in (0, 1))

    def _promise(self, candidate: tuple[int, int, float]) -> float:
        """Expected gain of branching here, from earlier trials; without any, the load in doubt."""
        unit, code, share = candidate
        gain = [self.gains.get((unit, code, side), (None, 0))[0] for side in (0, 1)]
        if gain[0] is None or gain[1] is None:
            return float(min(share, 1 - share) * self.amount[0, unit] / max(self.amount[0].max(), 1e-300)) + 1e-3
        return _score(gain[0] * (1 - share), gain[1] * share)


def _score(a: float, b: float) -> float:
    """Both children should gain: the product, with a floor (Achterberg, Koch and Martin 2005)."""
    return max(a, 1e-9) * max(b, 1e-9)


def _cut(teams: Ints, kind: int, u: int, r: int, wall: NDArray[np.uint8]) -> Cut:
    """One inequality as coefficients; for several teams, its sum over them."""
    s = np.flatnonzero(wall)
    heads = [u] if kind in (LIGHT, ROOTED) else [u, r]
    units = np.concatenate([heads, s])
    signs = np.concatenate([np.ones(len(heads)), -np.ones(len(s))])
    rhs = 0.0 if kind in (LIGHT, ROOTED) else 1.0
    return Cut(np.tile(units, len(teams)), np.repeat(teams, len(units)), np.tile(signs, len(teams)), rhs * len(teams))


def is_allowed(search: BranchAndCut, plan: Ints) -> bool:
    """Whether a whole plan keeps every hard rule: a domain with one team each is either emptied or left as it is."""
    k = search.problem.k
    domain = (plan[:, None] == np.arange(k)[None, :]).astype(np.uint8)
    if (domain > search.problem.allowed_mask).any():
        return False
    no_ranks = np.zeros((0, k), dtype=np.int64)
    return bool(
        propagate(
            domain, search.indptr, search.indices, search.amount, search.least, search.most, search.order, no_ranks
        )
    )


def _integer_step(problem: Problem) -> float:
    """The step in which the objective moves, when all that it prices is counted in whole things at one price;
    0 otherwise."""
    prices = {price for _, price in problem.priced_groupings}
    for term in TERMS:
        price = getattr(problem.weights, term.name)
        is_charged = {
            "travel": problem.has_distances, "moved": problem.has_moved_price, "lines_apart": problem.has_apart_price,
        }.get(term.name, True)  # fmt: skip
        if price > 0 and is_charged and not term.is_count:
            return 0.0
    if problem.weights.cut_edges > 0:
        prices.add(problem.weights.cut_edges)
    return prices.pop() if len(prices) == 1 else 0.0


def _interchangeable(problem: Problem) -> tuple[Ints, Ints]:
    """Teams that differ in name only: (order of units, ranks (s, k)), see ``cuts._first_come``.

    The order begins with heavy units: which team has them is decided early, so numbering by them prunes early.
    """
    features = [problem.capacity, problem.base, *(m.capacity for m in problem.further)]
    if problem.has_distances:
        office = np.empty(problem.k)
        for number, teams in enumerate(problem.teams_by_office):
            office[teams] = number
        features.append(office)
    by_unit = [problem.allowed_mask, *(one for one in (problem.kept, problem.apart) if one is not None)]
    table = np.vstack([np.array(features), *by_unit]).T
    code = np.unique(table, axis=0, return_inverse=True)[1]
    if problem.current is not None and problem.has_moved_price:
        named = np.isin(np.arange(problem.k), problem.current)
        code = np.where(named, code.max() + 1 + np.arange(problem.k), code)
    ranks = []
    for c in np.unique(code):
        teams = np.flatnonzero(code == c)
        if len(teams) > 1:
            rank = np.full(problem.k, -1, dtype=np.int64)
            rank[teams] = np.arange(len(teams))
            ranks.append(rank)
    order = np.argsort(-problem.demand, kind="stable").astype(np.int64)
    return order, np.array(ranks, dtype=np.int64).reshape(-1, problem.k)
