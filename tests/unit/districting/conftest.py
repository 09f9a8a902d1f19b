"""A problem that a person can check by hand, and grids of any size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from allocation.districting import Problem, Weights

GridMaker = Callable[..., Problem]


def make_grid(rows: int, columns: int, teams: int = 2, **changes: object) -> Problem:
    """Units of demand 1 in rows and columns 1 km apart, named by row and column; borders of 1 km; equal teams."""
    index = np.arange(rows * columns).reshape(rows, columns)
    across = np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], axis=1)
    down = np.stack([index[:-1].ravel(), index[1:].ravel()], axis=1)
    width = len(str(max(rows, columns) - 1))
    row, column = np.divmod(np.arange(rows * columns), columns)
    fields: dict[str, object] = {
        "unit_ids": tuple(f"{r:0{width}}{c:0{width}}" for r, c in zip(row, column, strict=True)),
        "team_ids": tuple("ABCDEFGH"[:teams]),
        "xy_m": np.stack([column, row], axis=1) * 1000.0,
        "demand": np.ones(rows * columns),
        "edges": np.concatenate([across, down]),
        "border_m": np.full(len(across) + len(down), 1000.0),
        "capacity": np.ones(teams),
        "tolerance": 0.0,
        "weights": Weights(travel=0.0, cut_edges=1.0),
    }
    return Problem(**(fields | changes))  # type: ignore[arg-type]


@pytest.fixture
def grid() -> GridMaker:
    """Makes grids, see ``make_grid``."""
    return make_grid
