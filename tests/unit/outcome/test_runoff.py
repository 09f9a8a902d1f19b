"""What a team's files and new clients ask month by month, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from allocation.outcome.runoff import team_months


def ledger(files: float, inflow: float, hours: float, product: str = "EWT", team: str = "A") -> pd.DataFrame:
    row = {"team_id": team, "product": product, "files_held": files, "inflow_clients": inflow}
    return pd.DataFrame([row | {"held_hours": files * hours, "inflow_hours": inflow * hours}])


def months_of(rows: pd.DataFrame, recurring: frozenset[str] = frozenset()) -> pd.DataFrame:
    norms = pd.DataFrame({"planned_stock_share": {"EWT": 0.5, "MON": 0.75}})
    capacity = pd.DataFrame([[10.0] * 24], index=["A"], columns=range(1, 25)).rename_axis("team_id")
    return team_months(rows, capacity, norms, recurring).set_index("month")


def test_old_files_are_closed_first_and_a_year_asks_what_the_ledger_plans() -> None:
    """12 files and 24 clients a year of 4 hours, half of the stock planned: (24 + 6) x 4 = 120 hours, 10 a month.

    The 48 hours of old files last 4.8 months. In the second year half of what is left is planned: (24 + 3) x 4 / 12.
    """
    table = months_of(ledger(12, 24, 4.0))
    assert table["old_hours"].tolist()[:6] == pytest.approx([10, 10, 10, 10, 8, 0])
    assert (table["old_hours"] + table["new_hours"]).tolist() == pytest.approx([10.0] * 12 + [9.0] * 12)


def test_recurring_work_asks_the_same_each_month_and_closes_no_file() -> None:
    """8 files that are seen by three quarters a year, 2 hours each: 12 hours a year, for ever."""
    table = months_of(ledger(8, 0, 2.0, "MON"), frozenset({"MON"}))
    assert table["old_hours"].tolist() == pytest.approx([1.0] * 24)
    assert (table["new_hours"] == 0).all()


def test_a_team_is_full_when_both_together_reach_its_capacity() -> None:
    """10 hours a month to give: asked 10 in the first year, 9 in the second."""
    table = months_of(ledger(12, 24, 4.0))
    assert table["is_full"].tolist() == [True] * 12 + [False] * 12


def test_a_team_that_ends_has_no_hours_after_that() -> None:
    """10 hours a month for 6 months, none after: it is full from the seventh on, whatever is asked."""
    capacity = pd.DataFrame([[11.0] * 6 + [0.0] * 18], index=["A"], columns=range(1, 25)).rename_axis("team_id")
    norms = pd.DataFrame({"planned_stock_share": {"EWT": 0.5}})
    table = team_months(ledger(12, 24, 4.0), capacity, norms, frozenset()).set_index("month")
    assert table["capacity_hours"].tolist() == [11.0] * 6 + [0.0] * 18
    assert table["is_full"].tolist() == [False] * 6 + [True] * 18
