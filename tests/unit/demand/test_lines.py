"""On which line a client is served: counts of `alle` by hand, in two regions with other proportions."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.demand.lines import by_line, line_parts, vangnet_part
from expectations.recount import segment_work
from tests.support.examples import examples

PRODUCTS = pd.DataFrame(
    [("EWT", "vangnet|werkgever"), ("EZWB", "vangnet"), ("DO", "werkgever")], columns=["product", "client_lines"]
)


def counts(*rows: tuple[str, str, str, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["rate_region", "product", "client_line", "inflow_clients", "known_stock"])


def parts() -> pd.DataFrame:
    """Region 1 counts 20 + 10 on the vangnetlijn and 5 + 5 on the werkgeverslijn; region 2 names no line."""
    return line_parts(
        counts(
            ("1", "EWT", "vangnet", 20.0, 10),
            ("1", "EWT", "werkgever", 5.0, 5),
            ("1", "EWT", "alle", 100.0, 100),
            ("2", "EWT", "alle", 7.0, 1),
            ("2", "EZWB", "alle", 7.0, 0),
            ("1", "DO", "alle", 3.0, 0),
        ),
        PRODUCTS,
    )


def test_r15_counts_of_alle_follow_the_lines_counted_in_their_region_else_evenly() -> None:
    found = parts().set_index(["rate_region", "product"])["vangnet_part"].to_dict()
    assert found == pytest.approx({("1", "EWT"): 0.75, ("2", "EWT"): 0.5, ("2", "EZWB"): 1.0, ("1", "DO"): 0.0})


def test_a_plan_of_before_counts_its_stock() -> None:
    rows = counts(("1", "EWT", "vangnet", 0.0, 3), ("1", "EWT", "werkgever", 0.0, 1), ("1", "EWT", "alle", 9.0, 99))
    before = rows.rename(columns={"known_stock": "stock_clients"})
    assert line_parts(before, PRODUCTS)["vangnet_part"].tolist() == pytest.approx([0.75])


def test_r15_r16_a_named_line_stands_and_zw_is_always_the_vangnetlijn() -> None:
    rows = pd.DataFrame(
        [
            ("1", "EWT", "WIA", "alle"),
            ("1", "EWT", "WIA", "werkgever"),
            ("1", "EWT", "WIA", "vangnet"),
            ("1", "EWT", "ZW", "werkgever"),
            ("3", "EWT", "WIA", "alle"),
        ],
        columns=["rate_region", "product", "law", "client_line"],
    )
    assert vangnet_part(rows, parts()).tolist() == pytest.approx([0.75, 0.0, 1.0, 1.0, 0.5])


def test_rows_by_line_sum_to_the_whole_and_leave_out_what_is_nothing() -> None:
    rows = pd.DataFrame({"pc4": ["1001", "1002", "1003"], "vangnet_part": [0.75, 1.0, 0.0]})
    spread = by_line(rows)
    assert spread[["pc4", "line", "part"]].to_numpy().tolist() == [
        ["1001", "vangnet", 0.75],
        ["1002", "vangnet", 1.0],
        ["1001", "werkgever", 0.25],
        ["1003", "werkgever", 1.0],
    ]


CELLS = st.lists(
    st.tuples(st.sampled_from(["vangnet", "werkgever", "alle"]), st.integers(0, 12), st.sampled_from([0.0, 1.5])),
    min_size=1,
    max_size=6,
)


@given(CELLS)
@settings(max_examples=examples(30), deadline=None)
def test_the_gate_counts_the_same_clients_on_each_line(cells: list[tuple[str, int, float]]) -> None:
    """It counts again with code of its own, and refuses a run where it finds other work."""
    work = pd.DataFrame(cells, columns=["client_line", "stock_clients", "inflow_clients"]).assign(
        pc4="1001", client_group="regulier", pw_client=False, law="WIA", product="EWT", rate_region="1",
        is_central=False, hours_verzekeringsarts=0.0,
    )  # fmt: skip
    work["known_stock"] = 5.0 * round(work["stock_clients"] / 5)
    work["planned_clients"] = work["inflow_clients"] + 0.5 * work["stock_clients"]
    work["vangnet_part"] = vangnet_part(work, line_parts(work, PRODUCTS))
    spread = by_line(work)
    here = (spread["planned_clients"] * spread["part"]).groupby(spread["line"]).sum()
    again = segment_work(work, PRODUCTS).groupby("line")["clients"].sum()
    pd.testing.assert_series_equal(here, again, check_names=False)
