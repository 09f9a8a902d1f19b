"""Alternatives of a division beside each other: their figures over all layers, what is proven, which to choose from.

Belongs here: adding up layers, and leaving out what is worse in everything. Does not belong here: dividing a layer
(``layers.alternatives``), or the tables of the one that is chosen (``assemble``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from allocation.layers.alternatives import CORNERS, FIGURE, Alternative, Figures

MEASURES = ("moved", "deviation", "travel", "splits", "risk")
"""Each the less the better."""
WORST = ("deviation", "risk")
"""Of these the worst layer counts; the others are sums."""
MOST = 7
"""So many alternatives are shown at most."""


def together(of_layers: Sequence[Figures], demand: float) -> dict[str, float]:
    """The figures of one alternative over its layers: clients and splits summed, the largest deviation and risk, and
    the mean km of ``demand`` hours."""
    return {
        "moved": sum(one.moved for one in of_layers),
        "deviation": max(one.deviation for one in of_layers),
        "travel": sum(one.travel for one in of_layers) / max(demand, 1e-9),
        "splits": float(sum(one.splits for one in of_layers)),
        "risk": max(one.risk for one in of_layers),
    }


def proven_together(bounds: Mapping[Alternative, Sequence[float]], demand: float) -> dict[str, float]:
    """What no division can be below, per measure, from the bounds of its layers.

    ``bounds`` : per corner, one value per layer (``layers.alternatives.proven``). The worst team of all layers is at
    least as far off as the largest of their bounds; the other measures are sums.
    """
    found = {}
    for kind in CORNERS:
        values = list(bounds[kind])
        whole = max(values) if FIGURE[kind] in WORST else sum(values)
        found[FIGURE[kind]] = whole / max(demand, 1e-9) if kind is Alternative.TRAVEL else whole
    return found


def figure_table(
    figures: Mapping[Alternative, Mapping[str, float]], proven: Mapping[str, float], areas: Mapping[Alternative, int]
) -> pd.DataFrame:
    """One row per alternative, in the order of ``Alternative``: alternative, the measures, areas_moved, per
    measure ``proven_`` what no division can be below, and best_in: the measures, joined by ``|``, in which none of the
    table does better.

    ``areas`` : postcodes that change team.
    """
    rows = []
    for kind in Alternative:
        if kind in figures:
            bounds = {f"proven_{name}": proven[name] for name in MEASURES}
            rows.append({"alternative": str(kind), **figures[kind], "areas_moved": areas[kind], **bounds})
    table = pd.DataFrame(rows)
    least = table[list(MEASURES)].min()
    best = table[list(MEASURES)].le(least * (1 + 1e-9) + 1e-12)
    table["best_in"] = ["|".join(name for name in MEASURES if row[name]) for _, row in best.iterrows()]
    return table


def front(table: pd.DataFrame, most: int = MOST) -> pd.DataFrame:
    """The rows of ``figure_table`` that no other row beats or equals in all measures, ``most`` at most.

    Of equal rows the first stays. Where more are left, one of the two that lie nearest to each other goes, each measure
    as a part of its range; a row that is best in something stays.
    """
    values: Any = table[list(MEASURES)].to_numpy(float)
    kept = []
    for at, mine in enumerate(values):
        no_worse = (values <= mine * (1 + 1e-9) + 1e-12).all(axis=1)
        better = no_worse & (values < mine * (1 - 1e-9) - 1e-12).any(axis=1)
        same = no_worse & ~better
        if not better.any() and not same[:at].any():
            kept.append(at)
    spread = np.ptp(values[kept], axis=0)
    scaled = values / np.where(spread > 0, spread, 1.0)
    while len(kept) > most:
        least = values[kept].min(axis=0)
        free = {at for at in kept if not (values[at] <= least)[spread > 0].any()}
        pairs = [pair for pair in combinations(kept, 2) if free & set(pair)]
        if not pairs:
            break
        pair = min(pairs, key=lambda two: float(np.abs(scaled[two[0]] - scaled[two[1]]).sum()))
        kept.remove(max(free & set(pair)))
    return table.iloc[kept].reset_index(drop=True)
