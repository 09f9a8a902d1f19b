"""What planners see: the report of a run and the planners' page.

Imported on first use, so that the pipeline can name the report without loading what draws it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from allocation.report.page import create_app, serve
    from allocation.report.proposing import from_draft
    from allocation.report.report import write_report

_HOME = {
    "create_app": "allocation.report.page",
    "from_draft": "allocation.report.proposing",
    "serve": "allocation.report.page",
    "write_report": "allocation.report.report",
}

__all__ = ["create_app", "from_draft", "serve", "write_report"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'allocation.report' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
