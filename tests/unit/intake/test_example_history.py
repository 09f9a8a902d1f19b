"""What the teams of the example finished, beside what was asked of them and what they really can."""

from __future__ import annotations

import pandas as pd
import pytest

from allocation.intake import example_history
from allocation.intake.example_history import TRUE_HOURS, make_completed, true_productivity

MONTHS = [str(month) for month in pd.period_range("2025-07", "2026-06", freq="M")]


def counts(team: str, product: str, a_month: int, held: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    row = {"team_id": team, "product": product, "client_line": "alle"}
    inflow = pd.DataFrame([row | {"month": month, "clients": a_month} for month in MONTHS])
    return inflow, pd.DataFrame([row | {"clients": held}])


def teams(fte: float) -> pd.DataFrame:
    return pd.DataFrame({"team_id": ["T"], "fte_verzekeringsarts": [str(fte)], "productivity": ["0.9"]})


def test_a_team_with_hours_to_spare_finishes_what_is_asked() -> None:
    """40 a month come in and half of 120 in stock is planned in a year: 45 a month, 540 a year (sd 23)."""
    inflow, stock = counts("T", "WIA_EWT", 40, 120)
    made = make_completed(inflow, stock, teams(50), seed=5)
    assert made["clients"].sum() == pytest.approx(540, abs=4 * 540**0.5)
    assert set(made["month"]) == set(MONTHS)


def test_a_team_with_too_few_hours_finishes_what_they_allow() -> None:
    """2 FTE, 200 hours a month; a client of 4.5 hours really takes 15% more."""
    inflow, stock = counts("T", "WIA_EWT", 400, 0)
    really = 0.9 * true_productivity("T", 5)
    made = make_completed(inflow, stock, teams(2), seed=5)
    possible = 2 * 1200 * really / (4.5 * TRUE_HOURS["WIA_EWT"])
    assert made["clients"].sum() == pytest.approx(possible, abs=4 * possible**0.5)
    each = made["hours_verzekeringsarts"].sum() / made["clients"].sum()
    assert each == pytest.approx(4.5 * TRUE_HOURS["WIA_EWT"] / really, rel=0.1)


def test_central_work_is_nobody_s_and_the_truth_differs_from_what_is_in_use() -> None:
    inflow, stock = counts("T", "WIA_HERBEOORDELING", 40, 120)
    other = counts("T", "RIV", 5, 0)
    made = make_completed(pd.concat([inflow, other[0]]), pd.concat([stock, other[1]]), teams(2), seed=5)
    assert set(made["product"]) == {"RIV"}
    found = [true_productivity(f"SMC-{i}") for i in range(200)]
    assert pd.Series(found).std() == pytest.approx(example_history.TRUE_PRODUCTIVITY_SD, rel=0.2)
