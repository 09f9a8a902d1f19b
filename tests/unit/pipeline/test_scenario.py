"""Scenarios: what a file may say, and the input folder it makes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.pipeline.scenario import (
    Scenario,
    compare_with_base,
    scenario_config,
    side_by_side,
    write_scenario_input,
)
from tests.support import toy

TEXT = """
name = "W2 stopt"
[config]
tolerance = 0.2
work.growth = { "*" = 0.25 }
[[close]]
team_id = "W2"
[[change]]
team_id = "W1"
fte_verzekeringsarts = 2.5
[[add]]
like = "W1"
team_id = "W3"
name = "SMC W3"
"""


def write(tmp_path: Path, text: str) -> Scenario:
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    return Scenario.from_file(tmp_path / "s.toml")


def test_teams_are_closed_changed_and_added(tmp_path: Path) -> None:
    scenario = write(tmp_path, TEXT)
    folder = write_scenario_input(scenario, toy.write(tmp_path / "in"), tmp_path / "out")
    teams = pd.read_csv(folder / "teams.csv", dtype=str, keep_default_na=False).set_index("team_id")
    assert "W2" not in teams.index
    assert teams.loc["W1", "fte_verzekeringsarts"] == "2.5"
    assert teams.loc["W3", ["name", "office_pc4"]].tolist() == ["SMC W3", "1001"]
    assert not (folder / "current.csv").exists()
    assert (folder / "stock.csv").read_bytes() == (tmp_path / "in" / "stock.csv").read_bytes()


def test_the_team_list_is_found_and_read_as_the_input_checks_do(tmp_path: Path) -> None:
    """Capitals in its name, and codes of digits that are floats in Parquet."""
    source = toy.write(tmp_path / "in")
    teams = toy.tables()["teams"].assign(team_id=[float(nr) for nr in range(8)], valid_to=None)
    (source / "teams.csv").unlink()
    teams.to_parquet(source / "Teams.parquet", index=False)
    scenario = write(tmp_path, 'name = "x"\n[[close]]\nteam_id = "1"')
    folder = write_scenario_input(scenario, source, tmp_path / "out")
    changed = pd.read_csv(folder / "teams.csv", dtype=str, keep_default_na=False)
    assert changed["team_id"].tolist() == ["0", "2", "3", "4", "5", "6", "7"]
    assert changed["valid_to"].unique().tolist() == [""]
    assert not (folder / "Teams.parquet").exists()


def test_settings_are_laid_over_the_configuration(tmp_path: Path) -> None:
    config = scenario_config(write(tmp_path, TEXT), Config.from_values({"continuity": "move", "tolerance": 0.01}))
    assert (config.tolerance, config.continuity, config.work.growth) == (0.2, "move", {"*": 0.25})
    assert config.reason == "scenario: W2 stopt"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('name = "x"\n[[close]]\nteam_id = "X9"', "team 'X9' does not exist"),
        ('name = "x"\n[[change]]\nteam_id = "W1"\nfte = 2', "no such column"),
        ('name = "x"\n[[add]]\nlike = "W1"\nteam_id = "W2"', "'W2' is not new"),
    ],
)
def test_what_cannot_be_done_is_named(text: str, told: str, tmp_path: Path) -> None:
    scenario = write(tmp_path, text)
    with pytest.raises(InputRefused, match=told):
        write_scenario_input(scenario, toy.write(tmp_path / "in"), tmp_path / "out")


def outcome(hours: float, deviation: float, moved: int) -> dict[str, pd.DataFrame]:
    load = {"team_id": ["W1", "W2"], "kind": "regulier", "deviation": [deviation, -deviation], "travel_km": [5.0, 9.0],
            "hours_verzekeringsarts": [hours, 3 * hours], "capacity_hours_verzekeringsarts": 200.0}  # fmt: skip
    regions = {"waiting_months": [1.0, 4.0], "municipality_splits": [2, 1], "care_region_splits": [1, 0]}
    moves = {"movement": ["verhuist", "blijft"], "clients": [moved, 90]}
    return {"team_load": pd.DataFrame(load), "region_summary": pd.DataFrame(regions), "transition": pd.DataFrame(moves)}


def test_r13_a_scenario_is_compared_with_the_base_and_others() -> None:
    """Of 400 hours that there are the base asks 200 and the scenario 300; a quarter of it is 5 km away, the rest 9."""
    more = compare_with_base(outcome(50.0, 0.01, 7), outcome(75.0, 0.02, 9), areas_moved=3)
    same = compare_with_base(outcome(50.0, 0.01, 7), outcome(50.0, 0.01, 7), areas_moved=0)
    table = side_by_side({"meer": more, "gelijk": same}).set_index("measure")
    assert table.loc["asked / available"].tolist() == pytest.approx([0.5, 0.75, 0.5])
    assert table.loc["largest deviation from the target load"].tolist() == [0.01, 0.02, 0.01]
    assert table.loc["mean distance to the office, km"].tolist() == pytest.approx([8.0, 8.0, 8.0])
    assert table.loc["further teams in a gemeente"].tolist() == [3, 3, 3]
    assert table.loc["difference in waiting time between regions, months"].tolist() == [3.0, 3.0, 3.0]
    assert table.loc["clients that move"].tolist() == [7, 9, 7]
    assert table.loc["areas that change team"].tolist() == [0, 3, 0]


@pytest.mark.parametrize("text", ["name = ", "title = 'x'", "name = ''"])
def test_a_file_that_is_no_scenario_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        write(tmp_path, text)


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    scenario = write(tmp_path, 'name = "x"\n[config]\ntolerantie = 0.2')
    with pytest.raises(InputRefused, match="unknown setting"):
        scenario_config(scenario, Config())
