"""A new edition under a division in force, on the toy country: nothing is lost, and everything is told.

In force is the division of ``toy``; the input's counts, files and offices are of that edition too. The new edition::

      x=0   1     2     3
    y=2 1009 1010 | 1011 1012
    y=1 1005 1031 | 1007 1008      1006 has the number 1031 now
    y=0 1001 1002 | 1003 1040      1004 gave its eastern half to the new 1041, and has the number 1040
         West (1)    Oost (2)      1003 went to West, gemeente and all
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from allocation.contract.calendar import today
from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.pipeline import steps
from allocation.pipeline.drift import compare_with_plan
from allocation.pipeline.succession import Succession
from allocation.runs.run import Run
from geodata import GeodataError
from tests.support import gates, toy


def new_edition() -> gpd.GeoDataFrame:
    areas = toy.polygons().set_index("pc4", drop=False)
    areas.loc["1006", "pc4"] = "1031"
    areas.loc["1003", ["gemeente_code", "gemeente_name"]] = "0002", "Gemeente 2"
    areas.loc["1003", ["arbeidsmarktregio_nr", "arbeidsmarktregio"]] = 1, "West"
    west, south, east, north = areas.loc["1004"].geometry.bounds
    part = areas.loc[["1004"]].assign(pc4="1041", geometry=[box(east - 400, south, east, north)])
    areas.loc["1004", "pc4"] = "1040"
    areas.loc["1004", "geometry"] = box(west, south, east - 400, north)
    return gpd.GeoDataFrame(pd.concat([areas, part]), crs=28992).reset_index(drop=True)


def test_a_postcode_without_a_surface_of_its_own_is_succeeded_by_the_area_that_it_follows() -> None:
    """1050 is a speck in the file; 1006 lost its surface since the edition in force, which knew it as an area."""
    follows = pd.DataFrame({"pc4": ["1006", "1050"], "follows": ["1007", "1003"]})
    areas = toy.polygons()
    changed = Succession.between(areas, areas[areas["pc4"] != "1006"].reset_index(drop=True), follows)
    assert changed.successors() == {"1006": "1007", "1050": "1003"}
    assert Succession.between(areas, areas).successors() == {}


def ran(folder: Path, name: str, areas: gpd.GeoDataFrame, frames: dict[str, pd.DataFrame]) -> Run:
    """A run up to its outcome. What looks at it and publishes it is for the caller."""
    areas.to_file(folder / f"{name}.gpkg", driver="GPKG")
    run = Run.start(
        input_dir=toy.write(folder / f"input-{name}", frames),
        boundaries=str(folder / f"{name}.gpkg"),
        store=f"sqlite:///{folder / 'store.sqlite'}",
        config=Config.from_values({"tolerance": 0.5, "solver": {"iterations": 5000}}),
        var=folder / "var",
        run_id=name,
        today=today(),
    )
    steps.prepare_boundaries(run)
    steps.check_inputs(run)
    steps.estimate_work(run)
    for key in steps.prepare_layers(run):
        steps.solve_layer(run, key)
    steps.assemble_outcome(run)
    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """The run in force, and one on the new edition that compares with what is published."""
    folder = tmp_path_factory.mktemp("editions")
    first = ran(folder, "old", toy.polygons(), {})
    gates.propose(first)
    steps.publish(first)
    second = ran(folder, "new", new_edition(), {"current": toy.tables()["current"].iloc[:0]})
    return first, second


def test_what_changed_is_told(runs: tuple[Run, Run]) -> None:
    first, second = runs
    assert json.loads((first.folder / "boundary_changes.json").read_text()) == {}
    assert json.loads((second.folder / "boundary_changes.json").read_text()) == {
        "gone": 1,
        "moved_gemeente": 1,
        "moved_region": 1,
        "new": 2,
        "renumbered": 1,
    }
    noticed = Succession.read(second).noticed
    assert noticed[["class", "pc4"]].to_numpy().tolist() == [
        ["nieuw_gebied", "1040"],
        ["nieuw_gebied", "1041"],
        ["vervallen_gebied", "1004"],
        ["vernummerd", "1031"],
        ["andere_gemeente", "1003"],
        ["andere_regio", "1003"],
    ]


@pytest.mark.heavy
def test_both_gates_let_a_new_edition_through(runs: tuple[Run, Run]) -> None:
    steps.validate_inputs(runs[1])
    steps.validate_outcome(runs[1])


def test_new_and_renumbered_areas_start_with_the_team_of_their_place(runs: tuple[Run, Run]) -> None:
    first, second = runs
    was = first.frame("allocation").set_index(["pc4", "law_domain"])["team_id"]
    now = pd.read_parquet(second.folder / "division_in_force.parquet").set_index(["pc4", "law_domain"])["team_id"]
    for domain in ("zw_wia", "pw"):
        assert now["1031", domain] == was["1006", domain]
        assert now["1040", domain] == now["1041", domain] == was["1004", domain]
    changes = second.frame("allocation_changes")
    assert set(changes.loc[changes["team_to"].isna(), "pc4"]) == {"1004", "1006"}
    assert changes["team_from"].notna().all()


def test_an_area_in_another_region_is_divided_there_and_its_files_go_along(runs: tuple[Run, Run]) -> None:
    """The teams of Oost do not serve West, so they keep no file of a postcode that lies there now (R19)."""
    second = runs[1]
    allocation = second.frame("allocation").query("pc4 == '1003' and law_domain == 'zw_wia'")
    assert set(allocation["team_id"]) <= {"W1", "W2"}
    held = second.frame("transition").query("pc4 == '1003' and product == 'WIA_EWT'")
    assert set(held["team_from"]) <= {"O1", "O2"}
    assert set(held["team_to"]) <= {"W1", "W2"}
    assert set(held["reason"]) == {"postcode ligt buiten de regio van het team"}


def test_every_client_and_all_work_is_still_there(runs: tuple[Run, Run]) -> None:
    """Also the holders: the files of 1004 and 1006 stay with the teams that had them."""
    first, second = runs
    for name, column in (("transition", "clients"), ("expected", "clients")):
        sums = [run.frame(name)[column].sum() for run in runs]
        assert sums[0] == pytest.approx(sums[1])
    held = [run.frame("transition").groupby(["product", "team_from"])["clients"].sum() for run in (first, second)]
    pd.testing.assert_series_equal(held[0], held[1])
    replaced = pd.read_parquet(second.folder / "inputs" / "replaced.parquet").set_index("pc4")["stand_in"]
    assert replaced.to_dict() == {"1004": "1040", "1006": "1031"}


def test_drift_counts_new_postcodes_for_the_team_of_their_place(runs: tuple[Run, Run], tmp_path: Path) -> None:
    """A year later as many come in as planned, counted by the new numbers: every team has its own back."""
    second = runs[1]
    later = toy.tables()["inflow"].assign(month=lambda rows: rows["month"].str.replace("2025", "2026"))
    later["pc4"] = later["pc4"].replace({"1004": "1041", "1006": "1031"})
    both = {"inflow": pd.concat([toy.tables()["inflow"], later])}
    run = Run.start(
        input_dir=toy.write(tmp_path / "input", both),
        boundaries=second.boundaries,
        store=second.store,
        config=Config(),
        var=second.var,
        run_id="drift",
        today=date(2027, 1, 15),
    )
    steps.prepare_boundaries(run)
    steps.check_inputs(run)
    assert compare_with_plan(run) == []
    table = pd.read_parquet(run.folder / "drift.parquet")
    assert table["clients_came"].sum() == len(later)
    assert table["clients_came"].tolist() == pytest.approx(table["clients_planned"].tolist())


def test_the_edition_of_the_file_current_can_be_named(runs: tuple[Run, Run], tmp_path: Path) -> None:
    """Without a version in force the division in the input folder is carried over from the edition that is named."""
    first = runs[0]
    config = Config.from_values({"current_boundaries": first.boundaries})
    run = Run.start(
        input_dir=toy.write(tmp_path / "input"),
        boundaries=runs[1].boundaries,
        store=f"sqlite:///{tmp_path / 'other.sqlite'}",
        config=config,
        var=tmp_path / "var",
    )
    steps.prepare_boundaries(run)
    assert json.loads((run.folder / "boundary_changes.json").read_text())["renumbered"] == 1
    wrong = Run.start(
        input_dir=None,
        boundaries=first.boundaries,
        store=run.store,
        config=Config.from_values({"current_boundaries": "nowhere.gpkg"}),
        var=tmp_path / "var",
    )
    with pytest.raises(Refused, match=r"current_boundaries: .*nowhere\.gpkg"):
        steps.prepare_boundaries(wrong)


def split_run(folder: Path, source: str) -> Run:
    """A run with a PC6 split, of which the boundaries say that they are of ``source``."""
    toy.polygons().to_file(folder / "areas.gpkg", driver="GPKG")
    run = Run.start(
        input_dir=toy.write(folder / "input", {"locks": toy.locks(("1001AA-1001AE", "W2", "split", "1", ""))}),
        boundaries=str(folder / "areas.gpkg"),
        store=f"sqlite:///{folder / 'store.sqlite'}",
        config=Config(),
        var=folder / "var",
    )
    steps.prepare_boundaries(run)
    told = json.loads((run.folder / "boundaries.json").read_text())
    told["edition"]["source"] = source
    (run.folder / "boundaries.json").write_text(json.dumps(told))
    return run


def test_full_postcodes_are_asked_for_the_areas_that_are_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = pd.DataFrame({"pc4": ["1001"], "pc6": ["1001AB"], "x_m": 0.0, "y_m": 0.0, "inhabitants": [40]})
    asked: list[list[str]] = []

    def answer(pc4: pd.Series, *_: object) -> pd.DataFrame:
        asked.append(pc4.tolist())
        return people

    monkeypatch.setattr("geodata.load_full_postcodes", answer, raising=False)
    run = split_run(tmp_path, "pdok")
    steps.check_inputs(run)
    assert asked == [["1001"]]
    kept = pd.read_parquet(run.folder / "inputs" / "full_postcodes.parquet")
    assert kept.to_numpy().tolist() == [["1001", "1001AB", 40]]


def test_a_run_goes_on_without_full_postcodes_when_there_is_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(*_: object) -> pd.DataFrame:
        raise GeodataError("no answer")

    monkeypatch.setattr("geodata.load_full_postcodes", answer, raising=False)
    run = split_run(tmp_path, "pdok")
    steps.check_inputs(run)
    assert "no answer; PC6 ranges count by their letters" in caplog.text
    assert pd.read_parquet(run.folder / "inputs" / "full_postcodes.parquet").empty
