"""Rules of the second gate on who serves whom: routing, the divided postcodes, and what locks ask.

Belongs here: those rules. Does not belong here: the tables they read (``outcome``), and how a rule is run (``engine``).
"""

from __future__ import annotations

from allocation.contract import vocabulary
from expectations.rules import ROUNDING, Rule

_OF_PW = "(r.pw_client or r.law = 'PW')"
"""Who has a file under the Participatiewet is a PW client, with all of his files (R17)."""
_LAW_DOMAIN = f"case when {_OF_PW} then 'pw' else 'zw_wia' end"
_SERVING_LINE = f"case when r.law = 'ZW' and not {_OF_PW} then 'vangnet' else r.client_line end"
_BY_POSTCODE = f"(not g.is_special or ({_OF_PW} and not (select special_first from run)))"
"""Routed by postcode: regular clients, and PW clients of any group unless the special teams come first (R4, R5)."""

ROUTING = (
    Rule(
        "routing_total", "routing", "share", "critical",
        "the shares of a postcode, client group, PW client, law and line do not sum to 1",
        "de aandelen van een postcode, cliëntgroep, PW-cliënt, wet en lijn tellen niet op tot 1",
        f"""select a.pc4, g.client_group, k.pw_client, l.law, n.client_line, round(coalesce(s.shares, 0), 6) as shares
            from area as a cross join client_group as g cross join law as l cross join line as n
            cross join (select 0 as pw_client union all select 1) as k
            left join (select pc4, client_group, pw_client, law, client_line, sum(share) as shares from routing
                       group by pc4, client_group, pw_client, law, client_line) as s
              on s.pc4 = a.pc4 and s.client_group = g.client_group and s.pw_client = k.pw_client and s.law = l.law
             and s.client_line = n.client_line
            where s.shares is null or abs(s.shares - 1) > {ROUNDING}""",
    ),
    Rule(
        "routing_known", "routing", "pc4", "critical",
        "the postcode or the client group does not exist", "de postcode of de cliëntgroep bestaat niet",
        """select distinct r.pc4, r.client_group from routing as r
           where r.pc4 not in (select pc4 from area)
              or r.client_group not in (select client_group from client_group)""",
    ),
    Rule(
        "routing_pc6", "routing", "pc6_from", "critical",
        "the PC6 range does not lie within the postcode, or ends before it begins",
        "het PC6-bereik ligt niet in de postcode, of eindigt voor het begin",
        """select distinct pc4, pc6_from, pc6_to, team_id from routing
           where (pc6_from is null) <> (pc6_to is null) or pc6_to < pc6_from
              or (pc6_from is not null and (substr(pc6_from, 1, 4) <> pc4 or substr(pc6_to, 1, 4) <> pc4
                                            or length(pc6_from) <> 6 or length(pc6_to) <> 6))""",
    ),
    Rule(
        "routing_unambiguous", "routing", "pc6_from", "critical",
        "two different PC6 ranges overlap", "twee verschillende PC6-bereiken overlappen",
        """with ranges as (select distinct pc4, client_group, pw_client, law, client_line, pc6_from, pc6_to from routing
                           where pc6_from is not null)
           select x.pc4, x.client_group, x.pw_client, x.law, x.client_line, x.pc6_from, x.pc6_to,
                  y.pc6_from as other_from, y.pc6_to as other_to
           from ranges as x join ranges as y using (pc4, client_group, pw_client, law, client_line)
           where (x.pc6_from, x.pc6_to) < (y.pc6_from, y.pc6_to)
             and x.pc6_from <= y.pc6_to and y.pc6_from <= x.pc6_to""",
    ),
    Rule(
        "routing_team_active", "routing", "team_id", "critical",
        "the team does not exist or is not active on the first day",
        "het team bestaat niet of is niet actief op de eerste dag",
        """select r.team_id, count(*) as on_rows, min(r.pc4) as pc4
           from routing as r left join team as t using (team_id)
           where t.team_id is null or not t.is_active group by r.team_id""",
    ),
    Rule(
        "routing_office", "routing", "office", "critical",
        "the office is not that of the team", "het kantoor is niet dat van het team",
        """select r.team_id, r.office, t.office as office_of_team, count(*) as on_rows, min(r.pc4) as pc4
           from routing as r join team as t using (team_id)
           where r.office is distinct from t.office group by 1, 2, 3""",
    ),
    Rule(
        "routing_kind", "routing", "team_id", "critical",
        "the client group or the law is routed to a team of the wrong kind",
        "de cliëntgroep of de wet gaat naar een team van de verkeerde soort",
        f"""select r.client_group, r.pw_client, r.law, r.team_id, t.kind, count(*) as on_rows, min(r.pc4) as pc4
            from routing as r join team as t using (team_id) join client_group as g using (client_group)
            where not case when not {_BY_POSTCODE}
                        then t.kind = 'bijzonder' and instr(t.client_groups, '|' || r.client_group || '|') > 0
                      when {_OF_PW} then t.kind = 'participatiewet' else t.kind = 'regulier' end
            group by 1, 2, 3, 4, 5""",
    ),
    Rule(
        "routing_no_zw_only", "routing", "team_id", "critical",
        "the team gets only ZW clients", "het team krijgt alleen ZW-cliënten",
        """select r.team_id, count(*) as on_rows, min(r.pc4) as pc4 from routing as r
           group by r.team_id having min(r.law) = 'ZW' and max(r.law) = 'ZW'""",
    ),
    Rule(
        "routing_served", "routing", "team_id", "critical",
        "the team does not serve this law or this client line",
        "het team bedient deze wet of deze cliëntlijn niet",
        """select r.team_id, r.law, r.client_line, t.laws, t.client_lines, count(*) as on_rows, min(r.pc4) as pc4
           from routing as r join team as t using (team_id)
           where t.kind = 'regulier' and (instr(t.laws, '|' || r.law || '|') = 0 or instr(t.client_lines, '|' ||
                   case r.law when 'ZW' then 'vangnet' else r.client_line end || '|') = 0)
           group by 1, 2, 3, 4, 5""",
    ),
    Rule(
        "routing_follows_allocation", "routing", "share", "critical",
        "the share is not that of the allocation", "het aandeel is niet dat van de verdeling",
        f"""with routed as (
              select r.pc4, r.client_group, r.pw_client, r.law, r.client_line, r.team_id, sum(r.share) as share
              from routing as r join client_group as g using (client_group) where {_BY_POSTCODE}
              group by 1, 2, 3, 4, 5, 6)
            select r.pc4, r.client_group, r.pw_client, r.law, r.client_line, r.team_id, r.share, a.share as allocated
            from routed as r left join allocation as a
              on a.pc4 = r.pc4 and a.team_id = r.team_id and a.law_domain = {_LAW_DOMAIN}
             and a.client_line in ('{vocabulary.ALL_LINES}', {_SERVING_LINE})
            where a.share is null or abs(a.share - r.share) > {ROUNDING}""",
    ),
)  # fmt: skip

_LINE_MATCHES = f"(k.client_line is null or k.client_line = a.client_line or a.client_line = '{vocabulary.ALL_LINES}')"
_SPLIT_HERE = f"""exists (select 1 from locks as k where k.kind = 'split' and k.area = a.pc4 and {_LINE_MATCHES}
                          and k.law_domain = a.law_domain and k.team_id = a.team_id)"""

ALLOCATION = (
    Rule(
        "allocation_total", "allocation", "share", "critical",
        "the shares of a postcode, law domain and line do not sum to 1",
        "de aandelen van een postcode, wetsdomein en lijn tellen niet op tot 1",
        f"""select p.pc4, d.law_domain, n.client_line,
                   round(coalesce(sum(a.share), 0), 6) as shares
            from area as p cross join (select 'zw_wia' as law_domain union all select 'pw') as d cross join line as n
            left join allocation as a on a.pc4 = p.pc4 and a.law_domain = d.law_domain
                                     and a.client_line in (n.client_line, '{vocabulary.ALL_LINES}')
            group by 1, 2, 3 having abs(coalesce(sum(a.share), 0) - 1) > {ROUNDING}""",
    ),
    Rule(
        "allocation_known", "allocation", "pc4", "critical",
        "the postcode does not exist", "de postcode bestaat niet",
        "select distinct pc4 from allocation where pc4 not in (select pc4 from area)",
    ),
    Rule(
        "one_region_per_postcode", "area", "arbeidsmarktregio_nr", "critical",
        "the postcode is not in exactly one arbeidsmarktregio",
        "de postcode ligt niet in precies één arbeidsmarktregio",
        """select pc4, count(*) as on_rows, count(distinct arbeidsmarktregio_nr) as regions from area
           group by pc4 having on_rows <> 1 or count(arbeidsmarktregio_nr) <> 1""",
    ),
    Rule(
        "one_team_unless_split", "allocation", "team_id", "critical",
        "the postcode has several teams without a split that says so",
        "de postcode heeft meer teams zonder splitsing die dat zegt",
        f"""select a.pc4, a.law_domain, a.client_line, count(*) as teams, group_concat(a.team_id, ' ') as team_ids
            from allocation as a group by 1, 2, 3
            having teams > 1 and sum(not {_SPLIT_HERE}) > 1""",
    ),
    Rule(
        "allocation_team_active", "allocation", "team_id", "critical",
        "the team does not exist, is not active on the first day, or is of the wrong kind",
        "het team bestaat niet, is niet actief op de eerste dag, of is van de verkeerde soort",
        """select a.team_id, a.law_domain, t.kind, t.is_active, count(*) as on_rows, min(a.pc4) as pc4
           from allocation as a left join team as t using (team_id)
           where t.team_id is null or not t.is_active
              or t.kind <> case a.law_domain when 'pw' then 'participatiewet' else 'regulier' end
           group by 1, 2, 3, 4""",
    ),
    Rule(
        "region_of_team", "allocation", "team_id", "critical",
        "the region of the postcode is not one of the team's, nor in a cluster with one",
        "de regio van de postcode is geen regio van het team, en zit er ook niet mee in een cluster",
        """select a.pc4, p.arbeidsmarktregio, a.team_id, a.law_domain from allocation as a join area as p using (pc4)
           where not exists (select 1 from team_region as r
                             where r.team_id = a.team_id and r.region = p.arbeidsmarktregio_nr)""",
    ),
    Rule(
        "contiguous", "layer_team", "pieces", "critical",
        "the team's area is empty or not contiguous, and the solver does not say so",
        "het gebied van het team is leeg of niet aaneengesloten, en de oplosser meldt dat niet",
        """select team_id, law_domain, client_line, pieces from layer_team where pieces <> 1 and not is_declared""",
    ),
    Rule(
        "contiguous_as_declared", "layer_team", "pieces", "warning",
        "the team's area is empty or not contiguous; the solver found no plan in which it is",
        "het gebied van het team is leeg of niet aaneengesloten; de oplosser vond geen verdeling waarin dat anders is",
        "select team_id, law_domain, client_line, pieces from layer_team where pieces <> 1 and is_declared",
    ),
    Rule(
        "reason_for_each", "allocation_reason", "rule", "critical",
        "an allocated postcode and line has no reason, or a reason stands for none",
        "een verdeelde postcode en lijn heeft geen reden, of een reden hoort nergens bij",
        """select pc4, client_line, law_domain, sum(of_allocation) as allocated, sum(of_reason) as reasons from (
             select distinct pc4, client_line, law_domain, 1 as of_allocation, 0 as of_reason from allocation
             union all select pc4, client_line, law_domain, 0, 1 from allocation_reason)
           group by 1, 2, 3 having allocated <> 1 or reasons <> 1""",
    ),
)  # fmt: skip

LOCKS = (
    Rule(
        "pins_honoured", "allocation", "team_id", "critical",
        "the postcode is pinned to a team and does not go there",
        "de postcode is vastgezet op een team en gaat daar niet heen",
        f"""select k.pc4, k.team_id as pinned_to, k.client_line as line_of_pin, a.client_line, a.team_id
            from locks as k left join allocation as a
              on a.pc4 = k.area and a.law_domain = k.law_domain and {_LINE_MATCHES} and not
                 exists (select 1 from locks as s where s.kind = 'split' and s.pc6_from is not null and s.area = a.pc4
                           and s.team_id = a.team_id and s.law_domain = a.law_domain)
            where k.kind = 'pin' and a.team_id is distinct from k.team_id
              and not exists (select 1 from locks as s where s.kind = 'split' and s.area = k.area
                                and s.law_domain = k.law_domain and s.pc6_from is not null
                                and s.team_id = k.team_id)""",
    ),
    Rule(
        "bars_honoured", "allocation", "team_id", "critical",
        "the postcode goes to a team that is barred from it",
        "de postcode gaat naar een team dat daar niet mag werken",
        f"""select a.pc4, a.team_id, a.client_line, a.law_domain from locks as k join allocation as a
              on a.pc4 = k.area and a.team_id = k.team_id and a.law_domain = k.law_domain and {_LINE_MATCHES}
            where k.kind = 'bar'""",
    ),
    Rule(
        "splits_honoured", "routing", "share", "critical",
        "the split of a postcode does not show in the shares",
        "de splitsing van een postcode is niet terug te zien in de aandelen",
        f"""with lines as (select k.*, n.client_line as line from locks as k join line as n
                           on k.client_line is null or k.client_line = n.client_line where k.kind = 'split'),
            ranges as (select pc4, pc6_from, law, client_line, sum(share) as whole from routing
                       where client_group = '{vocabulary.REGULAR_GROUP}' and pw_client = (law = 'PW')
                       group by 1, 2, 3, 4)
            select k.pc4, k.team_id, k.line, l.law, k.share as asked, round(r.share / w.whole, 6) as got
            from lines as k join law as l on k.law_domain = case l.law when 'PW' then 'pw' else 'zw_wia' end
                                         and (l.law <> 'ZW' or k.line = 'vangnet')
            left join routing as r on r.pc4 = k.area and r.pc6_from is not distinct from k.pc6_from and r.law = l.law
                 and r.client_line = k.line and r.client_group = '{vocabulary.REGULAR_GROUP}' and r.team_id = k.team_id
                 and r.pw_client = (r.law = 'PW')
            left join ranges as w on w.pc4 = k.area and w.pc6_from is not distinct from k.pc6_from and w.law = l.law
                 and w.client_line = k.line
            where r.share is null or abs(r.share / w.whole - k.share) > {ROUNDING}""",
    ),
)  # fmt: skip
