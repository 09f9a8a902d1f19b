"""Other professions as a further measure, beside the work of verzekeringsartsen."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from tests.support import toy

SOLVER = {"iterations": 20_000, "seconds": 10.0}


def uneven() -> dict[str, pd.DataFrame]:
    """In the four southern postcodes of West a client takes 30 hours of others, in the northern two 2; physicians take
    4 of each. Until now W1 has three of the four, W2 one and the two in the north."""
    tables = toy.tables()
    products = tables["products"]
    products.loc[products["product"] == "WIA_EWT", "hours_other"] = "30"
    light = ("WIA_LIGHT", "WIA", "vangnet|werkgever", "4", "2", "0.5", "1", "team")
    tables["products"] = pd.concat([products, pd.DataFrame([light], columns=products.columns)], ignore_index=True)
    for name in ("inflow", "stock"):
        north = tables[name]["pc4"].isin(["1009", "1010"]) & (tables[name]["product"] == "WIA_EWT")
        tables[name].loc[north, "product"] = "WIA_LIGHT"
    return tables


def other_hours(made: toy.Division) -> pd.Series:
    load = made.load[made.load["team_id"].isin(["W1", "W2"])]
    return load.set_index("team_id")["hours_other"]


def test_the_measure_is_the_work_of_others_against_their_capacity(tmp_path: Path) -> None:
    """W2 has three times the others of W1: 6 FTE of 1,200 hours against 2."""
    tables = uneven()
    tables["teams"].loc[tables["teams"]["team_id"] == "W2", "fte_other"] = "6.0"
    built = toy.build(tmp_path, tables, Config(other_tolerance=0.3))
    layer = next(one for one in built.layers if one.law_domain == "zw_wia" and one.regions == (1,))
    (measure,) = layer.problem.further
    assert (measure.name, measure.tolerance) == ("hours_other", 0.3)
    wia = built.work[built.work["law"] == "WIA"]
    expected = wia.groupby("pc4")["hours_other"].sum()
    assert measure.amount.tolist() == pytest.approx([expected[pc4] for pc4 in layer.parts["pc4"]])
    assert expected["1001"] > 2 * expected["1010"]
    capacity = dict(zip(layer.problem.team_ids, measure.capacity, strict=True))
    assert capacity == pytest.approx({"W1": 2400.0, "W2": 7200.0})


def test_a_team_that_serves_one_line_for_part_of_its_hours_has_that_part_of_its_others(tmp_path: Path) -> None:
    tables = toy.tables()
    at = tables["teams"]["team_id"]
    tables["teams"].loc[at == "W2", ["client_lines", "laws"]] = ["werkgever", "WIA"]
    built = toy.build(tmp_path, tables, Config(other_tolerance=0.9))
    parts = {
        one.client_line: (one.problem.capacity, one.problem.further[0].capacity)
        for one in built.layers if one.regions == (1,) and one.law_domain == "zw_wia"
    }  # fmt: skip
    for physicians, others in parts.values():
        assert others == pytest.approx(2 * physicians)


def test_asked_for_it_evens_out_the_others(tmp_path: Path) -> None:
    """Without it the division in force stays, which is even for physicians; with it each team gets two of the four."""
    free = toy.divide(tmp_path / "free", uneven(), Config.from_values({"solver": SOLVER, "tolerance": 0.1}))
    values = {"solver": SOLVER, "tolerance": 0.1, "other_tolerance": 0.1}
    even = toy.divide(tmp_path / "even", uneven(), Config.from_values(values))
    assert free.team_of("1001") == free.team_of("1005") == {"W1"}
    half = other_hours(even).sum() / 2
    assert (other_hours(free) - half).abs().max() > 0.2 * half
    assert (other_hours(even) - half).abs().max() <= 0.1 * half + 1e-6
    assert other_hours(even).sum() == pytest.approx(other_hours(free).sum())
    assert even.load.loc[even.load["kind"] != "bijzonder", "deviation"].abs().max() <= 0.1 + 1e-9


def test_a_team_without_others_is_refused_in_one_sentence(tmp_path: Path) -> None:
    tables = toy.tables()
    tables["teams"].loc[tables["teams"]["team_id"] == "O1", "fte_other"] = "0"
    with pytest.raises(InputRefused) as refused:
        toy.build(tmp_path, tables, Config(other_tolerance=0.3))
    (problem,) = refused.value.problems
    assert (problem.file, problem.row, problem.column) == ("teams.csv", 4, "fte_other")
    assert "team O1 has no other members" in problem.what
    assert toy.build(tmp_path / "without", tables, Config()).layers
