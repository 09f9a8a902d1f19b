"""Waiting time per product and the two lines, by hand on the toy country (see ``toy``)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.outcome.waiting import line_table, projected_months
from tests.support import toy
from tests.unit.outcome.test_rules import CONFIG, configured, teams, two_lines


def waiting(made: toy.Division) -> pd.DataFrame:
    return made.outcome["waiting"]


def second_product(clients: int = 3) -> dict[str, pd.DataFrame]:
    """In every postcode of W1 also ``clients`` of ZW_EZWB in stock, of priority 2; none comes in."""
    frames = toy.tables()
    more = frames["stock"][frames["stock"]["product"] == "WIA_EWT"].assign(product="ZW_EZWB", client_line="vangnet")
    frames["stock"] = pd.concat([frames["stock"], more.assign(clients=str(clients))], ignore_index=True)
    return frames


def test_r11_waiting_time_per_priority_product_of_a_team(tmp_path: Path) -> None:
    """W1 has 100 hours a month and three postcodes.

    WIA_EWT (priority 1): 3 x 2 clients x 4 hours = 24 hours in stock, nothing goes before: 0.24 months.
    ZW_EZWB (priority 2): 3 x 3 x 3 = 27 hours more, 51 in all; each month 3 x 1 x 4 = 12 hours of WIA_EWT come in and
    go before: 51 / (100 - 12) months.
    """
    table = waiting(toy.divide(tmp_path, second_product(), CONFIG)).query("team_id == 'W1'").set_index("product")
    assert table["stock_hours"].to_dict() == pytest.approx({"WIA_EWT": 24.0, "ZW_EZWB": 27.0})
    assert table["inflow_hours"].to_dict() == pytest.approx({"WIA_EWT": 12.0, "ZW_EZWB": 0.0}, rel=1e-3)
    assert table["waiting_months"].to_dict() == pytest.approx({"WIA_EWT": 0.24, "ZW_EZWB": 51 / 88}, rel=1e-3)


def test_r11_waiting_time_of_a_region_is_that_of_its_teams_together(tmp_path: Path) -> None:
    table = waiting(toy.divide(tmp_path, config=CONFIG))
    west = table.query("level == 'regio' and arbeidsmarktregio_nr == 1 and law_domain == 'zw_wia'").iloc[0]
    assert (west["stock_hours"], west["capacity_hours"]) == pytest.approx((48.0, 200.0))
    assert west["waiting_months"] == pytest.approx(0.24)
    assert len(table.query("level == 'regio'")) == 2 + 2


def test_r14_what_readers_see_is_made_of_what_they_see_per_team(tmp_path: Path) -> None:
    """Of W1: 3 x 8 files of ZW_EZWB are shown as 30, 90 hours. WIA_EWT has 3 files of each line, which are hidden, and
    18 clients a year, shown as 20: 2 x 20 x 4 / 12 hours a month go before ZW_EZWB."""
    table = toy.divide(tmp_path, second_product(8), CONFIG).outcome["waiting_seen"]
    of_w1 = table.query("team_id == 'W1'").set_index("product")
    assert of_w1["stock_clients"].to_dict() == {"WIA_EWT": 0, "ZW_EZWB": 30}
    assert of_w1["stock_hours"].to_dict() == pytest.approx({"WIA_EWT": 0.0, "ZW_EZWB": 90.0})
    assert of_w1["inflow_hours"].to_dict() == pytest.approx({"WIA_EWT": 160 / 12, "ZW_EZWB": 0.0})
    assert of_w1["waiting_months"].to_dict() == pytest.approx({"WIA_EWT": 0.0, "ZW_EZWB": 90 / (100 - 160 / 12)})
    west = table.query("level == 'regio' and arbeidsmarktregio_nr == 1 and product == 'ZW_EZWB'").iloc[0]
    assert (west["stock_clients"], west["capacity_hours"]) == (60, 200)  # W1 and W2


def test_r11_products_beyond_the_priority_in_force_are_left_out(tmp_path: Path) -> None:
    config = configured(waiting_priority=1)
    table = waiting(toy.divide(tmp_path, second_product(), config))
    assert set(table["product"]) == {"WIA_EWT", "PW_ABA"}


def test_r11_what_is_never_reached_has_no_waiting_time(tmp_path: Path) -> None:
    """W1 has 0.1 FTE, 10 hours a month, and more than that comes in of the first priority."""
    frames = second_product() | {"teams": teams(toy.team("W1", "1", "1001", fte_verzekeringsarts="0.1"))}
    table = waiting(toy.divide(tmp_path, frames, configured(tolerance=0.99))).query("team_id == 'W2'")
    assert table["waiting_months"].notna().all()
    small = {
        "teams": teams(*(toy.team(t, "1", p, fte_verzekeringsarts="0.1") for t, p in (("W1", "1001"), ("W2", "1009"))))
    }
    table = waiting(toy.divide(tmp_path / "small", second_product() | small, CONFIG)).query("team_id == 'W1'")
    months = table.set_index("product")["waiting_months"]
    assert months["WIA_EWT"] == pytest.approx(2.4)
    assert np.isnan(months["ZW_EZWB"])


def test_r6_capacity_that_moved_between_the_lines(tmp_path: Path) -> None:
    """First W1 (vangnet) and W2 (werkgever) have 1,200 hours each; then W2 has 3,600: a part of 3/4 instead of 1/2.

    Of 4,800 hours the line werkgever so has 1,200 more than it would have had. W1 and W2 are asked the same hours, so
    1,200 hours would have to go back for both lines to be asked the same part.
    """
    made = toy.divide(tmp_path / "before", {"teams": two_lines()}, CONFIG)
    before = made.load
    stronger = two_lines()
    stronger.loc[stronger["team_id"] == "W2", "fte_verzekeringsarts"] = "3"
    after = toy.divide(tmp_path / "after", {"teams": stronger}, CONFIG).load
    lines = line_table(after, before, made.allocation).set_index("client_line")
    assert lines["cluster"].unique().tolist() == ["West"]
    assert lines["moved_hours"].to_dict() == pytest.approx({"vangnet": -1200.0, "werkgever": 1200.0})
    assert lines["even_hours"].to_dict() == pytest.approx({"vangnet": 1200.0, "werkgever": -1200.0})
    assert lines["shared_hours"].tolist() == [0.0, 0.0]
    assert line_table(before, None, made.allocation)["moved_hours"].isna().all()


def test_r6_no_lines_where_all_teams_serve_both(tmp_path: Path) -> None:
    made = toy.divide(tmp_path, config=CONFIG)
    assert line_table(made.load, made.load, made.allocation).empty


def test_projected_waiting_time_of_a_queue_that_grows_and_of_one_that_vanishes() -> None:
    """1,200 hours a year to give: a queue of 300 hours with 1,500 asked is 600 after a year, 6 months; half a year
    earlier 450, 4.5 months. With 700 asked it is gone. Without capacity nobody can say."""
    queue, asked = pd.Series([300.0, 300.0, 300.0]), pd.Series([1500.0, 700.0, 1.0])
    capacity = pd.Series([1200.0, 1200.0, 0.0])
    assert projected_months(queue, asked, capacity, 12).tolist() == pytest.approx([6.0, 0.0, np.nan], nan_ok=True)
    assert projected_months(queue, asked, capacity, 6).tolist()[0] == pytest.approx(4.5)
