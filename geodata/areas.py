"""Postcode areas: one row per pc4 in RD New, repaired with a list of what was repaired, and joined to their regions.

Belongs here: everything that happens to the polygons and columns of one edition between source and use. Does not
belong here: reading a source (`sources`), which region an area is in (`regions`), who borders whom (`adjacency`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj.exceptions
import shapely
from geopandas import GeoDataFrame, GeoSeries

from geodata import broken as broken_areas
from geodata import coverage, regions
from geodata.adjacency import Segments
from geodata.errors import GeodataError, capped, reason, shown
from geodata.identifiers import identifiers
from geodata.layer import RD_NEW, SourceLayer, extent, in_netherlands
from geodata.place_names import title_case
from geodata.repairs import Repairs

AREA_COLUMNS = [
    "pc4", "place", "gemeente_code", "gemeente_name", "arbeidsmarktregio_nr", "arbeidsmarktregio", "care_region",
    "inhabitants", "x_m", "y_m", "area_km2", "is_valid", "geometry",
]  # fmt: skip
TEXT_COLUMNS = ["pc4", "place", "gemeente_code", "gemeente_name", "arbeidsmarktregio", "care_region"]
SLIVER_M2, SLIVER_WIDTH_M = 100.0, 1.0
"""A loose part smaller than this, or thinner (2 x area / perimeter), is no place where people live."""


def build(layer: SourceLayer, repairs: Repairs) -> GeoDataFrame:
    """The areas of a source, ready for use: columns AREA_COLUMNS, sorted by pc4, a clean coverage in EPSG:28992.

    Everything repaired or noticed is added to ``repairs``.
    Raises GeodataError when the polygons are not the Netherlands, nothing usable is left, or a region does not exist.
    """
    areas = _with_postcodes(_with_text(layer.areas, layer.edition.origin), repairs)
    areas = _in_rd_new(areas)
    areas, broken = _with_polygons(areas, repairs)
    areas = _one_row_per_postcode(areas, repairs)
    areas, broken = _clean_coverage(areas, broken, repairs)
    areas = broken_areas.follow(broken, areas, repairs)
    areas = areas.set_geometry(_without_slivers(areas, repairs))
    areas = regions.assign(areas, layer, repairs)
    areas = _with_columns(areas)
    _note_counts(areas, repairs)
    return areas[AREA_COLUMNS]


def _with_text(areas: GeoDataFrame, origin: str) -> GeoDataFrame:
    """``areas`` with each identifier and name read as text by the one rule for it (``identifiers``)."""
    present = [column for column in TEXT_COLUMNS if column in areas]
    text = {column: identifiers(areas[column], f"{origin}, {column}") for column in present}
    return areas.assign(**text)


def _with_postcodes(areas: GeoDataFrame, repairs: Repairs) -> GeoDataFrame:
    """Rows whose pc4 is a postcode, 1000 to 9999; the others are listed and dropped."""
    code = areas["pc4"]
    usable = code.str.fullmatch(r"[1-9][0-9]{3}").fillna(False).to_numpy(dtype=bool)
    for wrong, count in code[~usable].fillna("").value_counts(sort=False).sort_index().items():
        several = f" ({count} vlakken)" if count > 1 else ""
        repairs.add(
            "geen_postcode", "", f"{shown(wrong)} is geen postcode van vier cijfers{several}", "gebied weggelaten"
        )
    if not usable.any():
        raise GeodataError("None of the areas has a postcode of four digits (1000 to 9999) in its postcode column.")
    return areas[usable].sort_values("pc4", kind="stable", ignore_index=True)


def _in_rd_new(areas: GeoDataFrame) -> GeoDataFrame:
    """``areas`` transformed to RD New. Raises GeodataError when they then do not lie in the Netherlands."""
    shapes = areas.geometry.to_numpy()
    drawn = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if not drawn.any():
        raise GeodataError("None of the areas has a polygon.")
    try:
        moved = areas if areas.crs.to_epsg() == RD_NEW else areas.to_crs(RD_NEW)
    except pyproj.exceptions.ProjError as error:
        raise GeodataError(f"The coordinates cannot be transformed to RD New: {reason(error)}.") from error
    if not in_netherlands(moved):
        outside = [
            pc4
            for pc4, row in zip(areas["pc4"][drawn], np.flatnonzero(drawn), strict=True)
            if not in_netherlands(moved.iloc[[row]])
        ]
        which = f" Outside lie {capped(outside)}." if len(outside) < drawn.sum() else ""
        raise GeodataError(
            f"The areas do not lie in the Netherlands when their coordinates are read as {areas.crs.name}: "
            f"{extent(moved)} in RD New. The coordinate system is named wrongly, or the drawing is wrong.{which}"
        )
    return moved


def _with_polygons(areas: GeoDataFrame, repairs: Repairs) -> tuple[GeoDataFrame, GeoDataFrame]:
    """Rows with a valid polygon of at least SPECK_M2, invalid ones repaired; and the rows of postcodes without any.

    A feature without surface whose postcode has another feature is listed and left out.
    """
    drawn = shapely.force_2d(areas.geometry.to_numpy())
    shapes = drawn.copy()
    invalid = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    for position in np.flatnonzero(invalid):
        why = shapely.is_valid_reason(shapes[position])
        repairs.add("ongeldige_vorm", areas["pc4"][position], why, "vorm hersteld; zelfde grens, geldige ringen")
    shapes[invalid] = shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False)
    kind = shapely.get_type_id(shapes)
    for position in np.flatnonzero(kind == shapely.GeometryType.GEOMETRYCOLLECTION):
        shapes[position] = coverage.polygons_of(shapes[position])
    size_m2 = np.nan_to_num(shapely.area(shapes))
    whole = size_m2 > 0
    has_other = areas["pc4"].isin(areas["pc4"][whole]).to_numpy()
    for position in np.flatnonzero(~whole & has_other):
        repairs.add("lege_vorm", areas["pc4"][position], "geen vlak", "weggelaten: de postcode heeft een ander vlak")
    # A postcode is a speck by all of its features together.
    together_m2 = pd.Series(size_m2).groupby(areas["pc4"].to_numpy()).transform("sum").to_numpy()
    speck = together_m2 < broken_areas.SPECK_M2
    if speck.all():
        raise GeodataError(f"None of the areas has a polygon of {broken_areas.SPECK_M2:.0f} m² or more.")
    where = np.where(whole, shapes, drawn)
    broken = areas.set_geometry(GeoSeries(where, crs=areas.crs))[speck].drop_duplicates("pc4")
    return areas.set_geometry(GeoSeries(shapes, crs=areas.crs))[whole & ~speck].reset_index(drop=True), broken


def _one_row_per_postcode(areas: GeoDataFrame, repairs: Repairs) -> GeoDataFrame:
    """Features with the same code made one: polygons joined, inhabitants added up; a mere repetition counts once."""
    twice = areas["pc4"].duplicated(keep=False)
    if not twice.any():
        return areas
    merged = []
    for pc4, same in areas[twice].groupby("pc4", sort=True):
        different = same[~same.geometry.to_wkb().duplicated()]
        row = different.iloc[[0]].copy()
        row["geometry"] = GeoSeries([shapely.union_all(different.geometry.to_numpy())], index=row.index, crs=areas.crs)
        if "inhabitants" in row:
            row["inhabitants"] = different["inhabitants"].sum(min_count=1)
        detail = f"{len(same)} vlakken, waarvan {len(different)} verschillend"
        repairs.add("dubbele_postcode", str(pc4), detail, "samengevoegd")
        merged.append(row)
    together = pd.concat([areas[~twice], *merged]).sort_values("pc4", ignore_index=True)
    return GeoDataFrame(together, geometry="geometry", crs=areas.crs)


def _clean_coverage(areas: GeoDataFrame, broken: GeoDataFrame, repairs: Repairs) -> tuple[GeoDataFrame, GeoDataFrame]:
    """``areas`` with overlaps and narrow gaps between neighbours taken away; what changed is listed by area.

    Areas of which less than SPECK_M2 is left, because they lie under others, go to ``broken``.
    """
    before = areas.geometry.to_numpy()
    found = Segments.of(before)
    after, borders = coverage.clean(before, found)
    covered = shapely.area(after) < broken_areas.SPECK_M2
    if covered.any():
        broken = pd.concat([broken, areas[covered]], ignore_index=True)
        areas = areas[~covered].reset_index(drop=True)
        before = areas.geometry.to_numpy()
        found = Segments.of(before)
        after, borders = coverage.clean(before, found)
    gained_m2 = shapely.area(after) - shapely.area(before)
    # The longest stretch by which the borders of two areas became common: nothing for an area that was right already.
    matched_m = borders.common_m() - found.common_m()
    codes = areas["pc4"].to_numpy()
    for position in np.flatnonzero(
        (np.abs(gained_m2) >= coverage.NOTICED_M2) | (np.abs(matched_m) >= coverage.NOTICED_M2)
    ):
        if gained_m2[position] <= -coverage.NOTICED_M2:
            lost = f"{-gained_m2[position]:.1f} m² lag ook in een buurgebied"
            repairs.add("overlap", codes[position], lost, "bij het buurgebied met de langste gedeelde grens gevoegd")
        elif gained_m2[position] >= coverage.NOTICED_M2:
            closed = f"{gained_m2[position]:.1f} m² tussen de grenzen hoorde bij geen gebied"
            repairs.add("kier", codes[position], closed, "kier gesloten")
        else:
            loose = f"{matched_m[position]:.0f} m grens week af van die van het buurgebied"
            repairs.add("grens_ongelijk", codes[position], loose, "grens gelijkgemaakt")
    return areas.set_geometry(GeoSeries(after, crs=areas.crs)), broken.sort_values("pc4", ignore_index=True)


def _without_slivers(areas: GeoDataFrame, repairs: Repairs) -> GeoSeries:
    """Loose slivers of an area go to the neighbour they share most border with; those without a neighbour stay."""
    shapes = areas.geometry.to_numpy().copy()
    parts, owner = shapely.get_parts(shapes, return_index=True)
    size_m2 = shapely.area(parts)
    largest = pd.Series(size_m2).groupby(owner).transform("max").to_numpy()
    thin = 2 * size_m2 / shapely.length(parts) < SLIVER_WIDTH_M
    for part in np.flatnonzero(((size_m2 < SLIVER_M2) | thin) & (size_m2 < largest)):
        near = shapely.STRtree(shapes).query(parts[part], predicate="touches")
        near = near[near != owner[part]]
        shared_m = shapely.length(shapely.intersection(shapes[near], parts[part]))
        detail = f"los deel van {size_m2[part]:.1f} m²"
        if not len(near) or shared_m.max() == 0:
            repairs.add("snipper", areas["pc4"][owner[part]], detail, "gelaten: grenst aan geen ander gebied")
            continue
        to = near[np.argmax(shared_m)]
        shapes[owner[part]] = shapely.difference(shapes[owner[part]], parts[part])
        shapes[to] = shapely.union(shapes[to], parts[part])
        repairs.add("snipper", areas["pc4"][owner[part]], detail, f"bij {areas['pc4'][to]} gevoegd")
    return GeoSeries(shapes, crs=areas.crs)


def _with_columns(areas: GeoDataFrame) -> GeoDataFrame:
    """``areas`` with every column of AREA_COLUMNS and its type."""
    polygons = areas.geometry.to_numpy()
    x_m, y_m = point_inside(areas)
    place = areas["place"].fillna(areas["gemeente_name"]) if "place" in areas else areas["gemeente_name"]
    inhabitants = areas["inhabitants"] if "inhabitants" in areas else pd.Series(pd.NA, index=areas.index, dtype="Int64")
    return areas.assign(
        place=place.map(title_case),
        inhabitants=inhabitants.astype("Int64"),
        arbeidsmarktregio_nr=areas["arbeidsmarktregio_nr"].astype("int64"),
        x_m=x_m,
        y_m=y_m,
        area_km2=shapely.area(polygons) / 1e6,
        is_valid=shapely.is_valid(polygons),
    ).astype(dict.fromkeys(TEXT_COLUMNS, "str"))


def point_inside(areas: GeoDataFrame) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
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


def _note_counts(areas: GeoDataFrame, repairs: Repairs) -> None:
    """Lists what is kept as it is but worth knowing: areas without people, without a count, in several parts."""
    for pc4, inhabitants in zip(areas["pc4"], areas["inhabitants"], strict=True):
        if inhabitants is pd.NA:
            repairs.add("inwoners_onbekend", pc4, "aantal niet gepubliceerd", "telt als onbekend, niet als nul")
        elif inhabitants == 0:
            repairs.add("zonder_inwoners", pc4, "0 inwoners", "behouden: elk gebied hoort bij een team")
    parts = shapely.get_num_geometries(areas.geometry.to_numpy())
    for position in np.flatnonzero(parts > 1):
        repairs.add("losse_delen", areas["pc4"][position], f"{parts[position]} losse delen", "geldt als aaneengesloten")
    whole = shapely.coverage_union_all(areas.geometry.to_numpy())
    tree = shapely.STRtree(areas.geometry.to_numpy())
    for polygon in shapely.get_parts(whole):
        for ring in shapely.get_rings(polygon)[1:]:
            around, size_km2 = areas["pc4"][int(tree.nearest(ring))], shapely.area(shapely.polygons(ring)) / 1e6
            repairs.add("gat", around, f"{size_km2:.3f} km² hoort bij geen gebied", "gelaten: buitenland of water")
