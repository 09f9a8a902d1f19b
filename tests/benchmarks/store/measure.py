"""How fast the store is at the size of the country: publishing, routing 100,000 clients, single look-ups.

``python -m tests.benchmarks.store`` prints the table. Real areas, an invented division of 180 teams; a SQLite file and
a real PostgreSQL with its safety settings on (fsync). Wall time on an otherwise idle machine, best of the rounds.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from allocation.publication import lookup, reads, store, versions
from geodata.boundaries import load_boundaries
from tests.support.outcomes import write_national_outcome
from tests.support.postgres import new_database, started_server

CLIENTS = 100_000
LOOKUPS = 5_000
ROUND_SEEDS = (1, 2, 3)
CLIENT_TABLE = sa.Table(
    "clients_to_route",
    sa.MetaData(),
    *(sa.Column(name, sa.Text) for name in ("client", "pc4", "pc6", "client_group", "law", "client_line")),
    prefixes=["TEMPORARY"],
)
ROUTE_ALL = """
SELECT c.client, r.team_id, r.office
FROM clients_to_route c
JOIN routing_current r ON r.pc4 = c.pc4 AND r.client_group = c.client_group AND r.law = c.law
 AND r.pw_client = (c.law = 'PW') AND r.client_line = c.client_line
 AND (r.pc6_from IS NULL OR c.pc6 BETWEEN r.pc6_from AND r.pc6_to)
"""


@dataclass(frozen=True)
class Figure:
    """One measured figure. ``target`` is the bound of the project (empty where there is none)."""

    what: str
    where: str
    value: float
    unit: str
    target: str = ""


def measure() -> list[Figure]:
    """All figures, on both stores."""
    areas = load_boundaries("embedded").areas
    folder = Path(tempfile.mkdtemp(prefix="caseload-bench-"))
    try:
        outcomes = [write_national_outcome(folder / f"outcome-{seed}", areas, seed=seed) for seed in ROUND_SEEDS]
        figures = []
        for where, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
            with opened(folder) as address:
                figures += _of_store(where, address, outcomes, folder / where, areas["pc4"].tolist())
        return figures
    finally:
        shutil.rmtree(folder)


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'bench.sqlite'}"


@contextmanager
def _postgresql(_: Path) -> Iterator[str]:
    with started_server(is_safe=True) as server, new_database(server) as address:
        yield address


def _of_store(where: str, address: str, outcomes: list[Path], files_dir: Path, pc4s: list[str]) -> list[Figure]:
    store.migrate(address)
    proposing, publishing = [], []
    for outcome in outcomes:
        seconds, version = _timed(lambda outcome=outcome: versions.propose(outcome, address, files_dir))
        proposing.append(seconds)
        seconds, _ = _timed(lambda version=version: versions.publish(version, address, files_dir))
        publishing.append(seconds)
    whole = min(a + b for a, b in zip(proposing, publishing, strict=True))
    comparing, changes = _timed(lambda: reads.compare(1, 2, address))
    assert len(changes) > 1000
    seconds, routed = _route_everyone(address, pc4s)
    assert routed == CLIENTS
    return [
        Figure("a version of the whole country: store and files", where, whole, "s", "< 5 s"),
        Figure("of which the proposal", where, min(proposing), "s"),
        Figure("of which putting it in force", where, min(publishing), "s"),
        Figure(f"{CLIENTS:,} clients routed by one SQL join, fetched", where, seconds, "s", "< 1 s"),
        Figure("single look-ups by SQL over a connection", where, _sql_lookups(address, pc4s), "/s", "> 2,000 /s"),
        Figure("single look-ups with the rule (`lookup`)", where, _rule_lookups(address, pc4s), "/s"),
        Figure(f"all {len(changes):,} changes between two unlike versions", where, comparing, "s"),
    ]


def _timed(act: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    result = act()
    return time.perf_counter() - start, result


def _route_everyone(address: str, pc4s: list[str]) -> tuple[float, int]:
    random = np.random.default_rng(7)
    chosen = random.choice(pc4s, CLIENTS)
    letters = ["".join(pair) for pair in random.choice(list("ABCDEFGHJKLMNPRSTVWXZ"), (CLIENTS, 2))]
    clients = pd.DataFrame(
        {
            "client": [f"C{i:06d}" for i in range(CLIENTS)],
            "pc4": chosen,
            "pc6": [a + b for a, b in zip(chosen, letters, strict=True)],
            "client_group": random.choice(["regulier", "politie"], CLIENTS, p=[0.99, 0.01]),
            "law": random.choice(["ZW", "WIA", "PW"], CLIENTS),
            "client_line": random.choice(["vangnet", "werkgever"], CLIENTS),
        }
    )
    with store.connected(address) as connection:
        CLIENT_TABLE.create(connection)
        store.load(connection, CLIENT_TABLE, pa.Table.from_pandas(clients, preserve_index=False))
        seconds, rows = min(_timed(lambda: connection.exec_driver_sql(ROUTE_ALL).fetchall()) for _ in range(3))
        return seconds, len(rows)  # type: ignore[arg-type]


def _sql_lookups(address: str, pc4s: list[str]) -> float:
    """Look-ups a second with the plain driver: what a consumer's own program would do."""
    with store.connected(address) as connection:
        cursor = connection.connection.cursor()
        mark = "%s" if connection.dialect.name == "postgresql" else "?"
        query = (
            "SELECT team_id, office, share FROM routing_current "
            f"WHERE pc4 = {mark} AND client_group = {mark} AND pw_client = false AND law = {mark} "
            f"AND client_line = {mark}"
        )

        def ask() -> None:
            for i in range(LOOKUPS):
                cursor.execute(query, (pc4s[i * 17 % len(pc4s)], "regulier", "WIA", "vangnet"))
                assert cursor.fetchall()

        return LOOKUPS / min(_timed(ask)[0] for _ in range(2))


def _rule_lookups(address: str, pc4s: list[str]) -> float:
    table = lookup.LookupTable(address)

    def ask() -> None:
        for i in range(LOOKUPS):
            table.find(pc4s[i * 17 % len(pc4s)], law="WIA", line="vangnet")

    return LOOKUPS / min(_timed(ask)[0] for _ in range(2))


def as_markdown(figures: list[Figure]) -> str:
    lines = ["| what | store | measured | target |", "|---|---|---|---|"]
    for figure in figures:
        value = f"{figure.value:,.0f}" if figure.unit == "/s" else f"{figure.value:.2f}"
        lines.append(f"| {figure.what} | {figure.where} | {value} {figure.unit} | {figure.target} |")
    return "\n".join(lines)
