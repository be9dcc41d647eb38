-- Statements about members: their events, their contacts, and what is erased with them. One line of purpose over each.

-- name: set_hidden!
-- Leave the boards, or come back.
UPDATE member SET hidden = $3 WHERE shard = $1 AND number = $2;

-- name: set_name!
-- Another proxy name; the one before is not given again.
WITH b AS (INSERT INTO name (name_number, member) VALUES ($3, $2))
UPDATE member SET name_number = $3 WHERE shard = $1 AND number = $2;

-- name: count_renames
-- How often a member was renamed.
SELECT count(*) FROM member_event v JOIN entry e USING (shard, position) WHERE v.shard = $1 AND v.member = $2 AND e.kind = 'i';

-- name: contacts
-- Where members are reached.
SELECT member, email FROM contact WHERE member = ANY($1::int[]);

-- name: write_contact!
-- Where a member is reached; what was held for an address is due, of those who became the member, too.
WITH c AS (INSERT INTO contact (member, email) VALUES ($1, $2) ON CONFLICT (member) DO UPDATE SET email = excluded.email)
UPDATE message SET state = 'due', due_at = $3 FROM (SELECT $1 UNION ALL SELECT gone FROM merged WHERE stays = $1) w (member)
WHERE message.member = w.member AND state = 'held';

-- name: write_first_contacts!
-- Where members are reached, if nothing is known; what was held for an address is due.
WITH c AS (INSERT INTO contact (member, email) SELECT * FROM unnest($1::int[], $2::text[]) ON CONFLICT (member) DO NOTHING RETURNING member)
UPDATE message SET state = 'due', due_at = $3
FROM (SELECT member FROM c UNION ALL SELECT gone FROM merged WHERE stays = ANY(ARRAY(SELECT member FROM c))) w
WHERE message.member = w.member AND state = 'held';

-- name: forget_contact!
-- Erase the address.
DELETE FROM contact WHERE member = $1;

-- name: forget_member!
-- Erase the id and the secret; the number and its entries stay.
UPDATE member SET member_id = NULL, secret = NULL WHERE shard = $1 AND number = $2;

-- name: forget_received!
-- Erase what was received from or about a member and is still kept, wherever it waits; and people's words on dropping it,
-- which stand behind the first colon and space. What it says goes once it is awarded, or dropped (earlier versions kept it).
-- Why a message could not be read may quote it.
WITH a AS (UPDATE aside SET raw = '', stranger = NULL, content = CASE state WHEN 'd' THEN '' ELSE content END,
                            reason = CASE WHEN state = 'd' THEN split_part(reason, ': ', 1)
                                          WHEN kind = 'g' THEN 'its customer was erased' ELSE reason END
           WHERE member = $2 OR stranger = $3)
UPDATE inbox SET raw = '', stranger = NULL WHERE (shard = $1 AND member = $2) OR stranger = $3;

-- name: forget_said!
-- Erase people's words about a member's entries and events, and what its documents said.
WITH RECURSIVE w(position) AS (
  SELECT last_position FROM balance WHERE shard = $1 AND member = $2
  UNION ALL SELECT e.previous FROM w
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = $1 AND entry.position = w.position LIMIT 1) e WHERE e.previous > 0),
r AS (DELETE FROM remark WHERE shard = $1 AND position = ANY(ARRAY(
  SELECT position FROM w UNION ALL SELECT position FROM member_event WHERE shard = $1 AND member = $2)))
DELETE FROM content WHERE shard = $1 AND position = ANY(ARRAY(SELECT position FROM w));

-- name: forget_attributes!
-- Erase what the shop says of a member.
DELETE FROM attribute WHERE member = $1;

-- name: forget_due!
-- Nothing happens to a member by itself any more.
DELETE FROM due WHERE shard = $1 AND member = $2;

-- name: keep_member
-- Whether a member still has its id; it keeps that until this transaction ends.
SELECT true FROM member WHERE shard = $1 AND number = $2 AND member_id = $3 AND merged_into IS NULL FOR SHARE;

-- name: write_attributes!
-- What the shop says of a member.
INSERT INTO attribute (member, content) VALUES ($1, $2) ON CONFLICT (member) DO UPDATE SET content = excluded.content;

-- name: forget_messages!
-- What was not sent to an erased member never is.
UPDATE message SET state = 'dropped' WHERE member = $1 AND state IN ('due', 'held');

-- name: forget_buyer!
-- Take an erased member out of the purchases under way; one that is paid for goes to the member's number.
UPDATE intent SET member_id = NULL, member = $1 WHERE member_id = $2;

-- name: forget_stranger
-- Let go of what came for an id that is nobody's, and of people's words on dropping it; whether there was any.
WITH i AS (UPDATE inbox SET raw = '', stranger = NULL WHERE stranger = $1 RETURNING 1),
a AS (UPDATE aside SET raw = '', stranger = NULL, reason = CASE WHEN state = 'd' THEN split_part(reason, ': ', 1)
                                                                WHEN kind = 'g' THEN 'its customer was erased' ELSE reason END
      WHERE stranger = $1 RETURNING 1)
SELECT EXISTS (SELECT FROM i) OR EXISTS (SELECT FROM a);

-- name: forget_naming
-- Let go of messages in quarantine that name a member beside others, by a digest of its id; whether there was any.
WITH a AS (UPDATE aside SET raw = '', reason = 'its customer was erased'
           WHERE state = 'q' AND kind = $1 AND raw <> '' AND position($2::bytea IN content) > 0 RETURNING 1)
SELECT EXISTS (SELECT FROM a);

-- name: market_entries
-- What a member's market follows from, newest first: the last entry that names a currency, and mergers and transfers behind
-- it. Costs by the entries behind it.
WITH RECURSIVE w(currency, kind, details, previous, n) AS (
  SELECT e.currency, e.kind, e.details, e.previous, 1 FROM balance b
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = $1 AND entry.position = b.last_position LIMIT 1) e
  WHERE b.shard = $1 AND b.member = $2
  UNION ALL SELECT e.currency, e.kind, e.details, e.previous, n + 1 FROM w
  CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.shard = $1 AND entry.position = w.previous LIMIT 1) e
  WHERE w.currency IS NULL AND w.previous > 0)
SELECT currency, details FROM w WHERE currency IS NOT NULL OR kind IN ('m', 'g') ORDER BY n;

-- name: merge_member!
-- A member becomes another, and so do those who became it.
WITH g AS (SELECT gone, gone_shard FROM merged WHERE stays = $2 UNION ALL SELECT $2, $1),
m AS (UPDATE member SET merged_into = $4, merged_shard = $3 FROM g WHERE member.shard = g.gone_shard AND member.number = g.gone),
d AS (UPDATE merged SET stays = $4 WHERE stays = $2)
INSERT INTO merged (stays, gone, gone_shard) VALUES ($4, $2, $1);

-- name: merge_rest!
-- Milestones, address and what the shop says go over to the other; what was held for an address is due.
WITH m AS (INSERT INTO milestone (member, name, points, reached_at, quiet)
           SELECT $2, name, points, reached_at, quiet FROM milestone WHERE member = $1 ON CONFLICT DO NOTHING),
a AS (INSERT INTO attribute (member, content) SELECT $2, content FROM attribute WHERE member = $1 ON CONFLICT (member) DO NOTHING),
g AS (DELETE FROM attribute WHERE member = $1),
c AS (INSERT INTO contact (member, email) SELECT $2, email FROM contact WHERE member = $1 ON CONFLICT (member) DO NOTHING)
DELETE FROM contact WHERE member = $1;

-- name: release_messages!
-- Two became one: what was held for an address that either has is due.
UPDATE message SET state = 'due', due_at = $2 FROM (SELECT $1 UNION ALL SELECT gone FROM merged WHERE stays = $1) w (member)
WHERE message.member = w.member AND state = 'held' AND EXISTS (SELECT FROM contact WHERE contact.member = $1);

-- name: drop_told_twice!
-- Of what members who became one would both be told, what was sent is kept, or else the first.
WITH w (member) AS (SELECT $1 UNION ALL SELECT gone FROM merged WHERE stays = $1)
UPDATE message SET state = 'dropped', note = 'told already' FROM w WHERE message.member = w.member AND state IN ('due', 'held')
AND EXISTS (SELECT FROM w x JOIN message o ON o.member = x.member WHERE o.milestone = message.milestone
            AND (o.state = 'sent' OR o.state IN ('due', 'held') AND (o.created_at, o.id) < (message.created_at, message.id)));

-- name: documents_of
-- What is on its way of a member.
SELECT sequence FROM inbox WHERE shard = $1 AND member = $2 UNION ALL SELECT sequence FROM aside WHERE shard = $1 AND member = $2;

-- name: closed_months_of
-- What a member scored in closed months, which are another's from now on.
-- A look-up a month, however many members there are.
WITH RECURSIVE closed(month) AS (
  SELECT (SELECT min(month) FROM closed_month WHERE shard = $1)
  UNION ALL SELECT (SELECT min(month) FROM closed_month c WHERE c.shard = $1 AND c.month > closed.month) FROM closed WHERE month IS NOT NULL)
DELETE FROM closed_month USING closed
WHERE closed_month.shard = $1 AND closed_month.month = closed.month AND closed_month.member = $2 RETURNING closed_month.month, closed_month.score;
