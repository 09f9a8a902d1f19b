"""Runs on real areas for the browser tests, made when the first of them asks for one.

No test changes their files; drafts and proposals go to their own store.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from allocation.runs.run import Run
from tests.support import browser


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
