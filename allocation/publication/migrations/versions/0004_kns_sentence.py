"""The sentence for Klant & Service is certain where one team serves a range of full postcodes, or what is left, alone.

Before, a range shared by two teams sounded certain, and the rest of a postcode that one team serves did not.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KNS_POSTCODE = """
SELECT r.pc4, r.pc6_from, r.pc6_to, r.client_group, r.law, r.client_line, r.office, t.name AS team_name, r.share,
       CASE WHEN count(*) OVER (PARTITION BY r.version, r.pc4, r.client_group, r.law, r.client_line, r.pc6_from,
                                r.pc6_to) = 1
            THEN 'Een nieuwe aanvraag gaat naar ' || coalesce(t.name, r.team_id) || ', kantoor ' || r.office ||
                 '. Loopt er al een dossier, dan staat het team in dat dossier.'
            ELSE 'Deze postcode is verdeeld over meer teams, waaronder ' || coalesce(t.name, r.team_id) || ', kantoor '
                 || r.office || '. Kijk in het dossier welk team het is.' END AS message,
       r.version, r.valid_from, r.valid_to
FROM routing_current r LEFT JOIN team_rows t ON t.version = r.version AND t.team_id = r.team_id
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP VIEW kns_postcode")
        op.execute(f"CREATE VIEW kns_postcode AS {KNS_POSTCODE}")
    else:  # replaced in place: owner and rights stay
        op.execute(f"CREATE OR REPLACE VIEW kns_postcode WITH (security_barrier) AS {KNS_POSTCODE}")
