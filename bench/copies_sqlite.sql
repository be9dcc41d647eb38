-- A ledger in a file, many times over: a copy has the members, documents and entries of what there is, under numbers,
-- places and ids of its own. :n is which copy, :members, :entries, :documents how many there are in one.

-- name: free!
UPDATE member SET name_number = -1 - number;

-- name: renumber!
UPDATE member SET name_number = number;

-- name: apart!
CREATE TEMP TABLE first_award AS SELECT * FROM award;

-- name: members!
INSERT INTO member (number, member_id, name_number, hidden, enrolled_at, shard, place, secret, merged_into)
SELECT number + :n * :members, 'c' || printf('%04d', :n) || member_id, number + :n * :members, hidden, enrolled_at, shard,
       place + :n * :entries, secret, merged_into + :n * :members
FROM member WHERE number < :members;

-- name: balances!
INSERT INTO balance (member, balance, earned, score, month, month_score, before_score, state)
SELECT member + :n * :members, balance, earned, score, month, month_score, before_score, state
FROM balance WHERE member < :members;

-- name: entries!
INSERT INTO entry (place, kind, member, points, currency, amount, source, order_id, refund_id, reason, program_version,
                   name_number, actor, occurred_at, board_at, recorded_at, hash, format, details)
SELECT place + :n * :entries, kind, member + :n * :members, points, currency, amount, source,
       'c' || printf('%04d', :n) || order_id, 'c' || printf('%04d', :n) || refund_id, reason, program_version,
       iif(name_number IS NULL, NULL, member + :n * :members), actor, occurred_at, board_at, recorded_at, hash, format,
       details
FROM entry WHERE place <= :entries;

-- name: contents!
INSERT INTO content SELECT place + :n * :entries, content FROM content WHERE place <= :entries;

-- name: documents!
INSERT INTO accepted (sequence, kind, source, id, member, fingerprint, status, place, accepted_at)
SELECT sequence + :n * :documents, kind, source, 'c' || printf('%04d', :n) || id, member + :n * :members, fingerprint,
       status, place + :n * :entries, accepted_at
FROM accepted WHERE sequence <= :documents AND status = 'awarded';

-- name: awards!
INSERT INTO award (source, order_id, member, program_version, currency, amount, left_amount, points, reversed, board_at,
                   frame, refunded, places)
SELECT source, 'c' || printf('%04d', :n) || order_id, member + :n * :members, program_version, currency, amount,
       left_amount, points, reversed, board_at, frame, refunded, NULL
FROM first_award;

-- name: milestones!
INSERT INTO milestone (member, name, points, reached_at, quiet, place)
SELECT member + :n * :members, name, points, reached_at, quiet, place + :n * :entries FROM milestone
WHERE member < :members;

-- name: messages!
INSERT INTO message (id, member, milestone, points, state, created_at, due_at, attempts, note)
SELECT 'c' || printf('%04d', :n) || id, member + :n * :members, milestone, points, state, created_at, due_at, attempts, note
FROM message WHERE member < :members;

-- name: counted!
INSERT INTO rollup_member SELECT number + :n * :members, market, tier, active_on FROM rollup_member
WHERE number < :members;

-- name: end!
UPDATE shard SET position = (:n + 1) * :entries;

-- name: sums!
UPDATE rollup_cell SET points = points * (:n + 1), entries = entries * (:n + 1), amount = amount * (:n + 1);

-- name: mark!
UPDATE rollup_mark SET position = (:n + 1) * :entries;

-- name: numbers!
UPDATE ledger SET next_member = (:n + 1) * :members;
