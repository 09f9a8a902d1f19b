"""Wrote the frozen instances next to this file: ``python -m tests.regression.districting.make_instances``.

Run again only to add an instance; the folders are the reference, not this script. All of these are invented. Two were
kept because the search once failed on them, and have real areas: `valley` is West-Brabant of the benchmark's family a
(``tests/benchmarks/solver/instances.py``), `heavy_units` the layer of Zuid-Holland Centraal in the embedded example.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial import Delaunay

from allocation.districting import Problem, Weights, write_instance

HERE = Path(__file__).parent


def planar(n: int, k: int, seed: int) -> dict[str, object]:
    """n random places in 30 x 30 km, neighbours by triangulation without the long sides; k teams."""
    rng = np.random.default_rng(seed)
    xy_m = rng.uniform(0, 30_000, (n, 2)).round()
    corners = Delaunay(xy_m).simplices
    pairs = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    length = np.hypot(*(xy_m[pairs[:, 0]] - xy_m[pairs[:, 1]]).T)
    pairs = pairs[length < 3 * np.median(length)]
    return {
        "unit_ids": tuple(f"{1000 + i}" for i in range(n)),
        "team_ids": tuple(f"T{i + 1}" for i in range(k)),
        "xy_m": xy_m,
        "demand": rng.integers(5, 200, n).astype(float),
        "edges": pairs,
        "border_m": rng.integers(200, 4000, len(pairs)).astype(float),
        "capacity": rng.integers(8, 13, k).astype(float),
        "tolerance": 0.05,
        "office_xy_m": xy_m[rng.integers(0, n, k)],
    }


def split_by_water(fields: dict[str, object]) -> dict[str, object]:
    """Leave out every edge across x = 15 km but one, which becomes a bridge."""
    xy_m, edges, border_m = (np.asarray(fields[name]) for name in ("xy_m", "edges", "border_m"))
    is_east = xy_m[:, 0] > 15_000
    across = np.flatnonzero(is_east[edges[:, 0]] != is_east[edges[:, 1]])
    keep = np.setdiff1d(np.arange(len(edges)), across[1:])
    border_m[across[0]] = 0
    return fields | {"edges": edges[keep], "border_m": border_m[keep]}


def with_current(fields: dict[str, object], removed: int) -> dict[str, object]:
    """The nearest team holds a unit now; the units of one team have lost it. Blocks of 10 km are municipalities."""
    xy_m, office = np.asarray(fields["xy_m"]), np.asarray(fields["office_xy_m"])
    nearest = np.argmin(np.hypot(*(xy_m[:, None] - office[None]).transpose(2, 0, 1)), axis=1)
    blocks = (xy_m // 10_000).astype(int)
    return fields | {
        "current": np.where(nearest == removed, -1, nearest),
        "municipality": blocks[:, 0] * 3 + blocks[:, 1],
        "care_region": blocks[:, 1],
        "weights": Weights(1.0, 0.0, 0.0, 0.5, 0.5, 20.0),
    }


def main() -> None:
    """Write all of them."""
    cut = Weights(travel=0.0, cut_edges=1.0)
    one_office = planar(48, 4, 3)
    one_office["office_xy_m"] = np.repeat(np.asarray(one_office["office_xy_m"])[:2], 2, axis=0)
    locked = planar(40, 3, 5)
    allowed = np.random.default_rng(5).random((40, 3)) < 0.8
    allowed[~allowed.any(axis=1)] = True
    made = {
        "travel": planar(60, 5, 1),
        "water": split_by_water(planar(60, 4, 2)),
        "one_office": one_office,
        "current": with_current(planar(60, 5, 4), removed=2),
        "locked": locked | {"allowed": allowed, "weights": Weights(1.0, 0.05, 0.02), "tolerance": 0.1},
        "cut_edges": planar(90, 6, 6)
        | {"weights": cut, "office_xy_m": None, "capacity": np.ones(6), "tolerance": 0.02},
        "tight": planar(24, 3, 7) | {"weights": cut, "office_xy_m": None, "capacity": np.ones(3), "tolerance": 0.005},
    }
    for name, fields in made.items():
        write_instance(Problem(**fields), HERE / name)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
