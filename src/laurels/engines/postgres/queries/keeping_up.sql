-- Statements of long reads over what is kept. One line of purpose over each.

-- name: awarded
-- Every document that was awarded, in the order of recording, with the first entry that it led to; frames of all orders, or
-- of those alone whose content is gone.
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, '' AS reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, NULL::text AS member_id, e.format,
       e.details, '' AS note,
       d.kind AS document_kind, d.source AS document_source, d.id AS document_id, coalesce(m.merged_into, m.number) AS whose,
       d.accepted_at, c.content, CASE WHEN $1 OR c.content IS NULL THEN a.frame END AS frame,
       CASE WHEN $1 OR c.content IS NULL THEN a.refunded END AS refunded,
       n.program_version AS anew_version, n.board_at AS anew_board_at, n.details AS anew_details
FROM document d JOIN award a ON a.shard = d.shard AND a.sequence = d.sequence
JOIN entry e ON e.shard = a.shard AND e.position = a.position
JOIN member m ON m.shard = e.shard AND m.number = e.member
LEFT JOIN content c ON c.shard = e.shard AND c.position = e.position
LEFT JOIN LATERAL (SELECT x.program_version, x.board_at, x.details FROM entry x
  WHERE d.kind = 'm' AND x.shard = e.shard AND x.position > e.position AND x.position < e.position + 64
    AND x.kind = 'e' AND x.order_id = e.order_id ORDER BY x.position LIMIT 1) n ON true
ORDER BY e.recorded_at, e.shard, e.position;

-- name: mergers
-- Both entries of each time that a member became another, in the order of recording.
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, '' AS reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, NULL::text AS member_id, e.format,
       e.details, '' AS note
FROM entry e WHERE e.kind = 'm' AND EXISTS (SELECT 1 FROM merged)
ORDER BY e.recorded_at, e.shard, e.position;

-- name: accounts
-- Members with their totals and what the program keeps of them.
SELECT member, balance, earned, score, state, shard FROM balance
WHERE member NOT IN (SELECT gone FROM merged) ORDER BY member;

-- name: states
-- The same of all, also of those that became another; and when each is looked at next, where a sweep finds it.
SELECT member, balance, earned, score, state, at
FROM balance LEFT JOIN (SELECT shard, member, min(at) AS at FROM due GROUP BY shard, member) d USING (shard, member)
ORDER BY member;

-- name: redeemed
-- What is kept of redemptions of which points came back, and of what was taken of holds.
SELECT d.source, CASE WHEN d.kind = 'p' THEN 'hold:' || d.id ELSE d.id END AS id, a.frame AS spent
FROM award a JOIN document d ON d.shard = a.shard AND d.sequence = a.sequence
WHERE a.amount IS NULL AND a.reversed <> 0 AND d.kind IN ('e', 'p');

-- name: persons
-- What campaigns may ask of every member, but for its draw.
SELECT m.number, a.content, m.enrolled_at FROM member m LEFT JOIN attribute a ON a.member = m.number ORDER BY m.number;

-- name: framed
-- A shard's orders of which a frame is kept, after a sequence. `d`: the order's document, found by its first entry.
SELECT e.source, e.order_id AS id, coalesce((SELECT stays FROM merged WHERE gone = a.member), a.member) AS member, a.shard, a.sequence,
       a.position, a.program_version, a.currency, a.amount, a.left_amount, a.points, a.reversed, a.board_at, a.frame, a.refunded,
       NULL::bytea AS content, a.places
FROM (SELECT * FROM award WHERE shard = $1 AND sequence > $2 AND amount IS NOT NULL AND frame IS NOT NULL ORDER BY sequence LIMIT $3) a
JOIN entry e ON e.shard = a.shard AND e.position = a.position ORDER BY a.sequence;
