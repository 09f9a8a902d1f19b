"""Repairs, one class at a time, on drawings of two or three areas."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
import shapely
from geopandas import GeoDataFrame, GeoSeries
from shapely import MultiPolygon, Point, Polygon, box

from geodata import GeodataError, repairs_summary
from geodata.areas import build
from geodata.layer import Edition, SourceLayer
from geodata.repairs import RULES, Repairs

Toy = Callable[..., GeoDataFrame]


def built(areas: GeoDataFrame) -> tuple[GeoDataFrame, pd.DataFrame]:
    edition = Edition("test", 2014, "none", "drawn", "0", "2026-01-01T00:00:00+00:00")
    repairs = Repairs()
    return build(SourceLayer(areas=areas, edition=edition), repairs), repairs.table()


def listed(repairs: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(repairs["class"], repairs["pc4"], strict=True))


def test_good_areas_come_through_as_they_are(toy: Toy) -> None:
    areas, repairs = built(toy(p3511=(0, 0, 1, 1), p3512=(1, 0, 2, 1)))
    assert areas["pc4"].tolist() == ["3511", "3512"]
    assert areas["area_km2"].tolist() == [1.0, 1.0]
    assert areas["arbeidsmarktregio"].tolist() == ["Midden-Utrecht"] * 2
    assert areas["place"].tolist() == ["Plaats"] * 2
    assert repairs.empty


def test_a_gap_that_is_open_at_both_ends_is_closed_too(toy: Toy) -> None:
    """3511 |4 m| 3512, with the sea above and below: cleaning alone would leave them apart."""
    areas, repairs = built(toy(p3511=(0, 0, 1, 1), p3512=(1.004, 0, 2, 1)))
    assert areas["area_km2"].sum() == pytest.approx(2.0)
    assert areas.geometry.iloc[0].intersection(areas.geometry.iloc[1]).length == pytest.approx(1000)
    assert listed(repairs) == [("kier", "3511"), ("grens_ongelijk", "3512")]


def test_a_strait_wider_than_a_gap_stays_water(toy: Toy) -> None:
    areas, repairs = built(toy(p3511=(0, 0, 1, 1), p3512=(1.006, 0, 2, 1)))
    assert areas["area_km2"].sum() == pytest.approx(1.994)
    assert repairs.empty


def test_corners_near_each_other_at_the_coast_are_no_gap(toy: Toy) -> None:
    """
           3512
    3511          two corners, 3 m apart
    """
    areas, repairs = built(toy(p3511=(0, 0, 1, 1), p3512=(1.002, 1.002, 2, 2)))
    assert not areas.geometry.iloc[0].intersects(areas.geometry.iloc[1])
    assert repairs.empty


def test_a_narrow_gap_enclosed_by_areas_is_closed(toy: Toy) -> None:
    """
    3513 over the whole width
    3511 |4 m gap| 3512
    3514 over the whole width
    """
    shapes = {"p3511": (0, 0, 1, 1), "p3512": (1.004, 0, 2, 1), "p3513": (0, 1, 2, 2), "p3514": (0, -1, 2, 0)}
    areas, repairs = built(toy(**shapes))
    assert areas["area_km2"].sum() == pytest.approx(6.0)
    gaps = repairs[repairs["class"] == "kier"]
    assert gaps["detail"].tolist() == ["4000.0 m² tussen de grenzen hoorde bij geen gebied"]
    assert shapely.coverage_is_valid(areas.geometry.to_numpy())


def test_a_wide_gap_is_a_hole_that_stays_and_is_listed(toy: Toy) -> None:
    """The same with 50 m between: a lake, or another country."""
    shapes = {"p3511": (0, 0, 1, 1), "p3512": (1.05, 0, 2, 1), "p3513": (0, 1, 2, 2), "p3514": (0, -1, 2, 0)}
    areas, repairs = built(toy(**shapes))
    assert areas["area_km2"].sum() == pytest.approx(5.95)
    assert repairs[repairs["class"] == "gat"]["detail"].tolist() == ["0.050 km² hoort bij geen gebied"]


def test_an_overlap_goes_to_one_of_the_two(toy: Toy) -> None:
    areas, repairs = built(toy(p3511=(0, 0, 1, 1), p3512=(0.99, 0, 2, 1)))
    assert areas["area_km2"].sum() == pytest.approx(2.0)
    overlaps = repairs[repairs["class"] == "overlap"]
    assert overlaps["detail"].tolist() == ["10000.0 m² lag ook in een buurgebied"]
    assert shapely.intersection(*areas.geometry).area == 0.0


def test_an_invalid_ring_is_repaired_without_moving_the_border(toy: Toy) -> None:
    """A bow tie: two triangles of 0.25 km² that meet in the middle."""
    bow_tie = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    areas, repairs = built(toy(p3511=bow_tie, p3512=(1, 0, 2, 1)))
    assert areas["area_km2"].tolist() == pytest.approx([0.5, 1.0])
    assert areas["is_valid"].all()
    assert listed(repairs) == [("ongeldige_vorm", "3511"), ("losse_delen", "3511")]
    assert repairs["detail"].iloc[0].startswith("Self-intersection")


def test_rows_without_postcode_are_left_out_and_listed_with_their_number(toy: Toy) -> None:
    areas = toy(p3511=(0, 0, 1, 1), p0999=(3, 0, 4, 1), pzee=(4, 0, 5, 1), other=(5, 0, 6, 1))
    areas, repairs = built(areas.assign(pc4=["3511", "0999", "zee", "zee"]))
    assert areas["pc4"].tolist() == ["3511"]
    assert repairs["class"].tolist() == ["geen_postcode", "geen_postcode"]
    assert repairs["detail"].tolist() == [
        "'0999' is geen postcode van vier cijfers",
        "'zee' is geen postcode van vier cijfers (2 vlakken)",
    ]


def test_an_empty_feature_of_a_postcode_that_has_another_is_left_out_and_listed(toy: Toy) -> None:
    areas = toy(p3511=(0, 0, 1, 1), other=(1, 0, 2, 1)).assign(pc4="3511")
    shapes = [areas.geometry.iloc[0], Point(150_500, 450_500)]
    areas, repairs = built(areas.set_geometry(GeoSeries(shapes, crs=28992)))
    assert areas["area_km2"].tolist() == [1.0]
    assert listed(repairs) == [("lege_vorm", "3511")]


def test_one_area_far_outside_the_country_is_named(toy: Toy) -> None:
    areas = toy(p3511=(0, 0, 1, 1), p3512=(1, 0, 2, 1), p3513=(400, 0, 401, 1))
    with pytest.raises(GeodataError, match="Outside lie 3513"):
        built(areas)


def test_the_same_code_twice_becomes_one_area_and_a_repetition_counts_once(toy: Toy) -> None:
    """3511 in two halves of 1000 people each; 3512 stands twice with the same polygon."""
    areas = toy(p3511=(0, 0, 1, 1), other=(1, 0, 2, 1), p3512=(2, 0, 3, 1), again=(2, 0, 3, 1))
    areas["pc4"] = ["3511", "3511", "3512", "3512"]
    areas, repairs = built(areas)
    assert areas["pc4"].tolist() == ["3511", "3512"]
    assert areas["area_km2"].tolist() == [2.0, 1.0]
    assert areas["inhabitants"].tolist() == [2000, 1000]
    assert listed(repairs) == [("dubbele_postcode", "3511"), ("dubbele_postcode", "3512")]


def test_a_loose_sliver_goes_to_the_neighbour_around_it(toy: Toy) -> None:
    """3511 has a loose part of 25 m² on the border of 3512 and 3513, mostly against 3513."""
    main, crumb = box(0, 0, 1, 1), box(1.5, 1.0, 1.505, 1.005)
    around = toy(p3511=(0, 0, 1, 1), p3512=(1, 0, 2, 1), p3513=(0, 1, 2, 2))
    shift = [1000, 0, 0, 1000, 150_000, 450_000]
    loose = GeoSeries([MultiPolygon([main, crumb]), crumb], crs=28992).affine_transform(shift)
    shapes = around.geometry.to_list()
    shapes[0], shapes[2] = loose[0], shapes[2].difference(loose[1])
    areas, repairs = built(around.set_geometry(GeoSeries(shapes, crs=28992)))
    slivers = repairs[repairs["class"] == "snipper"]
    assert slivers[["pc4", "detail", "action"]].to_numpy().tolist() == [
        ["3511", "los deel van 25.0 m²", "bij 3513 gevoegd"]
    ]
    assert areas["area_km2"].tolist() == pytest.approx([1.0, 1.0, 2.0])


def test_counts_that_are_zero_or_unknown_are_listed_apart(toy: Toy) -> None:
    areas = toy(p3511=(0, 0, 1, 1), p3512=(1, 0, 2, 1), p3513=(2, 0, 3, 1))
    areas["inhabitants"] = pd.array([0, None, 5], dtype="Int64")
    areas, repairs = built(areas)
    assert areas["inhabitants"].isna().tolist() == [False, True, False]
    assert listed(repairs) == [("zonder_inwoners", "3511"), ("inwoners_onbekend", "3512")]


def test_coordinates_outside_the_country_are_noticed(toy: Toy) -> None:
    areas = toy(p3511=(0, 0, 1, 1))
    with pytest.raises(GeodataError, match="do not lie in the Netherlands when their coordinates are read as"):
        built(areas.set_crs(3857, allow_override=True))


def test_coordinates_in_degrees_are_transformed(toy: Toy) -> None:
    areas, _ = built(toy(p3511=(0, 0, 1, 1)).to_crs(4326))
    assert areas.crs.to_epsg() == 28992
    assert areas["x_m"].iloc[0] == pytest.approx(150_500, abs=1)


def test_the_point_of_a_bent_area_lies_inside_it(toy: Toy) -> None:
    """A horseshoe: its centroid is in the opening."""
    horseshoe = Polygon([(0, 0), (3, 0), (3, 1), (1, 1), (1, 2), (3, 2), (3, 3), (0, 3)])
    areas, _ = built(toy(p3511=horseshoe))
    assert shapely.contains_xy(areas.geometry.iloc[0], areas["x_m"].iloc[0], areas["y_m"].iloc[0])


def test_the_summary_counts_each_class_with_its_rule(toy: Toy) -> None:
    areas = toy(p3511=(0, 0, 1, 1), p3512=(1, 0, 2, 1))
    areas["inhabitants"] = 0
    _, repairs = built(areas)
    assert repairs_summary(repairs).to_numpy().tolist() == [["zonder_inwoners", RULES["zonder_inwoners"], 2]]


def test_a_class_without_a_rule_cannot_be_listed() -> None:
    with pytest.raises(KeyError, match="add its rule"):
        Repairs().add("zomaar", "3511", "", "")
