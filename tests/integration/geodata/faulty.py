"""A small proxy between client and server that misbehaves on request: the network as it really is."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.support.faults import STOPS_WITHIN_S

FOREVER = 1_000_000


@dataclass
class Fault:
    """Goes wrong ``times`` times at requests whose address matches ``where``, from the ``after``-th match on."""

    kind: str
    where: str = r"postcode4/items"
    after: int = 2
    times: int = 1
    met: int = 0

    def strikes(self, address: str) -> bool:
        if not re.search(self.where, address):
            return False
        self.met += 1
        return self.after <= self.met < self.after + self.times


@dataclass
class Proxy:
    """What a test says to the proxy and what it has seen."""

    upstream: str
    folder: Path
    address: str = ""
    fault: Fault | None = None
    asked: list[str] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    open_at_most: int = 0
    agents: set[str] = field(default_factory=set)
    answers: dict[str, bytes] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self, fault: Fault | None = None) -> None:
        self.fault, self.asked, self.connections, self.open_at_most = fault, [], 0, 0

    def everything(self, collection: str) -> bytes:
        """The file behind a collection, straight from the folder that the server reads."""
        return (self.folder / f"{collection}.geojson").read_bytes()

    def body(self, path: str) -> tuple[int, bytes]:
        """The real server's answer; asked for once, then remembered."""
        # PDOK has one service per subject; the server behind us has all collections under one root.
        inner = re.sub(r"^/[\w-]+/ogc/v1", "", path)
        if inner not in self.answers:
            answer = httpx.get(self.upstream + inner, timeout=60)
            if answer.status_code != 200:
                return answer.status_code, answer.content
            self.answers[inner] = answer.content
        return 200, self.answers[inner]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def setup(self) -> None:
        super().setup()
        with self.proxy.lock:
            self.proxy.connections += 1
            self.proxy.open_now += 1
            self.proxy.open_at_most = max(self.proxy.open_at_most, self.proxy.open_now)

    def finish(self) -> None:
        with self.proxy.lock:
            self.proxy.open_now -= 1
        super().finish()

    def do_GET(self) -> None:
        self.proxy.asked.append(self.path)
        self.proxy.agents.add(self.headers.get("User-Agent", ""))
        fault = self.proxy.fault
        status, body = self.proxy.body(self.path)
        if fault is not None and fault.strikes(self.path):
            getattr(self, f"_{fault.kind}")(body)
        else:
            self._send(status, body)

    def _send(self, status: int, body: bytes, announced: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/geo+json")
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _changed(self, body: bytes, **changes: Any) -> None:
        self._send(200, json.dumps(json.loads(body) | changes).encode())

    def _time_out(self, body: bytes) -> None:
        time.sleep(1.5)
        self.close_connection = True

    def _hang_up(self, body: bytes) -> None:
        self.close_connection = True

    def _cut_bytes(self, body: bytes) -> None:
        self._send(200, body[: len(body) // 2], announced=len(body))
        self.close_connection = True

    def _cut_json(self, body: bytes) -> None:
        self._send(200, body[: len(body) // 2])

    def _cut_features(self, body: bytes) -> None:
        self._changed(body, features=json.loads(body)["features"][:10])

    def _cut_silently(self, body: bytes) -> None:
        page = json.loads(body)
        links = [link for link in page["links"] if link["rel"] != "next"]
        self._changed(body, features=page["features"][:10], numberReturned=10, links=links)

    def _too_many(self, body: bytes) -> None:
        self._send(429, b"slow down", Retry_After="7")

    def _come_back_tomorrow(self, body: bytes) -> None:
        self._send(429, b"slow down", Retry_After="86400")

    def _server_error(self, body: bytes) -> None:
        self._send(500, b"<h1>Internal Server Error</h1>")

    def _gone(self, body: bytes) -> None:
        self._send(404, b"{}")

    def _garbage(self, body: bytes) -> None:
        self._send(200, b"\x00\xff<html>maintenance</html>")

    def _not_features(self, body: bytes) -> None:
        self._send(200, b'{"code": "Busy"}')

    def _repeat(self, body: bytes) -> None:
        first = next(path for path in self.proxy.asked if "postcode4/items" in path)
        self._send(*self.proxy.body(first))

    def _drop_field(self, body: bytes) -> None:
        page = json.loads(body)
        del page["features"][3]["properties"]["postcode"]
        self._changed(body, features=page["features"])

    def _drop_geometry(self, body: bytes) -> None:
        page = json.loads(body)
        page["features"][3]["geometry"] = None
        self._changed(body, features=page["features"])

    def _other_server(self, body: bytes) -> None:
        links = [{"rel": "next", "href": "http://elsewhere.invalid/items"}]
        self._changed(body, links=links)

    def _degrees(self, body: bytes) -> None:
        page = json.loads(body)
        ring = [[5.0, 52.0], [5.1, 52.0], [5.1, 52.1], [5.0, 52.0]]
        for feature in page["features"]:
            feature["geometry"] = {"type": "Polygon", "coordinates": [ring]}
        self._changed(body, features=page["features"])

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: what was asked is in ``Proxy.asked``."""


@contextmanager
def misbehave(upstream: str, folder: Path, port: int) -> Iterator[Proxy]:
    """The proxy on ``port``, in front of ``upstream``, which serves ``folder``."""
    proxy = Proxy(upstream=upstream, folder=folder, address=f"http://127.0.0.1:{port}")
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(STOPS_WITHIN_S,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
