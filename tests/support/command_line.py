"""The commands as a planner types them, on a toy country with its own boundaries file, input folder and store."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from allocation.cli import main
from allocation.contract.config import Config
from allocation.runs.run import Run
from tests.support import toy
from tests.support.browser import copied

SETTINGS = "tolerance = 0.1\n[solver]\nseconds = 20.0\niterations = 20000\nworkers = 1\n"


class Done(NamedTuple):
    """What a command answered."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Country:
    """Folders and store of one toy country, and its command line."""

    folder: Path
    input: Path

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder / 'store.sqlite'}"

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def run_arguments(self) -> list[str]:
        return ["--input", str(self.input), "--boundaries", f"{self.folder / 'areas.gpkg'}",
                "--config", f"{self.folder / 'settings.toml'}"]  # fmt: skip

    def caseload(self, command: str, *arguments: str, has_store: bool = True) -> Done:
        """A command in this process, which has imported everything already: a fresh one takes seconds to start."""
        out, error, mask = io.StringIO(), io.StringIO(), os.umask(0o022)
        try:
            with redirect_stdout(out), redirect_stderr(error):
                code = main(self._line(command, arguments, has_store))
        except SystemExit as ended:
            code = int(str(ended.code))
        finally:
            os.umask(mask)
        return Done(code, out.getvalue(), error.getvalue())

    def caseload_process(self, command: str, *arguments: str, has_store: bool = True) -> Done:
        """The same in a process of its own, as a planner starts it."""
        line = [sys.executable, "-m", "allocation", *self._line(command, arguments, has_store)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=280, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    def _line(self, command: str, arguments: Sequence[str], has_store: bool) -> list[str]:
        return [command, *arguments, *(["--store", self.store, "--var", str(self.var)] if has_store else [])]

    def start(self, input_dir: Path | None = None) -> Run:
        """A run in this process."""
        return Run.start(
            input_dir=input_dir or self.input,
            boundaries=str(self.folder / "areas.gpkg"),
            store=self.store,
            config=Config.from_file(self.folder / "settings.toml"),
            var=self.var,
        )


def make_country(folder: Path) -> Country:
    toy.write(folder / "input")
    toy.polygons().to_file(folder / "areas.gpkg", layer="areas")
    (folder / "settings.toml").write_text(SETTINGS)
    return Country(folder, folder / "input")


def copy_of(country: Country, folder: Path) -> Country:
    copied(country.folder, folder)
    return Country(folder, folder / "input")
