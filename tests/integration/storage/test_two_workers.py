"""A whole division by two workers that share nothing but the store and a bucket; then one that carries it over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from allocation import storage
from allocation.contract.config import Config
from allocation.page.desk import Desk
from allocation.pipeline import run_all
from allocation.pipeline.tidy import tidy
from allocation.publication import files, reads
from allocation.runs import run_files
from allocation.runs.run import Run, run_folder
from tests.integration.storage.conftest import Machines
from tests.support import two_regions
from tests.support.postgres import migrated_template, new_database, postgres_server

__all__ = ["migrated_template", "postgres_server"]

ROOT = Path(__file__).parents[3]
VAR = Path("var")
CONFIG = Config.from_values({"solver": {"iterations": 20_000, "workers": 1}})


@pytest.fixture
def store_url(request: pytest.FixtureRequest, migrated_template: str) -> Iterator[str]:
    with new_database(request.getfixturevalue("postgres_server"), template=migrated_template) as address:
        yield address


class Worker:
    """A process on a machine of its own: its folder ``var`` is nobody else's."""

    def __init__(self, machine: Path, run: Path) -> None:
        machine.mkdir(exist_ok=True)
        words = [sys.executable, "-m", "tests.integration.storage.worker", str(run)]
        environment = os.environ | {"CASELOAD_VAR": str(VAR), "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            words, cwd=machine, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def begin(self, *step: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(step) + "\n")
        self._process.stdin.flush()

    def end(self) -> object:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the worker has failed; its error is above"
        return json.loads(line)

    def take(self, *step: str) -> object:
        self.begin(*step)
        return self.end()

    def close(self) -> None:
        self._process.communicate(timeout=30)


def take_turns(first: Worker, second: Worker) -> int:
    """Every step up to publication, each by the other worker than the one before; returns how many layers were
    searched."""
    for worker, step in (
        (first, "prepare_boundaries"), (second, "check_inputs"), (first, "estimate_work"), (second, "validate_inputs"),
        (first, "prepare_layers"),
    ):  # fmt: skip
        worker.take(step)
    keys = second.take("solve_carried_over")
    assert isinstance(keys, list)
    for worker, some in ((first, keys[::2]), (second, keys[1::2])):
        for key in some:
            worker.begin("solve_layer", key)
    for worker, some in ((first, keys[::2]), (second, keys[1::2])):
        for _ in some:
            worker.end()
    for worker, step in (
        (first, "assemble_outcome"), (second, "validate_outcome"), (first, "write_report"), (second, "propose"),
        (first, "publish"),
    ):  # fmt: skip
        worker.take(step)
    return len(keys)


@pytest.mark.heavy
@pytest.mark.timeout(600)
def test_two_workers_without_a_shared_disk_publish_what_one_machine_publishes(
    machines: Machines, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    country = two_regions.write(tmp_path / "country")
    shutil.copy(country.boundaries, country.input / "areas.gpkg")
    office = tmp_path / "office"  # where the input is put into the bucket and runs are started, as a scheduler does
    shutil.copytree(country.input, office / VAR / "input")
    monkeypatch.chdir(office)
    monkeypatch.setenv("CASELOAD_VAR", str(VAR))
    storage.send_folder(VAR / "input")

    def start(name: str) -> Path:
        return Run.start(
            input_dir=VAR / "input", boundaries=str(VAR / "input" / "areas.gpkg"), store=store_url, config=CONFIG,
            var=VAR, run_id=name,
        ).folder  # fmt: skip

    searched = []
    for name in ("first", "second"):
        folder = start(name)
        one, other = Worker(tmp_path / f"a-{name}", folder), Worker(tmp_path / f"b-{name}", folder)
        searched.append(take_turns(one, other))
        one.close()
        other.close()
    assert searched[0] > 0
    assert searched[1] == 0, "the second run carries every layer over from the files of the first"

    published = storage.fetch_folder(VAR / "published")
    for listed in json.loads((published / files.TIMELINE).read_text("utf-8"))["periods"]:
        assert files.verify(published / listed["folder"]) == []
    desk = Desk(store_url, VAR)
    assert desk.bench("first").board.layers
    assert tidy(VAR, store_url, days=15, runs=0).runs == ()
    fingerprint = reads.versions(store_url).set_index("version")["fingerprint"][1]

    monkeypatch.delenv(storage.SETTING)
    alone, address = tmp_path / "alone", f"sqlite:///{tmp_path / 'alone.sqlite'}"
    run = Run.start(
        input_dir=country.input, boundaries=str(country.input / "areas.gpkg"), store=address, config=CONFIG,
        var=alone, run_id="alone",
    )  # fmt: skip
    run_all.run_all(run, until="publication", progress=lambda _: None)
    assert reads.versions(address)["fingerprint"][0] == fingerprint
    assert run_files.VERSION.exists(run_folder(alone, "alone"))
