"""What it costs to read and check the example input: processor time now, and at an earlier commit beside it.

    python -m tests.benchmarks.reading [COMMIT]

Both read the same folder, which the earlier program writes, in turn and in processes of their own; the best of three
readings in each of three processes counts, because the machine may have other work.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
EARLIER = "1b24e6a"
"""Before every cell was read as text and checked at its place."""
ROUNDS = 3

PROGRAM = """
import sys, time
from pathlib import Path
try:
    from allocation.intake.inputs import load_inputs
    from allocation.intake.example import write_example
    from allocation.contract.config import Config
except ImportError:
    from allocation.inputs import load_inputs
    from allocation.example import write_example
    from allocation.config import Config
import geodata
areas = geodata.load_boundaries("embedded", Path(sys.argv[2])).areas
folder = Path(sys.argv[1])
if not folder.exists():
    write_example(folder, areas)
seconds = []
for _ in range(3):
    began = time.process_time()
    load_inputs(folder, areas, Config())
    seconds.append(time.process_time() - began)
print(min(seconds))
"""


def reading(tree: Path, folder: Path, cache: Path) -> float:
    """Processor seconds that the program in ``tree`` takes to read the input."""
    line = [sys.executable, "-c", PROGRAM, str(folder), str(cache)]
    done = subprocess.run(
        line, env=os.environ | {"PYTHONPATH": str(tree)}, capture_output=True, text=True, check=True, cwd=tree
    )
    return float(done.stdout.splitlines()[-1])


def main(commit: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        earlier = Path(place) / "earlier"
        earlier.mkdir()
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", str(earlier)], input=archive, check=True)
        folder = Path(place) / "input"
        times: dict[str, list[float]] = {commit: [], "now": []}
        for _ in range(ROUNDS):
            for name, tree in ((commit, earlier), ("now", ROOT)):
                times[name].append(reading(tree, folder, Path(place) / f"cache-{name}"))
    before, now = min(times[commit]), min(times["now"])
    print(f"reading and checking the example, processor seconds: {before:.2f} at {commit}, {now:.2f} now, "
          f"ratio {now / before:.2f}")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else EARLIER)
