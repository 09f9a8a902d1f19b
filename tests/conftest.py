"""For all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """No test loses power, so none waits until its files are on the disk: 3 ms each, some eighty in a publication.

    A process that is killed loses nothing that it wrote before, whether it waited or not.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield
