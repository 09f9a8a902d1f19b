"""What it costs to build the boundaries: processor time per step and peak memory, for one edition, without the cache.

    python -m tests.benchmarks.boundaries [SPEC]

The target is 5 s on one core and 1 GB for the 4,044 polygons of 2014. Best of three builds: the machine may have other
work.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import shapely

import geodata
from geodata.boundaries import build
from geodata.sources import embedded, files


def main(spec: str) -> None:
    wanted = None if spec == "embedded" else files.parse(spec)
    rounds = []
    for _ in range(3):
        marks = [time.process_time()]
        layer = embedded.read() if wanted is None else files.read(wanted)
        marks.append(time.process_time())
        made = build(layer)
        marks.append(time.process_time())
        with tempfile.TemporaryDirectory() as folder:
            made.write(Path(folder) / "built")
            marks.append(time.process_time())
            geodata.Boundaries.read(Path(folder) / "built")
            marks.append(time.process_time())
        rounds.append([after - before for before, after in pairwise(marks)])
    best = min(rounds, key=lambda seconds: seconds[0] + seconds[1])
    vertices = int(shapely.get_num_coordinates(layer.areas.geometry.to_numpy()).sum())
    print(f"{len(layer.areas)} polygons with {vertices} vertices; processor seconds, best of {len(rounds)}")
    for name, seconds in zip(("read", "build", "write", "load from the cache"), best, strict=True):
        print(f"{name:<20}{seconds:6.2f}")
    print(f"{'read and build':<20}{best[0] + best[1]:6.2f}")
    print(f"{'peak memory, MB':<20}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:6.0f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "embedded")
