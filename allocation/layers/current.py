"""Who has a postcode in the division in force, as one team or as a part for each team.

Belongs here: reading a division in force in the terms of a layer, also when it has other client lines or shared
postcodes. Does not belong here: what is in force (``pipeline.in_force``), what the engine does with it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES
from allocation.districting import Problem
from allocation.layers.layer import Layer

Floats = NDArray[np.float64]


def rows_of_line(now: pd.DataFrame, line: str) -> pd.DataFrame:
    """The rows of a division (pc4, client_line, team_id, share) that a layer of ``line`` takes the place of."""
    return now if line == ALL_LINES else now[now["client_line"].isin([line, ALL_LINES])]


def by_line(division: pd.DataFrame) -> pd.DataFrame:
    """``division`` (with client_line) with a row per line in place of ``alle``."""
    whole = division["client_line"] == ALL_LINES
    written = [division[whole].assign(client_line=line) for line in CLIENT_LINES]
    return pd.concat([division[~whole], *written], ignore_index=True)


def by_line_of(rows: pd.DataFrame, line: str, hours: pd.Series) -> pd.DataFrame:
    """``rows_of_line`` with ``weight``: the part (0 to 1) of the postcode's work that each row's share is of.

    Where two lines become one, the hours of each line count for its own team; a row of ``alle`` is one of each line.
    Without work both lines weigh the same.

    Parameters
    ----------
    hours : of work a year, indexed by pc4 and client_line (``vangnet``, ``werkgever``).
    """
    if line != ALL_LINES or rows["client_line"].eq(ALL_LINES).all():
        return rows.assign(weight=1.0)
    rows = by_line(rows)
    of_line = hours.reindex(pd.MultiIndex.from_frame(rows[["pc4", "client_line"]]), fill_value=0.0).to_numpy()
    of_area = rows["pc4"].map(hours.groupby(level=0).sum()).fillna(0.0).to_numpy()
    some = of_area > 0
    return rows.assign(weight=np.where(some, of_line / np.where(some, of_area, 1.0), 1 / len(CLIENT_LINES)))


def main_teams(rows: pd.DataFrame, places: pd.DataFrame, offices: pd.DataFrame) -> pd.Series:
    """The team with most of the work of each postcode: team_id, indexed by pc4.

    Of equals it is the team with the nearest office, so that names decide nothing.

    Parameters
    ----------
    rows : as ``by_line_of`` gives them. places, offices : x_m and y_m, indexed by pc4 and by team_id.
    """
    place, office = places.loc[rows["pc4"].tolist()], offices.loc[rows["team_id"].tolist()]
    way = place.to_numpy(float) - office.to_numpy(float)
    rows = rows.assign(part=rows["share"] * rows["weight"], km=np.hypot(way[:, 0], way[:, 1]))
    of_team = rows.groupby(["pc4", "team_id"]).agg(part=("part", "sum"), km=("km", "first")).reset_index()
    of_team["part"] = of_team["part"].astype("float64").round(9)
    of_team = of_team.sort_values(["pc4", "part", "km", "team_id"], ascending=[True, False, True, True])
    return of_team.drop_duplicates("pc4").set_index("pc4")["team_id"]


def kept_parts(rows: pd.DataFrame, parts: pd.DataFrame, teams: list[str], fixed: NDArray[np.int64]) -> Floats:
    """(n, k) part of each unit's work that each team has now.

    What a team keeps of a postcode is the smaller of its shares now and then (``outcome.transition``): what is locked
    to it counts first, and the rest of a split postcode keeps what is left of its share.

    Parameters
    ----------
    rows : as ``by_line_of`` gives them, of ``teams`` alone. parts : the units: pc4, portion.
    fixed : (n,) team to which a unit is locked, -1 for none.
    """
    position = {team: at for at, team in enumerate(teams)}
    has: dict[str, list[tuple[int, float, float]]] = {}
    for pc4, team, share, weight in rows[["pc4", "team_id", "share", "weight"]].itertuples(index=False, name=None):
        has.setdefault(pc4, []).append((position[team], float(share), float(weight)))
    portion = parts["portion"].to_numpy(dtype=np.float64)
    locked: dict[tuple[str, int], float] = {}
    for pc4, size, team in zip(parts["pc4"], portion, fixed, strict=True):
        if team >= 0:
            locked[pc4, int(team)] = locked.get((pc4, int(team)), 0.0) + float(size)
    kept = np.zeros((len(parts), len(teams)))
    for unit, (pc4, size, held_by) in enumerate(zip(parts["pc4"], portion, fixed, strict=True)):
        for team, share, weight in has.get(pc4, ()) if size > 0 else ():
            first = locked.get((pc4, team), 0.0)
            if held_by == team:
                kept[unit, team] += weight * min(share, first) / first
            else:
                kept[unit, team] += weight * (min(share, first + size) - min(share, first)) / size
    return kept.clip(0.0, 1.0)


def line_hours(expected: pd.DataFrame, domain: str) -> pd.Series:
    """Hours a year indexed by pc4 and client_line, of table ``expected`` (``outcome.transition.expected_per_area``)."""
    return _of_lines(expected, domain, "hours")


def line_clients(expected: pd.DataFrame, domain: str) -> pd.Series:
    """Clients a year indexed by pc4 and client_line, of table ``expected``."""
    return _of_lines(expected, domain, "clients")


def _of_lines(expected: pd.DataFrame, domain: str, column: str) -> pd.Series:
    rows = expected[(expected["law_domain"] == domain) & expected["client_line"].isin(CLIENT_LINES)]
    amounts: pd.Series = rows.set_index(["pc4", "client_line"])[column]
    return amounts


def compared_with(layer: Layer, now: pd.DataFrame, hours: pd.Series) -> Layer:
    """``layer`` with ``now`` as the division that a plan is compared with: its ``current`` and ``kept``.

    Parameters
    ----------
    now : pc4, client_line, law_domain, team_id, share. hours : of the layer's domain, as ``line_hours`` gives them
        (or clients, where clients are to weigh).
    """
    problem, line = layer.problem, layer.client_line
    teams, pc4 = list(problem.team_ids), layer.parts["pc4"]
    held = rows_of_line(now[now["law_domain"] == layer.law_domain], line)
    held = by_line_of(held[held["team_id"].isin(teams) & held["pc4"].isin(pc4)], line, hours)
    is_whole = held["pc4"].is_unique and np.allclose(held["weight"] * held["share"], 1.0)
    if is_whole:
        team_of = held.set_index("pc4")["team_id"]
    else:
        places = pd.DataFrame(problem.xy_m, index=pc4, columns=["x_m", "y_m"])
        offices = pd.DataFrame(problem.office_xy_m, index=teams, columns=["x_m", "y_m"])
        team_of = main_teams(held, places[~places.index.duplicated()], offices)
    position = {team: at for at, team in enumerate(teams)}
    current = np.array([position.get(team, -1) for team in pc4.map(team_of)], dtype=np.int64)
    kept = None if is_whole else kept_parts(held, layer.parts, teams, locked_teams(problem))
    return replace(layer, problem=problem.replace(current=current, kept=kept))


def locked_teams(problem: Problem) -> NDArray[np.int64]:
    """(n,) the team to which each unit is locked, -1 for none."""
    return np.full(problem.n, -1, dtype=np.int64) if problem.fixed is None else np.asarray(problem.fixed)
