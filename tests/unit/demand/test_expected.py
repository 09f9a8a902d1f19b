"""The demand estimate on instances that can be checked by hand.

The four areas of most tests, all of region 1 but the last, which is alone in region 2:

    region 1                                    region 2
    +------+------+------+                      +------+
    | 1001 | 1002 | 1003 |                      | 2001 |
    | 1000 | 1000 | 2000 |  inhabitants         | 1000 |
    +------+------+------+                      +------+
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from allocation.contract.config import Config, Work
from allocation.contract.errors import Refused
from allocation.demand.expected import expected_inflow, expected_work
from allocation.demand.intervals import KEY, SHARED, team_interval
from allocation.intake.inputs import Inputs

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]
TWO_YEARS = [f"2024-{month:02d}" for month in range(1, 13)] + MONTHS


def four_areas(**changed: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "pc4": ["1001", "1002", "1003", "2001"],
            "arbeidsmarktregio_nr": [1, 1, 1, 2],
            "gemeente_code": ["0001", "0002", "0003", "0004"],
            "inhabitants": pd.array([1000, 1000, 2000, 1000], dtype="Int64"),
        }
    )
    return frame.assign(**changed)


def inflow_rows(per_month: dict[str, int], months: list[str] = MONTHS, **same: str) -> pd.DataFrame:
    """The same number of clients every month for each of the postcodes; zero means no row, as in the files."""
    keys = {"product": "WIA_EWT", "client_line": "alle", "client_group": "regulier", "pw_client": False} | same
    rows = [(month, pc4, clients) for month in months for pc4, clients in per_month.items() if clients]
    return pd.DataFrame(rows, columns=["month", "pc4", "clients"]).assign(**keys)


class TestExpectedInflow:
    def estimate(self, inflow: pd.DataFrame, areas: pd.DataFrame) -> pd.Series:
        return expected_inflow(inflow, areas).set_index("pc4")["inflow_clients"]

    def test_totals_of_the_country_are_kept_and_nearly_those_of_regions(self) -> None:
        found = self.estimate(inflow_rows({"1001": 1, "1002": 4, "1003": 3, "2001": 9}), four_areas())
        assert found.sum() == pytest.approx(204.0)
        assert found["2001"] == pytest.approx(108.0, rel=0.03)

    def test_splitting_a_postcode_changes_no_total(self) -> None:
        """1003 in two halves, 1003 and 1004, in the same gemeente: the region and the country keep their clients."""
        whole = expected_inflow(inflow_rows({"1001": 1, "1002": 4, "1003": 6, "2001": 9}), four_areas())
        halves = pd.DataFrame(
            {
                "pc4": ["1001", "1002", "1003", "1004", "2001"],
                "arbeidsmarktregio_nr": [1, 1, 1, 1, 2],
                "gemeente_code": ["0001", "0002", "0003", "0003", "0004"],
                "inhabitants": pd.array([1000, 1000, 1000, 1000, 1000], dtype="Int64"),
            }
        )
        split = expected_inflow(inflow_rows({"1001": 1, "1002": 4, "1003": 3, "1004": 3, "2001": 9}), halves)
        assert split["inflow_clients"].sum() == pytest.approx(whole["inflow_clients"].sum())
        regions = [table.groupby("rate_region")["inflow_clients"].sum() for table in (whole, split)]
        assert regions[1].to_numpy() == pytest.approx(regions[0].to_numpy(), rel=0.01)

    def test_a_month_that_was_not_delivered_is_no_month_without_clients(self) -> None:
        some = {"1001": 4, "1002": 4, "1003": 8, "2001": 8}
        found = self.estimate(inflow_rows(some, [month for month in TWO_YEARS if month != "2025-03"]), four_areas())
        assert found.sum() == pytest.approx(24 * 12)

    def test_declared_months_are_not_used(self) -> None:
        """The last two months hold a quarter of the clients; declared, they change nothing."""
        some, few = {"1001": 4, "1002": 4, "1003": 8, "2001": 8}, {"1001": 1, "1002": 1, "1003": 2, "2001": 2}
        inflow = pd.concat([inflow_rows(some, TWO_YEARS[:-2]), inflow_rows(few, TWO_YEARS[-2:])])
        declared = expected_inflow(inflow, four_areas(), exceptional=TWO_YEARS[-2:])
        assert declared["inflow_clients"].sum() == pytest.approx(24 * 12)
        with pytest.raises(Refused, match="no clients at all"):
            expected_inflow(inflow, four_areas(), exceptional=TWO_YEARS)

    def test_a_product_that_ended_is_expected_no_more(self) -> None:
        some = {"1001": 4, "1002": 4, "1003": 8, "2001": 8}
        ended = inflow_rows(some, TWO_YEARS[:18], product="OLD")
        found = expected_inflow(pd.concat([inflow_rows(some, TWO_YEARS), ended]), four_areas())
        total = found.groupby("product")["inflow_clients"].sum()
        assert total["OLD"] == 0
        assert total["WIA_EWT"] == pytest.approx(24 * 12)

    def test_a_region_that_stops_telling_lines_apart_keeps_its_clients_and_has_only_the_new_line(self) -> None:
        """Region 1 counts by line in the first year and under ``alle`` in the second; region 2 always by line."""
        two = {"1001": 3, "1002": 3, "1003": 6}
        both = ("vangnet", "werkgever")
        inflow = pd.concat(
            [inflow_rows(two, TWO_YEARS[:12], client_line=line) for line in both]
            + [inflow_rows({name: 2 * n for name, n in two.items()}, TWO_YEARS[12:])]
            + [inflow_rows({"2001": 5}, TWO_YEARS, client_line=line) for line in both]
        )
        found = expected_inflow(inflow, four_areas())
        total = found.groupby(["rate_region", "client_line"])["inflow_clients"].sum().to_dict()
        assert set(total) == {("1", "alle"), ("2", "vangnet"), ("2", "werkgever")}
        assert total["1", "alle"] == pytest.approx(288, rel=0.02)
        assert total["2", "vangnet"] == pytest.approx(60, rel=0.08)

    def test_absent_rows_are_zero_clients(self) -> None:
        """1003 has no rows at all, still it gets some of the region's rate, less than its inhabitants ask."""
        found = self.estimate(inflow_rows({"1001": 1, "1002": 1}), four_areas())
        assert 0 < found["1003"] < 12.0
        assert "2001" not in found.index, "no clients in region 2: nothing says that the product occurs there"

    def test_small_group_follows_the_region(self) -> None:
        """One military client a year in the region is spread over its areas, nearly by inhabitants."""
        regular = inflow_rows({"1001": 9, "1002": 9, "1003": 18, "2001": 9})
        one = inflow_rows({"1001": 1}, MONTHS[:1], client_group="militair")
        found = expected_inflow(pd.concat([regular, one]), four_areas())
        group = found[found["client_group"] == "militair"].set_index("pc4")["inflow_clients"]
        assert group.sum() == pytest.approx(1.0)
        assert group.to_dict() == pytest.approx({"1001": 0.25, "1002": 0.25, "1003": 0.5}, rel=0.35)
        assert group["1001"] > group["1002"]

    @pytest.mark.parametrize("inhabitants", [pd.NA, 0])
    def test_unknown_inhabitants_are_inferred_from_all_clients(self, inhabitants: Any) -> None:
        """1003 has as many clients as 1001 and 1002 together, so it counts as 2,000 inhabitants."""
        areas = four_areas(inhabitants=pd.array([1000, 1000, inhabitants, 1000], dtype="Int64"))
        found = self.estimate(inflow_rows({"1001": 5, "1002": 5, "1003": 10, "2001": 5}), areas)
        assert found.to_dict() == pytest.approx({"1001": 60, "1002": 60, "1003": 120, "2001": 60}, rel=1e-3)

    def test_no_inhabitants_and_no_clients_is_no_work(self) -> None:
        areas = four_areas(inhabitants=pd.array([1000, 1000, 0, 1000], dtype="Int64"))
        assert "1003" not in self.estimate(inflow_rows({"1001": 5, "1002": 5}), areas).index

    def test_standard_deviation_covers_at_least_poisson_noise(self) -> None:
        found = expected_inflow(inflow_rows({"1001": 1, "1002": 4, "1003": 3, "2001": 9}), four_areas())
        assert (found["inflow_sd"] ** 2 > found["inflow_clients"]).all()

    def test_bursts_widen_the_interval(self) -> None:
        """The same totals, once spread evenly and once all in the first or the last half year."""
        areas = four_areas()
        even = inflow_rows({"1001": 4, "1002": 4, "1003": 8, "2001": 4})
        bursts = pd.concat(
            [inflow_rows({"1001": 8, "1003": 16}, MONTHS[:6]), inflow_rows({"1002": 8, "2001": 8}, MONTHS[6:])]
        )
        sd = [expected_inflow(inflow, areas).set_index("pc4")["inflow_sd"] for inflow in (even, bursts)]
        assert (sd[1] > 2 * sd[0]).all()

    def test_inflow_without_any_client_is_refused(self) -> None:
        nothing = inflow_rows({"1001": 1}).assign(clients=0)
        with pytest.raises(Refused, match="no clients at all"):
            expected_inflow(nothing, four_areas())

    def test_postcode_that_does_not_exist_fails(self) -> None:
        with pytest.raises(ValueError, match="postcodes that the areas do not have"):
            expected_inflow(inflow_rows({"9999": 1}), four_areas())


class TestExpectedWork:
    """WIA_EWT takes 4 hours, half of its stock is planned; WGA_MONITORING 0.5, all stock; HERBEOORDELING is central."""

    def inputs(self) -> Inputs:
        inflow = pd.concat(
            [
                inflow_rows({"1001": 4, "1002": 4, "1003": 8, "2001": 4}),
                inflow_rows({"1001": 2, "1002": 2, "1003": 4}, product="WIA_HERBEOORDELING"),
            ]
        )
        keys = ["pc4", "product", "client_line", "client_group", "team_id", "clients"]
        stock = pd.DataFrame(
            [
                ("1001", "WIA_EWT", "alle", "regulier", "T1", 6),
                ("1001", "WIA_EWT", "alle", "regulier", "T2", 4),
                ("1001", "WGA_MONITORING", "alle", "regulier", "T1", 30),
            ],
            columns=keys,
        ).assign(reference_date=pd.Timestamp("2025-12-31"), pw_client=False)
        products = pd.DataFrame(
            [
                ("WIA_EWT", "WIA", "vangnet|werkgever", 4.0, 6.0, 0.5, 1, None),
                ("WGA_MONITORING", "WIA", "vangnet", 0.5, 1.0, 1.0, 4, "team"),
                ("WIA_HERBEOORDELING", "WIA", "werkgever", 3.0, 4.0, 0.1, 5, "central"),
            ],
            columns=["product", "law", "client_lines", "hours_verzekeringsarts", "hours_other", "planned_stock_share",
                     "priority", "handled_by"],
        )  # fmt: skip
        empty = pd.DataFrame()
        return Inputs(inflow, stock, products, empty, empty, empty, empty, empty)

    def work(self, **settings: dict[str, float]) -> pd.DataFrame:
        return expected_work(self.inputs(), four_areas(), Config(work=Work(**settings))).set_index(["pc4", "product"])

    def test_hours_by_hand(self) -> None:
        """1001 has its region's rate exactly: 48 new clients and half of 10 in stock, times 4 and 6 hours."""
        row = self.work().loc[("1001", "WIA_EWT")]
        assert row["inflow_clients"] == pytest.approx(48, rel=1e-3)
        assert row["planned_clients"] == pytest.approx(53, rel=1e-3)
        assert row["hours_verzekeringsarts"] == pytest.approx(212, rel=1e-3)
        assert row["hours_other"] == pytest.approx(318, rel=1e-3)
        assert row["stock_clients"] == 10
        assert row["stock_hours_verzekeringsarts"] == 40
        assert (row["law"], row["priority"], row["is_central"]) == ("WIA", 1, False)

    def test_r14_what_readers_know_by_hand(self) -> None:
        """Of 6 and 4 files they see 5 and none. Both lines have 3 and 2 of them: none that they see, so 5 together."""
        row = self.work().loc[("1001", "WIA_EWT")]
        assert row["known_stock"] == 7.5
        assert row["known_hours"] == pytest.approx((48 + 0.5 * 5) * 4, rel=1e-3)
        row = self.work().loc[("1001", "WGA_MONITORING")]
        assert (row["known_stock"], row["known_hours"]) == (30, 15), "30 files of one line are seen"

    def test_r14_hidden_files_of_several_teams_are_one_count(self) -> None:
        """1, 2 and 4 files of one cell, each hidden, count as 2.5 together, as 3 of one team do; 12 as 10."""
        inputs = self.inputs()
        cell = inputs.stock[inputs.stock["product"] == "WGA_MONITORING"].iloc[[0]]
        counted = []
        for files in ({"A": 3}, {"A": 1, "B": 2, None: 4}, {"A": 12, "B": 1, "C": 1}):
            rows = [cell.assign(team_id=team, clients=clients) for team, clients in files.items()]
            stock = pd.concat(rows, ignore_index=True).astype({"team_id": "object"})
            work = expected_work(replace(inputs, stock=stock), four_areas(), Config()).set_index(["pc4", "product"])
            counted.append(work.loc[("1001", "WGA_MONITORING"), "known_stock"])
        assert counted == [2.5, 2.5, 12.5]

    def test_r11_monitoring_is_load_from_the_stock(self) -> None:
        row = self.work().loc[("1001", "WGA_MONITORING")]
        assert (row["inflow_clients"], row["planned_clients"], row["hours_verzekeringsarts"]) == (0, 30, 15)
        assert row["hours_sd"] == 0, "the stock is counted, not estimated"

    def test_r11_central_products_are_marked(self) -> None:
        central = self.work()["is_central"]
        assert set(central[central].index.get_level_values("product")) == {"WIA_HERBEOORDELING"}

    def test_r13_growth_scales_inflow_and_its_error_but_not_the_stock(self) -> None:
        plain, grown = self.work(), self.work(growth={"*": 0.25, "WIA_HERBEOORDELING": 0.0})
        ewt = [("1001", "WIA_EWT"), ("2001", "WIA_EWT")]
        for column in ("inflow_clients", "hours_sd", *(f"hours_{part}" for part in SHARED)):
            assert grown.loc[ewt, column].to_numpy() == pytest.approx(1.25 * plain.loc[ewt, column].to_numpy())
        assert grown["stock_clients"].equals(plain["stock_clients"])
        other = ("1001", "WIA_HERBEOORDELING")
        assert grown.loc[other, "inflow_clients"] == pytest.approx(plain.loc[other, "inflow_clients"])

    def test_r13_changed_norm_scales_hours_only(self) -> None:
        plain, changed = self.work(), self.work(hours_factor={"WIA_EWT": 1.5})
        row = ("1001", "WIA_EWT")
        hours = [name for name in plain.columns if "hours" in name]
        assert changed.loc[row, hours].astype(float).to_numpy() == pytest.approx(
            1.5 * plain.loc[row, hours].astype(float).to_numpy()
        )
        assert changed["planned_clients"].equals(plain["planned_clients"])

    def test_columns_and_types(self) -> None:
        """What others build on: complete, typed, one row per key, ready for Parquet."""
        work = self.work().reset_index()
        assert not work.isna().any().any()
        assert not work.duplicated(KEY).any()
        assert work["stock_clients"].dtype == work["priority"].dtype == "int64"
        assert work["is_central"].dtype == bool
        assert set(work["rate_region"]) == {"1", "2"}
        assert work["town"].map(type).eq(str).all()

    def test_survives_a_file(self, tmp_path: Path) -> None:
        work = self.work().reset_index()
        work.to_parquet(tmp_path / "work.parquet", index=False)
        again = team_interval(pd.read_parquet(tmp_path / "work.parquet"), ["rate_region"])
        pd.testing.assert_frame_equal(again, team_interval(work, ["rate_region"]), check_index_type=False)
