"""What moves under a variant: the outcome's tables, and for what a planner changed, the same functions anew.

Belongs here: which rows of ``allocation_changes`` and ``transition`` concern a layer, a region, a change.
Does not belong here: a rule of who moves: that is the outcome's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from allocation.contract.vocabulary import ALL_LINES, MOVES, PW
from allocation.layers.holding import follows
from allocation.layers.layer import Layer
from allocation.outcome.routing import allocation_table, assigned_parts, routing_of_segments
from allocation.outcome.transition import allocation_changes, movement, placed_files
from allocation.report.board import Ints

if TYPE_CHECKING:
    from allocation.page.whatif import Bench, Variant

KEY = ["pc4", "client_line", "law_domain", "team_id", "share"]
MOVED = ["pc4", "product", "pw_client", "clients"]
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
    table = bench.moved_files_of(variant)
    is_pw = table["product"].isin(bench.pw_products)
    if "pw_client" in table:
        is_pw |= table["pw_client"].astype(bool)
    mine = table[is_pw == (domain == PW)]
    return int(mine["clients"].sum() if codes is None else mine.loc[mine["pc4"].isin(codes), "clients"].sum())


def moved_files_under(bench: Bench, variant: Variant) -> pd.DataFrame:
    """The files in stock that move, under a variant: pc4, product, pw_client, clients. Those of the proposal, and anew
    for each postcode whose team, lock or holder the planner changed. Files in postcodes without a team go nowhere yet:
    left out."""
    codes = _touched_codes(variant)
    if variant.held is not bench.held_files:
        now, before = (files["refusal"].astype(object) for files in (variant.held, bench.held_files))
        judged = (now != before) & (now.notna() | before.notna())
        codes |= set(variant.held.loc[judged, "pc4"])
    if not codes:
        return bench.moved_files
    kept = bench.moved_files[~bench.moved_files["pc4"].isin(codes)]
    mine = variant.held[variant.held["pc4"].isin(codes)]
    if not follows(mine, bench.config).any():
        return kept
    layers, plans = _divided(variant, codes)
    offices = variant.board.teams.drop_duplicates("team_id").set_index("team_id")["office"]
    routed = routing_of_segments(assigned_parts(layers, plans), bench.segments, bench.special_shares, offices)
    files = placed_files(mine, routed, bench.config).rename(columns={"team_id": "team_from"})
    return pd.concat([kept, files_that_move(files)], ignore_index=True)


def files_that_move(files: pd.DataFrame) -> pd.DataFrame:
    """The rows of table ``transition``, or of the files from which it is made, whose clients get another team."""
    moves = movement(files["team_from"], files["team_to"]) == MOVES
    found: pd.DataFrame = files.loc[moves, [name for name in MOVED if name in files]]
    return found


def _touched_codes(variant: Variant) -> set[str]:
    """Postcodes that a variant may divide otherwise than the proposal: every one of a layer that was built anew, and
    where only the plan differs those with another team. What moves in one postcode does not depend on another."""
    base = {part.board.key: part for part in variant.base}
    codes: set[str] = set()
    for part in variant.touched:
        rows, before = part.board.layer.parts["pc4"], base.get(part.board.key)
        if before is not None and before.board is part.board:
            rows = rows[part.plan != before.plan]
        codes.update(rows)
    return codes


def _divided(variant: Variant, codes: set[str]) -> tuple[list[Layer], list[Ints]]:
    """Layers and plans of these postcodes, in every line and law domain: a change compares whole postcodes. Without
    units that have no team: these are in no division."""
    numbers = variant.board.areas["arbeidsmarktregio_nr"].to_numpy()
    regions = set(numbers[[variant.board.at[pc4] for pc4 in codes if pc4 in variant.board.at]].tolist())
    layers, plans = [], []
    for part in variant.sums:
        rows = part.board.layer.parts
        if regions & set(part.board.layer.regions):
            has = rows["pc4"].isin(codes).to_numpy() & (part.plan >= 0)
            layers.append(replace(part.board.layer, parts=rows[has]))
            plans.append(part.plan[has])
    return layers, plans


def changes_under(bench: Bench, variant: Variant) -> pd.DataFrame:
    """Table ``allocation_changes`` under a variant: that of the proposal, and counted anew in each postcode touched."""
    codes = _touched_codes(variant)
    if not codes:
        return bench.proposed_changes[CHANGE]
    new = allocation_table(assigned_parts(*_divided(variant, codes)))[KEY]

    def concerned(table: pd.DataFrame) -> pd.Series:
        return table["pc4"].isin(codes)

    now, expected, proposed = bench.in_force, bench.expected, bench.proposed_changes
    fresh = allocation_changes(now.loc[concerned(now), KEY], new, expected[concerned(expected)])
    others = proposed[~concerned(proposed)]
    return pd.concat([others, fresh], ignore_index=True)[CHANGE]
