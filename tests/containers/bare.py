"""``make strangers``: a fresh clone of this commit on a bare Debian machine: python3, its venv, and make, no more.

``python -m tests.containers.bare run`` does ``make run`` there, ``... test`` does ``make test``. podman asks for root;
inside, the clone belongs to a user without rights.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.containers import podman, stand_ins
from tests.containers.installation import ROOT, say

BARE = "localhost/bare-debian:1"
USER = 1000


def main(target: str) -> int:
    """Clone, and make ``target`` there; returns its exit code."""
    lacking = podman.missing()
    if lacking:
        print(f"left out, for want of: {', '.join(lacking)}")
        return 1
    with tempfile.TemporaryDirectory(prefix="caseload_bare_") as name:
        folder = Path(name)
        podman.prepare(folder)
        stand_ins.build(BARE)
        clone = folder / "clone"
        subprocess.run(["git", "clone", "-q", f"file://{ROOT}", str(clone)], check=True)
        subprocess.run(["chown", "-R", f"{USER}:{USER}", str(clone)], check=True)
        folder.chmod(0o755)
        # The network of this machine, for the package index only: it is asked as pip is set up here.
        words = [
            "podman",
            "run",
            "--rm",
            "--user",
            str(USER),
            "-e",
            "HOME=/tmp",
            "-v",
            f"{clone}:/clone",
            "-w",
            "/clone",
        ]
        done = subprocess.run([*words, *podman.building(folder), BARE, "make", target], check=False)
    say(f"make {target} on a bare machine ended with {done.returncode}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
