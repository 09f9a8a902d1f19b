"""What is to be divided: units on a graph, teams with a capacity, and the price of what one would rather not have.

Only the statement of the problem lives here. How a plan is valued is in :mod:`.objective`, whether it is allowed in
:mod:`.check`, how a good one is found in :mod:`.solve`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocation.objective_terms import Weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LIMIT_SLACK = 1e-9  # relative: a load may stand this far outside its limits, for sums of floats are not exact


class ProblemError(ValueError):
    """The problem contradicts itself; ``sentences`` says in plain words everything that is wrong."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        self.sentences = tuple(sentences)
        super().__init__("\n".join(self.sentences))

    def __reduce__(self) -> tuple[type[ProblemError], tuple[tuple[str, ...]]]:
        return type(self), (self.sentences,)


@dataclass(frozen=True, eq=False)
class Measure:
    """A further measure to balance beside the demand, for example clients beside hours.

    ``amount`` (n,) per unit, ``capacity`` (k,) per team; a team's sum must stay within (1 +/- tolerance) x its
    capacity's share of the total amount.
    """

    name: str
    amount: Floats
    capacity: Floats
    tolerance: float

    @cached_property
    def target(self) -> Floats:
        """(k,) the amount that each team would have in exact proportion to its capacity."""
        return np.asarray(self.capacity / self.capacity.sum() * self.amount.sum(), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Problem:
    """n units to be divided over k teams; raises :class:`ProblemError` with every fault at once.

    unit_ids, team_ids    names; results never depend on them
    xy_m          (n, 2)  positions in metres
    demand        (n,)    the main measure, at least 0
    edges         (m, 2)  neighbours as unit indices, each pair once
    border_m      (m,)    length of the shared border in metres; 0 for a bridge
    capacity      (k,)    above 0; teams are loaded in proportion to it
    tolerance             a load may differ this part from its target
    office_xy_m   (k, 2)  offices in metres; they may coincide; without them and without distances travel is 0
    distance_table_km (n, k)  distance of each unit to each team, in place of the straight line to its office
    current       (n,)    team index now, -1 for a team that is gone or unknown; without it moved is 0
    kept          (n, k)  part of the unit's demand, 0 to 1, that each team has now, where ``current`` does not tell it
                          all: two lines become one, or a unit was shared. Then moved is what the plan's team does not
                          have; ``current`` is where the search begins
    apart         (n, k)  True where the unit in that team has another team on the other client line
    municipality, care_region (n,)  group codes
    groupings             further group codes (n,) by name, priced by ``weights.groupings``; -1 for in no group
    fixed         (n,)    team index to which the unit is pinned, -1 for none
    allowed       (n, k)  False where a team may not have a unit
    further               other measures with limits of their own
    base_load     (k,)    fixed load that a team has beside these units, at least 0. It is part of the team's load and
                          of the total that is shared out: target = capacity share x (total demand + all base loads),
                          and the load within target x (1 +/- tolerance) is base load + demand of its units. Travel
                          and moved are shares of the demand alone. A team whose base load is over its upper limit
                          makes the problem infeasible; ``check`` says by how much
    """

    unit_ids: tuple[str, ...]
    team_ids: tuple[str, ...]
    xy_m: Floats
    demand: Floats
    edges: Ints
    border_m: Floats
    capacity: Floats
    tolerance: float
    weights: Weights = field(default_factory=Weights)
    office_xy_m: Floats | None = None
    distance_table_km: Floats | None = None
    current: Ints | None = None
    kept: Floats | None = None
    apart: Bools | None = None
    municipality: Ints | None = None
    care_region: Ints | None = None
    groupings: Mapping[str, Ints] = field(default_factory=dict)
    fixed: Ints | None = None
    allowed: Bools | None = None
    further: tuple[Measure, ...] = ()
    base_load: Floats | None = None

    def __post_init__(self) -> None:
        _convert(self)
        faults = _shape_faults(self)
        if not faults:
            faults = _value_faults(self) + _graph_faults(self) + _lock_faults(self)
        if faults:
            raise ProblemError(tuple(faults))

    @property
    def n(self) -> int:
        """How many units."""
        return len(self.unit_ids)

    @property
    def k(self) -> int:
        """How many teams."""
        return len(self.team_ids)

    def replace(self, **changes: Any) -> Problem:
        """The same problem with some fields changed; checked anew."""
        return dataclasses.replace(self, **changes)

    @cached_property
    def total_demand(self) -> float:
        """Demand of all units together, without base loads: what travel and moved are shares of."""
        return float(self.demand.sum())

    @cached_property
    def base(self) -> Floats:
        """(k,) base load, zeros when none is given."""
        return np.zeros(self.k) if self.base_load is None else self.base_load

    @cached_property
    def target(self) -> Floats:
        """(k,) the load each team would have in exact proportion to its capacity."""
        return np.asarray(self.capacity / self.capacity.sum() * (self.total_demand + self.base.sum()))

    @cached_property
    def lower_limit(self) -> Floats:
        """(k,) least load allowed."""
        return np.asarray(self.target * (1 - self.tolerance))

    @cached_property
    def upper_limit(self) -> Floats:
        """(k,) greatest load allowed."""
        return np.asarray(self.target * (1 + self.tolerance))

    # -- what the terms of the objective price ----------------------------------------------------------------------

    @property
    def has_distances(self) -> bool:
        """Whether units have a distance to teams, from offices or from a table."""
        return self.office_xy_m is not None or self.distance_table_km is not None

    @property
    def has_travel_price(self) -> bool:
        """Whether travel counts in the objective."""
        return self.has_distances and self.weights.travel > 0

    @property
    def has_moved_price(self) -> bool:
        """Whether leaving the current team counts in the objective."""
        return (self.current is not None or self.kept is not None) and self.weights.moved > 0

    @property
    def has_apart_price(self) -> bool:
        """Whether another team than on the other client line costs anything."""
        return self.apart is not None and self.weights.lines_apart > 0

    @cached_property
    def edge_prices(self) -> Floats:
        """(m,) what it costs that an edge lies between two teams."""
        return np.asarray(self.weights.cut_edges + self.weights.border * self.border_m / 1000.0)

    @property
    def has_edge_prices(self) -> bool:
        """Whether some edge between two teams costs something."""
        return bool(self.edge_prices.any())

    @cached_property
    def priced_groupings(self) -> tuple[tuple[Ints, float], ...]:
        """Every grouping whose splits cost something: its codes (n,) and the price of a split."""
        w = self.weights
        every = [(self.municipality, w.municipality_splits), (self.care_region, w.care_region_splits)]
        every += [(codes, w.groupings.get(name, 0.0)) for name, codes in self.groupings.items()]
        return tuple((codes, price) for codes, price in every if codes is not None and price > 0)

    @cached_property
    def teams_by_office(self) -> tuple[Ints, ...]:
        """Teams that are equally far from every unit: they share an office. Without distances each is by itself."""
        if not self.has_distances:
            return tuple(np.array([t]) for t in range(self.k))
        place: Any = self.office_xy_m if self.distance_table_km is None else self.distance_table_km.T
        code = np.unique(place, axis=0, return_inverse=True)[1].ravel()
        return tuple(np.flatnonzero(code == c) for c in range(code.max() + 1))

    def distances_m(self, units: Ints | slice = slice(None)) -> Floats:
        """(units, k) distance of each of ``units`` (all of them) to each team in metres; zeros without distances."""
        if self.distance_table_km is not None:
            return np.asarray(self.distance_table_km[units] * 1000.0)
        if self.office_xy_m is None:
            return np.zeros((len(self.demand[units]), self.k))
        step = self.xy_m[units][:, None, :] - self.office_xy_m[None, :, :]
        return np.asarray(np.hypot(step[..., 0], step[..., 1]))

    def distance_to_m(self, team: int) -> Floats:
        """(n,) distance of each unit to one team in metres; zeros without distances."""
        if self.distance_table_km is not None:
            return np.asarray(self.distance_table_km[:, team] * 1000.0)
        if self.office_xy_m is None:
            return np.zeros(self.n)
        step = self.xy_m - self.office_xy_m[team]
        return np.asarray(np.hypot(step[:, 0], step[:, 1]))

    def own_distance_km(self, plan: Ints) -> Floats:
        """(n,) distance of each unit to its team under ``plan`` in kilometres; zeros without distances."""
        if self.distance_table_km is not None:
            return np.asarray(self.distance_table_km[np.arange(self.n), plan])
        if self.office_xy_m is None:
            return np.zeros(self.n)
        step = self.xy_m - self.office_xy_m[plan]
        return np.asarray(np.hypot(step[:, 0], step[:, 1]) / 1000.0)

    @cached_property
    def distance_km(self) -> Floats:
        """(n, k) distance of each unit to each team in kilometres; zeros without distances."""
        return self.distances_m() / 1000.0 if self.distance_table_km is None else self.distance_table_km

    @cached_property
    def allowed_mask(self) -> Bools:
        """(n, k) True where a unit may go to a team, with bars and pins folded in."""
        mask = np.ones((self.n, self.k), dtype=np.bool_) if self.allowed is None else self.allowed.copy()
        if self.fixed is not None:
            pinned = np.flatnonzero(self.fixed >= 0)
            mask[pinned] = False
            mask[pinned, self.fixed[pinned]] = True
        return mask


def _convert(p: Problem) -> None:
    """Give every array its type and forbid writing to it: a frozen problem must not change under a running search."""
    types = {
        "xy_m": np.float64, "demand": np.float64, "edges": np.int64, "border_m": np.float64, "capacity": np.float64,
        "office_xy_m": np.float64, "current": np.int64, "municipality": np.int64, "care_region": np.int64,
        "fixed": np.int64, "allowed": np.bool_, "base_load": np.float64, "distance_table_km": np.float64,
        "kept": np.float64, "apart": np.bool_,
    }  # fmt: skip
    for name, dtype in types.items():
        value = getattr(p, name)
        if value is None:
            continue
        array: NDArray[Any] = np.array(value, dtype=dtype, order="C")
        if name == "edges" and array.size == 0:
            array = array.reshape(0, 2)
        array.setflags(write=False)
        object.__setattr__(p, name, array)
    groupings = {name: np.array(codes, dtype=np.int64) for name, codes in p.groupings.items()}
    for codes in groupings.values():
        codes.setflags(write=False)
    object.__setattr__(p, "groupings", groupings)
    object.__setattr__(p, "unit_ids", tuple(p.unit_ids))
    object.__setattr__(p, "team_ids", tuple(p.team_ids))
    measures = tuple(
        Measure(m.name, np.array(m.amount, dtype=np.float64), np.array(m.capacity, dtype=np.float64), m.tolerance)
        for m in p.further
    )
    object.__setattr__(p, "further", measures)


def _shape_faults(p: Problem) -> list[str]:
    n, k, m = p.n, p.k, len(p.edges)
    faults = []
    if n == 0:
        faults.append("There are no units to divide.")
    if k == 0:
        faults.append("There are no teams to divide over.")
    wanted: dict[str, tuple[int, ...]] = {
        "xy_m": (n, 2), "demand": (n,), "edges": (m, 2), "border_m": (m,), "capacity": (k,), "office_xy_m": (k, 2),
        "current": (n,), "municipality": (n,), "care_region": (n,), "fixed": (n,), "allowed": (n, k),
        "base_load": (k,), "distance_table_km": (n, k), "kept": (n, k), "apart": (n, k),
    }  # fmt: skip
    arrays = {name: getattr(p, name) for name in wanted} | {f"Grouping {name}": c for name, c in p.groupings.items()}
    wanted |= {f"Grouping {name}": (n,) for name in p.groupings}
    for name, shape in wanted.items():
        value = arrays[name]
        if value is not None and value.shape != shape:
            faults.append(f"{name} has shape {value.shape}, expected {shape}.")
    for measure in p.further:
        if measure.amount.shape != (n,) or measure.capacity.shape != (k,):
            faults.append(f"Measure {measure.name} needs an amount for each unit and a capacity for each team.")
    return faults


def _value_faults(p: Problem) -> list[str]:
    faults = []
    if len(set(p.unit_ids)) != p.n:
        faults.append("A unit occurs more than once.")
    if len(set(p.team_ids)) != p.k:
        faults.append("A team occurs more than once.")
    for name in ("xy_m", "office_xy_m"):
        value = getattr(p, name)
        if value is not None and not np.isfinite(value).all():
            faults.append(f"{name} must be finite.")
    for name in ("demand", "border_m", "base_load", "distance_table_km"):
        value = getattr(p, name)
        if value is not None and not (np.isfinite(value) & (value >= 0)).all():
            faults.append(f"{name} must be finite and at least 0.")
    if p.kept is not None and not ((p.kept >= 0) & (p.kept <= 1 + LIMIT_SLACK)).all():
        faults.append("kept must be a part of the unit, 0 to 1.")
    if not (np.isfinite(p.capacity) & (p.capacity > 0)).all():
        faults.append("capacity must be finite and above 0.")
    if not (np.isfinite(p.tolerance) and p.tolerance >= 0):
        faults.append("tolerance must be at least 0.")
    faults += p.weights.faults()
    for measure in p.further:
        amount_ok = (np.isfinite(measure.amount) & (measure.amount >= 0)).all()
        if not (amount_ok and (np.isfinite(measure.capacity) & (measure.capacity > 0)).all()):
            faults.append(f"Measure {measure.name}: amounts must be at least 0 and capacities above 0.")
        if not (np.isfinite(measure.tolerance) and measure.tolerance >= 0):
            faults.append(f"Measure {measure.name}: tolerance must be at least 0.")
    return faults


def _graph_faults(p: Problem) -> list[str]:
    if len(p.edges) == 0:
        return []
    if p.edges.min() < 0 or p.edges.max() >= p.n:
        return ["An edge names a unit that does not exist."]
    faults = []
    if (p.edges[:, 0] == p.edges[:, 1]).any():
        faults.append("An edge joins a unit to itself.")
    pairs = np.sort(p.edges, axis=1)
    if len(np.unique(pairs[:, 0] * p.n + pairs[:, 1])) != len(pairs):
        faults.append("A pair of neighbours occurs more than once.")
    return faults


def _lock_faults(p: Problem) -> list[str]:
    faults = []
    for name in ("current", "fixed"):
        value = getattr(p, name)
        if value is not None and (value.min() < -1 or value.max() >= p.k):
            faults.append(f"{name} names a team that does not exist.")
    if p.allowed is not None:
        faults += [f"Unit {p.unit_ids[u]} is barred from every team." for u in np.flatnonzero(~p.allowed.any(axis=1))]
    if p.fixed is not None and p.allowed is not None and not faults:
        pinned = np.flatnonzero(p.fixed >= 0)
        faults += [
            f"Unit {p.unit_ids[u]} is pinned to team {p.team_ids[p.fixed[u]]} and barred from it."
            for u in pinned[~p.allowed[pinned, p.fixed[pinned]]]
        ]
    return faults
