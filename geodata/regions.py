"""In which gemeente, arbeidsmarktregio and care region (GGD-regio) an area lies, and how that was decided.

The best information that an edition has decides, per column: the source's own column, then a layer that came with the
source by largest overlap, then the municipality code in the reference tables of 2014, then the edition of 2014 itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from geopandas import GeoDataFrame

from geodata.errors import GeodataError
from geodata.layer import SourceLayer
from geodata.repairs import Repairs

CROSSING_SHARE = 0.01
"""A share of an area below this, on the other side of a border, is generalisation of the border, not a crossing."""
REFERENCE = Path(__file__).parent / "reference"


def reference() -> pd.DataFrame:
    """The municipalities of 2014: gemeente_code (index), gemeente_name, arbeidsmarktregio_nr, -name, care_region."""
    regions = pd.read_csv(REFERENCE / "arbeidsmarktregios_2014.csv", dtype=str).set_index("gemeentecode")
    ggd = pd.read_csv(REFERENCE / "ggd_regios_2014.csv", dtype=str).set_index("gemeentecode")["ggd_regio"]
    return pd.DataFrame(
        {
            "gemeente_name": regions["gemeente"],
            "arbeidsmarktregio_nr": regions["nr"].astype("int64"),
            "arbeidsmarktregio": regions["arbeidsmarktregio"],
            "care_region": ggd.reindex(regions.index),
        }
    )


def assign(areas: GeoDataFrame, layer: SourceLayer, repairs: Repairs) -> GeoDataFrame:
    """``areas`` with gemeente_code, gemeente_name, arbeidsmarktregio_nr, arbeidsmarktregio and care_region.

    Areas that cross a border of a region layer are listed with their shares. Raises GeodataError when a source names
    a region that does not exist.
    """
    table = reference()
    areas = _gemeente(areas, layer, table)
    areas = _region(areas, layer, table, repairs)
    areas = _care_region(areas, layer, table)
    return _from_example(areas, table, repairs)


def _gemeente(areas: GeoDataFrame, layer: SourceLayer, table: pd.DataFrame) -> GeoDataFrame:
    if "gemeente_code" in areas:
        digits = areas["gemeente_code"].astype("str").str.extract(r"(\d{1,4})(?:\.0)?$", expand=False).str.zfill(4)
        areas = areas.assign(gemeente_code=digits)
        if "gemeente_name" not in areas:
            areas = areas.assign(gemeente_name=digits.map(table["gemeente_name"]).fillna(digits))
    elif layer.gemeenten is not None:
        chosen = _chosen(overlap_shares(areas, layer.gemeenten), areas, layer.gemeenten)
        code = layer.gemeenten["code"].astype("str").str.extract(r"(\d{1,4})$", expand=False).str.zfill(4)
        areas = areas.assign(
            gemeente_code=code.to_numpy()[chosen], gemeente_name=layer.gemeenten["name"].to_numpy()[chosen]
        )
    return areas


def _region(areas: GeoDataFrame, layer: SourceLayer, table: pd.DataFrame, repairs: Repairs) -> GeoDataFrame:
    if {"arbeidsmarktregio_nr", "arbeidsmarktregio"} & set(areas.columns):
        return _region_as_named(areas, table)
    if layer.regions is not None:
        return _region_by_overlap(areas, layer.regions, layer.pc6, repairs)
    if "gemeente_code" in areas:
        code = areas["gemeente_code"]
        return areas.assign(
            arbeidsmarktregio_nr=code.map(table["arbeidsmarktregio_nr"]),
            arbeidsmarktregio=code.map(table["arbeidsmarktregio"]),
        )
    return areas


def _region_as_named(areas: GeoDataFrame, table: pd.DataFrame) -> GeoDataFrame:
    """Number and name of the region from whichever of the two the source has in its own columns."""
    known = table.drop_duplicates("arbeidsmarktregio_nr").set_index("arbeidsmarktregio_nr")["arbeidsmarktregio"]
    if "arbeidsmarktregio_nr" not in areas:
        number = pd.Series(known.index, index=known.str.casefold())
        own = areas["arbeidsmarktregio"].astype("str")
        areas = areas.assign(arbeidsmarktregio_nr=own.str.strip().str.casefold().map(number))
        unknown = own[areas["arbeidsmarktregio_nr"].isna()].dropna()
        if len(unknown):
            raise GeodataError(
                f"'{unknown.iloc[0]}' is no arbeidsmarktregio; the column must hold one of {', '.join(known)}."
            )
    number = pd.to_numeric(areas["arbeidsmarktregio_nr"].astype("str").str.extract(r"(\d+)", expand=False))
    areas = areas.assign(arbeidsmarktregio_nr=number)
    if "arbeidsmarktregio" not in areas:
        unknown = number[~number.isin(known.index)].dropna()
        if len(unknown):
            raise GeodataError(f"{unknown.iloc[0]:.0f} is no arbeidsmarktregio; known are 1 to {known.index.max()}.")
        areas = areas.assign(arbeidsmarktregio=number.map(known))
    return areas


def _region_by_overlap(
    areas: GeoDataFrame, regions: GeoDataFrame, pc6: pd.DataFrame | None, repairs: Repairs
) -> GeoDataFrame:
    """The region with most of the area; where an area crosses a border and PC6 counts are known, with most people."""
    shares = overlap_shares(areas, regions)
    chosen = _chosen(shares, areas, regions)
    names = regions["name"].to_numpy()
    across = crossing(shares).sort_values(["area", "share"], ascending=[True, False])
    for position in across["area"].drop_duplicates().to_numpy():
        parts = across[across["area"] == position]
        surface = zip(parts["zone"], parts["share"], strict=True)
        text = " | ".join(f"{names[zone]} {share:.0%}" for zone, share in surface)
        people = _people_per_zone(areas.geometry.iloc[position], regions, pc6)
        how = "meeste vlak"
        if people.sum() > 0:
            chosen[position] = int(np.argmax(people))
            lived_in = [zone for zone in np.argsort(-people) if people[zone] > 0]
            text += "; inwoners: " + " | ".join(f"{names[zone]} {people[zone] / people.sum():.0%}" for zone in lived_in)
            how = "meeste inwoners"
        repairs.add("regiogrens", areas["pc4"].iloc[position], text, f"naar {names[chosen[position]]}: {how}")
    number = regions["code"].astype("str").str.extract(r"(\d+)$", expand=False).astype("int64").to_numpy()
    return areas.assign(arbeidsmarktregio_nr=number[chosen], arbeidsmarktregio=names[chosen])


def overlap_shares(areas: GeoDataFrame, zones: GeoDataFrame) -> pd.DataFrame:
    """How much of each area lies in each zone: area, zone (positions), share (of the area's surface, above 0)."""
    shapes = areas.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    found: list[pd.DataFrame] = []
    for zone, polygon in enumerate(shapely.make_valid(zones.geometry.to_numpy())):
        shapely.prepare(polygon)
        touched = tree.query(polygon, predicate="intersects")
        inside = np.intersect1d(touched, tree.query(polygon, predicate="covers"))
        across = np.setdiff1d(touched, inside)
        found.append(pd.DataFrame({"area": inside, "zone": zone, "share": 1.0}))
        # On a grid of a centimetre, where an intersection never ends in a topology error.
        common = shapely.intersection(shapes[across], polygon, grid_size=0.01)
        share = np.minimum(shapely.area(common) / shapely.area(shapes[across]), 1.0)
        found.append(pd.DataFrame({"area": across, "zone": zone, "share": share}))
    shares = pd.concat(found, ignore_index=True).query("share > 0")
    return shares.sort_values(["area", "zone"], ignore_index=True)


def crossing(shares: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``overlap_shares`` of areas of which at least CROSSING_SHARE lies in a second zone."""
    real = shares[shares["share"] >= CROSSING_SHARE]
    return real[real["area"].duplicated(keep=False)]


def _chosen(shares: pd.DataFrame, areas: GeoDataFrame, zones: GeoDataFrame) -> npt.NDArray[np.int64]:
    """Per area the zone with the largest share (the first of equals), the nearest zone where none overlaps."""
    best = shares.sort_values(["area", "share", "zone"], ascending=[True, False, True]).drop_duplicates("area")
    chosen = np.full(len(areas), -1, dtype=np.int64)
    chosen[best["area"].to_numpy()] = best["zone"].to_numpy()
    outside = np.flatnonzero(chosen < 0)
    if len(outside):
        chosen[outside] = shapely.STRtree(zones.geometry.to_numpy()).nearest(areas.geometry.to_numpy()[outside])
    return chosen


def _people_per_zone(area: Any, zones: GeoDataFrame, pc6: pd.DataFrame | None) -> npt.NDArray[np.float64]:
    """Inhabitants of the area per zone, counted by the points of its full postcodes; zeros when there is no count."""
    people = np.zeros(len(zones))
    if pc6 is None or pc6.empty:
        return people
    within = pc6[shapely.contains_xy(area, pc6["x_m"], pc6["y_m"])]
    for position, zone in enumerate(zones.geometry):
        inside = shapely.contains_xy(zone, within["x_m"], within["y_m"])
        people[position] = within["inhabitants"][inside].fillna(0).sum()
    return people


def _care_region(areas: GeoDataFrame, layer: SourceLayer, table: pd.DataFrame) -> GeoDataFrame:
    if "care_region" in areas:
        return areas
    if layer.care_regions is not None:
        chosen = _chosen(overlap_shares(areas, layer.care_regions), areas, layer.care_regions)
        return areas.assign(care_region=layer.care_regions["name"].to_numpy()[chosen])
    if "gemeente_code" in areas:
        return areas.assign(care_region=areas["gemeente_code"].map(table["care_region"]))
    return areas


def _from_example(areas: GeoDataFrame, table: pd.DataFrame, repairs: Repairs) -> GeoDataFrame:
    """Fills what is still unknown from the edition of 2014: the same postcode, else the area nearest to it."""
    columns = ["gemeente_code", "gemeente_name", "arbeidsmarktregio_nr", "arbeidsmarktregio", "care_region"]
    areas = areas.assign(**{name: None for name in columns if name not in areas})
    needed = columns[:-1]  # a care region may stay unknown, but comes along where the rest does
    without = areas[needed].isna().any(axis=1).to_numpy()
    if not without.any():
        return areas
    from geodata.sources import embedded  # a source; read only when this last resort is needed

    example = embedded.read().areas
    positions = pd.Series(np.arange(len(example)), index=example["pc4"])
    match = positions.reindex(areas["pc4"][without]).to_numpy(copy=True)
    unmatched = np.isnan(match)
    points = shapely.point_on_surface(areas.geometry.to_numpy()[without][unmatched])
    match[unmatched] = shapely.STRtree(example.geometry.to_numpy()).nearest(points)
    code = example["gemeente_code"].to_numpy()[match.astype(np.int64)]
    derived = table.loc[code].assign(gemeente_code=code).set_axis(areas.index[without])
    for name in columns:
        areas[name] = areas[name].astype(object).where(areas[name].notna(), derived[name])
    for pc4, region in zip(areas["pc4"][without], areas["arbeidsmarktregio"][without], strict=True):
        repairs.add("regio_afgeleid", pc4, "geen regio of gemeente in de bron", f"{region}, als in 2014")
    return areas
