"""A problem survives the way through a folder, and a bad folder is told file, row and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from allocation.districting import (
    InstanceError,
    Measure,
    ProblemError,
    Weights,
    read_instance,
    read_plan,
    write_instance,
    write_plan,
)
from tests.unit.districting.conftest import GridMaker


def test_a_full_problem_comes_back_equal(grid: GridMaker, tmp_path: Path) -> None:
    allowed = np.ones((6, 2), dtype=bool)
    allowed[1, 0] = False
    problem = grid(
        2,
        3,
        tolerance=0.05,
        weights=Weights(1.0, 0.5, 0.25, 2.0, 3.0, 20.0, {"ggz": 1.5, 'a "quoted" name': 0.0}),
        groupings={"ggz": [0, 0, 1, 1, 1, 0], 'a "quoted" name': [0, 1, 2, 3, 4, 5]},
        distance_table_km=[[0.5, 3.25]] * 6,
        office_xy_m=[[0.1, 0.2], [1000.0, 2000.0]],
        current=[0, 1, -1, 0, 1, 1],
        municipality=[0, 0, 1, 1, 2, 2],
        care_region=[1, 0, 0, 1, 1, 1],
        fixed=[0, -1, -1, -1, -1, 1],
        allowed=allowed,
        base_load=[0.0, 2.5],
        demand=[1.5, 0.0, 1 / 3, 4.0, 5.0, 6.0],
    )
    write_instance(problem, tmp_path)
    again = read_instance(tmp_path)
    assert (again.unit_ids, again.team_ids) == (problem.unit_ids, problem.team_ids)
    assert (again.tolerance, again.weights) == (problem.tolerance, problem.weights)
    arrays = "xy_m demand edges border_m capacity office_xy_m current municipality care_region fixed allowed base_load"
    for name in (*arrays.split(), "distance_table_km"):
        assert (getattr(again, name) == getattr(problem, name)).all(), name
    assert {name: codes.tolist() for name, codes in again.groupings.items()} == {
        name: codes.tolist() for name, codes in problem.groupings.items()
    }


def test_optional_columns_may_be_absent(grid: GridMaker, tmp_path: Path) -> None:
    write_instance(grid(2, 2), tmp_path)
    again = read_instance(tmp_path)
    for name in ("office_xy_m", "current", "municipality", "care_region", "fixed", "allowed", "base_load"):
        assert getattr(again, name) is None


def test_every_fault_names_file_row_and_column(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text("unit,x,y,demand,fixed_team\na,0,0,1,T9\na,zero,0,-1,\n")
    (tmp_path / "edges.csv").write_text("a,b,border\na,c,5\n")
    (tmp_path / "teams.csv").write_text("team\nT1\n")
    (tmp_path / "problem.toml").write_text("tolerance = -1\n[weights]\nspeed = 1.0\n")
    with pytest.raises(InstanceError) as caught:
        read_instance(tmp_path)
    assert caught.value.sentences == (
        "teams.csv, column capacity: is missing; needed are team, capacity.",
        "problem.toml, tolerance: -1 is not allowed; a plain number from 0 to 1000 (0.05 = 5%) is needed.",
        "problem.toml, weights.speed: is not known; "
        "known are travel, cut_edges, border, municipality_splits, care_region_splits, moved, lines_apart.",
        "units.csv, row 3, column unit: 'a' occurs more than once (row 2).",
        "edges.csv, row 2, column b: 'c' is not allowed; a unit of units.csv is needed.",
        "units.csv, row 3, column x: 'zero' is not allowed; a plain number from -1e+08 to 1e+08 metres is needed.",
        "units.csv, row 3, column demand: '-1' is not allowed; a plain number from 0 to 1e+12 is needed.",
    )


def test_an_empty_folder_is_told_per_file(tmp_path: Path) -> None:
    with pytest.raises(InstanceError) as caught:
        read_instance(tmp_path)
    named = [s.split(":")[0] for s in caught.value.sentences]
    assert named == ["units.csv", "edges.csv", "teams.csv", "problem.toml"]


def test_a_plan_comes_back_and_gaps_are_named(grid: GridMaker, tmp_path: Path) -> None:
    problem = grid(2, 2)
    path = tmp_path / "plan.csv"
    write_plan(problem, np.array([0, 1, 1, 0]), path)
    assert path.read_text() == "unit,team\n00,A\n01,B\n10,B\n11,A\n"
    assert read_plan(problem, path).tolist() == [0, 1, 1, 0]
    path.write_text("unit,team\n00,A\n01,Z\n00,B\n")
    with pytest.raises(InstanceError) as caught:
        read_plan(problem, path)
    assert caught.value.sentences == (
        "plan.csv, row 4, column unit: '00' occurs more than once (row 2).",
        "plan.csv, row 3, column team: 'Z' is not allowed; a team of the problem is needed.",
        "plan.csv: units without a team: 10, 11.",
    )


def test_further_measures_are_not_silently_lost(grid: GridMaker, tmp_path: Path) -> None:
    problem = grid(2, 2, further=(Measure("clients", np.ones(4), np.ones(2), 0.1),))
    with pytest.raises(ProblemError, match="no place for further measures"):
        write_instance(problem, tmp_path)
