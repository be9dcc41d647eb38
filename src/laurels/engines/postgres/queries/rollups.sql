-- Statements of the roll-ups. One line of purpose over each.

-- name: rollup
-- How the roll-ups were made, and when it was looked what falls due.
SELECT scheme, due_at FROM rollup;

-- name: lock_rollup
-- The same; nobody begins anew meanwhile.
SELECT scheme, due_at FROM rollup FOR SHARE;

-- name: rollup_marks
-- Up to which entry of each shard they go.
SELECT shard, position, hash FROM rollup_mark;

-- name: rollup_mark
-- Up to which entry of a shard; nobody else adds to it meanwhile.
SELECT position, hash FROM rollup_mark WHERE shard = $1 FOR UPDATE;

-- name: insert_rollup_mark!
-- Begin a shard; who does it at the same time is told so.
INSERT INTO rollup_mark VALUES ($1, $2, $3);

-- name: write_rollup_mark!
-- Note how far they got, in the transaction that adds to them.
UPDATE rollup_mark SET position = $2, hash = $3 WHERE shard = $1;

-- name: add_to_rollup_cells!
-- Add to what is summed, in the order of the keys, so that two who add never wait for each other.
INSERT INTO rollup_cell
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
                     $9::bigint[])
ON CONFLICT (basis, day, kind, part, source, market) DO UPDATE
SET points = rollup_cell.points + excluded.points, entries = rollup_cell.entries + excluded.entries,
    amount = rollup_cell.amount + excluded.amount;

-- name: rollup_members
-- What is kept of members.
SELECT number, market, tier, active_on FROM rollup_member WHERE number = ANY ($1::int[]);

-- name: write_rollup_members!
-- Keep what counting their next entries needs.
INSERT INTO rollup_member SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::int[])
ON CONFLICT (number) DO UPDATE SET market = excluded.market, tier = excluded.tier, active_on = excluded.active_on;

-- name: begin_rollup!
-- How they are made from now on.
UPDATE rollup SET scheme = $1, due_at = 0;

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
-- Sums of the days from $2 up to and without $3, by periods of $4, with parts ($5) and sources ($6) apart.
SELECT $1::text, day / $4::int AS period, kind, CASE WHEN $5::boolean THEN part ELSE '' END AS of_part,
       CASE WHEN $6::boolean THEN source ELSE '' END AS of_source, market,
       sum(points)::bigint, sum(entries)::bigint, sum(amount)::bigint
FROM rollup_cell WHERE basis = $1 AND day >= $2 AND day < $3
GROUP BY period, kind, of_part, of_source, market ORDER BY period, kind, of_part, of_source, market;

-- name: rollup_cells
-- Every cell.
SELECT basis, day, kind, part, source, market, points, entries, amount FROM rollup_cell
ORDER BY basis, day, kind, part, source, market;

-- name: looked_at_due!
-- When it was looked what falls due.
UPDATE rollup SET due_at = $1;

-- name: write_rollup_due!
-- What falls due on days.
INSERT INTO rollup_due SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]);

-- name: rollup_due
-- What falls due on the days from $1 up to and without $2.
SELECT what, day, points, members FROM rollup_due WHERE day >= $1 AND day < $2 ORDER BY what, day;
