"""ES modules of ours as one script, for a file that works by itself: no build step, no tool.

The modules keep to what this reads: named imports and exports, each statement beginning a line. In one script all their
names share one scope, so a name that two modules declare is refused here and not by a browser.

Belongs here: joining modules. Does not belong here: which modules there are.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

_IMPORT = re.compile(r'^import\s+\{[^}]*\}\s+from\s+"([^"]+)";\n', re.MULTILINE)
_REEXPORT = re.compile(r"^export\s+\{[^}]*\};\n", re.MULTILINE)
_EXPORT = re.compile(r"^export\s+(?=(async\s+)?(const|let|class|function)\b)", re.MULTILINE)
_DECLARED = re.compile(r"^(?:async\s+)?(?:const|let|class|function)\s+([A-Za-z_$][\w$]*)", re.MULTILINE)


def bundle(entry: Path) -> str:
    """The script of ``entry`` with every module that it imports before it. Raises ValueError when names clash."""
    order: list[Path] = []
    _collect(entry.resolve(), order)
    texts = [_EXPORT.sub("", _REEXPORT.sub("", _IMPORT.sub("", path.read_text(encoding="utf-8")))) for path in order]
    names = Counter(name for text in texts for name in _DECLARED.findall(text))
    clashing = sorted(name for name, count in names.items() if count > 1)
    if clashing:
        raise ValueError(f"modules of {entry.name} declare the same names: {', '.join(clashing)}")
    return '"use strict";\n' + "\n".join(texts)


def _collect(path: Path, order: list[Path]) -> None:
    """Append ``path`` after the modules that it imports, each once."""
    if path in order:
        return
    for name in _IMPORT.findall(path.read_text(encoding="utf-8")):
        _collect((path.parent / name).resolve(), order)
    if path not in order:
        order.append(path)
