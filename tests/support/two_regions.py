"""Two real regions, Midden-Utrecht and Amersfoort, as a country of their own: small enough to run often."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import geodata
from allocation.example import write_example
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
