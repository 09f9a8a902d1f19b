"""Planners' drafts, kept in the store beside the versions: what was tried on the page, by whom, not yet proposed.

A draft is a named JSON value with what others remarked on it. Saving names the revision that the planner started from:
when someone else saved in the meantime, nothing is overwritten and the planner is told who it was. A comment is added
beside the content: it is no new revision, and saving the content keeps it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from allocation.contract.errors import Refused
from allocation.contract.vocabulary import LARGEST_ID
from allocation.publication import store
from allocation.publication.tables import PLANNER_DRAFTS as DRAFTS

MOST_DRAFTS, MOST_COMMENTS = 50, 200
"""Of one planner on one proposal, and at one draft: who opens a proposal gets all of them."""


@dataclass(frozen=True)
class Draft:
    """A saved draft. ``revision`` counts from 1; ``saved_at`` is ISO 8601 in UTC.

    ``comments``: oldest first, each with ``text``, ``by`` and ``at`` (ISO 8601 in UTC).
    """

    draft_id: int
    run_id: str
    name: str
    content: dict[str, Any]
    revision: int
    saved_by: str
    saved_at: str
    comments: tuple[dict[str, str], ...] = ()


class Overtaken(Refused):
    """Someone else saved this draft since it was opened; ``latest`` is what they saved."""

    def __init__(self, latest: Draft | None) -> None:
        self.latest = latest
        super().__init__(
            f"'{latest.name}' is intussen bewaard door {latest.saved_by}." if latest else "Dit concept is verwijderd."
        )


def drafts(store_url: str, run_id: str) -> list[Draft]:
    """The drafts on a run's proposal, the last saved first."""
    query = sa.select(DRAFTS).where(DRAFTS.c.run_id == run_id).order_by(DRAFTS.c.saved_at.desc(), DRAFTS.c.draft_id)
    with store.reading(store_url) as connection:
        return [_draft(row) for row in connection.execute(query)]


def runs_with_drafts(store_url: str) -> set[str]:
    """The runs on whose proposal somebody has a draft."""
    with store.reading(store_url) as connection:
        return set(connection.scalars(sa.select(DRAFTS.c.run_id)))


def draft(store_url: str, draft_id: int) -> Draft:
    """One draft. Raises Refused when it is not there."""
    with store.reading(store_url) as connection:
        row = connection.execute(sa.select(DRAFTS).where(_is(draft_id))).first()
    if row is None:
        raise Refused("Dit concept is er niet meer.")
    return _draft(row)


def save(
    store_url: str, run_id: str, name: str, content: dict[str, Any], by: str, *, draft_id: int | None, revision: int
) -> Draft:
    """Save a draft: a new one without ``draft_id``, else over ``revision`` of it.

    Raises Overtaken when it was saved or removed by someone else since, Refused for a name that is empty or in use, for
    a draft on another proposal (it would vanish there), and when this planner has too many.
    """
    name = name.strip()
    if not name:
        raise Refused("Geef het concept een naam.")
    values = {
        "run_id": run_id,
        "name": name,
        "content": _as_text(content, []),
        "saved_by": by,
        "saved_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with store.writing(store_url) as connection:
        same = sa.select(DRAFTS).where(DRAFTS.c.run_id == run_id, DRAFTS.c.name == name)
        taken = connection.execute(same).first()
        if taken is not None and taken.draft_id != draft_id:
            raise Refused(f"Er is al een concept met de naam '{name}' (van {taken.saved_by}); kies een andere naam.")
        if draft_id is None:
            own = (DRAFTS.c.run_id == run_id) & (DRAFTS.c.saved_by == by)
            count = connection.execute(sa.select(sa.func.count()).select_from(DRAFTS).where(own)).scalar_one()
            if count >= MOST_DRAFTS:
                raise Refused(f"U hebt hier al {MOST_DRAFTS} concepten; verwijder er eerst een.")
            made = DRAFTS.insert().values(**values, revision=1).returning(DRAFTS.c.draft_id)
            draft_id = connection.execute(made).scalar_one()
        else:
            here = _is(draft_id) & (DRAFTS.c.revision == revision)
            known = connection.execute(sa.select(DRAFTS.c.run_id, DRAFTS.c.content).where(here)).first()
            if known is not None and known.run_id != run_id:
                raise Refused("Dit concept hoort bij een ander voorstel; bewaar het hier als een nieuw concept.")
            values["content"] = _as_text(content, _comments(known.content if known is not None else None))
            changed = connection.execute(DRAFTS.update().where(here).values(**values, revision=revision + 1))
            if changed.rowcount == 0:
                row = connection.execute(sa.select(DRAFTS).where(_is(draft_id))).first()
                raise Overtaken(None if row is None else _draft(row))
        row = connection.execute(sa.select(DRAFTS).where(_is(draft_id))).one()
    return _draft(row)


def comment(store_url: str, draft_id: int, text: str, by: str) -> Draft:
    """Add a comment to a draft; returns the draft.

    Raises Refused for an empty text, when the draft is gone, and when it has too many comments.
    """
    if not text.strip():
        raise Refused("Schrijf eerst een opmerking.")
    with store.writing(store_url) as connection:
        here = _is(draft_id)
        row = connection.execute(sa.select(DRAFTS).where(here)).first()
        if row is None:
            raise Refused("Dit concept is er niet meer.")
        kept = _draft(row)
        if len(kept.comments) >= MOST_COMMENTS:
            raise Refused(f"Bij dit concept staan al {MOST_COMMENTS} opmerkingen; ga verder in een nieuw concept.")
        added = {"text": text.strip(), "by": by, "at": datetime.now(UTC).isoformat(timespec="seconds")}
        content = _as_text(kept.content, [*kept.comments, added])
        connection.execute(DRAFTS.update().where(here).values(content=content))
        return _draft(connection.execute(sa.select(DRAFTS).where(here)).one())


def remove(store_url: str, draft_id: int, *, revision: int) -> None:
    """Remove ``revision`` of a draft. Raises Overtaken when someone saved it since."""
    with store.writing(store_url) as connection:
        here = _is(draft_id) & (DRAFTS.c.revision == revision)
        if connection.execute(DRAFTS.delete().where(here)).rowcount == 0:
            row = connection.execute(sa.select(DRAFTS).where(_is(draft_id))).first()
            raise Overtaken(None if row is None else _draft(row))


def _is(draft_id: int) -> sa.ColumnElement[bool]:
    """Which draft has this number. One that no column holds is nobody's: the store would not even compare it."""
    return DRAFTS.c.draft_id == draft_id if 0 < draft_id <= LARGEST_ID else sa.false()


COMMENTS = "comments"
"""Where the comments stand in the stored text; the content of a draft has no such part of its own."""


def _as_text(content: dict[str, Any], comments: list[dict[str, str]]) -> str:
    return json.dumps(content | ({COMMENTS: comments} if comments else {}), ensure_ascii=False)


def _comments(text: str | None) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(text).get(COMMENTS, []) if text else []
    return found


def _draft(row: sa.Row[Any]) -> Draft:
    content = {name: part for name, part in json.loads(row.content).items() if name != COMMENTS}
    told = tuple(_comments(row.content))
    return Draft(row.draft_id, row.run_id, row.name, content, row.revision, row.saved_by, row.saved_at, told)
