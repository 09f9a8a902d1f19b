"""The chance to stay within the tolerance: by hand, and against drawn years."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import norm

from allocation.demand.chance import Noise, chance_within


def chances(mean: list[float], own: list[float], shared: list[list[list[float]]], tolerance: float = 0.05,
            part: list[float] | None = None) -> list[float]:  # fmt: skip
    parts = np.array(part or [1 / len(mean)] * len(mean))
    matrices = [csr_array(np.array(one)) for one in shared]
    return chance_within(np.array(mean), parts, Noise.of(np.array(own), matrices), tolerance).tolist()


def test_two_teams_with_errors_of_their_own() -> None:
    """100 hours each, standard deviations 5 and 3, half each, 5%. L - 0.525 S: mean -5, variance 25 x 0.475^2 + 9 x
    0.525^2 for the first team; L - 0.475 S: mean 5, variance 25 x 0.525^2 + 9 x 0.475^2."""
    upper = norm.cdf(-5 / np.sqrt(25 * 0.475**2 + 9 * 0.525**2))
    lower = norm.cdf(-5 / np.sqrt(25 * 0.525**2 + 9 * 0.475**2))
    assert chances([100, 100], [25, 9], [])[0] == pytest.approx(1 - upper - lower)


def test_what_all_teams_have_in_common_cancels() -> None:
    """A shock of 10% of everything leaves each team at its part; one of a product that the first team has alone does
    not: L - 0.525 S has standard deviation 10 x 0.475, L - 0.475 S 10 x 0.525."""
    assert chances([100, 100], [0, 0], [[[10], [10]]]) == pytest.approx([1.0, 1.0])
    found = chances([100, 100], [0, 0], [[[10], [0]]])
    assert found[0] == pytest.approx(1 - norm.cdf(-5 / 4.75) - norm.cdf(-5 / 5.25))


def test_without_errors_it_is_a_matter_of_yes_or_no() -> None:
    """105 of 200 is the limit of 5% itself; 106 is beyond it, and so is 94."""
    assert chances([105, 95], [0, 0], []) == [1.0, 1.0]
    assert chances([106, 94], [0, 0], []) == [0.0, 0.0]


def test_a_team_at_the_limit_has_an_even_chance() -> None:
    found = chances([105, 95], [1, 1], [])
    assert found[0] == pytest.approx(0.5, abs=0.01)


def test_drawn_years_stay_within_as_often() -> None:
    """Three teams with unequal parts, own errors, two products that they share unevenly and one country."""
    rng = np.random.default_rng(5)
    mean, part = np.array([210.0, 120.0, 70.0]), np.array([0.5, 0.3, 0.2])
    own = np.array([30.0, 25.0, 9.0])
    products, country = np.array([[4.0, 1.0], [0.5, 3.0], [2.0, 2.0]]), np.array([[8.0], [4.0], [3.0]])
    draws = 200_000
    years = mean + rng.normal(size=(draws, 3)) * np.sqrt(own)
    years += rng.normal(size=(draws, 2)) @ products.T + rng.normal(size=(draws, 1)) @ country.T
    target = years.sum(axis=1, keepdims=True) * part
    within = (np.abs(years - target) <= 0.1 * target).mean(axis=0)
    found = chance_within(mean, part, Noise.of(own, [csr_array(products), csr_array(country)]), 0.1)
    np.testing.assert_allclose(found, within, atol=0.005)
