"""The proposals that can be shown, laid open on demand; the solver beside; proposals being made.

Belongs here: what lives longer than one request. Does not belong here: HTTP, figures, the rules of a change.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Lock as Mutex
from typing import Any, Protocol

import numpy as np

from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.contract.vocabulary import REGULAR_GROUP
from allocation.districting import warm_up
from allocation.layers import solving
from allocation.layers.layer import Layer
from allocation.page import proposing
from allocation.page.requests import CountryOrder, SubmitOrder
from allocation.page.whatif import Bench
from allocation.publication import versions
from allocation.report import dutch
from allocation.report.board import Ints
from allocation.report.map import map_value
from allocation.runs.run import Run, run_folder

log = logging.getLogger(__name__)

KEPT_RUNS = 3


class Desk:
    """The proposals that can be shown, laid open on demand; the solver beside; proposals being made."""

    def __init__(self, store_url: str, var: Path) -> None:
        self.store_url, self.var = store_url, var
        self._open: OrderedDict[str, tuple[Bench, bytes, np.ndarray[Any, np.dtype[np.int64]], list[int]]] = (
            OrderedDict()
        )
        self._mutex = Mutex()
        self._solver: ProcessPoolExecutor | None = None
        self._maker: ProcessPoolExecutor | None = None
        self._tasks: dict[str, Future[int]] = {}

    def runs(self) -> list[dict[str, Any]]:
        """Runs that can be shown, newest version first: run, version, status, who, when, why."""
        known = versions.versions(self.store_url).drop_duplicates("version")
        rows = []
        for one in known.sort_values("version", ascending=False).itertuples():
            if self._folder(str(one.run_id)) is not None:
                rows.append({
                    "run": str(one.run_id), "version": int(str(one.version)), "status": str(one.status),
                    "by": str(one.created_by), "reason": str(one.reason or ""),
                    "at": dutch.moment(str(one.created_at)),
                })  # fmt: skip
        return rows

    def _folder(self, run_id: str) -> Path | None:
        """The folder of a run that has its outcome; None when there is none."""
        folder = run_folder(self.var, run_id)
        return folder if (folder / "outcome" / "teams.parquet").exists() else None

    def client_groups(self) -> tuple[str, ...]:
        """The client groups of the newest run: the set is configuration."""
        newest = next(iter(self.runs()), None)
        return Run.open(self.folder(newest["run"])).config.client_groups if newest else (REGULAR_GROUP,)

    def folder(self, run_id: str) -> Path:
        found = self._folder(run_id)
        if found is None:
            raise Refused(f"De bestanden van run {run_id} zijn er niet meer.")
        return found

    def opened(self, run_id: str) -> tuple[Bench, bytes, np.ndarray[Any, np.dtype[np.int64]], list[int]]:
        """The bench of a run, its map as JSON, the sides of the borders and the colours of the teams."""
        with self._mutex:
            if run_id not in self._open:
                bench = Bench(self.folder(run_id))
                value = map_value(bench.folder, bench.board)
                sides = np.array(value["sides"], dtype=np.int64).reshape(-1, 2)
                text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
                self._open[run_id] = bench, text, sides, [team["colour"] for team in value["teams"]]
                while len(self._open) > KEPT_RUNS:
                    self._open.popitem(last=False)
            self._open.move_to_end(run_id)
            return self._open[run_id]

    def bench(self, run_id: str) -> Bench:
        return self.opened(run_id)[0]

    def warm_up(self) -> None:
        """Lay the newest proposal open, with what its first change will need."""
        newest = next(iter(self.runs()), None)
        if newest:
            bench = self.bench(newest["run"])
            _ = bench.inputs, bench.boundaries, bench.amounts

    def solve(self, config: Config, layer: Layer, _position: int) -> Ints:
        """A plan for the layer, from a process beside this one: other planners' answers do not wait for it."""
        with self._mutex:
            if self._solver is None:
                self._solver = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=warm_up)
        found: dict[str, Any] = self._solver.submit(solving.solve_problem, layer, config).result()
        return np.asarray(found["plan"], dtype=np.int64)

    def submit(self, asked: SubmitOrder, by: str) -> str:
        """Start making a proposal of a draft; returns the name under which to ask how it goes."""
        self.folder(asked.run)
        return self._make(proposing.submit_in, asked.run, asked.changes, by, asked.reason)

    def divide_country(self, asked: CountryOrder, by: str) -> str:
        """Start dividing the whole country from a saved draft; returns the name under which to ask how it goes."""
        return self._make(proposing.divide_country, asked.draft_id, by, asked.reason)

    def _make(self, act: Callable[..., int], *what: object) -> str:
        """Run ``act`` on this store, in a process beside this one: it takes minutes of computing."""
        with self._mutex:
            if self._maker is None:
                self._maker = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        name = uuid.uuid4().hex
        self._tasks[name] = self._maker.submit(act, self.var, self.store_url, *what)
        return name

    def version_of(self, run_id: str) -> int | None:
        """The version that a run proposed; None when it has not (yet)."""
        known = versions.versions(self.store_url)
        mine = known.loc[known["run_id"] == run_id, "version"]
        return int(mine.iloc[-1]) if len(mine) else None

    def task(self, name: str) -> dict[str, Any]:
        """How a proposal that was started goes: busy, done with its version, or refused with why."""
        future = self._tasks.get(name)
        if future is None:
            return {"state": "unknown", "text": "Deze opdracht is niet bekend; kijk bij de versies of hij klaar is."}
        if not future.done():
            return {"state": "busy", "text": "Het voorstel wordt gemaakt en gecontroleerd."}
        error = future.exception()
        if error is None:
            return proposed(future.result())
        if isinstance(error, Refused):
            return {"state": "refused", "text": str(error)}
        log.error("a proposal failed", exc_info=error)
        return {"state": "refused", "text": "Het indienen is mislukt door een fout in het programma; zie het logboek."}

    def close(self) -> None:
        for beside in (self._maker, self._solver):
            if beside is not None:
                beside.shutdown(wait=True)


def proposed(version: int) -> dict[str, Any]:
    return {"state": "done", "version": version, "text": f"Versie {version} is ingediend."}


class Country(Protocol):
    """Who divides the whole country for the one who asks; put into the scope as ``country`` by a server around this
    application that has a scheduler. Without one it is done in a process beside this one."""

    async def start(self, draft_id: int, reason: str) -> str:
        """Start from a saved draft; returns the id of the run. Raises Refused when that is not possible."""

    async def state(self, run_id: str) -> dict[str, Any]:
        """How it goes as long as there is no version: ``state`` (busy or refused) and a ``text`` in Dutch."""
