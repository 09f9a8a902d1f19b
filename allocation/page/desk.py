"""The proposals that can be shown, laid open on demand; the solver beside; proposals being made.

Belongs here: what lives longer than one request. Does not belong here: HTTP, figures, the rules of a change.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock as Mutex
from typing import Any, Protocol

import numpy as np
import pandas as pd
from cachetools import LRUCache

from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.contract.vocabulary import REGULAR_GROUP, special_groups
from allocation.districting import warm_up
from allocation.layers import solving
from allocation.layers.layer import Layer
from allocation.page import proposing
from allocation.page.guarding import NotFound
from allocation.page.partners import partner_values
from allocation.page.requests import CountryOrder, SubmitOrder
from allocation.page.tasks import Tasks
from allocation.page.whatif import Bench, version_now
from allocation.pipeline.processes import Beside
from allocation.publication import drafts, proposals, reads, store
from allocation.publication.hands import hands
from allocation.report import dutch
from allocation.report.board import Ints
from allocation.report.map import map_value, without_small_areas
from allocation.runs import run_files
from allocation.runs.run import Run, run_folder

log = logging.getLogger(__name__)

KEPT_RUNS = 3
STATES = {
    "proposed": "voorgesteld", "published": "gepubliceerd", "rejected": "afgewezen", "withdrawn": "ingetrokken",
}  # fmt: skip
MOST_SEARCHES = 8
"""Searches that are waited for at once: each keeps one of the forty threads from which every other answer comes."""
TOO_MANY_SEARCHES = "Er worden al veel regio's herberekend; er is niets gewijzigd. Probeer het over een minuut opnieuw."
SEARCH_DIED = (
    "Het herberekenen is afgebroken, bijvoorbeeld door te weinig geheugen; er is niets gewijzigd. Doe het opnieuw."
)
NOTHING_CHANGED = "Er zijn nog geen wijzigingen om in te dienen."


@dataclass(frozen=True)
class Opened:
    """A run laid open: its bench, its map, the sides of the borders and the colours of its teams."""

    bench: Bench
    value: Mapping[str, Any] = field(repr=False)
    proposal: tuple[int, int | None] | None = None
    """The version that the run proposes and the act of proposing; a run that is done again proposes anew."""

    @cached_property
    def map_json(self) -> bytes:
        return _compact(self.value)

    @cached_property
    def readers_json(self) -> bytes:
        """The map without small counts (R14)."""
        return _compact(without_small_areas(self.value, self.bench.board, self.bench.expected))

    @cached_property
    def sides(self) -> Ints:
        return np.array(self.value["sides"], dtype=np.int64).reshape(-1, 2)

    @cached_property
    def colours(self) -> list[int]:
        return [team["colour"] for team in self.value["teams"]]


def _proposal(folder: Path) -> tuple[int, int | None] | None:
    if not run_files.VERSION.exists(folder):
        return None
    record = run_files.VERSION.read(folder)
    return record.version, record.act


def _compact(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


class Desk:
    """The proposals that can be shown, laid open on demand; the solver beside; proposals being made."""

    def __init__(self, store_url: str, var: Path) -> None:
        self.store_url, self.var = store_url, var
        self.tasks = Tasks(var)
        self._open: LRUCache[str, Opened] = LRUCache(KEPT_RUNS)
        self._mutex = Mutex()
        self._solver = Beside(warm_up)
        self._searching, self._counting = 0, Mutex()
        self._hands: tuple[int, pd.DataFrame] | None = None

    def runs(self) -> list[dict[str, Any]]:
        """Runs that can be shown, newest version first: run, version, status and its words, who, when, why."""
        known = reads.versions(self.store_url)
        in_force = set(known.loc[known["is_in_force"], "version"].tolist())
        asking, first, rows = proposals.asking_runs(self.store_url), proposals.first_runs(self.store_url), []
        for one in known.drop_duplicates("version").sort_values("version", ascending=False).itertuples():
            version, begins, last = int(str(one.version)), one.valid_from, str(one.run_id)
            run_id = self._run_shown(first.get(version, last), asking.get(version, last))
            if self._folder(run_id) is None:
                continue
            state = STATES.get(str(one.status), str(one.status))
            if version in in_force:
                state = "geldt nu"
            elif one.status == "published" and isinstance(begins, type(store.today())) and begins > store.today():
                state = f"vanaf {dutch.day(begins)}"
            rows.append({
                "run": run_id, "version": version, "status": str(one.status), "state": state,
                "by": str(one.created_by), "reason": str(one.reason or ""), "at": dutch.moment(str(one.created_at)),
            })  # fmt: skip
        return rows

    def _run_shown(self, made_by: str, asking: str) -> str:
        """Under which run a version is shown: the one that made it first, with the drafts on it; the one that proposed
        it last where that was for another first day."""
        if asking == made_by or self._folder(asking) is None:
            return made_by
        return made_by if self._folder(made_by) and self.asks_for_one_day(made_by, asking) else asking

    def asks_for_one_day(self, one: str, other: str) -> bool:
        """Whether two runs with the same content propose it for the same first day."""
        days = {Run.open(self.folder(run_id)).config.valid_from for run_id in (one, other)}
        return len(days) == 1

    def name_of(self, run_id: str) -> str:
        """How a run's proposal is called on the screen."""
        found = self.chosen(self.runs(), run_id)
        return f"versie {found['version']} ({found['state']})" if found else run_id

    def chosen(self, runs: list[dict[str, Any]], run_id: str | None) -> dict[str, Any] | None:
        """Of ``runs()`` the one of this name, or that shows what it proposed."""
        named = next((one for one in runs if one["run"] == run_id), None)
        if named is not None or run_id is None:
            return named
        version = self.version_of(run_id)
        return next((one for one in runs if one["version"] == version), None)

    def hands(self) -> pd.DataFrame:
        """The team of each postcode per period of the timeline, read anew when that changed."""
        act = reads.timeline_act(self.store_url)
        if self._hands is None or self._hands[0] != act:
            self._hands = act, hands(self.store_url)
        return self._hands[1]

    def in_force(self) -> int | None:
        """The version in force today."""
        return reads.current_version(self.store_url)

    def version_now(self, run_id: str) -> int:
        """The version that a run is compared with on the screen (``Bench.version_now``); 0 for none."""
        run = Run.open(self.folder(run_id))
        return version_now(run, is_in_force=self._is_in_force(run.run_id))

    def _folder(self, run_id: str) -> Path | None:
        """The folder of a run that has its outcome; None when there is none."""
        folder = run_folder(self.var, run_id)
        return folder if run_files.OUTCOME.table("teams").exists(folder) else None

    def client_groups(self) -> tuple[str, ...]:
        """The client groups of the newest run: those with special teams."""
        newest = next(iter(self.runs()), None)
        if newest is None:
            return (REGULAR_GROUP,)
        run = Run.open(self.folder(newest["run"]))
        return (REGULAR_GROUP, *special_groups(run.config.special_groups, run.outcome("teams")["client_groups"]))

    def folder(self, run_id: str) -> Path:
        found = self._folder(run_id)
        if found is None:
            raise NotFound("De bestanden van deze run zijn er niet (meer).")
        return found

    def opened(self, run_id: str) -> Opened:
        """A run laid open; kept for the next request, until it comes into force or ends, or proposes something else."""
        folder, is_in_force = self.folder(run_id), self._is_in_force(run_id)
        proposal = _proposal(folder)
        run_id = folder.name  # names that differ in a sign which no folder has are one run, laid open once
        with self._mutex:
            known = self._open.get(run_id)
            if known is None or (known.bench.is_in_force, known.proposal) != (is_in_force, proposal):
                bench = Bench(folder, is_in_force=is_in_force)
                value = map_value(bench.folder, bench.board)
                areas = Run.open(folder).areas().sort_values("pc4", ignore_index=True)
                value["partners"] = partner_values(bench.partners, areas, bench.config.weights)
                self._open[run_id] = Opened(bench, value, proposal)
            return self._open[run_id]

    def bench(self, run_id: str) -> Bench:
        return self.opened(run_id).bench

    def warm_up(self) -> None:
        """Lay the newest proposal open, with what its first change will need."""
        newest = next(iter(self.runs()), None)
        if newest:
            bench = self.bench(newest["run"])
            _ = bench.inputs, bench.boundaries, bench.amounts, bench.proposed_changes, bench.expected

    def solve(self, config: Config, layer: Layer, _position: int) -> Ints:
        """A plan for the layer, from a process beside this one: other planners' answers do not wait for it."""
        with self._counting:
            if self._searching >= MOST_SEARCHES:
                raise Refused(TOO_MANY_SEARCHES)
            self._searching += 1
        try:
            found: dict[str, Any] = self._solver.submit(solving.solve_problem, layer, config).result()
        except BrokenProcessPool as died:
            log.error("a search was cut off", exc_info=died)
            raise Refused(SEARCH_DIED) from died
        finally:
            with self._counting:
                self._searching -= 1
        return np.asarray(found["plan"], dtype=np.int64)

    def submit(self, order: SubmitOrder, by: str) -> str:
        """Start making a proposal of a draft; returns the name under which to ask how it goes."""
        self.folder(order.run)
        if order.changes.is_empty:
            raise Refused(NOTHING_CHANGED)
        if order.valid_from is not None and order.valid_from < store.today():
            raise Refused(f"De ingangsdatum {dutch.day(order.valid_from)} is al voorbij; kies vandaag of later.")
        what = (order.run, order.changes, by, order.reason, order.valid_from, order.seen)
        return self.tasks.start(proposing.submit_in, self.var, self.store_url, *what, by=by)

    def draft(self, draft_id: int) -> drafts.Draft:
        """A saved draft; NotFound when it is gone."""
        try:
            return drafts.draft(self.store_url, draft_id)
        except Refused as refused:
            if type(refused) is not Refused:
                raise
            raise NotFound(str(refused)) from refused

    def divide_country(self, order: CountryOrder, by: str) -> str:
        """Start dividing the whole country from a saved draft; returns the name under which to ask how it goes."""
        what = (self.var, self.store_url, order.draft_id, by, order.reason)
        return self.tasks.start(proposing.divide_country, *what, by=by)

    def version_of(self, run_id: str) -> int | None:
        """The version that a run proposed; None when it has not (yet). Another run may have made its content first."""
        proposal = _proposal(run_folder(self.var, run_id))
        if proposal is not None:
            return proposal[0]
        known = reads.versions(self.store_url)
        own = known.loc[known["run_id"] == run_id, "version"]
        return int(own.iloc[-1]) if len(own) else None

    def _is_in_force(self, run_id: str) -> bool:
        """Whether the version in force is what a run proposed, perhaps after another run."""
        version = self.in_force()
        return version is not None and self.version_of(run_id) == version

    def run_in_force(self) -> str | None:
        """The run under which the version in force is shown; None when there is none."""
        version = self.in_force()
        return next((str(one["run"]) for one in self.runs() if one["version"] == version), None)

    def waiting_run(self, version: int) -> str | None:
        """The run that asks for the decision on a version; None when that does not wait for one."""
        asking = proposals.asking_runs(self.store_url).get(version)
        if asking is not None and (_proposal(run_folder(self.var, asking)) or (None,))[0] == version:
            return asking
        known = reads.versions(self.store_url)
        own = known.loc[(known["version"] == version) & (known["status"] == "proposed"), "run_id"]
        return str(own.iloc[-1]) if len(own) else None

    def asked_about(self, version: int) -> int | None:
        """The act of proposing that a decision on a version is about now."""
        asking = self.waiting_run(version)
        proposal = _proposal(run_folder(self.var, asking)) if asking else None
        return proposal[1] if proposal else None

    def close(self) -> None:
        self.tasks.close()
        self._solver.close()

    def end(self) -> None:
        """End the processes beside this one at once."""
        self.tasks.end()
        self._solver.end()


class Country(Protocol):
    """Who divides the whole country for the one who asks; put into the scope as ``country`` by a server around this
    application that has a scheduler. Without one it is done in a process beside this one."""

    async def start(self, draft_id: int, reason: str) -> str:
        """Start from a saved draft; returns the id of the run. Raises Refused when that is not possible."""

    async def state(self, run_id: str) -> dict[str, Any]:
        """How it goes as long as there is no version: ``state`` (busy or refused) and a ``text`` in Dutch."""
