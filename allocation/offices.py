"""Doubts about the offices in the team list: a typing error in a name or postcode that no other check can see.

Nothing here refuses: two offices in one town, or one outside its region, do exist.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

FAR_KM = 25.0
"""An office this far outside the regions of its team is doubted. Offices just across a regional border do occur, about
half the width of a region away; a postcode of another part of the country is further."""


def office_doubts(teams: pd.DataFrame, areas: pd.DataFrame, stand_in: Mapping[str, str]) -> list[str]:
    """Sentences for the planner.

    ``teams`` has ``office_in_file`` beside ``office_pc4``; ``stand_in``: postcode without an area -> the one used.
    """
    doubts = []
    for pc4, mine in teams[teams["office_in_file"].isin(list(stand_in))].groupby("office_in_file"):
        names = ", ".join(mine["team_id"].unique())
        doubts.append(f"office_pc4 {pc4} ({names}) has no area of its own; {stand_in[str(pc4)]} is used in its place")
    for pc4, names in _seen_together(teams, "office_in_file", "office"):
        doubts.append(f"office_pc4 {pc4} has several names: {names}")
    for office, codes in _seen_together(teams, "office", "office_in_file"):
        doubts.append(f"office {office} has several postcodes: {codes}")
    return doubts + _far_offices(teams, areas)


def _seen_together(teams: pd.DataFrame, one: str, several: str) -> list[tuple[str, str]]:
    """Values of ``one`` with different values of ``several`` in teams that are valid at the same time."""
    rows = teams[[one, several, "valid_from", "valid_to"]]
    pairs = rows.merge(rows, on=one, suffixes=("", "_b"))
    ends = [pairs[name].fillna(pd.Timestamp.max.normalize()) for name in ("valid_to", "valid_to_b")]
    together = (pairs["valid_from"] <= ends[1]) & (pairs["valid_from_b"] <= ends[0])
    clash = pairs[together & (pairs[several] != pairs[f"{several}_b"])]
    return [(str(value), ", ".join(sorted(found.unique()))) for value, found in clash.groupby(one)[several]]


def _far_offices(teams: pd.DataFrame, areas: pd.DataFrame) -> list[str]:
    place = areas.drop_duplicates("pc4").set_index("pc4")[["x_m", "y_m"]].astype(float)
    doubts = []
    local = teams[teams["kind"] != "bijzonder"]
    for team, regions in zip(local.itertuples(), local["regions"], strict=True):
        own = areas[areas["arbeidsmarktregio_nr"].isin(regions)]
        x, y = place.loc[str(team.office_pc4)]
        km = float(np.hypot(own["x_m"] - x, own["y_m"] - y).min()) / 1000
        if km > FAR_KM:
            where = ", ".join(own["arbeidsmarktregio"].unique())
            doubts.append(
                f"office {team.office} ({team.office_pc4}) of {team.team_id} lies {km:.0f} km outside {where}"
            )
    return doubts
