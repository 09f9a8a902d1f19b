"""Where the estimate leans on little, in Dutch."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from allocation.demand.doubts import Doubt
from allocation.report.estimate import leans_on_little, sentences, suspected_breaks
from allocation.runs import run_files


def facts(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame([(str(kind), *rest) for kind, *rest in rows], columns=["kind", "subject", "amount"])


def test_every_kind_has_its_sentence() -> None:
    said = sentences(facts(
        (Doubt.SHORT, "", 14.0), (Doubt.BREAK, "WIA_EWT", 0.874), (Doubt.ENDED, "RIV", 300.0),
        (Doubt.STARTED, "PW_ABA", 9.0), (Doubt.RESTLESS, "1013", 1.6), (Doubt.RESTLESS, "1011", 0.2),
        (Doubt.DIVIDED_OTHERWISE, "", 30.0),
    ))  # fmt: skip
    assert len(said) == len(Doubt)
    assert "14 maanden" in said[0]
    assert "WIA_EWT" in said[1]
    assert "87%" in said[1]
    assert said[2].startswith("RIV komt niet meer binnen")
    assert "9 maanden" in said[3]
    assert said[4].endswith("De raming steunt op de 30 maanden daarna.")
    assert "In 2 postcodes" in said[5]
    assert "1011, 1013" in said[5]


def test_a_long_list_of_postcodes_is_cut() -> None:
    said = sentences(facts(*((Doubt.RESTLESS, str(1000 + at), 2.0) for at in range(20))))
    assert said[0].count(",") >= 11
    assert "en nog 8." in said[0]


def test_of_a_run_that_kept_none_nothing_is_said(tmp_path: Path) -> None:
    assert leans_on_little(tmp_path) == suspected_breaks(tmp_path) == []
    run_files.DOUBTS.write(tmp_path, facts((Doubt.BREAK, "A", 0.6), (Doubt.ENDED, "B", 5.0)))
    assert len(leans_on_little(tmp_path)) == 2
    assert len(suspected_breaks(tmp_path)) == 1
