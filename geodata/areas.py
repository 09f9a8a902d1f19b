"""Postcode areas: one row per pc4 in RD New, repaired with a list of what was repaired, and joined to their regions.

Belongs here: everything that happens to the polygons and columns of one edition between source and use. Does not
belong here: reading a source (`sources`), which region an area is in (`regions`), who borders whom (`adjacency`).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from geopandas import GeoDataFrame, GeoSeries

from geodata import regions
from geodata.adjacency import Segments
from geodata.errors import GeodataError
from geodata.layer import RD_NEW, SourceLayer, extent, in_netherlands
from geodata.repairs import Repairs

AREA_COLUMNS = [
    "pc4", "place", "gemeente_code", "gemeente_name", "arbeidsmarktregio_nr", "arbeidsmarktregio", "care_region",
    "inhabitants", "x_m", "y_m", "area_km2", "is_valid", "geometry",
]  # fmt: skip
SNAP_M = 0.25
"""Borders of two areas this near each other are one border drawn twice."""
GAP_WIDTH_M = 5.0
"""Gaps between neighbours up to this width are drawing errors and are closed; wider ones are real."""
SLIVER_M2, SLIVER_WIDTH_M = 100.0, 1.0
"""A loose part smaller than this, or thinner (2 x area / perimeter), is no place where people live."""
FACING_M = 4 * GAP_WIDTH_M
"""Two areas face each other over a gap along at least this length; less is a corner."""
NOTICED_M2 = 0.1
"""Smaller changes of an area are rounding of coordinates, not an overlap or a gap."""


def build(layer: SourceLayer, repairs: Repairs) -> GeoDataFrame:
    """The areas of a source, ready for use: columns AREA_COLUMNS, sorted by pc4, a clean coverage in EPSG:28992.

    Everything repaired or noticed is added to ``repairs``.
    Raises GeodataError when the polygons are not the Netherlands, nothing usable is left, or a region does not exist.
    """
    areas = _in_rd_new(layer.areas)
    areas = _with_postcodes(areas, repairs)
    areas = _with_polygons(areas, repairs)
    areas = _one_row_per_postcode(areas, repairs)
    areas = areas.set_geometry(_clean_coverage(areas, repairs))
    areas = areas.set_geometry(_without_slivers(areas, repairs))
    areas = regions.assign(areas, layer, repairs)
    areas = _with_columns(areas)
    _note_counts(areas, repairs)
    return areas[AREA_COLUMNS]


def _in_rd_new(areas: GeoDataFrame) -> GeoDataFrame:
    """``areas`` transformed to RD New. Raises GeodataError when they then do not lie in the Netherlands."""
    moved = areas if areas.crs.to_epsg() == RD_NEW else areas.to_crs(RD_NEW)
    if not in_netherlands(moved):
        raise GeodataError(
            f"The areas do not lie in the Netherlands when their coordinates are read as {areas.crs.name}: "
            f"{extent(moved)} in RD New. The coordinate system is named wrongly."
        )
    return moved


def _with_postcodes(areas: GeoDataFrame, repairs: Repairs) -> GeoDataFrame:
    """Rows whose pc4 is a postcode, 1000 to 9999; the others are listed and dropped."""
    code = areas["pc4"].astype("str").str.strip().str.removesuffix(".0")
    usable = code.str.fullmatch(r"[1-9]\d{3}").fillna(False).to_numpy(dtype=bool)
    for wrong in code[~usable].fillna("").drop_duplicates():
        repairs.add("geen_postcode", "", f"'{wrong}' is geen postcode van vier cijfers", "gebied weggelaten")
    if not usable.any():
        raise GeodataError("None of the areas has a postcode of four digits (1000 to 9999) in its postcode column.")
    return areas.assign(pc4=code)[usable].sort_values("pc4", kind="stable", ignore_index=True)


def _with_polygons(areas: GeoDataFrame, repairs: Repairs) -> GeoDataFrame:
    """Rows with a valid polygon of more than zero area; invalid ones repaired, what has no area dropped and listed."""
    shapes = shapely.force_2d(areas.geometry.to_numpy())
    invalid = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    for position in np.flatnonzero(invalid):
        why = shapely.is_valid_reason(shapes[position])
        repairs.add("ongeldige_vorm", areas["pc4"][position], why, "vorm hersteld; zelfde grens, geldige ringen")
    shapes[invalid] = shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False)
    kind = shapely.get_type_id(shapes)
    for position in np.flatnonzero(kind == shapely.GeometryType.GEOMETRYCOLLECTION):
        shapes[position] = _polygons_of(shapes[position])
    usable = shapely.area(shapes) > 0
    for position in np.flatnonzero(~usable):
        repairs.add("lege_vorm", areas["pc4"][position], "geen vlak", "gebied weggelaten")
    if not usable.any():
        raise GeodataError("None of the areas has a polygon.")
    return areas.set_geometry(GeoSeries(shapes, crs=areas.crs))[usable].reset_index(drop=True)


def _polygons_of(collection: Any) -> Any:
    """What has a surface in ``collection``, without the points and lines."""
    parts = shapely.get_parts(collection)
    return shapely.union_all(parts[shapely.area(parts) > 0])


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


def _clean_coverage(areas: GeoDataFrame, repairs: Repairs) -> GeoSeries:
    """The polygons with overlaps and narrow gaps between neighbours taken away; what changed is listed by area."""
    before = areas.geometry.to_numpy()
    found = Segments.of(before)
    after, borders = _coverage(before, found)
    vanished = areas["pc4"][shapely.area(after) == 0]
    if len(vanished):
        raise GeodataError(
            f"{len(vanished)} areas lie wholly under other areas, the first is {vanished.iloc[0]}: "
            "each place must be in one area only."
        )
    gained_m2 = shapely.area(after) - shapely.area(before)
    # The longest stretch by which the borders of two areas became common: nothing for an area that was right already.
    matched_m = borders.common_m() - found.common_m()
    codes = areas["pc4"].to_numpy()
    for position in np.flatnonzero((np.abs(gained_m2) >= NOTICED_M2) | (np.abs(matched_m) >= NOTICED_M2)):
        if gained_m2[position] <= -NOTICED_M2:
            lost = f"{-gained_m2[position]:.1f} m² lag ook in een buurgebied"
            repairs.add("overlap", codes[position], lost, "bij het buurgebied met de langste gedeelde grens gevoegd")
        elif gained_m2[position] >= NOTICED_M2:
            closed = f"{gained_m2[position]:.1f} m² tussen de grenzen hoorde bij geen gebied"
            repairs.add("kier", codes[position], closed, "kier gesloten")
        else:
            loose = f"{matched_m[position]:.0f} m grens week af van die van het buurgebied"
            repairs.add("grens_ongelijk", codes[position], loose, "grens gelijkgemaakt")
    return GeoSeries(after, crs=areas.crs)


def _coverage(polygons: npt.NDArray[Any], found: Segments) -> tuple[npt.NDArray[Any], Segments]:
    """``polygons`` without overlaps and narrow gaps, and the borders that they then have in common.

    ``found``: the segments that they have in common as they are. Cleaning gives an enclosed gap as a whole to one area,
    and leaves a gap alone that is open to the sea. Where gaps along several borders meet in a corner they are one gap:
    areas on either side of its arms lose each other, and others meet that only have the corner in common. When that
    happens the gaps are filled border by border first, and what is nearer than SNAP_M becomes one.
    """
    cleaned = shapely.coverage_clean(polygons, gap_width=GAP_WIDTH_M)  # type: ignore[attr-defined]
    borders = Segments.of(cleaned)
    changed = np.abs(shapely.area(cleaned) - shapely.area(polygons)) >= NOTICED_M2
    if _facing_apart(polygons, borders) or _meet_by_a_corner(polygons, changed, found, borders):
        filled = _with_gaps_filled(polygons)
        cleaned = shapely.coverage_clean(  # type: ignore[attr-defined]
            filled, gap_width=GAP_WIDTH_M, snapping_distance=SNAP_M
        )
        borders = Segments.of(cleaned)
    return cleaned, borders


def _with_gaps_filled(polygons: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """``polygons``, each with all of the narrow gaps within GAP_WIDTH_M of it: they overlap there, in pairs."""
    country = shapely.union_all(polygons)
    reach = GAP_WIDTH_M / 2
    closed = shapely.buffer(shapely.buffer(country, reach, join_style="mitre"), -reach, join_style="mitre")
    gaps = shapely.get_parts(shapely.difference(closed, country))
    filled = polygons.copy()
    at, gap = shapely.STRtree(gaps).query(polygons, predicate="dwithin", distance=GAP_WIDTH_M)
    for position in np.unique(at):
        near = shapely.union_all(gaps[gap[at == position]])
        grown = shapely.intersection(shapely.buffer(polygons[position], GAP_WIDTH_M), near)
        filled[position] = _polygons_of(shapely.union(polygons[position], grown))
    return filled


def _facing_apart(polygons: npt.NDArray[Any], borders: Segments) -> list[tuple[int, int]]:
    """Pairs of polygons that are no neighbours in ``borders``, with a narrow gap of at least FACING_M between them."""
    tree = shapely.STRtree(polygons)
    one, other = tree.query(shapely.box(*(shapely.bounds(polygons) + GAP_WIDTH_M * np.array([-1, -1, 1, 1])).T))
    candidates = (one < other) & ~np.isin(one * len(polygons) + other, borders.pair_numbers())
    one, other = one[candidates], other[candidates]
    outlines = shapely.boundary(polygons)
    facing = _facing(outlines[one], outlines[other])
    found = []
    for at in np.flatnonzero(shapely.length(facing) >= FACING_M):
        pair = int(one[at]), int(other[at])
        between = np.setdiff1d(tree.query(facing[at], predicate="dwithin", distance=SNAP_M), pair)
        others = shapely.buffer(shapely.union_all(polygons[between]), SNAP_M)
        if shapely.length(shapely.difference(facing[at], others)) >= FACING_M:
            found.append(pair)
    return sorted(found)


def _meet_by_a_corner(
    polygons: npt.NDArray[Any], changed: npt.NDArray[np.bool_], found: Segments, borders: Segments
) -> bool:
    """Whether two polygons have more border in common, by FACING_M, than they face each other as drawn.

    Looked at are only those of which the surface ``changed``: others got no strip of a gap, and none of theirs went.
    """
    new = changed[borders.first] | changed[borders.second]
    new[new] = ~np.isin(borders.first[new] * len(polygons) + borders.second[new], found.pair_numbers())
    number, at = np.unique(borders.first[new] * len(polygons) + borders.second[new], return_inverse=True)
    common_m = np.bincount(at, borders.length_m[new], len(number))
    one, other = np.divmod(number[common_m > FACING_M], len(polygons))
    outlines = shapely.boundary(polygons)
    facing_m = shapely.length(_facing(outlines[one], outlines[other]))
    return bool((common_m[common_m > FACING_M] > facing_m + FACING_M).any())


def _facing(outlines: npt.NDArray[Any], others: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Of each outline the part within GAP_WIDTH_M of the one at its place in ``others``, as lines."""
    low = np.maximum(shapely.bounds(outlines)[:, :2], shapely.bounds(others)[:, :2]) - GAP_WIDTH_M
    high = np.minimum(shapely.bounds(outlines)[:, 2:], shapely.bounds(others)[:, 2:]) + GAP_WIDTH_M
    where = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    mine, theirs = (shapely.intersection(lines, where) for lines in (outlines, others))
    facing = np.full(len(outlines), shapely.MultiLineString(), dtype=object)
    near = shapely.dwithin(mine, theirs, GAP_WIDTH_M)
    facing[near] = shapely.intersection(mine[near], shapely.buffer(theirs[near], GAP_WIDTH_M))
    return facing


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
    text = ("pc4", "place", "gemeente_code", "gemeente_name", "arbeidsmarktregio", "care_region")
    return areas.assign(
        place=place.map(title_case),
        inhabitants=inhabitants.astype("Int64"),
        arbeidsmarktregio_nr=areas["arbeidsmarktregio_nr"].astype("int64"),
        x_m=x_m,
        y_m=y_m,
        area_km2=shapely.area(polygons) / 1e6,
        is_valid=shapely.is_valid(polygons),
    ).astype(dict.fromkeys(text, "str"))


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


_SMALL_WORDS = frozenset(
    (
        *("aan", "achter", "ad", "bij", "boven", "de", "den", "der", "deze", "en", "het", "in", "met", "of", "om"),
        *("onder", "op", "over", "rond", "rondom", "te", "tegen", "ten", "ter", "tot", "tussen", "uit", "van", "voor"),
        *("'t", "'s"),
    )
)
_CAPITALS = re.compile(r"^(FR|GN|DR|OV|GLD|UT|NH|ZH|ZLD|NB|LB|[IVX]+|N\.?O\.?|N\.?W\.?|Z\.?O\.?|Z\.?W\.?)$")
_ABBREVIATED = {"gem": "gem.", "e.o.": "e.o.", "e.o": "e.o.", "o.a.": "o.a.", "m.i.v.": "m.i.v."}


def title_case(name: str) -> str:
    """A place name in capitals as one writes it: 'BERGEN OP ZOOM' -> 'Bergen op Zoom', 'HOORN FR' -> 'Hoorn FR'.

    Names that are not all capitals are left as they are.
    """
    if not isinstance(name, str) or not name.isupper():
        return name
    return " ".join(_word_case(word, is_first=position == 0) for position, word in enumerate(name.split(" ")))


def _word_case(word: str, *, is_first: bool) -> str:
    lower = word.lower()
    if lower in _ABBREVIATED:
        return _ABBREVIATED[lower]
    if not is_first and (_CAPITALS.match(word)):
        return word
    if not is_first and lower in _SMALL_WORDS:
        return lower
    return re.sub(r"(^|[-/(.,])('?)((?:ij)|[^\W\d_])", _capital, lower).replace("-En-", "-en-").replace("-Op-", "-op-")


def _capital(match: re.Match[str]) -> str:
    before, apostrophe, letters = match.groups()
    # 's-Gravenhage and 't Zand: the s and t of the old article stay small.
    return before + apostrophe + (letters if apostrophe else letters.upper())
