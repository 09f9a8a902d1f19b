"""A run: its folder, who asked for it and what was asked.

Belongs here: starting, opening and naming a run, and reading what its steps left. Does not belong here: what the steps
do, and the names of the files (`run_files`).
"""

from __future__ import annotations

import getpass
import hashlib
import itertools
import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation import storage
from allocation.contract import calendar
from allocation.contract.config import Config
from allocation.contract.environment import environment
from allocation.contract.errors import Refused
from allocation.runs import run_files
from allocation.runs.file_kinds import FrameFile, RunFile, RunIncomplete, T, Tables
from allocation.runs.run_files import InForce, LayersRecord, RunRecord, Unchanged

log = logging.getLogger(__name__)

VAR = Path("var")
LONGEST_NAME = 200
"""Bytes of the name of a folder; file systems allow 255, and ``tidy`` and a second run put something to it."""
HIDDEN = "***"
"""What stands in an address instead of a secret."""


EMBEDDED = "embedded"


Progress = Callable[[str], None]


def run_folder(var: Path, run_id: str) -> Path:
    """The folder of a run of this name; never outside ``var``. A name that is too long for a folder is cut, and ends in
    a fingerprint of the whole."""
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in run_id)
    if len(name.encode()) > LONGEST_NAME:
        fingerprint = hashlib.sha256(run_id.encode("utf-8", "replace")).hexdigest()[:16]
        name = f"{name.encode()[: LONGEST_NAME - 17].decode('utf-8', 'ignore')}-{fingerprint}"
    return var / "runs" / name


def new_name(kind: str) -> str:
    """A name for a run of this ``kind`` that nothing else has, also where several machines make one in one second."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}-{kind}"


@dataclass(frozen=True)
class Run:
    """One run: its folder and what was asked of it. ``today`` is fixed when the run starts and never asked again."""

    folder: Path
    run_id: str
    input_dir: str | None
    boundaries: str
    store: str
    config: Config
    created_by: str
    today: date
    dag_run: str | None = None

    @classmethod
    def start(
        cls,
        *,
        input_dir: Path | None,
        boundaries: str,
        store: str,
        config: Config,
        var: Path = VAR,
        run_id: str | None = None,
        today: date | None = None,
        created_by: str | None = None,
        dag_run: str | None = None,
    ) -> Run:
        """A new run, in a folder of its own below ``var``.

        A folder is written by one run only: where steps of another run have left files under ``run_id``, or a run of
        another name has the folder, this one gets the next free name (``run_id-2``, ...). The version made of the other
        run needs them.
        """
        now = datetime.now(UTC)
        name = _free_name(var, run_id or now.strftime("%Y%m%dT%H%M%S") + f"-{os.getpid():d}")
        folder = run_folder(var, name)
        folder.mkdir(parents=True, exist_ok=True)
        given = str(input_dir) if input_dir else None
        by, day = created_by or _login(), today or calendar.today()
        run = cls(folder, name, given, boundaries, store, config, by, day, dag_run)
        record = RunRecord(
            run_id=run.run_id,
            input_dir=run.input_dir,
            boundaries=run.boundaries,
            store=_without_secret(run.store),
            config=config.model_dump(mode="json"),
            created_by=run.created_by,
            today=run.today,
            created_at=now.replace(microsecond=0),
            dag_run=run.dag_run,
        )
        run.write(run_files.RUN, record)
        return run

    @classmethod
    def open(cls, folder: Path | str) -> Run:
        """The run in ``folder``, as it was started. Raises ``RunIncomplete``."""
        folder = Path(folder)
        record = run_files.RUN.read(folder)
        return cls(
            folder=folder,
            run_id=record.run_id,
            input_dir=record.input_dir,
            boundaries=record.boundaries,
            store=_with_own_login(record.store),
            config=Config.of_run(record.config),
            created_by=record.created_by,
            today=record.today,
            dag_run=record.dag_run,
        )

    @property
    def record(self) -> RunRecord:
        """What was asked, as it is kept, with the moment at which the run started."""
        return self.read(run_files.RUN)

    @property
    def eve(self) -> date:
        """The last day before this run's division can take over: another version may be planned to come into force
        before this one."""
        return calendar.eve_of(self.config.valid_from, self.today)

    @property
    def var(self) -> Path:
        return self.folder.parent.parent

    @property
    def files_dir(self) -> Path:
        """Where published versions land as files."""
        return self.var / "published"

    # --- files, by their declaration ---------------------------------------------------------------------------------

    def path(self, file: RunFile[Any] | Tables) -> Path:
        return file.path(self.folder)

    def fetched(self, file: RunFile[Any]) -> Path:
        """The file as it is kept, for what reads it by its path. Raises ``RunIncomplete``."""
        return file.fetched(self.folder)

    def has(self, file: RunFile[Any]) -> bool:
        return file.exists(self.folder)

    def read(self, file: RunFile[T]) -> T:
        """The content of one of ``run_files``. Raises ``RunIncomplete``."""
        return file.read(self.folder)

    def write(self, file: RunFile[T], value: T) -> None:
        file.write(self.folder, value)

    def write_after(self, done: str, file: RunFile[T], value: T) -> None:
        """Write what is kept of an act that cannot be undone. On a full disk the act stands: the log says what is
        ``done``, and why the file is not there."""
        try:
            self.write(file, value)
        except (OSError, Refused) as error:  # a storage that is away raises the latter
            why = (isinstance(error, OSError) and error.strerror) or str(error).splitlines()[0].rstrip(".")
            log.warning(
                "%s; %s of run %s could not be written and stays as it was: %s.", done, file.name, self.run_id, why
            )

    # --- what steps left ----------------------------------------------------------------------------------------------

    @property
    def boundaries_folder(self) -> Path:
        """For ``geodata.Boundaries.read``."""
        return storage.fetch_folder(self.folder / run_files.BOUNDARIES_FOLDER)

    @property
    def inputs_folder(self) -> Path:
        """For ``Inputs.read``."""
        return self.path(run_files.INPUT_TABLES)

    @property
    def scenario_input_folder(self) -> Path:
        """The input folder of a scenario that this run carries out or starts from."""
        return self.folder / run_files.SCENARIO_INPUT

    @property
    def draft_input_folder(self) -> Path:
        """The input folder of a planner's draft."""
        return self.folder / run_files.DRAFT_INPUT

    @property
    def validation_folder(self) -> Path:
        """Where the gates leave their result and their Data Docs."""
        return self.folder / run_files.VALIDATION_FOLDER

    def areas(self) -> pd.DataFrame:
        """The areas without their polygons: all that most steps need."""
        names = [name for name in run_files.AREAS.column_names(self.folder) if name != "geometry"]
        return run_files.AREAS.read_columns(self.folder, names)

    def in_force(self) -> InForce:
        """The version that this run's division takes over from."""
        return self.read(run_files.IN_FORCE)

    def in_force_table(self, name: str) -> pd.DataFrame | None:
        """A table of the version in force as it was published; None when no version is in force."""
        return None if self.in_force().version is None else self.read(run_files.IN_FORCE_TABLES.table(name))

    def layers(self) -> LayersRecord:
        """The layers of the run in order, and the day that they were built for."""
        return self.read(run_files.LAYERS)

    def layer_keys(self) -> list[str]:
        return [row.key for row in self.layers().layers]

    def layer_folder(self, key: str) -> Path:
        """For ``Layer.read``."""
        return run_files.layer_folder(self.folder, key)

    def plan(self, key: str) -> NDArray[np.int64]:
        """(n,) the team of each unit of a layer, by position."""
        return run_files.PLAN.read(self.layer_folder(key))["team"].to_numpy(dtype=np.int64)

    def write_plan(self, key: str, units: tuple[str, ...], plan: NDArray[np.int64]) -> None:
        run_files.PLAN.write(self.layer_folder(key), pd.DataFrame({"unit": units, "team": plan}))

    def has_result(self, key: str) -> bool:
        return run_files.RESULT.exists(self.layer_folder(key))

    def result(self, key: str) -> dict[str, Any]:
        """What the solver said of a layer; without the plan."""
        result: dict[str, Any] = run_files.RESULT.read(self.layer_folder(key))
        return result

    def write_result(self, key: str, result: dict[str, Any]) -> None:
        run_files.RESULT.write(self.layer_folder(key), result)

    @property
    def has_outcome(self) -> bool:
        """Whether the published tables were made."""
        return self.has(run_files.OUTCOME.table("teams"))

    def outcome(self, name: str) -> pd.DataFrame:
        """A table of the outcome."""
        return self.read(run_files.OUTCOME.table(name))

    def frame(self, name: str) -> pd.DataFrame:
        """A table of this run's outcome, or else the frame of this name that a step left."""
        table = run_files.OUTCOME.table(name)
        return self.read(table if self.has(table) else FrameFile(f"{name}.parquet", "an earlier step"))

    def validation(self) -> dict[str, Any]:
        """What the gates found, by gate; empty when none has run."""
        found: dict[str, Any] = self.read(run_files.VALIDATION) if self.has(run_files.VALIDATION) else {}
        return found

    def unchanged(self) -> Unchanged | None:
        """Why the run ended before a decision; None when it did not."""
        found = self.read(run_files.UNCHANGED) if self.has(run_files.UNCHANGED) else None
        return found if found and found.version is not None else None

    def version(self) -> int | None:
        """The version that this run became; None as long as it is not proposed."""
        return self.read(run_files.VERSION).version if self.has(run_files.VERSION) else None


def _free_name(var: Path, name: str) -> str:
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(name for name in names if _is_free(run_folder(var, name), name))


def _is_free(folder: Path, name: str) -> bool:
    """Whether a run of this name may write here: no step has, and the folder was made for no other name."""
    if run_files.IN_FORCE.exists(folder):
        return False
    try:
        return not run_files.RUN.exists(folder) or run_files.RUN.read(folder).run_id == name
    except RunIncomplete:  # a record that cannot be read belongs to nobody
        return True


def _without_secret(store: str) -> str:
    """The address with its secret blotted out, as it may be kept in a file."""
    from allocation.publication.connection import address_without_secret

    shown = address_without_secret(store)
    return shown if HIDDEN in unquote(shown) else store


def _with_own_login(kept: str) -> str:
    """The address of ``CASELOAD_STORE``, with its login and secret, where it leads to the same database as ``kept``;
    else ``kept``. The page that made a run and the worker that publishes it each have a login of their own."""
    from allocation.publication.connection import database_of

    given = environment().store
    return given if given and database_of(given) == database_of(kept) else kept


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user, as in some containers
        return str(os.getuid())
