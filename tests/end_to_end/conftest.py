"""One run on the whole country for the browser tests, made when the first of them asks for it."""

from __future__ import annotations

import pytest

from allocation.runs.run import Run
from tests.support import browser


@pytest.fixture(scope="session")
def country(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Read by many tests: none changes its files. Drafts and proposals go to its own store."""
    return browser.country_run(tmp_path_factory.mktemp("country"))
