-- How far each target of events got in the feed, and who sends to it.

CREATE TABLE follower (
    target TEXT NOT NULL,
    shard INTEGER NOT NULL,
    position INTEGER NOT NULL,     -- of the last entry that went there
    hash BLOB NOT NULL,
    PRIMARY KEY (target, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE follower_lease (      -- one process at a time sends to a target, so that a member's events stay in order
    target TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
