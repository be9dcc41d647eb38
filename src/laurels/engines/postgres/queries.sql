-- Every statement of the ledger on PostgreSQL, by name. One line of purpose over each.

-- name: server
-- What a server is: whether it can be written, how safe its commits are, and whose ledger it holds.
SELECT pg_is_in_recovery() AS standby, current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
       current_setting('full_page_writes') AS full_page_writes, current_setting('server_version_num')::int AS version,
       to_regclass('ledger') IS NOT NULL AS made,
       extract(epoch FROM clock_timestamp())::float8 AS clock;

-- name: schema_version
-- The schema that a ledger has.
SELECT schema_version FROM ledger;

-- name: timeline
-- The server's own name and the timeline of the log being written: pg_control_checkpoint() gives the old one for a
-- while after a promotion.
SELECT system_identifier, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline
FROM pg_control_system();

-- name: read_ledger
-- Who this ledger is.
SELECT identity, epoch, secret, system_identifier, timeline FROM ledger;

-- name: lock_ledger
-- Keep others from publishing and from beginning an epoch.
SELECT epoch FROM ledger FOR UPDATE;

-- name: lock_shards
-- All who write a shard's entries come through here. What is read after it is as the one before left it.
SELECT shard FROM shard WHERE shard = ANY($1::smallint[]) ORDER BY shard FOR UPDATE;

-- name: ends
-- Where the feeds of locked shards end.
SELECT s, coalesce(e.position, 0), coalesce(e.hash, ''), coalesce(e.recorded_at, 0) FROM unnest($1::smallint[]) AS s
LEFT JOIN LATERAL (SELECT position, hash, recorded_at FROM entry WHERE shard = s ORDER BY position DESC LIMIT 1) e ON true;

-- name: heads
-- Where every shard's feed ends.
SELECT s AS shard, coalesce(e.position, 0) AS position, coalesce(e.hash, '') AS hash FROM generate_series(0, 15) AS s
LEFT JOIN LATERAL (SELECT position, hash FROM entry WHERE shard = s ORDER BY position DESC LIMIT 1) e ON true;

-- name: epochs
-- Where each epoch after the first began.
SELECT epoch, shard, position, hash FROM epoch ORDER BY epoch, shard;

-- name: begin_epoch!
-- Another epoch begins where the feed ends now.
WITH l AS (UPDATE ledger SET epoch = epoch + 1, system_identifier = $2, timeline = $3 RETURNING epoch)
INSERT INTO epoch (epoch, shard, position, hash, began_at)
SELECT l.epoch, s, coalesce(e.position, 0), coalesce(e.hash, ''), $1 FROM l, generate_series(0, 15) AS s
LEFT JOIN LATERAL (SELECT position, hash FROM entry WHERE shard = s ORDER BY position DESC LIMIT 1) e ON true;

-- name: announce
-- Say that one would award, and count the others who would, by the server's clock.
WITH w AS (INSERT INTO worker (owner, until) VALUES ($1, now() + $2::interval)
           ON CONFLICT (owner) DO UPDATE SET until = excluded.until)
SELECT count(*) FROM worker WHERE owner <> $1 AND until > now();

-- name: forget_workers!
-- Forget those who have not been heard of for long, and oneself.
DELETE FROM worker WHERE owner = $1 OR until < now() - interval '1 minute';

-- name: take_leases
-- Renew what is one's own and take what nobody holds, so many in all. Fences go up with each change of owner.
UPDATE lease SET owner = $1, fence = fence + (owner <> $1)::int, until = now() + $2::interval
WHERE shard IN (SELECT shard FROM lease WHERE owner = $1 OR until < now() ORDER BY owner = $1 DESC, shard LIMIT $3
                FOR UPDATE SKIP LOCKED)
RETURNING shard, fence;

-- name: release_leases!
-- Let go of one's own shards but these.
UPDATE lease SET owner = '', until = '-infinity' WHERE owner = $1 AND shard <> ALL($2::smallint[]);

-- name: fence
-- The fence of whoever took the shard last.
SELECT fence FROM lease WHERE shard = $1;

-- name: members_by_id
-- Members by the shop's ids, whatever they became.
SELECT m.shard, m.member_id, m.number, m.secret, m.merged_into, m.merged_shard, n.secret
FROM unnest($1::smallint[], $2::text[]) AS u(shard, member_id) JOIN member m USING (shard, member_id)
LEFT JOIN member n ON n.shard = m.merged_shard AND n.number = m.merged_into;

-- name: accept
-- Keys, members, addresses and inbox in one statement: one round trip and one commit for all who came meanwhile. Keys and
-- members go in sorted, so that two hosts which bring the same ones never wait for each other in a circle. A document whose
-- member is not as the caller knew it stays out. A member whom another host enrolled meanwhile ends the statement.
WITH n AS MATERIALIZED (
  SELECT ordinality AS i, nextval('member_number')::int AS number, nextval('name_number')::int AS name_number, shard, member_id, secret, stranger
  FROM unnest($2::smallint[], $3::text[], $4::bytea[], $5::bytea[]) WITH ORDINALITY AS u(shard, member_id, secret, stranger)
), u AS MATERIALIZED (  -- numbered before anything is joined to it: a join gives rows in any order
  SELECT nextval('document_sequence') AS sequence, u.*
  FROM unnest($6::int[], $7::smallint[], $8::"char"[], $9::bytea[], $10::smallint[], $11::text[], $12::text[], $13::int[], $14::text[],
              $15::text[], $16::text[], $17::text[], $18::bytea[], $19::text[], $20::bytea[], $21::bytea[])
       AS u(new, home, kind, fingerprint, shard, source, id, number, member_id, order_source, order_id, actor, stranger, email, content, raw)
), t AS MATERIALIZED (
  SELECT coalesce(n.number, u.number) AS member, u.* FROM u LEFT JOIN n ON n.i = u.new
), d AS (
  INSERT INTO document (home, kind, shard, member_shard, member, sequence, accepted_at, fingerprint, source, id)
  SELECT home, kind, shard, shard, member, sequence, $1, fingerprint, source, id FROM t
  WHERE number IS NULL OR member_id IS NULL OR EXISTS (
    SELECT FROM member m WHERE m.shard = t.shard AND m.number = t.number AND m.member_id = t.member_id AND m.merged_into IS NULL)
  ORDER BY home, source, kind, id
  ON CONFLICT (home, source, kind, id) DO NOTHING RETURNING sequence
), k AS MATERIALIZED (
  SELECT t.* FROM t JOIN d USING (sequence)
), m AS (
  INSERT INTO member (shard, number, member_id, name_number, enrolled_at, secret)
  SELECT shard, number, member_id, name_number, $1, secret FROM n WHERE i IN (SELECT new FROM k) ORDER BY shard, member_id
), x AS MATERIALIZED (
  SELECT n.number, n.secret, n.shard, y.* FROM n, LATERAL (
    SELECT sequence, kind, source, id FROM inbox WHERE inbox.shard = n.shard AND inbox.stranger = n.stranger
    UNION ALL SELECT sequence, kind, source, id FROM aside WHERE aside.stranger = n.stranger) y
  WHERE n.i IN (SELECT new FROM k)
), s AS (
  UPDATE document SET member = x.number, member_shard = x.shard, fingerprint = substr(sha256(x.secret || document.fingerprint), 1, 16) FROM x
  WHERE document.home = get_byte(sha256(convert_to(x.kind::text || '/' || x.source || '/' || x.id, 'UTF8')), 0) % 16 AND document.source = x.source AND document.kind = x.kind
    AND document.id = x.id AND document.member IS NULL
), si AS (
  UPDATE inbox SET member = x.number, stranger = NULL FROM x WHERE inbox.shard = x.shard AND inbox.sequence = x.sequence
), sa AS (
  UPDATE aside SET member = x.number, stranger = NULL FROM x WHERE aside.sequence = x.sequence
), c AS (
  INSERT INTO contact (member, email)
  SELECT DISTINCT ON (member) member, email FROM k WHERE email IS NOT NULL AND member IS NOT NULL ORDER BY member, sequence
  ON CONFLICT (member) DO NOTHING RETURNING member
), w AS (
  UPDATE message SET state = 'due', due_at = $1 FROM c WHERE message.member = c.member AND message.state = 'held'
)
INSERT INTO inbox (shard, sequence, accepted_at, ready_at, member, kind, source, id, order_source, order_id, actor, stranger, content, raw)
SELECT shard, sequence, $1, $1, member, kind, source, id, order_source, order_id, actor, stranger, content, raw FROM k
RETURNING source, kind, id;

-- name: place_strangers!
-- What came for an id before it was anybody's is this member's: again after the commit of who enrolled it and of who
-- handed it in, since neither may have seen the other.
WITH x AS MATERIALIZED (
  SELECT m.number, m.secret, m.shard, y.* FROM unnest($1::smallint[], $2::text[], $3::bytea[]) AS u(shard, member_id, stranger)
  JOIN member m USING (shard, member_id), LATERAL (
    SELECT sequence, kind, source, id FROM inbox WHERE inbox.shard = u.shard AND inbox.stranger = u.stranger
    UNION ALL SELECT sequence, kind, source, id FROM aside WHERE aside.stranger = u.stranger) y
), s AS (
  UPDATE document SET member = x.number, member_shard = x.shard, fingerprint = substr(sha256(x.secret || document.fingerprint), 1, 16) FROM x
  WHERE document.home = get_byte(sha256(convert_to(x.kind::text || '/' || x.source || '/' || x.id, 'UTF8')), 0) % 16 AND document.source = x.source AND document.kind = x.kind
    AND document.id = x.id AND document.member IS NULL
), sa AS (
  UPDATE aside SET member = x.number, stranger = NULL FROM x WHERE aside.sequence = x.sequence
)
UPDATE inbox SET member = x.number, stranger = NULL FROM x WHERE inbox.shard = x.shard AND inbox.sequence = x.sequence;

-- name: known
-- Documents that were taken before: the first answer, or what a conflict is told by. `said` is who a stranger's is of.
SELECT d.source, d.kind, d.id, d.fingerprint, d.member, m.secret, coalesce(i.state, a.state) AS state, w.position, d.shard, d.sequence,
       m.number IS NOT NULL AND m.member_id IS NULL AS erased, coalesce(m.merged_into, d.member) AS owner,
       coalesce(m.merged_shard, d.shard) AS owner_shard, coalesce(i.stranger, a.stranger) AS stranger
FROM unnest($1::smallint[], $2::text[], $3::"char"[], $4::text[]) AS u(home, source, kind, id)
JOIN document d USING (home, source, kind, id)
LEFT JOIN member m ON m.shard = d.member_shard AND m.number = d.member
LEFT JOIN LATERAL (SELECT 'r'::"char" AS state, stranger FROM inbox WHERE inbox.shard = d.shard AND inbox.sequence = d.sequence) i ON true
LEFT JOIN aside a ON a.sequence = d.sequence
LEFT JOIN award w ON w.shard = d.shard AND w.sequence = d.sequence;

-- name: document_state
-- How far a document got; only where it is this member's, if one is named: of that number, or of that stranger.
SELECT coalesce(i.state, a.state) AS state, d.shard, w.position, d.accepted_at, m.member_id, coalesce(a.reason, '') AS reason,
       coalesce(i.content, a.content, c.content) AS content, coalesce(i.actor, a.actor, e.actor) AS actor
FROM document d
LEFT JOIN member m ON m.shard = d.member_shard AND m.number = d.member
LEFT JOIN LATERAL (SELECT 'r'::"char" AS state, stranger, content, actor FROM inbox WHERE inbox.shard = d.shard AND inbox.sequence = d.sequence) i ON true
LEFT JOIN aside a ON a.sequence = d.sequence
LEFT JOIN award w ON w.shard = d.shard AND w.sequence = d.sequence
LEFT JOIN entry e ON e.shard = d.shard AND e.position = w.position
LEFT JOIN content c ON c.shard = d.shard AND c.position = w.position
WHERE d.home = $1 AND d.source = $2 AND d.kind = $3::"char" AND d.id = $4
  AND ($5::text IS NULL OR (SELECT coalesce(o.merged_into, o.number) FROM member o WHERE o.shard = $6 AND o.member_id = $5)
       = coalesce(m.merged_into, m.number) OR coalesce(i.stranger, a.stranger) = $7::bytea);

-- name: claim
-- Documents to award, in order of acceptance, each with where its member is now. $3 is a floor that the worker remembers,
-- so that nobody's old snapshot makes this slow.
SELECT i.sequence, i.kind, i.source, i.id, coalesce(m.merged_into, i.member) AS member, i.order_source, i.order_id, i.accepted_at,
       i.content, i.actor, coalesce(m.merged_shard, i.shard) AS shard
FROM (SELECT * FROM inbox WHERE shard = $1 AND sequence > $3 ORDER BY sequence LIMIT $2) i
LEFT JOIN member m ON m.shard = $1 AND m.number = i.member ORDER BY i.sequence;

-- name: claim_overdue
-- Documents that have waited for their order since before an instant.
SELECT i.sequence, i.kind, i.source, i.id, coalesce(m.merged_into, i.member) AS member, i.order_source, i.order_id, i.accepted_at,
       i.content, i.actor, coalesce(m.merged_shard, i.shard) AS shard
FROM (SELECT * FROM aside WHERE state = 'w' AND shard = $1 AND changed_at < $2 ORDER BY changed_at LIMIT $3) i
LEFT JOIN member m ON m.shard = $1 AND m.number = i.member ORDER BY i.changed_at, i.sequence;

-- name: claim_waiting
-- Documents of this shard that wait for these orders, in order of acceptance.
SELECT i.sequence, i.kind, i.source, i.id, coalesce(m.merged_into, i.member) AS member, i.order_source, i.order_id, i.accepted_at,
       i.content, i.actor, coalesce(m.merged_shard, i.shard) AS shard
FROM unnest($2::text[], $3::text[]) AS u(order_source, order_id)
JOIN aside i ON i.state = 'w' AND i.order_source = u.order_source AND i.order_id = u.order_id
LEFT JOIN member m ON m.shard = i.shard AND m.number = i.member
WHERE i.shard = $1 ORDER BY i.sequence;

-- name: move_inbox!
-- Documents go over to the member that theirs became, and to its shard.
WITH t AS (SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::int[]) AS u(sequence, shard, member)),
i AS (UPDATE inbox SET shard = t.shard, member = t.member FROM t WHERE inbox.shard = $4 AND inbox.sequence = t.sequence
      RETURNING source, kind, id, t.shard),
a AS (UPDATE aside SET shard = t.shard, member = t.member FROM t WHERE aside.sequence = t.sequence RETURNING source, kind, id, t.shard)
UPDATE document SET shard = x.shard FROM (SELECT * FROM i UNION ALL SELECT * FROM a) x
WHERE document.home = get_byte(sha256(convert_to(x.kind::text || '/' || x.source || '/' || x.id, 'UTF8')), 0) % 16
  AND document.source = x.source AND document.kind = x.kind AND document.id = x.id;

-- name: orders
-- Orders that others name: whose they are, and what they earned, where they did.
SELECT d.source, d.id, coalesce(m.merged_into, d.member) AS member, d.shard, d.sequence, a.program_version, a.currency, a.amount,
       a.left_amount, a.points, a.reversed, a.board_at, a.frame, a.refunded
FROM unnest($1::smallint[], $2::text[], $3::text[]) AS u(home, source, id)
JOIN document d ON d.home = u.home AND d.source = u.source AND d.kind = 'o' AND d.id = u.id
LEFT JOIN member m ON m.shard = d.member_shard AND m.number = d.member
LEFT JOIN award a ON a.shard = d.shard AND a.sequence = d.sequence;

-- name: redemptions
-- Redemptions, and what of them came back.
SELECT d.source, d.id, coalesce(m.merged_into, e.member) AS member, -e.points AS points, a.reversed AS restored, d.shard, d.sequence
FROM unnest($1::smallint[], $2::text[], $3::text[]) AS u(home, source, id)
JOIN document d ON d.home = u.home AND d.source = u.source AND d.kind = 'e' AND d.id = u.id
JOIN award a ON a.shard = d.shard AND a.sequence = d.sequence
JOIN entry e ON e.shard = a.shard AND e.position = a.position
JOIN member m ON m.shard = e.shard AND m.number = e.member;

-- name: members
-- Members of a shard with their totals, and whether their enrolment is in the feed.
SELECT m.number, m.name_number, m.position, b.balance, b.earned, b.score, b.month, b.month_score, b.before_score, b.last_position,
       b.state, m.member_id IS NULL AS erased
FROM member m LEFT JOIN balance b ON b.shard = m.shard AND b.member = m.number
WHERE m.shard = $1 AND m.number = ANY($2::int[]);

-- name: newest_program
-- The newest published version.
SELECT coalesce(max(version), 0) FROM program;

-- name: insert_entries!
-- Append to a shard's feed.
INSERT INTO entry (shard, format, position, previous, kind, member, points, currency, amount, source, order_id, refund_id,
                   program_version, name_number, actor, occurred_at, board_at, recorded_at, hash, details)
SELECT $1, 2, * FROM unnest($2::bigint[], $3::bigint[], $4::"char"[], $5::int[], $6::int[], $7::text[], $8::bigint[], $9::text[], $10::text[],
  $11::text[], $12::int[], $13::int[], $14::text[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bytea[], $19::bytea[]);

-- name: write!
-- All that most batches lead to, in one statement.
WITH e AS (
  INSERT INTO entry (shard, format, position, previous, kind, member, points, currency, amount, source, order_id, refund_id,
                     program_version, name_number, actor, occurred_at, board_at, recorded_at, hash, details)
  SELECT $1, 2, * FROM unnest($2::bigint[], $3::bigint[], $4::"char"[], $5::int[], $6::int[], $7::text[], $8::bigint[], $9::text[], $10::text[],
    $11::text[], $12::int[], $13::int[], $14::text[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bytea[], $19::bytea[])
), a AS (
  INSERT INTO award (shard, sequence, position, amount, left_amount, board_at, member, points, reversed, program_version, currency,
                     frame, refunded)
  SELECT $1, * FROM unnest($20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], $25::int[], $26::int[],
                           $27::int[], $28::int[], $29::text[], $30::bytea[], $31::bytea[])
), c AS (
  INSERT INTO content (shard, position, content) SELECT $1, * FROM unnest($32::bigint[], $33::bytea[])
), j AS (
  UPDATE member SET position = t.position FROM unnest($34::int[], $35::bigint[]) AS t(number, position)
  WHERE member.shard = $1 AND member.number = t.number
), i AS (
  DELETE FROM inbox WHERE shard = $1 AND sequence = ANY($36::bigint[])
)
INSERT INTO balance (shard, member, balance, earned, score, month, month_score, before_score, last_position, state)
SELECT $1, * FROM unnest($37::int[], $38::int[], $39::int[], $40::int[], $41::int[], $42::bigint[], $43::bigint[], $44::bigint[], $45::bytea[])
ON CONFLICT (shard, member) DO UPDATE SET balance = excluded.balance, earned = excluded.earned, score = excluded.score,
  month = excluded.month, month_score = excluded.month_score, before_score = excluded.before_score,
  last_position = excluded.last_position, state = excluded.state;

-- name: update_awards!
-- What is left of orders that were awarded before, and their further entries.
UPDATE award SET member = t.member, amount = t.amount, left_amount = t.left_amount, points = t.points, reversed = t.reversed,
  program_version = t.program_version, currency = t.currency, board_at = t.board_at, frame = t.frame, refunded = t.refunded
FROM unnest($1::smallint[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::int[], $7::int[], $8::int[], $9::text[],
            $10::bigint[], $11::bytea[], $12::bytea[])
  AS t(shard, sequence, member, amount, left_amount, points, reversed, program_version, currency, board_at, frame, refunded)
WHERE award.shard = t.shard AND award.sequence = t.sequence;

-- name: add_places!
-- Orders' further entries.
UPDATE award SET places = coalesce(award.places, '{}') || t.places
FROM (SELECT shard, sequence, array_agg(place ORDER BY n) AS places
      FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS u(shard, sequence, place, n) GROUP BY shard, sequence) t
WHERE award.shard = t.shard AND award.sequence = t.sequence;

-- name: restore_redemptions!
-- What of redemptions came back.
UPDATE award SET reversed = t.restored FROM unnest($1::smallint[], $2::bigint[], $3::int[]) AS t(shard, sequence, restored)
WHERE award.shard = t.shard AND award.sequence = t.sequence;

-- name: leave_aside!
-- Documents that waited were awarded.
DELETE FROM aside WHERE sequence = ANY($1::bigint[]);

-- name: set_aside!
-- Documents wait for their order, or go to quarantine. Of an erased member's nothing that was received is kept.
WITH t AS MATERIALIZED (SELECT * FROM unnest($2::bigint[], $3::"char"[], $4::text[]) AS u(sequence, state, reason)),
again AS (UPDATE aside SET state = t.state, reason = t.reason, changed_at = $5 FROM t WHERE aside.sequence = t.sequence),
gone AS (DELETE FROM inbox USING t WHERE inbox.shard = $1 AND inbox.sequence = t.sequence RETURNING inbox.*, t.state, t.reason)
INSERT INTO aside (shard, sequence, accepted_at, ready_at, member, kind, source, id, order_source, order_id, actor, stranger, content, raw, state,
                   reason, changed_at)
SELECT g.shard, sequence, accepted_at, ready_at, member, kind, source, id, order_source, order_id, actor, stranger, content,
       CASE WHEN m.number IS NOT NULL AND m.member_id IS NULL THEN '' ELSE raw END, state, reason, $5
FROM gone g LEFT JOIN member m ON m.shard = $1 AND m.number = g.member;

-- name: insert_document!
-- Remember a document for ever that is settled at once.
INSERT INTO document (home, kind, shard, member_shard, member, sequence, accepted_at, fingerprint, source, id)
SELECT home, kind, shard, shard, member, sequence, accepted_at, fingerprint, source, id
FROM unnest($1::smallint[], $2::"char"[], $3::smallint[], $4::int[], $5::bigint[], $6::bigint[], $7::bytea[], $8::text[], $9::text[])
  AS u(home, kind, shard, member, sequence, accepted_at, fingerprint, source, id) ORDER BY home, source, kind, id;

-- name: insert_members!
-- Enrol.
INSERT INTO member (shard, number, name_number, enrolled_at, member_id, secret)
SELECT * FROM unnest($1::smallint[], $2::int[], $3::int[], $4::bigint[], $5::text[], $6::bytea[])
  AS u(shard, number, name_number, enrolled_at, member_id, secret) ORDER BY shard, member_id;

-- name: next_numbers
-- Numbers for so many members and so many documents.
SELECT (SELECT array_agg(nextval('member_number')::int) FROM generate_series(1, $1::int)),
       (SELECT array_agg(nextval('name_number')::int) FROM generate_series(1, $1::int)),
       (SELECT array_agg(nextval('document_sequence')) FROM generate_series(1, $2::int));

-- name: next_name
-- A name number that was never used.
SELECT nextval('name_number')::int;

-- name: insert_remarks!
-- People's words about entries.
INSERT INTO remark (shard, position, reason, note) SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[]);

-- name: add_to_closed_months!
-- What members scored in months that are closed.
INSERT INTO closed_month (shard, month, member, score)
SELECT $1, month, member, sum(score) FROM unnest($2::int[], $3::int[], $4::bigint[]) AS u(month, member, score) GROUP BY month, member
ON CONFLICT (shard, month, member) DO UPDATE SET score = closed_month.score + excluded.score;

-- name: insert_due!
-- What happens to members by the clock.
INSERT INTO due (shard, at, member, what) SELECT $1, * FROM unnest($2::bigint[], $3::int[], $4::bytea[]) ON CONFLICT DO NOTHING;

-- name: reach!
-- Milestones, each once for ever; the first crossing's message goes with it, held while the member has no address.
WITH t AS MATERIALIZED (SELECT * FROM unnest($2::int[], $3::text[], $4::int[], $5::boolean[], $6::text[]) AS u(member, name, points, quiet, id)),
m AS (INSERT INTO milestone (member, name, points, reached_at, quiet) SELECT member, name, points, $1, quiet FROM t ORDER BY member, name
      ON CONFLICT DO NOTHING RETURNING member, name)
INSERT INTO message (id, member, milestone, points, state, created_at, due_at)
SELECT t.id, t.member, t.name, t.points, CASE WHEN EXISTS (SELECT FROM contact c WHERE c.member = t.member) THEN 'due' ELSE 'held' END, $1, $1
FROM t JOIN m USING (member, name) WHERE NOT t.quiet ORDER BY t.id;

-- name: entries_at
-- Entries at places, by time.
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, r.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id, e.format, e.details, r.note
FROM unnest($1::smallint[], $2::bigint[]) AS u(shard, position) JOIN entry e USING (shard, position)
JOIN member m ON m.shard = e.shard AND m.number = e.member LEFT JOIN remark r ON r.shard = e.shard AND r.position = e.position
ORDER BY e.recorded_at, e.shard, e.position;

-- name: entry_hash
-- The hash of an entry.
SELECT hash FROM entry WHERE shard = $1 AND position = $2;

-- name: feed
-- Entries from a position on, in commit order, with the member's id as it is today. The one at the position comes first.
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, r.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id, e.format, e.details, r.note
FROM entry e JOIN member m ON m.shard = e.shard AND m.number = e.member
LEFT JOIN remark r ON r.shard = e.shard AND r.position = e.position
WHERE e.shard = $1 AND e.position >= $2 ORDER BY e.position LIMIT $3;

-- name: outline
-- What boards need of the same: an id only with an enrolment, which is all that names one.
SELECT position, kind, member, points, name_number, board_at, recorded_at,
       CASE WHEN kind = 'n' THEN (SELECT member_id FROM member m WHERE m.shard = $1 AND m.number = entry.member) END,
       CASE WHEN kind IN ('a', 'm') THEN details END, hash
FROM entry WHERE shard = $1 AND position >= $2 ORDER BY position LIMIT $3;

-- name: member_entries
-- A member's point entries, newest first, by each entry's pointer to the one before: from the newest, or from before $3.
WITH RECURSIVE w(position, n) AS (
  SELECT CASE WHEN $3::bigint IS NULL THEN b.last_position
              ELSE (SELECT previous FROM entry WHERE shard = $1 AND position = $3 AND member = $2) END, 1
  FROM balance b WHERE b.shard = $1 AND b.member = $2
  UNION ALL SELECT e.previous, n + 1 FROM w JOIN entry e ON e.shard = $1 AND e.position = w.position WHERE n < $4 AND e.previous > 0)
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, r.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id, e.format, e.details, r.note
FROM w JOIN entry e ON e.shard = $1 AND e.position = w.position JOIN member m ON m.shard = e.shard AND m.number = e.member
LEFT JOIN remark r ON r.shard = e.shard AND r.position = e.position
ORDER BY e.position DESC LIMIT $4;

-- name: merged_entries
-- The same of a member and of those who became it, by the time of recording.
WITH RECURSIVE w(shard, position) AS (
  SELECT b.shard, b.last_position FROM unnest($1::smallint[], $2::int[]) AS u(shard, member) JOIN balance b USING (shard, member)
  UNION ALL SELECT e.shard, e.previous FROM w JOIN entry e ON e.shard = w.shard AND e.position = w.position WHERE e.previous > 0)
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, r.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id, e.format, e.details, r.note
FROM w JOIN entry e ON e.shard = w.shard AND e.position = w.position JOIN member m ON m.shard = e.shard AND m.number = e.member
LEFT JOIN remark r ON r.shard = e.shard AND r.position = e.position
WHERE $4::bigint IS NULL OR (e.recorded_at, e.shard, e.position)
  < ((SELECT recorded_at FROM entry WHERE shard = $3 AND position = $4), $3, $4)
ORDER BY e.recorded_at DESC, e.shard DESC, e.position DESC LIMIT $5;

-- name: order_places
-- Where the entries are that an order and its refunds led to.
SELECT a.shard, a.position, a.places FROM document d JOIN award a ON a.shard = d.shard AND a.sequence = d.sequence
WHERE d.home = $1 AND d.source = $2 AND d.kind = 'o' AND d.id = $3;

-- name: balance
-- A member's totals, by the shop's id, and every shard's position at the same moment.
SELECT b.balance, b.earned, b.score, (SELECT epoch FROM ledger),
       (SELECT array_agg(coalesce((SELECT position FROM entry WHERE shard = s ORDER BY position DESC LIMIT 1), 0) ORDER BY s)
        FROM generate_series(0, 15) AS s)
FROM member m LEFT JOIN balance b ON b.shard = coalesce(m.merged_shard, m.shard) AND b.member = coalesce(m.merged_into, m.number)
WHERE m.shard = $1 AND m.member_id = $2;

-- name: member_by_id
-- A member, by the shop's id; who became another one is that one.
SELECT n.number, n.member_id, n.name_number, n.hidden, n.enrolled_at, n.shard, n.position
FROM member m JOIN member n ON n.shard = coalesce(m.merged_shard, m.shard) AND n.number = coalesce(m.merged_into, m.number)
WHERE m.shard = $1 AND m.member_id = $2;

-- name: member_itself
-- A member, by the shop's id, whatever it became.
SELECT number, shard, merged_into FROM member WHERE shard = $1 AND member_id = $2;

-- name: merged_with
-- Those who became a member.
SELECT g.gone_shard AS shard, g.gone AS number, m.member_id FROM merged g
JOIN member m ON m.shard = g.gone_shard AND m.number = g.gone WHERE g.stays = $1 ORDER BY g.gone;

-- name: set_joined!
-- Where members' enrolments are in the feed.
UPDATE member SET position = t.position FROM unnest($2::int[], $3::bigint[]) AS t(number, position)
WHERE member.shard = $1 AND member.number = t.number;

-- name: set_hidden!
-- Leave the boards, or come back.
UPDATE member SET hidden = $3 WHERE shard = $1 AND number = $2;

-- name: set_name!
-- Another proxy name.
UPDATE member SET name_number = $3 WHERE shard = $1 AND number = $2;

-- name: contacts
-- Where members are reached.
SELECT member, email FROM contact WHERE member = ANY($1::int[]);

-- name: write_contact!
-- Where a member is reached; what was held for an address is due.
WITH c AS (INSERT INTO contact (member, email) VALUES ($1, $2) ON CONFLICT (member) DO UPDATE SET email = excluded.email)
UPDATE message SET state = 'due', due_at = $3 WHERE member = $1 AND state = 'held';

-- name: write_first_contacts!
-- Where members are reached, if nothing is known; what was held for an address is due.
WITH c AS (INSERT INTO contact (member, email) SELECT * FROM unnest($1::int[], $2::text[]) ON CONFLICT (member) DO NOTHING RETURNING member)
UPDATE message SET state = 'due', due_at = $3 FROM c WHERE message.member = c.member AND state = 'held';

-- name: forget_contact!
-- Erase the address.
DELETE FROM contact WHERE member = $1;

-- name: forget_member!
-- Erase the id and the secret; the number and its entries stay.
UPDATE member SET member_id = NULL, secret = NULL WHERE shard = $1 AND number = $2;

-- name: forget_received!
-- Erase what was received from or about a member and is still kept, wherever it waits.
WITH a AS (UPDATE aside SET raw = '', stranger = NULL WHERE member = $2 OR stranger = $3)
UPDATE inbox SET raw = '', stranger = NULL WHERE (shard = $1 AND member = $2) OR stranger = $3;

-- name: forget_said!
-- Erase people's words about a member's entries, and what its documents said.
WITH RECURSIVE w(position) AS (
  SELECT last_position FROM balance WHERE shard = $1 AND member = $2
  UNION ALL SELECT e.previous FROM w JOIN entry e ON e.shard = $1 AND e.position = w.position WHERE e.previous > 0),
r AS (DELETE FROM remark WHERE shard = $1 AND position IN (SELECT position FROM w))
DELETE FROM content WHERE shard = $1 AND position IN (SELECT position FROM w);

-- name: forget_messages!
-- What was not sent to an erased member never is.
UPDATE message SET state = 'dropped' WHERE member = $1 AND state IN ('due', 'held');

-- name: forget_buyer!
-- Take an erased member out of the purchases under way; one that is paid for goes to the member's number.
UPDATE intent SET member_id = NULL, member = $1 WHERE member_id = $2;

-- name: forget_stranger
-- Let go of what came for an id that is nobody's; whether there was any.
WITH i AS (UPDATE inbox SET raw = '', stranger = NULL WHERE stranger = $1 RETURNING 1),
a AS (UPDATE aside SET raw = '', stranger = NULL WHERE stranger = $1 RETURNING 1)
SELECT EXISTS (SELECT FROM i) OR EXISTS (SELECT FROM a);

-- name: merge_member!
-- A member becomes another, and so do those who became it.
WITH g AS (SELECT gone, gone_shard FROM merged WHERE stays = $2 UNION ALL SELECT $2, $1),
m AS (UPDATE member SET merged_into = $4, merged_shard = $3 FROM g WHERE member.shard = g.gone_shard AND member.number = g.gone),
d AS (DELETE FROM merged WHERE stays = $2)
INSERT INTO merged (stays, gone, gone_shard) SELECT $4, gone, gone_shard FROM g;

-- name: merge_rest!
-- Milestones and address go over to the other; what was held for an address is due.
WITH m AS (INSERT INTO milestone (member, name, points, reached_at, quiet)
           SELECT $2, name, points, reached_at, quiet FROM milestone WHERE member = $1 ON CONFLICT DO NOTHING),
c AS (INSERT INTO contact (member, email) SELECT $2, email FROM contact WHERE member = $1 ON CONFLICT (member) DO NOTHING)
DELETE FROM contact WHERE member = $1;

-- name: release_messages!
-- An address came: what was held for it is due.
UPDATE message SET state = 'due', due_at = $2 WHERE member = $1 AND state = 'held' AND EXISTS (SELECT FROM contact WHERE member = $1);

-- name: documents_of
-- What is on its way of a member.
SELECT sequence FROM inbox WHERE shard = $1 AND member = $2 UNION ALL SELECT sequence FROM aside WHERE shard = $1 AND member = $2;

-- name: closed_months_of
-- What a member scored in closed months, which are another's from now on.
DELETE FROM closed_month WHERE shard = $1 AND member = $2 RETURNING month, score;

-- name: programs
-- Every published version.
SELECT version, text, from_at, published_at, actor FROM program ORDER BY version;

-- name: insert_program!
-- Publish a version.
INSERT INTO program (version, text, published_at, from_at, actor) VALUES ($1, $2, $3, $4, $5);

-- name: insert_draft!
-- Keep a program that was handed in.
INSERT INTO draft (digest, version, text, submitted_by, submitted_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING;

-- name: drafts
-- Programs that were handed in, the newest first.
SELECT digest, version, text, submitted_by, submitted_at, approved_by, approved_at FROM draft ORDER BY submitted_at DESC, digest;

-- name: draft
-- One of them.
SELECT digest, version, text, submitted_by, submitted_at, approved_by, approved_at FROM draft WHERE digest = $1;

-- name: approve_draft!
-- Somebody put it in force.
UPDATE draft SET approved_by = $1, approved_at = $2 WHERE digest = $3 AND approved_by IS NULL;

-- name: any_ready
-- Whether one of these shards has something to award above its floor.
SELECT EXISTS (SELECT FROM unnest($1::smallint[], $2::bigint[]) AS u(shard, floor),
               LATERAL (SELECT FROM inbox WHERE inbox.shard = u.shard AND inbox.sequence > u.floor LIMIT 1) i);

-- name: count_ready
-- How many documents are accepted and not yet taken.
SELECT count(*) FROM inbox;

-- name: counts
-- How much lies where.
SELECT i.ready, i.ready_since,
       (SELECT count(*) FROM aside WHERE state = 'w'), (SELECT count(*) FROM aside WHERE state = 'q'),
       (SELECT count(*) FROM message WHERE state = 'due'), (SELECT count(*) FROM message WHERE state = 'held')
FROM (SELECT count(*) AS ready, min(ready_at) AS ready_since FROM inbox) i;

-- name: quarantine
-- Documents in quarantine after a sequence, without their bytes.
SELECT sequence, kind, source, id, reason, changed_at, actor FROM aside WHERE state = 'q' AND sequence > $1 ORDER BY sequence LIMIT $2;

-- name: quarantined
-- One of them, whole.
SELECT a.sequence, a.kind, a.source, a.id, a.reason, a.changed_at, a.actor, a.raw, a.content
FROM document d JOIN aside a ON a.sequence = d.sequence
WHERE d.home = $1 AND d.source = $2 AND d.kind = $3::"char" AND d.id = $4 AND a.state = 'q';

-- name: retry
-- Back to the inbox.
WITH g AS (DELETE FROM aside WHERE sequence = $1 AND state = 'q' RETURNING *)
INSERT INTO inbox (shard, sequence, accepted_at, ready_at, member, kind, source, id, order_source, order_id, actor, stranger, content, raw)
SELECT shard, sequence, accepted_at, $2, member, kind, source, id, order_source, order_id, actor, stranger, content, raw FROM g
RETURNING shard;

-- name: drop
-- Given up; its bytes are not kept.
UPDATE aside SET state = 'd', changed_at = $2, reason = $3, raw = '' WHERE sequence = $1 AND state = 'q' RETURNING sequence;

-- name: release_held!
-- Messages that were held in the moment in which the address came, neither seeing the other.
UPDATE message SET state = 'due', due_at = $1 FROM contact
WHERE state = 'held' AND created_at > $2 AND contact.member = message.member;

-- name: claim_messages
-- Messages to try now, put off for the time of one try, so that nobody else tries them meanwhile.
UPDATE message SET due_at = $2, attempts = attempts + 1
WHERE id IN (SELECT id FROM message WHERE state = 'due' AND due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id, milestone, points, created_at, attempts, (SELECT email FROM contact c WHERE c.member = message.member);

-- name: set_message!
-- What became of a try.
UPDATE message SET state = $2, due_at = $3, note = $4 WHERE id = $1 AND state = 'due';

-- name: give_up_held!
-- No address came in time.
UPDATE message SET state = 'undeliverable', note = 'no address'
WHERE id IN (SELECT id FROM message WHERE state = 'held' AND created_at < $1 LIMIT 1000);

-- name: messages
-- What became of a member's messages.
SELECT s.id, s.milestone, s.points, s.state, s.created_at, s.attempts, s.note
FROM member m JOIN message s ON s.member = m.number WHERE m.shard = $1 AND m.member_id = $2 ORDER BY s.created_at, s.id;

-- name: any_due
-- Whether there is a message to try.
SELECT EXISTS (SELECT FROM message WHERE state = 'due' AND due_at <= $1);

-- name: find_intent
-- A purchase, by its order id.
SELECT order_id, fingerprint, state, member_id, member, content, total, currency, method, begun_at, reference, reason
FROM intent WHERE order_id = $1;

-- name: lock_intent
-- The same, kept from everybody else.
SELECT order_id, fingerprint, state, member_id, member, content, total, currency, method, begun_at, reference, reason
FROM intent WHERE order_id = $1 FOR UPDATE;

-- name: lock_purchase
-- Keep others from an order id of the checkout's, whether there is an intent of it or not.
SELECT pg_advisory_xact_lock(hashtextextended($1, 1279350124));

-- name: insert_intent!
-- Somebody is about to pay.
INSERT INTO intent (order_id, fingerprint, state, member_id, content, total, currency, method, begun_at)
VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING;

-- name: pay_intent!
-- The money was taken.
UPDATE intent SET state = 'paid', reference = $2 WHERE order_id = $1 AND state = 'open';

-- name: fail_intent!
-- The money was not taken; what the order was and whose is not kept.
UPDATE intent SET state = 'failure', reason = $2, member_id = NULL, content = '' WHERE order_id = $1 AND state = 'open';

-- name: finish_intent!
-- The order was accepted; the ledger has it now.
UPDATE intent SET state = 'success', member_id = NULL, content = '' WHERE order_id = $1 AND state = 'paid';

-- name: intents_under_way
-- Purchases begun before an instant and not ended, oldest first.
SELECT order_id, fingerprint, state, member_id, member, content, total, currency, method, begun_at, reference, reason
FROM intent WHERE state IN ('open', 'paid') AND begun_at <= $1 AND (begun_at, order_id) > ($2, $3)
ORDER BY begun_at, order_id LIMIT $4;

-- name: find_document
-- Whether there is such a document.
SELECT sequence FROM document WHERE home = $1 AND source = $2 AND kind = $3::"char" AND id = $4;

-- name: member_shard
-- Where a member is, by its number alone: costs a look into every shard.
SELECT shard, secret FROM member WHERE number = $1;

-- name: oldest_content
-- The first of what is kept of a shard's documents, with the times at which they were awarded: those never go back.
SELECT c.position, e.recorded_at FROM content c JOIN entry e ON e.shard = c.shard AND e.position = c.position
WHERE c.shard = $1 ORDER BY c.position LIMIT $2;

-- name: forget_old_content
-- Let go of what documents said, up to a position.
DELETE FROM content WHERE shard = $1 AND position <= $2 RETURNING 1;

-- name: checkpoint_members
-- A shard's members with their totals after a number, those whose enrolment is in the feed.
SELECT m.number, m.member_id, m.name_number, m.hidden, m.merged_into, coalesce(b.score, 0), coalesce(b.month, 0),
       coalesce(b.month_score, 0), coalesce(b.before_score, 0)
FROM member m LEFT JOIN balance b ON b.shard = m.shard AND b.member = m.number
WHERE m.shard = $1 AND m.position IS NOT NULL AND m.number > $2 ORDER BY m.number LIMIT $3;

-- name: checkpoint_closed_months
-- A shard's scores of closed months after a month and a member.
SELECT month, member, score FROM closed_month WHERE shard = $1 AND (month, member) > ($2, $3) ORDER BY month, member LIMIT $4;

-- name: verify_entries
-- Entries after a position, without looking at the members: what is missing there hides nothing here.
SELECT position, kind, member, points, currency, amount, source, order_id, refund_id, program_version, name_number, actor,
       occurred_at, board_at, recorded_at, hash, format, details, previous
FROM entry WHERE shard = $1 AND position > $2 ORDER BY position LIMIT $3;

-- name: verify_members
-- A shard's members with their totals, in chunks.
SELECT m.number, coalesce(b.balance, 0), coalesce(b.earned, 0), coalesce(b.score, 0), m.hidden, m.name_number, m.member_id IS NULL,
       m.merged_into, m.position, b.last_position, (SELECT is_called AND m.number <= last_value FROM member_number)
FROM member m LEFT JOIN balance b ON b.shard = m.shard AND b.member = m.number
WHERE m.shard = $1 AND m.number > $2 ORDER BY m.number LIMIT $3;

-- name: verify_documents
-- Documents in chunks, each with where its rows lie and what the entry says that it led to. `whose`: the member who it is
-- of by now, who the entry is of, and the award. Each LIMIT keeps the planner from joining whole tables for a chunk.
SELECT d.source, d.kind, d.id, d.shard, a.state, i.ready, w.position, w.amount, w.left_amount, w.points, w.reversed,
       w.program_version, w.currency, w.board_at, w.refunded IS NOT NULL AS refunded, w.places,
       e.kind AS entry_kind, e.source AS entry_source, e.order_id, e.refund_id,
       coalesce(m.merged_into, d.member) AS whose, coalesce(em.merged_into, e.member) AS entry_whose,
       coalesce((SELECT stays FROM merged WHERE gone = w.member), w.member) AS award_whose,
       a.sequence IS NOT NULL AND (a.shard, a.kind, a.source, a.id) <> (d.shard, d.kind, d.source, d.id) AS strayed
FROM (SELECT * FROM document WHERE home = $1 AND (source, kind, id) > ($2, $3::"char", $4) ORDER BY source, kind, id LIMIT $5) d
LEFT JOIN LATERAL (SELECT merged_into FROM member WHERE member.shard = d.member_shard AND number = d.member LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT (x.kind, x.source, x.id) = (d.kind, d.source, d.id) AS ready FROM inbox x
                   WHERE x.shard = d.shard AND x.sequence = d.sequence LIMIT 1) i ON true
LEFT JOIN LATERAL (SELECT * FROM aside WHERE aside.sequence = d.sequence LIMIT 1) a ON true
LEFT JOIN LATERAL (SELECT * FROM award WHERE award.shard = d.shard AND award.sequence = d.sequence LIMIT 1) w ON true
LEFT JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = d.shard AND entry.position = w.position LIMIT 1) e ON true
LEFT JOIN LATERAL (SELECT merged_into FROM member WHERE member.shard = e.shard AND number = e.member LIMIT 1) em ON true
ORDER BY d.source, d.kind, d.id;

-- name: verify_order_entries
-- The entries at places, as checking an order's award needs them.
SELECT e.shard, e.position, e.kind, e.points, e.amount, e.program_version, e.currency, e.board_at, e.details
FROM unnest($1::smallint[], $2::bigint[]) AS u(shard, position) JOIN entry e USING (shard, position);

-- name: unguarded
-- Tables without the triggers that keep what never changes.
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND (c.relname ~ '^(entry|document|member|program|intent)(_|$)' AND NOT EXISTS (
         SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'O' AND t.tgname = 'never_truncated')
    OR c.relname ~ '^(entry|document|program)(_|$)' AND NOT EXISTS (
         SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'O' AND t.tgname = 'never_changes')
    OR c.relname ~ '^(document|member|intent)(_|$)' AND NOT EXISTS (
         SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'O' AND t.tgname = 'never_deleted'))
ORDER BY c.relname;
