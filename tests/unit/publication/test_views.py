"""The SQL of the published views: no row of a proposal is read to make them (`test_readers` asks PostgreSQL itself)."""

from __future__ import annotations

import re

import pytest

from allocation.publication import views

READ = re.compile(r"(?:FROM|JOIN)\s+(\w+_rows)\s+(\w)\b")


@pytest.mark.parametrize("name", sorted(set(views.published_views("postgresql")) - set(views.INTERNAL)))
def test_what_a_view_reads_is_filtered_by_version_where_it_is_read(name: str) -> None:
    text = views.published_views("postgresql")[name]
    for table, alias in READ.findall(text):
        assert re.search(rf"\b{alias}\.version = ANY \(ARRAY\(SELECT", text), (table, alias)


def test_what_compares_any_two_versions_reads_proposals_too() -> None:
    made = views.published_views("postgresql")
    assert not any("ANY (ARRAY" in made[name] for name in views.INTERNAL)
    assert READ.findall(made["weighed_changes"]) == [("expected_rows", "e")]
