"""What page one says of a proposal: which regions it changes."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from allocation.report.decision import decision
from allocation.report.frames import Frames
from tests.support.browser import toy_run


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    """The toy country: two regions, Oost and West."""
    return Frames.read(toy_run(tmp_path_factory.mktemp("toy")).folder)


def told(frames: Frames, areas: dict[str, int], files: dict[str, int]) -> tuple[str, list[str]]:
    """The summary, and the regions with a page, when so many postcodes and files move per region."""
    regions = frames.regions.assign(
        areas_moved=frames.regions["arbeidsmarktregio"].map(areas).fillna(0),
        clients_moved=frames.regions["arbeidsmarktregio"].map(files).fillna(0),
    )
    names = regions["arbeidsmarktregio"].drop_duplicates().tolist()
    made = decision(replace(frames, regions=regions, changes=frames.changes.head(0).reindex(range(2))), names)
    return made.summary, [page.name for page in made.pages]


def test_a_region_where_only_files_move_is_told_apart(frames: Frames) -> None:
    """Files of a team that ended move in Oost too; the decision is about West."""
    summary, pages = told(frames, {"West": 3}, {"West": 40, "Oost": 7})
    assert summary.endswith("van team, in West. In 1 regio verhuizen alleen dossiers.")
    assert pages == ["West"]


def test_where_no_postcode_moves_the_regions_of_the_files_have_the_pages(frames: Frames) -> None:
    summary, pages = told(frames, {}, {"Oost": 7})
    assert summary == "Er wisselt geen enkele postcode van team. In 1 regio verhuizen alleen dossiers."
    assert pages == ["Oost"]


def test_two_regions_are_both_named(frames: Frames) -> None:
    summary, pages = told(frames, {"Oost": 1, "West": 3}, {})
    assert summary.endswith("van team, in Oost, West.") or summary.endswith("van team, in West, Oost.")
    assert sorted(pages) == ["Oost", "West"]


def test_each_postcode_that_switches_is_named_with_both_teams(frames: Frames) -> None:
    """Ten postcodes from W1 to W2, eight are shown; one had no team."""
    rows = [(f"10{at:02}", "alle", "zw_wia", "W1", "W2") for at in range(10, 20)]
    rows += [("1001", "vangnet", "zw_wia", None, "W1"), ("1010", "alle", "pw", "P1", "P2")]
    changes = pd.DataFrame(rows, columns=["pc4", "client_line", "law_domain", "team_from", "team_to"])
    names = frames.regions["arbeidsmarktregio"].drop_duplicates().tolist()
    assert decision(replace(frames, changes=changes.assign(share=1.0, clients=3.0, hours=9.0)), names).switching == [
        "W1 → W2 (ZW en WIA): 1010, 1011, 1012, 1013, 1014, 1015, 1016, 1017 en nog 2",
        "P1 → P2 (Participatiewet): 1010",
        "geen team → W1 (ZW en WIA, vangnetlijn): 1001",
    ]
