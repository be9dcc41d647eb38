-- Statements that take documents in, and find them again. One line of purpose over each.

-- name: members_by_id
-- Members by the shop's ids, whatever they became.
SELECT m.shard, m.member_id, m.number, m.secret, m.merged_into, m.merged_shard, n.secret
FROM unnest($1::smallint[], $2::text[]) AS u(shard, member_id)
CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = u.shard AND member.member_id = u.member_id LIMIT 1) m
LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = m.merged_shard AND member.number = m.merged_into LIMIT 1) n ON true;

-- name: look_up_members
-- The same, and the ledger's epoch and how often ids came to mean others: in the first row, whoever is found.
SELECT g.epoch, g.change, m.*
FROM (SELECT (SELECT epoch FROM ledger) AS epoch, (SELECT max(number) FROM member_change) AS change) g LEFT JOIN LATERAL (
  SELECT x.shard, x.member_id, x.number, x.secret, x.merged_into, x.merged_shard, n.secret, n.member_id AS merged_id
  FROM unnest($1::smallint[], $2::text[]) AS u(shard, member_id)
  CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = u.shard AND member.member_id = u.member_id LIMIT 1) x
  LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = x.merged_shard AND member.number = x.merged_into LIMIT 1) n ON true
) m ON true;

-- name: accept
-- Keys, members, addresses and inbox in one statement: one round trip and one commit for all who came meanwhile. Keys and
-- members go in sorted, so that two hosts which bring the same ones never wait for each other in a circle. A document whose
-- member is not as the caller knew it stays out. A member whom another host enrolled meanwhile ends the statement, and so
-- does a name that it gave. The last two are the epoch and the change that members are remembered by: while the ledger has
-- those, nobody has to be looked at.
WITH n AS MATERIALIZED (
  SELECT ordinality AS i, nextval('member_number')::int AS number, name_number, shard, member_id, secret, stranger
  FROM unnest($2::smallint[], $3::text[], $4::bytea[], $5::bytea[], $22::int[]) WITH ORDINALITY AS u(shard, member_id, secret, stranger, name_number)
), u AS MATERIALIZED (  -- numbered before anything is joined to it: a join gives rows in any order
  SELECT nextval('document_sequence') AS sequence, u.*
  FROM unnest($6::int[], $7::smallint[], $8::"char"[], $9::bytea[], $10::smallint[], $11::text[], $12::text[], $13::int[], $14::text[],
              $15::text[], $16::text[], $17::text[], $18::bytea[], $19::text[], $20::bytea[], $21::bytea[])
       AS u(new, home, kind, fingerprint, shard, source, id, number, member_id, order_source, order_id, actor, stranger, email, content, raw)
), t AS MATERIALIZED (
  SELECT coalesce(n.number, u.number) AS member, u.* FROM u LEFT JOIN n ON n.i = u.new
), d AS (
  INSERT INTO document (home, kind, shard, member_shard, member, sequence, accepted_at, fingerprint, source, id)
  SELECT home, kind, shard, shard, member, sequence, $1, fingerprint, source, id FROM t
  WHERE ($23 = (SELECT epoch FROM ledger) AND $24 = (SELECT max(number) FROM member_change)) OR number IS NULL OR member_id IS NULL OR EXISTS (
    SELECT FROM member m WHERE m.shard = t.shard AND m.number = t.number AND m.member_id = t.member_id AND m.merged_into IS NULL)
  ORDER BY home, source, kind, id
  ON CONFLICT (home, source, kind, id) DO NOTHING RETURNING sequence
), k AS MATERIALIZED (
  SELECT t.* FROM t JOIN d USING (sequence)
), m AS (
  INSERT INTO member (shard, number, member_id, name_number, enrolled_at, secret)
  SELECT shard, number, member_id, name_number, $1, secret FROM n WHERE i IN (SELECT new FROM k) ORDER BY shard, member_id
), b AS (
  INSERT INTO name (name_number, member) SELECT name_number, number FROM n WHERE i IN (SELECT new FROM k) ORDER BY name_number
), x AS MATERIALIZED (
  SELECT n.number, n.secret, n.shard, y.* FROM n, LATERAL (
    SELECT sequence, kind, source, id FROM inbox WHERE inbox.shard = n.shard AND inbox.stranger = n.stranger
    UNION ALL SELECT sequence, kind, source, id FROM aside WHERE aside.stranger = n.stranger) y
  WHERE n.i IN (SELECT new FROM k)
), s AS (
  UPDATE document SET member = x.number, member_shard = x.shard, shard = x.shard, fingerprint = substr(sha256(x.secret || document.fingerprint), 1, 16) FROM x
  WHERE document.home = get_byte(sha256(convert_to(x.kind::text || '/' || x.source || '/' || x.id, 'UTF8')), 0) % 16 AND document.source = x.source AND document.kind = x.kind
    AND document.id = x.id AND document.member IS NULL
), si AS (
  UPDATE inbox SET member = x.number, stranger = NULL FROM x WHERE inbox.shard = x.shard AND inbox.sequence = x.sequence
), sa AS (
  UPDATE aside SET member = x.number, shard = x.shard, stranger = NULL FROM x WHERE aside.sequence = x.sequence
), c AS (
  INSERT INTO contact (member, email)
  SELECT DISTINCT ON (member) member, email FROM k WHERE email IS NOT NULL AND member IS NOT NULL ORDER BY member, sequence
  ON CONFLICT (member) DO NOTHING RETURNING member
), w AS (
  UPDATE message SET state = 'due', due_at = $1
  FROM (SELECT member FROM c UNION ALL SELECT gone FROM merged WHERE stays = ANY(ARRAY(SELECT member FROM c))) w
  WHERE message.member = w.member AND message.state = 'held'
)
INSERT INTO inbox (shard, sequence, accepted_at, ready_at, member, kind, source, id, order_source, order_id, actor, stranger, content, raw)
SELECT shard, sequence, $1, $1, member, kind, source, id, order_source, order_id, actor, stranger, content, raw FROM k
RETURNING source, kind, id;

-- name: accept_known
-- The same of documents that enrol nobody and bring no address.
WITH u AS MATERIALIZED (
  SELECT nextval('document_sequence') AS sequence, unnest($2::smallint[]) AS home, unnest($3::"char"[]) AS kind, unnest($4::bytea[]) AS fingerprint,
         unnest($5::smallint[]) AS shard, unnest($6::text[]) AS source, unnest($7::text[]) AS id, unnest($8::int[]) AS number,
         unnest($9::text[]) AS member_id, unnest($10::text[]) AS order_source, unnest($11::text[]) AS order_id, unnest($12::text[]) AS actor,
         unnest($13::bytea[]) AS stranger, unnest($14::bytea[]) AS content, unnest($15::bytea[]) AS raw
), d AS (
  INSERT INTO document (home, kind, shard, member_shard, member, sequence, accepted_at, fingerprint, source, id)
  SELECT home, kind, shard, shard, number, sequence, $1, fingerprint, source, id FROM u
  WHERE ($16 = (SELECT epoch FROM ledger) AND $17 = (SELECT max(number) FROM member_change)) OR number IS NULL OR member_id IS NULL OR EXISTS (
    SELECT FROM member m WHERE m.shard = u.shard AND m.number = u.number AND m.member_id = u.member_id AND m.merged_into IS NULL)
  ORDER BY home, source, kind, id
  ON CONFLICT (home, source, kind, id) DO NOTHING RETURNING sequence
)
INSERT INTO inbox (shard, sequence, accepted_at, ready_at, member, kind, source, id, order_source, order_id, actor, stranger, content, raw)
SELECT shard, sequence, $1, $1, number, kind, source, id, order_source, order_id, actor, stranger, content, raw FROM u JOIN d USING (sequence)
RETURNING source, kind, id;

-- name: accept_new
-- The same of documents of members who are known, none of which was here before; one that was ends the statement. Gives how many
-- went in: none, where the epoch or the change is not the one that the members are remembered by. Each table has its columns from
-- the arguments: rows that both are made of would be written down first. In a select list arrays go side by side; in FROM each is
-- written down by itself.
WITH s AS MATERIALIZED (
  SELECT array_agg(nextval('document_sequence')) AS sequences FROM generate_series(1, cardinality($2::smallint[]))
  HAVING $14 = (SELECT epoch FROM ledger) AND $15 = (SELECT max(number) FROM member_change)
), d AS (
  INSERT INTO document (home, kind, shard, member_shard, member, sequence, accepted_at, fingerprint, source, id)
  SELECT home, kind, shard, shard, number, sequence, $1, fingerprint, source, id FROM (
    SELECT unnest($2::smallint[]) AS home, unnest($3::"char"[]) AS kind, unnest($4::bytea[]) AS fingerprint, unnest($5::smallint[]) AS shard,
           unnest($6::text[]) AS source, unnest($7::text[]) AS id, unnest($8::int[]) AS number, unnest(sequences) AS sequence
    FROM s) u
  ORDER BY home, source, kind, id
), i AS (
  INSERT INTO inbox (shard, sequence, accepted_at, ready_at, member, kind, source, id, order_source, order_id, actor, content, raw)
  SELECT unnest($5::smallint[]), unnest(sequences), $1, $1, unnest($8::int[]), unnest($3::"char"[]), unnest($6::text[]), unnest($7::text[]),
         unnest($9::text[]), unnest($10::text[]), unnest($11::text[]), unnest($12::bytea[]), unnest($13::bytea[])
  FROM s
)
SELECT cardinality(sequences) FROM s;

-- name: place_strangers!
-- What came for an id before it was anybody's is this member's: again after the commit of who enrolled it and of who
-- handed it in, since neither may have seen the other.
WITH x AS MATERIALIZED (
  SELECT m.number, m.secret, m.shard, y.* FROM unnest($1::smallint[], $2::text[], $3::bytea[]) AS u(shard, member_id, stranger)
  CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = u.shard AND member.member_id = u.member_id LIMIT 1) m, LATERAL (
    SELECT sequence, kind, source, id FROM inbox WHERE inbox.shard = u.shard AND inbox.stranger = u.stranger
    UNION ALL SELECT sequence, kind, source, id FROM aside WHERE aside.stranger = u.stranger) y
), s AS (
  UPDATE document SET member = x.number, member_shard = x.shard, shard = x.shard, fingerprint = substr(sha256(x.secret || document.fingerprint), 1, 16) FROM x
  WHERE document.home = get_byte(sha256(convert_to(x.kind::text || '/' || x.source || '/' || x.id, 'UTF8')), 0) % 16 AND document.source = x.source AND document.kind = x.kind
    AND document.id = x.id AND document.member IS NULL
), sa AS (
  UPDATE aside SET member = x.number, shard = x.shard, stranger = NULL FROM x WHERE aside.sequence = x.sequence
)
UPDATE inbox SET member = x.number, stranger = NULL FROM x WHERE inbox.shard = x.shard AND inbox.sequence = x.sequence;

-- name: taken
-- Which documents were taken before. Hardly ever is there one: who finds some asks for all of `known`.
SELECT d.kind, d.source, d.id FROM unnest($1::smallint[], $2::text[], $3::"char"[], $4::text[]) AS u(home, source, kind, id)
CROSS JOIN LATERAL (
  SELECT * FROM document WHERE document.home = u.home AND document.source = u.source AND document.kind = u.kind AND document.id = u.id LIMIT 1) d;

-- name: known
-- Documents that were taken before: the first answer, or what a conflict is told by. `ids` are all of the member's, where it
-- became one with others.
SELECT d.source, d.kind, d.id, d.fingerprint, d.member, m.secret, coalesce(i.state, a.state) AS state, w.position, d.shard, d.sequence,
       m.number IS NOT NULL AND m.member_id IS NULL AS erased, coalesce(m.merged_into, d.member) AS owner,
       coalesce(m.merged_shard, d.shard) AS owner_shard, coalesce(i.stranger, a.stranger) AS stranger,
       ARRAY(SELECT (SELECT member_id FROM member WHERE member.shard = x.shard AND member.number = x.number)
             FROM merged g, LATERAL (VALUES (g.gone_shard, g.gone), (coalesce(m.merged_shard, m.shard), g.stays)) AS x(shard, number)
             WHERE g.stays = coalesce(m.merged_into, d.member)) AS ids
FROM unnest($1::smallint[], $2::text[], $3::"char"[], $4::text[]) AS u(home, source, kind, id)
CROSS JOIN LATERAL (
  SELECT * FROM document WHERE document.home = u.home AND document.source = u.source AND document.kind = u.kind AND document.id = u.id LIMIT 1) d
LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = d.member_shard AND member.number = d.member LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT 'r'::"char" AS state, stranger FROM inbox WHERE inbox.shard = d.shard AND inbox.sequence = d.sequence LIMIT 1) i ON true
LEFT JOIN aside a ON a.sequence = d.sequence
LEFT JOIN LATERAL (SELECT * FROM award WHERE award.shard = d.shard AND award.sequence = d.sequence LIMIT 1) w ON true;

-- name: keep_message
-- Whether a message in quarantine has its bytes, which it keeps until this transaction ends.
SELECT a.raw <> '' FROM document d JOIN aside a ON a.sequence = d.sequence
WHERE d.home = $1 AND d.source = $2 AND d.kind = 'g' AND d.id = $3 AND a.state = 'q' FOR SHARE OF a;

-- name: document_state
-- How far a document got; only where it is this member's, if one is named: of that number, or of that stranger.
SELECT coalesce(i.state, a.state) AS state, d.shard, w.position, d.accepted_at, m.member_id, coalesce(a.reason, '') AS reason,
       coalesce(i.content, a.content, c.content) AS content, coalesce(i.actor, a.actor, e.actor) AS actor,
       coalesce(i.order_source, a.order_source) AS order_source, coalesce(i.order_id, a.order_id) AS order_id
FROM document d
LEFT JOIN LATERAL (SELECT * FROM member WHERE member.shard = d.member_shard AND member.number = d.member LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT 'r'::"char" AS state, stranger, content, actor, order_source, order_id FROM inbox
                   WHERE inbox.shard = d.shard AND inbox.sequence = d.sequence LIMIT 1) i ON true
LEFT JOIN aside a ON a.sequence = d.sequence
LEFT JOIN LATERAL (SELECT * FROM award WHERE award.shard = d.shard AND award.sequence = d.sequence LIMIT 1) w ON true
LEFT JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = d.shard AND entry.position = w.position LIMIT 1) e ON true
LEFT JOIN LATERAL (SELECT * FROM content WHERE content.shard = d.shard AND content.position = w.position LIMIT 1) c ON true
WHERE d.home = $1 AND d.source = $2 AND d.kind = $3::"char" AND d.id = $4
  AND ($5::text IS NULL OR (SELECT coalesce(o.merged_into, o.number) FROM member o WHERE o.shard = $6 AND o.member_id = $5)
       = coalesce(m.merged_into, m.number) OR coalesce(i.stranger, a.stranger) = $7::bytea);

-- name: insert_document!
-- Remember a document for ever that is settled at once.
INSERT INTO document (home, kind, shard, member_shard, member, sequence, accepted_at, fingerprint, source, id)
SELECT home, kind, shard, shard, member, sequence, accepted_at, fingerprint, source, id
FROM unnest($1::smallint[], $2::"char"[], $3::smallint[], $4::int[], $5::bigint[], $6::bigint[], $7::bytea[], $8::text[], $9::text[])
  AS u(home, kind, shard, member, sequence, accepted_at, fingerprint, source, id) ORDER BY home, source, kind, id;

-- name: insert_members!
-- Enrol.
WITH u AS MATERIALIZED (
  SELECT * FROM unnest($1::smallint[], $2::int[], $3::int[], $4::bigint[], $5::text[], $6::bytea[])
    AS u(shard, number, name_number, enrolled_at, member_id, secret)
), b AS (
  INSERT INTO name (name_number, member) SELECT name_number, number FROM u ORDER BY name_number
)
INSERT INTO member (shard, number, name_number, enrolled_at, member_id, secret)
SELECT shard, number, name_number, enrolled_at, member_id, secret FROM u ORDER BY shard, member_id;

-- name: names_taken
-- Which of these name numbers somebody bears, or bore.
SELECT name_number FROM name WHERE name_number = ANY($1::int[]);

-- name: find_document
-- Whether there is such a document.
SELECT sequence FROM document WHERE home = $1 AND source = $2 AND kind = $3::"char" AND id = $4;

-- name: member_shard
-- Where a member is, by its number alone: costs a look into every shard.
SELECT m.shard, m.secret FROM generate_series(0, 15) AS s
CROSS JOIN LATERAL (SELECT * FROM member WHERE member.shard = s AND member.number = $1 LIMIT 1) m;

-- name: find_intent
-- A purchase, by its circle and its order id.
SELECT source, order_id, fingerprint, state, member_id, member, content, total, currency, method, begun_at, reference, reason
FROM intent WHERE source = $1 AND order_id = $2;

-- name: lock_intent
-- The same, kept from everybody else.
SELECT source, order_id, fingerprint, state, member_id, member, content, total, currency, method, begun_at, reference, reason
FROM intent WHERE source = $1 AND order_id = $2 FOR UPDATE;

-- name: lock_purchase
-- Keep others from an order id of a circle, whether there is an intent of it or not.
SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 1279350124));

-- name: insert_intent!
-- Somebody is about to pay.
INSERT INTO intent (source, order_id, fingerprint, state, member_id, content, total, currency, method, begun_at)
VALUES ($1, $2, $3, 'open', $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING;

-- name: pay_intent!
-- The money was taken.
UPDATE intent SET state = 'paid', reference = $3 WHERE source = $1 AND order_id = $2 AND state = 'open';

-- name: fail_intent!
-- The money was not taken; what the order was and whose is not kept.
UPDATE intent SET state = 'failure', reason = $3, member_id = NULL, content = ''
WHERE source = $1 AND order_id = $2 AND state = 'open';

-- name: finish_intent!
-- The order was accepted; the ledger has it now.
UPDATE intent SET state = 'success', member_id = NULL, content = '' WHERE source = $1 AND order_id = $2 AND state = 'paid';

-- name: intents_under_way
-- Purchases begun before an instant and not ended, oldest first.
SELECT source, order_id, fingerprint, state, member_id, member, content, total, currency, method, begun_at, reference, reason
FROM intent WHERE state IN ('open', 'paid') AND begun_at <= $1 AND (begun_at, source, order_id) > ($2, $3, $4)
ORDER BY begun_at, source, order_id LIMIT $5;
