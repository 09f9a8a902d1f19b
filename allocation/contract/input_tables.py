"""Every table that comes in, declared once: name, columns, types, meaning.

Belongs here: what a column is called, what it holds, its unit, whether it may be empty. The checks of the input, the
documentation and the expectations follow from it. Does not belong here: how a table is read or checked (`intake`).
"""

from __future__ import annotations

from allocation.contract.network_tables import COVERAGE, FINEST, MOST_FTE, STAFF, TRAVEL, VERZUIMBEHEER
from allocation.contract.schema import GROUP, PRODUCT, TEAM_ID, Column, Table, line_column, pc4_column
from allocation.contract.vocabulary import LAWS, LOCK_KINDS, TEAM_KINDS

MOST_CLIENTS, MOST_HOURS = 1_000_000, 500
"""Beyond these a cell holds another unit or a slip: the whole country has some 150,000 assessments a year."""
MOST_COUNTS = 5_000_000
"""Rows of counts: 4,000 postcodes, 24 months, 10 products, lines and groups are a third of it."""

PW_CLIENT = Column(
    "pw_client",
    "boolean",
    "the client has or had a Participatiewet file (true or false); empty: true for a product of the PW, else false",
    nullable=True,
    optional=True,
    example="false",
)
"""All files of such a client belong to the PW team of the postcode, also ZW and WIA beside it or after it (R17)."""


INFLOW = Table(
    "inflow",
    "Clients that came in, per month and postcode (instroom).",
    (
        Column("month", "text", "calendar month, YYYY-MM", example="2025-03"),
        pc4_column(),
        PRODUCT,
        line_column(also_all=True),
        GROUP,
        Column(
            "clients",
            "integer",
            "number of clients that came in",
            unit="clients",
            example="2",
            least=0,
            most=MOST_CLIENTS,
            usual=(0, 5_000),
        ),
        PW_CLIENT,
    ),
    key=("month", "pc4", "product", "client_line", "client_group", "pw_client"),
    most_rows=MOST_COUNTS,
)


STOCK = Table(
    "stock",
    "Clients waiting or monitored at one date, per postcode (voorraad).",
    (
        Column("reference_date", "date", "the one date of the count", example="2026-06-30"),
        pc4_column(),
        PRODUCT,
        line_column(also_all=True),
        GROUP,
        Column(
            "clients",
            "integer",
            "number of clients in stock",
            unit="clients",
            example="3",
            least=0,
            most=MOST_CLIENTS,
            usual=(0, 5_000),
        ),
        Column(
            "team_id",
            "text",
            "team that held the files on that date",
            nullable=True,
            optional=True,
            example="SMC-UTR-01",
        ),
        PW_CLIENT,
    ),
    key=("reference_date", "pc4", "product", "client_line", "client_group", "pw_client", "team_id"),
    most_rows=MOST_COUNTS,
)


PRODUCTS = Table(
    "products",
    "Hours per product and how its stock is planned.",
    (
        Column("product", "text", "product code", is_name=True, example="WIA_EWT"),
        Column("law", "text", "law of the product", allowed=LAWS, example="WIA"),
        Column("client_lines", "text", "client lines, joined by |", example="vangnet|werkgever"),
        Column(
            "hours_verzekeringsarts",
            "number",
            "verzekeringsarts hours per client",
            unit="hours",
            example="5.5",
            least=0,
            finest=FINEST,
            most=MOST_HOURS,
            usual=(0, 40),
        ),
        Column(
            "hours_other",
            "number",
            "hours of other team members per client",
            unit="hours",
            example="7",
            least=0,
            finest=FINEST,
            most=MOST_HOURS,
            usual=(0, 80),
        ),
        Column(
            "planned_stock_share",
            "number",
            "share of the stock that is planned in a year",
            unit="share",
            example="0.25",
            least=0,
            most=1,
        ),
        Column("priority", "integer", "priority; 1 comes first", example="1", least=0, most=1000),
        Column(
            "handled_by",
            "text",
            "`central` products are nobody's load",
            nullable=True,
            optional=True,
            allowed=("team", "central"),
            example="team",
        ),
    ),
    key=("product",),
)


TEAMS = Table(
    "teams",
    "The SMC teams and their capacity.",
    (
        Column("team_id", "text", "unique code of the team", example="SMC-UTR-01"),
        Column("name", "text", "name of the team", example="SMC Utrecht 1"),
        Column("office", "text", "UWV office", example="Utrecht"),
        Column("office_pc4", "text", "postcode of the office", example="3511"),
        Column("arbeidsmarktregio", "text", "region number or name; | joins several", example="15"),
        Column("kind", "text", "kind of team", allowed=TEAM_KINDS, example="regulier"),
        Column(
            "client_groups",
            "text",
            "client groups of a `bijzonder` team, joined by |",
            nullable=True,
            example="militair",
        ),
        Column("client_lines", "text", "client lines the team serves, joined by |", example="vangnet|werkgever"),
        Column("laws", "text", "laws the team serves, joined by |", example="ZW|WIA"),
        Column(
            "fte_verzekeringsarts",
            "number",
            "verzekeringsartsen in full-time equivalents",
            unit="FTE",
            example="3.2",
            least=0,
            finest=FINEST,
            most=MOST_FTE,
            usual=(0, 15),
        ),
        Column(
            "fte_other",
            "number",
            "other team members in full-time equivalents",
            unit="FTE",
            example="8.5",
            least=0,
            finest=FINEST,
            most=MOST_FTE,
            usual=(0, 60),
        ),
        Column(
            "productivity",
            "number",
            "productivity factor, 1 = norm",
            example="0.95",
            least=0.01,
            most=5,
            usual=(0.4, 1.6),
        ),
        Column("valid_from", "date", "first day of the team", example="2024-01-01"),
        Column("valid_to", "date", "last day of the team; empty = open", nullable=True, example="2026-12-31"),
        Column(
            "verzuimbeheer_code",
            "text",
            "code of the group of medewerkers verzuimbeheer at Uitkeren",
            is_name=True,
            nullable=True,
            optional=True,
            example="VZB-UTR-1",
        ),
        Column(
            "district",
            "text",
            "district of SMZ that the team belongs to, for reports per district",
            is_name=True,
            nullable=True,
            optional=True,
            example="Midden",
        ),
    ),
    key=("team_id", "valid_from"),
)


CLUSTERS = Table(
    "clusters",
    "Regions that are solved together.",
    (
        Column("cluster", "text", "name of the cluster", is_name=True, example="Utrecht e.o."),
        Column("arbeidsmarktregio", "text", "region number or name", example="15"),
    ),
    key=("arbeidsmarktregio",),
    optional=True,
)


LOCKS = Table(
    "locks",
    "What planners fix by hand: pins, bars and splits.",
    (
        Column("pc4", "text", "postcode; for `split` also a PC6 or a PC6 range", example="1013AA-1013AE"),
        TEAM_ID,
        Column("kind", "text", "pin: this team; bar: not this team; split: shares", allowed=LOCK_KINDS, example="pin"),
        Column(
            "share",
            "number",
            "share of the postcode for `split`; sums to 1 per postcode and line",
            unit="share",
            nullable=True,
            example="0.5",
            least=0,
            finest=FINEST,
            most=1,
        ),
        line_column(also_all=False, nullable=True),
        Column("reason", "text", "why", example="staf woont in dit gebied"),
        Column("valid_until", "date", "last day of the lock; empty = open", nullable=True, example="2027-06-30"),
    ),
    key=("pc4", "team_id", "kind", "client_line"),
    optional=True,
)


CARE_REGIONS = Table(
    "care_regions",
    "Care-provider catchment of each postcode.",
    (
        pc4_column(),
        Column("care_region", "text", "name of the care region", is_name=True, example="GGD Regio Utrecht"),
    ),
    key=("pc4",),
    optional=True,
)


CURRENT = Table(
    "current",
    "The division now in force.",
    (
        pc4_column(),
        line_column(also_all=True),
        TEAM_ID,
        Column(
            "share", "number", "share of the postcode", unit="share", example="1", least=0, is_above_least=True, most=1
        ),
    ),
    key=("pc4", "client_line", "team_id"),
    optional=True,
)


COMPLETED = Table(
    "completed",
    "Work that teams finished, per month: watched beside the plan, and what productivity and hours are estimated from.",
    (
        Column("month", "text", "calendar month, YYYY-MM", example="2026-03"),
        TEAM_ID,
        PRODUCT,
        line_column(also_all=True),
        Column(
            "clients",
            "integer",
            "clients whose work of this product was finished in the month",
            unit="clients",
            example="31",
            least=0,
            most=MOST_CLIENTS,
            usual=(0, 500),
        ),
        Column(
            "hours_verzekeringsarts",
            "number",
            "hours that verzekeringsartsen really spent on this product in the month",
            unit="hours",
            nullable=True,
            optional=True,
            example="152.5",
            least=0,
            most=100_000,
            usual=(0, 2_500),
        ),
        Column(
            "lead_time_days",
            "number",
            "mean number of days between coming in and being finished, of these clients",
            unit="days",
            nullable=True,
            optional=True,
            example="96",
            least=0,
            most=3_650,
            usual=(0, 1_095),
        ),
    ),
    key=("month", "team_id", "product", "client_line"),
    optional=True,
    most_rows=1_000_000,
)


INPUTS: tuple[Table, ...] = (
    INFLOW,
    STOCK,
    PRODUCTS,
    TEAMS,
    CLUSTERS,
    LOCKS,
    CARE_REGIONS,
    COVERAGE,
    TRAVEL,
    STAFF,
    CURRENT,
    COMPLETED,
    VERZUIMBEHEER,
)
