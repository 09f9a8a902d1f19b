"""The load of every team against its capacity, per layer: sums over the ledger, and where its area lies.

Belongs here: putting the table together. Does not belong here: what a team gets and holds (`ledger`), or deciding
anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, FAR_KM, FAR_MINUTES, MONTHS_A_YEAR, ZW_WIA
from allocation.demand.intervals import team_interval
from allocation.layers.balance import balanced_hours
from allocation.layers.spread import Spreads, chances
from allocation.layers.ways import Ways
from allocation.layers.work import SPECIAL
from allocation.outcome.ledger import LAYER, layers_of_teams, with_layer
from allocation.outcome.solved import Solved, assigned
from allocation.outcome.waiting import projected_months

SUMS = [
    "structural_clients", "structural_hours_verzekeringsarts", "structural_hours_other", "stock_clients", "stock_hours",
    "files_held", "held_hours", "hours_verzekeringsarts", "hours_other", "inflow_hours", "queue_hours",
    "recurring_hours", "balanced",
]  # fmt: skip


def team_load(
    solved: Sequence[Solved],
    ledger: pd.DataFrame,
    routed: pd.DataFrame,
    areas: pd.DataFrame,
    teams: pd.DataFrame,
    capacity: pd.DataFrame,
    recurring: frozenset[str],
    spreads: Spreads,
    ways: Ways,
    config: Config,
) -> pd.DataFrame:
    """Table ``team_load``: one row per team and layer, the special teams last.

    Parameters
    ----------
    ledger, routed : as ``ledger.ledger`` and ``ledger.routed_work`` give them.
    areas : one row per postcode. teams : the teams in force.
    capacity : as ``layers.work.capacity_hours`` gives it. recurring : products whose files are no queue.
    spreads : what the hours of each layer can be off by.
    ways : how far each postcode lies from each office.
    """
    rows = pd.concat([*(_given(one, spreads) for one in solved), _special(teams, capacity, config)], ignore_index=True)
    rows = rows.merge(_sums(ledger, recurring, config), on=LAYER, how="left").fillna(dict.fromkeys(SUMS, 0.0))
    rows = rows.merge(_places(solved, routed, areas, teams, ways), on=LAYER, how="left").merge(
        _interval(solved, routed), on=LAYER, how="left"
    )
    rows["target_hours"] = rows["target_hours"].fillna(rows["structural_hours_verzekeringsarts"])
    target, hours = rows["target_hours"], rows["capacity_hours_verzekeringsarts"]
    is_special = rows["kind"].eq(SPECIAL) if "kind" in rows else rows["cluster"].eq(COUNTRY)
    deviation = ((rows["balanced"] - target) / target.where(target > 0)).fillna(0.0).where(~is_special, 0.0)
    of_team = rows["team_id"].map(capacity["verzekeringsarts"])
    monthly = (hours / MONTHS_A_YEAR).where(hours > 0)
    table = rows.assign(
        areas=rows["areas"].fillna(0).astype("int64"),
        inhabitants=rows["inhabitants"].fillna(0.0),
        clients_per_year=rows["structural_clients"],
        first_year_hours_verzekeringsarts=rows["hours_verzekeringsarts"],
        first_year_hours_other=rows["hours_other"],
        hours_verzekeringsarts=rows["structural_hours_verzekeringsarts"],
        hours_other=rows["structural_hours_other"],
        hours_low=rows["hours_low"].fillna(0.0),
        hours_high=rows["hours_high"].fillna(0.0),
        capacity_hours_other=rows["team_id"].map(capacity["other"]) * (hours / of_team.where(of_team > 0)).fillna(0.0),
        deviation=deviation,
        is_within_tolerance=deviation.abs() <= rows["tolerance"] * (1 + 1e-9),
        stock_clients=rows["stock_clients"].round().astype("int64"),
        stock_hours_verzekeringsarts=rows["stock_hours"],
        files_held=rows["files_held"].round().astype("int64"),
        files_held_hours_verzekeringsarts=rows["held_hours"],
        waiting_months=rows["held_hours"] / monthly,
        projected_waiting_months=projected_months(
            rows["queue_hours"], rows["inflow_hours"] + rows["recurring_hours"], hours, config.horizon_months
        ),
    )
    table = table.rename(columns={"layer_line": "client_line"})
    table = table.merge(teams[["team_id", "name", "office", "kind"]], on="team_id")
    return table.sort_values(["team_id", "law_domain", "client_line"], ignore_index=True)[COLUMNS]


COUNTRY = "landelijk"
"""The cluster of the special teams: their clients come from everywhere."""
COLUMNS = [
    "team_id", "cluster", "law_domain", "client_line", "areas", "inhabitants", "clients_per_year",
    "hours_verzekeringsarts", "hours_other", "hours_low", "hours_high", "capacity_hours_verzekeringsarts",
    "capacity_hours_other", "target_hours", "deviation", "tolerance", "is_within_tolerance", "chance_within_tolerance",
    "pieces", "travel_km", "travel_kind", "travel_minutes", "far_share", "stock_clients",
    "stock_hours_verzekeringsarts", "files_held", "files_held_hours_verzekeringsarts",
    "first_year_hours_verzekeringsarts", "first_year_hours_other", "waiting_months", "projected_waiting_months", "name",
    "office", "kind",
]  # fmt: skip


def _given(one: Solved, spreads: Spreads) -> pd.DataFrame:
    """One row per team of a layer: what the problem asks of it, how sure that is, and the pieces of its area."""
    layer, problem = one.layer, one.layer.problem
    noise = spreads.of_teams(layer, one.plan)
    return pd.DataFrame(
        {
            "team_id": problem.team_ids,
            "cluster": layer.cluster,
            "law_domain": layer.law_domain,
            "layer_line": layer.client_line,
            "capacity_hours_verzekeringsarts": problem.capacity,
            "target_hours": problem.target,
            "tolerance": problem.tolerance,
            "pieces": one.pieces,
            "chance_within_tolerance": chances(layer, noise, one.plan, problem.tolerance),
        }
    )


def _special(teams: pd.DataFrame, capacity: pd.DataFrame, config: Config) -> pd.DataFrame:
    """One row per special team: it has no area to balance, so its target is its own work."""
    ids = teams.loc[teams["kind"] == SPECIAL, "team_id"]
    return pd.DataFrame(
        {
            "team_id": ids,
            "cluster": COUNTRY,
            "law_domain": ZW_WIA,
            "layer_line": ALL_LINES,
            "capacity_hours_verzekeringsarts": ids.map(capacity["verzekeringsarts"]).fillna(0.0),
            "target_hours": np.nan,
            "tolerance": config.tolerance,
            "pieces": 1,
        }
    )


def _sums(ledger: pd.DataFrame, recurring: frozenset[str], config: Config) -> pd.DataFrame:
    """LAYER and SUMS, of the rows of the ledger."""
    returns = ledger["product"].isin(recurring)
    rows = ledger.assign(
        queue_hours=ledger["held_hours"].where(~returns, 0.0),
        recurring_hours=ledger["hours_verzekeringsarts"].where(returns, 0.0),
        balanced=balanced_hours(ledger, recurring, config),
    )
    return rows.groupby(LAYER)[SUMS].sum().reset_index()


def _places(
    solved: Sequence[Solved], routed: pd.DataFrame, areas: pd.DataFrame, teams: pd.DataFrame, ways: Ways
) -> pd.DataFrame:
    """LAYER, areas, inhabitants, and of the way to the office: travel_km and travel_minutes (means by structural
    verzekeringsarts hours), travel_kind, and far_share (of the clients; see ``vocabulary.FAR_MINUTES``)."""
    inhabitants = areas.set_index("pc4")["inhabitants"].astype("float64").fillna(0.0)
    parts = pd.concat(
        [assigned(one).assign(law_domain=one.layer.law_domain, layer_line=one.layer.client_line) for one in solved],
        ignore_index=True,
    )
    parts = parts[parts["portion"] > 0]
    parts["inhabitants"] = parts["pc4"].map(inhabitants) * parts["portion"]
    used = parts.groupby(LAYER).agg(areas=("pc4", "nunique"), inhabitants=("inhabitants", "sum"))
    lines = layers_of_teams(solved)
    amounts = {"hours": "hours_verzekeringsarts", "clients": "planned_clients"}
    rows = routed[["pc4", "team_id", "serves", "line"]].assign(
        **{new: routed[old] * routed["share"] for new, old in amounts.items()}
    )
    sums_of = rows.groupby(["pc4", "team_id", "serves", "line"])[list(amounts)].sum().reset_index()
    rows = with_layer(sums_of, lines)
    km = parts.drop_duplicates([*LAYER, "pc4"])[[*LAYER, "pc4", "distance_km"]]
    rows = rows.merge(km, on=[*LAYER, "pc4"], how="left")
    sums = _travelled(rows.assign(minutes=_minutes(rows, teams, ways)))
    sums["travel_kind"] = pd.Series(ways.kind, index=sums.index, dtype=object).where(sums["travel_km"].notna(), None)
    both = sums.join(used, how="outer")
    both["areas"] = both["areas"].fillna(both["served"])
    return both.drop(columns="served").reset_index()


def _minutes(rows: pd.DataFrame, teams: pd.DataFrame, ways: Ways) -> pd.Series:
    """Minutes of each row (team_id, pc4, distance_km) with an area; missing where not known."""
    office = teams.drop_duplicates("team_id", keep="last").set_index("team_id")["office_pc4"]
    return ways.minutes(rows["pc4"], rows["team_id"].map(office)).where(rows["distance_km"].notna())


def _travelled(rows: pd.DataFrame) -> pd.DataFrame:
    """Per LAYER: travel_km, travel_minutes (missing unless known for all work), far_share and served (postcodes)."""
    by_minutes = rows["minutes"] > FAR_MINUTES
    far = by_minutes.where(rows["minutes"].notna(), rows["distance_km"] > FAR_KM)
    known = rows["minutes"].notna() | rows["distance_km"].notna()
    rows = rows.assign(
        hours_km=rows["hours"] * rows["distance_km"],
        hours_minutes=rows["hours"] * rows["minutes"],
        untimed=rows["hours"].where(rows["minutes"].isna(), 0.0),
        counted=rows["clients"].where(known),
        far=(rows["clients"] * far).where(known),
    )
    wholes = ["hours_km", "hours_minutes", "counted", "far"]
    sums = rows.groupby(LAYER)[["hours", "untimed", *wholes]].sum(min_count=1)
    hours, counted = sums["hours"].where(sums["hours"] > 0), sums["counted"].where(sums["counted"] > 0)
    return pd.DataFrame(
        {
            "travel_km": sums["hours_km"] / hours,
            "travel_minutes": (sums["hours_minutes"] / hours).where(sums["untimed"].fillna(0.0) <= 0),
            "far_share": sums["far"] / counted,
            "served": rows.groupby(LAYER)["pc4"].nunique(),
        }
    )


def _interval(solved: Sequence[Solved], routed: pd.DataFrame) -> pd.DataFrame:
    """LAYER with hours_low and hours_high, the 80% interval of the structural verzekeringsarts hours."""
    rows = with_layer(routed, layers_of_teams(solved))
    return team_interval(rows, by=LAYER).reset_index()
