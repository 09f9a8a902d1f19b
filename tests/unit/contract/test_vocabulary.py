from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allocation.contract.vocabulary import special_groups, values_of


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("ZW|WIA", {"ZW", "WIA"}),
        ("ZW", {"ZW"}),
        ("", set()),
        (None, set()),
        (pd.NA, set()),
        (float("nan"), set()),
        (np.array(["ZW", "WIA"]), {"ZW", "WIA"}),
        (("ZW",), {"ZW"}),
    ],
)
def test_a_cell_joins_values(cell: object, values: set[str]) -> None:
    assert values_of(cell) == values


def test_the_groups_are_those_of_the_special_teams_unless_the_settings_name_them() -> None:
    cells = ["politie|klm", "klm", None]
    assert special_groups((), cells) == ("klm", "politie")
    assert special_groups(("politie", "marine"), cells) == ("politie", "marine")
