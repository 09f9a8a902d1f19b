"""Clients that change team per unit and team, and problems that charge any price per unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.districting import Problem, Weights, check, evaluate
from allocation.layers.layer import Layer
from allocation.layers.moving import clients_moved, clients_of_units, plan_of, usual_prices, with_prices


def line_problem(demand: list[float], teams: tuple[str, ...] = ("A", "B"), **changes: object) -> Problem:
    """Units in a row, 1 km apart; the offices at its ends."""
    n, k = len(demand), len(teams)
    xy_m = np.stack([np.arange(n) * 1000.0, np.zeros(n)], axis=1)
    return Problem(
        unit_ids=tuple(str(1001 + i) for i in range(n)),
        team_ids=teams,
        xy_m=xy_m,
        demand=np.array(demand),
        edges=np.array([[i, i + 1] for i in range(n - 1)]),
        border_m=np.ones(n - 1) * 1000,
        capacity=np.ones(k),
        tolerance=0.5,
        office_xy_m=xy_m[np.linspace(0, n - 1, k).astype(int)],
        **changes,  # type: ignore[arg-type]
    )


def layer_of(problem: Problem, line: str = "alle", portions: list[float] | None = None) -> Layer:
    parts = pd.DataFrame(
        {
            "unit": problem.unit_ids,
            "pc4": [unit[:4] for unit in problem.unit_ids],
            "pc6_from": None,
            "pc6_to": None,
            "portion": portions or [1.0] * problem.n,
            "lock": None,
            "reason": None,
        }
    )
    return Layer("West", "zw_wia", line, (1,), problem, parts)


def expected(*rows: tuple[str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["pc4", "client_line", "clients"])
    return table.assign(law_domain="zw_wia", hours=0.0)


def division(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["pc4", "client_line", "team_id", "share"]).assign(law_domain="zw_wia")


CLIENTS = expected(("1001", "vangnet", 7), ("1001", "werkgever", 2), ("1002", "vangnet", 3), ("1002", "werkgever", 5))


def test_two_lines_become_one_and_each_clients_own_team_counts() -> None:
    """1001: vangnet (7) is with A, werkgever (2) with B. To A the 2 move, to B the 7. 1002 is whole with a team that
    ended: its 8 move whoever gets it."""
    now = division(("1001", "vangnet", "A", 1), ("1001", "werkgever", "B", 1), ("1002", "alle", "Z", 1))
    layer = layer_of(line_problem([4.0, 4.0]))
    assert clients_moved(layer, now, CLIENTS).tolist() == [[2.0, 7.0], [8.0, 8.0]]
    assert clients_of_units(layer, CLIENTS).tolist() == [9.0, 8.0]


def test_a_layer_of_one_line_counts_that_line_and_a_shared_postcode_keeps_its_share() -> None:
    """Of 1001 A has 0.3: A alone would take over 0.7 x 7 clients, B 0.3 x 7. Nobody had 1002."""
    now = division(("1001", "alle", "A", 0.3), ("1001", "alle", "B", 0.7))
    found = clients_moved(layer_of(line_problem([4.0, 4.0]), "vangnet"), now, CLIENTS)
    np.testing.assert_allclose(found, [[4.9, 2.1], [3.0, 3.0]])


def test_the_parts_of_a_split_postcode_keep_together_what_a_team_has_of_it() -> None:
    """A and B have 0.4 and 0.6 of 1001 (10 clients). A part of 0.3 is locked to A, so the 3 stay there. Of the rest (7)
    A keeps the 0.1 that is left of its share, so 6 move to it; B keeps 6, so 1 moves."""
    problem = line_problem([3.0, 7.0, 1.0], fixed=np.array([0, -1, -1]))
    layer = layer_of(problem, portions=[0.3, 0.7, 1.0])
    layer.parts["pc4"] = ["1001", "1001", "1003"]
    now = division(("1001", "alle", "A", 0.4), ("1001", "alle", "B", 0.6), ("1003", "alle", "B", 1.0))
    known = expected(
        ("1001", "vangnet", 10), ("1001", "werkgever", 0), ("1003", "vangnet", 2), ("1003", "werkgever", 1)
    )
    found = clients_moved(layer, now, known)
    np.testing.assert_allclose(found[:, 0], [0.0, 6.0, 3.0])
    np.testing.assert_allclose(found[1:, 1], [1.0, 0.0], atol=1e-12)
    assert plan_of(layer, now, known).tolist() == [0, 1, 1]


def test_usual_prices_are_those_of_the_engine_with_clients_for_hours() -> None:
    """Demand 1 and 3, offices at the units. Travel of unit 2 to A: 3/4 x 1 km; moving it (3 of 5 clients): 20 x 0.6."""
    problem = line_problem([1.0, 3.0], weights=Weights(travel=2.0, moved=20.0), current=np.array([0, 1]))
    moved = np.array([[0.0, 0.4], [0.6, 0.0]])
    np.testing.assert_allclose(usual_prices(problem, moved), [[0.0, 2 * 0.25 + 8], [2 * 0.75 + 12, 0.0]])


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_plan_costs_the_sum_of_its_prices_also_of_units_without_demand(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 7))
    demand = data.draw(st.lists(st.sampled_from([0.0, 1.0, 2.5, 40.0]), min_size=n, max_size=n))
    if sum(demand) == 0:
        demand[0] = 1.0
    prices = np.array(data.draw(st.lists(st.tuples(*[st.floats(0, 50)] * 2), min_size=n, max_size=n)))
    plan = np.array(data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    problem = line_problem(demand)
    changed = with_prices(problem, prices)
    assert evaluate(changed, plan).objective == pytest.approx(prices[np.arange(n), plan].sum(), rel=1e-6, abs=1e-6)
    if not check(changed, plan):
        assert not check(problem, plan)
    if not check(problem, plan):
        assert not check(with_prices(problem, prices, is_for_bound=True), plan)
