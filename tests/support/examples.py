"""How many examples a property tries."""

from __future__ import annotations

import os


def examples(few: int) -> int:
    """``few``, or as many as ``CASELOAD_FUZZ_EXAMPLES`` says; `make test-heavy` sets it."""
    return int(os.environ.get("CASELOAD_FUZZ_EXAMPLES", few))
