"""Every table that goes out, declared once: name, columns, types, meaning.

Belongs here: what a column is called, what it holds, its unit, whether it may be empty. Database schema, files, data
contract and expectations follow from it. Does not belong here: how a table is computed or stored.
"""

from __future__ import annotations

from dataclasses import replace

from allocation.contract.input_tables import TEAMS
from allocation.contract.schema import GROUP, MEANS_FROM, PRODUCT, TEAM_ID, Column, Table, line_column, pc4_column
from allocation.contract.vocabulary import LAW_DOMAINS, LAWS, MOVEMENTS, PROFESSIONS, TEAM_KINDS

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
        pc4_column(),
        line_column(also_all=True),
        _LAW_DOMAIN,
        TEAM_ID,
        _SHARE,
        *_VALIDITY,
    ),
    key=("pc4", "client_line", "law_domain", "team_id"),
)


_PW_CLIENT = Column(
    "pw_client",
    "boolean",
    "the client has or had a file under the Participatiewet: every file then goes to the PW team",
    example="false",
    added="2.0",
    older=(False, True),
)
"""In versions of before, one row answers for both."""


ROUTING = Table(
    "routing",
    "Total and unambiguous: for every postcode, client group, PW client, law and line the shares sum to 1.",
    (
        _VERSION,
        pc4_column(),
        Column(
            "pc6_from", "text", "first PC6 of the range; empty unless split at PC6", nullable=True, example="1013AA"
        ),
        Column("pc6_to", "text", "last PC6 of the range; empty unless split at PC6", nullable=True, example="1013AE"),
        GROUP,
        _PW_CLIENT,
        Column("law", "text", "law of the client's file", allowed=LAWS, example="WIA"),
        line_column(also_all=False),
        TEAM_ID,
        _SHARE,
        Column("office", "text", "UWV office of the team", example="Utrecht"),
        *_VALIDITY,
    ),
    key=("pc4", "pc6_from", "pc6_to", "client_group", "pw_client", "law", "client_line", "team_id"),
)


ALLOCATION_REASON = Table(
    "allocation_reason",
    "The rule that decided where a postcode goes, where it was not the plain division.",
    (
        _VERSION,
        pc4_column(),
        line_column(also_all=True),
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
        TEAM_ID,
        Column("name", "text", "name of the team", example="SMC Utrecht 1"),
        Column("office", "text", "UWV office of the team", example="Utrecht"),
        Column("kind", "text", "kind of team", allowed=TEAM_KINDS, example="regulier"),
        Column("cluster", "text", "cluster that was solved together", example="Midden-Utrecht"),
        _LAW_DOMAIN,
        line_column(also_all=True),
        Column("areas", "integer", "postcode areas in which the team has a share", example="21"),
        Column("inhabitants", "number", "inhabitants, by share of each postcode", unit="persons", example="101250"),
        Column(
            "clients_per_year",
            "number",
            "expected clients: inflow and planned stock",
            unit="clients a year",
            example="1180.5",
            counts_persons=True,
            is_seen_apart=True,
        ),
        Column(
            "hours_verzekeringsarts",
            "number",
            "expected verzekeringsarts work",
            unit="hours a year",
            example="4211.0",
            is_seen_apart=True,
        ),
        Column(
            "hours_other",
            "number",
            "expected work of other members",
            unit="hours a year",
            example="9120.0",
            is_seen_apart=True,
        ),
        Column(
            "hours_low",
            "number",
            "lower end of the 80% interval of hours_verzekeringsarts",
            unit="hours a year",
            example="4020.0",
            is_seen_apart=True,
        ),
        Column(
            "hours_high",
            "number",
            "upper end of the 80% interval of hours_verzekeringsarts",
            unit="hours a year",
            example="4405.0",
            is_seen_apart=True,
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
            is_seen_apart=True,
        ),
        Column("deviation", "number", "(hours - target) / target", unit="share", example="-0.01", is_seen_apart=True),
        Column("tolerance", "number", "largest deviation allowed", unit="share", example="0.05"),
        Column("is_within_tolerance", "boolean", "|deviation| <= tolerance", example="true"),
        Column(
            "chance_within_tolerance",
            "number",
            "chance that the team's part of the work stays within the tolerance over the year, given how unsure the "
            "estimate is; empty for special teams",
            unit="share",
            nullable=True,
            example="0.85",
            rounded_to=0.05,
            added="2.1",
        ),
        Column("pieces", "integer", "connected parts of the area; 1 = contiguous", example="1"),
        Column(
            "travel_km",
            "number",
            "mean distance from client to office, by work",
            unit="km",
            nullable=True,
            example="7.4",
            rounded_to=0.1,
            mean_of="clients_per_year",
        ),
        Column(
            "travel_kind",
            "text",
            "what `travel_km` is: through the network of neighbours, a straight line, the user's kilometres, or the user's "
            "minutes (45 minutes count as 30 km)",
            nullable=True,
            allowed=("network", "straight", "table", "minutes"),
            example="network",
            added="2.1",
        ),
        Column(
            "travel_minutes",
            "number",
            "mean minutes from client to office, by work; empty where they are not known for all of it",
            unit="minutes",
            nullable=True,
            example="14",
            rounded_to=1.0,
            mean_of="clients_per_year",
            added="2.1",
        ),
        Column(
            "far_share",
            "number",
            "part of the expected clients more than 45 minutes from the office, or 30 km where minutes are not known",
            unit="share",
            nullable=True,
            example="0.05",
            rounded_to=0.05,
            mean_of="clients_per_year",
            added="2.1",
        ),
        Column(
            "stock_clients",
            "number",
            "clients in stock in the area",
            unit="clients",
            example="640",
            counts_persons=True,
            is_seen_apart=True,
        ),
        Column(
            "stock_hours_verzekeringsarts",
            "number",
            "verzekeringsarts hours in that stock",
            unit="hours",
            example="2100.0",
            is_seen_apart=True,
        ),
        Column(
            "files_held",
            "integer",
            "files that the team has after the transition",
            unit="clients",
            example="655",
            counts_persons=True,
            is_seen_apart=True,
            added="2.0",
        ),
        Column(
            "files_held_hours_verzekeringsarts",
            "number",
            "verzekeringsarts hours in the files held",
            unit="hours",
            example="2150.0",
            is_seen_apart=True,
            added="2.0",
        ),
        Column(
            "first_year_hours_verzekeringsarts",
            "number",
            "verzekeringsarts work of the first year: inflow and the planned share of the files held",
            unit="hours a year",
            example="4300.0",
            is_seen_apart=True,
            added="2.0",
        ),
        Column(
            "first_year_hours_other",
            "number",
            "the same for other members",
            unit="hours a year",
            example="9300.0",
            is_seen_apart=True,
            added="2.0",
        ),
        Column(
            "waiting_months",
            "number",
            "hours in files held / monthly capacity",
            unit="months",
            nullable=True,
            example="6.1",
            is_seen_apart=True,
        ),
        Column(
            "projected_waiting_months",
            "number",
            "waiting time at the end of the horizon (12 months unless set otherwise)",
            unit="months",
            nullable=True,
            example="7.0",
            is_seen_apart=True,
            added="2.0",
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
        pc4_column(),
        line_column(also_all=True),
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
            is_seen_apart=True,
        ),
        Column(
            "hours",
            "number",
            "verzekeringsarts hours a year in this share; empty where not known",
            unit="hours a year",
            example="112.0",
            nullable=True,
            is_seen_apart=True,
        ),
    ),
    key=("pc4", "client_line", "law_domain", "team_from", "team_to"),
)


_MOVEMENT = Column(
    "movement",
    "text",
    "blijft, verhuist, or onbekend: nobody knows who has the file, which is no move",
    allowed=MOVEMENTS,
    example="blijft",
)


TRANSITION = Table(
    "transition",
    "What happens to the clients in stock: sums to the stock, to the client.",
    (
        _VERSION,
        pc4_column(),
        PRODUCT,
        line_column(also_all=True),
        GROUP,
        replace(_PW_CLIENT, older=()),
        Column(
            "team_from", "text", "team that holds the files now; empty = unknown", nullable=True, example="SMC-UTR-01"
        ),
        Column("team_to", "text", "team that holds the files from now on", example="SMC-UTR-02"),
        Column(
            "clients",
            "integer",
            "clients in stock; 0 = a team with a share in the postcode that gets none of them",
            unit="clients",
            example="3",
            counts_persons=True,
            hidden_with=("pc4", "product", "client_line", "client_group", "pw_client"),
        ),
        _MOVEMENT,
        Column("reason", "text", "why they stay or move", example="team beëindigd"),
    ),
    key=("pc4", "product", "client_line", "client_group", "pw_client", "team_from", "team_to", "reason"),
)


ANY = "*"
"""In table ``files``: any other team or postcode; as ``team_to``: the team of ``routing``."""


FILES = Table(
    "files",
    "What happens to an existing file, given the team that has it. The row that names most decides: team and postcode, "
    "then the team with `*` for the postcode, then `*` for both.",
    (
        _VERSION,
        Column("team_from", "text", "team that has the file; `*` = not known", example="SMC-UTR-01"),
        ROUTING.column("law"),
        line_column(also_all=False),
        GROUP,
        replace(_PW_CLIENT, added="", older=()),
        Column("pc4", "text", "four-digit postcode, as text; `*` = every other one", example="1013"),
        Column(
            "team_to",
            "text",
            "team that has the file from now on; `*` = the team of `routing` for the postcode",
            example="SMC-UTR-01",
        ),
        _MOVEMENT,
        Column("reason", "text", "why the file stays or moves", example="bestaande cliënt houdt zijn team"),
    ),
    key=("team_from", "law", "client_line", "client_group", "pw_client", "pc4"),
)


TEAM_LEDGER = Table(
    "team_ledger",
    "What each team gets and holds, per product and the line that serves the client.",
    (
        _VERSION,
        TEAM_ID,
        PRODUCT,
        line_column(also_all=False),
        Column(
            "files_held",
            "integer",
            "files after the transition",
            unit="clients",
            example="95",
            counts_persons=True,
            is_seen_apart=True,
        ),
        Column(
            "inflow_clients",
            "number",
            "expected inflow that is routed to the team",
            unit="clients a year",
            example="310.5",
            counts_persons=True,
        ),
        Column(
            "planned_clients",
            "number",
            "inflow and the planned share of the files held",
            unit="clients a year",
            example="350.0",
            counts_persons=True,
            is_seen_apart=True,
        ),
        Column(
            "hours_verzekeringsarts",
            "number",
            "verzekeringsarts work of the planned clients",
            unit="hours a year",
            example="1400.0",
            is_seen_apart=True,
        ),
        Column(
            "hours_other",
            "number",
            "work of other members for the planned clients",
            unit="hours a year",
            example="2450.0",
            is_seen_apart=True,
        ),
    ),
    key=("team_id", "product", "client_line"),
)


VERZUIMBEHEER_ROUTING = Table(
    "verzuimbeheer_routing",
    "Which group of medewerkers verzuimbeheer a new ZW client gets: the rows of `routing` for the ZW (both client lines "
    "have the same), each with the group. A team's postcode has one group.",
    (
        _VERSION,
        *(ROUTING.column(name) for name in ("pc4", "pc6_from", "pc6_to", "client_group")),
        replace(_PW_CLIENT, added="", older=()),
        ROUTING.column("law"),
        TEAM_ID,
        Column(
            "group_code",
            "text",
            "group of medewerkers verzuimbeheer; empty where no group works with the team",
            nullable=True,
            example="VZB-UTR-1",
        ),
        _SHARE,
        *_VALIDITY,
    ),
    key=("pc4", "pc6_from", "pc6_to", "client_group", "pw_client", "law", "team_id"),
)


TEAM_NETWORK = Table(
    "team_network",
    "With whom each team works: its gemeenten, care regions and the partners of the input `coverage`, and for which part. "
    "Of the clients that are divided by postcode, so without special groups.",
    (
        _VERSION,
        TEAM_ID,
        Column("kind", "text", "`gemeente`, `care_region`, or a kind of the input `coverage`", example="ggz"),
        Column("provider", "text", "name of the gemeente, care region or partner", example="GGZ Rivierenland"),
        Column(
            "clients_per_year",
            "number",
            "expected clients of the team that this partner covers",
            unit="clients a year",
            example="210.5",
            counts_persons=True,
            is_seen_apart=True,
        ),
        Column(
            "team_share",
            "number",
            "part of the team's expected verzekeringsarts hours that lies with this partner",
            unit="share",
            example="0.42",
            is_seen_apart=True,
        ),
        Column(
            "provider_share",
            "number",
            "part of the partner's expected clients that this team serves",
            unit="share",
            nullable=True,
            example="0.65",
            is_seen_apart=True,
        ),
        Column("teams_at_provider", "integer", "teams that serve clients of this partner", example="3"),
        Column(
            "form",
            "text",
            "form of the cooperation; several joined by |",
            nullable=True,
            example="multidisciplinair team",
        ),
        Column(
            "contact",
            "text",
            "address of a function at the partner; several joined by |",
            nullable=True,
            example="verwijzers@ggz.example",
        ),
    ),
    key=("team_id", "kind", "provider"),
)


REGION_SUMMARY = Table(
    "region_summary",
    "One line per region and layer: balance, movement, travel.",
    (
        _VERSION,
        *_AREA_REGION,
        Column("cluster", "text", "cluster that was solved together", example="Midden-Utrecht"),
        _LAW_DOMAIN,
        line_column(also_all=True),
        Column("teams", "integer", "teams with work in the region", example="8"),
        Column("areas", "integer", "postcode areas of the region", example="153"),
        Column("inhabitants", "integer", "inhabitants of the region", unit="persons", example="825600"),
        Column(
            "hours_verzekeringsarts",
            "number",
            "expected work in the region",
            unit="hours a year",
            example="31850.0",
            rounded_to=50.0,
        ),
        Column(
            "mean_deviation",
            "number",
            "mean of |deviation| over the region's teams",
            unit="share",
            example="0.01",
            is_seen_apart=True,
        ),
        Column(
            "max_deviation",
            "number",
            "largest |deviation| over the region's teams",
            unit="share",
            example="0.05",
            is_seen_apart=True,
        ),
        Column(
            "travel_km",
            "number",
            "mean distance from client to office, by work",
            unit="km",
            nullable=True,
            example="6.8",
            rounded_to=0.1,
        ),
        Column(
            "travel_kind",
            "text",
            "what `travel_km` is: through the network of neighbours, a straight line, the user's kilometres, or the user's "
            "minutes (45 minutes count as 30 km)",
            nullable=True,
            allowed=("network", "straight", "table", "minutes"),
            example="network",
            added="2.1",
        ),
        Column("municipality_splits", "integer", "sum over municipalities of (teams - 1)", example="14"),
        Column("care_region_splits", "integer", "sum over care regions of (teams - 1)", example="7"),
        Column("areas_moved", "integer", "postcode areas that change team", example="12"),
        Column(
            "clients_moved",
            "integer",
            "clients in stock whose team changes",
            unit="clients",
            example="50",
            counts_persons=True,
            is_seen_apart=True,
        ),
        Column(
            "waiting_months",
            "number",
            "stock hours / monthly capacity",
            unit="months",
            nullable=True,
            example="6.4",
            is_seen_apart=True,
        ),
        Column("objective", "number", "objective of the cluster's plan", example="7.31", rounded_to=0.5),
        Column(
            "lower_bound",
            "number",
            "proven lower bound of that objective",
            nullable=True,
            example="7.25",
            rounded_to=0.5,
        ),
        Column(
            "gap",
            "number",
            "(objective - bound) / objective",
            unit="share",
            nullable=True,
            example="0.01",
            rounded_to=0.01,
        ),
    ),
    key=("arbeidsmarktregio_nr", "law_domain", "client_line"),
)


LINE_OUTCOMES = Table(
    "line_outcomes",
    "Per region, district and client line: what is asked of the teams, what they have, how long clients wait, and what "
    "was finished beside what was planned. Teams of several regions count in each for their work there; the special "
    "teams are left out.",
    (
        _VERSION,
        *_AREA_REGION,
        Column("district", "text", "district of the teams; empty where none is given", nullable=True, example="Midden"),
        _LAW_DOMAIN,
        line_column(also_all=True),
        Column(
            "asked_hours_verzekeringsarts",
            "number",
            "verzekeringsarts work of the first year: inflow and the planned share of the files held",
            unit="hours a year",
            example="31850.0",
            is_seen_apart=True,
        ),
        Column(
            "available_hours_verzekeringsarts",
            "number",
            "capacity of the teams, by their work in the region",
            unit="hours a year",
            example="25400.0",
            is_seen_apart=True,
        ),
        Column(
            "planned_clients",
            "number",
            "inflow and the planned share of the files held",
            unit="clients a year",
            example="8420.5",
            counts_persons=True,
            is_seen_apart=True,
        ),
        Column(
            "files_held",
            "integer",
            "files after the transition",
            unit="clients",
            example="4210",
            counts_persons=True,
            is_seen_apart=True,
        ),
        Column(
            "waiting_months",
            "number",
            "hours in files held / monthly capacity",
            unit="months",
            nullable=True,
            example="6.4",
            is_seen_apart=True,
        ),
        Column(
            "projected_waiting_months",
            "number",
            "waiting time at the end of the horizon (12 months unless set otherwise)",
            unit="months",
            nullable=True,
            example="9.1",
            is_seen_apart=True,
        ),
        Column(
            "months",
            "integer",
            "months of finished work that the next columns are about: those that the version in force planned, or else "
            "the last twelve; 0 = none known",
            example="5",
        ),
        Column(
            "finished_clients",
            "number",
            "clients whose work was finished in these months; empty = not known",
            unit="clients",
            nullable=True,
            example="2750",
            counts_persons=True,
            is_seen_apart=True,
        ),
        Column(
            "finished_planned_clients",
            "number",
            "clients that the version in force planned for these months; empty = it planned none of them",
            unit="clients",
            nullable=True,
            example="3480.0",
            counts_persons=True,
            is_seen_apart=True,
        ),
        Column(
            "lead_time_days",
            "number",
            "mean days between coming in and being finished, in these months; empty where not known or of less than 5",
            unit="days",
            nullable=True,
            example="112",
            is_seen_apart=True,
        ),
    ),
    key=("arbeidsmarktregio_nr", "district", "law_domain", "client_line"),
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
        Column(
            "input_fingerprints",
            "json",
            "SHA-256 of every input",
            example='{"boundaries": {"fingerprint": "9f2c41..."}}',
            shown_keys=("boundaries",),
        ),
        Column("configuration", "json", "the configuration in full", example='{"tolerance": 0.05}'),
        Column("code_version", "text", "version of this program", example="0.1.0+ab12cd3"),
        Column(
            "solver",
            "json",
            "per cluster and layer: objective, terms, bound, gap, why it stopped, seed",
            example='[{"cluster": "Zeeland", "gap": 0.01}]',
            shown_keys=(),
        ),
        Column(
            "validation", "json", "outcome of the expectations", example='{"success": true}', shown_keys=("success",)
        ),
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
    FILES,
    TEAM_LEDGER,
    VERZUIMBEHEER_ROUTING,
    TEAM_NETWORK,
    REGION_SUMMARY,
    LINE_OUTCOMES,
    RUNS,
)


CAPACITY_ADVICE = Table(
    "capacity_advice",
    "Where capacity is short: per region, district, law domain and profession what is asked and available, how long "
    "clients wait now and at the horizon, what is not reached, and where one more FTE or hours of another region help.",
    (
        _VERSION,
        *_AREA_REGION,
        Column("district", "text", "district of the teams; empty where none is given", nullable=True, example="Midden"),
        _LAW_DOMAIN,
        Column(
            "profession",
            "text",
            "verzekeringsartsen, or the other members of the teams together",
            allowed=PROFESSIONS,
            example="verzekeringsarts",
        ),
        Column("asked_hours", "number", "work of the first year", unit="hours a year", example="31850.0"),
        Column(
            "available_hours", "number", "capacity, by the work in the region", unit="hours a year", example="25400.0"
        ),
        Column(
            "waiting_months",
            "number",
            "hours in files that wait / monthly capacity; empty without capacity",
            unit="months",
            nullable=True,
            example="3.4",
        ),
        Column(
            "projected_waiting_months",
            "number",
            "the same at the end of the horizon (12 months unless set otherwise)",
            unit="months",
            nullable=True,
            example="6.1",
        ),
        Column(
            "reached",
            "json",
            "per priority, in order: its products, and the part that the hours until the horizon reach",
            example='[{"priority": 1, "products": ["WIA_EWT"], "part": 1.0}]',
        ),
        Column(
            "first_priority_short",
            "integer",
            "the first priority that is not wholly reached; empty when all are",
            nullable=True,
            example="3",
        ),
        Column("fte_hours", "number", "hours of one FTE more", unit="hours a year", example="1164.0"),
        Column(
            "fte_value_months",
            "number",
            "by how much one FTE more shortens the projected waiting time; empty without capacity",
            unit="months",
            nullable=True,
            example="0.8",
        ),
        Column(
            "fte_placed",
            "integer",
            "how many of the next FTE (setting `advice.fte`, per profession) belong here, so that the longest wait in the "
            "country is shortest",
            example="2",
        ),
        Column("lent_hours", "number", "hours lent to other regions", unit="hours a year", example="0.0"),
        Column("borrowed_hours", "number", "hours borrowed from other regions", unit="hours a year", example="1210.5"),
        Column(
            "loans",
            "json",
            "from whom these are borrowed: number of the region, district, hours a year, km between offices",
            example='[{"from_nr": 14, "district": "Midden", "hours": 1210.5, "km": 21.3}]',
        ),
        Column(
            "lending_months",
            "number",
            "projected waiting time under which lending brings every region: as set, or the least that it can reach; "
            "empty when there is none",
            unit="months",
            nullable=True,
            example="5.5",
        ),
        Column("is_lending_proven", "boolean", "no cheaper way of lending does so: proven", example="true"),
        Column(
            "waiting_after_lending_months",
            "number",
            "projected waiting time with these loans; empty without capacity",
            unit="months",
            nullable=True,
            example="5.5",
        ),
    ),
    key=("arbeidsmarktregio_nr", "district", "law_domain", "profession"),
)
"""Kept with a version, for operations only: these figures are exact."""


HANDOVER_ADVICE = Table(
    "handover_advice",
    "A proposal, never automatic: the fewest files that would change team so that projected waiting times of the teams "
    "that divide an area together differ by at most the setting `advice.handover_months`, or by the least that can be.",
    (
        _VERSION,
        _LAW_DOMAIN,
        line_column(also_all=True),
        Column("arbeidsmarktregio_nr", "integer", "region of the postcode", example="15"),
        Column("team_from", "text", "team that has the files after the transition", example="SMC-UTR-01"),
        Column("team_to", "text", "team that would have them", example="SMC-UTR-02"),
        pc4_column(),
        PRODUCT,
        Column("clients", "integer", "files that would change team", unit="clients", example="12"),
        Column(
            "rest_clients",
            "integer",
            "files of this postcode and product that the team keeps: none, or at least 5",
            unit="clients",
            example="0",
        ),
        Column("hours", "number", "verzekeringsarts hours in these files", unit="hours", example="54.0"),
    ),
    key=("law_domain", "client_line", "team_from", "team_to", "pc4", "product"),
)
"""Kept with a version, for operations only."""


TEAM = Table(
    "team",
    "The teams of a version: what a consumer needs to know of the teams it routes to.",
    (
        _VERSION,
        TEAM_ID,
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
        pc4_column(),
        line_column(also_all=True),
        _LAW_DOMAIN,
        Column(
            "clients",
            "number",
            "expected clients a year of the whole postcode",
            unit="clients a year",
            example="63.0",
        ),
        Column(
            "hours",
            "number",
            "verzekeringsarts hours a year of the whole postcode",
            unit="hours a year",
            example="224.0",
        ),
        Column(
            "clients_seen",
            "number",
            "the same clients, with the stock as readers see it in `transition`",
            unit="clients a year",
            example="62.5",
            nullable=True,
            counts_persons=True,
            added="2.1",
        ),
        Column(
            "hours_seen",
            "number",
            "the hours of `clients_seen`",
            unit="hours a year",
            example="222.0",
            nullable=True,
            told_by="clients_seen",
            told_from=MEANS_FROM,
            added="2.1",
        ),
    ),
    key=("pc4", "client_line", "law_domain"),
)
"""Kept with a version, for operations only. A line here is a line of `allocation`."""


def _seen(table: Table, meaning: str) -> Table:
    """What readers see of the columns of ``table`` that are made of what they see elsewhere. A proposal of before one
    of them was declared has it empty."""
    return Table(
        f"{table.name}_seen",
        meaning,
        (
            _VERSION,
            *(table.column(name) for name in table.key),
            *(replace(column, nullable=True, added="2.1") for column in table.columns if column.is_seen_apart),
        ),
        key=table.key,
    )


TEAM_LOAD_SEEN = _seen(
    TEAM_LOAD,
    "What readers see of the files of a team in `team_load`, and of the work they make: made of what they see in "
    "`team_ledger` and `transition`.",
)
TEAM_LEDGER_SEEN = _seen(
    TEAM_LEDGER,
    "What readers see of the files and the plan of a team in `team_ledger`: made of what `transition` shows them of "
    "its files, and of the inflow.",
)
REGION_SUMMARY_SEEN = _seen(
    REGION_SUMMARY,
    "What readers see of the clients that move in `region_summary`, of the waiting time and of the deviations: made of "
    "what they see in `transition`, `team_ledger` and `team_load`.",
)
TEAM_NETWORK_SEEN = _seen(
    TEAM_NETWORK, "What readers see of `team_network`: made of inflow, and of the stock that they see in `transition`."
)
LINE_OUTCOMES_SEEN = _seen(
    LINE_OUTCOMES,
    "What readers see of the work and the files of a region in `line_outcomes`: made of what they see in `team_ledger` "
    "and `transition`.",
)
ALLOCATION_CHANGES_SEEN = _seen(
    ALLOCATION_CHANGES,
    "What readers see of the work that moves in `allocation_changes`: made of inflow, and of the stock that they see "
    "in `transition`.",
)
SEEN_APART = {
    ALLOCATION_CHANGES.name: ALLOCATION_CHANGES_SEEN,
    TEAM_LOAD.name: TEAM_LOAD_SEEN,
    TEAM_LEDGER.name: TEAM_LEDGER_SEEN,
    REGION_SUMMARY.name: REGION_SUMMARY_SEEN,
    TEAM_NETWORK.name: TEAM_NETWORK_SEEN,
    LINE_OUTCOMES.name: LINE_OUTCOMES_SEEN,
}
"""Published table -> the table with what readers see of it and is kept apart."""


FOR_OPERATIONS: tuple[Table, ...] = (EXPECTED, CAPACITY_ADVICE, HANDOVER_ADVICE, *SEEN_APART.values())
"""Kept with a version: no file and no view for readers."""


_TEAM_NAME = Column("team_name", "text", "name of the team", nullable=True, example="SMC Utrecht 1")


_PLACE = tuple(
    ROUTING.column(name) for name in ("pc4", "pc6_from", "pc6_to", "client_group", "pw_client", "law", "client_line")
)


_OFFICE = ROUTING.column("office")


UITKEREN_ROUTING = Table(
    "uitkeren_routing",
    "For Uitkeren: the routing with the group of medewerkers verzuimbeheer; also of versions planned ahead.",
    (
        _VERSION,
        *_PLACE,
        TEAM_ID,
        _TEAM_NAME,
        replace(
            TEAMS.column("verzuimbeheer_code"),
            meaning="code of the group of medewerkers verzuimbeheer: for the ZW that of `verzuimbeheer_routing`, else "
            "that of the team",
        ),
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
    "For Werkbedrijf: which teams work in which labour-market region and gemeente, and from which office; special teams "
    "without region and gemeente, because they work for the whole country.",
    (
        _VERSION,
        *(Column(c.name, c.type, c.meaning, nullable=True, example=c.example) for c in _AREA_REGION),
        Column("gemeente_name", "text", "municipality", nullable=True, example="Utrecht"),
        _LAW_DOMAIN,
        line_column(also_all=True),
        TEAM_ID,
        _TEAM_NAME,
        Column("office", "text", "UWV office of the team", nullable=True, example="Utrecht"),
        Column("kind", "text", "kind of team", nullable=True, allowed=TEAM_KINDS, example="regulier"),
        Column("areas", "integer", "postcode areas of the gemeente in which the team has a share", example="12"),
        Column(
            "team_clients_per_year",
            "number",
            "expected clients of the whole team, as in `team_load`",
            unit="clients a year",
            nullable=True,
            example="1180",
            added="2.0",
        ),
        Column(
            "team_hours_verzekeringsarts",
            "number",
            "expected verzekeringsarts work of the whole team, as in `team_load`",
            unit="hours a year",
            nullable=True,
            example="4130",
            added="2.0",
        ),
        *_VALIDITY,
    ),
    key=("valid_from", "gemeente_name", "law_domain", "client_line", "team_id"),
)


_TO_THE_MINUTE = (
    Column(
        "in_force_from",
        "timestamp",
        "moment from which the version was in force (UTC)",
        example="2027-01-01T08:30:00Z",
        added="2.0",
    ),
    Column(
        "in_force_until",
        "timestamp",
        "moment at which the next version took over (UTC); empty = still in force, or planned and nothing after it",
        nullable=True,
        example="2027-01-01T10:05:00Z",
        added="2.0",
    ),
    Column(
        "replaced_at",
        "timestamp",
        "moment at which the period was replaced on its own first day (UTC); empty = it stands",
        nullable=True,
        example="2027-01-01T10:05:00Z",
        added="2.0",
    ),
)


VERSION_HISTORY = Table(
    "version_history",
    "Which version was in force when, to the minute: also a version that was replaced on its first day.",
    (
        _VERSION,
        *_VALIDITY,
        Column(
            "act",
            "text",
            "publish, or rollback: put in force again",
            allowed=("publish", "rollback"),
            example="publish",
        ),
        Column(
            "published_at", "timestamp", "moment at which the period was decided (UTC)", example="2026-12-15T09:00:00Z"
        ),
        *_TO_THE_MINUTE,
    ),
    key=("valid_from", "published_at"),
)
"""Beside the published tables; follows from the record."""


BEZWAAR_ROUTING = Table(
    "bezwaar_routing",
    "For Bezwaar & Beroep: which team had a postcode at any moment, and the rule and reason that decided it. For a day "
    "take the rows with an empty `replaced_at`, for a moment those between `in_force_from` and `in_force_until`.",
    (
        _VERSION,
        *_PLACE,
        TEAM_ID,
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
        *_TO_THE_MINUTE,
    ),
    key=("valid_from", "in_force_from", *ROUTING.key),
)


DIVISION_VIEWS: tuple[Table, ...] = (UITKEREN_ROUTING, KNS_POSTCODE, WERKBEDRIJF_TEAM, BEZWAAR_ROUTING)
"""What other divisions read: made of the published tables, each in the words of one division."""


WHO_SERVES: tuple[Table, ...] = (ALLOCATION, ROUTING, ALLOCATION_REASON, TEAM)
"""What a division says of who serves whom, and why. Two outcomes that agree in these are the same division; their counts
and loads may be of different days."""
