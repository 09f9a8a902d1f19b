"""The import directions of decision 1 hold, also through a third module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINTER = [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [*LINTER, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    environment = {"PYTHONPATH": str(folder), "PATH": ""}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=90, env=environment, check=False)


def test_the_import_directions_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("geodata/wrong.py", "import allocation.contract.vocabulary\n"),
        ("allocation/districting/wrong.py", "import pandas\n"),
        ("allocation/districting/wrong.py", "from allocation.contract import config\n"),
        ("expectations/wrong.py", "import allocation.demand.shrinkage\n"),
        ("expectations/wrong.py", "import allocation.intake.offices\n"),
        ("allocation/contract/wrong.py", "import allocation.intake.roster\n"),
        ("allocation/report/wrong.py", "import allocation.page.app\n"),
        ("allocation/wrong.py", "import airflow\n"),
    ],
)
def test_a_wrong_import_is_noticed(module: str, line: str, tmp_path: Path) -> None:
    """The rules are not empty words: a copy of the packages with one wrong import fails."""
    for package in ("allocation", "geodata", "expectations"):
        for source in (ROOT / package).rglob("*.py"):
            target = tmp_path / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (tmp_path / module).write_text(line)
    assert lint(tmp_path).returncode != 0
