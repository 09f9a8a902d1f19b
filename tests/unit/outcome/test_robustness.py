"""What planning more evenly gains, on the toy country."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocation.contract.config import Config
from allocation.layers.spread import Spreads
from allocation.outcome.robustness import PLANNED, robustness_table
from tests.support import toy


def test_the_nearer_to_its_part_a_team_is_planned_the_surer_it_is(tmp_path: Path) -> None:
    """West and Oost have two teams of half of the work each; the PW layer has one team and no row. At 5% above its part
    a team is at the tolerance: an even chance, less what is below."""
    config = Config.from_values({"tolerance": 0.05})
    built = toy.divide(tmp_path, config=config)
    table = robustness_table(built.solved, Spreads(built.work, config), config)
    assert sorted(table["cluster"].unique()) == ["Oost", "West"]
    west = table[table["cluster"] == "West"].set_index(table.loc[table["cluster"] == "West", "planned"].fillna(-1.0))
    chances = [west.loc[planned, "least_chance"] for planned in PLANNED]
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] < 0.5
    assert west.loc[-1.0, "mean_chance"] == pytest.approx(west.loc[0.0, "mean_chance"])
    load = built.load.set_index("team_id")["chance_within_tolerance"]
    assert load["W1"] == pytest.approx(west.loc[-1.0, "least_chance"])
    assert load[["M1", "K1", "L1"]].isna().all()
    assert load["P1"] == 1.0
