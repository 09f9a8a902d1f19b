-- What no login of the store may do to its disk and memory, whoever he is: only a superuser can say so. Run when the
-- volume is empty, and again without harm on a store of before (docs/runbook.md, Upgrading; docs/store.md, Set up).
-- Large objects belong to no schema, so no right on one keeps anybody from making them, and nothing removes them.
REVOKE EXECUTE ON FUNCTION pg_catalog.lo_create(oid), pg_catalog.lo_creat(integer), pg_catalog.lo_from_bytea(oid, bytea),
    pg_catalog.lo_put(oid, bigint, bytea), pg_catalog.lowrite(integer, bytea) FROM PUBLIC;
-- Advisory locks lie in memory that all sessions share: some thousands of one reader leave nobody a lock. The program
-- takes one only to make a store, or to bring one of its first versions along: that is who owns the database or store.
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^pg_(try_)?advisory_(xact_)?lock' \gexec
SELECT format('GRANT EXECUTE ON FUNCTION pg_catalog.pg_advisory_xact_lock(bigint) TO %I', rolname) FROM pg_roles
WHERE rolname = 'caseload_owner' OR oid = (SELECT datdba FROM pg_database WHERE datname = current_database()) \gexec
-- What writes into the log of the server, or into the queue of its notices, without writing into a table. The program uses
-- neither. The command NOTIFY stays, for no right keeps anybody from it: who fills that queue (8 GB) is found in
-- pg_stat_activity by his open transaction.
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace
  AND proname IN ('pg_logical_emit_message', 'pg_notify', 'pg_export_snapshot') \gexec
-- Tables for a while, and what a sort or join puts on disk (per process): readers need none, the owner keeps his.
SELECT format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('ALTER DATABASE %I SET temp_file_limit = ''1GB''', current_database()) \gexec
-- The other databases that come with a server have none of these limits, and nobody has business there.
SELECT format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', datname) FROM pg_database
WHERE datname IN ('postgres', 'template1', 'template_postgis') AND datname <> current_database() \gexec
