"""What follows from the declaration of a table: columns, types, empty cells, allowed values, ranges, key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from allocation.contract import published_tables, schema
from expectations import engine
from expectations.declared import column_types
from expectations.outcome import ADDED_BY_PUBLICATION, FILES
from expectations.rules import Declared, Failure, Suites
from tests.unit.expectations.small_run import small_run


@pytest.fixture
def context(tmp_path: Path) -> Any:
    return engine.new_context(tmp_path / "docs")[0]


def failures(context: Any, frame: pd.DataFrame, folder: Path, name: str = "allocation") -> list[Failure]:
    declared = Declared(FILES[name], frame, ADDED_BY_PUBLICATION, name)
    checks = engine.check(context, Suites("outcome", [declared], (), {}), folder / "rules.duckdb")
    return [failure for check in checks for failure in check]


def _cell(column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The first row (1000, line alle, PW, team P, share 1) with another value."""
    return lambda frame: frame.assign(**{column: [value, *frame[column][1:]]})


BROKEN: list[tuple[str, str, Callable[[pd.DataFrame], pd.DataFrame], str]] = [
    ("empty_cells", "team_id", _cell("team_id", None), "pc4 1000"),
    ("expect_column_values_to_be_in_set", "client_line", _cell("client_line", "beide"), "client_line beide, pc4 1000"),
    ("expect_column_values_to_be_between", "share", _cell("share", 0.0), "share 0, pc4 1000"),
    ("expect_column_values_to_be_between", "share", _cell("share", 1.01), "share 1.01, pc4 1000"),
    ("expect_column_values_to_be_between", "share", _cell("share", -0.5), "share -0.5, pc4 1000"),
    ("column_types", "pc4", lambda frame: frame.assign(pc4=frame["pc4"].astype(int)), "declared text, found integer"),
    ("column_types", "share", lambda frame: frame.assign(share="1"), "declared number, found string"),
    ("column_types", "team_id", _cell("team_id", 7), "declared text, found mixed-integer"),
    ("expect_compound_columns_to_be_unique", "pc4, client_line, law_domain, team_id",
     lambda frame: pd.concat([frame, frame[:1]]), "pc4 1000, client_line alle, law_domain pw, team_id P"),
    ("expect_table_columns_to_match_set", "share", lambda frame: frame.drop(columns="share"), "share"),
]  # fmt: skip


@pytest.mark.parametrize(("expectation", "column", "change", "place"), BROKEN)
def test_a_table_that_is_not_as_declared_is_caught(
    context: Any, tmp_path: Path, expectation: str, column: str, change: Callable[[pd.DataFrame], pd.DataFrame],
    place: str,
) -> None:  # fmt: skip
    found = failures(context, change(small_run().outcome["allocation"]), tmp_path)
    mine = [failure for failure in found if (failure.expectation, failure.column) == (expectation, column)]
    assert [failure.table for failure in mine] == ["allocation"]
    assert any(place in example for example in mine[0].places), mine[0].places
    assert mine[0].severity == "critical"


def test_the_intact_table_is_as_declared(context: Any, tmp_path: Path) -> None:
    assert failures(context, small_run().outcome["allocation"], tmp_path) == []


def test_each_column_with_empty_cells_is_told_with_their_number(context: Any, tmp_path: Path) -> None:
    """Two of one column, one of another; a column that may be empty is none of them."""
    routing = small_run().outcome["routing"].reset_index(drop=True)
    teams, offices = routing["team_id"].where(routing.index > 1), routing["office"].where(routing.index != 3)
    found = failures(context, routing.assign(team_id=teams, office=offices, pc6_from=None), tmp_path, "routing")
    assert {(one.expectation, one.column, one.how_many) for one in found} == {
        ("empty_cells", "team_id", 2),
        ("empty_cells", "office", 1),
    }
    places = {one.column: one.places for one in found}
    assert f"pc4 {routing.loc[3, 'pc4']}" in places["office"][0]
    assert len(places["team_id"]) == 2


def test_an_empty_cell_is_part_of_a_key_too(context: Any, tmp_path: Path) -> None:
    """Routing rows without a PC6 range differ only in their key's other columns; two that are equal are caught."""
    routing = small_run().outcome["routing"]
    doubled = pd.concat([routing, routing[routing["pc6_from"].isna()][:1]])
    found = failures(context, doubled, tmp_path, "routing")
    assert [(failure.expectation, failure.how_many) for failure in found] == [
        ("expect_compound_columns_to_be_unique", 2)
    ]


def test_amounts_cannot_be_negative_but_deviations_can(context: Any, tmp_path: Path) -> None:
    load = small_run().outcome["team_load"].assign(deviation=-0.1, hours_other=-1.0)
    found = failures(context, load, tmp_path, "team_load")
    assert [(failure.expectation, failure.column) for failure in found] == [
        ("expect_column_values_to_be_between", "hours_other")
    ]


def test_every_published_table_is_checked_but_runs_that_comes_with_the_version() -> None:
    checked = {table.name for table in FILES.values()}
    assert {table.name for table in published_tables.PUBLISHED} - checked == {"runs"}


def test_whole_numbers_with_empty_cells_count_as_integers() -> None:
    """pandas makes floats of integers when a cell is empty; 1.5 is no integer, and floats without gaps are none."""
    table = schema.Table("t", "a table", (schema.Column("n", "integer", "a number", nullable=True),), key=("n",))

    def fits(values: list[float | None]) -> bool:
        return bool(column_types([Declared(table, pd.DataFrame({"n": values}))])["fits"].item())

    assert fits([1.0, None])
    assert not fits([1.5, None])
    assert not fits([1.0, 2.0])
    assert fits([1, 2])
    assert fits([np.nan, np.nan]), "an empty column has no type"
