"""The data of the map in a report that was written: read, and put back changed."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any

from allocation.report.report import packed

_DATA = re.compile(r'(?<=id="kaartgegevens">)[^<]*')


def map_of(page: str) -> dict[str, Any]:
    """The value that the report's script reads."""
    found = _DATA.search(page)
    assert found
    value: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(found.group())))
    return value


def with_map(page: str, value: dict[str, Any]) -> str:
    """The report with another value in its place."""
    return _DATA.sub(packed(value), page)
