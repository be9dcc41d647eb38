-- Statements about the server, the ledger as a whole, its shards and leases. One line of purpose over each.

-- name: server
-- What a server is: whether it can be written, how safe its commits are, and whose ledger it holds.
SELECT pg_is_in_recovery() AS standby, current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
       current_setting('full_page_writes') AS full_page_writes, current_setting('server_version_num')::int AS version,
       to_regclass('ledger') IS NOT NULL AS made,
       extract(epoch FROM clock_timestamp())::float8 AS clock;

-- name: is_copy_fresh
-- Whether a server has what the ledger's has, but for the last moments: a standby that hears from its primary, and has
-- replayed what it heard, or did so less than $1 seconds ago; or the primary itself, and not a standby that was promoted
-- to something else.
SELECT CASE WHEN pg_is_in_recovery() THEN EXISTS (SELECT FROM pg_stat_wal_receiver)
                 AND coalesce(pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
                              OR clock_timestamp() - pg_last_xact_replay_timestamp() < make_interval(secs => $1), false)
            ELSE l.timeline = ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
                 AND l.home = 'ledger'::regclass::oid AND l.system_identifier = (SELECT system_identifier FROM pg_control_system())
       END FROM ledger l;

-- name: look_after_client!
-- Have the server look whether the caller is still there, while it works on a statement.
SELECT set_config('client_connection_check_interval', $1, false);

-- name: pin_settings!
-- Set a session's settings, whatever the role, the database or the server's file says. Who waits for standbys, or for less than
-- the log, was told to by somebody, and goes on.
SELECT set_config(s.name, u.value, false) FROM unnest($1::text[], $2::text[]) AS u(name, value) JOIN pg_settings s USING (name)
WHERE s.name <> 'synchronous_commit' OR s.setting IN ('on', 'off');

-- name: pin_schema!
-- Names of tables are the ledger's, whatever is made in a schema that comes before its own.
SELECT set_config('search_path', relnamespace::regnamespace::text, false) FROM pg_class WHERE oid = to_regclass('ledger');

-- name: settings_that_are
-- Which of these settings are so.
SELECT s.name, s.setting FROM unnest($1::text[], $2::text[]) AS u(name, setting) JOIN pg_settings s USING (name, setting)
ORDER BY s.name;

-- name: backend
-- The server's process that answers on this connection.
SELECT pg_backend_pid();

-- name: missing_rights
-- Which of these rights on tables, and of these sequences, the present role has not.
SELECT r.right_to || ' on ' || r.name FROM unnest($1::text[], $2::text[]) AS r (right_to, name)
WHERE r.right_to <> 'SELECT' AND to_regclass(r.name) IS NOT NULL AND NOT has_table_privilege(r.name, r.right_to)
UNION ALL
SELECT 'SELECT on ' || c.relname FROM pg_class c
WHERE c.relname = ANY($2) AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'ledger'::regclass)
  AND NOT has_table_privilege(c.oid, 'SELECT')
UNION ALL
SELECT 'USAGE on ' || name FROM unnest($3::text[]) AS name
WHERE to_regclass(name) IS NOT NULL AND NOT has_sequence_privilege(name, 'USAGE');

-- name: unlogged
-- Which of these tables, or of their parts, a crash of the server would empty.
SELECT relname FROM pg_class
WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'ledger'::regclass) AND relkind = 'r' AND relpersistence = 'u'
  AND regexp_replace(relname, '(_[0-9]+)+$', '') = ANY($1::text[]) ORDER BY relname;

-- name: timeline
-- Where the ledger is: the server's own name; the timeline of the log being written (pg_control_checkpoint() gives the old
-- one for a while after a promotion); the table, which is another one where a dump was loaded.
SELECT system_identifier, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline,
       'ledger'::regclass::oid AS home
FROM pg_control_system();

-- name: read_ledger
-- Who this ledger is.
SELECT identity, epoch, secret, numbered_names, system_identifier, timeline, home FROM ledger;

-- name: lock_ledger
-- Keep others from publishing and from beginning an epoch.
SELECT epoch FROM ledger FOR UPDATE;

-- name: end_sleepers
-- End transactions of processes that had a statement prepared and then sent nothing to run it with: the server takes them
-- for busy, waits for ever, and leaves them what they have locked. No process that is well takes three seconds for that.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pg_has_role(usesysid, 'USAGE') AND application_name = 'laurels' AND pid <> pg_backend_pid()
  AND state = 'active' AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - interval '3 seconds';

-- name: missing_ranges
-- The ranges of entries that begin less than half a range behind where these shards end, and are not there yet.
SELECT s, n FROM unnest($1::smallint[]) AS s
CROSS JOIN LATERAL (SELECT position FROM entry WHERE shard = s ORDER BY position DESC LIMIT 1) e
CROSS JOIN LATERAL (SELECT (e.position + 50000000) / 100000000 AS n) r
WHERE to_regclass(format('entry_%s_%s', s, n)) IS NULL;

-- name: advised_settings
-- What decides how much of the server's log is pages written whole.
SELECT current_setting('checkpoint_timeout') AS checkpoint_timeout, current_setting('max_wal_size') AS max_wal_size,
       current_setting('wal_compression') AS wal_compression, current_setting('autovacuum') AS autovacuum,
       (SELECT setting::int FROM pg_settings WHERE name = 'checkpoint_timeout') AS checkpoint_timeout_s,
       (SELECT setting::int FROM pg_settings WHERE name = 'max_wal_size') AS max_wal_size_mb;

-- name: free_connections
-- How many more connections the server gives to anybody, to this database, or to the present role: whatever is least.
SELECT greatest(0, least(
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL),
    (SELECT CASE WHEN datconnlimit >= 0 THEN datconnlimit - (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid) END
     FROM pg_database d WHERE datname = current_database()),
    (SELECT CASE WHEN rolconnlimit >= 0 THEN rolconnlimit - (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid) END
     FROM pg_roles r WHERE rolname = session_user)))::int;

-- name: add_range
-- Make a range of a shard.
SELECT add_entry_range($1, $2);

-- name: ends
-- Where the feeds of locked shards end, the fence of whoever took each last, and the newest published program.
SELECT s, coalesce(e.position, 0), coalesce(e.hash, ''), coalesce(e.recorded_at, 0), l.fence,
       (SELECT coalesce(max(version), 0) FROM program)
FROM unnest($1::smallint[]) AS s JOIN lease l ON l.shard = s
LEFT JOIN LATERAL (SELECT position, hash, recorded_at FROM entry WHERE shard = s ORDER BY position DESC LIMIT 1) e ON true;

-- name: heads
-- Where every shard's feed ends.
SELECT s AS shard, coalesce(e.position, 0) AS position, coalesce(e.hash, '') AS hash FROM generate_series(0, 15) AS s
LEFT JOIN LATERAL (SELECT position, hash FROM entry WHERE shard = s ORDER BY position DESC LIMIT 1) e ON true;

-- name: epochs
-- Where each epoch after the first began.
SELECT epoch, shard, position, hash FROM epoch ORDER BY epoch, shard;

-- name: begin_epoch!
-- Another epoch begins where the feed ends now: a number above all earlier ones, by the clock, so that two copies of one
-- ledger begin two epochs.
WITH l AS (UPDATE ledger SET epoch = greatest(epoch + 1, $5), system_identifier = $2, timeline = $3, home = $4 RETURNING epoch)
INSERT INTO epoch (epoch, shard, position, hash, began_at)
SELECT l.epoch, s, coalesce(e.position, 0), coalesce(e.hash, ''), $1 FROM l, generate_series(0, 15) AS s
LEFT JOIN LATERAL (SELECT position, hash FROM entry WHERE shard = s ORDER BY position DESC LIMIT 1) e ON true;

-- name: note_awarder!
-- A process awards.
INSERT INTO awarder (owner, until) VALUES ($1, now() + $2::interval) ON CONFLICT (owner) DO UPDATE SET until = excluded.until;

-- name: forget_lapsed_awarders!
-- Those that have not said so for a while; one that is just saying so is not waited for, since it may forget us.
DELETE FROM awarder WHERE owner IN (SELECT owner FROM awarder WHERE until < now() AND owner <> $1 FOR UPDATE SKIP LOCKED);

-- name: awarders
-- The processes that award, and how many shards one of them has and could have, by the server's clock.
SELECT (SELECT array_agg(owner ORDER BY owner) FROM awarder WHERE until > now()),
       (SELECT count(*) FROM lease WHERE owner = $1), (SELECT count(*) FROM lease WHERE owner <> $1 AND until < now());

-- name: forget_awarder!
-- One that ends.
DELETE FROM awarder WHERE owner = $1;

-- name: take_leases
-- Renew what is one's own and take what nobody holds, so many in all. Fences go up with each change of owner.
UPDATE lease SET owner = $1, fence = fence + (owner <> $1)::int, until = now() + $2::interval
WHERE shard IN (SELECT shard FROM lease WHERE owner = $1 OR until < now() ORDER BY owner = $1 DESC, shard LIMIT $3
                FOR UPDATE SKIP LOCKED)
RETURNING shard, fence;

-- name: release_leases!
-- Let go of one's own shards but these. What another is just taking is not waited for: it may let go of ours.
UPDATE lease SET owner = '', until = '-infinity'
WHERE shard IN (SELECT shard FROM lease WHERE owner = $1 AND shard <> ALL($2::smallint[]) FOR UPDATE SKIP LOCKED);

-- name: missing_shards
-- Shards without the row that their writers lock, or the one that says whose turn it is.
SELECT n::smallint FROM generate_series(0, 15) n
WHERE NOT EXISTS (SELECT FROM shard WHERE shard = n) OR NOT EXISTS (SELECT FROM lease WHERE shard = n);

-- name: unguarded
-- Tables without the triggers that keep what never changes.
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'ledger'::regclass) AND c.relkind IN ('r', 'p')
  AND (c.relname ~ '^(entry|document|member|program|program_event|intent|audit)(_[0-9]|$)' AND NOT EXISTS (
         SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'O' AND t.tgname = 'never_truncated')
    OR c.relname ~ '^(entry|document|program|program_event|audit)(_[0-9]|$)' AND NOT EXISTS (
         SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'O' AND t.tgname = 'never_changes')
    OR c.relname ~ '^(document|member|intent|program_event|audit)(_[0-9]|$)' AND NOT EXISTS (
         SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'O' AND t.tgname = 'never_deleted'))
ORDER BY c.relname;

-- name: end
-- The same of one shard, which costs the server half as much.
SELECT $1::smallint, coalesce(e.position, 0), coalesce(e.hash, ''), coalesce(e.recorded_at, 0), l.fence,
       (SELECT coalesce(max(version), 0) FROM program)
FROM lease l LEFT JOIN (SELECT position, hash, recorded_at FROM entry WHERE shard = $1 ORDER BY position DESC LIMIT 1) e ON true
WHERE l.shard = $1;

-- name: lock_free_shards
-- Of these shards, those whose feeds nobody else has locked: they are this transaction's now, and none is waited for.
SELECT shard FROM shard WHERE shard = ANY($1::smallint[]) ORDER BY shard FOR UPDATE SKIP LOCKED;

-- name: next_sequences
-- Numbers for so many documents, a row each.
SELECT nextval('document_sequence') FROM generate_series(1, $1::int);

-- name: next_numbers
-- Numbers for so many members and so many documents.
SELECT (SELECT array_agg(nextval('member_number')::int) FROM generate_series(1, $1::int)),
       (SELECT array_agg(nextval('document_sequence')) FROM generate_series(1, $2::int));

-- name: last_recorded
-- When the last entry was recorded.
SELECT coalesce(max(e.recorded_at), 0) FROM generate_series(0, 15) AS s
LEFT JOIN LATERAL (SELECT recorded_at FROM entry WHERE shard = s ORDER BY position DESC LIMIT 1) e ON true;

-- name: read_names_key
-- What tells the key of the proxy names from another one; empty until one is shown.
SELECT names_key FROM ledger;

-- name: write_names_key!
-- Members are named under this key from now on.
UPDATE ledger SET names_key = $1, names_since = CASE WHEN EXISTS (SELECT FROM member) THEN $2::bigint ELSE 0 END;

-- name: numbered_names
-- Below which name numbers were given in order, by version 0.1, and since when they follow from the present key.
SELECT numbered_names, names_since FROM ledger;

-- name: has_members
-- Whether anybody is in it.
SELECT EXISTS (SELECT FROM member);

-- name: schema_version
-- The schema that a ledger has.
SELECT schema_version FROM ledger;

-- name: take_follower_lease
-- Take or renew the lease of a target; nothing where another owner has it.
INSERT INTO follower_lease (target, owner, until) VALUES ($1, $2, now() + $3::interval)
ON CONFLICT (target) DO UPDATE SET owner = $2, until = excluded.until
WHERE follower_lease.owner = $2 OR follower_lease.until <= now() RETURNING owner;

-- name: follower_owner
-- Who sends to a target, kept from changing.
SELECT owner FROM follower_lease WHERE target = $1 FOR UPDATE;

-- name: release_follower!
-- End a lease.
DELETE FROM follower_lease WHERE target = $1 AND owner = $2;

-- name: follower_marks
-- How far a target got in each shard.
SELECT shard, position, hash FROM follower WHERE target = $1;

-- name: write_followers!
-- Note how far a target got.
INSERT INTO follower (target, shard, position, hash) SELECT $1, * FROM unnest($2::smallint[], $3::bigint[], $4::bytea[])
ON CONFLICT (target, shard) DO UPDATE SET position = excluded.position, hash = excluded.hash;
