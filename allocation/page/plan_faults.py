"""What can be wrong with a division that was made elsewhere, in the words of the page and of the command line.

Belongs here: kinds of faults and their sentences. Does not belong here: finding them (`plan_files`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from allocation.contract.errors import InputRefused, Problem, Refused

MOST_PROBLEMS_SHOWN = 20


class Wrong(StrEnum):
    """What can be wrong with a file."""

    UNREADABLE = "unreadable"
    NO_COLUMN = "no column"
    COLUMN_TWICE = "column twice"
    MORE_CELLS = "more cells"
    EMPTY = "empty"
    NO_TEAM = "no team"
    NOT_A_POSTCODE = "not a postcode"
    UNKNOWN_POSTCODE = "unknown postcode"
    UNKNOWN_TEAM = "unknown team"
    WRONG_KIND = "wrong kind"
    TWICE = "twice"
    OVERLAP = "overlap"
    NOT_ALLOWED = "not allowed"


ENGLISH = {
    Wrong.UNREADABLE: ("cannot be read", "CSV in UTF-8 with a header, or GeoJSON"),
    Wrong.NO_COLUMN: ("there is no column '{value}'", "pc4,team, and perhaps team_werkgever and team_pw"),
    Wrong.COLUMN_TWICE: ("the column occurs twice ('{other}' and '{value}')", "each column once"),
    Wrong.MORE_CELLS: ("the row has {value} cells, the header {other}", "as many cells as the header"),
    Wrong.EMPTY: ("it names no postcode with a team", "one row per postcode"),
    Wrong.NO_TEAM: ("the postcode has no team", "a postcode with a team; leave out the row of one that stays as it is"),
    Wrong.NOT_A_POSTCODE: ("'{value}' is no postcode", "four digits"),
    Wrong.UNKNOWN_POSTCODE: ("postcode {value} does not exist", "a postcode of the boundaries of the run"),
    Wrong.UNKNOWN_TEAM: ("team '{value}' does not exist", "a team of the run"),
    Wrong.WRONG_KIND: ("team {value} does not serve this division", "a team of that division"),
    Wrong.TWICE: ("postcode {value} has two teams", "one; a split is made as a lock"),
    Wrong.OVERLAP: ("its areas lie over each other", "areas of teams that do not overlap"),
    Wrong.NOT_ALLOWED: ("team {other} cannot have postcode {value}", "not another region, not barred, not locked"),
}
DUTCH = {
    Wrong.UNREADABLE: "Dit bestand is niet te lezen; geef CSV (UTF-8, met een kop) of GeoJSON.",
    Wrong.NO_COLUMN: "Er is geen kolom “{value}”; nodig zijn pc4 en team.",
    Wrong.COLUMN_TWICE: "Een kolom staat er twee keer in (“{other}” en “{value}”); houd er een.",
    Wrong.MORE_CELLS: "er zijn {value} cellen, en in de kop {other}.",
    Wrong.EMPTY: "In dit bestand staat geen enkele postcode met een team.",
    Wrong.NO_TEAM: "er staat geen team bij de postcode; laat de rij weg als er niets verandert.",
    Wrong.NOT_A_POSTCODE: "“{value}” is geen postcode van vier cijfers.",
    Wrong.UNKNOWN_POSTCODE: "Postcode {value} bestaat niet.",
    Wrong.UNKNOWN_TEAM: "Team “{value}” bestaat niet.",
    Wrong.WRONG_KIND: "Team {value} hoort niet bij deze verdeling.",
    Wrong.TWICE: "Postcode {value} heeft twee teams; splitsen kan met een vergrendeling.",
    Wrong.OVERLAP: "De vlakken in dit bestand liggen over elkaar heen.",
    Wrong.NOT_ALLOWED: "Postcode {value} kan niet naar team {other}: andere regio, uitgesloten of vergrendeld.",
}


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a file. ``row``: as a spreadsheet counts, header first; of GeoJSON the feature."""

    kind: Wrong
    row: int | None = None
    column: str = ""
    value: str = ""
    other: str = ""


class PlanRefused(Refused):
    """A file that is no division of this country; ``faults`` lists all of them. Its text is Dutch, for the page."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        lines = [
            (f"Rij {one.row}: " if one.row else "") + DUTCH[one.kind].format(value=one.value, other=one.other)
            for one in self.faults[:MOST_PROBLEMS_SHOWN]
        ]
        more = len(self.faults) - MOST_PROBLEMS_SHOWN
        super().__init__("\n".join(lines + [f"En nog {more}."] * (more > 0)))

    def in_english(self, file: str) -> InputRefused:
        """The same for the command line."""
        problems = []
        for one in self.faults:
            what, allowed = ENGLISH[one.kind]
            told = what.format(value=one.value, other=one.other)
            problems.append(Problem(file, one.row, one.column or None, told, allowed))
        return InputRefused(problems)
