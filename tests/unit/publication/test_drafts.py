"""Drafts in the store: nobody overwrites another's work without knowing."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocation.contract.errors import Refused
from allocation.publication import drafts


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.sqlite'}"


def save(
    store_url: str, by: str, *, name: str = "plan", draft: drafts.Draft | None = None, **content: int
) -> drafts.Draft:
    known = (None, 0) if draft is None else (draft.draft_id, draft.revision)
    return drafts.save(store_url, "run", name, content, by, draft_id=known[0], revision=known[1])


def test_what_is_saved_is_read_again_by_anyone(store_url: str) -> None:
    first = save(store_url, "Anna", a=1)
    assert drafts.draft(store_url, first.draft_id).content == {"a": 1}
    assert [one.name for one in drafts.drafts(store_url, "run")] == ["plan"]
    assert drafts.drafts(store_url, "another run") == []


def test_the_second_to_save_the_same_revision_is_told_who_was_first(store_url: str) -> None:
    opened = save(store_url, "Anna", a=1)
    save(store_url, "Bert", draft=opened, a=2)
    with pytest.raises(drafts.Overtaken, match="Bert") as refused:
        save(store_url, "Anna", draft=opened, a=3)
    assert refused.value.latest is not None
    assert refused.value.latest.revision == 2
    assert drafts.draft(store_url, opened.draft_id).content == {"a": 2}


def test_a_removed_draft_cannot_be_saved_or_removed_again(store_url: str) -> None:
    opened = save(store_url, "Anna", a=1)
    drafts.remove(store_url, opened.draft_id, revision=1)
    with pytest.raises(drafts.Overtaken, match="verwijderd"):
        save(store_url, "Bert", draft=opened, a=2)
    with pytest.raises(drafts.Overtaken):
        drafts.remove(store_url, opened.draft_id, revision=1)
    with pytest.raises(Refused):
        drafts.draft(store_url, opened.draft_id)


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**30])
def test_a_number_that_no_draft_can_have_is_as_one_that_is_gone(store_url: str, number: int) -> None:
    """Whoever starts the DAG ``allocate`` types the number."""
    save(store_url, "Anna", a=1)
    for ask in (
        lambda: drafts.draft(store_url, number),
        lambda: drafts.comment(store_url, number, "goed", "Bert"),
        lambda: drafts.save(store_url, "run", "b", {}, "Bert", draft_id=number, revision=1),
        lambda: drafts.remove(store_url, number, revision=1),
    ):
        with pytest.raises(Refused, match=r"Dit concept is (er niet meer|verwijderd)"):
            ask()


def test_a_name_is_used_once_and_never_empty(store_url: str) -> None:
    save(store_url, "Anna", a=1)
    with pytest.raises(Refused, match="kies een andere naam"):
        save(store_url, "Bert", a=2)
    with pytest.raises(Refused, match="naam"):
        save(store_url, "Bert", name="  ", a=2)


def test_a_draft_stays_with_its_proposal(store_url: str) -> None:
    kept = save(store_url, "Anna", a=1)
    with pytest.raises(Refused, match="hoort bij een ander voorstel"):
        drafts.save(store_url, "other", kept.name, {"a": 2}, "Bert", draft_id=kept.draft_id, revision=kept.revision)
    assert drafts.draft(store_url, kept.draft_id) == kept


def test_comments_stay_with_a_draft_and_disturb_nobody_who_is_editing_it(store_url: str) -> None:
    """Bert remarks while Anna edits: her next save succeeds, and both remarks are still there."""
    kept = drafts.save(store_url, "toy", "plan", {"moves": []}, "Anna", draft_id=None, revision=0)
    told = drafts.comment(store_url, kept.draft_id, " Kan 1005 ook mee? ", "Bert")
    assert (told.revision, told.content) == (1, {"moves": []})
    again = drafts.save(store_url, "toy", "plan", {"moves": [1]}, "Anna", draft_id=kept.draft_id, revision=1)
    last = drafts.comment(store_url, kept.draft_id, "Ja, gedaan.", "Anna")
    assert (again.revision, last.revision, last.content) == (2, 2, {"moves": [1]})
    assert [(one["text"], one["by"]) for one in last.comments] == [
        ("Kan 1005 ook mee?", "Bert"),
        ("Ja, gedaan.", "Anna"),
    ]
    assert drafts.draft(store_url, kept.draft_id) == last
    with pytest.raises(Refused, match="Schrijf eerst"):
        drafts.comment(store_url, kept.draft_id, "  ", "Bert")
    drafts.remove(store_url, kept.draft_id, revision=2)
    with pytest.raises(Refused, match="niet meer"):
        drafts.comment(store_url, kept.draft_id, "te laat", "Bert")


def test_one_planner_does_not_fill_the_page_of_a_proposal(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opens a proposal gets every draft on it with all its comments."""
    monkeypatch.setattr(drafts, "MOST_DRAFTS", 2)
    monkeypatch.setattr(drafts, "MOST_COMMENTS", 2)
    first, _ = save(store_url, "Anna", name="een"), save(store_url, "Anna", name="twee")
    with pytest.raises(Refused, match="al 2 concepten"):
        save(store_url, "Anna", name="drie")
    save(store_url, "Bert", name="drie")
    assert save(store_url, "Anna", name="een", draft=first, a=2).revision == 2
    for text in ("eerste", "tweede"):
        drafts.comment(store_url, first.draft_id, text, "Bert")
    with pytest.raises(Refused, match="al 2 opmerkingen"):
        drafts.comment(store_url, first.draft_id, "derde", "Anna")
    assert [one["text"] for one in drafts.draft(store_url, first.draft_id).comments] == ["eerste", "tweede"]
