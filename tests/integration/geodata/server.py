"""A real OGC API Features server (pygeoapi) on loopback that serves boundaries the way PDOK does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from geopandas import GeoDataFrame

RD = "http://www.opengis.net/def/crs/EPSG/0/28992"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_collection(folder: Path, name: str, table: GeoDataFrame) -> None:
    """``table`` as a GeoJSON file in RD New with a text id per feature, the form in which pygeoapi takes it."""
    features = json.loads(table.to_json(drop_id=True, to_wgs84=False))["features"]
    for number, feature in enumerate(features):
        feature["id"] = f"{name}.{number}"
    (folder / f"{name}.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def _resource(path: Path) -> dict[str, Any]:
    return {
        "type": "collection",
        "title": path.stem,
        "description": path.stem,
        "keywords": ["boundaries"],
        "links": [],
        "extents": {"spatial": {"bbox": [3.3, 50.7, 7.3, 53.6], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
        "providers": [
            {"type": "feature", "name": "GeoJSON", "data": str(path), "id_field": "id", "crs": [RD], "storage_crs": RD}
        ],
    }


def _configuration(folder: Path, port: int, public_url: str) -> dict[str, Any]:
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": public_url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "limits": {"default_items": 10, "max_items": 1000, "on_exceed": "throttle"},
            "map": {"url": "about:blank", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "Boundaries",
                "description": "Postcode areas and regions for tests",
                "keywords": ["boundaries"],
                "keywords_type": "theme",
                "terms_of_service": "none",
                "url": public_url,
            },
            "license": {"name": "none", "url": public_url},
            "provider": {"name": "tests", "url": public_url},
            "contact": {"name": "tests"},
        },
        "resources": {path.stem: _resource(path) for path in sorted(folder.glob("*.geojson"))},
    }


@contextmanager
def serve(folder: Path, port: int, public_url: str) -> Iterator[str]:
    """pygeoapi on ``port``, serving every .geojson in ``folder``; its links point to ``public_url``.

    Gives the server's own address. Fails loudly, with the server's words, when it does not come up.
    """
    config, openapi, log = folder / "config.yml", folder / "openapi.json", folder / "server.log"
    config.write_text(yaml.safe_dump(_configuration(folder, port, public_url)))
    environment = os.environ | {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(openapi)}
    start = (
        "import json; from pathlib import Path;"
        "from pygeoapi.openapi import get_oas; from pygeoapi.config import get_config; config = get_config();"
        f"Path({str(openapi)!r}).write_text(json.dumps(get_oas(config, fail_on_invalid_collection=True), default=str));"
        f"from pygeoapi.flask_app import APP; APP.run(host='127.0.0.1', port={port}, threaded=True)"
    )
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-c", start], env=environment, stdout=output, stderr=output)
        try:
            _wait_until_up(f"http://127.0.0.1:{port}/collections?f=json", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=10)


def _wait_until_up(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"pygeoapi did not come up:\n{log.read_text()}")
