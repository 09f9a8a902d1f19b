"""The part of a postcode's work that each range of a split at PC6 stands for."""

from __future__ import annotations

import pandas as pd

CODE_LETTERS = 26 * 26
"""Letter pairs of a PC6."""


PEOPLE_PER_PAIR = 0.01
"""Inhabitants added to each letter pair. Without counts all pairs weigh the same; with counts it hardly matters, and
keeps the weight of every range above 0."""


def split_portions(splits: pd.DataFrame, full_postcodes: pd.DataFrame) -> pd.Series:
    """The part of the postcode's work that each split row takes: its share, of the PC6 range where it names one.

    A range's part of the postcode is its part of the inhabitants in ``full_postcodes`` (pc4, pc6, inhabitants), and of
    the letter pairs where these have none.
    """
    people = full_postcodes.assign(inhabitants=full_postcodes["inhabitants"].astype("Float64").fillna(0.0))
    of_area = people.groupby("pc4")["inhabitants"].sum()
    parts = []
    for first, last in zip(splits["pc6_from"], splits["pc6_to"], strict=True):
        if not isinstance(first, str) or not isinstance(last, str):
            parts.append(1.0)
            continue
        counted = float(people.loc[people["pc6"].between(first, last), "inhabitants"].sum())
        total = float(of_area.get(first[:4], 0.0))
        pairs = _pair_number(last) - _pair_number(first) + 1
        parts.append((counted + PEOPLE_PER_PAIR * pairs) / (total + PEOPLE_PER_PAIR * CODE_LETTERS))
    return splits["share"] * parts


def _pair_number(pc6: str) -> int:
    return (ord(pc6[4]) - ord("A")) * 26 + ord(pc6[5]) - ord("A")
