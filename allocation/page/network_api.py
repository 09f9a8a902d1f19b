"""The cards over HTTP: with whom a team works, and which teams a partner deals with, below ``/api/v1/network``.

Belongs here: these endpoints and the shape of their answers. Does not belong here: the look-up of a client
(``lookup_api``).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from allocation.contract.calendar import IsoDay
from allocation.page.answering import Answering
from allocation.publication import network_lookup, store
from allocation.publication.network_lookup import Tie

Text = Annotated[str, StringConstraints(max_length=200)]
DayAsked = Annotated[IsoDay | None, Query(description="day; today when absent")]


class TieFound(BaseModel):
    """A team and a partner."""

    team_id: str
    team_name: str | None
    office: str | None
    kind: str = Field(description="gemeente, care_region, or a kind of the input coverage")
    provider: str
    clients_per_year: float | None = Field(description="expected clients of the team that the partner covers")
    team_share: float | None = Field(description="part of the team's work that lies with the partner, 0 to 1")
    provider_share: float | None = Field(description="part of the partner's clients that the team serves, 0 to 1")
    teams_at_provider: int
    form: str | None = Field(description="form of the cooperation")
    contact: str | None = Field(description="address of a function at the partner")
    version: int


class Card(BaseModel):
    on: date
    answers: list[TieFound]


class Provider(BaseModel):
    kind: str
    provider: str


class Providers(BaseModel):
    on: date
    answers: list[Provider]


def add_network(app: FastAPI, answering: Answering) -> None:
    """The three endpoints."""
    table = answering.table

    @app.get("/api/v1/network/team", summary="With whom a team works", tags=["network"], response_model=Card)
    async def of_team(
        request: Request, team: Annotated[Text, Query(description="code of the team")], on: DayAsked = None
    ) -> Response:
        question = ("network of team", team, on)
        return await answering.respond(
            request, question, lambda: _card(network_lookup.partners_of(table, team, on), on)
        )

    @app.get("/api/v1/network/provider", summary="Which teams a partner has", tags=["network"], response_model=Card)
    async def of_provider(
        request: Request,
        kind: Annotated[Text, Query(description="gemeente, care_region, or a kind of the input coverage")],
        provider: Annotated[Text, Query(description="name of the partner")],
        on: DayAsked = None,
    ) -> Response:
        question = ("network of provider", kind, provider, on)
        return await answering.respond(
            request, question, lambda: _card(network_lookup.teams_of(table, kind, provider, on), on)
        )

    @app.get("/api/v1/network/providers", summary="Every partner", tags=["network"], response_model=Providers)
    async def every(request: Request, on: DayAsked = None) -> Response:
        def compute() -> Providers:
            found = [Provider(kind=kind, provider=name) for kind, name in network_lookup.providers_on(table, on)]
            return Providers(on=on or store.today(), answers=found)

        return await answering.respond(request, ("providers", on), compute)


def _card(ties: list[Tie], on: date | None) -> Card:
    return Card(on=on or store.today(), answers=[TieFound(**asdict(tie)) for tie in ties])
