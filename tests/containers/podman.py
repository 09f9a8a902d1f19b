"""Podman on this machine, with settings that work as root in a container or virtual machine too.

``python -m tests.containers.podman`` says whether containers can be started here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SETTINGS = """[containers]
default_ulimits = ["nofile=16384:16384", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
"""
NEEDED = ("podman", "podman-compose", "mmdebstrap", "runc", "netavark", "aardvark-dns", "iptables")
HELPERS = "/usr/lib/podman:/usr/libexec/podman:/usr/sbin"
PIP_CONFIGURATION = Path("/etc/pip.conf")


def missing() -> list[str]:
    """What containers need and this machine lacks: programs, and to be root."""
    return [name for name in NEEDED if which(name) is None] + ([] if os.geteuid() == 0 else ["root"])


def which(name: str) -> str | None:
    """A program on the path, beside this Python, or among the helpers of podman."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name, path=f"{os.environ['PATH']}:{HELPERS}")


def run(*words: str, **options: Any) -> str:
    """What a command prints. Raises CalledProcessError with both its outputs shown when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n", file=sys.stderr)
        done.check_returncode()
    return done.stdout


def prepare(folder: Path) -> None:
    """Let every command of podman from now on use ``SETTINGS``."""
    (folder / "containers.conf").write_text(SETTINGS, encoding="utf-8")
    os.environ["CONTAINERS_CONF"] = str(folder / "containers.conf")


def building(folder: Path) -> list[str]:
    """Options of a build or a run that must reach a package index: this machine's network, pip settings, certificates.

    They are mounted for that time; nothing of them is in the image.
    """
    options = ["--network=host", "--pull=never"]
    if PIP_CONFIGURATION.exists():
        options.append(f"--volume={PIP_CONFIGURATION}:{PIP_CONFIGURATION}:ro")
    certificates = os.environ.get("SSL_CERT_FILE")
    if certificates:
        settings = folder / "uv.toml"
        settings.write_text("native-tls = true\n", encoding="utf-8")
        options += [f"--volume={certificates}:/etc/ssl/certs/ca-certificates.crt:ro"]
        options += [f"--volume={settings}:/etc/uv/uv.toml:ro"]
    return options


@dataclass
class Compose:
    """Compose files, started under a name of their own. ``files``: the later ones change what the first says."""

    files: tuple[Path, ...]
    name: str
    settings: Path
    scales: dict[str, int] = field(default_factory=dict)

    def __call__(self, *words: str) -> str:
        """A command of podman-compose."""
        program = which("podman-compose")
        assert program is not None
        named = [word for file in self.files for word in ("-f", str(file))]
        start = [program, "--in-pod", "false", "-p", self.name, *named, "--env-file", str(self.settings)]
        return run(*start, *words, cwd=self.files[0].parent)

    def up(self, *services: str, scale: Mapping[str, int] | None = None) -> None:
        """Start services without those they depend on: the caller keeps the order."""
        scales = [word for name, count in (scale or {}).items() for word in ("--scale", f"{name}={count}")]
        self("up", "-d", "--no-deps", "--no-build", *scales, *services)

    def remove(self, *services: str) -> None:
        """End services and remove their containers, in this order: none before those that depend on it."""
        for service in services:
            begin = f"{self.name}_{service}_"
            names = run("podman", "ps", "-a", "--format", "{{.Names}}", "--filter", f"name=^{begin}").split()
            if names:
                run("podman", "rm", "-f", "-v", "-t", "20", *names)

    def take_down(self) -> None:
        """Remove every container of this name, with volumes and network; podman-compose forgets a second worker."""
        begin = f"name=^{self.name}_"
        for kind, listed, remove in (
            ("container", ("ps", "-a", "--format", "{{.Names}}"), ("rm", "-f", "-v", "-t", "5")),
            ("volume", ("volume", "ls", "--format", "{{.Name}}"), ("volume", "rm", "-f")),
            ("network", ("network", "ls", "--format", "{{.Name}}"), ("network", "rm", "-f")),
        ):
            for _ in range(5):  # podman refuses to remove what ends by itself just then
                names = run("podman", *listed, "--filter", begin).split()
                if not names:
                    break
                subprocess.run(["podman", *remove, *names], capture_output=True, check=False)
            else:
                raise AssertionError(f"a {kind} is left: {run('podman', *listed, '--filter', begin)}")

    def container(self, service: str, number: int = 1) -> str:
        """The name of a container."""
        return f"{self.name}_{service}_{number}"

    def is_healthy(self, service: str, number: int = 1) -> bool:
        """Whether the health command of the compose file succeeds now."""
        words = ["podman", "healthcheck", "run", self.container(service, number)]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    def logs(self, service: str) -> str:
        """The last lines that a service wrote, for whoever looks for what went wrong."""
        words = ["podman", "logs", "--tail", "30", self.container(service)]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.stdout

    def mounts(self, service: str, number: int = 1) -> list[str]:
        """Where the volumes of a container lie on this machine."""
        mounts = json.loads(run("podman", "inspect", self.container(service, number)))[0]["Mounts"]
        return [str(mount["Source"]) for mount in mounts]

    def exec(self, service: str, *words: str, options: Sequence[str] = ()) -> str:
        """What a command inside a service prints."""
        return run("podman", "exec", *options, self.container(service), *words)

    def state(self, service: str, number: int = 1) -> dict[str, Any]:
        """The state of a container, as ``podman inspect`` gives it."""
        return dict(json.loads(run("podman", "inspect", self.container(service, number)))[0]["State"])


if __name__ == "__main__":
    lacking = missing()
    print(
        f"Containers cannot be started here, for want of: {', '.join(lacking)}."
        if lacking
        else "Containers can be started here."
    )
    sys.exit(1 if lacking else 0)
