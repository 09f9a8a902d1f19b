"""Settings that name a postcode or a region are checked with the input, and all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from allocation.cli import main
from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.intake.inputs import load_inputs
from tests.support import toy


def problems(folder: Path, **settings: Any) -> list[str]:
    with pytest.raises(InputRefused) as refused:
        load_inputs(folder, toy.areas(), Config.from_values(settings))
    return [str(one) for one in refused.value.problems]


def test_a_postcode_with_an_area_counts_for_no_other(tmp_path: Path) -> None:
    """Its work was counted at 1002, where routing sends none of its clients."""
    assert problems(toy.write(tmp_path), replaced_postcodes={"1001": "1002"}) == [
        "configuration, column replaced_postcodes.1001: postcode 1001 has an area, and routing sends its clients "
        "there; allowed: a postcode without an area; leave the line out"
    ]


@pytest.mark.parametrize("is_counted", [True, False])
def test_a_postcode_can_count_for_one_with_an_area_only(tmp_path: Path, is_counted: bool) -> None:
    """One problem, also when counts hold it; and the same when they do not."""
    frames = toy.tables()
    if is_counted:
        frames["stock"].loc[frames["stock"]["pc4"].eq("1001"), "pc4"] = "1099"
    assert problems(toy.write(tmp_path, frames), replaced_postcodes={"1099": "9999"}) == [
        "configuration, column replaced_postcodes.1099: postcode '9999' has no area to count for; allowed: one of the "
        "12 postcodes of the boundaries in use"
    ]


def test_every_wrong_line_and_region_is_told_beside_what_is_wrong_with_the_input(tmp_path: Path) -> None:
    frames = toy.tables()
    frames["teams"].loc[0, "kind"] = "vreemd"
    told = problems(
        toy.write(tmp_path, frames),
        replaced_postcodes={"1001": "9999", "10999": "1002", "1099": "1002"},
        regions=["Utrecht", "west", "2", "99"],
    )
    assert "teams.csv, row 2, column kind" in told[0]
    whats = [one.split("; allowed:")[0].removeprefix("configuration, column ") for one in told[-5:]]
    assert whats == [
        "replaced_postcodes.1001: postcode 1001 has an area, and routing sends its clients there",
        "replaced_postcodes.1001: postcode '9999' has no area to count for",
        "replaced_postcodes.10999: '10999' is not a postcode",
        "regions: 'Utrecht' does not exist",
        "regions: '99' does not exist",
    ]


def test_validate_says_what_a_run_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It said "no problems found" of regions that a run refuses."""
    toy.polygons().to_file(tmp_path / "areas.gpkg", layer="areas")
    settings = tmp_path / "settings.toml"
    settings.write_text('regions = ["Utrecht", "99"]\n[replaced_postcodes]\n1001 = "1002"\n1099 = "9999"\n')
    given = ["--input", str(toy.write(tmp_path / "input")), "--boundaries", str(tmp_path / "areas.gpkg")]
    asked = [*given, "--config", str(settings)]
    assert main(["validate", *asked]) == 1
    told = capsys.readouterr()
    assert "no problems found" not in told.out
    said = [line for line in told.err.splitlines() if line.startswith("configuration")]
    assert len(said) == 4
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    assert main(["run", *asked, "--var", str(tmp_path / "var"), "--store", store]) == 1
    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith("configuration")] == said
