"""Plans and input -> every table of the outcome. A pure function: frames in, tables out.

Belongs here: the order in which the tables follow from each other. Does not belong here: how one of them is computed,
or where anything is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import date
from functools import partial
from typing import ParamSpec, TypeVar

import pandas as pd

from allocation.contract.config import Config
from allocation.demand.norms import estimated_norms
from allocation.intake.inputs import Inputs
from allocation.intake.roster import active_teams
from allocation.layers.holding import Roster
from allocation.layers.spread import Spreads
from allocation.layers.ways import Ways
from allocation.layers.work import capacity_hours, monthly_capacity, product_norms, recurring_products
from allocation.outcome import (
    finished,
    impact,
    ledger,
    network,
    region_capacity,
    robustness,
    routing,
    runoff,
    staff,
    transition,
    waiting,
)
from allocation.outcome.capacity import capacity_advice
from allocation.outcome.handover import handover_tables
from allocation.outcome.region_summary import region_summary
from allocation.outcome.solved import Solved, regions_of_teams
from allocation.outcome.team_load import team_load
from allocation.outcome.verzuimbeheer import groups_on, verzuimbeheer

P = ParamSpec("P")
R = TypeVar("R")


def assemble(
    solved: Sequence[Solved],
    inputs: Inputs,
    work: pd.DataFrame,
    areas: pd.DataFrame,
    edges: pd.DataFrame,
    held: pd.DataFrame,
    *,
    now: pd.DataFrame,
    from_version: int | None,
    load_in_force: pd.DataFrame | None,
    groups_in_force: pd.DataFrame,
    ways: Ways,
    day: date,
    config: Config,
    plan_in_force: finished.PlanInForce | None = None,
    beside: Executor | None = None,
) -> dict[str, pd.DataFrame]:
    """Every table of the outcome by name.

    Parameters
    ----------
    solved : every layer with its plan.
    work : as ``demand.expected.expected_work`` gives it. areas : one row per postcode.
    edges : neighbouring postcodes a, b.
    held : as ``layers.holding.held_files`` gives it.
    now : the division in force (pc4, client_line, law_domain, team_id, share); empty without one.
    from_version : the published version that ``now`` is; None when it comes from a file or there is none.
    load_in_force : table ``team_load`` of the version in force; None without one.
    groups_in_force : who works with whom at Uitkeren (pc4, client_group, pw_client, team_id, group_code, share).
    ways : how far each postcode lies from each office.
    day : first day of the new division; the teams of that day count.
    plan_in_force : what the version in force planned, to lay finished work beside; None without one.
    beside : a process that makes the tables that others do not wait for; None: this one.
    """
    teams = active_teams(inputs.teams, day)
    capacity = capacity_hours(inputs.teams, day, config).reindex(teams["team_id"].unique(), fill_value=0.0)
    by_month = monthly_capacity(inputs.teams, day, config, runoff.MONTHS)
    norms, recurring = product_norms(inputs.products, config), recurring_products(inputs.inflow, inputs.stock)
    parts = routing.assigned_parts([one.layer for one in solved], [one.plan for one in solved])
    allocation = routing.allocation_table(parts)
    special = routing.special_shares(teams, capacity["verzekeringsarts"])
    groups = inputs.client_groups(config)
    routed = routing.routing_table(parts, groups, special, teams.set_index("team_id")["office"], config)
    expected = transition.expected_per_area(work, allocation, config)
    changes = transition.allocation_changes(now, allocation, expected).assign(from_version=from_version)
    roster = Roster.of(inputs, day, config)
    holders = pd.concat([inputs.stock["team_id"], held["team_id"], now["team_id"]]).dropna().unique()
    all_files = _begin(beside, transition.files_table, roster, groups, holders, areas, config)
    files = transition.placed_files(held, routed, config)
    moves = transition.transition_table(files)
    work_of_teams = ledger.routed_work(work, routed, config)
    rows = ledger.ledger(work_of_teams, files, norms, solved)
    spreads = Spreads(work, config)
    load = team_load(solved, rows, work_of_teams, areas, teams, capacity, recurring, spreads, ways, config)
    region = areas.set_index("pc4")["arbeidsmarktregio_nr"].astype("int64")
    region_rows = region_capacity.region_ledger(work_of_teams, files, norms, solved, region)
    of_regions = region_capacity.region_capacity(region_rows, load, solved, areas, teams, recurring)
    handed = _begin(beside, handover_tables, solved, files, of_regions, allocation, norms, recurring, roster, config)
    advised = _begin(beside, _capacity_tables, region_rows, of_regions, teams, areas, norms, recurring, config)
    offices = inputs.teams.drop_duplicates("team_id", keep="last").set_index("team_id")["office"]
    until_now = routing.routing_of_division(now, groups, special, offices, config) if len(now) else routed
    months = finished.finished_months(inputs, work, held, until_now, norms, solved, recurring, plan_in_force, config)
    uitkeren = verzuimbeheer(
        routed, work_of_teams, groups_on(inputs.verzuimbeheer, teams, day), groups_in_force, inputs.teams, areas, edges,
        config.solver.seed,
    )  # fmt: skip
    handover, handover_summary = handed()
    places = regions_of_teams(solved, areas)
    divided = rows[rows["team_id"].isin(load.loc[load["kind"] != "bijzonder", "team_id"])]
    return {
        "allocation": allocation,
        "routing": routed,
        "allocation_reason": routing.reason_table(parts),
        "team_load": load,
        "team_ledger": ledger.team_ledger(rows),
        "files": all_files(),
        "allocation_changes": changes,
        "transition": moves,
        "line_outcomes": finished.line_outcomes(of_regions, months, inputs.teams, areas, config),
        "finished_months": months,
        **advised(),
        "handover_advice": handover,
        "handover_summary": handover_summary,
        "region_capacity": of_regions,
        "norm_estimates": estimated_norms(inputs.completed, norms, inputs.teams, config.work.productive_hours_per_fte),
        "verzuimbeheer_routing": uitkeren.routing,
        "verzuimbeheer_groups": uitkeren.groups,
        "staff": staff.staff_table(solved, work_of_teams, inputs.staff),
        "team_network": network.team_network(work_of_teams, network.partners(inputs, areas)),
        "region_summary": region_summary(solved, load, changes, files, work, areas, ways.kind, config),
        "expected": expected,
        "team_months": runoff.team_months(divided, by_month, norms, recurring),
        "impact": impact.impact_table(
            solved, now, changes, moves, inputs.teams, areas, inputs.products, expected, uitkeren
        ),
        "robustness": robustness.robustness_table(solved, spreads, config),
        "waiting": waiting.waiting_table(rows, load, places, config),
        "waiting_seen": waiting.waiting_table(waiting.rows_seen(rows, moves), load, places, config),
        "lines": waiting.line_table(load, load_in_force, allocation),
        "teams": teams.drop(columns=["regions", "row"]),
        "team_periods": inputs.teams[["team_id", "valid_from", "valid_to"]],
    }


def _begin(beside: Executor | None, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[[], R]:
    """Begin ``call`` in the process ``beside``, or put it off when there is none; returns how to get what it gives."""
    return partial(call, *args, **kwargs) if beside is None else beside.submit(call, *args, **kwargs).result


def _capacity_tables(
    region_rows: pd.DataFrame,
    of_regions: pd.DataFrame,
    teams: pd.DataFrame,
    areas: pd.DataFrame,
    norms: pd.DataFrame,
    recurring: frozenset[str],
    config: Config,
) -> dict[str, pd.DataFrame]:
    """The advice about capacity, and what it was made of, to make it anew with other settings."""
    work = region_capacity.region_work(region_rows, of_regions, norms, recurring)
    supply = region_capacity.region_supply(of_regions, teams, config.work.productive_hours_per_fte)
    offices = region_capacity.region_offices(of_regions, teams, areas)
    return {
        "region_work": work,
        "region_supply": supply,
        "region_offices": offices,
        "capacity_advice": capacity_advice(work, supply, offices, areas, config),
    }
