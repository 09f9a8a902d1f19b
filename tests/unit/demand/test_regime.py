"""A month from which everything is divided otherwise is found; what moves by itself, or a product, is not that."""

from __future__ import annotations

import numpy as np
import pytest

from allocation.demand.regime import new_regime

AREAS, PRODUCTS, MONTHS = 120, 3, 48
REGION = np.repeat(np.arange(1, 7), 20)


def counts(change: np.ndarray, month: int = 18, seed: int = 1) -> np.ndarray:
    """(areas, products, months), some six clients a month, times ``change`` (areas, products) from ``month`` on."""
    draw = np.random.default_rng(seed)
    level = np.repeat((6 * np.exp(draw.normal(0, 0.4, (AREAS, PRODUCTS))))[:, :, None], MONTHS, axis=2)
    level[:, :, month:] *= change[:, :, None]
    return draw.poisson(level).astype(float)


def factors(sd: float, shape: tuple[int, int], seed: int = 2) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0, sd, shape))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_happened(seed: int) -> None:
    assert new_regime(counts(np.ones((AREAS, PRODUCTS)), seed=seed), REGION) == 0


@pytest.mark.parametrize("month", [9, 18, 24])
def test_every_area_gets_another_level(month: int) -> None:
    assert new_regime(counts(factors(0.4, (AREAS, 1)), month), REGION) == pytest.approx(month, abs=1)


def test_every_region_gets_another_level() -> None:
    change = factors(0.3, (7, 1))[REGION]
    assert new_regime(counts(change), REGION) == pytest.approx(18, abs=1)


def test_the_level_of_a_product_in_the_country_is_no_other_division() -> None:
    assert new_regime(counts(np.tile([1.6, 1.0, 0.5], (AREAS, 1))), REGION) == 0


def test_a_few_areas_with_new_houses_are_not_all() -> None:
    change = np.ones((AREAS, PRODUCTS))
    change[::24] = 4.0
    assert new_regime(counts(change), REGION) == 0


def test_two_years_must_be_left() -> None:
    """In the last two years, or in a history that is hardly longer, nothing is thrown away."""
    assert new_regime(counts(factors(0.4, (AREAS, 1)), 30), REGION) == 0
    assert new_regime(counts(factors(0.4, (AREAS, 1)), 9)[:, :, :28], REGION) == 0
