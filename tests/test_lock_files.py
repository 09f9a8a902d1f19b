"""The three lock files name the same versions: what runs, and what the image holds, is what was tested."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTED, RUN, IMAGE = "requirements.lock", "requirements-run.lock", "docker/requirements.lock"
FORCED = {"python-dateutil"}
"""Other versions in the image: Airflow's login for many users needs them."""


def _versions(lock: str) -> dict[str, str]:
    return dict(
        re.findall(r"^([a-z0-9-]+)(?:\[[\w,-]*\])?==([^ \\;]+)", (ROOT / lock).read_text("utf-8"), re.MULTILINE)
    )


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[=<>~!; ]", line)[0].lower() for line in requirements}


def test_what_runs_is_what_is_tested() -> None:
    run, tested = _versions(RUN), _versions(TESTED)
    assert run.items() < tested.items()


def test_the_image_holds_what_is_tested_but_for_what_its_login_forces() -> None:
    image, tested = _versions(IMAGE), _versions(TESTED)
    assert {name for name in image.keys() & tested.keys() if image[name] != tested[name]} == FORCED
    assert _versions(RUN).keys() < image.keys()


def test_each_lock_file_was_made_after_the_last_change_of_the_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = {name: _names(lines) for name, lines in project["optional-dependencies"].items()}
    needed = _names(project["dependencies"]) | extras["setup"]
    assert needed <= _versions(RUN).keys()
    assert needed | extras["dev"] | extras["bench"] <= _versions(TESTED).keys()
    assert needed | extras["image"] <= _versions(IMAGE).keys()
