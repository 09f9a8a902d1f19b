"""Units that walk are followed; units that stand still are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from allocation.demand.drift import drift

SDS, BURSTS = (0.0, 0.05, 0.1, 0.2, 0.4), (0.0, 0.02, 0.1)
QUARTERS, STEP = 8, 0.25


def counts(
    units: int, clients: float, walk_sd: float, burst: float = 0.0, seed: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Counts (units, quarters), and the true level at the end relative to the mean of the history."""
    draw = np.random.default_rng(seed)
    walk = 1 + np.cumsum(draw.normal(0, walk_sd * STEP**0.5, (units, QUARTERS)), axis=1)
    level = walk.clip(0.1)
    noisy = level * (draw.gamma(1 / burst, burst, level.shape) if burst else 1.0)
    return draw.poisson(clients * noisy).astype(float), level[:, -1] / level.mean(axis=1)


def run(found: np.ndarray, clients: float):  # type: ignore[no-untyped-def]
    expected = np.full(found.shape, clients) * (found.mean(axis=1) / clients)[:, None]
    return drift(found, expected, np.ones(QUARTERS), STEP, SDS, BURSTS)


def test_nothing_moves_by_chance() -> None:
    found, _ = counts(500, 30, 0.0)
    still = run(found, 30)
    assert np.abs(still.factor - 1).max() < 0.1
    assert np.abs(still.factor - 1).mean() < 0.01
    assert still.variance.mean() < 0.002


def test_walks_are_followed_and_their_error_is_known() -> None:
    found, truth = counts(500, 200, 0.2)
    walking = run(found, 200)
    assert np.corrcoef(walking.factor, truth)[0, 1] > 0.85
    left = np.mean((walking.factor - truth) ** 2)
    assert left < 0.3 * np.var(truth)
    assert walking.variance.mean() == pytest.approx(left + 0.2**2 / 3, rel=0.6), (
        "and a year of walking is still to come"
    )


def test_bursts_are_not_walks() -> None:
    found, _ = counts(500, 200, 0.0, burst=0.1)
    bursting = run(found, 200)
    assert bursting.burst_variance == pytest.approx(0.1, rel=0.3)
    assert np.abs(bursting.factor - 1).mean() < 0.03


def test_few_units_that_move_far_are_seen_among_many_that_do_not() -> None:
    draw = np.random.default_rng(3)
    found = draw.poisson(40.0, (400, QUARTERS)).astype(float)
    found[:10] = draw.poisson(40 * np.linspace(0.5, 2.0, QUARTERS), (10, QUARTERS))
    few = run(found, 40)
    assert few.factor[:10].mean() > 1.25
    assert np.abs(few.factor[10:] - 1).mean() < 0.03


def test_empty_units_and_periods() -> None:
    found = np.zeros((4, QUARTERS))
    found[0] = 20
    found[0, 3] = 0
    expected = np.where(found > 0, 20.0, 0.0)
    some = drift(found, expected, np.ones(QUARTERS), STEP, SDS, BURSTS)
    assert np.isfinite(some.factor).all()
    assert some.factor == pytest.approx(1.0, abs=0.05)
