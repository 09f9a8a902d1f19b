"""A run: its folder, who asked for it and what was asked.

Belongs here: starting, opening and naming a run, and reading what it left. Does not belong here: what its steps do.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from allocation.contract.config import Config
from allocation.publication.store import today as dutch_today

VAR = Path("var")


EMBEDDED = "embedded"


Progress = Callable[[str], None]


def run_folder(var: Path, run_id: str) -> Path:
    """Where a run of this name has its files; never outside ``var``."""
    return var / "runs" / "".join(c if c.isalnum() or c in "-_" else "-" for c in run_id)


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
    ) -> Run:
        """A new run, in a folder of its own below ``var``."""
        now = datetime.now(UTC)
        name = run_id or now.strftime("%Y%m%dT%H%M%S") + f"-{os.getpid():d}"
        folder = run_folder(var, name)
        folder.mkdir(parents=True, exist_ok=True)
        asked = str(input_dir) if input_dir else None
        run = cls(folder, name, asked, boundaries, store, config, created_by or _login(), today or dutch_today())
        told = {
            **asdict(run),
            "folder": str(folder),
            "config": config.model_dump(mode="json"),
            "today": run.today.isoformat(),
        }
        write_json(folder / "run.json", told | {"created_at": now.isoformat(timespec="seconds")})
        return run

    @classmethod
    def open(cls, folder: Path | str) -> Run:
        """The run in ``folder``, as it was started."""
        told = json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))
        told.pop("created_at")
        values = told | {"folder": Path(folder), "today": date.fromisoformat(told["today"])}
        return cls(**(values | {"config": Config.from_values(told["config"])}))

    @property
    def eve(self) -> date:
        """The last day before this run's division can take over, today at the earliest. Who has a client then is who
        keeps or loses it: another version may be planned to come into force before this one."""
        first = self.config.valid_from
        return self.today if first is None else max(self.today, first - timedelta(days=1))

    @property
    def var(self) -> Path:
        return self.folder.parent.parent

    @property
    def files_dir(self) -> Path:
        """Where published versions land as files."""
        return self.var / "published"

    def frame(self, name: str) -> pd.DataFrame:
        """A table of this run's outcome, or one that a step left in the folder."""
        path = self.folder / "outcome" / f"{name}.parquet"
        return pd.read_parquet(path if path.exists() else self.folder / f"{name}.parquet")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user, as in some containers
        return str(os.getuid())


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, default=str), encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def areas_of(run: Run) -> pd.DataFrame:
    """The areas without their polygons: all that most steps need."""
    import pyarrow.parquet as pq

    path = run.folder / "boundaries" / "areas.parquet"
    names = [name for name in pq.read_schema(path).names if name != "geometry"]
    return pd.read_parquet(path, columns=names)


def layer_keys(run: Run) -> list[str]:
    """The keys of the run's layers, as ``prepare_layers`` left them."""
    return [row["key"] for row in read_json(run.folder / "layers.json")["layers"]]


def read_result(run: Run, key: str) -> dict[str, Any]:
    """What the solver said of a layer; without the plan."""
    result: dict[str, Any] = read_json(run.folder / "layers" / key / "result.json")
    return result
