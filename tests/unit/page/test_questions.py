"""What planners ask first, on the toy country: each ranking against a recount of its own."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from allocation.page.changes import ChangeSet, Move, TeamChange
from allocation.page.questions import questions
from allocation.page.whatif import Bench
from allocation.publication.hands import changes_of_hands
from allocation.runs.run import Run
from tests.unit.page.test_whatif import move, team_of

KEY = {"law_domain": "zw_wia", "client_line": "alle"}
NOBODY = pd.DataFrame(columns=["pc4", "law_domain", "client_line", "team_id", "since"])


@pytest.fixture(scope="module")
def bench(run: Run) -> Bench:
    return Bench(run.folder)


def held(*rows: tuple[str, str, int]) -> pd.DataFrame:
    """(pc4, team, year since when)."""
    return pd.DataFrame([{"pc4": pc4, **KEY, "team_id": team, "since": date(year, 1, 1)} for pc4, team, year in rows])


def asked(bench: Bench, changes: ChangeSet, history: pd.DataFrame = NOBODY) -> dict[str, dict]:  # type: ignore[type-arg]
    return {one["key"]: one for one in questions(bench, bench.variant(changes), history)}


def test_the_heaviest_team_comes_first_and_a_change_is_seen_at_once(bench: Bench) -> None:
    """All of West to one team: it has twice the work of before, more than any other team for ZW and WIA."""
    base = bench.variant(ChangeSet())
    west = ("1001", "1002", "1005", "1006", "1009", "1010")
    changes = ChangeSet(moves=tuple(Move(layer="vangnet", pc4=code, team_id="W1") for code in west))
    first = next(one for one in asked(bench, changes)["overbelast"]["answers"] if one["cells"][0] == "ZW en WIA")
    part = next(p for p in bench.board.layers if "W1" in p.layer.problem.team_ids)
    capacity = part.layer.problem.capacity[list(part.layer.problem.team_ids).index("W1")]
    assert first["team"] == "W1"
    assert first["cells"][1] == f"{part.hours.sum() / capacity * 100:.1f}%".replace(".", ",")
    before = {one["team"]: one["cells"][1] for one in asked(bench, ChangeSet())["overbelast"]["answers"]}
    assert before["W1"] != first["cells"][1]
    assert team_of(base, "1001") in ("W1", "W2")


def test_one_more_fte_helps_most_where_files_are_many_and_hours_few(bench: Bench) -> None:
    """Half the hours in West: of ZW and WIA it waits longest, and one fte brings it most; recounted here."""
    changes = ChangeSet(teams=(TeamChange(team_id="W1", fte=0.5), TeamChange(team_id="W2", fte=0.6)))
    told, variant = asked(bench, changes), bench.variant(changes)
    first = {key: next(a for a in told[key]["answers"] if a["cells"][0] == "ZW en WIA") for key in ("wachten", "fte")}
    assert (first["wachten"]["name"], first["fte"]["name"]) == ("West", "West")
    west = next(p for p in variant.sums if "W1" in p.board.layer.problem.team_ids)
    hours, files = float(west.capacity.sum()), west.board.files.hours
    assert hours == pytest.approx(1.1 * 1200)
    now, then = files / (hours / 12), files / ((hours + 1200) / 12)
    assert first["wachten"]["cells"][1] == f"{now:.1f}".replace(".", ",")
    assert first["fte"]["cells"][1] == f"{now - then:.1f}".replace(".", ",")


def test_a_gemeente_counts_once_it_has_three_teams(bench: Bench) -> None:
    """Every gemeente of the toy country is a column of three postcodes in a region of two teams: at most two."""
    assert asked(bench, ChangeSet())["gemeenten"]["answers"] == []
    areas = bench.board.areas.assign(gemeente_name="Dorp")
    whole = type(bench.board)(areas, bench.board.teams, bench.board.layers)
    variant = bench.variant(ChangeSet())
    variant.board = whole
    answers = {one["key"]: one for one in questions(bench, variant, NOBODY)}["gemeenten"]["answers"]
    assert [(one["name"], one["cells"][1], one["cells"][2]) for one in answers] == [
        ("Dorp", "4", "O1, O2, W1, W2"), ("Dorp", "4", "O1, O2, W1, W2"),
    ]  # fmt: skip


def test_changes_of_hands_count_steps_and_not_periods() -> None:
    rows = held(("1001", "A", 2020), ("1001", "A", 2021), ("1001", "B", 2022), ("1001", "A", 2023),
                ("1002", "A", 2020), ("1002", "A", 2023), ("1003", "B", 2023), ("1003", "A", 2020))  # fmt: skip
    told = changes_of_hands(rows)
    assert list(zip(told["pc4"], told["times"], told["teams"], strict=True)) == [
        ("1001", 2, ["A", "B", "A"]), ("1003", 1, ["A", "B"]),
    ]  # fmt: skip


def test_a_postcode_that_changes_again_is_named_with_its_teams(bench: Bench) -> None:
    base = bench.variant(ChangeSet())
    was = team_of(base, "1005")
    history = held(
        ("1005", "W1", 2020), ("1005", "W2", 2021), ("1005", was, 2022), ("1001", team_of(base, "1001"), 2020)
    )
    changes = move(bench, "1005")
    told = asked(bench, changes, history)["wisselen"]["answers"]
    steps = (
        ["W1", "W2"] + ([was] if was == "W1" else []) + [changes.moves[0].team_id] * (changes.moves[0].team_id != was)
    )
    assert [one["codes"] for one in told] == [("1005",)]
    assert told[0]["cells"][2] == " → ".join([one for i, one in enumerate(steps) if i == 0 or one != steps[i - 1]])


def test_partners_with_several_teams_are_told_with_their_price(bench: Bench) -> None:
    """The toy country is one care region, with both teams of each region: a further team costs 0.5, per layer."""
    told = asked(bench, ChangeSet())["partners"]
    care = [one for one in told["answers"] if one["cells"][0] == "GGD of zorgregio"]
    west = next(one for one in care if "W1" in one["cells"][2])
    assert west["cells"][1:] == ("ZW en WIA", "W1, W2", "0,50")
    assert west["layer"] == "vangnet"
    assert {"1001", "1002"} <= set(west["codes"])
    paid = sum(float(one["cells"][3].replace(",", ".")) for one in told["answers"])
    assert told["about"] == (
        f"De prijs telt mee bij het verdelen: {len(told['answers'])} partners, samen {paid:.2f}.".replace(".", ",", 1)
    )
