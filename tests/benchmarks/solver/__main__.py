"""Run the benchmark, print its tables and write them.

    python -m tests.benchmarks.solver                                  everything, two hours on two cores
    python -m tests.benchmarks.solver --families a --regions zeeland,twente --peers metis,highs
    python -m tests.benchmarks.solver --reference DIR --certify 60     ours against a folder of reference instances

Results are kept in ``--work`` and not measured again (``--fresh`` does); the tables are made of all that is there.
A table replaces what stands between its two marks in ``--out``; the words around it are written by hand.

As many instances as there are cores are measured at once, each solver in a process of its own on one thread. Every
budget counts processor time, so that neither the neighbour nor other work on the machine takes any of it.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from tests.benchmarks.solver import tables
from tests.benchmarks.solver.recount import recount
from tests.benchmarks.solver.tables import Reference, Run

PEERS = ("gerrychain", "metis", "spopt", "cpsat", "highs")
EXACT = ("cpsat", "highs")
EXACT_UNITS = 100  # exact solvers get the small instances only: larger ones end without a plan
SPOPT_FAMILIES = ("c",)  # equal teams without offices, the nearest that it comes to this problem
STUCK_SECONDS = 3600  # for a process that waits without using any processor time
TITLES = {
    "a": "(a) Travel, tolerance 5%",
    "b": "(b) With a division in force",
    "c": "(c) Cut edges, equal teams, tolerance 2%",
    "d": "(d) Scale",
    "e": "(e) Tight: tolerance 0.5%, cut edges",
}


def main() -> None:
    """Entry point."""
    args = _arguments()
    os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    bench = Bench(args)
    if args.reference is not None:
        bench.reference(args.reference)
        return
    for family in args.families:
        folders = _instances(family, args)
        bench.measure_all(family, folders, lambda folder, of=family: _solvers(of, folder, args.peers), family in "ae")
    made = bench.tables(args.families)
    print("\n\n".join(made.values()))
    if args.out.exists():
        write(made, args.out)


def _arguments() -> argparse.Namespace:
    def words(text: str) -> list[str]:
        return [word for word in text.split(",") if word]

    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.solver", description=__doc__)
    parser.add_argument("--families", type=words, default=list("abcde"), help="a,b,c,d,e")
    parser.add_argument("--regions", type=words, default=None, help="names as in the tables; default all")
    parser.add_argument("--peers", type=words, default=list(PEERS), help=f"of {','.join(PEERS)}; empty for ours alone")
    parser.add_argument("--seconds", type=float, default=10.0, help="for every solver (whole country in d: 120)")
    parser.add_argument(
        "--certify", type=float, default=60.0, help="seconds for our certificate in families a and e; 0 for none"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clock", choices=["cpu", "wall"], default="cpu", help="what the seconds count")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="instances at once")
    parser.add_argument("--reference", type=Path, default=None, help="folder with reference.csv and instances")
    parser.add_argument("--work", type=Path, default=Path("var/bench-solver"), help="instances, plans and results")
    parser.add_argument("--fresh", type=words, default=[], help="solvers to measure again, e.g. ours,certify")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks.md"), help="its marked tables are replaced")
    return parser.parse_args()


def _instances(family: str, args: argparse.Namespace) -> Iterator[Path]:
    """The instance folders of a family, made when they are not there yet."""
    from geodata import load_boundaries
    from tests.benchmarks.solver import instances

    boundaries = load_boundaries("embedded")
    folder = args.work / "instances"
    names = [n for n in instances.region_names(boundaries) if args.regions is None or instances.slug(n) in args.regions]
    if family == "d":
        yield from instances.write_scales(boundaries, names, folder)
    elif family == "e":
        yield from instances.write_tight(folder)
    else:
        yield from instances.write_family(family, boundaries, names, folder)


def _solvers(family: str, folder: Path, peers: Iterable[str]) -> list[str]:
    """Ours, and the peers that apply to this instance."""
    with (folder / "units.csv").open(encoding="utf-8") as file:
        units = sum(1 for _ in file) - 1
    chosen = ["ours"]
    for peer in peers:
        fits = peer not in EXACT or units <= EXACT_UNITS
        fits = fits and (peer != "spopt" or family in SPOPT_FAMILIES)
        if fits and (family != "d" or peer == "metis"):
            chosen.append(peer)
    return chosen


class Bench:
    """Measures, and keeps what was measured in ``work/results.jsonl``."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.path = args.work / "results.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.runs: dict[tuple[str, str, str, float, int], Run] = {}
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                run = Run(**json.loads(line))
                self.runs[_key(run)] = run
        self.measured: set[tuple[str, str, str, float, int]] = set()
        self.mutex = Lock()

    def measure_all(
        self, family: str, folders: Iterable[Path], solvers: Callable[[Path], list[str]], is_certified: bool
    ) -> None:
        """Several instances at once; on each every solver in turn, and then the certificate of our plan."""

        def one(folder: Path) -> None:
            whole_country = folder.name.startswith("country")
            self.measure(family, folder, solvers(folder), 120.0 if whole_country else None)
            if is_certified and self.args.certify:
                self.measure(family, folder, ["certify"], self.args.certify)

        with ThreadPoolExecutor(self.args.jobs) as pool:
            for done in [pool.submit(one, folder) for folder in folders]:
                done.result()

    def measure(self, family: str, folder: Path, solvers: list[str], seconds: float | None = None) -> None:
        """Run the solvers that have no result yet (or are to be measured afresh) on one instance."""
        seconds = self.args.seconds if seconds is None else seconds
        for solver in solvers:
            key = (family, folder.name, solver, seconds, self.args.seed)
            if key in self.measured or (key in self.runs and solver not in self.args.fresh):
                continue
            self._keep(self._run(family, folder, solver, seconds))

    def _keep(self, run: Run) -> None:
        with self.mutex, self.path.open("a", encoding="utf-8") as file:
            self.runs[_key(run)] = run
            self.measured.add(_key(run))
            file.write(json.dumps(asdict(run)) + "\n")
        bound = "" if run.bound is None else f" bound {run.bound:.5f}"
        print(
            f"{run.family} {run.instance} {run.solver}: {run.objective:.5f} {run.fault or 'allowed'}{bound} "
            f"({run.took:.1f} s, {run.note})",
            flush=True,
        )

    def _run(self, family: str, folder: Path, solver: str, seconds: float) -> Run:
        out = self.args.work / "plans" / family / folder.name / f"{solver}-{self.args.seed}"
        load = os.getloadavg()[0]
        command = [sys.executable, "-m", "tests.benchmarks.solver.peers", solver, str(folder), str(out)]
        command += ["--seconds", str(seconds), "--seed", str(self.args.seed)]
        command += ["--clock", self.args.clock]
        start = out.with_name(f"ours-{self.args.seed}") / "plan.csv"
        if solver == "certify" and start.exists():
            command += ["--start", str(start)]
        note = {"bound": None, "seconds": math.nan, "note": "", "peak_mb": math.nan}
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=STUCK_SECONDS, check=False)
            if done.returncode == -signal.SIGXCPU:  # see the limit in `peers`
                note["note"] = "did not stop"
            elif done.returncode:
                note["note"] = f"failed: {done.stderr.strip().splitlines()[-1:]}"
            else:
                note = json.loads((out / "note.json").read_text(encoding="utf-8"))
        except subprocess.TimeoutExpired:
            note["note"] = "did not stop"
        score = recount(folder, out / "plan.csv")
        units, teams = (_lines(folder / f"{name}.csv") for name in ("units", "teams"))
        return Run(
            family, folder.name, solver, seconds, self.args.seed, score.objective, score.fault, note["bound"],
            note["seconds"], note["peak_mb"], note["note"], tables.commit(), datetime.now(UTC).isoformat(), load,
            units, teams, self.args.clock,
        )  # fmt: skip

    def of(self, family: str, *, certified: bool = False) -> list[Run]:
        """All results of a family: the solvers', or our certificates (the engine's own where no longer one ran)."""
        runs = [r for r in self.runs.values() if r.family == family and r.seed == self.args.seed]
        if certified:
            found = {r.instance: r for r in runs if r.solver == "ours" and r.bound}
            return list((found | {r.instance: r for r in runs if r.solver == "certify"}).values())
        order = {name: i for i, name in enumerate(("ours", *PEERS))}
        chosen = [r for r in runs if r.solver in order and (r.seconds == self.args.seconds or family == "d")]
        return sorted(chosen, key=lambda r: (r.instance, order[r.solver]))

    def tables(self, families: list[str]) -> dict[str, str]:
        """Per family that was measured its title and table, as Markdown."""
        return {
            family: f"### {TITLES[family]}\n\n{tables.family_table(runs, self.of(family, certified=True))}"
            for family in families
            if (runs := self.of(family))
        }

    def reference(self, folder: Path) -> None:
        """Ours on every instance of a reference folder; prints one table a family."""
        known: dict[str, dict[str, Reference]] = {}
        with (folder / "reference.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if self.args.regions is None or row["instance"] in self.args.regions:
                    known.setdefault(row["family"], {})[row["instance"]] = Reference(
                        _number(row["lp_bound"]), _number(row["proven_bound"]), row["proven_optimal"] == "yes",
                        _number(row["best_known"]),
                    )  # fmt: skip
        everything = set(self.args.families) == set("abcde")
        for family in known if everything else [f for f in known if f in self.args.families]:
            instances = [folder / family / name for name in known[family]]
            self.measure_all(family, instances, lambda _: ["ours", *self.args.peers], True)
            ours = [r for r in self.of(family) if r.solver == "ours" and r.instance in known[family]]
            proofs = [r for r in self.of(family, certified=True) if r.instance in known[family]]
            print(tables.reference_table(family, ours, known[family], proofs))


def write(made: dict[str, str], out: Path) -> None:
    """Replace the marked tables of these families in the Markdown file ``out``."""
    text = out.read_text(encoding="utf-8")
    for family, table in made.items():
        begin, end = f"<!-- table {family} -->", f"<!-- end {family} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        text = pattern.sub(lambda _, b=begin, t=table, e=end: f"{b}\n{t}{e}", text)
    out.write_text(text, encoding="utf-8")


def _key(run: Run) -> tuple[str, str, str, float, int]:
    return run.family, run.instance, run.solver, run.seconds, run.seed


def _lines(path: Path) -> int:
    with path.open(encoding="utf-8") as file:
        return sum(1 for _ in file) - 1


def _number(text: str) -> float | None:
    return float(text) if text else None


if __name__ == "__main__":
    main()
