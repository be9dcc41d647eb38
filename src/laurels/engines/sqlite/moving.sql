-- Statements of a ledger that moves to another engine. One line of purpose over each.

-- name: leaving_ledger
-- Who a ledger is that moves to another engine, and how much of it there is.
SELECT identity, epoch, created_at, secret, next_member, (SELECT seq FROM sqlite_sequence WHERE name = 'accepted'), next_name,
       names_key, names_since, (SELECT count(*) FROM entry), (SELECT count(*) FROM inbox WHERE state = 'ready'),
       (SELECT cut_position FROM audit_head), (SELECT cut_hash FROM audit_head), (SELECT at FROM audit_head)
FROM ledger;

-- name: leaving_state
-- What changes with whatever is written beside entries.
SELECT (SELECT count(*) FROM member), (SELECT count(*) FROM inbox), (SELECT total(changed_at) FROM inbox),
       (SELECT total(attempts) + count(*) FROM message), (SELECT count(*) FROM contact), (SELECT count(*) FROM intent),
       (SELECT count(*) FROM intent WHERE state IN ('open', 'paid')), (SELECT count(*) FROM draft), (SELECT count(*) FROM content),
       (SELECT count(*) + total(length(content)) FROM attribute), (SELECT position FROM audit_head), (SELECT cut_position FROM audit_head),
       (SELECT count(*) FROM program_event);

-- name: leaving_members
-- Members with their totals.
SELECT m.number, m.member_id, m.name_number, m.hidden, m.enrolled_at, m.merged_into, m.place, m.secret,
       b.balance, b.earned, b.score, b.month, b.month_score, b.before_score, b.state
FROM member m LEFT JOIN balance b ON b.member = m.number ORDER BY m.number;

-- name: leaving_entries
-- A shard's entries with what is kept about them.
SELECT e.place, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, e.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, e.format, e.details,
       coalesce(r.reason, e.reason), coalesce(r.note, ''), c.content
FROM entry e LEFT JOIN remark r ON r.place = e.place LEFT JOIN content c ON c.place = e.place
WHERE e.place > ? AND e.place <= ? ORDER BY e.place;

-- name: leaving_documents
-- Documents, each with where it lies or what it led to.
SELECT a.sequence, a.kind, a.source, a.id, a.member, a.fingerprint, a.accepted_at, a.place,
       i.state, i.shard, i.stranger, i.order_source, i.order_id, i.changed_at, i.reason, i.content, i.raw, i.actor,
       w.amount, w.left_amount, w.board_at, w.member, w.points, w.reversed, w.program_version, w.currency, w.frame, w.refunded,
       w.places, r.restored, r.spent
FROM accepted a LEFT JOIN inbox i ON i.sequence = a.sequence
LEFT JOIN award w ON a.kind = 'order' AND w.source = a.source AND w.order_id = a.id
LEFT JOIN redemption r ON r.source = a.source
    AND r.redemption_id = CASE a.kind WHEN 'redemption' THEN a.id WHEN 'capture' THEN 'hold:' || a.id END
ORDER BY a.sequence;

-- name: leaving_programs
-- Published versions.
SELECT version, text, published_at, from_at, actor FROM program ORDER BY version;

-- name: leaving_drafts
-- Programs that were handed in.
SELECT digest, version, text, submitted_by, submitted_at, approved_by, approved_at FROM draft ORDER BY digest;

-- name: leaving_program_events
-- What was done with programs.
SELECT position, at, actor, act, version, digest, rehearsal, content, hash FROM program_event ORDER BY position;

-- name: leaving_former_names
-- Name numbers that are not given again.
SELECT name_number, member FROM former_name ORDER BY name_number;

-- name: leaving_contacts
-- Where members are reached.
SELECT member, email FROM contact ORDER BY member;

-- name: leaving_attributes
-- What the shop says of members.
SELECT member, content FROM attribute ORDER BY member;

-- name: leaving_closed_months
-- Scores of older months.
SELECT month, member, score FROM closed_month ORDER BY month, member;

-- name: leaving_milestones
-- Milestones that were reached.
SELECT member, name, points, reached_at, quiet, place FROM milestone ORDER BY member, name;

-- name: leaving_messages
-- What became of mails.
SELECT id, member, milestone, points, state, created_at, due_at, attempts, note FROM message ORDER BY id;

-- name: leaving_due
-- What happens to members by the clock.
SELECT at, member, what FROM due ORDER BY shard, at, member, what;

-- name: leaving_budgets
-- What is used of budgets.
SELECT name, used FROM budget ORDER BY name;

-- name: leaving_intents
-- The checkout's.
SELECT order_id, fingerprint, state, member_id, member, content, total, currency, method, begun_at, reference, reason
FROM intent ORDER BY order_id;

-- name: leaving_audit
-- Rows of the audit log.
SELECT position, at, sub, name, roles, action, member, object, outcome, request_id, hash FROM audit ORDER BY position;

-- name: leaving_followers
-- How far events went.
SELECT target, shard, position FROM follower ORDER BY target, shard;

-- name: leaving_heads
-- Where every shard's feed ends.
SELECT shard, position, hash FROM shard ORDER BY shard;
