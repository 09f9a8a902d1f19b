"""The example edition end to end: real geography, counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import shapely

from geodata import Boundaries, GeodataError, load_boundaries, problems, repairs_summary


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


def test_it_is_fit_for_use(embedded: Boundaries) -> None:
    assert problems(embedded) == []


def test_what_is_not_fit_is_said(embedded: Boundaries) -> None:
    """Without its bridges, the islands are loose; with one area twice as a copy of its neighbour, areas overlap."""
    assert problems(replace(embedded, edges=embedded.edges.query("kind == 'border'"))) == [
        "The areas of Flevoland are in 2 pieces.",
        "The areas of Friesland are in 5 pieces.",
        "The areas of Noord-Holland Noord are in 2 pieces.",
        "The areas of Stedendriehoek en Noordwest Veluwe are in 2 pieces.",
        "The areas of Zeeland are in 3 pieces.",
    ]
    twice = embedded.areas.copy()
    twice.loc[1, "geometry"] = twice.geometry[0]
    assert problems(replace(embedded, areas=twice))[0] == "The polygons overlap, do not match, or are invalid."


def test_nothing_is_repaired_unseen(embedded: Boundaries) -> None:
    """The counts are those of this one file; a change of GEOS or of a rule shows here and is to be looked at."""
    counted = repairs_summary(embedded.repairs).set_index("class")["count"].to_dict()
    assert counted == {
        "overlap": 17,
        "kier": 18,
        "grens_ongelijk": 1066,
        "losse_delen": 45,
        "gat": 22,
        "zonder_inwoners": 18,
        "hoekcontact": 17,
        "barriere": 16,
    }
    holes = embedded.repairs[embedded.repairs["class"] == "gat"]
    assert set(holes["pc4"]) == {"5111", "5113"}  # Baarle-Nassau, around the Belgian enclaves of Baarle-Hertog


def test_another_file_in_the_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "geomapviz" / "shp"
    package.mkdir(parents=True)
    (tmp_path / "geomapviz" / "__init__.py").write_text("raise ImportError('data only: never import it')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(GeodataError, match=r"incomplete: .*nl_pc4_2014.shp is missing"):
        load_boundaries("embedded", tmp_path / "cache")
    (package / "nl_pc4_2014.shp").write_bytes(b"something else")
    with pytest.raises(GeodataError, match=r"not the expected ones: nl_pc4_2014.shp has SHA-256"):
        load_boundaries("embedded", tmp_path / "cache")


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
