"""The fuzzers of what comes in, by the clock: fresh seeds round after round, until the time is up.

    python -m tests.property [MINUTES]        (60 without it; `make fuzz MINUTES=60`)

Each round runs one fuzzer with a seed of its own in a process of its own and prints a line; a find is printed whole,
with the blob that repeats it, and the rounds go on. Exit code 1 when there was a find.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Fuzzer:
    """``tests``: what pytest is given; ``examples``: how many a round draws per test, a few minutes' work at most."""

    name: str
    tests: tuple[str, ...]
    examples: int


FUZZERS = (
    Fuzzer("input folder", ("tests/property/test_inputs.py",), 60),
    Fuzzer("boundary file", ("tests/property/test_boundary_files.py",), 150),
    Fuzzer("bare instance", ("tests/unit/districting/test_instance_faults.py", "-k", "mistake_anywhere"), 2_000),
)


def round_of(fuzzer: Fuzzer, seed: int) -> bool:
    """One round; whether nothing was found. Prints what pytest said when something was."""
    began = time.monotonic()
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *fuzzer.tests, f"--hypothesis-seed={seed}"]
    changed = {"CASELOAD_FUZZ_EXAMPLES": str(fuzzer.examples), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, cwd=ROOT, env=os.environ | changed, capture_output=True, text=True, check=False)
    is_good = done.returncode == 0
    said = "no find" if is_good else "A FIND"
    print(f"{fuzzer.name}, seed {seed}, {fuzzer.examples} examples a test: {said}, {time.monotonic() - began:.0f} s",
          flush=True)  # fmt: skip
    if not is_good:
        print(done.stdout[-20_000:], done.stderr[-2_000:], flush=True)
    return is_good


def main(minutes: float) -> int:
    until = time.monotonic() + 60 * minutes
    first = int(time.time())
    finds = rounds = 0
    for number, fuzzer in enumerate(itertools.cycle(FUZZERS)):
        if time.monotonic() > until:
            break
        rounds += 1
        finds += not round_of(fuzzer, first + number)
    print(f"{rounds} rounds, {finds} with a find")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60))
