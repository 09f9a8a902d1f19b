"""The toy country of these tests, and the real one, built once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
from geopandas import GeoDataFrame
from shapely import Polygon, box

from geodata import Boundaries, load_boundaries

EAST, NORTH = 150_000, 450_000
"""South-west corner of the toy country, near Utrecht in RD New."""


@pytest.fixture(scope="session")
def embedded(embedded_cache: Path) -> Boundaries:
    """The 4,044 areas of 2014."""
    return load_boundaries("embedded", cache_dir=embedded_cache)


@pytest.fixture
def toy() -> Callable[..., GeoDataFrame]:
    """Areas from rectangles in kilometres: ``toy(a=(0, 0, 1, 1))`` is one square kilometre with pc4 'a'.

    Other shapes are given as polygons in kilometres. All lie in gemeente 0344 (Utrecht) unless ``gemeenten`` says else.
    """

    def make(gemeenten: dict[str, str] | None = None, **shapes: tuple[float, ...] | Polygon) -> GeoDataFrame:
        polygons = [shape if isinstance(shape, Polygon) else box(*shape) for shape in shapes.values()]
        codes = [name.removeprefix("p") for name in shapes]
        frame = GeoDataFrame({"pc4": codes}, geometry=gpd.GeoSeries(polygons), crs=28992)
        frame["geometry"] = frame.geometry.affine_transform([1000, 0, 0, 1000, EAST, NORTH])
        frame["gemeente_code"] = [(gemeenten or {}).get(code, "0344") for code in codes]
        frame["place"], frame["inhabitants"] = "PLAATS", 1000
        return frame

    return make
