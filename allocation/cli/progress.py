"""How far a command is: on a terminal a bar with the step, what is done and the time left; plain lines elsewhere.

Belongs here: showing it. Does not belong here: which steps there are (``pipeline.run_all.STEPS``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from allocation.contract.plain_text import told

if TYPE_CHECKING:
    from allocation.runs.run import Progress


class Plain:
    """A terminal that is shown readable text only: names come from files, and a terminal obeys what it is sent."""

    def __init__(self, terminal: TextIO) -> None:
        self.terminal = terminal

    def write(self, text: str) -> int:
        self.terminal.write(told(text, also="\n\t"))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.terminal, name)


def plain(stream: TextIO) -> Any:
    """``stream``; when it is a terminal, without what a terminal would obey."""
    return Plain(stream) if stream.isatty() and not isinstance(stream, Plain) else stream


def _itself(stream: Any) -> TextIO:
    terminal: TextIO = stream.terminal if isinstance(stream, Plain) else stream
    return terminal


@contextmanager
def progress(steps: Mapping[str, float]) -> Iterator[Progress]:
    """Gives a function that is told each step as it begins, and what happens within it.

    ``steps``: the steps in order, with the seconds that each takes as a rule; empty where they are not known before.
    """
    if not sys.stderr.isatty():
        yield lambda text: print(told(text), file=sys.stderr, flush=True)
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
        name,
        *known,
        TextColumn("so far"),
        TimeElapsedColumn(),
        detail,
        console=Console(file=_itself(sys.stderr)),
        transient=True,
    ) as bar:
        task = bar.add_task("starting", total=sum(steps.values()) or None, detail="")

        def tell(text: str) -> None:
            text = told(text)
            if text in steps or not steps:
                done = sum(list(steps.values())[: list(steps).index(text)]) if steps else 0
                bar.update(task, description=text, completed=done, detail="")
            else:
                bar.update(task, detail=text)

        yield tell
