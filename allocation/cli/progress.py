"""How far a command is: on a terminal a bar with the step, what is done and the time left; plain lines elsewhere.

Belongs here: showing it. Does not belong here: which steps there are (``pipeline.run_all.STEPS``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allocation.runs.run import Progress


@contextmanager
def progress(steps: Mapping[str, float]) -> Iterator[Progress]:
    """Gives a function that is told each step as it begins, and what happens within it.

    ``steps``: the steps in order, with the seconds that each takes as a rule; empty where they are not known before.
    """
    if not sys.stderr.isatty():
        yield lambda text: print(text, file=sys.stderr, flush=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    name, detail = (
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[detail]}", style="dim", markup=False),
    )
    known = [BarColumn(), TextColumn("left"), TimeRemainingColumn()] if steps else []
    with Bar(
        name, *known, TextColumn("so far"), TimeElapsedColumn(), detail, console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("starting", total=sum(steps.values()) or None, detail="")

        def tell(text: str) -> None:
            if text in steps or not steps:
                done = sum(list(steps.values())[: list(steps).index(text)]) if steps else 0
                bar.update(task, description=text, completed=done, detail="")
            else:
                bar.update(task, detail=text)

        yield tell
