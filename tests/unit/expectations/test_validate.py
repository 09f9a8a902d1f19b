"""The gate as the pipeline meets it: passes, refuses and says what, warns, and never lets a broken check through."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from expectations import engine, inputs, outcome
from expectations.inputs import stock_ratios, unusual_months
from expectations.outcome import count_pieces
from expectations.rules import Outcome, Rule, Suites, places_in_words
from expectations.validate import ValidationFailed, validate_inputs, validate_outcome
from tests.unit.expectations.small_run import MONTHS, small_run


def test_validation_folder_passes_both_gates(inputs_outcome: Outcome, outcome_outcome: Outcome) -> None:
    for found in (inputs_outcome, outcome_outcome):
        assert found.success
        assert found.failed == ()
        assert found.statistics["met"] == found.statistics["checks"] > 100


def test_both_gates_leave_their_docs(
    validation_folder: Path, inputs_outcome: Outcome, outcome_outcome: Outcome
) -> None:
    for found in (inputs_outcome, outcome_outcome):
        assert found.docs == validation_folder / "data_docs" / found.gate / "index.html"
        assert found.docs.stat().st_size > 1000
        assert not (validation_folder / f"{found.gate}.duckdb").exists()


def test_refusal_names_what_failed_and_where(tmp_path: Path) -> None:
    """Postcode 1004 lost its werkgever team, team A1 is beyond its tolerance: the first blocks, the second warns."""
    run = small_run()
    division = run.outcome["allocation"]
    run.outcome["allocation"] = division[~((division["pc4"] == "1004") & (division["client_line"] == "werkgever"))]
    load = run.outcome["team_load"]
    run.outcome["team_load"] = load.assign(tolerance=0.01, is_within_tolerance=load["deviation"].abs() <= 0.01)
    found = validate_outcome(run.outcome_facts(), tmp_path)
    error = ValidationFailed(found)
    assert not found.success
    assert "allocation_total" in {failure.expectation for failure in found.of("critical")}
    assert {failure.expectation for failure in found.of("warning")} == {"beyond_tolerance"}
    text = str(error)
    assert "Nothing was published" in text
    assert "allocation, column share: the shares of a postcode, law domain and line do not sum to 1" in text
    assert "pc4 1004, law_domain zw_wia, client_line werkgever, shares 0" in text
    assert "tolerance" not in text, "warnings are counted, not listed among what blocks"
    assert str(found.docs) in text
    assert found.docs.exists()
    assert (tmp_path / "outcome.duckdb").exists(), "kept for whoever has to find out why"


def test_refusal_survives_another_process(outcome_outcome: Outcome) -> None:
    error = ValidationFailed(replace(outcome_outcome, success=False))
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.outcome) == (str(error), error.outcome)


def test_a_missing_table_and_a_column_that_is_gone_block(tmp_path: Path) -> None:
    run = small_run()
    run.absent = ("routing",)
    run.outcome["transition"] = run.outcome["transition"].drop(columns="movement")
    found = validate_outcome(run.outcome_facts(), tmp_path)
    assert ("routing", "table_exists", "critical") in {(f.table, f.expectation, f.severity) for f in found.failed}
    assert {("transition", "movement")} <= {(f.table, f.column) for f in found.of("critical")}
    assert not found.success


def test_a_missing_input_is_a_failure(tmp_path: Path) -> None:
    run = small_run()
    run.absent = ("work",)
    found = validate_inputs(run.input_facts(), tmp_path)
    assert [(f.table, f.expectation) for f in found.failed] == [("work", "table_exists")]
    assert not found.success


def test_a_check_that_breaks_down_blocks_even_if_it_only_warns(tmp_path: Path) -> None:
    frames = {"allocation": small_run().outcome["allocation"]}
    rule = Rule("odd", "allocation", "pc4", "warning", "odd", "vreemd", "select absent from allocation")
    found = engine.run(Suites("outcome", (), (rule,), frames), tmp_path)
    assert not found.success
    assert [(f.expectation, f.severity, f.sentence) for f in found.failed] == [
        ("odd", "critical", "the check itself broke down")
    ]
    assert 'column "absent" not found' in found.failed[0].examples[0]["reason"]


def test_examples_are_capped_and_the_rest_is_counted(tmp_path: Path) -> None:
    frame = pd.DataFrame({"pc4": [str(1000 + i) for i in range(57)]})
    rule = Rule("all", "area", "pc4", "critical", "it is there", "het is er", "select pc4 from area")
    found = engine.run(Suites("outcome", (), (rule,), {"area": frame}), tmp_path)
    assert found.failed[0].how_many == 57
    assert found.failed[0].places[::20] == ["pc4 1000", "+37 more"]
    assert places_in_words([{"a": "1", "b": "x, y"}, {}], 2) == ["a 1, b x, y", "empty row"]


def test_outcome_is_ready_for_json(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": np.arange(3), "x": [1.5, np.nan, 2.5]})
    rule = Rule("all", "t", "n", "warning", "it is there", "het is er", "select n, x from t")
    found = engine.run(Suites("outcome", (), (rule,), {"t": frame}), tmp_path)
    assert found.success, "a warning does not block"
    told = json.loads(json.dumps(found.as_dict()))
    assert told["failed"][0]["examples"] == [{"n": "0", "x": "1.5"}, {"n": "1"}, {"n": "2", "x": "2.5"}]
    assert told["failed"][0]["sentence_nl"] == "het is er"


def test_unusual_month_by_hand() -> None:
    """Eleven months of 100 and one of 190: the others' mean is 100 and their variance 0, so that of chance counts: 100.
    (190 - 100) / sqrt(100 (1 + 1/11)) = 8.617."""
    areas = pd.DataFrame({"pc4": ["1000"], "arbeidsmarktregio": ["Regio 1"]})
    inflow = pd.DataFrame({"month": MONTHS, "pc4": "1000", "product": "P", "clients": [100] * 11 + [190]})
    rows = unusual_months(inflow, areas).set_index(["series", "month"])
    assert rows.loc[("product P", "2025-12"), "sds"] == pytest.approx(90 / np.sqrt(100 * 12 / 11))
    assert rows.loc[("regio Regio 1", "2025-12"), "expected"] == pytest.approx(100)
    assert rows["sds"].abs().max() == rows.loc[("product P", "2025-12"), "sds"]


def test_stock_ratio_by_hand() -> None:
    """Inflow 30 and 10, stock 20 in the second region only: at the country's half a client of stock per client of
    inflow the first should have 15 and the second 5."""
    areas = pd.DataFrame({"pc4": ["1000", "2000"], "arbeidsmarktregio": ["A", "B"]})
    inflow = pd.DataFrame({"pc4": ["1000", "2000"], "product": "P", "clients": [30, 10]})
    stock = pd.DataFrame({"pc4": ["2000", "2000"], "product": ["P", "MONITOR"], "clients": [20, 7]})
    rows = stock_ratios(inflow, stock, areas).set_index(["region", "product"])
    assert rows["explained"].to_dict() == {("A", "P"): 15.0, ("B", "P"): 5.0}
    assert rows["clients"].to_dict() == {("A", "P"): 0.0, ("B", "P"): 20.0}


def test_pieces_by_hand() -> None:
    """a - b - c   d: with b the first three hang together, without it nothing does; a postcode named twice is one."""
    pairs = np.array([["a", "b"], ["b", "c"]], dtype=object)
    assert count_pieces(pd.Series(["a", "b", "c", "b"]), pairs) == 1
    assert count_pieces(pd.Series(["a", "c"]), pairs) == 2
    assert count_pieces(pd.Series(["a", "b", "d"]), pairs) == 2
    assert count_pieces(pd.Series([], dtype=object), pairs) == 0


def test_rules_are_worded_in_two_languages() -> None:
    for rule in (*inputs.RULES, *outcome.RULES):
        assert rule.says
        assert rule.zegt
        assert rule.says != rule.zegt


def test_importing_the_gate_does_not_import_great_expectations() -> None:
    """DAG files import it: Great Expectations would cost each of them seconds."""
    code = "import sys, expectations.validate; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "name",
    [
        "map met spatie en $HOME ? # % 20%20 ;&=ë's",
        *(pytest.param(name, marks=pytest.mark.heavy) for name in ("$HOME", "a%20b%3Fc", "kaart's ;&=ë")),
    ],
)
def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    """Great Expectations takes an address for the file with the answers: what has a meaning there is spelled."""
    run, folder = small_run(), tmp_path / name
    passed = validate_inputs(run.input_facts(), folder)
    assert passed.success
    assert passed.docs == folder / "data_docs" / "inputs" / "index.html"
    assert passed.docs.exists()
    division = run.outcome["allocation"]
    run.outcome["allocation"] = division[division["pc4"] != "1004"]
    refused = validate_outcome(run.outcome_facts(), folder)
    assert "allocation_total" in {failure.expectation for failure in refused.of("critical")}
    assert (folder / "outcome.duckdb").exists()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_great_expectations_does_with_its_files_is_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine.new_context(tmp_path / "site")
    assert [one.getMessage() for one in caplog.records if one.name.startswith("great_expectations")] == []
