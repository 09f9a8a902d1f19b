"""Addresses of object storage as people see them; `tests/integration/storage` copies with a server."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from allocation import storage
from allocation.contract.errors import Passing, Refused
from allocation.storage import bucket


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


@pytest.mark.heavy
def test_a_server_that_is_away_is_told_without_the_secret_in_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the sentence nor in the log of a task, which shows the cause too."""
    monkeypatch.setattr(bucket, "_RETRIES", {"max_retries": 0})
    for name, value in {
        "CASELOAD_FILES": "s3://caseload/guarded", "CASELOAD_VAR": str(tmp_path),
        "AWS_ENDPOINT_URL": "http://user:geheim@127.0.0.1:9", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for ask in (storage.exists, storage.names, storage.fetch):
        with pytest.raises(Passing, match=r"cannot be reached: .*http://\*\*\*@127\.0\.0\.1:9/caseload") as refused:
            ask(tmp_path / "runs" / "a")
        assert "geheim" not in "".join(traceback.format_exception(refused.value))
