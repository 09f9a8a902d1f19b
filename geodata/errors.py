"""The one error of this package whose text is meant for the person at the keyboard."""

from __future__ import annotations


class GeodataError(Exception):
    """Boundaries cannot be had as asked. The text is one or more plain sentences; nothing was changed."""
