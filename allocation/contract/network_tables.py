"""The optional tables of the input about the network around a team: partners, travel, staff, groups at Uitkeren.

Belongs here: declarations. Does not belong here: the other tables, and which there are (`input_tables`).
"""

from __future__ import annotations

from allocation.contract.schema import TEAM_ID, Column, Table, pc4_column

MOST_FTE = 500
"""Of a team or a group; beyond it a cell holds another unit or a slip."""
FINEST = 0.001
"""Of FTE, hours and shares that are agreed nobody means less, unless it is nothing."""

COVERAGE = Table(
    "coverage",
    "Which partners cover each postcode (GGZ, hospital, huisartsen, GGD, WSP, ...): any kinds, which may overlap.",
    (
        pc4_column(),
        Column("kind", "text", "kind of partner, any name; capitals count as small letters", example="ggz"),
        Column("provider", "text", "name of the partner", example="GGZ Rivierenland"),
        Column(
            "share",
            "number",
            "part of the postcode's clients that the partner serves; sums to at most 1 per postcode and kind; empty: an "
            "even part of what the others of its kind leave",
            unit="share",
            nullable=True,
            optional=True,
            example="0.6",
            least=0,
            is_above_least=True,
            most=1,
        ),
        Column(
            "form",
            "text",
            "form of the cooperation, such as multidisciplinair team or centrale contactpersoon",
            nullable=True,
            optional=True,
            example="multidisciplinair team",
        ),
        Column(
            "contact",
            "text",
            "address of a function at the partner, never of a person",
            nullable=True,
            optional=True,
            example="verwijzers@ggz.example",
        ),
    ),
    key=("pc4", "kind", "provider"),
    optional=True,
    most_rows=1_000_000,
)


TRAVEL = Table(
    "travel",
    "How long a client of a postcode travels to an office: all postcodes of a region for an office, or none of them.",
    (
        pc4_column(),
        Column("office_pc4", "text", "postcode of the office, as in `teams`", example="3511"),
        Column(
            "minutes",
            "number",
            "minutes from postcode to office; in all rows or in none",
            unit="minutes",
            nullable=True,
            optional=True,
            example="24",
            least=0,
            most=600,
            usual=(0, 240),
        ),
        Column(
            "km",
            "number",
            "kilometres from postcode to office; in all rows or in none",
            unit="km",
            nullable=True,
            optional=True,
            example="18.5",
            least=0,
            most=1_000,
            usual=(0, 350),
        ),
    ),
    key=("pc4", "office_pc4"),
    optional=True,
    most_rows=2_000_000,
)


STAFF = Table(
    "staff",
    "How many members of a team live in a postcode: counts only. Used for a table in the report of Operations, never published.",
    (
        pc4_column(),
        TEAM_ID,
        Column(
            "staff",
            "integer",
            "members of the team that live in the postcode",
            unit="persons",
            example="1",
            least=0,
            most=500,
            usual=(0, 20),
        ),
    ),
    key=("pc4", "team_id"),
    optional=True,
)


VERZUIMBEHEER = Table(
    "verzuimbeheer",
    "The groups of medewerkers verzuimbeheer at Uitkeren, and the teams that each works with.",
    (
        Column("group_code", "text", "code of the group", is_name=True, example="VZB-UTR-1"),
        Column("team_id", "text", "teams that the group works with, joined by |", example="SMC-UTR-01|SMC-UTR-02"),
        Column(
            "fte",
            "number",
            "medewerkers verzuimbeheer in full-time equivalents",
            unit="FTE",
            example="4.5",
            least=FINEST,
            most=MOST_FTE,
            usual=(0.5, 60),
        ),
        Column("valid_from", "date", "first day of the group", example="2024-01-01"),
        Column("valid_to", "date", "last day of the group; empty = open", nullable=True, example="2026-12-31"),
    ),
    key=("group_code", "valid_from"),
    optional=True,
)
