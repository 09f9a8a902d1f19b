"""Whom the teams work with: bad input has one line with file, row, column and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused, Problem
from allocation.intake.inputs import load_inputs
from tests.support import toy

GROUPS = pd.DataFrame(
    [
        ("VZB-W", "W1 | W2", "3.5", "2024-01-01", ""),
        ("VZB-W2", "W2", "1.5", "2024-01-01", "2026-12-31"),
        ("VZB-W2", "W2", "2.5", "2027-01-01", ""),
    ],
    columns=["group_code", "team_id", "fte", "valid_from", "valid_to"],
)


COVERAGE = pd.DataFrame(
    [("1001", "ggz", "Noord", "0.7"), ("1001", "ggz", "Zuid", "0.3"), ("1002", "wsp", "West", "")],
    columns=["pc4", "kind", "provider", "share"],
)


def problems(folder: Path, config: Config | None = None, **tables: pd.DataFrame) -> list[Problem]:
    """The problems of the toy country with these optional inputs; none when it is accepted."""
    try:
        load_inputs(toy.write(folder, tables), toy.areas(), config or Config())
    except InputRefused as refused:
        return list(refused.problems)
    return []


def test_groups_are_read_with_their_teams(tmp_path: Path) -> None:
    loaded = load_inputs(toy.write(tmp_path, {"verzuimbeheer": GROUPS}), toy.areas(), Config())
    assert loaded.verzuimbeheer["team_id"].tolist() == ["W1|W2", "W2", "W2"]
    assert loaded.verzuimbeheer["fte"].tolist() == [3.5, 1.5, 2.5]


def test_without_the_file_there_are_none(tmp_path: Path) -> None:
    assert load_inputs(toy.write(tmp_path), toy.areas(), Config()).verzuimbeheer.empty


@pytest.mark.parametrize(
    ("row", "column", "value", "what"),
    [
        (0, "team_id", "W1|W9", "team 'W9' does not exist"),
        (0, "team_id", "W1|W1", "names a team twice"),
        (1, "team_id", "", "empty"),
        (1, "fte", "0", "0"),
        (1, "fte", "veel", "veel"),
        (1, "valid_to", "2023-12-31", "2023-12-31"),
        (2, "valid_from", "2026-12-31", "group VZB-W2 has two periods at the same time"),
        (2, "valid_from", "2024-01-01", "the same group_code, valid_from"),
    ],
)
def test_a_wrong_group_is_told(tmp_path: Path, row: int, column: str, value: str, what: str) -> None:
    table = GROUPS.copy()
    table.loc[row, column] = value
    found = problems(tmp_path, verzuimbeheer=table)
    assert any(what in one.what and (one.file, one.row) == ("verzuimbeheer.csv", row + 2) for one in found), found


def test_partners_are_read_with_a_share_in_every_row(tmp_path: Path) -> None:
    loaded = load_inputs(toy.write(tmp_path, {"coverage": COVERAGE}), toy.areas(), Config())
    assert loaded.coverage["share"].tolist() == pytest.approx([0.7, 0.3, 1.0])


def test_empty_shares_divide_what_is_left_evenly(tmp_path: Path) -> None:
    rows = [("1001", "GGZ", "A", "0.4"), ("1001", "ggz", "B", ""), ("1001", "ggz ", "C", "")]
    table = pd.DataFrame(rows, columns=COVERAGE.columns)
    loaded = load_inputs(toy.write(tmp_path, {"coverage": table}), toy.areas(), Config())
    assert loaded.coverage["share"].tolist() == pytest.approx([0.4, 0.3, 0.3])
    assert set(loaded.coverage["kind"]) == {"ggz"}


@pytest.mark.parametrize(
    ("row", "column", "value", "at", "what"),
    [
        (0, "pc4", "9999", 2, "postcode '9999' does not exist"),
        (0, "kind", "", 2, "empty"),
        (0, "kind", "gemeente", 2, "kind 'gemeente' has a source of its own"),
        (0, "kind", "care_region", 2, "the file care_regions tells it"),
        (1, "provider", "noord", 3, "'noord' differs only in capitals from 'Noord'"),
        (1, "provider", "Noord", 3, "the same pc4, kind, provider"),
        (0, "share", "0.8", 2, "the shares of 1001 and kind ggz sum to 1.1"),
        (0, "share", "0", 2, "0"),
        (2, "share", "1.1", 4, "1.1"),
    ],
)
def test_wrong_coverage_is_told(tmp_path: Path, row: int, column: str, value: str, at: int, what: str) -> None:
    table = COVERAGE.copy()
    table.loc[row, column] = value
    found = problems(tmp_path, coverage=table)
    assert any(what in one.what and (one.file, one.row) == ("coverage.csv", at) for one in found), found


def test_an_empty_share_with_nothing_left_is_told(tmp_path: Path) -> None:
    table = pd.concat([COVERAGE, pd.DataFrame([("1001", "ggz", "West", "")], columns=COVERAGE.columns)])
    found = problems(tmp_path, coverage=table)
    assert [(one.row, one.what) for one in found] == [
        (5, "the shares of 1001 and kind ggz sum to 1, which leaves nothing for an empty share")
    ]


def test_a_price_for_a_kind_that_nobody_is_of_is_told(tmp_path: Path) -> None:
    config = Config.from_values({"weights": {"coverage": {"gzz": 1.0}}})
    found = problems(tmp_path, config, coverage=COVERAGE)
    assert [(one.column, one.allowed) for one in found] == [
        ("weights.coverage.gzz", "a kind of the file coverage: ggz, wsp")
    ]
    (without,) = problems(tmp_path / "without", config)
    assert without.allowed == "kinds of a file coverage; there is none"


def ways_of_toy(*columns: str) -> pd.DataFrame:
    """Every postcode to every office of the toy country."""
    rows = [(pc4, office) for pc4 in toy.POSTCODES for office in ("1001", "1009", "1004", "1012", "1006")]
    table = pd.DataFrame(rows, columns=["pc4", "office_pc4"])
    return table.assign(**dict.fromkeys(columns, "12.5"))


def test_a_table_of_ways_is_read(tmp_path: Path) -> None:
    loaded = load_inputs(toy.write(tmp_path, {"travel": ways_of_toy("minutes")}), toy.areas(), Config())
    assert set(loaded.travel["minutes"]) == {12.5}
    assert loaded.travel["km"].isna().all()


def test_an_office_has_all_postcodes_of_a_region_or_none(tmp_path: Path) -> None:
    """O1 at 1004 serves Oost (1003, 1004, 1007, 1008, 1011, 1012): with 1003 left out that is refused; with all of them
    left out it is not, unless the table is what distances are taken from."""
    table = ways_of_toy("minutes")
    of_o1 = table["office_pc4"] == "1004"
    (told,) = problems(tmp_path / "one", travel=table[~(of_o1 & (table["pc4"] == "1003"))])
    assert told.what == "office 1004 (team O1) has no row for 1 of the 6 postcodes of region Oost, the first is 1003"
    assert problems(tmp_path / "none", travel=table[~of_o1]) == []
    config = Config.from_values({"distance": "table"})
    (told,) = problems(tmp_path / "table", config, travel=table[~of_o1])
    assert told.what.startswith("office 1004 (team O1) has no row for 6 of the 6 postcodes of region Oost")
    assert problems(tmp_path / "whole", config, travel=table) == []
    assert len(problems(tmp_path / "absent", config)) == 6  # W1, W2, O1 and O2, and P1 in both regions


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("pc4", "9999", "postcode '9999' does not exist"),
        ("office_pc4", "9999", "postcode '9999' does not exist"),
        ("minutes", "-1", "-1"),
        ("minutes", "900", "900"),
        ("minutes", "", "minutes is empty"),
        ("pc4", "1002", "the same pc4, office_pc4"),
    ],
)
def test_a_wrong_way_is_told(tmp_path: Path, column: str, value: str, what: str) -> None:
    table = ways_of_toy("minutes")
    table.loc[0, column] = value
    assert any(what in one.what and one.file == "travel.csv" for one in problems(tmp_path, travel=table))


def test_a_table_without_minutes_and_kilometres_is_told(tmp_path: Path) -> None:
    assert any("minutes is empty" in one.what for one in problems(tmp_path, travel=ways_of_toy()))


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("9999", "W1", "1"), "postcode '9999' does not exist"),
        (("1001", "W9", "1"), "team 'W9' does not exist"),
        (("1001", "W1", "-1"), "-1"),
        (("1001", "W1", "half"), "half"),
    ],
)
def test_wrong_staff_is_told(tmp_path: Path, row: tuple[str, str, str], what: str) -> None:
    table = pd.DataFrame([row], columns=["pc4", "team_id", "staff"])
    found = problems(tmp_path, staff=table)
    assert any(what in one.what and (one.file, one.row) == ("staff.csv", 2) for one in found), found
