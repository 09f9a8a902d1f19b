"""Handing over files: the fewest clients that change team so that teams of a region wait alike (R21). A proposal.

Per layer (teams that divide the same areas). A team with R hours that will wait at the horizon and c hours of capacity
a month waits w = max(0, R) / c months. With y clients of product p, of h hours, from team t to team u, and a level L:

    minimise  sum of y
    subject to  L c(u) <= R(u) + sum of h y into u - sum of h y out of u <= (L + x) c(u)     for every team u
                sum of y out of t of a product <= the files of it that t holds; y whole, at least 0; L >= 0

Where nobody waits at all the lower side falls away: L = 0 is a case of its own. HiGHS solves both by branch and bound;
its bound holds for every way of handing over, so also for those that leave no rest of an area under 5.

Belongs here: that programme, and which postcodes make up its outcome. Does not belong here: who may have a file
(``layers.holding``), words for people (``report``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import coo_array

from allocation.contract.config import Config
from allocation.contract.vocabulary import MONTHS_A_YEAR, SMALLEST_SHOWN_COUNT
from allocation.layers.holding import Roster
from allocation.layers.work import SPECIAL
from allocation.outcome.ledger import LAYER, layers_of_teams, with_layer
from allocation.outcome.solved import Solved

Floats = NDArray[np.float64]
CURVE_MONTHS = (0.5, 1.0, 2.0, 3.0, 6.0)
NODES = 2_000
"""Of the search for one programme, counted and not timed so that it is repeatable; what is found then is not proven to
be the fewest, and says so."""
SLACK = 1e-6
CELL = ["team_from", "pc4", "product"]
COLUMNS = ["law_domain", "client_line", "arbeidsmarktregio_nr", "team_from", "team_to", "pc4", "product", "clients",
           "rest_clients", "hours"]  # fmt: skip
SUMMARY_COLUMNS = ["cluster", "law_domain", "client_line", "months", "difference_before", "difference_after", "clients",
                   "clients_at_least", "is_proven"]  # fmt: skip


@dataclass(frozen=True)
class Queue:
    """Teams of a layer and what they may hand over.

    ``hours`` (k,): that will wait at the horizon, below 0 where capacity is left. ``monthly`` (k,): capacity, above 0.
    Per way to hand over (m,): ``source`` and ``target`` (teams), ``product`` (code), ``most`` clients, ``each`` hours.
    ``held``: (team, product) -> the clients that the team has of the product.
    """

    hours: Floats
    monthly: Floats
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    product: NDArray[np.int64]
    most: Floats
    each: Floats
    held: dict[tuple[int, int], float]

    def months(self, clients: Floats | None = None) -> Floats:
        """(k,) projected waiting time, after ``clients`` (m,) were handed over."""
        hours = self.hours.copy()
        if clients is not None:
            np.add.at(hours, self.target, clients * self.each)
            np.subtract.at(hours, self.source, clients * self.each)
        return np.maximum(hours, 0.0) / self.monthly

    def difference(self, clients: Floats | None = None) -> float:
        """Months between the longest and the shortest wait."""
        waits = self.months(clients)
        return float(waits.max() - waits.min())


@dataclass(frozen=True)
class Handover:
    """``clients`` (m,) per way, whole; ``at_least``: no way of handing over needs fewer clients in all."""

    clients: Floats
    at_least: int
    is_proven: bool


def fewest(queue: Queue, months: float, *, is_whole: bool = True) -> Handover | None:
    """The fewest clients with which waiting times differ by at most ``months``; None when no handing over does that.

    ``is_whole`` False: parts of clients too, for the bound alone.
    """
    if queue.difference() <= months:
        return Handover(np.zeros(len(queue.source)), 0, True)
    total = float(queue.hours.sum())  # stays the same, whoever has the files
    cases = [has_level for has_level, is_possible in (
        (False, total <= months * queue.monthly.sum() + SLACK), (True, total >= -SLACK)) if is_possible]  # fmt: skip
    found = [one for one in (_solve(queue, months, has_level, is_whole) for has_level in cases) if one is not None]
    return min(found, key=lambda one: one.clients.sum()) if found else None


def least_difference(queue: Queue) -> float:
    """Months by which waiting times differ at least, whatever is handed over (parts of clients too)."""
    low, high = 0.0, queue.difference()
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if fewest(queue, middle, is_whole=False) else (middle, high)
    return high


def _solve(queue: Queue, months: float, has_level: bool, is_whole: bool) -> Handover | None:
    k, m = len(queue.hours), len(queue.source)
    at = np.arange(m)
    effect = coo_array(
        (np.concatenate([queue.each, -queue.each]), (np.concatenate([queue.target, queue.source]), np.tile(at, 2))),
        shape=(k, m + 1),
    ).tocsr()
    level = coo_array((queue.monthly, (np.arange(k), np.full(k, m))), shape=(k, m + 1)).tocsr()
    constraints = [LinearConstraint(effect - level, -np.inf, months * queue.monthly - queue.hours + SLACK)]
    if has_level:
        constraints.append(LinearConstraint(effect - level, -queue.hours - SLACK, np.inf))
    pairs = list(queue.held)
    row = {pair: i for i, pair in enumerate(pairs)}
    rows = np.array([row[int(t), int(p)] for t, p in zip(queue.source, queue.product, strict=True)], dtype=np.int64)
    of_stock = coo_array((np.ones(m), (rows, at)), shape=(len(pairs), m + 1)).tocsr()
    constraints.append(LinearConstraint(of_stock, -np.inf, np.array([queue.held[pair] for pair in pairs])))
    found = milp(
        np.append(np.ones(m), 0.0),
        integrality=np.append(np.full(m, int(is_whole)), 0),
        bounds=_bounds(queue, has_level),
        constraints=constraints,
        options={"node_limit": NODES, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None
    bound = found.mip_dual_bound if is_whole and found.mip_dual_bound is not None else found.fun
    clients = np.round(found.x[:m]) if is_whole else found.x[:m]
    at_least = int(np.ceil(bound - SLACK))
    return Handover(clients, at_least, bool(found.status == 0))


def _bounds(queue: Queue, has_level: bool) -> Any:
    from scipy.optimize import Bounds

    most_level = float(queue.months().max()) if has_level else 0.0
    return Bounds(np.zeros(len(queue.source) + 1), np.append(queue.most, most_level))


# --- from files to queues, and back to postcodes ---------------------------------------------------------------------


def handover_tables(
    solved: Sequence[Solved],
    files: pd.DataFrame,
    capacity: pd.DataFrame,
    allocation: pd.DataFrame,
    norms: pd.DataFrame,
    recurring: frozenset[str],
    roster: Roster,
    config: Config,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table ``handover_advice``, and per layer what it does and what other differences would take.

    Parameters
    ----------
    files : as ``transition.placed_files`` gives it. capacity : as ``region_capacity.region_capacity`` gives it.
    allocation : table ``allocation``. norms : as ``layers.work.product_norms`` gives it. recurring : products whose
    files are no queue.

    Returns
    -------
    COLUMNS, one row per team that gives, team that gets, postcode and product; and SUMMARY_COLUMNS, one row per layer
    of several teams and difference: the one of the settings first (``clients`` and ``difference_after``: with the rows
    above), then those of ``CURVE_MONTHS`` with ``clients_at_least`` alone. Files of special groups are left out.
    """
    waiting = files[(files["clients"] > 0) & ~files["is_central"] & (files["serves"] != SPECIAL)]
    waiting = waiting[~waiting["product"].isin(recurring)]
    waiting = waiting.drop(columns="team_id").rename(columns={"team_to": "team_id"})
    waiting = waiting[waiting["product"].map(norms["hours_verzekeringsarts"]) > 0]
    waiting = with_layer(waiting, layers_of_teams(solved))
    sums = capacity.groupby(LAYER)[
        ["queue_hours", "inflow_hours", "recurring_hours", "capacity_hours_verzekeringsarts"]
    ].sum()  # fmt: skip
    moves, told = [], []
    for one in solved:
        layer = one.layer
        names = {"law_domain": layer.law_domain, "client_line": layer.client_line}
        teams = [team for team in layer.problem.team_ids if (team, *names.values()) in sums.index]
        if len(teams) < 2:
            continue
        mine = waiting[waiting["team_id"].isin(teams) & (waiting["law_domain"] == layer.law_domain)]
        mine = mine[mine["layer_line"] == layer.client_line]
        keys = [(team, *names.values()) for team in teams]
        hours, monthly = _waiting_hours(sums.reindex(keys), config)
        waits = np.maximum(hours, 0.0) / monthly
        if waits.max() - waits.min() <= config.advice.handover_months or mine.empty:
            told.append(_nothing(float(waits.max() - waits.min()), config).assign(cluster=layer.cluster, **names))
            continue
        cells = _cells(mine, teams, roster)
        queue = _queue(hours, monthly, cells, teams, norms)
        of_domain = allocation[allocation["law_domain"] == layer.law_domain]
        rows, summary = _of_layer(queue, cells, teams, norms, of_domain, config)
        moves.append(rows.assign(**names))
        told.append(summary.assign(cluster=layer.cluster, **names))
    advice = pd.concat(moves, ignore_index=True) if moves else pd.DataFrame(columns=COLUMNS)
    summary = pd.concat(told, ignore_index=True) if told else pd.DataFrame(columns=SUMMARY_COLUMNS)
    return advice.reindex(columns=COLUMNS).sort_values([*COLUMNS[:7]], ignore_index=True), summary[SUMMARY_COLUMNS]


SEGMENT_OF_FILE = ["pc4", "region", "client_group", "law", "line", "serves"]
"""What decides which teams may have a file; the postcode first."""


def _cells(files: pd.DataFrame, teams: list[str], roster: Roster) -> pd.DataFrame:
    """CELL, region, clients, and per team whether it may have every file of the cell."""
    barred = {pc4 for _, pc4, _ in roster.bars}  # only there the postcode matters
    segments = files[SEGMENT_OF_FILE].drop_duplicates()
    segments = segments.assign(place=segments["pc4"].where(segments["pc4"].isin(barred), ""))
    kinds = ["place", *SEGMENT_OF_FILE[1:]]
    cases = segments[kinds].drop_duplicates().merge(pd.DataFrame({"team_id": teams}), how="cross")
    cases["may"] = roster.refusal(cases.rename(columns={"place": "pc4"})).isna()
    segments = segments.merge(cases.pivot(index=kinds, columns="team_id", values="may").reset_index(), on=kinds)
    named = files.rename(columns={"team_id": "team_from"}).merge(segments, on=SEGMENT_OF_FILE)
    grouped = named.groupby([*CELL, "region"])
    return grouped[teams].all().join(grouped["clients"].sum()).reset_index()


def _waiting_hours(sums: pd.DataFrame, config: Config) -> tuple[Floats, Floats]:
    """Hours that will wait at the horizon, and capacity a month, of the teams of ``sums``."""
    years, capacity = config.horizon_months / MONTHS_A_YEAR, sums["capacity_hours_verzekeringsarts"]
    hours = sums["queue_hours"] + (sums["inflow_hours"] + sums["recurring_hours"] - capacity) * years
    monthly = np.maximum(capacity.to_numpy(dtype=np.float64) / MONTHS_A_YEAR, SLACK)
    return hours.to_numpy(dtype=np.float64), monthly


def _queue(hours: Floats, monthly: Floats, cells: pd.DataFrame, teams: list[str], norms: pd.DataFrame) -> Queue:
    products = sorted(cells["product"].unique())
    each = norms["hours_verzekeringsarts"].astype("float64").to_dict()
    may = cells[teams].mul(cells["clients"], axis=0).assign(clients=cells["clients"])
    of_product = may.groupby([cells["team_from"], cells["product"]]).sum()
    givers = [teams.index(str(team)) for team, _ in of_product.index]
    codes = np.array([products.index(product) for _, product in of_product.index], dtype=np.int64)
    held = dict(zip(zip(givers, codes.tolist(), strict=True), of_product["clients"].astype(float), strict=True))
    most = of_product[teams].to_numpy(dtype=np.float64).reshape(len(of_product), len(teams))
    is_way = most > 0
    is_way[np.arange(len(givers)), givers] = False  # a team does not hand over to itself
    row, target = np.nonzero(is_way)
    source = np.array(givers, dtype=np.int64)[row]
    hours_each = np.array([each[products[code]] for code in codes[row]], dtype=np.float64)
    return Queue(hours, monthly, source, target.astype(np.int64), codes[row], most[is_way], hours_each, held)


def _nothing(difference: float, config: Config) -> pd.DataFrame:
    """The summary of a layer in which nothing is to be handed over, or can be."""
    wanted = config.advice.handover_months
    is_fine = difference <= wanted
    row = {"months": wanted, "difference_before": difference, "difference_after": difference, "clients": 0,
           "clients_at_least": 0 if is_fine else None, "is_proven": is_fine}  # fmt: skip
    return pd.DataFrame([row])


def _of_layer(
    queue: Queue, cells: pd.DataFrame, teams: list[str], norms: pd.DataFrame, allocation: pd.DataFrame, config: Config
) -> tuple[pd.DataFrame, pd.DataFrame]:
    before, wanted = queue.difference(), config.advice.handover_months
    none = pd.DataFrame(columns=["team_from", "team_to", "pc4", "product", "clients", "rest_clients", "hours",
                                 "arbeidsmarktregio_nr"])  # fmt: skip
    if not len(queue.source):
        return none, _nothing(before, config)
    is_reachable = fewest(queue, wanted, is_whole=False) is not None
    months = wanted if is_reachable else float(np.ceil(100 * least_difference(queue)) / 100)
    found = fewest(queue, months)
    if found is None:  # only parts of clients would do
        months = float(np.ceil(100 * months) / 100) + 0.1
        found = fewest(queue, months)
    rows, clients = none, np.zeros(len(queue.source))
    if found is not None and found.clients.sum() > 0:
        rows, clients = _postcodes(found.clients, queue, cells, teams, norms, allocation)
    summary = [
        {"months": months, "difference_before": before, "difference_after": queue.difference(clients),
         "clients": int(clients.sum()), "clients_at_least": None if found is None else found.at_least,
         "is_proven": found is not None and found.is_proven}
    ]  # fmt: skip
    for other in CURVE_MONTHS:
        bound = fewest(queue, other, is_whole=False)
        summary.append(
            {"months": other, "difference_before": before, "difference_after": None, "clients": None,
             "clients_at_least": None if bound is None else bound.at_least, "is_proven": bound is not None}
        )  # fmt: skip
    return rows, pd.DataFrame(summary)


def _postcodes(
    clients: Floats, queue: Queue, cells: pd.DataFrame, teams: list[str], norms: pd.DataFrame, allocation: pd.DataFrame
) -> tuple[pd.DataFrame, Floats]:
    """Which postcodes make up ``clients``: those that the new division gives to the team that gets, first.

    Of a team's files of a product in a postcode all go, or at least ``SMALLEST_SHOWN_COUNT`` stay. Where that cannot
    make up the number, fewer go.
    """
    products = sorted(cells["product"].unique())
    share = allocation.groupby(["pc4", "team_id"])["share"].sum()
    left = cells.set_index(CELL)["clients"].astype("int64").to_dict()
    hours = norms["hours_verzekeringsarts"].astype("float64").to_dict()
    rows: list[dict[str, Any]] = []
    done = np.zeros(len(clients))
    for way in np.flatnonzero(clients):
        giver, getter = teams[queue.source[way]], teams[queue.target[way]]
        product = products[queue.product[way]]
        mine = cells[(cells["team_from"] == giver) & (cells["product"] == product) & cells[getter].astype(bool)]
        routed = [float(share.get((pc4, getter), 0.0)) for pc4 in mine["pc4"]]
        mine = mine.assign(routed=routed).sort_values(["routed", "clients", "pc4"], ascending=[False, False, True])
        counts = [left[giver, pc4, product] for pc4 in mine["pc4"]]
        taken = make_up(int(clients[way]), counts)
        for at, number in zip(mine.itertuples(), taken, strict=True):
            if number:
                cell = (giver, str(at.pc4), product)
                left[cell] -= number
                each = hours[product]
                cells_moved = {"pc4": at.pc4, "product": product, "arbeidsmarktregio_nr": int(str(at.region))}
                teams_of_move = {"team_from": giver, "team_to": getter}
                rows.append(teams_of_move | cells_moved | {"clients": number, "hours": number * each})
        done[way] = sum(taken)
    for row in rows:
        row["rest_clients"] = left[row["team_from"], row["pc4"], row["product"]]
    return pd.DataFrame(rows), done


def make_up(wanted: int, counts: Sequence[int]) -> list[int]:
    """How many of each count to take, the first ones first, so that their sum is as near below ``wanted`` as can be.

    Of a count all is taken, or at least ``SMALLEST_SHOWN_COUNT`` are left.
    """
    reachable = [1]  # bit s: the counts from here on can make up s
    for count in reversed(counts):
        after, here = reachable[-1], 0
        for number in _choices(count):
            here |= after << number
        reachable.append(here & ((1 << (wanted + 1)) - 1))
    reachable.reverse()
    goal = reachable[0].bit_length() - 1
    taken = []
    for count, after in zip(counts, reachable[1:], strict=True):
        number = next(one for one in _choices(count) if one <= goal and after >> (goal - one) & 1)
        taken.append(number)
        goal -= number
    return taken


def _choices(count: int) -> list[int]:
    """What may be taken of ``count``, most first."""
    return [count, *range(count - SMALLEST_SHOWN_COUNT, -1, -1)] if count > SMALLEST_SHOWN_COUNT - 1 else [count, 0]
