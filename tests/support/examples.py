"""How many examples a property tries."""

from __future__ import annotations

import os


def examples(few: int) -> int:
    """``few``; where `make test-heavy` sets ``CASELOAD_FUZZ_EXAMPLES``, as many, and at least six times few."""
    more = os.environ.get("CASELOAD_FUZZ_EXAMPLES")
    return few if more is None else max(int(more), 6 * few)
