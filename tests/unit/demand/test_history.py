"""Exposure, institutions and the weights of months."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allocation.demand.history import History, _information_factor, exposure_and_apart

PRODUCTS = np.array([40.0, 30.0, 20.0, 10.0])
"""Clients per 1000 inhabitants."""


def test_ordinary_areas_have_their_inhabitants() -> None:
    people = np.array([1000.0, 2000.0, 500.0])
    exposure, apart = exposure_and_apart(people, people[:, None] / 1000 * PRODUCTS)
    assert exposure.tolist() == people.tolist()
    assert not apart.any()


def test_unknown_inhabitants_follow_from_the_middle_product() -> None:
    """A post office box with twice the clients of 1000 inhabitants, and three times those of the last product."""
    people = np.array([1000.0, 1000.0, 0.0])
    clients = np.stack([PRODUCTS, PRODUCTS, 2 * PRODUCTS])
    clients[2, 3] *= 1.5
    exposure, _ = exposure_and_apart(people, clients)
    assert exposure[2] == pytest.approx(2000)


def test_an_institution_for_two_products_does_not_raise_the_others() -> None:
    people = np.array([1000.0] * 30 + [20.0, 1000.0])
    clients = people[:, None] / 1000 * PRODUCTS
    clients[30:, 2:] += 90
    exposure, apart = exposure_and_apart(people, clients)
    assert exposure[30] == pytest.approx(20)
    assert exposure[31] == 1000
    assert apart[30].tolist() == apart[31].tolist() == [False, False, True, True]
    assert not apart[:30].any()


def test_an_institution_for_everything_counts_as_the_inhabitants_that_explain_it() -> None:
    people = np.array([1000.0] * 30 + [5.0])
    clients = people[:, None] / 1000 * PRODUCTS
    clients[30] = 2 * PRODUCTS
    exposure, apart = exposure_and_apart(people, clients)
    assert exposure[30] == pytest.approx(2000, rel=0.1)
    assert not apart.any()


def test_clients_of_one_product_only_without_inhabitants() -> None:
    people, clients = np.array([1000.0, 0.0, 0.0]), np.array([PRODUCTS, [0, 0, 50.0, 0], [0, 0, 0, 0]])
    exposure, apart = exposure_and_apart(people, clients)
    assert 0 < exposure[1] < 20
    assert apart[1].tolist() == [False, False, True, False]
    assert exposure[2] == 0


def test_weighted_counts_keep_the_variance_of_counts() -> None:
    """Weights 1 and 1/2, equal months: the sum has mean 1.5 m and variance 1.25 m; times 1.2 these are equal."""
    factor = _information_factor(np.array([0.5, 1.0]), np.array([[10.0, 0.0], [10.0, 0.0]]))
    assert factor == pytest.approx([1.2, 1.0])


def test_months_beyond_two_years_count_less_for_the_shares_of_places() -> None:
    """Of 60 months the last 24 count fully, those two years older 1/e as much, and a declared one not at all."""
    names = [f"{2021 + month // 12}-{month % 12 + 1:02d}" for month in range(60)]
    inflow = pd.DataFrame({"month": names, "pc4": "1001", "product": "P", "clients": 10}).assign(
        client_line="alle", client_group="regulier", pw_client=False
    )
    areas = pd.DataFrame({"pc4": ["1001"], "arbeidsmarktregio_nr": [1], "gemeente_code": ["0001"],
                          "inhabitants": pd.array([100], dtype="Int64")})  # fmt: skip
    recency = History.of(inflow, areas, [names[-1]]).recency
    assert recency[36:59] == pytest.approx(1)
    assert recency[59] == 0
    assert recency[11] == pytest.approx(np.exp(-25 / 24))
