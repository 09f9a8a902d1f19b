"""The advice of a proposal as questions: where capacity is short, which files could be handed over, how sure teams are
to stay within the tolerance, what the other professions lack, and where finished work stays behind.

Advice is of the proposal as it was made and not of the changes on the screen: it is solved, not counted. Only planners
see it. Belongs here: which rows are shown and in which words. Does not belong here: the advice itself
(``outcome``).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from allocation.contract.vocabulary import ALL_LINES, OVERLOADED
from allocation.layers.work import SPECIAL
from allocation.page.questions import MOST_ROWS, Answer, Question, layer_seen
from allocation.report import dutch
from allocation.report.capacity_sheets import PROFESSIONS, reached_in_words, read_advice
from allocation.report.dutch import number, percent
from allocation.report.sheet import ratio, records
from allocation.runs import run_files

OF_THE_PROPOSAL = "Van het voorstel zoals het is gemaakt, zonder uw wijzigingen."


def advice(folder: Path) -> list[Question]:
    """The questions for which the run has an answer."""
    asked = (_short, _next_fte, _handing_over, _least_sure, _other_professions, _behind_the_plan)
    return [one for one in (question(folder) for question in asked) if one is not None]


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
    table = _outcome(folder, "handover_advice")
    if table is None:
        return None
    flows = table.groupby(["law_domain", "client_line", "team_from", "team_to"])
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


def _least_sure(folder: Path) -> Question | None:
    """Teams that are likeliest to leave the tolerance within the year."""
    table = _outcome(folder, "team_load")
    if table is None:
        return None
    table = table.dropna(subset=["chance_within_tolerance"])
    table = table.sort_values(["chance_within_tolerance", "team_id"]).head(MOST_ROWS)
    answers = [
        Answer(
            row.team_id,
            (
                dutch.layer(row.law_domain, row.client_line),
                percent(row.chance_within_tolerance, 0),
                percent(row.deviation, signed=True),
            ),
            layer_seen(row.law_domain, row.client_line),
            team=row.team_id,
        )
        for row in records(table)
    ]
    return Question(
        "kans", "Welke teams blijven het minst zeker binnen de tolerantie?",
        "De kans dat het team een jaar lang binnen de tolerantie blijft, bij wat de verwachting ernaast kan zitten. "
        f"{OF_THE_PROPOSAL}",
        ("Team", "Laag", "Kans", "Afwijking"), answers,
    )  # fmt: skip


def _other_professions(folder: Path) -> Question | None:
    """Teams with most work of the other professions beside the hours of these."""
    table = _outcome(folder, "team_load")
    if table is None:
        return None
    table = table.groupby("team_id", as_index=False).agg(
        asked=("first_year_hours_other", "sum"), has=("capacity_hours_other", "sum"),
        law_domain=("law_domain", "first"), client_line=("client_line", "first"), kind=("kind", "first"),
    )  # fmt: skip
    table = table[(table["kind"] != SPECIAL) & (table["asked"] > 0)]  # who has no hours at all comes first
    table = table.assign(part=table["asked"] / table["has"]).sort_values(["part", "team_id"], ascending=[False, True])
    answers = [
        Answer(
            row.team_id,
            (percent(ratio(row.asked, row.has)), number(row.asked), number(row.has)),
            layer_seen(row.law_domain, row.client_line),
            team=row.team_id,
        )
        for row in records(table.head(MOST_ROWS))
    ]
    return Question(
        "beroepen", "Waar komen de andere beroepen het meest uren tekort?",
        "Uren die het eerste jaar van hen vraagt tegenover hun eigen uren; boven "
        f"{percent(OVERLOADED, 0)} waarschuwt het rapport. {OF_THE_PROPOSAL}",
        ("Team", "Belasting", "Gevraagde uren", "Eigen uren"), answers,
    )  # fmt: skip


def _behind_the_plan(folder: Path) -> Question | None:
    """Regions that finish least of what was planned, where the input tells what was finished."""
    table = _outcome(folder, "line_outcomes")
    if table is None:
        return None
    table = table[(table["months"] > 0) & (table["finished_planned_clients"] > 0)]
    table = table.assign(part=table["finished_clients"] / table["finished_planned_clients"])
    answers = [
        Answer(
            row.arbeidsmarktregio,
            (
                dutch.layer(row.law_domain, row.client_line),
                percent(row.part),
                number(row.finished_clients),
                number(row.finished_planned_clients),
                number(row.months),
            ),
            layer_seen(row.law_domain, row.client_line),
            region=int(row.arbeidsmarktregio_nr),
        )
        for row in records(table.sort_values(["part", "arbeidsmarktregio_nr"]).head(MOST_ROWS))
    ]
    return Question(
        "afgerond", "Waar loopt het afgeronde werk achter op het plan?",
        f"Afgeronde cliënten tegenover wat voor dezelfde maanden gepland was. {OF_THE_PROPOSAL}"
        if answers else f"Van geen enkele maand is een plan en afgerond werk bekend. {OF_THE_PROPOSAL}",
        ("Regio", "Laag", "Afgerond van gepland", "Afgerond", "Gepland", "Maanden"), answers,
    )  # fmt: skip


def _outcome(folder: Path, name: str) -> pd.DataFrame | None:
    """A table of the outcome; None where the run was made before there was one."""
    file = run_files.OUTCOME.table(name)
    return file.read(folder) if file.exists(folder) else None


def _each_once(codes: pd.Series) -> tuple[str, ...]:
    return tuple(sorted(codes.unique()))
