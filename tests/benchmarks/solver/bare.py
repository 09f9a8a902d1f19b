"""A bare instance as arrays, for the peers. Nothing of our engine is imported here.

OR-tools and highspy each bring a HiGHS of their own and cannot be loaded into one process, so a peer's process may
import our engine only when it is not the OR-tools one.
"""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_Table = dict[str, list[Any]]


@dataclass(frozen=True)
class Bare:
    """n units, k teams; fields as in the files, teams and units as positions. ``prices``: weight per term.

    ``distance_table_km`` (n, k) where the instance has one, in place of straight lines to the offices.
    """

    unit_ids: list[str]
    team_ids: list[str]
    xy_m: Floats
    demand: Floats
    edges: Ints
    border_m: Floats
    capacity: Floats
    office_xy_m: Floats | None
    distance_table_km: Floats | None
    current: Ints | None
    groups: dict[str, Ints]
    tolerance: float
    prices: dict[str, float]

    @property
    def n(self) -> int:
        """How many units."""
        return len(self.unit_ids)

    @property
    def k(self) -> int:
        """How many teams."""
        return len(self.team_ids)

    @cached_property
    def target(self) -> Floats:
        """(k,) each team's share of the demand."""
        return np.asarray(self.capacity / self.capacity.sum() * self.demand.sum())

    @cached_property
    def unit_costs(self) -> Floats:
        """(n, k) what travel and moved charge for unit i in team t."""
        cost = np.zeros((self.n, self.k))
        share = self.demand[:, None] / self.demand.sum()
        if self.prices["travel"]:
            cost += self.prices["travel"] * share * self.distances_km()
        if self.current is not None and self.prices["moved"]:
            cost += self.prices["moved"] * share * (self.current[:, None] != np.arange(self.k))
        return cost

    def distances_km(self) -> Floats:
        """(n, k) from each unit to each team; 0 where teams have no office."""
        if self.distance_table_km is not None:
            return self.distance_table_km
        if self.office_xy_m is None:
            return np.zeros((self.n, self.k))
        step = self.xy_m[:, None, :] - self.office_xy_m[None, :, :]
        return np.asarray(np.hypot(step[..., 0], step[..., 1]) / 1000)

    @cached_property
    def edge_prices(self) -> Floats:
        """(m,) what an edge between two teams costs."""
        return np.asarray(self.prices["cut_edges"] + self.prices["border"] * self.border_m / 1000)

    @cached_property
    def group_terms(self) -> list[tuple[float, Ints, int]]:
        """(price, units of a group, team): due when the team has a unit of the group; the first team is free."""
        return [
            (price, np.flatnonzero(codes == g), t)
            for term, codes in self.groups.items()
            if (price := self.prices[term])
            for g in np.unique(codes)
            for t in range(self.k)
        ]

    @property
    def group_offset(self) -> float:
        """Minus what one team in every group would cost."""
        return -sum(price for price, _, t in self.group_terms if t == 0)

    def objective(self, plan: Ints) -> float:
        """What the plan costs."""
        value = float(self.unit_costs[np.arange(self.n), plan].sum())
        value += float(self.edge_prices[plan[self.edges[:, 0]] != plan[self.edges[:, 1]]].sum())
        return value + self.group_offset + sum(p for p, units, t in self.group_terms if (plan[units] == t).any())

    def outside(self, load: Floats) -> NDArray[np.bool_]:
        """Whether loads (..., k) are out of the teams' limits."""
        low, high = self.target * (1 - self.tolerance), self.target * (1 + self.tolerance)
        return np.asarray((load < low * (1 - 1e-9)) | (load > high * (1 + 1e-9)))

    def is_allowed(self, plan: Ints) -> bool:
        """Balanced, contiguous, no team empty."""
        load = np.bincount(plan, weights=self.demand, minlength=self.k)
        return not self.outside(load).any() and self.pieces(plan) == self.k and len(np.unique(plan)) == self.k

    def pieces(self, plan: Ints) -> int:
        """Connected pieces of all teams together."""
        a, b = self.edges[plan[self.edges[:, 0]] == plan[self.edges[:, 1]]].T
        graph = coo_matrix((np.ones(len(a)), (a, b)), shape=(self.n, self.n))
        return int(connected_components(graph, directed=False)[0])

    def csr(self) -> tuple[Ints, Ints]:
        """The neighbours as (starts, neighbours)."""
        both = np.concatenate([self.edges, self.edges[:, ::-1]])
        both = both[np.lexsort((both[:, 1], both[:, 0]))]
        starts = np.concatenate([[0], np.cumsum(np.bincount(both[:, 0], minlength=self.n))])
        return starts.astype(np.int64), both[:, 1].astype(np.int64)


def read(folder: Path) -> Bare:
    """The instance in ``folder``; files as the engine's own, taken to be correct."""
    units, edges, teams = (_table(folder / f"{name}.csv") for name in ("units", "edges", "teams"))
    settings = tomllib.loads((folder / "problem.toml").read_text(encoding="utf-8"))
    unit_at = {name: i for i, name in enumerate(units["unit"])}
    team_at = {name: t for t, name in enumerate(teams["team"])}
    terms = ("travel", "cut_edges", "border", "municipality_splits", "care_region_splits", "moved")
    groups = {
        f"{column}_splits": np.unique(units[column], return_inverse=True)[1]
        for column in ("municipality", "care_region")
        if column in units
    }
    current = [team_at.get(name, -1) for name in units["current_team"]] if "current_team" in units else None
    return Bare(
        unit_ids=units["unit"],
        team_ids=teams["team"],
        xy_m=_floats(units, "x", "y"),
        demand=_floats(units, "demand")[:, 0],
        edges=np.array([[unit_at[a], unit_at[b]] for a, b in zip(edges["a"], edges["b"], strict=True)], dtype=np.int64),
        border_m=_floats(edges, "border")[:, 0],
        capacity=_floats(teams, "capacity")[:, 0],
        office_xy_m=_floats(teams, "x", "y") if "x" in teams else None,
        distance_table_km=_distance_table_km(folder / "distance.csv", unit_at, team_at),
        current=None if current is None else np.array(current),
        groups=groups,
        tolerance=float(settings["tolerance"]),
        prices={term: float(settings.get("weights", {}).get(term, 0.0)) for term in terms},
    )


def _distance_table_km(file: Path, unit_at: dict[str, int], team_at: dict[str, int]) -> Floats | None:
    if not file.exists():
        return None
    table = _table(file)
    km = np.full((len(unit_at), len(team_at)), np.nan)
    km[[unit_at[u] for u in table["unit"]], [team_at[t] for t in table["team"]]] = _floats(table, "km")[:, 0]
    return km


def write(instance: Bare, plan: Ints, path: Path) -> None:
    """The plan as unit, team."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("unit", "team"))
        rows.writerows((unit, instance.team_ids[t]) for unit, t in zip(instance.unit_ids, plan, strict=True))


def _table(path: Path) -> _Table:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return {name: [row[c] for row in rows] for c, name in enumerate(header)}


def _floats(table: _Table, *columns: str) -> Floats:
    return np.array([[float(v) for v in table[c]] for c in columns]).T
