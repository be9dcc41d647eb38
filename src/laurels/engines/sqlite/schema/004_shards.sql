-- What many shards, a second format of entries, kept documents, people's words apart, and programs in force need.
--
-- A place is a shard and a position in it as one number (shard * 2^40 + position): the rows of a shard lie together, in
-- order, and what has one shard alone keeps its numbers.

ALTER TABLE ledger ADD COLUMN shards INTEGER NOT NULL DEFAULT 1;    -- for ever as made
ALTER TABLE ledger ADD COLUMN secret BLOB;                          -- keys the fingerprints of documents without a member
UPDATE ledger SET secret = randomblob(16);

CREATE TABLE shard (               -- where each shard's feed ends
    shard INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    hash BLOB NOT NULL,
    recorded_at INTEGER NOT NULL   -- of the last entry; recording never goes back
) STRICT;
INSERT INTO shard SELECT 0, head_position, head_hash, recorded_at FROM ledger;
ALTER TABLE ledger DROP COLUMN head_position;
ALTER TABLE ledger DROP COLUMN head_hash;
ALTER TABLE ledger DROP COLUMN recorded_at;

CREATE TABLE epoch (               -- epochs after the first: where each shard's feed was when it began
    epoch INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hash BLOB NOT NULL,
    began_at INTEGER NOT NULL,
    PRIMARY KEY (epoch, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (               -- whose turn it is to award a shard; a fence for each change of hands
    shard INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    fence INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;

CREATE TABLE awarder (             -- the processes that award: each has an equal share of the shards
    owner TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

DROP TRIGGER entry_is_never_changed;
DROP TRIGGER entry_is_never_deleted;
ALTER TABLE entry RENAME COLUMN position TO place;
ALTER TABLE entry ADD COLUMN format INTEGER NOT NULL DEFAULT 1;
ALTER TABLE entry ADD COLUMN details BLOB;     -- JSON by kind, under the hash from format 2 on
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries never change'); END;
CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries never change'); END;

CREATE TABLE remark (              -- people's words about an entry: personal data, erased with the member
    place INTEGER PRIMARY KEY REFERENCES entry,
    reason TEXT NOT NULL,          -- for colleagues
    note TEXT NOT NULL             -- for the customer
) STRICT;

CREATE TABLE content (             -- what a document said that led to the entry at a place, without who; kept for a time
    place INTEGER PRIMARY KEY REFERENCES entry,
    content BLOB NOT NULL
) STRICT;

ALTER TABLE member ADD COLUMN shard INTEGER NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN place INTEGER;       -- of its enrolment's entry; empty until that is written
ALTER TABLE member ADD COLUMN secret BLOB;         -- keys its documents' fingerprints; gone once it was erased
ALTER TABLE member ADD COLUMN merged_into INTEGER; -- the member that it became one with
UPDATE member SET secret = randomblob(16);
UPDATE member SET place = (SELECT place FROM entry WHERE entry.member = number AND kind = 'enrol');
CREATE INDEX member_merged ON member (merged_into) WHERE merged_into IS NOT NULL;

ALTER TABLE balance ADD COLUMN month INTEGER NOT NULL DEFAULT 0;        -- the newest month with a score (202611)
ALTER TABLE balance ADD COLUMN month_score INTEGER NOT NULL DEFAULT 0;
ALTER TABLE balance ADD COLUMN before_score INTEGER NOT NULL DEFAULT 0; -- of the month before
ALTER TABLE balance ADD COLUMN state BLOB;                              -- the program's, opaque

CREATE TABLE closed_month (        -- scores of older months
    month INTEGER NOT NULL,
    member INTEGER NOT NULL REFERENCES member,
    score INTEGER NOT NULL,
    PRIMARY KEY (month, member)
) STRICT, WITHOUT ROWID;

ALTER TABLE accepted RENAME COLUMN position TO place;
UPDATE accepted SET fingerprint = keyed(coalesce((SELECT secret FROM member WHERE number = member), (SELECT secret FROM ledger)), fingerprint);
UPDATE member SET secret = NULL WHERE member_id IS NULL;

ALTER TABLE inbox ADD COLUMN shard INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inbox ADD COLUMN stranger BLOB;    -- a keyed digest of the member's id, while that is nobody's
UPDATE inbox SET stranger = keyed((SELECT secret FROM ledger), CAST(member_id AS BLOB)) WHERE member_id IS NOT NULL;
ALTER TABLE inbox DROP COLUMN member_id;
ALTER TABLE inbox ADD COLUMN order_source TEXT;
ALTER TABLE inbox ADD COLUMN actor TEXT;
UPDATE inbox SET order_source = source WHERE order_id IS NOT NULL;
DROP INDEX inbox_ready;
DROP INDEX inbox_waiting;
DROP INDEX inbox_waiting_since;
CREATE INDEX inbox_ready ON inbox (shard, sequence) WHERE state = 'ready';
CREATE INDEX inbox_waiting ON inbox (order_source, order_id, sequence) WHERE state = 'waiting';
CREATE INDEX inbox_waiting_since ON inbox (shard, changed_at) WHERE state = 'waiting';
CREATE INDEX inbox_stranger ON inbox (stranger) WHERE stranger IS NOT NULL;

ALTER TABLE award ADD COLUMN frame BLOB;           -- all else that its points depend on: the program's, opaque
ALTER TABLE award ADD COLUMN refunded BLOB;        -- what was given back, and how: the program's, opaque
ALTER TABLE award ADD COLUMN places BLOB;          -- of its entries, as a JSON array

CREATE TABLE redemption (          -- redemptions of which points came back; of the others their entry says all
    source TEXT NOT NULL,
    redemption_id TEXT NOT NULL,
    restored INTEGER NOT NULL,
    PRIMARY KEY (source, redemption_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE due (                 -- what happens to a member by the clock
    shard INTEGER NOT NULL,
    at INTEGER NOT NULL,
    member INTEGER NOT NULL REFERENCES member,
    what BLOB NOT NULL,
    PRIMARY KEY (shard, at, member, what)
) STRICT, WITHOUT ROWID;

DROP TRIGGER program_is_never_changed;
ALTER TABLE program ADD COLUMN from_at INTEGER;    -- in force from this instant; the first one always was
ALTER TABLE program ADD COLUMN actor TEXT;
UPDATE program SET from_at = published_at WHERE version > (SELECT min(version) FROM program);
CREATE TRIGGER program_is_never_changed BEFORE UPDATE ON program
BEGIN SELECT RAISE(ABORT, 'a published program never changes'); END;

CREATE TABLE draft (               -- programs that were handed in and are not, or not yet, in force
    digest TEXT PRIMARY KEY,       -- of the text
    version INTEGER NOT NULL,
    text TEXT NOT NULL,
    submitted_by TEXT NOT NULL,
    submitted_at INTEGER NOT NULL,
    approved_by TEXT,
    approved_at INTEGER
) STRICT, WITHOUT ROWID;
