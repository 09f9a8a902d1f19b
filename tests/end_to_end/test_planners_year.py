"""A planner's year from the command line: two teams stop, one starts, a region goes from two lines to meerwettig.

The toy country with a version in force. In Oost (1003, 1004, 1007, 1008, 1011, 1012) O2 stops in February, O4 starts in
May and O3 stops in September. In West (the other six) V1 has the vangnetlijn and G1 the werkgeverslijn until July; from
then on both serve both. The planner proposes and publishes each date; in between K&S looks postcodes up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import pytest

from allocation.contract.calendar import today
from allocation.publication import reads
from allocation.runs import run_files
from allocation.runs.run import run_folder
from tests.support import toy
from tests.support.command_line import Country, make_country

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]

YEAR = today().year + 1
DAYS = [date(YEAR, month, 1) for month in (2, 5, 7, 9)]
DAY = timedelta(days=1)
WEST = ["1001", "1002", "1005", "1006", "1009", "1010"]
CLIENTS = dict(zip(toy.POSTCODES, [4, 3, 5, 2, 3, 4, 2, 3, 5, 4, 3, 4], strict=True))
"""Who come in each month, of each line that the region keeps apart; twice as many are in stock."""
LINES = [("WIA", "vangnet"), ("WIA", "werkgever"), ("ZW", "vangnet"), ("PW", "vangnet")]


def teams() -> pd.DataFrame:
    """No special teams: all clients are divided by postcode."""
    until_july, from_july = {"valid_to": f"{YEAR}-06-30"}, {"valid_from": f"{YEAR}-07-01"}
    rows = [
        toy.team("V1", "1", "1001", client_lines="vangnet", **until_july),
        toy.team("V1", "1", "1001", **from_july),
        toy.team("G1", "1", "1010", client_lines="werkgever", laws="WIA", **until_july),
        toy.team("G1", "1", "1010", **from_july),
        toy.team("O1", "2", "1004"),
        toy.team("O2", "2", "1007", valid_to=f"{YEAR}-01-31"),
        toy.team("O3", "2", "1011", valid_to=f"{YEAR}-08-31"),
        toy.team("O4", "2", "1012", valid_from=f"{YEAR}-05-01"),
        toy.team("P1", "1|2", "1006", kind="participatiewet", laws="PW|ZW|WIA"),
    ]
    return pd.DataFrame(rows)


def counts(name: str, factor: int) -> pd.DataFrame:
    frame = toy.tables()[name]
    frame = frame.assign(clients=[str(factor * CLIENTS[pc4]) for pc4 in frame["pc4"]])
    is_apart = frame["pc4"].isin(WEST) & frame["client_line"].eq("alle")
    apart = [frame[is_apart].assign(client_line=line) for line in ("vangnet", "werkgever")]
    return pd.concat([frame[~is_apart], *apart])


def division() -> pd.DataFrame:
    rows = [(pc4, line, team, "1") for pc4 in WEST for line, team in (("vangnet", "V1"), ("werkgever", "G1"))]
    oost = {"O1": ["1004", "1008"], "O2": ["1003", "1007"], "O3": ["1011", "1012"]}
    rows += [(pc4, "alle", team, "1") for team, held in oost.items() for pc4 in held]
    rows += [(pc4, "alle", "P1", "1") for pc4 in toy.POSTCODES]
    return pd.DataFrame(rows, columns=["pc4", "client_line", "team_id", "share"])


Answers = dict[tuple[str, str, str], str]
"""The team of each postcode, law and line."""


@dataclass(frozen=True)
class Planned:
    """The country after ``plan-ahead``: ``run_id`` of the plan, what it printed, and its tables."""

    country: Country
    run_id: str
    printed: str
    steps: pd.DataFrame
    moves: pd.DataFrame

    def answers(self, day: date) -> Answers:
        """What ``caseload lookup`` says of every postcode on a day."""
        found = {}
        for pc4 in toy.POSTCODES:
            done = self.country.caseload("lookup", pc4, "--on", str(day))
            assert done.returncode == 0, done.stderr
            for law, line, team in re.findall(r"regulier (\w+) (\w+): team (\w+) ", done.stdout):
                found[pc4, law, line] = team
        return {(pc4, law, line): found[pc4, law, line] for pc4 in toy.POSTCODES for law, line in LINES}

    def moved(self, day: date) -> dict[tuple[str, str, str], tuple[str, str]]:
        """Team from and to of each postcode, law and line that the plan moves on a day."""
        rows = self.moves[self.moves["day"].astype(str) == str(day)]
        return {
            (row.pc4, law, line): (row.team_from, row.team_to)
            for row in rows.itertuples()
            for law, line in LINES
            if law != "PW" and row.client_line in ("alle", line)
        }


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    country = make_country(tmp_path_factory.mktemp("year"))
    changed = {"teams": teams(), "inflow": counts("inflow", 1), "stock": counts("stock", 2), "current": division()}
    toy.write(country.input, changed)
    settings = country.folder / "settings.toml"
    settings.write_text(settings.read_text().replace("tolerance = 0.1", "tolerance = 0.5"))
    ahead = ("plan-ahead", "--until", f"{YEAR}-12-31", *country.run_arguments)
    nothing = country.caseload(*ahead)
    assert nothing.returncode == 1
    assert "no version is in force" in nothing.stderr
    first = country.caseload("run", *country.run_arguments)
    assert first.returncode == 0, first.stderr
    for team, last_day in (("O2", f"{YEAR}-01-31"), ("O3", f"{YEAR}-08-31")):
        # The version warns of what happens while it holds.
        assert f"team_id {team}, name SMC {team}, last_day {last_day}" in first.stdout
    done = country.caseload(*ahead)
    assert done.returncode == 0, done.stderr
    run_id = re.search(r"caseload next-step (\S+)", done.stdout).group(1)  # type: ignore[union-attr]
    folder = run_folder(country.var, run_id)
    steps, moves = (run_files.CALENDAR.table(name).read(folder) for name in ("steps", "moves"))
    return Planned(country, run_id, done.stdout, steps, moves)


def test_the_plan_tells_each_date_and_moves_fewer_clients_than_date_by_date(planned: Planned) -> None:
    """In July every postcode of West keeps one of its two teams: of each the clients of one line change. Expected are
    12 months of the inflow and half of the stock: (12 + 1/2 x 2) x 23 = 299 clients, whoever gets what."""
    told = ["team O2 stopt", "team O4 begint", "team V1 bedient andere lijnen of wetten", "team O3 stopt"]
    for day, words in zip(DAYS, told, strict=True):
        assert re.search(rf"^{day}.*{words}", planned.printed, re.MULTILINE), planned.printed
    steps = planned.steps
    assert steps["day"].astype(str).tolist() == [str(day) for day in DAYS]
    assert steps["is_allowed"].all()
    assert steps["least_clients"].iloc[0] <= steps["clients_moved"].sum() < steps["clients_by_date"].sum()
    in_july = planned.moves[(planned.moves["day"].astype(str) == str(DAYS[2])) & planned.moves["pc4"].isin(WEST)]
    assert sorted(in_july["pc4"]) == WEST
    assert in_july["clients"].sum() == pytest.approx(299, abs=1)
    page = run_files.CALENDAR_PAGE.read(run_folder(planned.country.var, planned.run_id))
    assert "<svg" in page
    assert all(f"team {team} stopt" in page for team in ("O2", "O3"))


def test_each_date_is_published_and_looked_up(planned: Planned) -> None:
    country = planned.country
    as_now = planned.answers(today())
    for number, day in enumerate(DAYS, start=2):
        before = planned.answers(day - DAY)
        assert planned.answers(day) == before  # until it is published, what is in force goes on
        step = country.caseload("next-step", planned.run_id)
        assert step.returncode == 0, step.stderr
        assert planned.answers(day) == before  # nor does a proposal change anything
        done = country.caseload("publish", str(number), "--remark", "akkoord")
        assert done.returncode == 0, done.stderr
        assert planned.answers(day - DAY) == before
        after, moved = planned.answers(day), planned.moved(day)
        assert moved
        assert {key: (before[key], after[key]) for key in after if before[key] != after[key]} == moved
        assert_in_force(after, day)
        changes = reads.read_table("allocation_changes", country.store, version=number)
        row = planned.steps[planned.steps["day"].astype(str) == str(day)].iloc[0]
        assert changes["clients"].sum() == pytest.approx(row["clients_moved"], abs=0.1)
    assert planned.answers(today()) == as_now  # all of it was published ahead
    again = country.caseload("next-step", planned.run_id)
    assert "every step of this plan is published" in again.stdout
    known = reads.versions(country.store).sort_values("version")
    assert known["valid_from"].astype(str).tolist()[1:] == [str(day) for day in DAYS]
    assert known["valid_to"].astype(str).tolist()[:-1] == [str(day - DAY) for day in DAYS]
    assert_files(country)


def assert_in_force(answers: Answers, day: date) -> None:
    """Every team that is named works on that day and serves the region, the law and the line, as ``teams`` says."""
    list_ = teams()
    for (pc4, law, line), team in answers.items():
        rows = list_[(list_["team_id"] == team) & (list_["valid_from"] <= str(day))]
        period = rows[(rows["valid_to"] == "") | (rows["valid_to"] >= str(day))].iloc[0]
        assert ("1" if pc4 in WEST else "2") in period["arbeidsmarktregio"].split("|")
        assert law in period["laws"].split("|")
        assert line in period["client_lines"].split("|")
        assert (period["kind"] == "participatiewet") == (law == "PW")


def assert_files(country: Country) -> None:
    """A file of a team that stopped is with the team of its postcode; where lines became one, it stays."""
    wia = ("--file", "--law", "WIA", "--line", "vangnet")
    for team, pc4, day in (("O2", "1007", DAYS[0]), ("O3", "1007", DAYS[3])):
        now = country.caseload("lookup", pc4, "--law", "WIA", "--line", "vangnet", "--on", str(day)).stdout
        holder = re.search(r": team (\w+) ", now).group(1)  # type: ignore[union-attr]
        moved = country.caseload("lookup", pc4, *wia, "--team", team, "--on", str(day)).stdout
        assert f"file of team {team}: verhuist" in moved
        assert f"team {holder} since {day}: team beëindigd" in moved
    for pc4 in WEST:
        kept = country.caseload("lookup", pc4, *wia, "--team", "V1", "--on", str(DAYS[2])).stdout
        assert "file of team V1: blijft" in kept
