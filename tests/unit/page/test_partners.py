"""Where the territories of partners end on the map."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from allocation.contract.config import Config
from allocation.page.partners import partner_values
from tests.support import toy


def test_an_area_belongs_to_the_partner_with_most_of_it_and_a_price_stands_with_its_kind(tmp_path: Path) -> None:
    """GGZ Zuid has 1001 and a third of 1002, Noord two thirds of 1002 and all of 1003; nobody has the other nine. The
    gemeenten are the four columns."""
    rows = [("1001", "ggz", "Zuid", "1"), ("1002", "ggz", "Zuid", "0.3"), ("1002", "ggz", "Noord", "0.7"),
            ("1003", "ggz", "Noord", "")]  # fmt: skip
    coverage = pd.DataFrame(rows, columns=["pc4", "kind", "provider", "share"])
    config = Config.from_values({"weights": {"municipality_splits": 0.4, "coverage": {"ggz": 0.7}}})
    inputs = toy.build(tmp_path, {"coverage": coverage}, config).inputs
    care, gemeente, ggz = partner_values(inputs, toy.areas(), config.weights)
    assert (gemeente["kind"], gemeente["of"], gemeente["price"]) == ("gemeente", [0, 1, 2, 3] * 3, 0.4)
    assert (care["name"], set(care["of"]), care["price"]) == ("GGD of zorgregio", {0}, 0.5)
    assert ggz == {
        "kind": "ggz",
        "name": "GGZ",
        "providers": ["Noord", "Zuid"],
        "of": [1, 0, 0, *[-1] * 9],
        "price": 0.7,
    }
    unpriced = partner_values(inputs, toy.areas(), Config().weights)
    assert unpriced[2]["price"] == 0.0
