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

KEYS = {"tekort", "werven", "overdragen", "kans", "beroepen", "afgerond"}


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


@pytest.mark.heavy
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


LOADS = ["team_id", "kind", "law_domain", "client_line", "chance_within_tolerance", "deviation",
         "first_year_hours_other", "capacity_hours_other"]  # fmt: skip


def test_the_least_sure_team_and_the_most_burdened_other_professions_come_first(tmp_path: Path) -> None:
    """W1 is less sure than O1. The others of W1 are asked 900 + 300 of 1,000 hours, of O1 900 of 600; O2 has
    nobody for its 50. Special teams are left out."""
    rows: list[tuple[Any, ...]] = [
        ("W1", "regulier", "zw_wia", "vangnet", 0.42, -0.031, 900.0, 700.0),
        ("W1", "regulier", "zw_wia", "werkgever", 0.87, 0.02, 300.0, 300.0),
        ("O1", "regulier", "zw_wia", "alle", 0.63, 0.012, 900.0, 600.0),
        ("O2", "regulier", "zw_wia", "alle", None, 0.0, 50.0, 0.0),
        ("Q", "bijzonder", "bijzonder", "alle", None, 0.0, 900.0, 100.0),
    ]
    found = told(tmp_path, team_load=pd.DataFrame(rows, columns=LOADS))
    assert [(one.name, one.cells) for one in found["kans"].answers] == [
        ("W1", ("ZW en WIA, vangnetlijn", "42%", "−3,1%")),
        ("O1", ("ZW en WIA", "63%", "+1,2%")),
        ("W1", ("ZW en WIA, werkgeverslijn", "87%", "+2,0%")),
    ]
    assert [(one.name, one.cells) for one in found["beroepen"].answers] == [
        ("O2", ("–", "50", "0")),
        ("O1", ("150,0%", "900", "600")),
        ("W1", ("120,0%", "1.200", "1.000")),
    ]


def test_the_region_furthest_behind_its_plan_comes_first(tmp_path: Path) -> None:
    """West finished 300 of 400, Oost 450 of 500; Zuid had no plan."""
    rows: list[tuple[Any, ...]] = [
        (2, "Oost", 6, 450.0, 500.0), (1, "West", 6, 300.0, 400.0), (3, "Zuid", 6, 10.0, None),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["arbeidsmarktregio_nr", "arbeidsmarktregio", "months", "finished_clients",
                                        "finished_planned_clients"])  # fmt: skip
    found = told(tmp_path, line_outcomes=table.assign(law_domain="zw_wia", client_line="alle"))["afgerond"]
    assert [(one.name, one.region, one.cells[1:]) for one in found.answers] == [
        ("West", 1, ("75,0%", "300", "400", "6")),
        ("Oost", 2, ("90,0%", "450", "500", "6")),
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
