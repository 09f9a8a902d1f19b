"""Answers over HTTP that are kept until another version is in force, with what a client needs to ask seldom.

Belongs here: keeping them, ETag and cache headers. Does not belong here: any endpoint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from datetime import date
from threading import Lock

from cachetools import LRUCache
from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from allocation.publication import store
from allocation.publication.lookup import InForce, LookupTable

MOST_BYTES = 64_000_000
"""Of the answers that are kept together: anybody can ask for many days and ways to write a postcode."""
LEAST_BYTES = 3_200
"""What an answer counts for at least: a question and its key take room too, so there are at most 20,000."""
CACHE_CONTROL = "private, max-age=60, must-revalidate"


class Answering:
    """The look-up of one store for a server: connections pooled, answers kept as bytes until another version holds."""

    def __init__(self, store_url: str) -> None:
        self.table = LookupTable(store_url, is_pooled=True)
        self._kept: LRUCache[Hashable, tuple[bytes, str]] = LRUCache(MOST_BYTES, getsizeof=_size)
        self._mutex = Lock()

    @property
    def bytes_kept(self) -> int:
        """Of all answers together; a short one counts for ``LEAST_BYTES``."""
        return int(self._kept.currsize)

    async def respond(self, request: Request, question: Hashable, compute: Callable[[], BaseModel]) -> Response:
        """The answer to ``question``. One that is kept is given at once; another is computed in a thread."""
        kept = self._kept_answer(self.table.fresh_periods(), question, store.today())
        if kept is None:
            kept = await run_in_threadpool(self._answer, question, compute)
        return _response(request, *kept)

    def _answer(self, question: Hashable, compute: Callable[[], BaseModel]) -> tuple[bytes, str]:
        """The answer as JSON and its ETag; computed once per question, list of periods and day."""
        periods, day = self.table.periods(), store.today()
        if kept := self._kept_answer(periods, question, day):
            return kept
        answer = compute()
        if (now := store.today()) != day:  # midnight passed: parts of the answer may be of the day before
            day, answer = now, compute()
        body = answer.model_dump_json().encode()
        made = body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if self.table.periods() == periods:  # else another version came into force while this was computed
            with self._mutex:
                self._kept[periods, day, question] = made
        return made

    def _kept_answer(
        self, periods: tuple[InForce, ...] | None, question: Hashable, day: date
    ) -> tuple[bytes, str] | None:
        with self._mutex:
            return self._kept.get((periods, day, question))


def _size(kept: tuple[bytes, str]) -> int:
    return max(len(kept[0]), LEAST_BYTES)


def _response(request: Request, body: bytes, etag: str) -> Response:
    """The answer, or 304 when the client has it."""
    headers = {"ETag": etag, "Cache-Control": CACHE_CONTROL}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
