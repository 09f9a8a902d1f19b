"""What one wrong cell, or one file that cannot be read, brings about elsewhere is not told beside it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused, Problem
from allocation.intake.inputs import load_inputs
from tests.support import toy

ROWS = {"teams": (0, 4, 5), "products": (0, 1, 2)}
"""Of the tables that others refer to: one team of each kind, one product of each law."""


def problems(folder: Path) -> list[Problem]:
    with pytest.raises(InputRefused) as refused:
        load_inputs(folder, toy.areas(), Config())
    return list(refused.value.problems)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        pytest.param(table, row, marks=[pytest.mark.heavy] if row else [])
        for table, rows in ROWS.items()
        for row in rows
    ],
)
def test_a_cell_that_cannot_be_read_is_told_alone(tmp_path: Path, table: str, row: int) -> None:
    for column in toy.tables()[table]:
        frames = {table: toy.tables()[table].astype(object)}
        frames[table].loc[row, column] = "x\x01y"
        (found,) = problems(toy.write(tmp_path / column, frames))
        assert (found.file, found.row, found.column) == (f"{table}.csv", row + 2, column)
        assert found.what == "it holds a control character"


@pytest.mark.parametrize("table", sorted(toy.tables()))
def test_a_file_that_cannot_be_read_is_told_alone(tmp_path: Path, table: str) -> None:
    folder = toy.write(tmp_path / "in", {"stock": toy.tables()["stock"].assign(client_group="klm")})
    (folder / f"{table}.csv").write_text("a;b\n1;2\n")
    (found,) = problems(folder)
    assert (found.file, found.row) == (f"{table}.csv", 1)


@pytest.mark.parametrize("column", ["cluster", "arbeidsmarktregio"])
def test_a_wrong_cell_of_a_cluster_leaves_no_region_without_a_team(tmp_path: Path, column: str) -> None:
    """Oost has no team of its own, and is solved together with West."""
    teams = toy.tables()["teams"]
    clusters = pd.DataFrame({"cluster": ["A", "A"], "arbeidsmarktregio": ["1", "2"]})
    clusters.loc[1, column] = "x\x01y"
    frames = {"teams": teams[~teams["team_id"].isin(["O1", "O2"])], "clusters": clusters}
    (found,) = problems(toy.write(tmp_path / "in", frames))
    assert (found.file, found.row, found.column) == ("clusters.csv", 3, column)


def test_a_long_text_is_called_long(tmp_path: Path) -> None:
    frames = {"teams": toy.tables()["teams"].astype(object)}
    frames["teams"].loc[0, "name"] = "x" * 1_001
    (found,) = problems(toy.write(tmp_path / "in", frames))
    assert (found.row, found.column, found.what) == (2, "name", "it has over 1,000 characters")
