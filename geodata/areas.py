"""Postcode areas: one row per pc4 in RD New, repaired with a list of what was repaired, and joined to their regions.

Belongs here: everything that happens to the polygons and columns of one edition between source and use. Does not
belong here: reading a source (`sources`), who borders whom (`adjacency`), storing (`boundaries`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame, GeoSeries

from geodata.errors import GeodataError
from geodata.layer import SourceLayer

AREA_COLUMNS = [
    "pc4", "place", "gemeente_code", "gemeente_name", "arbeidsmarktregio_nr", "arbeidsmarktregio", "care_region",
    "inhabitants", "x_m", "y_m", "area_km2", "is_valid", "geometry",
]  # fmt: skip
REPAIR_COLUMNS = ["class", "pc4", "detail", "action"]
GAP_WIDTH_M = 5.0
"""Gaps between neighbours up to this width are drawing errors and are closed; wider ones are real."""

_REFERENCE = Path(__file__).parent / "reference"


def build(layer: SourceLayer) -> tuple[GeoDataFrame, pd.DataFrame]:
    """The areas of a source, ready for use, and the list of everything repaired or noticed.

    Returns ``areas`` (columns AREA_COLUMNS, sorted by pc4, a clean coverage in EPSG:28992) and ``repairs``
    (columns REPAIR_COLUMNS). Raises GeodataError when an area cannot be given a region.
    """
    repairs: list[dict[str, str]] = list(layer.notes)
    areas = layer.areas.sort_values("pc4", ignore_index=True)
    areas = areas.set_geometry(_clean_coverage(areas, repairs))
    areas = _with_regions(areas)
    areas = _with_columns(areas)
    for pc4 in areas["pc4"][areas["inhabitants"].fillna(-1) == 0]:
        repairs.append(_repair("without_inhabitants", pc4, "0 inhabitants", "kept; has no work of its own"))
    return areas[AREA_COLUMNS], pd.DataFrame(repairs, columns=REPAIR_COLUMNS).astype("str")


def _repair(kind: str, pc4: str, detail: str, action: str) -> dict[str, str]:
    return {"class": kind, "pc4": pc4, "detail": detail, "action": action}


def _clean_coverage(areas: GeoDataFrame, repairs: list[dict[str, str]]) -> GeoSeries:
    """The polygons with hairline gaps and overlaps between neighbours taken away."""
    before = areas.geometry.to_numpy()
    after = shapely.coverage_clean(before, gap_width=GAP_WIDTH_M)  # type: ignore[attr-defined]
    for position in np.flatnonzero(~shapely.equals_identical(before, after)):
        changed_m2 = abs(shapely.area(after[position]) - shapely.area(before[position]))
        repairs.append(
            _repair("border_mismatch", areas["pc4"][position], f"changed by {changed_m2:.2f} m2", "border made common")
        )
    return GeoSeries(after, crs=areas.crs)


def _with_regions(areas: GeoDataFrame) -> GeoDataFrame:
    """``areas`` with arbeidsmarktregio and GGD-regio by municipality code, from the reference tables of 2014."""
    regions = pd.read_csv(_REFERENCE / "arbeidsmarktregios_2014.csv", dtype=str).set_index("gemeentecode")
    unknown = areas[~areas["gemeente_code"].isin(regions.index)]
    if len(unknown):
        raise GeodataError(
            f"{len(unknown)} areas are in a municipality without arbeidsmarktregio; the first is "
            f"{unknown['pc4'].iloc[0]} in {unknown['gemeente_code'].iloc[0]}."
        )
    ggd = pd.read_csv(_REFERENCE / "ggd_regios_2014.csv", dtype=str).set_index("gemeentecode")["ggd_regio"]
    code = areas["gemeente_code"]
    return areas.assign(
        arbeidsmarktregio_nr=code.map(regions["nr"]).astype("int64"),
        arbeidsmarktregio=code.map(regions["arbeidsmarktregio"]),
        care_region=code.map(ggd),
    )


def _with_columns(areas: GeoDataFrame) -> GeoDataFrame:
    """``areas`` with every column of AREA_COLUMNS and its type."""
    polygons = areas.geometry.to_numpy()
    x_m, y_m = point_inside(areas)
    text = ("pc4", "place", "gemeente_code", "gemeente_name", "arbeidsmarktregio", "care_region")
    return areas.assign(
        place=areas["place"].map(title_case),
        inhabitants=areas["inhabitants"].astype("Int64"),
        x_m=x_m,
        y_m=y_m,
        area_km2=shapely.area(polygons) / 1e6,
        is_valid=shapely.is_valid(polygons),
    ).astype(dict.fromkeys(text, "str"))


def point_inside(areas: GeoDataFrame) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """x and y (metres) of a point inside each polygon: the source's own, else the centroid, else one on the surface."""
    polygons = areas.geometry.to_numpy()
    xy = shapely.get_coordinates(shapely.centroid(polygons))
    if {"x_m", "y_m"} <= set(areas.columns):
        own = areas[["x_m", "y_m"]].to_numpy(dtype=float)
        usable = shapely.contains_xy(polygons, own[:, 0], own[:, 1])
        xy[usable] = own[usable]
    outside = ~shapely.contains_xy(polygons, xy[:, 0], xy[:, 1])
    xy[outside] = shapely.get_coordinates(shapely.point_on_surface(polygons[outside]))
    return xy[:, 0], xy[:, 1]


_SMALL_WORDS = frozenset(
    (
        *("aan", "achter", "ad", "bij", "boven", "de", "den", "der", "deze", "en", "het", "in", "met", "of", "om", "onder"),
        *("op", "over", "rond", "rondom", "te", "tegen", "ten", "ter", "tot", "tussen", "uit", "van", "voor", "'t", "'s"),
    )
)
_CAPITALS = re.compile(r"^(FR|GN|DR|OV|GLD|UT|NH|ZH|ZLD|NB|LB|GEM|[IVX]+|N\.?O\.?|N\.?W\.?|Z\.?O\.?|Z\.?W\.?)$")


def title_case(name: str) -> str:
    """A place name in capitals as one writes it: 'BERGEN OP ZOOM' -> 'Bergen op Zoom', 'HOORN FR' -> 'Hoorn FR'.

    Names that are not all capitals are left as they are.
    """
    if not isinstance(name, str) or not name.isupper():
        return name
    words = name.split(" ")
    return " ".join(_word_case(word, is_first=position == 0) for position, word in enumerate(words))


def _word_case(word: str, *, is_first: bool) -> str:
    lower = word.lower()
    if lower == "gem":
        return "gem."
    if lower in ("e.o.", "e.o"):
        return "e.o."
    if not is_first and (_CAPITALS.match(word)):
        return word
    if not is_first and lower in _SMALL_WORDS:
        return lower
    return re.sub(r"(^|[-/(.])('?)((?:ij)|[^\W\d_])", _capital, lower).replace("-En-", "-en-").replace("-Op-", "-op-")


def _capital(match: re.Match[str]) -> str:
    before, apostrophe, letters = match.groups()
    # 's-Gravenhage and 't Zand: the s and t of the old article stay small.
    return before + apostrophe + (letters if apostrophe else letters.upper())
