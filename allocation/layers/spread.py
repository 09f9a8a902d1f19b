"""What the expected hours of the units of a layer can be off by, and the chance that its teams stay within tolerance.

Belongs here: bringing the errors of rows of work to areas, units and teams. Does not belong here: how large they are
and which rows share them (``demand.intervals``), the formula of the chance (``demand.chance``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, MONTHS_A_YEAR
from allocation.demand.chance import Noise, chance_within
from allocation.demand.intervals import SHARED, shared_codes, with_all_parts
from allocation.demand.lines import VANGNET
from allocation.layers.layer import Layer
from allocation.layers.work import layer_work

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Spread:
    """What the expected hours of areas, units or teams can be off by, in parts that add up differently.

    ``own`` (n,): variance of each by itself. ``shared``: matrices (n, groups) of standard deviations; within a group
    they are summed before they are squared, for their errors go the same way.
    """

    own: Floats
    shared: tuple[csr_array, ...]

    def of_teams(self, plan: Ints, k: int) -> Spread:
        """The same of the teams (k,) that have the units under ``plan`` (n,); -1 counts for nobody."""
        units = np.flatnonzero(plan >= 0)
        teams = csr_array(coo_array((np.ones(len(units)), (plan[units], units)), shape=(k, len(plan))))
        own = np.bincount(plan[units], self.own[units], k).astype(np.float64)
        return Spread(own, tuple(csr_array(teams @ part) for part in self.shared))


def spread_of_areas(rows: pd.DataFrame, pc4: pd.Index, line: str) -> Spread:
    """The errors of ``rows`` (of ``work.layer_work`` for ``line``) per postcode, in the order of ``pc4``.

    The amounts of such rows are those of the part that is served on the line. The own noise of a part of the clients
    is that part of the variance, not of the standard deviation (``demand.intervals.team_interval``).
    """
    rows = with_all_parts(rows)
    vangnet = rows["vangnet_part"].to_numpy(dtype=np.float64)
    part_of_row = {VANGNET: vangnet, ALL_LINES: np.ones(len(rows))}.get(line, 1.0 - vangnet)
    area = pc4.get_indexer(pd.Index(rows["pc4"]))
    own = rows["hours_sd"] ** 2
    shared = []
    for part in SHARED:
        amount = rows[f"hours_{part}"].to_numpy(dtype=np.float64)
        own = own - amount**2
        group = shared_codes(rows, part)
        shape = (len(pc4), int(group.max(initial=-1)) + 1)
        shared.append(csr_array(coo_array((amount, (area, group)), shape=shape)))
    total = np.bincount(area, (own / part_of_row).clip(lower=0.0), len(pc4))
    return Spread(total.astype(np.float64), tuple(shared))


def spread_of_units(layer: Layer, of_areas: Spread, pc4: pd.Index) -> Spread:
    """The errors of the units of a layer: the portion of their postcode's."""
    at = pc4.get_indexer(pd.Index(layer.parts["pc4"]))
    portion = np.where(at >= 0, layer.parts["portion"].to_numpy(dtype=np.float64), 0.0)
    return Spread(of_areas.own[at] * portion, tuple(_scaled(part[at], portion) for part in of_areas.shared))


def _scaled(matrix: csr_array, factor: Floats) -> csr_array:
    """The rows times ``factor``, without the columns that are empty."""
    used = np.unique(matrix.indices)
    return csr_array(matrix[:, used].multiply(factor[:, None]))


class Spreads:
    """The errors of what is balanced, for any layer; the country is summed once per law domain and line."""

    def __init__(self, work: pd.DataFrame, config: Config) -> None:
        self.work, self.config = work, config
        self.pc4 = pd.Index(work["pc4"].unique())
        self._known: dict[tuple[str, str], Spread] = {}
        self._noise: dict[tuple[str, bytes], Noise] = {}

    def of_units(self, layer: Layer) -> Spread:
        """Of each unit (n,), in the hours that are balanced (``layers.balance``)."""
        kind = (layer.law_domain, layer.client_line)
        if kind not in self._known:
            self._known[kind] = spread_of_areas(self._rows(*kind), self.pc4, layer.client_line)
        return spread_of_units(layer, self._known[kind], self.pc4)

    def of_teams(self, layer: Layer, plan: Ints) -> Noise:
        """How unsure the work of the teams of a layer is; found once for all who ask."""
        key = (layer.key, plan.tobytes())
        if key not in self._noise:
            self._noise[key] = team_noise(layer, self.of_units(layer), plan)
        return self._noise[key]

    def _rows(self, domain: str, line: str) -> pd.DataFrame:
        rows = layer_work(self.work, domain, line, self.config)
        if self.config.balance != "waiting_time":
            return rows
        rows = rows[rows["priority"] <= self.config.waiting_priority]
        years = self.config.horizon_months / MONTHS_A_YEAR
        return rows.assign(**{f"hours_{name}": rows[f"hours_{name}"] * years for name in ("sd", *SHARED)})


def team_noise(layer: Layer, spread: Spread, plan: Ints) -> Noise:
    """How unsure the work of the teams of a layer is; ``spread``: of the units (``Spreads.of_units``)."""
    of_teams = spread.of_teams(plan, layer.problem.k)
    return Noise.of(of_teams.own, of_teams.shared)


def chances(layer: Layer, noise: Noise, plan: Ints, tolerance: float, planned: float | None = None) -> Floats:
    """(k,) the chance that each team of a layer is within ``tolerance`` in the year to come.

    Parameters
    ----------
    noise : of the teams (``team_noise``).
    planned : when given, as if each team were planned at (1 + planned) x its part of the work, one at a time: the
        others have the rest, and how they share it does not matter to this team.
    """
    problem = layer.problem
    part = problem.capacity / problem.capacity.sum()
    load = np.bincount(plan[plan >= 0], problem.demand[plan >= 0], problem.k) + problem.base
    if planned is None:
        return chance_within(load, part, noise, tolerance)
    total = float(load.sum())
    return chance_within(np.minimum(part * (1 + planned), 1.0) * total, part, noise, tolerance, total)
