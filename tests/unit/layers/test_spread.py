"""Errors of work brought to units and teams, and the chance of each team."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from allocation.contract.config import Config
from allocation.demand.intervals import SHARED
from allocation.layers.spread import Spreads, chances, team_noise
from tests.support import toy


def test_teams_chances_follow_from_the_errors_of_their_postcodes(tmp_path: Path) -> None:
    """West in the toy country: two teams of three postcodes, 14 hours... of equal work, so each is on its part. With
    errors of 6 hours per postcode and none shared, L - a S has variance 3 x 36 x ((1 - a)^2 + a^2), a = 0.525 above and
    0.475 below, and mean 5% of half of the work."""
    built = toy.build(tmp_path, config=Config.from_values({"tolerance": 0.05}))
    work = built.work.assign(hours_sd=0.0, **{f"hours_{name}": 0.0 for name in SHARED})
    mine = (work["product"] == "WIA_EWT") & (work["client_group"] == "regulier")
    work.loc[mine, "hours_sd"] = 6.0
    layer = next(one for one in built.layers if one.cluster == "West" and one.law_domain == "zw_wia")
    plan = np.array([0, 0, 0, 1, 1, 1])
    half = layer.problem.demand.sum() / 2
    sd = np.sqrt(3 * 36 * (0.475**2 + 0.525**2))
    expected = 1 - 2 * norm.cdf(-0.05 * half / sd)
    noise = team_noise(layer, Spreads(work, built.config).of_units(layer), plan)
    assert chances(layer, noise, plan, 0.05).tolist() == pytest.approx([expected, expected])
    assert chances(layer, noise, plan, 0.05, planned=0.0).tolist() == pytest.approx([expected, expected])
    at_limit = chances(layer, noise, plan, 0.05, planned=0.05)
    assert (at_limit < 0.51).all()
    assert (chances(layer, noise, plan, 0.05, planned=0.03) < expected).all()


def test_only_products_that_wait_count_where_waiting_time_is_balanced(tmp_path: Path) -> None:
    """Half a year: half of the errors, of products up to the priority."""
    built = toy.build(tmp_path)
    config = Config.from_values({"balance": "waiting_time", "horizon_months": 6, "waiting_priority": 1})
    layer = next(one for one in built.layers if one.cluster == "West" and one.law_domain == "zw_wia")
    whole, half = (Spreads(built.work, one).of_units(layer) for one in (built.config, config))
    np.testing.assert_allclose(half.own, whole.own / 4)
    none = Config.from_values({"balance": "waiting_time", "waiting_priority": 1})
    late = built.work.assign(priority=2)
    assert Spreads(late, none).of_units(layer).own.sum() == 0
