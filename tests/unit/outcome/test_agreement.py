"""Tables that speak of the same thing say the same: ledger, load, month by month, waiting and lines, within 1e-6.

On a country of the toy with two lines, a team of both, a Participatiewet team, special groups and recurring work.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.layers.work import product_norms
from tests.support import toy
from tests.support.agreement import disagreements


def tables() -> dict[str, pd.DataFrame]:
    frames = toy.tables()
    rest = frames["teams"][~frames["teams"]["team_id"].isin(["W1", "W2"])].to_dict("records")
    frames["teams"] = pd.DataFrame([
        toy.team("W1", "1", "1001", client_lines="vangnet", fte_verzekeringsarts="0.5"),
        toy.team("W2", "1", "1010", client_lines="werkgever", laws="WIA", fte_verzekeringsarts="0.8"),
        toy.team("W3", "1", "1005"),
        *rest,
    ])  # fmt: skip
    date = frames["stock"]["reference_date"].iloc[0]
    more = [
        (date, "1001", "ZW_EZWB", "vangnet", "regulier", "7", "W1"),
        (date, "1002", "WIA_EWT", "werkgever", "klm", "3", "K1"),
        (date, "1006", "WIA_EWT", "werkgever", "regulier", "5", "W2"),
        (date, "1010", "ZW_EZWB", "vangnet", "regulier", "4", "W3"),
        (date, "1003", "WIA_HERB", "alle", "regulier", "6", ""),
    ]
    frames["stock"] = pd.concat(
        [frames["stock"], pd.DataFrame(more, columns=frames["stock"].columns)], ignore_index=True
    )
    return frames


@pytest.mark.parametrize("balance", ["load", "first_year", "waiting_time"])
def test_the_tables_of_the_toy_agree(tmp_path: Path, balance: str) -> None:
    config = Config.from_values({"tolerance": 0.9, "balance": balance, "solver": {"iterations": 500}})
    made = toy.divide(tmp_path, tables(), config)
    assert len(made.outcome["lines"]) == 2
    assert disagreements(made.outcome, product_norms(made.inputs.products, config), config) == []


def test_a_difference_is_seen(tmp_path: Path) -> None:
    config = Config.from_values({"tolerance": 0.9, "solver": {"iterations": 500}})
    made = toy.divide(tmp_path, tables(), config)
    norms = product_norms(made.inputs.products, config)
    for name, column in (("team_ledger", "hours_verzekeringsarts"), ("team_months", "new_hours"),
                         ("waiting", "stock_hours"), ("lines", "hours"), ("team_load", "waiting_months")):  # fmt: skip
        off = made.outcome[name].copy()
        off[column] = off[column] + 1e-4
        assert disagreements({**made.outcome, name: off}, norms, config), name
