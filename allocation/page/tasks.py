"""Proposals that are being made, as files: a page that starts again, or a second one, knows the tasks of the first.

Every task is a JSON file below ``var/page``. The process that works on it writes how it ended; the page that started it
holds a lock as long as it lives, so that another page can tell a task that goes on from one that was cut off.

Belongs here: what a task is and how it ended. Does not belong here: how a proposal is made.
"""

from __future__ import annotations

import json
import logging
import os
import re
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock as Mutex
from typing import Any

from filelock import FileLock, Timeout

from allocation.contract.errors import InputRefused, Refused
from allocation.page.guarding import told_of
from allocation.pipeline.processes import Beside

log = logging.getLogger(__name__)

Ended = int | dict[str, Any]

BUSY = "Het voorstel wordt gemaakt en gecontroleerd."
UNKNOWN = {"state": "unknown", "text": "Deze opdracht is niet bekend; kijk bij de versies of hij klaar is."}
CUT_OFF = {
    "state": "refused",
    "text": "De server is opnieuw gestart en dit is afgebroken. "
    "Kijk bij de versies of er iets is ingediend of gewijzigd, en doe het zo nodig opnieuw.",
}
FAILED = {
    "state": "refused",
    "text": "Dit is mislukt door een fout in het programma; de beheerder vindt die in het logboek.",
}
DIED = {
    "state": "refused",
    "text": "Dit is afgebroken: het programma dat eraan werkte is gestopt, bijvoorbeeld door te weinig geheugen. "
    "Kijk bij de versies of er iets is ingediend of gewijzigd, en doe het zo nodig opnieuw.",
}
MOST_AT_ONCE = 5
TOO_MANY = f"U hebt al {MOST_AT_ONCE} opdrachten die nog niet klaar zijn; wacht tot er een klaar is."
INPUT_REFUSED = (
    "Met deze teams en vergrendelingen is geen geldige invoer te maken; er is niets ingediend. "
    "De invoercontrole zegt, in het Engels: {told}"
)
REFUSED_TO_OTHERS = "Dit is geweigerd; wie voorstellen mag doen ziet hier waarom."
"""For who may only look: a refusal may quote a cell of the input, such as a count."""
MOST_TOLD = 5
"""How many problems of the input a planner is told of."""


def refusal(refused: Refused) -> str:
    """Why a proposal that a planner asked for is not made, as he reads it: without a place on the server."""
    if not isinstance(refused, InputRefused):
        return told_of(refused)
    told = [str(replace(problem, file=Path(problem.file).name)) for problem in refused.problems]
    more = [f"(en nog {len(told) - MOST_TOLD})"] if len(told) > MOST_TOLD else []
    return INPUT_REFUSED.format(told=" ".join(told[:MOST_TOLD] + more))


def proposed(version: int) -> dict[str, Any]:
    """A task that ended with a version."""
    return {"state": "done", "version": version, "text": f"Versie {version} is ingediend."}


class Tasks:
    """The tasks of one page, and of those before and beside it on the same folder."""

    def __init__(self, var: Path) -> None:
        self.folder = var / "page"
        self._owner = uuid.uuid4().hex
        self._lock: FileLock | None = None
        self._mutex = Mutex()
        self._worker = Beside()
        self._running: Counter[str] = Counter()

    def start(self, act: Callable[..., Ended], *what: object, by: str, busy: str = BUSY) -> str:
        """Run ``act``, which gives the number of a version that it proposed or says how it ended, in a process beside
        this one; returns the task's name. ``busy``: what it does, in a Dutch sentence.

        One task is done at a time. Refused when ``by`` has so many that others would wait long for theirs.
        """
        name = uuid.uuid4().hex
        path = self.folder / f"{name}.json"
        with self._mutex:
            if self._running[by] >= MOST_AT_ONCE:
                raise Refused(TOO_MANY)
            self._running[by] += 1
            if self._lock is None:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._lock = FileLock(self.folder / f"{self._owner}.lock")
                self._lock.acquire()
        try:
            _write(path, {"state": "busy", "text": busy, "owner": self._owner})
            doing = self._worker.submit(_work, path, act, what)
        except BaseException:
            self._ends(by)
            raise
        doing.add_done_callback(partial(self._ended, path, by))
        return name

    def _ended(self, path: Path, by: str, done: Future[Any]) -> None:
        """A task is over, also when its process died and could not say so."""
        self._ends(by)
        if not done.cancelled() and (error := done.exception()):
            log.error("a proposal was cut off", exc_info=error)
            _write(path, DIED)

    def _ends(self, by: str) -> None:
        with self._mutex:
            self._running[by] -= 1

    def state(self, name: str) -> dict[str, Any]:
        """How a task goes: busy, done with its version, or refused with why; unknown when there was none."""
        path = self.folder / f"{name}.json"
        if not re.fullmatch(r"[0-9a-f]{32}", name) or not path.exists():
            return UNKNOWN
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        owner = told.pop("owner", "")
        if told["state"] == "busy" and owner != self._owner and not self._lives(str(owner)):
            again: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))  # it may have ended just now
            return CUT_OFF if again["state"] == "busy" else {k: v for k, v in again.items() if k != "owner"}
        return told

    def _lives(self, owner: str) -> bool:
        """Whether the page that started a task still runs: it holds its lock."""
        try:
            with FileLock(self.folder / f"{owner}.lock", timeout=0):
                return False
        except Timeout:
            return True

    def close(self) -> None:
        """Wait for what is being made, and let go."""
        self._worker.close()
        if self._lock is not None:
            self._lock.release()

    def end(self) -> None:
        """End what is being made at once: it is told to be cut off."""
        self._worker.end()
        if self._lock is not None:
            self._lock.release()


def _work(path: Path, act: Callable[..., Ended], what: tuple[object, ...]) -> None:
    """Do the task and write how it ended; in the process of the worker."""
    try:
        told = act(*what)
        ended = proposed(told) if isinstance(told, int) else told
    except Refused as refused:
        log.warning("a proposal was refused: %s", refused)
        ended = {"state": "refused", "text": refusal(refused)}
    except Exception:
        log.exception("a proposal failed")
        ended = FAILED
    _write(path, ended)


def _write(path: Path, value: dict[str, Any]) -> None:
    """All or nothing: a reader never sees half a file."""
    fresh = path.with_suffix(f".{os.getpid()}.new")
    fresh.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    fresh.replace(path)
