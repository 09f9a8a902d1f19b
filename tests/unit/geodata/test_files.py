"""Boundaries from a planner's file: every format, columns recognised or named, coordinate systems noticed."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.forkserver import set_forkserver_preload
from pathlib import Path
from threading import Thread

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyogrio.errors
import pytest
import shapely
from geopandas import GeoDataFrame

from geodata import Boundaries, GeodataError, load_boundaries
from geodata.__main__ import main
from geodata.sources import vector
from geodata.sources.vector import VectorFile
from tests.support.faults import STOPS_WITHIN_S

Toy = Callable[..., GeoDataFrame]
FORMATS = ("areas.gpkg", "areas.parquet", "areas.geojson", "areas.shp")


@pytest.fixture
def square(toy: Toy) -> GeoDataFrame:
    """
    3513 | 3514
    -----+-----     four square kilometres in Utrecht; the column names are those of CBS
    3511 | 3512
    """
    areas = toy(p3511=(0, 0, 1, 1), p3512=(1, 0, 2, 1), p3513=(0, 1, 1, 2), p3514=(1, 1, 2, 2))
    areas = areas.rename(columns={"pc4": "postcode", "gemeente_code": "gm_code", "inhabitants": "aantal_inw"})
    return areas.assign(gm_code="GM0344", aantal_inw=[1000, -99997, -99995, 5])[
        ["postcode", "gm_code", "aantal_inw", "geometry"]
    ]


def write(areas: GeoDataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        areas.to_parquet(path)
    else:
        areas.to_crs(4326 if path.suffix == ".geojson" else areas.crs).to_file(path)
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_areas_and_neighbours(square: GeoDataFrame, tmp_path: Path, name: str) -> None:
    found = load_boundaries(f"{write(square, tmp_path / name)}?year=2023", cache_dir=tmp_path / "cache")
    assert found.areas["pc4"].tolist() == ["3511", "3512", "3513", "3514"]
    assert found.areas["gemeente_code"].tolist() == ["0344"] * 4
    assert found.areas["arbeidsmarktregio"].tolist() == ["Midden-Utrecht"] * 4
    assert found.areas["care_region"].tolist() == ["GGD Regio Utrecht"] * 4
    assert found.areas["inhabitants"].tolist() == [1000, pd.NA, pd.NA, 5]
    assert found.areas["area_km2"].tolist() == pytest.approx([1.0] * 4, rel=1e-4)
    assert list(zip(found.edges["a"], found.edges["b"], strict=True)) == [
        ("3511", "3512"),
        ("3511", "3513"),
        ("3512", "3514"),
        ("3513", "3514"),
    ]
    assert found.edition.year == 2023
    assert found.edition.origin == str(tmp_path / name)


def test_postcodes_as_numbers_are_postcodes(square: GeoDataFrame, tmp_path: Path) -> None:
    path = write(square.assign(postcode=square["postcode"].astype(float)), tmp_path / "areas.parquet")
    assert load_boundaries(str(path), tmp_path).areas["pc4"].tolist() == ["3511", "3512", "3513", "3514"]


def test_columns_can_be_named(square: GeoDataFrame, tmp_path: Path) -> None:
    renamed = square.rename(columns={"postcode": "gebied", "gm_code": "stad"})
    path = write(renamed, tmp_path / "areas.gpkg")
    with pytest.raises(GeodataError, match=r"areas.gpkg\?pc4=NAME, of gebied, stad, aantal_inw"):
        load_boundaries(str(path), tmp_path)
    named = load_boundaries(f"{path}?pc4=gebied&gemeente_code=stad", tmp_path)
    assert named.areas["gemeente_name"].tolist() == ["Utrecht"] * 4


def test_a_file_with_postcodes_alone_takes_its_regions_from_2014_and_says_so(
    square: GeoDataFrame, tmp_path: Path
) -> None:
    """3511 is a postcode of 2014; 8999 is not, and lies in Leusden (postcode 3832 in 2014)."""
    alone = square[["postcode", "geometry"]].iloc[:2].assign(postcode=["3511", "8999"])
    alone["geometry"] = alone.geometry.translate(0, 6000)
    found = load_boundaries(str(write(alone, tmp_path / "areas_2023.parquet")), tmp_path)
    assert found.areas["gemeente_name"].tolist() == ["Utrecht", "Leusden"]
    assert found.repairs["class"].value_counts().to_dict() == {"inwoners_onbekend": 2, "regio_afgeleid": 2}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("colour=red", "Unknown option 'colour'"),
        ("year=soon", "year=soon behind .* must be a whole number"),
        ("pc4=nothing", "has no column 'nothing'; it has postcode, gm_code, aantal_inw"),
        ("layer=roads", "has no layer 'roads'; it has areas"),
        ("regions=nowhere.gpkg", "There is no file nowhere.gpkg"),
    ],
)
def test_what_is_said_wrongly_is_one_sentence(square: GeoDataFrame, tmp_path: Path, query: str, words: str) -> None:
    path = write(square, tmp_path / "areas.gpkg")
    with pytest.raises(GeodataError, match=words):
        load_boundaries(f"{path}?{query}", tmp_path)


@pytest.mark.parametrize("name", ["gone.gpkg", "areas.xlsx", "broken.gpkg", "broken.parquet"])
def test_a_file_that_is_no_boundaries_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if not name.startswith("gone"):
        path.write_bytes(b"not a map")
    with pytest.raises(GeodataError, match=name):
        load_boundaries(str(path), tmp_path)


def test_full_postcodes_are_refused(square: GeoDataFrame, tmp_path: Path) -> None:
    path = write(square.assign(postcode=square["postcode"] + "AB"), tmp_path / "pc6.parquet")
    with pytest.raises(GeodataError, match="holds full postcodes"):
        load_boundaries(str(path), tmp_path)


def test_metres_called_degrees_are_noticed_and_can_be_put_right(square: GeoDataFrame, tmp_path: Path) -> None:
    """GeoJSON without a named system counts as degrees; some programs write metres in it all the same."""
    path = tmp_path / "areas.geojson"
    path.write_text(square.set_crs(None, allow_override=True).to_json())
    with pytest.raises(
        GeodataError, match=r"are metres of RD New, but the file says WGS 84; say areas.geojson\?crs=28992"
    ):
        load_boundaries(str(path), tmp_path)
    assert load_boundaries(f"{path}?crs=28992", tmp_path).areas["area_km2"].tolist() == [1.0] * 4


def test_another_country_is_noticed(square: GeoDataFrame, tmp_path: Path) -> None:
    brussels = square.assign(geometry=square.geometry.translate(0, -280_000))
    abroad = brussels.set_crs(31370, allow_override=True)  # the Belgian grid
    with pytest.raises(GeodataError, match="do not lie in the Netherlands"):
        load_boundaries(str(write(abroad, tmp_path / "areas.gpkg")), tmp_path)


def test_a_shapefile_without_coordinate_system_is_read_as_what_it_looks_like(
    square: GeoDataFrame, tmp_path: Path
) -> None:
    path = write(square, tmp_path / "areas_2023.shp")
    path.with_suffix(".prj").unlink()
    found = load_boundaries(str(path), tmp_path)
    assert found.areas.crs.to_epsg() == 28992
    assert found.repairs[found.repairs["class"] == "bron"]["detail"].tolist() == [
        "het bestand noemt geen coördinatenstelsel; gelezen als EPSG:28992"
    ]


def test_the_layer_with_postcodes_is_found_in_a_geopackage(square: GeoDataFrame, tmp_path: Path) -> None:
    path = tmp_path / "all.gpkg"
    square[["geometry"]].assign(road="A2").to_file(path, layer="roads")
    square.to_file(path, layer="pc4")
    assert len(load_boundaries(str(path), tmp_path).areas) == 4


def test_regions_from_a_layer_go_by_largest_overlap_and_crossings_are_listed(
    square: GeoDataFrame, tmp_path: Path
) -> None:
    """Region 1 covers the west and 30% of the east; 3512 and 3514 lie 70% in region 2."""
    bounds = square.total_bounds
    border = bounds[0] + 1300
    regions = gpd.GeoDataFrame(
        {"statcode": ["AM01", "AM02"], "statnaam": ["West", "Oost"]},
        geometry=[shapely.box(bounds[0], bounds[1], border, bounds[3]), shapely.box(border, *bounds[1:])],
        crs=28992,
    )
    regions.to_file(tmp_path / "regions.gpkg")
    path = write(square, tmp_path / "areas.gpkg")
    found = load_boundaries(f"{path}?regions={tmp_path / 'regions.gpkg'}", tmp_path)
    assert found.areas["arbeidsmarktregio"].tolist() == ["West", "Oost", "West", "Oost"]
    assert found.areas["arbeidsmarktregio_nr"].tolist() == [1, 2, 1, 2]
    crossing = found.repairs[found.repairs["class"] == "regiogrens"]
    assert crossing[["pc4", "detail", "action"]].to_numpy().tolist() == [
        ["3512", "Oost 70% | West 30%", "naar Oost: meeste vlak"],
        ["3514", "Oost 70% | West 30%", "naar Oost: meeste vlak"],
    ]


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("arbeidsmarktregio", ["friesland"] * 4, ("friesland", 2)),
        ("arbeidsmarktregio_nr", [2] * 4, ("Friesland", 2)),
        ("am_code", ["AM02"] * 4, ("Friesland", 2)),
    ],
)
def test_regions_in_a_column_of_the_file_count(
    square: GeoDataFrame, tmp_path: Path, column: str, values: list[object], expected: tuple[str, int]
) -> None:
    found = load_boundaries(str(write(square.assign(**{column: values}), tmp_path / "areas.parquet")), tmp_path)
    assert (found.areas["arbeidsmarktregio"].iloc[0], found.areas["arbeidsmarktregio_nr"].iloc[0]) == expected


def test_a_region_that_does_not_exist_is_refused(square: GeoDataFrame, tmp_path: Path) -> None:
    path = write(square.assign(arbeidsmarktregio="Atlantis"), tmp_path / "areas.parquet")
    with pytest.raises(GeodataError, match="'Atlantis' is no arbeidsmarktregio; the column must hold one of Groningen"):
        load_boundaries(str(path), tmp_path)


def test_a_second_load_reads_the_cache_and_another_option_does_not(square: GeoDataFrame, tmp_path: Path) -> None:
    path, cache = write(square, tmp_path / "areas.parquet"), tmp_path / "cache"
    said: list[str] = []
    first = load_boundaries(f"{path}?year=2022", cache, said.append)
    assert said
    said.clear()
    again = load_boundaries(f"{path}?year=2022", cache, said.append)
    assert said == []
    assert again.fingerprint() == first.fingerprint()
    assert load_boundaries(f"{path}?year=2023", cache, said.append).edition.year == 2023
    assert said


def test_a_damaged_cache_is_built_anew(square: GeoDataFrame, tmp_path: Path) -> None:
    path, cache = write(square, tmp_path / "areas.parquet"), tmp_path / "cache"
    first = load_boundaries(str(path), cache)
    (built,) = cache.iterdir()
    (built / "areas.parquet").write_bytes(b"half a file")
    said: list[str] = []
    assert load_boundaries(str(path), cache, said.append).fingerprint() == first.fingerprint()
    assert any("damaged" in line for line in said)


@pytest.mark.heavy
def test_real_areas_as_a_file_are_the_same_areas(embedded: Boundaries, tmp_path: Path) -> None:
    """Noord-Holland, Texel included, written as GeoPackage and loaded again: nothing is left to repair."""
    north = embedded.areas[embedded.areas["pc4"] < "2000"].reset_index(drop=True)
    path = tmp_path / "pc4_2014.gpkg"
    north.to_file(path)
    again = load_boundaries(str(path), tmp_path)
    assert again.edition.year == 2014
    assert again.areas["arbeidsmarktregio_nr"].tolist() == north["arbeidsmarktregio_nr"].tolist()
    ends = embedded.edges[["a", "b"]].isin(set(north["pc4"])).all(axis=1)
    borders = [edges[edges["kind"] == "border"].reset_index(drop=True) for edges in (embedded.edges[ends], again.edges)]
    pd.testing.assert_frame_equal(*borders)
    repaired = {"kier", "overlap", "grens_ongelijk", "ongeldige_vorm", "snipper"}
    assert repaired.isdisjoint(again.repairs["class"])


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """The address of a server on this machine, and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(STOPS_WITHIN_S,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".json", ".shp"])
@pytest.mark.parametrize("kind", ["file", "address", "service", "command"])
def test_a_text_that_names_another_file_or_machine_is_not_followed(
    square: GeoDataFrame, tmp_path: Path, asked: tuple[str, list[str]], suffix: str, kind: str
) -> None:
    """GDAL looks at the content: a list of other files would be read for what these hold, an address be asked."""
    address, paths = asked
    source = {"file": str(write(square, tmp_path / "other.gpkg")), "address": f"/vsicurl/{address}/other.geojson"}
    text = {
        "service": f"<OGRWFSDataSource><URL>{address}/wfs</URL></OGRWFSDataSource>",
        "command": json.dumps({"type": "gdal_streamed_alg", "command_line": f"gdal vector reproject {address}"}),
    }
    layer = f'<OGRVRTLayer name="other"><SrcDataSource>{source.get(kind)}</SrcDataSource></OGRVRTLayer>'
    path = tmp_path / f"areas{suffix}"
    path.write_text(text.get(kind, f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>"), encoding="utf-8")
    with pytest.raises(GeodataError, match=rf"areas{suffix} is no {suffix} inside"):
        load_boundaries(str(path), tmp_path / "cache")
    assert paths == []


@pytest.mark.parametrize("name", ["link", "URL", "\\u006cink"])
def test_the_address_of_a_coordinate_system_is_not_asked(
    square: GeoDataFrame, tmp_path: Path, asked: tuple[str, list[str]], name: str
) -> None:
    address, paths = asked
    path = write(square, tmp_path / "areas.geojson")
    crs = f'"crs": {{"type": "{name}", "properties": {{"href": "{address}/crs", "type": "proj4"}}}}, "features"'
    whole = re.sub(r'"crs": *\{[^}]*\}[^}]*\}, *', "", path.read_text(encoding="utf-8"))
    path.write_text(whole.replace('"features"', crs, 1), encoding="utf-8")
    with pytest.raises(GeodataError, match="by an address"):
        load_boundaries(str(path), tmp_path / "cache")
    path.write_text(whole.replace("aantal_inw", "url"), encoding="utf-8")  # a column of that name is no address
    assert len(load_boundaries(f"{path}?year=2023", tmp_path / "cache").areas) == 4
    assert paths == []


def test_a_coordinate_system_that_there_is_not_is_refused_unless_the_person_says_which(
    square: GeoDataFrame, tmp_path: Path
) -> None:
    """GDAL would read the coordinates as degrees, without a word."""
    path = write(square, tmp_path / "areas.geojson")
    text = path.read_text(encoding="utf-8")
    assert "OGC:1.3:CRS84" in text
    assert len(load_boundaries(f"{path}?year=2023", tmp_path / "cache").areas) == 4
    path.write_text(text.replace("OGC:1.3:CRS84", "EPSG::999999"), encoding="utf-8")
    with pytest.raises(
        GeodataError, match=r"areas\.geojson names the coordinate system '.*999999', which there is not"
    ):
        load_boundaries(f"{path}?year=2023", tmp_path / "cache")
    assert len(load_boundaries(f"{path}?year=2023&crs=4326", tmp_path / "cache").areas) == 4


def test_gdal_asks_nothing_of_another_machine(tmp_path: Path, asked: tuple[str, list[str]]) -> None:
    address, paths = asked
    with pytest.raises(pyogrio.errors.DataSourceError):
        pyogrio.read_info(f"/vsicurl/{address}/areas.geojson")
    assert paths == []


ENDLESS = "instr(zeroblob(90000000), zeroblob(500000) || x'01')"
"""Some ten minutes in one loop of SQLite, which nothing interrupts."""
COUNTING = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r)"
DOUBLING = "d0 AS (tbl || 'a')" + "".join(f", d{n + 1} AS (d{n} || d{n})" for n in range(40))
COMPUTED = f"GENERATED ALWAYS AS ({ENDLESS})"


def in_place_of(table: str, columns: str) -> str:
    """SQL that gives a table that stands in the file other columns, as SQLite itself would refuse to."""
    text = f"CREATE TABLE {table} ({columns})".replace("'", "''")
    return f"PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = '{text}' WHERE name = '{table}';"


def loaded_apart(path: Path) -> str:
    """What a process of its own says of the file; one that is held in a loop can only be killed from outside.

    It is forked from one that has imported what it needs, which takes a second; and what other tests in this process
    fork from it (``allocation.pipeline.processes``).
    """
    set_forkserver_preload(["geodata.__main__", "allocation.pipeline.run_all", "allocation.publication.connection"])
    told = path.with_suffix(".told")
    apart = get_context("forkserver").Process(target=_load, args=(path, told))
    apart.start()
    apart.join(20)
    if apart.is_alive():
        apart.kill()
        raise TimeoutError(f"{path} holds the process that reads it")
    return told.read_text(encoding="utf-8")


def _load(path: Path, told: Path) -> None:
    with told.open("w", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        main([f"{path}?year=2023", "--cache", str(path.parent / "cache")])


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (f"ALTER TABLE areas ADD COLUMN more INTEGER {COMPUTED} VIRTUAL;", "column 'more' of the table 'areas'"),
        (f"CREATE TABLE beside (a, b {COMPUTED} STORED);", "column 'b' of the table 'beside'"),
        (
            in_place_of("gpkg_ogr_contents", f"table_name TEXT PRIMARY KEY, feature_count INTEGER {COMPUTED}"),
            "column 'feature_count' of the table 'gpkg_ogr_contents'",
        ),
        (
            in_place_of("sqlite_sequence", f"name, seq {COMPUTED}"),
            "column 'seq' of the table 'sqlite_sequence'",
        ),
        (
            f"ANALYZE; {in_place_of('sqlite_stat1', f'tbl, idx, x, stat {COMPUTED}')}",
            "column 'stat' of the table 'sqlite_stat1'",
        ),
        (
            "ANALYZE;" + in_place_of("sqlite_stat1", f"tbl, idx, x, {DOUBLING}, stat AS (d40)"),
            "areas.gpkg has formulas of formulas",
        ),
        (f"CREATE VIEW v AS {COUNTING} SELECT i FROM r WHERE i < 0;", "table 'v' of .* is a query"),
        (
            "CREATE VIEW v0 AS SELECT 1 AS a;"
            + "".join(f"CREATE VIEW v{n + 1} AS SELECT p.a FROM v{n} p, v{n} q;" for n in range(40)),
            "table 'v0' of .* is a query",
        ),
        ("CREATE VIRTUAL TABLE words USING fts5(a);", "table 'words' of .* is a query"),
        (
            "CREATE VIEW v AS SELECT 1 AS a; PRAGMA writable_schema = ON;"
            "UPDATE sqlite_master SET type = 'VIEW' WHERE name = 'v';",
            "table 'v' of .* is a query",
        ),
    ],
    ids=[
        "layer", "beside the layer", "list of GDAL", "sequence", "statistics", "formulas of formulas",
        "view without a row", "views of views", "virtual", "view under another spelling",
    ],
)  # fmt: skip
def test_a_geopackage_in_which_anything_is_computed_is_refused(
    square: GeoDataFrame, tmp_path: Path, sql: str, words: str
) -> None:
    path = write(square, tmp_path / "areas.gpkg")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)
    assert re.search(words, loaded_apart(path))


def test_what_is_computed_on_writing_only_does_no_harm(square: GeoDataFrame, tmp_path: Path) -> None:
    """Nor do the statistics of SQLite, which many programs leave in a file."""
    path = write(square, tmp_path / "areas.gpkg")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE INDEX by_length ON areas (length(postcode)); CREATE INDEX some ON areas (fid) WHERE aantal_inw > 0;"
            f"PRAGMA ignore_check_constraints = ON; CREATE TABLE checked (a CHECK ({ENDLESS} = 0));"
            "INSERT INTO checked VALUES (1);"
            f"CREATE TRIGGER busy AFTER UPDATE ON areas BEGIN SELECT {ENDLESS}; END; ANALYZE;"
        )
    assert "file 2023: 4 areas" in loaded_apart(path)


@pytest.mark.parametrize("table", ["gpkg_extensions", "gpkg_contents", "areas"])
def test_a_geopackage_that_leads_back_to_the_same_pages_is_refused(
    square: GeoDataFrame, tmp_path: Path, table: str
) -> None:
    """Ten pages above each other, each with a hundred times the next: 100^10 rows in some 40 kB."""
    path = write(square, tmp_path / "areas.gpkg")
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    content += content[(root - 1) * size : root * size]
    for _ in range(10):
        content += page_above(len(content) // size, size)
    content[(root - 1) * size : root * size] = page_above(len(content) // size, size)
    content[28:32], content[92:96] = (len(content) // size).to_bytes(4, "big"), content[24:28]
    path.write_bytes(content)
    assert f"The table '{table}' of {path} is damaged" in loaded_apart(path)


def page_above(page: int, size: int) -> bytes:
    """An inner page of a table, with a hundred times the same page below it."""
    cells = (page.to_bytes(4, "big") + b"\x01") * 100
    start = size - len(cells)
    head = b"\x05\0\0" + (100).to_bytes(2, "big") + start.to_bytes(2, "big") + b"\0" + page.to_bytes(4, "big")
    places = b"".join((start + 5 * at).to_bytes(2, "big") for at in range(100))
    return (head + places).ljust(start, b"\0") + cells


def test_what_is_asked_of_a_geopackage_ends(
    square: GeoDataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(square, tmp_path / "areas.gpkg")
    monkeypatch.setattr("geodata.sources.kinds._MOST_SECONDS", -1.0)
    monkeypatch.setattr("geodata.sources.kinds._STEPS_BETWEEN_LOOKS", 1)
    with pytest.raises(GeodataError, match=r"areas\.gpkg takes more than"):
        load_boundaries(f"{path}?year=2023", tmp_path / "cache")


@pytest.mark.parametrize("name", ["gpkg_contents", "gpkg_spatial_ref_sys", "gpkg_geometry_columns"])
def test_a_list_of_a_geopackage_that_is_a_query_is_not_run(square: GeoDataFrame, tmp_path: Path, name: str) -> None:
    """GDAL reads these before it knows of any layer. The query would end, so that this test fails and does not hang."""
    path = write(square, tmp_path / "areas.gpkg")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TRIGGER IF EXISTS trigger_insert_feature_count_areas;"
            "DROP TRIGGER IF EXISTS trigger_delete_feature_count_areas;"
            f"ALTER TABLE {name} RENAME TO kept; CREATE VIEW {name} AS SELECT * FROM kept;"
        )
    with pytest.raises(GeodataError, match=f"table '{name}' of .* is a query"):
        load_boundaries(f"{path}?year=2023", tmp_path / "cache")


def test_a_geopackage_is_refused_by_what_it_fills(
    square: GeoDataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite keeps the value of a column that was added later once, however many rows have it."""
    path = write(square, tmp_path / "areas.gpkg")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"ALTER TABLE areas ADD COLUMN note TEXT DEFAULT '{'x' * 400_000}'")
    monkeypatch.setattr("geodata.sources.vector.MOST_BYTES", 2_000_000)
    assert len(load_boundaries(f"{path}?year=2023", tmp_path / "cache").areas) == 4
    monkeypatch.setattr("geodata.sources.vector.MOST_BYTES", 1_500_000)
    assert path.stat().st_size < 1_500_000
    with pytest.raises(GeodataError, match="more than the 0 GB that are read"):
        load_boundaries(f"{path}?year=2024", tmp_path / "cache")


def test_a_geopackage_with_more_features_than_it_declares_is_refused(
    square: GeoDataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(square, tmp_path / "areas.gpkg")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE gpkg_ogr_contents SET feature_count = 1")
    monkeypatch.setattr("geodata.sources.vector.MOST_FEATURES", 3)
    with pytest.raises(GeodataError, match="declares 4 features"):
        load_boundaries(f"{path}?year=2023", tmp_path / "cache")


def test_a_geometry_that_returns_in_parquet_is_refused_by_what_it_fills(
    square: GeoDataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parquet keeps it once, however many rows have it."""
    round_one = shapely.Point(130_000, 455_000).buffer(1000, quad_segs=2000)
    path = tmp_path / "areas.parquet"
    square.iloc[[0] * 1000].assign(geometry=round_one).to_parquet(path)
    monkeypatch.setattr("geodata.sources.vector.MOST_BYTES", 10_000_000)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(GeodataError, match=r"holds 0\.1 GB, more than the"):
        load_boundaries(str(path), tmp_path / "cache")


@pytest.mark.parametrize(
    ("cells", "is_refused"),
    [
        (pa.array([b"x" * 50_000] * 4, pa.binary(50_000)), True),
        (pa.array([[1.0] * 6_000] * 4), True),
        (pa.array([["x" * 50_000]] * 4), False),
        (pa.array(["x" * 50_000] * 4, pa.json_()), False),
    ],
    ids=["a fixed length", "a list of numbers", "a list of texts", "a type of Arrow's own"],
)
def test_a_column_that_returns_in_parquet_is_counted_or_not_read(
    square: GeoDataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: pa.Array, is_refused: bool
) -> None:
    path = tmp_path / "areas.parquet"
    square.to_parquet(path)
    whole = pq.read_table(path)
    pq.write_table(whole.append_column("note.of", cells), path)
    monkeypatch.setattr("geodata.sources.vector.MOST_BYTES", 150_000)
    assert path.stat().st_size < 100_000
    if is_refused:
        with pytest.raises(GeodataError, match=r"holds 0\.0 GB, more than the"):
            load_boundaries(f"{path}?year=2023", tmp_path / "cache")
    else:
        assert "note.of" not in vector.read(VectorFile(path), []).columns
        assert len(load_boundaries(f"{path}?year=2023", tmp_path / "cache").areas) == 4
