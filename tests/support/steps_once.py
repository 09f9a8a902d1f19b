"""Steps that a run before it took on the very same files: many tests divide the toy country alike.

A step reads the settings of its run, and files: those of its run, of its input and of the run in force. So what it
makes of the same files is the same, and can be copied. Only for tests of something else than these steps.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import geodata
from allocation.pipeline import carry_over, steps
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.support import toy

OF_ONE_RUN = (run_files.RUN.name, run_files.IN_FORCE.name)
"""The run's own name and moment, and how far the record of the store was: what counts of both is in ``_key``."""

_MADE: dict[bytes, dict[str, bytes]] = {}


def check(run: Run) -> Run:
    """The input of a run that has its boundaries."""
    return _once(run, steps.check_inputs)


def divide(run: Run) -> Run:
    """From the checked input to the outcome."""
    return _once(run, _divide)


def _divide(run: Run) -> None:
    steps.estimate_work(run)
    for key in steps.prepare_layers(run):
        steps.solve_layer(run, key)
    steps.assemble_outcome(run)


def _once(run: Run, step: Callable[[Run], None]) -> Run:
    before = _files(run.folder)
    key = _key(run, step.__name__, before)
    if key not in _MADE:
        step(run)
        _MADE[key] = {
            name: _without_place(run, name, content)
            for name, content in _files(run.folder).items()
            if before.get(name) != content
        }
        return run
    for name, content in _MADE[key].items():
        path = run.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.replace(PLACE, str(run.input_dir).encode()))
    return run


PLACE = b"<input>"


def _without_place(run: Run, name: str, content: bytes) -> bytes:
    """The record of the input names its folder, nothing else does."""
    return content.replace(str(run.input_dir).encode(), PLACE) if name == run_files.INPUT.name else content


def _key(run: Run, step: str, files: dict[str, bytes]) -> bytes:
    """SHA-256 of everything that a step may read."""
    in_force = run.in_force()
    base = carry_over.run_in_force(run)
    known = [step, run.config.model_dump_json(), str(run.today), str((in_force.version, in_force.since))]
    digest = hashlib.sha256("\n".join(known).encode())
    assert run.input_dir is not None
    given = _files(Path(run.input_dir))
    for folder in (files, given, {} if base is None else _files(base.folder)):
        for name, content in folder.items():
            if name not in OF_ONE_RUN:
                kept = _without_place(run, name, content)
                digest.update(f"\n{name} {len(kept)}\n".encode() + kept)
        digest.update(b"\n")
    return digest.digest()


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def boundaries(var: Path) -> str:
    """The areas of the toy country as a file for a run below ``var``, where they count as built before."""
    place = _built()
    shutil.copytree(place / "cache", var / "cache", dirs_exist_ok=True)
    return str(place / "areas.gpkg")


@functools.cache
def _built() -> Path:
    place = Path(tempfile.mkdtemp(prefix="toy-areas-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    toy.polygons().to_file(place / "areas.gpkg", layer="areas")
    geodata.load_boundaries(str(place / "areas.gpkg"), place / "cache")
    return place
