"""Teams that work a part of the year, or whose FTE changes: what each balance divides is in proportion to the months
that they work. By hand, on the toy country."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.layers.holding import Reason
from tests.support import toy

DAYS = 365
CAPACITY = {"W1": 1200 * 181 / DAYS, "W2": (1200 * 90 + 3000 * 275) / DAYS}
"""W1 works until 30 June 2026, 181 days. W2 has 1 FTE until 31 March, 90 days, and 2.5 after that."""
INFLOW, STOCK = 6 * 12 * 4.0, 6 * 2 * 4.0
"""Hours of West: of six postcodes 12 WIA_EWT clients a year and 2 files, 4 hours each; half of the stock is planned."""


def tables() -> dict[str, pd.DataFrame]:
    frame = toy.tables()["teams"]
    rest = frame[~frame["team_id"].isin(["W1", "W2"])]
    changed = [
        toy.team("W1", "1", "1001", valid_to="2026-06-30"),
        toy.team("W2", "1", "1009", valid_to="2026-03-31"),
        toy.team("W2", "1", "1009", valid_from="2026-04-01", fte_verzekeringsarts="2.5"),
    ]
    return {"teams": pd.concat([pd.DataFrame(changed), rest], ignore_index=True)}


@pytest.mark.parametrize(
    ("balance", "total"),
    [("load", INFLOW + STOCK / 2), ("first_year", INFLOW + STOCK / 2), ("waiting_time", INFLOW / 4 + STOCK)],
)
def test_targets_follow_the_months_worked(tmp_path: Path, balance: str, total: float) -> None:
    """Waiting time looks three months ahead: a quarter of the inflow and all files."""
    config = Config.from_values({"balance": balance, "horizon_months": 3, "tolerance": 0.9,
                                 "solver": {"iterations": 1000}})  # fmt: skip
    made = toy.divide(tmp_path, tables(), config)
    one = next(one for one in made.solved if one.layer.law_domain == "zw_wia" and 1 in one.layer.regions)
    problem = one.layer.problem
    assert dict(zip(problem.team_ids, problem.capacity, strict=True)) == pytest.approx(CAPACITY)
    both = sum(CAPACITY.values())
    assert dict(zip(problem.team_ids, problem.target, strict=True)) == pytest.approx(
        {team: total * hours / both for team, hours in CAPACITY.items()}, rel=1e-3
    )
    load = made.load[made.load["law_domain"] == "zw_wia"].set_index("team_id")
    for team, hours in CAPACITY.items():
        held = load.loc[team, "files_held"] * 4.0
        assert load.loc[team, "waiting_months"] == pytest.approx(held / (hours / 12))
        coming = load.loc[team, "first_year_hours_verzekeringsarts"] - held / 2
        assert load.loc[team, "projected_waiting_months"] == pytest.approx(
            max(0.0, held + (coming - hours) * 3 / 12) / (hours / 12)
        )


def test_month_by_month_a_team_has_the_hours_of_the_month(tmp_path: Path) -> None:
    made = toy.divide(tmp_path, tables(), Config.from_values({"tolerance": 0.9, "solver": {"iterations": 1000}}))
    months = made.outcome["team_months"].set_index(["team_id", "month"])["capacity_hours"]
    assert months["W1"].tolist() == pytest.approx([100.0] * 6 + [0.0] * 18)
    assert months["W2"].tolist() == pytest.approx([100.0] * 3 + [250.0] * 21)


def test_files_of_a_team_that_works_half_a_year_stay_with_it(tmp_path: Path) -> None:
    """It is in force on the first day and has hours: no reason to refuse a file."""
    built = toy.build(tmp_path, tables())
    mine = built.held[built.held["team_id"] == "W1"]
    assert len(mine) > 0
    assert mine["refusal"].isna().all()
    assert Reason.ENDED not in set(built.held["refusal"])
