"""What happened to one of a few large units is told from its own counts."""

from __future__ import annotations

import numpy as np
import pytest

from allocation.demand.drift import Drift
from allocation.demand.stories import area_stories, unit_stories

MONTHS, UNITS, CLIENTS = 24, 10, 600.0
SDS = (0.0, 0.02, 0.04, 0.08, 0.16)


def found(shape: np.ndarray | float, seed: int = 1) -> Drift:
    """Ten regions, 600 clients a month each; the first x ``shape`` (months,). Expected: what it had in all, evenly."""
    level = np.full((UNITS, MONTHS), CLIENTS)
    level[0] *= shape
    counts = np.random.default_rng(seed).poisson(level).astype(float)
    expected = np.repeat(counts.mean(axis=1, keepdims=True), MONTHS, axis=1)
    return unit_stories(counts, expected, np.ones(MONTHS), np.arange(MONTHS), SDS, whole_periods=False)


def at(first: int, end: int, value: float) -> np.ndarray:
    return np.where((np.arange(MONTHS) >= first) & (np.arange(MONTHS) < end), value, 1.0)


def test_nothing_happened() -> None:
    still = found(1.0)
    assert np.abs(still.factor - 1).max() < 0.01
    assert np.sqrt(still.variance).max() < 0.02


def test_the_others_stand_still_when_one_moves() -> None:
    assert np.abs(found(at(8, 99, 1.3)).factor[1:] - 1).max() < 0.01


@pytest.mark.parametrize("seed", range(3))
def test_half_of_the_clients_stay_away_for_five_months(seed: int) -> None:
    """The mean of the history is 5 / 48 too low, and that is over."""
    assert found(at(16, 21, 0.5), seed).factor[0] == pytest.approx(48 / 43, abs=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_a_step_lasts(seed: int) -> None:
    """16 months at 1.3 and 8 at 1: mean 1.2, and 1.3 from now on."""
    assert found(at(8, 99, 1.3), seed).factor[0] == pytest.approx(1.3 / 1.2, abs=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_who_is_registered_later_changes_nothing(seed: int) -> None:
    assert found(at(12, 16, 0.5) * at(16, 20, 1.5), seed).factor[0] == pytest.approx(1, abs=0.02)


def test_a_wave_comes_back() -> None:
    """Four years in which every region goes up and down by 8%, once in three years: a walk would follow where each is
    at the end, and the year to come is nearer to the mean."""
    months, phase = np.arange(60), np.arange(UNITS) * 2 * np.pi / UNITS
    wave = np.exp(0.08 * np.sin(2 * np.pi * months / 36 + phase[:, None]))
    counts = np.random.default_rng(1).poisson(CLIENTS * wave[:, :48]).astype(float)
    expected = np.full(counts.shape, CLIENTS) * counts.mean() / CLIENTS
    factor = unit_stories(counts, expected, np.ones(48), np.arange(48), SDS, whole_periods=False).factor
    level = counts.mean(axis=1) / counts.mean()
    off = factor - 1 - (wave[:, 48:].mean(axis=1) - level)
    assert np.sqrt((off**2).mean()) < 0.05
    assert np.sqrt((off**2).mean()) < 1.1 * np.sqrt(((wave[:, 48:].mean(axis=1) - level) ** 2).mean())


def test_a_unit_without_clients_says_nothing() -> None:
    expected = np.full((3, MONTHS), CLIENTS)
    expected[0] = 0.0
    counts = np.random.default_rng(1).poisson(expected).astype(float)
    still = unit_stories(counts, expected, np.ones(MONTHS), np.arange(MONTHS), SDS, whole_periods=True)
    assert (still.factor[0], still.variance[0]) == (1.0, 0.0)


def of_areas(change: dict[int, np.ndarray], seed: int = 1) -> Drift:
    """300 areas with 30 clients a quarter for two years, but for those that have another level each quarter."""
    level = np.full((300, 8), 30.0)
    for area, quarters in change.items():
        level[area] *= quarters
    counts = np.random.default_rng(seed).poisson(level).astype(float)
    expected = np.repeat(counts.mean(axis=1, keepdims=True), 8, axis=1)
    period = np.arange(MONTHS) // 3
    return area_stories(counts, expected, np.ones(8), period, (0.0, 0.1, 0.4, 1.0), (0.0, 0.02, 0.1))


def test_areas_at_which_nothing_happens() -> None:
    still = of_areas({})
    assert np.abs(still.factor - 1).max() < 0.05
    assert not still.is_restless.any()


def test_areas_that_are_high_for_half_a_year() -> None:
    """Twice as high in two of eight quarters, anywhere: the mean is a quarter too high, and that is over. Where it
    still is so at the end, the other areas tell whether it may last."""
    high = {area: np.where((np.arange(8) >= area % 7) & (np.arange(8) < area % 7 + 2), 2.0, 1.0) for area in range(28)}
    found = of_areas(high)
    over = [area for area in high if area % 7 < 4]
    assert np.mean(found.factor[over]) == pytest.approx(1 / 1.25, abs=0.06)
    assert np.mean(found.is_restless[over]) < 0.1, "what passes is no reason to stand apart"
    going_on = np.mean(found.factor[[area for area in high if area % 7 == 6]])
    assert 0.78 < going_on < 1.2, "the others passed, so it probably does: nearer to 1 / 1.25 than to 2 / 1.25"
    assert np.abs(found.factor[28:] - 1).max() < 0.15


def test_areas_that_empty_stay_empty() -> None:
    """Postcodes that merge, from the third quarter before the end on."""
    gone = np.where(np.arange(8) < 5, 1.0, 0.0)
    found = of_areas(dict.fromkeys(range(10), gone) | dict.fromkeys(range(10, 20), 2 - gone))
    assert np.mean(found.factor[:10]) < 0.1
    assert np.mean(found.factor[10:20]) == pytest.approx(2 / 1.375, rel=0.1)
    assert found.is_restless[:20].all()
