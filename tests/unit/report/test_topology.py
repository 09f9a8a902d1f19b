"""Polygons to arcs and back."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from allocation.report.topology import OUTSIDE, Topology, build


def rebuilt(topology: Topology, area: int) -> shapely.Geometry:
    """The polygon of an area, put together from its arcs as the map does: rings filled by the even-odd rule."""
    shape: shapely.Geometry = Polygon()
    for walk in topology.rings[area]:
        points = [
            point
            for name in walk
            for point in (topology.arcs[name] if name >= 0 else topology.arcs[-1 - name][::-1]).tolist()
        ]
        shape = shape.symmetric_difference(Polygon(points).buffer(0))
    return shapely.transform(shape, lambda xy: xy * topology.step_m)


def test_two_squares_share_one_border() -> None:
    """::

    +---+---+
    | 0 | 1 |     three arcs: the common border, and what is left around each
    +---+---+
    """
    topology = build(np.array([box(0, 0, 100, 100), box(100, 0, 200, 100)]))
    assert len(topology.arcs) == 3
    between = [i for i, sides in enumerate(topology.sides.tolist()) if OUTSIDE not in sides]
    assert len(between) == 1
    assert sorted(topology.sides[between[0]].tolist()) == [0, 1]
    border = topology.arcs[between[0]] * topology.step_m
    assert {tuple(point) for point in border.tolist()} == {(100.0, 0.0), (100.0, 100.0)}


def test_an_enclave_is_a_hole_of_the_area_around_it() -> None:
    around = Polygon([(0, 0), (300, 0), (300, 300), (0, 300)], [[(100, 100), (100, 200), (200, 200), (200, 100)]])
    topology = build(np.array([around, box(100, 100, 200, 200)]))
    assert len(topology.arcs) == 2
    assert rebuilt(topology, 0).equals(around)
    assert rebuilt(topology, 1).equals(box(100, 100, 200, 200))


def test_an_area_in_two_parts_keeps_both() -> None:
    parts = MultiPolygon([box(0, 0, 100, 100), box(300, 0, 400, 100)])
    assert rebuilt(build(np.array([parts])), 0).equals(parts)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 3), min_size=25, max_size=25))
def test_any_division_of_a_grid_comes_back_whole(owner: list[int]) -> None:
    """A 5 x 5 grid of which each cell belongs to one of four areas: arcs give back the same four shapes."""
    cells = [box(100 * (i % 5), 100 * (i // 5), 100 * (i % 5) + 100, 100 * (i // 5) + 100) for i in range(25)]
    names = sorted(set(owner))
    shapes = [
        shapely.union_all([cell for cell, name in zip(cells, owner, strict=True) if name == one]) for one in names
    ]
    topology = build(shapely.coverage_simplify(np.array(shapes), 0))
    topology = Topology.of_arrays(topology.to_arrays())
    for area, shape in enumerate(shapes):
        assert rebuilt(topology, area).symmetric_difference(shape).area == 0
    for sides in topology.sides.tolist():
        assert len(set(sides)) == 2, "a border separates two different things"


def test_kept_in_flat_arrays_it_is_the_same() -> None:
    """Areas with one ring, with two, and with a hole."""
    hole = Polygon([(500, 0), (900, 0), (900, 400), (500, 400)], [[(600, 100), (600, 200), (700, 200), (700, 100)]])
    made = build(np.array([box(0, 0, 100, 100), MultiPolygon([box(100, 0, 200, 100), box(0, 300, 90, 400)]), hole]))
    again = Topology.of_arrays(made.to_arrays())
    assert again.step_m == made.step_m
    assert again.rings == made.rings
    assert again.sides.tolist() == made.sides.tolist()
    assert [arc.tolist() for arc in again.arcs] == [arc.tolist() for arc in made.arcs]
