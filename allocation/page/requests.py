"""What requests of the page hold: one model per question, with a bound on every field.

Belongs here: the shape and the limits of a request. Does not belong here: answering it.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from allocation.page.changes import ChangeSet, ShownKey


class FiguresQuery(BaseModel):
    """A question about a change set on the proposal of a run."""

    run: str
    layer: ShownKey = "vangnet"
    region: int | None = None
    changes: ChangeSet = ChangeSet()


class SuggestionsQuery(FiguresQuery):
    postcodes: list[str] = Field(min_length=1, max_length=500)


class RecomputeQuery(FiguresQuery):
    keeps: bool = True


class SubmitOrder(FiguresQuery):
    reason: str = Field(min_length=1, max_length=500)


class CountryOrder(BaseModel):
    draft_id: int
    reason: str = Field(min_length=1, max_length=500)


class DraftToSave(BaseModel):
    run: str
    name: str
    changes: ChangeSet
    draft_id: int | None = None
    revision: int = 0
