"""Who borders whom: shared borders of a clean coverage, and the bridges that join what water or a border separates.

Two areas are neighbours when they share a stretch of border, never when they only meet in a point. The coverage must
be clean (`areas.build`): then a shared border consists of the very same segments on both sides, and finding it is
matching equal segments, exact and without tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from geodata.errors import GeodataError
from geodata.repairs import Repairs

EDGE_COLUMNS = ["a", "b", "border_m", "kind", "reason"]
LISTED_BRIDGES = Path(__file__).parent / "reference" / "bridges_2014.csv"
LISTED_ROADS = Path(__file__).parent / "reference" / "roads_2014.csv"
LISTED_BARRIERS = Path(__file__).parent / "reference" / "barriers_2014.csv"
BRIDGE_COLUMNS = ["pc4_a", "pc4_b", "kind", "reason"]
BRIDGE_KINDS = {"ferry": "veer", "bridge": "brug of dam", "tunnel": "tunnel", "exclave": "exclave"}
"""Kind in the list -> the Dutch word that planners read."""
MIN_BORDER_M = 5.0
"""Less common border than this is a corner point: closing a gap, up to 5 m wide, can make one as long as that."""

Ints = npt.NDArray[np.int64]


def build(areas: GeoDataFrame, repairs: Repairs) -> pd.DataFrame:
    """All edges of an edition: shared borders, the listed bridges, and what the distance rule adds per region.

    Left out, and added to ``repairs``: contacts shorter than MIN_BORDER_M and the listed barriers.
    Afterwards the areas of every arbeidsmarktregio form one connected graph of their own.
    Columns: a, b (pc4, a < b), border_m (metres, 0 for a bridge), kind (border or bridge), reason (of the bridge).
    """
    edges = _without_corners(shared_borders(areas), repairs)
    edges = _without_barriers(edges, repairs)
    edges = _joined(edges, listed_bridges(areas["pc4"]))
    by_region = pd.Series(areas["arbeidsmarktregio_nr"].to_numpy(), index=areas["pc4"].to_numpy())
    return _joined(edges, bridges_within(areas, edges, by_region))


def shared_borders(areas: GeoDataFrame) -> pd.DataFrame:
    """Pairs of areas with a common border longer than 0 m, with its length. ``areas`` is a clean coverage."""
    common = Segments.of(areas.geometry.to_numpy())
    codes = areas["pc4"].to_numpy()
    pairs = pd.DataFrame({"a": common.first, "b": common.second, "border_m": common.length_m})
    pairs = pairs.groupby(["a", "b"], as_index=False).sum()
    found = pd.DataFrame(
        {"a": codes[pairs["a"]], "b": codes[pairs["b"]], "border_m": pairs["border_m"], "kind": "border", "reason": ""}
    )
    return _ordered(found)


def _without_corners(edges: pd.DataFrame, repairs: Repairs) -> pd.DataFrame:
    """Edges without those shorter than MIN_BORDER_M, which are corner points drawn a little apart."""
    short = edges["border_m"] < MIN_BORDER_M
    for a, b, border_m in zip(edges["a"][short], edges["b"][short], edges["border_m"][short], strict=True):
        repairs.add("hoekcontact", a, f"{border_m:.3f} m grens met {b}", "geen buren")
    return edges[~short].reset_index(drop=True)


def _without_barriers(edges: pd.DataFrame, repairs: Repairs, listed: Path = LISTED_BARRIERS) -> pd.DataFrame:
    """Edges without the listed pairs that look at each other over wide water with no crossing near."""
    barriers = _pairs(listed, ["pc4_a", "pc4_b", "water", "reason"])
    found = edges.merge(barriers, on=["a", "b"], how="left", suffixes=("", "_listed"))
    barred = found["water"].notna()
    for row in found[barred].to_dict("records"):
        detail = f"{row['border_m']:.0f} m grens met {row['b']} in {row['water']}"
        repairs.add("barriere", row["a"], detail, f"geen buren: {row['reason_listed']}")
    return edges[~barred.to_numpy()].reset_index(drop=True)


@dataclass(frozen=True)
class Segments:
    """The border segments that two of the polygons have in common.

    ``first``, ``second``, ``length_m``, ``middle``: per segment the positions of the two polygons (smaller first), its
    length in metres and its middle (x + iy). ``polygons``: how many there are.
    """

    first: Ints
    second: Ints
    length_m: npt.NDArray[np.float64]
    middle: npt.NDArray[np.complex128]
    polygons: int

    @classmethod
    def of(cls, polygons: npt.NDArray[Any]) -> Segments:
        """Sorts the segments of all rings by their two ends; equal ones lie next to each other then."""
        start, end, owner, segment = _segments(polygons)
        order = np.argsort(segment)
        twice = segment[order][1:] == segment[order][:-1]
        one, other = owner[order][:-1][twice], owner[order][1:][twice]
        differ = one != other
        return cls(
            first=np.minimum(one, other)[differ],
            second=np.maximum(one, other)[differ],
            length_m=np.abs(end - start)[order][:-1][twice][differ],
            middle=((start + end) / 2)[order][:-1][twice][differ],
            polygons=len(polygons),
        )

    def pair_numbers(self, at_least_m: float = 0.0) -> Ints:
        """The pairs with ``at_least_m`` metres of common border, each as first x polygons + second, ascending."""
        number, at = np.unique(self.first * self.polygons + self.second, return_inverse=True)
        kept: Ints = number[np.bincount(at, self.length_m, len(number)) >= at_least_m]
        return kept

    def common_m(self) -> npt.NDArray[np.float64]:
        """Per polygon, the length in metres of the border that it has in common with others."""
        total: npt.NDArray[np.float64] = np.zeros(self.polygons)
        np.add.at(total, self.first, self.length_m)
        np.add.at(total, self.second, self.length_m)
        return total


def _segments(
    polygons: npt.NDArray[Any],
) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.complex128], Ints, Ints]:
    """Every border segment: its ends (x + iy, metres), the position of its polygon, and a number for the segment.

    Two segments with the same ends, in either direction, have the same number: one whole number per undirected
    segment is exact, and much faster to sort than four coordinates.
    """
    parts, polygon_of_part = shapely.get_parts(polygons, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring_of_point = shapely.get_coordinates(rings, return_index=True)
    points = xy[:, 0] + 1j * xy[:, 1]
    # Numbering x and y apart and then the pairs sorts plain numbers, which takes half the time of complex ones.
    (_, column), (rows, row) = (np.unique(xy[:, axis], return_inverse=True) for axis in (0, 1))
    distinct, point = np.unique(column * len(rows) + row, return_inverse=True)
    in_one_ring = ring_of_point[1:] == ring_of_point[:-1]
    start, end = point[:-1][in_one_ring], point[1:][in_one_ring]
    owner = polygon_of_part[part_of_ring[ring_of_point]][:-1][in_one_ring]
    segment = np.minimum(start, end).astype(np.int64) * len(distinct) + np.maximum(start, end)
    return points[:-1][in_one_ring], points[1:][in_one_ring], owner, segment


def listed_bridges(codes: pd.Series, listed: Path = LISTED_BRIDGES) -> pd.DataFrame:
    """The reviewed bridges of which both ends exist in this edition.

    Raises GeodataError when the list itself is wrong (a column missing, an area joined to itself, a pair twice).
    """
    bridges = _pairs(listed, BRIDGE_COLUMNS, optional="km")
    unknown = bridges[~bridges["kind"].isin(list(BRIDGE_KINDS))]
    if len(unknown):
        raise GeodataError(f"{listed.name} has the kind '{unknown['kind'].iloc[0]}'; known: {', '.join(BRIDGE_KINDS)}.")
    reason = bridges["kind"].map(BRIDGE_KINDS) + ": " + bridges["reason"]
    found = bridges[["a", "b"]].assign(border_m=0.0, kind="bridge", reason=reason)
    return found[found["a"].isin(codes) & found["b"].isin(codes)].reset_index(drop=True)


def listed_crossings_km(edges: pd.DataFrame, listed: Path = LISTED_BRIDGES) -> npt.NDArray[np.float64]:
    """Length of the crossing of each of ``edges`` (a, b) in kilometres, as a reviewed list has it; NaN without one.

    Raises GeodataError when a length in the list is no number above 0.
    """
    bridges = _pairs(listed, BRIDGE_COLUMNS, optional="km")
    km = pd.to_numeric(bridges["km"], errors="coerce").to_numpy(dtype=float)
    if (~(km > 0) & (bridges["km"] != "").to_numpy()).any():
        raise GeodataError(f"{listed.name} has a length (km) that is no number above 0.")
    known = pd.Series(km, index=pd.MultiIndex.from_frame(bridges[["a", "b"]]))
    found: npt.NDArray[np.float64] = known.reindex(pd.MultiIndex.from_frame(edges[["a", "b"]])).to_numpy(dtype=float)
    return found


def _pairs(listed: Path, columns: list[str], optional: str | None = None) -> pd.DataFrame:
    """A reviewed list of pairs of areas, with a and b (a < b) in place of its first two columns.

    The column ``optional`` may follow the others; without it, it is empty.
    """
    table = pd.read_csv(listed, dtype=str, comment="#", keep_default_na=False)
    if optional is not None and list(table.columns) == columns:
        table = table.assign(**{optional: ""})
    columns = columns if optional is None else [*columns, optional]
    if list(table.columns) != columns:
        raise GeodataError(f"{listed.name} has the columns {', '.join(table.columns)}; expected {', '.join(columns)}.")
    ends = np.sort(table[columns[:2]].to_numpy(dtype=str), axis=1)
    pairs = table[columns[2:]].assign(a=ends[:, 0], b=ends[:, 1])
    wrong = pairs[(pairs["a"] == pairs["b"]) | pairs.duplicated(["a", "b"])]
    if len(wrong):
        pair = f"{wrong['a'].iloc[0]}-{wrong['b'].iloc[0]}"
        raise GeodataError(f"{listed.name} names an area with itself, or a pair twice: {pair}.")
    return pairs


def bridges_within(areas: GeoDataFrame, edges: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """The bridges still needed so that the areas of each group form one connected graph of their own.

    ``groups`` maps pc4 (its index) to a group; areas absent or with a missing group take no part. The distance rule:
    the smallest piece of a group is joined to the nearest area of the rest of the group (shortest distance between
    the two polygons; equal to the millimetre: lowest postcodes), until one piece is left. Same input, same bridges.
    Returns rows in the form of ``Boundaries.edges``; empty when every group is connected already.
    """
    codes = areas["pc4"].to_numpy()
    position = pd.Series(np.arange(len(codes)), index=codes)
    group = groups.dropna().reindex(codes)
    ends = position.reindex(edges["a"]).to_numpy(), position.reindex(edges["b"]).to_numpy()
    known = ~(np.isnan(ends[0]) | np.isnan(ends[1]))
    a, b = ends[0][known].astype(np.int64), ends[1][known].astype(np.int64)
    number = pd.factorize(group, sort=True)[0]
    inside = (number[a] == number[b]) & (number[a] >= 0)
    piece = _pieces(len(codes), a[inside], b[inside])
    polygons = areas.geometry.to_numpy()
    rows: list[dict[str, Any]] = []
    split = pd.DataFrame({"group": number, "piece": piece}).query("group >= 0").groupby("group")["piece"].nunique()
    for joined_group in split.index[split > 1]:
        members = np.flatnonzero(number == joined_group)
        rows += _join_pieces(codes, polygons, members, piece[members])
    return _ordered(pd.DataFrame(rows, columns=EDGE_COLUMNS))


def _join_pieces(
    codes: npt.NDArray[Any], polygons: npt.NDArray[Any], members: Ints, piece: Ints
) -> list[dict[str, Any]]:
    """Bridges that make one piece of ``members``; ``piece`` numbers the pieces they are in now."""
    piece = piece.copy()
    rows: list[dict[str, Any]] = []
    while len(np.unique(piece)) > 1:
        labels, size = np.unique(piece, return_counts=True)
        first_code = [codes[members[piece == label]].min() for label in labels]
        smallest = labels[min(range(len(labels)), key=lambda i: (size[i], first_code[i]))]
        inner, outer = members[piece == smallest], members[piece != smallest]
        tree = shapely.STRtree(polygons[outer])
        near, distance_m = tree.query_nearest(polygons[inner], return_distance=True, all_matches=True)
        candidates = [
            (round(float(d), 3), *sorted((str(codes[inner[i]]), str(codes[outer[j]]))), outer[j])
            for i, j, d in zip(near[0], near[1], distance_m, strict=True)
        ]
        distance, a, b, landing = min(candidates, key=lambda c: c[:3])
        how = f"dichtstbijzijnde gebied, {distance / 1000:.1f} km" if distance > 0 else "raakt in een punt"
        rows.append({"a": a, "b": b, "border_m": 0.0, "kind": "bridge", "reason": f"afstandsregel: {how}"})
        piece[piece == smallest] = piece[members == landing][0]
    return rows


def _pieces(n: int, a: Ints, b: Ints) -> Ints:
    """Number of the connected piece of each of ``n`` areas, joined by the pairs (a, b)."""
    graph = coo_matrix((np.ones(len(a), dtype=bool), (a, b)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _joined(edges: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """``edges`` and ``more``; a pair that is in both keeps the row of ``edges`` (a border makes a bridge needless)."""
    return _ordered(pd.concat([edges, more], ignore_index=True).drop_duplicates(["a", "b"], keep="first"))


def _ordered(edges: pd.DataFrame) -> pd.DataFrame:
    """``edges`` with a < b, sorted, and with the types that a file gives back."""
    swapped = edges["a"].to_numpy(dtype=str) > edges["b"].to_numpy(dtype=str)
    low, high = edges["a"].where(~swapped, edges["b"]), edges["b"].where(~swapped, edges["a"])
    ordered = edges.assign(a=low, b=high).sort_values(["a", "b"], ignore_index=True)
    return ordered.astype({"a": "str", "b": "str", "border_m": "float64", "kind": "str", "reason": "str"})
