"""Advice on the page: of the proposal, for planners only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from allocation.page.advice import advice
from allocation.page.app import create_app
from allocation.page.questions import Question
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.unit.page.test_guarding import As

KEYS = {"tekort", "werven", "overdragen"}


def told(folder: Path, **tables: pd.DataFrame) -> dict[str, Question]:
    run_files.OUTCOME.write(folder, tables)
    return {one.key: one for one in advice(folder)}


def capacity(run: Run) -> pd.DataFrame:
    """West waits 2 months and will wait 4.8; of priority 2 a quarter is reached. One of the next fte belongs there."""
    table = run.outcome("capacity_advice").copy()
    at = (table["arbeidsmarktregio_nr"] == 1) & (table["law_domain"] == "zw_wia")
    at &= table["profession"] == "verzekeringsarts"
    table[["projected_waiting_months", "fte_placed"]] = [0.5, 0]
    table.loc[at, ["asked_hours", "available_hours"]] = [2400.0, 2000.0]
    table.loc[at, ["waiting_months", "projected_waiting_months", "fte_value_months"]] = [2.0, 4.8, 1.25]
    table.loc[at, "fte_placed"] = 1
    reached = (
        '[{"priority": 1, "products": ["WIA_EWT"], "part": 1.0}, {"priority": 2, "products": ["MON"], "part": 0.25}]'
    )
    table.loc[at, "reached"] = reached
    return table


def test_the_region_that_will_wait_longest_comes_first(run: Run, tmp_path: Path) -> None:
    found = told(tmp_path, capacity_advice=capacity(run))
    first = found["tekort"].answers[0]
    assert (first.name, first.region, first.layer) == ("West", 1, "vangnet")
    assert first.cells == (
        "ZW en WIA, verzekeringsartsen", "120,0%", "2,0 → 4,8",
        "prioriteit 1 (WIA_EWT): alles; prioriteit 2 (MON): 25% komt aan de beurt",
    )  # fmt: skip
    (place,) = found["werven"].answers
    assert (place.name, place.cells[1:]) == ("West", ("1", "1,25"))


def test_files_to_hand_over_are_summed_per_pair_of_teams(run: Run, tmp_path: Path) -> None:
    """W1 to W2: 12 and 7 files in 1001, 6 in 1002, so 25 in two postcodes; O1 to O2: 9 in one."""
    rows: list[tuple[Any, ...]] = [
        ("W1", "W2", "1001", "WIA_EWT", 12, 24.0), ("W1", "W2", "1001", "ZW_EZWB", 7, 7.0),
        ("W1", "W2", "1002", "WIA_EWT", 6, 12.0), ("O1", "O2", "1003", "WIA_EWT", 9, 18.0),
    ]  # fmt: skip
    moves = pd.DataFrame(rows, columns=["team_from", "team_to", "pc4", "product", "clients", "hours"])
    moves = moves.assign(law_domain="zw_wia", client_line="alle", arbeidsmarktregio_nr=1, rest_clients=0)
    found = told(tmp_path, handover_advice=moves)["overdragen"]
    assert [(one.name, one.cells[1:], one.codes) for one in found.answers] == [
        ("W1 → W2", ("25", "43", "2"), ("1001", "1002")),
        ("O1 → O2", ("9", "18", "1"), ("1003",)),
    ]


def test_a_run_of_before_the_advice_has_no_such_questions(tmp_path: Path) -> None:
    assert advice(tmp_path) == []


@pytest.mark.parametrize("may_plan", [True, False])
def test_only_planners_are_shown_it(var: Path, may_plan: bool) -> None:
    app = create_app(f"sqlite:///{var / 'store.sqlite'}", var)
    client = TestClient(As(app, planner="Bert", may_plan=may_plan), base_url="http://127.0.0.1")
    asked = client.post("/api/questions", json={"run": "toy", "layer": "vangnet", "region": None})
    assert asked.status_code == 200, asked.text
    assert KEYS & {one["key"] for one in asked.json()} == (KEYS if may_plan else set())
    app.state.desk.close()
