"""A sequence of divisions as tables, on the row of six postcodes whose moves are counted by hand."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from allocation.layers.sequence import Calendar
from allocation.outcome.calendar import Solution, returns, tables
from tests.unit.layers.test_sequence import CONFIG, division, expected, row_of, stages

JANUARY, MARCH = date(2027, 1, 1), date(2027, 3, 1)


def event(day: date, change: str, team_id: str) -> dict[str, object]:
    return {"day": day, "change": change, "team_id": team_id, "pc4": None, "was": None, "becomes": None}


def test_steps_moves_and_warnings_of_a_team_that_stops_and_one_that_shrinks() -> None:
    """As in the test of the sequence: 16 clients move in January, none in March; date by date 16 and 16."""
    layers = [
        row_of({"A": (3.0, 0.0), "B": (3.0, 3.0)}, 0.34),
        row_of({"A": (4.0, 0.0), "B": (2.0, 3.0)}, 0.34),
    ]
    of_days = stages(*layers)
    found = Calendar(of_days, division("AAMMBB"), expected(), CONFIG).find()
    events = pd.DataFrame([event(JANUARY, "stops", "M"), event(MARCH, "capacity", "B")])
    later = pd.DataFrame([event(date(2027, 9, 1), "starts", "N")])
    made = tables({one.day: one.layers for one in of_days}, [Solution(tuple(of_days), found)], events, later,
                  division("AAMMBB"), expected().assign(hours=1.0))  # fmt: skip
    steps = made["steps"]
    assert steps["day"].tolist() == [JANUARY, MARCH]
    assert steps["valid_to"].tolist() == [date(2027, 2, 28), None]
    assert steps["areas_moved"].tolist() == [2, 0]
    assert steps["clients_moved"].tolist() == pytest.approx([16.0, 0.0])
    assert steps["clients_by_date"].tolist() == pytest.approx([16.0, 16.0])
    assert steps["deviation"].tolist() == pytest.approx([1 / 3, 0.0])
    assert steps["is_allowed"].all()
    assert made["warnings"][["day", "on", "team_id"]].to_numpy().tolist() == [[MARCH, date(2027, 9, 1), "N"]]
    assert made["returns"].empty
    plans = made["plans"].groupby("day")["team_id"].agg("".join)
    assert plans.to_dict() == {JANUARY: "AAAABB", MARCH: "AAAABB"}


def test_a_postcode_that_comes_back_is_named_with_both_dates() -> None:
    moves = pd.DataFrame(
        [
            (JANUARY, "1001", "alle", "zw_wia", "A", "B"),
            (JANUARY, "1002", "alle", "zw_wia", "A", "B"),
            (MARCH, "1001", "alle", "zw_wia", "B", "A"),
            (MARCH, "1002", "alle", "zw_wia", "B", "C"),
        ],
        columns=["day", "pc4", "client_line", "law_domain", "team_from", "team_to"],
    )
    found = returns(moves)
    assert found[["pc4", "team_id", "left", "back"]].to_numpy().tolist() == [["1001", "A", JANUARY, MARCH]]
