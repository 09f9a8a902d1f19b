"""What is expected of whom the teams work with: the groups at Uitkeren (R27), and partners in care (R25).

Belongs here: these rules and the tables that they read. Nothing is computed with the code that made the outcome.
"""

from __future__ import annotations

import pandas as pd

from expectations.recount import ROUTED
from expectations.rules import ROUNDING, Rule

GROUP_TOLERANCE = 0.10
"""Part of its share by fte that a group's ZW work may differ before a person should look."""


def group_teams(verzuimbeheer: pd.DataFrame, teams: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """(group_code, team_id, fte, together): the groups of ``day`` with their teams, those of the input and, for a team
    that it does not name, its ``verzuimbeheer_code``. ``together``: the same number where groups share a team."""

    def of_day(table: pd.DataFrame) -> pd.DataFrame:
        return table[(table["valid_from"] <= day) & (table["valid_to"].isna() | (table["valid_to"] >= day))]

    active = of_day(teams)
    here, working = set(active["team_id"]), of_day(verzuimbeheer)
    rows = [
        (str(code), team, float(fte))
        for code, teams_of, fte in zip(working["group_code"], working["team_id"], working["fte"], strict=True)
        for team in str(teams_of).split("|")
        if team in here
    ]
    named, listed = {team for _, team, _ in rows}, set(verzuimbeheer["group_code"])
    codes = active["verzuimbeheer_code"] if "verzuimbeheer_code" in active else pd.Series(dtype=object)
    for team, code in zip(active["team_id"], codes.reindex(active.index), strict=True):
        if pd.notna(code) and team not in named and code not in listed:
            rows.append((str(code), str(team), 1.0))
    number = {group: at for at, group in enumerate(sorted({group for group, _, _ in rows}))}
    changed = True
    while changed:
        lowest: dict[str, int] = {}
        for group, team, _ in rows:
            lowest[team] = min(lowest.get(team, number[group]), number[group])
        changed = any(lowest[team] < number[group] for group, team, _ in rows)
        for group, team, _ in rows:
            number[group] = min(number[group], lowest[team])
    together = [(group, team, fte, number[group]) for group, team, fte in rows]
    return pd.DataFrame(together, columns=["group_code", "team_id", "fte", "together"])


def covered(areas: pd.DataFrame, care_regions: pd.DataFrame, coverage: pd.DataFrame) -> pd.DataFrame:
    """(pc4, kind, provider, part): who covers each postcode, of the boundaries and of the two inputs."""
    care = care_regions if len(care_regions) else areas
    found = []
    for table, column, kind in ((areas, "gemeente_name", "gemeente"), (care, "care_region", "care_region")):
        if column in table:
            rows = table[table[column].notna() & table["pc4"].isin(areas["pc4"])]
            found.append(rows[["pc4", column]].set_axis(["pc4", "provider"], axis=1).assign(kind=kind, part=1.0))
    if len(coverage):
        found.append(coverage[["pc4", "provider", "kind", "share"]].rename(columns={"share": "part"}))
    none = pd.DataFrame(columns=["pc4", "provider", "kind", "part"])
    return pd.concat(found, ignore_index=True) if found else none


RULES = (
    Rule(
        "network_recount", "team_network", "clients_per_year", "critical",
        "the clients or hours of a team at a partner are not those that are routed to it there",
        "de cliënten of uren van een team bij een partner zijn niet die daar naar dat team gaan",
        f"""with routed as ({ROUTED}),
            of_team as (select r.team_id, r.pc4, sum(r.clients * r.share) as clients, sum(r.hours * r.share) as hours
                        from routed as r join team as t using (team_id) where t.kind <> 'bijzonder' group by 1, 2),
            counted as (select o.team_id, c.kind, c.provider, sum(o.clients * c.part) as clients,
                               sum(o.hours * c.part) as hours
                        from of_team as o join covered as c using (pc4) group by 1, 2, 3),
            whole as (select team_id, sum(hours) as hours from of_team group by 1),
            amounts as (select team_id, kind, provider, clients_per_year as told, 0.0 as clients, team_share as share,
                            0.0 as hours from team_network
                     union all select team_id, kind, provider, 0.0, clients, 0.0, hours from counted)
            select b.team_id, b.kind, b.provider, round(sum(b.told), 6) as clients_per_year,
                   round(sum(b.clients), 6) as counted, round(sum(b.share), 6) as team_share
            from amounts as b left join whole as w using (team_id) group by 1, 2, 3, w.hours
            having abs(sum(b.told) - sum(b.clients)) > {ROUNDING} * (1 + sum(b.clients))
                or abs(sum(b.share) * w.hours - sum(b.hours)) > {ROUNDING} * (1 + w.hours)""",
    ),
    Rule(
        "network_shares", "team_network", "provider_share", "critical",
        "the shares of the teams at a partner do not follow from their clients, or the number of teams is another",
        "de aandelen van de teams bij een partner volgen niet uit hun cliënten, of het aantal teams is een ander",
        f"""select n.team_id, n.kind, n.provider, n.provider_share, n.teams_at_provider, s.teams
            from team_network as n join
              (select kind, provider, sum(clients_per_year) as clients, count(*) as teams from team_network
               group by 1, 2) as s using (kind, provider)
            where n.teams_at_provider <> s.teams
               or (s.clients > 0
                   and abs(n.provider_share * s.clients - n.clients_per_year) > {ROUNDING} * s.clients)""",
    ),
    Rule(
        "verzuimbeheer_follows_routing", "verzuimbeheer_routing", "share", "critical",
        "the teams or shares are not those of the routing for the ZW",
        "de teams of aandelen zijn niet die van de routering voor de ZW",
        f"""with amounts as (
              select pc4, pc6_from, pc6_to, client_group, pw_client, team_id, share from routing
              where law = 'ZW' and client_line = 'vangnet'
              union all select pc4, pc6_from, pc6_to, client_group, pw_client, team_id, -share
                        from verzuimbeheer_routing)
            select pc4, pc6_from, client_group, pw_client, team_id, round(sum(share), 6) as difference
            from amounts group by pc4, pc6_from, pc6_to, client_group, pw_client, team_id
            having abs(sum(share)) > {ROUNDING}""",
    ),
    Rule(
        "verzuimbeheer_whole", "verzuimbeheer_routing", "group_code", "critical",
        "a postcode of a team has several groups of medewerkers verzuimbeheer",
        "een postcode van een team heeft meer groepen medewerkers verzuimbeheer",
        """select pc4, team_id, count(distinct coalesce(group_code, '')) as groups from verzuimbeheer_routing
           group by 1, 2 having groups > 1""",
    ),
    Rule(
        "verzuimbeheer_works", "verzuimbeheer_routing", "group_code", "critical",
        "the group does not work with the team on the first day, or the team has groups and gets none",
        "de groep werkt op de eerste dag niet met het team, of het team heeft groepen en krijgt er geen",
        """select r.team_id, r.group_code, count(*) as on_rows, min(r.pc4) as pc4
           from verzuimbeheer_routing as r left join group_team as g using (team_id, group_code)
           where g.team_id is null and (r.group_code is not null or r.team_id in (select team_id from group_team))
           group by 1, 2""",
    ),
    Rule(
        "team_without_group", "verzuimbeheer_routing", "group_code", "warning",
        "a team gets ZW clients and no group of medewerkers verzuimbeheer works with it",
        "een team krijgt ZW-cliënten en geen groep medewerkers verzuimbeheer werkt ermee",
        """select t.name, r.team_id, count(distinct r.pc4) as postcodes
           from verzuimbeheer_routing as r left join team as t using (team_id)
           where r.group_code is null and exists (select 1 from group_team) group by 1, 2""",
    ),
    Rule(
        "group_balance", "verzuimbeheer_routing", "group_code", "warning",
        f"the ZW work of the group differs more than {GROUP_TOLERANCE:.0%} from its share by fte",
        f"het ZW-werk van de groep wijkt meer dan {GROUP_TOLERANCE:.0%} af van zijn aandeel naar fte",
        f"""with routed as ({ROUTED}),
            of_place as (select distinct pc4, team_id, group_code from verzuimbeheer_routing),
            member as (select distinct group_code, fte, together from group_team),
            worked as (select m.together, m.group_code, m.fte, coalesce(sum(x.hours * x.share), 0) as hours
                       from member as m left join of_place as p using (group_code)
                       left join routed as x on x.law = 'ZW' and x.pc4 = p.pc4 and x.team_id = p.team_id
                       group by 1, 2, 3),
            compared as (select w.*, sum(hours) over (partition by together)
                                     * fte / sum(fte) over (partition by together) as target,
                                count(*) over (partition by together) as groups from worked as w)
            select group_code, round(hours) as hours, round(target) as target,
                   round(100 * (hours / target - 1), 1) || '%' as deviation
            from compared where groups > 1 and target > 0 and abs(hours / target - 1) > {GROUP_TOLERANCE} + 1e-9
            order by abs(hours / target - 1) desc""",
    ),
)  # fmt: skip
