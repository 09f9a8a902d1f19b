"""Doubts about the offices in the team list: a typing error in a name or postcode that no other check can see.

Nothing here refuses: two offices in one town, or one outside its region, do exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

FAR_KM = 25.0
"""An office this far outside the regions of its team is doubted. Offices just across a regional border do occur, about
half the width of a region away; a postcode of another part of the country is further."""
DOUBTS = {
    "stand_in": "office_pc4 {office_pc4} ({team_id}) has no area of its own; {beside} is used in its place",
    "names": "office_pc4 {office_pc4} has several names: {beside}",
    "postcodes": "office {office} has several postcodes: {beside}",
    "far": "office {office} ({office_pc4}) of {team_id} lies {km:.0f} km outside {beside}",
}
DOUBT_COLUMNS = ("doubt", "team_id", "office", "office_pc4", "beside", "km")


def office_doubts(teams: pd.DataFrame, areas: pd.DataFrame, stand_in: Mapping[str, str]) -> pd.DataFrame:
    """One row per doubt: ``doubt`` (of ``DOUBTS``), and of the others what its sentence names; several with `` / ``.

    ``teams`` has ``office_in_file`` beside ``office_pc4``; ``stand_in``: postcode without an area -> the one used.
    """
    rows: list[dict[str, object]] = []
    for pc4, mine in teams[teams["office_in_file"].isin(list(stand_in))].groupby("office_in_file"):
        names = " / ".join(mine["team_id"].unique())
        rows.append({"doubt": "stand_in", "office_pc4": pc4, "team_id": names, "beside": stand_in[str(pc4)]})
    for pc4, names in _seen_together(teams, "office_in_file", "office"):
        rows.append({"doubt": "names", "office_pc4": pc4, "beside": names})
    for office, codes in _seen_together(teams, "office", "office_in_file"):
        rows.append({"doubt": "postcodes", "office": office, "beside": codes})
    rows += _far_offices(teams, areas)
    return pd.DataFrame(rows, columns=list(DOUBT_COLUMNS)).astype({"km": "float64"})


def sentences(doubts: pd.DataFrame) -> list[str]:
    """Each row of ``office_doubts`` in words."""
    return [DOUBTS[row["doubt"]].format_map(row) for _, row in doubts.iterrows()]


def _seen_together(teams: pd.DataFrame, one: str, several: str) -> list[tuple[str, str]]:
    """Values of ``one`` with different values of ``several`` in teams that are valid at the same time."""
    rows = teams[[one, several, "valid_from", "valid_to"]]
    if rows.drop_duplicates([one, several])[one].is_unique:
        return []
    pairs = rows.merge(rows, on=one, suffixes=("", "_b"))
    ends = [pairs[name].fillna(pd.Timestamp.max.normalize()) for name in ("valid_to", "valid_to_b")]
    together = (pairs["valid_from"] <= ends[1]) & (pairs["valid_from_b"] <= ends[0])
    clash = pairs[together & (pairs[several] != pairs[f"{several}_b"])]
    return [(str(value), " / ".join(sorted(found.unique()))) for value, found in clash.groupby(one)[several]]


def _far_offices(teams: pd.DataFrame, areas: pd.DataFrame) -> Iterator[dict[str, object]]:
    place = areas.drop_duplicates("pc4").set_index("pc4")[["x_m", "y_m"]].astype(float)
    local = teams[teams["kind"] != "bijzonder"]
    region = areas["arbeidsmarktregio_nr"].to_numpy()
    xy = areas[["x_m", "y_m"]].to_numpy(dtype=np.float64)
    away: dict[tuple[str, tuple[int, ...]], float] = {}
    for team, regions in zip(local.itertuples(), local["regions"], strict=True):
        seat = str(team.office_pc4), tuple(regions)
        if seat not in away:
            is_own = np.isin(region, regions)
            away[seat] = float(np.hypot(*(xy[is_own] - place.loc[seat[0]].to_numpy()).T).min()) / 1000
        km = away[seat]
        if km > FAR_KM:
            told = {"team_id": team.team_id, "office": team.office, "office_pc4": team.office_pc4}
            yield {
                "doubt": "far",
                **told,
                "beside": " / ".join(areas.loc[np.isin(region, regions), "arbeidsmarktregio"].unique()),
                "km": km,
            }
