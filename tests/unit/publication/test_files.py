"""The files of a version: safe in a spreadsheet, complete, the same each time, true to their manifest."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import sqlite3
import sys
import zipfile
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from allocation.contract.published_tables import ALLOCATION, DIVISION_VIEWS, LINE_OUTCOMES, PUBLISHED, TEAM
from allocation.publication import files, geopackage, outcome_folder, table_files, versions
from tests.support.outcomes import Country, allocation_of, write_outcome

COUNTRY = Country(moves={"1000": "A2"}, note="=1+1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the toy country, published."""
    place = tmp_path_factory.mktemp("files")
    address = f"sqlite:///{place / 'caseload.sqlite'}"
    version = versions.propose(write_outcome(place / "outcome", COUNTRY), address, place / "published")
    return versions.publish(version, address, place / "published", valid_from=date(2027, 1, 1))


def test_other_users_read_what_is_published_and_nothing_else(tmp_path: Path) -> None:
    """Another division mounts the folder as a user of its own; tasks and commands write with a mask that closes."""
    place, address = tmp_path / "published", f"sqlite:///{tmp_path / 'caseload.sqlite'}"
    mask = os.umask(0o027)
    try:
        version = versions.propose(write_outcome(tmp_path / "outcome", COUNTRY), address, place)
        published = versions.publish(version, address, place)
    finally:
        os.umask(mask)
    modes = {path.relative_to(place).as_posix(): path.stat().st_mode & 0o777 for path in place.rglob("*")}
    readable = {name for name, mode in modes.items() if mode & 0o007}
    inside = {f"{published.name}/{path.name}" for path in published.iterdir()}
    assert readable == {"timeline.json", published.name, *inside}
    assert {modes[name] for name in inside} == {0o644}
    assert modes[published.name] == 0o755


def rows_of(path: Path, delimiter: str = ",", encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as handle:
        return list(csv.DictReader(handle, delimiter=delimiter))


def test_every_table_is_there_in_each_form_with_the_declared_columns(folder: Path) -> None:
    for table in (*PUBLISHED, TEAM):
        stored = pq.read_table(folder / f"{table.name}.parquet")
        assert tuple(stored.column_names) == table.column_names
        plain = rows_of(folder / f"{table.name}.csv")
        excel = rows_of(folder / f"{table.name}.excel.csv", ";", "utf-8-sig")
        assert len(plain) == len(excel) == stored.num_rows
        if plain:
            assert tuple(plain[0]) == tuple(excel[0]) == table.column_names


def test_the_texts_of_a_long_table_are_in_one_zip_file_the_same_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pa.table({"pc4": ["3511", "3512", "3513"], "share": [1.0, 0.25, 0.75], "note": ["=1", None, "x"]})
    monkeypatch.setattr(table_files, "MOST_AS_PLAIN_TEXT", 3)
    written = [entry["file"] for entry in table_files.write_table(tmp_path, "routing", rows)]
    assert written == ["routing.parquet", "routing.csv", "routing.excel.csv"]
    monkeypatch.setattr(table_files, "MOST_AS_PLAIN_TEXT", 2)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        entries = table_files.write_table(tmp_path / name, "routing", rows)
        assert [entry["file"] for entry in entries] == ["routing.parquet", "routing.csv.zip"]
        assert [entry["rows"] for entry in entries] == [3, 3]
    packed = zipfile.ZipFile(tmp_path / "a" / "routing.csv.zip")
    assert packed.namelist() == ["routing.csv", "routing.excel.csv"]
    for name in packed.namelist():
        assert packed.read(name) == (tmp_path / name).read_bytes()
    assert (tmp_path / "a" / "routing.csv.zip").read_bytes() == (tmp_path / "b" / "routing.csv.zip").read_bytes()


def test_what_each_division_reads_is_a_file_too(folder: Path) -> None:
    """As Parquet: as texts these views are a hundred megabytes."""
    views = {table.name: pq.read_table(folder / f"{table.name}.parquet") for table in DIVISION_VIEWS}
    for table in DIVISION_VIEWS:
        assert tuple(views[table.name].column_names) == tuple(c.name for c in table.columns if c.type != "timestamp")
        assert set(views[table.name].column("version").to_pylist()) == {1}
    routing = rows_of(folder / "routing.csv")
    for name in ("uitkeren_routing", "kns_postcode", "bezwaar_routing"):
        assert views[name].num_rows == len(routing)
    assert set(views["uitkeren_routing"].column("verzuimbeheer_code").to_pylist()) >= {"VZB-A1", "VZB-P"}


def test_the_manifest_counts_and_fingerprints_every_file(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    entries = {entry["file"]: entry for entry in manifest["files"]}
    assert set(entries) == {p.name for p in folder.iterdir()} - {"manifest.json"}
    for name, entry in entries.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == entry["sha256"]
        assert (folder / name).stat().st_size == entry["bytes"]
    assert entries["routing.csv"]["rows"] == len(rows_of(folder / "routing.csv"))
    assert (manifest["version"], manifest["valid_from"]) == (1, "2027-01-01")
    assert "fingerprint" not in manifest, "it is of exact counts: who knows all but a few could try them"
    assert files.verify(folder) == []


def test_validity_is_in_the_files(folder: Path) -> None:
    assert {(r["valid_from"], r["valid_to"]) for r in rows_of(folder / "routing.csv")} == {("2027-01-01", "")}


def test_no_cell_of_a_table_in_memory_runs_as_a_formula() -> None:
    """What a command writes as CSV is opened in a spreadsheet too. Numbers and empty cells stay what they are."""
    rows = pd.DataFrame({"name": ["=1+1", "West", None], "hours": [-1.5, 2.0, 3.0], "nr": [-1, 2, 3]}, index=[7, 8, 9])
    safe = table_files.spreadsheet_safe_frame(rows)
    assert safe.to_csv(index=False) == "name,hours,nr\n'=1+1,-1.5,-1\nWest,2.0,2\n,3.0,3\n"


def test_no_cell_runs_as_a_formula(folder: Path) -> None:
    """The reasons of the toy country start with an equals sign; Parquet keeps them, both CSV forms disarm them."""
    assert "=1+1" in pq.read_table(folder / "allocation_reason.parquet").column("reason").to_pylist()
    for name, delimiter, encoding in (("csv", ",", "utf-8"), ("excel.csv", ";", "utf-8-sig")):
        reasons = {r["reason"] for r in rows_of(folder / f"allocation_reason.{name}", delimiter, encoding)}
        assert reasons == {"'=privacy: staf woont hier", "'=1+1"}


@pytest.mark.parametrize("before", [chr(code) for code in range(sys.maxunicode) if chr(code).isspace()])
def test_no_kind_of_space_before_a_formula_hides_it(before: str) -> None:
    for sign in "=+-@＝＋－＠":  # the wide ones of Asian keyboards run in some spreadsheets too
        rows = table_files.spreadsheet_safe(pa.table({"text": [f"{before}{sign}1", f"a{before}{sign}1"]}))
        assert rows.column("text").to_pylist() == [f"'{before}{sign}1", f"a{before}{sign}1"]


@given(st.text())
def test_any_text_is_disarmed_and_nothing_else_changes(text: str) -> None:
    safe = table_files.spreadsheet_safe(pa.table({"text": pa.array([text, None])})).column("text").to_pylist()
    assert safe[0] in (text, "'" + text)
    assert safe[1] is None
    assert not safe[0].lstrip().startswith(("=", "+", "-", "@"))
    assert safe[0][:1] not in ("\t", "\r", "=", "+", "-", "@")


def test_texts_of_either_kind_are_disarmed() -> None:
    """pandas gives Arrow large strings."""
    rows = pa.table({"text": pa.array(["=1", "a", None], pa.large_string())})
    assert table_files.spreadsheet_safe(rows).column("text").to_pylist() == ["'=1", "a", None]


def test_a_negative_number_stays_a_number() -> None:
    rows = pa.table({"deviation": [-0.009, 1.5], "is_within_tolerance": [True, False], "note": ["-", "x"]})
    assert table_files.csv_bytes(table_files.spreadsheet_safe(rows)) == (
        b'"deviation","is_within_tolerance","note"\n-0.009,true,"\'-"\n1.5,false,"x"\n'
    )
    assert table_files._dutch_excel_bytes(rows).decode("utf-8-sig") == (
        '"deviation";"is_within_tolerance";"note"\n"-0,009";"WAAR";"\'-"\n"1,5";"ONWAAR";"x"\n'
    )


def test_small_counts_are_empty_in_the_files_and_complete_in_the_proposal(folder: Path) -> None:
    shown = pq.read_table(folder / "transition.parquet").column("clients").to_pylist()
    complete = pq.read_table(folder.parent / "proposals" / "v0001" / "transition.parquet").column("clients").to_pylist()
    assert set(shown) == {10, None}
    assert set(complete) == {12, 2}
    load = pq.read_table(folder / "team_load.parquet").to_pandas()
    assert (load["stock_clients"].isna() == load["stock_hours_verzekeringsarts"].isna()).all()


def test_the_report_of_operations_stays_with_the_proposal(folder: Path) -> None:
    proposal = folder.parent / "proposals" / "v0001"
    assert (folder / "report.html").read_text() == "<p>=1+1, zonder kleine aantallen</p>"
    assert (proposal / "report.html").read_text() == "<p>=1+1</p>"
    assert not (proposal.parent.stat().st_mode & 0o007)


def test_a_proposal_with_only_the_report_of_operations_is_published_without(tmp_path: Path) -> None:
    outcome, address = write_outcome(tmp_path / "outcome"), f"sqlite:///{tmp_path / 'caseload.sqlite'}"
    (outcome / "report_readers.html").unlink()
    version = versions.propose(outcome, address, tmp_path / "files")
    assert not (versions.publish(version, address, tmp_path / "files") / "report.html").exists()


def test_a_proposal_of_before_a_table_was_declared_is_published_with_none_of_its_rows(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'caseload.sqlite'}"
    version = versions.propose(write_outcome(tmp_path / "outcome"), address, tmp_path / "published")
    (files.proposal_folder(tmp_path / "published", version) / "line_outcomes.parquet").unlink()
    place = files.write_published(tmp_path / "published", version, date(2027, 1, 1), None, None)
    stored = pq.read_table(place / "line_outcomes.parquet")
    assert (stored.num_rows, tuple(stored.column_names)) == (0, LINE_OUTCOMES.column_names)


def test_the_geopackage_is_one_that_qgis_opens(folder: Path) -> None:
    """A GeoPackage by its own mark and tables, with both layers in RD New and valid polygons in each."""
    path = folder / "areas.gpkg"
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA application_id").fetchone()[0] == int.from_bytes(b"GPKG", "big")
        contents = dict(database.execute("SELECT table_name, data_type FROM gpkg_contents"))
        srs = set(database.execute("SELECT organization, organization_coordsys_id FROM gpkg_spatial_ref_sys"))
        kinds = {row[0] for row in database.execute("SELECT geometry_type_name FROM gpkg_geometry_columns")}
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert contents == {"team_areas": "features", "postcode_areas": "features", "layer_styles": "attributes"}
    assert ("EPSG", 28992) in srs
    assert kinds == {"MULTIPOLYGON"}
    with sqlite3.connect(path) as database:
        styles = dict(database.execute("SELECT f_table_name, styleQML FROM layer_styles WHERE useAsDefault"))
    assert set(styles) == {"team_areas", "postcode_areas"}
    named = {c.get("value") for c in ElementTree.fromstring(styles["team_areas"].split("\n", 1)[1]).iter("category")}
    assert {"A1", "A2", "P", "W1"} <= named
    for layer in styles:
        shapes = gpd.read_file(path, layer=layer)
        assert set(zip(shapes["version"], shapes["valid_from"].astype(str), strict=True)) == {(1, "2027-01-01")}
        assert shapes.crs.to_epsg() == 28992
        assert shapes.geometry.is_valid.all()


def test_team_areas_together_are_the_country(folder: Path) -> None:
    """Dissolved areas cover what their postcodes cover: 30 km2 for PW; the split 1001 counts for A1 and A2."""
    areas = gpd.read_file(folder / "areas.gpkg", layer="team_areas").set_index(["team_id", "client_line"])
    assert areas.loc[("P", "alle"), "geometry"].area == pytest.approx(30e6)
    both = areas.loc[[("A1", "alle"), ("A2", "alle")], "geometry"].area.sum()
    assert both == pytest.approx(15e6 + 2e6)  # region 1, and 1001 and 1002 once more
    assert areas.loc[("A1", "alle"), "areas"] == 8
    assert areas.loc[("A1", "alle"), "office"] == "Almere"


def test_each_postcode_names_its_teams(folder: Path) -> None:
    areas = gpd.read_file(folder / "areas.gpkg", layer="postcode_areas").set_index("pc4")
    assert len(areas) == 30
    assert areas.loc["1001", "team_zw_wia_alle"] == "A1|A2"
    assert areas.loc["1000", "team_zw_wia_alle"] == "A2"
    assert areas.loc["1003", ["team_zw_wia_vangnet", "team_zw_wia_werkgever", "team_pw_alle"]].tolist() == [
        "V1",
        "W1",
        "P",
    ]
    assert pd.isna(areas.loc["1003", "team_zw_wia_alle"])


def test_areas_that_do_not_fit_together_are_dissolved_the_slow_way() -> None:
    """Two squares that overlap by a strip are no coverage; their union is still right."""
    overlapping = [shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1)]
    areas = gpd.GeoDataFrame({"pc4": ["1000", "1001"]}, geometry=overlapping, crs="EPSG:28992")
    allocation = pd.DataFrame({"pc4": ["1000", "1001"], "law_domain": "pw", "client_line": "alle", "team_id": "P"})
    teams = pd.DataFrame({"team_id": ["P"], "name": ["SMC P"], "office": ["Goes"], "kind": ["participatiewet"]})
    assert geopackage.team_areas(areas, allocation, teams).geometry.area.tolist() == [3.0]


def test_the_same_version_gives_the_same_bytes(tmp_path: Path) -> None:
    """So a fingerprint in a manifest says whether something changed, whoever wrote the files and when."""
    manifests = []
    for name in ("a", "b"):
        address = f"sqlite:///{tmp_path / name / 'caseload.sqlite'}"
        outcome = write_outcome(tmp_path / name / "outcome", Country(columns=4, rows=2))
        version = versions.propose(outcome, address, tmp_path / name / "files")
        place = versions.publish(version, address, tmp_path / name / "files", valid_from=date(2027, 1, 1))
        manifests.append(json.loads((place / "manifest.json").read_text())["files"])
    assert manifests[0] == manifests[1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows.drop(columns="team_id"), "the outcome table allocation lacks team_id"),
        (lambda rows: rows.assign(share="half"), "allocation.share is not of type number"),
        (lambda rows: rows.assign(client_line="beide"), "allocation.client_line holds"),
        (lambda rows: rows.assign(team_id=None), "allocation.team_id has 5 empty cells"),
    ],
)
def test_an_outcome_that_is_not_as_declared_is_no_outcome(change: object, told: str) -> None:
    rows = allocation_of(Country(columns=2, rows=1))
    with pytest.raises(ValueError, match=told):
        outcome_folder.conform(ALLOCATION, pa.Table.from_pandas(change(rows), preserve_index=False))  # type: ignore[operator]


def test_files_of_a_store_that_was_replaced_are_kept_aside(tmp_path: Path) -> None:
    """Someone deletes the SQLite file and starts anew with the same folder: old files and new ones do not mix."""
    address, outcome = f"sqlite:///{tmp_path / 'caseload.sqlite'}", write_outcome(tmp_path / "outcome")
    for _ in range(2):
        versions.publish(versions.propose(outcome, address, tmp_path / "files"), address, tmp_path / "files")
        (tmp_path / "caseload.sqlite").unlink()
    (kept,) = (tmp_path / "files").glob("replaced-*")
    assert files.verify(next(kept.glob("v0001_*"))) == []
    assert json.loads((tmp_path / "files" / "timeline.json").read_text())["periods"][0]["version"] == 1
