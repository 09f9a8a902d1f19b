"""Products that take clients from each other are one pool; products that only move are not."""

from __future__ import annotations

import numpy as np
import pytest

from allocation.demand.pooling import own_course, pooled

QUARTERS, REGIONS = 8, 12
PRODUCT = np.array([0, 0, 1, 2, 3])
"""Streams 0 and 1 are the lines of product 0."""


def country(seed: int, *, pace: float = 0.0, walk: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Counts and what is expected (quarters, regions, streams). ``pace``: up to this part a year of both lines of
    product 0 comes to be counted as product 1, in each region another. ``walk``: yearly sd of each stream."""
    draw = np.random.default_rng(seed)
    level = np.tile(900 * np.exp(draw.normal(0, 0.2, (REGIONS, 5))), (QUARTERS, 1, 1))
    years = np.arange(QUARTERS)[:, None] / 4
    level *= np.exp(np.cumsum(draw.normal(0, walk / 2 or 1e-12, level.shape), axis=0))
    left = np.exp(-draw.uniform(0, pace or 1e-12, REGIONS) * years)[:, :, None]
    gone = level[:, :, :2] * (1 - left)
    level[:, :, :2] -= gone
    level[:, :, 2] += gone.sum(axis=2)
    counts = draw.poisson(level).astype(float)
    course = counts.sum(axis=1) / counts.sum(axis=(0, 1))
    return counts, course[:, None, :] * counts.sum(axis=0)


def test_nobody_moves() -> None:
    for seed in range(5):
        alone = next(found for found in pooled(*country(seed), PRODUCT) if len(set(found.pool)) == 5)
        assert alone.weight > 0.5


def test_products_that_only_move_are_no_pool() -> None:
    for seed in range(5):
        alone = next(found for found in pooled(*country(seed, walk=0.1), PRODUCT) if len(set(found.pool)) == 5)
        assert alone.weight > 0.5


@pytest.mark.parametrize("seed", range(5))
def test_one_product_comes_to_be_counted_as_another(seed: int) -> None:
    found = pooled(*country(seed, pace=0.4), PRODUCT)
    assert sum(one.weight for one in found) == pytest.approx(1)
    together = sum(one.weight for one in found if one.pool[0] == one.pool[1] == one.pool[2])
    assert together > 0.9


def test_what_streams_have_in_common() -> None:
    """Counts as expected: nothing. Far off, with many clients: nearly the whole ratio."""
    expected = np.full((2, 2), 10_000.0)
    assert own_course(expected, expected) == pytest.approx(1)
    assert own_course(expected * [[1.2, 0.8], [0.8, 1.2]], expected)[0, 0] == pytest.approx(1.2, abs=0.01)
    assert own_course(np.zeros((2, 2)), np.zeros((2, 2))) == pytest.approx(1)
