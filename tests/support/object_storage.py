"""A real S3 server (SeaweedFS) on this machine, for tests of what runs without a shared disk."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("weed")
KEY = "caseload"
PORTS = (
    "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port",
    "s3.port.grpc", "s3.port.iceberg", "s3.port.lance",
)  # fmt: skip


@dataclass(frozen=True)
class S3Server:
    """``settings``: the environment in which a program reaches it."""

    settings: dict[str, str] = field(repr=False)

    def address(self) -> str:
        """A place of its own in the bucket."""
        return f"s3://caseload/{secrets.token_hex(6)}"


@contextmanager
def s3_server(folder: Path, host: str = "127.0.0.1") -> Iterator[S3Server]:
    """Started on free ports, with its data in ``folder``; stopped in the end. ``host``: where it listens."""
    secret = secrets.token_hex(16)
    who = {"credentials": [{"accessKey": KEY, "secretKey": secret}], "actions": ["Admin", "Read", "Write", "List"]}
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [{"name": KEY, **who}]}), encoding="utf-8")
    (folder / "data").mkdir()
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    words = [f"-{name}={port}" for name, port in ports.items()]
    words += [
        f"-ip={host}",
        f"-ip.bind={host}",
        f"-dir={folder / 'data'}",
        f"-s3.config={config}",
        "-s3",
        "-volume.max=30",
    ]
    log = (folder / "log").open("wb")
    # A small limit: a volume is a file that is laid out at its full length at once.
    server = subprocess.Popen([PROGRAM, "server", *words, "-master.volumeSizeLimitMB=64"], stdout=log, stderr=log)
    address = f"http://{host}:{ports['s3.port']}"
    try:
        _wait(server, f"{address}/healthz", folder / "log")
        yield S3Server({
            "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true",
        })  # fmt: skip
    finally:
        server.kill()
        server.wait()
        log.close()


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except urllib.error.HTTPError:  # it answers
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the S3 server did not start: {log.read_text(encoding='utf-8')[-2000:]}")
