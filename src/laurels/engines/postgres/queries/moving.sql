-- Statements that move a ledger here from another engine, and check what it was there. One line of purpose over each.

-- name: is_untouched
-- Whether nothing was written to a ledger yet.
SELECT NOT EXISTS (SELECT FROM member) AND NOT EXISTS (SELECT FROM document) AND NOT EXISTS (SELECT FROM program);

-- name: moving
-- What is being moved here, and how much of it is there.
SELECT moving_from, moved FROM ledger;

-- name: begin_move!
-- A ledger is being moved here: what it keys by goes along.
UPDATE ledger SET moving_from = $1, created_at = $2, secret = $3, numbered_names = $4, names_key = $5, names_since = $6;

-- name: note_moved!
-- So much is there.
UPDATE ledger SET moved = $1;

-- name: end_move
-- All is there: numbers go on behind those that were given, and the epoch begins before any entry, so that no token of the
-- old ledger is taken for one of this.
WITH l AS (UPDATE ledger SET moving_from = NULL, moved = NULL, epoch = $1 RETURNING epoch),
e AS (INSERT INTO epoch (epoch, shard, position, hash, began_at) SELECT l.epoch, s, 0, '', $2 FROM l, generate_series(0, 15) AS s)
SELECT setval('member_number', greatest($3::bigint, 0), $3 >= 0), setval('document_sequence', greatest($4::bigint, 1), $4 > 0);

-- name: moved_entries
-- Entries in the order that they had, after one of them.
SELECT w.old_shard, w.old_position, w.shard, w.position, w.format, w.reason, e.kind, e.member, e.points, e.currency, e.amount,
       e.source, e.order_id, e.refund_id, e.program_version, e.name_number, e.actor, e.occurred_at, e.board_at, e.recorded_at, e.details
FROM was w LEFT JOIN entry e ON e.shard = w.shard AND e.position = w.position
WHERE (w.old_shard, w.old_position) > ($1, $2) ORDER BY w.old_shard, w.old_position LIMIT $3;
