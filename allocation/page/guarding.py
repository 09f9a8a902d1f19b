"""What comes in at the door: which hosts and origins, how large, and in which words a request is turned away.

Belongs here: refusing what no endpoint should see, and one sentence for every refusal. Does not belong here: who a
user is (the server around this application says so), what an endpoint does.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException

from allocation.contract.errors import Passing, Refused, TimelineChanged, Unusable
from allocation.page.requests import MOST_BODY_BYTES
from allocation.publication.drafts import Overtaken

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
UNUSABLE = "De database weigert dit. Er is niets gewijzigd; de beheerder vindt de reden in het logboek."
AWAY = "De database is op dit moment niet bereikbaar. Er is niets gewijzigd; probeer het over een minuut opnieuw."
OVERTAKEN = (
    "Versie {version} is intussen in werking gezet, dus wat hier verandert klopt niet meer. Er is niets gewijzigd en "
    "uw concept blijft bewaard: laad de pagina opnieuw en maak het voorstel opnieuw."
)
FAILED = "Er ging iets mis in het programma; er is niets gewijzigd. De beheerder vindt de fout in het logboek."
NOT_YOURS = "U mag alleen kijken. Vraag de beheerder om rechten als u wilt wijzigen of indienen."
UNREADABLE = ("Dit verzoek is geen leesbare JSON.", "The body is no readable JSON in UTF-8, not compressed.")
"""In Dutch, and in English for programs; so too below."""
NO_PAGE = {
    400: UNREADABLE,
    404: ("Dit adres bestaat niet.", "There is nothing at this address."),
    405: ("Dit kan niet op dit adres.", "This method is not possible at this address."),
}
TOO_LARGE = "Dit verzoek is te groot."
TOO_SLOW = "Dit verzoek kwam niet op tijd in zijn geheel aan; doe het opnieuw."
BODY_SECONDS = 60.0
"""So long may a request take to come in: one that stays half open holds memory and a connection."""


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie, Authorization",
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
}
"""Of every answer, also one that is turned away, unless the answer says it itself. What a planner sees and what a
reader sees stands at one address: nothing is kept for the next who asks, on this machine or on the way."""


class NotFound(Refused):
    """What was asked for is not there (any more)."""


class Forbidden(Refused):
    """Who asks may not do this."""


class Door:
    """ASGI middleware. ``hosts``: names under which this server may be addressed; None where a server around it
    has decided already."""

    def __init__(self, app: Any, hosts: Collection[str] | None = None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def dressed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                _dress(MutableHeaders(scope=message))
            await send(message)

        status, text = self._refusal(scope)
        body = None
        if not status:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _body(receive)
            except TimeoutError:
                status, text = 408, TOO_SLOW
        if body is None:
            closes = {"Connection": "close"} if status == 408 else None  # what still comes is not read
            refused = JSONResponse({"detail": text or TOO_LARGE}, status_code=status or 413, headers=closes)
            await refused(scope, receive, dressed)
            return
        pending = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> MutableMapping[str, Any]:
            return pending.pop() if pending else await receive()

        await self.app(scope, replayed, dressed)

    def _refusal(self, scope: Scope) -> tuple[int, str]:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if self.hosts is not None and _name(host) not in self.hosts:
            return 421, "Deze server is onder deze naam niet te gebruiken."
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and not _is_own(headers, host):
            return 403, "Dit verzoek komt van een andere website en is geweigerd."
        for part in (scope.get("raw_path") or b"", scope.get("query_string") or b""):
            if not _is_text(unquote_to_bytes(part)):
                return 400, "Dit adres bevat tekens die niet gelezen kunnen worden."
        length = headers.get("content-length", "0")
        if not length.isdigit():
            return 400, "De lengte van dit verzoek is geen getal."
        return (413, TOO_LARGE) if int(length) > MOST_BODY_BYTES else (0, "")


def _dress(headers: MutableHeaders) -> None:
    for name, value in HEADERS.items():
        if name == "Vary":
            headers.add_vary_header(value)
        else:
            headers.setdefault(name, value)


async def _body(receive: Receive) -> bytes | None:
    """What a request holds, also when it does not say how long it is; None when that is more than any request needs."""
    parts: list[bytes] = []
    size, is_more = 0, True
    while is_more:
        message = await receive()
        if message["type"] != "http.request":  # who asked is gone
            break
        parts.append(message.get("body", b""))
        size, is_more = size + len(parts[-1]), message.get("more_body", False)
        if size > MOST_BODY_BYTES:
            return None
    return b"".join(parts)


_HOST = re.compile(r"(?P<name>\[[^\[\]]*\]|[^:\[\]]*)(?::[0-9]{0,5})?")


def _name(host: str) -> str:
    """The name in a Host header, without its port; empty where what follows a colon is no port."""
    found = _HOST.fullmatch(host)
    return found["name"] if found else ""


def _is_own(headers: dict[str, str], host: str) -> bool:
    """Whether a page of this server asks: as the browser says, else by the origin; programs name neither."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    try:
        return origin is None or urlsplit(origin).netloc == host
    except ValueError:  # an origin that no browser sends
        return False


def _is_text(content: bytes) -> bool:
    try:
        return "\x00" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


# --- refusals in one sentence ----------------------------------------------------------------------------------------


def add_refusals(app: FastAPI) -> None:
    """Every way to be refused: a status and one sentence, never a trace, an address or a user name."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _no_such_page)
    app.add_exception_handler(Exception, _failed)


def _status(error: Exception) -> int:
    kinds = {Overtaken: 409, NotFound: 404, Forbidden: 403, Passing: 503, Unusable: 500}
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), 422)


def told_of(error: Exception) -> str:
    """A refusal as a user reads it: what the store says of itself (its address, a login) goes to the log."""
    if isinstance(error, TimelineChanged):
        return OVERTAKEN.format(version=error.version)
    if not isinstance(error, Passing | Unusable):
        return str(error)
    log.warning("the store: %s", error)
    return AWAY if isinstance(error, Passing) else UNUSABLE


async def _refused(_request: Request, error: Exception) -> Response:
    status = _status(error)
    if isinstance(error, Passing):
        return JSONResponse({"detail": told_of(error)}, status_code=status, headers={"Retry-After": "60"})
    told: dict[str, Any] = {"detail": told_of(error), "reason": getattr(error, "reason", None)}
    if isinstance(error, Overtaken):
        told["latest"] = asdict(error.latest) if error.latest else None
    return JSONResponse(told, status_code=status)


async def _not_understood(request: Request, error: Exception) -> Response:
    """Which field is wrong, without what was in it."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    is_for_programs = _is_for_programs(request)
    if any(one["type"] == "json_invalid" for one in problems):
        return JSONResponse({"detail": UNREADABLE[is_for_programs]}, status_code=400)
    fields = dict.fromkeys(".".join(str(part) for part in one["loc"][1:]) or "verzoek" for one in problems)
    shown = ", ".join(list(fields)[:5]) + (f" (+{len(fields) - 5})" if len(fields) > 5 else "")
    text = f"Not allowed here: {shown}." if is_for_programs else f"Niet goed ingevuld: {shown}."
    return JSONResponse({"detail": text}, status_code=422)


def _is_for_programs(request: Request) -> bool:
    """Whether a program asks, which is answered in English, as all of ``/api/v1`` is."""
    return "/api/v1/" in request.url.path


async def _no_such_page(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    is_for_programs = _is_for_programs(request)
    dutch, english = NO_PAGE.get(status, ("Dit kan niet.", "This is not possible."))
    return JSONResponse({"detail": english if is_for_programs else dutch}, status_code=status)


async def _failed(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse({"detail": FAILED}, status_code=500)
