"""What moves under a variant: the outcome's tables, and for what a planner changed, the same functions anew.

Belongs here: which rows of ``allocation_changes`` and ``transition`` concern a layer and region. Does not belong here:
a rule of who moves: that is the outcome's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from allocation.contract.vocabulary import ALL_LINES, PW
from allocation.layers.layer import Layer
from allocation.outcome.routing import allocation_table, assigned_parts, routing_table
from allocation.outcome.transition import allocation_changes, placed_files, transition_table
from allocation.report.board import Ints, LayerSums

if TYPE_CHECKING:
    from allocation.page.whatif import Bench, Variant

KEY = ["pc4", "client_line", "law_domain", "team_id", "share"]
CHANGE = ["pc4", "client_line", "law_domain", "team_from", "team_to", "share", "clients", "hours"]


@dataclass(frozen=True)
class Moving:
    """Postcodes that change team, the clients a year in them, and files in stock that get another team."""

    areas: int
    clients: float
    files: int


def moving(bench: Bench, variant: Variant, domain: str, line: str, region: int | None) -> Moving:
    """What moves in a layer and region (None: the country). Files are those of the law domain, of both lines: a file
    is counted once, whatever layer is shown."""
    table = bench.changes_of(variant)
    mine = table[(table["law_domain"] == domain) & table["client_line"].isin([line, ALL_LINES])]
    codes = None if region is None else bench.codes_of(region)
    if codes is not None:
        mine = mine[mine["pc4"].isin(codes)]
    return Moving(int(mine["pc4"].nunique()), float(mine["clients"].sum()), _files(bench, variant, domain, codes))


def _files(bench: Bench, variant: Variant, domain: str, codes: frozenset[str] | None) -> int:
    table = bench.transition_of(variant)
    is_pw = table["product"].isin(bench.pw_products)
    if "pw_client" in table:
        is_pw |= table["pw_client"].astype(bool)
    mine = table[(table["movement"] == "verhuist") & (is_pw == (domain == PW))]
    return int(mine["clients"].sum() if codes is None else mine.loc[mine["pc4"].isin(codes), "clients"].sum())


def transition_under(bench: Bench, variant: Variant) -> pd.DataFrame:
    """Table ``transition`` under a variant: of the run where nothing was changed, and for the regions that a plan, a
    team or a lock touches made anew. Files in postcodes without a team go nowhere yet and are left out."""
    regions = {nr for part in variant.touched for nr in part.board.layer.regions}
    if variant.held is not bench.held_files:
        now, before = (files["refusal"].astype(object) for files in (variant.held, bench.held_files))
        judged = (now != before) & (now.notna() | before.notna())
        regions |= set(variant.held.loc[judged, "region"].astype(int))
    if not regions:
        return bench.transition
    codes = frozenset[str]().union(*(bench.codes_of(nr) for nr in regions))
    layers, plans = _divided([p for p in variant.sums if regions & set(p.board.layer.regions)])
    offices = variant.board.teams.drop_duplicates("team_id").set_index("team_id")["office"]
    groups = bench.inputs.client_groups(bench.config)
    routed = routing_table(assigned_parts(layers, plans), groups, bench.special_shares, offices, bench.config)
    files = placed_files(variant.held[variant.held["pc4"].isin(codes)], routed, bench.config)
    return pd.concat(
        [bench.transition[~bench.transition["pc4"].isin(codes)], transition_table(files)], ignore_index=True
    )


def _divided(parts: Sequence[LayerSums]) -> tuple[list[Layer], list[Ints]]:
    """Layers and plans, without units that have no team: these are in no division."""
    layers, plans = [], []
    for part in parts:
        has = part.plan >= 0
        layers.append(replace(part.board.layer, parts=part.board.layer.parts[has]))
        plans.append(part.plan[has])
    return layers, plans


def changes_under(bench: Bench, variant: Variant) -> pd.DataFrame:
    """Table ``allocation_changes`` under a variant: of the run where nothing was changed, counted anew elsewhere."""
    touched = {(part.board.layer.law_domain, nr) for part in variant.touched for nr in part.board.layer.regions}
    if not touched:
        return bench.proposed_changes[CHANGE]
    parts = [p for p in variant.sums if any((p.board.layer.law_domain, nr) in touched for nr in p.board.layer.regions)]
    layers, plans = _divided(parts)  # with every line of the touched regions: a change compares whole postcodes
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
