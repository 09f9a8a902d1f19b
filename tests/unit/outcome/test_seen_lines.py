"""What readers see where clients are served by line follows from what they see of its files, and nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.contract.published_tables import (
    ALLOCATION_CHANGES,
    EXPECTED,
    LINE_OUTCOMES,
    REGION_SUMMARY,
    TEAM_LEDGER,
    TEAM_LOAD,
    TRANSITION,
)
from allocation.publication import small_counts
from tests.support import toy
from tests.support.examples import examples


def two_lines(
    tmp_path: Path, *vangnet: int, known: int = 20, alle: int = 11, factor: float = 1.0
) -> dict[str, pd.DataFrame]:
    """``with_files`` of a product in three postcodes: ``vangnet`` of each of so many holders and ``known`` of a line,
    and ``alle``."""
    holders = [""] if len(vangnet) == 1 else ["W1", "O1", "O2", "P1"]
    files = [("1001", "vangnet", clients, team) for clients, team in zip(vangnet, holders, strict=True)]
    return with_files(tmp_path, [*files, ("1002", "werkgever", known, ""), ("1005", "alle", alle, "")], factor)


def with_files(
    tmp_path: Path, files: list[tuple[str, str, int, str]], factor: float = 1.0, of_x: str = "1006"
) -> dict[str, pd.DataFrame]:
    """All that readers see, on their map too, of a country where W1 serves the vangnetlijn in the West, W2 the
    werkgeverslijn and X both.

    ``files``: postcode, line, clients and holder of a product without inflow. ``factor``: of the hours of its clients.
    ``of_x``: the postcode that X has, if any.
    """
    tables = toy.tables()
    teams = pd.concat([tables["teams"], pd.DataFrame([toy.team("X", "1", "1006")])], ignore_index=True)
    for team_id, line in (("W1", "vangnet"), ("W2", "werkgever")):
        teams.loc[teams["team_id"] == team_id, "client_lines"] = line
    product = ("MON", "WIA", "vangnet|werkgever", "3", "1", "0.5", "3", "team")
    products = pd.concat([tables["products"], pd.DataFrame([product], columns=tables["products"].columns)])
    rows = [("2025-12-31", pc4, "MON", line, "regulier", str(n), team) for pc4, line, n, team in files if n]
    stock = pd.concat([tables["stock"], pd.DataFrame(rows, columns=tables["stock"].columns)], ignore_index=True)
    west = sorted({pc4 for pc4 in toy.POSTCODES if (int(pc4) - 1001) % 4 < 2})
    pinned = toy.locks(
        *((pc4, "X" if pc4 == of_x else team_id, "pin", "", line) for pc4 in west
          for team_id, line in (("W1", "vangnet"), ("W2", "werkgever")))
    )  # fmt: skip
    changed = {"teams": teams, "products": products, "stock": stock, "locks": pinned}
    made = toy.divide(
        tmp_path, changed, Config.from_values({"tolerance": 0.99, "work": {"hours_factor": {"MON": factor}}})
    )
    return {
        table.name: small_counts.shown(table, made.outcome[table.name], made.outcome.get(f"{table.name}_seen"))
        for table in (TRANSITION, TEAM_LEDGER, TEAM_LOAD, REGION_SUMMARY, LINE_OUTCOMES, ALLOCATION_CHANGES)
    } | {"map": small_counts.shown(EXPECTED, made.outcome["expected"]).drop(columns=["clients", "hours"])}


@pytest.mark.parametrize(
    ("vangnet", "known", "alle"),
    [(4, 18, 11), (1, 5, 7), *(pytest.param(*one, marks=pytest.mark.heavy) for one in ((3, 20, 11), (2, 20, 60)))],
)
def test_the_part_of_each_line_does_not_tell_a_hidden_count(
    tmp_path: Path, vangnet: int, known: int, alle: int
) -> None:
    """It shows in the hours of every team of a line and in the hours that X has for each; so it follows what is seen.
    The one has a hidden count of 1 and the other of ``vangnet``; the counts that are shown differ within their step."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = two_lines(tmp_path / "a", 1 if vangnet > 1 else 4, known=5 * round(known / 5), alle=alle)
    other = two_lines(tmp_path / "b", vangnet, known=known, alle=alle)
    assert one["team_load"].query("team_id == 'X'")["capacity_hours_verzekeringsarts"].between(50, 1150).all()
    for name, table in one.items():
        pd.testing.assert_frame_equal(*(_apart_from_steps(found) for found in (table, other[name])), obj=name)


def test_the_part_of_each_line_does_not_tell_the_sum_of_hidden_holders(tmp_path: Path) -> None:
    """Four rows that are not seen: 1 each, or 7 together."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = two_lines(tmp_path / "a", 1, 1, 1, 1), two_lines(tmp_path / "b", 2, 2, 2, 1)
    for name, table in one.items():
        pd.testing.assert_frame_equal(*(_apart_from_steps(found) for found in (table, other[name])), obj=name)


@pytest.mark.parametrize("factor", [4.0, pytest.param(1.0, marks=pytest.mark.heavy)])
def test_the_hours_of_a_team_of_both_lines_do_not_tell_a_count_that_these_share(tmp_path: Path, factor: float) -> None:
    """Of 7 files each line has under 5, and of 8 too: four each, if one knew that there are 8."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = (
        two_lines(tmp_path / folder, 0, known=0, alle=alle, factor=factor) for folder, alle in (("a", 7), ("b", 8))
    )
    columns = ["team_id", "client_line", "capacity_hours_verzekeringsarts", "capacity_hours_other"]
    assert one["transition"].equals(other["transition"])
    pd.testing.assert_frame_equal(one["team_load"][columns], other["team_load"][columns])


@pytest.mark.parametrize("rows", [{"": 2, "W1": 2}, pytest.param({"": 1, "W1": 1, "X": 2}, marks=pytest.mark.heavy)])
def test_the_part_of_each_line_does_not_tell_how_many_rows_a_hidden_count_has(
    tmp_path: Path, rows: dict[str, int]
) -> None:
    """Files of which the stock names no team are with the team of the routing: 1001 shows one row of W1, or of X."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    rest = [("1002", "werkgever", 3, ""), ("1005", "alle", 60, "")]
    one = with_files(tmp_path / "a", [("1001", "vangnet", 3, "W1"), *rest])
    other = with_files(tmp_path / "b", [*(("1001", "vangnet", n, team) for team, n in rows.items()), *rest])
    shown = [tables["transition"].query("pc4 == '1005' and product == 'MON'") for tables in (one, other)]
    assert shown[0]["clients"].tolist() == shown[1]["clients"].tolist()
    columns = ["team_id", "client_line", "capacity_hours_verzekeringsarts"]
    pd.testing.assert_frame_equal(one["team_load"][columns], other["team_load"][columns])


@pytest.mark.parametrize("few", [(2, 1), *(pytest.param(few, marks=pytest.mark.heavy) for few in ((1, 1), (1, 4)))])
def test_the_work_of_a_postcode_does_not_tell_its_stock(tmp_path: Path, few: tuple[int, int]) -> None:
    """Each line of 1009, which goes from W2 to X, has 6.5 clients of inflow and half a client for each file: 8 with
    three files, which is shown as 10, and 7 with one, which would be shown as 5. The map and the list of changes show
    the same for both."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = (
        with_files(tmp_path / folder, [("1009", "vangnet", a, "W1"), ("1009", "werkgever", b, "W2")], of_x="1009")
        for folder, (a, b) in (("a", (3, 3)), ("b", few))
    )
    assert one["transition"].equals(other["transition"])
    assert (one["map"]["pc4"] == "1009").any()
    assert (one["allocation_changes"]["pc4"] == "1009").any()
    pd.testing.assert_frame_equal(one["map"], other["map"])
    pd.testing.assert_frame_equal(one["allocation_changes"], other["allocation_changes"])


WEST = ("1001", "1002", "1005", "1006", "1009", "1010")
FILES = st.dictionaries(
    st.tuples(st.sampled_from(WEST), st.sampled_from(["vangnet", "werkgever", "alle"])),
    st.tuples(st.integers(1, 4) | st.integers(1, 40), st.integers(1, 4)),
    min_size=3,
)


@given(FILES, st.sampled_from([1.0, 3.0]))
@settings(max_examples=examples(2), deadline=None)
def test_countries_that_differ_in_hidden_counts_look_the_same(
    files: dict[tuple[str, str], tuple[int, int]], factor: float
) -> None:
    """Each count under 5 may be another one: what stands in the figures of a line, a team and a region stays."""
    one = [(pc4, line, clients, "") for (pc4, line), (clients, _) in files.items()]
    other = [(pc4, line, n if n >= 5 else instead, "") for (pc4, line), (n, instead) in files.items()]
    with tempfile.TemporaryDirectory() as folder:
        tables = []
        for name, rows in (("a", one), ("b", other)):
            (Path(folder) / name).mkdir()
            tables.append(with_files(Path(folder) / name, rows, factor, of_x=""))
    for name, table in tables[0].items():
        steps = [*STEPS, *STEPS_OF_REGIONS] if name == "region_summary" else STEPS
        alike = (_apart_from_steps(found).drop(columns=steps, errors="ignore") for found in (table, tables[1][name]))
        pd.testing.assert_frame_equal(*alike, obj=name)


STEPS = ["target_hours", "deviation", "is_within_tolerance", "chance_within_tolerance", "far_share", "travel_minutes"]
STEPS_OF_REGIONS = ["mean_deviation", "max_deviation", "hours_verzekeringsarts"]
"""Of a team, and of a region: what decision 13 names beside those."""


def _apart_from_steps(table: pd.DataFrame) -> pd.DataFrame:
    """Without what decision 13 names under its limits: figures in steps that a few clients of so small a team cross."""
    return table.drop(columns=["objective", "lower_bound", "gap", "travel_km"], errors="ignore")
