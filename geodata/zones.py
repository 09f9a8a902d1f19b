"""Layers of larger areas (gemeenten, arbeidsmarktregio's, care regions): checked, and laid over the postcode areas.

Belongs here: what makes such a layer usable, and which zone an area is in by surface. Does not belong here: what the
codes mean for an area (`regions`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj.exceptions
import shapely
from geopandas import GeoDataFrame

from geodata import codes
from geodata.errors import GeodataError, capped, reason
from geodata.identifiers import identifiers
from geodata.layer import RD_NEW, extent, in_netherlands
from geodata.repairs import Repairs

CROSSING_SHARE = 0.01
"""A share of an area below this, on the other side of a border, is generalisation of the border, not a crossing."""
KINDS = {"gemeenten": "gemeente", "regions": "arbeidsmarktregio", "care_regions": "zorgregio"}
"""Kind of a layer -> the Dutch word for one of its zones."""


def clean(layer: GeoDataFrame, kind: str, where: str, notes: list[dict[str, str]]) -> GeoDataFrame:
    """``layer`` (code, name, geometry with a CRS) fit for use: trimmed codes, valid polygons in RD New.

    ``kind`` is a key of KINDS; ``where`` names the source in messages; what is only noticed goes to ``notes``.
    Raises GeodataError, all at once per check, on a zone without code, name or surface, on codes that contradict their
    names, and on a layer that does not lie in the Netherlands.
    """
    code = identifiers(layer["code"], f"{where}, code").reset_index(drop=True)
    name = identifiers(layer["name"], f"{where}, name").reset_index(drop=True)
    without = np.flatnonzero((code.isna() | name.isna()).to_numpy())
    if not len(code):
        raise GeodataError(f"{where} has no areas.")
    if len(without):
        raise GeodataError(f"{where}: no code or no name in row {capped(without + 1)}.")
    code = _parsed(code, kind, where)
    _refuse_contradictions(code, name, kind, where, notes)
    shapes = shapely.force_2d(layer.geometry.to_numpy())
    shapes[~shapely.is_missing(shapes)] = shapely.make_valid(shapes[~shapely.is_missing(shapes)])
    empty = ~(shapely.area(shapes) > 0)
    if empty.any():
        raise GeodataError(f"{where}: no area is drawn for {capped(code[empty] + ' ' + name[empty])}.")
    try:
        zones = GeoDataFrame({"code": code, "name": name}, geometry=shapes, crs=layer.crs).to_crs(RD_NEW)
    except pyproj.exceptions.ProjError as error:
        raise GeodataError(f"{where}: its coordinates cannot be transformed to RD New: {reason(error)}.") from error
    if not in_netherlands(zones):
        raise GeodataError(
            f"{where} does not lie in the Netherlands when its coordinates are read as {layer.crs.name}: "
            f"{extent(zones)} in RD New."
        )
    return zones


def _parsed(code: pd.Series, kind: str, where: str) -> pd.Series:
    if kind == "gemeenten":
        return codes.gemeente_codes(code, f"{where}, code")
    return codes.region_numbers(code, f"{where}, code") if kind == "regions" else code


def _refuse_contradictions(
    code: pd.Series, name: pd.Series, kind: str, where: str, notes: list[dict[str, str]]
) -> None:
    """Raises GeodataError on codes that contradict names; a layer that numbers its regions its own way is noted.

    A name that is not in the list can contradict nothing, and may be a slip for one that is: it is noted.
    """
    if kind == "care_regions":
        return
    for detail in codes.unlisted_names(code, name, "gemeenten" if kind == "gemeenten" else "regions"):
        notes.append({"class": "bron", "pc4": "", "detail": f"{where}: {detail}", "action": "zo gebruikt"})
    known = codes.known_gemeenten() if kind == "gemeenten" else codes.known_regions()
    clauses = codes.contradictions(code, name, known)
    named_twice = [clause for clause in clauses if " names (" in clause]
    others = len(clauses) - len(named_twice)
    recognised = int(codes.folded(name).isin(codes.folded(known)).sum())
    if kind == "regions" and not named_twice and others > recognised / 2:
        detail = f"{where} nummert de arbeidsmarktregio's anders dan de lijst van 2014: {others} van {recognised}"
        notes.append({"class": "bron", "pc4": "", "detail": detail, "action": "nummers van het bestand gebruikt"})
        return
    if clauses:
        raise GeodataError(f"{where}: a code contradicts a name: {capped(clauses, 5)}.")


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


def by_surface(
    shares: pd.DataFrame, areas: GeoDataFrame, zones: GeoDataFrame, kind: str, repairs: Repairs
) -> npt.NDArray[np.int64]:
    """Per area the position of the zone with its largest share (the first of equals).

    An area outside all zones gets the nearest, which is listed with the distance. Raises GeodataError when more than
    half of the areas are outside: then the layer is of another place.
    """
    best = shares.sort_values(["area", "share", "zone"], ascending=[True, False, True]).drop_duplicates("area")
    chosen = np.full(len(areas), -1, dtype=np.int64)
    chosen[best["area"].to_numpy()] = best["zone"].to_numpy()
    outside = np.flatnonzero(chosen < 0)
    if not len(outside):
        return chosen
    if 2 * len(outside) > len(areas):
        which = capped(areas["pc4"].to_numpy()[outside])
        raise GeodataError(
            f"{len(outside)} of {len(areas)} areas lie outside every area of the layer of {kind}: {which}."
        )
    shapes, polygons = areas.geometry.to_numpy()[outside], zones.geometry.to_numpy()
    chosen[outside] = shapely.STRtree(polygons).nearest(shapes)
    distance_m = shapely.distance(shapes, polygons[chosen[outside]])
    for position, metres in zip(outside, distance_m, strict=True):
        detail = f"ligt buiten elke {KINDS[kind]}, {metres / 1000:.1f} km van de dichtstbijzijnde"
        repairs.add("buiten_laag", areas["pc4"].iloc[position], detail, f"naar {zones['name'].iloc[chosen[position]]}")
    return chosen
