"""Who asks, and what he may: what endpoints take from the request, each declared once.

A server around the page that knows its users says so in the scope; see `allocation.page.app`. Belongs here: names and
permissions. Does not belong here: which endpoint wants which.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Request

from allocation.page.desk import Desk
from allocation.page.guarding import NOT_YOURS, Forbidden

NOT_TO_DECIDE = "U mag dit voorstel niet goedkeuren of afwijzen. Vraag de beheerder om rechten."


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _name(request: Request) -> str:
    """Who asks: as the server around this application says (`scope["planner"]`), else as the page says."""
    known = request.scope.get("planner") or unquote(request.headers.get("x-planner", ""), errors="replace")
    return "".join(sign for sign in str(known) if sign.isprintable()).strip()[:80] or "planner"


def _may_plan(request: Request) -> bool:
    """Whether the one who asks may change anything; who may not gets no small counts (R14)."""
    return bool(request.scope.get("may_plan", True))


def _may_decide(request: Request) -> bool:
    """Whether the one who asks may approve and reject proposals."""
    return bool(request.scope.get("may_decide", True))


def _as_planner(request: Request) -> str:
    """The name of the one who asks; Forbidden when he may only look."""
    if not _may_plan(request):
        raise Forbidden(NOT_YOURS)
    return _name(request)


def _as_approver(request: Request) -> str:
    """The name of the one who asks; Forbidden when he may not decide."""
    if not _may_decide(request):
        raise Forbidden(NOT_TO_DECIDE)
    return _name(request)


DeskOf = Annotated[Desk, Depends(_desk)]
MayPlan = Annotated[bool, Depends(_may_plan)]
MayDecide = Annotated[bool, Depends(_may_decide)]
Planner = Annotated[str, Depends(_as_planner)]
Approver = Annotated[str, Depends(_as_approver)]
