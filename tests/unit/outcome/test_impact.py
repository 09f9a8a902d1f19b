"""The impact analysis on the toy country: what changes for each division when W2 stops."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.outcome.impact import impact_table, redealt_share
from allocation.outcome.solved import Solved, pieces
from tests.support import toy


def table(tmp_path: Path) -> pd.DataFrame:
    made, solved = divided(tmp_path)
    return impact(made, solved, made.inputs.current)


def impact(made: toy.Division, solved: list[Solved], now: pd.DataFrame) -> pd.DataFrame:
    found = impact_table(
        solved, now, made.changes, made.transition, made.inputs.teams, toy.areas(), made.inputs.products
    )
    return found.set_index(["division", "subject"])


def divided(tmp_path: Path) -> tuple[toy.Division, list[Solved]]:
    teams = toy.tables()["teams"]
    teams.loc[teams["team_id"] == "W2", "valid_to"] = "2025-12-31"
    config = Config.from_values({"solver": {"iterations": 20_000, "seconds": 20.0}})
    made = toy.divide(tmp_path, {"teams": teams}, config)
    solved = [Solved(layer, plan, pieces(layer.problem, plan), 0.0, None, None)
              for layer, plan in zip(made.layers, made.plans, strict=True)]  # fmt: skip
    return made, solved


def test_every_division_that_the_board_named_is_there(tmp_path: Path) -> None:
    assert set(table(tmp_path).index.get_level_values(0)) == {"SMZ", "Uitkeren", "Werkbedrijf", "K&S", "B&B"}


def test_figures_by_hand(tmp_path: Path) -> None:
    """W2 had three postcodes with two WIA clients each; all go to W1 in the same office.

    West then has one team, so there BSN says as much as the postcode; Oost has two, where it does not.
    """
    found = table(tmp_path)
    assert found.loc[("SMZ", "dossiers die naar een ander team verhuizen"), "new"] == 6
    assert found.loc[("K&S", "postcodes waarvoor het antwoord verandert"), "new"] == 3
    assert found.loc[("B&B", "dossiers die naar een ander kantoor verhuizen"), "new"] == 0
    answer = found.loc[("K&S", "deel van de postcodes waarvoor de postcode het team bepaalt (ZW en WIA)")]
    assert (answer["new"], answer["bsn"]) == (1.0, 0.5)


def test_each_client_line_is_compared_with_its_own_team_of_now(tmp_path: Path) -> None:
    """In Oost now O1 has the vangnet line of every postcode and O2 the werkgever line: two teams a postcode."""
    made, solved = divided(tmp_path)
    oost = next(one for one in solved if "O1" in one.layer.problem.team_ids)
    by_line = [replace(oost, layer=replace(oost.layer, client_line=line)) for line in ("vangnet", "werkgever")]
    now = pd.DataFrame(
        [(pc4, line, team, 1.0, "zw_wia") for pc4 in oost.layer.parts["pc4"]
         for line, team in (("vangnet", "O1"), ("werkgever", "O2"))],
        columns=["pc4", "client_line", "team_id", "share", "law_domain"],
    )  # fmt: skip
    found = impact(made, by_line, now)
    assert found.loc[("Uitkeren", "teams waarmee één postcode te maken heeft (ZW en WIA)"), "now"] == 2.0


def test_zw_clients_are_those_of_the_law_whatever_the_product_is_called(tmp_path: Path) -> None:
    made, solved = divided(tmp_path)
    products = made.inputs.products.copy()
    products.loc[products["product"] == "WIA_EWT", "law"] = "ZW"
    made = replace(made, inputs=replace(made.inputs, products=products))
    found = impact(made, solved, made.inputs.current)
    assert found.loc[("Uitkeren", "ZW-cliënten die een andere medewerker verzuimbeheer krijgen"), "new"] == 6


@pytest.mark.parametrize(("teams", "share"), [(1, 1.0), (2, 0.5)])
def test_bsn_digits_dealt_out_anew(teams: int, share: float) -> None:
    """With two teams the second stops: its half moves, the other half stays."""
    assert redealt_share(teams) == share


def test_bsn_moves_more_clients_than_the_ending_team_had() -> None:
    """Three teams have 34, 33 and 33 digits; when the middle one stops both others take half: 33 move, at least."""
    assert redealt_share(3) >= 0.33
    assert all(redealt_share(k) >= 1 / k - 0.02 for k in range(2, 9))
