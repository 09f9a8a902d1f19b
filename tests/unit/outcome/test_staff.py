"""Clients where a team's own staff live, and what barring costs, on paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.districting import Problem
from allocation.layers.layer import Layer
from allocation.outcome.solved import Solved
from allocation.outcome.staff import staff_table
from tests.support import toy

PC4S = ["1001", "1002", "1003", "1004"]


def row_of_four(plan: list[int], *, allowed: np.ndarray | None = None) -> Solved:
    """Four postcodes in a row, a kilometre apart, with 10, 20, 30 and 40 hours; offices at 1001, 1004 and 1003."""
    xy_m = np.array([[1000.0 * at, 0.0] for at in range(4)])
    problem = Problem(
        unit_ids=tuple(PC4S), team_ids=("A", "B", "C"), xy_m=xy_m, demand=np.array([10.0, 20.0, 30.0, 40.0]),
        edges=np.array([[0, 1], [1, 2], [2, 3]]), border_m=np.zeros(3), capacity=np.array([3.0, 5.0, 2.0]),
        tolerance=0.1, office_xy_m=xy_m[[0, 3, 2]], allowed=allowed,
    )  # fmt: skip
    layer = Layer("West", "zw_wia", "alle", (1,), problem, pd.DataFrame({"unit": PC4S, "pc4": PC4S, "portion": 1.0}))
    return Solved(layer, np.array(plan), np.ones(3, dtype=np.int64), 0.0, None, None)


def routed(plan: list[str]) -> pd.DataFrame:
    """2, 4, 6 and 8 clients a year."""
    return pd.DataFrame({"pc4": PC4S, "team_id": plan, "planned_clients": [2.0, 4.0, 6.0, 8.0], "share": 1.0})


def staff(*rows: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["pc4", "team_id", "staff"])


def test_figures_by_hand() -> None:
    """A has 1001 and 1002, B 1003 and 1004; C nothing. Staff of A live in 1002: 4 of its 6 clients.

    Barred there, 1002 (20 hours) goes to B, which is beside it, though C's office is nearer: from 1 km to 2 km. A's
    share of the 100 hours by capacity is 30: from 30 to 10 hours. B's is 50: from 70 to 90 hours.
    """
    table = staff_table([row_of_four([0, 0, 1, 1])], routed(["A", "A", "B", "B"]), staff(("1002", "A", 1)))
    (row,) = table.to_dict("records")
    assert (row["team_id"], row["areas"], row["takers"], row["areas_without_taker"]) == ("A", 1, "B", 0)
    assert row["clients_per_year"] == 4.0
    assert row["client_share"] == pytest.approx(4 / 6)
    assert row["extra_km"] == pytest.approx(1.0)
    assert row["deviation"] == pytest.approx(0.0)
    assert row["deviation_barred"] == pytest.approx(10 / 30 - 1)
    assert row["taker_deviation"] == pytest.approx(90 / 50 - 1)


def test_a_postcode_goes_to_nobody_whose_own_staff_live_there() -> None:
    """Staff of A and of B live in 1002: it goes to C, which is not beside it."""
    table = staff_table(
        [row_of_four([0, 0, 1, 1])], routed(["A", "A", "B", "B"]), staff(("1002", "A", 1), ("1002", "B", 2))
    )
    (row,) = table.to_dict("records")
    assert row["takers"] == "C"


def test_where_no_other_team_may_serve_it_stays_and_is_told() -> None:
    allowed = np.ones((4, 3), dtype=bool)
    allowed[1, 1:] = False
    table = staff_table(
        [row_of_four([0, 0, 1, 1], allowed=allowed)], routed(["A", "A", "B", "B"]), staff(("1002", "A", 1))
    )
    (row,) = table.to_dict("records")
    assert (row["takers"], row["areas_without_taker"], row["deviation_barred"]) == ("", 1, pytest.approx(0.0))
    assert np.isnan(row["extra_km"])


def test_staff_elsewhere_or_counted_as_none_do_not_count() -> None:
    one = row_of_four([0, 0, 1, 1])
    assert staff_table([one], routed(["A", "A", "B", "B"]), staff(("1003", "A", 1), ("1001", "A", 0))).empty
    assert staff_table([replace(one)], routed(["A", "A", "B", "B"]), staff()).empty


def test_the_input_reaches_the_table(tmp_path: Path) -> None:
    """Staff of P1, which serves everywhere alone, live in 1001: nobody may take over."""
    given = pd.DataFrame({"pc4": ["1001"], "team_id": ["P1"], "staff": ["2"]})
    (row,) = toy.divide(tmp_path, {"staff": given}).outcome["staff"].to_dict("records")
    assert (row["team_id"], row["law_domain"], row["areas_without_taker"]) == ("P1", "pw", 1)
    assert row["client_share"] == pytest.approx(1 / 12)
