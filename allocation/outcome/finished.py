"""What came in, was finished and is in stock, month by month, beside the plan; and the lines compared (R28).

Of the past only what teams finished is counted per team (table ``completed`` of the input). What came in is given to
the teams of the division in force until now, and the stock at the end of a month follows from that at the reference
date: one month earlier it was smaller by what came in and larger by what was finished since. What was planned is a
twelfth of the ledger of the version in force, in months that began under it.

Belongs here: those figures and table ``line_outcomes``. Does not belong here: estimates of productivity and hours
(``demand.norms``), what is asked of teams from now on (`region_capacity`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, KIND_OF, MONTHS_A_YEAR, SMALLEST_SHOWN_COUNT, ZW_WIA
from allocation.demand.lines import by_line, line_parts, vangnet_part
from allocation.demand.norms import last_year
from allocation.intake.inputs import Inputs
from allocation.layers.holding import SEGMENT, segment_shares
from allocation.layers.work import SPECIAL, served_by
from allocation.outcome.ledger import layers_of_teams, with_layer
from allocation.outcome.solved import Solved
from allocation.outcome.waiting import projected_months

DAYS_A_MONTH = 365 / MONTHS_A_YEAR
UNIT = ["team_id", "law_domain", "client_line"]
COUNTS = ["inflow_clients", "finished_clients", "finished_hours", "stock_clients"]
PLANS = ["inflow_planned_clients", "finished_planned_clients"]


@dataclass(frozen=True)
class PlanInForce:
    """What the version in force planned. ``ledger``, ``load``: its tables ``team_ledger`` and ``team_load``.
    ``since``: its first day. ``seen``: its table ``team_ledger_seen``; None of a version of before there was one."""

    ledger: pd.DataFrame
    load: pd.DataFrame
    since: date
    seen: pd.DataFrame | None = None

    def to_readers(self) -> PlanInForce:
        """The plan with the planned clients that readers see; none where they see none."""
        plan = self.ledger.drop(columns="planned_clients")
        if self.seen is None:
            return replace(self, ledger=plan.assign(planned_clients=0.0))
        key = ["team_id", "product", "client_line"]
        plan = plan.merge(self.seen[[*key, "planned_clients"]], on=key, how="left")
        return replace(self, ledger=plan.fillna({"planned_clients": 0.0}))


def finished_months(
    inputs: Inputs,
    work: pd.DataFrame,
    held: pd.DataFrame,
    routing: pd.DataFrame,
    norms: pd.DataFrame,
    solved: Sequence[Solved],
    recurring: frozenset[str],
    plan: PlanInForce | None,
    config: Config,
) -> pd.DataFrame:
    """One row per team, layer and month of ``completed``; empty without that file.

    Parameters
    ----------
    work : as ``demand.expected.expected_work`` gives it. held : as ``layers.holding.held_files`` gives it.
    routing : table ``routing`` of the division until now. norms : as ``layers.work.product_norms`` gives it.
    recurring : products whose files are no queue: finishing one leaves the stock as it is.

    Returns
    -------
    month, UNIT, district, inflow_clients, finished_clients, ``finished_hours`` (of these clients by the norms),
    ``worked_hours`` (recorded; missing where none were), stock_clients (end of the month, at least 0),
    lead_time_days (mean over clients), and of the plan, missing in months that began before it, PLANS and
    lead_time_planned_days. Central products are left out. A team without a layer any more has its own line, or both.
    """
    done = inputs.completed[~inputs.completed["product"].map(norms["is_central"]).fillna(True).astype(bool)]
    if done.empty:
        return pd.DataFrame(columns=["month", *UNIT, "district", *COUNTS, *PLANS, "worked_hours", "lead_time_days",
                                     "lead_time_planned_days"])  # fmt: skip
    months = pd.period_range(done["month"].min(), done["month"].max(), freq="M").astype(str)
    place = _Places(inputs.teams, solved)
    came = _came_in(inputs, work, routing, norms, months, config)
    finished = _finished(done, norms, place)
    queue = finished[~finished["product"].isin(recurring)]
    came = place.with_layer(came)
    table = _sum(finished, ["finished_clients", "finished_hours", "days"])
    table = table.join(finished.groupby(["month", *UNIT])["worked_hours"].sum(min_count=1), how="outer")
    timed = finished.loc[finished["days"].notna()].groupby(["month", *UNIT])["finished_clients"].sum()
    table["lead_time_days"] = table.pop("days") / timed.reindex(table.index).where(lambda clients: clients > 0)
    table = table.join(_sum(came, ["inflow_clients"]), how="outer")
    teams = table.reset_index()[UNIT].drop_duplicates().merge(pd.DataFrame({"month": months}), how="cross")
    every = pd.MultiIndex.from_frame(teams[["month", *UNIT]])
    table = table.reindex(every)
    table[["inflow_clients", "finished_clients", "finished_hours"]] = table[
        ["inflow_clients", "finished_clients", "finished_hours"]
    ].fillna(0.0)
    change = _sum(came[~came["product"].isin(recurring)], ["inflow_clients"]).reindex(every, fill_value=0.0)
    closed = _sum(queue, ["finished_clients"]).reindex(every, fill_value=0.0)
    net = change["inflow_clients"] - closed["finished_clients"]
    table["stock_clients"] = _stock(net, place.with_layer(_held(held, recurring)), inputs.reference_date)
    table = table.reset_index().merge(_planned(plan, months), on=["month", *UNIT], how="left")
    table["district"] = table["team_id"].map(place.district).astype(object)
    return table.sort_values([*UNIT, "month"], ignore_index=True)


def with_plan_seen(months: pd.DataFrame, plan: PlanInForce | None) -> pd.DataFrame:
    """``finished_months`` with the plan as readers see it."""
    if plan is None:
        return months
    key = ["month", *UNIT]
    planned = _planned(plan.to_readers(), pd.Index(months["month"].unique()))
    seen = months[key].merge(planned, on=key, how="left").set_axis(months.index)
    return months.assign(finished_planned_clients=seen["finished_planned_clients"])


class _Places:
    """The layer and the district of every team, also of one that has ended."""

    def __init__(self, teams: pd.DataFrame, solved: Sequence[Solved]) -> None:
        last = teams.sort_values("valid_from").drop_duplicates("team_id", keep="last").set_index("team_id")
        self.lines = layers_of_teams(solved)
        domain = {kind: domain for domain, kind in KIND_OF.items()}
        self.serves: pd.Series = last["kind"].map(domain).fillna(SPECIAL)
        self.district: pd.Series = last["district"]

    def with_layer(self, rows: pd.DataFrame) -> pd.DataFrame:
        """``rows`` (team_id, line; perhaps serves) with UNIT; of a team without a layer the line is its own."""
        if "serves" not in rows:
            rows = rows.assign(serves=rows["team_id"].map(self.serves).fillna(ZW_WIA))
        found = with_layer(rows, self.lines).rename(columns={"layer_line": "client_line"})
        keys = pd.Series(list(zip(found["team_id"], found["serves"], strict=True)), index=found.index, dtype=object)
        is_gone = ~keys.isin(list(self.lines)) & (found["serves"] != SPECIAL)
        return found.assign(client_line=found["client_line"].where(~is_gone, found["line"]))


def _sum(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return rows.groupby(["month", *UNIT])[columns].sum()


def _finished(done: pd.DataFrame, norms: pd.DataFrame, place: _Places) -> pd.DataFrame:
    rows = done.rename(columns={"client_line": "line", "clients": "finished_clients"})
    rows = rows.assign(
        finished_hours=rows["finished_clients"] * rows["product"].map(norms["hours_verzekeringsarts"]),
        worked_hours=pd.to_numeric(rows["hours_verzekeringsarts"], errors="coerce"),
        days=pd.to_numeric(rows["lead_time_days"], errors="coerce") * rows["finished_clients"],
    )
    return place.with_layer(rows)


def _came_in(
    inputs: Inputs, work: pd.DataFrame, routing: pd.DataFrame, norms: pd.DataFrame, months: pd.Index, config: Config
) -> pd.DataFrame:
    """What came in in ``months`` per team, month, product and line: inflow_clients, serves."""
    mine = inputs.inflow[inputs.inflow["month"].isin(months)]
    mine = mine[~mine["product"].map(norms["is_central"]).astype(bool)]
    region = work.drop_duplicates("pc4").set_index("pc4")["rate_region"]
    counted = mine.assign(law=mine["product"].map(norms["law"]), rate_region=mine["pc4"].map(region))
    counted["vangnet_part"] = vangnet_part(counted, line_parts(work, inputs.products))
    counted["serves"] = served_by(counted, config)
    routed = by_line(counted).merge(segment_shares(routing), on=SEGMENT)
    routed["inflow_clients"] = routed["clients"] * routed["part"] * routed["share"]
    key = ["team_id", "month", "product", "serves", "line"]
    return routed.groupby(key)["inflow_clients"].sum().reset_index()


def _held(held: pd.DataFrame, recurring: frozenset[str]) -> pd.DataFrame:
    """Files that wait, with the team that has them until now."""
    mine = held[held["team_id"].notna() & ~held["is_central"] & ~held["product"].isin(recurring)]
    return mine[["team_id", "serves", "line", "clients"]]


def _stock(net: pd.Series, held: pd.DataFrame, reference: date) -> pd.Series:
    """The stock at the end of every month: that of ``reference`` and the ``net`` growth between the two."""
    known = held.groupby(UNIT)["clients"].sum()
    grown = net.groupby(level=UNIT).cumsum()
    counted = pd.Timestamp(reference)
    # counted during a month: as at the end of the month before it, unless on its last day
    month = str(counted.to_period("M") if counted.is_month_end else counted.to_period("M") - 1)
    before = net.where(net.index.get_level_values("month") <= month, 0.0).groupby(level=UNIT).sum()
    units = pd.MultiIndex.from_frame(net.index.to_frame(index=False)[UNIT])
    at = known.reindex(units).fillna(0.0).to_numpy() - before.reindex(units).to_numpy()
    return pd.Series(grown.to_numpy() + at, index=net.index).clip(lower=0.0)


def _planned(plan: PlanInForce | None, months: pd.Index) -> pd.DataFrame:
    """PLANS and lead_time_planned_days per month and UNIT, for the months that began under the version in force."""
    columns = ["month", *UNIT, *PLANS, "lead_time_planned_days"]
    if plan is None:
        return pd.DataFrame({name: pd.Series(dtype=float if name in columns[4:] else object) for name in columns})
    mine = [month for month in months if pd.Period(month, "M").start_time.date() >= plan.since]
    rows = plan.ledger.merge(plan.load[UNIT], on="team_id", suffixes=("", "_load"))
    fits = (rows["client_line_load"] == ALL_LINES) | (rows["client_line_load"] == rows["client_line"])
    rows = rows[fits].drop(columns="client_line").rename(columns={"client_line_load": "client_line"})
    sums = rows.groupby(UNIT)[["inflow_clients", "planned_clients"]].sum() / MONTHS_A_YEAR
    sums.columns = pd.Index(PLANS)
    waits = plan.load.set_index(UNIT)["waiting_months"].astype("float64") * DAYS_A_MONTH
    table = sums.join(waits.rename("lead_time_planned_days")).reset_index()
    return table.merge(pd.DataFrame({"month": mine}, dtype=object), how="cross")[columns]


def region_parts(capacity: pd.DataFrame, teams: pd.DataFrame) -> pd.DataFrame:
    """The part of each team and layer in each region: by its work there; of one without work its regions evenly.

    Parameters
    ----------
    capacity : as ``region_capacity.region_capacity`` gives it. teams : every period of every team.
    """
    rows = capacity.rename(columns={"layer_line": "client_line"})[[*UNIT, "region", "hours_verzekeringsarts"]]
    total, count = (rows.groupby(UNIT)["hours_verzekeringsarts"].transform(how) for how in ("sum", "size"))
    hours = rows.pop("hours_verzekeringsarts")
    known = rows.assign(part=np.where(total > 0, hours / total.where(total > 0, 1.0), 1.0 / count))
    last = teams.sort_values("valid_from").drop_duplicates("team_id", keep="last")
    gone = last[~last["team_id"].isin(known["team_id"]) & last["kind"].isin(list(KIND_OF.values()))]
    domain = {kind: domain for domain, kind in KIND_OF.items()}
    rest = gone[["team_id", "regions"]].assign(
        law_domain=gone["kind"].map(domain), part=1.0 / gone["regions"].map(len).clip(lower=1)
    )
    rest = rest.explode("regions").dropna(subset=["regions"]).rename(columns={"regions": "region"})
    lines = pd.DataFrame({"client_line": [*CLIENT_LINES, ALL_LINES]})
    rest = rest.astype({"region": "int64"}).merge(lines, how="cross")
    return pd.concat([known, rest[known.columns]], ignore_index=True)


OUTCOME_KEY = ["arbeidsmarktregio_nr", "arbeidsmarktregio", "district", "law_domain", "client_line"]


def line_outcomes(
    capacity: pd.DataFrame, months: pd.DataFrame, teams: pd.DataFrame, areas: pd.DataFrame, config: Config
) -> pd.DataFrame:
    """Table ``line_outcomes``: per region, district and layer what is asked, available, waits and was finished.

    Finished work is that of the months that the version in force planned, as far as they are in; where there are none,
    of the last twelve months, without a plan beside it.

    Parameters
    ----------
    capacity : as ``region_capacity.region_capacity`` gives it. months : as ``finished_months`` gives it.
    teams : every period of every team. areas : one row per postcode.
    """
    names = areas.drop_duplicates("arbeidsmarktregio_nr").set_index("arbeidsmarktregio_nr")["arbeidsmarktregio"]
    rows = capacity.rename(columns={"layer_line": "client_line", "region": "arbeidsmarktregio_nr"})
    rows["arbeidsmarktregio"] = rows["arbeidsmarktregio_nr"].map(names)
    amounts = ["files_held", "planned_clients", "hours_verzekeringsarts", "inflow_hours", "held_hours", "queue_hours",
               "recurring_hours", "capacity_hours_verzekeringsarts"]  # fmt: skip
    table = rows.groupby(OUTCOME_KEY, dropna=False)[amounts].sum().reset_index()
    available = table["capacity_hours_verzekeringsarts"]
    table = table.assign(
        files_held=table["files_held"].round().astype("int64"),
        asked_hours_verzekeringsarts=table["hours_verzekeringsarts"],
        available_hours_verzekeringsarts=available,
        waiting_months=table["held_hours"] / (available / MONTHS_A_YEAR).where(available > 0),
        projected_waiting_months=projected_months(
            table["queue_hours"], table["inflow_hours"] + table["recurring_hours"], available, config.horizon_months
        ),
    )
    done = _finished_of_regions(months, region_parts(capacity, teams), rows)
    table = table.merge(done, on=[name for name in OUTCOME_KEY if name != "arbeidsmarktregio"], how="left")
    table["months"] = table["months"].fillna(0).astype("int64")
    table["district"] = table["district"].astype(object).where(table["district"].notna(), None)
    columns = [*OUTCOME_KEY, "asked_hours_verzekeringsarts", "available_hours_verzekeringsarts", "planned_clients",
               "files_held", "waiting_months", "projected_waiting_months", "months", "finished_clients",
               "finished_planned_clients", "lead_time_days"]  # fmt: skip
    return table[columns].sort_values(OUTCOME_KEY, ignore_index=True)


def _finished_of_regions(months: pd.DataFrame, parts: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """months, finished_clients, finished_planned_clients, lead_time_days per region, district, law domain and line.

    Of a team that has ended: a district or a line that its region does not have in ``rows`` counts for one that it has.
    """
    key = ["arbeidsmarktregio_nr", "district", "law_domain", "client_line"]
    if months.empty:
        return pd.DataFrame(columns=[*key, "months", "finished_clients", "finished_planned_clients", "lead_time_days"])
    window = months[months["finished_planned_clients"].notna()]
    if window.empty:
        window = last_year(months)
    count = window["month"].nunique()
    window = months[months["month"].isin(window["month"])]
    mine = window.merge(parts, on=UNIT).rename(columns={"region": "arbeidsmarktregio_nr"})
    mine[["client_line", "district"]] = _as_divided(mine, rows)
    counted = mine["finished_clients"] * mine["part"]
    timed = counted.where(mine["lead_time_days"].notna(), 0.0)
    sums = mine[key].assign(
        finished_clients=counted,
        finished_planned_clients=mine["finished_planned_clients"] * mine["part"],
        days=mine["lead_time_days"].fillna(0.0) * timed,
        timed=timed,
    )
    grouped = sums.groupby(key, dropna=False)
    table = grouped[["finished_clients", "days", "timed"]].sum()
    table["finished_planned_clients"] = grouped["finished_planned_clients"].sum(min_count=1)
    # a mean over a few clients says nothing of the line, and something of them
    table["lead_time_days"] = table["days"] / table["timed"].where(table["timed"] >= SMALLEST_SHOWN_COUNT)
    return table.drop(columns=["days", "timed"]).assign(months=count).reset_index()


def _as_divided(mine: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """client_line and district of each row of ``mine`` as its region and law domain have them in ``rows``.

    What a region does not have (a line or district of a team that has ended) becomes the first that it has.
    """
    there: dict[tuple[int, str], list[tuple[str, str]]] = {}
    named = rows.assign(district=rows["district"].fillna("").astype(str))
    for region, domain, line, district in named[
        ["arbeidsmarktregio_nr", "law_domain", "client_line", "district"]
    ].drop_duplicates().sort_values(["client_line", "district"]).itertuples(index=False, name=None):  # fmt: skip
        there.setdefault((region, domain), []).append((line, district))
    cases = mine[["arbeidsmarktregio_nr", "law_domain", "client_line", "district"]].fillna({"district": ""})
    found = []
    for region, domain, line, district in cases.itertuples(index=False, name=None):
        known = there.get((region, domain), [(line, district)])
        of_line = [one for one in known if one[0] == line] or known
        of_both = [one for one in of_line if one[1] == district] or of_line
        found.append((of_both[0][0], of_both[0][1] or None))
    return pd.DataFrame(found, columns=["client_line", "district"], index=mine.index, dtype=object)
