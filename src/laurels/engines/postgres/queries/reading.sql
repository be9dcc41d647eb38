-- Statements that read entries, totals and the feed. One line of purpose over each.

-- name: entries_at
-- Entries at places, by time.
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, r.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id, e.format, e.details, r.note
FROM unnest($1::smallint[], $2::bigint[]) AS u(shard, position)
CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = u.shard AND entry.position = u.position LIMIT 1) e
CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = e.shard AND member.number = e.member LIMIT 1) m
LEFT JOIN LATERAL (SELECT * FROM remark WHERE remark.shard = e.shard AND remark.position = e.position LIMIT 1) r ON true
ORDER BY e.recorded_at, e.shard, e.position;

-- name: feed
-- Entries from a position on, in commit order, with the member's id as it is today. The one at the position comes first. They are
-- taken before anything is looked up for them: joined first, a shard's entries were all read, however few are new.
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, r.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id, e.format, e.details, r.note
FROM (SELECT * FROM entry WHERE shard = $1 AND position >= $2 ORDER BY position LIMIT $3) e
CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = $1 AND member.number = e.member LIMIT 1) m
LEFT JOIN LATERAL (SELECT * FROM remark WHERE remark.shard = $1 AND remark.position = e.position LIMIT 1) r ON true
ORDER BY e.position;

-- name: milestones_between
-- Milestones that the entries between two places passed, in their order.
SELECT place, name, points, quiet FROM milestone WHERE place > $1 AND place <= $2 ORDER BY place, name COLLATE "C";

-- name: board_entries
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
  UNION ALL SELECT e.previous, n + 1 FROM w
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = $1 AND entry.position = w.position LIMIT 1) e WHERE n < $4 AND e.previous > 0)
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, r.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id, e.format, e.details, r.note
FROM w CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = $1 AND entry.position = w.position LIMIT 1) e
CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = $1 AND member.number = e.member LIMIT 1) m
LEFT JOIN LATERAL (SELECT * FROM remark WHERE remark.shard = $1 AND remark.position = e.position LIMIT 1) r ON true
ORDER BY e.position DESC LIMIT $4;

-- name: merged_entries
-- The same of a member and of those who became it, by the time of recording.
WITH RECURSIVE w(shard, position) AS (
  SELECT b.shard, b.last_position FROM unnest($1::smallint[], $2::int[]) AS u(shard, member)
  CROSS JOIN LATERAL (SELECT * FROM balance WHERE balance.shard = u.shard AND balance.member = u.member LIMIT 1) b
  UNION ALL SELECT e.shard, e.previous FROM w
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = w.shard AND entry.position = w.position LIMIT 1) e WHERE e.previous > 0)
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, r.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id, e.format, e.details, r.note
FROM w CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = w.shard AND entry.position = w.position LIMIT 1) e
CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = e.shard AND member.number = e.member LIMIT 1) m
LEFT JOIN LATERAL (SELECT * FROM remark WHERE remark.shard = e.shard AND remark.position = e.position LIMIT 1) r ON true
WHERE $4::bigint IS NULL OR (e.recorded_at, e.shard, e.position)
  < ((SELECT recorded_at FROM entry WHERE shard = $3 AND position = $4), $3, $4)
ORDER BY e.recorded_at DESC, e.shard DESC, e.position DESC LIMIT $5;

-- name: member_moves
-- The places, kinds and points alone of the same entries as `member_entries`: for who looks through many and shows few.
WITH RECURSIVE w(position, kind, points, previous, n) AS (
  SELECT e.position, e.kind, e.points, e.previous, 1 FROM balance b
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = $1 AND entry.position = CASE WHEN $3::bigint IS NULL THEN b.last_position
    ELSE (SELECT previous FROM entry p WHERE p.shard = $1 AND p.position = $3 AND p.member = $2) END LIMIT 1) e
  WHERE b.shard = $1 AND b.member = $2
  UNION ALL SELECT e.position, e.kind, e.points, e.previous, n + 1 FROM w
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = $1 AND entry.position = w.previous LIMIT 1) e WHERE n < $4 AND w.previous > 0)
SELECT $1::smallint AS shard, position, kind, points FROM w ORDER BY n;

-- name: merged_moves
-- The same of a member and of those who became it, by the time of recording.
WITH RECURSIVE w(shard, position, kind, points, recorded_at, previous) AS (
  SELECT e.shard, e.position, e.kind, e.points, e.recorded_at, e.previous FROM unnest($1::smallint[], $2::int[]) AS u(shard, member)
  CROSS JOIN LATERAL (SELECT * FROM balance WHERE balance.shard = u.shard AND balance.member = u.member LIMIT 1) b
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = b.shard AND entry.position = b.last_position LIMIT 1) e
  UNION ALL SELECT e.shard, e.position, e.kind, e.points, e.recorded_at, e.previous FROM w
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = w.shard AND entry.position = w.previous LIMIT 1) e WHERE w.previous > 0)
SELECT shard, position, kind, points FROM w
WHERE $4::bigint IS NULL OR (recorded_at, shard, position)
  < ((SELECT recorded_at FROM entry WHERE shard = $3 AND position = $4), $3, $4)
ORDER BY recorded_at DESC, shard DESC, position DESC LIMIT $5;

-- name: order_places
-- Where the entries are that an order and its refunds led to.
SELECT a.shard, a.position, a.places FROM document d CROSS JOIN LATERAL (SELECT * FROM award WHERE award.shard = d.shard AND award.sequence = d.sequence LIMIT 1) a
WHERE d.home = $1 AND d.source = $2 AND d.kind = 'o' AND d.id = $3;

-- name: balance
-- A member's totals with what the program keeps of it, by the shop's id, and every shard's position at the same moment.
SELECT b.balance, b.earned, b.score, b.state, (SELECT epoch FROM ledger),
       (SELECT array_agg(coalesce((SELECT position FROM entry WHERE shard = s ORDER BY position DESC LIMIT 1), 0) ORDER BY s)
        FROM generate_series(0, 15) AS s)
FROM member m LEFT JOIN LATERAL (SELECT * FROM balance WHERE balance.shard = coalesce(m.merged_shard, m.shard) AND balance.member = coalesce(m.merged_into, m.number) LIMIT 1) b ON true
WHERE m.shard = $1 AND m.member_id = $2;

-- name: account
-- The same as a claim in depth has it: with the member's own number and shard, and when it was enrolled.
SELECT b.balance, b.earned, b.score, b.state, (SELECT epoch FROM ledger),
       (SELECT array_agg(coalesce((SELECT position FROM entry WHERE shard = s ORDER BY position DESC LIMIT 1), 0) ORDER BY s)
        FROM generate_series(0, 15) AS s), n.number, n.shard, n.enrolled_at, a.content, coalesce(b.last_position, 0)
FROM member m CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = coalesce(m.merged_shard, m.shard) AND member.number = coalesce(m.merged_into, m.number) LIMIT 1) n
LEFT JOIN LATERAL (SELECT * FROM balance WHERE balance.shard = n.shard AND balance.member = n.number LIMIT 1) b ON true
LEFT JOIN attribute a ON a.member = n.number
WHERE m.shard = $1 AND m.member_id = $2;

-- name: read_budgets
-- What is used of budgets.
SELECT name, used FROM budget;

-- name: member_by_id
-- A member, by the shop's id; who became another one is that one.
SELECT n.number, n.member_id, n.name_number, n.hidden, n.enrolled_at, n.shard, n.position
FROM member m CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = coalesce(m.merged_shard, m.shard) AND member.number = coalesce(m.merged_into, m.number) LIMIT 1) n
WHERE m.shard = $1 AND m.member_id = $2;

-- name: member_itself
-- A member, by the shop's id, whatever it became.
SELECT number, shard, merged_into FROM member WHERE shard = $1 AND member_id = $2;

-- name: numbers_of
-- The numbers of everybody who is one member now, by one of its ids; first the one that this id was given.
WITH own AS (SELECT number, coalesce(merged_into, number) AS stays FROM member WHERE shard = $1 AND member_id = $2)
SELECT own.stays AS number, own.stays <> own.number AS other FROM own
UNION ALL SELECT g.gone, g.gone <> own.number FROM own JOIN merged g ON g.stays = own.stays
ORDER BY other, number;

-- name: merged_with
-- Those who became a member.
SELECT g.gone_shard AS shard, g.gone AS number, m.member_id FROM merged g
JOIN member m ON m.shard = g.gone_shard AND m.number = g.gone WHERE g.stays = $1 ORDER BY g.gone;

-- name: last_member
-- The highest number of a shard's members.
SELECT max(number) FROM member WHERE shard = $1;

-- name: checkpoint_members
-- A shard's members with their totals from a number to another, those whose enrolment is in the feed: a column each,
-- numbers as they are sent. One row instead of thousands is read several times as fast.
SELECT string_agg(int8send(number), '') AS numbers, array_agg(member_id) AS ids,
       string_agg(int8send(name_number), '') AS name_numbers, string_agg(boolsend(hidden), '') AS hidden,
       array_agg(number) FILTER (WHERE merged_into IS NOT NULL) AS merged,
       array_agg(merged_into) FILTER (WHERE merged_into IS NOT NULL) AS into,
       string_agg(int8send(coalesce(score, 0)), '') AS scores, string_agg(int8send(coalesce(month, 0)), '') AS months,
       string_agg(int8send(coalesce(month_score, 0)), '') AS month_scores,
       string_agg(int8send(coalesce(before_score, 0)), '') AS before_scores
FROM (
    SELECT m.number, m.member_id, m.name_number, m.hidden, m.merged_into, b.score, b.month, b.month_score, b.before_score
    FROM member m
    LEFT JOIN balance b ON b.shard = m.shard AND b.member = m.number AND b.member BETWEEN $2 AND $3
    WHERE m.shard = $1 AND m.position IS NOT NULL AND m.number BETWEEN $2 AND $3 ORDER BY m.number
) AS part;

-- name: checkpoint_closed_months
-- A shard's scores of closed months after a month and a member.
SELECT month, member, score FROM closed_month WHERE shard = $1 AND (month, member) > ($2, $3) ORDER BY month, member LIMIT $4;

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

-- name: program_events
-- What was done with programs, oldest first.
SELECT position, at, actor, act, version, digest, rehearsal, content, hash FROM program_event ORDER BY position;

-- name: last_program_event
-- The last of it.
SELECT position, at, actor, act, version, digest, rehearsal, content, hash FROM program_event ORDER BY position DESC LIMIT 1;

-- name: insert_program_event!
-- Append to it.
INSERT INTO program_event (position, at, actor, act, version, digest, rehearsal, content, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: entry_hash
-- The hash of an entry.
SELECT hash FROM entry WHERE shard = $1 AND position = $2;
