"""``python -m geodata SPEC``: loads boundaries, checks them, and says what is in them. ``--against``: what changed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from geodata import DEFAULT_CACHE, GeodataError, diff, load_boundaries, problems, refresh_boundaries, repairs_summary
from geodata.travel import crossings_on_way, largest_detours


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: fit for use; 1: not to be had, or not fit; 2: wrong usage. Errors go to stderr."""
    parser = argparse.ArgumentParser(prog="python -m geodata", description=__doc__)
    parser.add_argument("spec", help="embedded, pdok, pdok:YEAR, or a file")
    parser.add_argument("--refresh", action="store_true", help="ask PDOK again although the cache has it")
    parser.add_argument("--against", metavar="SPEC", help="an earlier edition; lists what changed since")
    parser.add_argument("--detours", type=int, metavar="N", help="the N largest detours against the straight line")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="folder of the cache (%(default)s)")
    asked = parser.parse_args(arguments)
    load = refresh_boundaries if asked.refresh else load_boundaries
    try:
        found = load(asked.spec, asked.cache, lambda text: print(text, file=sys.stderr))
        changes = diff(load_boundaries(asked.against, asked.cache).areas, found.areas) if asked.against else None
    except GeodataError as error:
        print(error, file=sys.stderr)
        return 1
    edition, kinds = found.edition, found.edges["kind"].value_counts()
    print(f"{edition.source} {edition.year}: {len(found.areas)} areas, {edition.origin}")
    print(f"licence: {edition.licence}; SHA-256: {edition.sha256}; retrieved: {edition.retrieved_at}")
    print(f"regions: {found.areas['arbeidsmarktregio'].nunique()}, gemeenten: {found.areas['gemeente_code'].nunique()}")
    print(f"borders: {kinds.get('border', 0)}, bridges: {kinds.get('bridge', 0)}")
    for row in repairs_summary(found.repairs).to_dict("records"):
        print(f"{row['count']:6d}  {row['class']}: {row['rule']}")
    if changes is not None:
        print(changes.to_string(index=False) if len(changes) else "nothing changed")
    if asked.detours:
        place = found.areas.set_index("pc4")["place"]
        detours = largest_detours(found.areas, found.edges, asked.detours)
        ways = [
            crossings_on_way(found.areas, found.edges, a, b) for a, b in zip(detours["a"], detours["b"], strict=True)
        ]
        detours = detours.assign(
            place_a=detours["a"].map(place), place_b=detours["b"].map(place), by=["; ".join(way) for way in ways]
        )
        print(detours.to_string(index=False, float_format="%.1f"))
    wrong = problems(found)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
