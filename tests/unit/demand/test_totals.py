"""Which totals stay what they are when parts of them move."""

from __future__ import annotations

import numpy as np
import pytest

from allocation.demand.totals import _factors

OF_REGION = np.array([[300.0, 100.0, 40.0], [100.0, 200.0, 80.0]])
"""Clients of the history: two regions, three products."""


def test_nothing_moves() -> None:
    level = np.array([1.0, 1.2, 0.5])
    assert _factors(OF_REGION, level, np.ones((2, 3)), np.arange(3)) == pytest.approx(np.tile(level, (2, 1)))


def test_a_product_that_moves_in_a_region_keeps_the_totals_of_both() -> None:
    movement = np.array([[1.5, 1.0, 1.0], [1.0, 1.0, 1.0]])
    moved = OF_REGION * _factors(OF_REGION, np.ones(3), movement, np.arange(3))
    assert moved.sum(axis=1) == pytest.approx(OF_REGION.sum(axis=1))
    assert moved.sum(axis=0) == pytest.approx(OF_REGION.sum(axis=0))
    assert moved[0, 0] > OF_REGION[0, 0]
    assert moved[0, 0] * moved[1, 1] / (moved[0, 1] * moved[1, 0]) == pytest.approx(1.5 * 3 * 2), "odds, as moved"


def test_a_pool_keeps_its_total_in_every_region() -> None:
    """Product 0 loses 100 of its 400 clients, product 1 gains them. By itself region 0 would have 225 + 133 of 400; as
    a pool it keeps 400, and region 1 its 300."""
    level = np.array([0.75, 4 / 3, 1.0])
    alone = OF_REGION * _factors(OF_REGION, level, np.ones((2, 3)), np.arange(3))
    assert alone[0, :2].sum() == pytest.approx(225 + 400 / 3)
    pooled = OF_REGION * _factors(OF_REGION, level, np.ones((2, 3)), np.array([0, 0, 2]))
    assert pooled[:, :2].sum(axis=1) == pytest.approx([400, 300])
    assert pooled.sum(axis=0) == pytest.approx([300, 400, 120])
    assert pooled[:, 2] == pytest.approx([40, 80]), "who is in no pool makes no room"
