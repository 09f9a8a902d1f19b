"""A link in a document leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_every_link_to_a_file_of_the_repository_leads_to_one() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [(document, to) for document in documents for to in LINK.findall(document.read_text(encoding="utf-8"))]
    inside = [(document, to) for document, to in links if "://" not in to]
    assert len(inside) > 50
    broken = [f"{document.relative_to(ROOT)}: {to}" for document, to in inside if not (document.parent / to).exists()]
    assert broken == []
