"""Divisions for a sequence of dates: fewer moves by looking ahead, never more than date by date."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.districting import Problem, Weights, check
from allocation.layers.layer import Layer
from allocation.layers.sequence import Calendar, Found, Stage, components
from tests.support.examples import examples
from tests.unit.layers.test_moving import layer_of

CONFIG = Config.from_values({"solver": {"iterations": 20_000}})
POSTCODES = [str(1001 + i) for i in range(6)]
CLIENTS = [10.0, 10.0, 7.0, 9.0, 10.0, 10.0]


def row_of(teams: dict[str, tuple[float, float]], tolerance: float, travel: float = 1.0) -> Layer:
    """Six postcodes in a row with one hour of work each. ``teams``: capacity, and where the office is (km)."""
    n = 6
    problem = Problem(
        unit_ids=tuple(POSTCODES),
        team_ids=tuple(teams),
        xy_m=np.stack([np.arange(n) * 1000.0, np.zeros(n)], axis=1),
        demand=np.ones(n),
        edges=np.array([[i, i + 1] for i in range(n - 1)]),
        border_m=np.ones(n - 1) * 1000,
        capacity=np.array([capacity for capacity, _ in teams.values()]),
        tolerance=tolerance,
        weights=Weights(travel=travel, moved=20.0),
        office_xy_m=np.array([[x * 1000.0, 0.0] for _, x in teams.values()]),
    )
    return layer_of(problem)


def division(teams: str) -> pd.DataFrame:
    """``AABBCC``: who has the six postcodes."""
    return pd.DataFrame({"pc4": POSTCODES, "client_line": "alle", "team_id": list(teams), "share": 1.0}).assign(
        law_domain="zw_wia"
    )


def expected(clients: list[float] = CLIENTS) -> pd.DataFrame:
    """Half of the clients on each line, and all of them for both lines together."""
    parts = {"vangnet": 0.5, "werkgever": 0.5, "alle": 1.0}
    lines = [
        pd.DataFrame({"pc4": POSTCODES, "client_line": line, "clients": np.array(clients) * part})
        for line, part in parts.items()
    ]
    return pd.concat(lines).assign(law_domain="zw_wia")


def shown(found: Found, layers: list[Layer], which: str = "best") -> list[str]:
    plans = getattr(found, which).plans
    return [
        "".join(np.array(layer.problem.team_ids)[plan[layer.key]]) for layer, plan in zip(layers, plans, strict=True)
    ]


def stages(*layers: Layer, touched: tuple[bool, ...] | None = None) -> list[Stage]:
    days = [date(2027, 1 + 2 * i, 1) for i in range(len(layers))]
    is_touched = touched or (True,) * len(layers)
    return [Stage(day, (layer,), one) for day, layer, one in zip(days, layers, is_touched, strict=True)]


def test_a_postcode_does_not_go_in_january_to_a_team_that_loses_it_in_march() -> None:
    """A has 1001 and 1002, M 1003 and 1004, B 1005 and 1006. M stops in January. Its two postcodes (7 and 9 clients)
    have to change team; A and B may each have two, three or four postcodes (of 3, tolerance 34%). The office of B is
    nearest to both, so date by date B gets both: 1 km and 0 km, against 2 and 3 km to A.

    In March B loses half of its hours: its part is then 6 x 1/3 = 2 (tolerance 34%: up to 2.68, so two), and A's is 4
    (up to 5.36). B gives 1003 and 1004 to A: 16 clients move for the second time. Looking ahead, they go to A at once:
    travel is (2 + 3 - 0 - 1) / 6 = 0.67 km more for two months, and the price of 16 moves out of 56 clients is
    20 x 16 / 56 = 5.7.
    """
    january = row_of({"A": (3.0, 0.0), "B": (3.0, 3.0)}, 0.34)
    march = row_of({"A": (4.0, 0.0), "B": (2.0, 3.0)}, 0.34)
    found = Calendar(stages(january, march), division("AAMMBB"), expected(), CONFIG).find()
    assert shown(found, [january, march], "by_date") == ["AABBBB", "AAAABB"]
    assert found.by_date.moved == pytest.approx((16.0, 16.0))
    assert shown(found, [january, march]) == ["AAAABB", "AAAABB"]
    assert found.best.moved == pytest.approx((16.0, 0.0))
    assert found.least == pytest.approx(16.0, abs=0.01)


def test_a_date_on_which_nothing_changes_is_not_divided_anew() -> None:
    """The same teams in March, and another division would be shorter: it stays as it is."""
    january = row_of({"A": (3.0, 0.0), "B": (3.0, 3.0)}, 0.5)
    found = Calendar(stages(january, january, touched=(False, False)), division("AAAABB"), expected(), CONFIG).find()
    assert shown(found, [january, january]) == ["AAAABB", "AAAABB"]
    assert found.solved == (False, False)
    assert found.best.clients == 0


def test_a_division_that_breaks_a_rule_on_a_date_is_mended_there() -> None:
    """Nobody is known to change on the first day, but B has one postcode of the two to four that it may have. Who
    comes to B is 1005 (10 clients), the neighbour of what it has."""
    january = row_of({"A": (3.0, 0.0), "B": (3.0, 5.0)}, 0.34, travel=0.0)
    found = Calendar(stages(january, touched=(False,)), division("AAAAAB"), expected(), CONFIG).find()
    assert found.solved == (True,)
    assert shown(found, [january]) == ["AAAABB"]
    assert found.best.moved == pytest.approx((10.0,))


def test_two_lines_that_become_one_are_priced_by_the_clients_of_each() -> None:
    """In January V has the vangnetlijn and W the werkgeverslijn. From March both serve both: each postcode has one
    team then, and of 56 clients the half that has the other team moves, whoever gets what: 28."""
    two = row_of({"V": (1.0, 0.0), "W": (1.0, 5.0)}, 0.34)
    lines = [
        Layer("West", "zw_wia", line, (1,), row_of({team: (1.0, x)}, 0.34).problem, two.parts)
        for line, team, x in (("vangnet", "V", 0.0), ("werkgever", "W", 5.0))
    ]
    before = pd.concat(
        [division(team * 6).assign(client_line=line) for line, team in (("vangnet", "V"), ("werkgever", "W"))]
    )
    apart = Stage(date(2027, 1, 1), tuple(lines), False)
    found = Calendar([apart, Stage(date(2027, 3, 1), (two,), True)], before, expected(), CONFIG).find()
    assert found.best.moved == pytest.approx((0.0, 28.0))
    assert components({apart.day: apart.layers, date(2027, 3, 1): [two]}) == [[*(one.key for one in lines), two.key]]


TEAMS = {"A": 0.0, "M": 2.5, "B": 5.0}


@settings(max_examples=examples(2), deadline=None)
@given(st.data())
def test_the_sequence_never_moves_more_clients_or_costs_more_than_date_by_date(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 4))
    layers = []
    for _ in range(count):
        present = data.draw(st.lists(st.sampled_from(list(TEAMS)), min_size=2, max_size=3, unique=True))
        capacity = {team: data.draw(st.sampled_from([2.0, 3.0, 4.0])) for team in sorted(present)}
        layers.append(row_of({team: (hours, TEAMS[team]) for team, hours in capacity.items()}, 0.5))
    clients = data.draw(st.lists(st.integers(0, 20), min_size=6, max_size=6))
    before = division(data.draw(st.sampled_from(["AAMMBB", "AAABBB", "AAAAMM", "MMMMMB"])))
    found = Calendar(stages(*layers), before, expected([float(one) for one in clients]), CONFIG).find()
    assert found.best.clients <= found.by_date.clients + 1e-6
    assert found.best.price <= found.by_date.price + 1e-6
    assert found.least <= found.best.clients + 1e-6
    for layer, plan, greedy in zip(layers, found.best.plans, found.by_date.plans, strict=True):
        assert not check(layer.problem, plan[layer.key]) or check(layer.problem, greedy[layer.key])
