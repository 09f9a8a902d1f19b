"""A postcode without a surface of its own, from the boundaries to whoever decides and whoever asks, on the toy country.

The file has one more postcode than the toy: 1050, a speck of 0.04 m² within 1003, with 40 inhabitants and two clients.
"""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from allocation.pipeline import alerts, steps
from allocation.publication import lookup
from allocation.report import summary
from allocation.runs import run_files
from allocation.runs.run import Run
from geodata import broken
from tests.support import gates, toy
from tests.unit.pipeline.test_succession import ran

TOLD = "postcodes have no surface of their own in the boundaries: each counts for the area that it follows"


def edition() -> gpd.GeoDataFrame:
    areas = toy.polygons()
    at = areas.loc[areas["pc4"] == "1003"].geometry.iloc[0].centroid
    speck = areas[areas["pc4"] == "1003"].assign(
        pc4="1050", inhabitants=40, geometry=[box(at.x, at.y, at.x + 0.2, at.y + 0.2)]
    )
    return gpd.GeoDataFrame(pd.concat([areas, speck]), crs=28992).reset_index(drop=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Published, with two clients in stock at the postcode that has no area."""
    stock = toy.tables()["stock"]
    more = stock.iloc[[0]].assign(pc4="1050", team_id="")
    frames = {"stock": pd.concat([stock, more], ignore_index=True)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broken, "MOST_BROKEN_SHARE", 0.1)  # one of thirteen is more than one in two hundred
        run = ran(tmp_path_factory.mktemp("broken"), "speck", edition(), frames)
    steps.validate_inputs(run)
    steps.write_report(run)
    gates.propose(run)
    steps.publish(run)
    return run


def test_its_counts_are_kept_where_it_counts(run: Run) -> None:
    assert run.read(run_files.BOUNDARIES).follows == {"1050": "1003"}
    areas = run.areas().set_index("pc4")
    assert "1050" not in areas.index
    assert areas["inhabitants"]["1003"] == 1040
    moved = run.outcome("transition")
    assert moved.loc[moved["pc4"] == "1003", "clients"].sum() == 2 + 2 + 2
    assert moved["clients"].sum() == 24 * 2 + 2


def test_the_first_gate_warns_of_it_by_name(run: Run) -> None:
    (warning,) = [one for one in run.validation()["inputs"]["failed"] if one["expectation"] == "area_that_follows"]
    assert (warning["severity"], warning["examples"]) == ("warning", [{"pc4": "1050", "follows": "1003"}])


def test_who_decides_reads_it_on_the_terminal_in_the_report_and_in_the_question(run: Run) -> None:
    figures = summary.summary(run)
    text = summary.summary_text(figures)
    assert f"{TOLD} (1 found)" in text
    assert "pc4 1050, follows 1003" in text
    assert "- postcode 1050, volgt 1003\n" in alerts.proposal(figures)
    report = run.read(run_files.REPORT)
    assert "postcodes hebben in de gebiedsindeling geen eigen vlak" in report
    assert "postcode 1050, volgt 1003" in report
    assert "onder een ander gebied" in report, "among the repairs, with its size"


def test_a_consumer_finds_the_team_of_the_area_that_it_follows(run: Run) -> None:
    """By number the nearest is 1012; by place it is 1003."""
    found = lookup.lookup("1050", run.store, law="WIA", line="vangnet")
    (there,) = lookup.lookup("1003", run.store, law="WIA", line="vangnet")
    assert [(one.pc4, one.follows, one.team_id) for one in found] == [("1050", "1003", there.team_id)]
