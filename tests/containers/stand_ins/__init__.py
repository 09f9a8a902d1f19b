"""Stand-ins for the images that docker-compose.yml and the Dockerfile name, made of Debian's packages.

They show users, rights, volumes, secrets, networks, start order and health commands. They cannot show what the official
images do beyond that.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
PYTHON = "docker.io/library/python:3.11.11-slim-bookworm"
POSTGRES_HOOKS = (
    'mkdir -p "$1/docker-entrypoint-initdb.d" "$1/var/lib/postgresql/data"',
    'chroot "$1" chown -R postgres: /var/lib/postgresql /var/run/postgresql',
    f'install -m 755 {HERE / "postgres.sh"} "$1/usr/local/bin/docker-entrypoint.sh"',
)
POSTGRES_SETTINGS = (
    "ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin",
    "ENV PGDATA=/var/lib/postgresql/data",
    "VOLUME /var/lib/postgresql/data",
    'ENTRYPOINT ["docker-entrypoint.sh"]',
    'CMD ["postgres", "-c", "listen_addresses=*"]',
)
IMAGES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    PYTHON: (
        ("python3", "python3-venv"),
        ('ln -s /usr/bin/python3 "$1/usr/local/bin/python"',),
        (),
    ),
    "docker.io/library/postgres:16.4": (("postgresql-15",), POSTGRES_HOOKS, POSTGRES_SETTINGS),
    "docker.io/postgis/postgis:16-3.4": (
        ("postgresql-15", "postgresql-15-postgis-3"),
        (*POSTGRES_HOOKS, f'cp {HERE / "postgis.sql"} "$1/docker-entrypoint-initdb.d/10-postgis.sql"'),
        POSTGRES_SETTINGS,
    ),
    "docker.io/valkey/valkey:8.0": (
        ("redis-server",),
        (
            *(f'ln -s redis-{name} "$1/usr/bin/valkey-{name}"' for name in ("server", "cli")),
            'chroot "$1" useradd --system --home-dir /data --create-home valkey',
        ),
        ("WORKDIR /data", "ENTRYPOINT []"),
    ),
    "localhost/bare-debian:1": (("python3", "python3-venv", "make"), (), ()),
}
"""Image: its packages, what is done to its root folder, and its settings."""


def build(name: str) -> bool:
    """Make one image where it is not there yet; returns whether it was made."""
    if subprocess.run(["podman", "image", "exists", name], check=False).returncode == 0:
        return False
    packages, hooks, settings = IMAGES[name]
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "root.tar"
        make = ["mmdebstrap", "--quiet", "--variant=apt", "--mode=root", "--skip=check/empty"]
        make += [f"--include={','.join(packages)}", *(f"--customize-hook={hook}" for hook in hooks)]
        subprocess.run([*make, "bookworm", str(archive), str(SOURCES)], check=True)
        changes = [word for setting in settings for word in ("--change", setting)]
        subprocess.run(["podman", "import", "--quiet", *changes, str(archive), name], check=True, capture_output=True)
    return True
