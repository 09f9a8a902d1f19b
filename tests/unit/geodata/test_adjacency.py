"""Neighbours on drawings that can be checked by eye, then on the real country against an independent computation."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import shapely
from geopandas import GeoDataFrame
from libpysal.graph import Graph
from shapely import Polygon

from geodata import Boundaries, GeodataError, adjacency, bridges_within
from geodata.repairs import Repairs
from geodata.sources import embedded as embedded_source

Toy = Callable[..., GeoDataFrame]


def pairs(edges: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(edges["a"], edges["b"], strict=True))


def unordered(graph: Graph) -> set[tuple[str, str]]:
    linked = graph.adjacency[graph.adjacency > 0]
    return {(a, b) for a, b in linked.index if a < b}


def test_a_common_border_makes_neighbours_and_a_corner_does_not(toy: Toy) -> None:
    """
    1003 | 1004      1001-1004 and 1002-1003 only meet in the middle point.
    -----+-----
    1001 | 1002
    """
    areas = toy(p1001=(0, 0, 1, 1), p1002=(1, 0, 2, 1), p1003=(0, 1, 1, 2), p1004=(1, 1, 2, 2))
    edges = adjacency.shared_borders(areas)
    assert pairs(edges) == [("1001", "1002"), ("1001", "1003"), ("1002", "1004"), ("1003", "1004")]
    assert edges["border_m"].tolist() == [1000.0] * 4


def test_a_border_in_pieces_counts_once_with_its_whole_length(toy: Toy) -> None:
    """
    1001 1001 1001
    1001 1002 1001      1002 lies in a bay of 1001: three sides of 1 km.
    """
    around = Polygon([(0, 0), (1, 0), (1, 1), (2, 1), (2, 0), (3, 0), (3, 2), (0, 2)])
    edges = adjacency.shared_borders(toy(p1001=around, p1002=(1, 0, 2, 1)))
    assert pairs(edges) == [("1001", "1002")]
    assert edges["border_m"].tolist() == [3000.0]


def test_a_contact_of_half_a_metre_is_a_corner_and_is_listed(toy: Toy) -> None:
    """
    1003 |  1004        the middle of the lower row stands half a metre off: 1001 and 1004 share 0.5 m
    -----+.----
    1001  | 1002
    """
    off = 1.0005
    lower_left, lower_right = (0, 0, off, 1), (off, 0, 2, 1)
    upper_left = Polygon([(0, 1), (1, 1), (1, 2), (0, 2)])
    upper_right = Polygon([(1, 1), (off, 1), (2, 1), (2, 2), (1, 2)])
    lower_left_with_node = Polygon([(0, 0), (off, 0), (off, 1), (1, 1), (0, 1)])
    areas = toy(p1001=lower_left_with_node, p1002=lower_right, p1003=upper_left, p1004=upper_right)
    assert shapely.area(shapely.box(*lower_left)) > 0
    repairs = Repairs()
    edges = adjacency.build(areas.assign(arbeidsmarktregio_nr=1), repairs)
    assert ("1001", "1004") not in pairs(edges)
    assert repairs.table()[["class", "pc4", "detail"]].to_numpy().tolist() == [
        ["hoekcontact", "1001", "0.500 m grens met 1004"]
    ]


def test_an_island_is_joined_to_the_nearest_area_and_the_edge_says_so(toy: Toy) -> None:
    """
    1001 | 1002     ~ 2 km of water ~     1003
    """
    areas = toy(p1001=(0, 0, 1, 1), p1002=(1, 0, 2, 1), p1003=(4, 0, 5, 1)).assign(arbeidsmarktregio_nr=1)
    edges = adjacency.build(areas, Repairs())
    bridge = edges[edges["kind"] == "bridge"]
    assert pairs(bridge) == [("1002", "1003")]
    assert bridge["border_m"].tolist() == [0.0]
    assert bridge["reason"].tolist() == ["afstandsregel: dichtstbijzijnde gebied, 2.0 km"]


def test_an_exclave_is_joined_to_its_own_region_across_another(toy: Toy) -> None:
    """
    1001 | 1002 | 1003     1002 is of region 2, 1001 and 1003 of region 1
    """
    areas = toy(p1001=(0, 0, 1, 1), p1002=(1, 0, 2, 1), p1003=(2, 0, 3, 1)).assign(arbeidsmarktregio_nr=[1, 2, 1])
    edges = adjacency.build(areas, Repairs())
    assert pairs(edges) == [("1001", "1002"), ("1001", "1003"), ("1002", "1003")]
    assert edges["kind"].tolist() == ["border", "bridge", "border"]


def test_bridges_join_several_pieces_with_one_bridge_less_than_there_are_pieces(toy: Toy) -> None:
    """
    1001   1002   1003   1004: four islands, 1, 2 and 1 km apart; equal distances go to the lowest postcodes.
    """
    areas = toy(p1001=(0, 0, 1, 1), p1002=(2, 0, 3, 1), p1003=(5, 0, 6, 1), p1004=(7, 0, 8, 1))
    groups = pd.Series("west", index=areas["pc4"])
    found = bridges_within(areas, adjacency.shared_borders(areas), groups)
    assert pairs(found) == [("1001", "1002"), ("1002", "1003"), ("1003", "1004")]


def test_no_bridge_where_none_is_needed_or_no_group_is_named(toy: Toy) -> None:
    areas = toy(p1001=(0, 0, 1, 1), p1002=(1, 0, 2, 1), p1003=(4, 0, 5, 1))
    edges = adjacency.shared_borders(areas)
    groups = pd.Series({"1001": "a", "1002": "a", "1003": None})
    assert bridges_within(areas, edges, groups).empty
    assert list(bridges_within(areas, edges, groups).columns) == adjacency.EDGE_COLUMNS


def test_listed_barriers_are_no_neighbours_and_are_reported(toy: Toy) -> None:
    """Hoek van Holland (3151) and Europoort (3198) have the Nieuwe Waterweg between them."""
    areas = toy(p3151=(0, 1, 1, 2), p3198=(0, 0, 1, 1)).assign(arbeidsmarktregio_nr=[1, 2])
    repairs = Repairs()
    assert adjacency.build(areas, repairs).empty
    assert repairs.table()[["class", "pc4", "detail"]].to_numpy().tolist() == [
        ["barriere", "3151", "1000 m grens met 3198 in Nieuwe Waterweg"]
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("pc4_a,pc4_b,kind\n", "has the columns pc4_a, pc4_b, kind; expected pc4_a, pc4_b, kind, reason"),
        ("pc4_a,pc4_b,kind,reason\n1001,1001,ferry,x\n", "1001-1001"),
        ("pc4_a,pc4_b,kind,reason\n1001,1002,ferry,x\n1002,1001,tunnel,y\n", "a pair twice: 1001-1002"),
        ("pc4_a,pc4_b,kind,reason\n1001,1002,rope,x\n", "the kind 'rope'"),
    ],
)
def test_a_wrong_list_of_bridges_is_refused(tmp_path: Path, content: str, words: str) -> None:
    listed = tmp_path / "bridges.csv"
    listed.write_text(content)
    with pytest.raises(GeodataError, match=words):
        adjacency.listed_bridges(pd.Series(["1001", "1002"]), listed)


@pytest.mark.heavy
def test_every_listed_bridge_and_barrier_is_of_this_edition(embedded: Boundaries) -> None:
    """A postcode typed wrongly in a list would do nothing, silently."""
    known = set(embedded.areas["pc4"])
    borders = set(pairs(adjacency.shared_borders(embedded.areas)))
    for path in (adjacency.LISTED_BRIDGES, adjacency.LISTED_ROADS, adjacency.LISTED_BARRIERS):
        listed = pd.read_csv(path, dtype=str, comment="#")
        assert set(listed["pc4_a"]) | set(listed["pc4_b"]) <= known
    barriers = pd.read_csv(adjacency.LISTED_BARRIERS, dtype=str, comment="#")
    assert set(zip(barriers["pc4_a"], barriers["pc4_b"], strict=True)) <= borders
    bridges = adjacency.listed_bridges(embedded.areas["pc4"])
    assert set(pairs(bridges)).isdisjoint(borders)


@pytest.mark.heavy
def test_neighbours_of_the_country_are_those_that_libpysal_finds(embedded: Boundaries) -> None:
    """libpysal's rook rule (two common vertices in a row) on the same clean coverage, with our length rule on top.

    Its queen rule also takes corner points; every pair that it has more is one, or is in the list of short contacts.
    """
    areas = embedded.areas.set_index("pc4")
    ours = set(pairs(adjacency.shared_borders(embedded.areas)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of islands, which are Vlieland and Schiermonnikoog
        rook = unordered(Graph.build_contiguity(areas, rook=True))
        queen = unordered(Graph.build_contiguity(areas, rook=False))
    assert rook == ours
    assert len(ours) == 11_116
    corners = queen - rook
    one, other = (areas.geometry[[pair[side] for pair in sorted(corners)]].to_numpy() for side in (0, 1))
    assert shapely.length(shapely.intersection(one, other)).max() == 0.0
    left_out = embedded.repairs[embedded.repairs["class"].isin(["hoekcontact", "barriere"])]
    assert (embedded.edges["kind"] == "border").sum() == 11_116 - len(left_out)


@pytest.mark.heavy
def test_neighbours_of_the_country_are_those_of_the_polygons_as_drawn(embedded: Boundaries) -> None:
    """Counted on the polygons before cleaning, with nothing but distances and lengths.

    Whoever shares a border lay within half a metre; whoever lay that near and shares none only meets at a corner: no
    two such borders run within half a metre of each other for 3 m.
    """
    drawn = embedded_source.read().areas.sort_values("pc4", ignore_index=True)
    shapes, codes = shapely.make_valid(drawn.geometry.to_numpy()), drawn["pc4"].to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=0.5)
    near = {(codes[a], codes[b]): (a, b) for a, b in zip(one, other, strict=True) if a < b}
    ours = set(pairs(adjacency.shared_borders(embedded.areas)))
    assert ours <= set(near)
    a, b = shapes[[near[pair] for pair in sorted(set(near) - ours)]].T
    along_m = shapely.length(shapely.intersection(shapely.boundary(a), shapely.buffer(b, 0.5)))
    assert len(along_m) > 500
    assert along_m.max() < 3
