"""The declarations that a store follows have a number from here on (see `allocation.publication.upgrade`).

Programs of before cannot tell newer declarations from older ones, and would take the views of a newer program back:
they refuse a store with a migration that they do not know. Nothing else changes.
"""

from __future__ import annotations

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
