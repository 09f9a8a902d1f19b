"""Who serves a client, which work a layer has, what hours a team has, and the norms of a product: by hand."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.layers.work import (
    capacity_hours,
    layer_work,
    monthly_capacity,
    product_norms,
    recurring_products,
    served_by,
)

CASES = pd.DataFrame(
    [("regulier", False), ("regulier", True), ("klm", False), ("klm", True)], columns=["client_group", "pw_client"]
)


@pytest.mark.parametrize(("special_first", "both"), [(False, "pw"), (True, "bijzonder")])
def test_who_serves_a_client_and_who_one_that_is_both(special_first: bool, both: str) -> None:
    found = served_by(CASES, Config(special_first=special_first))
    assert found.tolist() == ["zw_wia", "pw", "bijzonder", both]


def work() -> pd.DataFrame:
    """Rows: regular with 0.25 on the vangnetlijn, wholly vangnet, central, of a PW client, of a special group."""
    return pd.DataFrame(
        {
            "pc4": ["1001", "1002", "1003", "1004", "1005"],
            "client_group": ["regulier", "regulier", "regulier", "regulier", "klm"],
            "pw_client": [False, False, False, True, False],
            "is_central": [False, False, True, False, False],
            "priority": [3, 4, 1, 1, 1],
            "vangnet_part": [0.25, 1.0, 0.5, 1.0, 0.5],
            "inflow_clients": [8.0, 5.0, 7.0, 3.0, 2.0],
            "hours_verzekeringsarts": [40.0, 10.0, 9.0, 6.0, 4.0],
        }
    )


@pytest.mark.parametrize(
    ("domain", "line", "inflow", "hours"),
    [
        ("zw_wia", "alle", {"1001": 8.0, "1002": 5.0}, 50.0),
        ("zw_wia", "vangnet", {"1001": 2.0, "1002": 5.0}, 20.0),
        ("zw_wia", "werkgever", {"1001": 6.0}, 30.0),
        ("pw", "alle", {"1004": 3.0}, 6.0),
        ("pw", "werkgever", {}, 0.0),
    ],
)
def test_a_layer_has_the_part_of_the_work_that_is_served_on_its_line(
    domain: str, line: str, inflow: dict[str, float], hours: float
) -> None:
    rows = layer_work(work(), domain, line, Config())
    assert rows.set_index("pc4")["inflow_clients"].to_dict() == inflow
    assert rows["hours_verzekeringsarts"].sum() == hours
    assert set(rows["priority"]) <= {1, 3, 4}, "a priority is no amount"
    assert set(rows["vangnet_part"]) <= {0.25, 1.0}


def periods(*rows: tuple[str, float, float, float, str, str | None]) -> pd.DataFrame:
    """Team, fte_verzekeringsarts, fte_other, productivity, first and last day."""
    names = ["team_id", "fte_verzekeringsarts", "fte_other", "productivity", "valid_from", "valid_to"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(valid_from=pd.to_datetime(frame["valid_from"]), valid_to=pd.to_datetime(frame["valid_to"]))


def hours_of(frame: pd.DataFrame, day: date = date(2026, 1, 1)) -> dict[str, tuple[float, float]]:
    config = Config.from_values({"work": {"productive_hours_per_fte": 1000.0}})
    return {
        str(row.Index): (row.verzekeringsarts, row.other) for row in capacity_hours(frame, day, config).itertuples()
    }


def test_a_team_has_the_hours_of_the_days_that_it_works() -> None:
    """365 days from 1 January. TWO: 59 days with 1 FTE, then 306 with 3, at 0.5. ENDS on 14 March: 73 days, a fifth."""
    found = hours_of(
        periods(
            ("WHOLE", 2.0, 0.5, 1.1, "2020-01-01", None),
            ("TWO", 1.0, 2.0, 0.5, "2020-01-01", "2026-02-28"), ("TWO", 3.0, 0.0, 0.5, "2026-03-01", None),
            ("ENDS", 1.0, 10.0, 1.0, "2020-01-01", "2026-03-14"),
            ("OVER", 1.0, 1.0, 1.0, "2020-01-01", "2025-12-31"),
            ("LATER", 1.0, 4.0, 1.0, "2027-01-01", None),
            ("STARTS", 1.0, 4.0, 1.0, "2026-10-20", "2030-01-01"),
        )
    )  # fmt: skip
    assert found == {
        "WHOLE": pytest.approx((2200.0, 550.0)),
        "TWO": pytest.approx((0.5 * 1000 * (59 + 3 * 306) / 365, 0.5 * 1000 * 2 * 59 / 365)),
        "ENDS": pytest.approx((200.0, 2000.0)),
        "OVER": (0.0, 0.0),
        "LATER": (0.0, 0.0),
        "STARTS": pytest.approx((200.0, 800.0)),
    }


def test_the_year_of_the_hours_begins_on_the_first_day() -> None:
    """From 1 July 2027 on 366 days, of which the team works one."""
    found = hours_of(periods(("A", 1.0, 2.0, 1.0, "2020-01-01", "2027-07-01")), date(2027, 7, 1))
    assert found == {"A": pytest.approx((1000 / 366, 2000 / 366))}


def test_month_by_month_a_team_has_the_hours_of_its_periods() -> None:
    """Of 1,200 hours a year, 100 a month. TWO has 1 FTE until 10 March (10 of 31 days), then 3. ENDS in June."""
    frame = periods(
        ("TWO", 1.0, 2.0, 1.0, "2020-01-01", "2026-03-10"), ("TWO", 3.0, 0.0, 1.0, "2026-03-11", None),
        ("ENDS", 0.5, 10.0, 1.0, "2020-01-01", "2026-06-15"),
    )  # fmt: skip
    config = Config.from_values({"work": {"productive_hours_per_fte": 1200.0}})
    table = monthly_capacity(frame, date(2026, 1, 1), config, 14)
    assert table.loc["TWO"].tolist() == pytest.approx([100, 100, 100 * (10 + 3 * 21) / 31, *[300] * 11])
    assert table.loc["ENDS"].tolist() == pytest.approx([50] * 5 + [25] + [0] * 8)


def products() -> pd.DataFrame:
    rows = [("EWT", "WIA", 4.0, 6.0, 0.5, 1, "team"), ("EZWB", "ZW", 3.0, 2.0, 0.25, 2, "team"),
            ("HERB", "WIA", 1.0, 8.0, 0.1, 5, "central"), ("ABA", "PW", 2.0, 5.0, 0.75, 3, None)]  # fmt: skip
    names = ["product", "law", "hours_verzekeringsarts", "hours_other", "planned_stock_share", "priority", "handled_by"]
    return pd.DataFrame(rows, columns=names)


def test_norms_are_those_of_the_list_times_the_factor_of_the_product() -> None:
    config = Config.from_values({"work": {"hours_factor": {"EWT": 1.5, "*": 0.5}}})
    norms = product_norms(products(), config)
    assert norms["hours_verzekeringsarts"].to_dict() == {"EWT": 6.0, "EZWB": 1.5, "HERB": 0.5, "ABA": 1.0}
    assert norms["hours_other"].to_dict() == {"EWT": 9.0, "EZWB": 1.0, "HERB": 4.0, "ABA": 2.5}
    assert norms["planned_stock_share"].to_dict() == {"EWT": 0.5, "EZWB": 0.25, "HERB": 0.1, "ABA": 0.75}
    assert norms["priority"].to_dict() == {"EWT": 1, "EZWB": 2, "HERB": 5, "ABA": 3}
    assert norms["law"].to_dict() == {"EWT": "WIA", "EZWB": "ZW", "HERB": "WIA", "ABA": "PW"}
    assert norms.index[norms["is_central"]].tolist() == ["HERB"]


def test_without_a_factor_the_norms_are_those_of_the_list() -> None:
    norms = product_norms(products(), Config())
    assert norms["hours_verzekeringsarts"].tolist() == [4.0, 3.0, 1.0, 2.0]
    assert norms["hours_other"].tolist() == [6.0, 2.0, 8.0, 5.0]


def test_recurring_work_is_what_nobody_ever_came_in_for() -> None:
    """MON has files and no inflow; OLD got clients once, and none are expected; NEW has no files."""
    inflow = pd.DataFrame([("EWT", 3), ("OLD", 1), ("NEW", 2), ("MON", 0)], columns=["product", "clients"])
    stock = pd.DataFrame([("EWT", 5), ("OLD", 7), ("MON", 9), ("NIL", 0)], columns=["product", "clients"])
    assert recurring_products(inflow, stock) == frozenset({"MON"})
