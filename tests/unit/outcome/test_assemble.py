"""What the outcome takes from the team list of the day and of the day before, on the toy country (see ``toy``)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.outcome.assemble import TABLES
from tests.support import toy

CONFIG = Config.from_values({"tolerance": 0.1, "solver": {"iterations": 5_000, "seconds": 20.0}})


def with_teams(*more: dict[str, object]) -> pd.DataFrame:
    return pd.concat([toy.tables()["teams"], pd.DataFrame(more)], ignore_index=True)


def special(team_id: str, groups: str, **changes: object) -> dict[str, object]:
    return toy.team(team_id, "1", "1001", kind="bijzonder", client_groups=groups, laws="ZW|WIA|PW", **changes)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> toy.Division:
    """K2 was there for klm until the day before, beside K1; K3 begins in the summer; forty files of klm in 1001 are
    counted without a team."""
    teams = with_teams(
        special("K2", "klm", fte_verzekeringsarts="3", valid_to="2025-12-31"),
        special("K3", "klm", valid_from="2026-07-01"),
    )
    row = {"reference_date": "2025-12-31", "pc4": "1001", "product": "WIA_EWT", "client_line": "vangnet",
           "client_group": "klm", "clients": "40", "team_id": ""}  # fmt: skip
    stock = pd.concat([toy.tables()["stock"], pd.DataFrame([row])], ignore_index=True)
    return toy.divide(tmp_path_factory.mktemp("assemble"), {"teams": teams, "stock": stock}, CONFIG)


def test_only_teams_of_the_day_are_in_the_outcome(made: toy.Division) -> None:
    now = {"W1", "W2", "O1", "O2", "P1", "M1", "K1", "L1"}
    assert set(made.load["team_id"]) == now
    assert set(made.outcome["teams"]["team_id"]) == now
    assert set(made.routing["team_id"]) == now
    assert made.routed("1001", "klm") == {"K1": 1.0}


def test_the_ends_of_all_teams_are_kept(made: toy.Division) -> None:
    periods = made.outcome["team_periods"].set_index("team_id")
    assert {"K2", "K3"} <= set(periods.index)
    assert periods.loc["K2", "valid_to"] == pd.Timestamp("2025-12-31")


def test_files_of_a_special_group_were_with_its_teams_of_the_day_before(made: toy.Division) -> None:
    """K2 had 3 of the 4 FTE for klm then: thirty of forty files, which move to K1, who has ten already."""
    rows = made.transition.query("client_group == 'klm'").set_index(["team_from", "team_to"])
    assert rows["clients"].to_dict() == {("K1", "K1"): 10, ("K2", "K1"): 30}
    assert rows["movement"].to_dict() == {("K1", "K1"): "blijft", ("K2", "K1"): "verhuist"}
    assert rows.loc[("K2", "K1"), "reason"] == "team beëindigd: dossiers volgen de postcode"


def test_a_team_with_too_little_work_is_outside_its_tolerance_as_one_with_too_much(tmp_path: Path) -> None:
    """W1 is pinned to two of the six postcodes and W2 to four, with equal hours: a third less and a third more."""
    pins = [(pc4, team, "pin", "", "") for pc4, team in zip(
        ("1001", "1002", "1005", "1006", "1009", "1010"), ("W1", "W1", "W2", "W2", "W2", "W2"), strict=True
    )]  # fmt: skip
    load = toy.divide(tmp_path, {"locks": toy.locks(*pins)}, CONFIG).load.set_index("team_id")
    assert load["deviation"][["W1", "W2", "O1"]].to_dict() == pytest.approx(
        {"W1": -1 / 3, "W2": 1 / 3, "O1": 0.0}, abs=1e-6
    )
    assert load["is_within_tolerance"][["W1", "W2", "O1"]].to_dict() == {"W1": False, "W2": False, "O1": True}


@pytest.mark.heavy
def test_a_table_is_the_same_asked_for_first_or_last_and_made_beside_others(made: toy.Division) -> None:
    """In the order of the contract, whatever was asked for first and whoever made it."""
    assert isinstance(made.outcome, toy.Tables)
    given = made.outcome.given
    with ThreadPoolExecutor(1) as beside:
        shared = replace(given, beside=beside).tables()
    whole, backwards = replace(given).tables(), replace(given)
    last_first = {name: getattr(backwards, name) for name in reversed(TABLES)}
    assert list(whole) == list(shared) == list(TABLES)
    for name, table in whole.items():
        pd.testing.assert_frame_equal(last_first[name], table)
        pd.testing.assert_frame_equal(shared[name], table)


@pytest.mark.heavy
def test_a_table_alone_is_the_table_among_all(made: toy.Division) -> None:
    assert isinstance(made.outcome, toy.Tables)
    for name, table in replace(made.outcome.given).tables().items():
        pd.testing.assert_frame_equal(getattr(replace(made.outcome.given), name), table)
