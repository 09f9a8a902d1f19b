"""Who has a postcode now, by hand: lines that become one, shared postcodes, locks, teams that are gone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allocation.contract.vocabulary import ALL_LINES
from allocation.layers.current import by_line_of, kept_parts, main_teams, rows_of_line

HOURS = pd.Series(
    [60.0, 40.0, 10.0, 30.0],
    index=pd.MultiIndex.from_tuples(
        [("1001", "vangnet"), ("1001", "werkgever"), ("1002", "vangnet"), ("1002", "werkgever")]
    ),
)
PLACES = pd.DataFrame({"x_m": [0.0, 1000.0], "y_m": [0.0, 0.0]}, index=["1001", "1002"])
OFFICES = pd.DataFrame({"x_m": [0.0, 900.0], "y_m": [0.0, 0.0]}, index=["B", "A"])
BOTH = pd.DataFrame(
    [("1001", "vangnet", "A", 1.0), ("1001", "werkgever", "B", 1.0), ("1002", "vangnet", "A", 1.0),
     ("1002", "werkgever", "B", 0.5), ("1002", "werkgever", "A", 0.5)],
    columns=["pc4", "client_line", "team_id", "share"],
)  # fmt: skip


def units(*rows: tuple[str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["pc4", "portion"])


def test_lines_that_become_one_weigh_by_their_hours() -> None:
    """1001: A has 60 of 100 hours. 1002: A has the 10 of vangnet and 15 of the 30 of werkgever, so 25 of 40."""
    rows = by_line_of(BOTH, ALL_LINES, HOURS)
    assert main_teams(rows, PLACES, OFFICES).to_dict() == {"1001": "A", "1002": "A"}
    kept = kept_parts(rows, units(("1001", 1.0), ("1002", 1.0)), ["A", "B"], np.array([-1, -1]))
    assert kept == pytest.approx(np.array([[0.6, 0.4], [0.625, 0.375]]))


def test_of_equals_the_nearest_office_has_it() -> None:
    rows = by_line_of(BOTH[BOTH["pc4"] == "1001"], ALL_LINES, HOURS * 0.0)
    assert main_teams(rows, PLACES, OFFICES).to_dict() == {"1001": "B"}


def test_a_layer_of_a_line_takes_the_place_of_that_line_and_of_both() -> None:
    whole = pd.DataFrame([("1003", ALL_LINES, "C", 1.0)], columns=BOTH.columns)
    rows = rows_of_line(pd.concat([BOTH, whole]), "werkgever")
    assert rows["team_id"].tolist() == ["B", "B", "A", "C"]
    assert by_line_of(rows, "werkgever", HOURS)["weight"].tolist() == [1.0] * 4
    everything = by_line_of(rows_of_line(pd.concat([BOTH, whole]), ALL_LINES), ALL_LINES, HOURS)
    assert everything.loc[everything["pc4"] == "1003", "weight"].tolist() == [0.5, 0.5]


def test_of_a_split_postcode_the_locked_part_counts_first() -> None:
    """A had 0.7 and B 0.3. Now A is locked to 0.4: it keeps all of that. The rest, 0.6, is half A's (0.3 that it had
    and did not get yet), or half B's (0.3)."""
    rows = by_line_of(
        pd.DataFrame([("1001", ALL_LINES, "A", 0.7), ("1001", ALL_LINES, "B", 0.3)], columns=BOTH.columns),
        ALL_LINES, HOURS,
    )  # fmt: skip
    kept = kept_parts(rows, units(("1001", 0.6), ("1001", 0.4)), ["A", "B"], np.array([-1, 0]))
    assert kept[0] == pytest.approx([0.5, 0.5])
    assert kept[1, 0] == pytest.approx(1.0)


def test_one_team_each_keeps_its_own_and_a_team_that_is_gone_leaves_its_part() -> None:
    plain = pd.DataFrame([("1001", ALL_LINES, "A", 1.0), ("1002", ALL_LINES, "B", 1.0)], columns=BOTH.columns)
    at, free = units(("1001", 1.0), ("1002", 1.0)), np.array([-1, -1])
    assert kept_parts(by_line_of(plain, ALL_LINES, HOURS), at, ["A", "B"], free).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    left = plain.assign(share=[0.25, 1.0])  # the team with 0.75 of 1001 has ended
    kept = kept_parts(by_line_of(left, ALL_LINES, HOURS), at, ["A", "B"], free)
    assert kept == pytest.approx(np.array([[0.25, 0.0], [0.0, 1.0]]))
