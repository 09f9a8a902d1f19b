"""What the team list and the locks say of days to come."""

from __future__ import annotations

from datetime import date

import pandas as pd

from allocation.intake.known_dates import Change, known_dates

COLUMNS = ["team_id", "office", "client_lines", "fte_verzekeringsarts", "valid_from", "valid_to"]
NO_LOCKS = pd.DataFrame({"area": [], "team_id": [], "kind": [], "valid_until": pd.to_datetime([])})


def teams(*rows: tuple[str, str, str, float, str, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.assign(valid_from=pd.to_datetime(frame["valid_from"]), valid_to=pd.to_datetime(frame["valid_to"]))


def found(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    return [(str(day), str(change), who) for day, change, who in table[["day", "change", "team_id"]].to_numpy()]


def test_a_team_stops_the_day_after_its_last_and_starts_on_its_first() -> None:
    table = teams(
        ("A", "Utrecht", "vangnet", 2.0, "2024-01-01", "2027-02-28"), ("B", "Ede", "vangnet", 2.0, "2027-03-05", None)
    )
    changes = known_dates(table, NO_LOCKS, date(2026, 12, 31), date(2027, 12, 31))
    assert found(changes) == [("2027-03-01", Change.STOPS, "A"), ("2027-03-05", Change.STARTS, "B")]


def test_periods_that_follow_each_other_are_a_change_of_what_differs() -> None:
    table = teams(
        ("A", "Utrecht", "vangnet", 2.0, "2024-01-01", "2027-02-28"),
        ("A", "Ede", "vangnet", 3.5, "2027-03-01", "2027-05-31"),
        ("A", "Ede", "vangnet|werkgever", 3.5, "2027-06-01", None),
    )
    changes = known_dates(table, NO_LOCKS, date(2026, 12, 31), date(2027, 12, 31))
    assert found(changes) == [
        ("2027-03-01", Change.CAPACITY, "A"),
        ("2027-03-01", Change.OFFICE, "A"),
        ("2027-06-01", Change.LINES, "A"),
    ]
    assert changes.loc[0, ["was", "becomes"]].str.split(", ").str[0].tolist() == ["2", "3.5"]


def test_periods_with_a_gap_are_a_stop_and_a_start() -> None:
    table = teams(
        ("A", "Utrecht", "vangnet", 2.0, "2024-01-01", "2027-02-28"),
        ("A", "Utrecht", "vangnet", 2.0, "2027-04-01", None),
    )
    changes = known_dates(table, NO_LOCKS, date(2026, 12, 31), date(2027, 12, 31))
    assert found(changes) == [("2027-03-01", Change.STOPS, "A"), ("2027-04-01", Change.STARTS, "A")]


def test_a_lock_ends_the_day_after_and_only_what_lies_ahead_counts() -> None:
    locks = pd.DataFrame(
        {
            "area": ["1001", "1002", "1003"],
            "team_id": "A",
            "kind": ["pin", "bar", "pin"],
            "valid_until": pd.to_datetime(["2027-01-31", "2026-12-30", None]),
        }
    )
    table = teams(("A", "Utrecht", "vangnet", 2.0, "2024-01-01", "2027-12-31"))
    changes = known_dates(table, locks, date(2026, 12, 31), date(2027, 12, 31))
    assert changes[["day", "change", "pc4", "was"]].to_numpy().tolist() == [
        [date(2027, 2, 1), Change.LOCK_ENDS, "1001", "pin"]
    ]
