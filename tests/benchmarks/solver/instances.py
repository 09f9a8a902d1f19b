"""The benchmark's instances, made from the embedded postcode areas alone; the same every time.

(a) travel: the areas of one arbeidsmarktregio, about one team per 100,000 inhabitants, capacity +/-20%, tolerance 5%;
    distances through the network of areas, as a run has them (straight lines in (d): its parts have no network)
(b) current: the same with a division in force to which a team was added or from which one was taken away
(c) cuts: no offices, equal teams, tolerance 2%, cut edges only
(d) scale: every area cut into parts, 50,000 or 460,000 for the country, as one instance or a region at a time
(e) tight: random planar graphs of 16 to 700 units, 2 to 7 equal teams, tolerance 0.5%, cut edges only; a plan exists
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, cKDTree

from allocation.districting.instance import write_instance
from allocation.districting.problem import Floats, Ints, Problem, Weights
from allocation.intake.example import office_pc4
from geodata import Boundaries, bridges_within, network_distance_km

PEOPLE_PER_TEAM = 100_000
TRAVEL = Weights(travel=1.0)
CURRENT = Weights(travel=1.0, moved=20.0, municipality_splits=0.5, care_region_splits=0.5)
CUTS = Weights(travel=0.0, cut_edges=1.0)
TIGHT = [(16, 2), (16, 3), (25, 2), (25, 3), (36, 2), (36, 4), (49, 3), (49, 7), (64, 2), (64, 4), (100, 3), (100, 5),
         (200, 4), (400, 5), (700, 7)]  # fmt: skip
SCALES = {"50k": 50_000, "460k": 460_000}


def slug(name: str) -> str:
    """A region's name as a folder name."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


def region_names(boundaries: Boundaries) -> list[str]:
    """All regions, by number."""
    table = boundaries.areas[["arbeidsmarktregio_nr", "arbeidsmarktregio"]].drop_duplicates()
    return list(table.sort_values("arbeidsmarktregio_nr")["arbeidsmarktregio"])


def write_family(family: str, boundaries: Boundaries, regions: list[str], folder: Path) -> Iterator[Path]:
    """Write the instances of a family ("a", "b", "c") for ``regions``; yields their folders."""
    maker = {"a": travel_problem, "b": current_problem, "c": cut_problem}[family]
    for name in regions:
        target = folder / family / slug(name)
        if not (target / "problem.toml").exists():
            write_instance(maker(boundaries, name), target)
        yield target


def write_scales(boundaries: Boundaries, regions: list[str], folder: Path) -> Iterator[Path]:
    """Write family (d): the country in 50,000 and in 460,000 parts, and the regions of the latter."""
    for scale, size in SCALES.items():
        wanted: dict[str, str | None] = {f"country-{scale}": None}
        if size == max(SCALES.values()):
            wanted |= {f"{slug(name)}-{scale}": name for name in regions}
        missing = [name for name in wanted if not (folder / "d" / name / "problem.toml").exists()]
        if missing:
            parts, edges, border_m = refined(boundaries, size)
            for name in missing:
                write_instance(scale_problem(boundaries, parts, edges, border_m, wanted[name]), folder / "d" / name)
        yield from (folder / "d" / name for name in wanted)


def write_tight(folder: Path) -> Iterator[Path]:
    """Write family (e), every size with light and with uneven units; yields the folders."""
    for number, (units, teams) in enumerate(TIGHT):
        for kind, heaviest in (("light", 4), ("uneven", 99)):
            target = folder / "e" / f"{units}-units-{teams}-teams-{kind}"
            if not (target / "problem.toml").exists():
                write_instance(tight_problem(units, teams, heaviest, seed=number), target)
            yield target


def tight_problem(n: int, k: int, heaviest: int, seed: int) -> Problem:
    """Family (e): demands of 1 to ``heaviest``, then raised in one unit of each part of a grown division until all
    parts weigh the same: that division is allowed."""
    rng = np.random.default_rng([seed, heaviest])
    xy_m = rng.uniform(0, 30_000, (n, 2)).round()
    corners = Delaunay(xy_m).simplices
    pairs = np.unique(np.sort(corners[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2), axis=1), axis=0)
    problem = Problem(
        unit_ids=tuple(f"{1000 + i}" for i in range(n)),
        team_ids=tuple(f"T{t + 1}" for t in range(k)),
        xy_m=xy_m,
        demand=rng.integers(1, heaviest + 1, n).astype(np.float64),
        edges=pairs,
        border_m=np.hypot(*(xy_m[pairs[:, 0]] - xy_m[pairs[:, 1]]).T).round(),
        capacity=np.ones(k),
        tolerance=0.005,
        weights=CUTS,
        office_xy_m=xy_m[rng.choice(n, k, replace=False)],
    )
    part = grow(problem, np.arange(k))
    load = np.bincount(part, problem.demand, k)
    demand = problem.demand.copy()
    for team in range(k):
        demand[np.flatnonzero(part == team)[0]] += load.max() - load[team]
    return problem.replace(demand=demand, office_xy_m=None)


def travel_problem(boundaries: Boundaries, region: str) -> Problem:
    """Family (a): offices, capacities of 8 to 12, travel only."""
    areas, edges, border_m = _region(boundaries, region)
    demand = areas["inhabitants"].fillna(0).to_numpy(np.float64)
    k = team_count(demand)
    rng = np.random.default_rng(1000 + int(areas["arbeidsmarktregio_nr"].iloc[0]))
    xy_m = areas[["x_m", "y_m"]].to_numpy(np.float64)
    offices = _offices(boundaries, areas, demand, k)
    km = network_distance_km(boundaries.areas, boundaries.edges, list(areas["pc4"].iloc[offices]))
    inside = pd.Index(boundaries.areas["pc4"]).get_indexer(areas["pc4"])
    return Problem(
        unit_ids=tuple(areas["pc4"]),
        team_ids=tuple(f"T{t + 1:02d}" for t in range(k)),
        xy_m=xy_m.round(0),
        demand=demand,
        edges=edges,
        border_m=border_m.round(0),
        capacity=rng.uniform(8.0, 12.0, k).round(1),
        tolerance=0.05,
        weights=TRAVEL,
        office_xy_m=xy_m[offices].round(0),
        distance_table_km=km[:, inside].T.round(3),
        municipality=pd.factorize(areas["gemeente_code"])[0],
        care_region=pd.factorize(areas["care_region"].astype("string").fillna("none"))[0],
    )


def current_problem(boundaries: Boundaries, region: str) -> Problem:
    """Family (b): the division in force was grown for one team more (it is gone now) or one fewer (it is new)."""
    problem = travel_problem(boundaries, region)
    index = int(boundaries.areas.loc[boundaries.areas["arbeidsmarktregio"] == region, "arbeidsmarktregio_nr"].iloc[0])
    if index % 2 and problem.k > 2:
        now = grow(problem, np.arange(problem.k - 1))
    else:
        middle = np.average(problem.xy_m, axis=0, weights=problem.demand + 1.0)
        now = grow(
            problem.replace(
                team_ids=(*problem.team_ids, "gone"),
                capacity=np.append(problem.capacity, problem.capacity.mean()),
                office_xy_m=np.vstack([problem.office_xy_m, middle]),
                distance_table_km=np.column_stack([problem.distance_table_km, _straight_km(problem.xy_m, middle)]),
            ),
            np.arange(problem.k + 1),
        )
        now[now == problem.k] = -1
    return problem.replace(current=now, weights=CURRENT)


def cut_problem(boundaries: Boundaries, region: str) -> Problem:
    """Family (c): equal teams without offices."""
    problem = travel_problem(boundaries, region)
    tolerance = 0.02
    heaviest = float(problem.demand.max()) / (problem.total_demand / problem.k) - 1
    return problem.replace(
        office_xy_m=None, distance_table_km=None, capacity=np.full(problem.k, 10.0), weights=CUTS,
        tolerance=max(tolerance, round(heaviest, 2)),
    )  # fmt: skip


def _straight_km(xy_m: Floats, office_xy_m: Floats) -> Floats:
    """(n,) from every unit to an office that lies in no area: the one of a team that is gone."""
    return np.asarray(np.hypot(*(xy_m - office_xy_m).T) / 1000)


def team_count(demand: Floats) -> int:
    """About one team per 100,000 inhabitants, at least two."""
    return max(2, round(float(demand.sum()) / PEOPLE_PER_TEAM))


def _region(boundaries: Boundaries, region: str) -> tuple[pd.DataFrame, Ints, Floats]:
    """The areas of a region and their edges as positions, with the bridges that join the region by itself."""
    areas = boundaries.areas[boundaries.areas["arbeidsmarktregio"] == region].reset_index(drop=True)
    groups = pd.Series("in", index=areas["pc4"])
    extra = bridges_within(boundaries.areas, boundaries.edges, groups)
    edges = pd.concat([boundaries.edges, extra], ignore_index=True).drop_duplicates(["a", "b"])
    edges = edges[edges["a"].isin(areas["pc4"]) & edges["b"].isin(areas["pc4"])]
    at = pd.Index(areas["pc4"])
    ends = np.column_stack([at.get_indexer(edges["a"]), at.get_indexer(edges["b"])])
    return areas, ends, edges["border_m"].to_numpy(np.float64)


def _offices(boundaries: Boundaries, areas: pd.DataFrame, demand: Floats, k: int) -> list[int]:
    """(k) positions: a team at each UWV office of the region, the others at populous areas far from offices so far.

    Every third of the others sits at an office that has a team already: teams may share an office.
    """
    xy_m = areas[["x_m", "y_m"]].to_numpy(np.float64)
    uwv = set(office_pc4(boundaries.areas).values())
    chosen = list(np.flatnonzero(areas["pc4"].isin(uwv).to_numpy()))[:k] or [int(np.argmax(demand))]
    others = 0
    while len(chosen) < k:
        others += 1
        if others % 3 == 0:
            chosen.append(chosen[others // 3 - 1])
            continue
        distance = cKDTree(xy_m[chosen]).query(xy_m)[0]
        chosen.append(int(np.argmax(distance * np.sqrt(demand))))
    return chosen


def grow(problem: Problem, teams: Ints) -> Ints:
    """(n,) a contiguous division without any solver: the lightest team for its size takes its nearest neighbour."""
    neighbours: list[list[int]] = [[] for _ in range(problem.n)]
    for a, b in problem.edges:
        neighbours[a].append(int(b))
        neighbours[b].append(int(a))
    plan = np.full(problem.n, -1)
    load = np.zeros(problem.k)
    border: dict[int, set[int]] = {int(t): set() for t in teams}

    def take(unit: int, team: int) -> None:
        plan[unit] = team
        load[team] += problem.demand[unit] / problem.capacity[team]
        border[team].update(v for v in neighbours[unit] if plan[v] < 0)

    for team in border:
        free = np.flatnonzero(plan < 0)
        take(int(free[np.argmin(problem.distance_km[free, team])]), team)
    while (plan < 0).any():
        for team in border:
            border[team] = {u for u in border[team] if plan[u] < 0}
        team = min((t for t in border if border[t]), key=lambda t: load[t])
        take(min(border[team], key=lambda u: (problem.distance_km[u, team], u)), team)
    return plan


def refined(boundaries: Boundaries, size: int) -> tuple[pd.DataFrame, Ints, Floats]:
    """The country's areas cut into ``size`` parts: (parts, edges, border_m).

    An area gets parts in proportion to its inhabitants (at least one), at random points inside it, equally populous.
    Parts are neighbours when their Delaunay cells touch and their areas are the same or neighbours; what that leaves
    apart is joined at the nearest pair. Borders are set to the distance between the points.
    """
    areas = boundaries.areas
    people = areas["inhabitants"].fillna(0).to_numpy(np.float64)
    parts = np.maximum(1, np.round(people / people.sum() * size)).astype(np.int64)
    rng = np.random.default_rng(size)
    points = areas.geometry.sample_points(parts, rng=rng).explode(index_parts=False)
    owner = points.index.to_numpy()
    xy_m = np.column_stack([points.x, points.y]).round(1)
    edges = _refined_edges(boundaries, owner, xy_m)
    table = areas.iloc[owner].drop(columns="geometry").reset_index(drop=True)
    number = pd.Series(owner).groupby(owner).cumcount()
    table = pd.DataFrame(table).assign(
        pc4=[f"{code}-{i}" for code, i in zip(table["pc4"], number, strict=True)],
        x_m=xy_m[:, 0], y_m=xy_m[:, 1], inhabitants=people[owner] / parts[owner],
    )  # fmt: skip
    step = xy_m[edges[:, 0]] - xy_m[edges[:, 1]]
    return table, edges, np.hypot(step[:, 0], step[:, 1])


def _refined_edges(boundaries: Boundaries, owner: Ints, xy_m: Floats) -> Ints:
    """Pairs of parts, see ``refined``."""
    corners = Delaunay(xy_m).simplices
    pairs = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1)
    at = pd.Index(boundaries.areas["pc4"])
    a, b = at.get_indexer(boundaries.edges["a"]), at.get_indexer(boundaries.edges["b"])
    size = len(at)
    near = np.unique(np.concatenate([a * size + b, b * size + a, np.arange(size) * (size + 1)]))
    pairs = np.unique(pairs[np.isin(owner[pairs[:, 0]] * size + owner[pairs[:, 1]], near)], axis=0)
    joins = []
    while True:
        every = np.concatenate([pairs, *joins]) if joins else pairs
        graph = coo_matrix((np.ones(len(every)), (every[:, 0], every[:, 1])), shape=(len(owner),) * 2)
        pieces, label = connected_components(graph, directed=False)
        if pieces == 1:
            return np.unique(every, axis=0)
        main = np.argmax(np.bincount(label))
        tree, rest = cKDTree(xy_m[label == main]), np.flatnonzero(label != main)
        distance, nearest = tree.query(xy_m[rest])
        first = pd.DataFrame({"piece": label[rest], "d": distance}).groupby("piece")["d"].idxmin().to_numpy()
        inside = np.flatnonzero(label == main)[nearest[first]]
        joins.append(np.sort(np.column_stack([rest[first], inside]), axis=1))


def scale_problem(
    boundaries: Boundaries, parts: pd.DataFrame, edges: Ints, border_m: Floats, region: str | None
) -> Problem:
    """Family (d): a region of the refined country, or all of it (None), with the offices and teams of family (a)."""
    names = region_names(boundaries) if region is None else [region]
    inside = parts["arbeidsmarktregio"].isin(names).to_numpy()
    position = np.cumsum(inside) - 1
    kept = inside[edges].all(axis=1)
    ends = position[edges[kept]]
    parts = parts[inside].reset_index(drop=True)
    offices, capacity = [], []
    for name in names:
        coarse = travel_problem(boundaries, name)
        offices.append(coarse.office_xy_m)
        capacity.append(coarse.capacity)
    xy_m = parts[["x_m", "y_m"]].to_numpy(np.float64)
    ends, length = _joined(ends, border_m[kept], xy_m)
    k = sum(map(len, capacity))
    return Problem(
        unit_ids=tuple(parts["pc4"]),
        team_ids=tuple(f"T{t + 1:03d}" for t in range(k)),
        xy_m=xy_m,
        demand=parts["inhabitants"].to_numpy(np.float64),
        edges=ends,
        border_m=length,
        capacity=np.concatenate(capacity),
        tolerance=0.05,
        weights=TRAVEL,
        office_xy_m=np.vstack(offices),
    )


def _joined(ends: Ints, length: Floats, xy_m: Floats) -> tuple[Ints, Floats]:
    """The edges with bridges added between nearest pairs until all units hang together."""
    while True:
        graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(xy_m),) * 2)
        pieces, label = connected_components(graph, directed=False)
        if pieces == 1:
            return ends, length
        small = np.flatnonzero(label == np.argmin(np.bincount(label)))
        rest = np.flatnonzero(label != label[small[0]])
        distance, nearest = cKDTree(xy_m[rest]).query(xy_m[small])
        at = int(np.argmin(distance))
        ends = np.vstack([ends, sorted((small[at], rest[nearest[at]]))])
        length = np.append(length, 0.0)
