"""Scenarios: what a file may say, and the input folder it makes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.config import Config
from allocation.errors import InputRefused
from allocation.scenario import Scenario, scenario_config, write_scenario_input
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


@pytest.mark.parametrize("text", ["name = ", "title = 'x'", "name = ''"])
def test_a_file_that_is_no_scenario_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        write(tmp_path, text)


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    scenario = write(tmp_path, 'name = "x"\n[config]\ntolerantie = 0.2')
    with pytest.raises(InputRefused, match="unknown setting"):
        scenario_config(scenario, Config())
