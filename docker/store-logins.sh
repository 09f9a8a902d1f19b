#!/bin/bash
# The logins of the store, made when its volume is empty, or once by hand (docs/runbook.md, Upgrading). Who owns the
# database brings the schema up to date and hands out roles (service init); the others get theirs from it. The superuser
# of the image is used for nothing else.
set -euo pipefail
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv admin STORE_ADMIN_PASSWORD
\getenv pipeline STORE_PASSWORD
\getenv page STORE_PAGE_PASSWORD
CREATE ROLE administrator LOGIN CREATEROLE PASSWORD :'admin';
CREATE ROLE pipeline LOGIN PASSWORD :'pipeline';
CREATE ROLE page LOGIN PASSWORD :'page';
ALTER DATABASE caseload OWNER TO administrator;
-- a store that was made before these logins has its roles already: they become the administrator's to use and to give
SELECT format('GRANT %I TO administrator WITH ADMIN OPTION', rolname) FROM pg_roles
WHERE rolname IN ('caseload_owner', 'caseload_writer', 'caseload_planner', 'caseload_reader') \gexec
SQL
