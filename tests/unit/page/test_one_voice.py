"""Page, report, summary, comparison of versions and tables say the same of one proposal.

The country is uneven on purpose. West has two lines and a team of both; a postcode is split at PC6, one is barred, W9
has ended and had postcodes and files, O2 is renamed, and there are PW clients in a special group. The division in force
has West in one line.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.contract import calendar
from allocation.contract.vocabulary import ALL_LINES
from allocation.page import answers
from allocation.page.moving import moving
from allocation.page.whatif import Bench
from allocation.pipeline import steps
from allocation.publication import reads
from allocation.report.board import Board
from allocation.report.decision import main_figures
from allocation.report.dutch import number
from allocation.report.frames import Frames
from allocation.report.map import SHOWN
from allocation.report.summary import summary
from allocation.runs.run import Run
from tests.support import gates, toy
from tests.support.browser import divided, start_toy


def before() -> dict[str, pd.DataFrame]:
    """The first division: West in one line, with W9 in the place of W3; O3 in the place of O2."""
    frames = toy.tables()
    teams = frames["teams"].to_dict("records")
    renamed = [team | {"team_id": "O3"} if team["team_id"] == "O2" else team for team in teams]
    frames["teams"] = pd.DataFrame([*renamed, toy.team("W9", "1", "1005", valid_to="2025-12-31")])
    current = frames["current"].replace({"team_id": {"O2": "O3"}})
    current.loc[current["pc4"].isin(["1005", "1010"]) & current["team_id"].isin(["W1", "W2"]), "team_id"] = "W9"
    return frames | {"current": current}


def after() -> dict[str, pd.DataFrame]:
    frames = before()
    rest = frames["teams"][~frames["teams"]["team_id"].isin(["W1", "W2", "O3"])].to_dict("records")
    lines = {"W1": {"client_lines": "vangnet"}, "W2": {"client_lines": "werkgever", "laws": "WIA"}, "W3": {}}
    west = [toy.team(name, "1", code, fte_verzekeringsarts=fte, **lines[name])
            for name, code, fte in (("W1", "1001", "0.7"), ("W2", "1010", "0.9"), ("W3", "1006", "1.2"))]  # fmt: skip
    frames["teams"] = pd.DataFrame([*west, *rest, toy.team("O2", "Oost", "1012", fte_verzekeringsarts="1.5")])
    frames["locks"] = toy.locks(
        ("1006AA-1006JZ", "W3", "split", "1", ""), ("1001", "W3", "bar", "", ""), ("1003", "O1", "pin", "", "")
    )
    stock = frames["stock"]
    date = stock["reference_date"].iloc[0]
    more = [
        (date, "1001", "ZW_EZWB", "vangnet", "regulier", "7", "W9"), (date, "1011", "WIA_EWT", "alle", "klm", "3", ""),
        (date, "1002", "WIA_EWT", "werkgever", "regulier", "5", "W1"),
        (date, "1009", "WIA_EWT", "vangnet", "politie", "4", ""),
    ]  # fmt: skip
    stock = pd.concat([stock, pd.DataFrame(more, columns=stock.columns)], ignore_index=True)
    stock["pw_client"] = np.where(stock["client_group"].eq("politie") | stock["product"].eq("PW_ABA"), "true", "false")
    return frames | {"stock": stock, "current": frames["current"].iloc[:0]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The second division, with the first in force."""
    var = tmp_path_factory.mktemp("voice") / "var"
    settings = {"tolerance": 0.9, "solver": {"iterations": 2000, "workers": 1}}
    first = divided(start_toy(var / "first", before(), **settings))
    gates.propose(first)
    steps.publish(first)
    second = start_toy(var / "second", after(), **settings)

    moved = Run.start(
        input_dir=Path(str(second.input_dir)), boundaries=second.boundaries, store=first.store, config=second.config,
        var=first.var, run_id="second", today=calendar.today(), created_by="planner",
    )  # fmt: skip
    return divided(moved)


@pytest.fixture(scope="module")
def made(run: Run) -> Run:
    """The same as a proposal."""
    steps.write_report(run)
    gates.propose(run)
    return run


@pytest.mark.heavy
def test_changes_of_page_report_summary_tables_and_compared_versions(made: Run) -> None:
    changes, moves = made.frame("allocation_changes"), made.frame("transition")
    codes, files = set(changes["pc4"]), int(moves.loc[moves["movement"] == "verhuist", "clients"].sum())
    assert len(codes) >= 4
    assert files >= 10
    compared = reads.compare(1, 2, made.store)
    assert set(compared["pc4"]) == codes
    told = summary(made)
    assert (told["areas_moved"], told["clients_moved"]) == (len(codes), files)
    figures = {figure.name: figure.proposal for figure in main_figures(Frames.read(made.folder))}
    assert figures["Postcodes die wisselen"] == number(len(codes))
    assert figures["Dossiers die verhuizen"] == number(files)
    assert int(made.frame("region_summary")["clients_moved"].sum()) == files
    bench = Bench(made.folder)
    base = bench.variant_unchanged
    assert sum(moving(bench, base, domain, ALL_LINES, None).files for domain in ("zw_wia", "pw")) == files
    listed = {row["pc4"] for key, *_ in SHOWN for row in answers.change_rows(bench, base, key, None)}
    assert listed == codes


@pytest.mark.heavy
def test_the_figures_of_each_team_are_those_of_its_load(run: Run) -> None:
    load = run.frame("team_load").set_index(["team_id", "law_domain", "client_line"])
    seen = 0
    for part in Board.read(run.folder).layers:
        sums, problem = part.sums.teams, part.layer.problem
        for at, team in enumerate(problem.team_ids):
            row = load.loc[(team, part.layer.law_domain, part.layer.client_line)]
            own = {
                "hours_verzekeringsarts": sums.hours, "target_hours": sums.target, "deviation": sums.deviation,
                "waiting_months": sums.waiting_months, "travel_km": sums.travel_km, "clients_per_year": sums.clients,
                "hours_low": sums.low, "hours_high": sums.high, "areas": sums.areas, "pieces": sums.pieces,
                "capacity_hours_verzekeringsarts": problem.capacity,
            }  # fmt: skip
            for name, values in own.items():
                assert values[at] == pytest.approx(row[name], rel=1e-6, abs=1e-9, nan_ok=True), (team, name)
            seen += 1
    assert seen == len(load[load["kind"] != "bijzonder"])


@pytest.mark.heavy
def test_the_worst_figures_are_those_of_the_tables(run: Run) -> None:
    load = run.frame("team_load")
    divided_teams = load[load["kind"] != "bijzonder"]
    assert summary(run)["worst_deviation"] == pytest.approx(divided_teams["deviation"].abs().max())
    regions = run.frame("region_summary")
    assert regions["areas_moved"].sum() >= run.frame("allocation_changes")["pc4"].nunique()
