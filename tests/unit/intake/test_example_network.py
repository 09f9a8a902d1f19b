"""The partners, groups and homes of the example: complete, whole, and of no influence on its other files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.intake import example, example_network
from allocation.intake.inputs import load_inputs
from tests.support import toy


@pytest.fixture
def areas() -> pd.DataFrame:
    """The toy country as gemeenten of the example: one column of postcodes each."""
    codes, regions = ["0344", "0307", "0228", "0202"], [14, 15, 16, 21]
    names = ["Utrecht", "Amersfoort", "Ede", "Arnhem"]
    column = [i % 4 for i in range(12)]
    return toy.areas().assign(
        gemeente_code=[codes[c] for c in column],
        gemeente_name=[names[c] for c in column],
        arbeidsmarktregio_nr=[regions[c] for c in column],
        arbeidsmarktregio=[names[c] for c in column],
        inhabitants=pd.array([50_000 + 1_000 * i for i in range(12)], dtype="Int64"),
    )


def test_the_tables_are_an_input_that_is_accepted_and_change_no_other_file(areas: pd.DataFrame, tmp_path: Path) -> None:
    folder = example.write_example(tmp_path, areas, seed=3)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    example_network.write_network(folder, areas, seed=3)
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(written) - set(before) == {"coverage.csv", "verzuimbeheer.csv", "staff.csv"}
    assert {name: written[name] for name in before} == before
    inputs = load_inputs(folder, areas, Config(valid_from=example.REFERENCE_DATE + timedelta(days=1)))
    assert set(inputs.coverage["kind"]) == {"wsp", "ggz", "ziekenhuis"}
    shares = inputs.coverage.groupby(["pc4", "kind"])["share"].sum()
    assert shares.tolist() == pytest.approx([1.0] * len(shares))
    assert shares.groupby("kind").size().to_dict() == {"wsp": 12, "ggz": 12, "ziekenhuis": 12}


def test_a_postcode_hardly_farther_from_another_partner_has_both_by_nearness(
    areas: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offices stand in columns 0 to 3. With two of them, at 1005 (0, 1) and 1012 (3, 2): 1007 at (2, 1) lies 2 km from
    the one and 1.41 km from the other, less than 1.5 times as far: 2 / 3.41 = 0.6 for the nearest. 1006 at (1, 1) lies
    1 and 2.24 km away: the nearest alone."""
    monkeypatch.setattr(example_network, "SHARED_UP_TO", 1.5)
    at = [("Utrecht", "1005"), ("Arnhem", "1012")]
    made = example_network._catchments(areas, "ggz", "GGZ", at, seed=3)
    shares = {pc4: dict(zip(rows["provider"], rows["share"], strict=True)) for pc4, rows in made.groupby("pc4")}
    assert shares["1007"] == {"GGZ Utrecht (verzonnen)": 0.4, "GGZ Arnhem (verzonnen)": 0.6}
    assert shares["1006"] == {"GGZ Utrecht (verzonnen)": 1.0}


def test_every_team_with_zw_clients_has_a_group_and_some_have_two() -> None:
    """Of five regular teams of an office the first and the fourth have two groups; 2 and 3 share one, 5 has its own. A
    team of the WIA alone has none, a special team one."""
    codes = ["SMC-AMS-01", "SMC-AMS-02", "SMC-AMS-03", "SMC-AMS-04", "SMC-AMS-05"]
    rows = [(code, "regulier", "ZW|WIA") for code in codes]
    rows += [("SMC-AMS-06", "regulier", "WIA"), ("SMC-AMS-KLM-01", "bijzonder", "ZW|WIA|PW")]
    teams = pd.DataFrame(rows, columns=["team_id", "kind", "laws"]).assign(office_pc4="1011")
    made = example_network.make_verzuimbeheer(teams, seed=3)
    assert made["team_id"].tolist() == [
        "SMC-AMS-KLM-01", "SMC-AMS-01", "SMC-AMS-01", "SMC-AMS-02|SMC-AMS-03", "SMC-AMS-04", "SMC-AMS-04", "SMC-AMS-05",
    ]  # fmt: skip
    assert made["group_code"].tolist() == [f"VZB-AMS-{number:02d}" for number in range(1, 8)]


def test_a_team_has_as_many_members_as_fte_and_they_live_near(areas: pd.DataFrame) -> None:
    teams = pd.DataFrame(
        {"team_id": ["A", "B"], "office_pc4": ["1001", "1012"], "fte_verzekeringsarts": ["3.4", "2.0"],
         "fte_other": ["5.3", "4.0"]}
    )  # fmt: skip
    alone = areas.assign(inhabitants=pd.array([1000] + [0] * 10 + [1000], dtype="Int64"), x_m=areas["x_m"] * 100)
    made = example_network.make_staff(alone, teams, seed=3)
    assert list(made.itertuples(index=False, name=None)) == [("1001", "A", 9), ("1012", "B", 6)]
    more = pd.concat([teams, teams.assign(team_id=["C", "D"])])
    again = example_network.make_staff(areas, more, seed=3).query("team_id in ['A', 'B']")
    pd.testing.assert_frame_equal(again, example_network.make_staff(areas, teams, seed=3))
