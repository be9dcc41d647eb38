-- Sums of the feed by day, for reports. All of it may be thrown away: it is made anew from the entries.

CREATE TABLE rollup (              -- one row: how the cells were made; '' where there are none
    one INTEGER PRIMARY KEY CHECK (one = 1),
    scheme TEXT NOT NULL,
    due_at INTEGER NOT NULL        -- when it was looked what falls due
) STRICT;
INSERT INTO rollup VALUES (1, '', 0);

CREATE TABLE rollup_mark (         -- up to which entry of each shard the cells go
    shard INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE rollup_cell (
    basis TEXT NOT NULL,           -- the day of recording, or of occurrence
    day INTEGER NOT NULL,          -- 20261124, by the program's zone
    kind TEXT NOT NULL,
    part TEXT NOT NULL,
    source TEXT NOT NULL,
    market TEXT NOT NULL,
    points INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (basis, day, kind, part, source, market)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_member (       -- what counting a member's next entry needs
    number INTEGER PRIMARY KEY,
    market TEXT NOT NULL,
    tier TEXT NOT NULL,
    active_on INTEGER NOT NULL
) STRICT;

CREATE TABLE rollup_due (
    what TEXT NOT NULL,            -- pending, lapse
    day INTEGER NOT NULL,
    points INTEGER NOT NULL,
    members INTEGER NOT NULL,
    PRIMARY KEY (what, day)
) STRICT, WITHOUT ROWID;
