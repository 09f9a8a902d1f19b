"""Boundary files as they come in from the field: each is read rightly or refused in one sentence, never silently wrong.

The country is four squares at the border of Utrecht (0344, region 14) and Amersfoort (0307, region 15):

    3513 | 3514
    -----+-----     the second files draw the border between 3511 and 3512
    3511 | 3512
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from geopandas import GeoDataFrame

from geodata import Boundaries, GeodataError, load_boundaries
from geodata.sources import files, vector
from tests.support.swapping import swapped_with_a_link

X, Y = 136_000, 455_000


def areas(**columns: Any) -> GeoDataFrame:
    """Postcodes with the columns given, one value per area or one for all."""
    corners = [(0, 0), (1000, 0), (0, 1000), (1000, 1000)]
    squares = [shapely.box(X + x, Y + y, X + x + 1000, Y + y + 1000) for x, y in corners]
    frame = GeoDataFrame({"postcode": ["3511", "3512", "3513", "3514"]}, geometry=squares, crs=28992)
    return frame.assign(**columns)


def halves(codes: tuple[Any, Any], names: tuple[Any, Any]) -> GeoDataFrame:
    """Two zones, west and east, each with half a kilometre to spare around the areas."""
    west = shapely.box(X - 500, Y - 500, X + 1000, Y + 2500)
    east = shapely.box(X + 1000, Y - 500, X + 2500, Y + 2500)
    return GeoDataFrame({"statcode": codes, "statnaam": names}, geometry=[west, east], crs=28992)


REGIONS = halves(("AM14", "AM15"), ("Midden-Utrecht", "Amersfoort"))
GEMEENTEN = halves(("GM0344", "GM0307"), ("Utrecht", "Amersfoort"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(frame: GeoDataFrame, path: Path, **how: Any) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, **how)
    return path


def load(spec: str | Path, folder: Path) -> Boundaries:
    return load_boundaries(str(spec), folder / "cache")


def column(found: Boundaries, name: str) -> list[Any]:
    return list(found.areas[name])


def details(found: Boundaries, kind: str = "bron") -> str:
    return " / ".join(found.repairs["detail"][found.repairs["class"] == kind])


# Identifiers


@pytest.mark.parametrize("code", ["GM0307    ", " 0307", "307", 307, 307.0, "GM0307\u00a0", "gm0307"])
def test_a_gemeente_code_is_read_whatever_is_around_it(folder: Path, code: Any) -> None:
    found = load(write(areas(gm_code=code), folder / "a.parquet"), folder)
    assert column(found, "gemeente_name") == ["Amersfoort"] * 4
    assert column(found, "arbeidsmarktregio_nr") == [15] * 4
    assert details(found, "regio_afgeleid") == ""


def test_an_empty_cell_among_whole_numbers_changes_no_code(folder: Path) -> None:
    """One missing value makes floats of a column of integers: 344.0."""
    found = load(write(areas(gm_code=[344, None, 307, 307]), folder / "a.parquet"), folder)
    assert column(found, "gemeente_code") == ["0344", "0344", "0307", "0307"]
    listed = found.repairs[found.repairs["class"] == "regio_afgeleid"]
    assert listed["pc4"].tolist() == ["3512"]


def test_padded_codes_of_second_files_are_read_too(folder: Path) -> None:
    padded = GEMEENTEN.assign(statcode=["GM0344    ", "GM0307    "], statnaam=["Utrecht ", "Amersfoort  "])
    main, second = write(areas(), folder / "a.gpkg"), write(padded, folder / "gm.gpkg")
    found = load(f"{main}?gemeenten={second}", folder)
    assert column(found, "gemeente_code") == ["0344", "0307", "0344", "0307"]
    assert column(found, "gemeente_name") == ["Utrecht", "Amersfoort", "Utrecht", "Amersfoort"]
    assert column(found, "arbeidsmarktregio_nr") == [14, 15, 14, 15]


def test_blanks_and_capitals_make_no_second_gemeente(folder: Path) -> None:
    frame = areas(gm_code="0344", gm_naam=["Utrecht", "Utrecht ", "UTRECHT", "utrecht"])
    assert column(load(write(frame, folder / "a.gpkg"), folder), "gemeente_name") == ["Utrecht"] * 4


@pytest.mark.parametrize(
    "names", [["utrecht", "Utrecht", "Utrecht", "Utrecht"], ["utrecht", "utrecht", "Utrecht", "Utrecht"]]
)
def test_one_gemeente_has_the_usual_spelling_and_the_other_is_listed(folder: Path, names: list[str]) -> None:
    """The first row does not decide; of two that are as frequent the one with the capital does."""
    found = load(write(areas(gm_code="0344", gm_naam=names), folder / "a.parquet"), folder)
    assert column(found, "gemeente_name") == ["Utrecht"] * 4
    assert details(found).endswith("gemeente 0344 heet ook 'utrecht'")


def test_a_gemeente_name_alone_gives_its_code(folder: Path) -> None:
    frame = areas(gm_naam=["Utrecht", "Amersfoort", "Nergenshuizen", None])
    found = load(write(frame, folder / "a.gpkg"), folder)
    assert column(found, "gemeente_code") == ["0344", "0307", "0344", "0344"]
    assert column(found, "gemeente_name") == ["Utrecht", "Amersfoort", "Utrecht", "Utrecht"]
    assert "'Nergenshuizen' staat niet in de lijst" in details(found)
    assert found.repairs["pc4"][found.repairs["class"] == "regio_afgeleid"].tolist() == ["3513", "3514"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"gm_code": ["0344", "0344", "X12345", "0344"]}, "postcode 3513: 'X12345' is not a gemeente code"),
        ({"gm_code": "0344", "gm_naam": "Amersfoort"}, r"0344 stands beside 'Amersfoort', which is 0307 \(0344 is Utr"),
        ({"gm_code": "0344", "gm_naam": ["Hier", "Hier", "Daar", "Hier"]}, r"0344 has 2 names \('Hier', 'Daar'\)"),
        (
            {"am_code": [14, 14, 99, 14], "am_naam": "Midden-Utrecht"},
            "3513: 99 is no arbeidsmarktregio; known are 1 to 35",
        ),
        ({"am_code": [14, 14, 15, 14], "am_naam": "Midden-Utrecht"}, r"15 stands beside 'Midden-Utrecht', which is 14"),
        ({"am_code": "AMxx"}, "3511: 'AMxx' is not the number of an arbeidsmarktregio"),
        ({"am_code": 99}, "3511: 99 is no arbeidsmarktregio"),
        ({"gm_code": "0344", "plaats": ["Utrecht", "Utr\x00echt", "A", "B"]}, r"plaats, row 2: 'Utr\\x00echt' holds"),
    ],
)
def test_codes_that_contradict_or_are_none_are_refused(folder: Path, columns: dict[str, Any], words: str) -> None:
    with pytest.raises(GeodataError, match=words):
        load(write(areas(**columns), folder / "a.parquet"), folder)


def test_a_later_region_with_number_and_name_is_used_and_listed(folder: Path) -> None:
    found = load(write(areas(gm_code="0344", am_code=36, am_naam="Eemland"), folder / "a.gpkg"), folder)
    assert column(found, "arbeidsmarktregio_nr") == [36] * 4
    assert "36 'Eemland' staat zo niet in de lijst" in details(found)


def test_a_gemeente_in_another_region_than_before_is_listed(folder: Path) -> None:
    """Number and name agree with each other, and not with where the gemeente has always been."""
    regions = write(halves(("AM10", "AM15"), ("Groot Amsterdam", "Amersfoort")), folder / "r.parquet")
    found = load(f"{write(areas(gm_code=['0344', '0307'] * 2), folder / 'a.parquet')}?regions={regions}", folder)
    assert column(found, "arbeidsmarktregio_nr") == [10, 15, 10, 15]
    listed = found.repairs[found.repairs["class"] == "regio_veranderd"]
    assert listed[["detail", "action"]].to_numpy().tolist() == [
        ["gemeente 0344 Utrecht: in 2014 Midden-Utrecht", "2 gebieden in Groot Amsterdam"]
    ]


def test_a_missing_region_is_that_of_the_gemeente_and_listed(folder: Path) -> None:
    found = load(write(areas(gm_code="0307", am_code=[15, None, 15, 15]), folder / "a.gpkg"), folder)
    assert column(found, "arbeidsmarktregio") == ["Amersfoort"] * 4
    assert found.repairs["pc4"][found.repairs["class"] == "regio_afgeleid"].tolist() == ["3512"]


# Numbers


def test_thousands_points_are_no_decimal_points(folder: Path) -> None:
    frame = areas(gm_code="0344", aantal_inw=["1.000", "2.000", "12.345", "900"])
    found = load(write(frame, folder / "a.gpkg"), folder)
    assert column(found, "inhabitants") == [1000, 2000, 12345, 900]
    assert "3 aantallen met een punt of spatie" in details(found)


@pytest.mark.parametrize("cell", ["1,000", "veel", "1e30", "2.5", "-3"])
def test_what_is_no_count_is_refused_with_its_row(folder: Path, cell: str) -> None:
    with pytest.raises(GeodataError, match=r"column aantal_inw, row 2: .* is no count"):
        load(write(areas(gm_code="0344", aantal_inw=["7", cell, "7", "7"]), folder / "a.gpkg"), folder)


# Years


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (2023, 2023),
        ("2023", 2023),
        (2023.0, 2023),
        ("2023 ", 2023),
        (pd.Timestamp("2023-01-01"), 2023),
        ("2023-01-01", 2023),
    ],
)
def test_the_year_is_read_from_text_numbers_and_dates(folder: Path, year: Any, expected: int) -> None:
    assert load(write(areas(gm_code="0344", jaarcode=year), folder / "a.parquet"), folder).edition.year == expected


@pytest.mark.parametrize("year", ["2023/2024", 0, 1025, "soon", 20230101, True])
def test_what_is_no_year_is_refused_unless_the_year_is_said(folder: Path, year: Any) -> None:
    path = write(areas(gm_code="0344", jaar=year), folder / "a.parquet")
    with pytest.raises(GeodataError, match=r"column jaar: .* is no year of an edition, 1977 to"):
        load(path, folder)
    assert load(f"{path}?year=2023", folder).edition.year == 2023


def test_areas_of_several_years_are_refused(folder: Path) -> None:
    with pytest.raises(GeodataError, match=r"several years \(2022, 2023\)"):
        load(write(areas(gm_code="0344", jaar=[2022, 2022, 2023, 2023]), folder / "a.parquet"), folder)


# Coordinate systems


@pytest.mark.parametrize("crs", ["28999", "0", "999999999"])
def test_an_unknown_coordinate_system_is_one_sentence(folder: Path, crs: str) -> None:
    path = write(areas(gm_code="0344"), folder / "a.gpkg")
    with pytest.raises(GeodataError, match=f"There is no coordinate system EPSG:{crs}"):
        load(f"{path}?crs={crs}", folder)


def test_a_second_file_in_metres_that_says_degrees_is_refused_and_can_be_put_right(folder: Path) -> None:
    main, second = write(areas(gm_code="0344"), folder / "a.gpkg"), folder / "r.geojson"
    second.write_text(REGIONS.set_crs(None, allow_override=True).to_json())
    with pytest.raises(GeodataError, match=r"r.geojson are metres of RD New, .* say regions_crs=28992"):
        load(f"{main}?regions={second}", folder)
    found = load(f"{main}?regions={second}&regions_crs=28992", folder)
    assert column(found, "arbeidsmarktregio_nr") == [14, 15, 14, 15]


def test_a_second_file_of_another_country_is_refused(folder: Path) -> None:
    main = write(areas(gm_code="0344"), folder / "a.gpkg")
    second = write(REGIONS.set_crs(31370, allow_override=True), folder / "r.gpkg")
    with pytest.raises(GeodataError, match=r"r.gpkg does not lie in the Netherlands"):
        load(f"{main}?regions={second}", folder)


# Second files: geometry, codes, layers


@pytest.mark.parametrize("shape", [None, shapely.Polygon(), shapely.Point(X, Y)])
def test_a_zone_without_surface_is_refused_by_name(folder: Path, shape: Any) -> None:
    main = write(areas(gm_code="0344"), folder / "a.gpkg")
    second = write(REGIONS.set_geometry([REGIONS.geometry[0], shape], crs=28992), folder / "r.parquet")
    with pytest.raises(GeodataError, match=r"r.parquet: no area is drawn for 15 Amersfoort"):
        load(f"{main}?regions={second}", folder)


@pytest.mark.parametrize(
    ("kind", "zones", "words"),
    [
        ("regions", halves(("AM14", "zee"), ("Midden-Utrecht", "x")), "r.gpkg, code, row 2: 'zee' is not the number"),
        ("regions", halves(("AM14", None), ("Midden-Utrecht", "x")), "r.gpkg: no code or no name in row 2"),
        ("regions", halves(("AM14", "AM14"), ("Midden-Utrecht", "Amersfoort")), "14 has 2 names"),
        ("gemeenten", halves(("GM0344", "GM0344"), ("Utrecht", "Amersfoort")), "0344 has 2 names"),
        ("gemeenten", halves(("GM0344", "GM0363"), ("Utrecht", "Amersfoort")), "0363 stands beside 'Amersfoort'"),
    ],
)
def test_codes_of_second_files_are_checked(folder: Path, kind: str, zones: GeoDataFrame, words: str) -> None:
    main, second = write(areas(), folder / "a.gpkg"), write(zones, folder / "r.gpkg")
    with pytest.raises(GeodataError, match=words):
        load(f"{main}?{kind}={second}", folder)


def test_a_numbering_of_its_own_is_used_and_noted(folder: Path) -> None:
    main = write(areas(gm_code="0344"), folder / "a.gpkg")
    second = write(halves(("AM01", "AM02"), ("Midden-Utrecht", "Amersfoort")), folder / "r.gpkg")
    found = load(f"{main}?regions={second}", folder)
    assert column(found, "arbeidsmarktregio_nr") == [1, 2, 1, 2]
    assert "nummert de arbeidsmarktregio's anders dan de lijst van 2014: 2 van 2" in details(found)


@pytest.mark.parametrize(
    ("kind", "zones", "said"),
    [
        ("regions", halves(("AM14", "AM15"), ("Midden-Utrecht", "Utrecht West")),
         ["arbeidsmarktregio 15 'Utrecht West' staat zo niet in de lijst van 2014: 15 is daar Amersfoort"]),
        ("regions", halves(("AM14", "AM36"), ("Midden-Utrecth", "Eemland")),
         ["arbeidsmarktregio 14 'Midden-Utrecth' staat zo niet in de lijst van 2014: 14 is daar Midden-Utrecht",
          "arbeidsmarktregio 36 'Eemland' staat zo niet in de lijst van 2014"]),
        ("regions", halves(("AM14", "AM15"), ("midden-utrecht", "AMERSFOORT")), []),
        ("gemeenten", halves(("GM0344", "GM0307"), ("Utrecht", "Amersvoort")),
         ["gemeente 0307 'Amersvoort' staat zo niet in de lijst van 2014: 0307 is daar Amersfoort"]),
        ("gemeenten", halves(("GM0344", "GM9307"), ("Utrecht", "Eemland")), []),
    ],
)  # fmt: skip
def test_a_name_outside_the_list_beside_a_code_of_a_second_file_is_listed(
    folder: Path, kind: str, zones: GeoDataFrame, said: list[str]
) -> None:
    """It contradicts nothing, and may be a slip. A gemeente with a new code and a new name is a later one."""
    main, second = write(areas(), folder / "a.gpkg"), write(zones, folder / "r.gpkg")
    found = load(f"{main}?{kind}={second}", folder)
    lines = found.repairs[found.repairs["detail"].str.contains("staat zo niet")]
    assert lines["detail"].tolist() == [f"{second}: {detail}" for detail in said]
    assert lines["action"].eq("zo gebruikt").all()


def test_a_name_outside_the_list_beside_a_code_in_the_areas_themselves_is_listed(folder: Path) -> None:
    frame = areas(gm_code="0344", gm_naam="Utrecht Stad", am_code=14, am_naam="Utrecht en omgeving")
    found = load(write(frame, folder / "a.gpkg"), folder)
    assert column(found, "gemeente_name") == ["Utrecht Stad"] * 4
    assert "gemeente 0344 'Utrecht Stad' staat zo niet in de lijst van 2014: 0344 is daar Utrecht" in details(found)
    assert "arbeidsmarktregio 14 'Utrecht en omgeving' staat zo niet in de lijst van 2014: 14 is daar" in details(found)


def test_an_area_outside_all_zones_gets_the_nearest_and_is_listed(folder: Path) -> None:
    """3514 lies 2 km north of the zones."""
    frame = areas(gm_code="0344")
    frame.loc[3, "geometry"] = shapely.box(X + 1500, Y + 4500, X + 2500, Y + 5500)
    main, second = write(frame, folder / "a.gpkg"), write(REGIONS, folder / "r.gpkg")
    found = load(f"{main}?regions={second}", folder)
    assert column(found, "arbeidsmarktregio_nr") == [14, 15, 14, 15]
    listed = found.repairs[found.repairs["class"] == "buiten_laag"]
    assert listed[["pc4", "detail", "action"]].to_numpy().tolist() == [
        ["3514", "ligt buiten elke arbeidsmarktregio, 2.0 km van de dichtstbijzijnde", "naar Amersfoort"]
    ]


def test_zones_that_leave_most_areas_outside_are_refused(folder: Path) -> None:
    far = REGIONS.set_geometry(REGIONS.geometry.translate(50_000, 0))
    main, second = write(areas(gm_code="0344"), folder / "a.gpkg"), write(far, folder / "r.gpkg")
    with pytest.raises(GeodataError, match=r"4 of 4 areas lie outside every area of the layer of regions: 3511, 3512"):
        load(f"{main}?regions={second}", folder)


def test_care_regions_can_come_from_a_file(folder: Path) -> None:
    main = write(areas(gm_code="0344"), folder / "a.gpkg")
    second = write(halves(("GG01", "GG02"), ("GGD West ", "GGD Oost")), folder / "ggd.gpkg")
    found = load(f"{main}?care_regions={second}", folder)
    assert column(found, "care_region") == ["GGD West", "GGD Oost", "GGD West", "GGD Oost"]


def test_the_layer_of_a_second_file_is_found_or_named(folder: Path) -> None:
    """As CBS lays out its divisions: several layers with the same columns, label points among them."""
    main, second = write(areas(gm_code="0344"), folder / "a.gpkg"), folder / "cbs.gpkg"
    points = REGIONS.set_geometry(REGIONS.geometry.centroid)
    write(points, second, layer="arbeidsmarktregio_labelpoint_2024")
    write(GEMEENTEN, second, layer="gemeente_gegeneraliseerd_2024")
    write(REGIONS, second, layer="arbeidsmarktregio_gegeneraliseerd_2024")
    found = load(f"{main}?regions={second}", folder)
    assert column(found, "arbeidsmarktregio_nr") == [14, 15, 14, 15]
    assert "cbs.gpkg heeft 3 lagen; gelezen is arbeidsmarktregio_gegeneraliseerd_2024" in details(found)
    write(REGIONS.set_geometry(REGIONS.geometry.translate(500, 0)), second, layer="arbeidsmarktregio_2024")
    with pytest.raises(GeodataError, match=r"several layers that would do; name one with regions_layer=, of .*_2024"):
        load(f"{main}?regions={second}", folder)
    named = load(f"{main}?regions={second}&regions_layer=arbeidsmarktregio_gegeneraliseerd_2024", folder)
    assert column(named, "arbeidsmarktregio_nr") == [14, 15, 14, 15]


def styled(path: Path) -> Path:
    """The table that QGIS keeps the styles of layers in: no geometry."""
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE layer_styles (f_table_name TEXT, styleQML TEXT)")
        row = ("layer_styles", "attributes", "layer_styles")
        database.execute("INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (?, ?, ?)", row)
    database.close()
    return path


def test_a_table_of_styles_is_no_layer(folder: Path) -> None:
    main = styled(write(areas(gm_code="0344"), folder / "a.gpkg"))
    second = styled(write(REGIONS, folder / "r.gpkg"))
    assert column(load(f"{main}?regions={second}", folder), "arbeidsmarktregio_nr") == [14, 15, 14, 15]
    with pytest.raises(GeodataError, match=r"The layer 'layer_styles' of .*r.gpkg is a table without geometry"):
        load(f"{main}?regions={second}&regions_layer=layer_styles", folder)


def test_a_layer_of_points_before_the_areas_is_passed_over(folder: Path) -> None:
    path = folder / "a.gpkg"
    frame = areas(gm_code="0344")
    write(frame.set_geometry(frame.geometry.centroid), path, layer="label")
    write(frame, path, layer="gebieden")
    assert len(load(path, folder).areas) == 4


# Tables, files, sizes


def test_a_table_without_geometry_is_one_sentence(folder: Path) -> None:
    plain = pd.DataFrame({"postcode": ["3511"]})
    plain.to_parquet(folder / "a.parquet")
    (folder / "a.geojson").write_text(json.dumps({"postcode": 3511}))
    for name in ("a.parquet", "a.geojson"):
        with pytest.raises(GeodataError, match=name):
            load(folder / name, folder)


def test_a_folder_for_a_file_is_one_sentence(folder: Path) -> None:
    (folder / "a.gpkg").mkdir()
    with pytest.raises(GeodataError, match=r"a.gpkg is a folder; a file is needed"):
        load(folder / "a.gpkg", folder)


@pytest.mark.parametrize("name", ["a" * 5000, "a\x00b.gpkg"])
def test_a_name_that_no_file_can_have_is_one_sentence(folder: Path, name: str) -> None:
    with pytest.raises(GeodataError, match=r"There is no file"):
        load(folder / name, folder)


def test_a_file_that_declares_too_many_rows_is_refused_before_it_is_read(folder: Path) -> None:
    """A megabyte of Parquet with 60 million equal rows; reading it would take gigabytes."""
    path = folder / "a.parquet"
    table = pa.table({"postcode": pa.array(["3511"]).dictionary_encode().take(pa.array(np.zeros(1_000_000, np.int8)))})
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(60):
            writer.write_table(table)
    with pytest.raises(GeodataError, match=r"declares 60000000 features, more than the 100000 that are read"):
        load(path, folder)


def test_a_geopackage_that_declares_too_many_features_is_refused_before_it_is_read(folder: Path) -> None:
    path = write(areas(gm_code="0344"), folder / "a.gpkg")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE gpkg_ogr_contents SET feature_count = 468000")
    database.close()
    with pytest.raises(GeodataError, match="declares 468000 features"):
        load(path, folder)


def test_columns_that_differ_in_capitals_only_are_refused(folder: Path) -> None:
    frame = areas(gm_code="0344", POSTCODE=["3514", "3513", "3512", "3511"])
    with pytest.raises(GeodataError, match="columns that differ only in capitals: POSTCODE, postcode"):
        load(write(frame, folder / "a.parquet"), folder)


def test_an_option_twice_is_refused(folder: Path) -> None:
    path = write(areas(gm_code="0344"), folder / "a.gpkg")
    with pytest.raises(GeodataError, match="An option stands twice"):
        load(f"{path}?year=2022&year=2023", folder)


# Caches


WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
# The triggers of a GeoPackage need functions that SQLite alone does not have.
for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
    database.execute(f'DROP TRIGGER "{name}"')
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA wal_autocheckpoint = 0")
print("open", flush=True)
for line in sys.stdin:
    database.execute("UPDATE a SET aantal_inw = ?", (int(line),))
    database.commit()
    print("done", flush=True)
"""
"""Another program: SQLite's locks do not work between two copies of the library within one process."""


def test_a_committed_edit_in_the_log_of_a_geopackage_is_seen(folder: Path) -> None:
    """Another program has the file open in WAL mode: its edit is beside the file, which itself did not change."""
    path = write(areas(gm_code="0344", aantal_inw=1000), folder / "a.gpkg")
    assert column(load(path, folder), "inhabitants") == [1000] * 4
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        assert column(load(path, folder), "inhabitants") == [1000] * 4
        for count in (2000, 3000):
            main = path.read_bytes()
            writer.stdin.write(f"{count}\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == "done\n"
            assert path.read_bytes() == main
            assert column(load(path, folder), "inhabitants") == [count] * 4
        writer.stdin.close()


@pytest.mark.parametrize("suffix", [".dbf", ".DBF"])
def test_a_changed_table_of_a_shapefile_is_seen_whatever_its_capitals(folder: Path, suffix: str) -> None:
    path = write(areas(gm_code="0344", aantal_inw=1000), folder / "a.shp")
    table = path.with_suffix(".dbf").rename(path.with_suffix(suffix))
    assert column(load(path, folder), "inhabitants") == [1000] * 4
    table.write_bytes(table.read_bytes().replace(b"1000", b"2000"))
    assert column(load(path, folder), "inhabitants") == [2000] * 4


@pytest.mark.parametrize("name", ["a.prj", "a.PRJ", "a.cpg", "a.CPG", "A.cpg"])
def test_every_file_of_a_shapefile_counts(folder: Path, name: str) -> None:
    path = write(areas(gm_code="0344"), folder / "a.shp")
    for other in folder.glob("a.[cp][pr][gj]"):
        other.unlink()
    beside = folder / name
    beside.write_text("UTF-8")
    first = files.state(files.parse(str(path)))
    beside.write_text("CP437")
    assert files.state(files.parse(str(path))) != first


def test_another_date_of_the_file_is_another_edition(folder: Path) -> None:
    """Without a year of its own the file's date gives it: the cache may not keep the old one."""
    path = write(areas(gm_code="0344"), folder / "a.gpkg")
    for year, moment in ((2020, 1_590_000_000), (2022, 1_650_000_000)):
        os.utime(path, (moment, moment))
        assert load(path, folder).edition.year == year


def test_a_changed_file_in_the_cache_is_not_used(folder: Path) -> None:
    path = write(areas(gm_code="0344", aantal_inw=1000), folder / "a.gpkg")
    first = load(path, folder)
    (built,) = (folder / "cache").iterdir()
    kept = gpd.read_parquet(built / "areas.parquet")
    kept.assign(inhabitants=1).to_parquet(built / "areas.parquet")
    assert load(path, folder).fingerprint() == first.fingerprint()


def test_a_cache_that_cannot_be_written_is_one_sentence(folder: Path) -> None:
    path = write(areas(gm_code="0344"), folder / "a.gpkg")
    (folder / "cache").write_text("a file")
    with pytest.raises(GeodataError, match=r"cannot be read, or .*cache not be written"):
        load(path, folder)


# Files in a folder where others may write


def test_what_was_copied_is_what_is_read_whatever_the_name_stands_for_by_then(folder: Path) -> None:
    """GDAL and SQLite open a file by its name, again for every look: between two of them it could be another one."""
    path = write(areas(gm_code="0344", aantal_inw=1000), folder / "a.gpkg")
    other = write(areas(gm_code="0344", aantal_inw=6666), folder / "b.gpkg")
    with files.copied(files.parse(str(path)), folder) as copies:
        other.replace(path)
        assert set(vector.read(copies.spec.main, [])["aantal_inw"]) == {1000}
        assert copies.state != files.state(files.parse(str(path)))


def test_a_file_that_became_another_one_since_the_cache_was_asked_is_refused(folder: Path) -> None:
    """Else what was read would be kept as what the first one holds."""
    path = write(areas(gm_code="0344"), folder / "a.gpkg")
    before = files.state(files.parse(str(path)))
    write(areas(gm_code="0307"), folder / "b.gpkg").replace(path)
    with pytest.raises(GeodataError, match=r"a\.gpkg changed while it was read; try again"):
        files.read(files.parse(str(path)), folder, before)


def test_no_copy_stays_and_no_message_names_it(folder: Path) -> None:
    load(write(areas(gm_code="0344"), folder / "a.gpkg"), folder)
    (folder / "broken.gpkg").write_bytes(b"SQLite format 3\x00" + bytes(100))
    (folder / "broken.geojson").write_text('{"type": "FeatureCollection", "features": [')
    (folder / "broken.parquet").write_text("PAR1")
    (folder / "broken.shp").write_bytes(b"\x00\x00\x27\x0a")
    for suffix in vector.SUFFIXES:
        if (broken := folder / f"broken{suffix}").exists():
            with pytest.raises(GeodataError, match=str(broken)) as refused:
                load(broken, folder)
            assert ".reading-" not in str(refused.value)
    assert [path.name for path in (folder / "cache").iterdir() if path.name.startswith(".")] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can make a link for another user")
@pytest.mark.parametrize("name", ["a.shp", "a.dbf"])
def test_a_link_of_one_user_to_a_file_of_another_is_not_followed(folder: Path, name: str) -> None:
    path = write(areas(gm_code="0344"), folder / "a.shp")
    (folder / name).rename(folder / "secret")
    (folder / name).symlink_to("secret")
    assert len(load(path, folder).areas) == 4
    os.lchown(folder / name, 4321, -1)
    with pytest.raises(GeodataError, match=rf"{name} is a link to a file of another user; name a file itself"):
        load(path, folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can make a link for another user")
def test_a_link_that_takes_the_place_of_a_file_meanwhile_is_not_copied(folder: Path) -> None:
    (folder / "a.geojson").write_text("own")
    (folder / "secret").write_text("secret")
    spec = files.parse(str(folder / "a.geojson"))
    with swapped_with_a_link(folder / "a.geojson", folder / "secret"):
        for _ in range(500):
            with contextlib.suppress(OSError), files.copied(spec, folder) as copies:
                assert copies.spec.main.content.read_text() == "own"


# Files as other programs leave them


def test_an_accent_apart_is_the_same_name(folder: Path) -> None:
    """Two programs write â in two ways; with one code they were said to contradict each other."""
    names = ["Su\u0301dwest-Frysla\u0302n", "Súdwest-Fryslân"] * 2
    found = load(write(areas(gm_code="1900", gm_naam=names), folder / "a.parquet"), folder)
    assert column(found, "gemeente_name") == ["Súdwest-Fryslân"] * 4


def test_a_shapefile_in_metres_without_its_prj_is_read_and_told(folder: Path) -> None:
    path = write(areas(gm_code="0344"), folder / "a.shp")
    path.with_suffix(".prj").unlink()
    found = load(path, folder)
    assert column(found, "gemeente_name") == ["Utrecht"] * 4
    assert "noemt geen coördinatenstelsel; gelezen als EPSG:28992" in details(found)


def test_a_shapefile_in_latin_1_keeps_its_letters(folder: Path) -> None:
    path = write(areas(gm_code="1900", gm_naam="Súdwest-Fryslân"), folder / "a.shp", encoding="ISO-8859-1")
    path.with_suffix(".cpg").unlink(missing_ok=True)
    assert column(load(path, folder), "gemeente_name") == ["Súdwest-Fryslân"] * 4


def moved(change: Callable[[Any], Any], crs: int) -> GeoDataFrame:
    frame = areas(gm_code="0344").to_crs(crs)
    return frame.set_geometry(shapely.transform(frame.geometry.to_numpy(), change), crs=crs)


@pytest.mark.parametrize(
    ("name", "frame", "words"),
    [
        ("a.geojson", moved(lambda xy: xy[:, ::-1], 4326), "do not lie in the Netherlands"),
        ("a.parquet", moved(lambda xy: xy[:, ::-1], 28992), "do not lie in the Netherlands"),
        ("a.parquet", moved(lambda xy: xy / 1000, 28992), "do not lie in the Netherlands"),
        (
            "a.geojson",
            areas(gm_code="0344").set_crs(4326, allow_override=True),
            "metres of RD New, but the file says",
        ),
        ("a.parquet", areas(gm_code="0344", postcode=["3511AA", "3511AB", "3512AA", "3512AB"]), "holds full postcodes"),
    ],
    ids=["latitude first", "y first", "kilometres", "metres as degrees", "full postcodes"],
)
def test_what_cannot_be_meant_is_refused_with_what_was_read(
    folder: Path, name: str, frame: GeoDataFrame, words: str
) -> None:
    with pytest.raises(GeodataError, match=words):
        load(write(frame, folder / name), folder)
