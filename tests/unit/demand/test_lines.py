"""On which line a client is served: counts of `alle` by hand, in two regions with other proportions."""

from __future__ import annotations

import pandas as pd
import pytest

from allocation.demand.lines import by_line, line_parts, vangnet_part

PRODUCTS = pd.DataFrame(
    [("EWT", "vangnet|werkgever"), ("EZWB", "vangnet"), ("DO", "werkgever")], columns=["product", "client_lines"]
)


def counts(*rows: tuple[str, str, str, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["rate_region", "product", "client_line", "inflow_clients", "stock_clients"])


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


@pytest.mark.parametrize(
    ("alle", "stock", "part"),
    [
        (100.0, (2, 3), 0.5),  # two cells that readers do not see, beside 100 clients that they would move by 20 each
        (100.0, (8, 3), 1.0),  # 8 is seen
        (4.0, (2, 3), 0.4),  # few to be spread: less than a client for each
        (100.0, (0, 0), 0.5),
    ],
)
def test_r14_r15_few_files_of_a_known_line_do_not_spread_many_clients(
    alle: float, stock: tuple[int, int], part: float
) -> None:
    rows = counts(
        ("1", "EWT", "vangnet", 0.0, stock[0]), ("1", "EWT", "werkgever", 0.0, stock[1]), ("1", "EWT", "alle", alle, 1)
    )
    assert line_parts(rows, PRODUCTS)["vangnet_part"].tolist() == pytest.approx([part])


def test_each_region_and_product_is_looked_at_by_itself() -> None:
    """Region 1 has many clients to spread beside two small cells, region 2 few beside the same."""
    rows = counts(
        ("1", "EWT", "vangnet", 0.0, 2), ("1", "EWT", "werkgever", 0.0, 3), ("1", "EWT", "alle", 100.0, 1),
        ("2", "EWT", "vangnet", 0.0, 2), ("2", "EWT", "werkgever", 0.0, 3), ("2", "EWT", "alle", 4.0, 1),
    )  # fmt: skip
    found = line_parts(rows, PRODUCTS).set_index("rate_region")["vangnet_part"].to_dict()
    assert found == pytest.approx({"1": 0.5, "2": 0.4})


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
