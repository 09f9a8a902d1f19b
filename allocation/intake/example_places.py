"""Where the example has offices, and which regions belong together.

Real are the towns with an office; which regions share a team, a line or a district is invented where it says so.

Belongs here: these lists. Does not belong here: what the example makes of them (`example`).
"""

from __future__ import annotations

OFFICES: dict[str, str] = {
    # UWV office (Besluit werkgebieden UWV 2015, bijlage 1) -> gemeentecode of 2014
    "Alkmaar": "0361",
    "Almere": "0034",
    "Amersfoort": "0307",
    "Amsterdam": "0363",
    "Apeldoorn": "0200",
    "Arnhem": "0202",
    "Breda": "0758",
    "Den Haag": "0518",
    "Doetinchem": "0222",
    "Dordrecht": "0505",
    "Ede": "0228",
    "Eindhoven": "0772",
    "Emmen": "0114",
    "Enschede": "0153",
    "Goes": "0664",
    "Gouda": "0513",
    "Groningen": "0014",
    "Haarlem": "0392",
    "Heerlen": "0917",
    "Helmond": "0794",
    "'s-Hertogenbosch": "0796",
    "Hilversum": "0402",
    "Hoorn": "0405",
    "Leeuwarden": "0080",
    "Leiden": "0546",
    "Nijmegen": "0268",
    "Roermond": "0957",
    "Rotterdam": "0599",
    "Tiel": "0281",
    "Tilburg": "0855",
    "Utrecht": "0344",
    "Venlo": "0983",
    "Zaanstad": "0479",
    "Zoetermeer": "0637",
    "Zwolle": "0193",
}

CLUSTERS = {"Drechtsteden en Gorinchem": (26, 24)}
"""Gorinchem has no UWV office: it is solved together with Drechtsteden."""
TWO_LINE_REGIONS = (9, 22, 35)
"""Regions of the example that still keep the two client lines apart (Twente, Rijnmond, Zuid-Limburg): invented."""
PW_AREAS: dict[str, tuple[int, ...]] = {
    "Groningen": (1, 2, 4),
    "Zwolle": (5, 9),
    "Apeldoorn": (11, 17),
    "Arnhem": (16, 21, 23, 25),
    "Amersfoort": (6, 12, 15),
    "Utrecht": (14,),
    "Alkmaar": (3, 7, 8),
    "Amsterdam": (10,),
    "Den Haag": (13, 18, 19, 20),
    "Rotterdam": (22, 24, 26),
    "Breda": (28, 29),
    "'s-Hertogenbosch": (27, 30),
    "Eindhoven": (32, 33),
    "Roermond": (31, 34, 35),
}
"""Office of the PW teams -> regions they serve: invented."""
DISTRICTS: dict[str, tuple[int, ...]] = {
    "Noord": (1, 2, 3, 4, 5),
    "Noordwest": (7, 8, 10, 11),
    "Midden": (6, 12, 13, 14, 15, 16),
    "Oost": (9, 17, 21, 23),
    "Zuidwest": (18, 19, 20, 22, 24, 25, 26),
    "Zuid": (27, 28, 29, 30, 31, 32, 33, 34, 35),
}
"""District -> regions: invented."""
