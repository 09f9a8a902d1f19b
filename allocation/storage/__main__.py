"""Send what this machine has: once, when an installation moves to object storage."""

from __future__ import annotations

import os
from pathlib import Path

from allocation import storage

if __name__ == "__main__":
    if not os.environ.get(storage.SETTING):
        raise SystemExit(f"{storage.SETTING} is not set: there is no storage to send to")
    for name in storage.KEPT:
        storage.send_folder(Path(os.environ.get("CASELOAD_VAR") or "var") / name)
