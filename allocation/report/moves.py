"""Whose file moves and why, counted in one sentence, and which teams move: for the report, a terminal and who approves.

Belongs here: counting and wording table ``transition``, and the offices of teams. Does not belong here: who moves
(``outcome.transition``).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from allocation.contract.published_tables import TEAM_LOAD
from allocation.contract.vocabulary import HOLDER_UNKNOWN, MOVES
from allocation.outcome.offices import office_moves
from allocation.report.dutch import number, roughly
from allocation.runs import run_files


def reasons_counted(transition: pd.DataFrame, *, is_rough: bool = False) -> list[str]:
    """How many files move and why, the commonest reason first; then of how many the holder is unknown.

    For instance "1.204 dossiers verhuizen: 880 team beëindigd, 324 team bedient de wet niet.". Of a reason the words
    before its colon count; what follows says what happens then.

    Parameters
    ----------
    transition : table ``transition``: clients, movement, reason; and ``seen`` where ``is_rough``.
    is_rough : so that others than Operations may read it (R14).
    """
    amount = "seen" if is_rough else "clients"  # in what order reasons stand tells of what they are ordered by
    moving = transition[transition["movement"] == MOVES]
    if not moving[amount].sum():
        sentences = ["Geen enkel dossier verhuist: bestaande cliënten houden hun team."]
    else:
        short = moving["reason"].str.partition(":")[0]
        counts = moving.groupby(short)[amount].sum().sort_values(ascending=False, kind="stable")
        each = {reason: counted(moving[short == reason], is_rough=is_rough) for reason in counts.index}
        why = ", ".join(f"{each[reason]} {reason}" for reason, count in counts.items() if count)
        files = counted(moving, is_rough=is_rough)
        verb = "dossier verhuist" if files == "1" else "dossiers verhuizen"
        sentences = [f"{_first_capital(files)} {verb}: {why}."]
    unknown = transition[transition["movement"] == HOLDER_UNKNOWN]
    if unknown[amount].sum():
        told = counted(unknown, is_rough=is_rough)
        whose = "1 dossier" if told == "1" else f"{told} dossiers"
        sentences.append(f"Van {whose} is onbekend welk team het nu heeft; die cliënten krijgen geen brief.")
    return sentences


def teams_that_move(folder: Path, load: pd.DataFrame) -> pd.DataFrame:
    """Teams that have another office in table ``team_load`` of this run than in the version that it is compared with:
    team_id, office_from, office_to. None where it is compared with no version."""
    before = run_files.IN_FORCE_TABLES.table(TEAM_LOAD.name)
    is_known = run_files.LAYERS.read(folder).from_version is not None and before.exists(folder)
    return office_moves(before.read(folder) if is_known else load.head(0), load)


def office_move(team_id: str, office_from: str, office_to: str) -> str:
    """For instance "SMC-UTR-01 (van Utrecht naar Amersfoort)"."""
    return f"{team_id} (van {office_from} naar {office_to})"


def counted(cells: pd.DataFrame, *, is_rough: bool = False) -> str:
    """How many clients ``cells`` of ``transition`` have together. ``is_rough``: for who sees these cells without the
    small ones, and may not tell them from their total; then of ``seen``, as ``small_counts.clients_seen`` gives it."""
    return roughly(round(cells["seen"].sum())) if is_rough else number(int(cells["clients"].sum()))


def _first_capital(text: str) -> str:
    return text[:1].upper() + text[1:]
