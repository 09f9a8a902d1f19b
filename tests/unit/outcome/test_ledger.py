"""Four areas and three teams that add up on paper: what each gets and holds.

Two layers: V serves vangnet, W werkgever, S both. EWT takes 4 hours of a verzekeringsarts and 6 of others, and half of
the stock is planned.

              inflow  stock  part vangnet   vangnet goes to       werkgever goes to
    1001          10      4          0.25   V                     W
    1002          20      6          0.25   S                     W
    1003           5      2          1      V 0.6, S 0.4          W
    1004           8     10          0      V                     S
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.districting import Problem, Weights
from allocation.layers.layer import Layer
from allocation.outcome.ledger import ledger, routed_work, team_ledger
from allocation.outcome.solved import Solved

CONFIG = Config()
NORMS = pd.DataFrame(
    [
        ("EWT", "WIA", 4.0, 6.0, 0.5, 1, False),
        ("MON", "WIA", 2.0, 1.0, 0.75, 3, False),
        ("HERB", "WIA", 1.0, 1.0, 0.1, 5, True),
    ],
    columns=[
        "product",
        "law",
        "hours_verzekeringsarts",
        "hours_other",
        "planned_stock_share",
        "priority",
        "is_central",
    ],
).set_index("product")


def layer(line: str, *teams: str) -> Solved:
    """A layer in which these teams have a place; two areas, for the ledger does not look at them."""
    n = len(teams)
    problem = Problem(
        unit_ids=("1001", "1002"), team_ids=teams, xy_m=np.zeros((2, 2)), demand=np.ones(2), edges=np.array([[0, 1]]),
        border_m=np.ones(1), capacity=np.ones(n), tolerance=0.5, weights=Weights(1.0),
    )  # fmt: skip
    parts = pd.DataFrame({"unit": problem.unit_ids, "pc4": problem.unit_ids, "portion": 1.0})
    plan = np.array([0, n - 1])
    return Solved(Layer("West", "zw_wia", line, (1,), problem, parts), plan, np.ones(n, dtype=int), 0.0, None, None)


def work(*more: tuple[Any, ...]) -> pd.DataFrame:
    rows = [
        ("1001", "EWT", "regulier", 10.0, 4, 0.25), ("1002", "EWT", "regulier", 20.0, 6, 0.25),
        ("1003", "EWT", "regulier", 5.0, 2, 1.0), ("1004", "EWT", "regulier", 8.0, 10, 0.0), *more,
    ]  # fmt: skip
    names = ["pc4", "product", "client_group", "inflow_clients", "stock_clients", "vangnet_part"]
    frame = pd.DataFrame(rows, columns=names).assign(law="WIA", pw_client=False)
    return frame.assign(is_central=frame["product"].eq("HERB"))


def routing(*more: tuple[Any, ...]) -> pd.DataFrame:
    rows = [
        ("1001", "vangnet", "V", 1.0), ("1002", "vangnet", "S", 1.0), ("1003", "vangnet", "V", 0.6),
        ("1003", "vangnet", "S", 0.4), ("1004", "vangnet", "V", 1.0),
        ("1001", "werkgever", "W", 1.0), ("1002", "werkgever", "W", 1.0), ("1003", "werkgever", "W", 1.0),
        ("1004", "werkgever", "S", 1.0),
    ]  # fmt: skip
    names = ["pc4", "client_line", "team_id", "share"]
    regular = pd.DataFrame(rows, columns=names).assign(client_group="regulier")
    special = pd.DataFrame(more, columns=[*names, "client_group"])
    return pd.concat([regular, special], ignore_index=True).assign(law="WIA", pw_client=False)


def files(*rows: tuple[str, str, str, int]) -> pd.DataFrame:
    """Files after the transition: product, line, team_to, clients; all were somebody else's (Z)."""
    frame = pd.DataFrame(rows, columns=["product", "line", "team_to", "clients"])
    return frame.assign(team_id="Z", serves="zw_wia", is_central=frame["product"].eq("HERB"))


HELD = files(
    ("EWT", "vangnet", "V", 5), ("EWT", "vangnet", "S", 3), ("EWT", "werkgever", "S", 4), ("EWT", "vangnet", "W", 2),
    ("MON", "werkgever", "W", 7), ("HERB", "vangnet", "V", 99),
)  # fmt: skip
SOLVED = [layer("vangnet", "S", "V"), layer("werkgever", "S", "W")]


def rows_of(held: pd.DataFrame = HELD) -> pd.DataFrame:
    table = ledger(routed_work(work(), routing(), CONFIG), held, NORMS, SOLVED)
    return table.set_index(["team_id", "layer_line", "product", "line"])


def test_what_each_team_gets_and_holds() -> None:
    rows = rows_of()
    assert rows["inflow_clients"].to_dict() == pytest.approx({
        ("V", "vangnet", "EWT", "vangnet"): 2.5 + 3.0,
        ("S", "vangnet", "EWT", "vangnet"): 5.0 + 2.0,
        ("S", "werkgever", "EWT", "werkgever"): 8.0,
        ("W", "werkgever", "EWT", "werkgever"): 7.5 + 15.0,
        ("W", "werkgever", "EWT", "vangnet"): 0.0,  # files of a line in which W has no place: with the layer it has
        ("W", "werkgever", "MON", "werkgever"): 0.0,
    })  # fmt: skip
    by_team = rows.groupby(level=["team_id", "layer_line"])
    assert by_team["stock_clients"].sum().to_dict() == pytest.approx(
        {("V", "vangnet"): 1.0 + 1.2, ("S", "vangnet"): 1.5 + 0.8, ("S", "werkgever"): 10.0, ("W", "werkgever"): 7.5}
    )
    assert by_team["files_held"].sum().to_dict() == {
        ("V", "vangnet"): 5, ("S", "vangnet"): 3, ("S", "werkgever"): 4, ("W", "werkgever"): 9,
    }  # fmt: skip


def test_a_shared_team_by_hand() -> None:
    """S on the vangnetlijn: 7 come in, 3 files are held, 2.3 are in its area. First year 7 + 1.5 clients, structural
    7 + 1.15."""
    row = rows_of().loc[("S", "vangnet", "EWT", "vangnet")]
    assert row[["planned_clients", "structural_clients"]].tolist() == pytest.approx([8.5, 8.15])
    assert row[["hours_verzekeringsarts", "hours_other"]].tolist() == pytest.approx([34.0, 51.0])
    structural = ["structural_hours_verzekeringsarts", "structural_hours_other"]
    assert row[structural].tolist() == pytest.approx([32.6, 48.9])
    assert row[["inflow_hours", "held_hours", "stock_hours"]].tolist() == pytest.approx([28.0, 12.0, 9.2])
    assert row["priority"] == 1


def test_each_product_has_its_own_norms() -> None:
    """W holds 7 files of MON: three quarters planned, 5.25 clients of 2 and 1 hours."""
    row = rows_of().loc[("W", "werkgever", "MON", "werkgever")]
    assert row[["hours_verzekeringsarts", "hours_other", "held_hours"]].tolist() == pytest.approx([10.5, 5.25, 14.0])
    assert (row["priority"], row["structural_clients"]) == (3, 0.0)


def test_the_areas_add_up() -> None:
    """43 clients a year and 22 in stock, whatever is split; 21 files that are no central ones."""
    rows = rows_of()
    assert rows[["inflow_clients", "stock_clients", "files_held"]].sum().tolist() == pytest.approx([43.0, 22.0, 21.0])


def test_central_work_is_nobodys() -> None:
    central = ("1001", "HERB", "regulier", 50.0, 60, 0.5)
    rows = ledger(routed_work(work(central), routing(), CONFIG), HELD, NORMS, SOLVED)
    assert "HERB" not in set(rows["product"])


def test_a_special_team_has_one_row_for_both_lines() -> None:
    """Six of K's clients, a third on the vangnetlijn."""
    special = ("1001", "EWT", "klm", 6.0, 0, 1 / 3)
    way = routing(("1001", "vangnet", "K", 1.0, "klm"), ("1001", "werkgever", "K", 1.0, "klm"))
    rows = ledger(routed_work(work(special), way, CONFIG), HELD, NORMS, SOLVED)
    mine = rows[rows["team_id"] == "K"]
    assert mine[["law_domain", "layer_line"]].drop_duplicates().to_numpy().tolist() == [["zw_wia", "alle"]]
    assert mine.set_index("line")["inflow_clients"].to_dict() == pytest.approx({"vangnet": 2.0, "werkgever": 4.0})


def test_work_without_a_team_is_an_error_of_the_program() -> None:
    with pytest.raises(ValueError, match=r"names no team for .*1004"):
        routed_work(work(), routing().query("pc4 != '1004'"), CONFIG)


def test_the_published_ledger_has_a_row_per_team_product_and_serving_line() -> None:
    table = team_ledger(rows_of().reset_index()).set_index(["team_id", "product", "client_line"])
    assert len(table) == 6
    assert table.loc[("S", "EWT", "vangnet"), ["files_held", "hours_verzekeringsarts"]].tolist() == [3, 34.0]
    assert table.loc[("S", "EWT", "werkgever"), ["files_held", "planned_clients"]].tolist() == [4, 10.0]
    assert table.loc[("W", "EWT", "vangnet"), ["files_held", "inflow_clients"]].tolist() == [2, 0.0]
    assert table["files_held"].dtype == "int64"
