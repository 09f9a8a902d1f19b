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
from allocation.layers import PW, ZW_WIA, Layer, balanced_hours, layer_work, verzekeringsarts_hours
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
    rows = [
        _load(alike, layer_work(work, *kind, config), places, teams, config) for kind, alike in _by_kind(solved).items()
    ]
    rows.append(_special_load(work, teams, config))
    table = pd.concat([frame for frame in rows if len(frame)], ignore_index=True)
    table = table.merge(teams[["team_id", "name", "office", "kind"]], on="team_id")
    table["deviation"] = table["deviation"].fillna(0.0)
    table["is_within_tolerance"] = table["deviation"].abs() <= table["tolerance"] * (1 + 1e-9)
    monthly = table["capacity_hours_verzekeringsarts"] / MONTHS_A_YEAR
    table["waiting_months"] = table["stock_hours_verzekeringsarts"] / monthly.where(monthly > 0)
    return table.sort_values(["team_id", "law_domain", "client_line"], ignore_index=True)


def _by_kind(solved: Sequence[Solved]) -> dict[tuple[str, str], list[Solved]]:
    """The layers of each law domain and client line: they share their work, and no team is in two of them."""
    kinds: dict[tuple[str, str], list[Solved]] = {}
    for one in solved:
        kinds.setdefault((one.layer.law_domain, one.layer.client_line), []).append(one)
    return kinds


def _load(
    alike: Sequence[Solved], work: pd.DataFrame, places: pd.DataFrame, teams: pd.DataFrame, config: Config
) -> pd.DataFrame:
    """One row per team of layers of one law domain and client line; ``work``: what belongs to these."""
    table = pd.concat([_given(one) for one in alike], ignore_index=True)
    parts = pd.concat([_assigned(one) for one in alike], ignore_index=True)
    inhabitants = places["inhabitants"].astype("float64").fillna(0.0)
    parts["inhabitants"] = inhabitants.loc[parts["pc4"]].to_numpy() * parts["portion"]
    rows = parts[["pc4", "team_id", "portion", "distance_km"]].rename(columns={"portion": "share"})
    rows = rows.merge(work, on="pc4")
    interval = _interval(rows, table["team_id"].to_list())
    rows[AMOUNTS] = rows[AMOUNTS].mul(rows["share"], axis=0)
    rows["hours_km"] = rows["hours_verzekeringsarts"] * rows["distance_km"]
    rows["balanced"] = balanced_hours(rows, config)
    sums = rows.groupby("team_id")[[*AMOUNTS, "hours_km", "balanced"]].sum()
    sums = sums.reindex(table["team_id"], fill_value=0.0).reset_index(drop=True)
    own = teams.set_index("team_id").loc[table["team_id"]]
    used = parts[parts["portion"] > 0].groupby("team_id")["pc4"].nunique()
    served = parts.groupby("team_id")["inhabitants"].sum()
    hours, capacity, target = (
        sums["hours_verzekeringsarts"],
        table["capacity_hours_verzekeringsarts"],
        table["target_hours"],
    )
    return table.assign(
        areas=used.reindex(table["team_id"], fill_value=0).to_numpy(),
        inhabitants=served.reindex(table["team_id"], fill_value=0.0).to_numpy(),
        clients_per_year=sums["planned_clients"],
        hours_verzekeringsarts=hours,
        hours_other=sums["hours_other"],
        hours_low=interval["hours_low"].to_numpy(),
        hours_high=interval["hours_high"].to_numpy(),
        capacity_hours_other=_other_hours(own, config) * capacity / verzekeringsarts_hours(own, config).to_numpy(),
        deviation=(sums["balanced"] - target) / target.where(target > 0),
        travel_km=sums["hours_km"] / hours.where(hours > 0),
        stock_clients=sums["stock_clients"].round().astype("int64"),
        stock_hours_verzekeringsarts=sums["stock_hours_verzekeringsarts"],
    )


def _given(one: Solved) -> pd.DataFrame:
    """One row per team of a layer: what the problem asks of it, and the pieces of its area."""
    layer, problem = one.layer, one.layer.problem
    return pd.DataFrame(
        {
            "team_id": problem.team_ids,
            "cluster": layer.cluster,
            "law_domain": layer.law_domain,
            "client_line": layer.client_line,
            "capacity_hours_verzekeringsarts": problem.capacity,
            "target_hours": problem.target,
            "tolerance": problem.tolerance,
            "pieces": one.pieces,
        }
    )


def _assigned(one: Solved) -> pd.DataFrame:
    """The parts of a layer (pc4, portion) with their team and the way to its office (km)."""
    problem = one.layer.problem
    parts = one.layer.parts[["pc4", "portion"]].assign(team_id=np.asarray(problem.team_ids, dtype=object)[one.plan])
    has_offices = problem.office_xy_m is not None
    parts["distance_km"] = problem.distance_km[np.arange(problem.n), one.plan] if has_offices else np.nan
    return parts


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
    products: pd.DataFrame,
    config: Config,
) -> pd.DataFrame:
    """Table ``region_summary``: one row per region and layer."""
    places = areas.set_index("pc4")
    moved_clients = _moved_clients(transition, solved, places, products)
    rows = []
    for (domain, line), alike in _by_kind(solved).items():
        hours = (
            layer_work(work, domain, line, config)
            .groupby("pc4")[["hours_verzekeringsarts", "stock_hours_verzekeringsarts"]]
            .sum()
        )
        of_kind = load[(load["law_domain"] == domain) & (load["client_line"] == line)].set_index("team_id")
        changed = changes[(changes["law_domain"] == domain) & changes["client_line"].isin([line, ALL_LINES])]
        for one in alike:
            parts = _parts_with_work(one, hours, places)
            rows += [
                _region_row(one, int(nr), parts, of_kind, changed, moved_clients, places) for nr in one.layer.regions
            ]
    return pd.DataFrame(rows).sort_values(["arbeidsmarktregio_nr", "law_domain", "client_line"], ignore_index=True)


def _moved_clients(
    transition: pd.DataFrame, solved: Sequence[Solved], places: pd.DataFrame, products: pd.DataFrame
) -> dict[tuple[int, str, str], int]:
    """Clients in stock whose team changes, by region, law domain and client line; together all of ``transition``.

    Of an ended team they move in postcodes that keep their team as well. Where a region has a layer for each line, a
    client of line ``alle`` counts for the layer of the new team, one who goes to a special team for the first.
    """
    first: dict[tuple[int, str], str] = {}
    of_team: dict[tuple[int, str, str], str] = {}
    for one in sorted(solved, key=lambda one: one.layer.client_line, reverse=True):
        for nr in map(int, one.layer.regions):
            first[nr, one.layer.law_domain] = one.layer.client_line
            of_team.update(
                {(nr, one.layer.law_domain, team): one.layer.client_line for team in one.layer.problem.team_ids}
            )
    layers = {(int(nr), one.layer.law_domain, one.layer.client_line) for one in solved for nr in one.layer.regions}
    law, region = products.set_index("product")["law"], places["arbeidsmarktregio_nr"]
    clients: dict[tuple[int, str, str], int] = {}
    moved = transition[transition["movement"] == "verhuist"]
    counts = moved.groupby(["pc4", "product", "client_line", "team_to"])["clients"].sum().reset_index()
    for pc4, product, line, team, number in counts.to_numpy().tolist():
        nr, domain = int(region[pc4]), PW if law[product] == "PW" else ZW_WIA
        other = of_team.get((nr, domain, team), first.get((nr, domain), line))
        layer = (nr, domain, line if (nr, domain, line) in layers else other)
        clients[layer] = clients.get(layer, 0) + int(number)
    return clients


def _parts_with_work(one: Solved, hours: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """The assigned parts of a layer with their ``hours`` (per pc4), region, gemeente and care region."""
    parts = _assigned(one)
    mine = hours.reindex(parts["pc4"], fill_value=0.0)
    for column in hours:
        parts[column] = mine[column].to_numpy() * parts["portion"]
    here = places.loc[parts["pc4"]]
    parts["region"], parts["gemeente"] = here["arbeidsmarktregio_nr"].to_numpy(), here["gemeente_code"].to_numpy()
    parts["care"] = one.layer.problem.care_region
    return parts


def _region_row(
    one: Solved,
    nr: int,
    parts: pd.DataFrame,
    load: pd.DataFrame,
    changes: pd.DataFrame,
    moved_clients: dict[tuple[int, str, str], int],
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
        "travel_km": float((mine["hours_verzekeringsarts"] * mine["distance_km"]).sum() / hours) if hours > 0 else None,
        "municipality_splits": _splits(mine, "gemeente"),
        "care_region_splits": _splits(mine, "care"),
        "areas_moved": len(moved),
        "clients_moved": moved_clients.get((nr, one.layer.law_domain, one.layer.client_line), 0),
        "waiting_months": stock_of_teams / (capacity / MONTHS_A_YEAR) if capacity > 0 else None,
        "objective": one.objective,
        "lower_bound": one.lower_bound,
        "gap": one.gap,
    }


def _splits(parts: pd.DataFrame, column: str) -> int:
    """Sum over the groups of (teams in it - 1)."""
    return int((parts.groupby(column)["team_id"].nunique() - 1).sum())
