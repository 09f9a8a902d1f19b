"""Plans and input -> every table of the outcome. Pure: frames in, tables out.

Belongs here: how the tables follow from each other. Does not belong here: how one of them is computed, or where
anything is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import date
from functools import cached_property

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
    seen,
    staff,
    transition,
    waiting,
)
from allocation.outcome.capacity import capacity_tables
from allocation.outcome.handover import handover_tables
from allocation.outcome.made_once import awaited, begun, table
from allocation.outcome.offices import Offices
from allocation.outcome.region_summary import region_summary
from allocation.outcome.solved import Solved, regions_of_teams
from allocation.outcome.team_load import team_load
from allocation.outcome.verzuimbeheer import Verzuimbeheer, groups_on, verzuimbeheer
from allocation.publication import small_counts


@dataclass(eq=False)
class Outcome:
    """Every table of the outcome. Each is made once, when it or one that follows from it is asked for.

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

    solved: Sequence[Solved]
    inputs: Inputs
    work: pd.DataFrame
    areas: pd.DataFrame
    edges: pd.DataFrame
    held: pd.DataFrame
    now: pd.DataFrame
    from_version: int | None
    load_in_force: pd.DataFrame | None
    groups_in_force: pd.DataFrame
    ways: Ways
    day: date
    config: Config
    plan_in_force: finished.PlanInForce | None = None
    beside: Executor | None = None

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        _ = self._files_later, self._uitkeren_later, self._handover_later, self._advice_later  # they begin
        made = {name: getattr(self, name) for name in sorted(TABLES, key=lambda name: TABLES[name])}
        return {name: made[name] for name in TABLES}

    @table
    def allocation(self) -> pd.DataFrame:
        return routing.allocation_table(self._parts)

    @table
    def routing(self) -> pd.DataFrame:
        return routing.routing_table(self._parts, self._groups, self._special, self._offices.new, self.config)

    @table
    def allocation_reason(self) -> pd.DataFrame:
        return routing.reason_table(self._parts)

    @table
    def team_load(self) -> pd.DataFrame:
        return self._load(self._ledger, self._work_of_teams)

    @table
    def team_load_seen(self) -> pd.DataFrame:
        return seen.load_seen(self._load(self._ledger_seen, self._work_seen), self.team_load)

    def _load(self, rows: pd.DataFrame, work: pd.DataFrame) -> pd.DataFrame:
        return team_load(
            self.solved, rows, work, self.areas, self._teams, self._capacity, self._recurring, self._spreads, self.ways,
            self.config,
        )  # fmt: skip

    @table
    def team_ledger(self) -> pd.DataFrame:
        return ledger.team_ledger(self._ledger)

    @table
    def team_ledger_seen(self) -> pd.DataFrame:
        return seen.team_ledger_seen(self._ledger_shown, self._norms)

    @awaited
    def files(self) -> pd.DataFrame:
        return self._files_later()

    @table
    def allocation_changes(self) -> pd.DataFrame:
        changes = transition.allocation_changes(self.now, self.allocation, self.expected)
        return changes.assign(from_version=self.from_version)

    @table
    def allocation_changes_seen(self) -> pd.DataFrame:
        amounts = ("clients_seen", "hours_seen")
        return seen.allocation_changes_seen(
            transition.allocation_changes(self.now, self.allocation, self.expected, amounts)
        )

    @table
    def transition(self) -> pd.DataFrame:
        return transition.transition_table(self._placed)

    @table
    def line_outcomes(self) -> pd.DataFrame:
        return self._line_outcomes(self.region_capacity, self.finished_months)

    @table
    def line_outcomes_seen(self) -> pd.DataFrame:
        rows = seen.region_ledger_seen(
            self._region_ledger, self._ledger_seen, self._cells_seen, self._regions, self._norms
        )
        months = finished.with_plan_seen(self.finished_months, self.plan_in_force)
        return seen.line_outcomes_seen(self._line_outcomes(self._region_capacity(rows), months))

    def _line_outcomes(self, capacity: pd.DataFrame, months: pd.DataFrame) -> pd.DataFrame:
        return finished.line_outcomes(capacity, months, self.inputs.teams, self.areas, self.config)

    @table
    def finished_months(self) -> pd.DataFrame:
        return finished.finished_months(
            self.inputs, self.work, self.held, self._routing_until_now, self._norms, self.solved, self._recurring,
            self.plan_in_force, self.config,
        )  # fmt: skip

    @awaited
    def region_work(self) -> pd.DataFrame:
        return self._advice["region_work"]

    @awaited
    def region_supply(self) -> pd.DataFrame:
        return self._advice["region_supply"]

    @awaited
    def region_offices(self) -> pd.DataFrame:
        return self._advice["region_offices"]

    @awaited
    def capacity_advice(self) -> pd.DataFrame:
        return self._advice["capacity_advice"]

    @awaited
    def handover_advice(self) -> pd.DataFrame:
        return self._handover[0]

    @awaited
    def handover_summary(self) -> pd.DataFrame:
        return self._handover[1]

    @table
    def region_capacity(self) -> pd.DataFrame:
        return self._region_capacity(self._region_ledger)

    def _region_capacity(self, rows: pd.DataFrame) -> pd.DataFrame:
        return region_capacity.region_capacity(
            rows, self.team_load, self.solved, self.areas, self._teams, self._recurring
        )

    @table
    def norm_estimates(self) -> pd.DataFrame:
        hours = self.config.work.productive_hours_per_fte
        return estimated_norms(self.inputs.completed, self._norms, self.inputs.teams, hours)

    @awaited
    def verzuimbeheer_routing(self) -> pd.DataFrame:
        return self._uitkeren.routing

    @awaited
    def verzuimbeheer_groups(self) -> pd.DataFrame:
        return self._uitkeren.groups

    @table
    def staff(self) -> pd.DataFrame:
        return staff.staff_table(self.solved, self._work_of_teams, self.inputs.staff)

    @table
    def team_network(self) -> pd.DataFrame:
        return network.team_network(self._work_of_teams, network.partners(self.inputs, self.areas))

    @table
    def team_network_seen(self) -> pd.DataFrame:
        return seen.team_network_seen(network.team_network(self._work_seen, network.partners(self.inputs, self.areas)))

    @table
    def region_summary(self) -> pd.DataFrame:
        return region_summary(
            self.solved, self.team_load, self.allocation_changes, self._placed, self.work, self.areas, self.ways.kind,
            self.config,
        )  # fmt: skip

    @table
    def region_summary_seen(self) -> pd.DataFrame:
        return seen.region_summary_seen(
            self.region_summary, self._cells_seen, self.team_load, self.team_load_seen, self._places, self.areas
        )

    @table
    def expected(self) -> pd.DataFrame:
        known = seen.with_stock_seen(self.work, self._cells_seen, self._norms)
        exact, known = (transition.expected_per_area(work, self.allocation, self.config) for work in (self.work, known))
        return exact.assign(clients_seen=known["clients"], hours_seen=known["hours"])

    @table
    def team_months(self) -> pd.DataFrame:
        return self._months(self._ledger)

    @table
    def team_months_seen(self) -> pd.DataFrame:
        return self._months(self._ledger_seen)

    def _months(self, rows: pd.DataFrame) -> pd.DataFrame:
        load = self.team_load
        divided = rows[rows["team_id"].isin(load.loc[load["kind"] != "bijzonder", "team_id"])]
        by_month = monthly_capacity(self.inputs.teams, self.day, self.config, runoff.MONTHS)
        return runoff.team_months(divided, by_month, self._norms, self._recurring)

    @awaited
    def impact(self) -> pd.DataFrame:
        return impact.impact_table(
            self.solved, self.now, self.allocation_changes, self._cells_seen, self.inputs.teams, self._offices,
            self.routing, self.areas, self.inputs.products, self.expected, self._uitkeren,
        )  # fmt: skip

    @table
    def robustness(self) -> pd.DataFrame:
        return robustness.robustness_table(self.solved, self._spreads, self.config)

    @table
    def waiting(self) -> pd.DataFrame:
        return waiting.waiting_table(self._ledger, self.team_load, self._places, self.config)

    @table
    def waiting_seen(self) -> pd.DataFrame:
        return waiting.waiting_table(self._ledger_seen, self.team_load, self._places, self.config)

    @table
    def lines(self) -> pd.DataFrame:
        return waiting.line_table(self.team_load, self.load_in_force, self.allocation)

    @table
    def teams(self) -> pd.DataFrame:
        return self._teams.drop(columns=["regions", "row"])

    @table
    def team_periods(self) -> pd.DataFrame:
        return self.inputs.teams[["team_id", "valid_from", "valid_to"]]

    @cached_property
    def _teams(self) -> pd.DataFrame:
        """The teams of the day."""
        return active_teams(self.inputs.teams, self.day)

    @cached_property
    def _capacity(self) -> pd.DataFrame:
        """Hours a month of each team and profession."""
        hours = capacity_hours(self.inputs.teams, self.day, self.config)
        return hours.reindex(self._teams["team_id"].unique(), fill_value=0.0)

    @cached_property
    def _norms(self) -> pd.DataFrame:
        return product_norms(self.inputs.products, self.config)

    @cached_property
    def _recurring(self) -> frozenset[str]:
        return recurring_products(self.inputs.inflow, self.inputs.stock)

    @cached_property
    def _spreads(self) -> Spreads:
        return Spreads(self.work, self.config)

    @cached_property
    def _roster(self) -> Roster:
        return Roster.of(self.inputs, self.day, self.config)

    @cached_property
    def _parts(self) -> pd.DataFrame:
        """Which team got which part of which postcode."""
        return routing.assigned_parts([one.layer for one in self.solved], [one.plan for one in self.solved])

    @cached_property
    def _groups(self) -> tuple[str, ...]:
        return self.inputs.client_groups(self.config)

    @cached_property
    def _special(self) -> pd.DataFrame:
        """Shares of the teams of each special group."""
        return routing.special_shares(self._teams, self._capacity["verzekeringsarts"])

    @cached_property
    def _offices(self) -> Offices:
        """Nothing is known of the offices of before where "now" comes from a file."""
        return Offices.of(self.inputs.teams, self.day, None if self.from_version is None else self.load_in_force)

    @cached_property
    def _routing_until_now(self) -> pd.DataFrame:
        """The routing that the division in force is; without one, the new routing."""
        if not len(self.now):
            return self.routing
        return routing.routing_of_division(self.now, self._groups, self._special, self._offices.now, self.config)

    @cached_property
    def _placed(self) -> pd.DataFrame:
        """The files in stock, with the team that they go to."""
        return transition.placed_files(self.held, self.routing, self.config)

    @cached_property
    def _work_of_teams(self) -> pd.DataFrame:
        return ledger.routed_work(self.work, self.routing, self.config)

    @cached_property
    def _ledger(self) -> pd.DataFrame:
        return ledger.ledger(self._work_of_teams, self._placed, self._norms, self.solved)

    @cached_property
    def _work_seen(self) -> pd.DataFrame:
        return seen.with_stock_seen(self._work_of_teams, self._cells_seen, self._norms)

    @cached_property
    def _ledger_seen(self) -> pd.DataFrame:
        rows = ledger.ledger(self._work_seen, self._placed, self._norms, self.solved)
        return seen.ledger_seen(rows, self._ledger_shown, self._norms)

    @cached_property
    def _ledger_shown(self) -> pd.DataFrame:
        return seen.ledger_shown(self.team_ledger, self._cells_seen)

    @cached_property
    def _cells_seen(self) -> pd.DataFrame:
        """Table ``transition`` with what its readers know of the clients of each row."""
        return self.transition.assign(seen=small_counts.clients_seen(self.transition))

    @cached_property
    def _region_ledger(self) -> pd.DataFrame:
        return region_capacity.region_ledger(self._work_of_teams, self._placed, self._norms, self.solved, self._regions)

    @cached_property
    def _regions(self) -> pd.Series:
        """The number of the region of each postcode."""
        return self.areas.set_index("pc4")["arbeidsmarktregio_nr"].astype("int64")

    @cached_property
    def _places(self) -> pd.DataFrame:
        return regions_of_teams(self.solved, self.areas)

    @cached_property
    def _uitkeren(self) -> Verzuimbeheer:
        return self._uitkeren_later()

    @cached_property
    def _handover(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        return self._handover_later()

    @cached_property
    def _advice(self) -> dict[str, pd.DataFrame]:
        return self._advice_later()

    # Begun in the process beside this one, where there is one.

    @cached_property
    def _files_later(self) -> Callable[[], pd.DataFrame]:
        known = [self.inputs.stock["team_id"], self.held["team_id"], self.now["team_id"]]
        holders = pd.concat(known).dropna().unique()
        return begun(self.beside, transition.files_table, self._roster, self._groups, holders, self.areas, self.config)

    @cached_property
    def _uitkeren_later(self) -> Callable[[], Verzuimbeheer]:
        groups = groups_on(self.inputs.verzuimbeheer, self._teams, self.day)
        return begun(
            self.beside, verzuimbeheer, self.routing, self._work_of_teams, groups, self.groups_in_force,
            self.inputs.teams, self.areas, self.edges, self.config.solver.seed,
        )  # fmt: skip

    @cached_property
    def _handover_later(self) -> Callable[[], tuple[pd.DataFrame, pd.DataFrame]]:
        return begun(
            self.beside, handover_tables, self.solved, self._placed, self.region_capacity, self.allocation, self._norms,
            self._recurring, self._roster, self.config,
        )  # fmt: skip

    @cached_property
    def _advice_later(self) -> Callable[[], dict[str, pd.DataFrame]]:
        return begun(
            self.beside, capacity_tables, self._region_ledger, self.region_capacity, self._teams, self.areas,
            self._norms, self._recurring, self.config,
        )  # fmt: skip


TABLES = {name: isinstance(made, awaited) for name, made in vars(Outcome).items() if isinstance(made, table)}
"""Every table in order, and whether it waits for the process beside this one: those are asked for last."""
