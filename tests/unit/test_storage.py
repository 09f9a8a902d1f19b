"""Addresses of object storage as people see them; `tests/integration/storage` copies with a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocation import storage
from allocation.contract.errors import Refused


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("s3://KEY:geheim@bucket/prefix", "s3://***@bucket/prefix"),
        ("https://acc.blob.core.windows.net/box?sv=1&sig=geheim", "https://acc.blob.core.windows.net/box"),
    ],
)
def test_an_address_is_shown_without_its_secret(address: str, shown: str) -> None:
    assert storage.without_secret(address) == shown


def test_an_address_that_is_none_is_refused_without_its_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASELOAD_FILES", "ftp://KEY:geheim@host/box?sig=geheim")
    monkeypatch.setenv("CASELOAD_VAR", str(tmp_path))
    with pytest.raises(Refused, match="is not an address of object storage") as refused:
        storage.exists(tmp_path / "runs" / "a")
    assert "geheim" not in str(refused.value)
