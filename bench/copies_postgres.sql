-- A ledger on a server, many times over: a copy has the members, documents and entries of what there is, under numbers,
-- positions and ids of its own. :n is which copy, :members and :documents how many there are in one.

-- name: sizes!
CREATE TEMP TABLE size AS SELECT shard, coalesce(max(position), 0) AS entries FROM entry GROUP BY shard;

-- name: free!
DELETE FROM name;

-- name: renumber!
UPDATE member SET name_number = number;
INSERT INTO name SELECT number, number FROM member;

-- name: apart!
CREATE TEMP TABLE first_member AS SELECT * FROM member;
CREATE TEMP TABLE first_balance AS SELECT * FROM balance;
CREATE TEMP TABLE first_entry AS SELECT * FROM entry;
CREATE TEMP TABLE first_content AS SELECT * FROM content;
CREATE TEMP TABLE first_document AS SELECT * FROM document;
CREATE TEMP TABLE first_award AS SELECT * FROM award;
CREATE TEMP TABLE first_milestone AS SELECT * FROM milestone;
CREATE TEMP TABLE first_message AS SELECT * FROM message;
CREATE TEMP TABLE first_rollup_member AS SELECT * FROM rollup_member;
ANALYZE;

-- name: ranks!
CREATE TEMP TABLE ranked AS
SELECT shard, number, row_number() OVER (PARTITION BY shard ORDER BY number) AS rank FROM first_member WHERE number < :members;

-- name: ids!
CREATE TEMP TABLE copied AS
SELECT r.shard, r.number, i.id FROM ranked r JOIN (
    SELECT shard, id, row_number() OVER (PARTITION BY shard) AS rank FROM (
        SELECT 'c' || to_char(:n, 'FM0000') || 'm' || k AS id,
               get_byte(sha256(convert_to('c' || to_char(:n, 'FM0000') || 'm' || k, 'UTF8')), 0) % 16 AS shard
        FROM generate_series(1, 2 * :members + 500) AS k) u) i ON i.shard = r.shard AND i.rank = r.rank;

-- name: members!
INSERT INTO member (shard, number, name_number, merged_into, merged_shard, hidden, enrolled_at, position, member_id, secret)
SELECT m.shard, m.number + :n * :members, m.number + :n * :members, NULL, NULL, hidden, enrolled_at,
       position + :n * s.entries, c.id, secret
FROM first_member m JOIN copied c USING (shard, number) JOIN size s USING (shard);

-- name: names!
INSERT INTO name SELECT number + :n * :members, number + :n * :members FROM copied;

-- name: balances!
INSERT INTO balance (shard, member, balance, earned, score, month, month_score, before_score, last_position, state)
SELECT b.shard, member + :n * :members, balance, earned, score, month, month_score, before_score,
       last_position + :n * s.entries, state
FROM first_balance b JOIN size s USING (shard) WHERE member < :members;

-- name: entries!
INSERT INTO entry (shard, format, kind, position, previous, occurred_at, board_at, recorded_at, amount, member, points,
                   name_number, program_version, hash, currency, source, order_id, refund_id, actor, details)
SELECT e.shard, format, kind, position + :n * s.entries, CASE previous WHEN 0 THEN 0 ELSE previous + :n * s.entries END,
       occurred_at, board_at, recorded_at, amount, member + :n * :members, points,
       CASE WHEN name_number IS NULL THEN NULL ELSE member + :n * :members END, program_version, hash, currency, source,
       'c' || to_char(:n, 'FM0000') || order_id, 'c' || to_char(:n, 'FM0000') || refund_id, actor, details
FROM first_entry e JOIN size s USING (shard) WHERE position <= s.entries;

-- name: contents!
INSERT INTO content SELECT c.shard, position + :n * s.entries, content FROM first_content c JOIN size s USING (shard)
WHERE position <= s.entries;

-- name: documents!
INSERT INTO document (home, kind, shard, member_shard, member, sequence, accepted_at, fingerprint, source, id)
SELECT get_byte(sha256(convert_to(kind::text || '/' || source || '/c' || to_char(:n, 'FM0000') || id, 'UTF8')), 0) % 16, kind,
       d.shard, member_shard, d.member + :n * :members, d.sequence + :n * :documents, accepted_at, fingerprint, source,
       'c' || to_char(:n, 'FM0000') || id
FROM first_document d JOIN first_award a USING (shard, sequence) WHERE d.sequence <= :documents;

-- name: awards!
INSERT INTO award (shard, sequence, position, amount, left_amount, board_at, member, points, reversed, program_version,
                   currency, frame, refunded, places)
SELECT a.shard, sequence + :n * :documents, position + :n * s.entries, amount, left_amount, board_at,
       member + :n * :members, points, reversed, program_version, currency, frame, refunded, NULL
FROM first_award a JOIN size s USING (shard) WHERE sequence <= :documents;

-- name: milestones!
INSERT INTO milestone (member, name, points, reached_at, quiet)
SELECT member + :n * :members, name, points, reached_at, quiet FROM first_milestone
WHERE member < :members;

-- name: messages!
INSERT INTO message (id, shard, member, milestone, points, state, created_at, due_at, attempts, note)
SELECT 'c' || to_char(:n, 'FM0000') || id, shard, member + :n * :members, milestone, points, state, created_at, due_at,
       attempts, note FROM first_message WHERE member < :members;

-- name: counted!
INSERT INTO rollup_member SELECT number + :n * :members, market, tier, active_on FROM first_rollup_member
WHERE number < :members;

-- name: forget_ids!
DROP TABLE copied;

-- name: sums!
UPDATE rollup_cell SET points = points * (:n + 1), entries = entries * (:n + 1), amount = amount * (:n + 1);

-- name: mark!
UPDATE rollup_mark m SET position = (:n + 1) * s.entries FROM size s WHERE s.shard = m.shard;

-- name: numbers!
SELECT setval('member_number', (:n + 1) * :members), setval('document_sequence', (:n + 1) * :documents);

-- name: statistics!
VACUUM ANALYZE;
