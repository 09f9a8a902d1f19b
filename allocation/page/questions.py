"""The questions that planners ask first, answered at once, over all layers and under the changes of the moment.

Every figure is one that the board counts already; here they are ranked. Belongs here: ranking and wording. Does not
belong here: how a figure is counted, HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from allocation.contract.vocabulary import ALL_LINES, MONTHS_A_YEAR
from allocation.page.answers import draft_team
from allocation.page.partners import cuts, prices
from allocation.page.whatif import Bench, Variant
from allocation.publication.hands import changes_of_hands
from allocation.report import dutch
from allocation.report.board import LayerSums
from allocation.report.dutch import number, percent
from allocation.report.for_readers import sums_shown
from allocation.report.map import SHOWN
from allocation.report.network_sheets import KIND_NAMES
from allocation.report.sheet import records

MOST_ROWS = 10
MOST_TEAMS_OF_A_TOWN = 2


@dataclass(frozen=True)
class Answer:
    """A row: what it is about, its cells, and what the map shows when it is chosen: a team, a region or postcodes."""

    name: str
    cells: tuple[str, ...]
    layer: str = ""
    team: str = ""
    region: int | None = None
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """A question with its answers, the first of them first. ``about``: how to read the figures."""

    key: str
    title: str
    about: str
    columns: tuple[str, ...]
    answers: list[Answer] = field(default_factory=list)


def questions(bench: Bench, variant: Variant, held: pd.DataFrame, *, for_readers: bool = False) -> list[dict[str, Any]]:
    """All questions with their answers, ready for JSON. ``held``: as ``publication.hands.hands`` gives it.
    ``for_readers``: figures as the published tables show them (R14)."""
    sums = sums_shown(variant.sums) if for_readers else variant.sums
    asked = (
        _overloaded(sums),
        _waiting(sums),
        _one_more(bench, sums),
        _towns(variant),
        _partners(bench, variant),
        _changing(variant, held),
    )
    return [asdict(one) for one in asked]


def _layer_name(part: LayerSums) -> str:
    return dutch.layer(part.board.layer.law_domain, part.board.layer.client_line)


def layer_seen(domain: str, line: str) -> str:
    """The layer of the page in which a layer of the division is seen."""
    return next(
        key for key, _, law_domain, its in SHOWN if law_domain == domain and (its == line or ALL_LINES in (its, line))
    )


def _shown(part: LayerSums) -> str:
    return layer_seen(part.board.layer.law_domain, part.board.layer.client_line)


def _overloaded(sums: Sequence[LayerSums]) -> Question:
    rows = []
    for part in sums:
        f, problem = part.teams, part.board.layer.problem
        for i, team in enumerate(problem.team_ids):
            if problem.capacity[i] > 0 and not np.isnan(f.hours[i]):
                rows.append((float(f.hours[i] / problem.capacity[i]), team, float(f.deviation[i]), part))
    rows.sort(key=lambda row: (-row[0], row[1]))
    answers = [
        Answer(team, (_layer_name(part), percent(load), percent(deviation, signed=True)), _shown(part), team=team)
        for load, team, deviation, part in rows[:MOST_ROWS]
    ]
    return Question(
        "overbelast", "Welke teams zijn het zwaarst belast?",
        "Gevraagd werk tegenover de eigen uren; afwijking van het eigen deel.",
        ("Team", "Laag", "Belasting", "Afwijking"), answers,
    )  # fmt: skip


def _months(part: LayerSums, more_hours: float = 0.0) -> float:
    """Mean waiting time of a layer: hours in files over capacity a month (``report.board.totals``)."""
    capacity = float(part.capacity.sum()) + more_hours
    return part.board.files.hours / (capacity / MONTHS_A_YEAR) if capacity > 0 else float("nan")


def _ranked(rows: Iterator[tuple[float, LayerSums]]) -> list[tuple[float, LayerSums]]:
    known = [row for row in rows if not np.isnan(row[0])]
    return sorted(known, key=lambda row: (-row[0], row[1].board.key))[:MOST_ROWS]


def _waiting(sums: Sequence[LayerSums]) -> Question:
    answers = []
    for months, part in _ranked((_months(part), part) for part in sums):
        waits = np.where(np.isnan(part.teams.waiting_months), -1.0, part.teams.waiting_months)
        longest = int(waits.argmax())
        team = part.board.layer.problem.team_ids[longest]
        cells = (_layer_name(part), number(months, 1), f"{team}: {number(float(waits[longest]), 1)}")
        answers.append(Answer(part.board.layer.cluster, cells, _shown(part), region=int(part.board.layer.regions[0])))
    return Question(
        "wachten", "Waar wachten cliënten het langst?",
        "Maanden: uren in de dossiers die teams hebben, gedeeld door hun uren per maand.",
        ("Regio", "Laag", "Gemiddeld (maanden)", "Langste team (maanden)"), answers,
    )  # fmt: skip


def _one_more(bench: Bench, sums: Sequence[LayerSums]) -> Question:
    hours = bench.config.work.productive_hours_per_fte
    answers = [
        Answer(
            part.board.layer.cluster,
            (_layer_name(part), number(saved, 1), f"{number(_months(part), 1)} → {number(_months(part, hours), 1)}"),
            _shown(part),
            region=int(part.board.layer.regions[0]),
        )
        for saved, part in _ranked((_months(part) - _months(part, hours), part) for part in sums)
    ]
    return Question(
        "fte", "Waar helpt één fte erbij het meest?",
        f"Zoveel korter wordt de gemiddelde wachttijd met één fte erbij ({number(hours)} uur per jaar).",
        ("Regio", "Laag", "Scheelt (maanden)", "Wachttijd (maanden)"), answers,
    )  # fmt: skip


def _towns(variant: Variant) -> Question:
    areas, ids = variant.board.areas, variant.board.teams["team_id"].to_numpy()
    rows = []
    for key, name, domain, line in SHOWN:
        team = draft_team(variant, domain, line)
        served = pd.DataFrame({"gemeente": areas["gemeente_name"], "pc4": areas["pc4"], "team": team})
        for gemeente, own in served[served["team"] >= 0].groupby("gemeente"):
            teams = own["team"].unique()
            if len(teams) > MOST_TEAMS_OF_A_TOWN:
                rows.append((len(teams), str(gemeente), name, key, sorted(ids[teams]), tuple(own["pc4"])))
    rows.sort(key=lambda row: (-row[0], row[1], row[3]))
    answers = [
        Answer(gemeente, (name, number(count), ", ".join(teams)), key, codes=codes)
        for count, gemeente, name, key, teams, codes in rows[:MOST_ROWS]
    ]
    return Question(
        "gemeenten", "Welke gemeenten hebben met meer dan twee teams te maken?",
        "Per laag geteld." if rows else "Geen enkele, in geen enkele laag.",
        ("Gemeente", "Laag", "Teams", "Welke"), answers,
    )  # fmt: skip


def _partners(bench: Bench, variant: Variant) -> Question:
    price = prices(bench.config.weights)
    rows = []
    for part in variant.sums:
        layer, has = part.board.layer, part.plan >= 0
        teams = np.asarray(layer.problem.team_ids, dtype=object)[part.plan[has]]
        plan = pd.Series(teams, index=layer.parts["pc4"].to_numpy()[has])
        rows += [(cut, part) for cut in cuts(bench.partners, plan, price)]
    rows.sort(key=lambda row: (-row[0].price, row[0].provider, row[1].board.key))
    answers = [
        Answer(
            cut.provider,
            (KIND_NAMES.get(cut.kind, cut.kind), _layer_name(part), ", ".join(cut.teams), number(cut.price, 2)),
            _shown(part),
            codes=cut.codes,
        )
        for cut, part in rows[:MOST_ROWS]
    ]
    paid = number(sum(cut.price for cut, _ in rows), 2)
    return Question(
        "partners", "Welke partners krijgen met meer teams te maken, en wat kost dat?",
        f"De prijs telt mee bij het verdelen: {number(len(rows))} partners, samen {paid}."
        if rows else "Geen enkele partner waarvoor een prijs geldt.",
        ("Partner", "Soort", "Laag", "Teams", "Prijs"), answers,
    )  # fmt: skip


def _changing(variant: Variant, held: pd.DataFrame) -> Question:
    """Postcodes that changed team before and would again: the timeline, and the division on the screen after it."""
    times = changes_of_hands(pd.concat([held, _on_the_screen(variant, held)], ignore_index=True))
    again = times[times["times"] > 1].head(MOST_ROWS)
    place = variant.board.areas.set_index("pc4")["place"]
    answers = [
        Answer(
            f"{row.pc4} {place.get(row.pc4, '')}".strip(),
            (dutch.layer(row.law_domain, row.client_line), number(row.times), " → ".join(row.teams)),
            layer_seen(row.law_domain, row.client_line),
            codes=(str(row.pc4),),
        )
        for row in records(again)
    ]
    return Question(
        "wisselen", "Welke postcodes wisselen telkens van team?",
        "Meer dan één keer, over de versies die golden of gepland zijn en de verdeling op het scherm."
        if answers else "Geen enkele wisselde meer dan één keer.",
        ("Postcode", "Laag", "Keer", "Teams, oudste eerst"), answers,
    )  # fmt: skip


def _on_the_screen(variant: Variant, held: pd.DataFrame) -> pd.DataFrame:
    """The division on the screen as one more period of ``held``, with the same lines per postcode."""
    if held.empty:
        return held
    ids, codes = variant.board.teams["team_id"].to_numpy(), variant.board.areas["pc4"]
    parts = []
    for _, _, domain, line in SHOWN:
        team = draft_team(variant, domain, line)
        has = team >= 0
        lines = [line, "alle"] if (domain, line) == ("zw_wia", "vangnet") else [line]
        parts += [
            pd.DataFrame({"pc4": codes[has], "law_domain": domain, "client_line": its, "team_id": ids[team[has]]})
            for its in lines
        ]
    known = held.drop_duplicates(["pc4", "law_domain", "client_line"])[["pc4", "law_domain", "client_line"]]
    now = pd.concat(parts, ignore_index=True).merge(known, on=["pc4", "law_domain", "client_line"])
    return now.assign(since=held["since"].max())
