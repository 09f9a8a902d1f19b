"""Finished work as input: every fault in one sentence with file, row and column; absent is possible."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused, Problem
from allocation.contract.input_tables import COMPLETED
from allocation.intake.checks import InForceNames
from allocation.intake.inputs import Inputs, load_inputs
from tests.support import toy

GOOD = [
    ("2025-11", "W1", "WIA_EWT", "alle", "12", "50.5", "91"),
    ("2025-12", "W1", "WIA_EWT", "alle", "0", "2", ""),
    ("2025-12", "P1", "PW_ABA", "vangnet", "7", "", ""),
]
AT = {name: position for position, name in enumerate(COMPLETED.column_names)}
BAD = {
    "not a month": (0, {"month": "2025-13"}, "month", "'2025-13' is not possible"),
    "a month to come": (1, {"month": "2026-02"}, "month", "month 2026-02 is still to come"),
    "unknown product": (2, {"product": "PW"}, "product", "'PW' is not possible"),
    "line of another product": (2, {"client_line": "werkgever"}, "client_line", "does not belong to product 'PW_ABA'"),
    "no line": (2, {"client_line": "beide"}, "client_line", "'beide' is not possible"),
    "part of a client": (0, {"clients": "1.5"}, "clients", "'1.5' is not possible"),
    "negative hours": (0, {"hours_verzekeringsarts": "-1"}, "hours_verzekeringsarts", "-1"),
    "minutes for hours": (0, {"hours_verzekeringsarts": "6060"}, "hours_verzekeringsarts", "6060 hours for 12 clients"),
    "days below nothing": (0, {"lead_time_days": "-3"}, "lead_time_days", "-3"),
    "days of nobody": (1, {"lead_time_days": "30"}, "lead_time_days", "30 days without a finished client"),
    "decimal comma": (0, {"hours_verzekeringsarts": "50,5"}, "hours_verzekeringsarts", "'50,5' is not possible"),
}  # fmt: skip


def rows(changed: int | None = None, **values: str) -> pd.DataFrame:
    made = [list(row) for row in GOOD]
    for name, value in values.items():
        made[changed or 0][AT[name]] = value
    return pd.DataFrame(made, columns=list(COMPLETED.column_names))


def problems(folder: Path, completed: pd.DataFrame) -> tuple[Problem, ...]:
    try:
        load_inputs(toy.write(folder, {"completed": completed}), toy.areas(), Config(), today=date(2026, 1, 15))
    except InputRefused as refused:
        return refused.problems
    return ()


@pytest.mark.parametrize("name", BAD)
def test_a_fault_is_one_sentence_with_file_row_and_column(name: str, tmp_path: Path) -> None:
    row, values, column, told = BAD[name]
    (problem,) = problems(tmp_path, rows(row, **values))
    assert (problem.file, problem.row, problem.column) == ("completed.csv", row + 2, column)
    assert told in problem.what


def test_the_same_work_twice_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, pd.concat([rows(), rows()[:1]]))
    assert "the same month, team_id, product, client_line" in problem.what
    assert problem.row == 5


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    wrong = rows().assign(month="2025-13", clients="1.5", product="PW")
    assert {problem.column for problem in problems(tmp_path, wrong)} >= {"month", "clients", "product"}


def test_what_is_right_is_read_with_its_types(tmp_path: Path) -> None:
    loaded = load_inputs(toy.write(tmp_path, {"completed": rows()}), toy.areas(), Config()).completed
    assert loaded["clients"].tolist() == [12, 0, 7]
    assert loaded["hours_verzekeringsarts"].tolist()[:2] == [50.5, 2.0]
    assert loaded["hours_verzekeringsarts"].isna().tolist() == [False, False, True]
    assert loaded["lead_time_days"].isna().tolist() == [False, True, True]


def test_hours_and_days_may_be_left_out(tmp_path: Path) -> None:
    few = rows().drop(columns=["hours_verzekeringsarts", "lead_time_days"])
    loaded = load_inputs(toy.write(tmp_path, {"completed": few}), toy.areas(), Config()).completed
    assert loaded["hours_verzekeringsarts"].isna().all()


def test_a_team_of_the_division_in_force_may_have_finished_work(tmp_path: Path) -> None:
    folder = toy.write(tmp_path, {"completed": rows(0, team_id="OLD")})
    loaded = load_inputs(folder, toy.areas(), Config(), in_force=InForceNames(teams=frozenset({"OLD"})))
    assert "OLD" in set(loaded.completed["team_id"])


def test_without_the_file_the_table_is_empty_also_in_runs_of_before(tmp_path: Path) -> None:
    loaded = load_inputs(toy.write(tmp_path / "in"), toy.areas(), Config())
    assert loaded.completed.empty
    loaded.write(tmp_path / "kept")
    (tmp_path / "kept" / "completed.parquet").unlink()
    again = Inputs.read(tmp_path / "kept")
    assert [name for name in again.completed.columns if name != "row"] == list(COMPLETED.column_names)
