"""What requests of the page hold: one model per question, with a bound on every field.

Belongs here: the shape and the limits of a request. Does not belong here: answering it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from allocation.contract.calendar import LAST_DAY, IsoDay
from allocation.contract.vocabulary import LARGEST_ID
from allocation.page.changes import MOST_MOVES, ChangeSet, Name, Pc4, ShownKey, Text

MOST_BODY_BYTES = 4_000_000

RunId = Annotated[Text, Field(min_length=1, max_length=200)]
RegionNr = Annotated[int, Field(ge=0, le=LARGEST_ID)]
RowId = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Revision = Annotated[int, Field(ge=0, le=LARGEST_ID)]
Reason = Annotated[Name, Field(min_length=1, max_length=500)]
AskedRun = Annotated[RunId, Query()]


class Bounded(BaseModel):
    """Frozen; a number that is none is refused."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class FiguresQuery(Bounded):
    """A question about a change set on the proposal of a run."""

    run: RunId
    layer: ShownKey = "vangnet"
    region: RegionNr | None = None
    changes: ChangeSet = ChangeSet()


class SuggestionsQuery(FiguresQuery):
    postcodes: list[Pc4] = Field(min_length=1, max_length=min(500, MOST_MOVES))


class RecomputeQuery(FiguresQuery):
    keeps: bool = True


class SubmitOrder(FiguresQuery):
    """``seen``: the version that was "now" on the screen, 0 for none; None where nothing was shown."""

    reason: Reason
    seen: Annotated[int, Field(ge=0, le=LARGEST_ID)] | None = None
    valid_from: IsoDay | None = Field(None, le=LAST_DAY)


class SideQuery(Bounded):
    """One of two divisions to compare: the proposal of a run, a saved draft, or a change set on the proposal."""

    run: RunId
    draft_id: RowId | None = None
    changes: ChangeSet = ChangeSet()


class CompareQuery(Bounded):
    a: SideQuery
    b: SideQuery
    layer: ShownKey = "vangnet"
    region: RegionNr | None = None


class ExportQuery(Bounded):
    run: RunId
    changes: ChangeSet = ChangeSet()
    form: Literal["csv", "geojson"] = "csv"


class ImportOrder(Bounded):
    """A division made elsewhere: the text of its file. ``changes``: the draft whose teams and locks it may name."""

    run: RunId
    changes: ChangeSet = ChangeSet()
    content: str = Field(min_length=1, max_length=MOST_BODY_BYTES)


class DecisionOrder(Bounded):
    """A proposal is approved or rejected. ``version``: what the approver saw. ``remark``: kept with the version."""

    run: RunId
    version: RowId
    is_approved: bool
    remark: Text = Field("", max_length=500)


class CountryOrder(Bounded):
    draft_id: RowId
    reason: Reason


class Comment(Bounded):
    text: Text = Field(min_length=1, max_length=500)


class DraftToSave(Bounded):
    run: RunId
    name: Text = Field(max_length=80)
    changes: ChangeSet
    draft_id: RowId | None = None
    revision: Revision = 0
