"""Errors that a user can cause. Each ends in plain sentences; nothing else of the program raises these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from allocation.contract.plain_text import told

MOST_OF_A_WORD, MOST_OF_A_PART = 120, 600
"""Characters that are shown of one unbroken text, such as a cell, and of one part of a sentence."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input: what, where, and what is allowed.

    ``row`` counts as a spreadsheet does: the header is row 1, the first record row 2. ``None`` = the whole file.
    Texts from a file are cut, whichever check quotes them: a sentence is never longer than a screen. What a terminal
    would obey stands as its number. ``rows``: how many rows have it, of which ``row`` is the first.
    """

    file: str
    row: int | None
    column: str | None
    what: str
    allowed: str
    rows: int = 1

    def __post_init__(self) -> None:
        for name in ("file", "column", "what", "allowed"):
            text = getattr(self, name)
            if text is None:
                continue
            shown = told(text, also="")
            if len(shown) > MOST_OF_A_WORD and name != "file":
                shown = _cut(shown)
            if shown != text:
                object.__setattr__(self, name, shown)

    @property
    def place_and_what(self) -> str:
        where = self.file
        if self.row is not None:
            where += f", row {self.row}"
        if self.column:
            where += f", column {self.column}"
        return f"{where}: {self.what}"

    def __str__(self) -> str:
        return f"{self.place_and_what}; allowed: {self.allowed}"


_LONG_WORD = re.compile(rf"\S{{{MOST_OF_A_WORD + 1},}}")


def _cut(text: str) -> str:
    words = _LONG_WORD.sub(lambda word: f"{word[0][: MOST_OF_A_WORD - 6]}...{word[0][-3:]}", text)
    return words if len(words) <= MOST_OF_A_PART else f"{words[: MOST_OF_A_PART - 3]}..."


class Refused(Exception):
    """The run is refused: nothing was published. The text is for a person."""


class Unusable(Refused):
    """Refused by the store, for a reason that only an administrator can take away. The text names the store."""


class NoRight(Unusable):
    """The login may not do this."""


class TimelineChanged(Refused):
    """Refused because ``version`` came in force, or back, after this was made."""

    def __init__(self, text: str, version: int) -> None:
        self.version = version
        super().__init__(text)

    def __reduce__(self) -> tuple[type[TimelineChanged], tuple[str, int]]:
        return type(self), (str(self), self.version)


class Passing(Refused):
    """Refused because of something that may pass by itself, such as a store that is away: trying again may help."""


class InputRefused(Refused):
    """The input has problems; ``problems`` lists all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))

    def __reduce__(self) -> tuple[type[InputRefused], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)
