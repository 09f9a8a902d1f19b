"""Many rows with the same problem in few lines: each cause once, with its first row and how often it occurs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.errors import Problem

MOST_PER_CHECK = 5
"""Different problems listed per check; the rest is counted in one closing line."""
MOST_LOOKED_AT = 10_000
"""Rows with yet other problems that are worded to find the same cause again; beyond, they are only counted."""


def listed(
    mask: pd.Series | NDArray[np.bool_], rows: pd.Series, make: Callable[[int, int], Problem], file: str
) -> list[Problem]:
    """The problems of the rows where ``mask`` holds: one per cause, at most ``MOST_PER_CHECK``, then how many more.

    ``make(position, row)`` gets the position in the frame and the spreadsheet row. The same cause in several rows is
    one problem, at its first row, with how often it occurs.
    """
    if isinstance(mask, pd.Series):
        mask = mask.fillna(False).to_numpy(dtype=bool)
    positions = np.flatnonzero(mask)
    causes: dict[tuple[str, str], tuple[Problem, int]] = {}
    others = 0
    for at in positions:
        if len(causes) == MOST_PER_CHECK and others > MOST_LOOKED_AT:
            others = len(positions) - sum(count for _, count in causes.values())
            break
        problem = make(int(at), int(rows.iloc[at]))
        first, count = causes.get((problem.what, problem.allowed), (problem, 0))
        if count or len(causes) < MOST_PER_CHECK:
            causes[problem.what, problem.allowed] = first, count + 1
        else:
            others += 1
    problems = [
        replace(first, what=f"{first.what} (and in {count - 1:,} more rows)", rows=count) if count > 1 else first
        for first, count in causes.values()
    ]
    if others:
        last = problems[-1]
        problems.append(Problem(file, None, last.column, f"+{others:,} more rows like these", last.allowed))
    return problems
