"""The demand estimate on instances that can be checked by hand.

The four areas of most tests, all of region 1 but the last, which is alone in region 2:

    region 1                                    region 2
    +------+------+------+                      +------+
    | 1001 | 1002 | 1003 |                      | 2001 |
    | 1000 | 1000 | 2000 |  inhabitants         | 1000 |
    +------+------+------+                      +------+
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from allocation.contract.config import Config, Work
from allocation.contract.errors import Refused
from allocation.demand import expected, trend
from allocation.demand.expected import expected_inflow, expected_work, team_interval
from allocation.demand.shrinkage import Cells, Fit, fit, prior_strength
from allocation.demand.trend import planning_year
from allocation.intake.inputs import Inputs

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]


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
    keys = {"product": "WIA_EWT", "client_line": "alle", "client_group": "regulier"} | same
    rows = [(month, pc4, clients) for month in months for pc4, clients in per_month.items() if clients]
    return pd.DataFrame(rows, columns=["month", "pc4", "clients"]).assign(**keys)


def region_one_cells(clients: list[float]) -> Cells:
    zeros = np.zeros(3, dtype=np.int64)
    return Cells(np.array(clients), np.array([1000.0, 1000.0, 2000.0]), np.arange(3), np.arange(3), zeros, zeros, zeros)


class TestShrinkage:
    def test_estimate_by_hand(self) -> None:
        """Rate 0.01 expects 10, 10 and 20 clients. With k = 10 the estimates are expected x (10 + clients) /
        (10 + expected): 10 x 15/20 = 7.5, 10 x 30/20 = 15 and 20 x 25/30 = 16.67."""
        fitted = Fit(np.array([0.01]), np.ones(3), np.zeros(3), 9.0, 5.0, np.array([10.0]))
        estimate = fitted.estimate(region_one_cells([5.0, 20.0, 15.0]))
        assert estimate == pytest.approx([7.5, 15.0, 50 / 3])

    def test_errors_by_hand(self) -> None:
        """Of the first area: own 1/sqrt(10 + 5); history's weight 10/(10 + 10) = 0.5, so its area's error counts for
        half, 0.5 x 0.2, and so does its rate's, with information 10/2 + 10/2 + 20/3."""
        fitted = Fit(np.array([0.01]), np.ones(3), np.array([0.2, 0.1, 0.1]), 9.0, 4.0, np.array([10.0]))
        own, of_area, of_rate = fitted.relative_errors(region_one_cells([5.0, 20.0, 15.0]))
        assert own[0] == pytest.approx(15**-0.5)
        assert of_area[0] == pytest.approx(0.1)
        assert of_rate[0] == pytest.approx(0.5 / (5 + 5 + 20 / 3) ** 0.5)

    def test_the_estimates_of_a_region_add_up_to_its_clients(self) -> None:
        cells = region_one_cells([5.0, 20.0, 15.0])
        assert fit(cells).estimate(cells).sum() == pytest.approx(40.0)

    def test_strength_is_found_back(self) -> None:
        """Needs drawn with shape 8: the estimate is within three standard errors (about 4% each) of 8."""
        draw = np.random.default_rng(1)
        expected = draw.uniform(5, 40, 4000)
        clients = draw.poisson(expected * draw.gamma(8, 1 / 8, 4000)).astype(float)
        assert prior_strength(clients, expected) == pytest.approx(8.0, rel=0.12)

    def test_strength_is_large_when_areas_differ_by_chance_only(self) -> None:
        draw = np.random.default_rng(2)
        expected = draw.uniform(5, 40, 4000)
        assert prior_strength(draw.poisson(expected).astype(float), expected) > 200

    def test_few_clients_take_the_strength_of_all_products(self) -> None:
        """One client in three areas says nothing about how areas differ."""
        assert prior_strength(np.array([1.0, 0.0, 0.0]), np.full(3, 1 / 3), towards=7.0) == pytest.approx(7.0, rel=0.3)

    def test_all_levels_are_found_back(self) -> None:
        """Needs of shape 30 per town of ten areas, 6 per area, shared by five products, 15 per product on top."""
        draw = np.random.default_rng(3)
        towns, areas, products = 400, 4000, 5
        area, product = np.repeat(np.arange(areas), products), np.tile(np.arange(products), areas)
        town = area // 10
        need = (
            draw.gamma(30, 1 / 30, towns)[town] * draw.gamma(6, 1 / 6, areas)[area] * draw.gamma(15, 1 / 15, len(area))
        )
        exposure = draw.uniform(500, 4000, areas)[area]
        clients = draw.poisson(0.01 * exposure * need).astype(float)
        fitted = fit(Cells(clients, exposure, area, town, 0 * area, product, product))
        assert fitted.town_strength == pytest.approx(30.0, rel=0.3)
        assert fitted.area_strength == pytest.approx(6.0, rel=0.1)
        assert fitted.strength == pytest.approx(np.full(products, 15.0), rel=0.25)
        assert fitted.rate == pytest.approx(np.full(products, 0.01), rel=0.05)
        unseen = np.abs(fitted.area_need - need.reshape(areas, products).mean(axis=1)) / fitted.area_need
        assert unseen.mean() < 0.2, "the need of an area is estimated, not only its spread"

    def test_needs_average_one_in_every_region(self) -> None:
        """Else need and rate could drift apart, and an area without clients would get the drifted rate."""
        draw = np.random.default_rng(6)
        area, product = np.repeat(np.arange(100), 4), np.tile(np.arange(4), 100)
        region = area // 50
        exposure = draw.uniform(100, 9000, 100)[area]
        mean = 0.01 * (1 + region) * exposure * draw.gamma(3, 1 / 3, 100)[area]
        cells = Cells(draw.poisson(mean).astype(float), exposure, area, area, region, product, 4 * region + product)
        needs = fit(cells).area_need
        assert [needs[:50].mean(), needs[50:].mean()] == pytest.approx([1, 1], abs=5e-3)

    def test_quiet_area_leans_on_its_town(self) -> None:
        """Two towns of many areas, the first with twice the rate. An area with one inhabitant says nothing of itself:
        it takes over the need of its town."""
        area, town = np.arange(40), np.repeat([0, 1], 20)
        exposure = np.where(area % 20 == 0, 1.0, 1000.0)
        clients = np.where(area % 20 == 0, 0.0, np.where(town == 0, 40.0, 20.0))
        zeros = np.zeros(40, dtype=np.int64)
        fitted = fit(Cells(clients, exposure, area, town, zeros, zeros, zeros))
        assert fitted.area_need[0] / fitted.area_need[20] > 1.5
        assert fitted.area_error[0] > fitted.area_error[1]
        own_error = 1 / fitted.area_strength  # no clients of its own: the error of its town's need comes on top
        assert fitted.area_error[0] ** 2 - own_error == pytest.approx(1 / (fitted.town_strength + 19 * 40), rel=0.1)


class TestExpectedInflow:
    def estimate(self, inflow: pd.DataFrame, areas: pd.DataFrame) -> pd.Series:
        return expected_inflow(inflow, areas).set_index("pc4")["inflow_clients"]

    def test_region_totals_are_kept(self) -> None:
        found = self.estimate(inflow_rows({"1001": 1, "1002": 4, "1003": 3, "2001": 9}), four_areas())
        assert found[["1001", "1002", "1003"]].sum() == pytest.approx(96.0)
        assert found["2001"] == pytest.approx(108.0)

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

    def test_institution_counts_by_its_clients(self) -> None:
        """300 clients and 3,010 inhabitants: 120 clients with 5 inhabitants is an institution and counts as 1,204
        inhabitants; 20 clients with 5 inhabitants may still be chance."""
        people = pd.Series([1000, 1000, 5, 5, 1000])
        exposure = expected._exposure(people, np.array([60.0, 40.0, 120.0, 20.0, 60.0]))
        assert exposure == pytest.approx([1000, 1000, 120 * 3010 / 300, 5, 1000])

    def test_standard_deviation_covers_at_least_poisson_noise(self) -> None:
        found = expected_inflow(inflow_rows({"1001": 1, "1002": 4, "1003": 3, "2001": 9}), four_areas())
        assert (found["inflow_sd"] ** 2 > found["inflow_clients"]).all()

    def test_even_counts_have_no_dispersion(self) -> None:
        """Every month the same: less scatter than chance, which counts as chance."""
        even = inflow_rows({"1001": 4, "1002": 4, "1003": 8, "2001": 4})
        assert expected._dispersion(expected.History.of(even, four_areas())).tolist() == [1.0]

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


class TestPlanningYear:
    SEASON = np.array([1.05, 1.05, 1.05, 1, 1, 1, 0.9, 0.9, 1, 1.05, 1.05, 0.95])

    def year(self, *monthly: float) -> trend.Levels:
        return planning_year(np.array(monthly, dtype=np.float64)[:, None])

    def test_whole_year_is_kept(self) -> None:
        assert self.year(*range(10, 22)).year_clients[0] == pytest.approx(sum(range(10, 22)))

    def test_half_a_year_too_many_does_not_count_its_months_twice(self) -> None:
        """18 months of one season: 12/18 of the total would give the first half of the calendar double weight."""
        season = 1000 * self.SEASON
        assert self.year(*season, *season[:6]).year_clients[0] == pytest.approx(season.sum())

    def test_growth_is_followed_and_damped(self) -> None:
        """10% growth a year over three years: the fourth is above the third, by less than 10%."""
        months = np.arange(36)
        series = np.round(1000 * self.SEASON[months % 12] * 1.1 ** (months / 12))
        level = self.year(*series)
        assert level.trend[0] == pytest.approx(np.log(1.1) / 12, rel=0.02)
        assert 1.05 < level.year_clients[0] / series[-12:].sum() < 1.1

    def test_damping_by_hand(self) -> None:
        """Without season the year is the level at the end x the mean of exp(trend x (0.95 + ... + 0.95^h))."""
        series = 1000 * np.exp(0.01 * np.arange(24))
        steps = np.cumsum(0.95 ** np.arange(1, 13))
        assert self.year(*series).year_clients[0] == pytest.approx(series[-1] * np.exp(0.01 * steps).sum(), rel=1e-6)

    def test_noise_is_no_trend(self) -> None:
        """200 products without trend: the test finds one in about 5%, certainly not in more than 10%."""
        draw = np.random.default_rng(4)
        monthly = draw.poisson(500 * self.SEASON[np.arange(24) % 12][:, None], (24, 200)).astype(float)
        level = planning_year(monthly)
        assert (level.trend != 0).mean() < 0.1
        flat = level.trend == 0
        assert level.year_clients[flat] == pytest.approx(monthly.sum(axis=0)[flat] / 2)

    def test_one_year_shows_no_trend(self) -> None:
        """Within one year a rise cannot be told from a season."""
        assert self.year(*(100.0 * np.arange(1, 13))).trend[0] == 0

    def test_young_product_is_scaled_to_a_year(self) -> None:
        assert self.year(*[0.0] * 18, *[10.0] * 6).year_clients[0] == pytest.approx(120)

    def test_rare_product_is_not_taken_for_a_new_one(self) -> None:
        """Two clients in the second half year: the empty first half may be chance."""
        assert self.year(*[0.0] * 6, 1, 0, 0, 0, 1, 0).year_clients[0] == pytest.approx(2)

    def test_product_without_clients(self) -> None:
        level = self.year(*[0.0] * 24)
        assert level.year_clients[0] == 0
        assert np.isfinite(level.relative_sd[0])

    def test_small_product_has_no_trend_and_stays_finite(self) -> None:
        level = self.year(*[0.0, 1.0] * 12)
        assert (level.trend[0], level.year_clients[0]) == (0, pytest.approx(6.0))

    def test_chance_is_not_taken_for_a_changing_level(self) -> None:
        """400 and 360 clients: a change of 10.5%, of which chance explains variance 1/400 + 1/360; so small a product
        has 0.021 of the weight of one of the four years that the assumption of 3% counts for."""
        noise = 1 / 400 + 1 / 360
        weight = (0.0009 / (0.0009 + noise)) ** 2
        expected = (4 * 0.0009 + weight * (np.log(0.9) ** 2 - noise)) / (4 + weight)
        years = np.repeat([[400 / 12], [360 / 12]], 12, axis=0)
        assert weight == pytest.approx(0.021, rel=0.02)
        assert trend._yearly_change_variance(years) == pytest.approx(expected, rel=1e-9)

    def test_uncertainty_of_the_level_is_assumed_without_history_and_seen_with_it(self) -> None:
        """One year: the assumption. Six products that jump 20% up or down from year to year: towards what is seen."""
        assert self.year(*[1e6] * 12).relative_sd[0] == pytest.approx(trend.YEARLY_CHANGE_SD, rel=1e-3)
        jumps = np.repeat([[1e5] * 6, [1.2e5, 0.8e5] * 3], 12, axis=0)
        changes = np.log([1.2, 0.8]) ** 2
        expected = (4 * 0.03**2 + 3 * changes.sum()) / 10
        assert trend._yearly_change_variance(jumps) == pytest.approx(expected, rel=0.05)


def work_rows(rows: list[tuple[str, str, str, float, float, float, float, float]]) -> pd.DataFrame:
    columns = ["team_id", "pc4", "product", "hours_verzekeringsarts", "hours_sd", "area", "region", "product_level"]
    frame = pd.DataFrame(rows, columns=columns).assign(client_line="alle", client_group="regulier", rate_region="1")
    return frame.rename(
        columns={"area": "hours_sd_area", "region": "hours_sd_region", "product_level": "hours_sd_product"}
    )


def spread(interval: pd.DataFrame) -> float:
    """Half the width of an 80% interval in standard deviations of the normal distribution."""
    return float((interval["hours_high"] - interval["hours_low"]).iloc[0]) / 2 / float(stats.norm.ppf(0.9))


class TestTeamInterval:
    def test_own_noise_adds_up_as_variances(self) -> None:
        """Two rows with sd 3 and 4: 5 together."""
        found = team_interval(work_rows([("A", "1001", "P", 500, 3, 0, 0, 0), ("A", "1002", "P", 500, 4, 0, 0, 0)]))
        assert spread(found) == pytest.approx(5, rel=1e-3)
        assert found.loc["A"].mean() == pytest.approx(1000, rel=1e-3)

    @pytest.mark.parametrize(
        ("kind", "other", "expected"),
        [
            ((3, 0, 0), ("1001", "Q"), 7.0),  # the same area, another product: the area's error is shared
            ((3, 0, 0), ("1002", "P"), 5.0),  # another area: it is not
            ((0, 3, 0), ("1002", "P"), 7.0),  # another area, the same product: the region's rate is shared
            ((0, 3, 0), ("1001", "Q"), 5.0),  # another product has another rate
            ((0, 0, 3), ("1002", "P"), 7.0),  # so is the product's level
            ((0, 0, 3), ("1002", "Q"), 5.0),
        ],
    )
    def test_shared_errors_add_up_as_standard_deviations(
        self, kind: tuple[float, float, float], other: tuple[str, str], expected: float
    ) -> None:
        """Errors of 3 and 4 are 7 together where they are the same error, else 5."""
        four = tuple(4.0 if sd else 0.0 for sd in kind)
        found = team_interval(work_rows([("A", "1001", "P", 500, 3, *kind), ("A", *other, 500, 4, *four)]))
        assert spread(found) == pytest.approx(expected, rel=1e-3)

    def test_regions_do_not_share_the_error_of_their_rates(self) -> None:
        rows = work_rows([("A", "1001", "P", 500, 3, 0, 3, 0), ("A", "2001", "P", 500, 4, 0, 4, 0)])
        assert spread(team_interval(rows.assign(rate_region=["1", "2"]))) == pytest.approx(5, rel=1e-3)

    def test_share_of_an_area(self) -> None:
        """A quarter of the clients: a quarter of the hours, half the own noise, a quarter of the shared error."""
        own = work_rows([("A", "1001", "P", 4000, 20, 0, 0, 0)]).assign(share=0.25)
        shared = work_rows([("A", "1001", "P", 4000, 20, 20, 0, 0)]).assign(share=0.25)
        assert spread(team_interval(own)) == pytest.approx(10, rel=1e-3)
        assert spread(team_interval(shared)) == pytest.approx(5, rel=1e-3)
        assert team_interval(own).loc["A"].mean() == pytest.approx(1000, rel=1e-3)

    def test_teams_apart_and_levels(self) -> None:
        rows = work_rows([("B", "1001", "P", 100, 10, 0, 0, 0), ("A", "1002", "P", 50, 5, 0, 0, 0)])
        narrow, wide = team_interval(rows, level=0.5), team_interval(rows, level=0.95)
        assert list(narrow.index) == ["A", "B"]
        assert (wide["hours_low"] < narrow["hours_low"]).all()
        assert (wide["hours_high"] > narrow["hours_high"]).all()

    def test_certain_and_empty_work(self) -> None:
        """Planned stock only has no spread; a team without work has the interval 0 to 0."""
        found = team_interval(work_rows([("A", "1001", "P", 100, 0, 0, 0, 0), ("B", "1002", "P", 0, 0, 0, 0, 0)]))
        assert found.to_numpy().tolist() == [[100, 100], [0, 0]]

    def test_small_and_uncertain_is_never_negative(self) -> None:
        found = team_interval(work_rows([("A", "1001", "P", 1, 5, 0, 0, 0)]))
        assert 0 <= found.loc["A", "hours_low"] < found.loc["A", "hours_high"]


class TestExpectedWork:
    """WIA_EWT takes 4 hours, half of its stock is planned; WGA_MONITORING 0.5, all stock; HERBEOORDELING is central."""

    def inputs(self) -> Inputs:
        inflow = pd.concat(
            [
                inflow_rows({"1001": 4, "1002": 4, "1003": 8, "2001": 5}),
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
        ).assign(reference_date=pd.Timestamp("2025-12-31"))
        products = pd.DataFrame(
            [
                ("WIA_EWT", "WIA", 4.0, 6.0, 0.5, 1, None),
                ("WGA_MONITORING", "WIA", 0.5, 1.0, 1.0, 4, "team"),
                ("WIA_HERBEOORDELING", "WIA", 3.0, 4.0, 0.1, 5, "central"),
            ],
            columns=["product", "law", "hours_verzekeringsarts", "hours_other", "planned_stock_share", "priority",
                     "handled_by"],
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
        for column in ("inflow_clients", "hours_sd", "hours_sd_area", "hours_sd_region", "hours_sd_product"):
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
        assert not work.duplicated(expected.KEY).any()
        assert work["stock_clients"].dtype == work["priority"].dtype == "int64"
        assert work["is_central"].dtype == bool
        assert set(work["rate_region"]) == {"1", "2"}

    def test_survives_a_file(self, tmp_path: Path) -> None:
        work = self.work().reset_index()
        work.to_parquet(tmp_path / "work.parquet", index=False)
        again = team_interval(pd.read_parquet(tmp_path / "work.parquet"), ["rate_region"])
        pd.testing.assert_frame_equal(again, team_interval(work, ["rate_region"]), check_index_type=False)
