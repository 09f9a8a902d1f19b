"""Capacity per region sums to that of the teams, whatever they have to do."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.support import toy

WEST = ["1001", "1002", "1005", "1006", "1009", "1010"]


def test_a_team_without_postcodes_and_files_has_its_hours_in_its_region(tmp_path: Path) -> None:
    """W9 is new, and barred from every postcode of West: its 1,200 hours are there all the same."""
    teams = toy.tables()["teams"]
    new = teams[teams["team_id"] == "W1"].assign(team_id="W9", name="SMC W9")
    locks = toy.locks(*((pc4, "W9", "bar", "", "") for pc4 in WEST))
    made = toy.divide(tmp_path, {"teams": pd.concat([teams, new], ignore_index=True), "locks": locks})
    assert "W9" not in set(made.outcome["allocation"]["team_id"])
    hours = "capacity_hours_verzekeringsarts"
    of_regions = made.outcome["region_capacity"].groupby("team_id")[hours].sum()
    of_teams = made.load[made.load["kind"] != "bijzonder"].groupby("team_id")[hours].sum()
    assert of_regions.to_dict() == pytest.approx(of_teams.to_dict())
    idle = made.outcome["region_capacity"].query("team_id == 'W9'")
    assert idle["region"].tolist() == [1]
    assert idle[hours].tolist() == [1200.0]
    assert idle["files_held"].tolist() == [0.0]
