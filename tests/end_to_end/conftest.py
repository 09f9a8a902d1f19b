"""Runs on real areas for the browser tests, made when the first of them asks for one.

No test changes their files; drafts and proposals go to their own store.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from filelock import FileLock

from allocation.runs.run import Run
from tests.support import browser
from tests.support.command_line import Country, make_country


@pytest.fixture(scope="module", autouse=True)
def chromium() -> Iterator[None]:
    """The tests of a file share the program, not what a session in it keeps."""
    with browser.one_chromium():
        yield


@pytest.fixture(scope="session")
def country(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The whole country."""
    return browser.country_run(tmp_path_factory.mktemp("country"))


@pytest.fixture(scope="session")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Midden-Utrecht and Amersfoort."""
    return browser.two_regions_run(tmp_path_factory.mktemp("regions"))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Country:
    """A toy country with one version in force, published by ``caseload run`` in a process of its own. Made once, also
    where several workers share the tests; a test gets a copy (``copy_of``)."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "published_country"
    with FileLock(f"{folder}.lock"):
        if (folder / "is_made").exists():
            return Country(folder, folder / "input")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        country = make_country(folder)
        done = country.caseload_process("run", *country.run_arguments, "--reason", "eerste verdeling")
        assert done.returncode == 0, done.stderr
        assert "2, 8, 12" in done.stdout  # regions, teams, areas
        assert "1 (in force)" in done.stdout
        (folder / "is_made").touch()
        return country
