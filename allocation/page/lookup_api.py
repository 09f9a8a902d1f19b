"""The look-up over HTTP: which SMC team serves a postcode, since when, why, and what it will be.

Belongs here: the endpoint and the shape of its answers. Does not belong here: how an answer is found (`lookup`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from pydantic import BaseModel, Field

from allocation.contract.vocabulary import REGULAR_GROUP
from allocation.publication import store, versions
from allocation.publication.lookup import Answer, Unanswered, lookup


def _store_url(request: Request) -> str:
    return str(request.app.state.store_url)


StoreUrl = Annotated[str, Depends(_store_url)]


class Found(BaseModel):
    """One answer of the look-up: who serves the client, since when, why, and what it will be."""

    postcode: str
    client_group: str
    law: str
    client_line: str
    team_id: str
    team_name: str | None
    office: str
    share: float = Field(description="share of the clients of the whole four-digit postcode, above 0 and at most 1")
    pc6_from: str | None
    pc6_to: str | None
    since: date = Field(description="first day of the unbroken stretch in which this team serves the client")
    until: date | None = Field(description="last day of the version; what it becomes stands in `later`")
    rule: str
    reason: str | None
    version: int
    follows: str | None = Field(description="the postcode whose team serves, where this one has no area (PO box)")


class Later(BaseModel):
    """What the answer will be when the next version comes into force."""

    valid_from: date
    answers: list[Found] = Field(description="none where that version has no such postcode any more")


class LookupResult(BaseModel):
    on: date
    answers: list[Found]
    later: list[Later]


def add_lookup(app: FastAPI) -> None:
    @app.get("/api/v1/lookup", summary="Which SMC team serves a postcode, and why", tags=["lookup"])
    def find(
        store_url: StoreUrl,
        postcode: Annotated[str, Query(description="PC4 or PC6 in any notation", examples=["1013 AA"])],
        group: Annotated[str, Query(description="client group")] = REGULAR_GROUP,
        law: Annotated[str | None, Query(description="ZW, WIA or PW; all when absent")] = None,
        line: Annotated[str | None, Query(description="vangnet or werkgever; both when absent")] = None,
        on: Annotated[date | None, Query(description="day; today when absent")] = None,
    ) -> LookupResult:
        ask = partial(lookup, postcode, store_url, group=group, law=law or None, line=line or None)
        day = on or store.today()
        now = ask(on=day)
        later = []
        before = [_same(one) for one in now]
        for start in _starts_after(store_url, day):
            then = _if_any(partial(ask, on=start))
            if [_same(one) for one in then] != before:
                later.append(Later(valid_from=start, answers=[_found(one) for one in then]))
            before = [_same(one) for one in then]
        return LookupResult(on=day, answers=[_found(one) for one in now], later=later)


def _if_any(ask: Callable[[], list[Answer]]) -> list[Answer]:
    """The answers, or none where there are none on that day: a planned version may lack the postcode."""
    try:
        return ask()
    except Unanswered:
        return []


def _same(one: Answer) -> Answer:
    """The answer without version and dates: what matters to the one who asks."""
    dates: dict[str, Any] = {"valid_from": date.min, "valid_to": None, "since": date.min}
    return replace(one, version=0, rule="", reason=None, follows=None, **dates)


def _found(one: Answer) -> Found:
    values = asdict(one)
    for name, old in (("postcode", "pc4"), ("until", "valid_to")):
        values[name] = values.pop(old)
    return Found(**values)


def _starts_after(store_url: str, day: date) -> list[date]:
    """The days after ``day`` on which another version comes into force, in order."""
    starts = versions.versions(store_url)["valid_from"].dropna()
    return sorted({one for one in starts if one > day})
