"""Boundaries drawn at random: what must hold whatever the map looks like."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame, GeoSeries
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geodata import Boundaries, Edition, adjacency, bridges_within, carry_over, diff, dissolve, problems
from geodata.areas import build
from geodata.layer import SourceLayer
from geodata.repairs import Repairs
from tests.support.examples import examples

EDITION = Edition("test", 2014, "none", "drawn", "0", "2026-01-01T00:00:00+00:00")
SLOWLY = settings(max_examples=examples(3), deadline=None)


@st.composite
def grids(draw: st.DrawFn) -> GeoDataFrame:
    """Square kilometres on a grid, some left out (water), each in one of two gemeenten of different regions."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    kept = draw(st.lists(st.sampled_from(cells), min_size=1, max_size=len(cells), unique=True))
    kept.sort()
    corner = np.array([[150_000 + 1000 * column, 450_000 + 1000 * row] for row, column in kept], dtype=float)
    squares = shapely.box(corner[:, 0], corner[:, 1], corner[:, 0] + 1000, corner[:, 1] + 1000)
    frame = GeoDataFrame({"pc4": [f"{3500 + 10 * row + column}" for row, column in kept]}, geometry=squares, crs=28992)
    frame["gemeente_code"] = draw(st.lists(st.sampled_from(["0344", "0307"]), min_size=len(kept), max_size=len(kept)))
    frame["gemeente_name"], frame["place"], frame["inhabitants"] = "Stad", "Wijk", 100
    return frame


def boundaries(frame: GeoDataFrame) -> Boundaries:
    repairs = Repairs()
    areas = build(SourceLayer(areas=frame, edition=EDITION), repairs)
    return Boundaries(areas, adjacency.build(areas, repairs), repairs.table(), EDITION)


def grid_neighbours(frame: GeoDataFrame) -> set[tuple[str, str]]:
    """Known beforehand: codes that differ by 1 in a row, or by 10."""
    codes = set(frame["pc4"])
    right = {(c, str(int(c) + 1)) for c in codes if int(c) % 10 < 9}
    up = {(c, str(int(c) + 10)) for c in codes}
    return {(a, b) for a, b in right | up if b in codes}


@SLOWLY
@given(frame=grids())
def test_whatever_the_map_it_is_fit_for_use_and_its_neighbours_are_those_of_the_grid(frame: GeoDataFrame) -> None:
    made = boundaries(frame)
    assert problems(made) == []
    borders = made.edges[made.edges["kind"] == "border"]
    assert set(zip(borders["a"], borders["b"], strict=True)) == grid_neighbours(frame)
    assert np.allclose(borders["border_m"], 1000)


@SLOWLY
@given(frame=grids(), seed=st.integers(0, 2**32 - 1))
def test_order_of_rows_and_start_of_rings_do_not_matter(frame: GeoDataFrame, seed: int) -> None:
    shuffled = frame.sample(frac=1, random_state=np.random.default_rng(seed))
    turned = shuffled.set_geometry(GeoSeries(shapely.reverse(shuffled.geometry.to_numpy()), shuffled.index, crs=28992))
    one, other = boundaries(frame), boundaries(turned)
    pd.testing.assert_frame_equal(one.edges, other.edges)
    pd.testing.assert_frame_equal(one.areas.drop(columns="geometry"), other.areas.drop(columns="geometry"))


def full_grid(rows: int, columns: int) -> GeoDataFrame:
    """Like ``grids`` without water, all of one gemeente."""
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    squares = [
        shapely.box(150_000 + 1000 * x, 450_000 + 1000 * y, 151_000 + 1000 * x, 451_000 + 1000 * y) for y, x in cells
    ]
    frame = GeoDataFrame({"pc4": [f"{3500 + 10 * y + x}" for y, x in cells]}, geometry=squares, crs=28992)
    return frame.assign(gemeente_code="0344", gemeente_name="Stad", place="Wijk", inhabitants=100)


@settings(SLOWLY, max_examples=examples(6))
@given(frame=grids(), noise=st.integers(0, 2**32 - 1))
@example(frame=full_grid(3, 2), noise=0)  # hairline gaps along four borders that meet in one corner are one gap
@example(frame=full_grid(5, 4), noise=79)
@example(frame=full_grid(1, 2), noise=139995)  # a wedge that ends in an overlap of 0.3 mm: 4 m of border in common
def test_hairline_mismatches_change_no_neighbour(frame: GeoDataFrame, noise: int) -> None:
    """Every corner of every square moved by at most 5 cm, each square on its own: neighbours still find each other."""
    random = np.random.default_rng(noise)
    corners = [shapely.get_coordinates(shape)[:-1] for shape in frame.geometry]
    moved = [shapely.Polygon(four + random.uniform(-0.05, 0.05, four.shape)) for four in corners]
    made = boundaries(frame.set_geometry(GeoSeries(moved, crs=28992)))
    borders = made.edges[made.edges["kind"] == "border"]
    assert set(zip(borders["a"], borders["b"], strict=True)) == grid_neighbours(frame)
    assert problems(made) == []


@SLOWLY
@given(frame=grids(), noise=st.integers(0, 2**32 - 1))
def test_gaps_between_all_areas_lose_no_neighbour_and_join_none_but_at_a_corner(
    frame: GeoDataFrame, noise: int
) -> None:
    """Every side moved inwards by up to 2 m: gaps of up to 4 m everywhere, in crosses, and open to the sea.

    What is new at a corner is no wider than the gaps that met there, with room for the way in which they were divided.
    """
    random = np.random.default_rng(noise)
    moved = [
        shapely.box(*(np.array(shape.bounds) + random.uniform(0, 2, 4) * [1, 1, -1, -1])) for shape in frame.geometry
    ]
    made = boundaries(frame.set_geometry(GeoSeries(moved, crs=28992)))
    borders = made.edges[made.edges["kind"] == "border"].set_index(["a", "b"])["border_m"]
    assert set(borders[borders > 20].index) == grid_neighbours(frame)
    assert problems(made) == []


@SLOWLY
@given(frame=grids(), data=st.data())
def test_dissolving_a_plan_gives_back_the_country_and_every_area_once(frame: GeoDataFrame, data: st.DataObject) -> None:
    areas = boundaries(frame).areas
    teams = data.draw(st.lists(st.integers(0, 3), min_size=len(areas), max_size=len(areas)))
    merged = dissolve(areas, pd.Series(teams, index=areas["pc4"]))
    assert merged["areas"].sum() == len(areas)
    assert merged["group"].tolist() == sorted(set(teams))
    assert shapely.equals(shapely.union_all(merged.geometry), shapely.union_all(areas.geometry))


@SLOWLY
@given(frame=grids(), data=st.data())
def test_bridges_make_each_group_one_piece_and_never_more_than_needed(frame: GeoDataFrame, data: st.DataObject) -> None:
    areas = boundaries(frame).areas
    edges = adjacency.shared_borders(areas)
    drawn = data.draw(st.lists(st.sampled_from(["a", "b", None]), min_size=len(areas), max_size=len(areas)))
    groups = pd.Series(drawn, index=areas["pc4"].to_numpy(), dtype=object)
    before = _pieces(edges, groups)
    added = bridges_within(areas, edges, groups)
    assert _pieces(pd.concat([edges, added]), groups) == dict.fromkeys(before, 1)
    assert len(added) == sum(count - 1 for count in before.values())
    assert (groups[added["a"]].to_numpy() == groups[added["b"]].to_numpy()).all()


def _pieces(edges: pd.DataFrame, groups: pd.Series) -> dict[str, int]:
    """Pieces per group, counted by walking: not the way the code under test does it."""
    links: dict[str, set[str]] = {pc4: set() for pc4 in groups.index}
    for a, b in zip(edges["a"], edges["b"], strict=True):
        if groups[a] == groups[b]:
            links[a].add(b)
            links[b].add(a)
    count: dict[str, int] = {}
    seen: set[str] = set()
    for start in groups.dropna().index:
        if start in seen:
            continue
        count[groups[start]] = count.get(groups[start], 0) + 1
        todo = [start]
        while todo:
            pc4 = todo.pop()
            if pc4 not in seen:
                seen.add(pc4)
                todo += links[pc4]
    return count


@SLOWLY
@given(frame=grids())
def test_written_and_read_back_is_the_same(frame: GeoDataFrame) -> None:
    made = boundaries(frame)
    with tempfile.TemporaryDirectory() as folder:
        made.write(Path(folder) / "copy")
        made.write(Path(folder) / "copy")  # over the one before
        again = Boundaries.read(Path(folder) / "copy")
    pd.testing.assert_frame_equal(pd.DataFrame(again.areas), pd.DataFrame(made.areas))
    pd.testing.assert_frame_equal(again.edges, made.edges)
    pd.testing.assert_frame_equal(again.repairs, made.repairs)
    assert (again.edition, again.fingerprint()) == (made.edition, made.fingerprint())


@SLOWLY
@given(old=grids(), new=grids())
def test_every_difference_between_editions_is_told_once_and_every_area_gets_a_place(
    old: GeoDataFrame, new: GeoDataFrame
) -> None:
    was, now = boundaries(old), boundaries(new)
    changes = diff(was.areas, now.areas)
    fresh, gone = set(new["pc4"]) - set(old["pc4"]), set(old["pc4"]) - set(new["pc4"])
    renumbered = changes[changes["change"] == "renumbered"]
    assert set(changes[changes["change"] == "new"]["pc4"]) == fresh - set(renumbered["pc4"])
    assert set(changes[changes["change"] == "gone"]["pc4"]) == gone - set(renumbered["old"])
    both = sorted(set(old["pc4"]) & set(new["pc4"]))
    code = [frame.set_index("pc4")["gemeente_code"][both] for frame in (old, new)]
    assert set(changes[changes["change"] == "moved_gemeente"]["pc4"]) == set(code[0][code[0] != code[1]].index)
    carried = carry_over(was.areas, now.areas)
    assert carried["pc4"].tolist() == now.areas["pc4"].tolist()
    assert set(carried["from_pc4"]) <= set(was.areas["pc4"])
