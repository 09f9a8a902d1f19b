"""How people log in: names and passwords in Airflow's own database.

For LDAP or OpenID Connect, mount a file of your own over this one (`docs/runbook.md` has an example): AUTH_TYPE, the
address of your directory, and AUTH_ROLES_MAPPING from its groups to the roles viewer, planner and engineer.
"""

from flask_appbuilder.const import AUTH_DB

AUTH_TYPE = AUTH_DB
WTF_CSRF_ENABLED = True
SESSION_COOKIE_SAMESITE = "Lax"
