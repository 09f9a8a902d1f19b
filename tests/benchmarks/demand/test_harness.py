"""The generators and scores of the demand benchmark, on what can be checked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.benchmarks.demand import rivals
from tests.benchmarks.demand.measure import deviance, forecasts, scores
from tests.benchmarks.demand.scenarios import SCENARIOS
from tests.benchmarks.demand.worlds import counts


def test_deviance_by_hand() -> None:
    """4 for 2: 2 (4 ln 2 - 4 + 2); 0 for 1: 2; the mean of both."""
    assert deviance(np.array([4.0, 0.0]), np.array([2.0, 1.0])) == pytest.approx(4 * np.log(2) - 2 + 1)


def test_rivals_by_hand() -> None:
    """Two areas of one region, 18 months: 1 a month in the first, 2 in the second area, and 3 in its last half year."""
    monthly = np.column_stack([np.ones(18), np.r_[2 * np.ones(12), 3 * np.ones(6)]])
    zero, people = np.zeros(2, dtype=np.int64), np.array([1000.0, 3000.0])
    assert rivals.last_year(monthly) == pytest.approx([12, 30])
    assert rivals.all_history(monthly) == pytest.approx([12, 2.5 * 6 + 2 * 6])
    assert rivals.regional(monthly, zero, people) == pytest.approx([10.5, 31.5])
    assert rivals.holt(np.ones((24, 2)), zero, zero) == pytest.approx([12, 12])
    strong = rivals.empirical_bayes(monthly, zero, zero, np.array([12.0, 27.0]))
    assert strong == pytest.approx([12, 27])


@pytest.mark.heavy
def test_every_scenario_is_another_country_with_a_year_to_forecast() -> None:
    made = {name: counts(scenario(np.random.default_rng(1))) for name, scenario in SCENARIOS.items()}
    for name, world in made.items():
        assert world.outcome["clients"].sum() > (5_000 if name == "few clients" else 30_000), name
        assert world.inflow["month"].nunique() >= 12, name
    distinct = {int(pd.util.hash_pandas_object(world.inflow).sum()) for world in made.values()}
    assert len(distinct) == len(made) - 1, "only the declared and the undeclared lag have the same counts"


def test_scores_of_a_perfect_forecast() -> None:
    world = counts(SCENARIOS["stationary"](np.random.default_rng(2)))
    table = forecasts(world)
    assert table["actual"].sum() == world.outcome["clients"].sum()
    found = scores(table.assign(mean=table["actual"])).set_index(["scale", "subject"])
    assert (found["mean"].abs() < 1e-9).all()
    assert (found["coverage"] == 1).all()
    assert isinstance(found, pd.DataFrame)
