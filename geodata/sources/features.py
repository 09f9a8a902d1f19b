"""A polite client for OGC API Features: every page, one connection, patience, and going on where it stopped.

Belongs here: HTTP, pages, retries. Does not belong here: what the features mean (`pdok`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from geodata.errors import GeodataError

Json = dict[str, Any]

ATTEMPTS = 6
TIMEOUT_S = 60.0
LONGEST_WAIT_S = 300.0
PARTIAL_KEPT_S = 86_400.0
"""Pages of an unfinished download are used again for a day; after that the source may have changed under them."""
RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class _BadPage(Exception):
    """An answer that cannot be used; asking again may help."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class _Refused(GeodataError):
    """The server says no, and asking again will not help."""

    def __init__(self, address: str, status: int) -> None:
        super().__init__(f"{address} answered {status}; nothing was replaced.")
        self.status = status


class FeatureClient:
    """Reads collections of one server. Use as a context manager: it holds one connection, never more.

    ``sleep`` waits between attempts (a test records instead); ``say`` is told of pages, waits and retries.
    """

    def __init__(
        self,
        say: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._say = say
        self._sleep = sleep
        self._http = httpx.Client(
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            headers={"Accept": "application/geo+json, application/json", "User-Agent": "smc-caseload geodata"},
            follow_redirects=True,
        )

    def __enter__(self) -> FeatureClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def document(self, url: str, **query: str) -> Json | None:
        """A JSON document such as ``/collections``; None when the server does not have it (404)."""
        address = str(httpx.URL(url, params=query))
        try:
            return self._patiently(address, lambda page: None)
        except _Refused as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def items(self, url: str, query: dict[str, str], fields: tuple[str, ...], partial: Path) -> list[Json]:
        """Every feature of a collection, each once, in the order of the server.

        ``fields``: properties that each feature must have. ``partial``: a folder in which each page is kept; a later
        call with the same query goes on from there. The caller removes it when the whole download is safe.
        Raises GeodataError after ATTEMPTS attempts at a page, or when the number of features is not what the server
        announced.
        """
        start = str(httpx.URL(url, params=query))
        folder = partial / hashlib.sha256(start.encode()).hexdigest()[:16]
        try:
            return self._all_pages(start, fields, folder)
        except _Refused:
            if not any(folder.glob("page-*.json")):
                raise
            self._say("the server no longer knows where the last download stopped; starting again")
            shutil.rmtree(folder)
            return self._all_pages(start, fields, folder)

    def _all_pages(self, start: str, fields: tuple[str, ...], folder: Path) -> list[Json]:
        features: dict[str, Json] = {}
        matched: int | None = None
        for page in self._pages(start, fields, folder, features):
            for feature in page["features"]:
                features.setdefault(_identity(feature), feature)
            matched = page.get("numberMatched", matched)
            self._say(f"{len(features)} features" + (f" of {matched}" if matched is not None else ""))
        if matched is not None and len(features) != matched:
            shutil.rmtree(folder, ignore_errors=True)
            raise GeodataError(
                f"{_short(start)} announced {matched} features and sent {len(features)}; nothing was replaced."
            )
        return list(features.values())

    def _pages(self, start: str, fields: tuple[str, ...], folder: Path, seen: dict[str, Json]) -> Iterator[Json]:
        """Pages kept from an earlier attempt, then pages from the server, each kept before it is used."""
        address: str | None = start
        kept = sorted(folder.glob("page-*.json"))
        if kept and time.time() - kept[-1].stat().st_mtime > PARTIAL_KEPT_S:
            shutil.rmtree(folder)
            kept = []
        if kept:
            self._say(f"going on after {len(kept)} pages of an earlier attempt")
        number = len(kept)
        for path in kept:
            page = json.loads(path.read_text(encoding="utf-8"))
            address = _next(page, start)
            yield page
        while address is not None:
            page = self._patiently(address, lambda page: _check(page, fields, seen))
            number += 1
            folder.mkdir(parents=True, exist_ok=True)
            fresh = folder / "page.tmp"
            fresh.write_text(json.dumps(page), encoding="utf-8")
            fresh.rename(folder / f"page-{number:05d}.json")
            address = _next(page, start)
            yield page

    def _patiently(self, address: str, check: Callable[[Json], None]) -> Json:
        """The JSON at ``address``, asked for again, with growing pauses, until it is usable."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                page = self._once(address)
                check(page)
            except _BadPage as error:
                if attempt == ATTEMPTS:
                    raise GeodataError(
                        f"{_short(address)} could not be read in {ATTEMPTS} attempts: {error}. Nothing was replaced; "
                        "a next attempt goes on from here."
                    ) from error
                wait_s = error.wait_s if error.wait_s is not None else float(2 ** (attempt - 1))
                if wait_s > LONGEST_WAIT_S:
                    raise GeodataError(f"{_short(address)} asks to come back in {wait_s:.0f} s: {error}.") from error
                self._say(f"{error}; again in {wait_s:.0f} s")
                self._sleep(wait_s)
            else:
                return page
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(self, address: str) -> Json:
        try:
            answer = self._http.get(address)
        except httpx.TransportError as error:
            raise _BadPage(f"no answer ({type(error).__name__})") from error
        if answer.status_code in RETRIED_STATUS:
            raise _BadPage(f"the server answered {answer.status_code}", _retry_after_s(answer))
        if answer.status_code != httpx.codes.OK:
            raise _Refused(_short(address), answer.status_code)
        try:
            page = answer.json()
        except ValueError as error:
            raise _BadPage("the answer is not JSON") from error
        if not isinstance(page, dict):
            raise _BadPage("the answer is not a JSON object")
        return page


def _check(page: Json, fields: tuple[str, ...], seen: dict[str, Json]) -> None:
    """Raises _BadPage unless ``page`` is a whole page of features with the fields, with something new in it."""
    features = page.get("features")
    if not isinstance(features, list):
        raise _BadPage("the answer has no features")
    returned = page.get("numberReturned")
    if returned is not None and returned != len(features):
        raise _BadPage(f"the page says {returned} features and holds {len(features)}")
    for feature in features:
        if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict):
            raise _BadPage("a feature has no geometry")
        missing = [name for name in fields if name not in (feature.get("properties") or {})]
        if missing:
            raise _BadPage(f"a feature has no field '{missing[0]}'")
    if features and seen and all(_identity(feature) in seen for feature in features):
        raise _BadPage("the server sent a page for the second time")


def _identity(feature: Json) -> str:
    return str(feature["id"]) if feature.get("id") is not None else json.dumps(feature["properties"], sort_keys=True)


def _next(page: Json, start: str) -> str | None:
    """Address of the next page; None at the end. Raises GeodataError when it leads to another server."""
    for link in page.get("links") or []:
        if link.get("rel") == "next":
            address = urljoin(start, str(link["href"]))
            if urlsplit(address).netloc != urlsplit(start).netloc:
                raise GeodataError(f"{_short(start)} leads on to another server, {urlsplit(address).netloc}.")
            return address
    return None


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Seconds that the server asks to wait (Retry-After, in seconds or as a date); None when it asks nothing."""
    value = answer.headers.get("Retry-After")
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _short(address: str) -> str:
    """``address`` without the query, which tells a person little and can be long."""
    return address.partition("?")[0]
