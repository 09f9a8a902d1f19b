"""What is asked of the solver, by hand on the toy country (see ``toy``), with unequal lines and shares."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.layers.layer import Layer
from tests.support import toy

CONFIG = Config.from_values({"tolerance": 0.9})


def layer(built: toy.Built, key: str) -> Layer:
    return next(one for one in built.layers if one.key == key)


def capacities(one: Layer) -> dict[str, float]:
    return dict(zip(one.problem.team_ids, one.problem.capacity, strict=True))


def lines_apart(shared_fte: str = "1.0") -> dict[str, pd.DataFrame]:
    """In West W1 serves vangnet, W2 werkgever, half an FTE each, and W3 both; two in three clients are vangnet."""
    frames = toy.tables()
    keep = ~frames["teams"]["team_id"].isin(["W1", "W2"])
    mine = [
        toy.team("W1", "1", "1001", client_lines="vangnet", fte_verzekeringsarts="0.5"),
        toy.team("W2", "1", "1009", client_lines="werkgever", fte_verzekeringsarts="0.5"),
        toy.team("W3", "1", "1006", fte_verzekeringsarts=shared_fte),
    ]
    frames["teams"] = pd.concat([frames["teams"][keep], pd.DataFrame(mine)], ignore_index=True)
    for name in ("inflow", "stock"):
        here = frames[name]["product"].eq("WIA_EWT")
        frames[name].loc[here, "client_line"] = "vangnet"
        frames[name].loc[here & frames[name]["pc4"].isin(["1005", "1009"]), "client_line"] = "werkgever"
    return frames


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"hours_verzekeringsarts": "0"},
         [("hours_verzekeringsarts", "no client of ZW and WIA takes hours of a verzekeringsarts"),
          ("hours_verzekeringsarts", "no client of the Participatiewet takes hours of a verzekeringsarts")]),
        ({"handled_by": "central"},
         [("handled_by", "every client of ZW and WIA has a product that is handled centrally"),
          ("handled_by", "every client of the Participatiewet has a product that is handled centrally")]),
    ],
)  # fmt: skip
def test_a_law_domain_without_work_is_refused(
    tmp_path: Path, changed: dict[str, str], told: list[tuple[str, str]]
) -> None:
    """A plan of nothing deviates by 0% and is published: it is no plan."""
    products = toy.tables()["products"].assign(**changed)
    with pytest.raises(InputRefused) as refused:
        toy.build(tmp_path, {"products": products}, CONFIG)
    assert [(one.column, one.what.split(":")[0]) for one in refused.value.problems] == told
    assert {one.file for one in refused.value.problems} == {"products.csv"}


@pytest.mark.parametrize("products", [["PW_ABA"], ["WIA_EWT"]])
def test_a_law_domain_without_clients_is_refused(tmp_path: Path, products: list[str]) -> None:
    tables = toy.tables()
    counted = {name: tables[name][tables[name]["product"].isin(products)] for name in ("inflow", "stock")}
    with pytest.raises(InputRefused) as refused:
        toy.build(tmp_path, counted, CONFIG)
    of = "ZW and WIA" if products == ["PW_ABA"] else "the Participatiewet"
    assert [(one.file, one.column, one.what) for one in refused.value.problems] == [
        ("inflow.csv", "clients", f"no client of {of}: the teams have nothing to divide")
    ]


def test_a_shared_team_gives_each_line_what_makes_both_equally_loaded(tmp_path: Path) -> None:
    """2,400 hours in all, of which vangnet asks about two thirds: 1,600, of which W1 has 600; W3 gives the rest."""
    built = toy.build(tmp_path, lines_apart(), CONFIG)
    west = built.work[
        built.work["pc4"].isin(["1001", "1002", "1005", "1006", "1009", "1010"]) & built.work["law"].eq("WIA")
    ]
    vangnet = sum(row.known_hours * row.vangnet_part for row in west.itertuples())
    part = vangnet / west["known_hours"].sum()
    assert part == pytest.approx(2 / 3, abs=0.02)
    of_line = {line: capacities(layer(built, f"01_zw_wia_{line}")) for line in ("vangnet", "werkgever")}
    assert of_line["vangnet"] == {"W1": 600.0, "W3": pytest.approx(2400 * part - 600)}
    assert of_line["werkgever"] == {"W2": 600.0, "W3": pytest.approx(2400 * (1 - part) - 600)}


def test_a_shared_team_is_all_for_the_line_that_is_short(tmp_path: Path) -> None:
    """W3 has a tenth of an FTE: 1,320 hours in all, vangnet asks 880, has 600, and gets the 120."""
    built = toy.build(tmp_path, lines_apart("0.1"), CONFIG)
    assert capacities(layer(built, "01_zw_wia_vangnet")) == {"W1": 600.0, "W3": 120.0}
    assert capacities(layer(built, "01_zw_wia_werkgever")) == {"W2": 600.0}


def held_now(built: toy.Built, key: str) -> dict[str, str]:
    one = layer(built, key)
    assert one.problem.current is not None
    teams = [*one.problem.team_ids, "none"]
    return {unit: teams[at] for unit, at in zip(one.problem.unit_ids, one.problem.current, strict=True)}


def test_the_team_of_now_is_the_one_with_the_largest_share(tmp_path: Path) -> None:
    """1001 is W1's for 0.3 and W2's for 0.7; of 1002 both have half, and of 1005 nobody has any."""
    current = toy.tables()["current"]
    west = current["pc4"].isin(["1001", "1002", "1005"]) & current["team_id"].eq("W1")
    split = [
        ("1001", "alle", "W1", "0.3"),
        ("1001", "alle", "W2", "0.7"),
        ("1002", "alle", "W2", "0.5"),
        ("1002", "alle", "W1", "0.5"),
    ]
    current = pd.concat([current[~west], pd.DataFrame(split, columns=current.columns)], ignore_index=True)
    found = held_now(toy.build(tmp_path, {"current": current}, CONFIG), "01_zw_wia_alle")
    assert {pc4: found[pc4] for pc4 in ("1001", "1002", "1005", "1006")} == {
        "1001": "W2", "1002": "W1", "1005": "none", "1006": "W2",
    }  # fmt: skip


def test_each_line_has_its_own_team_of_now(tmp_path: Path) -> None:
    frames = lines_apart()
    current = frames["current"]
    here = current["pc4"].eq("1001") & current["team_id"].eq("W1")
    both = [("1001", "vangnet", "W3", "1"), ("1001", "werkgever", "W2", "1")]
    frames["current"] = pd.concat([current[~here], pd.DataFrame(both, columns=current.columns)], ignore_index=True)
    built = toy.build(tmp_path, frames, CONFIG)
    assert held_now(built, "01_zw_wia_vangnet")["1001"] == "W3"
    assert held_now(built, "01_zw_wia_werkgever")["1001"] == "W2"
    assert held_now(built, "01_zw_wia_werkgever")["1002"] == "none", "W1 does not serve that line"


def test_a_bar_for_one_line_is_none_for_the_other(tmp_path: Path) -> None:
    frames = lines_apart() | {"locks": toy.locks(("1001", "W3", "bar", "", "werkgever"))}
    built = toy.build(tmp_path, frames, CONFIG)
    for line, may in (("vangnet", True), ("werkgever", False)):
        problem = layer(built, f"01_zw_wia_{line}").problem
        assert problem.allowed_mask[problem.unit_ids.index("1001"), problem.team_ids.index("W3")] == may
        assert problem.allowed_mask[problem.unit_ids.index("1002"), problem.team_ids.index("W3")]


def test_files_that_teams_keep_are_their_load_beforehand(tmp_path: Path) -> None:
    """First year: W1 keeps 50 + 2 + 2 files of 4 hours, half planned: 108 hours; W2 6 files: 12. Of inflow only the
    hours of the area are divided."""
    frames = toy.tables()
    here = frames["stock"]["pc4"].eq("1001") & frames["stock"]["product"].eq("WIA_EWT")
    frames["stock"].loc[here, "clients"] = "50"
    built = toy.build(tmp_path, frames, Config.from_values({"balance": "first_year"}))
    one = layer(built, "01_zw_wia_alle")
    assert one.problem.base_load is not None
    assert dict(zip(one.problem.team_ids, one.problem.base_load, strict=True)) == {"W1": 108.0, "W2": 12.0}
    assert one.problem.demand.sum() == pytest.approx(6 * 12 * 4, rel=0.01)
