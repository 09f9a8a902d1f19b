"""Boundary files with mistakes as they come in from the field, drawn at random.

A good file (and a good second file) is changed in one to three ways, each of which says what may become of it:
`SAME` changes nothing that counts; `LISTED` may change the outcome when the repairs say so; `REFUSED` may not be used.
Whatever the changes: never a traceback, and never another outcome without a line in the repairs.

The suite tries a few; with ``CASELOAD_FUZZ_EXAMPLES=5000`` it tries that many, with ``make fuzz`` an hour long.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas import GeoDataFrame
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from geodata import Boundaries, GeodataError, load_boundaries

EXAMPLES = int(os.environ.get("CASELOAD_FUZZ_EXAMPLES", "10"))
pytestmark = pytest.mark.timeout(0)
"""An hour by hand is longer than a test may last."""
X, Y = 136_000, 455_000
Apply = Callable[[GeoDataFrame, int], GeoDataFrame]
"""A frame and the row drawn -> the frame changed."""
SAME, LISTED, REFUSED = "same", "listed", "refused"
COUNTED = ["pc4", "gemeente_code", "gemeente_name", "arbeidsmarktregio_nr", "arbeidsmarktregio", "inhabitants"]


def good_areas() -> GeoDataFrame:
    """Six squares, 3511 to 3516, in two gemeenten of two regions."""
    squares = [
        shapely.box(X + 1000 * c, Y + 1000 * r, X + 1000 * c + 1000, Y + 1000 * r + 1000) for r, c in np.ndindex(2, 3)
    ]
    columns = {
        "postcode": [str(3511 + number) for number in range(6)],
        "gm_code": ["GM0344", "GM0344", "GM0307"] * 2,
        "gm_naam": ["Utrecht", "Utrecht", "Amersfoort"] * 2,
        "aantal_inw": [1000, 2000, 3000, 4000, 5000, 12000],
        "jaar": 2023,
    }
    return GeoDataFrame(columns, geometry=squares, crs=28992).astype({"aantal_inw": object, "jaar": object})


def good_regions() -> GeoDataFrame:
    """Region 14 over the first two columns, 15 over the third."""
    shapes = [shapely.box(X - 500, Y - 500, X + 2000, Y + 2500), shapely.box(X + 2000, Y - 500, X + 3500, Y + 2500)]
    columns = {"statcode": ["AM14", "AM15"], "statnaam": ["Midden-Utrecht", "Amersfoort"]}
    return GeoDataFrame(columns, geometry=shapes, crs=28992)


@dataclass(frozen=True)
class Change:
    """``of`` a file (areas or regions), ``apply`` to its frame and the row drawn, with what may come of it."""

    name: str
    of: str
    may: str
    apply: Apply


def cells(
    column: str, make: Callable[[Any], Any], *, every: bool = False
) -> Callable[[GeoDataFrame, int], GeoDataFrame]:
    """The column with one cell, or every cell, made into another."""

    def apply(frame: GeoDataFrame, row: int) -> GeoDataFrame:
        values = frame[column].astype(object).tolist()
        row %= len(values)
        changed = [make(value) if every or at == row else value for at, value in enumerate(values)]
        return frame.assign(**{column: pd.Series(changed, dtype=object, index=frame.index)})

    return apply


def shape(make: Callable[[Any], Any]) -> Apply:
    """The frame with one geometry made into another."""

    def apply(frame: GeoDataFrame, row: int) -> GeoDataFrame:
        shapes = frame.geometry.to_numpy().copy()
        given = shapes[row % len(shapes)]
        if shapely.is_missing(given) or given.is_empty:  # another change took it away: nothing is left to change
            return frame
        shapes[row % len(shapes)] = make(given)
        return frame.set_geometry(shapes, crs=frame.crs)

    return apply


def whole_number(value: Any) -> Any:
    digits = re.search(r"[0-9]+", str(value))
    return float(digits[0]) if digits else value


def as_float_text(value: Any) -> Any:
    return f"{value}.0" if isinstance(value, int) else value


def thousands(value: Any) -> Any:
    return f"{value:,}".replace(",", ".") if isinstance(value, int) else value


BOTH = ("areas", "regions")
CODE_COLUMNS = [("areas", "postcode"), ("areas", "gm_code"), ("regions", "statcode")]
TEXT_COLUMNS = [*CODE_COLUMNS, ("areas", "gm_naam"), ("regions", "statnaam")]
CHANGES = [
    *(Change(f"{c} padded", of, SAME, cells(c, lambda v: f" {v}    ", every=True)) for of, c in TEXT_COLUMNS),
    *(Change(f"{c} padded once", of, SAME, cells(c, lambda v: f"{v}\u00a0")) for of, c in TEXT_COLUMNS),
    *(Change(f"{c} as floats", of, SAME, cells(c, whole_number, every=True)) for of, c in CODE_COLUMNS),
    *(Change(f"{c} as float text", of, SAME, cells(c, lambda v: str(whole_number(v)), every=True))
      for of, c in CODE_COLUMNS),
    *(Change(f"{c} with a mark", of, SAME, cells(c, lambda v: f"\ufeff{v}")) for of, c in TEXT_COLUMNS),
    *(Change(f"{c} with a control character", of, REFUSED, cells(c, lambda v: f"{v}\x01x")) for of, c in TEXT_COLUMNS),
    *(Change(f"{c} empty", of, LISTED, cells(c, lambda _: None)) for of, c in TEXT_COLUMNS),
    *(Change(f"{c} blank", of, LISTED, cells(c, lambda _: "  ")) for of, c in TEXT_COLUMNS),
    *(Change(f"{c} is text", of, LISTED, cells(c, lambda _: "onbekend")) for of, c in CODE_COLUMNS),
    *(Change(f"{c} of another", of, LISTED, cells(c, lambda _, w=w: w)) for of, c, w in (
        ("areas", "gm_code", "GM0363"), ("areas", "gm_naam", "Amsterdam"), ("regions", "statcode", "AM99"),
        ("regions", "statcode", "AM10"), ("regions", "statnaam", "Groot Amsterdam"), ("areas", "postcode", "0000"),
        ("areas", "postcode", "3511AB"), ("areas", "gm_naam", "utrecht"))),
    Change("points in counts", "areas", LISTED, cells("aantal_inw", thousands, every=True)),
    Change("a point in a count", "areas", LISTED, cells("aantal_inw", thousands)),
    *(Change(f"count {v!r}", "areas", LISTED, cells("aantal_inw", lambda _, v=v: v)) for v in (
        None, "", "-99997", -99995, 0)),
    *(Change(f"count {v!r}", "areas", REFUSED, cells("aantal_inw", lambda _, v=v: v)) for v in (
        "1,000", "1e3", "veel", -3, 2.5, 10**12, "0.500", "12.5")),
    Change("counts as floats", "areas", SAME, cells("aantal_inw", as_float_text, every=True)),
    *(Change(f"year {v!r}", "areas", SAME, cells("jaar", lambda _, v=v: v, every=True))
      for v in ("2023", 2023.0, " 2023 ")),
    Change("year of a date", "areas", LISTED, cells("jaar", lambda _: "2023-01-01", every=True)),
    *(Change(f"year {v!r}", "areas", REFUSED, cells("jaar", lambda _, v=v: v, every=True)) for v in (
        "2023/2024", 0, 1025, 99999, "ooit")),
    Change("two years", "areas", REFUSED, cells("jaar", lambda _: 2022)),
    Change("no geometry", "areas", REFUSED, shape(lambda _: None)),
    Change("empty geometry", "areas", REFUSED, shape(lambda _: shapely.Polygon())),
    Change("a point", "areas", REFUSED, shape(shapely.centroid)),
    Change("a speck", "areas", REFUSED, shape(lambda s: shapely.buffer(shapely.centroid(s), 0.5))),
    Change("far away", "areas", REFUSED, shape(lambda s: shapely.transform(s, lambda xy: xy + 900_000))),
    Change("turned round", "areas", SAME, shape(shapely.reverse)),
    Change("with height", "areas", SAME, shape(lambda s: shapely.force_3d(s, 5.0))),
    Change("bow tie", "areas", LISTED, shape(lambda s: shapely.Polygon(shapely.get_coordinates(s)[[0, 2, 1, 3]]))),
    Change("no geometry", "regions", REFUSED, shape(lambda _: None)),
    Change("empty geometry", "regions", REFUSED, shape(lambda _: shapely.Polygon())),
    Change("a point", "regions", REFUSED, shape(shapely.centroid)),
    Change("elsewhere", "regions", LISTED, shape(lambda s: shapely.transform(s, lambda xy: xy + 30_000))),
    *(Change("says degrees", of, REFUSED, lambda f, _: f.set_crs(4326, allow_override=True)) for of in BOTH),
    *(Change("says another grid", of, REFUSED, lambda f, _: f.set_crs(31370, allow_override=True))
      for of in BOTH),
    *(Change("no system", of, LISTED, lambda f, _: f.set_crs(None, allow_override=True)) for of in BOTH),
    *(Change("in degrees", of, SAME, lambda f, _: f.to_crs(4326) if f.crs == 28992 else f) for of in BOTH),
    *(Change("rows turned", of, SAME, lambda f, _: f.iloc[::-1].reset_index(drop=True)) for of in BOTH),
    *(Change("a row twice", of, LISTED, lambda f, r: GeoDataFrame(
        pd.concat([f, f.iloc[[r % len(f)]]], ignore_index=True), geometry="geometry", crs=f.crs)) for of in BOTH),
    # An area less at the edge of the file is another file: only a second file can be seen to be incomplete.
    Change("a row less", "regions", LISTED, lambda f, r: f.drop(index=r % len(f)).reset_index(drop=True)),
]  # fmt: skip


def load(frames: dict[str, GeoDataFrame], suffix: str) -> Boundaries:
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}{suffix}" for name in frames}
        for name, frame in frames.items():
            if suffix == ".parquet":
                _plain(frame).to_parquet(paths[name])
            else:
                _plain(frame).to_file(paths[name])
        return load_boundaries(f"{paths['areas']}?regions={paths['regions']}", Path(folder) / "cache")


def _plain(frame: GeoDataFrame) -> GeoDataFrame:
    """A column of cells of several types as text, as a file must have it; of one type as it is."""
    plain = frame.copy()
    for column in frame.columns.drop("geometry"):
        cells = frame[column].dropna()
        if len({type(cell) for cell in cells}) > 1:
            plain[column] = frame[column].map(str, na_action="ignore")
    return plain.infer_objects()


def outcome(found: Boundaries) -> list[list[Any]]:
    return found.areas[COUNTED].astype(object).where(found.areas[COUNTED].notna(), None).to_numpy().tolist()


GOOD = load({"areas": good_areas(), "regions": good_regions()}, ".parquet")


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
@given(
    chosen=st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 5)), min_size=1, max_size=3),
    suffix=st.sampled_from([".parquet", ".gpkg"]),
)
def test_a_file_with_mistakes_is_refused_or_gives_the_same_or_says_what_differs(
    chosen: list[tuple[Change, int]], suffix: str
) -> None:
    frames = {"areas": good_areas(), "regions": good_regions()}
    for change, row in chosen:
        if frames[change.of].empty:  # nothing is left to change
            continue
        note(f"{change.of}: {change.name}, row {row}, {suffix}")
        frames[change.of] = change.apply(frames[change.of], row)
    may = {change.may for change, _ in chosen}
    try:
        found = load(frames, suffix)
    except GeodataError as error:
        sentence = str(error)
        note(sentence)
        assert may != {SAME}, "a change that means nothing was refused"
        assert sentence.endswith(".")
        assert len(sentence) < 1000
        assert "\n" not in sentence
        sentence.encode()  # can be printed
        assert any(place in sentence for place in ("areas", "regions", "postcode")), "no place is named"
        return
    said = found.repairs[["class", "pc4", "detail", "action"]].to_numpy().tolist()
    before = GOOD.repairs[["class", "pc4", "detail", "action"]].to_numpy().tolist()
    note(f"{said}")
    if len(chosen) == 1:
        assert may != {REFUSED}, "a change that must be refused was taken"
    if outcome(found) != outcome(GOOD) or found.edition.year != GOOD.edition.year:
        note(f"{outcome(found)} {found.edition.year}")
        assert may != {SAME}, "a change that means nothing gave another outcome"
        assert [line for line in said if line not in before], "another outcome, and nothing in the repairs"
