-- Statements of the quarantine, the outbox and upkeep. One line of purpose over each.

-- name: quarantine
-- Documents in quarantine after a sequence, without their bytes.
SELECT sequence, kind, source, id, reason, changed_at, actor, member FROM aside
WHERE state = 'q' AND sequence > $1 ORDER BY sequence LIMIT $2;

-- name: quarantined
-- One of them, whole; of an erased member's what it said is not told.
SELECT a.sequence, a.kind, a.source, a.id, a.reason, a.changed_at, a.actor, a.member, a.raw,
       CASE WHEN m.member_id IS NULL AND a.stranger IS NULL AND a.kind <> 'g' THEN '' ELSE a.content END AS content
FROM document d JOIN aside a ON a.sequence = d.sequence
LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = a.shard AND member.number = a.member LIMIT 1) m ON true
WHERE d.home = $1 AND d.source = $2 AND d.kind = $3::"char" AND d.id = $4 AND a.state = 'q';

-- name: retry
-- Back to the inbox.
WITH g AS (DELETE FROM aside WHERE sequence = $1 AND state = 'q' RETURNING *)
INSERT INTO inbox (shard, sequence, accepted_at, ready_at, member, kind, source, id, order_source, order_id, actor, stranger, content, raw)
SELECT shard, sequence, accepted_at, $2, member, kind, source, id, order_source, order_id, actor, stranger, content, raw FROM g
RETURNING shard;

-- name: keep_owner
-- Whether whose a document in quarantine is still has its id; it keeps that until this transaction ends.
SELECT true FROM aside a JOIN member m ON m.shard = a.shard AND m.number = a.member
WHERE a.sequence = $1 AND m.member_id IS NOT NULL FOR SHARE OF m;

-- name: drop
-- Given up; its bytes and what it said are not kept, and people's words ($4) only where erasing finds them.
UPDATE aside SET state = 'd', changed_at = $2, reason = $3 || CASE WHEN $5 OR stranger IS NOT NULL THEN $4 ELSE '' END,
                 raw = '', content = ''
WHERE sequence = $1 AND state = 'q' RETURNING sequence;

-- name: release_held!
-- Messages that were held in the moment in which the address came, neither seeing the other.
UPDATE message SET state = 'due', due_at = $1
WHERE id = ANY (ARRAY(SELECT h.id FROM message h
  CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = h.shard AND member.number = h.member LIMIT 1) m
  CROSS JOIN LATERAL (SELECT FROM contact WHERE contact.member = coalesce(m.merged_into, m.number) LIMIT 1) c
  WHERE h.state = 'held' AND h.created_at > $2)) AND state = 'held';

-- name: claim_messages
-- Messages to try now, put off for the time of one try, so that nobody else tries them meanwhile; by the server's clock where
-- none is given. The address is that of the member whom their own one became.
UPDATE message SET due_at = coalesce($1::bigint, (extract(epoch FROM now()) * 1000000)::bigint) + $2, attempts = attempts + 1
WHERE id = ANY (ARRAY(SELECT id FROM message
                      WHERE state = 'due' AND due_at <= coalesce($1::bigint, (extract(epoch FROM now()) * 1000000)::bigint)
                      ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED))
RETURNING id, milestone, points, created_at, attempts,
          (SELECT c.email FROM (SELECT * FROM member m WHERE m.shard = message.shard AND m.number = message.member LIMIT 1) m
           CROSS JOIN LATERAL (SELECT * FROM contact WHERE contact.member = coalesce(m.merged_into, m.number) LIMIT 1) c);

-- name: set_message!
-- What became of a try.
UPDATE message SET state = $2, due_at = $3, note = $4 WHERE id = $1 AND state = 'due';

-- name: give_up_held!
-- No address came in time.
UPDATE message SET state = 'undeliverable', note = 'no address'
WHERE id = ANY (ARRAY(SELECT id FROM message WHERE state = 'held' AND created_at < $1 LIMIT 1000));

-- name: messages
-- What became of the messages of a member and of those who became it.
WITH who AS (SELECT coalesce(merged_into, number) AS number FROM member WHERE shard = $1 AND member_id = $2)
SELECT s.id, m.member_id, s.milestone, s.points, s.state, s.created_at, s.due_at, s.attempts, s.note
FROM message s JOIN member m ON m.shard = s.shard AND m.number = s.member
WHERE s.member IN (SELECT number FROM who UNION ALL SELECT gone FROM merged WHERE stays = (SELECT number FROM who))
ORDER BY s.created_at, s.id;

-- name: milestones
-- What a member has passed; of those who became it, it has them too.
SELECT name FROM milestone
WHERE member = (SELECT coalesce(merged_into, number) FROM member WHERE shard = $1 AND member_id = $2);

-- name: all_messages
-- Messages behind one of them, oldest first.
SELECT s.id,
       (SELECT m.member_id FROM member m WHERE m.shard = s.shard AND m.number = s.member) AS member_id,
       s.milestone, s.points, s.state, s.created_at, s.due_at, s.attempts, s.note
FROM message s
WHERE (s.created_at, s.id) > (SELECT created_at, id FROM message WHERE id = $1 UNION ALL SELECT -1, '' WHERE $1 = '')
ORDER BY s.created_at, s.id LIMIT $2;

-- name: messages_in_state
-- As `all_messages`, of those in one state: bounds and order as only the index by state has them, since the planner does
-- not know which states are rare.
SELECT s.id,
       (SELECT m.member_id FROM member m WHERE m.shard = s.shard AND m.number = s.member) AS member_id,
       s.milestone, s.points, s.state, s.created_at, s.due_at, s.attempts, s.note
FROM message s
WHERE s.state <= $3 AND (s.state, s.created_at, s.id)
  > (SELECT $3, created_at, id FROM message WHERE id = $1 UNION ALL SELECT $3, -1, '' WHERE $1 = '')
ORDER BY s.state, s.created_at, s.id LIMIT $2;

-- name: messages_of_member
-- As `all_messages`, of one member, by its shard and id; in one state, where one is named.
SELECT s.id, m.member_id, s.milestone, s.points, s.state, s.created_at, s.due_at, s.attempts, s.note
FROM message s JOIN member m ON m.shard = s.shard AND m.number = s.member
WHERE m.shard = $4 AND m.member_id = $5 AND ($3::text IS NULL OR s.state = $3)
  AND (s.created_at, s.id) > (SELECT created_at, id FROM message WHERE id = $1 UNION ALL SELECT -1, '' WHERE $1 = '')
ORDER BY s.created_at, s.id LIMIT $2;

-- name: message
-- One of them.
SELECT s.id, m.member_id, s.milestone, s.points, s.state, s.created_at, s.due_at, s.attempts, s.note
FROM message s JOIN member m ON m.shard = s.shard AND m.number = s.member WHERE s.id = $1;

-- name: retry_message
-- Due now, where it waits or is undeliverable and there is an address.
UPDATE message SET state = 'due', due_at = $2 WHERE id = $1 AND state IN ('due', 'undeliverable')
AND EXISTS (SELECT FROM (SELECT * FROM member m WHERE m.shard = message.shard AND m.number = message.member LIMIT 1) m
            CROSS JOIN LATERAL (SELECT FROM contact WHERE contact.member = coalesce(m.merged_into, m.number) LIMIT 1) c) RETURNING id;

-- name: any_due
-- Whether there is a message to try, by the same clock.
SELECT EXISTS (SELECT FROM message WHERE state = 'due' AND due_at <= coalesce($1::bigint, (extract(epoch FROM now()) * 1000000)::bigint));

-- name: old_content
-- Of the first that is kept of a shard's documents, what was awarded before a time. Times never go back: where the very first
-- is not that old, nothing else is read.
SELECT c.position FROM (SELECT position FROM content WHERE shard = $1 ORDER BY position LIMIT $2) c
CROSS JOIN LATERAL (SELECT recorded_at FROM entry WHERE entry.shard = $1 AND entry.position = c.position LIMIT 1) e
WHERE e.recorded_at < $3 AND $3 > (
  SELECT o.recorded_at FROM (SELECT position FROM content WHERE shard = $1 ORDER BY position LIMIT 1) f
  CROSS JOIN LATERAL (SELECT recorded_at FROM entry WHERE entry.shard = $1 AND entry.position = f.position LIMIT 1) o)
ORDER BY c.position;

-- name: forget_old_content
-- Let go of what documents said, by the positions of their entries.
DELETE FROM content WHERE shard = $1 AND position = ANY($2::bigint[]) RETURNING 1;

-- name: verify_entries
-- Entries after a position, without looking at the members: what is missing there hides nothing here.
SELECT position, kind, member, points, currency, amount, source, order_id, refund_id, program_version, name_number, actor,
       occurred_at, board_at, recorded_at, hash, format, details, previous
FROM entry WHERE shard = $1 AND position > $2 ORDER BY position LIMIT $3;

-- name: verify_milestones
-- Milestones that do not fit the entry that passed them, or their message. Of those from before their entry was kept, and those
-- of members who became another, no more is known.
SELECT m.member, m.name FROM milestone m
LEFT JOIN LATERAL (SELECT e.member, e.recorded_at FROM entry e
                   WHERE e.shard = (m.place >> 40)::smallint AND e.position = m.place & 1099511627775 LIMIT 1) e ON true
LEFT JOIN message s ON s.member = m.member AND s.milestone = m.name
WHERE m.place IS NOT NULL
  AND (e.member IS DISTINCT FROM m.member OR e.recorded_at IS DISTINCT FROM m.reached_at OR m.quiet <> (s.id IS NULL)
       OR s.id IS NOT NULL AND (s.points, s.created_at) <> (m.points, m.reached_at));

-- name: verify_messages
-- Messages that no milestone decided, nor points that will lapse; and those that lie in another shard than their member.
SELECT s.id FROM message s
WHERE s.milestone NOT LIKE 'lapse:%' AND NOT EXISTS (SELECT FROM milestone m WHERE m.member = s.member AND m.name = s.milestone)
   OR NOT EXISTS (SELECT FROM member m WHERE m.shard = s.shard AND m.number = s.member);

-- name: verify_merged
-- Members of whom it is not kept on both sides, with the shards, whom they became.
SELECT g.gone FROM merged g
WHERE NOT EXISTS (SELECT FROM member m JOIN member s ON s.shard = m.merged_shard AND s.number = m.merged_into
                  WHERE m.shard = g.gone_shard AND m.number = g.gone AND m.merged_into = g.stays);

-- name: verify_redemptions
-- What came back of redemptions, and of what was taken of a hold: by the id that it is asked for by.
SELECT d.source, CASE WHEN d.kind = 'p' THEN 'hold:' || d.id ELSE d.id END, a.reversed
FROM award a JOIN document d ON d.shard = a.shard AND d.sequence = a.sequence
WHERE a.amount IS NULL AND a.reversed <> 0 AND d.kind IN ('e', 'p');

-- name: verify_members
-- A shard's members with their totals, in chunks.
SELECT m.number, coalesce(b.balance, 0), coalesce(b.earned, 0), coalesce(b.score, 0), m.hidden, m.name_number, m.member_id IS NULL,
       m.merged_into, m.position, b.last_position, (SELECT is_called AND m.number <= last_value FROM member_number),
       m.member_id, m.enrolled_at,
       v.events, v.positions, EXISTS (SELECT FROM name WHERE name.name_number = m.name_number AND name.member = m.number),
       coalesce(b.month, 0), coalesce(b.month_score, 0), coalesce(b.before_score, 0)
FROM member m LEFT JOIN balance b ON b.shard = m.shard AND b.member = m.number,
LATERAL (SELECT count(*) AS events, coalesce(sum(position), 0)::bigint AS positions FROM member_event v
         WHERE v.shard = m.shard AND v.member = m.number) v
WHERE m.shard = $1 AND m.number > $2 ORDER BY m.number LIMIT $3;

-- name: bearers
-- Who bears these name numbers, or bore them.
SELECT name_number, member FROM name WHERE name_number = ANY($1::int[]);

-- name: verify_closed_months
-- What members of a shard with numbers between two scored in closed months: a look-up a month, however many members there are.
WITH RECURSIVE closed(month) AS (
  SELECT (SELECT min(month) FROM closed_month WHERE shard = $1)
  UNION ALL SELECT (SELECT min(month) FROM closed_month c WHERE c.shard = $1 AND c.month > closed.month) FROM closed WHERE month IS NOT NULL)
SELECT c.member, c.month, c.score FROM closed, LATERAL (
  SELECT * FROM closed_month WHERE shard = $1 AND closed_month.month = closed.month AND member >= $2 AND member <= $3) c;

-- name: homes_in_use
-- Where there are documents at all: to plan the next statement takes longer than to run it where there are none.
SELECT home::smallint FROM generate_series(0, 15) AS home(home) WHERE EXISTS (SELECT FROM document WHERE document.home = home.home);

-- name: verify_documents
-- Documents in chunks, each with where its rows lie and what the entry says that it led to. `whose`: the member who it is
-- of by now, who the entry is of, and the award. Each LIMIT keeps the planner from joining whole tables for a chunk.
SELECT d.source, d.kind, d.id, d.shard, a.state, i.ready, w.position, w.amount, w.left_amount, w.points, w.reversed,
       w.program_version, w.currency, w.board_at, w.refunded, w.frame, w.places,
       e.kind AS entry_kind, e.source AS entry_source, e.order_id, e.refund_id,
       coalesce(m.merged_into, d.member) AS whose, coalesce(em.merged_into, e.member) AS entry_whose,
       coalesce((SELECT stays FROM merged WHERE gone = w.member), w.member) AS award_whose,
       a.sequence IS NOT NULL AND (a.shard, a.kind, a.source, a.id) <> (d.shard, d.kind, d.source, d.id) AS strayed,
       EXISTS (SELECT FROM redemption r WHERE r.shard = d.shard AND r.position = w.position
               AND (r.sequence, r.source, r.id) = (d.sequence, d.source, d.id)) AS is_redemption,
       d.fingerprint, m.secret, (SELECT secret FROM ledger) AS unplaced, d.member IS NULL AS is_of_nobody, m.member_id, e.details,
       coalesce(c.content, i.content, a.content) AS content, coalesce(i.raw, a.raw, '') AS raw, coalesce(a.reason, '') AS reason,
       coalesce(i.order_source, a.order_source) AS order_source, coalesce(i.order_id, a.order_id) AS named_order,
       ARRAY(SELECT (SELECT member_id FROM member WHERE member.shard = x.shard AND member.number = x.number)
             FROM merged g, LATERAL (VALUES (g.gone_shard, g.gone), (coalesce(m.merged_shard, d.member_shard), g.stays)) AS x(shard, number)
             WHERE g.stays = coalesce(m.merged_into, d.member)) AS ids
FROM (SELECT * FROM document WHERE home = $1 AND (source, kind, id) > ($2, $3::"char", $4) ORDER BY source, kind, id LIMIT $5) d
LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = d.member_shard AND number = d.member LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT x.*, (x.kind, x.source, x.id) = (d.kind, d.source, d.id) AS ready FROM inbox x
                   WHERE x.shard = d.shard AND x.sequence = d.sequence LIMIT 1) i ON true
LEFT JOIN LATERAL (SELECT * FROM aside WHERE aside.sequence = d.sequence LIMIT 1) a ON true
LEFT JOIN LATERAL (SELECT * FROM award WHERE award.shard = d.shard AND award.sequence = d.sequence LIMIT 1) w ON true
LEFT JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = d.shard AND entry.position = w.position LIMIT 1) e ON true
LEFT JOIN LATERAL (SELECT merged_into FROM member WHERE member.shard = e.shard AND number = e.member LIMIT 1) em ON true
LEFT JOIN LATERAL (SELECT content FROM content WHERE content.shard = d.shard AND content.position = w.position LIMIT 1) c ON true
ORDER BY d.source, d.kind, d.id;

-- name: change
-- What a change of an order is known by: its fingerprint, and what keys it.
SELECT d.fingerprint, m.secret FROM document d
LEFT JOIN LATERAL (SELECT secret FROM member WHERE member.shard = d.member_shard AND number = d.member LIMIT 1) m ON true
WHERE d.home = $1 AND d.source = $2 AND d.kind = 'm' AND d.id = $3;

-- name: waiting_changes
-- The same of all that wait for an order.
SELECT d.fingerprint, m.secret
FROM (SELECT source, id FROM inbox WHERE order_source = $1 AND order_id = $2 AND kind = 'm'
      UNION ALL SELECT source, id FROM aside WHERE order_source = $1 AND order_id = $2 AND kind = 'm') w
CROSS JOIN LATERAL (SELECT * FROM document WHERE home = ANY ($3::smallint[]) AND source = w.source AND kind = 'm' AND id = w.id LIMIT 1) d
LEFT JOIN LATERAL (SELECT secret FROM member WHERE member.shard = d.member_shard AND number = d.member LIMIT 1) m ON true;

-- name: verify_order_entries
-- The entries at places, without looking at the members or at people's words.
SELECT e.shard, e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, NULL::text,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, NULL::text, e.format, e.details, NULL::text
FROM unnest($1::smallint[], $2::bigint[]) AS u(shard, position) JOIN entry e USING (shard, position);

-- name: inbox_of
-- Where documents are in the inbox.
SELECT i.shard, i.sequence, d.source, d.kind, d.id
FROM unnest($1::smallint[], $2::text[], $3::"char"[], $4::text[]) AS u(home, source, kind, id)
JOIN document d USING (home, source, kind, id) JOIN inbox i ON i.shard = d.shard AND i.sequence = d.sequence;
