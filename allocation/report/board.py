"""The division of a run laid out to be read and changed: what was, what is proposed, and the figures of any variant.

A *board* is the whole country: every layer (cluster and law domain, per client line where apart) with its units, its
teams and three plans: in force (``now``), proposed, and, on the planners' page, the draft. Everything is numpy and
stays in memory: the figures of one layer take about a millisecond, so that a change can be answered at once.

Belongs here: the figures of a plan. Does not belong here: screens, files other than those of the run, solving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from allocation.contract.config import Config
from allocation.contract.vocabulary import MONTHS_A_YEAR
from allocation.demand.intervals import INTERVAL, gamma_interval
from allocation.layers.balance import of_layer
from allocation.layers.holding import stays
from allocation.layers.layer import Layer
from allocation.layers.spread import Spread, spread_of_areas, spread_of_units
from allocation.layers.work import layer_work, product_norms
from allocation.outcome.solved import pieces
from allocation.runs import run_files

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
AREA_COLUMNS = ("pc4", "place", "gemeente_name", "arbeidsmarktregio_nr", "arbeidsmarktregio", "x_m", "y_m")


@dataclass(frozen=True)
class LayerFiles:
    """Hours of verzekeringsartsen in the files of existing clients of a layer (``layers.holding``).

    ``following`` (n,): of each unit, in files that go with the postcode. ``kept`` (k,): in files that stay with the
    team that has them. ``held_now`` (k,): in files that the team has until now. ``hours``: in all of them together.
    """

    following: Floats
    kept: Floats
    held_now: Floats
    hours: float


@dataclass(frozen=True)
class LayerBoard:
    """One layer with its plans (n,) as team positions, -1 = no team that still exists.

    ``area``: position of each unit's postcode among the areas. Per unit ``hours`` (expected work of verzekeringsartsen)
    and ``clients`` a year. What is balanced is ``layer.problem.demand`` and its base loads (``layers.balance``).
    """

    key: str
    layer: Layer
    area: Ints
    now: Ints
    proposal: Ints
    hours: Floats
    clients: Floats
    files: LayerFiles
    spread: Spread

    @cached_property
    def distance_km(self) -> Floats:
        """(n, k) from unit to office; 0 without offices."""
        problem = self.layer.problem
        return problem.distance_km if problem.office_xy_m is not None else np.zeros((problem.n, problem.k))

    @cached_property
    def sums(self) -> LayerSums:
        """The figures under the proposal."""
        return layer_sums(self, self.proposal)

    @cached_property
    def sums_now(self) -> LayerSums:
        """The figures under the division in force."""
        return layer_sums(self, self.now, self.files.held_now)


@dataclass(frozen=True)
class TeamFigures:
    """Per team of a layer (k,): hours a year, deviation of what is balanced from its target (share), and so on."""

    hours: Floats
    target: Floats
    deviation: Floats
    is_within: NDArray[np.bool_]
    pieces: Ints
    areas: Ints
    clients: Floats
    travel_km: Floats
    waiting_months: Floats
    low: Floats
    high: Floats
    """Ends of the 80% interval of ``hours``."""


@dataclass(frozen=True)
class Totals:
    """Figures over one or more layers. Deviations as shares, counts as counts, distances in km."""

    teams: int
    areas: int
    without_team: int
    max_deviation: float
    mean_deviation: float
    teams_outside: int
    areas_outside: int
    not_contiguous: int
    travel_km: float
    municipality_splits: int
    care_region_splits: int
    waiting_months: float
    longest_wait_months: float


@dataclass(frozen=True)
class Board:
    """The whole country. ``areas``: one row per postcode, in the order to which positions refer."""

    areas: pd.DataFrame
    teams: pd.DataFrame
    layers: tuple[LayerBoard, ...]

    @cached_property
    def at(self) -> dict[str, int]:
        """The position of each postcode in ``areas``."""
        return {str(pc4): i for i, pc4 in enumerate(self.areas["pc4"])}

    @cached_property
    def positions(self) -> dict[str, Ints]:
        """Per layer (k,) the positions of its teams in ``teams``."""
        at = {team: i for i, team in enumerate(self.teams["team_id"])}
        return {b.key: np.array([at[t] for t in b.layer.problem.team_ids], dtype=np.int64) for b in self.layers}

    @classmethod
    def read(cls, folder: Path) -> Board:
        """From the folder of a run that has its plans and its outcome."""
        areas = run_files.AREAS.read_columns(folder, AREA_COLUMNS)
        areas = areas.sort_values("pc4", ignore_index=True)
        teams = run_files.OUTCOME.table("teams").read(folder).reset_index(drop=True)
        position = pd.Series(areas.index, index=areas["pc4"])
        amounts, keys = Amounts(folder), [row.key for row in run_files.LAYERS.read(folder).layers]
        boards = [_layer_board(run_files.layer_folder(folder, key), amounts, position) for key in keys]
        return cls(areas, teams, tuple(boards))


@dataclass(frozen=True)
class _ServedFiles:
    """The files of a law domain and line: pc4, team_id, hours; which stay with their team; hours that go with each
    postcode."""

    rows: pd.DataFrame
    keeps: NDArray[np.bool_]
    following: pd.Series


class Amounts:
    """Work, clients and spread per postcode, worked out once per law domain and client line; and existing files.

    ``files``: as ``layers.holding.held_files`` gives it, without central ones, with ``hours`` of verzekeringsartsen.
    """

    COLUMNS = ("hours_verzekeringsarts", "planned_clients")

    def __init__(self, folder: Path) -> None:
        self.work = run_files.WORK.read(folder)
        self.config = Config.of_run(run_files.RUN.read(folder).config)
        self.pc4 = pd.Index(self.work["pc4"].unique())
        self.norms = product_norms(run_files.INPUT_TABLES.table("products").read(folder), self.config)
        self.files = self.with_hours(run_files.HELD_FILES.read(folder))
        self._known: dict[tuple[str, str], tuple[pd.DataFrame, Spread]] = {}
        self._served: tuple[pd.DataFrame, dict[tuple[str, str], _ServedFiles]] = (self.files, {})

    def with_hours(self, files: pd.DataFrame) -> pd.DataFrame:
        """``files`` of teams with the hours that they take."""
        mine = files[~files["is_central"]]
        each = mine["product"].map(self.norms["hours_verzekeringsarts"]).astype("float64")
        return mine.assign(hours=mine["clients"] * each)

    def layer_files(self, layer: Layer, files: pd.DataFrame) -> LayerFiles:
        """The hours in ``files`` (as ``with_hours`` gives them) that belong to a layer."""
        served = self._served_files(layer.law_domain, layer.client_line, files)
        is_here = served.rows["pc4"].isin(layer.parts["pc4"]).to_numpy()
        mine, keeps = served.rows[is_here], served.keeps[is_here]
        following = layer.parts["pc4"].map(served.following).fillna(0.0).to_numpy(float)
        teams = list(layer.problem.team_ids)
        kept, now = (
            rows.groupby("team_id")["hours"].sum().reindex(teams, fill_value=0.0).to_numpy(float)
            for rows in (mine[keeps], mine)
        )
        portion = layer.parts["portion"].to_numpy(float)
        return LayerFiles(following * portion, kept, now, float(mine["hours"].sum()))

    def _served_files(self, domain: str, line: str, files: pd.DataFrame) -> _ServedFiles:
        """Of these files those of the whole country, sorted out once for all layers of a law domain and line."""
        if files is not self._served[0]:
            self._served = (files, {})
        known = self._served[1]
        if (domain, line) not in known:
            rows = of_layer(files, domain, line)
            keeps = stays(rows, self.config)
            following = rows[~keeps].groupby("pc4")["hours"].sum()
            known[domain, line] = _ServedFiles(rows[["pc4", "team_id", "hours"]], keeps, following)
        return known[domain, line]

    def per_area(self, domain: str, line: str) -> tuple[pd.DataFrame, Spread]:
        """Sums by pc4 in the order of ``self.pc4``, and their spread."""
        if (domain, line) not in self._known:
            rows = layer_work(self.work, domain, line, self.config)
            sums = rows.groupby("pc4")[list(self.COLUMNS)].sum().reindex(self.pc4, fill_value=0.0)
            self._known[domain, line] = sums, spread_of_areas(rows, self.pc4, line)
        return self._known[domain, line]


def _layer_board(folder: Path, amounts: Amounts, position: pd.Series) -> LayerBoard:
    layer = Layer.read(folder)
    proposal = run_files.PLAN.read(folder)["team"].to_numpy(dtype=np.int64)
    return lay_out(folder.name, layer, proposal, amounts, position)


def lay_out(
    key: str, layer: Layer, proposal: Ints, amounts: Amounts, position: pd.Series, files: pd.DataFrame | None = None
) -> LayerBoard:
    """A layer with its plan and its amounts per unit.

    ``position``: of each postcode among the areas. ``files``: existing files as the teams of ``layer`` may keep them;
    default those of the run.
    """
    sums, spread = amounts.per_area(layer.law_domain, layer.client_line)
    at = amounts.pc4.get_indexer(layer.parts["pc4"])
    portion = np.where(at >= 0, layer.parts["portion"].to_numpy(dtype=np.float64), 0.0)
    current = layer.problem.current
    return LayerBoard(
        key=key,
        layer=layer,
        area=position.loc[layer.parts["pc4"]].to_numpy(dtype=np.int64),
        now=np.full(layer.problem.n, -1, dtype=np.int64) if current is None else np.asarray(current, dtype=np.int64),
        proposal=proposal,
        hours=sums["hours_verzekeringsarts"].to_numpy(dtype=np.float64)[at] * portion,
        clients=sums["planned_clients"].to_numpy(dtype=np.float64)[at] * portion,
        files=amounts.layer_files(layer, amounts.files if files is None else files),
        spread=spread_of_units(layer, spread, amounts.pc4),
    )


def team_figures(board: LayerBoard, plan: Ints, held: Floats | None = None) -> TeamFigures:
    """Figures of each team of a layer under ``plan``.

    Units without a team (-1) count for nobody; targets are shares of all the work.

    ``held`` (k,): hours in the files that each team has; default those that stay with it and those that follow
    ``plan``.
    """
    problem = board.layer.problem
    capacity = problem.capacity
    has, k = plan >= 0, problem.k
    own = plan[has]

    def total(amount: Floats) -> Floats:
        return np.bincount(own, amount[has], k).astype(np.float64)

    hours, balanced, target = total(board.hours), total(problem.demand) + problem.base, problem.target
    deviation = np.where(target > 0, (balanced - target) / np.where(target > 0, target, 1.0), 0.0)
    low, high = _interval(board, plan, hours)
    km = total(board.hours * board.distance_km[np.arange(problem.n), plan])
    used = has & (board.layer.parts["portion"].to_numpy() > 0)
    pairs = np.unique(np.stack([plan[used], board.area[used]]), axis=1)
    return TeamFigures(
        hours=hours,
        target=target,
        deviation=deviation,
        is_within=np.abs(deviation) <= problem.tolerance * (1 + 1e-9),
        pieces=_pieces(board, plan),
        areas=np.bincount(pairs[0], minlength=k),
        clients=total(board.clients),
        travel_km=np.where(hours > 0, km / np.where(hours > 0, hours, 1.0), np.nan),
        waiting_months=np.where(
            capacity > 0,
            (board.files.kept + total(board.files.following) if held is None else held)
            / np.where(capacity > 0, capacity / MONTHS_A_YEAR, 1.0),
            np.nan,
        ),
        low=low,
        high=high,
    )


def _interval(board: LayerBoard, plan: Ints, hours: Floats) -> tuple[Floats, Floats]:
    """Ends (k,) of the 80% interval of each team's hours, as ``demand.intervals.team_interval`` defines it."""
    noise = board.spread.of_teams(plan, board.layer.problem.k)
    variance = noise.own
    for together in noise.shared:
        variance = variance + np.asarray(together.multiply(together).sum(axis=1)).ravel()
    return gamma_interval(hours, variance, INTERVAL)


def _pieces(board: LayerBoard, plan: Ints) -> Ints:
    """(k,) connected parts per team; units without a team are left out by giving them a team of their own."""
    problem = board.layer.problem
    if (plan >= 0).all():
        return pieces(problem, plan)
    shown = np.where(plan >= 0, plan, problem.k + np.arange(problem.n))
    same = shown[problem.edges[:, 0]] == shown[problem.edges[:, 1]]
    a, b = problem.edges[same].T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(problem.n, problem.n))
    _, label = connected_components(graph, directed=False)
    _, first = np.unique(label, return_index=True)
    heads = plan[first]
    return np.bincount(heads[heads >= 0], minlength=problem.k)


@dataclass(frozen=True)
class LayerSums:
    """What one layer adds to the totals of a set of layers, under one plan."""

    board: LayerBoard
    plan: Ints
    capacity: Floats
    teams: TeamFigures
    municipality_splits: int
    care_region_splits: int


def layer_sums(board: LayerBoard, plan: Ints, held: Floats | None = None) -> LayerSums:
    """The figures of a layer under ``plan``; a millisecond or two. ``held``: as for ``team_figures``."""
    problem = board.layer.problem
    return LayerSums(
        board=board,
        plan=plan,
        capacity=problem.capacity,
        teams=team_figures(board, plan, held),
        municipality_splits=_splits(problem.municipality, plan),
        care_region_splits=_splits(problem.care_region, plan),
    )


def totals(parts: Sequence[LayerSums]) -> Totals:
    """Figures over the layers ``parts``. What moves is no figure of a plan: it stands in the outcome's tables."""
    figures = [part.teams for part in parts]
    deviations = np.abs(np.concatenate([f.deviation for f in figures])) if figures else np.zeros(0)
    hours = sum(float(f.hours[~np.isnan(f.travel_km)].sum()) for f in figures)  # work without a team has no way to go
    km = sum(float(np.nansum(f.travel_km * f.hours)) for f in figures)
    files = sum(part.board.files.hours for part in parts)
    capacity = sum(float(part.capacity.sum()) for part in parts)
    return Totals(
        teams=len({team for part in parts for team in part.board.layer.problem.team_ids}),
        areas=len({int(a) for part in parts for a in part.board.area}),
        without_team=int(sum((part.plan < 0).sum() for part in parts)),
        max_deviation=float(deviations.max(initial=0.0)),
        mean_deviation=float(deviations.mean()) if len(deviations) else 0.0,
        teams_outside=int(sum((~f.is_within).sum() for f in figures)),
        areas_outside=int(sum(f.areas[~f.is_within].sum() for f in figures)),
        not_contiguous=int(sum((f.pieces > 1).sum() for f in figures)),
        travel_km=km / hours if hours > 0 else 0.0,
        municipality_splits=sum(part.municipality_splits for part in parts),
        care_region_splits=sum(part.care_region_splits for part in parts),
        waiting_months=files / (capacity / MONTHS_A_YEAR) if capacity > 0 else float("nan"),
        longest_wait_months=max((float(np.nanmax(f.waiting_months, initial=0.0)) for f in figures), default=0.0),
    )


def _splits(group: Ints | None, plan: Ints) -> int:
    """Sum over the groups of (teams in it - 1)."""
    if group is None:
        return 0
    has = plan >= 0
    pairs = np.unique(np.stack([group[has], plan[has]]), axis=1)
    return int(pairs.shape[1] - len(np.unique(pairs[0])))
