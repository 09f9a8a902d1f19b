"""Dutch as planners read it: numbers, dates, and the words for what the program calls in English."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any

import pandas as pd
from babel.core import Locale
from babel.dates import format_date, format_datetime, get_timezone
from babel.numbers import NumberPattern, parse_pattern

from allocation.contract.vocabulary import SMALLEST_SHOWN_COUNT
from allocation.districting import Kind, Violation

NONE = "–"
KINDS = {"regulier": "regulier", "participatiewet": "Participatiewet", "bijzonder": "bijzonder"}
DOMAINS = {"zw_wia": "ZW en WIA", "pw": "Participatiewet"}
LINES = {"alle": "beide lijnen", "vangnet": "vangnetlijn", "werkgever": "werkgeverslijn"}
WITHOUT_CHANGE = "zonder wijziging"
"""Short for ``WITHOUT_CHANGE_MEANS``. The version in force itself counted other figures, with the teams of then."""
WITHOUT_CHANGE_MEANS = "de huidige verdeling, geteld met de teams, capaciteit en werkvoorraad van nu"
STOPPED = {
    "proven optimal": "bewezen de beste verdeling",
    "time": "de rekentijd was op",
    "iterations": "het ingestelde aantal zoekstappen was op",
    "converged": "verder zoeken gaf geen verbetering meer",
    "only one team": "er is maar één team, dus niets te verdelen",
    "given": "niet opnieuw verdeeld in deze run: een alternatief dat gekozen is, of een stap van een plan",
    "carried over": "niet opnieuw verdeeld in deze run: overgenomen",
}
SOURCES = {
    "embedded": "meegeleverde voorbeeldeditie (in productie: CBS/PDOK)",
    "pdok": "CBS/PDOK",
    "file": "een eigen bestand",
}
CROSSINGS = {"ferry": "veer", "bridge": "brug", "tunnel": "tunnel", "nearest": "dichtstbijzijnde gebied"}


_LOCALE = Locale.parse("nl")


@cache
def _pattern(decimals: int) -> NumberPattern:
    return parse_pattern("#,##0" + ("." + "0" * decimals if decimals else ""))


def is_missing(value: Any) -> bool:
    """Whether there is nothing to show."""
    return value is None or value is pd.NA or value != value


def number(value: Any, decimals: int = 0) -> str:
    """1234.5 -> ``1.234,5``; nothing or not a number -> a dash."""
    if is_missing(value) or (isinstance(value, float) and math.isinf(value)):
        return NONE
    return _written(round(float(value), decimals) + 0.0, decimals)


@lru_cache(maxsize=1 << 16)
def _written(rounded: float, decimals: int) -> str:
    """A report writes some numbers thousands of times."""
    return str(_pattern(decimals).apply(rounded, _LOCALE)).replace("-", "−")


PLANNED = (
    "Vanaf {day} neemt versie {version} het over, die al gepland is. Zij is vergeleken met een andere verdeling dan "
    "deze: haar wijzigingen en verhuizingen kloppen dan niet meer. Laat voor die dag een nieuw voorstel maken."
)


def planned_later(versions: Iterable[tuple[int, date]]) -> str:
    """Which versions will take over from a proposal, each with its first day, in sentences; empty when none will."""
    return " ".join(PLANNED.format(version=version, day=day(first)) for version, first in versions)


def roughly(count: int) -> str:
    """A count of persons for who may not read small ones (R14): 0, "minder dan 5", or "ongeveer" a multiple of 5.

    Of a total over cells that readers see it is given the sum of ``small_counts.clients_seen``.
    """
    if not 0 < count < SMALLEST_SHOWN_COUNT:
        nearest = SMALLEST_SHOWN_COUNT * ((count + SMALLEST_SHOWN_COUNT // 2) // SMALLEST_SHOWN_COUNT)
        return f"ongeveer {number(nearest)}" if count else "0"
    return f"minder dan {SMALLEST_SHOWN_COUNT}"


def percent(share: Any, decimals: int = 1, *, signed: bool = False) -> str:
    """0.049 -> ``4,9%``; ``signed`` puts a plus before what is above zero."""
    text = number(None if is_missing(share) else share * 100, decimals)
    if text == NONE:
        return NONE
    return ("+" if signed and round(share * 100, decimals) > 0 else "") + text + "%"


def day(value: Any) -> str:
    """A date (or its ISO text) -> ``21 november 2026``."""
    if is_missing(value) or value == "":
        return NONE
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    return format_date(value, "d MMMM y", locale="nl")


def month(value: Any) -> str:
    """A month as the input has it (YYYY-MM) -> ``november 2026``."""
    return NONE if is_missing(value) else format_date(date.fromisoformat(f"{value}-01"), "MMMM y", locale="nl")


def planned_day(value: Any) -> str:
    """The first day in force of a proposal, as it was asked for: a date (or its ISO text), or None."""
    return "de dag van goedkeuring" if value is None else day(value)


def moment(value: datetime | str) -> str:
    """A moment (or its ISO text; UTC without a zone) on the Dutch clock: ``21 november 2026, 14:05``."""
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    return format_datetime(when, "d MMMM y, HH:mm", tzinfo=get_timezone("Europe/Amsterdam"), locale="nl")


CHANCES = (
    (0.95, "vrijwel zeker"),
    (0.8, "waarschijnlijk"),
    (0.6, "eerder wel dan niet"),
    (0.4, "om het even"),
    (0.2, "eerder niet dan wel"),
)
"""From so much on a chance is called so."""


def chance(share: float) -> str:
    """A chance in words: 0.87 -> ``waarschijnlijk``."""
    return next((word for least, word in CHANCES if share >= least), "onwaarschijnlijk")


def layer(domain: str, line: str) -> str:
    """Name of a layer: ``ZW en WIA, vangnetlijn``."""
    return DOMAINS[domain] + ("" if line == "alle" else f", {LINES[line]}")


def crossing(reason: str) -> str:
    """``ferry: Den Helder - Texel`` -> ``veer: Den Helder - Texel``."""
    kind, _, where = reason.partition(":")
    return f"{CROSSINGS[kind]}:{where}" if kind in CROSSINGS else reason


MEASURES = {"clients": "het aantal cliënten", "hours_other": "de uren van de andere teamleden"}


FIELDS = {
    # place
    "pc4": "postcode", "pc6_from": "vanaf", "pc6_to": "t/m", "postcodes": "postcodes", "place": "waar",
    "arbeidsmarktregio": "regio", "arbeidsmarktregio_nr": "regionummer", "region": "regio", "regions": "regio's",
    "areas": "gebieden", "areas_allocated": "gebieden in de verdeling", "is_area": "is een gebied", "area_km2": "km2",
    "inhabitants": "inwoners", "is_valid": "geldige vorm", "km": "km", "other_from": "ook vanaf",
    "other_to": "ook t/m",
    # team and division
    "team_id": "team", "team": "team", "teams": "teams", "team_ids": "teams", "name": "naam", "names": "namen",
    "team_from": "van team", "team_to": "naar team", "pinned_to": "vast op team", "office": "kantoor",
    "office_pc4": "postcode", "office_of_team": "kantoor van het team", "group_code": "groep verzuimbeheer",
    "groups": "groepen", "laws": "wetten", "law": "wet", "client_line": "lijn", "client_lines": "lijnen",
    "line": "lijn",
    "lines": "lijnen", "line_of_pin": "lijn van de vergrendeling", "client_group": "groep", "pw_client": "PW-cliënt",
    "is_pw": "Participatiewet", "law_domain": "laag", "law_domains": "lagen", "layer": "laag", "profession": "beroep",
    "is_active": "werkt dan", "is_central": "landelijk", "kind": "soort", "share": "aandeel", "shares": "aandelen",
    "allocated": "volgens de verdeling", "pieces": "delen", "reasons": "redenen", "provider": "partner",
    "provider_share": "aandeel van de partner", "team_share": "aandeel van het team", "whole": "samen",
    "teams_at_provider": "teams bij de partner",
    # time
    "month": "maand", "months": "maanden", "first": "eerste", "last": "laatste", "first_day": "eerste dag",
    "last_day": "laatste dag", "valid_from": "vanaf", "valid_to": "t/m", "reference_date": "peildatum",
    "since": "sinds", "version": "versie", "was": "was",
    # clients and hours
    "product": "product", "clients": "cliënten", "clients_a_year": "cliënten per jaar", "files": "dossiers",
    "clients_per_year": "cliënten per jaar", "clients_in_work": "cliënten in het werk", "planned_clients": "gepland",
    "clients_routed": "toegewezen cliënten", "inflow_clients": "instroom", "stock_clients": "voorraad",
    "history_a_year": "per jaar tot nu", "expected": "verwacht", "series": "reeks", "sds": "standaardafwijkingen",
    "explained": "verklaard", "hours": "uren", "hours_other": "uren van anderen", "hours_sd": "standaardafwijking",
    "hours_verzekeringsarts": "uren", "hours_low": "uren minstens", "hours_high": "uren hoogstens", "work": "werk",
    "hours_above": "uren te veel", "target_hours": "eigen deel", "target": "eigen deel", "capacity": "capaciteit",
    "productivity": "productiviteit", "asked": "gevraagd", "available": "beschikbaar", "got": "gekregen",
    "lent": "uitgeleend", "borrowed": "geleend", "rest": "blijft achter", "held": "in bezit",
    "handed_in": "aangeleverd",
    "in_work": "in het werk", "in_stock": "in voorraad", "in_transition": "in de overgang", "movement": "beweging",
    "moved": "verhuisd", "part": "deel", "demand": "vraag", "routed": "toegewezen", "unexplained": "onverklaard",
    "deviation": "afwijking", "tolerance": "tolerantie", "is_within_tolerance": "binnen tolerantie",
    "chance_within_tolerance": "kans binnen tolerantie", "in_use": "in gebruik", "estimate": "schatting",
    "low": "minstens", "high": "hoogstens",
    # counted twice
    "counted": "nageteld", "counted_other": "nageteld van anderen", "difference": "verschil",
    "of_regions": "van regio's",
    "of_teams": "van teams", "of_input": "van de invoer", "is_complete": "volledig",
    "asked_of_teams": "gevraagd van teams",
    "available_of_teams": "beschikbaar van teams", "files_of_teams": "dossiers van teams",
    "files_in_ledger": "dossiers in het grootboek", "hours_in_ledger": "uren in het grootboek",
    "on_rows": "aantal rijen",
    # remarks on the input
    "file": "bestand", "row": "rij", "column": "kolom", "what": "wat", "usual": "gebruikelijk", "instead": "gebruikt",
    "follows": "volgt",
}  # fmt: skip
"""A Dutch word for every column that a rule of the gates returns."""
_DECIMAL = re.compile(r"-?\d+\.\d+%?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def example(found: Mapping[str, str] | str) -> str:
    """A row that a check found: team_id W1, hours 5633, share 5.5% -> ``team W1, uren 5.633, aandeel 5,5%``; a date in
    words.

    A text is one of a run by an earlier release, and stays as it is.
    """
    if isinstance(found, str):
        return found
    parts = []
    for name, text in found.items():
        value = " ".join(text.split())  # a name of several lines would look like lines of ours
        shown = number(float(value)) if value.isdigit() and name in ("hours", "capacity", "clients") else value
        if _DECIMAL.fullmatch(value):
            shown = value.replace(".", ",").replace("-", "−")
        elif _DATE.fullmatch(value):
            with suppress(ValueError):  # a text of the input that only looks like a date
                shown = day(value)
        parts.append(f"{FIELDS.get(name, name)} {shown}".strip())
    return ", ".join(parts)


def examples(failed: Mapping[str, Any], most: int) -> list[str]:
    """At most so many rows that a check found, and how many more there are."""
    shown = [example(one) for one in failed["examples"][:most]]
    more = int(failed["how_many"]) - len(shown)
    return [*shown, f"en nog {number(more)}"] if more > 0 else shown


def violation(broken: Violation, *, for_readers: bool = False) -> str:
    """What is wrong with a plan, in a sentence; ``for_readers`` without the amount of a team's work: of two versions it
    tells one client (R14)."""
    name, amount = broken.where, broken.amount
    measure = MEASURES.get(broken.measure or "", "een verdere maat")
    beyond = percent(amount) if round(amount, 3) > 0 else "minder dan 0,1%"
    sentences = {
        Kind.SHAPE: f"De verdeling heeft {number(amount)} postcodes te veel of te weinig.",
        Kind.UNASSIGNED: f"Postcode {name} heeft geen team.",
        Kind.PIN: f"Postcode {name} is vastgezet op team {broken.team}, maar is daar niet ingedeeld.",
        Kind.BAR: f"Postcode {name} is ingedeeld bij team {broken.team}, dat daar niet mag werken.",
        Kind.EMPTY: f"Team {name} heeft geen enkel gebied.",
        Kind.PIECES: f"Het gebied van team {name} bestaat uit {number(amount + 1)} losse delen.",
        Kind.LOAD: f"Team {name} ligt {beyond} van zijn evenredige deel buiten de toegestane afwijking.",
        Kind.MEASURE: f"Team {name} ligt {beyond} buiten de toegestane afwijking op {measure}.",
    }
    if for_readers:
        sentences |= {
            Kind.LOAD: f"Team {name} ligt buiten de toegestane afwijking van zijn evenredige deel.",
            Kind.MEASURE: f"Team {name} ligt buiten de toegestane afwijking op {measure}.",
        }
    return sentences[broken.kind]
