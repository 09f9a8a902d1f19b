"""The impact analysis on the toy country: what changes for each division when W2 stops."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.outcome.impact import _held, impact_table
from allocation.outcome.ledger import routed_work
from allocation.outcome.offices import Offices
from allocation.outcome.solved import Solved, pieces
from allocation.outcome.verzuimbeheer import NO_GROUPS_IN_FORCE, groups_on, verzuimbeheer
from allocation.publication import small_counts
from tests.support import toy


def table(tmp_path: Path) -> pd.DataFrame:
    made, solved = divided(tmp_path)
    return impact(made, solved, made.inputs.current)


def impact(
    made: toy.Division, solved: list[Solved], now: pd.DataFrame, in_force: pd.DataFrame | None = None
) -> pd.DataFrame:
    """``in_force``: teams and offices of the version in force."""
    teams, config = made.inputs.teams, Config()
    uitkeren = verzuimbeheer(
        made.routing, routed_work(made.work, made.routing, config),
        groups_on(made.inputs.verzuimbeheer, teams, date(2026, 1, 1)), NO_GROUPS_IN_FORCE, teams, toy.areas(),
        toy.edges(), 1,
    )  # fmt: skip
    cells = made.transition.assign(seen=small_counts.clients_seen(made.transition))
    found = impact_table(
        solved, now, made.changes, cells, teams, Offices.of(teams, date(2026, 1, 1), in_force), made.routing,
        toy.areas(), made.inputs.products, made.outcome["expected"], uitkeren,
    )  # fmt: skip
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
    """In Oost now O1 has the vangnetlijn of every postcode and O2 the werkgeverslijn: one group for each line."""
    made, solved = divided(tmp_path)
    oost = next(one for one in solved if "O1" in one.layer.problem.team_ids)
    by_line = [replace(oost, layer=replace(oost.layer, client_line=line)) for line in ("vangnet", "werkgever")]
    now = pd.DataFrame(
        [(pc4, line, team, 1.0, "zw_wia") for pc4 in oost.layer.parts["pc4"]
         for line, team in (("vangnet", "O1"), ("werkgever", "O2"))],
        columns=["pc4", "client_line", "team_id", "share", "law_domain"],
    )  # fmt: skip
    found = impact(made, by_line, now)
    subject = "groepen medewerkers verzuimbeheer per postcode en lijn (ZW en WIA)"
    assert found.loc[("Uitkeren", subject), "now"] == 1.0


def test_nothing_in_force_is_empty_and_not_zero(tmp_path: Path) -> None:
    made, solved = divided(tmp_path)
    found = impact(made, solved, made.inputs.current.iloc[:0])
    assert found["now"].isna().all()


def test_uitkeren_counts_groups_and_not_teams(tmp_path: Path) -> None:
    """W2 stops; with one group for both teams of West nobody gets another group."""
    made, solved = divided(tmp_path)
    same = made.inputs.teams.assign(verzuimbeheer_code="VZB-1")
    made = replace(made, inputs=replace(made.inputs, teams=same))
    found = impact(made, solved, made.inputs.current)
    assert found.loc[("Uitkeren", "postcodes die naar een andere groep medewerkers verzuimbeheer gaan"), "new"] == 0
    assert found.loc[("SMZ", "dossiers die naar een ander team verhuizen"), "new"] == 6


def test_zw_clients_are_those_of_the_law_whatever_the_product_is_called(tmp_path: Path) -> None:
    made, solved = divided(tmp_path)
    products = made.inputs.products.copy()
    products.loc[products["product"] == "WIA_EWT", "law"] = "ZW"
    made = replace(made, inputs=replace(made.inputs, products=products))
    found = impact(made, solved, made.inputs.current)
    assert found.loc[("Uitkeren", "ZW-cliënten die een andere groep medewerkers verzuimbeheer krijgen"), "new"] == 6


def test_one_team_of_two_that_stops_moves_its_own_clients_with_postcode_and_bsn_alike(tmp_path: Path) -> None:
    """West has one team left (all of its clients move), Oost has two (half of them), the PW one."""
    found = table(tmp_path)
    row = found.loc[("SMZ", "deel van de cliënten van een kantoor dat van team wisselt als één team stopt (schatting)")]
    assert row["new"] == row["bsn"]
    assert 0.5 < row["new"] < 1.0


def test_the_team_of_now_is_the_one_of_the_own_line_with_the_largest_share() -> None:
    """1001 is A's for 0.3 and B's for 0.7 on the vangnetlijn, C's on the other; 1002 is D's whole; P has the PW."""
    rows = [
        ("1001", "vangnet", "zw_wia", "A", 0.3), ("1001", "vangnet", "zw_wia", "B", 0.7),
        ("1001", "werkgever", "zw_wia", "C", 1.0), ("1001", "alle", "pw", "P", 1.0),
        ("1002", "alle", "zw_wia", "A", 0.4), ("1002", "alle", "zw_wia", "D", 0.6),
    ]  # fmt: skip
    now = pd.DataFrame(rows, columns=["pc4", "client_line", "law_domain", "team_id", "share"])
    teams = pd.DataFrame({"office_pc4": ["1001", "1002", "1003", "1004", "1005"]}, index=list("ABCDP"))
    hours = [("1001", "vangnet", "zw_wia", 90.0), ("1001", "werkgever", "zw_wia", 50.0)]
    expected = pd.DataFrame(hours, columns=["pc4", "client_line", "law_domain", "hours"])
    rest = (expected, toy.areas(), teams)
    assert _held(now, "zw_wia", "vangnet", *rest) == {"1001": "B", "1002": "D"}
    assert _held(now, "zw_wia", "werkgever", *rest) == {"1001": "C", "1002": "D"}
    assert _held(now, "pw", "alle", *rest) == {"1001": "P"}
    # of both lines together: B has 0.7 x 90 = 63 hours, C 50, A 27
    assert _held(now, "zw_wia", "alle", *rest) == {"1001": "B", "1002": "D"}


def test_r14_of_clients_readers_get_what_they_know_and_of_other_figures_nothing(tmp_path: Path) -> None:
    """W1 gets three cells of 2 beside its own three; none of the six is shown: a half of 7 with the prior."""
    q = (0.5 / 7) ** 0.25
    hidden = (1 + 2 * q + 3 * q**2 + 4 * q**3) / (1 + q + q**2 + q**3)
    found = table(tmp_path)
    counted = found[found["unit"] == "cliënten"]
    assert counted["seen"].tolist() == pytest.approx([3 * hidden if new else 0.0 for new in counted["new"]])
    assert found.loc[found["unit"] != "cliënten", "seen"].isna().all()


def test_a_team_that_moves_office_takes_its_answers_and_files_along(tmp_path: Path) -> None:
    """Nobody changes team. W1 moves: its six postcodes of two WIA files each get another answer. M1 moves too, and has
    clients of its group in every postcode, but no files. O1 will move after the first day, which counts for nothing."""
    teams = toy.tables()["teams"]
    w1 = teams["team_id"] == "W1"
    later = pd.DataFrame([toy.team("O1", "2", "1004", office="Zeist", valid_from="2027-01-01")])
    teams.loc[teams["team_id"] == "W2", "valid_to"] = "2025-12-31"
    teams.loc[teams["team_id"] == "O1", "valid_to"] = "2026-12-31"
    teams = pd.concat([teams.assign(office=teams["office"].mask(w1, "Amersfoort")), later])
    current = toy.tables()["current"].replace({"team_id": {"W2": "W1"}})
    made = toy.divide(tmp_path, {"teams": teams, "current": current}, Config())
    assert made.changes.empty
    before = pd.DataFrame([("W1", "Utrecht"), ("O1", "Utrecht"), ("O2", "Utrecht")], columns=["team_id", "office"])
    answers = ("K&S", "postcodes waarvoor het antwoord verandert")
    files = ("B&B", "dossiers die naar een ander kantoor verhuizen")

    found = impact(made, made.solved, made.inputs.current, before)
    assert found.loc[[answers, files], "new"].tolist() == [6, 12]
    west_and_oost = found.loc[("B&B", "kantoren per gemeente, gemiddeld"), ["now", "new"]]
    assert west_and_oost.tolist() == [1.0, 1.5]  # P1 serves all four gemeenten from Utrecht

    moved = pd.concat([before, pd.DataFrame({"team_id": ["M1"], "office": ["Zeist"]})])
    assert impact(made, made.solved, made.inputs.current, moved).loc[[answers, files], "new"].tolist() == [12, 12]
    assert impact(made, made.solved, made.inputs.current).loc[[answers, files], "new"].tolist() == [0, 0]
