"""What a division means in figures: the load of every team, and one line per region and layer.

Belongs here: adding up work, stock, travel and splits over teams and regions. Does not belong here: deciding anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, MONTHS_A_YEAR, REGULAR_GROUP
from allocation.demand.intervals import team_interval
from allocation.layers.work import balanced_hours, layer_work, verzekeringsarts_hours
from allocation.outcome.routing import special_shares
from allocation.outcome.solved import Solved, assigned, by_kind

AMOUNTS = ["planned_clients", "hours_verzekeringsarts", "hours_other", "stock_clients", "stock_hours_verzekeringsarts"]


def team_load(
    solved: Sequence[Solved], work: pd.DataFrame, areas: pd.DataFrame, teams: pd.DataFrame, config: Config
) -> pd.DataFrame:
    """Table ``team_load``: one row per team and layer, the special teams last."""
    places = areas.set_index("pc4")
    rows = [
        _load(alike, layer_work(work, *kind, config), places, teams, config) for kind, alike in by_kind(solved).items()
    ]
    rows.append(_special_load(work, teams, config))
    table = pd.concat([frame for frame in rows if len(frame)], ignore_index=True)
    table = table.merge(teams[["team_id", "name", "office", "kind"]], on="team_id")
    table["deviation"] = table["deviation"].fillna(0.0)
    table["is_within_tolerance"] = table["deviation"].abs() <= table["tolerance"] * (1 + 1e-9)
    monthly = table["capacity_hours_verzekeringsarts"] / MONTHS_A_YEAR
    table["waiting_months"] = table["stock_hours_verzekeringsarts"] / monthly.where(monthly > 0)
    return table.sort_values(["team_id", "law_domain", "client_line"], ignore_index=True)


def _load(
    alike: Sequence[Solved], work: pd.DataFrame, places: pd.DataFrame, teams: pd.DataFrame, config: Config
) -> pd.DataFrame:
    """One row per team of layers of one law domain and client line; ``work``: what belongs to these."""
    table = pd.concat([_given(one) for one in alike], ignore_index=True)
    parts = pd.concat([assigned(one) for one in alike], ignore_index=True)
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


def _interval(rows: pd.DataFrame, team_ids: Sequence[str]) -> pd.DataFrame:
    """Columns hours_low and hours_high (80% interval) per team; ``rows``: work with team_id and share."""
    return team_interval(rows).reindex(list(team_ids), fill_value=0.0)
