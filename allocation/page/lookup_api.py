"""The look-up over HTTP, for consumers and for the page: which SMC team serves a postcode, since when, why, what it
will be; and where an existing file is.

Belongs here: the endpoints and the shape of their answers; ``/api/v1`` stays as it is. Does not belong here: how an
answer is found (`lookup`, `file_lookup`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from allocation.contract.calendar import IsoDay
from allocation.contract.errors import Passing, Refused
from allocation.contract.vocabulary import REGULAR_GROUP
from allocation.page import network_api
from allocation.page.answering import Answering
from allocation.publication import store
from allocation.publication.file_lookup import FileAnswer, find_file
from allocation.publication.lookup import Answer, LookupTable
from allocation.publication.postcodes import Unanswered

MOST_POSTCODES, MOST_CHARACTERS = 1000, 80
PW_CLIENT = "the client has or had a file under the Participatiewet"
Text = Annotated[str, StringConstraints(max_length=MOST_CHARACTERS)]
PostcodeAsked = Annotated[Text, Query(description="PC4 or PC6 in any notation", examples=["1013 AA"])]
GroupAsked = Annotated[Text, Query(description="client group")]
PwClientAsked = Annotated[bool, Query(description=PW_CLIENT)]
DayAsked = Annotated[IsoDay | None, Query(description="day; today when absent")]

_TRIES = 3
"""How often a batch is answered again before the caller is told to ask later."""


class Found(BaseModel):
    """One answer of the look-up: who serves the client, since when, why, and what it will be."""

    postcode: str
    client_group: str
    pw_client: bool
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
    verzuimbeheer_code: str | None = Field(
        description="group of medewerkers verzuimbeheer at Uitkeren; empty where none works with the team"
    )


class Later(BaseModel):
    """What the answer will be when the next version comes into force."""

    valid_from: date
    answers: list[Found] = Field(description="none where that version has no such postcode any more")


class LookupResult(BaseModel):
    on: date
    answers: list[Found]
    later: list[Later]


class FileFound(BaseModel):
    """What happens to an existing file: does it change team, to which, and why."""

    postcode: str
    client_group: str
    pw_client: bool
    law: str
    client_line: str
    team_from: str | None = Field(description="team that has the file; empty = not known")
    team_to: list[str] = Field(description="team from `valid_from` on; several where the postcode is shared")
    movement: str = Field(description="blijft, verhuist, or onbekend: nobody knows who has the file")
    reason: str
    version: int
    valid_from: date
    until: date | None


class FileResult(BaseModel):
    on: date
    answers: list[FileFound]


class BatchQuestion(BaseModel):
    """The same question for many postcodes."""

    model_config = ConfigDict(extra="forbid")

    postcodes: list[Annotated[str, Field(max_length=MOST_CHARACTERS)]] = Field(min_length=1, max_length=MOST_POSTCODES)
    group: str = Field(REGULAR_GROUP, max_length=MOST_CHARACTERS)
    pw_client: bool = False
    law: str | None = Field(None, max_length=MOST_CHARACTERS)
    line: str | None = Field(None, max_length=MOST_CHARACTERS)
    on: IsoDay | None = None


class NotFound(BaseModel):
    postcode: str
    reason: str
    detail: str


class BatchResult(BaseModel):
    on: date
    answers: list[Found]
    not_found: list[NotFound]


# --- answering -------------------------------------------------------------------------------------------------------


def add_lookup(app: FastAPI) -> Answering:
    """The look-up below ``/api/v1`` and ``/health``; the store's address is ``app.state.store_url``, and its table
    becomes ``app.state.lookup``. Returns what keeps the answers."""
    answering = Answering(app.state.store_url)
    app.state.lookup = answering.table
    _add_health(app, answering)
    _add_find(app, answering)
    _add_find_files(app, answering)
    _add_batch(app, answering)
    network_api.add_network(app, answering)
    return answering


def _add_health(app: FastAPI, answering: Answering) -> None:
    @app.head("/health", include_in_schema=False)
    @app.get("/health", summary="Whether the store answers", tags=["lookup"])
    def health() -> JSONResponse:
        """200 with the version in force; 503 when the store cannot be read."""
        try:
            period = answering.table.version_on(store.today())
        except Unanswered:
            return JSONResponse({"status": "ok", "version": None})
        except Refused:
            return JSONResponse({"status": "unavailable"}, status_code=503)
        return JSONResponse({"status": "ok", "version": period.version})


def _add_find(app: FastAPI, answering: Answering) -> None:
    @app.head("/api/v1/lookup", include_in_schema=False)
    @app.get(
        "/api/v1/lookup",
        summary="Which SMC team serves a postcode, and why",
        tags=["lookup"],
        response_model=LookupResult,
    )
    async def find(
        request: Request,
        postcode: PostcodeAsked,
        group: GroupAsked = REGULAR_GROUP,
        pw_client: PwClientAsked = False,
        law: Annotated[Text | None, Query(description="ZW, WIA or PW; all when absent")] = None,
        line: Annotated[Text | None, Query(description="vangnet or werkgever; both when absent")] = None,
        on: DayAsked = None,
    ) -> Response:
        asked = {"group": group, "pw_client": pw_client, "law": law or None, "line": line or None}
        question = ("lookup", postcode, *asked.values(), on)
        return await answering.respond(request, question, lambda: _result(answering.table, postcode, on, asked))


def _add_find_files(app: FastAPI, answering: Answering) -> None:
    @app.head("/api/v1/file", include_in_schema=False)
    @app.get(
        "/api/v1/file",
        summary="Where the existing file of a client is, and whether it changes team",
        tags=["lookup"],
        response_model=FileResult,
    )
    async def find_files(
        request: Request,
        postcode: PostcodeAsked,
        law: Annotated[Text, Query(description="ZW, WIA or PW")],
        line: Annotated[Text, Query(description="vangnet or werkgever")],
        team: Annotated[
            Text | None, Query(description="team that has the file; the division in force when absent")
        ] = None,
        group: GroupAsked = REGULAR_GROUP,
        pw_client: PwClientAsked = False,
        on: DayAsked = None,
    ) -> Response:
        def compute() -> FileResult:
            found = find_file(
                answering.table,
                postcode,
                law=law,
                line=line,
                team=team or None,
                group=group,
                pw_client=pw_client,
                on=on,
            )
            return FileResult(on=on or store.today(), answers=[_file_found(answer) for answer in found])

        question = ("file", postcode, law, line, team, group, pw_client, on)
        return await answering.respond(request, question, compute)


def _add_batch(app: FastAPI, answering: Answering) -> None:
    @app.post("/api/v1/lookup/batch", summary="The same for up to 1,000 postcodes", tags=["lookup"])
    def find_many(asked: BatchQuestion) -> BatchResult:
        """Answers of one version: when another came into force meanwhile, all are asked again."""
        day = asked.on or store.today()
        for _ in range(_TRIES):
            result = _of_all(answering.table, asked, day)
            if len({answer.version for answer in result.answers}) < 2:
                return result
            answering.table.forget()
        raise Passing("Another division came into force while the answers were looked up; ask again.")


def _of_all(table: LookupTable, asked: BatchQuestion, day: date) -> BatchResult:
    table.read_ahead(asked.postcodes)
    ask = partial(table.find, group=asked.group, pw_client=asked.pw_client, law=asked.law, line=asked.line, on=day)
    answers, not_found = [], []
    for postcode in asked.postcodes:
        try:
            found = ask(postcode)
        except Unanswered as error:
            if error.reason not in ("not_a_postcode", "unknown_postcode"):
                raise
            not_found.append(NotFound(postcode=postcode, reason=error.reason, detail=str(error)))
        else:
            answers += [_found(answer) for answer in found]
    return BatchResult(on=day, answers=answers, not_found=not_found)


def _result(table: LookupTable, postcode: str, on: date | None, asked: dict[str, Any]) -> LookupResult:
    """The answer on a day, and what it becomes with each version that is planned after it."""
    day = on or store.today()
    ask = partial(table.find, postcode, **asked)
    now = ask(on=day)
    later = []
    before = [_same(answer) for answer in now]
    for start in (period.valid_from for period in table.periods() if period.valid_from > day):
        then = _if_any(partial(ask, on=start))
        if [_same(answer) for answer in then] != before:
            later.append(Later(valid_from=start, answers=[_found(answer) for answer in then]))
        before = [_same(answer) for answer in then]
    return LookupResult(on=day, answers=[_found(answer) for answer in now], later=later)


def _if_any(ask: Callable[[], list[Answer]]) -> list[Answer]:
    """The answers, or none where there are none on that day: a planned version may lack the postcode."""
    try:
        return ask()
    except Unanswered:
        return []


def _same(answer: Answer) -> Answer:
    """The answer without version and dates: what matters to the one who asks."""
    dates: dict[str, Any] = {"valid_from": date.min, "valid_to": None, "since": date.min}
    return replace(answer, version=0, rule="", reason=None, follows=None, **dates)


def _found(answer: Answer) -> Found:
    return Found(**_shown(answer))


def _file_found(answer: FileAnswer) -> FileFound:
    return FileFound(**_shown(answer))


def _shown(answer: Answer | FileAnswer) -> dict[str, Any]:
    """The fields of an answer by the names of the interface."""
    values = {field.name: getattr(answer, field.name) for field in fields(answer)}
    for name, old in (("postcode", "pc4"), ("until", "valid_to")):
        values[name] = values.pop(old)
    return values
