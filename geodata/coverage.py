"""Cleaning a coverage: overlaps and narrow gaps between neighbours go, so that common borders become the very same.

Belongs here: the geometry. Does not belong here: listing what changed (`areas`), areas without surface (`broken`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from geodata.adjacency import MIN_BORDER_M, Segments

SNAP_M = 0.25
"""Borders of two areas this near each other are one border drawn twice."""
GAP_WIDTH_M = 5.0
"""Gaps between neighbours up to this width are drawing errors and are closed; wider ones are real."""
FACING_M = 4 * GAP_WIDTH_M
"""Two areas face each other over a gap along at least this length; less is a corner."""
NOTICED_M2 = 0.1
"""Smaller changes of an area are rounding of coordinates, not an overlap or a gap."""


def clean(polygons: npt.NDArray[Any], found: Segments) -> tuple[npt.NDArray[Any], Segments]:
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
        filled[position] = polygons_of(shapely.union(polygons[position], grown))
    return filled


def _facing_apart(polygons: npt.NDArray[Any], borders: Segments) -> list[tuple[int, int]]:
    """Pairs of polygons that are no neighbours in ``borders``, with a narrow gap of at least FACING_M between them.

    Where two borders were drawn across each other, the point of a wedge may be all that they have in common: less than
    MIN_BORDER_M makes no neighbours.
    """
    tree = shapely.STRtree(polygons)
    one, other = tree.query(shapely.box(*(shapely.bounds(polygons) + GAP_WIDTH_M * np.array([-1, -1, 1, 1])).T))
    candidates = (one < other) & ~np.isin(one * len(polygons) + other, borders.pair_numbers(MIN_BORDER_M))
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


def polygons_of(collection: Any) -> Any:
    """What has a surface in ``collection``, without the points and lines."""
    parts = shapely.get_parts(collection)
    return shapely.union_all(parts[shapely.area(parts) > 0])
