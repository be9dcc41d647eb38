-- Statements of the audit log, and of who helps a customer. One line of purpose over each.

-- name: lock_audit
-- Keep others from writing the log; where it ends. What is read after the lock is as the one before left it.
SELECT position, hash, at FROM audit_cut FOR UPDATE;

-- name: audit_end
-- The log's last row.
SELECT position, hash, at FROM audit ORDER BY position DESC LIMIT 1;

-- name: insert_audit!
-- Append rows to the audit log.
INSERT INTO audit (position, at, sub, name, roles, action, member, object, outcome, request_id, hash)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[], $9::text[], $10::text[],
                     $11::bytea[]);

-- name: first_audit_since
-- The position from which on rows of the audit log are of an instant or later. Their times never go back, so halving
-- finds it: some twenty-five look-ups in a log of millions.
WITH RECURSIVE half(low, high) AS (
    SELECT c.position + 1, coalesce((SELECT max(position) FROM audit), 0) + 1 FROM audit_cut c
    UNION ALL
    SELECT CASE WHEN a.at < $1 THEN a.position + 1 ELSE half.low END,
           CASE WHEN a.at < $1 THEN half.high ELSE a.position END
    FROM half JOIN audit a ON a.position = (half.low + half.high) / 2 WHERE half.low < half.high
)
SELECT max(low) FROM half;

-- name: audit
-- Rows of the audit log, newest first.
SELECT position, at, sub, name, roles, action, member, object, outcome, request_id, hash FROM audit
WHERE position < $1 AND ($2::text IS NULL OR action = $2) AND position >= $3 ORDER BY position DESC LIMIT $4;

-- name: audit_of_sub
-- The same of a person.
SELECT position, at, sub, name, roles, action, member, object, outcome, request_id, hash FROM audit
WHERE position < $1 AND ($2::text IS NULL OR action = $2) AND position >= $3 AND sub = $5
AND ($6::int IS NULL OR member = $6) ORDER BY position DESC LIMIT $4;

-- name: audit_people
-- The last row of each person behind a `sub`, in the order of those; each is found by a step in the index.
WITH RECURSIVE each(sub, n) AS (
    SELECT (SELECT min(sub) FROM audit WHERE sub > $1), 1
    UNION ALL
    SELECT (SELECT min(a.sub) FROM audit a WHERE a.sub > each.sub), n + 1 FROM each WHERE each.sub IS NOT NULL AND n < $2
)
SELECT a.position, a.at, a.sub, a.name, a.roles, a.action, a.member, a.object, a.outcome, a.request_id, a.hash
FROM each CROSS JOIN LATERAL (SELECT * FROM audit b WHERE b.sub = each.sub ORDER BY position DESC LIMIT 1) a
ORDER BY each.n;

-- name: audit_of_member
-- The same of a member.
SELECT position, at, sub, name, roles, action, member, object, outcome, request_id, hash FROM audit
WHERE position < $1 AND ($2::text IS NULL OR action = $2) AND position >= $3 AND member = $5
ORDER BY position DESC LIMIT $4;

-- name: audit_cut
-- Where what was let go of ends.
SELECT position, hash FROM audit_cut;

-- name: verify_audit
-- Rows of the audit log, oldest first.
SELECT position, at, sub, name, roles, action, member, object, outcome, request_id, hash FROM audit
WHERE position > $1 ORDER BY position LIMIT $2;

-- name: last_audit_before
-- The last of the first rows of the audit log, as far as they are before an instant.
SELECT position, hash, at FROM (SELECT position, hash, at FROM audit ORDER BY position LIMIT $2) a
WHERE at < $1 ORDER BY position DESC LIMIT 1;

-- name: move_audit_cut!
-- What is before this is let go of.
UPDATE audit_cut SET position = $1, hash = $2, at = $3;

-- name: cut_audit
-- Let go of it.
DELETE FROM audit WHERE position <= $1 RETURNING position;

-- name: customer
-- A member by its number, whatever became of it. Costs a look into every shard.
SELECT m.number, m.member_id, m.name_number, m.hidden, m.enrolled_at, m.merged_into, c.email,
       coalesce(b.balance, 0), coalesce(b.earned, 0), coalesce(b.score, 0), m.shard
FROM generate_series(0, 15) AS s JOIN LATERAL (SELECT * FROM member WHERE member.shard = s AND member.number = $1 LIMIT 1) m ON true
LEFT JOIN contact c ON c.member = m.number LEFT JOIN LATERAL (SELECT * FROM balance WHERE balance.shard = m.shard AND balance.member = m.number LIMIT 1) b ON true;

-- name: numbers_by_id
-- Who has this id.
SELECT number FROM member WHERE shard = $1 AND member_id = $2;

-- name: numbers_by_email
-- Who is reached at this address.
SELECT member FROM contact WHERE lower(email COLLATE "C") = lower($1 COLLATE "C") ORDER BY member LIMIT 20;

-- name: numbers_by_name
-- Who has this name number now.
SELECT m.number FROM name JOIN LATERAL (SELECT x.* FROM generate_series(0, 15) AS s, LATERAL (
  SELECT * FROM member WHERE member.shard = s AND member.number = name.member LIMIT 1) x) m ON true
WHERE name.name_number = $1 AND m.name_number = $1;

-- name: numbers_from
-- Whose ids begin so, in the order of ids: some of each shard, and the first of those.
SELECT m.number FROM generate_series(0, 15) AS s, LATERAL (
  SELECT number, member_id FROM member WHERE shard = s AND member_id >= $1 AND member_id < $1 || chr(1114111)
  ORDER BY member_id LIMIT $2) m ORDER BY m.member_id LIMIT $2;

-- name: sources
-- The sources that documents came from, each found by one step in each home's index, but the members' own circles.
WITH RECURSIVE s(source, n) AS (
  SELECT (SELECT min(f.source) FROM generate_series(0, 15) AS h, LATERAL (
    SELECT source FROM document WHERE home = h AND source > '' ORDER BY source LIMIT 1) f), 1
  UNION ALL
  SELECT (SELECT min(f.source) FROM generate_series(0, 15) AS h, LATERAL (
    SELECT source FROM document WHERE home = h
      AND source > CASE WHEN s.source >= 'member:' AND s.source < 'member;' THEN 'member;' ELSE s.source END
    ORDER BY source LIMIT 1) f), n + 1
  FROM s WHERE s.source IS NOT NULL AND n < $1::int
)
SELECT source FROM s WHERE source IS NOT NULL AND NOT (source >= 'member:' AND source < 'member;');

-- name: documents_called
-- Documents by their keys: whose they are now, and where their first entry is.
SELECT d.kind, d.source, coalesce(m.merged_into, d.member) AS member, d.shard, a.position
FROM unnest($1::smallint[], $2::text[], $3::"char"[], $4::text[]) AS u(home, source, kind, id)
CROSS JOIN LATERAL (
  SELECT * FROM document WHERE document.home = u.home AND document.source = u.source AND document.kind = u.kind AND document.id = u.id LIMIT 1) d
LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = d.member_shard AND member.number = d.member LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT * FROM award WHERE award.shard = d.shard AND award.sequence = d.sequence LIMIT 1) a ON true ORDER BY d.source, d.kind LIMIT 20;

-- name: own_documents_called
-- The documents of members' own circles that have an id.
SELECT d.kind, d.source, coalesce(m.merged_into, d.member) AS member, d.shard, a.position
FROM document d LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = d.member_shard AND member.number = d.member LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT * FROM award WHERE award.shard = d.shard AND award.sequence = d.sequence LIMIT 1) a ON true
WHERE d.id = $1 AND d.source >= 'member:' AND d.source < 'member;' ORDER BY d.sequence LIMIT 20;

-- name: contents_at
-- What the documents said that led to the entries at places.
SELECT c.shard, c.position, c.content FROM unnest($1::smallint[], $2::bigint[]) AS u(shard, position)
CROSS JOIN LATERAL (SELECT * FROM content WHERE content.shard = u.shard AND content.position = u.position LIMIT 1) c;

-- name: redemptions_at
-- Redemptions that led to the entries at places, by their own ids, and how many of their points came back.
SELECT r.shard, r.position, r.id, a.reversed
FROM unnest($1::smallint[], $2::bigint[]) AS u(shard, position) JOIN redemption r USING (shard, position)
JOIN award a ON a.shard = r.shard AND a.sequence = r.sequence;
