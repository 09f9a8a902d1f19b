"""The images that the compose file names: stand-ins, the project's own, and one with older code."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.containers import podman, stand_ins
from tests.containers.installation import ROOT, say

OLDER = "540d46f"
"""The commit whose code is upgraded from: it has logins of the store, and the data contract of before files."""
IMAGE = "localhost/smc-caseload:harness"


def build(folder: Path) -> None:
    """The stand-ins and the image of the project."""
    for name in stand_ins.IMAGES:
        say(f"stand-in {name}: {'made' if stand_ins.build(name) else 'there'}")
    words = ["podman", "build", "--quiet", *podman.building(folder), "-f", str(ROOT / "docker" / "Dockerfile")]
    podman.run(*words, "-t", IMAGE, str(ROOT))
    podman.run("podman", "tag", IMAGE, "docker.io/library/smc-caseload:harness")
    size = podman.run("podman", "image", "inspect", "--format", "{{.Size}}", IMAGE)
    say(f"image of the project built from docker/Dockerfile: {int(size) / 1e9:.1f} GB")
    _build_older(folder)
    # What was mounted for the build may leave an empty file behind.
    mounted = (
        "find /etc/pip.conf /etc/uv /etc/ssl/certs/ca-certificates.crt -type f -size +0 2>/dev/null "
        "| xargs -r sha256sum; find / -xdev -name .env"
    )
    of_base, of_image = (
        podman.run("podman", "run", "--rm", "--user", "0", "--entrypoint", "sh", image, "-c", mounted)
        for image in (stand_ins.PYTHON, IMAGE)
    )
    assert of_image == of_base, f"the image holds settings of this machine: {of_image}"


def _build_older(folder: Path) -> None:
    """The image with the code of ``OLDER``: its dependencies are those of today, which it was written for too."""
    code = folder / "older"
    code.mkdir()
    kept = ("allocation", "geodata", "expectations", "dags", "plugins", "docs", "pyproject.toml", "docker/prepare.py")
    archive = subprocess.run(["git", "archive", OLDER, *kept], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "x", "-C", str(code)], input=archive, check=True)
    lines = [
        f"FROM {IMAGE}",
        "USER root",
        "RUN cd /opt/caseload && rm -rf allocation geodata expectations dags plugins docs",
        "COPY . /opt/caseload",
        'RUN NUMBA_CACHE_DIR=/opt/numba python -c "from allocation.districting import warm_up; warm_up()"',
        "USER caseload",
    ]
    (folder / "Dockerfile.older").write_text("\n".join(lines), encoding="utf-8")
    words = ["podman", "build", "--quiet", "--pull=never", "-f", str(folder / "Dockerfile.older")]
    podman.run(*words, "-t", "docker.io/library/smc-caseload:older", str(code))
    say(f"image with the code of {OLDER}")
