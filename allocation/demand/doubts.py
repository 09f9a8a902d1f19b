"""Where the estimate leans on little: what a reader of its figures should know, as facts.

Belongs here: which facts these are. Does not belong here: sentences (``report.estimate``), intervals (``intervals``).
"""

from __future__ import annotations

from enum import StrEnum

import pandas as pd

from allocation.demand.history import History
from allocation.demand.movement import Movement
from allocation.demand.trend import MONTHS_FOR_TREND, Levels

SUSPECTED = 0.5
"""A change of level in the last half year is suspected from this probability on."""


class Doubt(StrEnum):
    """What a fact is about, and what its subject and amount are."""

    SHORT = "short"
    """The history has fewer months than a trend takes. Amount: its months."""
    DIVIDED_OTHERWISE = "divided_otherwise"
    """Clients are spread otherwise over places from one month on: those before are not used. Amount: months used."""
    BREAK = "break"
    """The level of a product probably changed in the last half year. Amount: the probability, 0 to 1."""
    ENDED = "ended"
    """A product came in and does no more: nothing is expected of it. Amount: its clients in the history."""
    STARTED = "started"
    """A product came in for fewer months than a trend takes. Amount: the months."""
    RESTLESS = "restless"
    """A postcode changes far faster than others, and is estimated by itself. Amount: its level at the end of the
    history against the mean of the history."""


def doubts(history: History, levels: Levels, moving: Movement) -> pd.DataFrame:
    """The facts, in the order of ``Doubt``: kind, subject (product, pc4, or empty) and amount."""
    months = len(history.delivered)
    clients = history.counts.sum(axis=(0, 2))
    rows: list[tuple[str, str, float]] = []
    if months < MONTHS_FOR_TREND:
        rows.append((Doubt.SHORT, "", float(months)))
    if history.months_before:
        rows.append((Doubt.DIVIDED_OTHERWISE, "", float(months)))
    named = [(at, str(name)) for at, name in enumerate(history.products)]
    rows += [
        (Doubt.BREAK, name, float(levels.break_probability[at]))
        for at, name in named
        if levels.break_probability[at] >= SUSPECTED and not levels.has_ended[at]
    ]
    rows += [(Doubt.ENDED, name, float(clients[at])) for at, name in named if levels.has_ended[at]]
    rows += [
        (Doubt.STARTED, name, float(months - levels.started[at]))
        for at, name in named
        if levels.started[at] > 0 and months - levels.started[at] < MONTHS_FOR_TREND and not levels.has_ended[at]
    ]
    restless = moving.area.is_restless.nonzero()[0]
    rows += [(Doubt.RESTLESS, str(history.pc4[at]), float(moving.area.factor[at])) for at in restless]
    return pd.DataFrame([(str(kind), *rest) for kind, *rest in rows], columns=["kind", "subject", "amount"])
