"""What moves together: gemeenten, a product in a region; what only its parts do is not told of the whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allocation.demand.history import History
from allocation.demand.movement import Movement, movement
from allocation.demand.shrinkage import fit

AREAS, MONTHS = 240, 24
TOWN, REGION = np.arange(AREAS) // 6, np.arange(AREAS) // 40
PRODUCTS = ("P", "Q", "R")
LATE = np.arange(MONTHS) >= 12


def moving(factor: np.ndarray, seed: int = 1) -> tuple[History, Movement]:
    """Six regions of about seven gemeenten of six areas, four clients a month of three products in each area, times
    ``factor`` (areas, months, products) or what is broadcast to it."""
    mean = np.broadcast_to(4.0 * factor, (AREAS, MONTHS, len(PRODUCTS)))
    found = [
        (f"{2024 + month // 12}-{month % 12 + 1:02d}", str(1000 + area), PRODUCTS[product], clients)
        for (area, month, product), clients in np.ndenumerate(np.random.default_rng(seed).poisson(mean))
        if clients
    ]
    inflow = pd.DataFrame(found, columns=["month", "pc4", "product", "clients"])
    inflow = inflow.assign(client_line="alle", client_group="regulier", pw_client=False)
    places = pd.DataFrame({
        "pc4": [str(1000 + area) for area in range(AREAS)], "arbeidsmarktregio_nr": REGION,
        "gemeente_code": [f"{town:04d}" for town in TOWN], "inhabitants": pd.array([4000] * AREAS, dtype="Int64"),
    })  # fmt: skip
    history = History.of(inflow, places)
    return history, movement(history, fit(history.cells).estimate(history.cells))


def late(change: np.ndarray) -> np.ndarray:
    """``change`` (areas,) in the second year."""
    return np.where(LATE[None, :, None], change[:, None, None], 1.0)


def test_nothing_moves() -> None:
    _, found = moving(np.ones((1, 1, 1)))
    for drift in (found.region, found.town, found.area, found.stream):
        assert np.abs(drift.factor - 1).max() < 0.02


def test_gemeenten_that_move_are_followed_as_a_whole() -> None:
    change = np.exp(np.random.default_rng(2).normal(0, 0.25, TOWN.max() + 1))[TOWN]
    history, found = moving(late(change))
    assert found.town.variance.min() > 0
    true = change / (1 + change) * 2  # level at the end / mean of both years, in a region that has its share of these
    both = found.town.factor[history.town] * found.area.factor
    assert np.corrcoef(both, true)[0, 1] > 0.85


def test_areas_that_move_by_themselves_are_no_gemeente_that_does() -> None:
    change = np.exp(np.random.default_rng(3).normal(0, 0.25, AREAS))
    _, found = moving(late(change))
    assert found.town.factor == pytest.approx(1)
    assert np.corrcoef(found.area.factor, change)[0, 1] > 0.6


def test_a_product_that_moves_in_one_region_is_told_of_that_product_there() -> None:
    factor = np.ones((AREAS, MONTHS, len(PRODUCTS)))
    factor[REGION == 2, 12:, 1] = 1.5
    _, found = moving(factor)
    of_stream = found.stream.factor.reshape(-1, len(PRODUCTS))
    assert 1.08 < of_stream[2, 1] < 1.5 / 1.25, "of the whole region it is a part"
    assert np.abs(np.delete(of_stream.ravel(), 2 * 3 + 1) - 1).max() < 0.05
