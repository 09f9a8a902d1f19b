"""The example edition end to end: real geography, counted."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from geodata import Boundaries


def test_every_area_has_a_region_and_a_gemeente(embedded: Boundaries) -> None:
    areas = embedded.areas
    assert len(areas) == 4044
    assert areas["pc4"].is_unique
    assert areas["pc4"].str.fullmatch(r"[1-9]\d{3}").all()
    assert areas["gemeente_code"].str.fullmatch(r"\d{4}").all()
    assert areas["arbeidsmarktregio_nr"].nunique() == 35
    assert areas["care_region"].nunique() == 25
    assert areas["inhabitants"].sum() == pytest.approx(16.78e6, rel=0.01)
    assert areas.crs.to_epsg() == 28992


def test_every_region_is_one_connected_graph_of_its_own(embedded: Boundaries) -> None:
    position = pd.Series(embedded.areas.index, index=embedded.areas["pc4"])
    region = embedded.areas["arbeidsmarktregio_nr"].to_numpy()
    a, b = position[embedded.edges["a"]].to_numpy(), position[embedded.edges["b"]].to_numpy()
    inside = region[a] == region[b]
    graph = coo_matrix((inside[inside], (a[inside], b[inside])), shape=(len(region), len(region)))
    assert connected_components(graph, directed=False)[0] == 35


def test_every_bridge_says_why(embedded: Boundaries) -> None:
    bridges = embedded.edges.query("kind == 'bridge'")
    assert (bridges["reason"] != "").all()
    assert (bridges["border_m"] == 0).all()
    assert (embedded.edges.query("kind == 'border'")["border_m"] > 0).all()


def test_the_coverage_is_clean_and_points_lie_inside(embedded: Boundaries) -> None:
    polygons = embedded.areas.geometry.to_numpy()
    assert shapely.coverage_is_valid(polygons)
    assert shapely.contains_xy(polygons, embedded.areas["x_m"], embedded.areas["y_m"]).all()


def test_written_and_read_back_is_the_same(embedded: Boundaries, tmp_path: Path) -> None:
    embedded.write(tmp_path / "copy")
    again = Boundaries.read(tmp_path / "copy")
    pd.testing.assert_frame_equal(pd.DataFrame(again.areas), pd.DataFrame(embedded.areas))
    pd.testing.assert_frame_equal(again.edges, embedded.edges)
    pd.testing.assert_frame_equal(again.repairs, embedded.repairs)
    assert again.edition == embedded.edition
    assert again.fingerprint() == embedded.fingerprint()
