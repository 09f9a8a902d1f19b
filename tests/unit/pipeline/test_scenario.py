"""Scenarios: what a file may say, and the input folder it makes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.pipeline.scenario import Scenario, named_scenario, scenario_config, write_scenario_input
from allocation.pipeline.scenario_compare import compare_with_base, places_beside, side_by_side
from tests.support import toy
from tests.support.swapping import swapped_with_a_link

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


PLACES = """
name = "delen"
[[demand]]
product = "WIA_EWT"
region = "West"
inflow = 1.25
stock = 1.5
[[demand]]
district = "Noord"
inflow = 2
[[product]]
product = "WIA_HERB"
handled_by = "team"
[[capacity]]
region = "West"
from = 2026-03-01
fte = -0.4
[[capacity]]
team_id = "W1"
from = 2026-09-01
until = 2026-10-31
productivity_factor = 1.1
"""


def written(tmp_path: Path, text: str) -> Path:
    teams = toy.tables()["teams"].assign(district=lambda t: ["Noord" if name == "O1" else "" for name in t["team_id"]])
    source = toy.write(tmp_path / "in", {"teams": teams})
    return write_scenario_input(write(tmp_path, text), source, tmp_path / "out", toy.areas())


def test_counts_of_a_product_and_region_are_multiplied_in_whole_clients(tmp_path: Path) -> None:
    """Each of 12 months West has six WIA_EWT clients: times 1.25 that is 7.5 a month. Rounded per month: 8 (7.5 goes to
    the even number), nowhere less than 1. Oost is the district of O1: every product comes in twice."""
    folder = written(tmp_path, PLACES)
    west = {"1001", "1002", "1005", "1006", "1009", "1010"}
    inflow = pd.read_csv(folder / "inflow.csv", dtype=str)
    inflow["clients"] = inflow["clients"].astype(int)
    inflow["place"] = inflow["pc4"].isin(west).map({True: "West", False: "Oost"})
    sums = inflow.groupby(["place", "product", "month"])["clients"].sum().unstack().to_dict("index")
    assert set(sums["West", "WIA_EWT"].values()) == {8}
    assert set(sums["West", "PW_ABA"].values()) == {6}
    assert set(sums["Oost", "WIA_EWT"].values()) == {12}
    assert set(sums["Oost", "PW_ABA"].values()) == {12}
    stock = pd.read_csv(folder / "stock.csv", dtype=str)
    in_stock = stock.assign(clients=stock["clients"].astype(int), west=stock["pc4"].isin(west))
    found = in_stock.groupby(["west", "product"])["clients"].sum().to_dict()
    assert found == {(True, "WIA_EWT"): 18, (True, "PW_ABA"): 12, (False, "WIA_EWT"): 12, (False, "PW_ABA"): 12}
    products = pd.read_csv(folder / "products.csv", dtype=str).set_index("product")
    assert products["handled_by"].to_dict()["WIA_HERB"] == "team"


def test_physicians_leave_on_a_date_and_productivity_rises_for_a_while(tmp_path: Path) -> None:
    teams = pd.read_csv(written(tmp_path, PLACES) / "teams.csv", dtype=str, keep_default_na=False)
    columns = ["valid_from", "valid_to", "fte_verzekeringsarts", "productivity"]
    assert teams.loc[teams["team_id"] == "W2", columns].to_numpy().tolist() == [
        ["2024-01-01", "2026-02-28", "1.0", "1.0"],
        ["2026-03-01", "", "0.6", "1"],
    ]
    assert teams.loc[teams["team_id"] == "W1", columns].to_numpy().tolist() == [
        ["2024-01-01", "2026-02-28", "1.0", "1.0"],
        ["2026-03-01", "2026-08-31", "0.6", "1"],
        ["2026-09-01", "2026-10-31", "0.6", "1.1"],
        ["2026-11-01", "", "0.6", "1"],
    ]
    assert len(teams[teams["team_id"] == "O1"]) == 1
    assert len(teams[teams["team_id"] == "P1"]) == 2  # serves West too


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[demand]]\nproduct = 'WIA_EW'", "'WIA_EW' does not exist; allowed: "),
        ("[[demand]]\nregion = 'Weest'", "'Weest' does not exist; allowed: west"),
        ("[[demand]]\ndistrict = 'Zuid'", "'Zuid' does not exist; allowed: noord"),
        ("[[product]]\nproduct = 'PW_ABA'\nhours = 2", "'hours' is no column of products"),
        ("[[capacity]]\noffice = 'Delft'\nfrom = 2026-03-01", "'Delft' does not exist; allowed: Utrecht"),
    ],
)
def test_a_place_or_product_that_does_not_exist_is_named(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=told):
        written(tmp_path, f'name = "x"\n{text}')


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[[demand]]\ninflow = -1", "demand.0.inflow"),
        ("[[demand]]\nproducts = 'PW_ABA'", "demand.0.products"),
        ("[[capacity]]\nfte = 1", "capacity.0.from"),
        ("[[capacity]]\nfrom = 2026-03-01\nuntil = 2026-02-01", "capacity.0"),
    ],
)
def test_a_value_that_is_not_possible_is_refused_when_read(text: str, where: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=where):
        write(tmp_path, f'name = "x"\n{text}')


def test_every_example_can_be_read_and_says_where_its_figures_come_from() -> None:
    found = {path.stem: Scenario.from_file(path) for path in Path("examples/scenarios").glob("*.toml")}
    assert len(found) >= 12
    assert all(one.reference or "aanname" in one.description or one.close for one in found.values())
    assert found["regiemodel_30"].config == {"work": {"growth": {"*": 0.175}}}


def test_regions_and_districts_beside_the_base() -> None:
    """West asks 300 of 200 hours, of which 100 by W1 (district A) of 120; the scenario gives W2 40 hours more."""
    base = pd.DataFrame(
        {
            "team_id": ["W1", "W2", "M1"],
            "kind": ["regulier", "regulier", "bijzonder"],
            "cluster": ["West", "West", "landelijk"],
            "hours_verzekeringsarts": [100.0, 200.0, 9.0],
            "capacity_hours_verzekeringsarts": [120.0, 80.0, 9.0],
            "files_held_hours_verzekeringsarts": [30.0, 20.0, 9.0],
        }
    )
    more = base.assign(capacity_hours_verzekeringsarts=[120.0, 120.0, 9.0])
    found = places_beside({"team_load": base}, {"team_load": more}, pd.Series({"W1": "A"}))
    assert found["name"].tolist() == ["A", "West"]
    west = found.set_index("name").loc["West"]
    assert west[["base_asked", "scenario_asked"]].tolist() == [1.5, 1.25]
    assert west[["base_waiting", "scenario_waiting"]].tolist() == pytest.approx([3.0, 2.5])
    assert found.set_index("name").loc["A", "base_asked"] == pytest.approx(100 / 120)


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can make a link for another user")
def test_a_link_to_a_file_of_another_user_is_not_copied(tmp_path: Path) -> None:
    source = toy.write(tmp_path / "in")
    (tmp_path / "secret").write_text("geheim")
    (source / "notes.txt").symlink_to(tmp_path / "secret")
    scenario = write(tmp_path, 'name = "x"\n[[close]]\nteam_id = "W2"')
    assert (write_scenario_input(scenario, source, tmp_path / "mine") / "notes.txt").read_text() == "geheim"
    os.lchown(source / "notes.txt", 4321, -1)
    with pytest.raises(InputRefused, match=r"notes.txt: this is a link to a file of another user"):
        write_scenario_input(scenario, source, tmp_path / "other")
    assert not (tmp_path / "other" / "notes.txt").exists()
    (source / "scenarios").mkdir()
    (source / "scenarios" / "x.toml").symlink_to(tmp_path / "s.toml")
    assert named_scenario(source, "x").name == "x"
    os.lchown(source / "scenarios" / "x.toml", 4321, -1)
    with pytest.raises(InputRefused, match=r"x.toml: this is a link to a file of another user"):
        named_scenario(source, "x")


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can make a link for another user")
@pytest.mark.parametrize("swapped", ["scenarios/x.toml", "scenarios"])
def test_a_link_that_takes_the_place_of_a_scenario_or_its_folder_meanwhile_is_not_read(
    swapped: str, tmp_path: Path
) -> None:
    for folder, name in (("scenarios", "eigen"), ("elsewhere", "geheim")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.toml").write_text(f'name = "{name}"')

    def read() -> str:
        try:
            return named_scenario(tmp_path, "x").name
        except InputRefused as refused:
            return refused.problems[0].what

    with swapped_with_a_link(tmp_path / swapped, tmp_path / swapped.replace("scenarios", "elsewhere")):
        assert {read() for _ in range(2000)} <= {"eigen", "this is a link to a file of another user"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can make a link for another user")
def test_a_link_that_takes_the_place_of_another_file_meanwhile_is_not_copied(tmp_path: Path) -> None:
    source = toy.write(tmp_path / "in")
    (tmp_path / "secret").write_text("geheim")
    (source / "notes.txt").write_text("eigen")
    scenario = write(tmp_path, 'name = "x"\n[[close]]\nteam_id = "W2"')
    copied = set()
    with swapped_with_a_link(source / "notes.txt", tmp_path / "secret"):
        for _ in range(50):
            (tmp_path / "out" / "notes.txt").unlink(missing_ok=True)
            with contextlib.suppress(InputRefused):
                write_scenario_input(scenario, source, tmp_path / "out")
                copied.add((tmp_path / "out" / "notes.txt").read_text())
    assert copied <= {"eigen"}


def test_a_pipe_under_the_name_of_a_scenario_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    os.mkfifo(tmp_path / "scenarios" / "x.toml")
    with pytest.raises(InputRefused, match="it does not exist"):
        named_scenario(tmp_path, "x")
