"""A region that starts to register other client lines: its earlier counts as if they had always been registered so.

Belongs here: recognising such a change, and moving counts between lines. Does not belong here: which lines a product
allows (the input says so), how clients of line ``alle`` are spread over lines (``layers``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.demand.trend import MISSED

Floats = NDArray[np.float64]
LEAST_MONTHS = 3
"""A line has ended or started when it is empty for at least so many months, and that is not chance."""
OVERLAP = 3
"""So many months may the old and the new lines be used side by side."""


def as_registered_now(inflow: pd.DataFrame, months: int) -> pd.DataFrame:
    """``inflow`` with the counts of lines that a region no longer uses moved to the lines that it uses instead.

    Parameters
    ----------
    inflow : columns number (of the month, 0 = first), region, product, client_line, clients, and any others.
    months : length of the history.

    Returns
    -------
    The same columns; clients are fractions where one old line became several: these get the counts of the old line in
    the proportion of their own counts in that region.
    """
    region, regions = pd.factorize(inflow["region"])
    product, products = pd.factorize(inflow["product"])
    place = region * len(products) + product
    places = [(area, name) for area in regions for name in products]
    line, lines = pd.factorize(inflow["client_line"], sort=True)
    shape = (len(places), len(lines), months)
    code = (place * shape[1] + line) * months + inflow["number"].to_numpy()
    counts = np.bincount(code, inflow["clients"], int(np.prod(shape))).reshape(shape)
    seen = counts > 0
    occurs = np.asarray(seen.any(axis=2))
    can_end = occurs & ~np.asarray(seen[:, :, -LEAST_MONTHS:].any(axis=2))
    can_begin = occurs & ~np.asarray(seen[:, :, :LEAST_MONTHS].any(axis=2))
    moved = [
        (*place_name, *move)
        for at, place_name in enumerate(places)
        if can_end[at].any() and can_begin[at].any()
        for move in line_moves(counts[at], [str(name) for name in lines])
    ]
    if not moved:
        return inflow
    moves = pd.DataFrame(moved, columns=["region", "product", "client_line", "line_now", "part"])
    joined = inflow.merge(moves, on=["region", "product", "client_line"], how="left")
    joined["client_line"] = joined.pop("line_now").fillna(joined["client_line"])
    joined["clients"] = joined["clients"] * joined.pop("part").fillna(1.0)
    return joined


def line_moves(counts: Floats, lines: list[str]) -> list[tuple[str, str, float]]:
    """Old line, new line and part of the counts that moves, for ``counts`` (lines, months) of a region and product."""
    months = counts.shape[1]
    ended: list[tuple[int, int]] = []
    begun: list[tuple[int, int]] = []
    for line, series in enumerate(counts):
        seen = np.flatnonzero(series > 0)
        if not len(seen):
            continue
        first, last = int(seen[0]), int(seen[-1])
        usual = float(series.sum()) / (last + 1 - first)
        after = months - 1 - last
        if after >= LEAST_MONTHS and after * usual > MISSED:
            ended.append((line, last))
        elif first >= LEAST_MONTHS and first * usual > MISSED:
            begun.append((line, first))
    if not ended or not begun:
        return []
    start, end = min(first for _, first in begun), max(last for _, last in ended)
    if abs(end + 1 - start) > OVERLAP:
        return []
    total = sum(counts[line].sum() for line, _ in begun)
    return [
        (lines[old], lines[new], float(counts[new].sum() / total)) for old, _ in ended for new, _ in begun
    ]  # fmt: skip
