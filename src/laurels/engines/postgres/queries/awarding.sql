-- Statements that award: claim, look up, write. One line of purpose over each.

-- name: claim
-- Documents to award, in order of acceptance, each with where its member is now, and that member's totals; and those that
-- have waited for their order since before an instant. $3 is just below the first that the worker has seen, so that no dead rows
-- lie between, which somebody's old snapshot keeps. `known`: the member is one of this shard, and the columns behind it are what `members` would give.
SELECT i.sequence, i.kind, i.source, i.id, coalesce(m.merged_into, i.member) AS member, i.order_source, i.order_id, i.accepted_at,
       i.content, i.actor, coalesce(m.merged_shard, i.shard) AS shard, i.waited_since IS NOT NULL AS overdue,
       m.number IS NOT NULL AND m.merged_into IS NULL AS known, m.name_number, m.position, b.balance, b.earned, b.score, b.month,
       b.month_score, b.before_score, b.last_position, b.state, m.enrolled_at
FROM (
  (SELECT sequence, kind, source, id, member, order_source, order_id, accepted_at, content, actor, shard, NULL::bigint AS waited_since
   FROM inbox WHERE shard = $1 AND sequence > $3 ORDER BY sequence LIMIT $2)
  UNION ALL
  (SELECT sequence, kind, source, id, member, order_source, order_id, accepted_at, content, actor, shard, changed_at
   FROM aside WHERE state = 'w' AND shard = $1 AND changed_at < $4 ORDER BY changed_at LIMIT $2)
) i LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = $1 AND member.number = i.member LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT * FROM balance WHERE balance.shard = $1 AND balance.member = i.member LIMIT 1) b ON true
ORDER BY i.waited_since NULLS FIRST, i.sequence;

-- name: claim_waiting
-- Documents of this shard that wait for these orders, in order of acceptance.
SELECT i.sequence, i.kind, i.source, i.id, coalesce(m.merged_into, i.member) AS member, i.order_source, i.order_id, i.accepted_at,
       i.content, i.actor, coalesce(m.merged_shard, i.shard) AS shard
FROM unnest($2::text[], $3::text[]) AS u(order_source, order_id)
JOIN aside i ON i.state = 'w' AND i.order_source = u.order_source AND i.order_id = u.order_id
LEFT JOIN member m ON m.shard = i.shard AND m.number = i.member
WHERE i.shard = $1 ORDER BY i.sequence;

-- name: beside_orders
-- Whether a document of this shard waits for one of these orders, and which changes of them are in its inbox: hardly ever any.
SELECT NULL::bigint AS sequence FROM unnest($2::text[], $3::text[]) AS u(order_source, order_id)
JOIN aside i ON i.state = 'w' AND i.order_source = u.order_source AND i.order_id = u.order_id AND i.shard = $1
UNION ALL
SELECT i.sequence FROM unnest($2::text[], $3::text[]) AS u(order_source, order_id)
JOIN inbox i ON i.shard = $1 AND i.kind = 'm' AND i.order_source = u.order_source AND i.order_id = u.order_id;

-- name: judge_again
-- Orders in quarantine go back to the inbox; gives the shards that they are in.
WITH g AS (
  DELETE FROM aside USING unnest($1::smallint[], $2::text[], $3::text[]) AS u(home, source, id)
  JOIN document d ON d.home = u.home AND d.source = u.source AND d.kind = 'o' AND d.id = u.id
  WHERE aside.sequence = d.sequence AND aside.state = 'q' RETURNING aside.*
)
INSERT INTO inbox (shard, sequence, accepted_at, ready_at, member, kind, source, id, order_source, order_id, actor, stranger, content, raw)
SELECT shard, sequence, accepted_at, $4, member, kind, source, id, order_source, order_id, actor, stranger, content, raw FROM g
RETURNING shard;

-- name: move_inbox!
-- Documents go over to the member that theirs became, and to its shard.
WITH t AS (SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::int[]) AS u(sequence, shard, member)),
i AS (UPDATE inbox SET shard = t.shard, member = t.member FROM t WHERE inbox.shard = $4 AND inbox.sequence = t.sequence
      RETURNING source, kind, id, t.shard),
a AS (UPDATE aside SET shard = t.shard, member = t.member FROM t WHERE aside.sequence = t.sequence RETURNING source, kind, id, t.shard)
UPDATE document SET shard = x.shard FROM (SELECT * FROM i UNION ALL SELECT * FROM a) x
WHERE document.home = get_byte(sha256(convert_to(x.kind::text || '/' || x.source || '/' || x.id, 'UTF8')), 0) % 16
  AND document.source = x.source AND document.kind = x.kind AND document.id = x.id;

-- name: orders
-- Orders that others name: whose they are, and what they earned, where they did.
SELECT d.source, d.id, coalesce(m.merged_into, d.member) AS member, d.shard, d.sequence, a.program_version, a.currency, a.amount,
       a.left_amount, a.points, a.reversed, a.board_at, a.frame, a.refunded, c.content
FROM unnest($1::smallint[], $2::text[], $3::text[]) AS u(home, source, id)
CROSS JOIN LATERAL (
  SELECT * FROM document WHERE document.home = u.home AND document.source = u.source AND document.kind = 'o' AND document.id = u.id LIMIT 1) d
LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = d.member_shard AND member.number = d.member LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT * FROM award WHERE award.shard = d.shard AND award.sequence = d.sequence LIMIT 1) a ON true
LEFT JOIN LATERAL (SELECT * FROM content WHERE a.frame IS NULL AND content.shard = a.shard AND content.position = a.position LIMIT 1) c ON true;

-- name: redemptions
-- Redemptions, and what of them came back.
-- `asked` is the id that they are asked for by; a redemption comes before what was taken of a hold.
SELECT d.source, u.asked, coalesce(m.merged_into, e.member) AS member, -e.points AS points, a.reversed AS restored, a.frame AS spent, d.shard, d.sequence
FROM unnest($1::smallint[], $2::text[], $3::"char"[], $4::text[], $5::text[]) AS u(home, source, kind, id, asked)
CROSS JOIN LATERAL (
  SELECT * FROM document WHERE document.home = u.home AND document.source = u.source AND document.kind = u.kind AND document.id = u.id LIMIT 1) d
CROSS JOIN LATERAL (SELECT * FROM award WHERE award.shard = d.shard AND award.sequence = d.sequence LIMIT 1) a
CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = a.shard AND entry.position = a.position LIMIT 1) e
CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = e.shard AND member.number = e.member LIMIT 1) m ORDER BY d.kind = 'p';

-- name: members
-- Members of a shard with their totals, and whether their enrolment is in the feed.
SELECT m.number, m.name_number, m.position, b.balance, b.earned, b.score, b.month, b.month_score, b.before_score, b.last_position,
       b.state, m.enrolled_at
FROM member m
LEFT JOIN LATERAL (SELECT * FROM balance WHERE balance.shard = $1 AND balance.member = m.number LIMIT 1) b ON true
WHERE m.shard = $1 AND m.number = ANY($2::int[]);

-- name: members_here
-- The same of members of a shard by the shop's ids; those that became another's say so by `merged_into`.
SELECT m.number, m.name_number, m.position, b.balance, b.earned, b.score, b.month, b.month_score, b.before_score, b.last_position,
       b.state, m.enrolled_at, m.member_id, m.secret, m.merged_into
FROM member m
LEFT JOIN LATERAL (SELECT * FROM balance WHERE balance.shard = $1 AND balance.member = m.number LIMIT 1) b ON true
WHERE m.shard = $1 AND m.member_id = ANY($2::text[]);

-- name: members_at
-- The same of members of several shards, each with its shard behind.
SELECT m.number, m.name_number, m.position, b.balance, b.earned, b.score, b.month, b.month_score, b.before_score, b.last_position,
       b.state, m.enrolled_at, m.member_id, m.secret, m.merged_into, m.shard
FROM unnest($1::smallint[], $2::text[]) AS u(shard, member_id)
CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = u.shard AND member.member_id = u.member_id LIMIT 1) m
LEFT JOIN LATERAL (SELECT * FROM balance WHERE balance.shard = u.shard AND balance.member = m.number LIMIT 1) b ON true;

-- name: write!
-- All that most transactions lead to, in one statement. Each array costs the driver 0.3 us a row and the server 0.2: what is the
-- same in all rows comes once, what no row has comes as an empty array, and of one shard's positions the one before the first
-- comes, and the shard. Arrays stand in select lists, side by side up to the longest: in FROM, each is written down by itself
-- first. An entry with a `sequence` is an order's of which nothing is kept that is not in the entry; `content` is what its
-- document said.
WITH n AS MATERIALIZED (
  SELECT coalesce(shard, $1) AS shard, coalesce(position, $3 + ordinality) AS position, previous, coalesce(kind, $4) AS kind, member,
         points, coalesce(currency, $5) AS currency, amount, coalesce(source, $6) AS source, order_id, refund_id,
         coalesce(program_version, $7) AS program_version, name_number, actor, occurred_at, coalesce(board_at, occurred_at) AS board_at,
         hash, details, sequence, content
  FROM (
    SELECT generate_series(1, cardinality($12::int[])) AS ordinality, unnest($8::smallint[]) AS shard, unnest($9::bigint[]) AS position,
           unnest($10::bigint[]) AS previous, unnest($11::"char"[]) AS kind, unnest($12::int[]) AS member, unnest($13::int[]) AS points,
           unnest($14::text[]) AS currency, unnest($15::bigint[]) AS amount, unnest($16::text[]) AS source, unnest($17::text[]) AS order_id,
           unnest($18::text[]) AS refund_id, unnest($19::int[]) AS program_version, unnest($20::int[]) AS name_number,
           unnest($21::text[]) AS actor, unnest($22::bigint[]) AS occurred_at, unnest($23::bigint[]) AS board_at,
           unnest($24::bytea[]) AS hash, unnest($25::bytea[]) AS details, unnest($26::bigint[]) AS sequence,
           unnest($27::bytea[]) AS content) u
), e AS (
  INSERT INTO entry (shard, format, position, previous, kind, member, points, currency, amount, source, order_id, refund_id,
                     program_version, name_number, actor, occurred_at, board_at, recorded_at, hash, details)
  SELECT shard, 2, position, previous, kind, member, points, currency, amount, source, order_id, refund_id,
         program_version, name_number, actor, occurred_at, board_at, $2, hash, details FROM n
), a AS (
  INSERT INTO award (shard, sequence, position, amount, left_amount, board_at, member, points, reversed, program_version, currency,
                     frame, refunded)
  SELECT shard, sequence, position, amount, amount, board_at, member, points, 0, program_version, currency, NULL, NULL
  FROM n WHERE sequence IS NOT NULL
  UNION ALL
  SELECT coalesce(shard, $1), sequence, position, amount, left_amount, board_at, member, points, reversed, program_version, currency,
         frame, refunded
  FROM unnest($28::smallint[], $29::bigint[], $30::bigint[], $31::bigint[], $32::bigint[], $33::bigint[], $34::int[], $35::int[],
              $36::int[], $37::int[], $38::text[], $39::bytea[], $40::bytea[])
    AS u(shard, sequence, position, amount, left_amount, board_at, member, points, reversed, program_version, currency, frame, refunded)
), c AS (
  INSERT INTO content (shard, position, content) SELECT shard, position, content FROM n WHERE content IS NOT NULL
)
INSERT INTO balance (shard, member, balance, earned, score, month, month_score, before_score, last_position, state)
SELECT coalesce(shard, $1), member, balance, earned, score, coalesce(month, $41), month_score, coalesce(before_score, $42), last_position,
       state
FROM (
  SELECT unnest($43::smallint[]) AS shard, unnest($44::int[]) AS member, unnest($45::int[]) AS balance, unnest($46::int[]) AS earned,
         unnest($47::int[]) AS score, unnest($48::int[]) AS month, unnest($49::bigint[]) AS month_score,
         unnest($50::bigint[]) AS before_score, unnest($51::bigint[]) AS last_position, unnest($52::bytea[]) AS state) u
ON CONFLICT (shard, member) DO UPDATE SET balance = excluded.balance, earned = excluded.earned, score = excluded.score,
  month = excluded.month, month_score = excluded.month_score, before_score = excluded.before_score,
  last_position = excluded.last_position, state = excluded.state;

-- name: insert_member_events!
-- Where members' events are.
INSERT INTO member_event (shard, member, position) SELECT * FROM unnest($1::smallint[], $2::int[], $3::bigint[]);

-- name: join_members!
-- Where members' enrolments are.
UPDATE member SET position = t.position FROM unnest($2::int[], $3::bigint[]) AS t(number, position)
WHERE member.shard = $1 AND member.number = t.number;

-- name: take_off_inbox!
-- These are taken.
DELETE FROM inbox WHERE shard = $1 AND sequence = ANY($2::bigint[]);

-- name: update_awards!
-- What is left of orders that were awarded before, and their further entries.
UPDATE award SET member = t.member, amount = t.amount, left_amount = t.left_amount, points = t.points, reversed = t.reversed,
  program_version = t.program_version, currency = t.currency, board_at = t.board_at, frame = t.frame, refunded = t.refunded
FROM unnest($1::smallint[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::int[], $7::int[], $8::int[], $9::text[],
            $10::bigint[], $11::bytea[], $12::bytea[])
  AS t(shard, sequence, member, amount, left_amount, points, reversed, program_version, currency, board_at, frame, refunded)
WHERE award.shard = t.shard AND award.sequence = t.sequence;

-- name: add_places!
-- Orders' further entries.
UPDATE award SET places = coalesce(award.places, '{}') || t.places
FROM (SELECT shard, sequence, array_agg(place ORDER BY n) AS places
      FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS u(shard, sequence, place, n) GROUP BY shard, sequence) t
WHERE award.shard = t.shard AND award.sequence = t.sequence;

-- name: restore_redemptions!
-- What of redemptions came back.
UPDATE award SET reversed = t.restored, frame = t.spent
FROM unnest($1::smallint[], $2::bigint[], $3::int[], $4::bytea[]) AS t(shard, sequence, restored, spent)
WHERE award.shard = t.shard AND award.sequence = t.sequence;

-- name: insert_redemptions!
-- Which redemptions led to entries.
INSERT INTO redemption (shard, position, sequence, source, id)
SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[]);

-- name: whose_numbers
-- Members by number, or who they became: the number, the shard, and what keys fingerprints. Costs a look into every shard.
SELECT m.number AS asked, coalesce(n.number, m.number), coalesce(n.shard, m.shard), CASE WHEN n.number IS NULL THEN m.secret ELSE n.secret END
FROM generate_series(0, 15) AS s, unnest($1::int[]) AS u(number) JOIN LATERAL (
  SELECT * FROM member WHERE member.shard = s AND member.number = u.number LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = m.merged_shard AND member.number = m.merged_into LIMIT 1) n ON true;

-- name: hand_on!
-- Documents of Laurels' own go into their members' inboxes.
WITH t AS MATERIALIZED (
  SELECT nextval('document_sequence') AS sequence, u.*
  FROM unnest($2::smallint[], $3::"char"[], $4::smallint[], $5::int[], $6::bytea[], $7::text[], $8::text[], $9::bytea[])
    AS u(home, kind, shard, member, fingerprint, source, id, content)
), d AS (
  INSERT INTO document (home, kind, shard, member_shard, member, sequence, accepted_at, fingerprint, source, id)
  SELECT home, kind, shard, shard, member, sequence, $1, fingerprint, source, id FROM t ORDER BY home, source, kind, id
)
INSERT INTO inbox (shard, sequence, accepted_at, ready_at, member, kind, source, id, content, raw)
SELECT shard, sequence, $1, $1, member, kind, source, id, content, '' FROM t;

-- name: leave_aside!
-- Documents that waited were awarded.
DELETE FROM aside WHERE sequence = ANY($1::bigint[]);

-- name: set_aside!
-- Documents wait for their order, or go to quarantine. Of an erased member's nothing that was received is kept.
WITH t AS MATERIALIZED (SELECT * FROM unnest($2::bigint[], $3::"char"[], $4::text[]) AS u(sequence, state, reason)),
again AS (UPDATE aside SET state = t.state, reason = t.reason, changed_at = $5 FROM t WHERE aside.sequence = t.sequence),
gone AS (DELETE FROM inbox USING t WHERE inbox.shard = $1 AND inbox.sequence = t.sequence RETURNING inbox.*, t.state, t.reason)
INSERT INTO aside (shard, sequence, accepted_at, ready_at, member, kind, source, id, order_source, order_id, actor, stranger, content, raw, state,
                   reason, changed_at)
SELECT g.shard, sequence, accepted_at, ready_at, member, kind, source, id, order_source, order_id, actor, stranger, content,
       CASE WHEN m.number IS NOT NULL AND m.member_id IS NULL THEN '' ELSE raw END, state, reason, $5
FROM gone g LEFT JOIN member m ON m.shard = $1 AND m.number = g.member;

-- name: insert_remarks!
-- People's words about entries.
INSERT INTO remark (shard, position, reason, note) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[]);

-- name: add_to_closed_months!
-- What members scored in months that are closed.
INSERT INTO closed_month (shard, month, member, score)
SELECT $1, month, member, sum(score) FROM unnest($2::int[], $3::int[], $4::bigint[]) AS u(month, member, score) GROUP BY month, member
ON CONFLICT (shard, month, member) DO UPDATE SET score = closed_month.score + excluded.score;

-- name: insert_due!
-- What happens to members by the clock.
INSERT INTO due (shard, at, member, what) SELECT $1, * FROM unnest($2::bigint[], $3::int[], $4::bytea[]) ON CONFLICT DO NOTHING;

-- name: reach!
-- Milestones, each once for ever; the first crossing's message goes with it, held while the member has no address.
WITH t AS MATERIALIZED (SELECT * FROM unnest($2::int[], $3::text[], $4::int[], $5::boolean[], $6::text[], $7::bigint[]) AS u(member, name, points, quiet, id, place)),
m AS (INSERT INTO milestone (member, name, points, reached_at, quiet, place) SELECT member, name, points, $1, quiet, place FROM t ORDER BY member, name
      ON CONFLICT DO NOTHING RETURNING member, name)
INSERT INTO message (id, shard, member, milestone, points, state, created_at, due_at)
SELECT t.id, $8, t.member, t.name, t.points, CASE WHEN EXISTS (SELECT FROM contact c WHERE c.member = t.member) THEN 'due' ELSE 'held' END, $1, $9
FROM t JOIN m USING (member, name) WHERE NOT t.quiet ORDER BY t.id;

-- name: remind!
-- Messages about points that are about to lapse, each once for ever; held while the member has no address.
INSERT INTO message (id, shard, member, milestone, points, state, created_at, due_at)
SELECT t.id, $6, t.member, t.name, t.points, CASE WHEN EXISTS (SELECT FROM contact c WHERE c.member = t.member) THEN 'due' ELSE 'held' END, $1, $7
FROM unnest($2::text[], $3::int[], $4::text[], $5::int[]) AS t(id, member, name, points) ORDER BY t.id ON CONFLICT DO NOTHING;

-- name: any_ready
-- Whether one of these shards has something to award above its floor.
SELECT EXISTS (SELECT FROM unnest($1::smallint[], $2::bigint[]) AS u(shard, floor),
               LATERAL (SELECT FROM inbox WHERE inbox.shard = u.shard AND inbox.sequence > u.floor LIMIT 1) i);

-- name: look_for_work
-- Of shards, the fence of whoever took each last, the first that it has to award above a floor, and whether something waits
-- since before an instant.
SELECT u.shard, l.fence, (SELECT sequence FROM inbox i WHERE i.shard = u.shard AND i.sequence > u.floor ORDER BY sequence LIMIT 1),
       EXISTS (SELECT FROM aside a WHERE a.state = 'w' AND a.shard = u.shard AND a.changed_at < u.waiting_before)
FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS u(shard, floor, waiting_before) JOIN lease l USING (shard);

-- name: count_ready
-- How many documents are accepted and not yet taken.
SELECT count(*) FROM inbox;

-- name: counts
-- How much lies where.
SELECT i.ready, i.ready_since,
       (SELECT count(*) FROM aside WHERE state = 'w'), (SELECT count(*) FROM aside WHERE state = 'q'),
       (SELECT count(*) FROM message WHERE state = 'due'), (SELECT count(*) FROM (SELECT 1 FROM message WHERE state = 'held' LIMIT 100000) m)
FROM (SELECT count(*) AS ready, min(ready_at) AS ready_since FROM inbox) i;

-- name: attributes
-- What the shop says of members.
SELECT member, content FROM attribute WHERE member = ANY($1::int[]);

-- name: orders_of
-- How many orders members have that have a total and are not wholly refunded, and when the last of all was. Costs by
-- the members' entries; asked once of each member.
WITH RECURSIVE w(member, position) AS (
  SELECT member, last_position FROM balance WHERE shard = $1 AND member = ANY($2::int[])
  UNION ALL SELECT w.member, e.previous FROM w
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = $1 AND entry.position = w.position LIMIT 1) e WHERE e.previous > 0
), o AS MATERIALIZED (
  SELECT DISTINCT w.member, e.source, e.order_id FROM w
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = $1 AND entry.position = w.position LIMIT 1) e WHERE e.kind = 'e'
)
SELECT o.member, count(*) FILTER (WHERE a.amount > 0 AND a.left_amount > 0), max(a.board_at) FROM o
CROSS JOIN LATERAL (
  SELECT * FROM document WHERE document.home = get_byte(sha256(convert_to('o/' || o.source || '/' || o.order_id, 'UTF8')), 0) % 16
    AND document.source = o.source AND document.kind = 'o' AND document.id = o.order_id LIMIT 1) d
CROSS JOIN LATERAL (SELECT * FROM award WHERE award.shard = d.shard AND award.sequence = d.sequence LIMIT 1) a
GROUP BY o.member;

-- name: lock_budgets
-- What is used of budgets, kept from others until this is written.
SELECT name, used FROM budget ORDER BY name FOR UPDATE;

-- name: insert_budgets!
-- What is used of budgets for the first time.
INSERT INTO budget (name, used) SELECT * FROM unnest($1::text[], $2::bigint[]) AS u(name, used) ORDER BY name;

-- name: use_budgets!
-- More, or less, of budgets is used.
UPDATE budget SET used = budget.used + u.used FROM unnest($1::text[], $2::bigint[]) AS u(name, used) WHERE budget.name = u.name;

-- name: claim_due
-- Members of a shard to whom something has happened by the clock, the longest ago first.
SELECT at, member FROM due WHERE shard = $1 AND at <= $2 ORDER BY at, member LIMIT $3;

-- name: delete_due!
-- They are written down, up to the last that was claimed: a part of the key, whatever else is due.
DELETE FROM due WHERE shard = $1 AND (at, member) <= ($2, $3);
