"""Kinds of files in a run's folder: how each is read and written.

A file is replaced as a whole. One that is missing, or that another release of the program wrote, is one plain error
(``RunIncomplete``). What is read is fetched from the storage of runs first, and what is written is sent there
(``allocation.storage``).

Belongs here: reading and writing. Does not belong here: which files there are (`run_files`).
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from allocation import storage
from allocation.contract.errors import Refused

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)


class RunIncomplete(Refused):
    """A file of a run's folder is missing, or is not as this release writes it. The text is for a person."""


@dataclass(frozen=True)
class RunFile(ABC, Generic[T]):
    """One file of a run's folder. ``name``: path within the folder. ``step``: what writes it."""

    name: str
    step: str

    def path(self, folder: Path) -> Path:
        return folder / self.name

    def exists(self, folder: Path) -> bool:
        return storage.exists(self.path(folder))

    def fetched(self, folder: Path) -> Path:
        """The file as it is kept, for what reads it by its path; raises ``RunIncomplete`` when there is none."""
        path = storage.fetch(self.path(folder))
        if not path.exists():
            raise RunIncomplete(f"{path} does not exist: step {self.step!r} of this run has not been done")
        return path

    def read(self, folder: Path) -> T:
        """The content. Raises ``RunIncomplete``."""
        path = self.fetched(folder)
        try:
            return self._load(path)
        except (ValueError, KeyError) as error:  # what JSON, pydantic, Arrow and numpy raise for a file they cannot use
            why = _first_fault(error)
            raise RunIncomplete(f"{path} is not as this release writes it ({why}); make the run again") from error

    def write(self, folder: Path, value: T) -> None:
        """Replace the file as a whole: a process that is stopped leaves the file of before, never half of one."""
        path = self.path(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._save(aside, value)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        storage.send(path)

    @abstractmethod
    def _load(self, path: Path) -> T:
        """The content of the file."""

    @abstractmethod
    def _save(self, path: Path, value: T) -> None:
        """Write the content to a file beside the one that it replaces."""


def _first_fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors()[0]
        return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    return (str(error).splitlines() or [type(error).__name__])[0]


@dataclass(frozen=True)
class JsonFile(RunFile[Any]):
    """Free JSON; ``keys`` are those that readers count on."""

    keys: tuple[str, ...] = ()

    def _load(self, path: Path) -> Any:
        value = json.loads(path.read_text(encoding="utf-8"))
        missing = [key for key in self.keys if key not in value]
        if missing:
            raise KeyError(f"without {', '.join(missing)}")
        return value

    def _save(self, path: Path, value: Any) -> None:
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False, default=str), encoding="utf-8")


@dataclass(frozen=True)
class RecordFile(RunFile[Model]):
    """JSON with a fixed form."""

    model: type[Model]

    def _load(self, path: Path) -> Model:
        return self.model.model_validate_json(path.read_text(encoding="utf-8"))

    def _save(self, path: Path, value: Model) -> None:
        path.write_text(value.model_dump_json(indent=1), encoding="utf-8")


@dataclass(frozen=True)
class FrameFile(RunFile[pd.DataFrame]):
    """A table as Parquet; ``columns`` are those that readers count on."""

    columns: tuple[str, ...] = ()

    def read_columns(self, folder: Path, columns: Iterable[str]) -> pd.DataFrame:
        """Some of the columns; one that the file does not have is left out."""
        present = self.column_names(folder)
        return pd.read_parquet(self.path(folder), columns=[name for name in columns if name in present])

    def column_names(self, folder: Path) -> list[str]:
        return list(pq.read_schema(self.fetched(folder)).names)

    def _load(self, path: Path) -> pd.DataFrame:
        with pq.ParquetFile(path) as file:  # pandas.read_parquet makes a data set of every file
            frame: pd.DataFrame = file.read().to_pandas()
        missing = [name for name in self.columns if name not in frame]
        if missing:
            raise KeyError(f"without column {', '.join(missing)}")
        return frame

    def _save(self, path: Path, value: pd.DataFrame) -> None:
        value.to_parquet(path, index=False, **compact(value))


def compact(frame: pd.DataFrame) -> dict[str, Any]:
    """Options of ``to_parquet`` that save room: fractions hardly repeat, so a dictionary of them is larger."""
    fractions = [str(name) for name in frame if pd.api.types.is_float_dtype(frame[name])]
    others = [str(name) for name in frame if str(name) not in fractions]
    return {"compression": "zstd", "use_dictionary": others, "use_byte_stream_split": fractions}


@dataclass(frozen=True)
class ArraysFile(RunFile[Mapping[str, NDArray[Any]]]):
    """Named arrays, without pickles."""

    def _load(self, path: Path) -> dict[str, NDArray[Any]]:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    def _save(self, path: Path, value: Mapping[str, NDArray[Any]]) -> None:
        with path.open("wb") as file:  # given a name, numpy would add .npz to it
            np.savez_compressed(file, **dict[str, Any](value))


@dataclass(frozen=True)
class TextFile(RunFile[str]):
    """A text in UTF-8."""

    def _load(self, path: Path) -> str:
        return path.read_text(encoding="utf-8")

    def _save(self, path: Path, value: str) -> None:
        path.write_text(value, encoding="utf-8")


@dataclass(frozen=True)
class Tables:
    """A folder of tables, one Parquet file each."""

    name: str
    step: str

    def path(self, folder: Path) -> Path:
        return folder / self.name

    def table(self, table: str) -> FrameFile:
        return FrameFile(f"{self.name}/{table}.parquet", self.step)

    def read(self, folder: Path, tables: Sequence[str]) -> dict[str, pd.DataFrame]:
        """The tables by name. Raises ``RunIncomplete``."""
        return {table: self.table(table).read(folder) for table in tables}

    def read_present(self, folder: Path, tables: Sequence[str]) -> dict[str, pd.DataFrame]:
        """Those of the tables that are there."""
        return self.read(folder, [table for table in tables if self.table(table).exists(folder)])

    def write(self, folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
        for name, frame in tables.items():
            self.table(name).write(folder, frame)
