"""Which postcodes go from team to team, version after version.

Belongs here: counting over the timeline. Does not belong here: what changes between two versions (`reads.compare`).
"""

from __future__ import annotations

import pandas as pd
import sqlalchemy as sa

from allocation.contract.published_tables import ALLOCATION
from allocation.publication import store
from allocation.publication.tables import ROWS
from allocation.publication.timeline import read_periods

MOST_PERIODS = 12
KEY = ["pc4", "law_domain", "client_line"]


def hands(store_url: str) -> pd.DataFrame:
    """The team with the largest share of each postcode, one row per period that is or was on the timeline, oldest
    first; the last ``MOST_PERIODS`` of them.

    Columns: pc4, law_domain, client_line, team_id, since (first day of the period). Periods that were replaced before
    they began, or put aside, do not count.
    """
    rows = ROWS[ALLOCATION.name]
    parts = []
    with store.reading(store_url) as connection:
        periods = read_periods(connection)[-MOST_PERIODS:]
        for period in periods:
            query = sa.select(*(rows.c[name] for name in (*KEY, "team_id", "share"))).where(
                rows.c.version == period.version
            )
            table = store.frame(connection, query).sort_values(["share", "team_id"], ascending=[False, True])
            parts.append(table.drop_duplicates(KEY)[[*KEY, "team_id"]].assign(since=period.valid_from))
    empty = pd.DataFrame(columns=[*KEY, "team_id", "since"])
    return pd.concat(parts, ignore_index=True) if parts else empty


def changes_of_hands(held: pd.DataFrame) -> pd.DataFrame:
    """How often each postcode changed team in ``hands``: key, ``times`` and ``teams``, the holders in order.

    Most changes first; postcodes that never changed are left out. A postcode whose lines were joined or taken apart
    in between is followed per line that both have.
    """
    ordered = held.sort_values("since", kind="stable")
    before = ordered.groupby(KEY)["team_id"].shift()
    first = before.isna()
    steps = ordered[first | (ordered["team_id"] != before)]
    counted = steps.groupby(KEY, sort=True)["team_id"].agg(times=lambda one: len(one) - 1, teams=list).reset_index()
    changed = counted[counted["times"] > 0]
    return changed.sort_values(["times", "pc4"], ascending=[False, True], kind="stable", ignore_index=True)
