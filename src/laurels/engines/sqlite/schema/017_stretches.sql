-- A member's entries by stretches of 65,536 places. What is appended goes into the few pages of the last stretch, where in
-- an index by member alone nearly each entry of a large ledger has a page of its own to be changed.
DROP INDEX entry_member;
CREATE INDEX entry_member ON entry (place >> 16, member);

CREATE VIEW member_entry (member, place) AS  -- the entries of a member: ask for one member
WITH RECURSIVE stretch (number) AS (
    SELECT (shard << 40 | position) >> 16 FROM shard
    UNION ALL SELECT number - 1 FROM stretch WHERE number & 16777215
)
SELECT entry.member, entry.place FROM stretch CROSS JOIN entry ON entry.place >> 16 = stretch.number;
