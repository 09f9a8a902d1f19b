"""The embedded areas, served by a real server behind the misbehaving proxy as if they were an edition of PDOK."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from geopandas import GeoDataFrame

import geodata
from tests.integration.geodata import faulty, server

YEAR = 2024
SUPPRESSED, UNPUBLISHED = -99997, -99995
SPLIT_PC4 = "3981"
"""Bunnik: in Midden-Utrecht in 2014; the served region layer gives its western 60% to Amersfoort."""


@pytest.fixture(scope="session")
def served_areas(embedded_cache: Path) -> GeoDataFrame:
    """The embedded areas with few vertices: a fraction of the traffic, the same areas and neighbours."""
    areas = geodata.load_boundaries("embedded", cache_dir=embedded_cache).areas
    return areas.set_geometry(geodata.simplify(areas, tolerance_m=500))


def _zones(areas: GeoDataFrame, code: str, name: str, prefix: str, digits: int) -> GeoDataFrame:
    merged = geodata.dissolve(areas, pd.Series(areas[code].to_numpy(), index=areas["pc4"]))
    names = areas.drop_duplicates(code).set_index(code)[name]
    return GeoDataFrame(
        {
            "statcode": [f"{prefix}{int(group):0{digits}d}" for group in merged["group"]],
            "statnaam": merged["group"].map(names),
            "jaarcode": YEAR,
        },
        geometry=merged.geometry,
        crs=areas.crs,
    )


def _with_split_area(regions: GeoDataFrame, areas: GeoDataFrame) -> tuple[GeoDataFrame, GeoDataFrame]:
    """Regions with the western 60% of SPLIT_PC4 in another one; its full postcodes, most people living in the east."""
    area = areas.set_index("pc4").geometry[SPLIT_PC4]
    west, south, east, north = area.bounds
    cuts = [west + step * (east - west) / 100 for step in range(1, 100)]
    cut = min(cuts, key=lambda x: abs(area.intersection(shapely.box(west, south, x, north)).area / area.area - 0.6))
    given = area.intersection(shapely.box(west, south, cut, north))
    shapes = regions.set_index("statnaam").geometry
    shapes["Midden-Utrecht"] = shapes["Midden-Utrecht"].difference(given)
    shapes["Amersfoort"] = shapes["Amersfoort"].union(given)
    regions = regions.assign(geometry=shapes.to_numpy())
    inner = [given.representative_point().buffer(20), area.difference(given).representative_point().buffer(20)]
    full = GeoDataFrame(
        {
            "postcode": [f"{SPLIT_PC4}AA", f"{SPLIT_PC4}AB", f"{SPLIT_PC4}AC"],
            "jaarcode": YEAR,
            "aantal_inwoners": [40, 3000, SUPPRESSED],
        },
        geometry=[inner[0], inner[1], inner[0].buffer(10)],
        crs=areas.crs,
    )
    return regions, full


@pytest.fixture(scope="session")
def proxy(served_areas: GeoDataFrame, tmp_path_factory: pytest.TempPathFactory) -> Iterator[faulty.Proxy]:
    folder = tmp_path_factory.mktemp("pygeoapi")
    counts = served_areas["inhabitants"].astype("int64").to_numpy().copy()
    counts[counts == 0] = SUPPRESSED
    counts[0] = UNPUBLISHED
    postcode4 = gpd.GeoDataFrame(
        {"postcode": served_areas["pc4"], "jaarcode": YEAR, "aantal_inwoners": counts},
        geometry=served_areas.geometry,
        crs=served_areas.crs,
    )
    regions = _zones(served_areas, "arbeidsmarktregio_nr", "arbeidsmarktregio", "AM", 2)
    regions, postcode6 = _with_split_area(regions, served_areas)
    ggd = served_areas.assign(ggd_nr=pd.factorize(served_areas["care_region"])[0] + 1)
    for name, table in {
        "postcode4": postcode4,
        "postcode6": postcode6,
        "arbeidsmarktregio_gegeneraliseerd": regions,
        "gemeente_gegeneraliseerd": _zones(served_areas, "gemeente_code", "gemeente_name", "GM", 4),
        "ggdregio_gegeneraliseerd": _zones(ggd, "ggd_nr", "care_region", "GG", 4),
    }.items():
        server.write_collection(folder, name, table)
    port = server.free_port()
    with (
        server.serve(folder, server.free_port(), f"http://127.0.0.1:{port}") as upstream,
        faulty.misbehave(upstream, folder, port) as between,
    ):
        yield between


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
