"""One line per region and layer: teams, deviation, travel, splits, moves, waiting time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, MONTHS_A_YEAR, PW, ZW_WIA
from allocation.layers.work import layer_work
from allocation.outcome.solved import Solved, assigned, by_kind


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
    for (domain, line), alike in by_kind(solved).items():
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
    parts = assigned(one)
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
