"""One divided toy country for all unit tests. Tests read it; none writes into it."""

from __future__ import annotations

import pytest

from allocation.runs.run import Run
from tests.support.browser import toy_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return toy_run(tmp_path_factory.mktemp("toy"))
