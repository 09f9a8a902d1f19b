"""What a planner waits for on the command line: ``python -m tests.benchmarks.commands [--beside CHECKOUT] [--runs N]``.

Each command runs N times on the whole embedded country, in a process of its own and in a data folder of its own, after
one run that makes the example and the caches. With ``--beside`` the same commands of another checkout run in turn with
them, on the same packages: the machine is the same to both. Prints a Markdown table: median wall seconds, the fastest
and the slowest, the peak memory of the largest process, and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from allocation.report.summary import code_version
from tests.benchmarks.run import machine, measure

REGION = "Midden-Utrecht"
POSTCODE = "3511"


@dataclass
class Checkout:
    """The program of one checkout with a data folder of its own."""

    root: Path
    var: Path
    stores: int = 0
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    gigabytes: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def caseload(self, name: str, *words: str) -> None:
        """Time one command; an empty ``name`` leaves it out of the table."""
        self.var.mkdir(exist_ok=True)
        os.chdir(self.var)  # some write where they are
        environment = dict(os.environ) | {"PYTHONPATH": str(self.root), "GX_ANALYTICS_ENABLED": "false"}
        wall, memory = measure([sys.executable, "-m", "allocation", *words], environment)
        if name:
            self.seconds[name].append(wall)
            self.gigabytes[name] = max(self.gigabytes[name], memory)

    def first(self) -> None:
        """The example and the caches, and input of its own for what asks for a folder."""
        self.run("")
        self.caseload("", "example", "--out", str(self.var / "input"))

    def run(self, name: str) -> None:
        """The whole country into a store and files of its own."""
        self.stores += 1
        self.caseload(name, "run", *self._where(self.var / str(self.stores)))

    def others(self) -> None:
        """What is asked beside the version in force."""
        where = self._where(self.var / str(self.stores))
        self.caseload("propose, one region", "propose", "--regions", REGION, *where)
        self.caseload("validate", "validate", "--input", str(self.var / "input"))
        self.caseload("lookup", "lookup", POSTCODE, "--law", "WIA", "--line", "vangnet", "--store", where[3])
        self.caseload("--help", "--help")

    @staticmethod
    def _where(folder: Path) -> tuple[str, str, str, str]:
        return "--var", str(folder / "var"), "--store", f"sqlite:///{folder / 'caseload.sqlite'}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path, help="another checkout, with its compiled code")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    roots = [Path(__file__).parents[2], *([asked.beside.absolute()] if asked.beside else [])]
    with tempfile.TemporaryDirectory() as folder:
        checkouts = [Checkout(root, Path(folder) / str(number)) for number, root in enumerate(roots)]
        for one in checkouts:
            one.first()
        for _ in range(asked.runs):
            for one in checkouts:
                one.run("run, the whole country")
                one.others()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {code_version()}, {machine()}, load {os.getloadavg()[0]:.1f}\n")
    names = ["this", *(["beside", "ratio"] if asked.beside else [])]
    print(f"| `caseload` | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for name in checkouts[0].seconds:
        cells = [told(one, name) for one in checkouts]
        if asked.beside:
            mine, other = (statistics.median(one.seconds[name]) for one in checkouts)
            cells.append(f"{mine / other:.2f}")
        print(f"| {name} | {' | '.join(cells)} |")
    return 0


def told(of: Checkout, name: str) -> str:
    """Median seconds, range and gigabytes of a command."""
    seconds = of.seconds[name]
    spread = f"{min(seconds):.2f}-{max(seconds):.2f}"
    return f"{statistics.median(seconds):.2f} s ({spread}), {of.gigabytes[name]:.2f} GB"


if __name__ == "__main__":
    raise SystemExit(main())
