"""Two small editions compared, drawn; then the real one against itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from geopandas import GeoDataFrame

from geodata import Boundaries, Edition, carry_over, changes_as_repairs, diff, stand_ins, successors
from geodata.areas import build
from geodata.editions import as_repairs
from geodata.layer import SourceLayer
from geodata.repairs import RULES, Repairs

Toy = Callable[..., GeoDataFrame]


def edition(areas: GeoDataFrame) -> GeoDataFrame:
    source = SourceLayer(areas=areas, edition=Edition("test", 2014, "none", "drawn", "0", "2026-01-01T00:00:00+00:00"))
    return build(source, Repairs())


@pytest.fixture
def old(toy: Toy) -> GeoDataFrame:
    """
    3511 | 3512 | 3513 | 3514      each a square kilometre, all in Utrecht (0344)
    """
    return edition(toy(p3511=(0, 0, 1, 1), p3512=(1, 0, 2, 1), p3513=(2, 0, 3, 1), p3514=(3, 0, 4, 1)))


@pytest.fixture
def new(toy: Toy) -> GeoDataFrame:
    """
    3511 | 35 : 35 | 3530 |        3511 went to Amersfoort (0307); 3512 gave its eastern half to the new 3520;
         | 12 : 20 |      |        3513 has the number 3530 now; 3514 is gone, and its ground belongs to no area
    """
    return edition(
        toy(
            gemeenten={"3511": "0307"},
            p3511=(0, 0, 1, 1),
            p3512=(1, 0, 1.5, 1),
            p3520=(1.5, 0, 2, 1),
            p3530=(2, 0, 3, 1),
        )
    )


def test_each_kind_of_change_is_found_once(old: GeoDataFrame, new: GeoDataFrame) -> None:
    assert diff(old, new).to_numpy().tolist() == [
        ["new", "3520", "3512", "", 1.0],
        ["gone", "3514", "", "", 0.0],
        ["renumbered", "3530", "3513", "3530", 1.0],
        ["moved_gemeente", "3511", "0344 Utrecht", "0307 Amersfoort", 1.0],
        ["moved_region", "3511", "14 Midden-Utrecht", "15 Amersfoort", 1.0],
    ]


def test_a_division_is_carried_over_to_every_new_area(old: GeoDataFrame, new: GeoDataFrame) -> None:
    assert carry_over(old, new).to_numpy().tolist() == [
        ["3511", "3511", 1.0],
        ["3512", "3512", 1.0],
        ["3520", "3512", 1.0],
        ["3530", "3513", 1.0],
    ]


def test_what_is_gone_has_a_successor(old: GeoDataFrame, new: GeoDataFrame) -> None:
    """3513 became 3530; nothing lies where 3514 was, so the nearest follows it up."""
    assert successors(old, new).to_numpy().tolist() == [["3513", "3530", 1.0], ["3514", "3530", 0.0]]


def test_changes_are_told_to_planners_with_what_becomes_of_the_division(old: GeoDataFrame, new: GeoDataFrame) -> None:
    told = changes_as_repairs(diff(old, new), carry_over(old, new), successors(old, new))
    assert told.to_numpy().tolist() == [
        ["nieuw_gebied", "3520", "was 3512", "team van 3512 als uitgangspunt"],
        ["vervallen_gebied", "3514", "nu van geen gebied", "aantallen en dossiers naar 3530"],
        ["vernummerd", "3530", "was 3513", "neemt de plaats van 3513 in"],
        ["andere_gemeente", "3511", "van 0344 Utrecht naar 0307 Amersfoort", "bestaande cliënten houden hun team"],
        [
            "andere_regio",
            "3511",
            "van 14 Midden-Utrecht naar 15 Amersfoort",
            "bestaande cliënten houden hun team",
        ],
    ]
    assert set(told["class"]) <= set(RULES)


def test_an_area_where_none_was_takes_the_nearest(old: GeoDataFrame, toy: Toy) -> None:
    polder = edition(toy(p3511=(0, 0, 1, 1), p3599=(6, 0, 7, 1)))
    assert carry_over(old, polder).to_numpy().tolist() == [["3511", "3511", 1.0], ["3599", "3514", 0.0]]


@pytest.mark.heavy
def test_the_country_against_itself_has_no_changes(embedded: Boundaries) -> None:
    assert diff(embedded.areas, embedded.areas).empty
    assert successors(embedded.areas, embedded.areas).empty
    kept = carry_over(embedded.areas, embedded.areas)
    assert (kept["pc4"] == kept["from_pc4"]).all()
    assert len(kept) == 4044


def test_postcodes_without_an_area_follow_the_nearest_number(old: GeoDataFrame) -> None:
    """3515 follows 3514; 3590 shares only '35'; 1000 shares nothing; the others are no postcodes."""
    found = stand_ins(old["pc4"], ["3511", "3515", "3590", "1000", "0351", "35", "3515"])
    assert found.to_numpy().tolist() == [
        ["0351", pytest.approx(float("nan"), nan_ok=True), "bestaat niet", "geweigerd"],
        ["1000", pytest.approx(float("nan"), nan_ok=True), "bestaat niet", "geweigerd"],
        ["35", pytest.approx(float("nan"), nan_ok=True), "bestaat niet", "geweigerd"],
        ["3515", "3514", "postbus of nieuwe straat: geen vlak in deze editie", "volgt 3514"],
        ["3590", "3514", "postbus of nieuwe straat: geen vlak in deze editie", "volgt 3514"],
    ]
    assert as_repairs(found)["class"].tolist() == ["zonder_vlak"] * 5


def test_equally_near_numbers_take_the_lower(old: GeoDataFrame) -> None:
    assert stand_ins(["3511", "3513"], ["3512"])["stand_in"].tolist() == ["3511"]
