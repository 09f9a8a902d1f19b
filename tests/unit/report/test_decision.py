"""What page one says of a proposal: which regions it changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allocation.report.account_sheets import Gate
from allocation.report.board import totals
from allocation.report.decision import TOLD_BY_BROKEN_RULES, decision
from allocation.report.dutch import number, percent
from allocation.report.frames import Frames
from expectations.load import LOAD
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
    two = frames.changes.head(0).reindex(range(2)).assign(pc4=["1001", "1002"], law_domain="zw_wia", client_line="alle")
    made = decision(replace(frames, regions=regions, changes=two), names)
    return made.summary, [page.name for page in made.pages]


def test_a_region_where_only_files_move_is_told_apart(frames: Frames) -> None:
    """Files of a team that ended move in Oost too; the decision is about West."""
    summary, pages = told(frames, {"West": 3}, {"West": 40, "Oost": 7})
    assert summary == (
        "2 postcodes wisselen van team, in West; de andere 10 houden hun team. In 1 regio verhuizen alleen dossiers."
    )
    assert pages == ["West"]


def test_readers_do_not_see_every_region_where_a_file_moves(frames: Frames) -> None:
    summary, _ = told(replace(frames, is_for_readers=True), {"West": 3}, {"Oost": 10})
    assert summary.endswith("In ten minste 1 regio verhuizen alleen dossiers.")


def test_where_no_postcode_moves_the_regions_of_the_files_have_the_pages(frames: Frames) -> None:
    summary, pages = told(frames, {}, {"Oost": 7})
    assert summary == "Er wisselt geen enkele postcode van team. In 1 regio verhuizen alleen dossiers."
    assert pages == ["Oost"]


def test_two_regions_are_both_named(frames: Frames) -> None:
    summary, pages = told(frames, {"Oost": 1, "West": 3}, {})
    assert "van team, in Oost, West; de" in summary or "van team, in West, Oost; de" in summary
    assert sorted(pages) == ["Oost", "West"]


def test_each_postcode_that_switches_is_named_with_both_teams(frames: Frames) -> None:
    """Ten postcodes from W1 to W2, six are shown; one had no team. Three clients a year each, told to Operations."""
    rows = [(f"10{at:02}", "alle", "zw_wia", "W1", "W2") for at in range(10, 20)]
    rows += [("1001", "vangnet", "zw_wia", None, "W1"), ("1010", "alle", "pw", "P1", "P2")]
    changes = pd.DataFrame(rows, columns=["pc4", "client_line", "law_domain", "team_from", "team_to"])
    names = frames.regions["arbeidsmarktregio"].drop_duplicates().tolist()
    changed = replace(frames, changes=changes.assign(share=1.0, clients=3.0, hours=9.0))
    named = [
        "W1 → W2 (ZW en WIA): 1010, 1011, 1012, 1013, 1014, 1015 en nog 4",
        "P1 → P2 (Participatiewet): 1010",
        "geen team → W1 (ZW en WIA, vangnetlijn): 1001",
    ]
    counts = (30, 3, 3)
    assert decision(changed, names).switching == [
        f"{one}; ongeveer {count} cliënten per jaar" for one, count in zip(named, counts, strict=True)
    ]
    assert decision(replace(changed, is_for_readers=True), names).switching == named


def test_each_region_is_told_beside_what_it_is_now(frames: Frames) -> None:
    """West is divided otherwise now: all of it with W1, so W1 has twice its part (100% too much) and W2 nothing."""
    west = next(part for part in frames.board.layers if "W1" in part.layer.problem.team_ids)
    now = np.full(len(west.now), west.layer.problem.team_ids.index("W1"))
    layers = tuple(replace(part, now=now) if part is west else part for part in frames.board.layers)
    before = replace(frames, board=replace(frames.board, layers=layers))
    changed = frames.regions.assign(areas_moved=1)
    made = decision(replace(before, regions=changed), changed["arbeidsmarktregio"].drop_duplicates().tolist())
    rows = {(row[0].text, row[1].text): row for row in made.regions.rows}
    proposed, was = (totals([part]) for part in (west.sums, replace(west, now=now).sums_now))
    capacity = west.layer.problem.capacity
    assert was.max_deviation == pytest.approx(max(capacity.sum() / capacity[0] - 1, 1.0))
    told = rows["West", "ZW en WIA"]
    assert told[4].text == f"{percent(proposed.max_deviation)} (zonder wijziging {percent(was.max_deviation)})"
    assert told[6].text == f"{number(proposed.travel_km, 1)} (zonder wijziging {number(was.travel_km, 1)})"


def test_a_team_beyond_the_tolerance_is_told_once(frames: Frames) -> None:
    """The rule that its plan breaks tells it; the gate finds the same in the tables."""
    names = frames.regions["arbeidsmarktregio"].drop_duplicates().tolist()
    same, other = (
        {"expectation": name, "sentence_nl": name, "examples": ["x", "y"], "how_many": 7}
        for name in ("beyond_tolerance", "other_professions")
    )
    found = [Gate("Uitkomst", success=True, checks=2, met=0, failed=[same, other])]
    made = decision(frames, names)
    assert TOLD_BY_BROKEN_RULES in {rule.name for rule in LOAD}, "the gate has a check of this name"
    assert made.with_found(found).all_warnings == [*made.all_warnings, "Uitkomst: other_professions: x; en nog 6"]
