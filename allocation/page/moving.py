"""What moves under a variant: the outcome's tables, and for what a planner changed, the same functions anew.

Belongs here: which rows of ``allocation_changes`` and ``transition`` concern a layer and region. Does not belong here:
a rule of who moves: that is the outcome's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from allocation.contract.vocabulary import ALL_LINES, PW
from allocation.outcome.routing import allocation_table, assigned_parts
from allocation.outcome.transition import allocation_changes

if TYPE_CHECKING:
    from allocation.page.whatif import Bench, Variant

KEY = ["pc4", "client_line", "law_domain", "team_id", "share"]
CHANGE = ["pc4", "client_line", "law_domain", "team_from", "team_to", "share", "clients", "hours"]


@dataclass(frozen=True)
class Moving:
    """Postcodes that change team, the clients a year in them, and files in stock that get another team.

    ``files`` is None where only a run can tell: under the planner's changes.
    """

    areas: int
    clients: float
    files: int | None


def moving(bench: Bench, variant: Variant, domain: str, line: str, region: int | None) -> Moving:
    """What moves in a layer and region (None: the country). Files are those of the law domain, of both lines: a file
    is counted once, whatever layer is shown."""
    table = bench.changes_of(variant)
    mine = table[(table["law_domain"] == domain) & table["client_line"].isin([line, ALL_LINES])]
    codes = None if region is None else bench.codes_of(region)
    if codes is not None:
        mine = mine[mine["pc4"].isin(codes)]
    return Moving(int(mine["pc4"].nunique()), float(mine["clients"].sum()), _files(bench, variant, domain, codes))


def _files(bench: Bench, variant: Variant, domain: str, codes: frozenset[str] | None) -> int | None:
    if variant.touched:
        return None
    table = bench.transition
    is_pw = table["product"].isin(bench.pw_products)
    if "pw_client" in table:
        is_pw |= table["pw_client"].astype(bool)
    mine = table[(table["movement"] == "verhuist") & (is_pw == (domain == PW))]
    return int(mine["clients"].sum() if codes is None else mine.loc[mine["pc4"].isin(codes), "clients"].sum())


def changes_under(bench: Bench, variant: Variant) -> pd.DataFrame:
    """Table ``allocation_changes`` under a variant: of the run where nothing was changed, counted anew elsewhere."""
    touched = {(part.board.layer.law_domain, nr) for part in variant.touched for nr in part.board.layer.regions}
    if not touched:
        return bench.proposed_changes[CHANGE]
    parts = [p for p in variant.sums if any((p.board.layer.law_domain, nr) in touched for nr in p.board.layer.regions)]
    layers, plans = [], []
    for part in parts:  # with every line of the touched regions: a change compares whole postcodes
        has = part.plan >= 0  # a unit without a team is in no division
        layers.append(replace(part.board.layer, parts=part.board.layer.parts[has]))
        plans.append(part.plan[has])
    new = allocation_table(assigned_parts(layers, plans))[KEY]
    codes = {
        domain: {pc4 for p in parts if p.board.layer.law_domain == domain for pc4 in p.board.layer.parts["pc4"]}
        for domain, _ in touched
    }

    def concerned(table: pd.DataFrame) -> pd.Series:
        own = pd.Series(False, index=table.index)
        for domain, here in codes.items():
            own |= (table["law_domain"] == domain) & table["pc4"].isin(here)
        return own

    now, expected, proposed = bench.in_force, bench.expected, bench.proposed_changes
    fresh = allocation_changes(now.loc[concerned(now), KEY], new, expected[concerned(expected)])
    return pd.concat([proposed.loc[~concerned(proposed), CHANGE], fresh[CHANGE]], ignore_index=True)
