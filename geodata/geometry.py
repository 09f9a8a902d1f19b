"""Operations on a clean coverage that keep it one: neighbours go on sharing exactly the same border."""

from __future__ import annotations

import pandas as pd
import shapely
from geopandas import GeoDataFrame, GeoSeries

from geodata.errors import GeodataError


def simplify(areas: GeoDataFrame, tolerance_m: float) -> GeoSeries:
    """The polygons of ``areas`` with fewer vertices, on the same index; no gaps or overlaps appear between neighbours.

    ``tolerance_m``: roughly, details smaller than a triangle of this side disappear (Visvalingam-Whyatt, metres).
    """
    polygons = shapely.coverage_simplify(areas.geometry.to_numpy(), tolerance_m)
    return GeoSeries(polygons, index=areas.index, crs=areas.crs)


def dissolve(areas: GeoDataFrame, by: pd.Series) -> GeoDataFrame:
    """One polygon per value of ``by``, for example a team.

    ``by`` is indexed by pc4 and names a group for every area; a missing one raises GeodataError.
    Columns: group (the values of ``by``, sorted), areas (count), geometry. Together they cover the same country.
    """
    group = by.reindex(areas["pc4"].to_numpy())
    without = areas["pc4"].to_numpy()[group.isna().to_numpy()]
    if len(without):
        raise GeodataError(f"{len(without)} areas have no group to dissolve by, the first is {without[0]}.")
    rows = [
        {"group": name, "areas": len(members), "geometry": shapely.coverage_union_all(members.geometry.to_numpy())}
        for name, members in areas.groupby(group.to_numpy(), sort=True)
    ]
    return GeoDataFrame(rows, geometry="geometry", crs=areas.crs)
