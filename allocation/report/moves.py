"""Whose file moves and why, counted in one sentence: for the report, a terminal and who has to approve.

Belongs here: counting and wording table ``transition``. Does not belong here: who moves (``outcome.transition``).
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from allocation.report.dutch import number


def reasons_counted(transition: pd.DataFrame, told: Callable[[int], str] = number) -> list[str]:
    """How many files move and why, the commonest reason first; then of how many the holder is unknown.

    For instance "1.204 dossiers verhuizen: 880 team beëindigd, 324 team bedient de wet niet.". Of a reason the words
    before its colon count; what follows says what happens then.

    Parameters
    ----------
    transition : table ``transition``: clients, movement, reason.
    told : how a count is told; ``dutch.roughly`` where others than Operations read it.
    """
    moving = transition[transition["movement"] == "verhuist"]
    files = int(moving["clients"].sum())
    if not files:
        sentences = ["Geen enkel dossier verhuist: bestaande cliënten houden hun team."]
    else:
        short = moving["reason"].str.partition(":")[0]
        counts = moving.groupby(short)["clients"].sum().sort_values(ascending=False, kind="stable")
        why = ", ".join(f"{told(int(count))} {reason}" for reason, count in counts.items() if count)
        verb = "dossier verhuist" if told(files) == "1" else "dossiers verhuizen"
        sentences = [f"{_first_capital(told(files))} {verb}: {why}."]
    unknown = int(transition.loc[transition["movement"] == "onbekend", "clients"].sum())
    if unknown:
        whose = "1 dossier" if told(unknown) == "1" else f"{told(unknown)} dossiers"
        sentences.append(f"Van {whose} is onbekend welk team het nu heeft; die cliënten krijgen geen brief.")
    return sentences


def _first_capital(text: str) -> str:
    return text[:1].upper() + text[1:]
