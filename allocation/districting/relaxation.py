"""The linear relaxation of a districting problem, and bounds from it that do not lean on a solver's tolerances.

Variables: x[i, t] in [0, 1], unit i in team t; y[g, t], group g of a grouping has a unit in team t;
z[e, t], edge e leaves team t. Contiguity is not in here; :mod:`.branch_and_cut` adds it as inequalities.

Every bound is recomputed from the solver's row prices: for any prices (of the right sign),

    sum of price x row limit  +  sum over columns of min(reduced cost x column bound)

is at most the optimum (weak duality; Neumaier and Shcherbina, "Safe bounds in linear and mixed-integer linear
programming", Mathematical Programming 99, 2004). What the solver's tolerances leave undone makes the bound a little
weaker, never wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from allocation.districting.problem import LIMIT_SLACK, Floats, Ints, Problem

Domain = NDArray[np.uint8]
ROUNDING = 1e-9  # relative: what summing in floats may cost a bound


@dataclass(frozen=True)
class Limits:
    """Load limits of every measure: amount (q, n), least and most (q, k), base loads off, rounding room given."""

    amount: Floats
    least: Floats
    most: Floats

    @staticmethod
    def of(problem: Problem) -> Limits:
        amount = [problem.demand]
        least = [problem.lower_limit * (1 - LIMIT_SLACK) - problem.base]
        most = [problem.upper_limit * (1 + LIMIT_SLACK) - problem.base]
        for m in problem.further:
            amount.append(m.amount)
            least.append(m.target * (1 - m.tolerance) * (1 - LIMIT_SLACK))
            most.append(m.target * (1 + m.tolerance) * (1 + LIMIT_SLACK))
        return Limits(np.array(amount), np.array(least), np.array(most))


@dataclass(frozen=True)
class Cut:
    """sum of coefficient x x[unit, team] <= rhs."""

    units: Ints
    teams: Ints
    coefficients: Floats
    rhs: float


@dataclass(frozen=True)
class LpPoint:
    """What one solve gave: a valid bound, x (n, k), reduced costs of x, and whether the relaxation is empty."""

    bound: float
    x: Floats
    reduced: Floats
    is_empty: bool


class _Rows:
    """Rows being collected: low <= sum of value x column <= high."""

    def __init__(self) -> None:
        self.low: list[float] = []
        self.high: list[float] = []
        self.start: list[int] = [0]
        self.index: list[Ints] = []
        self.value: list[Floats] = []

    def add(self, columns: Ints, values: Floats, low: float, high: float) -> None:
        self.low.append(low)
        self.high.append(high)
        self.start.append(self.start[-1] + len(columns))
        self.index.append(columns)
        self.value.append(values)

    def arrays(self) -> tuple[Floats, Floats, Ints, Ints, Floats]:
        index = np.concatenate(self.index) if self.index else np.zeros(0, dtype=np.int64)
        value = np.concatenate(self.value) if self.value else np.zeros(0)
        return np.array(self.low), np.array(self.high), np.array(self.start), index, value


def unit_costs(problem: Problem, units: Ints | slice = slice(None)) -> Floats:
    """(units, k) what travel, moved and lines apart charge for each of ``units`` (all of them) in each team."""
    demand = problem.demand[units]
    cost = np.zeros((len(demand), problem.k))
    if problem.total_demand == 0:
        return cost
    if problem.has_travel_price:
        cost += problem.distances_m(units) * (problem.weights.travel / 1000.0)
    if problem.apart is not None and problem.weights.lines_apart:
        cost += problem.weights.lines_apart * problem.apart[units]
    if problem.kept is not None and problem.weights.moved:
        cost += problem.weights.moved * (1.0 - problem.kept[units])
    elif problem.current is not None and problem.weights.moved:
        cost += problem.weights.moved * (problem.current[units][:, None] != np.arange(problem.k))
    return np.asarray(cost * (demand[:, None] / problem.total_demand))


class Relaxation:
    """The linear program over the pairs still in ``domain``; warm-started from solve to solve.

    with_edges False leaves cut edges and border out of the objective: still a bound, and a far smaller program.
    """

    def __init__(self, problem: Problem, limits: Limits, domain: Domain, with_edges: bool = True) -> None:
        self.problem, self.limits = problem, limits
        self.column = np.full((problem.n, problem.k), -1, dtype=np.int64)
        alive = domain.astype(bool)
        self.n_x = int(alive.sum())
        self.column[alive] = np.arange(self.n_x)
        self.units, self.teams = np.nonzero(alive)
        self.offset = 0.0
        self._cost = [unit_costs(problem)[alive]]
        self._upper = [np.ones(self.n_x)]
        self._n_columns = self.n_x
        rows = _Rows()
        self._assignment_rows(rows)
        self._load_rows(rows)
        for codes, price in problem.priced_groupings:
            self._group_rows(rows, codes, price)
        if with_edges:
            self._edge_rows(rows)
        self._load_model(rows)

    def _new_columns(self, cost: Floats) -> Ints:
        first = self._n_columns
        self._n_columns += len(cost)
        self._cost.append(cost)
        self._upper.append(np.ones(len(cost)))
        return np.arange(first, self._n_columns)

    def _assignment_rows(self, rows: _Rows) -> None:
        for i in range(self.problem.n):
            columns = self.column[i][self.column[i] >= 0]
            rows.add(columns, np.ones(len(columns)), 1.0, 1.0)

    def _load_rows(self, rows: _Rows) -> None:
        """Loads divided by the team's target, so that coefficients stay near 1; and no team is empty."""
        for t in range(self.problem.k):
            units = np.flatnonzero(self.column[:, t] >= 0)
            columns = self.column[units, t]
            for q in range(len(self.limits.amount)):
                least, most = self.limits.least[q, t], self.limits.most[q, t]
                scale = max(abs(least), abs(most), 1e-300)
                rows.add(columns, self.limits.amount[q, units] / scale, least / scale, most / scale)
            if (self.limits.least[:, t] <= 0).all():
                rows.add(columns, np.ones(len(columns)), 1.0, np.inf)

    def _group_rows(self, rows: _Rows, group: Ints, weight: float) -> None:
        """y[g, t] >= x[i, t]; also the group's load in t <= y[g, t] x the team's upper limit (large groups)."""
        for g in np.unique(group[group >= 0]):
            units = np.flatnonzero(group == g)
            if len(units) == 1:
                continue
            self.offset -= weight
            for t in range(self.problem.k):
                members = units[self.column[units, t] >= 0]
                if not len(members):
                    continue
                y = self._new_columns(np.array([weight]))
                for i in members:
                    rows.add(np.array([self.column[i, t], y[0]]), np.array([1.0, -1.0]), -np.inf, 0.0)
                load, most = self.limits.amount[0, members], self.limits.most[0, t]
                if load.sum() > most > 0:
                    rows.add(np.append(self.column[members, t], y), np.append(load / most, -1.0), -np.inf, 0.0)

    def _edge_rows(self, rows: _Rows) -> None:
        """z[e, t] >= x[a, t] - x[b, t]: an edge is cut once, at the team that its first end is in."""
        for (a, b), cost in zip(self.problem.edges, self.problem.edge_prices, strict=True):
            if cost == 0:
                continue
            for t in range(self.problem.k):
                ca, cb = self.column[a, t], self.column[b, t]
                if ca < 0:
                    continue
                z = self._new_columns(np.array([cost]))
                if cb < 0:
                    rows.add(np.array([ca, z[0]]), np.array([1.0, -1.0]), -np.inf, 0.0)
                else:
                    rows.add(np.array([ca, cb, z[0]]), np.array([1.0, -1.0, -1.0]), -np.inf, 0.0)

    def _load_model(self, rows: _Rows) -> None:
        self.cost, self.upper = np.concatenate(self._cost), np.concatenate(self._upper)
        self.lower = np.zeros(len(self.cost))
        self.scale = 1000.0 / max(np.abs(self.cost).sum() / self.problem.k, 1e-9)  # so tolerances are relative
        self.row_low, self.row_high, start, index, value = rows.arrays()
        self._start, self._index, self._value = start, index, value
        self._matrix: csr_array | None = None
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self.row_low)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = self.cost * self.scale, self.lower, self.upper
        lp.row_lower_, lp.row_upper_ = self.row_low, self.row_high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = start, index, value
        self.highs = highspy.Highs()  # type: ignore[no-untyped-call]
        self.highs.silent()
        self.highs.setOptionValue("threads", 1)
        self.highs.setOptionValue("parallel", "off")
        self.highs.passModel(lp)
        self.base_rows = len(self.row_low)
        self.solves = 0

    def add(self, cuts: list[Cut]) -> None:
        """Append inequalities; pairs outside the domain are 0 and drop out."""
        rows = _Rows()
        for cut in cuts:
            columns = self.column[cut.units, cut.teams]
            alive = columns >= 0
            rows.add(columns[alive], cut.coefficients[alive], -np.inf, cut.rhs)
        low, high, start, index, value = rows.arrays()
        self.highs.addRows(len(low), low, high, len(index), start[:-1].astype(np.int32), index.astype(np.int32), value)
        self.row_low, self.row_high = np.append(self.row_low, low), np.append(self.row_high, high)
        self._start = np.append(self._start, self._start[-1] + start[1:])
        self._index, self._value = np.append(self._index, index), np.append(self._value, value)
        self._matrix = None

    def drop(self, rows: Ints) -> None:
        """Forget rows (absolute row numbers, all of them cuts)."""
        if not len(rows):
            return
        keep = np.ones(len(self.row_low), dtype=bool)
        keep[rows] = False
        matrix = self.matrix[np.flatnonzero(keep)]
        self.highs.deleteRows(len(rows), np.sort(rows).astype(np.int32))
        self.row_low, self.row_high = self.row_low[keep], self.row_high[keep]
        self._start, self._index, self._value = matrix.indptr, matrix.indices, matrix.data
        self._matrix = None

    @property
    def matrix(self) -> csr_array:
        """The rows as a sparse matrix (rows, columns)."""
        if self._matrix is None:
            shape = (len(self.row_low), len(self.cost))
            self._matrix = csr_array((self._value, self._index, self._start), shape=shape)
        return self._matrix

    def set_domain(self, domain: Domain) -> None:
        """Bounds of x from ``domain``: 0 where barred, 1 where it is the unit's last team."""
        mask = domain[self.units, self.teams]
        sure = mask * (domain.sum(axis=1)[self.units] == 1)
        if np.array_equal(mask, self.upper[: self.n_x]) and np.array_equal(sure, self.lower[: self.n_x]):
            return
        changed = np.flatnonzero((mask != self.upper[: self.n_x]) | (sure != self.lower[: self.n_x]))
        self.upper[changed], self.lower[changed] = mask[changed], sure[changed]
        self.highs.changeColsBounds(len(changed), changed.astype(np.int32), self.lower[changed], self.upper[changed])

    def solve(self, seconds: float = np.inf, iterations: int | None = None) -> LpPoint:
        """Solve from the last basis; the bound is valid whatever the solver's state when it stopped."""
        if np.isfinite(seconds):
            self.highs.setOptionValue("time_limit", self.highs.getRunTime() + max(seconds, 0.01))
        self.highs.setOptionValue("simplex_iteration_limit", 2**31 - 1 if iterations is None else iterations)
        if self.solves == 1:
            self.highs.setOptionValue("presolve", "off")  # the first solve had no basis to start from; the others do
        self.highs.run()
        self.solves += 1
        status = self.highs.getModelStatus()
        shape = (self.problem.n, self.problem.k)
        if status == highspy.HighsModelStatus.kInfeasible:
            is_empty = self._is_surely_empty()
            return LpPoint(np.inf if is_empty else -np.inf, np.zeros(shape), np.zeros(shape), is_empty)
        solution = self.highs.getSolution()
        if not solution.dual_valid:
            return LpPoint(-np.inf, np.zeros(shape), np.zeros(shape), False)
        self.row_value = np.asarray(solution.row_value)
        bound, reduced_cost = self.safe_bound(np.asarray(solution.row_dual) / self.scale)
        x, reduced = np.zeros(shape), np.zeros(shape)
        x[self.units, self.teams] = np.asarray(solution.col_value)[: self.n_x]
        reduced[self.units, self.teams] = reduced_cost[: self.n_x]
        return LpPoint(bound, x, reduced, False)

    def _is_surely_empty(self) -> bool:
        """Check the solver's claim: its dual ray must bound a zero objective above 0 (Farkas), recomputed here."""
        has_ray, ray = self.highs.getDualRay()[1:3]  # type: ignore[attr-defined]
        if not has_ray:  # presolve found it
            self.highs.setOptionValue("presolve", "off")
            self.highs.run()
            has_ray, ray = self.highs.getDualRay()[1:3]  # type: ignore[attr-defined]
        if not has_ray:
            return False
        prices = np.asarray(ray) / max(np.abs(ray).max(), 1e-300)
        cost, offset, self.cost, self.offset = self.cost, self.offset, np.zeros_like(self.cost), 0.0
        try:
            return bool(max(self.safe_bound(prices)[0], self.safe_bound(-prices)[0]) > 0)
        finally:
            self.cost, self.offset = cost, offset

    def safe_bound(self, prices: Floats) -> tuple[float, Floats]:
        """Weak duality with row ``prices``: (bound, reduced costs); prices of the wrong sign count as 0."""
        up, down = np.maximum(prices, 0.0), np.minimum(prices, 0.0)
        up[np.isinf(self.row_low)] = 0.0
        down[np.isinf(self.row_high)] = 0.0
        low, high = np.where(up > 0, self.row_low, 0.0), np.where(down < 0, self.row_high, 0.0)
        reduced = self.cost - self.matrix.T @ (up + down)
        ends = np.minimum(reduced * self.lower, reduced * self.upper)
        terms = np.concatenate([up * low, down * high, ends])
        return float(terms.sum() - ROUNDING * np.abs(terms).sum() + self.offset), reduced
