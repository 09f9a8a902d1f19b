"""What is compared, each as its own process on one core: ``python -m tests.benchmarks.solver.peers NAME ...``.

Every entry reads an instance folder, gets the same number of seconds, and leaves a plan file and a note with its own
bound (when it has one) and time. Peers are used as their documentation advises, and helped where they lack a notion:
METIS, spopt and GerryChain know no offices, so areas without a team's name are matched to teams at least travel.
Libraries are imported where they are used, for they do not all bear each other: see :mod:`.bare`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import resource
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tests.benchmarks.solver.bare import Bare, Ints, read, write


@dataclass
class Outcome:
    """plan (n,) or None, the solver's own proven lower bound or None, and a word on how it ended."""

    plan: Ints | None
    bound: float | None = None
    note: str = ""


Solver = Callable[[Bare, float, int], Outcome]


def ours(folder: Path, seconds: float, seed: int) -> Outcome:
    """This project's engine, as ``caseload solve`` calls it."""
    from allocation.districting import Stop, read_instance, solve

    result = solve(read_instance(folder), Stop(seconds=seconds), seed)
    return Outcome(result.plan, result.lower_bound, result.stopped_because)


def certify(folder: Path, seconds: float, start: Path | None) -> Outcome:
    """Our certificate: branch and cut for ``seconds``, fed with the plan in ``start`` when there is one."""
    from allocation.districting import read_instance, read_plan
    from allocation.districting.bound import lower_bound

    problem = read_instance(folder)
    plan = read_plan(problem, start) if start is not None else None
    found = lower_bound(problem, plan, seconds, "full")
    best = found.plan if found.plan is not None else plan
    return Outcome(best, found.value, "proven optimal" if found.is_optimal else "time")


def gerrychain(instance: Bare, seconds: float, seed: int) -> Outcome:
    """ReCom chain in short bursts of 10 steps, the best plan kept (multi-member when teams differ)."""
    from gerrychain import Graph, MarkovChain, Partition
    from gerrychain.proposals import multi_member_recom, recom

    warnings.simplefilter("ignore")
    end, rng = time.perf_counter() + seconds, random.Random(seed)
    graph = Graph.from_networkx(_networkx(instance))
    members = {t: max(1, round(float(c) * 10)) for t, c in enumerate(instance.capacity)}
    per_member = instance.demand.sum() / sum(members.values())
    share = instance.capacity / instance.capacity.sum()
    drift = max(abs(members[t] * per_member / (share[t] * instance.demand.sum()) - 1) for t in members)
    epsilon = max(instance.tolerance - 1.001 * drift, instance.tolerance / 2)
    first = _tree_start(instance, graph, epsilon, rng, end)
    if first is None:
        return Outcome(None, note="no starting plan in time")

    def propose(partition: Any, *, rng: random.Random) -> Any:
        target = instance.demand.sum() / instance.k
        if len(set(members.values())) == 1:
            return recom(partition, "demand", target, epsilon, rng=rng)
        return multi_member_recom(partition, "demand", per_member, epsilon, members, rng=rng)

    state = Partition(graph, first, use_default_updaters=True)
    best_state, best, steps = state, instance.objective(_labels(instance, first)), 0
    while time.perf_counter() < end:
        try:
            for step in MarkovChain(propose, lambda _: True, lambda _, **__: True, best_state, 11, rng=rng):
                steps += 1
                value = instance.objective(_labels(instance, dict(step.assignment.items())))
                if value <= best:
                    best, best_state = value, step
                if time.perf_counter() > end:
                    break
        except Exception as error:
            if "Reselect" not in type(error).__name__ and "Population" not in type(error).__name__:
                raise
    return Outcome(_labels(instance, dict(best_state.assignment.items())), note=f"{steps} steps")


def _networkx(instance: Bare) -> Any:
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from((i, {"demand": float(d)}) for i, d in enumerate(instance.demand))
    graph.add_edges_from((int(a), int(b)) for a, b in instance.edges)
    return graph


def _labels(instance: Bare, assignment: dict[int, int]) -> Ints:
    plan = np.empty(instance.n, dtype=np.int64)
    for unit, team in assignment.items():
        plan[unit] = team
    return plan


def _tree_start(instance: Bare, graph: Any, epsilon: float, rng: random.Random, end: float) -> dict[int, int] | None:
    """A balanced plan from spanning trees: the teams are cut off one by one, again from the start when one fails."""
    from gerrychain.tree import bipartition_tree

    while time.perf_counter() < end:
        rest, plan = set(range(instance.n)), {}
        try:
            for t in range(instance.k - 1):
                part = bipartition_tree(
                    graph.subgraph(rest), "demand", float(instance.target[t]), epsilon,
                    max_attempts=500, single_district_cut=True, rng=rng,
                )  # fmt: skip
                plan |= dict.fromkeys(part, t)
                rest -= set(part)
        except Exception as error:
            if type(error).__name__ not in ("RuntimeError", "PopulationBalanceError", "BalanceError"):
                raise
            continue
        plan |= dict.fromkeys(rest, instance.k - 1)
        if instance.is_allowed(_labels(instance, plan)):
            return plan
    return None


def metis(instance: Bare, seconds: float, seed: int) -> Outcome:
    """METIS k-way and recursive with contiguous parts and target weights, over seeds; the best allowed plan."""
    import pymetis

    end = time.perf_counter() + seconds
    neighbours = pymetis.CSRAdjacency(*instance.csr())
    grain = max(float(instance.demand.max()) / 1e6, 1e-9)
    weights = np.maximum(np.round(instance.demand / grain), 1).astype(np.int64)
    share = (instance.target / instance.target.sum()).tolist()
    keeper, tries = _Keeper(instance), 0
    while time.perf_counter() < end:
        tries += 1
        slack = instance.tolerance * (1.0 if tries % 2 else 0.5)
        options = pymetis.Options(seed=seed * 100_003 + tries, ufactor=max(1, int(1000 * slack)), contig=1)
        _, part = pymetis.part_graph(
            instance.k, adjacency=neighbours, vweights=weights, tpwgts=share, recursive=False, options=options
        )
        keeper.offer(np.asarray(part, dtype=np.int64))
    return Outcome(keeper.plan, note=f"{tries} runs")


class _Keeper:
    """Keeps the best plan among parts without names; an allowed one before any other."""

    def __init__(self, instance: Bare) -> None:
        self.instance = instance
        self.plan: Ints | None = None
        self.value = (True, math.inf)

    def offer(self, part: Ints) -> None:
        """Give the parts their teams at least cost, within limits where that can be; keep the plan if it is best."""
        from scipy.optimize import linear_sum_assignment

        bare = self.instance
        if part.max() >= bare.k or len(np.unique(part)) != bare.k:
            return
        cost = np.zeros((bare.k, bare.k))
        np.add.at(cost, part, bare.unit_costs)
        load = np.bincount(part, weights=bare.demand, minlength=bare.k)
        outside = bare.outside(np.repeat(load[:, None], bare.k, axis=1))
        _, team = linear_sum_assignment(cost + outside * (1.0 + 10 * np.abs(cost).sum()))
        plan = team[part].astype(np.int64)
        value = (not bare.is_allowed(plan), bare.objective(plan))
        if value < self.value:
            self.value, self.plan = value, plan


def spopt(instance: Bare, seconds: float, seed: int) -> Outcome:
    """Max-p-regions with the teams' lower limit as the threshold: the one spopt method that balances a sum.

    It chooses the number of regions itself and has no upper limit; a run counts when both happen to fit.
    """
    import geopandas
    from libpysal.weights import W
    from spopt.region import MaxPHeuristic

    warnings.simplefilter("ignore")
    end, keeper, tries = time.perf_counter() + seconds, _Keeper(instance), 0
    frame = geopandas.GeoDataFrame(
        {"x": instance.xy_m[:, 0], "y": instance.xy_m[:, 1], "demand": instance.demand},
        geometry=geopandas.points_from_xy(instance.xy_m[:, 0], instance.xy_m[:, 1]),
    )
    starts, ends = instance.csr()
    weights = W({i: ends[starts[i] : starts[i + 1]].tolist() for i in range(instance.n)}, silence_warnings=True)
    while time.perf_counter() < end:
        tries += 1
        np.random.seed(seed * 1000 + tries)
        random.seed(seed * 1000 + tries)
        threshold = float(instance.target.min() * (1 - instance.tolerance))
        model = MaxPHeuristic(frame, weights, ["x", "y"], "demand", threshold, 2, 3, 1, False, "keep")
        model.solve()
        if model.p == instance.k:
            keeper.offer(np.asarray(model.labels_, dtype=np.int64) - 1)
    return Outcome(keeper.plan, note=f"{tries} runs")


@dataclass(frozen=True)
class Separator:
    """x[u] + x[v] - x(units) <= 1 for one team: u and v are together only with one of the units between them."""

    team: int
    u: int
    v: int
    units: Ints


def torn(instance: Bare, plan: Ints) -> Iterator[Separator]:
    """An inequality for every piece that is not its team's heaviest (what one writes by hand for an exact solver)."""
    for t in range(instance.k):
        inside = plan == t
        kept = instance.edges[inside[instance.edges].all(axis=1)]
        graph = coo_matrix((np.ones(len(kept)), kept.T), shape=(instance.n, instance.n))
        label = np.where(inside, connected_components(graph, directed=False)[1], -1)
        pieces = sorted(np.unique(label[inside]), key=lambda c: -instance.demand[label == c].sum())
        for piece in pieces[1:]:
            a, b = instance.edges.T
            touching = np.concatenate([b[label[a] == piece], a[label[b] == piece]])
            wall = np.setdiff1d(touching, np.flatnonzero(label == piece))
            for other in range(instance.k):  # the shape may come back under another team's name
                u = int(np.flatnonzero(label == piece)[np.argmax(instance.demand[label == piece])])
                v = int(np.flatnonzero(label == pieces[0])[np.argmax(instance.demand[label == pieces[0]])])
                yield Separator(other, u, v, wall)


def cpsat(instance: Bare, seconds: float, seed: int) -> Outcome:
    """OR-tools CP-SAT on the assignment model; contiguity by separators, added after each torn solution."""
    from ortools.sat.python import cp_model

    end, model = time.perf_counter() + seconds, cp_model.CpModel()
    x = [[model.new_bool_var(f"x{i},{t}") for t in range(instance.k)] for i in range(instance.n)]
    for row in x:
        model.add_exactly_one(row)
    unit = 1e6 / instance.demand.sum()
    load = np.round(instance.demand * unit).astype(int)
    for t in range(instance.k):
        total = sum(int(load[i]) * x[i][t] for i in range(instance.n))
        model.add(total >= math.ceil(instance.target[t] * (1 - instance.tolerance) * unit))
        model.add(total <= math.floor(instance.target[t] * (1 + instance.tolerance) * unit))
    scale = 1e6
    terms = [round(scale * c) * x[i][t] for (i, t), c in np.ndenumerate(instance.unit_costs)]
    terms += [round(scale * price) * _any(model, [x[i][t] for i in units]) for price, units, t in instance.group_terms]
    for (a, b), price in zip(instance.edges, instance.edge_prices, strict=True):
        if price:
            cut = model.new_bool_var("")
            for t in range(instance.k):
                model.add_bool_or([x[a][t].negated(), x[b][t], cut])
            terms.append(round(scale * price) * cut)
    model.minimize(sum(terms))
    offset = instance.group_offset
    solver = cp_model.CpSolver()
    solver.parameters.num_workers, solver.parameters.random_seed = 1, seed
    bound: float | None = None
    while end > time.perf_counter():
        with _stopping(solver, end):
            status = solver.solve(model)
        if status == cp_model.INFEASIBLE:
            return Outcome(None, math.inf, "infeasible")
        rounding = 0.5 * len(terms) / scale  # prices are whole millionths
        bound = max(bound or 0.0, solver.best_objective_bound / scale + offset - rounding)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            break
        plan = np.array([[solver.boolean_value(v) for v in row] for row in x]).argmax(axis=1)
        cuts = list(torn(instance, plan))
        if not cuts:
            return Outcome(plan, bound, "optimal" if status == cp_model.OPTIMAL else "time")
        for cut in cuts:
            model.add_bool_or(
                [x[cut.u][cut.team].negated(), x[cut.v][cut.team].negated(), *(x[s][cut.team] for s in cut.units)]
            )
    return Outcome(None, bound, "only torn solutions in time")


@contextmanager
def _stopping(solver: Any, end: float) -> Iterator[None]:
    """Stop the solver from a thread of our own: its own clock cannot count processor time."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            if time.perf_counter() > end:
                solver.stop_search()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _any(model: Any, literals: list[Any]) -> Any:
    """A new variable that is at least every literal."""
    y = model.new_bool_var("")
    for literal in literals:
        model.add_implication(literal, y)
    return y


def highs(instance: Bare, seconds: float, seed: int) -> Outcome:
    """HiGHS MIP on the assignment model; contiguity by separators, added after each torn solution."""
    import highspy

    end, model = time.perf_counter() + seconds, _Linear(instance)
    bound: float | None = None
    while end > time.perf_counter():
        solver = model.solver(seed)
        solver.cbMipInterrupt.subscribe(lambda event: event.interrupt() if time.perf_counter() > end else None)
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return Outcome(None, math.inf, "infeasible")
        bound = max(bound or 0.0, float(solver.getInfo().mip_dual_bound) + instance.group_offset)
        if solver.getInfo().primal_solution_status != 2:
            break
        x = np.asarray(solver.getSolution().col_value)[: instance.n * instance.k]
        plan = np.argmax(x.reshape(instance.n, instance.k), axis=1)
        cuts = list(torn(instance, plan))
        if not cuts:
            return Outcome(plan, bound, "optimal" if status == highspy.HighsModelStatus.kOptimal else "time")
        for cut in cuts:
            units = np.concatenate([[cut.u, cut.v], cut.units])
            model.add(units * instance.k + cut.team, [1.0, 1.0] + [-1.0] * len(cut.units), -np.inf, 1.0)
    return Outcome(None, bound, "only torn solutions in time")


class _Linear:
    """The assignment model as rows over x (unit-major), then one column per group term and per priced edge."""

    def __init__(self, instance: Bare) -> None:
        n, k = instance.n, instance.k
        priced = np.flatnonzero(instance.edge_prices)
        prices = [price for price, _, _ in instance.group_terms]
        self.cost = np.concatenate([instance.unit_costs.ravel(), prices, instance.edge_prices[priced]])
        self.whole = (np.arange(len(self.cost)) < n * k).astype(int)
        self.rows: list[tuple[Ints, Any]] = []
        self.low: list[float] = []
        self.high: list[float] = []
        for i in range(n):
            self.add(np.arange(i * k, (i + 1) * k), np.ones(k), 1.0, 1.0)
        for t in range(k):
            low, high = 1 - instance.tolerance, 1 + instance.tolerance
            self.add(np.arange(t, n * k, k), instance.demand / instance.target[t], low, high)
        for c, (_, units, t) in enumerate(instance.group_terms):
            for i in units:
                self.add(np.array([i * k + t, n * k + c]), [1.0, -1.0], -np.inf, 0.0)
        for c, (a, b) in enumerate(instance.edges[priced]):
            for t in range(k):
                z = n * k + len(prices) + c
                self.add(np.array([a * k + t, b * k + t, z]), [1.0, -1.0, -1.0], -np.inf, 0.0)

    def add(self, columns: Ints, values: Any, low: float, high: float) -> None:
        """One more row."""
        self.rows.append((columns, np.asarray(values, dtype=np.float64)))
        self.low.append(low)
        self.high.append(high)

    def solver(self, seed: int) -> Any:
        """A fresh HiGHS with the model in it."""
        import highspy

        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self.rows)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = self.cost, np.zeros(len(self.cost)), np.ones(len(self.cost))
        lp.row_lower_, lp.row_upper_ = np.array(self.low), np.array(self.high)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum([len(columns) for columns, _ in self.rows])])
        lp.a_matrix_.index_ = np.concatenate([columns for columns, _ in self.rows])
        lp.a_matrix_.value_ = np.concatenate([values for _, values in self.rows])
        kinds = highspy.HighsVarType
        lp.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in self.whole]
        solver = highspy.Highs()
        solver.silent()
        for option, value in (("threads", 1), ("random_seed", seed), ("mip_rel_gap", 1e-6)):
            solver.setOptionValue(option, value)
        solver.passModel(lp)
        return solver


SOLVERS: dict[str, Solver] = {
    "gerrychain": gerrychain,
    "metis": metis,
    "spopt": spopt,
    "cpsat": cpsat,
    "highs": highs,
}


def main() -> None:
    """Run one solver on one instance; the clock starts when the instance has been read."""
    parser = argparse.ArgumentParser()
    parser.add_argument("solver", choices=["ours", "certify", *SOLVERS])
    parser.add_argument("instance", type=Path)
    parser.add_argument("out", type=Path, help="folder for plan.csv and note.json")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clock", choices=["cpu", "wall"], default="wall")
    parser.add_argument("--start", type=Path, help="plan to certify")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for stale in args.out.glob("*.*"):
        stale.unlink()
    if args.clock == "cpu":  # every budget and deadline below reads this one clock, ours and the peers'
        time.perf_counter = time.process_time
    most = int(120 + 3 * args.seconds)  # reading a large instance included; more is a solver that will not stop
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 10))
    instance = read(args.instance)
    start = time.perf_counter()
    if args.solver == "ours":
        outcome = ours(args.instance, args.seconds, args.seed)
    elif args.solver == "certify":
        outcome = certify(args.instance, args.seconds, args.start)
    else:
        outcome = SOLVERS[args.solver](instance, args.seconds, args.seed)
    seconds = time.perf_counter() - start
    if outcome.plan is not None:
        write(instance, outcome.plan, args.out / "plan.csv")
    bound = outcome.bound if outcome.bound is not None and math.isfinite(outcome.bound) else None
    note = {"bound": bound, "seconds": seconds, "note": outcome.note, "peak_mb": _peak_mb()}
    (args.out / "note.json").write_text(json.dumps(note), encoding="utf-8")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
