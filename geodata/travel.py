"""Kilometres between areas over land: through their common borders, round water, over bridges and by ferry.

A straight line crosses the Westerschelde; a traveller goes round it, or through the tunnel. A way goes from the point
inside the one area, by the middles of the borders that it crosses, to the point inside the other: straight from border
to border, so that a large area on the way costs no detour by its centre. Two areas that only meet over water without a
crossing (`reference/barriers_2014.csv`) have no border to cross. A bridge, dam, tunnel or ferry leads from landing to
landing and is as long as its list says (`reference/bridges_2014.csv`); main roads over water that make no neighbours
(`reference/roads_2014.csv`) serve travel too.

Limits: roads bend, so a real drive is longer; and kilometres say nothing of time, least of all on a ferry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra

from geodata.adjacency import LISTED_ROADS, Ints, Segments, listed_bridges, listed_crossings_km
from geodata.errors import GeodataError, capped

Floats = npt.NDArray[np.float64]
Points = npt.NDArray[np.complex128]
"""Places as x + iy, metres in RD New."""


def network_distance_km(areas: GeoDataFrame, edges: pd.DataFrame, from_pc4s: Sequence[str]) -> Floats:
    """The shortest way from each of ``from_pc4s`` to every area, in kilometres.

    ``areas`` and ``edges`` as in ``Boundaries``: pc4, x_m, y_m, geometry (a clean coverage in RD New); a, b, kind.
    Returns a matrix with a row per code of ``from_pc4s`` and a column per area. To the area itself it is 0, to one that
    cannot be reached infinite. Between two areas it is the same both ways, never shorter than the straight line between
    the points inside them, and never longer than a way by a third area.
    Raises GeodataError when one of ``from_pc4s`` is no area.
    """
    points = _points(areas)
    sources = _positions(areas, from_pc4s)
    gates = _Gates.of(areas, edges)
    offices, row = np.unique(sources, return_inverse=True)
    to_gate_m = _from_offices_m(gates, points, offices)
    last_m = np.abs(gates.place - points[gates.area])
    found = np.full((len(offices), len(points)), np.inf)
    if len(gates.area):
        reached, first = np.unique(gates.area, return_index=True)  # gates are sorted by area
        found[:, reached] = np.minimum.reduceat(to_gate_m[:, gates.node] + last_m, first, axis=1)
    found[np.arange(len(offices)), offices] = 0.0
    # The sum of many short lines can be a rounding below the straight one.
    return np.maximum(found[row] / 1000, straight_distance_km(areas, from_pc4s))


def straight_distance_km(areas: GeoDataFrame, from_pc4s: Sequence[str]) -> Floats:
    """Straight lines between the points inside the areas, in the form of ``network_distance_km``."""
    points = _points(areas)
    lines: Floats = np.abs(points[None, :] - points[_positions(areas, from_pc4s)][:, None]) / 1000
    return lines


def largest_detours(
    areas: GeoDataFrame, edges: pd.DataFrame, count: int = 20, least_km: float = 2.0, apart_km: float = 8.0
) -> pd.DataFrame:
    """The pairs of areas whose way is longest against the straight line: a, b, straight_km, network_km, ratio.

    Left out are pairs nearer than ``least_km`` in a straight line, and pairs of which both ends lie within ``apart_km``
    of those of a pair with a larger ratio: they are the same detour.
    """
    codes = areas["pc4"].to_numpy(dtype=str)
    straight = straight_distance_km(areas, list(codes))
    network = network_distance_km(areas, edges, list(codes))
    ratio = np.triu(np.divide(network, straight, out=np.zeros_like(network), where=straight >= least_km), 1)
    found: list[tuple[int, int]] = []
    while len(found) < count and ratio.max() > 1:
        a, b = divmod(int(np.argmax(ratio)), len(codes))
        found.append((a, b))
        near_a, near_b = straight[a] < apart_km, straight[b] < apart_km
        ratio[np.ix_(near_a, near_b)] = 0
        ratio[np.ix_(near_b, near_a)] = 0
    rows = [
        {"a": codes[a], "b": codes[b], "straight_km": straight[a, b], "network_km": network[a, b]} for a, b in found
    ]
    table = pd.DataFrame(rows, columns=["a", "b", "straight_km", "network_km"])
    return table.assign(ratio=table["network_km"] / table["straight_km"])


def crossings_on_way(areas: GeoDataFrame, edges: pd.DataFrame, a: str, b: str) -> list[str]:
    """The bridges, dams, tunnels and ferries on the shortest way from ``a`` to ``b``, in order, as their lists name
    them. Empty where the way stays on land, and where there is none."""
    points, ends = _points(areas), _positions(areas, [a, b])
    gates = _Gates.of(areas, edges)
    graph, nodes = _graph(gates, points, ends[:1])
    length_m, before = dijkstra(graph, directed=False, indices=nodes, return_predecessors=True)
    last = np.flatnonzero(gates.area == ends[1])
    node = int(gates.node[last[np.argmin(length_m[gates.node[last]] + np.abs(gates.place[last] - points[ends[1]]))]])
    sides = zip(gates.bridges[0].tolist(), gates.bridges[1].tolist(), strict=True)
    named = {pair: name for (one, other), name in zip(sides, gates.names, strict=True) for pair in _both(one, other)}
    found = []
    while before[node] >= 0:  # a negative number where the way begins
        found += [named[node, before[node]]] if (node, before[node]) in named else []
        node = int(before[node])
    return found[::-1]


def _both(one: int, other: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (one, other), (other, one)


def _points(areas: GeoDataFrame) -> Points:
    points: Points = areas["x_m"].to_numpy(dtype=float) + 1j * areas["y_m"].to_numpy(dtype=float)
    return points


def _positions(areas: GeoDataFrame, codes: Sequence[str] | pd.Series) -> Ints:
    """Rows of ``areas`` by postcode. Raises GeodataError on a postcode that is not there."""
    index = pd.Index(areas["pc4"].to_numpy(dtype=str))
    found = index.get_indexer(np.asarray(codes, dtype=str))
    if (found < 0).any():
        raise GeodataError(f"There is no area {capped(np.unique(np.asarray(codes, dtype=str)[found < 0]))}.")
    positions: Ints = found.astype(np.int64)
    return positions


@dataclass(frozen=True)
class _Gates:
    """The places where one can leave an area, sorted by area.

    ``area``: position of the area; ``node``: number of the place in the graph (a border is one place for both of its
    areas, a bridge has a landing in each); ``place``: where it is. ``bridges``: both nodes and the crossing, metres;
    ``names``: of the bridges.
    """

    area: Ints
    node: Ints
    place: Points
    bridges: tuple[Ints, Ints, Floats]
    names: tuple[str, ...]

    @classmethod
    def of(cls, areas: GeoDataFrame, edges: pd.DataFrame) -> _Gates:
        edges = _with_roads(areas, edges)
        is_bridge = (edges["kind"] == "bridge").to_numpy()
        a, b = _positions(areas, edges["a"]), _positions(areas, edges["b"])
        polygons = areas.geometry.to_numpy()
        middle = _middles(polygons, a[~is_bridge], b[~is_bridge])
        borders = np.arange(len(middle), dtype=np.int64)
        lines = shapely.shortest_line(polygons[a[is_bridge]], polygons[b[is_bridge]])
        landing = shapely.get_coordinates(lines).reshape(-1, 2, 2) @ np.array([1, 1j])
        landings = len(middle) + np.arange(2 * len(landing), dtype=np.int64).reshape(-1, 2)
        crossing_m = 1000 * np.fmax(
            listed_crossings_km(edges[is_bridge]), listed_crossings_km(edges[is_bridge], LISTED_ROADS)
        )
        # What is not listed, or lists less than the water is wide, is as long as the water is wide.
        crossing_m = np.fmax(crossing_m, np.abs(landing[:, 0] - landing[:, 1]))
        area = np.concatenate([a[~is_bridge], b[~is_bridge], a[is_bridge], b[is_bridge]])
        node = np.concatenate([borders, borders, landings[:, 0], landings[:, 1]])
        place = np.concatenate([middle, middle, landing[:, 0], landing[:, 1]])
        order = np.lexsort([node, area])
        names = tuple(edges.loc[is_bridge, "reason"].astype(str))
        return cls(area[order], node[order], place[order], (landings[:, 0], landings[:, 1], crossing_m), names)


def _with_roads(areas: GeoDataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """``edges`` with the listed main roads between areas that have no edge."""
    roads = listed_bridges(areas["pc4"], LISTED_ROADS)
    return pd.concat([edges, roads], ignore_index=True).drop_duplicates(["a", "b"], keep="first", ignore_index=True)


def _middles(polygons: npt.NDArray[Any], a: Ints, b: Ints) -> Points:
    """The middle of the common border of each pair (a, b): the mean of its segments, weighted by their lengths."""
    common = Segments.of(polygons)
    pair = common.first * len(polygons) + common.second
    numbers, at = np.unique(pair, return_inverse=True)
    weighted = common.length_m * common.middle
    x_m, y_m, length_m = (np.bincount(at, each) for each in (weighted.real, weighted.imag, common.length_m))
    mean = np.asarray((x_m + 1j * y_m) / length_m, dtype=np.complex128)
    wanted = np.minimum(a, b) * len(polygons) + np.maximum(a, b)
    found = np.searchsorted(numbers, wanted)
    if len(wanted) and (found == len(numbers)).any() | (numbers[np.minimum(found, len(numbers) - 1)] != wanted).any():
        raise GeodataError("An edge of kind border joins areas that have no border in common.")
    return mean[found]


def _from_offices_m(gates: _Gates, points: Points, offices: Ints) -> Floats:
    """Shortest ways in metres from the point inside each of the areas ``offices`` to every node."""
    graph, nodes = _graph(gates, points, offices)
    ways: Floats = dijkstra(graph, directed=False, indices=nodes + np.arange(len(offices)))[:, :nodes]
    return ways


def _graph(gates: _Gates, points: Points, offices: Ints) -> tuple[csr_matrix, int]:
    """Every step from place to place, in metres, and how many places there are: the point inside each of the areas
    ``offices`` is a node after them."""
    nodes = int(gates.node.max(initial=-1)) + 1
    one, other = _pairs_within(gates.area)
    within_m = np.abs(gates.place[one] - gates.place[other])
    first = np.searchsorted(gates.area, offices)
    count = np.searchsorted(gates.area, offices, side="right") - first
    office = np.repeat(np.arange(len(offices)), count)
    gate = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
    start_m = np.abs(gates.place[gate] - points[offices[office]])
    ends = (
        np.concatenate([gates.node[one], gates.bridges[0], nodes + office]),
        np.concatenate([gates.node[other], gates.bridges[1], gates.node[gate]]),
    )
    length_m = np.concatenate([within_m, gates.bridges[2], start_m])
    size = nodes + len(offices)
    return coo_matrix((length_m, ends), shape=(size, size)).tocsr(), nodes


def _pairs_within(area: Ints) -> tuple[Ints, Ints]:
    """Every pair of positions in the sorted ``area`` with the same value, the lower first."""
    end = np.searchsorted(area, area, side="right")
    count = end - np.arange(len(area)) - 1
    one = np.repeat(np.arange(len(area)), count)
    other = one + 1 + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return one.astype(np.int64), other.astype(np.int64)
