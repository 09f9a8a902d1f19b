"""The advice of a proposal as questions: where capacity is short, and which files could be handed over.

Advice is of the proposal as it was made and not of the changes on the screen: it is solved, not counted. Only planners
see it. Belongs here: which rows are shown and in which words. Does not belong here: the advice itself
(``outcome.capacity``, ``outcome.handover``).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from allocation.contract.vocabulary import ALL_LINES
from allocation.page.questions import MOST_ROWS, Answer, Question, layer_seen
from allocation.report import dutch
from allocation.report.capacity_sheets import PROFESSIONS, reached_in_words, read_advice
from allocation.report.dutch import number, percent
from allocation.report.sheet import ratio, records
from allocation.runs import run_files

OF_THE_PROPOSAL = "Van het voorstel zoals het is gemaakt, zonder uw wijzigingen."


def advice(folder: Path) -> list[Question]:
    """The questions for which the run has an answer."""
    return [one for one in (_short(folder), _next_fte(folder), _handing_over(folder)) if one is not None]


def _short(folder: Path) -> Question | None:
    """Regions that will wait longest."""
    table = read_advice(folder)
    if table is None:
        return None
    table = table.sort_values("projected_waiting_months", ascending=False, na_position="first").head(MOST_ROWS)
    answers = [
        Answer(
            row.arbeidsmarktregio,
            (
                f"{dutch.DOMAINS[row.law_domain]}, {PROFESSIONS[row.profession]}",
                percent(ratio(row.asked_hours, row.available_hours)),
                f"{number(row.waiting_months, 1)} → {number(row.projected_waiting_months, 1)}",
                reached_in_words(row.reached),
            ),
            layer_seen(row.law_domain, ALL_LINES),
            region=int(row.arbeidsmarktregio_nr),
        )
        for row in records(table)
    ]
    return Question(
        "tekort", "Waar is te weinig capaciteit?",
        f"Gevraagde uren tegenover beschikbare uren; de wachttijd nu en aan het eind van de horizon. {OF_THE_PROPOSAL}",
        ("Regio", "Wet en beroep", "Gevraagd", "Wachttijd (maanden)", "Wat aan de beurt komt"), answers,
    )  # fmt: skip


def _next_fte(folder: Path) -> Question | None:
    """Where the next FTE belong, so that the longest wait of the country is shortest."""
    table = read_advice(folder)
    if table is None:
        return None
    table = table[table["fte_placed"] > 0].sort_values("fte_placed", ascending=False).head(MOST_ROWS)
    answers = [
        Answer(
            row.arbeidsmarktregio,
            (
                f"{dutch.DOMAINS[row.law_domain]}, {PROFESSIONS[row.profession]}",
                number(row.fte_placed),
                number(row.fte_value_months, 2),
            ),
            layer_seen(row.law_domain, ALL_LINES),
            region=int(row.arbeidsmarktregio_nr),
        )
        for row in records(table)
    ]
    return Question(
        "werven", "Waar horen de volgende fte's?",
        f"Zo verdeeld dat de langste wachttijd van het land het kortst is. {OF_THE_PROPOSAL}"
        if answers else f"Nergens wordt gewacht. {OF_THE_PROPOSAL}",
        ("Regio", "Wet en beroep", "Fte's erbij", "De eerste scheelt (maanden)"), answers,
    )  # fmt: skip


def _handing_over(folder: Path) -> Question | None:
    """The largest flows of files between two teams; the postcodes show on the map."""
    file = run_files.OUTCOME.table("handover_advice")
    if not file.exists(folder):
        return None
    flows = file.read(folder).groupby(["law_domain", "client_line", "team_from", "team_to"])
    table = flows.agg(clients=("clients", "sum"), hours=("hours", "sum"), codes=("pc4", _each_once)).reset_index()
    table = table.sort_values(["clients", "team_from", "team_to"], ascending=[False, True, True]).head(MOST_ROWS)
    answers = [
        Answer(
            f"{row.team_from} → {row.team_to}",
            (
                dutch.layer(row.law_domain, row.client_line),
                number(row.clients),
                number(row.hours),
                number(len(row.codes)),
            ),
            layer_seen(row.law_domain, row.client_line),
            codes=row.codes,
        )
        for row in records(table)
    ]
    return Question(
        "overdragen", "Welke dossiers kunnen worden overgedragen?",
        "De minste dossiers waarmee de wachttijden van teams in een regio dicht bij elkaar komen. Niets gaat vanzelf "
        f"over. {OF_THE_PROPOSAL}" if answers else f"Overdragen is niet nodig of helpt niet. {OF_THE_PROPOSAL}",
        ("Van → naar", "Laag", "Dossiers", "Uren", "Postcodes"), answers,
    )  # fmt: skip


def _each_once(codes: pd.Series) -> tuple[str, ...]:
    return tuple(sorted(codes.unique()))
