"""Two editions compared, a division carried over from one to the other, and postcodes that have no area.

An edition is here what ``Boundaries.areas`` holds: one row per pc4 with gemeente, region and polygon (RD New).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame

from geodata.repairs import REPAIR_COLUMNS

CHANGES = ("new", "gone", "renumbered", "moved_gemeente", "moved_region")
SAME_PLACE = 0.8
"""A gone and a new area of which this share of both surfaces is common are one area with another number."""

_DIFF_COLUMNS = ["change", "pc4", "old", "new", "share"]


def diff(old: GeoDataFrame, new: GeoDataFrame) -> pd.DataFrame:
    """What changed from one edition to the next, one row per change, sorted by kind of change and postcode.

    Columns: change (one of CHANGES), pc4 (the postcode; of a renumbered area the new one), old, new (what it was and
    is, as text: the postcodes it came from or went to, the gemeente, or the region; empty when there is none) and share
    (of the area's own surface that ``old`` or ``new`` covers; 1 for moves between gemeente and region).

    A renumbered area is not also new or gone. A gemeente that changes its code is a move of each of its areas.
    """
    was, now = old.set_index("pc4"), new.set_index("pc4")
    gone, fresh = was.index.difference(now.index), now.index.difference(was.index)
    rows = _renumbered(old, new, gone, fresh)
    renamed_to = {row["pc4"] for row in rows}
    renamed_from = {row["old"] for row in rows}
    for change, codes, other, known in (
        ("new", fresh.difference(list(renamed_to)), old, now),
        ("gone", gone.difference(list(renamed_from)), new, was),
    ):
        overlap = _overlap(known.loc[codes].reset_index(), other)
        for pc4 in codes:
            parts = overlap[overlap["pc4"] == pc4].sort_values(["share", "other"], ascending=[False, True])
            names = ", ".join(parts["other"][parts["share"] >= 0.01])
            side = "old" if change == "new" else "new"
            rows.append(
                {"change": change, "pc4": pc4, "old": "", "new": "", "share": parts["share"].sum()} | {side: names}
            )
    rows += _moved("moved_gemeente", was, now, ["gemeente_code", "gemeente_name"])
    rows += _moved("moved_region", was, now, ["arbeidsmarktregio_nr", "arbeidsmarktregio"])
    found = pd.DataFrame(rows, columns=_DIFF_COLUMNS)
    order = found["change"].map({change: number for number, change in enumerate(CHANGES)})
    found = found.assign(order=order).sort_values(["order", "pc4"], ignore_index=True)[_DIFF_COLUMNS]
    return found.astype({"change": "str", "pc4": "str", "old": "str", "new": "str", "share": "float64"})


def _renumbered(old: GeoDataFrame, new: GeoDataFrame, gone: pd.Index, fresh: pd.Index) -> list[dict[str, object]]:
    """Pairs of a gone and a new area that are the same place."""
    went, came = old[old["pc4"].isin(gone)], new[new["pc4"].isin(fresh)]
    overlap = _overlap(came, went)
    same = overlap[(overlap["share"] >= SAME_PLACE) & (overlap["share_of_other"] >= SAME_PLACE)]
    return [
        {"change": "renumbered", "pc4": row["pc4"], "old": row["other"], "new": row["pc4"], "share": row["share"]}
        for row in same.to_dict("records")
    ]


def _moved(change: str, was: GeoDataFrame, now: GeoDataFrame, columns: list[str]) -> list[dict[str, object]]:
    """Areas in both editions whose code, the first of ``columns``, differs; the second is its name."""
    both = was.index.intersection(now.index)
    code, name = columns
    moved = both[(was.loc[both, code] != now.loc[both, code]).to_numpy()]
    return [
        {
            "change": change,
            "pc4": pc4,
            "old": f"{was.loc[pc4, code]} {was.loc[pc4, name]}",
            "new": f"{now.loc[pc4, code]} {now.loc[pc4, name]}",
            "share": 1.0,
        }
        for pc4 in moved
    ]


def _overlap(areas: GeoDataFrame, others: GeoDataFrame) -> pd.DataFrame:
    """Common surface: pc4, other (a pc4), share (of the area), share_of_other; only pairs with some."""
    shapes, other_shapes = areas.geometry.to_numpy(), others.geometry.to_numpy()
    mine, theirs = shapely.STRtree(other_shapes).query(shapes, predicate="intersects")
    common_m2 = shapely.area(shapely.intersection(shapes[mine], other_shapes[theirs], grid_size=0.01))
    found = pd.DataFrame(
        {
            "pc4": areas["pc4"].to_numpy()[mine],
            "other": others["pc4"].to_numpy()[theirs],
            "share": common_m2 / shapely.area(shapes[mine]),
            "share_of_other": common_m2 / shapely.area(other_shapes[theirs]),
        }
    )
    return found[found["share"] > 0].reset_index(drop=True)


def carry_over(old: GeoDataFrame, new: GeoDataFrame) -> pd.DataFrame:
    """Which old area gives each new area its place in the division in force: pc4 (new), from_pc4 (old), share.

    A code in both editions keeps its own place (share 1). A code that is new takes the old area that covers most of it
    (share: how much); one that lies where no old area was takes the nearest (share 0). One row per area of ``new``.
    """
    return _places(new, old).rename(columns={"other": "from_pc4"})


def successors(old: GeoDataFrame, new: GeoDataFrame) -> pd.DataFrame:
    """Which new area takes the place of each code that is gone: pc4 (old), successor (new), share; sorted by pc4.

    The new area that covers most of the old one (share: how much), else the nearest (share 0).
    """
    places = _places(old, new).rename(columns={"other": "successor"})
    return places[~places["pc4"].isin(new["pc4"])].reset_index(drop=True)


def _places(areas: GeoDataFrame, others: GeoDataFrame) -> pd.DataFrame:
    """Per area of ``areas`` the one of ``others`` in its place: pc4, other, share; by code, by surface, by distance."""
    known = areas["pc4"].isin(others["pc4"])
    kept = pd.DataFrame({"pc4": areas["pc4"][known], "other": areas["pc4"][known], "share": 1.0})
    fresh = areas[~known]
    best = _overlap(fresh, others).sort_values(["pc4", "share", "other"], ascending=[True, False, True])
    best = best.drop_duplicates("pc4")[["pc4", "other", "share"]]
    nowhere = fresh[~fresh["pc4"].isin(best["pc4"])]
    nearest = shapely.STRtree(others.geometry.to_numpy()).nearest(nowhere.geometry.to_numpy())
    far = pd.DataFrame({"pc4": nowhere["pc4"], "other": others["pc4"].to_numpy()[nearest], "share": 0.0})
    return pd.concat([kept, best, far], ignore_index=True).sort_values("pc4", ignore_index=True)


def stand_ins(known: Iterable[str], postcodes: Iterable[str]) -> pd.DataFrame:
    """Postcodes without an area (PO boxes, new streets) and the area, one of ``known``, that stands in for each.

    The area with the nearest number stands in, for numbers are given out place by place: first among those that share
    three digits, then two; of equally near ones the lower. Nothing stands in for what shares no two digits, or is no
    postcode (1000 to 9999).
    Columns: pc4, stand_in (missing when none), detail, action; sorted by pc4; postcodes that have an area are left out.
    """
    codes = np.sort(np.array(list(known), dtype=str))
    rows = []
    for pc4 in sorted(set(postcodes) - set(codes)):
        stand_in = _nearest_number(pc4, codes) if len(pc4) == 4 and pc4.isdigit() and pc4[0] != "0" else None
        detail = "postbus of nieuwe straat: geen vlak in deze editie" if stand_in else "bestaat niet"
        action = f"volgt {stand_in}" if stand_in else "geweigerd"
        rows.append({"pc4": pc4, "stand_in": stand_in, "detail": detail, "action": action})
    return pd.DataFrame(rows, columns=["pc4", "stand_in", "detail", "action"]).astype("str")


def _nearest_number(pc4: str, known: np.ndarray[tuple[int], np.dtype[np.str_]]) -> str | None:
    for digits in (3, 2):
        near = [code for code in known if code[:digits] == pc4[:digits]]
        if near:
            return str(min(near, key=lambda code: (abs(int(code) - int(pc4)), code)))
    return None


def as_repairs(found: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``stand_ins`` as rows of the repairs table, for the report."""
    return found.assign(**{"class": "zonder_vlak"})[REPAIR_COLUMNS].reset_index(drop=True)


_CHANGE_CLASS = {
    "new": "nieuw_gebied",
    "gone": "vervallen_gebied",
    "renumbered": "vernummerd",
    "moved_gemeente": "andere_gemeente",
    "moved_region": "andere_regio",
}


def changes_as_repairs(changes: pd.DataFrame, carried: pd.DataFrame, followed: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``diff`` as rows of the repairs table, for the report: what changed, and what became of the division.

    ``carried`` as ``carry_over`` gives it, ``followed`` as ``successors`` does.
    """
    source = dict(zip(carried["pc4"], carried["from_pc4"], strict=True))
    heir = dict(zip(followed["pc4"], followed["successor"], strict=True))
    rows = []
    for row in changes.to_dict("records"):
        change, pc4 = str(row["change"]), str(row["pc4"])
        if change == "gone":
            text, action = f"nu {row['new'] or 'van geen gebied'}", f"aantallen en dossiers naar {heir[pc4]}"
        elif change == "new":
            text, action = f"was {row['old'] or 'van geen gebied'}", f"team van {source[pc4]} als uitgangspunt"
        elif change == "renumbered":
            text, action = f"was {row['old']}", f"neemt de plaats van {row['old']} in"
        else:
            text, action = f"van {row['old']} naar {row['new']}", "bestaande cliënten houden hun team"
        rows.append({"class": _CHANGE_CLASS[change], "pc4": pc4, "detail": text, "action": action})
    return pd.DataFrame(rows, columns=REPAIR_COLUMNS).astype("str")
