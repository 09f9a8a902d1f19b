"""Bursts that were drawn are found back."""

from __future__ import annotations

import numpy as np
import pytest

from allocation.demand.dispersion import dispersion, returning_part


def halves(of_product: float, of_area: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    need = np.exp(draw.normal(0, 0.4, (1500, 4))) * np.array([8.0, 16.0, 24.0, 32.0])

    def gamma(variance: float, shape: tuple[int, ...]) -> np.ndarray:
        return draw.gamma(1 / variance, variance, shape) if variance else np.ones(shape)

    def half() -> np.ndarray:
        return draw.poisson(need * gamma(of_product, need.shape) * gamma(of_area, (len(need), 1))).astype(float)

    return half(), half()


@pytest.mark.parametrize(("of_product", "of_area"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.1), (0.2, 0.1)])
def test_what_was_drawn_is_found(of_product: float, of_area: float) -> None:
    first, second = halves(of_product, of_area)
    found = dispersion(first, first + second, np.full(first.shape, 0.5))
    assert found.of_product == pytest.approx(np.full(4, of_product), abs=0.08)
    assert found.of_area == pytest.approx(of_area, abs=0.03)


def test_by_hand() -> None:
    """One product, two areas of 10 clients of which 9 and 1 in the first half: d = 4 and -4, n p (1 - p) = 2.5; alpha
    = 2 (16 - 2.5) / (2 / 16 x 2 x 90) = 27 / 22.5, and 1.2 / (1 - 0.6) as such bursts raise n^2 too."""
    first, total = np.array([[9.0], [1.0]]), np.array([[10.0], [10.0]])
    found = dispersion(first, total, np.full((2, 1), 0.5))
    assert found.of_product == pytest.approx([1.2 / (1 - 1.2 / 2)])
    assert found.of_area == 0


def test_no_pairs_no_dispersion() -> None:
    found = dispersion(np.array([[1.0], [0.0]]), np.array([[1.0], [1.0]]), np.full((2, 1), 0.5))
    assert found.of_product.tolist() == [0.0]


def test_a_season_of_a_unit_returns_and_waves_do_not() -> None:
    """Ten regions with 600 clients a month, 10% up or down a month: the same each year, another each month, or
    half of both."""
    draw = np.random.default_rng(1)
    season, waves = np.tile(draw.normal(0, 0.1, (10, 12)), 2), draw.normal(0, 0.1, (10, 24))
    found = [
        returning_part(draw.poisson(600 * np.exp(off)).astype(float), np.full((10, 24), 600.0))
        for off in (season, waves, (season + waves) / 2**0.5)
    ]
    assert found[0] > 0.8
    assert found[1] < 0.1
    assert found[2] == pytest.approx(0.5 - 120**-0.5, abs=0.15)
    assert returning_part(np.full((10, 12), 600.0), np.full((10, 12), 600.0)) == 0
