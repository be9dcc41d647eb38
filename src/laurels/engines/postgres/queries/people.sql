-- Statements that search for members and read all that is kept about one. One line of purpose over each.

-- name: members_by_prefix
-- Members whose ids begin so, in the order of ids: some of each shard, and the first of those.
SELECT m.member_id, c.email, m.hidden, m.enrolled_at, n.member_id AS became
FROM generate_series(0, 15) AS s, LATERAL (
  SELECT * FROM member WHERE shard = s AND member_id >= $1 AND member_id < $1 || chr(1114111) AND member_id > $2
  ORDER BY member_id LIMIT $3) m
LEFT JOIN contact c ON c.member = m.number
LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = m.merged_shard AND member.number = m.merged_into LIMIT 1) n ON true ORDER BY m.member_id LIMIT $3;

-- name: members_by_email
-- Members with an address, in the order of ids.
SELECT m.member_id, c.email, m.hidden, m.enrolled_at, n.member_id AS became
FROM contact c JOIN LATERAL (SELECT x.* FROM generate_series(0, 15) AS s, LATERAL (
  SELECT * FROM member WHERE shard = s AND number = c.member LIMIT 1) x) m ON true
LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = m.merged_shard AND member.number = m.merged_into LIMIT 1) n ON true
WHERE lower(c.email COLLATE "C") = lower($1 COLLATE "C")
  AND m.member_id >= $2 AND m.member_id < $2 || chr(1114111) AND m.member_id > $3 ORDER BY m.member_id LIMIT $4;

-- name: kept_entries
-- All entries of members, with what their documents said: enrolments, other events, and the point entries, each of which
-- leads to the one before.
WITH RECURSIVE who AS (
  SELECT * FROM unnest($1::smallint[], $2::int[]) AS u(shard, member)
), w(shard, position) AS (
  SELECT b.shard, b.last_position FROM who
  CROSS JOIN LATERAL (SELECT * FROM balance WHERE balance.shard = who.shard AND balance.member = who.member LIMIT 1) b
  UNION ALL SELECT e.shard, e.previous FROM w
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = w.shard AND entry.position = w.position LIMIT 1) e WHERE e.previous > 0
), p AS (
  SELECT shard, position FROM w WHERE position > 0
  UNION ALL SELECT who.shard, m.position FROM who
  CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = who.shard AND member.number = who.member LIMIT 1) m WHERE m.position IS NOT NULL
  UNION ALL SELECT shard, position FROM who JOIN member_event USING (shard, member)
)
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, r.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id, e.format, e.details, r.note,
       c.content
FROM p CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = p.shard AND entry.position = p.position LIMIT 1) e
CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = e.shard AND member.number = e.member LIMIT 1) m
LEFT JOIN LATERAL (SELECT * FROM remark WHERE remark.shard = e.shard AND remark.position = e.position LIMIT 1) r ON true
LEFT JOIN LATERAL (SELECT * FROM content WHERE content.shard = e.shard AND content.position = e.position LIMIT 1) c ON true
ORDER BY e.recorded_at, e.shard, e.position;

-- name: kept_purchases
-- What was bought at the checkout, or tried to, in some circles.
SELECT order_id, state, total, currency, method, begun_at, reason FROM intent WHERE source = ANY($1::text[])
ORDER BY begun_at, source, order_id;

-- name: kept_documents
-- What came from or for members and is not awarded.
SELECT kind, source, id, state, accepted_at, reason, raw, content, actor FROM (
  SELECT i.sequence, i.kind, i.source, i.id, 'r'::"char" AS state, i.accepted_at, '' AS reason, i.raw, i.content, i.actor
  FROM inbox i WHERE i.member = ANY($1::int[])
  UNION ALL
  SELECT a.sequence, a.kind, a.source, a.id, a.state, a.accepted_at, a.reason, a.raw, a.content, a.actor
  FROM aside a WHERE a.member = ANY($1::int[])) k
ORDER BY sequence;
