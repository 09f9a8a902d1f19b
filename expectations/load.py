"""Rules of the second gate on work and capacity: the load of teams and regions, what was finished, and the advice.

Belongs here: those rules. Does not belong here: the tables they read (``outcome``), and how a rule is run (``engine``).
"""

from __future__ import annotations

from allocation.contract import vocabulary
from expectations.rules import ROUNDING, Rule

LOAD = (
    Rule(
        "work_not_lost", "expected", "hours", "critical",
        "the expected hours of a postcode differ from its work",
        "de verwachte uren van een postcode wijken af van het werk",
        f"""select e.pc4, e.law_domain, e.hours, coalesce(w.hours, 0) as work, e.clients,
                   coalesce(w.clients, 0) as clients_in_work
            from area as p join expected as e using (pc4) left join work as w using (pc4, law_domain)
            where e.client_line = '{vocabulary.ALL_LINES}'
              and (abs(e.hours - coalesce(w.hours, 0)) > {ROUNDING} * (1 + e.hours)
                   or abs(e.clients - coalesce(w.clients, 0)) > {ROUNDING} * (1 + e.clients))""",
    ),
    Rule(
        "lines_sum", "expected", "hours", "critical",
        "the two lines of a postcode do not sum to all of it",
        "de twee lijnen van een postcode zijn samen niet het geheel",
        f"""select pc4, law_domain,
                   sum(case client_line when '{vocabulary.ALL_LINES}' then hours else 0 end) as whole,
                   sum(case client_line when '{vocabulary.ALL_LINES}' then 0 else hours end) as lines,
                   count(*) as on_rows
            from expected group by 1, 2 having on_rows <> 3 or abs(whole - lines) > {ROUNDING} * (1 + whole)""",
    ),
    Rule(
        "expected_everywhere", "expected", "pc4", "critical",
        "the postcode has no expected work, or does not exist", "de postcode heeft geen verwacht werk, of bestaat niet",
        """select pc4, sum(n) as is_area, sum(m) as law_domains from (
             select pc4, 1 as n, 0 as m from area
             union all select distinct pc4, 0, law_domain = 'pw' or law_domain = 'zw_wia' from expected
             union all select pc4, 0, count(distinct law_domain) - 1 from expected group by pc4)
           group by pc4 having is_area <> 1 or law_domains <> 2""",
    ),
    Rule(
        "load_sums_to_work", "team_load", "hours_verzekeringsarts", "critical",
        "the hours of the teams do not sum to the work of the layer",
        "de uren van de teams zijn samen niet het werk van de laag",
        f"""with asked as (select l.layer, l.law_domain, l.client_line, sum(e.hours) as work, sum(e.clients) as clients
                           from layer_area as l join expected as e using (pc4, law_domain, client_line)
                           group by 1, 2, 3),
            got as (select m.layer, sum(t.hours_verzekeringsarts) as hours, sum(t.clients_per_year) as clients_per_year
                    from layer_team as m join team_load as t using (team_id, law_domain, client_line) group by 1)
            select a.layer, round(a.work, 3) as work, round(g.hours, 3) as hours, round(a.clients, 3) as clients,
                   round(g.clients_per_year, 3) as clients_per_year
            from asked as a left join got as g using (layer)
            where g.hours is null or abs(g.hours - a.work) > {ROUNDING} * (1 + a.work)
               or abs(g.clients_per_year - a.clients) > {ROUNDING} * (1 + a.clients)""",
    ),
    Rule(
        "load_of_team", "team_load", "hours_verzekeringsarts", "critical",
        "the hours of the team are not those of its share of its postcodes",
        "de uren van het team zijn niet die van zijn aandeel in zijn postcodes",
        f"""select t.team_id, t.law_domain, t.client_line, t.hours_verzekeringsarts, sum(a.share * e.hours) as counted
            from team_load as t left join allocation as a using (team_id, law_domain, client_line)
            left join expected as e using (pc4, law_domain, client_line) where t.kind <> 'bijzonder'
            group by 1, 2, 3, 4 having abs(t.hours_verzekeringsarts - coalesce(counted, 0))
                                       > {ROUNDING} * (1 + t.hours_verzekeringsarts)""",
    ),
    Rule(
        "special_load", "team_load", "hours_verzekeringsarts", "critical",
        "the hours of the special teams do not sum to the work of the special groups",
        "de uren van de bijzondere teams zijn samen niet het werk van de bijzondere groepen",
        f"""select w.hours as work, t.hours from work_of_groups as w cross join
              (select coalesce(sum(hours_verzekeringsarts), 0) as hours from team_load where kind = 'bijzonder') as t
            where abs(w.hours - t.hours) > {ROUNDING} * (1 + w.hours)""",
    ),
    Rule(
        "load_for_each_team", "team_load", "team_id", "critical",
        "a team with an area has no load, or another number of areas",
        "een team met een gebied heeft geen belasting, of een ander aantal gebieden",
        """select a.team_id, a.law_domain, a.client_line, count(*) as areas_allocated, t.areas
           from allocation as a left join team_load as t using (team_id, law_domain, client_line)
           group by 1, 2, 3, 5 having t.areas is distinct from areas_allocated""",
    ),
    Rule(
        "pieces", "team_load", "pieces", "critical",
        "the number of pieces is not that of the area as it is allocated",
        "het aantal stukken is niet dat van het gebied zoals het verdeeld is",
        """select m.team_id, m.law_domain, m.client_line, t.pieces, m.pieces as counted
           from layer_team as m left join team_load as t using (team_id, law_domain, client_line)
           where t.pieces is distinct from m.pieces""",
    ),
    Rule(
        "target", "team_load", "target_hours", "critical",
        "the targets of a layer do not sum to its work, or are not divided by capacity",
        "de doelen van een laag zijn samen niet het werk, of niet naar capaciteit verdeeld",
        f"""with layer as (select m.layer, sum(t.hours_verzekeringsarts) as hours, sum(t.target_hours) as targets,
                                  sum(t.capacity_hours_verzekeringsarts) as capacity
                           from layer_team as m join team_load as t using (team_id, law_domain, client_line) group by 1)
            select t.team_id, t.law_domain, t.client_line, t.target_hours,
                   case r.balance when 'load' then l.hours else l.targets end
                     * t.capacity_hours_verzekeringsarts / l.capacity as counted
            from layer_team as m join team_load as t using (team_id, law_domain, client_line)
            join layer as l using (layer) cross join run as r
            where l.capacity > 0 and abs(t.target_hours - counted) > {ROUNDING} * (1 + counted)""",
    ),
    Rule(
        "deviation", "team_load", "deviation", "critical",
        "the deviation, or whether it is within the tolerance, does not follow from hours and target",
        "de afwijking, of dat die binnen de tolerantie valt, volgt niet uit uren en doel",
        f"""select team_id, law_domain, client_line, hours_verzekeringsarts, target_hours, deviation, tolerance,
                   is_within_tolerance
            from team_load cross join run
            where is_within_tolerance <> (abs(deviation) <= tolerance * (1 + 1e-9))
               or (target_hours > 0 and balance = 'load'
                   and abs(deviation - (hours_verzekeringsarts / target_hours - 1)) > {ROUNDING})""",
    ),
    Rule(
        "deviations_cancel", "team_load", "deviation", "critical",
        "what the teams of a layer have above their targets is not what the others have below them",
        "wat de teams van een laag boven hun doel hebben, is niet wat de andere eronder hebben",
        f"""select m.layer, round(sum(t.deviation * t.target_hours), 3) as hours_above,
                   round(sum(t.target_hours)) as target
            from layer_team as m join team_load as t using (team_id, law_domain, client_line) group by 1
            having abs(sum(t.deviation * t.target_hours)) > {ROUNDING} * (1 + sum(t.target_hours))""",
    ),
    Rule(
        "interval", "team_load", "hours_low", "critical",
        "the expected hours do not lie in their interval", "de verwachte uren liggen niet in hun interval",
        """select team_id, law_domain, client_line, hours_low, hours_verzekeringsarts, hours_high from team_load
           where not (hours_low <= hours_verzekeringsarts * (1 + 1e-9)
                      and hours_verzekeringsarts <= hours_high * (1 + 1e-9))""",
    ),
    Rule(
        "chance", "team_load", "chance_within_tolerance", "critical",
        "the chance to stay within the tolerance is no chance, or is not there for the teams that are balanced alone",
        "de kans om binnen de tolerantie te blijven is geen kans, of staat niet juist bij de teams die worden verdeeld",
        """select team_id, law_domain, client_line, kind, chance_within_tolerance from team_load
           where (kind = 'bijzonder') <> (chance_within_tolerance is null)
              or chance_within_tolerance < 0 or chance_within_tolerance > 1""",
    ),
    Rule(
        "beyond_tolerance", "team_load", "deviation", "warning",
        "the load of the team lies beyond the tolerance", "de belasting van het team ligt buiten de tolerantie",
        """select name, team_id, law_domain, client_line, round(100 * deviation, 1) || '%' as deviation,
                  round(100 * tolerance, 1) || '%' as tolerance
           from team_load where kind <> 'bijzonder' and not is_within_tolerance
           order by abs(team_load.deviation) desc""",
    ),
    Rule(
        "other_professions", "team_load", "first_year_hours_other", "warning",
        "the work of the other professions exceeds 120% of their capacity",
        "het werk van de andere beroepen is meer dan 120% van hun capaciteit",
        f"""select name, team_id, round(sum(first_year_hours_other)) as hours,
                  round(sum(capacity_hours_other)) as capacity,
                  round(100 * sum(first_year_hours_other) / greatest(sum(capacity_hours_other), 1)) || '%' as share
           from team_load group by name, team_id
           having sum(first_year_hours_other) > {vocabulary.OVERLOADED} * sum(capacity_hours_other)
           order by sum(first_year_hours_other) / greatest(sum(capacity_hours_other), 1) desc""",
    ),
    Rule(
        "special_capacity", "team_load", "hours_verzekeringsarts", "warning",
        "the work of the special team exceeds its capacity",
        "het werk van het bijzondere team overtreft zijn capaciteit",
        """select name, team_id, round(hours_verzekeringsarts) as hours,
                  round(capacity_hours_verzekeringsarts) as capacity
           from team_load where kind = 'bijzonder' and hours_verzekeringsarts > capacity_hours_verzekeringsarts""",
    ),
    Rule(
        "region_sums_to_load", "region_summary", "hours_verzekeringsarts", "critical",
        "the hours of the regions do not sum to those of the teams of the layer",
        "de uren van de regio's zijn samen niet die van de teams van de laag",
        f"""with regions as (select distinct l.layer, l.law_domain, l.client_line, p.arbeidsmarktregio_nr
                             from layer_area as l join area as p using (pc4)),
            summed as (select r.layer, count(s.hours_verzekeringsarts) = count(*) as is_complete,
                              sum(s.hours_verzekeringsarts) as of_regions
                       from regions as r left join region_summary as s
                         using (arbeidsmarktregio_nr, law_domain, client_line) group by 1),
            loads as (select m.layer, sum(t.hours_verzekeringsarts) as of_teams
                      from layer_team as m join team_load as t using (team_id, law_domain, client_line) group by 1)
            select s.layer, round(s.of_regions, 3) as of_regions, round(l.of_teams, 3) as of_teams, s.is_complete
            from summed as s join loads as l using (layer)
            where not s.is_complete or abs(s.of_regions - l.of_teams) > {ROUNDING} * (1 + l.of_teams)""",
    ),
)  # fmt: skip

FINISHED = (
    Rule(
        "line_outcomes_sum_to_load", "line_outcomes", "asked_hours_verzekeringsarts", "critical",
        "the regions of a layer do not sum to its teams: asked or available hours, or files held",
        "de regio's van een laag zijn samen niet haar teams: gevraagde of beschikbare uren, of dossiers",
        f"""with regions as (select law_domain, client_line, sum(asked_hours_verzekeringsarts) as asked,
                                sum(available_hours_verzekeringsarts) as available, sum(files_held) as files
                         from line_outcomes group by 1, 2),
            teams as (select law_domain, client_line, sum(first_year_hours_verzekeringsarts) as asked,
                             sum(capacity_hours_verzekeringsarts) as available, sum(files_held) as files
                      from team_load where kind <> 'bijzonder' group by 1, 2)
            select t.law_domain, t.client_line, round(r.asked, 3) as asked, round(t.asked, 3) as asked_of_teams,
                   round(r.available, 3) as available, round(t.available, 3) as available_of_teams, r.files,
                   t.files as files_of_teams
            from teams as t left join regions as r using (law_domain, client_line)
            where r.asked is null or abs(r.asked - t.asked) > {ROUNDING} * (1 + t.asked) or r.files <> t.files
               or abs(r.available - t.available) > {ROUNDING} * (1 + t.available)""",
    ),
    Rule(
        "finished_is_counted", "line_outcomes", "finished_clients", "critical",
        "the finished clients of the regions are not those of the input in these months",
        "de afgehandelde cliënten van de regio's zijn niet die van de invoer in deze maanden",
        f"""with last as (select max(month) || '-01' as month,
                                (select max(months) from line_outcomes) as months from completed as c
                         join products as p using (product) where not p.is_central),
            counted as (select coalesce(sum(c.clients), 0) as clients from completed as c cross join last as l
                        join products as p using (product) join team as t using (team_id)
                        where not p.is_central and t.kind <> 'bijzonder'
                          and (c.month || '-01')::date > l.month::date - to_months(l.months::integer)),
            shown as (select coalesce(sum(finished_clients), 0) as clients from line_outcomes)
            select c.clients as of_input, round(s.clients, 6) as of_regions from counted as c cross join shown as s
            where abs(c.clients - s.clients) > {ROUNDING} * (1 + c.clients)""",
    ),
    Rule(
        "productivity_in_use", "norm_estimate", "estimate", "warning",
        "what a team finished says another productivity than the one in use",
        "wat een team afrondde, wijst op een andere productiviteit dan die in gebruik is",
        """select team_id, round(in_use, 2) as in_use, round(estimate, 2) as estimate, round(low, 2) as low,
                  round(high, 2) as high from norm_estimate
           where kind = 'productivity' and disagrees order by abs(estimate / in_use - 1) desc""",
    ),
    Rule(
        "hours_in_use", "norm_estimate", "estimate", "warning",
        "finished work says that a product takes other hours than those in use",
        "afgeronde zaken wijzen op andere uren per product dan die in gebruik zijn",
        """select product, round(in_use, 2) as in_use, round(estimate, 2) as estimate, round(low, 2) as low,
                  round(high, 2) as high from norm_estimate
           where kind = 'hours' and disagrees order by abs(estimate / in_use - 1) desc""",
    ),
)  # fmt: skip

ADVICE = (
    Rule(
        "advice_sums_to_load", "capacity_advice", "available_hours", "critical",
        "asked or available hours of the regions are not those of the teams",
        "gevraagde of beschikbare uren van de regio's zijn niet die van de teams",
        f"""with regions as (select law_domain, profession, sum(asked_hours) as asked, sum(available_hours) as available
                             from capacity_advice group by 1, 2),
            teams as (select law_domain, 'verzekeringsarts' as profession,
                             sum(first_year_hours_verzekeringsarts) as asked,
                             sum(capacity_hours_verzekeringsarts) as available
                      from team_load where kind <> 'bijzonder' group by 1
                      union all select law_domain, 'other', sum(first_year_hours_other), sum(capacity_hours_other)
                      from team_load where kind <> 'bijzonder' group by 1)
            select t.law_domain, t.profession, round(r.asked, 3) as asked, round(t.asked, 3) as asked_of_teams,
                   round(r.available, 3) as available, round(t.available, 3) as available_of_teams
            from teams as t left join regions as r using (law_domain, profession)
            where r.asked is null or abs(r.asked - t.asked) > {ROUNDING} * (1 + t.asked)
               or abs(r.available - t.available) > {ROUNDING} * (1 + t.available)""",
    ),
    Rule(
        "loans_balance", "capacity_advice", "lent_hours", "critical",
        "what regions lend is not what regions borrow, or a region lends more than it may",
        "wat regio's uitlenen is niet wat regio's lenen, of een regio leent meer uit dan mag",
        f"""select law_domain, profession, round(sum(lent_hours), 3) as lent, round(sum(borrowed_hours), 3) as borrowed,
                   max(lent_hours / greatest(available_hours, 1e-9)) as part
            from capacity_advice group by 1, 2
            having abs(sum(lent_hours) - sum(borrowed_hours)) > {ROUNDING} * (1 + sum(lent_hours))
                or max(lent_hours - (select lending_share from run) * available_hours) > 0.001""",
    ),
    Rule(
        "handover_leaves_no_small_rest", "handover_advice", "rest_clients", "critical",
        "handing over leaves a team a few files of a postcode and product, or is of more files than it has",
        "overdragen laat een team enkele dossiers van een postcode en product, of meer gaan over dan het heeft",
        f"""with moved as (select team_from, pc4, product, sum(clients) as clients, min(rest_clients) as rest
                           from handover_advice group by 1, 2, 3),
            held as (select team_to as team_from, pc4, product, sum(clients) as clients
                     from transition group by 1, 2, 3)
            select m.team_from, m.pc4, m.product, m.clients, m.rest, coalesce(h.clients, 0) as held
            from moved as m left join held as h using (team_from, pc4, product)
            where m.clients + m.rest > coalesce(h.clients, 0)
               or m.rest between 1 and {vocabulary.SMALLEST_SHOWN_COUNT - 1}""",
    ),
    Rule(
        "handover_to_a_serving_team", "handover_advice", "team_to", "critical",
        "files would be handed over to a team that is not active, has no hours or is barred from the postcode",
        "dossiers zouden gaan naar een team dat niet actief is, geen uren heeft of van de postcode is uitgesloten",
        """select a.team_to, a.pc4, count(*) as on_rows from handover_advice as a
           left join team as t on t.team_id = a.team_to
           where not coalesce(t.is_active, 0) or not coalesce(t.has_hours, 0)
              or exists (select 1 from locks as k where k.kind = 'bar' and k.area = a.pc4 and k.team_id = a.team_to
                           and (k.client_line is null or k.client_line = a.client_line))
           group by 1, 2""",
    ),
)  # fmt: skip
