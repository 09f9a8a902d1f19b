"""How the tables of an outcome are made: each once, when it is asked for, some in a process beside this one.

Belongs here: that. Does not belong here: which tables there are (`assemble`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import cached_property, partial
from typing import ParamSpec, TypeVar

import pandas as pd

P = ParamSpec("P")
R = TypeVar("R")


class table(cached_property[pd.DataFrame]):  # noqa: N801 (reads as the decorator that it is)
    """A table of the outcome, made when it is asked for. Its name is that of its method."""


class awaited(table):  # noqa: N801 (the same)
    """A table that waits for the process beside this one."""


def begun(beside: Executor | None, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[[], R]:
    """Begin ``call`` in the process ``beside`` this one, or put it off where there is none; returns how to get what it
    gives."""
    if beside is None:
        return partial(call, *args, **kwargs)
    return beside.submit(call, *args, **kwargs).result
