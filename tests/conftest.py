"""For all tests."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

import geodata


def pytest_collection_finish() -> None:
    """What was imported for the tests stays until the end, so the garbage collector need not look through it.

    pandas, Great Expectations and Airflow are some millions of objects, which a full collection visits each time: a
    tenth of the time of all tests. Each worker of xdist collects the tests itself, so this holds in each of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """No test loses power, so none waits until its files are on the disk: 3 ms each, some eighty in a publication.

    A process that is killed loses nothing that it wrote before, whether it waited or not.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


@pytest.fixture(scope="session")
def embedded_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the embedded areas, built from the package: once, also where several workers share the tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "embedded_boundaries"
    with FileLock(f"{folder}.lock"):
        geodata.load_boundaries("embedded", cache_dir=folder)
    return folder
