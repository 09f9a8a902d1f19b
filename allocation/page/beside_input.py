"""A draft's teams and locks beside those of its input: what intake would refuse of the two together, in Dutch.

The rules are those of ``intake``, so that what the page accepts is what a run of the pipeline accepts; here they get
words for a planner. Belongs here: the sentences. Does not belong here: the rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pandas as pd

from allocation.contract.errors import Problem, Refused
from allocation.contract.vocabulary import values_of
from allocation.intake import locks as rules
from allocation.intake.inputs import Inputs
from allocation.intake.roster import KINDS_WITH_AREA, active_locks, active_teams

SENTENCES = {
    rules.ONE_TEAM: "Postcode {area} is op twee teams vastgezet; kies er een, of splits haar.",
    rules.ONE_KIND: "Team {team} is uitgesloten van postcode {area} en krijgt haar ook; kies een van de twee.",
    rules.PIN_OR_SPLIT: "Postcode {area} is vastgezet en ook gesplitst; kies een van de twee.",
    rules.WHOLE_OR_RANGES:
        "Postcode {area} is in haar geheel gesplitst en ook voor een deel; kies een van de twee.",
    rules.LINES_OR_EACH:
        "{pc4} is gesplitst voor beide lijnen en ook voor een lijn; kies een van de twee.",
    rules.APART: "De reeks {pc4} overlapt met een andere.",
    rules.OF_THE_REGION:
        "Team {team} kan postcode {area} niet bedienen: het werkt niet in die regio.",
    rules.OF_THE_LINE: "Team {team} kan postcode {area} niet bedienen: niet op die lijn.",
    rules.BOTH_LINES:
        "Een vergrendeling van {area} voor een lijn kan niet: de teams daar bedienen beide lijnen.",
    rules.SOMEBODY_LEFT: "Van postcode {area} zijn zo alle teams uitgesloten; laat er een over.",
    rules.AT_WORK:
        "Team {team} werkt op de eerste dag niet (meer); {area} kan er niet op vergrendeld zijn.",
}  # fmt: skip
"""What intake allows (``Problem.allowed``) -> what the planner reads."""
OTHERWISE = "De vergrendeling van {pc4} op {team} past niet bij de andere vergrendelingen of bij dat team."
OF_INPUT = " De invoer (het bestand locks) vergrendelt deze postcode al."


def refuse_impossible(inputs: Inputs, made: Inputs, areas: pd.DataFrame, day: date) -> None:
    """Raise Refused, in Dutch, when ``made`` (the input with a draft) holds on ``day`` what intake refuses.

    ``areas``: every postcode with its region. What was impossible in the input alone is told too: on another first day
    a lock of the input may ask for a team that has ended.
    """
    wrong = [*_locks(inputs, made, areas, day), *_groups(inputs, made, day)]
    if wrong:
        raise Refused("\n".join(dict.fromkeys(wrong)))


def _locks(inputs: Inputs, made: Inputs, areas: pd.DataFrame, day: date) -> Iterable[str]:
    kind = made.teams.drop_duplicates("team_id").set_index("team_id")["kind"]
    locks = made.locks.assign(team_kind=made.locks["team_id"].map(kind))
    locks = active_locks(locks, day)
    locks = locks[locks["team_kind"].isin(KINDS_WITH_AREA) & locks["area"].isin(areas["pc4"])].reset_index(drop=True)
    if locks.empty:
        return
    locks["row"] = locks.index  # those of an earlier draft, now input, have the numbers of this one's
    names = areas.drop_duplicates("arbeidsmarktregio_nr").set_index("arbeidsmarktregio_nr")["arbeidsmarktregio"]
    region_of = dict(zip(areas["pc4"], areas["arbeidsmarktregio_nr"].astype(int), strict=True))
    served = rules.Served(made.teams, made.clusters, region_of, {int(str(nr)): name for nr, name in names.items()}, day)
    problems = [*rules.contradictions(locks, ""), *rules.overlapping_ranges(locks, ""), *served.problems(locks, "")]
    known = set(inputs.locks["area"])
    yield from (_sentence(one, locks, known) for one in problems)
    split = locks[locks["kind"] == "split"]
    totals = rules.share_totals(split)
    for at in split.index[(totals - 1).abs() > 1e-6]:
        place = str(split.at[at, "pc4"])
        yield f"De aandelen van postcode {place} tellen op tot {totals[at]:.0%}, niet tot 100%." + (
            OF_INPUT if split.at[at, "area"] in known else ""
        )


def _sentence(problem: Problem, locks: pd.DataFrame, known: set[str]) -> str:
    lock = locks.loc[problem.row]
    text = SENTENCES.get(problem.allowed, OTHERWISE)
    told = text.format(area=lock["area"], pc4=lock["pc4"], team=lock["team_id"])
    return told + (OF_INPUT if lock["area"] in known else "")


def _groups(inputs: Inputs, made: Inputs, day: date) -> Iterable[str]:
    """The client groups that had a team and would have none."""
    had, have = (_special(one.teams, day) for one in (inputs, made))
    for group in sorted(had - have):
        yield f"Zo houdt cliëntgroep {group} geen team over; haar cliënten kunnen nergens heen."


def _special(teams: pd.DataFrame, day: date) -> set[str]:
    special = active_teams(teams, day)
    special = special[special["kind"] == "bijzonder"]
    return set().union(*special["client_groups"].map(values_of)) if len(special) else set()
