"""Counts to needs, by hand and on drawn needs."""

from __future__ import annotations

import numpy as np
import pytest

from allocation.demand.shrinkage import Cells, Fit, fit, prior_strength


def region_one_cells(clients: list[float]) -> Cells:
    zeros = np.zeros(3, dtype=np.int64)
    return Cells(
        np.array(clients), np.array([1000.0, 1000.0, 2000.0]), np.arange(3), np.arange(3), zeros, zeros, zeros, zeros
    )


class TestShrinkage:
    def test_estimate_by_hand(self) -> None:
        """Rate 0.01 expects 10, 10 and 20 clients. With k = 10 the estimates are expected x (10 + clients) /
        (10 + expected): 10 x 15/20 = 7.5, 10 x 30/20 = 15 and 20 x 25/30 = 16.67."""
        fitted = Fit(np.array([0.01]), np.zeros(1), np.ones(3), np.zeros(3), 9.0, 5.0, np.array([10.0]))
        estimate = fitted.estimate(region_one_cells([5.0, 20.0, 15.0]))
        assert estimate == pytest.approx([7.5, 15.0, 50 / 3])

    def test_errors_by_hand(self) -> None:
        """Of the first area: own 1/sqrt(10 + 5); history's weight 10/(10 + 10) = 0.5, so its area's error counts for
        half, 0.5 x 0.2, and so does its rate's, 0.5 x 0.06."""
        errors = np.array([0.2, 0.1, 0.1])
        fitted = Fit(np.array([0.01]), np.array([0.06]), np.ones(3), errors, 9.0, 4.0, np.array([10.0]))
        own, of_area, of_rate = fitted.relative_errors(region_one_cells([5.0, 20.0, 15.0]))
        assert own[0] == pytest.approx(15**-0.5)
        assert of_area[0] == pytest.approx(0.1)
        assert of_rate[0] == pytest.approx(0.03)

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
        fitted = fit(Cells(clients, exposure, area, town, 0 * area, product, product, product))
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
        cells = Cells(
            draw.poisson(mean).astype(float), exposure, area, area, region, product, 4 * region + product, product
        )
        needs = fit(cells).area_need
        assert [needs[:50].mean(), needs[50:].mean()] == pytest.approx([1, 1], abs=5e-3)

    def test_quiet_area_leans_on_its_town(self) -> None:
        """Two towns of many areas, the first with twice the rate. An area with one inhabitant says nothing of itself:
        it takes over the need of its town."""
        area, town = np.arange(40), np.repeat([0, 1], 20)
        exposure = np.where(area % 20 == 0, 1.0, 1000.0)
        clients = np.where(area % 20 == 0, 0.0, np.where(town == 0, 40.0, 20.0))
        zeros = np.zeros(40, dtype=np.int64)
        fitted = fit(Cells(clients, exposure, area, town, zeros, zeros, zeros, zeros))
        assert fitted.area_need[0] / fitted.area_need[20] > 1.5
        assert fitted.area_error[0] > fitted.area_error[1]
        own_error = 1 / fitted.area_strength  # no clients of its own: the error of its town's need comes on top
        assert fitted.area_error[0] ** 2 - own_error == pytest.approx(1 / (fitted.town_strength + 19 * 40), rel=0.1)


class TestTowardsTheCountry:
    def rates(self, clients: np.ndarray, areas: int = 20) -> tuple[np.ndarray, Fit]:
        """``clients`` (regions, products): spread evenly over the areas of a region, 1000 inhabitants each."""
        regions, products = clients.shape
        region, area, product = (
            code.ravel() for code in np.indices((regions, areas, products), dtype=np.int64)
        )  # fmt: skip
        area = area + areas * region
        counts = clients[region, product] / areas
        exposure = np.full(len(area), 1000.0)
        cells = Cells(counts, exposure, area, area, region, product, region * products + product, product)
        fitted = fit(cells)
        return fitted.rate.reshape(regions, products) * 1000 * areas, fitted

    def test_few_clients_lean_on_the_country(self) -> None:
        """30 regions alike, of which the second product has 0 to 4 clients each, by chance: all near to the mean of
        2; the first has 2000 each and keeps what it has."""
        draw = np.random.default_rng(5)
        few = draw.poisson(2.0, 30).astype(float)
        rates, fitted = self.rates(np.column_stack([np.full(30, 2000.0), few]))
        assert np.abs(rates[:, 1] - few.mean()).max() < 0.5 * np.abs(few - few.mean()).max()
        assert rates[:, 0] == pytest.approx(2000, rel=0.02)
        assert rates[:, 1].sum() == pytest.approx(few.sum(), rel=0.05)
        assert fitted.rate_error.reshape(30, 2)[:, 1].max() < 1 / np.sqrt(2.0), "surer than from its own count alone"

    def test_regions_that_differ_keep_their_rates(self) -> None:
        many = np.array([[4000.0, 900.0], [2000.0, 2500.0], [1000.0, 400.0], [3000.0, 5000.0]])
        rates, _ = self.rates(many)
        assert rates == pytest.approx(many, rel=0.03)

    def test_a_region_that_needs_more_of_everything_does_so_of_a_rare_product(self) -> None:
        """Twice as many of the first product: without clients of its own, twice the country's rate of the second."""
        many = np.column_stack([np.array([1000.0] * 10 + [2000.0] * 10), np.array([5.0] * 9 + [0.0] + [10.0] * 10)])
        rates, _ = self.rates(many)
        assert 2.0 < rates[9, 1] < 5.5
