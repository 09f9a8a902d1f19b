"""The three balances by hand, with unequal numbers everywhere so that no two terms can be swapped.

EWT: 4 hours a client, half of the stock planned, priority 1. MON (monitoring: it comes back, none comes in): 2 hours,
three quarters, priority 2. LOW: 5 hours, a fifth, priority 6: beyond the priority that counts for waiting.
"""

from __future__ import annotations

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.layers.balance import balanced_hours, base_hours, hours_per_area, of_layer
from allocation.layers.holding import Reason

NORMS = pd.DataFrame(
    [("EWT", 4.0, 0.5, 1), ("MON", 2.0, 0.75, 2), ("LOW", 5.0, 0.2, 6)],
    columns=["product", "hours_verzekeringsarts", "planned_stock_share", "priority"],
).set_index("product")
RECURRING = frozenset({"MON"})


def config(balance: str, **changes: object) -> Config:
    return Config.from_values({"balance": balance, "horizon_months": 3, "waiting_priority": 5} | changes)


def work() -> pd.DataFrame:
    """Of 1001, where a quarter is on the vangnetlijn, and 1002, where all is: inflow a year and stock."""
    rows = [
        ("1001", "EWT", 10.0, 6, 0.25), ("1001", "MON", 0.0, 8, 0.25), ("1001", "LOW", 3.0, 7, 0.25),
        ("1002", "EWT", 20.0, 2, 1.0),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["pc4", "product", "inflow_clients", "stock_clients", "vangnet_part"])
    norms = NORMS.loc[frame["product"]].reset_index(drop=True)
    planned = frame["inflow_clients"] + norms["planned_stock_share"] * frame["stock_clients"]
    return frame.assign(
        client_group="regulier", pw_client=False, is_central=False, priority=norms["priority"],
        planned_clients=planned, hours_verzekeringsarts=planned * norms["hours_verzekeringsarts"],
    )  # fmt: skip


def files() -> pd.DataFrame:
    """What A and B hold and may keep; what B holds and may not, what nobody is known to hold, and a central one."""
    rows = [
        ("1001", "EWT", "vangnet", "zw_wia", "A", 3, None, False),
        ("1001", "EWT", "werkgever", "zw_wia", "A", 5, None, False),
        ("1001", "MON", "vangnet", "zw_wia", "B", 8, None, False),
        ("1002", "EWT", "vangnet", "zw_wia", "B", 2, Reason.REGION, False),
        ("1002", "MON", "vangnet", "zw_wia", None, 7, None, False),
        ("1002", "LOW", "vangnet", "zw_wia", None, 11, None, False),
        ("1002", "LOW", "vangnet", "zw_wia", "B", 13, None, False),
        ("1002", "EWT", "vangnet", "zw_wia", None, 17, None, True),
        ("1001", "EWT", "vangnet", "pw", "P", 19, None, False),
    ]
    names = ["pc4", "product", "line", "serves", "team_id", "clients", "refusal", "is_central"]
    return pd.DataFrame(rows, columns=names)


def areas(settings: Config, line: str = "alle", held: pd.DataFrame | None = None) -> dict[str, float]:
    held = files() if held is None else held
    return hours_per_area(work(), held, NORMS, RECURRING, "zw_wia", line, settings).to_dict()  # type: ignore[no-any-return]


def test_load_is_inflow_and_planned_stock_of_the_area() -> None:
    """1001: (10 + 3) x 4 + 6 x 2 + (3 + 1.4) x 5 = 52 + 12 + 22; 1002: (20 + 1) x 4. No files of teams."""
    assert areas(config("load")) == pytest.approx({"1001": 86.0, "1002": 84.0})
    assert areas(config("load"), "vangnet") == pytest.approx({"1001": 21.5, "1002": 84.0})
    assert areas(config("load"), "werkgever") == pytest.approx({"1001": 64.5})
    assert base_hours(files(), NORMS, RECURRING, "zw_wia", "alle", config("load")) is None


def test_first_year_is_inflow_of_the_area_and_the_planned_files_that_follow_it() -> None:
    """1001: 10 x 4 + 3 x 5 = 55, and no file that follows. 1002: 20 x 4 = 80, 2 x 4/2, 7 x 1.5, 11 x 1."""
    assert areas(config("first_year")) == pytest.approx({"1001": 55.0, "1002": 80.0 + 4.0 + 10.5 + 11.0})


def test_first_year_of_the_teams_is_the_planned_part_of_what_they_keep() -> None:
    """A: 8 x 2, of which 3 x 2 on the vangnetlijn; B: 8 x 1.5 and 13 x 1."""
    all_lines = base_hours(files(), NORMS, RECURRING, "zw_wia", "alle", config("first_year"))
    vangnet = base_hours(files(), NORMS, RECURRING, "zw_wia", "vangnet", config("first_year"))
    assert all_lines is not None
    assert vangnet is not None
    assert all_lines.to_dict() == pytest.approx({"A": 16.0, "B": 25.0})
    assert vangnet.to_dict() == pytest.approx({"A": 6.0, "B": 25.0})


def test_waiting_time_is_a_quarter_of_the_inflow_and_all_files() -> None:
    """Three months: 1001: 40 / 4; 1002: 80 / 4, 2 x 4, and of MON 7 x 1.5 / 4. LOW does not count."""
    assert areas(config("waiting_time")) == pytest.approx({"1001": 10.0, "1002": 20.0 + 8.0 + 2.625})


def test_waiting_time_of_the_teams_is_all_that_they_keep_but_for_work_that_comes_back() -> None:
    """A: 8 x 4; B: 8 x 1.5 / 4 of MON; LOW does not count unless its priority does: then 13 x 5."""
    base = base_hours(files(), NORMS, RECURRING, "zw_wia", "alle", config("waiting_time"))
    low = base_hours(files(), NORMS, RECURRING, "zw_wia", "alle", config("waiting_time", waiting_priority=6))
    assert base is not None
    assert low is not None
    assert base.to_dict() == pytest.approx({"A": 32.0, "B": 3.0})
    assert low.to_dict() == pytest.approx({"A": 32.0, "B": 68.0})
    assert areas(config("waiting_time", waiting_priority=6))["1001"] == pytest.approx(10.0 + 15.0 / 4)


def test_priority_that_counts_is_up_to_and_including() -> None:
    base = base_hours(files(), NORMS, RECURRING, "zw_wia", "alle", config("waiting_time", waiting_priority=2))
    only = base_hours(files(), NORMS, RECURRING, "zw_wia", "alle", config("waiting_time", waiting_priority=1))
    assert base is not None
    assert only is not None
    assert base.to_dict() == pytest.approx({"A": 32.0, "B": 3.0})
    assert only.to_dict() == pytest.approx({"A": 32.0, "B": 0.0})


def test_where_clients_follow_the_postcode_no_team_has_hours_beforehand() -> None:
    settings = config("first_year", continuity="move")
    base = base_hours(files(), NORMS, RECURRING, "zw_wia", "alle", settings)
    assert base is not None
    assert base.empty
    assert areas(settings) == pytest.approx({"1001": 55.0 + 16.0 + 12.0, "1002": 105.5 + 13.0})


def test_files_of_a_layer() -> None:
    assert of_layer(files(), "zw_wia", "werkgever")["clients"].tolist() == [5]
    assert of_layer(files(), "pw", "alle")["clients"].tolist() == [19]
    assert len(of_layer(files(), "zw_wia", "alle")) == 8


LEDGER = pd.DataFrame(
    [("EWT", 1, 100.0, 70.0, 40.0, 60.0), ("MON", 2, 12.0, 9.0, 0.0, 16.0), ("LOW", 6, 50.0, 33.0, 20.0, 65.0)],
    columns=["product", "priority", "structural_hours_verzekeringsarts", "hours_verzekeringsarts", "inflow_hours",
             "held_hours"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "hours"),
    [
        (config("load"), [100.0, 12.0, 50.0]),
        (config("first_year"), [70.0, 9.0, 33.0]),
        (config("waiting_time"), [40 / 4 + 60, 9 / 4, 0.0]),
        (config("waiting_time", horizon_months=24, waiting_priority=6), [40 * 2 + 60, 9 * 2, 20 * 2 + 65]),
    ],
)
def test_balanced_hours_of_the_outcome(settings: Config, hours: list[float]) -> None:
    assert balanced_hours(LEDGER, RECURRING, settings).tolist() == pytest.approx(hours)
