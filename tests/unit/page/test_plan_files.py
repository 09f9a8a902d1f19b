"""A division made elsewhere, on the toy country (see ``test_whatif`` for its map); West also with teams per line."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.errors import InputRefused
from allocation.page import plan_files
from allocation.page.changes import ChangeSet, LockChange, Move, NewTeam, TeamChange
from allocation.page.plan_faults import PlanRefused
from allocation.page.plan_files import import_plan
from allocation.page.whatif import Bench
from allocation.runs.run import Run
from tests.support import toy
from tests.support.browser import toy_run
from tests.unit.page.test_whatif import move, other, team_of


@pytest.fixture(scope="module")
def bench(run: Run) -> Bench:
    return Bench(run.folder)


@pytest.fixture(scope="module")
def by_line(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """West keeps two client lines: W1 and W2 serve the vangnetlijn, W3 and W4 the werkgeverslijn."""
    teams = toy.tables()["teams"]
    west = teams["team_id"].isin(["W1", "W2"])
    more = teams[west].assign(team_id=["W3", "W4"], name=["SMC W3", "SMC W4"], client_lines="werkgever")
    teams.loc[west, "client_lines"] = "vangnet"
    changed = {"teams": pd.concat([teams, more], ignore_index=True)}
    return Bench(toy_run(tmp_path_factory.mktemp("lines"), changed, tolerance=0.9).folder)


def text(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def faults(content: bytes, bench: Bench) -> list[tuple[str, int | None, str]]:
    with pytest.raises(PlanRefused) as refused:
        import_plan(content, bench)
    return [(one.kind, one.row, one.value) for one in refused.value.faults]


def test_only_postcodes_with_another_team_become_changes(bench: Bench) -> None:
    base = bench.variant(ChangeSet())
    was = team_of(base, "1005")
    found = import_plan(text("pc4,team,remark", f"1005,{other(was)},x", f"1001,{team_of(base, '1001')},y"), bench)
    assert found.changes == ChangeSet(moves=(Move(layer="vangnet", pc4="1005", team_id=other(was)),))
    assert (found.named, found.unnamed) == (2, 10)
    variant = bench.variant(found.changes)
    assert team_of(variant, "1005") == other(was)


@pytest.mark.parametrize("form", ["csv", "geojson"])
def test_what_is_written_reads_back_as_the_same_division(bench: Bench, form: str) -> None:
    changes = move(bench, "1001", "1007")
    variant = bench.variant(changes)
    written = plan_files.csv_of(variant) if form == "csv" else plan_files.geojson_of(variant, bench.folder)
    found = import_plan(written.encode(), bench)
    assert set(found.changes.moves) == set(changes.moves)
    assert found.unnamed == 0
    untouched = plan_files.csv_of(bench.variant(ChangeSet()))
    assert import_plan(untouched.encode(), bench).changes.is_empty


def test_a_dutch_spreadsheet_and_capital_headers_are_read(bench: Bench) -> None:
    to = other(team_of(bench.variant(ChangeSet()), "1005"))
    for content in (f"Postcode;Team_ID\r\n1005;{to}\r\n;\r\n", f"﻿pc4,team\n1005,'{to}\n"):
        assert [one.team_id for one in import_plan(content.encode(), bench).changes.moves] == [to]


def test_blank_lines_and_a_line_for_excel_above_the_header_do_no_harm(bench: Bench) -> None:
    to = other(team_of(bench.variant(ChangeSet()), "1005"))
    for above, mark in (("\n\n", ","), ("\r\n ; ;\r\n", ";"), ("sep=;\r\n", ";"), ("\ufeffSEP=\t\n\n", "\t")):
        content = f"{above}pc4{mark}team{mark}\n1005{mark}{to}{mark}\n".encode()
        assert [one.team_id for one in import_plan(content, bench).changes.moves] == [to]
    assert faults(b"\n\npc4,team\n9999,W1\n", bench) == [("unknown postcode", 4, "9999")]
    assert faults(b"sep=,\npc4,team\n9999,W1\n", bench) == [("unknown postcode", 2, "9999")]


def test_what_would_be_dropped_without_a_word_is_refused(bench: Bench) -> None:
    """Of two columns that mean the same the last won; cells beyond the header went."""
    for header in ("pc4,PC4,team", "pc4,postcode,team", "pc4,team,team_id", "pc4,team,Team "):
        assert [kind for kind, *_ in faults(text(header, "1005,1006,W1"), bench)] == ["column twice"]
    with pytest.raises(PlanRefused, match="Een kolom staat er twee keer in \\(“team” en “team_id”\\)"):
        import_plan(text("pc4,team,team_id", "1005,W1,W2"), bench)
    for properties in ({"pc4": "1005", "team": "W1", "team_id": "W2"}, {"pc4": "1005", "team": "W1", "Team": "W2"}):
        feature = {"type": "Feature", "properties": properties, "geometry": None}
        assert faults(json.dumps(feature).encode(), bench)[0][0] == "column twice"
    each = [
        {"type": "Feature", "properties": {"pc4": pc4, name: "W1"}}
        for pc4, name in (("1005", "team"), ("1006", "team_id"))
    ]
    whole = {"type": "FeatureCollection", "features": each}
    assert faults(json.dumps(whole).encode(), bench)[0][0] == "column twice"
    more = text("pc4,team,", "1005,W1,,", "1006,W1,x,y")
    assert faults(more, bench) == [("more cells", 3, "4")]
    with pytest.raises(PlanRefused, match="Rij 3: er zijn 4 cellen, en in de kop 2"):
        import_plan(more, bench)
    import_plan(text("pc4,team,note,note", "1005,W1,x,y"), bench)


def test_areas_of_teams_without_postcodes_hold_what_lies_in_them(bench: Bench) -> None:
    """All of West but its lowest row to W2, by two rectangles in degrees."""
    import geopandas as gpd
    from shapely.geometry import box

    shapes = gpd.GeoSeries(
        [box(100_000, 401_000, 102_000, 403_000), box(100_000, 400_000, 102_000, 401_000)], crs=28992
    )
    frame = gpd.GeoDataFrame({"team": ["W2", "W1"]}, geometry=shapes).to_crs(4326)
    variant = bench.variant(import_plan(frame.to_json().encode(), bench).changes)
    held = {code: team_of(variant, code) for code in ("1001", "1002", "1005", "1006", "1009", "1010")}
    assert held == {"1001": "W1", "1002": "W1", "1005": "W2", "1006": "W2", "1009": "W2", "1010": "W2"}


def test_areas_that_all_lie_over_each_other_are_refused_before_they_take_all_memory(bench: Bench) -> None:
    """A thousand times the whole country is a file of 100 kB, and would be four million rows on the real one."""
    square = {"type": "Polygon", "coordinates": [[[3, 50], [8, 50], [8, 54], [3, 54], [3, 50]]]}
    once = {"type": "Feature", "properties": {"team": "W1"}, "geometry": square}
    with pytest.raises(PlanRefused, match="liggen over elkaar") as refused:
        plan_files.read_plan(json.dumps({"type": "FeatureCollection", "features": [once] * 1000}).encode(), bench)
    assert [fault.kind for fault in refused.value.faults] == ["overlap"]
    thrice = plan_files.read_plan(json.dumps({"type": "FeatureCollection", "features": [once] * 3}).encode(), bench)
    assert {(one.pc4, one.team_id) for one in thrice} == {(pc4, "W1") for pc4 in bench.board.areas["pc4"]}


def test_everything_that_is_wrong_is_told_at_once_with_its_row(bench: Bench) -> None:
    content = text(
        "pc4,team", "1001,W9", "9999,W1", "10O1,W1", "1002,O1", "1003,M1", "1004,O1,x", "1007", "1008,", ",W1"
    )
    assert faults(content, bench) == [
        ("unknown team", 2, "W9"), ("unknown postcode", 3, "9999"), ("not a postcode", 4, "10O1"),
        ("not allowed", 5, "1002"), ("wrong kind", 6, "M1"), ("more cells", 7, "3"), ("no team", 8, ""),
        ("no team", 9, ""), ("not a postcode", 10, ""),
    ]  # fmt: skip
    content = text("pc4,team", "1001,W9", "9999,W1", "1003,M1", "1005,W1", "1005,W2")
    assert faults(content, bench) == [
        ("unknown team", 2, "W9"), ("unknown postcode", 3, "9999"), ("wrong kind", 4, "M1"), ("twice", 6, "1005"),
    ]  # fmt: skip
    assert faults(text("pc4,team", "1002,O1"), bench) == [("not allowed", 2, "1002")]
    assert faults(text("code,team", "1002,O1"), bench) == [("no column", None, "pc4")]
    assert faults(text("pc4,team"), bench) == [("empty", None, "")]
    for broken in (b'{"type": "FeatureCollection", "features": [', b"\xff\xfe\x00", b'pc4,team\n"1001,W1\n'):
        assert faults(broken, bench) == [("unreadable", None, "")]


def test_a_header_is_told_with_everything_that_is_wrong_with_it(bench: Bench) -> None:
    content = text("team,team_id,team", "W1,W2,W1", "W1,W2,W1,x")
    assert faults(content, bench) == [
        ("column twice", None, "team_id"), ("column twice", None, "team"), ("no column", None, "pc4"),
        ("more cells", 3, "4"),
    ]  # fmt: skip


def test_a_feature_with_a_postcode_and_no_team_is_refused_with_its_number(bench: Bench) -> None:
    features = [{"type": "Feature", "properties": {"pc4": pc4, "team": team}, "geometry": None}
                for pc4, team in (("1005", "W1"), ("1006", None), ("1001", ""))]  # fmt: skip
    whole = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    assert faults(whole, bench) == [("no team", 2, ""), ("no team", 3, "")]
    with pytest.raises(PlanRefused, match="Rij 2: er staat geen team bij de postcode"):
        import_plan(whole, bench)


def test_a_postcode_without_a_team_is_not_written(bench: Bench) -> None:
    """W1 and P1 stop in the draft, and nobody has their postcodes yet: what is written still reads back."""
    new = [NewTeam(team_id=f"P{nr + 1}", name=f"PW {nr}", office="Utrecht", office_pc4="1006", region=nr,
                   kind="participatiewet", fte=1.0) for nr in (1, 2)]  # fmt: skip
    stop = tuple(TeamChange(team_id=team_id, is_closed=True) for team_id in ("W1", "P1"))
    variant = bench.variant(ChangeSet(teams=stop, new_teams=tuple(new)))
    table = plan_files.plan_table(variant)
    assert 0 < len(table) < 12
    assert import_plan(plan_files.csv_of(variant).encode(), bench).named == len(table)


def test_the_same_faults_in_two_languages(bench: Bench) -> None:
    with pytest.raises(PlanRefused, match="Rij 2: Postcode 1002 kan niet naar team O1") as refused:
        import_plan(text("pc4,team", "1002,O1"), bench)
    english = refused.value.in_english("plan.csv")
    assert isinstance(english, InputRefused)
    assert str(english).startswith("plan.csv, row 2, column team: team O1 cannot have postcode 1002; allowed:")


def test_a_team_of_the_participatiewet_is_meant_for_its_own_division(bench: Bench) -> None:
    assert import_plan(text("pc4,team", "1005,P1"), bench).changes.is_empty
    assert import_plan(text("pc4,team,team_pw", "1005,,P1"), bench).changes.is_empty
    assert faults(text("pc4,team,team_pw", "1005,P1,W1"), bench) == [("wrong kind", 2, "W1")]


def test_a_file_may_name_a_team_that_the_draft_adds(bench: Bench) -> None:
    new = NewTeam(team_id="W9", name="SMC W9", office="Utrecht", office_pc4="1005", region=1, fte=1.0)
    draft = ChangeSet(new_teams=(new,))
    content = text("pc4,team", "1005,W9")
    assert faults(content, bench) == [("unknown team", 2, "W9")]
    found = import_plan(content, bench, bench.variant(draft).board)
    assert found.changes.moves == (Move(layer="vangnet", pc4="1005", team_id="W9"),)
    variant = bench.variant(draft.model_copy(update={"moves": found.changes.moves}))
    assert team_of(variant, "1005") == "W9"


def test_a_locked_postcode_keeps_its_team(bench: Bench, run: Run) -> None:
    """A file lays itself over the proposal; what the proposal has locked refuses another team."""
    was = team_of(bench.variant(ChangeSet()), "1005")
    pin = LockChange(pc4="1005", team_id=was, kind="pin", reason="afspraak")
    locked = bench.variant(ChangeSet(locks=(pin,)))
    assert plan_files.plan_table(locked).set_index("pc4").at["1005", "team"] == was


@pytest.mark.heavy
def test_where_the_lines_have_teams_of_their_own_each_has_its_column(by_line: Bench) -> None:
    base = by_line.variant(ChangeSet())
    table = plan_files.plan_table(base).set_index("pc4")
    assert set(table.loc["1003":"1004", "team_werkgever"]) == {""}
    assert set(table.loc[["1001", "1005"], "team_werkgever"]) <= {"W3", "W4"}
    was = table.at["1005", "team_werkgever"]
    to = {"W3": "W4", "W4": "W3"}[was]
    for content in (
        text("pc4,team", f"1005,{to}"),
        text("pc4,team,team_werkgever", f"1005,{table.at['1005', 'team']},{to}"),
    ):
        assert import_plan(content, by_line).changes.moves == (Move(layer="werkgever", pc4="1005", team_id=to),)
    assert import_plan(plan_files.csv_of(base).encode(), by_line).changes.is_empty


def test_the_geojson_is_one_that_a_map_reads(bench: Bench) -> None:
    told = json.loads(plan_files.geojson_of(bench.variant(ChangeSet()), bench.folder))
    assert len(told["features"]) == 12
    assert set(told["features"][0]["properties"]) == {"pc4", "team", "team_werkgever", "team_pw"}
    x, y = told["features"][0]["geometry"]["coordinates"][0][0][:2]
    assert 3 < x < 8
    assert 50 < y < 54


def test_code_in_a_team_is_not_run_by_a_spreadsheet(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    variant = bench.variant(ChangeSet())
    table = plan_files.plan_table(variant).replace("W1", "=1+1")
    monkeypatch.setattr(plan_files, "plan_table", lambda _: table)
    assert ",'=1+1," in plan_files.csv_of(variant).replace('"', "")


@pytest.mark.parametrize(
    "content",
    [
        '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read FILE"}',
        '{<OGRVRTDataSource><OGRVRTLayer name="other"><SrcDataSource>FILE</SrcDataSource></OGRVRTLayer>'
        "</OGRVRTDataSource>",
        '{"type": "FeatureCollection", "features": [], "x": "<OGRVRTDataSource><OGRVRTLayer name=\'other\'>'
        '<SrcDataSource>FILE</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"}',
        '{"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "+init=FILE:1"}}, "features": '
        '[{"type": "Feature", "properties": {"team": "W1"}, "geometry": {"type": "Point", "coordinates": [5, 52]}}]}',
    ],
)
def test_a_file_that_names_other_files_does_not_have_them_read(bench: Bench, tmp_path: Path, content: str) -> None:
    """GDAL opens what such a text names, and a message of ours would show a part of it."""
    other_file = tmp_path / "other.csv"
    other_file.write_text("pc4,team\n1001,GEHEIM\n", encoding="utf-8")
    found = faults(content.replace("FILE", str(other_file)).encode(), bench)
    assert {kind for kind, _, _ in found} <= {"unreadable", "no column"}


@pytest.mark.parametrize(
    "feature",
    [
        '{"type": "Feature", "properties": null, "geometry": null}',
        '{"type": "Feature", "properties": {"team": "W1"}, "geometry": null}',
        '{"type": "Feature", "properties": {"team": "W1"}, "geometry": {"type": "Polygon", "coordinates": [[[0]]]}}',
        '{"type": "Feature", "properties": ["team"]}',
        "5",
        "[" * 100_000,
    ],
)
def test_a_broken_feature_is_one_sentence(bench: Bench, feature: str) -> None:
    content = f'{{"type": "FeatureCollection", "features": [{feature}]}}'
    assert faults(content.encode(), bench)[0][0] in ("unreadable", "no column")


def test_areas_in_metres_that_say_so_are_placed(bench: Bench) -> None:
    ring = [[100_000, 400_000], [102_000, 400_000], [102_000, 403_000], [100_000, 403_000], [100_000, 400_000]]
    area = {"type": "Polygon", "coordinates": [ring]}
    whole = {"type": "FeatureCollection",
             "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}},
             "features": [{"type": "Feature", "properties": {"Team ": "W2"}, "geometry": area}]}  # fmt: skip
    variant = bench.variant(import_plan(json.dumps(whole).encode(), bench).changes)
    assert {team_of(variant, code) for code in ("1001", "1005", "1010")} == {"W2"}
