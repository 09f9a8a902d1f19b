"""A calendar in words."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from allocation.report.calendar import calendar_text, return_sheet, step_sheet, totals
from allocation.runs import run_files

JANUARY, MARCH = date(2027, 1, 1), date(2027, 3, 1)
STEPS = pd.DataFrame(
    {
        "day": [JANUARY, MARCH], "valid_to": [date(2027, 2, 28), None], "is_solved": [True, False],
        "regions": ["Oost|West", ""], "areas_moved": [2, 0], "clients_moved": [16.0, 0.0],
        "clients_by_date": [16.0, 16.0], "least_clients": [12.0, None], "deviation": [0.034, 0.0],
        "is_allowed": [True, False],
    }
)  # fmt: skip
EVENTS = pd.DataFrame(
    [
        (JANUARY, "stops", "M", None, None, None),
        (JANUARY, "lock_ends", "A", "1011", "pin", None),
        (MARCH, "office", "B", None, "Ede, 6711", "Arnhem, 6811"),
    ],
    columns=["day", "change", "team_id", "pc4", "was", "becomes"],
)
NOTHING = {
    "warnings": pd.DataFrame(columns=["day", "on", "change", "team_id", "pc4"]),
    "returns": pd.DataFrame(columns=["pc4", "client_line", "law_domain", "team_id", "left", "back"]),
}


def test_each_date_says_what_changes_and_what_was_divided_anew() -> None:
    rows = [[cell.text for cell in row] for row in step_sheet({"steps": STEPS, "events": EVENTS, **NOTHING}).rows]
    assert rows[0][:5] == [
        "1 januari 2027",
        "28 februari 2027",
        "team M stopt; postcode 1011: vastlegging eindigt (team A)",
        "Oost, West",
        "2",
    ]
    assert rows[1][2] == "team B krijgt een ander kantoor (Ede, 6711 wordt Arnhem, 6811)"
    assert rows[1][3] == "niets: de verdeling loopt door"
    assert rows[1][8] == "nee"


def test_what_happens_while_a_step_is_in_force_stands_beside_it() -> None:
    warnings = pd.DataFrame([(MARCH, date(2027, 9, 1), "starts", "N", None)], columns=NOTHING["warnings"].columns)
    rows = step_sheet({"steps": STEPS, "events": EVENTS, **NOTHING, "warnings": warnings}).rows
    assert [row[9].text for row in rows] == ["–", "1 september 2027: team N begint"]


def test_the_whole_is_compared_with_date_by_date_and_with_what_no_plan_can_undercut() -> None:
    assert totals(STEPS) == (
        "Over alle data samen wisselen 16 cliënten per jaar van team, 50,0% minder dan datum voor datum (32); "
        "minder dan 12 kan bewezen niet."
    )
    assert not return_sheet(NOTHING).rows


def test_a_message_about_a_plan_tells_no_count_of_clients(tmp_path: Path) -> None:
    """Not a rounded one either: of one postcode with two hidden counts "ongeveer 10" means four and four."""
    steps = STEPS.assign(clients_moved=[7.0, 0.0], clients_by_date=[12.0, 0.0])
    run_files.CALENDAR.write(tmp_path, {"steps": steps, "events": EVENTS, "moves": STEPS, **NOTHING})
    told = calendar_text(tmp_path, for_message=True)
    assert "  Oost, West: 2 postcodes wisselen van team" in told.splitlines()
    assert "cliënten" not in told
    assert "  Oost, West: 2 postcodes, 7 cliënten per jaar wisselen van team" in calendar_text(tmp_path).splitlines()
