-- Every statement of the embedded ledger, by name. One line of purpose over each.

-- name: read_head
-- Who this ledger is and where its feed ends.
SELECT identity, epoch, head_position, head_hash, recorded_at, next_member, next_name FROM ledger;

-- name: write_head!
-- Move the end of the feed, in the transaction that wrote the entries.
UPDATE ledger SET head_position = ?, head_hash = ?, recorded_at = ?, next_member = ?, next_name = ?;

-- name: insert_entry!
-- Append one entry.
INSERT INTO entry (position, kind, member, points, currency, amount, source, order_id, refund_id, reason, program_version,
                   name_number, actor, occurred_at, board_at, recorded_at, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: entry_hash
-- The hash of the entry at a position.
SELECT hash FROM entry WHERE position = ?;

-- name: feed
-- Entries after a position, in commit order, with the member's id as it is today.
SELECT e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, e.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id
FROM entry e JOIN member m ON m.number = e.member WHERE e.position > ? ORDER BY e.position LIMIT ?;

-- name: outline
-- What boards need of the entries after a position: an id only with an enrolment, which is all that names one.
SELECT position, kind, member, points, name_number, board_at, recorded_at,
       CASE WHEN kind = 'enrol' THEN (SELECT member_id FROM member WHERE number = entry.member) END, NULL
FROM entry WHERE position > ? ORDER BY position LIMIT ?;

-- name: entry_at
-- One entry.
SELECT e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, e.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id
FROM entry e JOIN member m ON m.number = e.member WHERE e.position = ?;

-- name: member_entries
-- A member's point entries before a position, newest first.
SELECT e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, e.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id
FROM entry e JOIN member m ON m.number = e.member
WHERE e.member = (SELECT number FROM member WHERE member_id = ?) AND e.position < ?
  AND e.kind IN ('earn', 'reverse', 'adjust', 'redeem', 'expire')
ORDER BY e.position DESC LIMIT ?;

-- name: order_entries
-- The entries that an order and its refunds led to, oldest first.
SELECT e.position, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, e.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, m.member_id
FROM award a JOIN entry e ON e.member = a.member JOIN member m ON m.number = e.member
WHERE a.source = ?1 AND a.order_id = ?2 AND e.source = ?1 AND e.order_id = ?2 ORDER BY e.position;

-- name: look_up
-- Whether a document was taken before, and whose it is: one row, empty where there is nothing. As joins it takes thrice
-- the time.
SELECT (SELECT sequence FROM accepted WHERE source = ?1 AND id = ?2 AND kind = ?3),
       (SELECT number FROM member WHERE member_id = ?4);

-- name: find_accepted
-- A document that was taken before.
SELECT fingerprint, status, position FROM accepted WHERE source = ? AND id = ? AND kind = ?;

-- name: insert_accepted!
-- Remember a document for ever.
INSERT INTO accepted (kind, source, id, member, fingerprint, status, accepted_at) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: set_accepted!
-- What became of a document.
UPDATE accepted SET status = ?, position = ?, member = coalesce(member, ?) WHERE sequence = ?;

-- name: document_state
-- How far a document got; only where it is this member's, if one is named.
SELECT a.status, a.position, a.accepted_at, m.member_id, coalesce(i.reason, ''), i.member_id
FROM accepted a LEFT JOIN member m ON m.number = a.member LEFT JOIN inbox i ON i.sequence = a.sequence
WHERE a.source = ?1 AND a.id = ?2 AND a.kind = ?3 AND ifnull(?4 IN (m.member_id, i.member_id), ?4 IS NULL);

-- name: insert_inbox!
-- Put a document where the awarding finds it.
INSERT INTO inbox (sequence, state, kind, source, id, member_id, order_id, changed_at, content, raw)
VALUES (?, 'ready', ?, ?, ?, ?, ?, ?, ?, ?);

-- name: claim_ready
-- Documents to award, in order of acceptance.
SELECT i.sequence, i.kind, i.source, i.id, coalesce(a.member, m.number), i.order_id, a.accepted_at, i.content
FROM inbox i JOIN accepted a ON a.sequence = i.sequence LEFT JOIN member m ON m.member_id = i.member_id
WHERE i.state = 'ready' ORDER BY i.sequence LIMIT ?;

-- name: claim_overdue
-- Refunds that have waited for their order since before an instant.
SELECT i.sequence, i.kind, i.source, i.id, coalesce(a.member, m.number), i.order_id, a.accepted_at, i.content
FROM inbox i JOIN accepted a ON a.sequence = i.sequence LEFT JOIN member m ON m.member_id = i.member_id
WHERE i.state = 'waiting' AND i.changed_at < ? ORDER BY i.changed_at LIMIT ?;

-- name: claim_waiting
-- Refunds that wait for an order, in order of acceptance.
SELECT i.sequence, i.kind, i.source, i.id, coalesce(a.member, m.number), i.order_id, a.accepted_at, i.content
FROM inbox i JOIN accepted a ON a.sequence = i.sequence LEFT JOIN member m ON m.member_id = i.member_id
WHERE i.state = 'waiting' AND i.source = ? AND i.order_id = ? ORDER BY i.sequence;

-- name: set_inbox!
-- A document waits, goes to quarantine, or comes back.
UPDATE inbox SET state = ?, reason = ?, changed_at = ? WHERE sequence = ?;

-- name: delete_inbox!
-- A document was awarded.
DELETE FROM inbox WHERE sequence = ?;

-- name: any_ready
-- Whether there is something to award.
SELECT EXISTS (SELECT 1 FROM inbox WHERE state = 'ready');

-- name: count_ready
-- How many documents are accepted and not yet taken.
SELECT count(*) FROM inbox WHERE state = 'ready';

-- name: counts
-- How much lies where. Each count reads an index that holds what is not done, and nothing else.
SELECT
    (SELECT count(*) FROM inbox WHERE state = 'ready'),
    (SELECT changed_at FROM inbox WHERE state = 'ready' ORDER BY sequence LIMIT 1),
    (SELECT count(*) FROM inbox WHERE state = 'waiting'),
    (SELECT count(*) FROM inbox WHERE state = 'quarantined'),
    (SELECT count(*) FROM message WHERE state = 'due'),
    (SELECT count(*) FROM message WHERE state = 'held');

-- name: quarantine
-- Documents in quarantine after a sequence.
SELECT sequence, kind, source, id, reason, changed_at, raw FROM inbox
WHERE state = 'quarantined' AND sequence > ? ORDER BY sequence LIMIT ?;

-- name: leave_quarantine
-- An operator decided: back to the inbox, or given up; the bytes of what is given up are not kept.
UPDATE inbox SET state = ?1, changed_at = ?2, reason = ?3, raw = iif(?1 = 'dropped', x'', raw)
WHERE sequence = ?4 AND state = 'quarantined' RETURNING sequence;

-- name: read_award
-- What an order earned.
SELECT source, order_id, member, program_version, currency, amount, left_amount, points, reversed, board_at
FROM award WHERE source = ? AND order_id = ?;

-- name: write_award!
-- What an order earned, and what of it is left.
INSERT INTO award (source, order_id, member, program_version, currency, amount, left_amount, points, reversed, board_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (source, order_id) DO UPDATE SET left_amount = excluded.left_amount, reversed = excluded.reversed;

-- name: read_balance
-- A member's totals.
SELECT balance, earned, score FROM balance WHERE member = ?;

-- name: write_balance!
-- A member's new totals.
INSERT INTO balance (member, balance, earned, score) VALUES (?, ?, ?, ?)
ON CONFLICT (member) DO UPDATE SET balance = excluded.balance, earned = excluded.earned, score = excluded.score;

-- name: balance_by_id
-- A member's totals, by the shop's id.
SELECT b.balance, b.earned, b.score FROM member m LEFT JOIN balance b ON b.member = m.number WHERE m.member_id = ?;

-- name: insert_milestone
-- Reached once, for ever.
INSERT INTO milestone (member, name, points, reached_at, quiet) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING member;

-- name: member_by_id
-- A member, by the shop's id.
SELECT number, member_id, name_number, hidden, enrolled_at FROM member WHERE member_id = ?;

-- name: insert_member!
-- Enrol.
INSERT INTO member (number, member_id, name_number, enrolled_at) VALUES (?, ?, ?, ?);

-- name: set_hidden!
-- Leave the boards, or come back.
UPDATE member SET hidden = ? WHERE number = ?;

-- name: set_name!
-- Another proxy name.
UPDATE member SET name_number = ? WHERE number = ?;

-- name: forget_member!
-- Erase the id; the number and its entries stay.
UPDATE member SET member_id = NULL WHERE number = ?;

-- name: forget_contact!
-- Erase the address.
DELETE FROM contact WHERE member = ?;

-- name: link_waiting!
-- A refund that came before its member was known is that member's, also once the id is gone.
UPDATE accepted SET member = ?1 WHERE member IS NULL AND sequence IN (SELECT sequence FROM inbox WHERE member_id = ?2);

-- name: forget_raw!
-- Erase what was received from or about a member and is still kept, wherever it waits.
UPDATE inbox SET raw = x'', member_id = NULL
WHERE sequence IN (SELECT i.sequence FROM inbox i JOIN accepted a ON a.sequence = i.sequence WHERE a.member = ?);

-- name: write_contact!
-- Where a member is reached.
INSERT INTO contact (member, email) VALUES (?, ?) ON CONFLICT (member) DO UPDATE SET email = excluded.email;

-- name: programs
-- Every published version.
SELECT version, text FROM program ORDER BY version;

-- name: insert_program!
-- Publish a version.
INSERT INTO program (version, text, published_at) VALUES (?, ?, ?);

-- name: verify_entries
-- Entries after a position, without looking at the members: what is missing there hides nothing here.
SELECT position, kind, member, points, currency, amount, source, order_id, refund_id, reason, program_version,
       name_number, actor, occurred_at, board_at, recorded_at, hash
FROM entry WHERE position > ? AND position <= ? ORDER BY position LIMIT ?;

-- name: verify_members
-- Members with their totals, in chunks.
SELECT m.number, coalesce(b.balance, 0), coalesce(b.earned, 0), coalesce(b.score, 0), m.hidden, m.name_number,
       m.member_id IS NULL
FROM member m LEFT JOIN balance b ON b.member = m.number WHERE m.number > ? ORDER BY m.number LIMIT ?;

-- name: verify_accepted
-- Documents whose status does not fit where they are, or whose entry is not theirs.
SELECT a.kind, a.source, a.id, a.status, i.state, a.position
FROM accepted a LEFT JOIN inbox i ON i.sequence = a.sequence LEFT JOIN entry e ON e.position = a.position
WHERE a.sequence > ?1 AND a.sequence <= ?2 AND (
    (a.status = 'accepted') <> (i.state IS 'ready')
    OR (a.status = 'waiting') <> (i.state IS 'waiting')
    OR (a.status = 'quarantined') <> (coalesce(i.state, '') IN ('quarantined', 'dropped'))
    OR (i.sequence IS NOT NULL AND (i.kind, i.source, i.id) IS NOT (a.kind, a.source, a.id))
    OR (a.status = 'awarded') <> (a.position IS NOT NULL)
    OR (a.status = 'awarded') <> (
        e.source IS a.source AND e.member IS a.member AND CASE a.kind
            WHEN 'order' THEN e.kind = 'earn' AND e.order_id IS a.id
            WHEN 'refund' THEN e.kind = 'reverse' AND e.refund_id IS a.id
            WHEN 'adjustment' THEN e.kind = 'adjust'
            ELSE e.kind = 'redeem' END));

-- name: last_accepted
-- The last document taken.
SELECT coalesce(max(sequence), 0) FROM accepted;

-- name: end_of_chunk
-- The last of so many documents after a sequence; none where none is left.
SELECT max(sequence) FROM (SELECT sequence FROM accepted WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?);

-- name: verify_awards
-- Awarded orders for which what is kept for their refunds is not what their entries say.
SELECT a.source, a.id
FROM accepted a JOIN entry e ON e.position = a.position
LEFT JOIN award w ON w.source = a.source AND w.order_id = a.id
WHERE a.sequence > ?1 AND a.sequence <= ?2 AND a.kind = 'order' AND (
    (e.member, e.program_version, e.currency, e.amount, e.points, e.board_at)
        IS NOT (w.member, w.program_version, w.currency, w.amount, w.points, w.board_at)
    OR w.left_amount < 0 OR w.left_amount > w.amount OR (w.left_amount = 0 AND w.reversed <> w.points)
    OR (w.left_amount = w.amount AND w.reversed <> 0)
    OR (w.left_amount <> w.amount AND (w.reversed, w.left_amount) IS NOT (
        SELECT -coalesce(sum(r.points), 0), max(0, w.amount - coalesce(sum(r.amount), 0)) FROM entry r
        WHERE r.member = w.member AND r.kind = 'reverse' AND r.source = w.source AND r.order_id = w.order_id)));

-- name: insert_message!
-- A milestone's message; held while the member has no address.
INSERT INTO message (id, member, milestone, points, state, created_at, due_at)
VALUES (?1, ?2, ?3, ?4, iif(EXISTS (SELECT 1 FROM contact WHERE member = ?2), 'due', 'held'), ?5, ?5);

-- name: release_messages!
-- An address came: what was held for it is due.
UPDATE message SET state = 'due', due_at = ?2 WHERE member = ?1 AND state = 'held';

-- name: drop_messages!
-- The member was erased: what was not sent never is.
UPDATE message SET state = 'dropped' WHERE member = ? AND state IN ('due', 'held');

-- name: claim_messages
-- Messages to try now, put off for the time of one try, so that nobody else tries them meanwhile.
UPDATE message SET due_at = ?2, attempts = attempts + 1
WHERE id IN (SELECT id FROM message WHERE state = 'due' AND due_at <= ?1 ORDER BY due_at LIMIT ?3)
RETURNING id, milestone, points, created_at, attempts, (SELECT email FROM contact c WHERE c.member = message.member);

-- name: set_message!
-- What became of a try.
UPDATE message SET state = ?2, due_at = ?3, note = ?4 WHERE id = ?1 AND state = 'due';

-- name: give_up_held!
-- No address came in time.
UPDATE message SET state = 'undeliverable', note = 'no address'
WHERE id IN (SELECT id FROM message WHERE state = 'held' AND created_at < ? LIMIT 1000);

-- name: messages
-- What became of a member's messages.
SELECT s.id, s.milestone, s.points, s.state, s.created_at, s.attempts, s.note
FROM message s JOIN member m ON m.number = s.member WHERE m.member_id = ? ORDER BY s.created_at, s.id;

-- name: any_due
-- Whether there is a message to try.
SELECT EXISTS (SELECT 1 FROM message WHERE state = 'due' AND due_at <= ?);

-- name: find_intent
-- A purchase, by its order id.
SELECT order_id, fingerprint, state, member_id, member, content, total, currency, method, begun_at, reference, reason
FROM intent WHERE order_id = ?;

-- name: insert_intent!
-- Somebody is about to pay.
INSERT INTO intent (order_id, fingerprint, state, member_id, content, total, currency, method, begun_at)
VALUES (?, ?, 'open', ?, ?, ?, ?, ?, ?);

-- name: pay_intent!
-- The money was taken.
UPDATE intent SET state = 'paid', reference = ?2 WHERE order_id = ?1 AND state = 'open';

-- name: fail_intent!
-- The money was not taken; what the order was and whose is not kept.
UPDATE intent SET state = 'failure', reason = ?2, member_id = NULL, content = x'' WHERE order_id = ?1 AND state = 'open';

-- name: finish_intent!
-- The order was accepted; the ledger has it now.
UPDATE intent SET state = 'success', member_id = NULL, content = x'' WHERE order_id = ? AND state = 'paid';

-- name: forget_buyer!
-- Take an erased member out of the purchases under way; one that is paid for goes to the member's number.
UPDATE intent SET member_id = NULL, member = ?1 WHERE member_id = ?2;

-- name: intents_under_way
-- Purchases begun before an instant and not ended, oldest first.
SELECT order_id, fingerprint, state, member_id, member, content, total, currency, method, begun_at, reference, reason
FROM intent WHERE state IN ('open', 'paid') AND begun_at <= ?1 AND (begun_at, order_id) > (?2, ?3)
ORDER BY begun_at, order_id LIMIT ?4;
