"""Postcodes whose polygon is missing, a speck, or wholly under other areas: each follows an area, as a PO box does.

Publishers simplify borders, and a small area can lose its surface that way. A few such postcodes must not make an
edition unusable; many of them mean that the file is not what it should be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from geopandas import GeoDataFrame

from geodata.editions import stand_ins
from geodata.errors import GeodataError, capped
from geodata.repairs import Repairs

SPECK_M2 = 1.0
"""An area of which less than this is left has no surface; the smallest real one has some 25,000 m²."""
MOST_BROKEN_SHARE = 0.005
"""More than this share of the areas without a surface of their own, and the file is refused."""
FOLLOWS_COLUMNS = ["pc4", "follows"]


def follow(broken: GeoDataFrame, whole: GeoDataFrame, repairs: Repairs) -> GeoDataFrame:
    """``whole`` with the inhabitants of ``broken`` added to the areas that these follow; each is listed in ``repairs``.

    Both have pc4 and geometry (RD New), and inhabitants where the source has them. A broken area follows the one that
    covers most of it, else the one it touches along the longest line, else the nearest; without any geometry the one
    with the nearest number.
    Raises GeodataError, naming them all (capped), when they are more than MOST_BROKEN_SHARE of the areas.
    """
    if not len(broken):
        return whole
    total = len(whole) + len(broken)
    if len(broken) > MOST_BROKEN_SHARE * total:
        raise GeodataError(
            f"{len(broken)} of {total} areas have no surface of their own (no polygon, smaller than {SPECK_M2:.0f} m², "
            f"or wholly under other areas); up to {MOST_BROKEN_SHARE:.1%} is repaired: {capped(broken['pc4'])}."
        )
    tree, codes = shapely.STRtree(whole.geometry.to_numpy()), whole["pc4"].to_numpy()
    inhabitants = whole["inhabitants"].copy() if "inhabitants" in whole else None
    for row in broken.to_dict("records"):
        at, how = _host(row["geometry"], str(row["pc4"]), tree, codes)
        people = row.get("inhabitants", pd.NA)
        counted = "" if pd.isna(people) else f"; {people} inwoners"
        if at is None:
            repairs.add("lege_vorm", row["pc4"], f"{how}{counted}", "gebied weggelaten: geen gebied in de buurt")
            continue
        moved = ""
        if inhabitants is not None and not pd.isna(people) and not pd.isna(inhabitants.iloc[at]):
            inhabitants.iloc[at] += people
            moved = ", inwoners daar bijgeteld"
        repairs.follow(str(row["pc4"]), str(codes[at]), f"{how}{counted}", f"volgt {codes[at]}{moved}")
    return whole if inhabitants is None else whole.assign(inhabitants=inhabitants)


def _host(shape: Any, pc4: str, tree: shapely.STRtree, codes: npt.NDArray[Any]) -> tuple[int | None, str]:
    """Position of the area that a broken one follows (None when there is none), and in Dutch what is wrong with it."""
    if shape is None or shapely.is_empty(shape):
        stand_in = stand_ins(codes, [pc4])["stand_in"].iloc[0]
        return None if pd.isna(stand_in) else int(np.flatnonzero(codes == stand_in)[0]), "geen vlak"
    size_m2 = shapely.area(shape)
    place = shape if size_m2 > 0 else shapely.convex_hull(shape)
    near = np.sort(tree.query(place, predicate="intersects"))
    if not len(near):
        at = int(tree.nearest(place))
        return at, f"{size_m2:.1f} m², {shapely.distance(place, tree.geometries[at]):.0f} m van het naaste gebied"
    common = shapely.intersection(tree.geometries[near], place)
    best = np.lexsort([codes[near], -shapely.length(common), -shapely.area(common)])[0]
    how = "onder een ander gebied" if shapely.area(common)[best] > 0 else "tegen een ander gebied aan"
    return int(near[best]), f"{size_m2:.1f} m², {how}"
