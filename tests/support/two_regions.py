"""Two real regions, Midden-Utrecht and Amersfoort, as a country of their own: small enough to run often."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
from shapely import box

import geodata
from allocation.intake.example import write_example
from geodata.sources import embedded

REGIONS = {"14": "Midden-Utrecht", "15": "Amersfoort"}


@dataclass(frozen=True)
class Country:
    """``boundaries``: a GeoPackage of its areas. ``input``: an input folder for it, without ``current``."""

    boundaries: Path
    input: Path


def write(folder: Path) -> Country:
    """Write both below ``folder``."""
    table = pd.read_csv(Path(geodata.__file__).parent / "reference" / "arbeidsmarktregios_2014.csv", dtype=str)
    table = table[table["nr"].isin(REGIONS)].set_index("gemeentecode")
    areas = embedded.read().areas
    areas = areas[areas["gemeente_code"].isin(table.index)]
    numbers = areas["gemeente_code"].map(table["nr"]).astype(int)
    areas = areas.assign(arbeidsmarktregio_nr=numbers, arbeidsmarktregio=numbers.astype(str).map(REGIONS))
    folder.mkdir(parents=True, exist_ok=True)
    boundaries = folder / "areas.gpkg"
    areas.to_file(boundaries, driver="GPKG")
    cleaned = geodata.load_boundaries(str(boundaries), folder / "cache").areas
    write_example(folder / "input", cleaned)
    return Country(boundaries, folder / "input")


def write_next_edition(country: Country, path: Path) -> Path:
    """An edition in which 3513 has the number 3599, 3512 is gone into 3511, the east of 3402 is the new 3498, 3401 lies
    in the gemeente of 3511, and 3981 in the region of 3811 (its gemeente too)."""
    areas = gpd.read_file(country.boundaries).set_index("pc4", drop=False)
    gemeente = ["gemeente_code", "gemeente_name"]
    region = ["arbeidsmarktregio_nr", "arbeidsmarktregio"]
    areas.loc["3401", gemeente] = areas.loc["3511", gemeente]
    areas.loc["3981", gemeente + region] = areas.loc["3811", gemeente + region]
    whole = areas.loc["3402"].geometry
    west, south, east, north = whole.bounds
    cut = west + 0.9 * (east - west)
    part = areas.loc[["3402"]].assign(pc4="3498", geometry=[whole.intersection(box(cut, south, east, north))])
    areas.loc["3402", "geometry"] = whole.intersection(box(west, south, cut, north))
    areas.loc["3511", "geometry"] = areas.loc["3511"].geometry.union(areas.loc["3512"].geometry)
    areas.loc["3513", "pc4"] = "3599"
    made = pd.concat([areas.drop(index="3512"), part], ignore_index=True)
    gpd.GeoDataFrame(made, crs=areas.crs).to_file(path, driver="GPKG")
    return path
