"""What a planner's draft was made beside, and whether it may be handed in beside what is in force by then.

Belongs here: those refusals, in Dutch. Does not belong here: making the run (`proposing`), or whether the draft itself
is possible (`changes`, `beside_input`).
"""

from __future__ import annotations

from datetime import date

from allocation.contract import calendar
from allocation.contract.errors import Refused
from allocation.publication import reads
from allocation.report import dutch
from allocation.runs import run_files
from allocation.runs.run import Run


def _own_version(origin: Run) -> int | None:
    """The version that a run became; None when it was not proposed."""
    return origin.read(run_files.VERSION).version if origin.has(run_files.VERSION) else None


def refuse_before_planned(store_url: str, origin: Run, valid_from: date | None) -> None:
    """Raise Refused when a draft is to begin (``valid_from``; None = today) before the version that it was made on.

    ``origin``: the run that became that version. Its own record may name another store, where its folder was copied.
    """
    known, own = reads.versions(store_url), _own_version(origin)
    begins = [day for day in known.loc[known["version"] == own, "valid_from"] if isinstance(day, date)]
    if begins and min(begins) > (valid_from or calendar.today()):
        day = dutch.day(min(begins))
        raise Refused(
            f"Dit concept gaat uit van versie {own}, die pas vanaf {day} geldt. Kies {day} of later als ingangsdatum."
        )


def refuse_another_basis(store_url: str, then: int | None, origin: Run, seen: int | None = None) -> None:
    """Raise Refused when a draft on ``origin`` would take over from a version (``then``) that the planner has not seen
    beside it: what that version changed would be changed back, without a word.

    He saw the version that the page showed as "now" (``seen``), or that the run was compared with; and the one that
    the run itself became, for that is what he changed.
    """
    if then in (None, _own_version(origin), origin.in_force().version if seen is None else seen):
        return
    if then == reads.current_version(store_url):
        raise Refused(
            f"Er geldt nu een andere versie ({then}) dan waarmee dit concept is vergeleken; indienen zou ongedaan "
            f"maken wat die versie wijzigde. Er is niets ingediend en uw concept blijft bewaard: laad de pagina "
            f"opnieuw en kies 'Open versie {then}' boven de kaart, dan gaat uw concept mee."
        )
    raise Refused(
        f"Vlak voor de ingangsdatum geldt versie {then}, waarmee dit voorstel niet is vergeleken. Kies een andere "
        "ingangsdatum, of maak het concept op een verdeling die van die versie uitgaat."
    )
