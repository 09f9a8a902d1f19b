"""One line per region and layer: teams, deviation, travel, splits, moves, waiting time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, MONTHS_A_YEAR, MOVES, ZW_WIA
from allocation.layers.work import SPECIAL, layer_work
from allocation.outcome.solved import Solved, assigned, by_kind
from allocation.outcome.transition import movement


def region_summary(
    solved: Sequence[Solved],
    load: pd.DataFrame,
    changes: pd.DataFrame,
    files: pd.DataFrame,
    work: pd.DataFrame,
    areas: pd.DataFrame,
    travel_kind: str,
    config: Config,
) -> pd.DataFrame:
    """Table ``region_summary``: one row per region and layer; ``files``: as ``transition.placed_files`` gives it.

    ``travel_kind``: what the kilometres are (``layers.ways``).
    """
    places = areas.set_index("pc4")[["arbeidsmarktregio_nr", "arbeidsmarktregio", "gemeente_code", "inhabitants"]]
    of_region: dict[Any, pd.DataFrame] = dict(iter(places.groupby("arbeidsmarktregio_nr")))
    moved_clients = _moved_clients(files, solved)
    rows = []
    for (domain, line), alike in by_kind(solved).items():
        rows_of_kind = layer_work(work, domain, line, config, ("pc4", "hours_verzekeringsarts"))
        hours = rows_of_kind.groupby("pc4")[["hours_verzekeringsarts"]].sum()
        of_kind = load[(load["law_domain"] == domain) & (load["client_line"] == line)].set_index("team_id")
        changed = changes[(changes["law_domain"] == domain) & changes["client_line"].isin([line, ALL_LINES])]
        for one in alike:
            parts = _parts_with_work(one, hours, places)
            rows += [
                _region_row(one, int(nr), parts, of_kind, changed, moved_clients, of_region[int(nr)])
                for nr in one.layer.regions
            ]
    table = pd.DataFrame(rows).assign(travel_kind=travel_kind)
    return table.sort_values(["arbeidsmarktregio_nr", "law_domain", "client_line"], ignore_index=True)


def _moved_clients(files: pd.DataFrame, solved: Sequence[Solved]) -> dict[tuple[int, str, str], int]:
    """Clients in stock who move, by region, law domain and client line; together those of ``transition``.

    Files of a team that ended move in postcodes that keep their team as well. A client of a special group counts in the
    layer of the region that serves the client's line.
    """
    lines: dict[tuple[int, str], set[str]] = {}
    for one in solved:
        for nr in one.layer.regions:
            lines.setdefault((int(nr), one.layer.law_domain), set()).add(one.layer.client_line)
    moved = files[movement(files["team_id"], files["team_to"]) == MOVES]
    clients: dict[tuple[int, str, str], int] = {}
    for (nr, serves, line), number in moved.groupby(["region", "serves", "line"])["clients"].sum().items():
        domain = ZW_WIA if serves == SPECIAL else serves
        layer = (int(nr), domain, ALL_LINES if ALL_LINES in lines.get((int(nr), domain), ()) else line)
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
    here: pd.DataFrame,
) -> dict[str, object]:
    """``here``: the postcodes of region ``nr``."""
    mine = parts[parts["region"] == nr]
    teams = sorted(mine["team_id"].unique())
    deviation = load.loc[teams, "deviation"].abs()
    hours = float(mine["hours_verzekeringsarts"].sum())
    moved = changes.loc[changes["pc4"].isin(here.index), "pc4"].unique()
    capacity = float(load.loc[teams, "capacity_hours_verzekeringsarts"].sum())
    held_hours = float(load.loc[teams, "files_held_hours_verzekeringsarts"].sum())
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
        "waiting_months": held_hours / (capacity / MONTHS_A_YEAR) if capacity > 0 else None,
        "objective": one.objective,
        "lower_bound": one.lower_bound,
        "gap": one.gap,
    }


def _splits(parts: pd.DataFrame, column: str) -> int:
    """Sum over the groups of (teams in it - 1)."""
    return int((parts.groupby(column)["team_id"].nunique() - 1).sum())
