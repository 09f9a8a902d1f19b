"""Place names in capitals, as people write them."""

from __future__ import annotations

import pytest

from geodata.place_names import title_case


@pytest.mark.parametrize(
    ("capitals", "written"),
    [
        ("BERGEN OP ZOOM", "Bergen op Zoom"),
        ("HOORN FR", "Hoorn FR"),
        ("'S-GRAVENHAGE", "'s-Gravenhage"),
        ("IJSSELMUIDEN", "IJsselmuiden"),
        ("NIEUWMARKT/LASTAGE", "Nieuwmarkt/Lastage"),
        ("DE KOOG", "De Koog"),
        ("ZUIDERZEELAAN E.O.", "Zuiderzeelaan e.o."),
        ("DICHTERS- EN VOGELBUURT", "Dichters- en Vogelbuurt"),
        ("NES GEM AMELAND", "Nes gem. Ameland"),
        ("Al goed geschreven", "Al goed geschreven"),
    ],
)
def test_place_names_are_written_as_people_write_them(capitals: str, written: str) -> None:
    assert title_case(capitals) == written
