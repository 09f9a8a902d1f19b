"""Where the territories of partners end on the map, and what dividing them over teams costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.districting.coverage import groupings_of
from allocation.outcome.network import partners
from allocation.page.partners import Cut, cuts, partner_values
from tests.support import toy


def test_an_area_belongs_to_the_partner_with_most_of_it_and_a_price_stands_with_its_kind(tmp_path: Path) -> None:
    """GGZ Zuid has 1001 and a third of 1002, Noord two thirds of 1002 and all of 1003; nobody has the other nine. The
    gemeenten are the four columns."""
    rows = [("1001", "ggz", "Zuid", "1"), ("1002", "ggz", "Zuid", "0.3"), ("1002", "ggz", "Noord", "0.7"),
            ("1003", "ggz", "Noord", "")]  # fmt: skip
    coverage = pd.DataFrame(rows, columns=["pc4", "kind", "provider", "share"])
    config = Config.from_values({"weights": {"municipality_splits": 0.4, "coverage": {"ggz": 0.7}}})
    inputs = toy.build(tmp_path, {"coverage": coverage}, config).inputs
    covered = partners(inputs, toy.areas())
    care, gemeente, ggz = partner_values(covered, toy.areas(), config.weights)
    assert (gemeente["kind"], gemeente["of"], gemeente["price"]) == ("gemeente", [0, 1, 2, 3] * 3, 0.4)
    assert (care["name"], set(care["of"]), care["price"]) == ("GGD of zorgregio", {0}, 0.5)
    assert ggz == {
        "kind": "ggz",
        "name": "GGZ",
        "providers": ["Noord", "Zuid"],
        "of": [1, 0, 0, *[-1] * 9],
        "price": 0.7,
    }
    unpriced = partner_values(covered, toy.areas(), Config().weights)
    assert unpriced[2]["price"] == 0.0


def test_a_partner_with_several_teams_has_its_price() -> None:
    """GGZ Zuid serves all of 1001 (A) and 1002 (B), and a third of 1003 (C): 1 for B, 0.3 for C, at 0.5 each. Noord is
    with one team. The gemeente costs 0.4 a team: A, B and C, so two further ones."""
    rows = [("1001", "ggz", "Zuid", 1.0), ("1002", "ggz", "Zuid", 1.0), ("1003", "ggz", "Zuid", 0.33),
            ("1003", "ggz", "Noord", 0.67), ("1001", "gemeente", "Dorp", 1.0), ("1002", "gemeente", "Dorp", 1.0),
            ("1003", "gemeente", "Dorp", 1.0), ("1002", "wsp", "Oost", 1.0), ("1001", "wsp", "Oost", 1.0)]  # fmt: skip
    covered = pd.DataFrame(rows, columns=["pc4", "kind", "provider", "share"])
    plan = pd.Series(["A", "B", "C"], index=["1001", "1002", "1003"])
    gemeente, ggz = cuts(covered, plan, {"ggz": 0.5, "gemeente": 0.4, "wsp": 0.0})
    assert gemeente == Cut("gemeente", "Dorp", ("A", "B", "C"), pytest.approx(0.8), ("1001", "1002", "1003"))
    assert ggz == Cut("ggz", "Zuid", ("A", "B", "C"), pytest.approx(0.5 * 1.3), ("1001", "1002", "1003"))


@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.integers(0, 3), st.sampled_from([0.04, 0.1, 0.25, 0.5, 0.86, 1.0])),
        unique_by=lambda row: row[:2],
        max_size=24,
    ),
    st.lists(st.integers(0, 2), min_size=8, max_size=8),
)
def test_together_they_cost_what_the_engine_pays(rows: list[tuple[int, int, float]], plan: list[int]) -> None:
    """The engine's groupings, counted one by one: each group pays its part for every team but one."""
    unit, partner, share = (np.array([row[at] for row in rows]) for at in range(3))
    paid = 0.0
    for codes, part in groupings_of(8, unit.astype(np.int64), partner.astype(np.int64), share.astype(float)):
        for group in range(codes.max() + 1):
            paid += part * (len({plan[at] for at in np.flatnonzero(codes == group)}) - 1)
    covered = pd.DataFrame(
        {
            "pc4": [str(1000 + at) for at in unit],
            "kind": "ggz",
            "provider": [f"P{at}" for at in partner],
            "share": share,
        }
    )
    teams = pd.Series([f"T{team}" for team in plan], index=[str(1000 + at) for at in range(8)])
    assert sum(cut.price for cut in cuts(covered, teams, {"ggz": 1.0})) == pytest.approx(paid)
