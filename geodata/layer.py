"""What a source hands over: postcode polygons as found, the layers that came with them, and where they are from.

Belongs here: the shape that every source agrees on. Does not belong here: checking, repairing, joining.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from geopandas import GeoDataFrame

RD_NEW = 28992
"""EPSG code of Amersfoort / RD New, the national grid: metres, x to the east, y to the north."""
NETHERLANDS_KM = (
    *((175, 303), (15, 359), (10, 366), (9, 379), (15, 398), (115, 585), (141, 606)),
    *((236, 624), (256, 612), (281, 588), (283, 559), (275, 473), (203, 303)),
)
"""Corners (x, y, in kilometres of RD New) of a convex outline around all postcode areas, some 5 km wider."""


@dataclass(frozen=True)
class Edition:
    """Where the boundaries come from. ``sha256`` is that of the source's bytes; ``retrieved_at`` is UTC, ISO 8601."""

    source: str
    year: int
    licence: str
    origin: str
    sha256: str
    retrieved_at: str


@dataclass(frozen=True)
class SourceLayer:
    """Polygons as the source has them, with columns renamed but nothing repaired.

    ``areas``: pc4 and geometry, and where the source has them place, gemeente_code, gemeente_name,
    arbeidsmarktregio_nr, arbeidsmarktregio, care_region, inhabitants, x_m, y_m. The CRS is set.
    ``gemeenten``, ``regions``, ``care_regions``: code, name, geometry, or None when the source has no such layer.
    ``pc6``: x_m, y_m, inhabitants (RD New) of full postcodes, for deciding areas that cross a border; or None.
    ``notes``: things noticed while reading, as rows of the repairs table (class, pc4, detail, action).
    """

    areas: GeoDataFrame
    edition: Edition
    gemeenten: GeoDataFrame | None = None
    regions: GeoDataFrame | None = None
    care_regions: GeoDataFrame | None = None
    pc6: pd.DataFrame | None = None
    notes: tuple[dict[str, str], ...] = field(default=())


def in_netherlands(layer: GeoDataFrame) -> bool:
    """Whether every coordinate of ``layer``, which is in RD New, lies within NETHERLANDS_KM; false without any."""
    polygons = layer.geometry.to_numpy()
    polygons = polygons[~(shapely.is_missing(polygons) | shapely.is_empty(polygons))]
    # The outline is convex: what lies in a box with its corners inside is inside. Few areas need more than that.
    west, south, east, north = shapely.bounds(polygons).T
    inside = _in_outline(np.stack([west, west, east, east]), np.stack([south, north, south, north])).all(axis=0)
    return len(polygons) > 0 and bool(_in_outline(*shapely.get_coordinates(polygons[~inside]).T).all())


def _in_outline(x_m: npt.NDArray[np.float64], y_m: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which points lie in NETHERLANDS_KM: to the right of every side, for its corners go round clockwise."""
    inside = np.ones(x_m.shape, dtype=bool)
    corners = [(1000 * x, 1000 * y) for x, y in NETHERLANDS_KM]
    for (ax, ay), (bx, by) in pairwise([*corners, corners[0]]):
        inside &= (bx - ax) * (y_m - ay) <= (by - ay) * (x_m - ax)
    return inside


def extent(layer: GeoDataFrame) -> str:
    """The extent of ``layer`` as a person reads it, in whole metres."""
    west, south, east, north = layer.total_bounds
    return f"x {west:.0f} to {east:.0f} m, y {south:.0f} to {north:.0f} m"


def sha256_of(*paths: Path) -> str:
    """SHA-256 (hex) of the bytes of the files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
