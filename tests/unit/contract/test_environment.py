from __future__ import annotations

from pathlib import Path

import pytest

from allocation.contract.environment import environment
from allocation.contract.errors import Refused


def test_nothing_set_is_the_embedded_store_in_the_folder_var(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CASELOAD_STORE", raising=False)
    monkeypatch.delenv("CASELOAD_VAR", raising=False)
    assert environment().store_url() == "sqlite:///var/caseload.sqlite"
    assert environment().store_url(Path("/data")) == "sqlite:////data/caseload.sqlite"


def test_the_store_goes_before_the_folder_and_an_empty_variable_counts_as_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CASELOAD_STORE", "postgresql://host/db")
    monkeypatch.setenv("CASELOAD_INPUT", "")
    assert environment().store_url(Path("/data")) == "postgresql://host/db"
    assert environment().input is None


def test_the_address_of_the_store_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASELOAD_STORE", "postgresql://me:planted-secret@host/db")
    assert "planted-secret" not in repr(environment())


def test_every_variable_that_is_not_understood_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASELOAD_KEEP_DAYS", "ninety")
    monkeypatch.setenv("CASELOAD_KEEP_RUNS", "-1")
    with pytest.raises(Refused) as refused:
        environment()
    first, second = str(refused.value).splitlines()
    assert first.startswith("CASELOAD_KEEP_DAYS: ")
    assert second == "CASELOAD_KEEP_RUNS: Input should be greater than or equal to 0"
