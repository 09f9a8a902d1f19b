"""Every table that comes in or goes out, declared once: name, columns, types, meaning.

Belongs here: what a column is called, what it holds, its unit, whether it may be empty. Input checks, database
schema, published files, the data contract and the expectations are all derived from these declarations.
Does not belong here: how a table is read, computed, checked or stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["text", "integer", "number", "boolean", "date", "timestamp", "json"]

SMALLEST_SHOWN_COUNT = 5
"""Smaller counts of clients are shown to nobody outside operations (R14)."""
CLIENT_LINES = ("vangnet", "werkgever")
"""The two client lines of routing; ``alle`` (fully meerwettig) occurs in inputs and in ``allocation`` only."""
ALL_LINES = "alle"
LAWS = ("ZW", "WIA", "PW")
LAW_DOMAINS = ("zw_wia", "pw")
REGULAR_GROUP = "regulier"
TEAM_KINDS = ("regulier", "participatiewet", "bijzonder")
LOCK_KINDS = ("pin", "bar", "split")


@dataclass(frozen=True)
class Column:
    """One column. ``unit`` is empty for texts and codes; ``allowed`` lists a closed set of values."""

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    nullable: bool = False
    example: str = ""
    allowed: tuple[str, ...] = ()
    optional: bool = False
    """Inputs only: the whole column may be absent."""
    counts_persons: bool = False
    """Published tables only: a number of clients. Readers outside operations see it from 5 up (R14)."""
    told_by: str = ""
    """Published tables only: the count of clients that this column would give away; it is empty where that one is."""


@dataclass(frozen=True)
class Table:
    """A table and its key: the columns that together are unique (within a version, for published tables)."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    optional: bool = False
    """Inputs only: the whole file may be absent."""

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


def _pc4(meaning: str = "four-digit postcode, as text") -> Column:
    return Column("pc4", "text", meaning, example="1013")


def _line(*, also_all: bool, nullable: bool = False) -> Column:
    allowed = (*CLIENT_LINES, ALL_LINES) if also_all else CLIENT_LINES
    return Column(
        "client_line",
        "text",
        "client line; `alle` where a region is fully meerwettig" if also_all else "client line",
        allowed=allowed,
        nullable=nullable,
        example="vangnet",
    )


_PRODUCT = Column("product", "text", "product code, as in `products`", example="WIA_EWT")
_GROUP = Column("client_group", "text", "client group; the set is configuration", example="regulier")
_TEAM = Column("team_id", "text", "SMC team", example="SMC-UTR-01")

INFLOW = Table(
    "inflow",
    "Clients that came in, per month and postcode (instroom).",
    (
        Column("month", "text", "calendar month, YYYY-MM", example="2025-03"),
        _pc4(),
        _PRODUCT,
        _line(also_all=True),
        _GROUP,
        Column("clients", "integer", "number of clients that came in, at least 0", unit="clients", example="2"),
    ),
    key=("month", "pc4", "product", "client_line", "client_group"),
)

STOCK = Table(
    "stock",
    "Clients waiting or monitored at one date, per postcode (voorraad).",
    (
        Column("reference_date", "date", "the one date of the count", example="2026-06-30"),
        _pc4(),
        _PRODUCT,
        _line(also_all=True),
        _GROUP,
        Column("clients", "integer", "number of clients in stock, at least 0", unit="clients", example="3"),
        Column("team_id", "text", "team that holds the files now", nullable=True, optional=True, example="SMC-UTR-01"),
    ),
    key=("reference_date", "pc4", "product", "client_line", "client_group", "team_id"),
)

PRODUCTS = Table(
    "products",
    "Hours per product and how its stock is planned.",
    (
        Column("product", "text", "product code", example="WIA_EWT"),
        Column("law", "text", "law of the product", allowed=LAWS, example="WIA"),
        Column("client_lines", "text", "client lines, joined by |", example="vangnet|werkgever"),
        Column("hours_verzekeringsarts", "number", "verzekeringsarts hours per client", unit="hours", example="5.5"),
        Column("hours_other", "number", "hours of other team members per client", unit="hours", example="7"),
        Column(
            "planned_stock_share",
            "number",
            "share of the stock that is planned in a year, 0 to 1",
            unit="share",
            example="0.25",
        ),
        Column("priority", "integer", "priority; 1 comes first", example="1"),
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
            "fte_verzekeringsarts", "number", "verzekeringsartsen in full-time equivalents", unit="FTE", example="3.2"
        ),
        Column("fte_other", "number", "other team members in full-time equivalents", unit="FTE", example="8.5"),
        Column("productivity", "number", "productivity factor, 1 = norm", example="0.95"),
        Column("valid_from", "date", "first day of the team", example="2024-01-01"),
        Column("valid_to", "date", "last day of the team; empty = open", nullable=True, example="2026-12-31"),
        Column(
            "verzuimbeheer_code",
            "text",
            "code of the group of medewerkers verzuimbeheer at Uitkeren",
            nullable=True,
            optional=True,
            example="VZB-UTR-1",
        ),
    ),
    key=("team_id", "valid_from"),
)

CLUSTERS = Table(
    "clusters",
    "Regions that are solved together.",
    (
        Column("cluster", "text", "name of the cluster", example="Utrecht e.o."),
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
        _TEAM,
        Column("kind", "text", "pin: this team; bar: not this team; split: shares", allowed=LOCK_KINDS, example="pin"),
        Column(
            "share",
            "number",
            "share of the postcode for `split`; sums to 1 per postcode and line",
            unit="share",
            nullable=True,
            example="0.5",
        ),
        _line(also_all=False, nullable=True),
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
        _pc4(),
        Column("care_region", "text", "name of the care region", example="GGD Regio Utrecht"),
    ),
    key=("pc4",),
    optional=True,
)

CURRENT = Table(
    "current",
    "The division now in force.",
    (
        _pc4(),
        _line(also_all=True),
        _TEAM,
        Column("share", "number", "share of the postcode, 0 to 1", unit="share", example="1"),
    ),
    key=("pc4", "client_line", "team_id"),
    optional=True,
)

INPUTS: tuple[Table, ...] = (INFLOW, STOCK, PRODUCTS, TEAMS, CLUSTERS, LOCKS, CARE_REGIONS, CURRENT)

_VERSION = Column("version", "integer", "published version", example="3")
_VALIDITY = (
    Column("valid_from", "date", "first day on which the row is in force", example="2027-01-01"),
    Column(
        "valid_to", "date", "last day on which the row is in force; empty = open", nullable=True, example="2027-02-28"
    ),
)
_LAW_DOMAIN = Column(
    "law_domain", "text", "ZW and WIA together, or Participatiewet", allowed=LAW_DOMAINS, example="zw_wia"
)
_SHARE = Column("share", "number", "share of the postcode's clients, above 0 and at most 1", unit="share", example="1")
_AREA_REGION = (
    Column("arbeidsmarktregio_nr", "integer", "number of the labour-market region", example="15"),
    Column("arbeidsmarktregio", "text", "name of the labour-market region", example="Midden-Utrecht"),
)

ALLOCATION = Table(
    "allocation",
    "Which team serves a postcode, per client line and law domain.",
    (
        _VERSION,
        _pc4(),
        _line(also_all=True),
        _LAW_DOMAIN,
        _TEAM,
        _SHARE,
        *_VALIDITY,
    ),
    key=("pc4", "client_line", "law_domain", "team_id"),
)

ROUTING = Table(
    "routing",
    "Total and unambiguous: for every postcode, client group, law and line the shares sum to 1.",
    (
        _VERSION,
        _pc4(),
        Column(
            "pc6_from", "text", "first PC6 of the range; empty unless split at PC6", nullable=True, example="1013AA"
        ),
        Column("pc6_to", "text", "last PC6 of the range; empty unless split at PC6", nullable=True, example="1013AE"),
        _GROUP,
        Column("law", "text", "law of the client's file", allowed=LAWS, example="WIA"),
        _line(also_all=False),
        _TEAM,
        _SHARE,
        Column("office", "text", "UWV office of the team", example="Utrecht"),
        *_VALIDITY,
    ),
    key=("pc4", "pc6_from", "pc6_to", "client_group", "law", "client_line", "team_id"),
)

ALLOCATION_REASON = Table(
    "allocation_reason",
    "The rule that decided where a postcode goes, where it was not the plain division.",
    (
        _VERSION,
        _pc4(),
        _line(also_all=True),
        _LAW_DOMAIN,
        Column(
            "rule",
            "text",
            "verdeling, pin, split or enig_team",
            allowed=("verdeling", "pin", "split", "enig_team"),
            example="pin",
        ),
        Column("reason", "text", "the planner's reason, or how the division came about", example="pand aan de grens"),
    ),
    key=("pc4", "client_line", "law_domain"),
)

TEAM_LOAD = Table(
    "team_load",
    "Expected work of each team against its capacity, per layer.",
    (
        _VERSION,
        _TEAM,
        Column("name", "text", "name of the team", example="SMC Utrecht 1"),
        Column("office", "text", "UWV office of the team", example="Utrecht"),
        Column("kind", "text", "kind of team", allowed=TEAM_KINDS, example="regulier"),
        Column("cluster", "text", "cluster that was solved together", example="Midden-Utrecht"),
        _LAW_DOMAIN,
        _line(also_all=True),
        Column("areas", "integer", "postcode areas in which the team has a share", example="21"),
        Column("inhabitants", "number", "inhabitants, by share of each postcode", unit="persons", example="101250"),
        Column(
            "clients_per_year",
            "number",
            "expected clients: inflow and planned stock",
            unit="clients a year",
            example="1180.5",
            counts_persons=True,
        ),
        Column(
            "hours_verzekeringsarts", "number", "expected verzekeringsarts work", unit="hours a year", example="4211.0"
        ),
        Column("hours_other", "number", "expected work of other members", unit="hours a year", example="9120.0"),
        Column(
            "hours_low",
            "number",
            "lower end of the 80% interval of hours_verzekeringsarts",
            unit="hours a year",
            example="4020.0",
        ),
        Column(
            "hours_high",
            "number",
            "upper end of the 80% interval of hours_verzekeringsarts",
            unit="hours a year",
            example="4405.0",
        ),
        Column(
            "capacity_hours_verzekeringsarts",
            "number",
            "FTE x productive hours x productivity",
            unit="hours a year",
            example="4100.0",
        ),
        Column("capacity_hours_other", "number", "the same for other members", unit="hours a year", example="10100.0"),
        Column(
            "target_hours",
            "number",
            "the team's capacity share of the cluster's work",
            unit="hours a year",
            example="4250.0",
        ),
        Column("deviation", "number", "(hours - target) / target", unit="share", example="-0.009"),
        Column("tolerance", "number", "largest deviation allowed", unit="share", example="0.05"),
        Column("is_within_tolerance", "boolean", "|deviation| <= tolerance", example="true"),
        Column("pieces", "integer", "connected parts of the area; 1 = contiguous", example="1"),
        Column(
            "travel_km",
            "number",
            "mean distance from client to office, by work",
            unit="km",
            nullable=True,
            example="7.4",
        ),
        Column(
            "stock_clients",
            "number",
            "clients in stock in the area",
            unit="clients",
            example="640",
            counts_persons=True,
        ),
        Column(
            "stock_hours_verzekeringsarts",
            "number",
            "verzekeringsarts hours in that stock",
            unit="hours",
            example="2100.0",
            told_by="stock_clients",
        ),
        Column(
            "waiting_months", "number", "stock hours / monthly capacity", unit="months", nullable=True, example="6.1"
        ),
    ),
    key=("team_id", "law_domain", "client_line"),
)

ALLOCATION_CHANGES = Table(
    "allocation_changes",
    "Postcodes that change team against the division in force before.",
    (
        _VERSION,
        Column(
            "from_version",
            "integer",
            "version compared with; empty when the input folder named the division",
            nullable=True,
            example="2",
        ),
        _pc4(),
        _line(also_all=True),
        _LAW_DOMAIN,
        Column("team_from", "text", "team until now; empty for a new postcode", nullable=True, example="SMC-UTR-01"),
        Column(
            "team_to", "text", "team from now on; empty for a vanished postcode", nullable=True, example="SMC-UTR-02"
        ),
        _SHARE,
        Column(
            "clients",
            "number",
            "expected clients a year in this share; empty where not known",
            unit="clients a year",
            example="31.5",
            nullable=True,
            counts_persons=True,
        ),
        Column(
            "hours",
            "number",
            "verzekeringsarts hours a year in this share; empty where not known",
            unit="hours a year",
            example="112.0",
            nullable=True,
            told_by="clients",
        ),
    ),
    key=("pc4", "client_line", "law_domain", "team_from", "team_to"),
)

TRANSITION = Table(
    "transition",
    "What happens to the clients in stock: sums to the stock, to the client.",
    (
        _VERSION,
        _pc4(),
        _PRODUCT,
        _line(also_all=True),
        _GROUP,
        Column(
            "team_from", "text", "team that holds the files now; empty = unknown", nullable=True, example="SMC-UTR-01"
        ),
        Column("team_to", "text", "team that holds the files from now on", example="SMC-UTR-02"),
        Column("clients", "integer", "clients in stock", unit="clients", example="3", counts_persons=True),
        Column("movement", "text", "blijft or verhuist", allowed=("blijft", "verhuist"), example="blijft"),
        Column("reason", "text", "why they stay or move", example="team beëindigd"),
    ),
    key=("pc4", "product", "client_line", "client_group", "team_from", "team_to"),
)

REGION_SUMMARY = Table(
    "region_summary",
    "One line per region and layer: balance, movement, travel.",
    (
        _VERSION,
        *_AREA_REGION,
        Column("cluster", "text", "cluster that was solved together", example="Midden-Utrecht"),
        _LAW_DOMAIN,
        _line(also_all=True),
        Column("teams", "integer", "teams with work in the region", example="8"),
        Column("areas", "integer", "postcode areas of the region", example="153"),
        Column("inhabitants", "integer", "inhabitants of the region", unit="persons", example="825600"),
        Column(
            "hours_verzekeringsarts", "number", "expected work in the region", unit="hours a year", example="31870.0"
        ),
        Column(
            "mean_deviation", "number", "mean of |deviation| over the region's teams", unit="share", example="0.012"
        ),
        Column("max_deviation", "number", "largest |deviation| over the region's teams", unit="share", example="0.049"),
        Column(
            "travel_km",
            "number",
            "mean distance from client to office, by work",
            unit="km",
            nullable=True,
            example="6.8",
        ),
        Column("municipality_splits", "integer", "sum over municipalities of (teams - 1)", example="14"),
        Column("care_region_splits", "integer", "sum over care regions of (teams - 1)", example="7"),
        Column("areas_moved", "integer", "postcode areas that change team", example="12"),
        Column(
            "clients_moved",
            "integer",
            "clients in stock whose team changes",
            unit="clients",
            example="48",
            counts_persons=True,
        ),
        Column(
            "waiting_months", "number", "stock hours / monthly capacity", unit="months", nullable=True, example="6.4"
        ),
        Column("objective", "number", "objective of the cluster's plan", example="7.31"),
        Column("lower_bound", "number", "proven lower bound of that objective", nullable=True, example="7.25"),
        Column("gap", "number", "(objective - bound) / objective", unit="share", nullable=True, example="0.008"),
    ),
    key=("arbeidsmarktregio_nr", "law_domain", "client_line"),
)

RUNS = Table(
    "runs",
    "Who made a version, when, why, from what and with what outcome.",
    (
        _VERSION,
        Column("run_id", "text", "the run that made the version", example="2026-11-21T090000-3f2a"),
        Column("created_at", "timestamp", "when the proposal was made (UTC)", example="2026-11-21T09:00:00Z"),
        Column("created_by", "text", "login of who made it", example="planner"),
        Column("reason", "text", "why the run was made", example="team Utrecht 3 gestopt"),
        Column("input_fingerprints", "json", "SHA-256 of every input", example='{"inflow": "9f2c41..."}'),
        Column("configuration", "json", "the configuration in full", example='{"tolerance": 0.05}'),
        Column("code_version", "text", "version of this program", example="0.1.0+ab12cd3"),
        Column(
            "solver",
            "json",
            "per cluster and layer: objective, terms, bound, gap, why it stopped, seed",
            example='[{"cluster": "Zeeland", "gap": 0.01}]',
        ),
        Column("validation", "json", "outcome of the expectations", example='{"success": true}'),
        Column(
            "approval",
            "json",
            "who approved, when, with what remark",
            nullable=True,
            example='{"by": "anna", "remark": "akkoord"}',
        ),
    ),
    key=("version",),
)

PUBLISHED: tuple[Table, ...] = (
    ALLOCATION,
    ROUTING,
    ALLOCATION_REASON,
    TEAM_LOAD,
    ALLOCATION_CHANGES,
    TRANSITION,
    REGION_SUMMARY,
    RUNS,
)

TEAM = Table(
    "team",
    "The teams of a version: what a consumer needs to know of the teams it routes to.",
    (
        _VERSION,
        _TEAM,
        *(
            TEAMS.column(name)
            for name in (
                "name",
                "office",
                "office_pc4",
                "arbeidsmarktregio",
                "kind",
                "client_groups",
                "client_lines",
                "laws",
                "verzuimbeheer_code",
            )
        ),
    ),
    key=("team_id",),
)
"""Published beside the others; made from the input `teams`, not written by the pipeline."""

EXPECTED = Table(
    "expected",
    "Expected work per postcode: weighs the changes between any two versions.",
    (
        _VERSION,
        _pc4(),
        _line(also_all=True),
        _LAW_DOMAIN,
        Column(
            "clients",
            "number",
            "expected clients a year of the whole postcode",
            unit="clients a year",
            example="63.0",
            counts_persons=True,
        ),
        Column(
            "hours",
            "number",
            "verzekeringsarts hours a year of the whole postcode",
            unit="hours a year",
            example="224.0",
            told_by="clients",
        ),
    ),
    key=("pc4", "client_line", "law_domain"),
)
"""Kept with a version, for operations only. A line here is a line of `allocation`."""

_TEAM_NAME = Column("team_name", "text", "name of the team", nullable=True, example="SMC Utrecht 1")
_PLACE = tuple(ROUTING.column(name) for name in ("pc4", "pc6_from", "pc6_to", "client_group", "law", "client_line"))
_OFFICE = ROUTING.column("office")

UITKEREN_ROUTING = Table(
    "uitkeren_routing",
    "For Uitkeren: the routing with each team's group of medewerkers verzuimbeheer; also of versions planned ahead.",
    (
        _VERSION,
        *_PLACE,
        _TEAM,
        _TEAM_NAME,
        TEAMS.column("verzuimbeheer_code"),
        _OFFICE,
        _SHARE,
        *_VALIDITY,
    ),
    key=("valid_from", *ROUTING.key),
)
KNS_POSTCODE = Table(
    "kns_postcode",
    "For Klant & Service: per postcode of today the office, and what to tell a client (in Dutch).",
    (
        *_PLACE,
        _OFFICE,
        _TEAM_NAME,
        _SHARE,
        Column(
            "message",
            "text",
            "sentence for the client",
            example="Een nieuwe aanvraag gaat naar SMC Utrecht 1, kantoor Utrecht. "
            "Loopt er al een dossier, dan staat het team in dat dossier.",
        ),
        _VERSION,
        *_VALIDITY,
    ),
    key=(*ROUTING.key[:-1], "office", "team_name"),
)
WERKBEDRIJF_TEAM = Table(
    "werkbedrijf_team",
    "For Werkbedrijf: which teams work in which labour-market region and gemeente, and from which office.",
    (
        _VERSION,
        *(Column(c.name, c.type, c.meaning, nullable=True, example=c.example) for c in _AREA_REGION),
        Column("gemeente_name", "text", "municipality", nullable=True, example="Utrecht"),
        _LAW_DOMAIN,
        _line(also_all=True),
        _TEAM,
        _TEAM_NAME,
        Column("office", "text", "UWV office of the team", nullable=True, example="Utrecht"),
        Column("kind", "text", "kind of team", nullable=True, allowed=TEAM_KINDS, example="regulier"),
        Column("areas", "integer", "postcode areas of the gemeente in which the team has a share", example="12"),
        *_VALIDITY,
    ),
    key=("valid_from", "gemeente_name", "law_domain", "client_line", "team_id"),
)
BEZWAAR_ROUTING = Table(
    "bezwaar_routing",
    "For Bezwaar & Beroep: which team had a postcode on any day, and the rule and reason that decided it.",
    (
        _VERSION,
        *_PLACE,
        _TEAM,
        _TEAM_NAME,
        _OFFICE,
        _SHARE,
        Column(
            "rule",
            "text",
            "verdeling, pin, split, enig_team or bijzondere_groep",
            allowed=("verdeling", "pin", "split", "enig_team", "bijzondere_groep"),
            example="pin",
        ),
        Column(
            "reason",
            "text",
            "the planner's reason; empty where there is none",
            nullable=True,
            example="pand aan de grens",
        ),
        *_VALIDITY,
    ),
    key=("valid_from", *ROUTING.key),
)

DIVISION_VIEWS: tuple[Table, ...] = (UITKEREN_ROUTING, KNS_POSTCODE, WERKBEDRIJF_TEAM, BEZWAAR_ROUTING)
"""What other divisions read: made of the published tables, each in the words of one division."""
