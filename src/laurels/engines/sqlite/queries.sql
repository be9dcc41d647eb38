-- Every statement of the embedded ledger, by name. One line of purpose over each.

-- name: read_head
-- Where a shard's feed ends.
SELECT position, hash, recorded_at FROM shard WHERE shard = ?;

-- name: head_position
-- The last position of a shard's feed.
SELECT position FROM shard WHERE shard = ?;

-- name: write_head!
-- Move the end of a shard's feed, in the transaction that wrote the entries.
UPDATE shard SET position = ?, hash = ?, recorded_at = ? WHERE shard = ?;

-- name: insert_entry!
-- Append one entry.
INSERT INTO entry (place, kind, member, points, currency, amount, source, order_id, refund_id, reason, program_version,
                   name_number, actor, occurred_at, board_at, recorded_at, hash, format, details)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: entry_hash
-- The hash of the entry at a place.
SELECT hash FROM entry WHERE place = ?;

-- name: feed
-- Entries between two places, in commit order, with the member's id as it is today.
SELECT e.place, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id,
       coalesce(r.reason, e.reason), e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at,
       e.hash, m.member_id, e.format, e.details, r.note
FROM entry e JOIN member m ON m.number = e.member LEFT JOIN remark r ON r.place = e.place
WHERE e.place > ? AND e.place <= ? ORDER BY e.place LIMIT ?;

-- name: milestones_between
-- Milestones that the entries between two places passed, in their order.
SELECT place, name, points, quiet FROM milestone WHERE place > ? AND place <= ? ORDER BY place, name;

-- name: board_entries
-- What boards need of the entries between two places: an id only with an enrolment, which is all that names one.
SELECT place & 1099511627775, kind, member, points, name_number, board_at, recorded_at,
       CASE WHEN kind = 'enrol' THEN (SELECT member_id FROM member WHERE number = entry.member) END,
       CASE WHEN kind IN ('adjust', 'merge') THEN details END
FROM entry WHERE place > ? AND place <= ? ORDER BY place LIMIT ?;

-- name: entry_at
-- One entry.
SELECT e.place, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id,
       coalesce(r.reason, e.reason), e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at,
       e.hash, m.member_id, e.format, e.details, r.note
FROM entry e JOIN member m ON m.number = e.member LEFT JOIN remark r ON r.place = e.place
WHERE e.place = ?;

-- name: member_entries
-- A member's point entries in the stretches of places from ?1 down to ?5, before a place, newest first.
SELECT e.place, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id,
       coalesce(r.reason, e.reason), e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at,
       e.hash, m.member_id, e.format, e.details, r.note
FROM entry e JOIN member m ON m.number = e.member LEFT JOIN remark r ON r.place = e.place
WHERE e.place IN (
    WITH RECURSIVE stretch (number) AS (SELECT ?1 UNION ALL SELECT number - 1 FROM stretch WHERE number > ?5)
    SELECT o.place FROM stretch CROSS JOIN entry o ON o.place >> 16 = stretch.number AND o.member = ?2)
  AND e.place < ?3
  AND e.kind IN ('earn', 'reverse', 'adjust', 'redeem', 'expire', 'restore', 'merge', 'transfer')
ORDER BY e.place DESC LIMIT ?4;

-- name: merged_entries
-- The same of a member and of those who became it, by the time of recording.
SELECT e.place, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id,
       coalesce(r.reason, e.reason), e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at,
       e.hash, m.member_id, e.format, e.details, r.note
FROM entry e JOIN member m ON m.number = e.member LEFT JOIN remark r ON r.place = e.place
WHERE e.place IN (SELECT o.place FROM member w CROSS JOIN member_entry o ON o.member = w.number
                  WHERE w.number = ?1 OR w.merged_into = ?1)
  AND (?2 IS NULL OR (e.recorded_at, e.place) < (SELECT recorded_at, place FROM entry WHERE place = ?2))
  AND e.kind IN ('earn', 'reverse', 'adjust', 'redeem', 'expire', 'restore', 'merge', 'transfer')
ORDER BY e.recorded_at DESC, e.place DESC LIMIT ?3;

-- name: member_moves
-- The kinds and points alone of a member's point entries, as `member_entries` finds them: a third of the time.
SELECT e.place, e.kind, e.points FROM entry e
WHERE e.place IN (
    WITH RECURSIVE stretch (number) AS (SELECT ?1 UNION ALL SELECT number - 1 FROM stretch WHERE number > ?5)
    SELECT o.place FROM stretch CROSS JOIN entry o ON o.place >> 16 = stretch.number AND o.member = ?2)
  AND e.place < ?3
  AND e.kind IN ('earn', 'reverse', 'adjust', 'redeem', 'expire', 'restore', 'merge', 'transfer')
ORDER BY e.place DESC LIMIT ?4;

-- name: merged_moves
-- The same of a member and of those who became it, by the time of recording.
SELECT e.place, e.kind, e.points FROM entry e
WHERE e.place IN (SELECT o.place FROM member w CROSS JOIN member_entry o ON o.member = w.number
                  WHERE w.number = ?1 OR w.merged_into = ?1)
  AND (?2 IS NULL OR (e.recorded_at, e.place) < (SELECT recorded_at, place FROM entry WHERE place = ?2))
  AND e.kind IN ('earn', 'reverse', 'adjust', 'redeem', 'expire', 'restore', 'merge', 'transfer')
ORDER BY e.recorded_at DESC, e.place DESC LIMIT ?3;

-- name: entries_at
-- Entries at places: an array of them.
SELECT e.place, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id,
       coalesce(r.reason, e.reason), e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at,
       e.hash, m.member_id, e.format, e.details, r.note
FROM entry e JOIN member m ON m.number = e.member LEFT JOIN remark r ON r.place = e.place
WHERE e.place IN (SELECT value FROM carray(?));

-- name: enrolled_place
-- Where a member's enrolment is in the feed, before all of its other entries.
SELECT place FROM member WHERE number = ?;

-- name: order_entries
-- The entries that an order and its refunds led to, oldest first.
SELECT e.place, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id,
       coalesce(r.reason, e.reason), e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at,
       e.hash, m.member_id, e.format, e.details, r.note
FROM entry e JOIN member m ON m.number = e.member LEFT JOIN remark r ON r.place = e.place
WHERE e.place IN (SELECT value FROM json_each((SELECT CAST(places AS TEXT) FROM award WHERE source = ? AND order_id = ?)))
ORDER BY e.recorded_at, e.place;

-- name: look_up
-- Whether a document was taken before, and whose it is; no row where its member is not known. As a join it takes thrice
-- the time.
SELECT (SELECT sequence FROM accepted WHERE source = ?1 AND id = ?2 AND kind = ?3), number, merged_into, shard, secret
FROM member WHERE member_id = ?4;

-- name: look_up_many
-- The same for many documents in one answer, so that it is one step: a JSON array, by the documents' numbers in it. The
-- secret is hexadecimal; last comes whether it is known where the member is reached.
SELECT json_group_array(json_array(
    d.column1, (SELECT sequence FROM accepted WHERE source = d.column2 AND id = d.column3 AND kind = d.column4),
    m.number, m.merged_into, m.shard, hex(m.secret),
    EXISTS (SELECT 1 FROM contact WHERE member = coalesce(m.merged_into, m.number))
))
FROM (VALUES (?, ?, ?, ?, ?)) d JOIN member m ON m.member_id = d.column5;

-- name: look_up_alone
-- Whether a document was taken before.
SELECT sequence FROM accepted WHERE source = ? AND id = ? AND kind = ?;

-- name: find_accepted
-- A document that was taken before, and what keys its fingerprint.
SELECT a.fingerprint, a.status, a.place, a.member, m.secret
FROM accepted a LEFT JOIN member m ON m.number = a.member WHERE a.sequence = ?;

-- name: ids_of
-- The ids that answer for a member, after merges more than one.
SELECT member_id FROM member WHERE number = (SELECT coalesce(merged_into, number) FROM member WHERE number = ?1)
UNION ALL SELECT member_id FROM member WHERE merged_into = (SELECT coalesce(merged_into, number) FROM member WHERE number = ?1);

-- name: last_sequence
-- The highest sequence that was ever given.
SELECT seq FROM sqlite_sequence WHERE name = 'accepted';

-- name: insert_accepted!
-- Remember a document for ever. Without a sequence it gets the next one.
INSERT INTO accepted (sequence, kind, source, id, member, fingerprint, status, place, accepted_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: make_arriving!
-- A table of this connection's own memory for documents that arrive together (`arriving.py`).
CREATE TEMP TABLE arriving (n INTEGER PRIMARY KEY, kind, source, id, order_id, order_source, content, raw, actor, number,
                            shard, secret, is_plain);

-- name: hold_arriving!
-- Look up documents that arrived: their number, what they ask for (`arriving.py`), kind, source, id, member, order, its
-- source, content, raw bytes and actor. What names an erased member's order is that one's, and not plain. Rows without a
-- number fill a statement up.
INSERT INTO arriving
SELECT d.column1, d.column3, d.column4, d.column5, d.column7, d.column8, d.column9, d.column10, d.column11,
       m.number, m.shard, m.secret, (
           d.column2 < 2 AND m.merged_into IS NULL AND length(m.secret) = 16
           AND (d.column2 = 0 OR EXISTS (SELECT 1 FROM contact WHERE member = m.number))
           AND NOT EXISTS (SELECT 1 FROM accepted WHERE source = d.column4 AND id = d.column5 AND kind = d.column3)
           AND (d.column3 = 'order' OR d.column7 IS NULL OR NOT EXISTS (
               SELECT 1 FROM accepted o JOIN member e ON e.number = o.member
               WHERE o.source = coalesce(nullif(d.column8, ''), d.column4) AND o.id = d.column7 AND o.kind = 'order'
                 AND e.member_id IS NULL))
       ) IS TRUE
FROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)) d LEFT JOIN member m ON m.member_id = d.column6
WHERE d.column1 IS NOT NULL;

-- name: look_at_arriving
-- The highest sequence that was ever given, what keys each one's fingerprint (hexadecimal, one behind the other), and
-- the numbers of those that are not only to be written.
SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'accepted'),
       group_concat(iif(length(secret) = 16, hex(secret), '00000000000000000000000000000000'), ''),
       json_group_array(n) FILTER (WHERE NOT is_plain)
FROM arriving;

-- name: accept_arriving!
-- Remember those of a run for ever: what is added to their numbers, from which to before which, when, and all
-- fingerprints.
INSERT INTO accepted (sequence, kind, source, id, member, fingerprint, status, place, accepted_at)
SELECT ?1 + n, kind, source, id, number, substr(?5, 16 * n + 1, 16), ?6, NULL, ?4
FROM arriving WHERE n >= ?2 AND n < ?3 AND is_plain ORDER BY n;

-- name: queue_arriving!
-- Put those of a run where the awarding finds them; what it takes as `accept_arriving` does.
INSERT INTO inbox (sequence, state, kind, source, id, stranger, order_id, changed_at, content, raw, shard, order_source, actor)
SELECT ?1 + n, 'ready', kind, source, id, NULL, order_id, ?4, content, raw, shard,
       CASE WHEN order_id IS NOT NULL THEN coalesce(nullif(order_source, ''), source) END, actor
FROM arriving WHERE n >= ?2 AND n < ?3 AND is_plain ORDER BY n;

-- name: forget_arriving!
-- Nothing arrives any more.
DELETE FROM arriving;

-- name: set_accepted!
-- How far a document got.
UPDATE accepted SET status = ? WHERE sequence = ?;

-- name: document_state
-- How far a document got; only where it is this member's, if one is named.
SELECT a.status, a.place, a.accepted_at, m.member_id, coalesce(i.reason, ''), coalesce(i.state, '') = 'dropped',
       coalesce(i.content, c.content), coalesce(i.actor, e.actor), i.order_source, i.order_id
FROM accepted a LEFT JOIN member m ON m.number = a.member LEFT JOIN inbox i ON i.sequence = a.sequence
LEFT JOIN content c ON c.place = a.place LEFT JOIN entry e ON e.place = a.place
WHERE a.source = ?1 AND a.id = ?2 AND a.kind = ?3
  AND (?4 IS NULL OR (SELECT coalesce(merged_into, number) FROM member WHERE member_id = ?4) = coalesce(m.merged_into, m.number)
       OR i.stranger = keyed((SELECT secret FROM ledger), CAST(?4 AS BLOB)));

-- name: insert_inbox!
-- Put a document where the awarding finds it.
INSERT INTO inbox (sequence, state, kind, source, id, stranger, order_id, changed_at, content, raw, shard, order_source, actor)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: claim_ready
-- Documents of a shard to award, in order of acceptance.
SELECT i.sequence, i.kind, i.source, i.id, coalesce(m.merged_into, a.member), i.order_source, i.order_id, a.accepted_at,
       i.content, i.actor, m.number IS NOT NULL AND m.member_id IS NULL
FROM inbox i JOIN accepted a ON a.sequence = i.sequence LEFT JOIN member m ON m.number = a.member
WHERE i.state = 'ready' AND i.shard = ? ORDER BY i.sequence LIMIT ?;

-- name: claim_overdue
-- Documents of a shard that have waited for their order since before an instant.
SELECT i.sequence, i.kind, i.source, i.id, coalesce(m.merged_into, a.member), i.order_source, i.order_id, a.accepted_at,
       i.content, i.actor, m.number IS NOT NULL AND m.member_id IS NULL
FROM inbox i JOIN accepted a ON a.sequence = i.sequence LEFT JOIN member m ON m.number = a.member
WHERE i.state = 'waiting' AND i.shard = ? AND i.changed_at < ? ORDER BY i.changed_at LIMIT ?;

-- name: anything_waits
-- Whether any document waits for an order.
SELECT 1 FROM inbox WHERE state = 'waiting' LIMIT 1;

-- name: is_awaited
-- Whether anything waits for an order.
SELECT 1 FROM inbox WHERE state = 'waiting' AND order_source = ?1 AND order_id = ?2 LIMIT 1;

-- name: any_awaited
-- Whether anything waits for one of the orders in the inbox, by an array of their sequences.
SELECT 1
FROM carray(?) asked CROSS JOIN inbox o ON o.sequence = asked.value
CROSS JOIN inbox w ON w.state = 'waiting' AND w.order_source = o.order_source AND w.order_id = o.order_id
LIMIT 1;

-- name: claim_waiting
-- Documents that wait for an order, in order of acceptance: those of its member's shard.
SELECT i.sequence, i.kind, i.source, i.id, coalesce(m.merged_into, a.member), i.order_source, i.order_id, a.accepted_at,
       i.content, i.actor, m.number IS NOT NULL AND m.member_id IS NULL
FROM inbox i JOIN accepted a ON a.sequence = i.sequence LEFT JOIN member m ON m.number = a.member
WHERE i.state = 'waiting' AND i.order_source = ?1 AND i.order_id = ?2 AND i.shard = ?3 ORDER BY i.sequence;

-- name: set_inbox!
-- A document waits, goes to quarantine, or comes back.
UPDATE inbox SET state = ?, reason = ?, changed_at = ? WHERE sequence = ?;

-- name: quarantined_order
-- An order in quarantine.
SELECT i.sequence FROM accepted a JOIN inbox i ON i.sequence = a.sequence
WHERE a.source = ? AND a.id = ? AND a.kind = 'order' AND i.state = 'quarantined';

-- name: any_change
-- Whether any change of an order lies in the inbox.
SELECT 1 FROM inbox WHERE kind = 'amendment' AND state = 'ready' LIMIT 1;

-- name: changes_of
-- Changes of an order that lie in a shard's inbox.
SELECT sequence FROM inbox
WHERE kind = 'amendment' AND state = 'ready' AND order_source = ? AND order_id = ? AND shard = ?;

-- name: delete_inbox!
-- Documents were awarded: an array of their sequences.
DELETE FROM inbox WHERE sequence IN (SELECT value FROM carray(?));

-- name: count_ready
-- How many documents are accepted and not yet taken.
SELECT count(*) FROM inbox WHERE state = 'ready';

-- name: counts
-- How much lies where. Each count reads an index that holds what is not done, and nothing else. What is tried again keeps its
-- place, and is ready since later than what lies behind it.
SELECT
    (SELECT count(*) FROM inbox WHERE state = 'ready'),
    (SELECT min(changed_at) FROM (SELECT changed_at FROM inbox WHERE state = 'ready' ORDER BY sequence LIMIT 1000)),
    (SELECT count(*) FROM inbox WHERE state = 'waiting'),
    (SELECT count(*) FROM inbox WHERE state = 'quarantined'),
    (SELECT count(*) FROM message WHERE state = 'due'),
    (SELECT count(*) FROM (SELECT 1 FROM message WHERE state = 'held' LIMIT 100000));

-- name: quarantine
-- Documents in quarantine after a sequence, without their bytes.
SELECT sequence, kind, source, id, reason, changed_at, actor,
       (SELECT coalesce(m.merged_into, a.member) FROM accepted a LEFT JOIN member m ON m.number = a.member
        WHERE a.sequence = inbox.sequence) FROM inbox
WHERE state = 'quarantined' AND sequence > ? ORDER BY sequence LIMIT ?;

-- name: leave_quarantine
-- An operator decided: back to the inbox.
UPDATE inbox SET state = 'ready', changed_at = ?1, reason = ''
WHERE sequence = ?2 AND state = 'quarantined' RETURNING sequence;

-- name: drop_quarantined
-- Given up; its bytes and what it said are not kept, and people's words only where erasing finds them.
UPDATE inbox SET state = 'dropped', changed_at = ?1, raw = x'', content = x'',
    reason = ?2 || iif(stranger IS NOT NULL OR EXISTS (
        SELECT 1 FROM accepted a JOIN member m ON m.number = a.member
        WHERE a.sequence = inbox.sequence AND m.member_id IS NOT NULL), ?3, '')
WHERE sequence = ?4 AND state = 'quarantined' RETURNING sequence;

-- name: read_award
-- What an order earned; with what it said, where no frame is kept of it.
SELECT source, order_id, coalesce(m.merged_into, member), program_version, currency, amount, left_amount, points, reversed,
       board_at, frame, refunded, c.content
FROM award JOIN member m ON m.number = award.member
LEFT JOIN content c ON award.frame IS NULL AND c.place = json_extract(CAST(award.places AS TEXT), '$[0]')
WHERE source = ? AND order_id = ?;

-- name: write_award!
-- What an order earned, and what of it is left.
INSERT INTO award (source, order_id, member, program_version, currency, amount, left_amount, points, reversed, board_at,
                   frame, refunded, places)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (source, order_id) DO UPDATE SET member = excluded.member, program_version = excluded.program_version,
    currency = excluded.currency, amount = excluded.amount, left_amount = excluded.left_amount, points = excluded.points,
    reversed = excluded.reversed, board_at = excluded.board_at, frame = excluded.frame, refunded = excluded.refunded,
    places = excluded.places;

-- name: read_balance
-- A member's totals, by time and by month, and what the program keeps of it.
SELECT balance, earned, score, month, month_score, before_score, state FROM balance WHERE member = ?;

-- name: read_balances
-- The same of many members, by an array of their numbers, each with its number.
SELECT b.member, b.balance, b.earned, b.score, b.month, b.month_score, b.before_score, b.state
FROM carray(?) asked CROSS JOIN balance b ON b.member = asked.value;

-- name: write_balance!
-- A member's new totals.
INSERT INTO balance (member, balance, earned, score, month, month_score, before_score, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (member) DO UPDATE SET balance = excluded.balance, earned = excluded.earned, score = excluded.score,
    month = excluded.month, month_score = excluded.month_score, before_score = excluded.before_score, state = excluded.state;

-- name: balance_by_id
-- A member's totals, by the shop's id.
SELECT b.balance, b.earned, b.score
FROM member m LEFT JOIN balance b ON b.member = coalesce(m.merged_into, m.number) WHERE m.member_id = ?;

-- name: insert_milestone
-- Reached once, for ever.
INSERT INTO milestone (member, name, points, reached_at, quiet, place) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING member;

-- name: member_by_id
-- A member, by the shop's id; who became another one is that one.
SELECT n.number, n.member_id, n.name_number, n.hidden, n.enrolled_at, n.shard
FROM member m JOIN member n ON n.number = coalesce(m.merged_into, m.number) WHERE m.member_id = ?;

-- name: own_number
-- The number that the shop's id was given, whoever became whom since.
SELECT number FROM member WHERE member_id = ?;

-- name: numbers_of
-- The numbers of everybody who is one member now, by one of its ids; first the one that this id was given.
WITH own AS (SELECT number, coalesce(merged_into, number) AS stays FROM member WHERE member_id = ?)
SELECT own.stays AS number, own.stays <> own.number AS other FROM own
UNION ALL SELECT m.number, m.number <> own.number FROM own JOIN member m ON m.merged_into = own.stays
ORDER BY other, number;

-- name: insert_member!
-- Enrol.
INSERT INTO member (number, member_id, name_number, enrolled_at, shard, secret) VALUES (?, ?, ?, ?, ?, ?);

-- name: set_hidden!
-- Leave the boards, or come back.
UPDATE member SET hidden = ? WHERE number = ?;

-- name: set_name!
-- Another proxy name.
UPDATE member SET name_number = ? WHERE number = ?;

-- name: forget_member!
-- Erase the id and the secret; the number and its entries stay.
UPDATE member SET member_id = NULL, secret = NULL WHERE number = ?;

-- name: forget_contact!
-- Erase the address.
DELETE FROM contact WHERE member = ?;

-- name: write_contact!
-- Where a member is reached.
INSERT INTO contact (member, email) VALUES (?, ?) ON CONFLICT (member) DO UPDATE SET email = excluded.email;

-- name: programs
-- Every published version.
SELECT version, text, from_at, published_at, actor FROM program ORDER BY version;

-- name: insert_program!
-- Publish a version.
INSERT INTO program (version, text, published_at, from_at, actor) VALUES (?, ?, ?, ?, ?);

-- name: verify_entries
-- Entries between two places, without looking at the members: what is missing there hides nothing here.
SELECT place, kind, member, points, currency, amount, source, order_id, refund_id, reason, program_version,
       name_number, actor, occurred_at, board_at, recorded_at, hash, format, details
FROM entry WHERE place > ? AND place <= ? ORDER BY place LIMIT ?;

-- name: verify_members
-- Members with their totals, in chunks.
SELECT m.number, coalesce(b.balance, 0), coalesce(b.earned, 0), coalesce(b.score, 0), m.hidden, m.name_number,
       m.member_id IS NULL, m.merged_into, m.place, m.number < (SELECT next_member FROM ledger),
       coalesce(b.month, 0), coalesce(b.month_score, 0), coalesce(b.before_score, 0), m.member_id, m.enrolled_at
FROM member m LEFT JOIN balance b ON b.member = m.number WHERE m.number > ? ORDER BY m.number LIMIT ?;

-- name: verify_accepted
-- Documents whose status does not fit where they are, or whose entry is not theirs. Of an adjustment's id a digest is kept.
SELECT a.kind, a.source, a.id, a.status, i.state, a.place
FROM accepted a LEFT JOIN inbox i ON i.sequence = a.sequence LEFT JOIN entry e ON e.place = a.place
WHERE a.sequence > ?1 AND a.sequence <= ?2 AND (
    (a.status = 'accepted') <> (i.state IS 'ready')
    OR (a.status = 'waiting') <> (i.state IS 'waiting')
    OR (a.status = 'quarantined') <> (coalesce(i.state, '') IN ('quarantined', 'dropped'))
    OR (i.sequence IS NOT NULL AND (i.kind, i.source) IS NOT (a.kind, a.source))
    OR (i.sequence IS NOT NULL AND i.shard IS NOT coalesce((SELECT coalesce(n.shard, m.shard) FROM member m
                                    LEFT JOIN member n ON n.number = m.merged_into WHERE m.number = a.member), i.shard))
    OR (i.sequence IS NOT NULL AND a.id IS NOT iif(
        a.kind = 'adjustment', lower(hex(keyed((SELECT secret FROM ledger), CAST(i.id AS BLOB)))), i.id))
    OR (a.status = 'awarded') <> (a.place IS NOT NULL)
    OR (a.status = 'awarded') <> coalesce(
        e.source IS a.source
        AND (e.member = a.member OR (SELECT coalesce(merged_into, number) FROM member WHERE number = e.member)
                                    = (SELECT coalesce(merged_into, number) FROM member WHERE number = a.member)) AND CASE a.kind
            WHEN 'order' THEN e.kind = 'earn' AND e.order_id IS a.id
            WHEN 'refund' THEN e.kind = 'reverse' AND e.refund_id IS a.id
            WHEN 'cancellation' THEN e.kind = 'reverse' AND e.refund_id IS a.id
            WHEN 'amendment' THEN e.kind IN ('reverse', 'earn')
            WHEN 'adjustment' THEN e.kind = 'adjust'
            WHEN 'restoration' THEN e.kind = 'restore'
            WHEN 'hold' THEN e.kind = 'hold'
            WHEN 'void' THEN e.kind = 'void'
            WHEN 'transfer' THEN e.kind = 'transfer'
            WHEN 'given' THEN e.kind = 'transfer'
            WHEN 'grant' THEN e.kind = 'tier'
            ELSE e.kind = 'redeem' END, FALSE));

-- name: verify_content
-- What is kept of what documents said, but of those of erased members; with the ids of all who are one with their member.
SELECT a.kind, a.source, a.id, a.fingerprint, coalesce(c.content, i.content), m.secret, (SELECT secret FROM ledger), i.raw,
       i.reason, i.order_source, i.order_id, m.member_id,
       (SELECT json_group_array(o.member_id) FROM member o
        WHERE o.number = m.merged_into OR o.merged_into = coalesce(m.merged_into, m.number)), e.details
FROM accepted a LEFT JOIN content c ON c.place = a.place LEFT JOIN inbox i ON i.sequence = a.sequence
LEFT JOIN member m ON m.number = a.member LEFT JOIN entry e ON e.place = a.place
WHERE a.sequence > ?1 AND a.sequence <= ?2 AND coalesce(c.content, i.content, x'') <> x'' AND (a.member IS NULL OR m.secret IS NOT NULL);

-- name: change
-- What a change of an order is known by: its fingerprint, and what keys it.
SELECT a.fingerprint, m.secret FROM accepted a LEFT JOIN member m ON m.number = a.member
WHERE a.source = ? AND a.id = ? AND a.kind = 'amendment';

-- name: waiting_changes
-- The same of all that wait for an order.
SELECT a.fingerprint, m.secret FROM inbox i JOIN accepted a ON a.sequence = i.sequence LEFT JOIN member m ON m.number = a.member
WHERE i.order_source = ? AND i.order_id = ? AND i.kind = 'amendment';

-- name: last_accepted
-- The last document taken.
SELECT coalesce(max(sequence), 0) FROM accepted;

-- name: end_of_chunk
-- The last of so many documents after a sequence; none where none is left.
SELECT max(sequence) FROM (SELECT sequence FROM accepted WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?);

-- name: verify_awards
-- Awarded orders with what is kept of them, in chunks.
SELECT a.source, a.id, a.place, coalesce(m.merged_into, e.member), coalesce(n.merged_into, w.member), w.places, w.program_version,
       w.currency, w.amount, w.left_amount, w.points, w.reversed, w.board_at, w.frame, w.refunded
FROM accepted a JOIN entry e ON e.place = a.place
LEFT JOIN award w ON w.source = a.source AND w.order_id = a.id
LEFT JOIN member m ON m.number = e.member
LEFT JOIN member n ON n.number = w.member
WHERE a.sequence > ?1 AND a.sequence <= ?2 AND a.kind = 'order';

-- name: verify_order_entries
-- Entries at places, without looking at the members or at people's words.
SELECT e.place, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, e.reason,
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.hash, NULL, e.format, e.details,
       NULL
FROM json_each(?) p JOIN entry e ON e.place = p.value;

-- name: verify_milestones
-- Milestones that do not fit the entry that passed them, or their message. Of those from before their entry was kept, and those
-- of members who became another, no more is known.
SELECT m.member, m.name FROM milestone m LEFT JOIN entry e ON e.place = m.place
LEFT JOIN message s ON s.member = m.member AND s.milestone = m.name
WHERE m.place IS NOT NULL AND (e.member IS NOT m.member OR e.recorded_at IS NOT m.reached_at OR m.quiet <> (s.id IS NULL)
                               OR s.id IS NOT NULL AND (s.points, s.created_at) <> (m.points, m.reached_at));

-- name: verify_messages
-- Messages that no milestone decided, nor points that will lapse.
SELECT s.id FROM message s
WHERE s.milestone NOT LIKE 'lapse:%' AND NOT EXISTS (SELECT 1 FROM milestone m WHERE m.member = s.member AND m.name = s.milestone);

-- name: verify_redemptions
-- What is kept of redemptions of which points came back.
SELECT source, redemption_id, restored FROM redemption;

-- name: redeemed
-- What is kept of redemptions of which points came back.
SELECT source, redemption_id, spent FROM redemption ORDER BY source, redemption_id;

-- name: verify_closed_months
-- What members with numbers between two scored in closed months.
WITH RECURSIVE closed(month) AS (
    SELECT min(month) FROM closed_month
    UNION ALL SELECT (SELECT min(month) FROM closed_month WHERE month > closed.month) FROM closed WHERE month IS NOT NULL)
SELECT c.member, c.month, c.score FROM closed CROSS JOIN closed_month c ON c.month = closed.month
WHERE c.member > ? AND c.member <= ?;

-- name: accounts
-- Members with their totals and what the program keeps of them.
SELECT member, balance, earned, score, state FROM balance
WHERE member NOT IN (SELECT number FROM member WHERE merged_into IS NOT NULL) ORDER BY member;

-- name: states
-- The same of all, also of those that became another; and when each is looked at next, where a sweep finds it.
SELECT b.member, b.balance, b.earned, b.score, b.state, d.at FROM balance b JOIN member m ON m.number = b.member
LEFT JOIN (SELECT shard, member, min(at) AS at FROM due GROUP BY shard, member) d ON d.shard = m.shard AND d.member = b.member
ORDER BY b.member;

-- name: persons
-- What campaigns may ask of every member.
SELECT m.number, a.content, m.enrolled_at, keyed((SELECT secret FROM ledger), CAST(m.number AS BLOB))
FROM member m LEFT JOIN attribute a ON a.member = m.number ORDER BY m.number;

-- name: framed
-- Orders of which a frame is kept, after one.
SELECT source, order_id, coalesce(m.merged_into, member), program_version, currency, amount, left_amount, points, reversed,
       board_at, frame, refunded, NULL
FROM award JOIN member m ON m.number = award.member
WHERE frame IS NOT NULL AND (source, order_id) > (?, ?) ORDER BY source, order_id LIMIT ?;

-- name: awarded
-- Every document that was awarded, in the order of recording, with the first entry that it led to; frames of all orders, or
-- of those alone whose content is gone.
SELECT e.place, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, '',
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at,
       e.hash, NULL, e.format, e.details, '',
       a.kind, a.source, a.id, coalesce(m.merged_into, m.number), a.accepted_at, c.content, w.frame, w.refunded,
       n.program_version, n.board_at, n.details
FROM accepted a JOIN entry e ON e.place = a.place JOIN member m ON m.number = e.member
LEFT JOIN content c ON c.place = a.place
LEFT JOIN award w ON w.source = CASE WHEN (? OR c.content IS NULL) AND a.kind = 'order' THEN a.source END AND w.order_id = a.id
LEFT JOIN entry n ON n.place = CASE WHEN a.kind = 'amendment' THEN
    (SELECT min(x.place) FROM entry x WHERE x.place > e.place AND x.place < e.place + 64 AND x.kind = 'earn' AND x.order_id = e.order_id) END
ORDER BY e.recorded_at, e.place;

-- name: mergers
-- Both entries of each time that a member became another, in the order of recording.
SELECT e.place, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id, '',
       e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at,
       e.hash, NULL, e.format, e.details, ''
FROM entry e WHERE e.kind = 'merge' AND EXISTS (SELECT 1 FROM member WHERE merged_into IS NOT NULL)
ORDER BY e.recorded_at, e.place;

-- name: insert_message!
-- A milestone's message; held while the member has no address. It is due by the clock, which the feed may be ahead of.
INSERT INTO message (id, member, milestone, points, state, created_at, due_at)
VALUES (?1, ?2, ?3, ?4, iif(EXISTS (SELECT 1 FROM contact WHERE member = ?2), 'due', 'held'), ?5, ?6);

-- name: insert_reminder!
-- A message about points that are about to lapse; once for ever.
INSERT INTO message (id, member, milestone, points, state, created_at, due_at)
VALUES (?1, ?2, ?3, ?4, iif(EXISTS (SELECT 1 FROM contact WHERE member = ?2), 'due', 'held'), ?5, ?6) ON CONFLICT DO NOTHING;

-- name: release_messages!
-- An address came: what was held for it is due, of those who became the member, too. By the member: `+` keeps the index of
-- all that is held out of it.
UPDATE message SET state = 'due', due_at = ?2 WHERE +state = 'held'
AND member IN (SELECT number FROM member WHERE number = ?1 OR merged_into = ?1) AND EXISTS (SELECT 1 FROM contact WHERE member = ?1);

-- name: drop_told_twice!
-- Of what members who became one would both be told, what was sent is kept, or else the first.
WITH who (number) AS (SELECT number FROM member WHERE number = ?1 OR merged_into = ?1)
UPDATE message SET state = 'dropped', note = 'told already' WHERE +state IN ('due', 'held') AND member IN (SELECT number FROM who)
AND EXISTS (SELECT 1 FROM message o WHERE o.member IN (SELECT number FROM who) AND o.milestone = message.milestone
            AND (+o.state = 'sent' OR +o.state IN ('due', 'held') AND (o.created_at, o.id) < (message.created_at, message.id)));

-- name: drop_messages!
-- The member was erased: what was not sent never is.
UPDATE message SET state = 'dropped' WHERE member = ? AND state IN ('due', 'held');

-- name: claim_messages
-- Messages to try now, put off for the time of one try, so that nobody else tries them meanwhile. The address is that of
-- the member whom their own one became.
UPDATE message SET due_at = ?2, attempts = attempts + 1
WHERE id IN (SELECT id FROM message INDEXED BY message_due WHERE state = 'due' AND due_at <= ?1 ORDER BY due_at LIMIT ?3)
RETURNING id, milestone, points, created_at, attempts,
          (SELECT c.email FROM member m JOIN contact c ON c.member = coalesce(m.merged_into, m.number) WHERE m.number = message.member);

-- name: set_message!
-- What became of a try.
UPDATE message SET state = ?2, due_at = ?3, note = ?4 WHERE id = ?1 AND state = 'due';

-- name: give_up_held!
-- No address came in time.
UPDATE message SET state = 'undeliverable', note = 'no address'
WHERE id IN (SELECT id FROM message WHERE state = 'held' AND created_at < ? LIMIT 1000);

-- name: messages
-- What became of the messages of a member and of those who became it.
WITH who (number) AS (SELECT coalesce(merged_into, number) FROM member WHERE member_id = ?)
SELECT s.id, m.member_id, s.milestone, s.points, s.state, s.created_at, s.due_at, s.attempts, s.note
FROM message s JOIN member m ON m.number = s.member
WHERE m.number = (SELECT number FROM who) OR m.merged_into = (SELECT number FROM who) ORDER BY s.created_at, s.id;

-- name: milestones
-- What a member has passed; of those who became it, it has them too.
SELECT name FROM milestone WHERE member = (SELECT coalesce(merged_into, number) FROM member WHERE member_id = ?);

-- name: all_messages
-- Messages behind one of them, oldest first.
SELECT s.id, m.member_id, s.milestone, s.points, s.state, s.created_at, s.due_at, s.attempts, s.note
FROM message s CROSS JOIN member m ON m.number = s.member
WHERE (s.created_at, s.id) > (SELECT created_at, id FROM message WHERE id = ?1 UNION ALL SELECT -1, '' WHERE ?1 = '')
ORDER BY s.created_at, s.id LIMIT ?2;

-- name: messages_in_state
-- As `all_messages`, of those in one state.
SELECT s.id, m.member_id, s.milestone, s.points, s.state, s.created_at, s.due_at, s.attempts, s.note
FROM message s CROSS JOIN member m ON m.number = s.member
WHERE s.state = ?3
  AND (s.created_at, s.id) > (SELECT created_at, id FROM message WHERE id = ?1 UNION ALL SELECT -1, '' WHERE ?1 = '')
ORDER BY s.created_at, s.id LIMIT ?2;

-- name: messages_of_member
-- As `all_messages`, of one member, by its id; in one state, where one is named.
SELECT s.id, m.member_id, s.milestone, s.points, s.state, s.created_at, s.due_at, s.attempts, s.note
FROM member m CROSS JOIN message s ON s.member = m.number
WHERE m.member_id = ?4 AND (?3 IS NULL OR s.state = ?3)
  AND (s.created_at, s.id) > (SELECT created_at, id FROM message WHERE id = ?1 UNION ALL SELECT -1, '' WHERE ?1 = '')
ORDER BY s.created_at, s.id LIMIT ?2;

-- name: message
-- One of them.
SELECT s.id, m.member_id, s.milestone, s.points, s.state, s.created_at, s.due_at, s.attempts, s.note
FROM message s JOIN member m ON m.number = s.member WHERE s.id = ?;

-- name: kept_entries
-- All entries of a member and of those who became it, with what their documents said.
SELECT e.place, e.kind, e.member, e.points, e.currency, e.amount, e.source, e.order_id, e.refund_id,
       coalesce(r.reason, e.reason), e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at,
       e.hash, m.member_id, e.format, e.details, r.note, c.content
FROM entry e JOIN member m ON m.number = e.member LEFT JOIN remark r ON r.place = e.place
LEFT JOIN content c ON c.place = e.place
WHERE e.place IN (SELECT o.place FROM member w CROSS JOIN member_entry o ON o.member = w.number
                  WHERE w.number = ?1 OR w.merged_into = ?1)
ORDER BY e.recorded_at, e.place;

-- name: kept_documents
-- What came from or for a member and is not awarded. CROSS JOIN: what waits is walked, never all that ever came.
SELECT a.kind, a.source, a.id, a.status, a.accepted_at, i.reason, i.state = 'dropped', i.raw, i.content, i.actor
FROM inbox i CROSS JOIN accepted a ON a.sequence = i.sequence
WHERE a.member IN (SELECT number FROM member WHERE number = ?1 OR merged_into = ?1) ORDER BY a.sequence;

-- name: kept_purchases
-- What was bought at the checkout, or tried to, in the circles that a JSON array names. One is kept under circle and id.
SELECT substr(i.order_id, length(c.value) + 2), i.state, i.total, i.currency, i.method, i.begun_at, i.reason
FROM json_each(?) c CROSS JOIN intent i ON i.order_id > c.value || char(10) AND i.order_id < c.value || char(11)
ORDER BY i.begun_at, i.order_id;

-- name: members_by_prefix
-- Members whose ids begin so, in the order of ids.
SELECT m.member_id, c.email, m.hidden, m.enrolled_at, n.member_id
FROM member m LEFT JOIN contact c ON c.member = m.number LEFT JOIN member n ON n.number = m.merged_into
WHERE m.member_id >= ?1 AND m.member_id < ?1 || char(1114111) AND m.member_id > ?2 ORDER BY m.member_id LIMIT ?3;

-- name: members_by_email
-- Members with an address, in the order of ids.
SELECT m.member_id, c.email, m.hidden, m.enrolled_at, n.member_id
FROM contact c JOIN member m ON m.number = c.member LEFT JOIN member n ON n.number = m.merged_into
WHERE c.email = ?1 COLLATE NOCASE AND m.member_id >= ?2 AND m.member_id < ?2 || char(1114111) AND m.member_id > ?3
ORDER BY m.member_id LIMIT ?4;

-- name: retry_message
-- Due now, where it waits or is undeliverable and there is an address.
UPDATE message SET state = 'due', due_at = ?2 WHERE id = ?1 AND state IN ('due', 'undeliverable')
AND EXISTS (SELECT 1 FROM member m JOIN contact c ON c.member = coalesce(m.merged_into, m.number) WHERE m.number = message.member)
RETURNING id;

-- name: any_due
-- Whether there is a message to try.
SELECT EXISTS (SELECT 1 FROM message INDEXED BY message_due WHERE state = 'due' AND due_at <= ?);

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
-- name: read_heads
-- Where every shard's feed ends.
SELECT shard, position, hash FROM shard ORDER BY shard;

-- name: last_recorded
-- When the last entry was recorded.
SELECT coalesce(max(recorded_at), 0) FROM shard;

-- name: read_identity
-- Who this ledger is.
SELECT identity FROM ledger;

-- name: read_epoch
-- The epoch of its feed.
SELECT epoch FROM ledger;

-- name: read_ledger
-- Who this ledger is, its epoch and its number of shards.
SELECT identity, epoch, shards FROM ledger;

-- name: verify_ledger
-- The same, where the row can still be updated: under another key it breaks its own constraint at every change.
SELECT identity, epoch, shards FROM ledger WHERE one = 1;

-- name: read_epochs
-- Where each epoch after the first began.
SELECT epoch, shard, position, hash FROM epoch;

-- name: begin_epoch!
-- Another epoch begins where the feed ends now.
INSERT INTO epoch SELECT ledger.epoch, shard.shard, shard.position, shard.hash, ? FROM ledger, shard;

-- name: next_epoch!
-- A number above all earlier ones; by the clock, so that two restores of one copy begin two epochs.
UPDATE ledger SET epoch = max(epoch + 1, ?);

-- name: read_numbers
-- How many shards there are, what keys documents without a member, the next number of a member, and below which name
-- numbers were given in order.
SELECT shards, secret, next_member, next_name FROM ledger;

-- name: write_numbers!
-- The next number of a member.
UPDATE ledger SET next_member = ?;

-- name: numbered_names
-- Below which name numbers were given in order, by version 0.1, and since when they follow from the present key.
SELECT next_name, names_since FROM ledger;

-- name: is_free_name
-- Whether nobody bears this name number, or bore it.
SELECT NOT EXISTS (SELECT 1 FROM member WHERE name_number = ?1)
   AND NOT EXISTS (SELECT 1 FROM former_name WHERE name_number = ?1);

-- name: keep_former_name!
-- A member gets another name: this one is not given again.
INSERT INTO former_name SELECT name_number, number FROM member WHERE number = ? ON CONFLICT DO NOTHING;

-- name: former_bearer
-- Who bore this name number before a rename.
SELECT member FROM former_name WHERE name_number = ?;

-- name: count_renames
-- How often a member was renamed.
SELECT count(*) FROM entry WHERE place IN (SELECT place FROM member_entry WHERE member = ?) AND kind = 'rename';

-- name: read_names_key
-- What tells the key of the proxy names from another one; empty until one is shown.
SELECT names_key FROM ledger;

-- name: write_names_key!
-- Members are named under this key from now on.
UPDATE ledger SET names_key = ?1, names_since = iif(EXISTS (SELECT 1 FROM member), ?2, 0);

-- name: insert_remark!
-- People's words about an entry.
INSERT INTO remark (place, reason, note) VALUES (?, ?, ?);

-- name: insert_content!
-- What the document said that led to an entry.
INSERT INTO content (place, content) VALUES (?, ?);

-- name: member_key
-- A member's shard, and what keys its fingerprints; none once it was erased.
SELECT shard, secret FROM member WHERE number = ?;

-- name: whose_number
-- A member by number, or who it became: its shard, and what keys its fingerprints.
SELECT n.number, n.shard, n.secret FROM member m JOIN member n ON n.number = coalesce(m.merged_into, m.number)
WHERE m.number = ?;

-- name: owner
-- Whose a document is: the member who it became, the shard, whether the member was erased, and the stranger whom it is of.
SELECT coalesce(m.merged_into, a.member), coalesce(n.shard, m.shard, i.shard), m.number IS NOT NULL AND m.member_id IS NULL,
       i.stranger
FROM accepted a LEFT JOIN inbox i ON i.sequence = a.sequence LEFT JOIN member m ON m.number = a.member
LEFT JOIN member n ON n.number = m.merged_into
WHERE a.source = ? AND a.id = ? AND a.kind = ?;

-- name: find_document
-- Whether there is such a document.
SELECT sequence FROM accepted WHERE source = ? AND id = ? AND kind = ?;

-- name: set_awarded!
-- What a document led to.
UPDATE accepted SET status = 'awarded', place = new.column1 FROM (VALUES (?, ?)) AS new WHERE sequence = new.column2;

-- name: place_accepted!
-- Whose a document is that came before its member was known; its fingerprint is keyed again by that member's secret.
UPDATE accepted SET member = ?1, fingerprint = keyed((SELECT secret FROM member WHERE number = ?1), fingerprint)
WHERE sequence = ?2 AND member IS NULL;

-- name: has_strangers
-- Whether anything in the inbox is nobody's yet.
SELECT EXISTS (SELECT 1 FROM inbox WHERE stranger IS NOT NULL);

-- name: place_strangers!
-- What came for an id that was nobody's is this member's now.
UPDATE accepted SET member = ?1, fingerprint = keyed((SELECT secret FROM member WHERE number = ?1), fingerprint)
WHERE member IS NULL AND sequence IN (SELECT sequence FROM inbox WHERE stranger = ?2);

-- name: unmark_strangers!
-- And no stranger's any more.
UPDATE inbox SET stranger = NULL WHERE stranger = ?;

-- name: forget_stranger
-- Let go of what came for an id that is nobody's, and of people's words on dropping it (as `forget_received` does).
UPDATE inbox SET raw = x'', stranger = NULL,
    reason = CASE WHEN state = 'dropped' THEN substr(reason, 1, instr(reason || ': ', ': ') - 1)
                  WHEN kind = 'message' THEN 'its customer was erased' ELSE reason END
WHERE stranger = ? RETURNING sequence;

-- name: forget_naming
-- Let go of messages in quarantine that name a member beside others, by a digest of its id.
UPDATE inbox SET raw = x'', reason = 'its customer was erased'
WHERE state = 'quarantined' AND kind = 'message' AND raw <> x'' AND instr(content, ?) > 0
RETURNING sequence;

-- name: ready_shards
-- The shards that have something to award.
SELECT DISTINCT shard FROM inbox WHERE state = 'ready';

-- name: quarantined
-- One of them, whole; of an erased member's what it said is not told.
SELECT i.sequence, i.kind, i.source, i.id, i.reason, i.changed_at, i.actor, coalesce(m.merged_into, a.member), i.raw,
       iif(m.member_id IS NULL AND i.stranger IS NULL AND i.kind <> 'message', x'', i.content)
FROM accepted a JOIN inbox i ON i.sequence = a.sequence LEFT JOIN member m ON m.number = a.member
WHERE a.source = ? AND a.id = ? AND a.kind = ? AND i.state = 'quarantined';

-- name: award_places
-- Where an order's entries are.
SELECT places FROM award WHERE source = ? AND order_id = ?;

-- name: read_redemption
-- A redemption, or what was taken of a hold (`hold:ID`), and what of it came back.
SELECT coalesce(m.merged_into, e.member), -e.points, coalesce(r.restored, 0), r.spent
FROM accepted a JOIN entry e ON e.place = a.place JOIN member m ON m.number = e.member
LEFT JOIN redemption r ON r.source = a.source AND r.redemption_id = ?2
WHERE a.source = ?1 AND (a.id = ?2 AND a.kind = 'redemption' OR a.id = ?3 AND a.kind = 'capture')
ORDER BY a.kind DESC LIMIT 1;

-- name: write_redemption!
-- What of a redemption came back, and what can.
INSERT INTO redemption (source, redemption_id, restored, spent) VALUES (?, ?, ?, ?)
ON CONFLICT (source, redemption_id) DO UPDATE SET restored = excluded.restored, spent = excluded.spent;

-- name: insert_due!
-- What happens to a member by the clock.
INSERT INTO due (shard, at, member, what) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: look_at!
-- A sweep is to look at members, in a JSON list of number and instant.
INSERT INTO due (shard, at, member, what) SELECT m.shard, json_extract(e.value, '$[1]'), m.number, x''
FROM json_each(?) e JOIN member m ON m.number = json_extract(e.value, '$[0]') WHERE m.merged_into IS NULL ON CONFLICT DO NOTHING;

-- name: claim_due
-- Members of a shard to whom something has happened by the clock, the longest ago first.
SELECT at, member FROM due WHERE shard = ? AND at <= ? ORDER BY at, member LIMIT ?;

-- name: delete_due!
-- They are written down, up to the last that was claimed: a part of the key, whatever else is due.
DELETE FROM due WHERE shard = ? AND (at, member) <= (?, ?);

-- name: forget_due!
-- Nothing happens to a member by itself any more.
DELETE FROM due WHERE member = ?;

-- name: merge_attributes!
-- What is said of a member goes over where nothing is said of the other.
INSERT INTO attribute (member, content) SELECT ?1, content FROM attribute WHERE member = ?2 ON CONFLICT (member) DO NOTHING;

-- name: read_budgets
-- What is used of budgets.
SELECT name, used FROM budget;

-- name: use_budget!
-- More, or less, of a budget is used.
INSERT INTO budget (name, used) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET used = used + excluded.used;

-- name: read_person
-- What campaigns may ask of a member.
SELECT a.content, m.enrolled_at, keyed((SELECT secret FROM ledger), CAST(m.number AS BLOB))
FROM member m LEFT JOIN attribute a ON a.member = m.number WHERE m.number = ?;

-- name: read_people
-- The same of many members, by number, in a JSON list.
SELECT m.number, a.content, m.enrolled_at, keyed((SELECT secret FROM ledger), CAST(m.number AS BLOB))
FROM json_each(?) asked JOIN member m ON m.number = asked.value LEFT JOIN attribute a ON a.member = m.number;

-- name: read_orders
-- How many orders a member has that have a total and are not wholly refunded, and when the last of all was.
SELECT count(*) FILTER (WHERE w.amount > 0 AND w.left_amount > 0), max(w.board_at) FROM award w
WHERE (w.source, w.order_id) IN (
    SELECT source, order_id FROM entry WHERE place IN (SELECT place FROM member_entry WHERE member = ?1) AND kind = 'earn');

-- name: read_secret
-- The ledger's.
SELECT secret FROM ledger;

-- name: write_attributes!
-- What the shop says of a member.
INSERT INTO attribute (member, content) VALUES (?, ?) ON CONFLICT (member) DO UPDATE SET content = excluded.content;

-- name: forget_attributes!
-- Erase that.
DELETE FROM attribute WHERE member = ?;

-- name: account_by_id
-- A member's totals with what the program keeps of it, by the shop's id.
SELECT coalesce(m.merged_into, m.number), b.balance, b.earned, b.score, b.state
FROM member m LEFT JOIN balance b ON b.member = coalesce(m.merged_into, m.number) WHERE m.member_id = ?;

-- name: add_to_closed_month!
-- What a member scored in a month that is closed.
INSERT INTO closed_month (month, member, score) VALUES (?, ?, ?)
ON CONFLICT (month, member) DO UPDATE SET score = score + excluded.score;

-- name: unjoined
-- The name number of a member whose enrolment is not in the feed yet.
SELECT name_number FROM member WHERE number = ? AND place IS NULL;

-- name: set_joined!
-- Where a member's enrolment is in the feed.
UPDATE member SET place = ? WHERE number = ?;

-- name: merged_with
-- A member, and those who became it.
SELECT number, shard, member_id FROM member WHERE number = ?1 OR merged_into = ?1;

-- name: forget_received!
-- Erase what was received from or about a member and is still kept, wherever it waits; and people's words on dropping it,
-- which stand behind the first colon and space. What it says goes once it is awarded, or dropped (earlier versions kept it).
-- Why a message could not be read may quote it.
UPDATE inbox SET raw = x'', stranger = NULL, content = iif(state = 'dropped', x'', content),
    reason = CASE WHEN state = 'dropped' THEN substr(reason, 1, instr(reason || ': ', ': ') - 1)
                  WHEN kind = 'message' THEN 'its customer was erased' ELSE reason END
WHERE sequence IN (SELECT i.sequence FROM inbox i CROSS JOIN accepted a ON a.sequence = i.sequence WHERE a.member = ?);

-- name: forget_remarks!
-- Erase people's words about a member's entries.
DELETE FROM remark WHERE place IN (SELECT place FROM member_entry WHERE member = ?);

-- name: forget_content!
-- Erase what a member's documents said.
DELETE FROM content WHERE place IN (SELECT place FROM member_entry WHERE member = ?);

-- name: contact
-- Where a member is reached.
SELECT email FROM contact WHERE member = ?;

-- name: write_first_contact
-- Where a member is reached, if nothing is known.
INSERT INTO contact (member, email) VALUES (?, ?) ON CONFLICT (member) DO NOTHING RETURNING member;

-- name: newest_program
-- The newest published version.
SELECT max(version) FROM program;

-- name: insert_draft!
-- Keep a program that was handed in.
INSERT INTO draft (digest, version, text, submitted_by, submitted_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- name: drafts
-- Programs that were handed in, the newest first.
SELECT digest, version, text, submitted_by, submitted_at, approved_by, approved_at FROM draft ORDER BY submitted_at DESC, digest;

-- name: draft
-- One of them.
SELECT digest, version, text, submitted_by, submitted_at, approved_by, approved_at FROM draft WHERE digest = ?;

-- name: approve_draft!
-- Somebody put it in force.
UPDATE draft SET approved_by = ?, approved_at = ? WHERE digest = ? AND approved_by IS NULL;

-- name: program_events
-- What was done with programs, oldest first.
SELECT position, at, actor, act, version, digest, rehearsal, content, hash FROM program_event ORDER BY position;

-- name: last_program_event
-- The last of it.
SELECT position, at, actor, act, version, digest, rehearsal, content, hash FROM program_event ORDER BY position DESC LIMIT 1;

-- name: insert_program_event!
-- Append to it.
INSERT INTO program_event (position, at, actor, act, version, digest, rehearsal, content, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: awarders
-- The processes that award, by their word of late.
SELECT owner FROM awarder WHERE until > ? AND until <= ?;

-- name: note_awarder!
-- A process awards.
INSERT INTO awarder (owner, until) VALUES (?, ?) ON CONFLICT (owner) DO UPDATE SET until = excluded.until;

-- name: forget_awarders!
-- Processes that have not said so for a while.
DELETE FROM awarder WHERE until <= ? OR until > ?;

-- name: forget_awarder!
-- One that ends.
DELETE FROM awarder WHERE owner = ?;

-- name: leases_of
-- What an owner holds, and has held last.
SELECT shard, fence FROM lease WHERE owner = ?;

-- name: renew_lease!
-- Hold on to a shard.
UPDATE lease SET until = ? WHERE shard = ?;

-- name: release_lease!
-- Let go of a shard.
UPDATE lease SET until = 0, owner = '' WHERE shard = ?;

-- name: release_leases!
-- Let go of all that an owner holds.
UPDATE lease SET until = 0, owner = '' WHERE owner = ?;

-- name: free_shards
-- Shards that nobody holds but perhaps one owner.
SELECT shard.shard FROM shard LEFT JOIN lease ON lease.shard = shard.shard
WHERE lease.owner IS NOT ? AND NOT (coalesce(lease.until, 0) > ? AND lease.until <= ?) ORDER BY shard.shard LIMIT ?;

-- name: take_lease
-- Take a shard; the fence tells whoever held it.
INSERT INTO lease (shard, owner, fence, until) VALUES (?, ?, 1, ?)
ON CONFLICT (shard) DO UPDATE SET owner = excluded.owner, fence = fence + 1, until = excluded.until RETURNING fence;

-- name: lease_fence
-- The fence of whoever took the shard last.
SELECT fence FROM lease WHERE shard = ?;

-- name: checkpoint_members
-- Members with their totals after a number, those whose enrolment is in the feed.
SELECT m.number, m.member_id, m.name_number, m.hidden, m.merged_into, coalesce(b.score, 0), coalesce(b.month, 0),
       coalesce(b.month_score, 0), coalesce(b.before_score, 0)
FROM member m LEFT JOIN balance b ON b.member = m.number
WHERE m.place IS NOT NULL AND m.number > ? ORDER BY m.number LIMIT ?;

-- name: checkpoint_closed_months
-- Scores of closed months after a month and a member.
SELECT month, member, score FROM closed_month WHERE (month, member) > (?, ?) ORDER BY month, member LIMIT ?;

-- name: oldest_content
-- The first of what is kept of a shard's documents, with the times at which they were awarded: those never go back.
SELECT c.place, e.recorded_at FROM content c JOIN entry e ON e.place = c.place
WHERE c.place > ? AND c.place <= ? ORDER BY c.place LIMIT ?;

-- name: forget_old_content
-- Let go of what documents said, up to a place.
DELETE FROM content WHERE place > ? AND place <= ? RETURNING place;

-- name: member_itself
-- A member by the shop's id, whatever it became.
SELECT number, shard, merged_into FROM member WHERE member_id = ?;

-- name: merge_member!
-- A member becomes another, and so do those who became it.
UPDATE member SET merged_into = ?1 WHERE number = ?2 OR merged_into = ?2;

-- name: market_entries
-- What a member's market follows from, newest first: entries that name a currency, mergers and transfers. Costs by its
-- entries.
SELECT currency, details FROM entry WHERE place IN (SELECT place FROM member_entry WHERE member = ?)
AND (currency IS NOT NULL OR kind IN ('merge', 'transfer')) ORDER BY place DESC;

-- name: merge_contact!
-- The address goes over where the other has none.
INSERT INTO contact (member, email) SELECT ?1, email FROM contact WHERE member = ?2 ON CONFLICT (member) DO NOTHING;

-- name: move_inbox!
-- What is on its way goes over to the other's shard, also that of those who became the one before.
UPDATE inbox SET shard = ?1
WHERE sequence IN (SELECT i.sequence FROM inbox i CROSS JOIN accepted a ON a.sequence = i.sequence
                   WHERE a.member IN (SELECT number FROM member WHERE merged_into = ?2));

-- name: merge_milestones!
-- What either reached is reached: nothing is sent again.
INSERT INTO milestone (member, name, points, reached_at, quiet)
SELECT ?1, name, points, reached_at, quiet FROM milestone WHERE member = ?2 ON CONFLICT DO NOTHING;

-- name: closed_months_of
-- What a member scored in closed months: a look-up a month, however many members there are.
WITH RECURSIVE closed(month) AS (
    SELECT min(month) FROM closed_month
    UNION ALL SELECT (SELECT min(month) FROM closed_month WHERE month > closed.month) FROM closed WHERE month IS NOT NULL)
SELECT c.month, c.score FROM closed CROSS JOIN closed_month c ON c.month = closed.month AND c.member = ?;

-- name: forget_closed_months!
-- It is another's now.
WITH RECURSIVE closed(month) AS (
    SELECT min(month) FROM closed_month
    UNION ALL SELECT (SELECT min(month) FROM closed_month WHERE month > closed.month) FROM closed WHERE month IS NOT NULL)
DELETE FROM closed_month WHERE month IN (SELECT month FROM closed) AND member = ?;

-- name: take_follower_lease
-- Take or renew the lease of a target; nothing where another owner has it. A lease that ends later than one that is given
-- now was given by a clock that has gone back since.
INSERT INTO follower_lease (target, owner, until) VALUES (?1, ?2, ?3)
ON CONFLICT (target) DO UPDATE SET owner = ?2, until = ?3 WHERE owner = ?2 OR until <= ?4 OR until > ?3
RETURNING owner;

-- name: follower_owner
-- Who sends to a target.
SELECT owner FROM follower_lease WHERE target = ?;

-- name: release_follower!
-- End a lease.
DELETE FROM follower_lease WHERE target = ? AND owner = ?;

-- name: follower_marks
-- How far a target got in each shard.
SELECT shard, position, hash FROM follower WHERE target = ?;

-- name: write_follower!
-- Note how far a target got in a shard.
INSERT INTO follower (target, shard, position, hash) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (target, shard) DO UPDATE SET position = ?3, hash = ?4;

-- name: audit_head
-- Where the audit log ends.
SELECT position, hash, at FROM audit_head;

-- name: write_audit_head!
-- Move the end of the audit log.
UPDATE audit_head SET position = ?, hash = ?, at = ?;

-- name: insert_audit!
-- Append a row of the audit log.
INSERT INTO audit (position, at, sub, name, roles, action, member, object, outcome, request_id, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: first_audit_since
-- The position from which on rows of the audit log are of an instant or later. Their times never go back, so halving
-- finds it: some twenty-five look-ups in a log of millions.
WITH RECURSIVE half(low, high) AS (
    SELECT cut_position + 1, position + 1 FROM audit_head
    UNION ALL
    SELECT iif(a.at < ?1, a.position + 1, half.low), iif(a.at < ?1, half.high, a.position)
    FROM half JOIN audit a ON a.position = (half.low + half.high) / 2 WHERE half.low < half.high
)
SELECT max(low) FROM half;

-- name: audit
-- Rows of the audit log, newest first.
SELECT position, at, sub, name, roles, action, member, object, outcome, request_id, hash FROM audit
WHERE position < ?1 AND (?2 IS NULL OR action = ?2) AND position >= ?3 ORDER BY position DESC LIMIT ?4;

-- name: audit_of_sub
-- The same of a person.
SELECT position, at, sub, name, roles, action, member, object, outcome, request_id, hash FROM audit
WHERE position < ?1 AND (?2 IS NULL OR action = ?2) AND position >= ?3 AND sub = ?5
AND (?6 IS NULL OR member = ?6) ORDER BY position DESC LIMIT ?4;

-- name: audit_people
-- The last row of each person behind a `sub`, in the order of those; each is found by a step in the index.
WITH RECURSIVE each(sub, n) AS (
    SELECT (SELECT min(sub) FROM audit WHERE sub > ?1), 1
    UNION ALL
    SELECT (SELECT min(a.sub) FROM audit a WHERE a.sub > each.sub), n + 1 FROM each WHERE each.sub IS NOT NULL AND n < ?2
)
SELECT a.position, a.at, a.sub, a.name, a.roles, a.action, a.member, a.object, a.outcome, a.request_id, a.hash
FROM each JOIN audit a ON a.position = (SELECT max(position) FROM audit b WHERE b.sub = each.sub) ORDER BY each.n;

-- name: audit_of_member
-- The same of a member.
SELECT position, at, sub, name, roles, action, member, object, outcome, request_id, hash FROM audit
WHERE position < ?1 AND (?2 IS NULL OR action = ?2) AND position >= ?3 AND member = ?5
ORDER BY position DESC LIMIT ?4;

-- name: verify_audit
-- Rows of the audit log, oldest first.
SELECT position, at, sub, name, roles, action, member, object, outcome, request_id, hash FROM audit
WHERE position > ? ORDER BY position LIMIT ?;

-- name: audit_ends
-- Where the audit log begins and ends.
SELECT cut_position, cut_hash, position, hash FROM audit_head;

-- name: last_audit_before
-- The last of the first rows of the audit log, as far as they are before an instant.
SELECT position, hash FROM (SELECT position, hash, at FROM audit ORDER BY position LIMIT ?2)
WHERE at < ?1 ORDER BY position DESC LIMIT 1;

-- name: move_audit_cut!
-- What is before this is let go of.
UPDATE audit_head SET cut_position = ?, cut_hash = ?;

-- name: cut_audit
-- Let go of it.
DELETE FROM audit WHERE position <= ? RETURNING position;

-- name: customer
-- A member by its number, whatever became of it.
SELECT m.number, m.member_id, m.name_number, m.hidden, m.enrolled_at, m.merged_into, c.email,
       coalesce(b.balance, 0), coalesce(b.earned, 0), coalesce(b.score, 0)
FROM member m LEFT JOIN contact c ON c.member = m.number LEFT JOIN balance b ON b.member = m.number
WHERE m.number = ?;

-- name: numbers_by_id
-- Who has this id.
SELECT number FROM member WHERE member_id = ?;

-- name: numbers_by_email
-- Who is reached at this address.
SELECT member FROM contact WHERE email = ? COLLATE NOCASE ORDER BY member LIMIT 20;

-- name: numbers_by_name
-- Who has this name number.
SELECT number FROM member WHERE name_number = ?;

-- name: numbers_from
-- Whose ids begin so.
SELECT number FROM member WHERE member_id >= ?1 AND member_id < ?2 ORDER BY member_id LIMIT ?3;

-- name: next_source
-- The first source after one.
SELECT min(source) FROM accepted WHERE source > ?;

-- name: documents_called
-- The documents of a source that have an id; of an adjustment a digest of it is kept. Of an OR the index would find the
-- source alone, and read all that it has.
SELECT a.kind, a.source, coalesce(m.merged_into, a.member), a.place
FROM accepted a LEFT JOIN member m ON m.number = a.member
WHERE a.source = ?1 AND a.id IN (?2, ?3) AND (a.id = ?2) = (a.kind <> 'adjustment') ORDER BY a.kind;

-- name: own_documents_called
-- The documents of members' own circles that have an id.
SELECT a.kind, a.source, coalesce(m.merged_into, a.member), a.place
FROM accepted a LEFT JOIN member m ON m.number = a.member
WHERE a.id = ? AND a.source >= 'member:' AND a.source < 'member;' ORDER BY a.sequence LIMIT ?;

-- name: content_at
-- What the document said that led to the entry at a place.
SELECT content FROM content WHERE place = ?;

-- name: redemption_at
-- The redemption that led to the entry at a place, by its own id, and how many of its points came back.
SELECT a.id, coalesce(r.restored, 0)
FROM accepted a LEFT JOIN redemption r ON r.source = a.source AND r.redemption_id = a.id
WHERE a.place = ? AND a.kind = 'redemption';

-- name: rollup
-- How the roll-ups were made, and when it was looked what falls due.
SELECT scheme, due_at FROM rollup;

-- name: rollup_marks
-- Up to which entry of each shard they go.
SELECT shard, position, hash FROM rollup_mark;

-- name: write_rollup_mark!
-- Note how far they got, in the transaction that adds to them.
INSERT INTO rollup_mark VALUES (?1, ?2, ?3) ON CONFLICT (shard) DO UPDATE SET position = ?2, hash = ?3;

-- name: add_to_rollup_cell!
-- Add to what is summed.
INSERT INTO rollup_cell VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (basis, day, kind, part, source, market) DO UPDATE
SET points = points + excluded.points, entries = entries + excluded.entries, amount = amount + excluded.amount;

-- name: rollup_member
-- What is kept of a member.
SELECT market, tier, active_on FROM rollup_member WHERE number = ?;

-- name: write_rollup_member!
-- Keep what counting its next entry needs.
INSERT INTO rollup_member VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (number) DO UPDATE SET market = ?2, tier = ?3, active_on = ?4;

-- name: begin_rollup!
-- How they are made from now on.
UPDATE rollup SET scheme = ?, due_at = 0;

-- name: drop_rollup_marks!
-- They begin anew.
DELETE FROM rollup_mark;

-- name: drop_rollup_cells!
-- They begin anew.
DELETE FROM rollup_cell;

-- name: drop_rollup_members!
-- They begin anew.
DELETE FROM rollup_member;

-- name: drop_rollup_due!
-- It is looked anew.
DELETE FROM rollup_due;

-- name: rollup_sums
-- Sums of the days from ?2 up to and without ?3, by periods of ?4, with parts (?5) and sources (?6) apart.
SELECT ?1, day / ?4 AS period, kind, CASE WHEN ?5 THEN part ELSE '' END AS of_part,
       CASE WHEN ?6 THEN source ELSE '' END AS of_source, market, sum(points), sum(entries), sum(amount)
FROM rollup_cell WHERE basis = ?1 AND day >= ?2 AND day < ?3
GROUP BY period, kind, of_part, of_source, market ORDER BY period, kind, of_part, of_source, market;

-- name: rollup_cells
-- Every cell.
SELECT basis, day, kind, part, source, market, points, entries, amount FROM rollup_cell
ORDER BY basis, day, kind, part, source, market;

-- name: looked_at_due!
-- When it was looked what falls due.
UPDATE rollup SET due_at = ?;

-- name: write_rollup_due!
-- What falls due on a day.
INSERT INTO rollup_due VALUES (?, ?, ?, ?);

-- name: rollup_due
-- What falls due on the days from ?1 up to and without ?2.
SELECT what, day, points, members FROM rollup_due WHERE day >= ?1 AND day < ?2 ORDER BY what, day;

-- name: insert_job
-- Keep a job.
INSERT INTO job (kind, state, actor, digest, about, total, created_at) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number;

-- name: open_job
-- The job of a digest that has not ended.
SELECT number FROM job WHERE digest = ? AND state IN ('proposed', 'ready', 'running');

-- name: write_job_content!
-- Keep what a job works on, or what it gave.
INSERT INTO job_content VALUES (?1, ?2, ?3) ON CONFLICT (number, what) DO UPDATE SET kept = ?3;

-- name: replace_job_content
-- Other content than what a job works on, where that is as it was read.
UPDATE job_content SET kept = ?2 WHERE number = ?1 AND what = 'content' AND kept = ?3 RETURNING number;

-- name: drop_job_content!
-- Let go of what a job worked on.
DELETE FROM job_content WHERE number = ? AND what = 'content';

-- name: job_content
-- What a job works on, or what it gave.
SELECT kept FROM job_content WHERE number = ? AND what = ?;

-- name: job
-- A job.
SELECT number, kind, state, actor, approver, digest, about, total, done, tally, error, stopping, fence, created_at,
       decided_at, ended_at, EXISTS (SELECT 1 FROM job_content c WHERE c.number = job.number AND c.what = 'file')
           OR (state = 'done' AND EXISTS (SELECT 1 FROM job_part p WHERE p.number = job.number))
FROM job WHERE number = ?;

-- name: jobs
-- Jobs before one, newest first, in the states that a JSON array names, perhaps of one kind.
SELECT number, kind, state, actor, approver, digest, about, total, done, tally, error, stopping, fence, created_at,
       decided_at, ended_at, EXISTS (SELECT 1 FROM job_content c WHERE c.number = job.number AND c.what = 'file')
           OR (state = 'done' AND EXISTS (SELECT 1 FROM job_part p WHERE p.number = job.number))
FROM job WHERE number < ?1 AND state IN (SELECT value FROM json_each(?2)) AND (?4 IS NULL OR kind = ?4)
ORDER BY number DESC LIMIT ?3;

-- name: decide_job!
-- Somebody decided on a proposal.
UPDATE job SET state = ?2, approver = ?3, decided_at = ?4, ended_at = ?5 WHERE number = ?1;

-- name: stop_job!
-- A job is to be stopped, or is: where nobody works on it.
UPDATE job SET stopping = 1, state = CASE WHEN state = 'running' THEN state ELSE 'stopped' END,
               ended_at = CASE WHEN state = 'running' THEN NULL ELSE ?2 END
WHERE number = ?1 AND state IN ('proposed', 'ready', 'running');

-- name: free_job
-- The oldest job that nobody works on. A lease that ends later than one given now was given by a clock gone back since.
SELECT number FROM job
WHERE state = 'ready' OR (state = 'running' AND (until <= ?1 OR until > ?2)) ORDER BY number LIMIT 1;

-- name: take_job!
-- Take it.
UPDATE job SET state = 'running', owner = ?2, until = ?3, fence = fence + 1 WHERE number = ?1;

-- name: note_job
-- Renew the lease of a job and note how far it is; nothing where it is another's.
UPDATE job SET until = ?3, done = ?4, total = ?5, tally = coalesce(?6, tally)
WHERE number = ?1 AND fence = ?2 AND state = 'running' RETURNING stopping;

-- name: end_job
-- End a job; nothing where it is another's.
UPDATE job SET state = ?3, done = ?4, total = ?5, tally = ?6, error = ?7, ended_at = ?8
WHERE number = ?1 AND fence = ?2 AND state = 'running' RETURNING number;

-- name: end_old_proposals!
-- Proposals that are too old are over.
UPDATE job SET state = 'rejected', ended_at = ?2 WHERE state = 'proposed' AND created_at < ?1;

-- name: forget_job_contents
-- Let go of what jobs gave that ended before an instant, and of what proposals that are over would have worked on.
DELETE FROM job_content WHERE number IN (SELECT number FROM job WHERE ended_at < ?1)
   OR (what = 'content' AND number IN (SELECT number FROM job WHERE state IN ('rejected', 'stopped'))) RETURNING number;

-- name: add_job_part!
-- Keep a piece of what a job gives, behind those before it.
INSERT INTO job_part SELECT ?1, coalesce(max(part), 0) + 1, ?2 FROM job_part WHERE number = ?1;

-- name: job_part
-- A piece of what a job gave.
SELECT kept FROM job_part WHERE number = ? AND part = ?;

-- name: drop_job_parts!
-- Let go of the pieces of a job: it did not come to its end, or gave something else in their place.
DELETE FROM job_part WHERE number = ?;

-- name: forget_job_parts
-- Let go of the pieces that jobs gave that ended before an instant.
DELETE FROM job_part WHERE number IN (SELECT number FROM job WHERE ended_at < ?) RETURNING number;

-- name: numbers_called
-- Who has the ids that a JSON array names, or who that one became.
SELECT m.member_id, coalesce(m.merged_into, m.number) FROM json_each(?) e JOIN member m ON m.member_id = e.value;

-- name: ids_by_number
-- The ids of the members whose numbers a JSON array names, and who each is now.
SELECT m.number, m.member_id, coalesce(m.merged_into, m.number) FROM json_each(?) e JOIN member m ON m.number = e.value WHERE m.member_id IS NOT NULL;

-- name: known_documents
-- Which of the ids that a JSON array names documents of a source have. CROSS JOIN: a step for each of them.
SELECT a.id FROM json_each(?3) e CROSS JOIN accepted a ON a.source = ?1 AND a.kind = ?2 AND a.id = e.value;
