"""What a division means in figures: the load of every team, and one line per region and layer.

Belongs here: adding up work, stock, travel and splits over teams and regions. Does not belong here: deciding anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from allocation.config import Config
from allocation.demand import team_interval
from allocation.districting import Problem
from allocation.layers import Layer, balanced_hours, layer_work, verzekeringsarts_hours
from allocation.routing import special_shares
from allocation.tables import ALL_LINES, REGULAR_GROUP

AMOUNTS = ["planned_clients", "hours_verzekeringsarts", "hours_other", "stock_clients", "stock_hours_verzekeringsarts"]
MONTHS_A_YEAR = 12


@dataclass(frozen=True)
class Solved:
    """A layer with its plan and what the solver said of it. ``plan`` (n,): team index of each unit."""

    layer: Layer
    plan: NDArray[np.int64]
    pieces: NDArray[np.int64]
    objective: float
    lower_bound: float | None
    gap: float | None


def team_load(
    solved: Sequence[Solved], work: pd.DataFrame, areas: pd.DataFrame, teams: pd.DataFrame, config: Config
) -> pd.DataFrame:
    """Table ``team_load``: one row per team and layer, the special teams last."""
    places = areas.set_index("pc4")
    rows = [_layer_load(one, work, places, teams, config) for one in solved]
    rows.append(_special_load(work, teams, config))
    table = pd.concat([frame for frame in rows if len(frame)], ignore_index=True)
    table = table.merge(teams[["team_id", "name", "office", "kind"]], on="team_id")
    table["deviation"] = table["deviation"].fillna(0.0)
    table["is_within_tolerance"] = table["deviation"].abs() <= table["tolerance"] * (1 + 1e-9)
    monthly = table["capacity_hours_verzekeringsarts"] / MONTHS_A_YEAR
    table["waiting_months"] = table["stock_hours_verzekeringsarts"] / monthly.where(monthly > 0)
    return table.sort_values(["team_id", "law_domain", "client_line"], ignore_index=True)


def _layer_load(
    one: Solved, work: pd.DataFrame, places: pd.DataFrame, teams: pd.DataFrame, config: Config
) -> pd.DataFrame:
    layer, problem = one.layer, one.layer.problem
    parts = layer.parts.assign(team_id=np.asarray(problem.team_ids, dtype=object)[one.plan])
    parts["distance_km"] = (
        problem.distance_km[np.arange(problem.n), one.plan] if problem.office_xy_m is not None else np.nan
    )
    parts["inhabitants"] = (
        places["inhabitants"].astype("float64").fillna(0.0).loc[parts["pc4"]].to_numpy() * parts["portion"]
    )
    rows = layer_work(work, layer.law_domain, layer.client_line, config)
    rows = (
        parts[["pc4", "team_id", "portion", "distance_km"]].rename(columns={"portion": "share"}).merge(rows, on="pc4")
    )
    interval = _interval(rows, problem.team_ids)
    rows[AMOUNTS] = rows[AMOUNTS].mul(rows["share"], axis=0)
    rows["hours_km"] = rows["hours_verzekeringsarts"] * rows["distance_km"]
    rows["balanced"] = balanced_hours(rows, config)
    sums = rows.groupby("team_id")[[*AMOUNTS, "hours_km", "balanced"]].sum().reindex(problem.team_ids, fill_value=0.0)
    capacity = problem.capacity
    own = teams.set_index("team_id").loc[list(problem.team_ids)]
    part = capacity / verzekeringsarts_hours(own, config).to_numpy()
    used = parts[parts["portion"] > 0]
    return pd.DataFrame(
        {
            "team_id": problem.team_ids,
            "cluster": layer.cluster,
            "law_domain": layer.law_domain,
            "client_line": layer.client_line,
            "areas": used.groupby("team_id")["pc4"].nunique().reindex(problem.team_ids, fill_value=0).to_numpy(),
            "inhabitants": parts.groupby("team_id")["inhabitants"]
            .sum()
            .reindex(problem.team_ids, fill_value=0.0)
            .to_numpy(),
            "clients_per_year": sums["planned_clients"].to_numpy(),
            "hours_verzekeringsarts": sums["hours_verzekeringsarts"].to_numpy(),
            "hours_other": sums["hours_other"].to_numpy(),
            "hours_low": interval["hours_low"].to_numpy(),
            "hours_high": interval["hours_high"].to_numpy(),
            "capacity_hours_verzekeringsarts": capacity,
            "capacity_hours_other": _other_hours(own, config) * part,
            "target_hours": problem.target,
            "deviation": (sums["balanced"].to_numpy() - problem.target)
            / np.where(problem.target > 0, problem.target, np.nan),
            "tolerance": problem.tolerance,
            "pieces": one.pieces,
            "travel_km": (
                sums["hours_km"] / sums["hours_verzekeringsarts"].where(sums["hours_verzekeringsarts"] > 0)
            ).to_numpy(),
            "stock_clients": sums["stock_clients"].round().astype("int64").to_numpy(),
            "stock_hours_verzekeringsarts": sums["stock_hours_verzekeringsarts"].to_numpy(),
        }
    )


def _other_hours(teams: pd.DataFrame, config: Config) -> NDArray[np.float64]:
    hours = teams["fte_other"] * config.work.productive_hours_per_fte * teams["productivity"]
    return hours.to_numpy(dtype=np.float64)


def _special_load(work: pd.DataFrame, teams: pd.DataFrame, config: Config) -> pd.DataFrame:
    """The special SMCs: their groups' work from all over the country, by share where a group has several teams (R4)."""
    shares = special_shares(teams, config)
    mine = work[
        ~work["is_central"] & (work["client_group"] != REGULAR_GROUP) & (config.special_first | (work["law"] != "PW"))
    ]
    rows = shares.merge(mine, on="client_group")
    ids = tuple(shares["team_id"].unique())
    interval = _interval(rows, ids)
    rows[AMOUNTS] = rows[AMOUNTS].mul(rows["share"], axis=0)
    own = teams.set_index("team_id").loc[list(ids)]
    sums = rows.groupby("team_id")[AMOUNTS].sum().reindex(ids, fill_value=0.0)
    return pd.DataFrame(
        {
            "team_id": ids,
            "cluster": "landelijk",
            "law_domain": "zw_wia",
            "client_line": ALL_LINES,
            "areas": rows.groupby("team_id")["pc4"].nunique().reindex(ids, fill_value=0).to_numpy(),
            "inhabitants": 0.0,
            "clients_per_year": sums["planned_clients"].to_numpy(),
            "hours_verzekeringsarts": sums["hours_verzekeringsarts"].to_numpy(),
            "hours_other": sums["hours_other"].to_numpy(),
            "hours_low": interval["hours_low"].to_numpy(),
            "hours_high": interval["hours_high"].to_numpy(),
            "capacity_hours_verzekeringsarts": verzekeringsarts_hours(own, config).to_numpy(),
            "capacity_hours_other": _other_hours(own, config),
            "target_hours": sums["hours_verzekeringsarts"].to_numpy(),
            "deviation": 0.0,
            "tolerance": config.tolerance,
            "pieces": 1,
            "travel_km": np.nan,
            "stock_clients": sums["stock_clients"].round().astype("int64").to_numpy(),
            "stock_hours_verzekeringsarts": sums["stock_hours_verzekeringsarts"].to_numpy(),
        }
    )


def pieces(problem: Problem, plan: NDArray[np.int64]) -> NDArray[np.int64]:
    """(k,) connected parts of each team's area."""
    same = plan[problem.edges[:, 0]] == plan[problem.edges[:, 1]]
    a, b = problem.edges[same].T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(problem.n, problem.n))
    _, label = connected_components(graph, directed=False)
    _, first = np.unique(label, return_index=True)
    return np.bincount(plan[first], minlength=problem.k)


def _interval(rows: pd.DataFrame, team_ids: Sequence[str]) -> pd.DataFrame:
    """Columns hours_low and hours_high (80% interval) per team; ``rows``: work with team_id and share."""
    return team_interval(rows).reindex(list(team_ids), fill_value=0.0)


def region_summary(
    solved: Sequence[Solved],
    load: pd.DataFrame,
    changes: pd.DataFrame,
    transition: pd.DataFrame,
    work: pd.DataFrame,
    areas: pd.DataFrame,
    config: Config,
) -> pd.DataFrame:
    """Table ``region_summary``: one row per region and layer."""
    places = areas.set_index("pc4")
    moved_clients = transition[transition["movement"] == "verhuist"].groupby("pc4")["clients"].sum()
    rows = []
    for one in solved:
        per_part = _parts_with_work(one, work, places, config)
        of_layer = load[(load["law_domain"] == one.layer.law_domain) & (load["client_line"] == one.layer.client_line)]
        of_layer = of_layer.set_index("team_id")
        changed = changes[
            (changes["law_domain"] == one.layer.law_domain)
            & changes["client_line"].isin([one.layer.client_line, ALL_LINES])
        ]
        for nr in one.layer.regions:
            rows.append(_region_row(one, int(nr), per_part, of_layer, changed, moved_clients, places))
    return pd.DataFrame(rows).sort_values(["arbeidsmarktregio_nr", "law_domain", "client_line"], ignore_index=True)


def _parts_with_work(one: Solved, work: pd.DataFrame, places: pd.DataFrame, config: Config) -> pd.DataFrame:
    layer = one.layer
    hours = (
        layer_work(work, layer.law_domain, layer.client_line, config)
        .groupby("pc4")[["hours_verzekeringsarts", "stock_hours_verzekeringsarts"]]
        .sum()
    )
    parts = layer.parts[["pc4", "portion"]].assign(team=one.plan)
    parts["team_id"] = np.asarray(layer.problem.team_ids, dtype=object)[one.plan]
    for column in hours:
        parts[column] = hours[column].reindex(parts["pc4"], fill_value=0.0).to_numpy() * parts["portion"]
    parts["km"] = (
        layer.problem.distance_km[np.arange(layer.problem.n), one.plan]
        if layer.problem.office_xy_m is not None
        else np.nan
    )
    parts["region"] = places["arbeidsmarktregio_nr"].loc[parts["pc4"]].to_numpy()
    parts["gemeente"] = places["gemeente_code"].loc[parts["pc4"]].to_numpy()
    parts["care"] = layer.problem.care_region
    return parts


def _region_row(
    one: Solved,
    nr: int,
    parts: pd.DataFrame,
    load: pd.DataFrame,
    changes: pd.DataFrame,
    moved_clients: pd.Series,
    places: pd.DataFrame,
) -> dict[str, object]:
    mine = parts[parts["region"] == nr]
    here = places[places["arbeidsmarktregio_nr"] == nr]
    teams = sorted(mine["team_id"].unique())
    deviation = load.loc[teams, "deviation"].abs()
    hours = float(mine["hours_verzekeringsarts"].sum())
    moved = changes.loc[changes["pc4"].isin(here.index), "pc4"].unique()
    capacity = float(load.loc[teams, "capacity_hours_verzekeringsarts"].sum())
    stock_of_teams = float(load.loc[teams, "stock_hours_verzekeringsarts"].sum())
    return {
        "arbeidsmarktregio_nr": nr,
        "arbeidsmarktregio": here["arbeidsmarktregio"].iloc[0],
        "cluster": one.layer.cluster,
        "law_domain": one.layer.law_domain,
        "client_line": one.layer.client_line,
        "teams": len(teams),
        "areas": int(mine["pc4"].nunique()),
        "inhabitants": int(here["inhabitants"].fillna(0).sum()),
        "hours_verzekeringsarts": hours,
        "mean_deviation": float(deviation.mean()),
        "max_deviation": float(deviation.max()),
        "travel_km": float((mine["hours_verzekeringsarts"] * mine["km"]).sum() / hours) if hours > 0 else None,
        "municipality_splits": _splits(mine, "gemeente"),
        "care_region_splits": _splits(mine, "care"),
        "areas_moved": len(moved),
        "clients_moved": int(moved_clients.reindex(moved).fillna(0).sum()),
        "waiting_months": stock_of_teams / (capacity / MONTHS_A_YEAR) if capacity > 0 else None,
        "objective": one.objective,
        "lower_bound": one.lower_bound,
        "gap": one.gap,
    }


def _splits(parts: pd.DataFrame, column: str) -> int:
    """Sum over the groups of (teams in it - 1)."""
    return int((parts.groupby(column)["team"].nunique() - 1).sum())
