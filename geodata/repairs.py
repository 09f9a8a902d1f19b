"""What can be repaired or noticed in boundaries: every class, its rule, and the list itself.

The texts of the list are read by planners and therefore Dutch.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

REPAIR_COLUMNS = ["class", "pc4", "detail", "action"]

RULES = {
    "bron": "Bijzonderheid van de bron zelf (jaar, kolommen, coördinaten); zie de tekst.",
    "geen_postcode": "Een vlak zonder postcode van vier cijfers wordt weggelaten.",
    "ongeldige_vorm": "Een vlak met een fout in zijn ringen wordt hersteld zonder de grens te verleggen.",
    "lege_vorm": "Een vlak zonder oppervlakte van een postcode die ook een ander vlak heeft, wordt weggelaten.",
    "zonder_eigen_vlak": (
        "Een postcode waarvan het vlak ontbreekt, kleiner is dan 1 m² of onder andere gebieden ligt, volgt het "
        "gebied dat hem bedekt of raakt (hoogstens 0,5% van de gebieden)."
    ),
    "dubbele_postcode": "Vlakken met dezelfde postcode worden samengevoegd; gelijke vlakken tellen één keer.",
    "overlap": "Wat in twee gebieden ligt, gaat naar het gebied met de langste gedeelde grens.",
    "kier": "Een kier van hoogstens 5 m tussen gebieden wordt gesloten; een bredere opening is echt.",
    "grens_ongelijk": "Twee gebieden met een iets andere gezamenlijke grens krijgen precies dezelfde.",
    "snipper": "Een los deel onder 100 m² of smaller dan 1 m gaat naar het gebied waar het het meest aan grenst.",
    "losse_delen": "Een gebied in losse delen blijft één gebied en geldt als aaneengesloten.",
    "gat": "Een opening die overblijft is buitenland of water en hoort bij geen gebied.",
    "zonder_inwoners": "Een gebied zonder inwoners blijft bestaan en hoort bij een team.",
    "inwoners_onbekend": "Een niet gepubliceerd aantal inwoners is onbekend, niet nul.",
    "regio_afgeleid": "Zonder eigen regio komt een gebied in de regio waar het het meest mee overlapt.",
    "regio_veranderd": "Een gemeente lag in 2014 in een andere regio: de indeling is anders of codes zijn verwisseld.",
    "buiten_laag": "Een gebied buiten een laag van gemeenten of regio's hoort bij de dichtstbijzijnde.",
    "regiogrens": "Een gebied over een regiogrens gaat naar de regio met de meeste inwoners, anders het meeste vlak.",
    "hoekcontact": "Minder dan 5 m gedeelde grens geldt als een hoekpunt: geen buren.",
    "barriere": "Buren aan weerszijden van breed water zonder oeververbinding binnen 5 km zijn geen buren (lijst).",
    "zonder_vlak": "Een postcode uit de caseload zonder vlak volgt het gebied met de naaste postcode.",
    "nieuw_gebied": "Een postcode die in de vorige editie niet bestond, begint met het team van die plaats.",
    "vervallen_gebied": "Aantallen en dossiers van een vervallen postcode gaan naar het gebied waar hij nu in ligt.",
    "vernummerd": "Een gebied met een ander nummer neemt de plaats van het oude in.",
    "andere_gemeente": "Een gebied dat naar een andere gemeente is gegaan, blijft verder wat het was.",
    "andere_regio": "Een gebied dat naar een andere arbeidsmarktregio is gegaan, wordt daar verdeeld.",
}
"""Class -> rule, in the words of the report. Nothing is repaired outside these classes."""


class Repairs:
    """Collects what is repaired or noticed, in the order in which it happens."""

    def __init__(self, rows: Iterable[dict[str, str]] = ()) -> None:
        self._rows = list(rows)
        self._follows: dict[str, str] = {}

    def add(self, kind: str, pc4: str, detail: str, action: str) -> None:
        """One line; ``kind`` is a key of RULES, ``pc4`` is empty when no one area is meant."""
        if kind not in RULES:
            raise KeyError(f"{kind} is not a class of repairs; add its rule to geodata.repairs.RULES")
        self._rows.append({"class": kind, "pc4": pc4, "detail": detail, "action": action})

    def follow(self, pc4: str, area: str, detail: str, action: str) -> None:
        """One line on a postcode without a surface of its own, which counts for ``area`` from here on."""
        self.add("zonder_eigen_vlak", pc4, detail, action)
        self._follows[pc4] = area

    def follows(self) -> pd.DataFrame:
        """The postcodes that follow an area: pc4, follows; both text, sorted by pc4."""
        return pd.DataFrame(sorted(self._follows.items()), columns=["pc4", "follows"]).astype("str")

    def rows(self) -> tuple[dict[str, str], ...]:
        """The lines so far."""
        return tuple(self._rows)

    def table(self) -> pd.DataFrame:
        """The list: class, pc4, detail, action; all text, sorted by class (in the order of RULES) and pc4."""
        table = pd.DataFrame(self._rows, columns=REPAIR_COLUMNS).astype("str")
        order = table["class"].map({kind: number for number, kind in enumerate(RULES)})
        return table.assign(order=order).sort_values(["order", "pc4"], kind="stable", ignore_index=True)[REPAIR_COLUMNS]


def summary(repairs: pd.DataFrame) -> pd.DataFrame:
    """Per class that occurs: class, rule, count; in the order of RULES."""
    count = repairs["class"].value_counts()
    rows = [{"class": kind, "rule": rule, "count": int(count[kind])} for kind, rule in RULES.items() if kind in count]
    return pd.DataFrame(rows, columns=["class", "rule", "count"])
