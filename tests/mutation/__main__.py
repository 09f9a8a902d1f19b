"""Plant one fault at a time and see whether the unit tests of its room find it: ``make mutate``.

Each mutant runs in a process of its own, forked from one in which the libraries are loaded already, with the changed
source in place of the module; no file is touched. A mutant is killed when a test fails or the time is up, and has
survived when all tests pass. Mutants do not reach programs that a test starts.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.util
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path

import pytest

from tests.mutation.mutants import ROOT, Mutant, generated, named

UNIT = "tests/unit"
ROOMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "layers": (("allocation/layers/*.py",), (f"{UNIT}/layers", f"{UNIT}/outcome")),
    "outcome": (("allocation/outcome/*.py",), (f"{UNIT}/outcome", f"{UNIT}/layers")),
    "versions": (
        (
            "allocation/publication/versions.py",
            "allocation/publication/reads.py",
            "allocation/publication/proposals.py",
        ),
        (
            f"{UNIT}/publication/test_versions.py",
            "tests/integration/store/test_versions.py",
            "tests/integration/store/test_proposals.py",
            "-k",
            "not postgresql",
        ),
    ),
    "check": (
        ("allocation/districting/check.py", "allocation/districting/sentences.py"),
        (f"{UNIT}/districting/test_check_objective.py",),
    ),
    "run": (("allocation/runs/run.py",), (f"{UNIT}/runs",)),
}
"""By room: the modules that are changed, and the tests that have to notice."""
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"


class _Planted(importlib.abc.MetaPathFinder):
    """Gives the changed source for one module."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname != self.mutant.module:
            return None
        source, where = self.mutant.source.encode(), str(ROOT / self.mutant.path)

        class Loader(SourceFileLoader):
            def get_code(self, fullname: str):  # type: ignore[no-untyped-def]
                return compile(source, where, "exec")

        return importlib.util.spec_from_file_location(fullname, where, loader=Loader(fullname, where))


def _begun(mutant: Mutant | None, tests: Sequence[str]) -> int:
    """A process in which the tests run with the mutant in place (None: the unchanged program); its number."""
    child = os.fork()
    if child == 0:
        os.setsid()
        with tempfile.TemporaryDirectory() as scratch:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            if mutant is not None:
                sys.meta_path.insert(0, _Planted(mutant))
            options = ["-q", "-x", "-p", "no:cacheprovider", "-m", "not heavy", "--basetemp", f"{scratch}/pytest"]
            code = int(pytest.main([*options, *tests]))
        os._exit(code)
    return child


def _ended(child: int, until: float) -> str | None:
    """What became of it; None while it runs."""
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        return SURVIVED if os.waitstatus_to_exitcode(status) == 0 else KILLED
    if time.monotonic() < until:
        return None
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return TIMED_OUT


def outcomes(
    tried: Iterable[tuple[Mutant | None, Sequence[str]]], seconds: float, jobs: int
) -> Iterator[tuple[Mutant | None, str]]:
    """What becomes of each, ``jobs`` at a time, as they end."""
    waiting, running = list(reversed(list(tried))), dict[int, tuple[Mutant | None, float]]()
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant, tests = waiting.pop()
            running[_begun(mutant, tests)] = mutant, time.monotonic() + seconds
        for child, (mutant, until) in list(running.items()):
            if (became := _ended(child, until)) is not None:
                del running[child]
                yield mutant, became
        time.sleep(0.02)


def room_tests(path: str) -> tuple[str, ...]:
    """The tests of the room that a module is of."""
    return next(tests for patterns, tests in ROOMS.values() if any(Path(path).match(p) for p in patterns))


def tests_of(path: str) -> tuple[str, ...]:
    """The tests of the room that a module is of: those that mirror the module first."""
    tests = room_tests(path)
    mirror = f"{UNIT}/{Path(path).parts[1]}/test_{Path(path).name}"
    return (mirror, *tests) if (ROOT / mirror).exists() else tests


def sampled(rooms: Sequence[str], sample: int, seed: int) -> list[Mutant]:
    """The mutants of each room; ``sample`` of them per room, or all when it is 0."""
    chosen = []
    for room in rooms:
        paths = sorted(str(found.relative_to(ROOT)) for pattern in ROOMS[room][0] for found in ROOT.glob(pattern))
        mutants = [mutant for path in paths for mutant in generated(path)]
        print(f"{room}: {len(mutants)} mutants of {len(paths)} modules", flush=True)
        chosen += random.Random(seed).sample(mutants, min(sample, len(mutants))) if sample else mutants
    return chosen


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("rooms", nargs="*", help=f"of {', '.join(ROOMS)}; all without one")
    parser.add_argument("--sample", type=int, default=40, help="mutants per room, drawn at random; 0: all (hours)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=300.0, help="after which a mutant counts as found")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="mutants at a time")
    parser.add_argument("--only-named", action="store_true", help="only the faults planted by hand")
    asked = parser.parse_args()
    if unknown := set(asked.rooms) - set(ROOMS):
        parser.error(f"no room {', '.join(sorted(unknown))}; there are {', '.join(ROOMS)}")
    os.chdir(ROOT)
    mutants = [] if asked.only_named else sampled(asked.rooms or list(ROOMS), asked.sample, asked.seed)
    mutants = [*(() if asked.rooms else named()), *mutants]
    for library in ("geopandas", "hypothesis", "numba", "pandas", "pydantic_settings", "scipy.sparse", "sqlalchemy"):
        importlib.import_module(library)
    rooms = {room_tests(mutant.path) for mutant in mutants}
    if any(became != SURVIVED for _, became in outcomes([(None, tests) for tests in rooms], asked.seconds, asked.jobs)):
        print("the tests of a room fail without any fault", file=sys.stderr)
        return 2
    counts: Counter[tuple[str, str]] = Counter()
    tried = [(mutant, tests_of(mutant.path)) for mutant in mutants]
    for number, (mutant, became) in enumerate(outcomes(tried, asked.seconds, asked.jobs), 1):
        assert mutant is not None
        counts[mutant.path, became] += 1
        if became == SURVIVED:
            print(f"{mutant.path}:{mutant.line}: {mutant.name}\n    {mutant.before}\n    {mutant.after}", flush=True)
        elif number % 20 == 0:
            print(f"... {number} of {len(mutants)}", flush=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    print(f"\n{time.strftime('%Y-%m-%d')}, commit {commit.strip() or 'unknown'}, seed {asked.seed}")
    for path in sorted({path for path, _ in counts}):
        figures = ", ".join(f"{counts[path, became]} {became}" for became in (KILLED, TIMED_OUT, SURVIVED))
        print(f"{path}: {figures}")
    survivors = sum(count for (_, became), count in counts.items() if became == SURVIVED)
    print(f"{len(mutants)} mutants, {survivors} survived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
