"""What lives longer than a request: searches beside the page, bounded; and which proposal an address shows."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

import pytest
from fastapi.testclient import TestClient

from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.page.app import create_app
from allocation.page.desk import MOST_SEARCHES, Desk
from allocation.runs.run import Run
from tests.support import toy


def test_searches_leave_threads_for_other_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request waits in a thread of the server; of those there are forty, for look-ups too."""
    layer = toy.build(tmp_path / "input").layers[0]
    config = Config.from_values({"solver": {"iterations": 1000, "workers": 1}})
    desk, goes_on = Desk(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path), Event()
    with ThreadPoolExecutor(1) as worker, ThreadPoolExecutor(MOST_SEARCHES + 1) as askers:
        worker.submit(goes_on.wait)  # the searches wait behind this
        monkeypatch.setattr(desk, "_solver", worker)
        asked = [askers.submit(desk.solve, config, layer, 0) for _ in range(MOST_SEARCHES + 1)]
        first = wait(asked, timeout=60, return_when=FIRST_COMPLETED).done
        goes_on.set()
        done = wait(asked, timeout=60).done - first
    (refused,) = [one.exception() for one in first]
    assert isinstance(refused, Refused)
    assert "herberekend" in str(refused)
    assert [len(one.result()) for one in done] == [layer.problem.n] * MOST_SEARCHES
    monkeypatch.undo()
    assert len(desk.solve(config, layer, 0)) == layer.problem.n  # there is room again
    desk.close()


def test_an_address_with_a_run_that_is_gone_says_what_is_shown_instead(proposed: Run) -> None:
    app = create_app(proposed.store, proposed.var)
    client = TestClient(app)
    told = "De run uit dit adres is er niet (meer); u ziet in plaats daarvan versie 1 (voorgesteld)."
    for address, is_told in (("/", False), (f"/?run={proposed.run_id}", False), ("/?run=weg", True)):
        page = client.get(address)
        assert page.status_code == 200
        assert (told in page.text) == is_told, address
    app.state.desk.close()
