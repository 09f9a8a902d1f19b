"""Simplified and dissolved: the coverage stays one, and the country stays whole."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas import GeoDataFrame

from allocation.report import topology
from allocation.report.borders import TOLERANCE_M
from geodata import Boundaries, GeodataError, dissolve, simplify
from geodata.adjacency import MIN_BORDER_M, shared_borders

Toy = Callable[..., GeoDataFrame]


def test_dissolving_joins_the_areas_of_a_group(toy: Toy) -> None:
    areas = toy(p1001=(0, 0, 1, 1), p1002=(1, 0, 2, 1), p1003=(2, 0, 3, 1))
    teams = dissolve(areas, pd.Series({"1003": "B", "1001": "A", "1002": "A"}))
    assert teams["group"].tolist() == ["A", "B"]
    assert teams["areas"].tolist() == [2, 1]
    assert (teams.geometry.area / 1e6).tolist() == [2.0, 1.0]
    assert teams.crs == areas.crs


def test_dissolving_refuses_an_area_without_a_group(toy: Toy) -> None:
    areas = toy(p1001=(0, 0, 1, 1), p1002=(1, 0, 2, 1))
    with pytest.raises(GeodataError, match="1 areas have no group to dissolve by, the first is 1002"):
        dissolve(areas, pd.Series({"1001": "A"}))


@pytest.mark.heavy
def test_simplifying_keeps_common_borders_of_the_country(embedded: Boundaries) -> None:
    simple = simplify(embedded.areas, tolerance_m=200).to_numpy()
    assert shapely.coverage_is_valid(simple)
    assert not shapely.is_empty(simple).any()
    assert shapely.get_num_coordinates(simple).sum() < 80_000
    holes = sum(len(part.interiors) for part in shapely.get_parts(shapely.coverage_union_all(simple)))
    assert holes <= 22


@pytest.mark.heavy
def test_the_borders_of_the_report_are_small_and_those_of_the_country(embedded: Boundaries) -> None:
    """As the report has them: simplified, each border once, rounded to 10 m. No neighbour is lost but corner points."""
    simple = embedded.areas.set_geometry(simplify(embedded.areas, TOLERANCE_M))
    assert shapely.coverage_is_valid(simple.geometry.to_numpy())
    before = shared_borders(embedded.areas).set_index(["a", "b"])["border_m"]
    assert shared_borders(simple).set_index(["a", "b"]).index.equals(before.index)
    shape = topology.build(simple.geometry.to_numpy())
    codes = embedded.areas["pc4"].to_numpy()
    inner = shape.sides[(shape.sides >= 0).all(axis=1)]
    drawn = {(min(pair), max(pair)) for pair in codes[inner].tolist()}
    assert drawn <= set(before.index)
    assert before.drop(list(drawn)).max() < MIN_BORDER_M
    points = [np.diff(arc, axis=0, prepend=0).ravel().tolist() for arc in shape.arcs]
    value = {"arcs": points, "sides": shape.sides.ravel().tolist(), "rings": shape.rings}
    assert len(json.dumps(value, separators=(",", ":"))) < 1_500_000


@pytest.mark.heavy
def test_dissolving_any_plan_gives_back_the_country(embedded: Boundaries) -> None:
    """180 teams drawn at random per area, the worst plan there is; its parts cover the country exactly once."""
    areas = embedded.areas
    plan = pd.Series(np.random.default_rng(1).integers(0, 180, len(areas)), index=areas["pc4"])
    teams = dissolve(areas, plan)
    assert teams["areas"].sum() == len(areas)
    assert teams.geometry.area.sum() == pytest.approx(areas.geometry.area.sum(), abs=1.0)
    country, again = (shapely.coverage_union_all(shapes.to_numpy()) for shapes in (areas.geometry, teams.geometry))
    assert again.area == pytest.approx(country.area, abs=1.0)
    assert shapely.equals(again, country)
