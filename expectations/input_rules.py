"""Rules of the first gate: codes that exist, areas, the history, teams, the division in force, and the expected work.

Belongs here: those rules. Does not belong here: the tables they read (``inputs``), and how a rule is run (``engine``).
"""

from __future__ import annotations

from allocation.contract import vocabulary
from expectations import coming
from expectations.rules import Rule

UNUSUAL_SD = 4.0
"""A month that lies further from the other months than this many standard deviations is worth a look."""
STOCK_FACTOR, STOCK_CLIENTS = 3.0, 100.0
"""A region's stock of a product is unusual when it is this many times what its inflow explains, or that part of it,
and either of the two is at least this many clients."""
EMPTY_AREA_CLIENTS = 12.0
"""Clients a year from which an area without inhabitants is worth a look: one a month."""
INFLOW_FACTOR = 2.0
"""Expected inflow of a product against that of the history, growth included, beyond which it is worth a look."""


def _unknown(table: str, column: str, known: str, of: str, says: str, zegt: str) -> Rule:
    """A code that does not occur in the table where it should."""
    query = f"""
        select t.{column}, count(*) as on_rows from {table} as t left join {known} as k on k.{of} = t.{column}
        where t.{column} is not null and k.{of} is null group by t.{column}"""
    return Rule(f"{table}_{column}_exists", table, column, "critical", says, zegt, query)


POSTCODES = tuple(
    _unknown(table, column, "area", "pc4", "the postcode does not exist in the boundaries in use",
             "de postcode bestaat niet in de gebruikte gebiedsindeling")
    for table, column in (
        ("inflow", "pc4"), ("stock", "pc4"), ("work", "pc4"), ("care_regions", "pc4"), ("teams", "office_pc4"),
    )
)  # fmt: skip
PRODUCTS = tuple(
    _unknown(
        table, "product", "products", "product", "the product is not in products", "het product staat niet in products"
    )
    for table in ("inflow", "stock", "work", "completed")
)
GROUPS = tuple(
    _unknown(table, "client_group", "client_group", "client_group", "the client group is not in the configuration",
             "de cliëntgroep staat niet in de configuratie")
    for table in ("inflow", "stock", "work")
)  # fmt: skip
TEAMS = (
    _unknown("locks", "team_id", "team", "team_id", "the lock names a team that is not in teams",
             "de vastlegging noemt een team dat niet in teams staat"),
)  # fmt: skip

AREAS = (
    Rule(
        "one_region_per_postcode", "area", "arbeidsmarktregio_nr", "critical",
        "the postcode is not in exactly one arbeidsmarktregio",
        "de postcode ligt niet in precies één arbeidsmarktregio",
        """select pc4, count(distinct arbeidsmarktregio_nr) as regions, count(*) as on_rows from area as a
           group by pc4 having count(*) <> 1 or count(arbeidsmarktregio_nr) <> 1""",
    ),
    Rule(
        "one_name_per_region", "area", "arbeidsmarktregio", "critical",
        "the region number has more than one name, or none", "het regionummer heeft meer dan één naam, of geen",
        """select arbeidsmarktregio_nr, count(distinct arbeidsmarktregio) as names from area as a
           group by arbeidsmarktregio_nr having names <> 1""",
    ),
    Rule(
        "valid_shape", "area", "is_valid", "critical",
        "the area has no valid shape of more than 0 km2", "het gebied heeft geen geldige vorm van meer dan 0 km2",
        """select pc4, is_valid, area_km2 from area as a
           where is_valid is distinct from 1 or area_km2 is null or area_km2 <= 0""",
    ),
    Rule(
        "postcode_text", "area", "pc4", "critical",
        "the postcode is not a text of four digits", "de postcode is geen tekst van vier cijfers",
        "select pc4 from area as a where typeof(pc4) <> 'VARCHAR' or not (pc4::varchar) glob '[1-9][0-9][0-9][0-9]'",
    ),
    Rule(
        "inhabitants", "area", "inhabitants", "critical",
        "the number of inhabitants is negative", "het aantal inwoners is negatief",
        "select pc4, inhabitants from area as a where inhabitants < 0",
    ),
    Rule(
        "area_that_follows", "area_that_follows", "pc4", "warning",
        "postcodes have no surface of their own in the boundaries: each counts for the area that it follows",
        "postcodes hebben in de gebiedsindeling geen eigen vlak: elk telt mee met het gebied dat het volgt",
        "select pc4, follows from area_that_follows as a order by pc4",
    ),
    Rule(
        "clients_without_inhabitants", "area", "inhabitants", "warning",
        "many clients come from a postcode without inhabitants",
        "veel cliënten komen uit een postcode zonder inwoners",
        f"""select a.pc4, a.inhabitants,
                   round(sum(i.clients) / (select max(years) from inflow_product), 1) as clients_a_year
            from area as a join inflow as i on i.pc4 = a.pc4 where coalesce(a.inhabitants, 0) = 0
            group by a.pc4, a.inhabitants having clients_a_year >= {EMPTY_AREA_CLIENTS} order by clients_a_year desc""",
    ),
)  # fmt: skip

HISTORY = (
    Rule(
        "month_text", "inflow_month", "month", "critical",
        "the month is not of the form YYYY-MM", "de maand heeft niet de vorm JJJJ-MM",
        """select distinct month from inflow_month as m
           where not month glob '[12][0-9][0-9][0-9]-[01][0-9]' or substr(month, 6) not between '01' and '12'""",
    ),
    Rule(
        "every_month", "inflow_month", "month", "critical",
        "months are missing between the first and the last", "tussen de eerste en de laatste ontbreken maanden",
        """select min(month) as first, max(month) as last, count(distinct month) as months from inflow_month as m
           having months <> 1 + 12 * (substr(max(month), 1, 4)::integer - substr(min(month), 1, 4)::integer)
                            + substr(max(month), 6)::integer - substr(min(month), 6)::integer""",
    ),
    Rule(
        "unusual_month", "inflow_month", "clients", "warning",
        f"the inflow of a month is more than {UNUSUAL_SD:g} standard deviations from the other months",
        f"de instroom van een maand ligt meer dan {UNUSUAL_SD:g} standaardafwijkingen van de andere maanden",
        f"""select series, month, clients, round(expected) as expected, round(sds, 1) as sds from inflow_month as m
            where abs(sds) > {UNUSUAL_SD} order by abs(sds) desc""",
    ),
    Rule(
        "unusual_stock", "stock_ratio", "clients", "warning",
        f"the stock of a region is out of proportion to its inflow, by a factor of more than {STOCK_FACTOR:g}",
        f"de voorraad van een regio staat niet in verhouding tot de instroom: meer dan een factor {STOCK_FACTOR:g}",
        f"""select region, product, clients, round(explained) as explained from stock_ratio as s
            where (clients > {STOCK_FACTOR} * explained or clients * {STOCK_FACTOR} < explained)
              and greatest(clients, explained) >= {STOCK_CLIENTS} order by greatest(clients, explained) desc""",
    ),
    Rule(
        "one_reference_date", "stock", "reference_date", "critical",
        "the stock was counted on more than one date", "de voorraad is op meer dan één dag geteld",
        """select reference_date, count(*) as on_rows from stock as s
           where reference_date is distinct from (select max(reference_date) from stock) group by reference_date""",
    ),
    Rule(
        "holder_known", "stock", "team_id", "warning",
        "files are held by a team that is not in teams: it counts as ended",
        "dossiers liggen bij een team dat niet in teams staat: het geldt als beëindigd",
        """select s.team_id, sum(s.clients) as clients from stock as s left join team as t on t.team_id = s.team_id
           where s.team_id is not null and t.team_id is null group by s.team_id""",
    ),
)  # fmt: skip

LINES = tuple(
    Rule(
        f"{table}_line_of_product", table, "client_line", "critical",
        "the client line does not belong to the product", "de cliëntlijn hoort niet bij het product",
        f"""select t.product, t.client_line, count(*) as on_rows from {table} as t join products as p using (product)
            where t.client_line <> '{vocabulary.ALL_LINES}' and instr(p.client_lines, '|' || t.client_line || '|') = 0
            group by 1, 2""",
    )
    for table in ("inflow", "stock")
)  # fmt: skip

TEAM_RULES = (
    Rule(
        "no_zw_only", "teams", "laws", "critical",
        "the team serves only ZW clients", "het team bedient alleen ZW-cliënten",
        "select team_id, laws from teams as t where laws = 'ZW'",
    ),
    Rule(
        "productivity", "teams", "productivity", "critical",
        "the productivity is not above 0", "de productiviteit is niet groter dan 0",
        "select team_id, productivity from teams as t where productivity <= 0",
    ),
    Rule(
        "periods", "teams", "valid_from", "critical",
        "periods of one team end before they begin, or overlap",
        "perioden van één team eindigen voor hun begin, of overlappen",
        """with period as (select team_id, valid_from, valid_to, row_number() over () as number from teams)
           select a.team_id, a.valid_from, a.valid_to from period as a
           where a.valid_to < a.valid_from or exists (
             select 1 from period as b where b.team_id = a.team_id and b.number <> a.number
               and b.valid_from <= coalesce(a.valid_to, '9999') and a.valid_from <= coalesce(b.valid_to, '9999'))""",
    ),
    Rule(
        "one_name", "team", "name", "warning",
        "two teams of one day have one name and one office", "twee teams van één dag hebben dezelfde naam en kantoor",
        """select a.team_id, a.name, a.office from team as a where a.is_active and exists (
             select 1 from team as b where b.is_active and b.team_id <> a.team_id and b.name = a.name
               and b.office = a.office)""",
    ),
    Rule(
        "groups_of_special_teams", "team", "client_groups", "critical",
        "a special client group has no active team", "een bijzondere cliëntgroep heeft geen actief team",
        """select g.client_group from client_group as g where g.is_special and not exists (
             select 1 from team as t where t.kind = 'bijzonder' and t.is_active
               and instr(t.client_groups, '|' || g.client_group || '|') > 0)""",
    ),
    Rule(
        "region_of_team", "team", "arbeidsmarktregio", "critical",
        "the team has no region that exists", "het team heeft geen bestaande regio",
        """select t.team_id from team as t where t.kind <> 'bijzonder' and not exists (
             select 1 from team_region as r join area as a on a.arbeidsmarktregio_nr = r.region
             where r.team_id = t.team_id)""",
    ),
)  # fmt: skip

REMARKS = (
    Rule(
        "input_remark", "input_remark", "what", "warning",
        "the input has unusual numbers, lacks something, or has files or columns that are passed over",
        "de invoer heeft ongebruikelijke getallen, mist iets, of heeft bestanden of kolommen die niet worden gelezen",
        'select file, "row", "column", what, usual from input_remark as r order by 1, 2, 3',
    ),
)  # fmt: skip

OFFICES = tuple(
    Rule(
        f"office_{doubt}", "office_doubt", "office_pc4", "warning", says, zegt,
        f"select {columns} from office_doubt as d where doubt = '{doubt}' order by 1, 2",
    )
    for doubt, columns, says, zegt in (
        ("stand_in", "office_pc4, team_id, beside as instead",
         "the office is at a postcode without an area of its own: the nearest number is used",
         "het kantoor staat op een postcode zonder eigen gebied: het naastliggende nummer geldt"),
        ("names", "office_pc4, beside as names", "offices at one postcode have different names",
         "kantoren op één postcode hebben verschillende namen"),
        ("postcodes", "office, beside as postcodes", "one office has several postcodes",
         "één kantoor heeft verschillende postcodes"),
        ("far", "team_id, office, office_pc4, round(km) as km, beside as region",
         "the office lies far outside the regions of its team",
         "het kantoor ligt ver buiten de regio's van zijn team"),
    )
)  # fmt: skip

DIVISION = (
    Rule(
        "current_ignored", "current_choice", "version", "warning",
        "the file `current` is ignored, because a version is in force: changes and moves are counted from that "
        "version (the setting current = \"file\" uses the file)",
        "het bestand current is niet gebruikt, omdat er een versie geldt: wijzigingen en verhuizingen zijn geteld "
        "vanaf die versie (met de instelling current = \"file\" geldt het bestand)",
        "select version, since from current_choice as c where rows > 0 and version is not null and choice <> 'file'",
    ),
    Rule(
        "current_vanished", "current", "pc4", "warning",
        "the division in force knows a postcode that has no area any more",
        "de geldende verdeling kent een postcode die geen gebied meer heeft",
        """select pc4, group_concat(team_id, ' ') as teams from current
           where pc4 not in (select pc4 from area) group by pc4""",
    ),
    Rule(
        "current_sums_to_one", "current", "share", "warning",
        "the shares of the division in force do not sum to 1",
        "de aandelen van de geldende verdeling tellen niet op tot 1",
        """select c.pc4, c.client_line, coalesce(t.kind, 'unknown team') = 'participatiewet' as is_pw,
                  round(sum(c.share), 6) as shares
           from current as c left join team as t on t.team_id = c.team_id
           group by 1, 2, 3 having abs(sum(c.share) - 1) > 1e-6""",
    ),
    Rule(
        "pc6_range", "locks", "pc6_from", "critical",
        "the PC6 range of a lock does not lie within its postcode, or ends before it begins",
        "het PC6-bereik van een vastlegging ligt niet in de postcode, of eindigt voor het begin",
        """select pc4, pc6_from, pc6_to, team_id from locks as k
           where pc6_from is not null and (substr(pc6_from, 1, 4) <> area or substr(pc6_to, 1, 4) <> area
                                           or pc6_to is null or pc6_to < pc6_from)""",
    ),
)  # fmt: skip

WORK = (
    Rule(
        "stock_kept", "work", "stock_clients", "critical",
        "the stock in the expected work differs from the stock that was handed in",
        "de voorraad in het verwachte werk wijkt af van de aangeleverde voorraad",
        """select pc4, product, client_line, client_group, sum(was) as handed_in, sum(is_now) as in_work from (
             select pc4, product, client_line, client_group, 0 as was, stock_clients as is_now from work
             union all select pc4, product, client_line, client_group, clients, 0 from stock) as counts
           group by 1, 2, 3, 4 having handed_in <> in_work""",
    ),
    Rule(
        "planned_clients", "work", "planned_clients", "critical",
        "the planned clients are not the inflow plus the planned share of the stock",
        "de geplande cliënten zijn niet de instroom plus het geplande deel van de voorraad",
        """select w.pc4, w.product, w.client_group, w.planned_clients,
                  w.inflow_clients + p.planned_stock_share * w.stock_clients as counted
           from work as w join products as p using (product)
           where w.planned_clients is null or abs(w.planned_clients - counted) > 1e-6 * (1 + counted)""",
    ),
    Rule(
        "hours", "work", "hours_verzekeringsarts", "critical",
        "the hours are not clients times the hours of the product",
        "de uren zijn niet de cliënten maal de uren van het product",
        """select w.pc4, w.product, w.client_group, w.hours_verzekeringsarts, w.hours_other,
                  w.planned_clients * p.hours_factor * p.hours_verzekeringsarts as counted,
                  w.planned_clients * p.hours_factor * p.hours_other as counted_other
           from work as w join products as p using (product)
           where w.hours_verzekeringsarts is null or w.hours_other is null
              or abs(w.hours_verzekeringsarts - counted) > 1e-6 * (1 + counted)
              or abs(w.hours_other - counted_other) > 1e-6 * (1 + counted_other)""",
    ),
    Rule(
        "amounts", "work", "inflow_clients", "critical",
        "an amount of expected work is negative or empty", "een hoeveelheid verwacht werk is negatief of leeg",
        """select pc4, product, client_line, client_group, inflow_clients, stock_clients, hours_sd from work as w
           where not coalesce(inflow_clients >= 0 and stock_clients >= 0 and stock_hours_verzekeringsarts >= 0
                              and hours_sd >= 0, false)""",
    ),
    Rule(
        "work_key", "work", "pc4, product, client_line, client_group, pw_client", "critical",
        "keys occur more than once", "sleutels komen vaker voor",
        """select pc4, product, client_line, client_group, pw_client, count(*) as on_rows from work as w
           group by 1, 2, 3, 4, 5 having on_rows > 1""",
    ),
    Rule(
        "law_of_product", "work", "law", "critical",
        "the law, or whether it is handled centrally, is not that of the product",
        "de wet, of of het centraal wordt afgehandeld, is niet die van het product",
        """select w.pc4, w.product, w.law, w.is_central from work as w join products as p using (product)
           where w.law is distinct from p.law or w.is_central is distinct from p.is_central""",
    ),
    Rule(
        "inflow_as_before", "work", "inflow_clients", "warning",
        f"the expected inflow of a product differs from the history by a factor of more than {INFLOW_FACTOR:g}",
        f"de verwachte instroom van een product wijkt meer dan een factor {INFLOW_FACTOR:g} af van de historie",
        f"""select i.product, round(i.clients / i.years * (1 + p.growth)) as history_a_year,
                   round(w.expected) as expected
            from (select product, sum(inflow_clients) as expected from work group by product) as w
            join inflow_product as i using (product) join products as p using (product)
            where w.expected > {INFLOW_FACTOR} * history_a_year + 1
               or w.expected * {INFLOW_FACTOR} < history_a_year - 1""",
    ),
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    *AREAS, *POSTCODES, *PRODUCTS, *GROUPS, *LINES, *HISTORY, *TEAM_RULES, *coming.RULES, *REMARKS, *OFFICES, *TEAMS,
    *DIVISION, *WORK,
)  # fmt: skip
