"""Capacity and finished work in the report: words, marks, and what readers do not see."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.input_tables import COMPLETED
from allocation.report import capacity_sheets, finished_sheets
from allocation.report.report import write_report
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.support.browser import toy_run

DONE = [
    ("2025-11", "W1", "WIA_EWT", "alle", "40", "230", "100"),
    ("2025-12", "W1", "WIA_EWT", "alle", "61", "350", "50"),
    ("2025-12", "O1", "WIA_EWT", "alle", "30", "100", ""),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Run:
    completed = pd.DataFrame(DONE, columns=list(COMPLETED.column_names))
    return toy_run(tmp_path_factory.mktemp("told"), {"completed": completed})


def test_what_is_reached_in_words() -> None:
    rows = [
        {"priority": 1, "products": ["EWT", "ABA"], "part": 1.0},
        {"priority": 2, "products": ["EZWB"], "part": 0.426},
        {"priority": 3, "products": ["RIV"], "part": 0.0},
    ]
    assert capacity_sheets.reached_in_words(json.dumps(rows)) == (
        "prioriteit 1 (EWT, ABA): alles; prioriteit 2 (EZWB): 43% komt aan de beurt; "
        "prioriteit 3 (RIV): komt niet aan de beurt"
    )
    assert capacity_sheets.reached_in_words(json.dumps(rows[:1])) == "alles komt aan de beurt"
    assert capacity_sheets.reached_in_words("[]") == "alles komt aan de beurt"


def changed_advice(run: Run, **values: object) -> None:
    path = run.folder / "outcome" / "capacity_advice.parquet"
    table = pd.read_parquet(path)
    at = (table["arbeidsmarktregio_nr"] == 1) & (table["law_domain"] == "zw_wia")
    for name, value in values.items():
        table.loc[at, name] = value
    table.to_parquet(path, index=False)


@pytest.mark.heavy
def test_capacity_marks_other_professions_above_120_percent_and_lists_loans(told: Run) -> None:
    loans = json.dumps([{"from_nr": 2, "district": "", "hours": 1211.0, "km": 21.3}])
    changed_advice(told, asked_hours=5_900.0, available_hours=4_800.0, loans=loans, borrowed_hours=1211.0,
                   lending_months=2.5, projected_waiting_months=6.04, waiting_after_lending_months=2.5)  # fmt: skip
    sheet = capacity_sheets.capacity_sheet(told.folder)
    assert sheet is not None
    column = sheet.columns.index("Gevraagd tegenover beschikbaar")
    marks = {(row[0].text, row[1].text, row[2].text): row[column].mark for row in sheet.rows}
    assert marks["West", "ZW en WIA", "andere teamleden"] == "meer dan 120%"
    assert marks["West", "ZW en WIA", "verzekeringsartsen"] == ""
    assert sheet.rows[0][0].text == "West"  # the longest wait first
    found = capacity_sheets.loan_sheet(told.folder)
    assert found is not None
    assert [cell.text for cell in found.rows[0]][:2] == ["Oost", "West"]
    sentences = capacity_sheets.lending_sentences(told.folder)
    assert any(
        "met 1.211 uur per jaar lenen wacht geen regio langer dan 2,5 maanden (zonder: 6,0)" in s for s in sentences
    )


def test_handing_over_shows_what_it_does_and_what_other_differences_cost(told: Run) -> None:
    keys = {"cluster": "West", "law_domain": "zw_wia", "client_line": "alle", "difference_before": 6.04}
    summary = pd.DataFrame(
        [
            keys | {"months": 1.0, "difference_after": 0.98, "clients": 80, "clients_at_least": 79, "is_proven": True},
            keys | {"months": 2.0, "clients_at_least": 55},
            keys | {"months": 3.0, "clients_at_least": None},
        ]
    )
    moves = pd.DataFrame(
        {"team_from": ["W1"], "team_to": ["W2"], "pc4": ["1001"], "product": ["WIA_EWT"], "clients": [80],
         "rest_clients": [0], "hours": [320.0]}
    )  # fmt: skip
    run_files.OUTCOME.write(told.folder, {"handover_summary": summary, "handover_advice": moves})
    sheet, postcodes = capacity_sheets.handover_sheets(told.folder)
    assert [cell.text for cell in sheet.rows[0]] == ["West", "ZW en WIA", "6,0", "1,0", "80", "minstens 79", "55", "–"]
    assert [cell.text for cell in postcodes.rows[0]][:5] == ["W1", "W2", "1001", "WIA_EWT", "80"]


def test_finished_work_and_estimates_are_shown_beside_the_values_in_use(told: Run) -> None:
    outcomes = finished_sheets.line_outcome_sheet(told.folder)
    assert outcomes is not None
    west = next(row for row in outcomes.rows if row[0].text == "West" and row[1].text == "ZW en WIA")
    assert [cell.text for cell in west][-5:] == ["2", "101", "–", "–", "70"]
    months = finished_sheets.month_sheet(told.folder)
    assert months is not None
    assert [[cell.text for cell in row][:2] for row in months.rows] == [
        ["2025-11", "alle districten"], ["2025-12", "alle districten"],
    ]  # fmt: skip
    products, teams = finished_sheets.estimate_sheets(told.folder)
    assert products.rows[0][0].text == "WIA_EWT"
    assert {row[0].text for row in teams.rows} == {"W1", "O1"}
    by_team = {row[0].text: row[2].value for row in teams.rows}
    assert (by_team["W1"] or 0) < (by_team["O1"] or 0)  # 5.7 hours a client against 3.3


def test_readers_see_neither_advice_nor_estimates_and_counts_in_fives(told: Run) -> None:
    write_report(told.folder)
    full, shown = (Path(told.folder / name).read_text() for name in ("report.html", "report_readers.html"))
    for section in ("capaciteit-kop", "afgerond-kop"):
        assert f'id="{section}"' in full
        assert f'id="{section}"' in shown
    assert "productiviteit-geschat" in full
    assert "productiviteit-geschat" not in shown
    assert "Plaats voor volgende fte" in full
    assert "Plaats voor volgende fte" not in shown
    rows = re.findall(r"West</th>.*?</tr>", shown[shown.index('id="afgerond-kop"') :], re.DOTALL)
    assert ">100<" in "".join(rows)
    assert ">101<" not in "".join(rows)
