"""The level of the planning year, on series that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from allocation.demand import trend
from allocation.demand.trend import planning_year


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
        assert level.trend[0] == pytest.approx(np.log(1.1) / 12, rel=0.1)
        assert 1.05 < level.year_clients[0] / series[-12:].sum() < 1.1

    def test_damping_by_hand(self) -> None:
        """Without season the year is the level at the end x the sum of exp(trend x (0.95 + ... + 0.95^h))."""
        series = 1000 * np.exp(0.01 * np.arange(24))
        steps = np.cumsum(0.95 ** np.arange(1, 13))
        assert self.year(*series).year_clients[0] == pytest.approx(series[-1] * np.exp(0.01 * steps).sum(), rel=0.005)

    def test_noise_is_no_trend(self) -> None:
        """200 products without trend: hardly less exact than the mean of both years."""
        draw = np.random.default_rng(4)
        monthly = draw.poisson(500 * self.SEASON[np.arange(24) % 12][:, None], (24, 200)).astype(float)
        level = planning_year(monthly)
        truth = 500 * self.SEASON.sum()
        error, of_mean = (
            np.sqrt(np.mean((year - truth) ** 2)) for year in (level.year_clients, monthly.sum(axis=0) / 2)
        )
        assert error < 1.35 * of_mean
        assert np.abs(level.trend).max() < 0.004

    def test_one_year_shows_no_trend(self) -> None:
        """Within one year a rise cannot be told from a season."""
        assert self.year(*(100.0 * np.arange(1, 13))).trend[0] == 0

    def test_young_product_is_scaled_to_a_year(self) -> None:
        assert self.year(*[0.0] * 18, *[10.0] * 6).year_clients[0] == pytest.approx(120)

    def test_young_product_that_still_grows_goes_on_where_it_is_now(self) -> None:
        """Half of its history at 100 to 300, then 400 a month: the mean would be 300."""
        draw, level = np.random.default_rng(1), np.r_[np.zeros(8), np.linspace(100, 300, 8), np.full(8, 400.0)]
        year = self.year(*draw.poisson(level).astype(float))
        assert year.year_clients[0] == pytest.approx(12 * 400, rel=0.06)
        assert year.relative_sd[0] > self.year(*np.r_[np.zeros(8), np.full(16, 400.0)]).relative_sd[0]

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

    def test_lines_add_up_to_their_product(self) -> None:
        """Two lines of a product without change: their years add up to the product's."""
        monthly = np.column_stack([np.full(24, 300.0), np.full(24, 200.0), np.full(24, 100.0)])
        level = planning_year(monthly, np.array([0, 0, 1]))
        assert level.year_clients == pytest.approx([3600, 2400, 1200], rel=0.01)
        assert len(level.trend) == len(level.relative_sd) == 2

    def test_a_new_product_counts_from_its_start_and_widens_nobody_else(self) -> None:
        """Five products; a sixth starts after 15 months."""
        draw = np.random.default_rng(7)
        monthly = draw.poisson(800 * self.SEASON[np.arange(24) % 12][:, None], (24, 6)).astype(float)
        before = planning_year(monthly[:, :5])
        monthly[:15, 5] = 0
        after = planning_year(monthly)
        assert after.started.tolist() == [0, 0, 0, 0, 0, 15]
        assert after.year_clients[5] == pytest.approx(9600, rel=0.08)
        assert after.relative_sd[:5] == pytest.approx(before.relative_sd, rel=0.05)
        assert after.year_clients[:5] == pytest.approx(before.year_clients, rel=0.01)

    def test_an_empty_product_changes_nothing_for_others(self) -> None:
        draw = np.random.default_rng(8)
        monthly = draw.poisson(800.0, (24, 5)).astype(float)
        plain = planning_year(monthly)
        more = planning_year(np.column_stack([monthly, np.zeros(24)]))
        assert more.year_clients[:5] == pytest.approx(plain.year_clients, rel=1e-9)
        assert more.relative_sd[:5] == pytest.approx(plain.relative_sd, rel=1e-9)
        assert (more.year_clients[5], more.common_sd) == (0, pytest.approx(plain.common_sd))

    def test_months_that_were_not_delivered(self) -> None:
        """The third month of the second year is missing: for all, or for one product only."""
        monthly = np.full((24, 3), 100.0)
        monthly[14] = 0
        delivered = np.arange(24) != 14
        assert planning_year(monthly, delivered=delivered).year_clients == pytest.approx([1200] * 3, rel=0.01)
        one = np.full((24, 3), 100.0)
        one[14, 1] = 0
        assert planning_year(one).year_clients == pytest.approx([1200] * 3, rel=0.01)

    def test_ended(self) -> None:
        """Nothing in the last three months where 100 a month came: ended. In the last two only: not delivered yet."""
        monthly = np.full((24, 2), 100.0)
        monthly[-3:, 0], monthly[-2:, 1] = 0, 0
        level = planning_year(monthly)
        assert level.has_ended.tolist() == [True, False]
        assert level.year_clients == pytest.approx([0, 1200], rel=0.02)

    def test_a_break_in_the_last_months_is_suspected(self) -> None:
        draw = np.random.default_rng(9)
        mean = np.full((24, 4), 1000.0)
        mean[-3:, 2] *= 1.4
        level = planning_year(draw.poisson(mean).astype(float))
        assert level.break_probability[2] > 0.9
        assert level.break_probability[[0, 1, 3]].max() < 0.2


class TestYearlyChanges:
    def test_one_year_leaves_the_assumptions(self) -> None:
        of_products, common = trend._yearly_change_variances(np.full((12, 4), 1e6))
        assert (of_products, common) == pytest.approx((trend.PRODUCT_CHANGE_SD**2, trend.COMMON_CHANGE_SD**2))

    def test_a_shock_of_all_is_of_all(self) -> None:
        """Six products 10% higher in the second year: common (1 x 0.015^2 + ln(1.1)^2) / 2, and nothing of one.

        Two years of evidence: the 80% interval of a t with 2 degrees is 1.8856 / 1.2816 times as wide as a normal one.
        """
        level = np.repeat([[1e6] * 6, [1.1e6] * 6], 12, axis=0)
        of_products, common = trend._yearly_change_variances(level)
        assert common == pytest.approx((0.015**2 + np.log(1.1) ** 2) / 2 * (1.8856 / 1.2816) ** 2, rel=0.01)
        assert of_products < trend.PRODUCT_CHANGE_SD**2

    def test_one_product_that_breaks_widens_no_other(self) -> None:
        """Five steady, one halved: the median does not see it."""
        level = np.repeat([[1e6] * 6, [1e6] * 5 + [0.5e6]], 12, axis=0)
        of_products, common = trend._yearly_change_variances(level)
        assert of_products < trend.PRODUCT_CHANGE_SD**2
        assert common < 1.1 * trend.COMMON_CHANGE_SD**2

    def test_a_product_of_which_every_year_is_another_is_less_sure_than_the_others(self) -> None:
        """Five steady; one 56% higher in the second year: two changes, beside the typical variance."""
        level = np.repeat([[1e6] * 6, [1e6] * 5 + [1.5625e6], [1e6] * 6], 12, axis=0)
        own = trend._own_variances(level, 0.02**2)
        assert own[:5] == pytest.approx(0.02**2)
        assert own[5] == pytest.approx((0.02**2 + 2 * np.log(1.5625) ** 2) / 3, rel=0.001)

    def test_a_small_product_that_changes_by_chance_is_as_sure_as_the_others(self) -> None:
        level = np.repeat([[1e6] * 5 + [20.0], [1e6] * 5 + [21.0]], 12, axis=0)
        assert trend._own_variances(level, 0.02**2) == pytest.approx(0.02**2)

    def test_months_that_do_not_count_and_years_that_are_not_there(self) -> None:
        level = np.repeat([[1e6, 1e6, 1e6], [1e6, 1e6, 1.2e6]], 12, axis=0)
        level[:6, 2] = np.nan
        assert trend._own_variances(level, 0.02**2) == pytest.approx(0.02**2)
        assert trend._own_variances(level[:12], 0.02**2) == pytest.approx(0.02**2)

    def test_a_product_with_peaks_that_differ_per_year_is_less_sure(self) -> None:
        """Three years; the winter peak of one of six products is 20, 90 and 50% high. Each year is another, and the
        highest one counts as temporary."""
        draw = np.random.default_rng(11)
        mean = np.full((36, 6), 2000.0)
        for year, height in enumerate((0.2, 0.9, 0.5)):
            mean[12 * year + 1 : 12 * year + 4, 0] *= 1 + height
        sd = planning_year(draw.poisson(mean).astype(float)).relative_sd
        assert sd[0] > 0.04
        assert sd[1:].max() < 0.02

    def test_products_that_jump_apart(self) -> None:
        """10% up or down: the median of the squares is about ln(1.1)^2; of chi-square with one degree, 0.455."""
        level = np.repeat([[1e7] * 6, [1.1e7, 1e7 / 1.1] * 3], 12, axis=0)
        of_products, _ = trend._yearly_change_variances(level)
        assert of_products == pytest.approx((4 * 0.03**2 + 6 * np.log(1.1) ** 2 / 0.455) / 10, rel=0.1)


@pytest.mark.parametrize("month", [1, 6, 11])
def test_a_few_clients_in_one_month_are_neither_a_start_nor_an_end(month: int) -> None:
    """Six clients in a year are six a year, whenever they came."""
    monthly = np.zeros((12, 2))
    monthly[:, 0] = 100.0
    monthly[month, 1] = 6.0
    levels = planning_year(monthly)
    assert levels.year_clients[1] == pytest.approx(6.0, rel=0.35)
    assert not levels.has_ended[1]


class TestPools:
    MONTHLY = (
        np.random.default_rng(1)
        .poisson(
            np.column_stack(
                [800 * 0.8 ** (np.arange(24) / 12), 1000 - 800 * 0.8 ** (np.arange(24) / 12), np.full(24, 500.0)]
            )
        )
        .astype(float)
    )
    """The first product loses a fifth of its clients a year to the second."""

    def year(self, *pool: int) -> np.ndarray:
        delivered = np.ones(24, dtype=bool)
        return trend.with_pools(planning_year(self.MONTHLY), self.MONTHLY, delivered, np.array(pool))

    def test_a_pool_has_the_level_of_its_sum(self) -> None:
        apart, together = self.year(0, 1, 2), self.year(0, 0, 2)
        assert apart == pytest.approx(planning_year(self.MONTHLY).year_clients)
        assert together[:2].sum() == pytest.approx(12_000, rel=0.01)
        assert abs(apart[:2].sum() - 12_000) > 2 * abs(together[:2].sum() - 12_000)
        assert together[2] == apart[2], "who is in no pool keeps its level"
        assert together[0] / together[1] == pytest.approx(apart[0] / apart[1])
