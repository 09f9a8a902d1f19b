"""A worker that takes steps of a run on its own machine: ``python -m tests.integration.storage.worker FOLDER``.

Each line of its input is a step, with the key of a layer behind ``solve_layer``; each line of its output is what the
step returned, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from allocation.pipeline import steps
from allocation.runs.run import Run

STEPS = {
    "prepare_boundaries", "check_inputs", "estimate_work", "validate_inputs", "prepare_layers", "solve_carried_over",
    "solve_layer", "assemble_outcome", "validate_outcome", "write_report", "propose", "publish",
}  # fmt: skip


def main(folder: str) -> None:
    for line in sys.stdin:
        name, *keys = line.split()
        assert name in STEPS
        returned = getattr(steps, name)(Run.open(folder), *keys)
        shown = str(returned) if isinstance(returned, Path) else returned
        print(json.dumps(shown if name != "solve_layer" else None), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
