"""Every test here runs on a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from allocation import storage
from tests.support.object_storage import S3Server, s3_server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def machines(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    """Machines without a shared disk: this process on one of them, or on another."""
    for name, value in s3.settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(storage.SETTING, s3.address())
    return Machines(tmp_path, monkeypatch)


class Machines:
    """Each has a folder of its own; only what object storage has is on all of them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._monkeypatch = folder, monkeypatch

    def var(self, name: str) -> Path:
        """Be on machine ``name``; returns its folder of runs and versions."""
        var = self._folder / name
        var.mkdir(exist_ok=True)
        self._monkeypatch.setenv("CASELOAD_VAR", str(var))
        return var
