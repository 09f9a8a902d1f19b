"""How fast `caseload serve` answers look-ups at 20 connections, at the size of the country.

    python -m tests.benchmarks.store.over_http

The server is the command as it is started, in a process of its own; the client holds 20 connections open and sends the
next question on each as soon as the answer is there, to postcodes of the whole country at random. Told are the first
4,096 questions (none of them asked before) and those after; and the load of the machine before, for both share it.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from allocation.publication import store, versions
from geodata.boundaries import load_boundaries
from tests.benchmarks.store.measure import Figure, _postgresql, _sqlite, as_markdown
from tests.support.outcomes import write_national_outcome

CONNECTIONS = 20
FIRST, LATER = 4_096, 8_000


@contextmanager
def serving(address: str, var: Path) -> Iterator[int]:
    """``caseload serve`` on a free port, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    line = [sys.executable, "-m", "allocation", "serve", "--store", address, "--var", str(var), "--port", str(port)]
    with (var / "serve.log").open("wb") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


async def ask(port: int, postcodes: list[str]) -> list[float]:
    """Seconds of each answer, over ``CONNECTIONS`` connections at once."""
    left, seconds = list(postcodes), []

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while left:
            path = f"/api/v1/lookup?postcode={left.pop()}&law=WIA&line=vangnet"
            began = time.perf_counter()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            if " 200 " not in head.splitlines()[0]:
                raise AssertionError(head)
            await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
            seconds.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return seconds


def figures(where: str, address: str, folder: Path, pc4s: list[str]) -> list[Figure]:
    told, draw = [], random.Random(7)
    with serving(address, folder) as port:
        asyncio.run(ask(port, draw.sample(pc4s, 3)))
        for name, number in (("first", FIRST), ("later", LATER)):
            began = time.perf_counter()
            seconds = sorted(asyncio.run(ask(port, draw.choices(pc4s, k=number))))
            rate = number / (time.perf_counter() - began)
            told.append(
                Figure(
                    f"answers over HTTP at {CONNECTIONS} connections, {name} {number:,}", where, rate, "/s", "> 400 /s"
                )
            )
            told.append(
                Figure(f"of which 99% within, {name}", where, 1000 * seconds[int(0.99 * number)], "ms", "< 100 ms")
            )
    return told


def main() -> None:
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    areas = load_boundaries("embedded").areas
    told = []
    with tempfile.TemporaryDirectory() as place:
        outcome = write_national_outcome(Path(place) / "outcome", areas, seed=1)
        for where, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
            folder = Path(place) / where
            folder.mkdir()
            with opened(folder) as address:
                store.migrate(address)
                versions.publish(
                    versions.propose(outcome, address, folder / "published"), address, folder / "published"
                )
                told += figures(where, address, folder, areas["pc4"].tolist())
    print(as_markdown(told))


if __name__ == "__main__":
    main()
