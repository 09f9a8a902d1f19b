"""What it costs in clients that a unit of a layer changes team, and problems whose price is any sum over units.

The search prices moves by hours of work. A planner counts clients, and where two lines become one the clients of each
line count for their own team. Both are sums over units of a price per unit and team, so that the search and its bounds
can work on them as they are.

Belongs here: that table of clients, and putting a table of prices in a problem. Does not belong here: choosing a
division (`alternatives`), or counting the moves of one that is made (``outcome.transition.allocation_changes``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES
from allocation.districting import TERMS, Problem, Weights
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


def by_line(division: pd.DataFrame) -> pd.DataFrame:
    """``division`` (pc4, client_line, law_domain, team_id, share) with a row per line in place of ``alle``."""
    out = division["client_line"] == ALL_LINES
    written = [division[out].assign(client_line=line) for line in CLIENT_LINES]
    return pd.concat([division[~out], *written], ignore_index=True)


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

    Of a postcode that several teams share, a team that gets all of it keeps its own share. A postcode that
    ``division`` does not have moves whichever team gets it.

    Parameters
    ----------
    division : the division before (or after): pc4, client_line, law_domain, team_id, share.
    expected : as for ``clients_of_units``.
    """
    moved = np.zeros((layer.problem.n, layer.problem.k))
    for line, shares in shares_now(layer, division).items():
        moved += _clients(layer, expected, line)[:, None] * np.clip(1.0 - shares, 0.0, 1.0)
    return moved


def shares_now(layer: Layer, division: pd.DataFrame) -> dict[str, Floats]:
    """Per line of the layer (n, k): the share of each unit's postcode that each of its teams has in ``division``."""
    rows = by_line(division[division["law_domain"] == layer.law_domain])
    position = {team: at for at, team in enumerate(layer.problem.team_ids)}
    units = pd.DataFrame({"pc4": layer.parts["pc4"].to_numpy(), "unit": np.arange(layer.problem.n)})
    found = units.merge(rows[rows["team_id"].isin(position)], on="pc4")
    shares = {line: np.zeros((layer.problem.n, layer.problem.k)) for line in lines_of(layer.client_line)}
    for line, of_line in shares.items():
        mine = found[found["client_line"] == line]
        np.add.at(of_line, (mine["unit"].to_numpy(), mine["team_id"].map(position).to_numpy(int)), mine["share"])
    return shares


def plan_of(layer: Layer, division: pd.DataFrame, expected: pd.DataFrame) -> NDArray[np.int64]:
    """(n,) the team that has most of each unit's clients in ``division``; -1 where none of the layer's teams has any.

    A part that is locked to a team is with that team.
    """
    shares = shares_now(layer, division)
    clients = sum((_clients(layer, expected, line)[:, None] + 1e-9) * of_line for line, of_line in shares.items())
    most = np.asarray(clients)
    plan = np.where(most.max(axis=1) > 0, most.argmax(axis=1), -1).astype(np.int64)
    fixed = layer.problem.fixed
    return plan if fixed is None else np.where(fixed >= 0, fixed, plan)


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
