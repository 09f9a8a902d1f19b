"""Alternatives over several layers, and which of them are worth a choice."""

from __future__ import annotations

import pandas as pd

from allocation.layers.alternatives import Alternative, Figures
from allocation.outcome.alternatives import figure_table, front, proven_together, together


def test_layers_add_up_and_the_worst_team_counts() -> None:
    """Demand 30 + 10 hours: (90 + 50) / 40 = 3.5 km."""
    layers = [Figures(3.0, 0.02, 90.0, 2, 0.4), Figures(4.0, 0.05, 50.0, 1, 0.1)]
    assert together(layers, 40.0) == {"moved": 7.0, "deviation": 0.05, "travel": 3.5, "splits": 3.0, "risk": 0.4}


def test_bounds_add_up_but_for_the_deviation_of_the_worst_team() -> None:
    bounds = {
        Alternative.MOVED: [1.0, 2.0],
        Alternative.BALANCE: [0.01, 0.003],
        Alternative.TRAVEL: [80.0, 40.0],
        Alternative.SPLITS: [1.0, 0.0],
        Alternative.SURE: [0.0, 0.0],
    }
    assert proven_together(bounds, 40.0) == {"moved": 3.0, "deviation": 0.01, "travel": 3.0, "splits": 1.0, "risk": 0.0}


def table(**rows: tuple[float, float, float, float]) -> pd.DataFrame:
    names = ("moved", "deviation", "travel", "splits", "risk")
    figures = {Alternative(kind): dict(zip(names, (*row, 0.3), strict=True)) for kind, row in rows.items()}
    areas = {kind: int(one["moved"] // 10) for kind, one in figures.items()}
    return figure_table(figures, dict.fromkeys(names, 0.0), areas)


def test_what_is_worse_in_everything_is_left_out_and_of_equals_the_first_stays() -> None:
    """``reistijd`` equals ``verhuizen``; ``midden`` is worse than ``evenwicht`` in moves and no better elsewhere."""
    found = front(
        table(
            verhuizen=(0, 0.04, 9, 5),
            evenwicht=(50, 0.001, 9, 5),
            reistijd=(0, 0.04, 9, 5),
            splitsingen=(80, 0.04, 12, 1),
            midden=(60, 0.001, 9, 5),
        )
    )
    assert found["alternative"].tolist() == ["verhuizen", "evenwicht", "splitsingen"]
    assert found["best_in"].tolist() == ["moved|travel|risk", "deviation|travel|risk", "splits|risk"]
    assert found["areas_moved"].tolist() == [0, 5, 8]


def test_of_too_many_one_of_the_two_nearest_goes_and_never_one_that_is_best() -> None:
    rows = {
        "instellingen": (30.0, 0.030, 8.0, 4.0),
        "verhuizen": (0.0, 0.050, 9.0, 5.0),
        "evenwicht": (60.0, 0.001, 9.0, 6.0),
        "reistijd": (90.0, 0.050, 6.0, 7.0),
        "splitsingen": (95.0, 0.050, 12.0, 1.0),
        "midden": (31.0, 0.029, 8.1, 4.0),
    }
    assert front(table(**rows), most=5)["alternative"].tolist() == [
        "instellingen", "verhuizen", "evenwicht", "reistijd", "splitsingen",
    ]  # fmt: skip
