"""What the readers' edition of a report counts: each column of each of its tables, with what it holds.

A column that is not listed here is a fault: whoever adds one says whether it counts clients, and then it may hold
nothing but what the masking rule allows. Belongs here: that list, and going by it. Does not belong here: the rule
(`publication.small_counts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from allocation.contract.vocabulary import SMALLEST_SHOWN_COUNT
from allocation.report import report
from allocation.report.frames import Frames
from allocation.report.map import map_value, without_small_areas
from allocation.report.sheet import Cell, Sheet

CLIENTS = {
    "teams": "Dossiers|Voorraad in het gebied (cliënten)",
    "regios": "Verhuizende cliënten",
    "wachttijd-product": "Cliënten in voorraad",
    "lijnuitkomsten": "Dossiers|Afgerond (cliënten)|Gepland (cliënten)",
    "wijzigingen": "Cliënten per jaar",
    "bijzonder": "Cliënten per jaar",
    "partners-TEAM": "Cliënten per jaar",
}
"""By sheet its columns that count clients."""

OTHERS = {
    "per-regio": "Regio|Laag|Postcodes die wisselen|Grootste afwijking|Gemiddelde wachttijd (maanden)|Afstand (km)",
    "teams-NR": "Team|Kantoor|Laag|Werk (uur per jaar)|Afwijking zonder wijziging|Afwijking in het voorstel|"
    "Gebieden nu|Gebieden in het voorstel|Wachttijd (maanden)",
    "grafiek-belasting": "Team|Zonder wijziging|Voorstel|80%-interval",
    "grafiek-wachttijd": "Regio|Team|Team (maanden)|Regio gemiddeld (maanden)",
    "grafiek-maanden": "Team|Drukste maand|Vol in maand",
    "grafiek-stromen": "Van → naar|Postcodes|Werk (uur per jaar)",
    "grafiek-evenwicht": "Regio en laag|Postcodes die wisselen|Grootste afwijking zonder wijziging|"
    "Grootste afwijking in het voorstel",
    "teams": "Team|Naam|Kantoor|Laag|Regio of cluster|Werk (uur per jaar)|Capaciteit (uur per jaar)|Belasting|"
    "80%-interval (uur)|Afwijking|Blijft binnen de tolerantie|Gebieden|Delen|Afstand (km)|Reistijd (minuten)|"
    "Cliënten ver weg|Wachttijd (maanden)|Wachttijd over een jaar (maanden)|Werk in het eerste jaar (uur)|"
    "Werk andere teamleden in het eerste jaar (uur)|Capaciteit andere teamleden (uur per jaar)|"
    "Belasting andere teamleden",
    "regios": "Arbeidsmarktregio|Laag|Samen verdeeld als|Teams|Gebieden|Inwoners|Werk (uur per jaar)|"
    "Gemiddelde afwijking|Grootste afwijking|Afstand (km)|Gemeentesplitsingen|Zorgregiosplitsingen|"
    "Verplaatste gebieden|Wachttijd (maanden)",
    "wachttijd": "Regio of cluster|Laag|Gemiddeld|Zonder wijziging: kortste team|Zonder wijziging: langste team|"
    "Zonder wijziging: verschil|Voorstel: kortste team|Voorstel: langste team|Voorstel: verschil",
    "wachttijd-product": "Regio|Laag|Product|Prioriteit|Uren in voorraad|Instroom (uur per maand)|"
    "Capaciteit (uur per maand)|Wachttijd (maanden)",
    "lijnen": "Regio of cluster|Lijn|Teams|Gevraagd tegenover beschikbaar|Wachttijd (maanden)|"
    "Capaciteit (uur per jaar)|Van de andere lijn gekomen (uur)|"
    "Nog nodig om gelijk te staan (uur)|Postcodes bij teams van beide lijnen|"
    "Waarvan op de andere lijn bij een ander team",
    "lijnuitkomsten": "Arbeidsmarktregio|District|Laag|Gevraagd (uur per jaar)|Beschikbaar (uur per jaar)|"
    "Gevraagd tegenover beschikbaar|Wachttijd (maanden)|Wachttijd over een jaar (maanden)|Maanden geteld|"
    "Afgerond tegenover gepland|Doorlooptijd (dagen)",
    "wijzigingen": "Postcode|Plaats|Arbeidsmarktregio|Laag|Team nu|Team in het voorstel|Aandeel|Uren per jaar",
    "bijzonder": "Team|Naam|Groep|Kantoor|Werk (uur per jaar)|Capaciteit (uur per jaar)|Belasting|Wachttijd (maanden)",
    "uitloop": "Team|Capaciteit (uur per maand)|Gevraagd in maand 1|maand 6|maand 12|maand 24|Vol in maand",
    "gevolgen": "Divisie|Onderwerp|Eenheid|Nu|Voorstel|Bij verdeling naar BSN",
    "partners-TEAM": "Partner|Soort|Deel van het werk van het team|Deel van de cliënten van de partner|"
    "Teams bij deze partner|Vorm|Contact",
    "partners": "Partner|Soort|Aantal teams|Teams (deel van de cliënten van de partner)|Vorm|Contact",
    "verzuimbeheer": "Groep|Werkt met|Fte|Postcodes|Postcodes die nieuw zijn voor de groep|Laatste dag",
    "rekenuitkomst": "Regio of cluster|Laag|Gebieden|Teams|Doelwaarde|Ondergrens|Verschil met ondergrens|Afstand (km)|"
    "Verplaatst werk|Gemeentesplitsingen|Zorgregiosplitsingen|Voldoet aan alle eisen|Waarom gestopt|Rekentijd (s)",
    "herstel": "Soort|Wat er is gedaan|Aantal",
    "herstel-namen": "Soort|Postcode|Bijzonderheid|Wat er is gedaan",
    "verbindingen": "Postcode|Met postcode|Verbinding",
    "bestanden": "Bestand|SHA-256",
    "instellingen": "Instelling|Waarde",
}
"""By sheet its other columns: names, amounts of other things, shares, hours and months made of counts as shown."""

UNITS_OF_CLIENTS = ("cliënten",)
"""What sheet `gevolgen` calls clients: each of its rows counts something else."""


def sheets(folder: Path) -> list[Sheet]:
    """Every table of the readers' edition of a run."""
    frames = Frames.read(folder)
    value = without_small_areas(map_value(folder, frames.board), frames.board, frames.outcome("expected"))
    content = report._content(frames.for_readers(), value)
    return list(_sheets_in(content))


def _sheets_in(value: Any) -> Iterator[Sheet]:
    if isinstance(value, Sheet):
        yield value
    elif isinstance(value, dict):
        yield from _sheets_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _sheets_in(one)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _sheets_in([getattr(value, one.name) for one in fields(value)])


def faults(sheets: list[Sheet]) -> list[str]:
    """Columns of which nobody said what they count, and counts of clients that readers may not see."""
    found = []
    for sheet in sheets:
        name = _kind(sheet.name)
        clients, others = (columns.get(name, "").split("|") for columns in (CLIENTS, OTHERS))
        found += [f"{sheet.name}: column {one!r} is not listed" for one in sheet.columns if one not in clients + others]
        for row in [*sheet.rows, *([sheet.footer] if sheet.footer else [])]:
            is_of_clients = name == "gevolgen" and row[2].text in UNITS_OF_CLIENTS
            for header, cell in zip(sheet.columns, row, strict=True):
                counts = header in clients or (is_of_clients and header in ("Nu", "Voorstel", "Bij verdeling naar BSN"))
                if counts and not is_masked(cell):
                    found.append(f"{sheet.name}, {row[0].text}: {header} is {cell.text} ({cell.value})")
    return found


def _kind(name: str) -> str:
    """The name under which a sheet is listed; there is one for each team, and one for each region that changes."""
    for start, listed in (("partners-", "partners-TEAM"), ("wijzigingen-", "wijzigingen"), ("teams-", "teams-NR"),
                          ("grafiek-belasting-", "grafiek-belasting")):  # fmt: skip
        if name.startswith(start):
            return listed
    return name


def is_masked(cell: Cell) -> bool:
    """Whether a count is a multiple of 5 from 5 on, or hidden; in its text and in what sorts it."""
    if cell.value is None or cell.value != cell.value:
        return not re.search(r"\d", cell.text)
    digits = cell.text.replace(".", "").partition(",")
    return _is_allowed(cell.value) and not digits[2].strip("0") and float(digits[0]) == cell.value


def _is_allowed(count: float) -> bool:
    return count >= SMALLEST_SHOWN_COUNT and count % SMALLEST_SHOWN_COUNT == 0


def words_of(page: str) -> str:
    """What a reader reads of a report."""
    shown = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown))


def counts_in_text(text: str) -> list[str]:
    """Numbers of clients or files in sentences, but for those that readers may see."""
    told = re.findall(r"(?<![\d.,])(\d[\d.]*) (cliënten|cliënt|dossiers|dossier)\b", text)
    return [f"{count} {what}" for count, what in told if not _is_allowed(float(count.replace(".", "")))]
