"""Old files run off, new clients come in: one team, one product, by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.outcome.runoff import team_months
from tests.support import toy


def projected(tmp_path: Path, tau: float) -> tuple[toy.Division, pd.DataFrame]:
    solver = {"iterations": 20_000, "seconds": 20.0}
    config = Config.from_values({"solver": solver, "work": {"months_to_close": {"*": tau}}})
    made = toy.divide(tmp_path, config=config)
    table = team_months(made.transition, made.work, made.parts, made.inputs.products, made.load, config)
    return made, table.set_index(["team_id", "month"])


def test_old_files_halve_each_month_when_they_take_two_months(tmp_path: Path) -> None:
    """W1 holds 3 x 2 WIA files of 4 hours: 24 hours; half is spent in month 1, half of the rest in month 2."""
    _, months = projected(tmp_path, 2.0)
    old = [months.loc[("W1", month), "old_hours"] for month in (1, 2, 3)]
    assert old == pytest.approx([12.0, 6.0, 3.0])
    assert months.loc["W1", "old_hours"].sum() == pytest.approx(24.0, abs=1e-4)


def test_new_clients_grow_to_the_whole_inflow(tmp_path: Path) -> None:
    made, months = projected(tmp_path, 2.0)
    monthly = made.work.query("law == 'WIA'")["inflow_clients"].sum() / 4 / 12 * 4.0
    new = [months.loc[("W1", month), "new_hours"] for month in (1, 2, 24)]
    assert new == pytest.approx([monthly / 2, monthly * 3 / 4, monthly], rel=1e-6)


def test_a_team_is_full_when_both_together_reach_its_capacity(tmp_path: Path) -> None:
    _, months = projected(tmp_path, 2.0)
    assert months["capacity_hours"].unique() == pytest.approx(100.0)
    full = months["old_hours"] + months["new_hours"] >= 100.0
    assert (months["is_full"] == full).all()
