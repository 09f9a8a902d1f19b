"""Teams that serve the postcodes where their own staff live, and what it would cost to bar them there (R9).

The cost is an estimate that needs no new division: each such postcode goes to the team beside it with the nearest
office (where none is beside it, to the nearest of all), everything else stays. A new division with these bars costs at
most this much travel within the tolerance, or shows that the tolerance cannot be kept.

Belongs here: these figures, for Operations. Does not belong here: bars themselves (``locks`` of the input).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.districting import Problem
from allocation.outcome.solved import Solved

COLUMNS = [
    "team_id", "law_domain", "client_line", "areas", "clients_per_year", "client_share", "extra_km", "deviation",
    "deviation_barred", "taker_deviation", "takers", "areas_without_taker",
]  # fmt: skip


def staff_table(solved: Sequence[Solved], routed: pd.DataFrame, staff: pd.DataFrame) -> pd.DataFrame:
    """One row per team and layer with an area where own staff live; empty without the input.

    Parameters
    ----------
    routed : as ``ledger.routed_work`` gives it. staff : pc4, team_id, staff (persons).

    Returns
    -------
    team_id, law_domain, client_line; ``areas`` (postcodes), ``clients_per_year`` there and ``client_share`` (of the
    team's clients in all its postcodes); and if the team were barred there: ``extra_km`` that a client there travels
    further, ``deviation`` and ``deviation_barred`` of the team, ``taker_deviation`` (the largest of the teams that take
    over), ``takers`` (joined by |), ``areas_without_taker`` (no other team may serve them).
    """
    lives = staff[staff["staff"] > 0]
    homes = {str(team): set(pc4) for team, pc4 in lives.groupby("team_id")["pc4"]}
    served = routed[["team_id", "pc4"]].assign(clients=routed["planned_clients"] * routed["share"])
    clients: pd.Series = served.groupby(["team_id", "pc4"])["clients"].sum()
    rows = []
    for one in solved:
        for team, at in enumerate(one.layer.problem.team_ids):
            if at not in homes:
                continue
            here = one.layer.parts["pc4"].isin(homes[at]).to_numpy() & (one.plan == team)
            if here.any():
                rows.append(_row(one, team, np.flatnonzero(here), clients, homes))
    return pd.DataFrame(rows, columns=COLUMNS).sort_values(COLUMNS[:3], ignore_index=True)


def _row(
    one: Solved, team: int, units: NDArray[np.int64], clients: pd.Series, homes: dict[str, set[str]]
) -> dict[str, object]:
    problem, pc4 = one.layer.problem, one.layer.parts["pc4"].to_numpy()
    name = problem.team_ids[team]
    of_team = clients.loc[[name]].droplevel(0)
    own = sorted(set(pc4[units]))
    served = float(of_team.reindex(own).fillna(0.0).sum())
    barred = _barred(one, team, units, homes)
    moved, demand = barred[units] != team, problem.demand[units]
    further = problem.distance_km[units, barred[units]] - problem.distance_km[units, team]
    weight = float(demand[moved].sum())
    takers = sorted(set(barred[units][moved].tolist()))
    after = _deviation(problem, barred)
    return {
        "team_id": name,
        "law_domain": one.layer.law_domain,
        "client_line": one.layer.client_line,
        "areas": len(own),
        "clients_per_year": served,
        "client_share": served / float(of_team.sum()) if of_team.sum() > 0 else 0.0,
        "extra_km": float((demand * further)[moved].sum()) / weight if weight > 0 else np.nan,
        "deviation": float(_deviation(problem, one.plan)[team]),
        "deviation_barred": float(after[team]),
        "taker_deviation": float(max((after[t] for t in takers), key=abs)) if takers else np.nan,
        "takers": "|".join(problem.team_ids[t] for t in takers),
        "areas_without_taker": len({pc4[unit] for unit, gone in zip(units, moved, strict=True) if not gone}),
    }


def _barred(one: Solved, team: int, units: NDArray[np.int64], homes: dict[str, set[str]]) -> NDArray[np.int64]:
    """The plan with ``units`` of ``team`` at others; those that nobody may have stay. (n,)"""
    problem, pc4 = one.layer.problem, one.layer.parts["pc4"].to_numpy()
    plan = one.plan.copy()
    ends = np.concatenate([problem.edges, problem.edges[:, ::-1]])
    for unit in units:
        able = problem.allowed_mask[unit].copy()
        able[team] = False
        able &= np.array([pc4[unit] not in homes.get(code, ()) for code in problem.team_ids])
        if not able.any():
            continue
        beside = np.zeros(problem.k, dtype=bool)
        beside[one.plan[ends[ends[:, 0] == unit, 1]]] = True
        choice = able & beside if (able & beside).any() else able
        plan[unit] = np.where(choice, problem.distance_km[unit], np.inf).argmin()
    return plan


def _deviation(problem: Problem, plan: NDArray[np.int64]) -> NDArray[np.float64]:
    """(k,) part by which each team's load differs from its target."""
    load = problem.base + np.bincount(plan, problem.demand, problem.k)
    target = np.where(problem.target > 0, problem.target, 1.0)
    return np.asarray(np.where(problem.target > 0, load / target - 1.0, 0.0))
