"""What happened to monthly series: changes that are known are found, and chance is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from allocation.demand.change import ONE_YEAR, PULSE, STEP, TREND, average_change, shapes

MONTHS = 24


def series(*factors: np.ndarray, clients: float = 2000.0, seed: int = 1) -> np.ndarray:
    """(months, series): Poisson counts with a season of its own each, times its factor."""
    draw = np.random.default_rng(seed)
    season = np.exp(draw.normal(0, 0.06, (12, len(factors))))
    mean = clients * season[np.arange(MONTHS) % 12] * np.column_stack(factors)
    return draw.poisson(mean).astype(float)


def step(size: float, start: int) -> np.ndarray:
    return np.where(np.arange(MONTHS) >= start, 1 + size, 1.0)


FLAT = np.ones(MONTHS)


class TestShapes:
    def test_candidates_by_hand(self) -> None:
        """24 months: steps with at least 3 months on both sides; a temporary change of 1 to 9 months, at the end
        only of 1 or 2; two whole years."""
        found = shapes(MONTHS)
        steps = found.begin[found.kind == STEP]
        assert (steps.min(), steps.max()) == (3, 21)
        pulses = found.kind == PULSE
        lasting = found.end[pulses] == MONTHS
        assert sorted((found.end - found.begin)[pulses][lasting]) == [1, 2]
        assert sorted(found.begin[found.kind == ONE_YEAR]) == [0, 12]
        assert np.exp(found.log_prior).sum() == pytest.approx(1.0)
        assert np.exp(found.common().log_prior).sum() == pytest.approx(1.0)

    def test_running_sums_are_the_product(self) -> None:
        found, matrix = shapes(30), np.random.default_rng(1).normal(size=(30, 30))
        assert found.times(matrix) == pytest.approx(found.past @ matrix)

    def test_a_trend_is_damped(self) -> None:
        found = shapes(MONTHS)
        ahead = found.future[1]
        assert found.kind[1] == TREND
        assert ahead[0] - found.past[1][-1] == pytest.approx(0.95 / 12)
        assert ahead[11] - ahead[10] == pytest.approx(0.95**12 / 12)


class TestAverage:
    def found(self, clients: np.ndarray):  # type: ignore[no-untyped-def]
        return average_change(clients, np.ones(clients.shape, dtype=bool))

    def test_nothing_happened(self) -> None:
        path = self.found(series(FLAT, FLAT, FLAT, FLAT))
        assert np.abs(path.past).max() < 0.02
        assert np.abs(path.future).max() < 0.02
        assert path.break_probability.max() < 0.2

    def test_a_step_of_one_series_lasts_and_is_its_own(self) -> None:
        path = self.found(series(step(0.2, 9), FLAT, FLAT, FLAT))
        rise = path.future[0] - path.past[0]
        assert rise[0] == pytest.approx(np.log(1.2), abs=0.03)
        assert np.abs(rise[1:]).max() < 0.03

    def test_a_dip_of_all_is_temporary(self) -> None:
        dip = np.where((np.arange(MONTHS) >= 3) & (np.arange(MONTHS) < 8), 0.6, 1.0)
        path = self.found(series(dip, dip, dip, dip))
        assert path.past[5] - path.past[0] == pytest.approx(np.log(0.6), abs=0.05)
        assert path.temporary[5] == pytest.approx(np.log(0.6), abs=0.05)
        assert np.abs(path.future - path.past[0]).max() < 0.03

    def test_a_pilot_of_one_series_is_temporary(self) -> None:
        pilot = np.where((np.arange(MONTHS) >= 12) & (np.arange(MONTHS) < 18), 2.5, 1.0)
        path = self.found(series(FLAT, FLAT, pilot, FLAT))
        assert path.past[14, 2] - path.past[0, 2] == pytest.approx(np.log(2.5), abs=0.05)
        assert np.abs(path.future[:, 2] - path.past[0, 2]).max() < 0.03

    def test_counts_that_are_not_complete_yet_are_no_fall(self) -> None:
        late = np.where(np.arange(MONTHS) == 23, 0.5, np.where(np.arange(MONTHS) == 22, 0.85, 1.0))
        path = self.found(series(late, late, late, late))
        assert (path.future - path.past[0]).min() > -0.05
        assert path.break_probability.min() > 0.9, "but that something may be wrong is said"

    def test_growth_of_all_is_followed_in_part(self) -> None:
        """10% a year: the planning year is 1.5 years after the middle of the history; part of it lasts."""
        growth = np.exp(0.10 * np.arange(MONTHS) / 12)
        path = self.found(series(growth, growth, growth, growth))
        rise = path.future.mean(axis=0) - path.past.mean(axis=0)
        assert (rise > 0.05).all()
        assert (rise < 0.15).all()

    def test_opposite_lines_of_a_product(self) -> None:
        time = np.arange(MONTHS) / 12
        lines = series(np.exp(0.18 * time), np.exp(-0.18 * time))
        whole = np.repeat(lines.sum(axis=1)[:, None], 2, axis=1)
        path = average_change(lines, np.ones(lines.shape, dtype=bool), whole)
        rise = path.future.mean(axis=0) - path.past.mean(axis=0)
        assert rise[0] > 0.1
        assert rise[1] < -0.1

    @staticmethod
    def three_years(others: float) -> np.ndarray:
        """Six series; one rises by 10% a year, at once; years of the others are higher or lower by ``others`` (log)."""
        draw = np.random.default_rng(12)
        level = np.array([[0.0, 1, -1, 1, -1, 0], [0, -1, 1, 0, 0, 1], [0, 0, 0, -1, 1, -1]]) * others
        level[:, 0] = np.log([1.0, 1.1, 1.21])
        return draw.poisson(3000 * np.exp(np.repeat(level, 12, axis=0))).astype(float)

    def test_a_rise_is_followed_where_the_years_of_others_are_alike(self) -> None:
        """The mean of three years is 10% below the last one."""
        path = self.found(self.three_years(0.0))
        assert (path.future - path.past.mean(axis=0)).mean(axis=0)[0] > 0.1

    def test_where_every_year_of_every_series_is_another_a_rise_may_be_chance(self) -> None:
        path = self.found(self.three_years(0.08))
        assert np.abs(path.future - path.past.mean(axis=0)).mean(axis=0).max() < 0.05

    def test_months_that_do_not_count_say_nothing(self) -> None:
        clients = series(FLAT, FLAT, FLAT)
        clients[10] = 0.0
        used = np.ones(clients.shape, dtype=bool)
        used[10] = False
        path = average_change(clients, used)
        assert np.abs(path.future).max() < 0.02
