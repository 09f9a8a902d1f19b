"""A planner's change set: moves of postcodes, locks, other or new teams; and the input with them applied.

Belongs here: what a change is, whether it can be, and what it does to the input tables. Does not belong here: figures,
plans, HTTP.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from allocation.contract.calendar import FIRST_DAY, LAST_DAY, IsoDay
from allocation.contract.errors import InputRefused, Refused
from allocation.contract.input_tables import LOCKS
from allocation.contract.plain_text import is_readable
from allocation.intake.inputs import Inputs
from allocation.intake.lock_checks import LOCK_AREA
from allocation.intake.team_checks import first_spelling, other_script, stands_for_several
from allocation.report import dutch
from allocation.report.board import Board

ShownKey = Literal["vangnet", "werkgever", "pw"]
LAWS = {"regulier": "ZW|WIA", "participatiewet": "PW|ZW|WIA"}


LEAST_SHARE = LOCKS.column("share").finest or 0.0
MOST_MOVES, MOST_LOCKS, MOST_TEAMS = 20_000, 5_000, 500


def _readable(text: str) -> str:
    """The text; refused when it holds what no database and no screen can show."""
    if not is_readable(text):
        raise ValueError("holds a sign that cannot be shown")
    return text


Text = Annotated[str, AfterValidator(_readable)]
Name = Annotated[Text, StringConstraints(strip_whitespace=True)]
"""Without blanks around it, as in an input file."""
Pc4 = Annotated[str, Field(pattern=r"^[0-9]{4}$")]
TeamId = Annotated[Name, Field(min_length=1, max_length=40)]
Fte = Annotated[float, Field(ge=0.1, le=100)]
"""As the page asks for it (``state.js``): a team with next to nothing cannot be weighed."""


class Part(BaseModel):
    """Frozen, bounded, and closed to names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Move(Part):
    """A postcode that goes to another team in one of the layers shown."""

    layer: ShownKey
    pc4: Pc4
    team_id: TeamId


class LockChange(Part):
    """A lock that the planner made: pin, bar, or one share of a split; for a split ``pc4`` may be a PC6 or a range of
    them (``1013AA-1013AE``), as in the input file."""

    pc4: Annotated[Text, Field(min_length=4, max_length=20)]
    team_id: TeamId
    kind: Literal["pin", "bar", "split"]
    share: float | None = Field(None, gt=0, le=1)
    client_line: Literal["vangnet", "werkgever"] | None = None
    reason: Annotated[Text, Field(min_length=1, max_length=200)]
    valid_until: IsoDay | None = None
    made_by: Annotated[Text, Field(max_length=80)] = ""
    made_on: IsoDay | None = None

    @property
    def area(self) -> str:
        """The postcode area that it lies in."""
        return self.pc4[:4]

    @property
    def pc6(self) -> tuple[str, str] | None:
        """First and last full postcode of a range; None for a whole postcode area, or when it is not well written."""
        found = LOCK_AREA.fullmatch(self.pc4)
        if found is None or found["first"] is None:
            return None
        return self.area + found["first"], self.area + (found["last"] or found["first"])


class TeamChange(Part):
    """Another FTE for a team, or its end."""

    team_id: TeamId
    fte: Fte | None = None
    is_closed: bool = False


class NewTeam(Part):
    """A team that starts. ``region``: number of the arbeidsmarktregio."""

    team_id: TeamId
    name: Annotated[Name, Field(min_length=1, max_length=80)]
    office: Annotated[Name, Field(min_length=1, max_length=80)]
    office_pc4: Pc4
    region: Annotated[int, Field(ge=0, le=10_000)]
    kind: Literal["regulier", "participatiewet"] = "regulier"
    fte: Fte


class ChangeSet(Part):
    """Everything that a planner changed on a proposal."""

    moves: Annotated[tuple[Move, ...], Field(max_length=MOST_MOVES)] = ()
    locks: Annotated[tuple[LockChange, ...], Field(max_length=MOST_LOCKS)] = ()
    teams: Annotated[tuple[TeamChange, ...], Field(max_length=MOST_TEAMS)] = ()
    new_teams: Annotated[tuple[NewTeam, ...], Field(max_length=MOST_TEAMS)] = ()

    @field_validator("moves")
    @classmethod
    def _to_one_team(cls, moves: tuple[Move, ...]) -> tuple[Move, ...]:
        of: dict[tuple[str, str], str] = {}
        for move in moves:
            if of.setdefault((move.layer, move.pc4), move.team_id) != move.team_id:
                raise ValueError(f"postcode {move.pc4} goes to two teams in layer {move.layer}")
        return moves

    @property
    def is_empty(self) -> bool:
        """Whether nothing was changed."""
        return not (self.moves or self.locks or self.teams or self.new_teams)

    @property
    def structure(self) -> str:
        """A name for the part of the changes that changes the problems."""
        parts = self.model_dump(mode="json", include={"locks", "teams", "new_teams"})
        return json.dumps(parts, sort_keys=True)


UNCHANGED = ChangeSet().structure


def changes_kept(content: Any) -> ChangeSet:
    """The change set of a draft. Refused where an earlier release of the program took what this one does not."""
    try:
        return ChangeSet.model_validate(content)
    except ValidationError as error:
        places = ", ".join(sorted({".".join(str(part) for part in one["loc"]) for one in error.errors()}))
        raise Refused(
            f"Dit concept kan niet meer worden gebruikt, want hierin staat iets dat niet kan: {places}. Maak een nieuw "
            "concept."
        ) from error


def apply_to_inputs(inputs: Inputs, changes: ChangeSet, day: date) -> Inputs:
    """The input with the planner's locks and teams, as they are from ``day`` on."""
    teams, locks = _with_changes(inputs.teams, changes.teams, day), inputs.locks
    started = [_team_row(team, day) for team in changes.new_teams]
    if started:
        teams = pd.concat([teams, pd.DataFrame(started, columns=teams.columns)], ignore_index=True)
        teams["row"] = teams["row"].astype("int64")
    if changes.locks:
        added = pd.DataFrame([_lock_row(i, lock) for i, lock in enumerate(changes.locks)], columns=locks.columns)
        added["valid_until"] = pd.to_datetime(added["valid_until"]).astype(locks["valid_until"].dtype)
        locks = added if locks.empty else pd.concat([locks, added], ignore_index=True)
    return replace(inputs, teams=teams, locks=locks)


def _with_changes(teams: pd.DataFrame, changes: tuple[TeamChange, ...], day: date) -> pd.DataFrame:
    """The periods of the teams as they are from ``day`` on: earlier ones stay as they were.

    Another FTE holds in the period in force on ``day``, or else the first one after it. A team that stops has that
    period cut off on the day before, and none that starts later.
    """
    teams, first = teams.copy(), pd.Timestamp(day)
    for change in changes:
        own = teams["team_id"] == change.team_id
        ahead = teams[own & (teams["valid_to"].isna() | (teams["valid_to"] >= first))].sort_values("valid_from")
        if change.fte is not None:
            teams.loc[ahead.index[:1], "fte_verzekeringsarts"] = change.fte
        if change.is_closed:
            teams.loc[ahead.index, "valid_to"] = first - pd.Timedelta(days=1)
            teams = teams.drop(ahead.index[ahead["valid_from"] >= first])
    return teams.reset_index(drop=True)


def _team_row(one: NewTeam, day: date) -> dict[str, Any]:
    return {
        "team_id": one.team_id,
        "name": one.name,
        "office": one.office,
        "office_pc4": one.office_pc4,
        "arbeidsmarktregio": str(one.region),
        "kind": one.kind,
        "client_groups": None,
        "client_lines": "vangnet|werkgever",
        "laws": LAWS[one.kind],
        "fte_verzekeringsarts": one.fte,
        "fte_other": 2 * one.fte,
        "productivity": 1.0,
        "valid_from": pd.Timestamp(day),
        "valid_to": pd.NaT,
        "verzuimbeheer_code": None,
        "row": 0,
        "regions": [one.region],
    }


def _lock_row(position: int, one: LockChange) -> dict[str, Any]:
    first, last = one.pc6 or (None, None)
    return {
        "pc4": one.pc4,
        "team_id": one.team_id,
        "kind": one.kind,
        "share": np.nan if one.share is None else one.share,
        "client_line": one.client_line,
        "reason": one.reason,
        "valid_until": pd.NaT if one.valid_until is None else pd.Timestamp(one.valid_until),
        "row": -1 - position,
        "area": one.area,
        "pc6_from": first,
        "pc6_to": last,
    }


def impossible_locks(error: InputRefused, changes: ChangeSet) -> str:
    """In sentences for the planner: which of the locks just made cannot be. Rows below zero are theirs."""
    named = [changes.locks[-1 - p.row] for p in error.problems if p.row is not None and p.row < 0]
    if len(named) < len(error.problems):
        return str(error)
    wrong = [
        f"Team {one.team_id} kan postcode {one.pc4} niet bedienen (andere regio, of uitgesloten)." for one in named
    ]
    return "\n".join(dict.fromkeys(wrong))


def refuse_nonsense(board: Board, changes: ChangeSet, day: date) -> None:
    """Raise Refused with one sentence per change that refers to nothing, is over before ``day`` or contradicts another.

    Told when the change is made: what a proposal would be refused for later belongs here.
    """
    areas, teams = set(board.areas["pc4"]), set(board.teams["team_id"])
    regions = set(board.areas["arbeidsmarktregio_nr"])
    new = {one.team_id for one in changes.new_teams}
    wrong = [f"Postcode {one.area} bestaat niet." for one in changes.locks if one.area not in areas]
    wrong += _wrong_ranges(changes.locks)
    wrong += _wrong_days(changes.locks, day)
    closed = {one.team_id for one in changes.teams if one.is_closed}
    wrong += [
        f"Team {one.team_id} stopt in dit concept; {one.pc4} kan er niet op vergrendeld worden."
        for one in changes.locks
        if one.team_id in closed and one.kind != "bar"
    ]
    wrong += [f"Team {one.team_id} bestaat niet." for one in changes.locks if one.team_id not in teams | new]
    wrong += [f"Team {one.team_id} bestaat niet." for one in changes.teams if one.team_id not in teams]
    changed = [one.team_id for one in changes.teams]
    wrong += [f"Team {one} is twee keer gewijzigd; houd er één over." for one in changed if changed.count(one) > 1]
    wrong += _wrong_codes(teams, changes.new_teams)
    wrong += [f"Postcode {one.office_pc4} bestaat niet." for one in changes.new_teams if one.office_pc4 not in areas]
    wrong += [f"Regio {one.region} bestaat niet." for one in changes.new_teams if one.region not in regions]
    wrong += _wrong_shares(changes.locks)
    if wrong:
        raise Refused("\n".join(dict.fromkeys(wrong)))


def _wrong_days(locks: tuple[LockChange, ...], day: date) -> list[str]:
    """What is wrong with the last days of locks, by the rules of the input."""
    ends = [(one, one.valid_until) for one in locks if one.valid_until is not None]
    wrong = [
        f"De vergrendeling van {one.pc4} is al voorbij: zij geldt tot en met {dutch.day(last)}."
        for one, last in ends
        if FIRST_DAY <= last < day
    ]
    wrong += [
        f"De laatste dag van de vergrendeling van {one.pc4} ({dutch.day(last)}) ligt niet tussen {FIRST_DAY.year} en "
        f"{LAST_DAY.year}; laat hem leeg als zij blijft gelden."
        for one, last in ends
        if not FIRST_DAY <= last <= LAST_DAY
    ]
    return wrong


def _wrong_shares(locks: tuple[LockChange, ...]) -> list[str]:
    """What is wrong with the shares of locks, by the rules of the input."""
    splits = [one for one in locks if one.kind == "split"]
    wrong = [
        f"De vergrendeling van {one.pc4} op {one.team_id} heeft een aandeel; dat hoort alleen bij splitsen."
        for one in locks
        if one.kind != "split" and one.share is not None
    ]
    allowed = f"geef een getal van {dutch.number(LEAST_SHARE, 3)} tot en met 1"
    wrong += [
        f"De splitsing van {one.pc4} naar {one.team_id} heeft geen aandeel; {allowed}."
        for one in splits
        if one.share is None
    ]
    wrong += [
        f"Het aandeel van {one.team_id} in de splitsing van {one.pc4} is te klein; {allowed}."
        for one in splits
        if one.share is not None and one.share < LEAST_SHARE
    ]
    halves = [(one.pc4, one.client_line, one.team_id) for one in splits]
    wrong += [
        f"Postcode {pc4} kan niet over {team} en nog eens {team} gesplitst worden; kies twee teams."
        for pc4, line, team in set(halves)
        if halves.count((pc4, line, team)) > 1
    ]
    return wrong


def _wrong_codes(teams: set[str], started: tuple[NewTeam, ...]) -> list[str]:
    """What is wrong with the codes of new teams, by the rules of the team list."""
    codes = [one.team_id for one in started]
    wrong = [f"Er is al een team met de code {code}." for code in codes if code in teams or codes.count(code) > 1]
    spelled = pd.Series([*sorted(teams), *codes], dtype=object)
    first = first_spelling(spelled)
    wrong += [
        f"De code {code} verschilt alleen in hoofdletters van {other}; kies een andere code."
        for code, other in list(zip(spelled, first, strict=True))[len(teams) :]
        if code != other
    ]
    wrong += [
        f"De code {code} bevat een teken dat op een gewone letter lijkt en er geen is; typ de code opnieuw."
        for code in codes
        if other_script(code)
    ]
    wrong += [f"De code {code} bevat | of *; kies een andere code." for code in codes if stands_for_several(code)]
    return wrong


def _wrong_ranges(locks: tuple[LockChange, ...]) -> list[str]:
    """What is wrong with the full postcodes of locks, in sentences."""
    at_pc6 = [one for one in locks if len(one.pc4) > 4]
    wrong = [
        f"'{one.pc4}' is geen reeks postcodes; schrijf bijvoorbeeld 1013AA-1013AE."
        for one in at_pc6
        if one.pc6 is None or one.pc6[0] > one.pc6[1]
    ]
    wrong += [f"{one.pc4}: op volledige postcode kan alleen splitsen." for one in at_pc6 if one.kind != "split"]
    return wrong
