"""Polygons that share borders -> arcs: each border once, with the two areas it separates.

With arcs a browser can draw the border between teams for any division without dissolving polygons, and the file is
half as large. Belongs here: the conversion. Does not belong here: colours, teams, anything on a screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Ints = NDArray[np.int64]
OUTSIDE = -1


@dataclass(frozen=True)
class Topology:
    """Borders of areas in whole steps of ``step_m`` metres (RD New, y to the north).

    arcs     per border the points (m, 2)
    sides    (arcs, 2) the areas left and right by position; -1 is outside
    rings    per area its rings, each a list of arcs; a negative number -1 - i is arc i walked backwards
    """

    step_m: float
    arcs: tuple[Ints, ...]
    sides: Ints
    rings: tuple[tuple[tuple[int, ...], ...], ...]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The same in flat arrays, to be kept: lists one after the other, with the length of each."""
        walks = [walk for rings in self.rings for walk in rings]
        return {
            "step_m": np.array([self.step_m]),
            "points": np.concatenate(self.arcs) if self.arcs else np.zeros((0, 2), dtype=np.int64),
            "points_of_arc": np.array([len(arc) for arc in self.arcs], dtype=np.int64),
            "sides": self.sides,
            "walks": np.array([arc for walk in walks for arc in walk], dtype=np.int64),
            "arcs_of_walk": np.array([len(walk) for walk in walks], dtype=np.int64),
            "walks_of_area": np.array([len(rings) for rings in self.rings], dtype=np.int64),
        }

    @classmethod
    def of_arrays(cls, kept: Mapping[str, NDArray[Any]]) -> Topology:
        """What ``to_arrays`` gave."""
        walks = [tuple(walk.tolist()) for walk in _cut(kept["walks"], kept["arcs_of_walk"])]
        ends = np.cumsum([0, *kept["walks_of_area"]])
        rings = tuple(tuple(walks[a:b]) for a, b in pairwise(ends))
        return cls(float(kept["step_m"][0]), tuple(_cut(kept["points"], kept["points_of_arc"])), kept["sides"], rings)


def _cut(values: NDArray[Any], lengths: Ints) -> list[NDArray[Any]]:
    """``values`` in pieces of ``lengths``."""
    return np.split(values, np.cumsum(lengths)[:-1]) if len(lengths) else []


def build(polygons: NDArray[Any], step_m: float = 10.0) -> Topology:
    """The topology of (n,) polygons or multipolygons that fit together without gaps or overlaps.

    Points are rounded to ``step_m``. Rings that become smaller than that disappear.
    """
    owners, rings = _rings(polygons, step_m)
    points = np.concatenate(rings)
    _, number = np.unique(points, axis=0, return_inverse=True)
    starts = np.cumsum([0, *(len(ring) for ring in rings)])
    numbers = [number.ravel()[a:b] for a, b in pairwise(starts)]
    neighbours = _neighbours(owners, numbers)
    found: dict[bytes, int] = {}
    arcs: list[Ints] = []
    sides: list[tuple[int, int]] = []
    walks: list[list[tuple[int, ...]]] = [[] for _ in range(len(polygons))]
    for owner, ring, nodes, across in zip(owners.tolist(), rings, numbers, neighbours, strict=True):
        walk = []
        for first, last in _runs(nodes, across):
            positions = np.arange(first, last + 1) % len(nodes)
            name, backwards = _name(nodes[positions])
            if name not in found:
                found[name] = len(arcs)
                arcs.append(ring[positions][::-1] if backwards else ring[positions])
                sides.append((owner, int(across[first % len(nodes)])))
            walk.append(-1 - found[name] if backwards else found[name])
        walks[owner].append(tuple(walk))
    return Topology(step_m, tuple(arcs), np.array(sides, dtype=np.int64), tuple(tuple(walk) for walk in walks))


def _rings(polygons: NDArray[Any], step_m: float) -> tuple[Ints, list[Ints]]:
    """Owner per ring, and the ring's rounded points without the closing one and without repeats."""
    parts, part_owner = shapely.get_parts(polygons, return_index=True)
    lines, line_part = shapely.get_rings(parts, return_index=True)
    owners, rings = [], []
    for owner, line in zip(part_owner[line_part].tolist(), lines, strict=True):
        points = np.round(shapely.get_coordinates(line) / step_m).astype(np.int64)
        points = points[np.r_[True, (np.diff(points, axis=0) != 0).any(axis=1)]]
        points = points[:-1] if len(points) > 1 and (points[0] == points[-1]).all() else points
        if len(points) >= 3:
            owners.append(owner)
            rings.append(points)
    return np.array(owners, dtype=np.int64), rings


def _neighbours(owners: Ints, numbers: list[Ints]) -> list[Ints]:
    """Per ring and segment (from point i to the next) the area on the other side."""
    size = 1 + max(int(nodes.max()) for nodes in numbers)
    low = np.concatenate([np.minimum(nodes, np.roll(nodes, -1)) for nodes in numbers])
    high = np.concatenate([np.maximum(nodes, np.roll(nodes, -1)) for nodes in numbers])
    owner = np.repeat(owners, [len(nodes) for nodes in numbers])
    segment, position, count = np.unique(low * size + high, return_inverse=True, return_counts=True)
    total = np.zeros(len(segment), dtype=np.int64)
    np.add.at(total, position, owner)
    across = np.where(count[position] == 2, total[position] - owner, OUTSIDE)
    ends = np.cumsum([len(nodes) for nodes in numbers])[:-1]
    return np.split(across, ends)


def _runs(nodes: Ints, across: Ints) -> list[tuple[int, int]]:
    """Stretches of a ring along one neighbour, as (first, last) point; they may run on past the end of the ring."""
    size = len(nodes)
    turns = np.flatnonzero(across != np.roll(across, 1))
    if not len(turns):
        first = int(nodes.argmin())
        return [(first, first + size)]
    return [(int(a), int(b)) for a, b in zip(turns, np.r_[turns[1:], turns[0] + size], strict=True)]


def _name(nodes: Ints) -> tuple[bytes, bool]:
    """The same name for a stretch walked either way, and whether this is the backward one."""
    forward, backward = nodes.tobytes(), nodes[::-1].tobytes()
    return (backward, True) if backward < forward else (forward, False)
