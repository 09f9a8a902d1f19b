"""Clients that came in and work that was finished since a division was planned, compared per team with the plan and
the band that chance allows.

Belongs here: that comparison. Does not belong here: what is done about a team outside its band (`dags`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.contract.vocabulary import CENTRAL, MONTHS_A_YEAR
from allocation.demand.lines import by_line, line_parts, vangnet_part
from allocation.intake.inputs import Inputs
from allocation.layers.holding import SEGMENT, segment_shares
from allocation.layers.work import product_norms
from allocation.outcome.finished import PlanInForce
from allocation.pipeline import in_force
from allocation.pipeline.carry_over import plan_in_force
from allocation.pipeline.succession import Succession
from allocation.runs import run_files
from allocation.runs.run import Run

CHANCE_SD = 3.0
"""Width of the band beside the tolerance, in standard deviations of a Poisson count: about 1 in 370 teams by chance."""


def team_drift(
    planned: pd.DataFrame, inflow: pd.DataFrame, products: pd.DataFrame, routing: pd.DataFrame, config: Config
) -> pd.DataFrame:
    """Clients that came in against those planned, one row per team, sorted by team_id.

    Parameters
    ----------
    planned : the work planned: pc4, product, client_line, client_group, inflow_clients and planned_clients (a year).
    inflow : table ``inflow``, the months to compare only; they must lie within that year.
    products : table ``products``; what is handled centrally counts for no team.
    routing : table ``routing`` of the version in force.

    Returns
    -------
    team_id, months, clients_planned, clients_came, low, high (clients in these months), is_outside. The band is
    ``clients_planned`` +/- the tolerance +/- ``CHANCE_SD`` x its square root; months are taken as equally busy.
    Counts of line ``alle`` are spread over the lines as they are in the plan.
    """
    months = inflow["month"].nunique()
    by_team = products[products["handled_by"].ne(CENTRAL)]
    law: dict[str, str] = dict(zip(by_team["product"], by_team["law"], strict=True))
    region = planned.drop_duplicates("pc4").set_index("pc4")["rate_region"]
    counted = inflow[inflow["product"].isin(law)]
    counted = counted.assign(law=counted["product"].map(law), rate_region=counted["pc4"].map(region))
    counted["vangnet_part"] = vangnet_part(counted, line_parts(planned, products))
    shares = segment_shares(routing)
    came = _per_team(counted, "clients", shares)
    expected = _per_team(planned[~planned["is_central"]], "inflow_clients", shares) * months / 12
    both = pd.DataFrame({"clients_planned": expected, "clients_came": came}).fillna(0.0).sort_index()
    chance = CHANCE_SD * np.sqrt(both["clients_planned"])
    both["low"] = (both["clients_planned"] * (1 - config.tolerance) - chance).clip(lower=0.0)
    both["high"] = both["clients_planned"] * (1 + config.tolerance) + chance
    both["is_outside"] = ~both["clients_came"].between(both["low"], both["high"])
    both.insert(0, "months", months)
    return both.rename_axis("team_id").reset_index()


def _per_team(counts: pd.DataFrame, column: str, shares: pd.DataFrame) -> pd.Series:
    """The clients of each team; ``counts``: SEGMENT but for the line, vangnet_part and ``column``."""
    routed = by_line(counts).merge(shares, on=SEGMENT)
    of_team: pd.Series = (routed[column] * routed["part"] * routed["share"]).groupby(routed["team_id"]).sum()
    return of_team


def finished_drift(plan: PlanInForce, completed: pd.DataFrame, products: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Hours of finished work against those planned, one row per team that is in the plan, sorted by team_id.

    A finished client counts with the hours in use, so that a team that finished less either worked fewer hours, or has
    another productivity or other hours per client than those in use. A team cannot finish more than its hours: planned
    are those of the first year, at most its capacity.

    Parameters
    ----------
    plan : of the version in force. completed, products : tables of the input. config : settings of the plan.

    Returns
    -------
    team_id, months (that began under the plan, at most twelve), hours_planned, hours_finished, low, high (hours in
    these months) and is_outside; empty while no such month is in. The band is ``hours_planned`` +/- the tolerance +/-
    ``CHANCE_SD`` standard deviations of the hours of as many clients as were planned (Poisson).
    """
    columns = ["team_id", "months", "hours_planned", "hours_finished", "low", "high", "is_outside"]
    first = pd.Period(plan.since, "M") + int(plan.since.day > 1)
    month = pd.PeriodIndex(completed["month"].astype(str), freq="M")
    done = completed[(month >= first) & (month < first + MONTHS_A_YEAR)]
    if done.empty:
        return pd.DataFrame(columns=columns)
    months = pd.period_range(first, done["month"].max(), freq="M").size
    norms = product_norms(products, config)
    hours = norms["hours_verzekeringsarts"].where(~norms["is_central"], 0.0)
    asked = plan.ledger["hours_verzekeringsarts"].groupby(plan.ledger["team_id"]).sum()
    variance = plan.ledger["planned_clients"] * plan.ledger["product"].map(hours).fillna(0.0) ** 2
    load = plan.load.groupby("team_id")["capacity_hours_verzekeringsarts"].sum()
    capacity = load.reindex(asked.index).fillna(0.0)
    possible = (capacity / asked.where(asked > 0)).clip(upper=1.0).fillna(0.0)
    finished = (done["clients"] * done["product"].map(hours).fillna(0.0)).groupby(done["team_id"]).sum()
    years = months / MONTHS_A_YEAR
    table = pd.DataFrame({"hours_planned": asked * possible * years})
    table["hours_finished"] = finished.reindex(table.index).fillna(0.0)
    chance = CHANCE_SD * np.sqrt(variance.groupby(plan.ledger["team_id"]).sum() * possible * years)
    table["low"] = (table["hours_planned"] * (1 - config.tolerance) - chance).clip(lower=0.0)
    table["high"] = table["hours_planned"] * (1 + config.tolerance) + chance
    table["is_outside"] = ~table["hours_finished"].between(table["low"], table["high"])
    table.insert(0, "months", months)
    return table.sort_index().rename_axis("team_id").reset_index()


def compare_with_plan(run: Run) -> list[str]:
    """``team_drift`` and ``finished_drift`` of the version in force with the input of ``run``, kept in its folder.

    Inflow is that of the months after those that the plan knew, at most the twelve months that it planned. Returns the
    teams outside either band. Raises ``Refused`` when no version is in force or the plan's run folder is gone.
    """
    routing = run.in_force_table("routing")
    if routing is None:
        raise Refused("No version is in force today: there is no plan to compare with.")
    plan = plan_in_force(run)
    inputs, known = Inputs.read(run.inputs_folder), Inputs.read(plan.inputs_folder)
    last = pd.Period(known.inflow["month"].max(), "M")
    months = pd.PeriodIndex(inputs.inflow["month"], freq="M")
    later = inputs.inflow[(months > last) & (months <= last + 12)]
    # Today's counts are in the postcodes of today's edition: a new postcode has the team that served its place.
    routing = Succession.read(run).carry_over(routing)
    table = team_drift(plan.read(run_files.WORK), later, inputs.products, routing, plan.config)
    run.write(run_files.DRIFT, table)
    planned = in_force.plan_in_force(run)
    finished = None if planned is None else finished_drift(planned, inputs.completed, inputs.products, plan.config)
    if finished is not None:
        run.write(run_files.FINISHED_DRIFT, finished)
    return sorted({row["team_id"] for row in [*outside_band(run), *finished_outside_band(run)]})


def outside_band(run: Run) -> list[dict[str, Any]]:
    """The rows of the run's ``team_drift`` outside their band, the farthest out first."""
    table = run.read(run_files.DRIFT)
    away = (table["clients_came"] - table["clients_planned"]).abs() / np.sqrt(table["clients_planned"].clip(lower=1.0))
    order = table.assign(away=away)[table["is_outside"]].sort_values("away", ascending=False)
    return [{str(name): value for name, value in row.items()} for row in order.drop(columns="away").to_dict("records")]


def finished_outside_band(run: Run) -> list[dict[str, Any]]:
    """The rows of the run's ``finished_drift`` outside their band, those that are most behind first."""
    if not run.has(run_files.FINISHED_DRIFT):
        return []
    table = run.read(run_files.FINISHED_DRIFT)
    away = (table["hours_finished"] - table["hours_planned"]) / table["hours_planned"].clip(lower=1.0)
    order = table.assign(away=away)[table["is_outside"].astype(bool)].sort_values("away")
    return [{str(name): value for name, value in row.items()} for row in order.drop(columns="away").to_dict("records")]
