"""Rules of the second gate on what changes: files that move, and postcodes that go to another team.

Belongs here: those rules. Does not belong here: the tables they read (``outcome``), and how a rule is run (``engine``).
"""

from __future__ import annotations

from allocation.contract import vocabulary
from expectations.rules import ROUNDING, Rule

MOVED_SHARE = 0.25
"""Part of the clients who have a team that moves, in the country or a region, from which a person should look."""

TRANSITION = (
    Rule(
        "stock_followed", "transition", "clients", "critical",
        "the clients of a postcode, product, line, group and PW client do not sum to the stock",
        "de cliënten van een postcode, product, lijn, groep en PW-cliënt zijn samen niet de voorraad",
        """select pc4, product, client_line, client_group, pw_client, sum(in_stock) as in_stock,
                  sum(in_transition) as in_transition
           from (select pc4, product, client_line, client_group, pw_client, clients as in_stock, 0 as in_transition
                 from stock
                 union all select pc4, product, client_line, client_group, pw_client, 0, clients from transition)
           group by 1, 2, 3, 4, 5 having sum(in_stock) <> sum(in_transition)""",
    ),
    Rule(
        "movement", "transition", "movement", "critical",
        "the movement does not follow from the two teams", "de beweging volgt niet uit de twee teams",
        """select pc4, product, client_group, team_from, team_to, movement from transition
           where movement <> case when team_from is null then 'onbekend' when team_from = team_to then 'blijft'
                                  else 'verhuist' end""",
    ),
    Rule(
        "transition_team_active", "transition", "team_to", "critical",
        "the files go to a team that does not exist or is not active, or central work goes to a team",
        "de dossiers gaan naar een team dat niet bestaat of niet actief is, of centraal werk gaat naar een team",
        """select x.team_to, p.is_central, count(*) as on_rows, min(x.pc4) as pc4
           from transition as x left join products as p using (product) left join team as t on t.team_id = x.team_to
           where coalesce(p.is_central, 0) = coalesce(t.is_active, 0) group by 1, 2""",
    ),
    Rule(
        "continuity", "transition", "team_from", "critical",
        "clients move although their team may keep them and existing clients stay",
        "cliënten verhuizen terwijl hun team hen mag houden en bestaande cliënten blijven",
        """select x.pc4, x.product, x.client_line, x.client_group, x.pw_client, x.team_from, x.team_to, x.clients
            from transition as x join products as p using (product) join team as t on t.team_id = x.team_from
            join client_group as g using (client_group) join area as a using (pc4)
            where x.movement = 'verhuist' and t.is_active and t.has_hours and (select continuity from run) = 'stay'
              and case when g.is_special and (not x.pw_client or (select special_first from run))
                         then t.kind = 'bijzonder' and instr(t.client_groups, '|' || x.client_group || '|') > 0
                       else t.kind = case when x.pw_client then 'participatiewet' else 'regulier' end
                            and exists (select 1 from team_region as r
                                        where r.team_id = t.team_id and r.region = a.arbeidsmarktregio_nr) end
              and (t.kind = 'participatiewet' or instr(t.laws, '|' || p.law || '|') > 0)
              and (t.kind = 'participatiewet' or t.client_lines in ('|vangnet|werkgever|', '|werkgever|vangnet|')
                   or instr(t.client_lines,
                            '|' || case p.law when 'ZW' then 'vangnet' else x.client_line end || '|') > 0)
              and not exists (select 1 from locks as k where k.kind = 'bar' and k.area = x.pc4
                                and k.team_id = x.team_from)""",
    ),
    Rule(
        "moved_by_routing", "transition", "team_to", "critical",
        "clients move to a team that does not serve their postcode, group, law and line",
        "cliënten verhuizen naar een team dat hun postcode, groep, wet en lijn niet bedient",
        f"""select x.pc4, x.product, x.client_line, x.client_group, x.team_to, x.clients
            from transition as x join products as p using (product)
            where x.movement <> 'blijft' and not exists (
              select 1 from routing as r where r.pc4 = x.pc4 and r.client_group = x.client_group and r.law = p.law
                and r.pw_client = x.pw_client and r.team_id = x.team_to
                and x.client_line in (r.client_line, '{vocabulary.ALL_LINES}'))""",
    ),
    Rule(
        "many_moved", "transition", "movement", "warning",
        f"more than {MOVED_SHARE:.0%} of the clients who have a team move",
        f"meer dan {MOVED_SHARE:.0%} van de cliënten die een team hebben, verhuist",
        f"""select place, moved, clients, round(100.0 * moved / clients, 1) || '%' as part from (
              select 'Nederland' as place, sum(if(movement = 'verhuist', clients, 0)) as moved, sum(clients) as clients
              from transition where team_from is not null
              union all select p.arbeidsmarktregio, sum(if(x.movement = 'verhuist', x.clients, 0)), sum(x.clients)
              from transition as x join area as p using (pc4) where x.team_from is not null
              group by p.arbeidsmarktregio)
            where moved > {MOVED_SHARE} * clients""",
    ),
    Rule(
        "changes_balance", "allocation_changes", "share", "critical",
        "the changes do not lead from the division in force to the new one",
        "de wijzigingen leiden niet van de geldende verdeling naar de nieuwe",
        f"""with flow as (
              select pc4, law_domain, client_line, team_id as team, share from allocation
              union all select pc4, law_domain, client_line, team_id, -share from division_in_force
              union all select pc4, law_domain, client_line, team_to, -share from allocation_changes
              union all select pc4, law_domain, client_line, team_from, share from allocation_changes)
            select f.pc4, f.law_domain, n.client_line, f.team, round(sum(f.share), 6) as unexplained
            from flow as f join line as n on f.client_line in (n.client_line, '{vocabulary.ALL_LINES}')
            where f.team is not null group by 1, 2, 3, 4 having abs(sum(f.share)) > {ROUNDING}""",
    ),
    Rule(
        "current_is_in_force", "division_in_force", "team_id", "warning",
        "the file `current` is not the version in force, and all that changes or moves is counted from that file; "
        "without the file it is counted from the version in force",
        "het bestand current is niet de geldende versie, en alles wat wijzigt of verhuist is geteld vanaf dat bestand; "
        "zonder dat bestand wordt geteld vanaf de geldende versie",
        f"""with shares as (
              select pc4, law_domain, client_line, team_id, share from division_in_force
              union all select pc4, law_domain, client_line, team_id, -share from published_division)
            select b.pc4, b.law_domain, n.client_line from shares as b
              join line as n on b.client_line in (n.client_line, '{vocabulary.ALL_LINES}')
            where exists (select 1 from published_division)
            group by b.pc4, b.law_domain, n.client_line, b.team_id having abs(sum(b.share)) > {ROUNDING}""",
    ),
)  # fmt: skip
