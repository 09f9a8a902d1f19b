"""The scripts of page and report: their pure part under node's own test runner, and what holds for every file."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from allocation.page.app import PAGE_ASSETS, _asset_files
from allocation.report.bundle import bundle
from allocation.report.report import ASSETS

NODE = shutil.which("node")
SCRIPTS = sorted([*ASSETS.rglob("*.js"), *PAGE_ASSETS.rglob("*.js")])
needs_node = pytest.mark.skipif(NODE is None, reason="no node on this machine; Debian's package `nodejs` has it")


@needs_node
def test_the_state_of_the_page_does_what_it_says() -> None:
    found = subprocess.run(
        [str(NODE), "--test", str(Path(__file__).parent / "assets")], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-1000:]
    assert re.search(r"# pass 1[0-9]\b|# pass [2-9][0-9]", found.stdout), found.stdout[-500:]


@needs_node
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_is_a_module_that_can_be_read(script: Path, tmp_path: Path) -> None:
    copy = tmp_path / "module.mjs"
    copy.write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
    found = subprocess.run([str(NODE), "--check", str(copy)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


def test_every_script_is_checked_as_typed_and_no_line_is_too_long() -> None:
    for script in SCRIPTS:
        lines = script.read_text(encoding="utf-8").splitlines()
        assert lines[0] == "// @ts-check", script
        assert [i for i, line in enumerate(lines, start=1) if len(line) > 120] == [], script


def test_no_helper_is_written_twice() -> None:
    """A name that one module exports is declared by no other."""
    declared = re.compile(r"^(export )?(?:async )?(?:function|const|class) (\w+)", re.MULTILINE)
    exported: dict[str, Path] = {}
    for script in SCRIPTS:
        for is_exported, name in declared.findall(script.read_text(encoding="utf-8")):
            if is_exported:
                assert name not in exported, (name, script, exported.get(name))
                exported[name] = script
    helpers = {name for name, path in exported.items() if path.name in ("dom.js", "tables.js", "api.js", "state.js")}
    for script in SCRIPTS:
        own = {name for _, name in declared.findall(script.read_text(encoding="utf-8"))}
        assert not {n for n in own & helpers if exported[n] != script}, script


def test_every_import_is_a_file_that_is_served() -> None:
    files = _asset_files()
    for name, path in files.items():
        for target in re.findall(r'from "([^"]+)"', path.read_text(encoding="utf-8")):
            parts = [*Path(name).parent.parts]
            for step in target.split("/"):
                if step == "..":
                    parts.pop()
                elif step != ".":
                    parts.append(step)
            assert "/".join(parts) in files, (name, target)


def test_modules_become_one_script_and_names_that_clash_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("export const one = 1;\nexport function two() { return one; }\n", encoding="utf-8")
    (tmp_path / "b.js").write_text('import { one, two } from "./a.js";\nexport { one };\nconst sum = one + two();\n')
    text = bundle(tmp_path / "b.js")
    assert "import" not in text
    assert "export" not in text
    assert text.index("const one") < text.index("const sum")
    (tmp_path / "b.js").write_text('import { two } from "./a.js";\nconst one = two();\n', encoding="utf-8")
    with pytest.raises(ValueError, match="the same names: one"):
        bundle(tmp_path / "b.js")


TSC = shutil.which("tsc")


@pytest.mark.heavy
@pytest.mark.skipif(TSC is None, reason="no tsc on this machine; `npm install --global typescript` brings it")
def test_the_types_of_the_scripts_hold() -> None:
    found = subprocess.run(
        [str(TSC), "-p", str(Path(__file__).parent / "assets")], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout[:3000]
