"""What it costs in clients that a unit of a layer changes team, and problems whose price is any sum over units.

The search prices moves by hours of work. A planner counts clients, and where two lines become one the clients of each
line count for their own team. Both are sums over units of a price per unit and team, so that the search and its bounds
can work on them as they are.

Belongs here: that table of clients, and putting a table of prices in a problem. Does not belong here: who has a
postcode now and what a team keeps of it (`current`), choosing a division (`alternatives`), or counting the moves of one
that is made (``outcome.transition.allocation_changes``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES
from allocation.districting import TERMS, Problem, Weights
from allocation.layers.current import compared_with, kept_parts, line_clients, locked_teams, rows_of_line
from allocation.layers.layer import Layer

Floats = NDArray[np.float64]

SLIVER = 1e-10
"""Part of all demand that a unit without demand is given, so that its price counts: a table of distances prices demand
only. Limits are narrowed by more than this can shift a load (``ROOM``)."""
ROOM = 1e-6
"""How much the tolerance is narrowed for it."""


def lines_of(client_line: str) -> tuple[str, ...]:
    """The lines that a layer's client line stands for."""
    return CLIENT_LINES if client_line == ALL_LINES else (client_line,)


def clients_of_units(layer: Layer, expected: pd.DataFrame) -> Floats:
    """(n,) expected clients a year of each unit, all its lines together.

    ``expected``: pc4, client_line, law_domain, clients (``outcome.transition.expected_per_area``).
    """
    total = np.zeros(layer.problem.n)
    for line in lines_of(layer.client_line):
        total += _clients(layer, expected, line)
    return total


def _clients(layer: Layer, expected: pd.DataFrame, line: str) -> Floats:
    rows = expected[(expected["law_domain"] == layer.law_domain) & (expected["client_line"] == line)]
    of_area = layer.parts["pc4"].map(rows.set_index("pc4")["clients"]).fillna(0.0).to_numpy(np.float64)
    return np.asarray(of_area * layer.parts["portion"].to_numpy(np.float64))


def clients_moved(layer: Layer, division: pd.DataFrame, expected: pd.DataFrame) -> Floats:
    """(n, k) expected clients a year that change team when a unit goes to a team.

    What a team keeps of a postcode that several share is what ``current.kept_parts`` says. A postcode that
    ``division`` does not have moves whichever team gets it.

    Parameters
    ----------
    division : the division before (or after): pc4, client_line, law_domain, team_id, share.
    expected : as for ``clients_of_units``.
    """
    problem, moved = layer.problem, np.zeros((layer.problem.n, layer.problem.k))
    rows = division[division["law_domain"] == layer.law_domain]
    rows = rows[rows["team_id"].isin(problem.team_ids) & rows["pc4"].isin(layer.parts["pc4"])].assign(weight=1.0)
    for line in lines_of(layer.client_line):
        kept = kept_parts(rows_of_line(rows, line), layer.parts, list(problem.team_ids), locked_teams(problem))
        moved += _clients(layer, expected, line)[:, None] * (1.0 - kept)
    return moved


def plan_of(layer: Layer, division: pd.DataFrame, expected: pd.DataFrame) -> NDArray[np.int64]:
    """(n,) the team that has most of each unit's clients in ``division``; -1 where none of the layer's teams has any.

    A part that is locked to a team is with that team.
    """
    plan = compared_with(layer, division, line_clients(expected, layer.law_domain)).problem.current
    locked = locked_teams(layer.problem)
    return np.where(locked >= 0, locked, np.full(layer.problem.n, -1) if plan is None else plan).astype(np.int64)


def division_of(layer: Layer, plan: NDArray[np.int64]) -> pd.DataFrame:
    """A layer's plan as rows of a division: pc4, client_line, law_domain, team_id, share."""
    rows = pd.DataFrame(
        {
            "pc4": layer.parts["pc4"].to_numpy(),
            "client_line": layer.client_line,
            "law_domain": layer.law_domain,
            "team_id": np.asarray(layer.problem.team_ids, dtype=object)[plan],
            "share": layer.parts["portion"].to_numpy(np.float64),
        }
    )
    return rows.groupby(["pc4", "client_line", "law_domain", "team_id"])["share"].sum().reset_index()


def with_prices(
    problem: Problem, prices: Floats, others: Weights | None = None, *, is_for_bound: bool = False
) -> Problem:
    """``problem`` with ``prices`` (n, k) in place of travel and moves: a plan costs the sum of its units' prices.

    ``others`` : weights of the further terms; without them these cost nothing. The division in force stays as a start
    for the search. What is allowed here is allowed in ``problem``; with ``is_for_bound`` the other way round.
    """
    demand = problem.demand + SLIVER * (problem.total_demand or 1.0)
    share = demand / demand.sum()
    room = ROOM if is_for_bound else -min(ROOM, problem.tolerance / 2)
    return problem.replace(
        demand=demand,
        tolerance=problem.tolerance + room,
        distance_table_km=np.maximum(prices, 0.0) / share[:, None],
        weights=replace(others or Weights(), travel=1.0, moved=0.0),
    )


def scaled(weights: Weights, factor: float) -> Weights:
    """Every weight times ``factor``."""
    changed: dict[str, Any] = {term.name: getattr(weights, term.name) * factor for term in TERMS}
    return replace(weights, groupings={name: price * factor for name, price in weights.groupings.items()}, **changed)


def usual_prices(problem: Problem, moved: Floats | None) -> Floats:
    """(n, k) what ``problem`` charges per unit and team for travel, and for ``moved`` clients (n, k) as parts of all.

    The price of moving everybody is the weight ``moved``, as for hours of work.
    """
    share = problem.demand / problem.total_demand if problem.total_demand > 0 else np.zeros(problem.n)
    prices = np.zeros((problem.n, problem.k))
    if problem.has_travel_price:
        prices += problem.weights.travel * share[:, None] * problem.distance_km
    if moved is not None:
        prices += problem.weights.moved * moved
    return prices
